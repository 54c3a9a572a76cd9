use super::*;
use crate::test_files::{ac3, adts, id3, mp3};
use crate::ts::tests::muxer::film;

#[test]
fn a_tag_too_long_to_look_behind_does_not_make_a_file_mpeg_audio() {
    for (sound, container) in [
        (adts(3, 100), "adts"),
        (ac3(3), "ac3"),
        (mp3(3), "mp3"),
        ([id3(90_000), adts(3, 100)].concat(), "adts"),
    ] {
        let bytes = Bytes::from([id3(300_000), sound].concat());
        let mut demuxer = ProbingDemuxer::new();
        let mut rest = bytes.chunks(10_000);
        let info = loop {
            match demuxer.poll().unwrap() {
                Step::Info(info) => break info,
                Step::NeedMore => match rest.next() {
                    Some(chunk) => {
                        let at = bytes.len() - rest.clone().map(<[u8]>::len).sum::<usize>();
                        demuxer.push((at - chunk.len()) as u64, bytes.slice_ref(chunk));
                    }
                    None => demuxer.finish(),
                },
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(info.container, container);
    }
}

#[test]
fn a_probe_that_finds_nothing_says_what_it_saw() {
    let mut demuxer = ProbingDemuxer::new();
    assert_eq!(demuxer.poll(), Ok(Step::NeedMore));
    demuxer.push(0, Bytes::from_static(b"<html><body>404</body></html>"));
    demuxer.finish();
    let Err(DemuxError::UnknownContainer(what)) = demuxer.poll() else {
        panic!("a page is no media");
    };
    assert!(what.contains("HTML"), "{what}");
}

#[test]
fn a_probe_becomes_the_demuxer_however_the_bytes_come() {
    let bytes = Bytes::from(mp3(20));
    let count = |chunk: usize| {
        let mut demuxer = ProbingDemuxer::new();
        let (mut at, mut packets) = (0, 0);
        loop {
            match demuxer.poll().unwrap() {
                Step::Packet(_) => packets += 1,
                Step::End => return packets,
                Step::Info(_) => {}
                Step::NeedMore | Step::Want(_) if at == bytes.len() => demuxer.finish(),
                _ => {
                    let end = (at + chunk).min(bytes.len());
                    demuxer.push(at as u64, bytes.slice(at..end));
                    at = end;
                }
            }
        }
    };
    assert_eq!(count(bytes.len()), 20);
    assert_eq!(count(1), 20);
}

#[test]
fn an_mpeg_probe_ends_on_every_short_start() {
    let whole = [id3(40), mp3(1)].concat();
    for len in 0..whole.len() {
        let mut demuxer = ProbingDemuxer::new();
        demuxer.push(0, Bytes::copy_from_slice(&whole[..len]));
        demuxer.finish();
        let ends = (0..20).any(|_| matches!(demuxer.poll(), Ok(Step::End) | Err(_)));
        assert!(ends, "of the first {len} bytes");
    }
}

/// What some pictures begin with, and bytes that stand for the rest of them.
fn pictures() -> Vec<Vec<u8>> {
    let magics: [&[u8]; 5] = [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01",
        b"GIF89a\x01\0\x01\0",
        b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
        b"RIFF\x40\0\0\0WEBPVP8 ",
    ];
    // Sync bytes lie in it too, as in any compressed data.
    let rest = (0..70_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8);
    magics
        .into_iter()
        .map(|magic| magic.iter().copied().chain(rest.clone()).collect())
        .collect()
}

/// Runs over one resource in chunks of some size.
fn run(demuxer: &mut ProbingDemuxer, bytes: &[u8], chunk: usize) -> Result<Vec<Step>, DemuxError> {
    let (mut at, mut steps) = (0, Vec::new());
    for _ in 0..bytes.len() * 4 + 1_000 {
        match demuxer.poll()? {
            Step::End => return Ok(steps),
            Step::NeedMore if at == bytes.len() => demuxer.finish(),
            Step::NeedMore => {
                let end = (at + chunk).min(bytes.len());
                demuxer.push(at as u64, Bytes::copy_from_slice(&bytes[at..end]));
                at = end;
            }
            Step::Want(range) => at = range.start as usize,
            step => steps.push(step),
        }
    }
    panic!("it does not come to an end");
}

fn pts(steps: &[Step]) -> Vec<i64> {
    let packets = steps.iter().filter_map(|step| match step {
        Step::Packet(packet) => Some(packet.pts.as_micros()),
        _ => None,
    });
    packets.collect()
}

#[test]
fn a_segment_is_found_behind_an_image() {
    let first = film(2, 900_000, 300).bytes;
    let second = film(1, 1_080_000, 300).bytes;
    let plain = run(&mut ProbingDemuxer::for_segments(), &first, 4096).unwrap();
    for picture in pictures() {
        for (len, chunk) in [(70, 4096), (70, 7), (picture.len(), 16_384)] {
            let picture = &picture[..len];
            let mut demuxer = ProbingDemuxer::for_segments();
            let steps = run(&mut demuxer, &[picture, &first].concat(), chunk).unwrap();
            assert_eq!(pts(&steps), pts(&plain), "{:02x?}", &picture[..4]);
            assert_eq!(demuxer.clock(), ClockKind::Wrapping);
            assert!(demuxer.next_resource());
            let steps = run(&mut demuxer, &[picture, &second].concat(), chunk).unwrap();
            assert_eq!(pts(&steps).first(), Some(&12_040_000));
            assert_eq!(demuxer.damage(), 0);
        }
    }
}

#[test]
fn an_image_with_nothing_behind_it_is_recognised() {
    for picture in pictures() {
        let picture = &picture[..5_000];
        let mut demuxer = ProbingDemuxer::for_segments();
        let refused = run(&mut demuxer, picture, 1_000);
        assert!(matches!(refused, Err(DemuxError::UnknownContainer(_))));
        let mut file = ProbingDemuxer::new();
        let refused = run(&mut file, &[picture, &film(1, 0, 300).bytes].concat(), 4096);
        assert!(refused.is_err(), "no playlist names it");
    }
    // Five, so that no G lies 188 bytes behind another: that would be a sync byte.
    let endless = b"\x89PNG\0".repeat(PICTURE_LIMIT / 5 + 1);
    let mut demuxer = ProbingDemuxer::for_segments();
    demuxer.push(0, Bytes::from(endless));
    assert!(demuxer.poll().is_err(), "it is not waited for without end");
}

#[test]
fn a_segment_of_another_container_gets_another_demuxer() {
    let mut demuxer = ProbingDemuxer::for_segments();
    let steps = run(&mut demuxer, &film(1, 900_000, 300).bytes, 4096).unwrap();
    assert_eq!(pts(&steps).first(), Some(&10_040_000));
    assert!(demuxer.next_resource());
    let steps = run(&mut demuxer, &adts(3, 100), 4096).unwrap();
    assert_eq!(pts(&steps).len(), 3);
    assert_eq!(demuxer.clock(), ClockKind::OwnStart);
}

#[test]
fn a_tag_too_long_to_read_is_stepped_over() {
    let bytes = [id3(2_000_000), adts(3, 100)].concat();
    let mut demuxer = ProbingDemuxer::new();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(&bytes[..70_000]));
    demuxer.finish();
    let behind = 2_000_010;
    assert_eq!(demuxer.poll(), Ok(Step::Want(ByteRange::from(behind))));
    demuxer.push(70_000, Bytes::copy_from_slice(&bytes[70_000..80_000]));
    assert_eq!(
        demuxer.poll(),
        Ok(Step::NeedMore),
        "what was asked for comes later"
    );
    demuxer.push(behind, Bytes::copy_from_slice(&bytes[behind as usize..]));
    let Ok(Step::Info(info)) = demuxer.poll() else {
        panic!("the tracks are told")
    };
    assert_eq!(info.container, "adts");
}
