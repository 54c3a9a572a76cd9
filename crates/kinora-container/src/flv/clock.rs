//! From the milliseconds of tags to the presentation's timeline, which begins with the first picture or sound.

use kinora_media::Time;

use super::tag::TagKind;

/// A step back of a track that is more than bad interleaving: whoever sends began anew.
const MAX_BACK_MS: i64 = 1_000;
/// A longer gap than anybody pauses: the clock was set.
const MAX_GAP_MS: i64 = 600_000;

/// Unrolls timestamps. Times are milliseconds since the first one.
#[derive(Clone, Default)]
pub(super) struct Clock {
    /// The timestamp at which the timeline begins.
    origin: Option<u32>,
    /// What jumps of the clock are made good by.
    shift: i64,
    /// The last time of sound, of pictures.
    last: [Option<i64>; 2],
    /// The length that the file claims, in milliseconds: up to there gaps are meant.
    pub(super) promised: i64,
}

/// The time of a tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    pub(super) ms: i64,
    /// The clock jumped, the timeline goes on.
    pub(super) jumped: bool,
}

impl Clock {
    /// The time of a tag of sound or pictures.
    pub(super) fn stamp(&mut self, kind: TagKind, timestamp: u32) -> Stamp {
        self.origin.get_or_insert(timestamp);
        let place = usize::from(kind == TagKind::Video);
        let latest = self.last.iter().flatten().max().copied();
        let own = self.last.get(place).copied().flatten();
        let plain = self.near(timestamp, own.or(latest).unwrap_or(0));
        let mut stamp = Stamp {
            ms: plain,
            jumped: false,
        };
        if let Some(latest) = latest {
            let back = own.is_some_and(|own| plain < own.saturating_sub(MAX_BACK_MS));
            let far = latest.max(self.promised).saturating_add(MAX_GAP_MS);
            if back || plain > far {
                self.shift = self.shift.saturating_add(latest.saturating_sub(plain));
                stamp = Stamp {
                    ms: latest,
                    jumped: true,
                };
            }
        }
        if let Some(last) = self.last.get_mut(place) {
            *last = Some(stamp.ms);
        }
        stamp
    }

    /// The time of a timestamp on the timeline as it is, where it is nearest to another time: 32 bits begin anew after
    /// 49 days.
    fn near(&self, timestamp: u32, to: i64) -> i64 {
        let since = timestamp.wrapping_sub(self.origin.unwrap_or(timestamp));
        let there = i64::from(since).saturating_add(self.shift);
        let ring = 1i64 << 32;
        let wraps = to
            .saturating_sub(there)
            .saturating_add(ring / 2)
            .div_euclid(ring);
        there.saturating_add(wraps.saturating_mul(ring))
    }

    /// The time of a timestamp anywhere in a file: a clock that jumps is not followed. `None` before the timeline began.
    pub(super) fn look(&self, timestamp: u32) -> Option<Time> {
        let since = timestamp.wrapping_sub(self.origin?);
        Some(Time::from_millis(since.cast_signed().into()))
    }

    /// The timestamp at which the timeline begins.
    pub(super) fn origin_ms(&self) -> i64 {
        self.origin.unwrap_or(0).into()
    }

    /// After a seek nothing is known of where the clock was.
    pub(super) fn jumped(&mut self) {
        self.last = [None; 2];
        self.shift = 0;
    }
}
