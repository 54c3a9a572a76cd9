#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

/// Where the next start code `00 00 01` begins at or after `from`.
#[must_use]
pub fn find_start_code(data: &[u8], from: usize) -> Option<usize> {
    // The 1 is rarer than zeros in coded data, so it is what we look for.
    let mut at = from.saturating_add(2);
    loop {
        at = at.saturating_add(memchr::memchr(1, data.get(at..)?)?);
        let start = at.saturating_sub(2);
        if data.get(start..at) == Some(&[0, 0]) {
            return Some(start);
        }
        at = at.saturating_add(1);
    }
}

/// The NAL units of a byte stream with start codes (ITU-T H.264 annex B), without start
/// codes and trailing zeros.
#[must_use]
pub fn nal_units(stream: &[u8]) -> NalUnits<'_> {
    NalUnits {
        stream,
        start: find_start_code(stream, 0).map(|at| at.saturating_add(3)),
    }
}

/// Goes through the NAL units of a byte stream; made by [`nal_units`].
#[derive(Clone, Debug)]
pub struct NalUnits<'a> {
    stream: &'a [u8],
    start: Option<usize>,
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let start = self.start?;
            let next = find_start_code(self.stream, start);
            self.start = next.map(|at| at.saturating_add(3));
            let nal = self.stream.get(start..next.unwrap_or(self.stream.len()))?;
            let zeros = nal.iter().rev().take_while(|byte| **byte == 0).count();
            let nal = nal.get(..nal.len().saturating_sub(zeros))?;
            if !nal.is_empty() {
                return Some(nal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_lose_start_codes_and_trailing_zeros() {
        let stream = [
            9, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 4, 0, 0,
        ];
        let units: Vec<&[u8]> = nal_units(&stream).collect();
        assert_eq!(units, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 4]]);
    }

    #[test]
    fn a_stream_without_start_code_has_no_units() {
        assert_eq!(nal_units(&[0, 0, 2, 1, 0, 1]).count(), 0);
        assert_eq!(nal_units(&[0, 0, 1]).count(), 0);
        assert_eq!(find_start_code(&[], 5), None);
    }

    #[test]
    fn start_codes_are_found_where_they_overlap_the_beginning() {
        assert_eq!(find_start_code(&[0, 0, 1, 5], 0), Some(0));
        assert_eq!(find_start_code(&[1, 0, 0, 1, 5], 0), Some(1));
        assert_eq!(find_start_code(&[0, 0, 1, 0, 0, 1], 1), Some(3));
    }
}
