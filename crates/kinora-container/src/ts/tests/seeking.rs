use kinora_media::Time;

use super::*;
use crate::{SeekMode, test_files};

/// What a seek gives, in how many requests: the packets that follow it.
fn sought(bytes: &[u8], target_ms: i64, mode: SeekMode) -> (Vec<Packet>, usize) {
    let time = Time::from_millis(target_ms);
    test_files::sought(&mut TsDemuxer::default(), bytes, SeekTo { time, mode })
}

#[test]
fn a_seek_finds_the_key_frame_before_and_all_that_follows() {
    let bytes = film(60, 1_000_000, 2000).bytes;
    let whole = demux(&bytes);
    let pictures = packets(&whole, VIDEO);
    for target in [0, 10, 999, 1000, 17_500, 30_020, 59_970, 99_999] {
        let (found, requests) = sought(&bytes, target, SeekMode::Before);
        let key = pictures
            .iter()
            .rposition(|packet| packet.flags.key && packet.pts <= Time::from_millis(target))
            .unwrap();
        let found: Vec<&Packet> = (found.iter())
            .filter(|packet| packet.track.0 == u32::from(VIDEO))
            .collect();
        let data = |packets: &[&Packet]| -> Vec<(Time, Bytes)> {
            packets.iter().map(|p| (p.pts, p.data.clone())).collect()
        };
        assert!(data(&found) == data(&pictures[key..]), "at {target}");
        assert!(requests <= 3, "{requests} requests for {target}");
    }
}

#[test]
fn the_nearest_key_frame_may_be_the_one_behind() {
    let bytes = film(20, 0, 500).bytes;
    for (target, expected) in [(5400, 5000), (5600, 6000), (19_900, 19_000)] {
        let (found, _) = sought(&bytes, target, SeekMode::Nearest);
        let first = found
            .iter()
            .find(|packet| packet.track.0 == u32::from(VIDEO));
        assert_eq!(first.map(|packet| packet.pts.as_millis()), Some(expected));
    }
}

#[test]
fn a_seek_works_over_a_wrap_of_the_clock() {
    let bytes = film(20, (1 << 33) - 900_000, 500).bytes;
    for target in [3500, 9999, 15_500] {
        let (found, _) = sought(&bytes, target, SeekMode::Before);
        let first = found
            .iter()
            .find(|packet| packet.track.0 == u32::from(VIDEO));
        let expected = target / 1000 * 1000;
        assert_eq!(first.map(|packet| packet.pts.as_millis()), Some(expected));
    }
}

#[test]
fn a_key_frame_far_before_is_found_by_going_back() {
    // One key frame at the start, then another in the middle: 30 s apart.
    let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[])]);
    for number in 0..60 * 25u32 {
        let ticks = u64::from(number) * 3600;
        let key = number % 750 == 0;
        muxer.pes(VIDEO, Some(ticks), None, &picture(key, number % 16, 1000));
    }
    let (found, requests) = sought(&muxer.bytes, 59_000, SeekMode::Before);
    assert_eq!(found[0].pts.as_millis(), 30_000);
    assert!(requests <= 8, "{requests}");
}

#[test]
fn the_duration_is_looked_for_on_demand_and_nothing_is_lost() {
    let bytes = film(10, 4000, 500).bytes;
    let whole = demux(&bytes);
    let shared = Bytes::copy_from_slice(&bytes);
    let mut demuxer = TsDemuxer::default();
    demuxer.set_len(bytes.len() as u64);
    let (mut at, mut steps) = (0, Vec::new());
    loop {
        match demuxer.poll().unwrap() {
            Step::NeedMore if at < bytes.len() => {
                let end = (at + 10_000).min(bytes.len());
                demuxer.push(at as u64, shared.slice(at..end));
                at = end;
            }
            Step::NeedMore => demuxer.finish(),
            Step::Want(range) => at = range.start as usize,
            Step::End => break,
            step => {
                if steps.len() == 30 {
                    assert!(demuxer.find_duration());
                }
                steps.push(step);
            }
        }
    }
    let reported: Vec<Option<i64>> = (infos(&steps).iter())
        .map(|info| info.duration.map(Time::as_millis))
        .collect();
    assert_eq!(reported[0], None);
    assert!((reported[1].unwrap() - 10_000).abs() < 50, "{reported:?}");
    assert!(packets(&steps, VIDEO) == packets(&whole, VIDEO));
    assert!(packets(&steps, AUDIO) == packets(&whole, AUDIO));
    assert!(!demuxer.find_duration());
}

#[test]
fn without_a_length_there_is_no_seek() {
    let bytes = film(1, 0, 100).bytes;
    let mut demuxer = TsDemuxer::default();
    let target = SeekTo {
        time: Time::ZERO,
        mode: SeekMode::Before,
    };
    assert!(demuxer.seek(target).is_err());
    demuxer.push(0, bytes.into());
    assert!(matches!(demuxer.poll(), Ok(Step::Info(_))));
    assert!(matches!(
        demuxer.seek(target),
        Err(DemuxError::NotSeekable(_))
    ));
}

#[test]
fn audio_before_the_first_key_frame_is_given_after_a_seek_to_the_start() {
    let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[]), (0x0f, AUDIO, &[])]);
    for number in 0..100u64 {
        muxer.pes(AUDIO, Some(number * 1800), None, &adts(&[number as u8; 60]));
        if number >= 50 {
            let picture = picture(number == 50, number as u32 - 50, 400);
            muxer.pes(VIDEO, Some(number * 1800), None, &picture);
        }
    }
    for target in [0, 500] {
        let (found, _) = sought(&muxer.bytes, target, SeekMode::Before);
        let sound = |packet: &&Packet| packet.track.0 == u32::from(AUDIO);
        assert_eq!(found.iter().filter(sound).count(), 100, "{target}");
    }
}
