use bytes::Bytes;
use kinora_media::{CodecId, Packet, Time};

use super::*;
use crate::test_files::read;
use crate::{DemuxError, Demuxer, SeekMode, SeekTo, Step};

/// An MPEG-1 layer III frame: 48 kHz, stereo, by bit rate index; its bytes tell its number.
fn frame(index: u8, number: u8) -> Vec<u8> {
    let kbps = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128][usize::from(index)];
    let mut frame = vec![0xff, 0xfb, index << 4 | 0x04, 0x00];
    frame.resize(144 * kbps / 48, number & 0x7f);
    frame
}

fn frames(count: u8) -> Vec<u8> {
    (0..count).flat_map(|number| frame(9, number)).collect()
}

/// A frame with a Xing table: frames, bytes, places, and what LAME adds.
fn xing(frames: u32, bytes: u32) -> Vec<u8> {
    let mut table = frame(9, 0);
    let mut fields = b"Xing\0\0\0\x07".to_vec();
    fields.extend(frames.to_be_bytes());
    fields.extend(bytes.to_be_bytes());
    fields.extend((0..100u32).map(|share| (share * 256 / 100) as u8));
    fields.extend(b"LAME3.100");
    fields.extend([0; 12]);
    fields.extend([0x24, 0x04, 0x00]); // 576 samples of delay, 1024 of padding
    table[36..36 + fields.len()].copy_from_slice(&fields);
    table
}

struct Run {
    steps: Vec<Step>,
    damage: u64,
    wants: Vec<u64>,
}

impl Run {
    fn info(&self) -> &kinora_media::MediaInfo {
        match &self.steps[0] {
            Step::Info(info) => info,
            other => panic!("{other:?}"),
        }
    }
    fn packets(&self) -> Vec<&Packet> {
        let packets = self.steps.iter().filter_map(|step| match step {
            Step::Packet(packet) => Some(packet),
            _ => None,
        });
        packets.collect()
    }
    fn numbers(&self) -> Vec<u8> {
        let last = |packet: &&Packet| *packet.data.last().unwrap();
        self.packets().iter().map(last).collect()
    }
}

/// Runs over bytes in chunks; after the tracks are told a seek may follow.
fn run_with(bytes: &[u8], chunk: usize, mut seek: Option<i64>) -> Result<Run, DemuxError> {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut demuxer = Mp3Demuxer::new();
    demuxer.set_len(bytes.len() as u64);
    let (mut at, mut steps, mut wants) = (0, Vec::new(), Vec::new());
    loop {
        match demuxer.poll()? {
            Step::NeedMore if at < bytes.len() => {
                let end = (at + chunk).min(bytes.len());
                demuxer.push(at as u64, bytes.slice(at..end));
                at = end;
            }
            Step::NeedMore => demuxer.finish(),
            Step::Want(range) => {
                at = range.start as usize;
                wants.push(range.start);
            }
            Step::End => break,
            step => steps.push(step),
        }
        if let (Some(millis), false) = (seek, steps.is_empty()) {
            seek = None;
            demuxer.seek(SeekTo {
                time: Time::from_millis(millis),
                mode: SeekMode::Before,
            })?;
        }
    }
    let damage = demuxer.damage();
    Ok(Run {
        steps,
        damage,
        wants,
    })
}

fn run(bytes: &[u8]) -> Run {
    run_with(bytes, 1000, None).unwrap()
}

#[test]
fn frames_become_packets_at_their_times() {
    let run = run(&frames(50));
    let track = &run.info().tracks[0];
    assert_eq!(track.codec, CodecId::Mp3);
    assert_eq!(track.bitrate, Some(128_000));
    assert_eq!(run.info().duration, Some(Time::from_millis(1200)));
    let packets = run.packets();
    assert_eq!(packets.len(), 50);
    assert_eq!(packets[49].pts, Time::from_millis(49 * 24));
    assert_eq!(packets[49].duration, Time::from_millis(24));
    assert_eq!(packets[7].data[..], frame(9, 7)[..]);
    assert_eq!(run.damage, 0);
}

#[test]
fn how_the_bytes_come_makes_no_difference() {
    let bytes = [&xing(40, 40 * 384)[..], &frames(40)].concat();
    let whole = run_with(&bytes, usize::MAX / 2, None).unwrap();
    for chunk in [1, 3, 383, 384, 5000] {
        let run = run_with(&bytes, chunk, None).unwrap();
        assert_eq!(run.packets(), whole.packets(), "in chunks of {chunk}");
    }
}

