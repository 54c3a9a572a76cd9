//! A segment of text: a document as it is (RFC 8216 3.5, ISO/IEC 23009-1), or a container with packets of text.

use bytes::{Bytes, BytesMut};
use kinora_container::sniff::sniff;
use kinora_container::{ContainerKind, Sniff};
use kinora_errors::{Coded, Fault};
use kinora_media::Time;
use kinora_subtitle::webvtt::TimestampMap;
use kinora_subtitle::{Cue, Limits, Options, SubtitleError, parse};

use super::index::Segment;
use super::timeline::TimestampOffsets;
use crate::tape::{NotedFile, Tape};

/// Where cues may lie around the segment that brings them: its named duration is rounded.
const AROUND: Time = Time::from_millis(500);

/// The bytes of one, as they come.
#[derive(Debug, Default)]
pub(super) struct TextSegment(BytesMut);

impl TextSegment {
    /// What is beyond the bound is not kept; that there is something makes the whole too long.
    pub(super) fn add(&mut self, data: &[u8]) {
        let room = (Limits::default().bytes + 1).saturating_sub(self.0.len());
        self.0.extend_from_slice(&data[..room.min(data.len())]);
    }

    /// Whether it is a container, now that it is whole.
    pub(super) fn is_media(&self, tape: &Tape, init: Option<&Bytes>) -> bool {
        let sniffed = || matches!(sniff(&self.0), Sniff::Known(ContainerKind::Mp4));
        init.is_some() || tape.see("text.media", sniffed)
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.0.freeze()
    }

    /// Its cues, where they lie on the presentation's timeline.
    pub(super) fn read(
        &self,
        tape: &Tape,
        segment: &Segment,
        offsets: &TimestampOffsets,
    ) -> Result<Vec<Cue>, Fault> {
        let file = tape.try_see("subtitle", || {
            let read = match self.0.len() > Limits::default().bytes {
                true => Err(SubtitleError::TooLong {
                    limit: Limits::default().bytes,
                }),
                false => parse(&self.0, &Options::default()),
            };
            read.map(NotedFile::from).map_err(|error| error.fault())
        })?;
        let map = file.timestamp_map();
        let mut cues = file.cues;
        match (segment.period, map) {
            (Some(period), _) => cues.iter_mut().for_each(|cue| cue.shift(period.offset)),
            (None, Some(map)) => place_by_map(&mut cues, map, segment, offsets),
            (None, None) => place_without_map(&mut cues, segment, offsets),
        }
        if let Some(period) = segment.period {
            for cue in &mut cues {
                cue.start = cue.start.max(period.start);
                cue.end = cue.end.min(period.end.unwrap_or(Time::MAX));
            }
        }
        Ok(cues)
    }
}

/// The map says where a time of the segment lies on the clock of the pictures.
fn place_by_map(
    cues: &mut [Cue],
    map: TimestampMap,
    segment: &Segment,
    offsets: &TimestampOffsets,
) {
    let at_zero = map.place(map.local, 0, Time::ZERO);
    let Some(offset) = offsets.beside(segment, segment.start - at_zero) else {
        return place_without_map(cues, segment, offsets);
    };
    // The clock wraps: of all moments that may be meant it is the one near the segment.
    let near = segment.start - offset;
    let placed = |cue: &Cue| map.place(cue.start, 0, near) + offset - cue.start;
    let is_lost = share_within(cues, segment, placed) == Share::None;
    if is_lost && share_within(cues, segment, |_| Time::ZERO) == Share::Most {
        // A map that somebody left as it was: its cues say themselves where they belong.
        return;
    }
    for cue in cues {
        cue.shift(placed(cue));
    }
}

