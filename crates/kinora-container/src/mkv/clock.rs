//! When pictures are decoded. Matroska tells only when they are shown (RFC 9559 10.4), in the order of their decoding.

use kinora_media::bitstream::{h264, h265};
use kinora_media::{CodecId, Time, TrackInfo};

/// Pictures that H.264 and H.265 may hold back (ITU-T H.264 A.3.1, H.265 A.4.2).
const MAX_DEPTH: usize = 16;
/// How long a picture is taken to last where nothing tells.
const USUAL_PICTURE: Time = Time::from_millis(40);

/// Derives decoding times: a picture is decoded when as many pictures as the codec holds back are still to be shown
/// before the latest one.
#[derive(Clone, Debug)]
pub(super) struct DecodeClock {
    /// How many pictures may be decoded before one that is shown earlier.
    depth: usize,
    /// The latest times so far, ascending; one more than `depth`, or none yet.
    latest: Vec<Time>,
}

impl DecodeClock {
    pub(super) fn of(track: &TrackInfo) -> Self {
        Self {
            depth: depth(track).min(MAX_DEPTH),
            latest: Vec::new(),
        }
    }

    /// What comes next is from another place.
    pub(super) fn restart(&mut self) {
        self.latest.clear();
    }

    /// When a picture is decoded that is shown at a time.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    pub(super) fn decoded(&mut self, pts: Time, duration: Time) -> Time {
        if self.depth == 0 {
            return pts;
        }
        if self.latest.is_empty() {
            let step = match duration > Time::ZERO {
                true => duration,
                false => USUAL_PICTURE,
            };
            // As if pictures had gone before it, one after the other.
            let before = (0..self.depth).scan(pts, |time, _| {
                *time -= step;
                Some(*time)
            });
            self.latest = before.collect();
            self.latest.reverse();
            self.latest.push(pts);
        } else {
            let at = self.latest.partition_point(|time| *time <= pts);
            self.latest.insert(at, pts);
            self.latest.remove(0);
        }
        self.latest.first().copied().unwrap_or(pts).min(pts)
    }
}

/// How far pictures are reordered.
fn depth(track: &TrackInfo) -> usize {
    let depth = match track.codec {
        CodecId::H264 => h264::AvcConfig::parse(&track.config)
            .ok()
            .and_then(|config| h264::Sps::parse(config.sps.first()?).ok())
            .map_or(2, |sps| sps.reorder_depth()),
        CodecId::H265 => h265::HevcConfig::parse(&track.config)
            .ok()
            .and_then(|config| config.sps())
            .map_or(2, |sps| sps.reorder_frames),
        CodecId::H266 => 2,
        CodecId::Mpeg1Video | CodecId::Mpeg2Video | CodecId::Mpeg4 | CodecId::Vc1 => 1,
        _ => 0,
    };
    usize::try_from(depth).unwrap_or(MAX_DEPTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_media::TrackId;

    #[test]
    fn decoding_times_ascend_and_come_before_showing() {
        let mut clock = DecodeClock::of(&TrackInfo::new(TrackId(1), CodecId::Mpeg2Video));
        let step = Time::from_millis(40);
        let shown = [0, 80, 40, 160, 120, 200];
        let decoded = shown.map(|ms| clock.decoded(Time::from_millis(ms), step).as_millis());
        assert_eq!(decoded, [-40, 0, 40, 80, 120, 160]);
        clock.restart();
        let again = clock.decoded(Time::from_millis(1000), step);
        assert_eq!(again, Time::from_millis(960));
    }

    #[test]
    fn what_is_not_reordered_is_decoded_when_it_is_shown() {
        let mut clock = DecodeClock::of(&TrackInfo::new(TrackId(1), CodecId::Vp9));
        for ms in [0, 40, 20] {
            let time = Time::from_millis(ms);
            assert_eq!(clock.decoded(time, Time::ZERO), time);
        }
    }
}
