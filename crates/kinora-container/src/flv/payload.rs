//! What the body of a tag of sound or pictures holds, in whichever of the forms it comes.

use bytes::{Buf, Bytes};
use kinora_media::CodecId;

/// One unit of a track.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Payload {
    /// Which of the tracks of its kind; 0 but in multitrack tags.
    pub(super) track: u8,
    pub(super) codec: CodecId,
    /// The codec's number or its four characters, for people.
    pub(super) codec_tag: String,
    pub(super) unit: Unit,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Unit {
    /// Decoder configuration.
    Config(Bytes),
    Frame(Frame),
}

/// A coded picture, or coded sound.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Frame {
    pub(super) data: Bytes,
    pub(super) key: bool,
    pub(super) disposable: bool,
    /// From decoding to presentation (ISO/IEC 14496-12 8.6.1.3), in nanoseconds.
    pub(super) composition_ns: i64,
    /// What an old audio tag says of its sound.
    pub(super) sound: Option<Sound>,
}

/// Rate and format in the header of an audio tag (E.4.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sound {
    pub(super) sample_rate: u32,
    pub(super) channels: u16,
    pub(super) bits: u16,
}

/// The body ends within a field, or contradicts itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadBody;

pub(super) fn u8(body: &mut Bytes) -> Result<u8, BadBody> {
    body.try_get_u8().map_err(|_| BadBody)
}

pub(super) fn u24(body: &mut Bytes) -> Result<u32, BadBody> {
    let [a, b, c] = array(body)?;
    Ok(u32::from_be_bytes([0, a, b, c]))
}

/// Milliseconds of an SI24 as nanoseconds.
pub(super) fn composition_ns(body: &mut Bytes) -> Result<i64, BadBody> {
    let [a, b, c] = array(body)?;
    let ms = i32::from_be_bytes([a, b, c, 0]) >> 8;
    Ok(i64::from(ms).saturating_mul(1_000_000))
}

pub(super) fn array<const N: usize>(body: &mut Bytes) -> Result<[u8; N], BadBody> {
    let array = *body.first_chunk().ok_or(BadBody)?;
    body.advance(N);
    Ok(array)
}

pub(super) fn take(body: &mut Bytes, len: usize) -> Result<Bytes, BadBody> {
    match len <= body.len() {
        true => Ok(body.split_to(len)),
        false => Err(BadBody),
    }
}
