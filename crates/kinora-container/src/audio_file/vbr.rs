//! Tables in the first frame of MP3 files: Xing/Info with LAME's extension, and VBRI.

use kinora_media::Time;
use kinora_media::bitstream::mpeg_audio::{FrameHeader, Layer};

use super::floor_to_u64;

/// Samples that every decoder of layer III adds at the start: its filter bank's delay.
const DECODER_DELAY: u32 = 529;
/// The VBRI header stands at a fixed place.
const VBRI_OFFSET: usize = 36;

/// What such a table tells of the file.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct VbrHeader {
    /// Frames with sound, the one with the table not counted.
    pub(crate) frames: Option<u64>,
    /// Bytes from the start of the table's frame to the end of sound.
    pub(crate) bytes: Option<u64>,
    /// Samples to be cut off at the start, the decoder's own delay included.
    pub(crate) delay: u32,
    /// Samples to be cut off at the end.
    pub(crate) padding: u32,
    /// Shares of the file at equal steps of time, the first 0, each below 1.
    places: Vec<f64>,
}

impl VbrHeader {
    /// How many bytes behind the first frame a time lies, by the table of places.
    pub(crate) fn place(&self, time: Time, duration: Time, bytes: u64) -> Option<u64> {
        if duration <= Time::ZERO || self.places.is_empty() {
            return None;
        }
        let steps = f64::from(u32::try_from(self.places.len()).ok()?);
        let position = (time.as_secs_f64() / duration.as_secs_f64()).clamp(0.0, 1.0) * steps;
        let index = usize::try_from(floor_to_u64(position)).ok()?;
        let before = self.places.get(index).copied().unwrap_or(1.0);
        let after = (index.checked_add(1))
            .and_then(|next| self.places.get(next).copied())
            .unwrap_or(1.0);
        let share = before + (after - before) * position.fract();
        #[allow(clippy::cast_precision_loss)] // a file's length stays below 2^53
        let place = share * bytes as f64;
        Some(floor_to_u64(place).min(bytes))
    }
}

/// Reads the table of a frame; `None` when the frame holds sound.
pub(crate) fn parse(frame: &[u8]) -> Option<VbrHeader> {
    let header = FrameHeader::parse(frame).ok()?;
    if header.layer != Layer::III {
        return None;
    }
    let crc = if header.crc { 2 } else { 0 };
    // LAME writes the table behind the side information, a checksum not counted.
    let behind = header.side_info_len().saturating_add(FrameHeader::LEN);
    [behind, behind.saturating_add(crc)]
        .iter()
        .find_map(|at| read_xing(frame.get(*at..)?))
        .or_else(|| read_vbri(frame.get(VBRI_OFFSET..)?))
}

/// A reader that gives nothing when the frame ends before.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let taken = self.take(bytes)?;
        Some(taken.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }
}

fn read_xing(data: &[u8]) -> Option<VbrHeader> {
    let mut fields = Fields(data);
    if !matches!(fields.take(4)?, b"Xing" | b"Info") {
        return None;
    }
    let mut table = VbrHeader::default();
    // What is cut short is not known; the frame holds no sound all the same.
    let _ = read_xing_fields(&mut fields, &mut table);
    Some(table)
}

fn read_xing_fields(fields: &mut Fields<'_>, table: &mut VbrHeader) -> Option<()> {
    let flags = fields.number(4)?;
    if flags & 1 != 0 {
        table.frames = Some(fields.number(4)?).filter(|frames| *frames > 0);
    }
    if flags & 2 != 0 {
        table.bytes = Some(fields.number(4)?).filter(|bytes| *bytes > 0);
    }
    if flags & 4 != 0 {
        let places = fields.take(100)?;
        table.places = rising(places.iter().map(|byte| f64::from(*byte) / 256.0));
    }
    if flags & 8 != 0 {
        fields.take(4)?; // quality
    }
    let encoder = fields.take(9)?;
    fields.take(12)?; // revision, low pass, replay gain, flags, bit rate
    let [a, b, c] = *fields.take(3)?.first_chunk()?;
    if encoder.starts_with(b"LAME") || encoder.starts_with(b"Lav") {
        let delay = u32::from(a) << 4 | u32::from(b >> 4);
        let padding = u32::from(b & 0x0f) << 8 | u32::from(c);
        table.delay = delay.saturating_add(DECODER_DELAY);
        table.padding = padding.saturating_sub(DECODER_DELAY);
    }
    Some(())
}

