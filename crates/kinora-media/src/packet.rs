use std::sync::Arc;

use bytes::Bytes;

use crate::{SampleCrypto, Time, TrackId};

/// One coded unit of a track: a video access unit, an audio frame, a cue.
#[derive(Clone, PartialEq, Debug)]
pub struct Packet {
    /// The track it belongs to.
    pub track: TrackId,
    /// When it is shown, on the presentation's timeline (edit lists applied). Samples that an
    /// edit list cuts off but a decoder needs have `flags.decode_only`.
    pub pts: Time,
    /// When it must be decoded; never later than `pts` in valid media.
    pub dts: Time,
    /// How long it lasts; zero when unknown.
    pub duration: Time,
    /// Key frame, and what else must be known before decoding.
    pub flags: PacketFlags,
    /// The payload, a view into the bytes that arrived wherever they lay in one piece.
    pub data: Bytes,
    /// How the payload is encrypted; `None`: it is clear.
    pub crypto: Option<Arc<SampleCrypto>>,
}

/// What a demuxer knows of a packet without decoding it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PacketFlags {
    /// Decoding can start here.
    pub key: bool,
    /// Decode it for others' sake; never show it (ISO/IEC 14496-12 8.6.6).
    pub decode_only: bool,
    /// The timeline jumps before this packet (`EXT-X-DISCONTINUITY`, a wrapped clock is not one).
    pub discontinuity: bool,
    /// Nothing refers to this picture: a decoder that is late may skip it.
    pub disposable: bool,
}
