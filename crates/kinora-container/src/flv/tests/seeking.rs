use super::*;
use crate::test_files;

/// What a seek right behind the headers gives, in how many requests.
fn sought(bytes: &[u8], target_ms: i64, mode: SeekMode) -> (Vec<Packet>, usize) {
    let time = Time::from_millis(target_ms);
    test_files::sought(&mut FlvDemuxer::new(), bytes, SeekTo { time, mode })
}

fn long(index: bool, begins: u32) -> Film {
    Film {
        index,
        begins,
        picture_len: 2000,
        duration: index,
        ..Film::of(60)
    }
}

#[test]
fn a_seek_finds_the_key_frame_before_and_all_that_follows() {
    for (index, begins, most) in [
        (true, 0, 1),
        (true, 90_000, 1),
        (false, 0, 4),
        (false, 77, 4),
    ] {
        let bytes = long(index, begins).bytes();
        let whole = demux(&bytes);
        let pictures = of(&whole, VIDEO.into());
        for target in [0, 10, 999, 1080, 17_500, 30_020, 59_970, 99_999] {
            let (found, requests) = sought(&bytes, target, SeekMode::Before);
            let time = Time::from_millis(target);
            let key = pictures
                .iter()
                .rposition(|packet| packet.flags.key && packet.pts <= time)
                .unwrap_or(0);
            let found: Vec<&Packet> = (found.iter())
                .filter(|packet| packet.track.0 == u32::from(VIDEO))
                .collect();
            let shown = |packets: &[&Packet]| -> Vec<(Time, Bytes)> {
                packets.iter().map(|p| (p.pts, p.data.clone())).collect()
            };
            assert!(
                shown(&found) == shown(&pictures[key..]),
                "at {target}, index {index}"
            );
            assert!(
                requests <= most,
                "{requests} requests for {target}, index {index}"
            );
        }
    }
}

#[test]
fn the_nearest_key_frame_may_be_the_one_behind() {
    for index in [true, false] {
        let bytes = long(index, 0).bytes();
        for (target, expected) in [(5400, 5080), (5700, 6080)] {
            let (found, _) = sought(&bytes, target, SeekMode::Nearest);
            let mut pictures = found
                .iter()
                .filter(|packet| packet.track.0 == u32::from(VIDEO));
            assert_eq!(
                pictures.next().map(|packet| packet.pts.as_millis()),
                Some(expected)
            );
        }
    }
}

#[test]
fn an_index_of_another_file_is_not_followed() {
    let mut bytes = long(true, 0).bytes();
    let metadata = bytes.len();
    // Something was put before the tags.
    let mut muxer = Muxer::new(5);
    muxer.tag(SCRIPT, 0, &[2; 5000]);
    bytes.splice(..13, muxer.bytes);
    assert!(bytes.len() > metadata);
    let (found, _) = sought(&bytes, 30_500, SeekMode::Before);
    assert_eq!(found[0].pts.as_millis(), 30_080);
}

#[test]
fn a_key_frame_far_before_is_found_by_going_back() {
    let mut muxer = Muxer::new(1);
    muxer.avc_config(0, &avcc(0x80));
    for frame in 0..60 * 25 {
        let key = frame % 750 == 0;
        muxer.picture(frame * 40, 0, key, &slice(key, frame, 1000));
    }
    let (found, requests) = sought(&muxer.bytes, 59_000, SeekMode::Before);
    assert_eq!(found[0].pts.as_millis(), 30_000);
    assert!(requests <= 8, "{requests}");
}

#[test]
fn a_seek_back_gives_the_configuration_of_its_place_again() {
    let mut muxer = Muxer::new(1);
    for frame in 0..100u32 {
        if frame % 50 == 0 {
            muxer.avc_config(frame * 40, &avcc(if frame == 0 { 0x80 } else { 0x81 }));
        }
        muxer.picture(
            frame * 40,
            0,
            frame % 25 == 0,
            &slice(frame % 25 == 0, frame, 50),
        );
    }
    let mut demuxer = FlvDemuxer::new();
    demuxer.set_len(muxer.bytes.len() as u64);
    steps(&mut demuxer, &muxer.bytes, 500).unwrap();
    let time = Time::from_millis(1100);
    let mode = SeekMode::Before;
    demuxer.seek(SeekTo { time, mode }).unwrap();
    let steps = steps(&mut demuxer, &muxer.bytes, 500).unwrap();
    let configs: Vec<&Bytes> = infos(&steps)
        .iter()
        .map(|info| &info.tracks[0].config)
        .collect();
    assert_eq!(configs.last(), Some(&&Bytes::from(avcc(0x81))));
    assert!(configs.contains(&&Bytes::from(avcc(0x80))));
    assert_eq!(ms(&packets(&steps))[0], 1000);
}

#[test]
fn the_duration_is_looked_for_on_demand_and_nothing_is_lost() {
    for cut in [0, 2, 700] {
        let mut bytes = long(false, 5000).bytes();
        bytes.truncate(bytes.len() - cut);
        let whole = demux(&bytes);
        let mut demuxer = FlvDemuxer::new();
        demuxer.set_len(bytes.len() as u64);
        let mut steps = Vec::new();
        let (mut at, shared) = (0, Bytes::copy_from_slice(&bytes));
        loop {
            match demuxer.poll().unwrap() {
                Step::NeedMore if at < shared.len() => {
                    let end = (at + 10_000).min(shared.len());
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
        let told: Vec<Option<i64>> = (infos(&steps).iter())
            .map(|info| info.duration.map(Time::as_millis))
            .collect();
        assert_eq!(told[0], None);
        assert!((told[1].unwrap() - 59_960).abs() <= 40, "{told:?}");
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
    let mut demuxer = FlvDemuxer::new();
    assert!(demuxer.seek(target).is_err());
    demuxer.push(0, Film::of(1).bytes().into());
    assert!(matches!(demuxer.poll(), Ok(Step::Info(info)) if !info.seekable));
    assert!(matches!(
        demuxer.seek(target),
        Err(DemuxError::NotSeekable(_))
    ));
    assert!(!demuxer.find_duration());
}