fn read_vbri(data: &[u8]) -> Option<VbrHeader> {
    let mut fields = Fields(data);
    if fields.take(4)? != b"VBRI" {
        return None;
    }
    let mut table = VbrHeader::default();
    let _ = read_vbri_fields(&mut fields, &mut table);
    Some(table)
}

fn read_vbri_fields(fields: &mut Fields<'_>, table: &mut VbrHeader) -> Option<()> {
    fields.take(6)?; // version, delay, quality
    table.bytes = Some(fields.number(4)?).filter(|bytes| *bytes > 0);
    table.frames = Some(fields.number(4)?).filter(|frames| *frames > 0);
    let entries = usize::try_from(fields.number(2)?).ok()?;
    let scale = fields.number(2)?;
    let entry_bytes = usize::try_from(fields.number(2)?).ok()?;
    fields.take(2)?; // frames an entry
    let total = table.bytes?;
    if entry_bytes == 0 || entry_bytes > 4 || entries.saturating_mul(entry_bytes) > fields.0.len() {
        return None; // cut short: duration is known, places are not
    }
    let mut before = 0u64;
    let mut places = Vec::with_capacity(entries);
    for _ in 0..entries {
        #[allow(clippy::cast_precision_loss)]
        places.push(before as f64 / total as f64);
        before = before.saturating_add(fields.number(entry_bytes)?.saturating_mul(scale));
    }
    table.places = rising(places.into_iter());
    Some(())
}

/// The places if they are a table: they begin at the start and never go back.
fn rising(places: impl Iterator<Item = f64>) -> Vec<f64> {
    let places: Vec<f64> = places.collect();
    if places.is_sorted() && places.last().is_some_and(|last| *last <= 1.0) {
        return places;
    }
    Vec::new()
}

/// No frame of the free format is longer: 640 kbit/s at 32 kHz, and at less a rate accordingly.
const MAX_FREE_FORMAT: usize = 8 << 10;
/// Bytes in which three frames of the free format begin.
pub(crate) const FREE_FORMAT_SEARCH: usize = 3 * MAX_FREE_FORMAT;

/// Whether a frame of the free format may begin there.
pub(crate) fn may_be_free_format(data: &[u8]) -> bool {
    FrameHeader::parse(data).is_ok_and(|first| first.bitrate.is_none())
}

/// Bytes of each frame without padding, where three frames of the free format follow one another: they do not tell
/// their length (ISO/IEC 11172-3 2.4.2.3).
pub(crate) fn free_format(data: &[u8]) -> Option<usize> {
    if !may_be_free_format(data) {
        return None;
    }
    let padding = |at: usize| free_format_padding(data.get(at..)?);
    let is_like = |at: usize| {
        let next = data.get(at..)?.first_chunk::<3>()?;
        let first = data.first_chunk::<3>()?;
        // The padding bit may differ, the rest of the fixed header does not.
        let same = first[..2] == next[..2] && first[2] & 0xfc == next[2] & 0xfc;
        same.then_some(())
    };
    let search = data.len().min(MAX_FREE_FORMAT);
    (FrameHeader::LEN..search).find_map(|second| {
        is_like(second)?;
        let len = second.checked_sub(padding(0)?)?;
        let third = second.checked_add(len)?.checked_add(padding(second)?)?;
        is_like(third).map(|()| len)
    })
}

/// Bytes that the padding bit of a header adds: a slot of the layer.
pub(crate) fn free_format_padding(data: &[u8]) -> Option<usize> {
    const LAYER_I: u8 = 3;
    let &[_, kind, flags] = data.first_chunk()?;
    let slot = if kind >> 1 & 3 == LAYER_I { 4 } else { 1 };
    Some(if flags & 2 == 0 { 0 } else { slot })
}

#[cfg(test)]
mod tests;
