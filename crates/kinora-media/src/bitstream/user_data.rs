//! What applications put into video beside its pictures: user data of SEI messages.
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use bytes::Bytes;

use super::captions::sei_body;
use super::{NalFraming, h264, units_to_slice};
use crate::{CodecId, unescape_rbsp};

/// `user_data_registered_itu_t_t35` (ITU-T H.264 D.1.6, H.265 D.2.6).
const REGISTERED: usize = 4;
/// `user_data_unregistered` (ITU-T H.264 D.1.7, H.265 D.2.7).
const UNREGISTERED: usize = 5;
/// More messages in a picture are not read.
const MAX_MESSAGES: usize = 32;
/// Of a longer message no more is kept.
const MAX_PAYLOAD: usize = 64 << 10;

/// A message of user data (SEI).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UserData {
    /// Of who is registered by ITU-T T.35: the country code comes first (payload type 4).
    Registered(Bytes),
    /// Of anybody (payload type 5).
    Unregistered {
        /// Whose it is.
        uuid: [u8; 16],
        /// What follows.
        data: Bytes,
    },
}

impl UserData {
    /// Its payload type: 4 or 5.
    #[must_use]
    pub const fn payload_type(&self) -> u8 {
        match self {
            Self::Registered(_) => 4,
            Self::Unregistered { .. } => 5,
        }
    }

    /// What it says; that of anybody without its UUID.
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        match self {
            Self::Registered(data) | Self::Unregistered { data, .. } => data,
        }
    }

    fn of(kind: usize, payload: &[u8]) -> Option<Self> {
        let payload = payload.get(..MAX_PAYLOAD).unwrap_or(payload);
        match kind {
            REGISTERED => Some(Self::Registered(Bytes::copy_from_slice(payload))),
            UNREGISTERED => {
                let (uuid, data) = payload.split_first_chunk()?;
                let data = Bytes::copy_from_slice(data);
                Some(Self::Unregistered { uuid: *uuid, data })
            }
            _ => None,
        }
    }
}

/// The user data of an access unit of H.264 or H.265, in its order; none in most. `config` is the track's decoder
/// configuration. It looks at what precedes the first slice only.
#[must_use]
pub fn user_data(codec: CodecId, config: &[u8], data: &[u8]) -> Vec<UserData> {
    let Some(framing) = NalFraming::of(codec, config) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for body in units_to_slice(codec, framing, data).filter_map(|unit| sei_body(codec, unit)) {
        let body = unescape_rbsp(body);
        let messages = h264::sei_messages(&body);
        found.extend(messages.filter_map(|(kind, payload)| UserData::of(kind, payload)));
        if found.len() >= MAX_MESSAGES {
            found.truncate(MAX_MESSAGES);
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: [u8; 16] = [7; 16];

    /// An SEI unit with one message of each kind, and one of another.
    fn sei(header: &[u8], text: &[u8]) -> Vec<u8> {
        let unregistered = [&UUID[..], text].concat();
        let mut unit = [&[0, 0, 1], header].concat();
        for (kind, payload) in [(1, &b"x"[..]), (5, &unregistered), (4, &[0xb5, 9])] {
            unit.push(kind);
            unit.extend(std::iter::repeat_n(0xff, payload.len() / 255));
            unit.push(u8::try_from(payload.len() % 255).unwrap());
            unit.extend(payload);
        }
        unit.push(0x80);
        unit
    }

    #[test]
    fn messages_of_both_kinds_are_read_from_both_codecs_up_to_the_first_slice() {
        let expected = |text: &[u8]| {
            let data = Bytes::copy_from_slice(text);
            [
                UserData::Unregistered { uuid: UUID, data },
                UserData::Registered(Bytes::from_static(&[0xb5, 9])),
            ]
        };
        let avc = [
            sei(&[6], b"now"),
            vec![0, 0, 1, 0x65, 1],
            sei(&[6], b"late"),
        ]
        .concat();
        assert_eq!(user_data(CodecId::H264, &[], &avc), expected(b"now"));
        let hevc = [sei(&[39 << 1, 1], b"now"), vec![0, 0, 1, 1 << 1, 1, 0x80]].concat();
        assert_eq!(user_data(CodecId::H265, &[], &hevc), expected(b"now"));
        let long = [8; 700];
        assert_eq!(
            user_data(CodecId::H264, &[], &sei(&[6], &long)),
            expected(&long)
        );
        // What looks like a start code is protected in the stream (ITU-T H.264 7.4.1.1).
        let protected = sei(&[6], &[1, 0, 0, 3, 1]);
        let mut lengthened = protected.clone();
        lengthened[3 + 1 + 3 + 1] -= 1;
        assert_eq!(
            user_data(CodecId::H264, &[], &lengthened)[0].data()[..],
            [1, 0, 0, 1]
        );
        assert_eq!(user_data(CodecId::Av1, &[], &avc), []);
    }

    #[test]
    fn a_picture_gives_no_more_than_the_bound() {
        let many: Vec<u8> = (0..100).flat_map(|_| sei(&[6], b"x")).collect();
        assert_eq!(user_data(CodecId::H264, &[], &many).len(), MAX_MESSAGES);
        let whole = sei(&[6], b"some text");
        for len in 0..whole.len() {
            assert!(user_data(CodecId::H264, &[], &whole[..len]).len() <= 2);
        }
    }
}