/// Packagers that write no map mean times of the presentation, times of the clock of the pictures (RFC 8216 3.5), or times
/// since the start of the segment: by which the cues lie in their segment, that is meant.
fn place_without_map(cues: &mut [Cue], segment: &Segment, offsets: &TimestampOffsets) {
    let by_clock = offsets.beside(segment, Time::ZERO);
    let candidates = [Some(Time::ZERO), by_clock, Some(segment.start)];
    let fits = |shift: &Time| share_within(cues, segment, |_| *shift) == Share::Most;
    let shift = candidates.into_iter().flatten().find(fits);
    let shift = shift.unwrap_or(Time::ZERO);
    cues.iter_mut().for_each(|cue| cue.shift(shift));
}

/// How many of the cues lie in their segment.
#[derive(PartialEq, Eq)]
enum Share {
    None,
    Some,
    Most,
}

fn share_within(cues: &[Cue], segment: &Segment, shift: impl Fn(&Cue) -> Time) -> Share {
    let (from, to) = (segment.start - AROUND, segment.end() + AROUND);
    let lies = |cue: &&Cue| cue.start + shift(cue) < to && cue.end + shift(cue) > from;
    match cues.iter().filter(lies).count() {
        0 => Share::None,
        inside if 2 * inside > cues.len() => Share::Most,
        _ => Share::Some,
    }
}

#[cfg(test)]
mod tests {
    use kinora_container::ClockKind;
    use kinora_container::ts::TsDemuxer;

    use super::*;
    use crate::ingest::segmented::index::testing::segment;
    use crate::ingest::segmented::index::{Discontinuity, PeriodClock};