#[test]
fn payload_is_a_view_into_what_was_pushed() {
    let bytes = Bytes::from(frames(9));
    let mut demuxer = Mp3Demuxer::new();
    demuxer.push(0, bytes.clone());
    assert!(matches!(demuxer.poll(), Ok(Step::Info(_))));
    let Ok(Step::Packet(packet)) = demuxer.poll() else {
        panic!("a packet")
    };
    assert_eq!(packet.data.as_ptr(), bytes.as_ptr());
}

#[test]
fn what_looks_like_frames_within_a_later_tag_is_no_audio() {
    let hidden = frames(3);
    let size = (hidden.len() as u32 + 32).to_le_bytes();
    let ape_part = |flags: u8| {
        let (version, items) = (2000u32.to_le_bytes(), 1u32.to_le_bytes());
        let flags = [0, 0, 0, flags];
        [&b"APETAGEX"[..], &version, &size, &items, &flags, &[0; 8]].concat()
    };
    let ape = [ape_part(0xa0), hidden.clone(), ape_part(0x80)].concat();
    let [high, low] = [hidden.len() >> 7, hidden.len()].map(|part| part as u8 & 0x7f);
    let id3 = [&b"ID3\x04\0\0\0\0"[..], &[high, low], &hidden].concat();
    let run = run(&[frames(5), id3, frames(4), ape, b"TAG".to_vec()].concat());
    assert_eq!(run.numbers(), [0, 1, 2, 3, 4, 0, 1, 2, 3]);
    assert_eq!(run.damage, 0);
}

#[test]
fn tags_before_and_behind_are_passed_over() {
    let mut bytes = b"ID3\x03\0\0\0\0\x01\x00TIT2\0\0\0\x05\0\0\0Song".to_vec();
    bytes.resize(10 + 128, 0);
    bytes.extend(b"ID3\x04\0\0\0\0\0\x03xyz");
    bytes.extend(frames(20));
    bytes.extend(b"TAG");
    bytes.resize(bytes.len() + 125, b' ');
    let run = run(&bytes);
    assert_eq!(run.info().title.as_deref(), Some("Song"));
    assert_eq!(run.packets().len(), 20);
    assert_eq!(run.damage, 0);
}

#[test]
fn a_large_tag_is_stepped_over_by_a_request() {
    let mut bytes = b"ID3\x03\0\0\0\x60\0\0".to_vec();
    let end = 10 + (0x60 << 14);
    bytes.resize(end, 0);
    bytes.extend(frames(20));
    let run = run(&bytes);
    assert_eq!(run.wants, [end as u64]);
    assert_eq!(run.packets().len(), 20);
}

#[test]
fn a_vbr_header_is_no_packet_and_gives_the_duration() {
    let bytes = [&xing(40, 41 * 384)[..], &frames(40)].concat();
    let run = run(&bytes);
    assert_eq!(run.packets().len(), 40);
    assert_eq!(run.info().duration, Some(Time::from_millis(960)));
    let audio = run.info().tracks[0].audio.unwrap();
    assert_eq!(audio.encoder_delay, 576 + 529);
    assert_eq!(audio.encoder_padding, 1024 - 529);
}

#[test]
fn junk_is_passed_over_wherever_it_is() {
    let junk = [0xde, 0xad, 0xbe, 0xef].repeat(300);
    let bytes = [&junk[..], &frames(10), &junk, &frames(10), &junk].concat();
    let run = run(&bytes);
    let expected: Vec<u8> = (0..10).chain(0..10).collect();
    assert_eq!(run.numbers(), expected);
    assert_eq!(run.packets()[19].pts, Time::from_millis(19 * 24));
    assert_eq!(run.damage, 2);
}

#[test]
fn a_last_frame_cut_short_is_dropped() {
    let bytes = frames(10);
    for cut in [1, 100, 380, 383] {
        assert_eq!(run(&bytes[..bytes.len() - cut]).packets().len(), 9);
    }
}

#[test]
fn a_file_without_frames_is_refused() {
    for bytes in [vec![], vec![0; 5000], frame(9, 0)[..300].to_vec()] {
        let error = run_with(&bytes, 1000, None).err().unwrap();
        assert!(matches!(
            error,
            DemuxError::Malformed {
                reason: "mp3.no_sync",
                ..
            }
        ));
    }
    let endless = vec![0x55; 3 << 20];
    assert!(run_with(&endless, 65_536, None).is_err());
}

/// Frames of the free format: 44.1 kHz, 500 bytes, every third with a byte of padding.
fn free(frames: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 0..frames {
        let padding = usize::from(number % 3 == 1);
        out.extend([0xff, 0xfb, (padding as u8) << 1, 0x00, number]);
        out.resize(out.len() + 495 + padding, 0x11);
    }
    out
}

