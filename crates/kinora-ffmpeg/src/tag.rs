//! Codec tags: four characters, or a number.

/// As people read it: `XVID`, `0x0055`; nothing for none.
pub(crate) fn shown(tag: u32) -> String {
    let chars = tag.to_le_bytes();
    match tag {
        0 => String::new(),
        _ if chars.iter().all(|c| matches!(c, 0x20..=0x7e)) => {
            chars.iter().copied().map(char::from).collect()
        }
        tag => format!("{tag:#06x}"),
    }
}

/// The number of what people read (`MKTAG`), as our demuxers show it; zero for none.
pub(crate) fn number(shown: &str) -> u32 {
    if let Some(digits) = shown.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).unwrap_or(0);
    }
    let chars = shown.as_bytes().first_chunk::<4>();
    chars.map_or(0, |chars| match shown.len() {
        4 => u32::from_le_bytes(*chars),
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_same_behind_its_text() {
        for tag in [0x4449_5658, 0x55, 0x2000, 0x6d, 0x7761_7274] {
            assert_eq!(number(&shown(tag)), tag);
        }
        assert_eq!(
            (shown(0x4449_5658).as_str(), shown(0x55).as_str()),
            ("XVID", "0x0055")
        );
        assert_eq!(
            (shown(0), number(""), number("V_MPEG4"), number("0xzz")),
            (String::new(), 0, 0, 0)
        );
    }
}
