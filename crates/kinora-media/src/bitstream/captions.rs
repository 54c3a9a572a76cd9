//! Captions within video: the `cc_data` that ATSC A/53 part 4 puts into user data.
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::{NalFraming, find_start_code, h264, h265, units_to_slice};
use crate::{CodecId, unescape_rbsp};

/// SEI: user data registered by ITU-T T.35 (ITU-T H.264 D.1.6, H.265 D.2.36).
const REGISTERED_USER_DATA: usize = 4;
/// The United States, and ATSC there (ATSC A/53-4 6.2.3): then `GA94` and the type of `cc_data`.
const ATSC: &[u8] = &[0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03];
/// The same within MPEG-2's `user_data`.
const GA94: &[u8] = b"GA94\x03";
/// `user_data_start_code` (ISO/IEC 13818-2 table 6-1).
const USER_DATA: u8 = 0xb2;
/// Slices of MPEG-2: what follows the first is no header.
const SLICES: core::ops::RangeInclusive<u8> = 0x01..=0xaf;

/// The caption triplets of an access unit of H.264, H.265 or MPEG-2 video, three bytes each; none in most. `config` is the
/// track's decoder configuration. It looks at what precedes the first slice only.
#[must_use]
pub fn captions(codec: CodecId, config: &[u8], data: &[u8]) -> Vec<u8> {
    let mut triplets = Vec::new();
    match codec {
        CodecId::Mpeg2Video => in_mpeg2(data, &mut triplets),
        _ => {
            let Some(framing) = NalFraming::of(codec, config) else {
                return triplets;
            };
            for unit in units_to_slice(codec, framing, data) {
                if let Some(body) = sei_body(codec, unit) {
                    in_sei(body, &mut triplets);
                }
            }
        }
    }
    triplets
}

/// An SEI unit behind its header.
pub(super) fn sei_body(codec: CodecId, unit: &[u8]) -> Option<&[u8]> {
    let (is_sei, header) = match codec {
        CodecId::H264 => (h264::nal_type_of(unit) == h264::nal_type::SEI, 1),
        CodecId::H265 => (h265::nal_type_of(unit) == h265::nal_type::PREFIX_SEI, 2),
        _ => return None,
    };
    unit.get(header..).filter(|_| is_sei)
}

fn in_sei(body: &[u8], triplets: &mut Vec<u8>) {
    // Most messages are of other kinds: they are not copied to be read.
    if memchr::memmem::find(body, b"GA94").is_none() {
        return;
    }
    let body = unescape_rbsp(body);
    for (kind, payload) in h264::sei_messages(&body) {
        if kind == REGISTERED_USER_DATA {
            triplets.extend_from_slice(payload.strip_prefix(ATSC).map_or(&[], cc_data));
        }
    }
}

fn in_mpeg2(data: &[u8], triplets: &mut Vec<u8>) {
    let mut from = 0;
    while let Some(at) = find_start_code(data, from) {
        from = at.saturating_add(3);
        let Some((code, behind)) = data.get(from..).and_then(<[u8]>::split_first) else {
            return;
        };
        if SLICES.contains(code) {
            return;
        }
        if *code == USER_DATA {
            triplets.extend_from_slice(behind.strip_prefix(GA94).map_or(&[], cc_data));
        }
    }
}

/// The triplets of a `cc_data` structure: flags and a count, a reserved byte, and so many triplets, or as many as are there
/// (ANSI/CTA-708 table 2).
fn cc_data(structure: &[u8]) -> &[u8] {
    const PROCESS_CC_DATA: u8 = 0x40;
    let [flags, _, triplets @ ..] = structure else {
        return &[];
    };
    if flags & PROCESS_CC_DATA == 0 {
        return &[];
    }
    let length = usize::from(flags & 0x1f).saturating_mul(3);
    triplets.get(..length).unwrap_or(triplets)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two triplets; a third one is announced and missing where `count` is 3.
    fn user_data(count: u8) -> Vec<u8> {
        let mut data = GA94.to_vec();
        data.extend([0x40 | count, 0xff, 0xfc, 0x94, 0x20, 0xfd, 0x80, 0x80]);
        data
    }

    fn sei(header: &[u8]) -> Vec<u8> {
        let mut payload = vec![0xb5, 0x00, 0x31];
        payload.extend(user_data(2));
        let mut unit = [&[0, 0, 0, 1], header, &[1, 1, 0x80, 4]].concat();
        unit.push(u8::try_from(payload.len()).unwrap());
        unit.extend(payload);
        unit.extend([0xff, 0x80]);
        unit
    }

    const TRIPLETS: [u8; 6] = [0xfc, 0x94, 0x20, 0xfd, 0x80, 0x80];

    #[test]
    fn triplets_are_found_before_the_first_slice() {
        let avc = [sei(&[6]), vec![0, 0, 1, 0x65, 1], sei(&[6])].concat();
        assert_eq!(captions(CodecId::H264, &[], &avc), TRIPLETS);
        let hevc = [sei(&[39 << 1, 1]), vec![0, 0, 1, 1 << 1, 1, 0x80]].concat();
        assert_eq!(captions(CodecId::H265, &[], &hevc), TRIPLETS);
    }

    #[test]
    fn mpeg_2_has_them_in_its_user_data() {
        let picture = [
            &[0, 0, 1, 0, 9, 9][..],
            &[0, 0, 1, USER_DATA],
            &user_data(2),
        ]
        .concat();
        let stream = [
            &picture[..],
            &[0, 0, 1, 1, 5, 0, 0, 1, USER_DATA],
            &user_data(2),
        ]
        .concat();
        assert_eq!(captions(CodecId::Mpeg2Video, &[], &stream), TRIPLETS);
    }

    #[test]
    fn what_is_cut_off_or_something_else_gives_what_is_there() {
        let picture = [&[0, 0, 1, USER_DATA][..], &user_data(3)].concat();
        assert_eq!(captions(CodecId::Mpeg2Video, &[], &picture), TRIPLETS);
        for end in 0..picture.len() {
            let _ = captions(CodecId::Mpeg2Video, &[], picture.get(..end).unwrap());
        }
        assert_eq!(captions(CodecId::Av1, &[], &picture), []);
        assert_eq!(captions(CodecId::H264, &[], b"GA94"), []);
    }
}