    const fn secs(seconds: i64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    /// The pictures of a segment begin at `first` by their own clock.
    fn pictures(number: u64, start: i64, first: Time) -> TimestampOffsets {
        let mut offsets = TimestampOffsets::default();
        let segment = segment(number, secs(start), secs(10));
        offsets.place(&segment, first, ClockKind::Wrapping, None);
        offsets
    }

    fn read(text: &str, segment: &Segment, offsets: &TimestampOffsets) -> Vec<(i64, i64)> {
        let mut document = TextSegment::default();
        document.add(text.as_bytes());
        let cues = document.read(&Tape::default(), segment, offsets).unwrap();
        let times = |cue: &Cue| (cue.start.as_millis(), cue.end.as_millis());
        cues.iter().map(times).collect()
    }

    fn vtt(map: &str, times: &str) -> String {
        format!("WEBVTT{map}\n\n{times}\nwords\n")
    }

    #[test]
    fn a_map_places_cues_beside_the_pictures() {
        let offsets = pictures(2, 20, secs(30));
        let at = segment(2, secs(20), secs(10));
        let map = "\nX-TIMESTAMP-MAP=MPEGTS:2700000,LOCAL:00:00:00.000";
        let text = vtt(map, "00:01.000 --> 00:02.500");
        assert_eq!(read(&text, &at, &offsets), [(21_000, 22_500)]);
        let map = "\nX-TIMESTAMP-MAP=LOCAL:00:00:20.000,MPEGTS:2700000";
        let text = vtt(map, "00:21.000 --> 00:22.500");
        assert_eq!(read(&text, &at, &offsets), [(21_000, 22_500)]);
    }

    #[test]
    fn a_map_is_right_behind_and_before_the_wrapping_of_the_clock() {
        let before = TsDemuxer::CLOCK_PERIOD - secs(2);
        let offsets = pictures(0, 0, before);
        let at = segment(0, Time::ZERO, secs(10));
        // Two seconds before it wraps, and three behind.
        let map = "\nX-TIMESTAMP-MAP=MPEGTS:8589754592,LOCAL:00:00:00.000";
        let text = vtt(map, "00:01.000 --> 00:02.000");
        assert_eq!(read(&text, &at, &offsets), [(1_000, 2_000)]);
        let map = "\nX-TIMESTAMP-MAP=MPEGTS:270000,LOCAL:00:00:00.000";
        let text = vtt(map, "00:01.000 --> 00:02.000");
        assert_eq!(read(&text, &at, &offsets), [(6_000, 7_000)]);
    }

    #[test]
    fn each_discontinuity_has_its_clock() {
        let mut offsets = pictures(0, 0, secs(100));
        let mut later = segment(1, secs(10), secs(10));
        later.discontinuity = Discontinuity {
            restarts: 0,
            sequence: 1,
        };
        offsets.place(&later, secs(5), ClockKind::Wrapping, None);
        let map = |seconds: i64| {
            format!(
                "\nX-TIMESTAMP-MAP=MPEGTS:{},LOCAL:00:00:00.000",
                seconds * 90_000
            )
        };
        let text = vtt(&map(100), "00:03.000 --> 00:04.000");
        let first = segment(0, Time::ZERO, secs(10));
        assert_eq!(read(&text, &first, &offsets), [(3_000, 4_000)]);
        let text = vtt(&map(5), "00:03.000 --> 00:04.000");
        assert_eq!(read(&text, &later, &offsets), [(13_000, 14_000)]);
    }

    #[test]
    fn a_map_that_puts_all_cues_elsewhere_is_not_believed_where_they_lie_right_without_it() {
        let offsets = pictures(2, 20, secs(20));
        let at = segment(2, secs(20), secs(10));
        let map = "\nX-TIMESTAMP-MAP=MPEGTS:9000000,LOCAL:00:00:00.000";
        let text = vtt(map, "00:21.000 --> 00:22.000");
        assert_eq!(read(&text, &at, &offsets), [(21_000, 22_000)]);
        // Elsewhere either way: the map counts.
        let text = vtt(map, "00:01.000 --> 00:02.000");
        assert_eq!(read(&text, &at, &offsets), [(101_000, 102_000)]);
    }

    #[test]
    fn without_a_map_cues_lie_where_they_fit_into_their_segment() {
        let at = segment(2, secs(20), secs(10));
        let offsets = pictures(2, 20, secs(1_000));
        let of = |times: &str| read(&vtt("", times), &at, &offsets);
        assert_eq!(
            of("00:21.000 --> 00:22.000"),
            [(21_000, 22_000)],
            "of the presentation"
        );
        assert_eq!(
            of("16:41.000 --> 16:42.000"),
            [(21_000, 22_000)],
            "of the pictures"
        );
        assert_eq!(
            of("00:01.000 --> 00:02.000"),
            [(21_000, 22_000)],
            "of the segment"
        );
        assert_eq!(
            of("05:00.000 --> 05:01.000"),
            [(300_000, 301_000)],
            "nothing fits"
        );
        let empty = TimestampOffsets::default();
        assert_eq!(read("WEBVTT\n", &at, &empty), []);
    }

    #[test]
    fn a_document_of_a_period_counts_from_its_clock_and_ends_with_it() {
        let mut at = segment(0, secs(60), secs(10));
        at.period = Some(PeriodClock {
            offset: secs(60) - secs(5),
            start: secs(60),
            end: Some(secs(70)),
        });
        let text = "WEBVTT\n\n00:04.000 --> 00:06.000\na\n\n00:14.000 --> 00:16.000\nb\n\n00:16.000 --> 00:17.000\nc\n";
        let told = read(text, &at, &TimestampOffsets::default());
        assert_eq!(told[..2], [(60_000, 61_000), (69_000, 70_000)]);
        assert!(
            told[2].0 >= told[2].1,
            "it is outside: nothing of it is shown"
        );
    }

    #[test]
    fn what_has_no_end_is_refused_and_what_is_none_too() {
        let at = segment(0, Time::ZERO, secs(10));
        let mut endless = TextSegment::default();
        let chunk = vec![b'\n'; 1 << 20];
        (0..40).for_each(|_| endless.add(&chunk));
        let offsets = TimestampOffsets::default();
        let fault = endless.read(&Tape::default(), &at, &offsets).unwrap_err();
        assert_eq!(fault.reason(), "subtitle.length");
        assert!(endless.0.len() <= Limits::default().bytes + 1);
        let mut noise = TextSegment::default();
        noise.add(b"no subtitles at all");
        let fault = noise.read(&Tape::default(), &at, &offsets).unwrap_err();
        assert_eq!(fault.reason(), "subtitle.unknown");
    }
}
