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

/// Whether two frame headers of the free format follow one another.
pub(crate) fn is_free_format(data: &[u8]) -> bool {
    let Ok(first) = FrameHeader::parse(data) else {
        return false;
    };
    if first.bitrate.is_some() {
        return false;
    }
    let head = data.get(..3).unwrap_or_default();
    let rest = data.get(FrameHeader::LEN..).unwrap_or_default();
    // The padding bit may differ, the rest of the fixed header does not.
    rest.windows(3).any(|next| {
        matches!((head, next), ([a, b, c], [x, y, z]) if a == x && b == y && c & 0xfc == z & 0xfc)
    })
}

#[cfg(test)]
mod tests;
