use super::*;
use crate::test_files;

/// What a seek right behind the headers gives, in how many requests.
fn sought(bytes: &[u8], target_ms: i64) -> (Vec<Packet>, usize) {
    let mode = SeekMode::Before;
    let time = Time::from_millis(target_ms);
    test_files::sought(&mut OggDemuxer::new(), bytes, SeekTo { time, mode })
}

#[test]
fn a_seek_arrives_a_little_before_and_gives_all_that_follows_with_its_times() {
    for (file, least) in [(opus_file(1, 60), 80), (vorbis(60), 40), (flac(30), 0)] {
        let whole = demux(&file);
        let all = packets(&whole);
        for target in [0, 999, 1000, 17_500, 29_900] {
            let (found, requests) = sought(&file, target);
            let tail = &all[all.len() - found.len()..];
            for (index, (one, other)) in found.iter().zip(tail).enumerate() {
                assert_eq!(one.data, other.data, "packet {index} after {target}");
                // What a first packet of Vorbis completes is not known, and not heard.
                let same = (one.pts - other.pts).abs() < Time::from_micros(2);
                assert!(
                    same || index == 0,
                    "packet {index} after {target}: {:?}",
                    one.pts
                );
            }
            let arrived = found[0].pts.as_millis();
            assert!(arrived <= (target - least).max(0), "{arrived} for {target}");
            assert!(arrived >= target - 2500, "{arrived} for {target}");
            assert!(requests <= 6, "{requests} requests for {target}");
        }
    }
}

#[test]
fn a_seek_among_pictures_arrives_at_their_key_frame() {
    let file = theora(20);
    for (target, key) in [(0, 0), (790, 0), (800, 800), (9999, 9600), (19_900, 19_200)] {
        let (found, requests) = sought(&file, target);
        let mut pictures = found.iter().filter(|packet| packet.track.0 == 0);
        let first = pictures.next().unwrap();
        assert!(first.flags.key);
        assert_eq!(first.pts.as_millis(), key, "for {target}");
        assert!(requests <= 8, "{requests} requests for {target}");
    }
}

#[test]
fn the_last_page_is_timed_right_after_a_seek() {
    let file = opus_file(1, 20);
    let (found, _) = sought(&file, 19_990);
    let last = found.last().unwrap();
    assert_eq!(last.pts, Time::from_micros(19_980_000 - 6500));
    assert_eq!(last.duration.as_micros(), 460 * 1_000_000 / 48_000);
}

#[test]
fn a_seek_goes_back_to_an_earlier_one_of_chained_streams() {
    let bytes = [opus_file(1, 10), flac(10), vorbis(10)].concat();
    let mut demuxer = OggDemuxer::new();
    demuxer.set_len(bytes.len() as u64);
    let whole = steps(&mut demuxer, &bytes, 10_000).unwrap();
    for (target, codec) in [(15_000, CodecId::Flac), (3_000, CodecId::Opus)] {
        let time = Time::from_millis(target);
        let mode = SeekMode::Before;
        demuxer.seek(SeekTo { time, mode }).unwrap();
        let steps = steps(&mut demuxer, &bytes, 10_000).unwrap();
        let told = infos(&steps);
        let own = told.iter().position(|info| info.tracks[0].codec == codec);
        assert!(own.is_some(), "for {target}");
        let found = packets(&steps);
        let all = packets(&whole);
        let tail = &all[all.len() - found.len()..];
        assert!(
            found
                .iter()
                .zip(tail)
                .skip(1)
                .all(|(one, other)| one.data == other.data
                    && (one.pts - other.pts).abs() < Time::from_micros(2))
        );
        assert!(found[0].pts <= time && found[0].pts > time - Time::from_millis(2500));
    }
}

#[test]
fn the_duration_is_looked_for_on_demand_and_nothing_is_lost() {
    for (file, expected) in [
        (opus_file(1, 20), 19_983),
        (vorbis(20), 20_000),
        (flac(20), 20_000),
    ] {
        let whole = demux(&file);
        let mut demuxer = OggDemuxer::new();
        demuxer.set_len(file.len() as u64);
        let (mut steps, mut at) = (Vec::new(), 0);
        loop {
            match demuxer.poll().unwrap() {
                Step::NeedMore if at < file.len() => {
                    let end = (at + 10_000).min(file.len());
                    demuxer.push(at as u64, Bytes::copy_from_slice(&file[at..end]));
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
        let told: Vec<Option<i64>> = (infos(&steps).iter())
            .map(|info| info.duration.map(Time::as_millis))
            .collect();
        assert_eq!(told, [None, Some(expected)]);
        assert!(packets(&steps) == packets(&whole));
        assert!(!demuxer.find_duration());
    }
}

#[test]
fn without_a_length_there_is_no_seek() {
    let target = SeekTo {
        time: Time::ZERO,
        mode: SeekMode::Before,
    };
    let mut demuxer = OggDemuxer::new();
    assert!(demuxer.seek(target).is_err());
    demuxer.push(0, opus_file(1, 1).into());
    assert!(matches!(demuxer.poll(), Ok(Step::Info(info)) if !info.seekable));
    assert!(matches!(
        demuxer.seek(target),
        Err(DemuxError::NotSeekable(_))
    ));
    assert!(!demuxer.find_duration());
}
