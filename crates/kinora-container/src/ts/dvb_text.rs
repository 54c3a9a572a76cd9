//! Texts of service information (ETSI EN 300 468 annex A): the first bytes choose the charset.

use encoding_rs::{EUC_KR, Encoding, GBK, UTF_8, UTF_16BE};

/// What a text says, without control codes; `None` where it is empty or of a charset that is not public.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let text = match bytes {
        // Table A.3.
        [table @ 0x01..=0x0b, rest @ ..] => latin(u16::from(*table).saturating_add(4), rest)?,
        // Table A.4.
        [0x10, high, low, rest @ ..] => latin(u16::from_be_bytes([*high, *low]), rest)?,
        // 0x14 is the part of ISO/IEC 10646 that Big5 has.
        [0x11 | 0x14, rest @ ..] => read(UTF_16BE, rest),
        [0x12, rest @ ..] => read(EUC_KR, rest),
        [0x13, rest @ ..] => read(GBK, rest),
        [0x15, rest @ ..] => read(UTF_8, rest),
        [0x20..=0xff, ..] => iso_6937(bytes),
        _ => return None,
    };
    let text: String = text.chars().filter_map(printable).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Control codes of annex A.1, which wide charsets have among their private characters: an end of line separates words.
fn printable(letter: char) -> Option<char> {
    match letter {
        '\u{8a}' | '\u{e08a}' | '\n' => Some(' '),
        '\u{e080}'..='\u{e09f}' => None,
        letter if letter.is_control() => None,
        letter => Some(letter),
    }
}

