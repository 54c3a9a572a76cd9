//! Opus in transport streams (ETSI TS 103 491 4).

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kinora_media::TrackId;

use super::sink::Sink;

/// An identification header (RFC 7845 5.1) of the kind that decoders ask for.
pub(super) fn head(channels: u16) -> Bytes {
    let channels = u8::try_from(channels).unwrap_or(2).clamp(1, 8);
    let mut head = BytesMut::with_capacity(21);
    head.put_slice(b"OpusHead\x01");
    head.put_u8(channels);
    head.put_u16_le(0); // pre-skip: the stream's own trims tell
    head.put_u32_le(48_000);
    head.put_i16_le(0);
    // Mapping family 0 does for two channels.
    head.put_u8(if channels > 2 { 1 } else { 0 });
    if let Some((streams, coupled, map)) = surround(channels) {
        head.put_u8(streams);
        head.put_u8(coupled);
        head.put_slice(map);
    }
    head.freeze()
}

/// Streams, coupled streams and channel order of the Vorbis layouts (RFC 7845 5.1.1.2).
fn surround(channels: u8) -> Option<(u8, u8, &'static [u8])> {
    Some(match channels {
        3 => (2, 1, &[0, 2, 1]),
        4 => (2, 2, &[0, 1, 2, 3]),
        5 => (3, 2, &[0, 4, 1, 2, 3]),
        6 => (4, 2, &[0, 4, 1, 2, 3, 5]),
        7 => (4, 3, &[0, 4, 1, 2, 3, 5, 6]),
        8 => (5, 3, &[0, 6, 1, 2, 3, 4, 5, 7]),
        _ => return None,
    })
}

/// Gives the access units of a PES packet, each behind its control header.
pub(super) fn split(track: TrackId, pts: Option<u64>, mut data: Bytes, sink: &mut Sink) {
    let mut samples = 0u64;
    while let Some(len) = strip_header(&mut data) {
        if len == 0 || len > data.len() {
            return sink.damaged();
        }
        let unit = data.split_to(len);
        // 48 kHz samples to 90 kHz ticks.
        let later = samples.saturating_mul(15).saturating_div(8);
        samples = samples.saturating_add(duration(&unit));
        sink.data(track, pts.map(|pts| pts.wrapping_add(later)), unit);
    }
}

/// Takes the control header off and gives the length of the access unit behind it.
fn strip_header(data: &mut Bytes) -> Option<usize> {
    let &[first, flags] = data.first_chunk()?;
    if first != 0x7f || flags & 0xe0 != 0xe0 {
        return None;
    }
    data.advance(2);
    let mut len = 0usize;
    loop {
        let byte = *data.first()?;
        data.advance(1);
        len = len.saturating_add(byte.into());
        if byte != 0xff {
            break;
        }
    }
    let trims = if flags & 0x10 != 0 { 2usize } else { 0 }.saturating_add(if flags & 0x08 != 0 {
        2
    } else {
        0
    });
    data.advance(trims.min(data.len()));
    if flags & 0x04 != 0 {
        let extension = usize::from(*data.first()?).saturating_add(1);
        data.advance(extension.min(data.len()));
    }
    Some(len)
}

/// Samples at 48 kHz of an Opus packet (RFC 6716 3.1).
pub(crate) fn duration(packet: &[u8]) -> u64 {
    let Some(&toc) = packet.first() else { return 0 };
    let frame: u64 = match toc >> 3 {
        config @ 0..12 => [480, 960, 1920, 2880]
            .get(usize::from(config & 3))
            .copied()
            .unwrap_or(0),
        config @ 12..16 => {
            if config & 1 == 0 {
                480
            } else {
                960
            }
        }
        config => 120u64 << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u64::from(count & 0x3f)),
    };
    frame.saturating_mul(frames)
}