#[test]
fn the_free_format_is_read_by_where_its_frames_begin() {
    let file = free(40);
    let make = || -> Box<dyn Demuxer> { Box::new(Mp3Demuxer::new()) };
    let (info, packets) = read(&mut *make(), &file).unwrap();
    assert_eq!(info.tracks[0].codec, CodecId::Mp3);
    let sizes: Vec<usize> = packets.iter().map(|packet| packet.data.len()).collect();
    assert_eq!((sizes.len(), &sizes[..3]), (40, &[500, 501, 500][..]));
    assert!(
        packets
            .iter()
            .zip(0..)
            .all(|(packet, number)| packet.data[4] == number)
    );
    crate::contract::assert_demuxer(make, &file);
    let kind = crate::sniff::sniff(&file);
    assert_eq!(kind, crate::Sniff::Known(crate::ContainerKind::Mp3));
}

#[test]
fn two_headers_of_the_free_format_are_no_file() {
    let refused = read(&mut Mp3Demuxer::new(), &free(2));
    assert!(matches!(
        refused,
        Err(DemuxError::Malformed {
            reason: "mp3.no_sync",
            ..
        })
    ));
}

#[test]
fn a_seek_by_an_even_bit_rate_is_exact() {
    let bytes: Vec<u8> = (0..=250).flat_map(|number| frame(9, number)).collect();
    let run = run_with(&bytes, 1000, Some(3000)).unwrap();
    let first = run.packets()[0];
    // 125 frames are 3 s; four before them fill the decoder.
    assert_eq!(first.pts, Time::from_millis(121 * 24));
    assert_eq!(*first.data.last().unwrap(), 121);
    assert!(first.flags.discontinuity);
}

#[test]
fn a_seek_by_a_table_of_places_lands_near() {
    let sound: Vec<u8> = (0..200u8)
        .flat_map(|number| frame(if number < 100 { 2 } else { 9 }, number))
        .collect();
    let mut table = xing(200, (sound.len() + 384) as u32);
    // The first half of the time is less than a fourth of the bytes.
    for share in 0..100usize {
        let at = if share < 50 {
            share * 122 / 50
        } else {
            122 + (share - 50) * 390 / 50
        };
        table[36 + 16 + share] = (at * 256 / 512) as u8;
    }
    let run = run_with(&[&table[..], &sound].concat(), 1000, Some(3600)).unwrap();
    let first = *run.packets()[0].data.last().unwrap();
    let real = i64::from(first & 0x7f) + if first < 100 { 128 } else { 0 };
    let reported = run.packets()[0].pts.as_millis() / 24;
    assert!(
        (real - reported).abs() <= 12,
        "frame {real} is called {reported}"
    );
}

#[test]
fn a_seek_back_to_where_it_was_already_is_exact() {
    let sound: Vec<u8> = (0..120u8)
        .flat_map(|number| frame(2 + number % 7, number))
        .collect();
    let bytes = Bytes::from(sound);
    let mut demuxer = Mp3Demuxer::new();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, bytes.clone());
    demuxer.finish();
    while !matches!(demuxer.poll(), Ok(Step::End)) {}
    demuxer
        .seek(SeekTo {
            time: Time::from_millis(1500),
            mode: SeekMode::Before,
        })
        .unwrap();
    let Ok(Step::Want(range)) = demuxer.poll() else {
        panic!("bytes are wanted")
    };
    demuxer.push(range.start, bytes.slice(range.start as usize..));
    let Ok(Step::Packet(packet)) = demuxer.poll() else {
        panic!("a packet")
    };
    let number = i64::from(*packet.data.last().unwrap());
    assert_eq!(packet.pts, Time::from_millis(number * 24));
    assert!((1000 - 100..1500).contains(&packet.pts.as_millis()));
}

#[test]
fn any_bytes_come_to_an_end() {
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as usize % below
    };
    let good = [&xing(40, 40 * 384)[..], &frames(40)].concat();
    for _ in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..random(40) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
            let at = random(400);
            bytes[at] = random(256) as u8;
        }
        let seek = Some(random(2000) as i64);
        let _ = run_with(&bytes, 1 + random(3000), seek);
    }
}

#[test]
fn files_with_and_without_a_table_are_read_as_promised() {
    let make = || -> Box<dyn Demuxer> { Box::new(Mp3Demuxer::new()) };
    crate::contract::assert_demuxer(make, &frames(120));
    let sound: Vec<u8> = (0..120).flat_map(|n| frame(2 + n % 7, n)).collect();
    let table = xing(120, (sound.len() + 384) as u32);
    crate::contract::assert_demuxer(make, &[&table[..], &sound].concat());
    crate::contract::assert_survives(make, &[0xff; 5000]);
}
