use super::error::{HlsError, HlsErrorKind};

const MAX_LINE: usize = 256 << 10;

/// The lines of a playlist that hold something, numbered from 1, without the white space around them.
#[derive(Clone)]
pub(super) struct Lines<'a> {
    rest: core::str::Lines<'a>,
    number: u32,
    limit: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str, limit: usize) -> Self {
        // RFC 8216 4.1 forbids the byte order mark; files have it all the same.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            rest: text.lines(),
            number: 0,
            limit,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<(u32, &'a str), HlsError>;
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.rest.next()?.trim();
            self.number = self.number.saturating_add(1);
            if usize::try_from(self.number).is_ok_and(|number| number > self.limit) {
                return Some(Err(HlsErrorKind::Limit("lines").at(self.number)));
            }
            if line.len() > MAX_LINE {
                return Some(Err(HlsErrorKind::Limit("bytes in a line").at(self.number)));
            }
            if !line.is_empty() {
                return Some(Ok((self.number, line)));
            }
        }
    }
}

/// A tag and what follows its colon.
pub(super) fn tag(line: &str) -> Option<(&str, &str)> {
    let name = line.strip_prefix("#EXT")?;
    let (name, value) = name.split_once(':').unwrap_or((name, ""));
    Some((name.trim_end(), value.trim()))
}
