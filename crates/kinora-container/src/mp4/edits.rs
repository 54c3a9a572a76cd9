//! Edit lists: from the time of the media to the time of the presentation (ISO/IEC 14496-12 8.6.6).

use bytes::Bytes;
use kinora_media::{Time, Timebase};

use super::boxes::{Reader, Short};

/// More stretches than an editor makes of one file.
const MAX_EDITS: usize = 256;

/// A stretch of media that is presented.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Edit {
    /// Where in the media it begins, in ticks.
    pub(crate) media_start: i64,
    /// Where it ends; `None` with the media.
    pub(crate) media_end: Option<i64>,
    /// When its beginning is presented.
    pub(crate) start: Time,
}

impl Edit {
    /// All media, unshifted.
    pub(crate) const WHOLE: Self = Self {
        media_start: 0,
        media_end: None,
        start: Time::ZERO,
    };

    /// When a moment of the media is presented.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    pub(crate) fn present(&self, base: Timebase, ticks: i64) -> Time {
        base.to_time(ticks.saturating_sub(self.media_start)) + self.start
    }
    /// The moment of the media that is presented at a time.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    pub(crate) fn media_at(&self, base: Timebase, time: Time) -> i64 {
        base.to_ticks(time - self.start)
            .saturating_add(self.media_start)
    }
}

/// Reads an `elst` into stretches, in the order of presentation. Never empty.
///
/// `movie` is the clock of durations, `media` that of media times. In fragmented files the
/// durations tell of the first part only and are not looked at.
pub(crate) fn parse(elst: &Bytes, movie: Timebase, media: Timebase, fragmented: bool) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let (mut at, mut gap) = (0u64, false);
    let mut reader = Reader::new(elst);
    let (Ok((version, _)), Ok(count)) = (reader.full_box(), reader.u32()) else {
        return vec![Edit::WHOLE];
    };
    for _ in 0..count {
        let Ok((duration, media_time)) = entry(&mut reader, version) else {
            break;
        };
        let start = movie.to_time(i64::try_from(at).unwrap_or(i64::MAX));
        at = at.saturating_add(duration);
        // An empty edit: nothing is presented for its time.
        if media_time < 0 {
            gap = true;
            continue;
        }
        let open_ended = duration == 0 || fragmented;
        let length = movie.to_time(i64::try_from(duration).unwrap_or(i64::MAX));
        let length = media.to_ticks(length);
        let media_end = (!open_ended).then(|| media_time.saturating_add(length));
        match edits.last_mut() {
            Some(last) if last.media_end == Some(media_time) && !gap => last.media_end = media_end,
            _ => edits.push(Edit {
                media_start: media_time,
                media_end,
                start,
            }),
        }
        gap = false;
        if open_ended || edits.len() >= MAX_EDITS {
            break;
        }
    }
    if edits.is_empty() {
        edits.push(Edit::WHOLE);
    }
    edits
}

fn entry(reader: &mut Reader, version: u8) -> Result<(u64, i64), Short> {
    let duration = reader.sized(version)?;
    let media_time = match version {
        1 => reader.u64()?.cast_signed(),
        _ => i64::from(reader.i32()?),
    };
    // The rate: whatever it is, it is played at its own speed.
    reader.skip(4)?;
    Ok((duration, media_time))
}
