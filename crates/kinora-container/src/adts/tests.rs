use bytes::Bytes;
use kinora_media::{CodecId, Packet, Time};

use super::*;
use crate::ac3::Ac3Demuxer;
use crate::ts::tests::muxer::adts;
use crate::{ClockKind, DemuxError, Demuxer, ProbingDemuxer, SeekMode, SeekTo, Step};

fn run(demuxer: &mut dyn Demuxer, bytes: &[u8], chunk: usize) -> Result<Vec<Step>, DemuxError> {
    let mut steps = Vec::new();
    let mut at = 0;
    loop {
        match demuxer.poll()? {
            Step::NeedMore if at < bytes.len() => {
                let end = (at + chunk).min(bytes.len());
                demuxer.push(at as u64, Bytes::copy_from_slice(&bytes[at..end]));
                at = end;
            }
            Step::NeedMore => demuxer.finish(),
            Step::Want(range) => at = range.start as usize,
            Step::End => return Ok(steps),
            step => steps.push(step),
        }
    }
}

fn packets(steps: &[Step]) -> Vec<&Packet> {
    let packets = steps.iter().filter_map(|step| match step {
        Step::Packet(packet) => Some(packet),
        _ => None,
    });
    packets.collect()
}

fn frames(count: u8) -> Vec<u8> {
    (0..count).flat_map(|n| adts(&[n & 0x7f; 93])).collect()
}

#[test]
fn frames_lose_their_headers_which_become_the_configuration() {
    let mut with_crc = frames(20);
    // The eighth frame has a checksum: two bytes more of header.
    with_crc[7 * 100 + 1] = 0xf0;
    let steps = run(&mut AdtsDemuxer::new(), &with_crc, 77).unwrap();
    let Step::Info(info) = &steps[0] else {
        panic!("the tracks come first")
    };
    assert_eq!(info.tracks[0].codec, CodecId::Aac);
    assert_eq!(info.tracks[0].config[..], [0x12, 0x10]);
    assert_eq!(info.tracks[0].codec_string.as_deref(), Some("mp4a.40.2"));
    let packets = packets(&steps);
    assert_eq!(packets.len(), 20);
    assert_eq!(packets[3].data[..], [3; 93]);
    assert_eq!(packets[7].data[..], [7; 91]);
    assert_eq!(packets[19].pts.as_micros(), 441_179);
}

#[test]
fn a_tag_junk_and_a_cut_do_no_more_than_they_must() {
    let mut bytes = b"ID3\x04\0\0\0\0\0\x05hello".to_vec();
    bytes.extend(frames(5));
    // A header of another sample rate, which the frames behind do not confirm.
    bytes.extend([0xff, 0xf1, 0x54, 0x80, 1, 2, 3, 4, 5]);
    bytes.extend(frames(5));
    bytes.truncate(bytes.len() - 3);
    let mut demuxer = AdtsDemuxer::new();
    let steps = run(&mut demuxer, &bytes, 64).unwrap();
    let numbers: Vec<u8> = packets(&steps).iter().map(|p| p.data[0]).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 0, 1, 2, 3]);
    assert_eq!(demuxer.damage(), 2);
}

#[test]
fn packed_audio_keeps_the_time_of_its_tag() {
    let mut bytes = b"ID3\x04\0\0\0\0\0\x3fPRIV\0\0\0\x35\0\0".to_vec();
    bytes.extend(b"com.apple.streaming.transportStreamTimestamp\0");
    bytes.extend([0, 0, 0, 0, 0, 13, 0xbb, 0xa0]); // ten seconds
    bytes.extend(frames(5));
    let mut segments = ProbingDemuxer::for_segments();
    let steps = run(&mut segments, &bytes, 64).unwrap();
    assert_eq!(packets(&steps)[0].pts, Time::from_millis(10_000));
    assert_eq!(segments.clock(), ClockKind::Wrapping);
    let steps = run(&mut AdtsDemuxer::new(), &bytes, 64).unwrap();
    assert_eq!(packets(&steps)[0].pts, Time::ZERO);
    let mut untimed = ProbingDemuxer::for_segments();
    run(&mut untimed, &frames(5), 64).unwrap();
    assert_eq!(untimed.clock(), ClockKind::OwnStart);
}

#[test]
fn a_seek_lands_on_a_frame_near_the_time() {
    let bytes = frames(127);
    let mut demuxer = AdtsDemuxer::new();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(&bytes));
    let Ok(Step::Info(info)) = demuxer.poll() else {
        panic!("the tracks come first")
    };
    assert_eq!(info.duration.map(Time::as_millis), Some(2948));
    assert!(info.seekable);
    let time = Time::from_millis(2000);
    let mode = SeekMode::Before;
    demuxer.seek(SeekTo { time, mode }).unwrap();
    let Ok(Step::Want(range)) = demuxer.poll() else {
        panic!("bytes are wanted")
    };
    demuxer.push(
        range.start,
        Bytes::copy_from_slice(&bytes[range.start as usize..]),
    );
    demuxer.finish();
    let Ok(Step::Packet(packet)) = demuxer.poll() else {
        panic!("a packet")
    };
    let number = i64::from(packet.data[0]);
    assert!((packet.pts.as_micros() - number * 23_220).abs() < 24_000);
    assert!((80..=86).contains(&number), "{number}");
}

#[test]
fn ac3_files_give_their_frames() {
    let mut frame = vec![0x0b, 0x77, 0, 0, 0x1e, 0x40, 0xe1, 0];
    frame.resize(1792, 0);
    let mut demuxer = Ac3Demuxer::new();
    demuxer.set_len(4 * 1792);
    let steps = run(&mut demuxer, &frame.repeat(4), 500).unwrap();
    let Step::Info(info) = &steps[0] else {
        panic!("the tracks come first")
    };
    assert_eq!(info.tracks[0].codec, CodecId::Ac3);
    assert_eq!(info.duration, Some(Time::from_millis(128)));
    assert_eq!(packets(&steps).len(), 4);
    assert_eq!(packets(&steps)[3].pts, Time::from_millis(96));
}

#[test]
fn a_file_without_frames_is_refused() {
    let refused = run(&mut AdtsDemuxer::new(), &[0xff; 3000], 100);
    assert!(matches!(
        refused,
        Err(DemuxError::Malformed {
            reason: "adts.no_sync",
            ..
        })
    ));
}

#[test]
fn files_are_read_as_promised() {
    let make = || -> Box<dyn Demuxer> { Box::new(AdtsDemuxer::new()) };
    crate::contract::assert_demuxer(make, &frames(120));
    let make = || -> Box<dyn Demuxer> { Box::new(Ac3Demuxer::new()) };
    let mut frame = vec![0x0b, 0x77, 0, 0, 0x1e, 0x40, 0xe1, 0];
    frame.resize(1792, 0);
    crate::contract::assert_demuxer(make, &frame.repeat(30));
    crate::contract::assert_survives(make, &frame[..1000]);
}
