//! The way to a sample: by the table where there is one, then closer and closer by the frames that are met.

use super::Stream;
use super::metadata::SeekPoint;

/// Places tried before reading on from the best one.
const MAX_TRIES: u32 = 10;
/// Where so few bytes lie between, reading on is as good as another try.
const NEAR_BYTES: u64 = 64 << 10;
/// A try begins so much before where the sample is thought to be.
const MARGIN: u64 = 16 << 10;

/// A frame, or the place of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Known {
    pub(super) sample: u64,
    pub(super) offset: u64,
}

/// What a seek knows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Search {
    wanted: u64,
    /// A frame at or before the sample.
    pub(super) from: Known,
    /// Where frames behind it begin; its sample is `u64::MAX` where that is not known.
    to: Option<Known>,
    /// What the table says; it is tried first.
    hint: Option<u64>,
    /// Bytes of a sample, from the frames that were met.
    bytes_per_sample: f64,
    sample_rate: u32,
    tries: u32,
}

impl Stream {
    /// A search for the wanted sample.
    pub(super) fn search(&self, points: &[SeekPoint], total_len: Option<u64>) -> Search {
        let first = self.first.map_or(0, |first| first.offset);
        let start = Known {
            sample: 0,
            offset: first,
        };
        let known = self
            .index
            .partition_point(|known| known.sample <= self.wanted);
        let from = known.checked_sub(1).and_then(|at| self.index.get(at));
        let from = from.copied().unwrap_or(start);
        let end = total_len.map(|offset| Known {
            sample: self.info.samples.unwrap_or(u64::MAX),
            offset,
        });
        let point = points.partition_point(|point| point.sample <= self.wanted);
        let point = point.checked_sub(1).and_then(|at| points.get(at));
        let hint = point
            .filter(|point| point.sample > from.sample)
            .map(|point| first.saturating_add(point.offset));
        Search {
            wanted: self.wanted,
            from,
            to: self.index.get(known).copied().or(end),
            hint: hint.filter(|hint| total_len.is_some_and(|len| *hint < len)),
            bytes_per_sample: self.bytes_per_sample(),
            sample_rate: self.info.sample_rate,
            tries: 0,
        }
    }

    /// From the frames that were met; of uncompressed sound where one was.
    #[allow(clippy::cast_precision_loss)] // sizes stay below 2^53
    fn bytes_per_sample(&self) -> f64 {
        let ends = self.first.zip(self.index.last());
        let met = ends.filter(|(_, last)| last.sample > 0);
        match met {
            Some((first, last)) => {
                last.offset.saturating_sub(first.offset) as f64 / last.sample as f64
            }
            None => f64::from(self.info.channels) * f64::from(self.info.bits_per_sample) / 8.0,
        }
    }
}

impl Search {
    /// Whether reading on from a frame with that sample leads to the wanted one soon.
    pub(super) fn is_near(&self, sample: u64) -> bool {
        let ahead = self.wanted.checked_sub(sample);
        ahead.is_some_and(|ahead| ahead <= self.sample_rate.into())
    }

    /// The place to try next; `None`: read on from where it is known.
    pub(super) fn next(&self) -> Option<u64> {
        let to = self.to?;
        let between = to.offset.saturating_sub(self.from.offset);
        if self.tries >= MAX_TRIES || self.is_near(self.from.sample) || between <= NEAR_BYTES {
            return None;
        }
        if let Some(hint) = self.hint {
            return Some(hint);
        }
        let ahead = match self.tries.is_multiple_of(3) && self.tries > 0 {
            // Guesses that do not come closer give way to halves.
            true => between / 2,
            false => self.guess(to, between).saturating_sub(MARGIN),
        };
        let latest = between.saturating_sub(MARGIN);
        Some(self.from.offset.saturating_add(ahead.min(latest)))
    }

    /// Bytes to the wanted sample, by those to the known ones.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )] // sizes stay below 2^53, and `as` saturates
    fn guess(&self, to: Known, between: u64) -> u64 {
        let ahead = self.wanted.saturating_sub(self.from.sample) as f64;
        let samples = to.sample.saturating_sub(self.from.sample);
        match to.sample {
            u64::MAX => (ahead * self.bytes_per_sample) as u64,
            _ => (ahead / samples.max(1) as f64 * between as f64) as u64,
        }
    }

    /// Learns which frame was met where it was tried.
    pub(super) fn tried(&mut self, met: Known) {
        self.tries = self.tries.saturating_add(1);
        self.hint = None;
        match met.sample <= self.wanted {
            true if met.offset > self.from.offset => self.from = met,
            true => self.tries = MAX_TRIES,
            false => self.to = Some(met),
        }
    }
}
