use kinora_media::{CodecId, Time};
use kinora_test_support::corpus_files;

use kinora_media::bitstream::flac::FrameHeader;

use super::*;
use crate::contract::{assert_demuxer, assert_survives};
use crate::test_files::{id3, read, read_on, seed, total};
use crate::{Demuxer, SeekMode};

fn make() -> Box<dyn Demuxer> {
    Box::new(FlacDemuxer::new())
}

/// Where the first frame lies.
fn first(file: &[u8]) -> usize {
    let mut at = 4;
    loop {
        let head = BlockHead::parse(file[at..at + 4].try_into().unwrap());
        at += 4 + head.len;
        if head.is_last {
            return at;
        }
    }
}

#[test]
fn files_are_read_as_promised() {
    for (file, rate, bits, frames, millis) in [
        (seed!("flac/tone.flac"), 8000, 16, 13, Some(800)),
        (seed!("flac/wide.flac"), 8000, 24, 4, Some(400)),
        (seed!("flac/piped.flac"), 8000, 16, 6, None),
    ] {
        let (info, packets) = read(&mut *make(), file).unwrap();
        let track = &info.tracks[0];
        assert_eq!((track.codec, track.config.len()), (CodecId::Flac, 34));
        let audio = track.audio.unwrap();
        assert_eq!(
            (audio.sample_rate, audio.bits_per_sample),
            (rate, Some(bits))
        );
        assert_eq!(packets.len(), frames);
        assert_eq!(total(&packets), file.len() - first(file), "nothing is lost");
        assert_eq!(info.duration.map(Time::as_millis), millis);
        assert_demuxer(make, file);
    }
    let (info, packets) = read(&mut *make(), seed!("flac/tone.flac")).unwrap();
    assert_eq!(info.title.as_deref(), Some("Tone"));
    assert_eq!(packets[12].pts, Time::from_millis(768));
    assert_eq!(packets[12].duration, Time::from_millis(32));
}

#[test]
fn tags_before_and_behind_it_are_none_of_it() {
    let file = seed!("flac/tone.flac");
    let mut tag = b"TAG".to_vec();
    tag.resize(128, b'x');
    let tagged = [&id3(300), file, &tag].concat();
    let mut demuxer = make();
    let (_, packets) = read(&mut *demuxer, &tagged).unwrap();
    assert_eq!((packets.len(), demuxer.damage()), (13, 0));
    assert_eq!(total(&packets), file.len() - first(file));
    assert_demuxer(make, &tagged);
}

#[test]
fn a_damaged_frame_is_passed_over_and_those_behind_it_keep_their_times() {
    let file = seed!("flac/tone.flac");
    let (_, sound) = read(&mut *make(), file).unwrap();
    let second = first(file) + sound[0].data.len();
    // In the midst of the second frame; then its header, which takes the frame away altogether.
    for at in [second + 100, second] {
        let mut damaged = file.to_vec();
        damaged[at] ^= 0x10;
        let mut demuxer = make();
        let (_, packets) = read(&mut *demuxer, &damaged).unwrap();
        let times: Vec<i64> = packets
            .iter()
            .map(|packet| packet.pts.as_millis())
            .collect();
        assert_eq!(times[..3], [0, 128, 192][..], "damage at {at}");
        assert_eq!((packets.len(), demuxer.damage()), (12, 1));
        assert_survives(make, &damaged);
    }
}

#[test]
fn a_cut_last_frame_is_no_packet() {
    let file = seed!("flac/tone.flac");
    let (_, packets) = read(&mut *make(), &file[..file.len() - 9]).unwrap();
    assert_eq!(packets.len(), 12);
}

