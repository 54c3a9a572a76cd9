use kinora_media::{CodecId, Time};
use kinora_test_support::corpus_files;

use super::*;
use crate::contract::{assert_demuxer, assert_survives};
use crate::test_files::{read, seed, total};
use crate::{Demuxer, SeekMode};

fn make() -> Box<dyn Demuxer> {
    Box::new(AmrDemuxer::new())
}

#[test]
fn both_bands_are_read_as_promised() {
    for (file, codec, rate, frame) in [
        (seed!("amr/narrow.amr"), CodecId::AmrNb, 8000, 32),
        (seed!("amr/wide.amr"), CodecId::AmrWb, 16_000, 61),
    ] {
        let (info, packets) = read(&mut *make(), file).unwrap();
        let track = &info.tracks[0];
        assert_eq!(track.codec, codec);
        assert_eq!(track.audio.map(|audio| audio.sample_rate), Some(rate));
        assert_eq!((packets.len(), total(&packets)), (60, 60 * frame));
        assert_eq!(packets[59].pts, Time::from_millis(1180));
        assert_eq!(info.duration, Some(Time::from_millis(1200)));
        assert_demuxer(make, file);
    }
}

/// Frames of three modes in turn, comfort noise and nothing among them.
fn mixed(frames: usize) -> Vec<u8> {
    let kinds = [(7u8, 32), (0, 13), (8, 6), (15, 1)];
    let mut file = b"#!AMR\n".to_vec();
    for (kind, len) in kinds.iter().cycle().take(frames) {
        file.push(kind << 3 | 4);
        file.resize(file.len() + len - 1, 0x55);
    }
    file
}

#[test]
fn a_seek_counts_frames_of_all_sizes() {
    let file = mixed(400);
    let mut demuxer = make();
    let (_, packets) = read(&mut *demuxer, &file).unwrap();
    let whole: Vec<_> = packets.iter().map(|packet| packet.data.clone()).collect();
    for frame in [399, 0, 131] {
        let time = Time::from_millis(20 * frame + 7);
        let mode = SeekMode::Before;
        demuxer.seek(SeekTo { time, mode }).unwrap();
        let (_, packets) = read(&mut *demuxer, &file).unwrap();
        let frame = usize::try_from(frame).unwrap();
        assert_eq!(packets[0].pts, Time::from_millis(20 * frame as i64));
        assert_eq!(packets[0].data, whole[frame]);
        assert_eq!(packets.len(), 400 - frame);
    }
    assert_demuxer(make, &file);
}

#[test]
fn bytes_that_begin_no_frame_are_passed_over_and_counted_once() {
    let mut file = mixed(8);
    file.splice(6..6, [0xff, 0x83, 0x4c]);
    let mut demuxer = make();
    let (_, packets) = read(&mut *demuxer, &file).unwrap();
    assert_eq!((packets.len(), demuxer.damage()), (8, 1));
    let cut = &file[..file.len() - 2];
    assert_eq!(read(&mut *make(), cut).unwrap().1.len(), 6);
}

#[test]
fn what_does_not_begin_like_it_is_refused() {
    assert!(read(&mut *make(), b"#!AMR_MC1.0\n").is_err());
    assert!(read(&mut *make(), b"").is_err());
    assert_eq!(read(&mut *make(), b"#!AMR\n").unwrap().1.len(), 0);
    assert_survives(make, &[b"#!AMR-WB\n", &[0x7c; 5000][..]].concat());
}

#[test]
fn the_corpus_is_read_as_promised() {
    for (name, bytes) in corpus_files("media/amr") {
        println!("{name}");
        assert_demuxer(make, &bytes);
    }
}
