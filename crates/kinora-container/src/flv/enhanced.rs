//! The form of tags that names codecs by four characters (Enhanced RTMP v2, "Enhanced Audio", "Enhanced Video").

use bytes::{Buf, Bytes};

use super::payload::{BadBody, array, take, u8, u24};

/// `ModEx` of both kinds of tags: something that modifies the packet comes first.
const MOD_EX: u8 = 7;
/// `TimestampOffsetNano`, what there is of these.
const NANOSECONDS: u8 = 0;
/// `AvMultitrackType`.
const ONE_TRACK: u8 = 0;
const MANY_TRACKS_MANY_CODECS: u8 = 2;

/// A packet of one track.
pub(super) struct Part {
    pub(super) kind: u8,
    pub(super) codec: [u8; 4],
    pub(super) track: u8,
    pub(super) body: Bytes,
}

/// The parts of a body behind its first byte, whose lower half tells the type of packet; and so many nanoseconds later
/// they are presented.
pub(super) fn parts(
    first: u8,
    mut body: Bytes,
    multitrack: u8,
) -> Result<(Vec<Part>, i64), BadBody> {
    let mut kind = first & 15;
    let mut later_ns = 0;
    while kind == MOD_EX {
        let mut len = usize::from(u8(&mut body)?).saturating_add(1);
        if len == 256 {
            len = usize::from(body.try_get_u16().map_err(|_| BadBody)?).saturating_add(1);
        }
        let mut modifier = take(&mut body, len)?;
        let next = u8(&mut body)?;
        if next >> 4 == NANOSECONDS {
            later_ns = i64::from(u24(&mut modifier)?);
        }
        kind = next & 15;
    }
    if kind != multitrack {
        let codec = array(&mut body)?;
        let part = Part {
            kind,
            codec,
            track: 0,
            body,
        };
        return Ok((vec![part], later_ns));
    }
    Ok((tracks(body)?, later_ns))
}

fn tracks(mut body: Bytes) -> Result<Vec<Part>, BadBody> {
    let types = u8(&mut body)?;
    let (form, kind) = (types >> 4, types & 15);
    if form > MANY_TRACKS_MANY_CODECS {
        return Err(BadBody);
    }
    let mut codec = [0; 4];
    if form != MANY_TRACKS_MANY_CODECS {
        codec = array(&mut body)?;
    }
    let mut parts = Vec::new();
    while !body.is_empty() {
        if form == MANY_TRACKS_MANY_CODECS {
            codec = array(&mut body)?;
        }
        let track = u8(&mut body)?;
        let len = match form {
            ONE_TRACK => body.len(),
            _ => usize::try_from(u24(&mut body)?).map_err(|_| BadBody)?,
        };
        parts.push(Part {
            kind,
            codec,
            track,
            body: take(&mut body, len)?,
        });
        // A track is told by eight bits.
        if parts.len() > 256 {
            return Err(BadBody);
        }
    }
    Ok(parts)
}