/// Many frames, by the same sound again and again under new numbers.
fn long(times: u64) -> Vec<u8> {
    use kinora_media::bitstream::flac::crc16;
    let file = seed!("flac/tone.flac");
    let (_, packets) = read(&mut *make(), file).unwrap();
    let mut out = file[..first(file)].to_vec();
    // STREAMINFO: so many samples.
    let samples = times * 12 * 512;
    out[21] &= 0xf0;
    out[22..26].copy_from_slice(&u32::try_from(samples).unwrap().to_be_bytes());
    for number in 0..times * 12 {
        let frame = &packets[usize::try_from(number % 12).unwrap()].data;
        let header = FrameHeader::parse(frame).unwrap();
        let mut new = frame[..4].to_vec();
        new.extend(coded(number));
        let old = header.len - coded(number % 12).len() - 5;
        new.extend(&frame[header.len - 1 - old..header.len - 1]);
        new.push(crc8(&new));
        new.extend(&frame[header.len..frame.len() - 2]);
        let crc = crc16(0, &new);
        new.extend(crc.to_be_bytes());
        out.extend(new);
    }
    out
}

fn coded(number: u64) -> Vec<u8> {
    let char = char::from_u32(u32::try_from(number).unwrap()).unwrap();
    char.to_string().into_bytes()
}

fn crc8(data: &[u8]) -> u8 {
    data.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| {
            (crc << 1) ^ if crc & 0x80 == 0 { 0 } else { 7 }
        })
    })
}

/// Seeks, and counts the bytes that are read until the first packet.
fn sought(file: &[u8], millis: i64) -> (Time, usize) {
    let mut demuxer = make();
    demuxer.set_len(file.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(&file[..30_000]));
    while !matches!(demuxer.poll().unwrap(), Step::Packet(_)) {}
    let (time, mode) = (Time::from_millis(millis), SeekMode::Before);
    demuxer.seek(SeekTo { time, mode }).unwrap();
    let (mut at, mut bytes) = (0, 0);
    loop {
        match demuxer.poll().unwrap() {
            Step::Packet(packet) => return (packet.pts, bytes),
            Step::Want(range) => at = usize::try_from(range.start).unwrap(),
            _ => {}
        }
        if at >= file.len() {
            demuxer.finish();
            continue;
        }
        let end = (at + 8192).min(file.len());
        demuxer.push(at as u64, Bytes::copy_from_slice(&file[at..end]));
        (at, bytes) = (end, bytes + end - at);
    }
}

#[test]
fn a_seek_comes_to_the_very_frame_without_reading_all() {
    let file = long(400);
    assert!(file.len() > 1_000_000);
    for millis in [0, 5_000, 60_000, 299_000, 307_199] {
        let (pts, bytes) = sought(&file, millis);
        assert_eq!(
            pts,
            Time::from_millis(millis / 64 * 64),
            "sought {millis} ms"
        );
        assert!(
            bytes < 200_000,
            "{bytes} bytes were read to come to {millis} ms"
        );
    }
    assert_survives(make, &file[..100_000]);
}

#[test]
fn a_seek_table_is_a_hint_that_may_lie() {
    let table = [
        [&[0; 8][..], &[0; 8], &[2, 0]].concat(),
        [
            &1024u64.to_be_bytes()[..],
            &77_000u64.to_be_bytes(),
            &[2, 0],
        ]
        .concat(),
        [&[0xff; 8][..], &[0; 10]].concat(),
    ]
    .concat();
    let points = metadata::seek_table(&table);
    assert_eq!(points.len(), 2, "a placeholder is none");
    let mut file = long(20);
    let block = [&[3, 0, 0, table.len() as u8][..], &table].concat();
    file.splice(42..42, block);
    for millis in [0, 640, 9_000] {
        assert_eq!(sought(&file, millis).0, Time::from_millis(millis / 64 * 64));
    }
    assert_demuxer(make, &file);
}

#[test]
fn headers_without_frames_end_in_bounded_work() {
    let file = seed!("flac/tone.flac");
    let begin = first(file);
    let header = file[begin..begin + 8].repeat(20_000);
    let hostile = [&file[..begin], &header].concat();
    assert_survives(make, &hostile);
    assert!(matches!(
        read(&mut *make(), &hostile),
        Err(DemuxError::Malformed {
            reason: "flac.no_sync",
            ..
        })
    ));
    assert!(read_on(&mut *make(), b"fLaC\x81\0\0\0").is_err());
    for end in 0..begin {
        assert_survives(make, &file[..end]);
    }
}

#[test]
fn the_corpus_is_read_as_promised() {
    for (name, bytes) in corpus_files("media/flac") {
        println!("{name}");
        assert_demuxer(make, &bytes);
    }
}