fn read(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// A part of ISO/IEC 8859. What stands for it in the Encoding Standard has letters in place of some control codes.
fn latin(part: u16, bytes: &[u8]) -> Option<String> {
    let encoding = Encoding::for_label(format!("iso-8859-{part}").as_bytes())?;
    let lines = bytes
        .iter()
        .map(|byte| if *byte == 0x8a { b' ' } else { *byte });
    let letters: Vec<u8> = lines.filter(|byte| !(0x80..0xa0).contains(byte)).collect();
    Some(read(encoding, &letters))
}

/// ISO/IEC 6937 with the euro sign, figure A.1. Accents come before their letters.
fn iso_6937(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut accent = None;
    for &byte in bytes {
        if let Some(found) = accent_of(byte) {
            accent = Some(found);
            continue;
        }
        let letter = match byte {
            0xa0.. => char_of(byte),
            _ => Some(char::from(byte)),
        };
        match (accent.take(), letter) {
            (Some((mark, pairs)), Some(letter)) => match composed(pairs, letter) {
                Some(composed) => text.push(composed),
                None => text.extend([letter, mark]),
            },
            (None, Some(letter)) => text.push(letter),
            (_, None) => {}
        }
    }
    text
}

/// The letter that an accent makes of another one.
fn composed(pairs: &str, letter: char) -> Option<char> {
    let mut letters = pairs.chars();
    while let (Some(base), Some(composed)) = (letters.next(), letters.next()) {
        if base == letter {
            return Some(composed);
        }
    }
    None
}

/// A mark and the letters that it composes with, each before what comes of it.
type Accent = (char, &'static str);

fn accent_of(byte: u8) -> Option<Accent> {
    Some(match byte {
        0xc1 => ('\u{300}', "AÀEÈIÌOÒUÙaàeèiìoòuù"),
        0xc2 => (
            '\u{301}',
            "AÁCĆEÉIÍLĹNŃOÓRŔSŚUÚYÝZŹaácćeégģiílĺnńoórŕsśuúyýzź",
        ),
        0xc3 => (
            '\u{302}',
            "AÂCĈEÊGĜHĤIÎJĴOÔSŜUÛWŴYŶaâcĉeêgĝhĥiîjĵoôsŝuûwŵyŷ",
        ),
        0xc4 => ('\u{303}', "AÃIĨNÑOÕUŨaãiĩnñoõuũ"),
        0xc5 => ('\u{304}', "AĀEĒIĪOŌUŪaāeēiīoōuū"),
        0xc6 => ('\u{306}', "AĂGĞUŬaăgğuŭ"),
        0xc7 => ('\u{307}', "CĊEĖGĠIİZŻcċeėgġzż"),
        0xc8 | 0xc9 => ('\u{308}', "AÄEËIÏOÖUÜYŸaäeëiïoöuüyÿ"),
        0xca => ('\u{30a}', "AÅUŮaåuů"),
        0xcb => ('\u{327}', "CÇGĢKĶLĻNŅRŖSŞTŢcçkķlļnņrŗsştţ"),
        0xcd => ('\u{30b}', "OŐUŰoőuű"),
        0xce => ('\u{328}', "AĄEĘIĮUŲaąeęiįuų"),
        0xcf => ('\u{30c}', "CČDĎEĚLĽNŇRŘSŠTŤZŽcčdďeělľnňrřsštťzž"),
        _ => return None,
    })
}

/// The upper half of the table; blanks are codes that stand for nothing.
fn char_of(byte: u8) -> Option<char> {
    const SIGNS: [&str; 6] = [
        "\u{a0}¡¢£€¥ §¤‘“«←↑→↓",
        "°±²³×µ¶·÷’”»¼½¾¿",
        "                ",
        "―¹®©™♪¬¦    ⅛⅜⅝⅞",
        "ΩÆĐªĦ ĲĿŁØŒºÞŦŊŉ",
        "ĸæđðħıĳŀłøœßþŧŋ\u{ad}",
    ];
    let row = usize::from(byte >> 4).checked_sub(0xa)?;
    let letter = SIGNS.get(row)?.chars().nth(usize::from(byte & 0x0f))?;
    (letter != ' ').then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(bytes: &[u8], text: &str) {
        assert_eq!(decode(bytes).as_deref(), Some(text), "{bytes:02x?}");
    }

    #[test]
    fn a_text_without_a_charset_is_iso_6937_with_accents_before_their_letters() {
        says(b"BBC ONE", "BBC ONE");
        says(b"T\xc2el\xc2e Qu\xc2ebec", "Télé Québec");
        says(b"\xcfC\xc1T \xc8u \xa4 \xaa\xba \xfb", "ČT\u{300} ü € “” ß");
        says(b"\xe8\xca\x61\xcc!", "Łå!");
    }

    #[test]
    fn the_first_bytes_choose_the_charset() {
        says(b"\x01\xbf\xd5\xe0\xd2\xeb\xd9", "Первый"); // ISO/IEC 8859-5
        says(b"\x05\xddstanbul", "İstanbul"); // 8859-9
        says(b"\x0bco\xfbt \xa4", "coût €"); // 8859-15
        says(b"\x10\x00\x02\xb9le", "šle"); // 8859-2
        says(b"\x11\x4e\x2d\x59\x2e", "中央");
        says(b"\x14\x81\xfa\x89\x96", "臺視");
        says(b"\x12\xc7\xd1\xb1\xb9", "한국");
        says(b"\x13CCTV-1\xd7\xdb\xba\xcf", "CCTV-1综合");
        says("\u{15}Arte HD – ünï".as_bytes(), "Arte HD – ünï");
    }

    #[test]
    fn emphasis_and_line_ends_are_no_letters() {
        says(b"\x86ZDF\x87\x8ainfo", "ZDF info");
        says(b"\x05\x86ZDF\x87\x8ainfo", "ZDF info");
        says(b"\x11\xe0\x86\x00Z\xe0\x87\xe0\x8a\x00D", "Z D");
        says("\u{15}\u{e086}Z\u{e087}".as_bytes(), "Z");
    }

    #[test]
    fn what_is_empty_or_of_no_public_charset_says_nothing() {
        for bytes in [
            &b""[..],
            b" ",
            b"\x08abc",
            b"\x10\x00\x0cabc",
            b"\x10\x00",
            b"\x1f\x01abc",
            b"\x0b",
        ] {
            assert_eq!(decode(bytes), None, "{bytes:02x?}");
        }
    }
}
