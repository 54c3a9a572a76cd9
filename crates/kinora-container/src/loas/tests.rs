use kinora_media::{CodecId, Time};

use super::*;
use crate::contract::{assert_demuxer, assert_survives};
use crate::test_files::{read, seed};
use crate::{ContainerKind, Demuxer, Sniff};

fn make() -> Box<dyn Demuxer> {
    Box::new(LoasDemuxer::new())
}

#[test]
fn frames_are_unwrapped_and_their_configuration_is_the_track_s() {
    let file = seed!("loas/tone.loas");
    let (info, packets) = read(&mut *make(), file).unwrap();
    let track = &info.tracks[0];
    assert_eq!((info.container, track.codec), ("loas", CodecId::Aac));
    assert_eq!(track.config[..2], [0x15, 0x88], "AAC LC, 8 kHz, mono");
    assert_eq!(track.codec_string.as_deref(), Some("mp4a.40.2"));
    assert_eq!(track.audio.map(|audio| audio.sample_rate), Some(8000));
    assert_eq!(packets[2].pts, Time::from_millis(256));
    assert_eq!(packets.len(), frames(file));
    assert_demuxer(make, file);
}

/// LOAS frames, by their lengths.
fn frames(mut file: &[u8]) -> usize {
    let mut count = 0;
    while let Ok((frame, _)) = Framing::Loas.header(file) {
        file = &file[frame.len..];
        count += 1;
    }
    count
}

#[test]
fn it_is_told_by_three_frames_in_a_row() {
    let file = seed!("loas/tone.loas");
    assert_eq!(crate::sniff::sniff(file), Sniff::Known(ContainerKind::Loas));
    assert_eq!(
        crate::sniff::sniff(b"\x56\xe0\x01x\x56\xe0\x01x????"),
        Sniff::NeedMore
    );
}

#[test]
fn frames_before_a_configuration_and_damage_are_passed_over() {
    let file = seed!("loas/tone.loas");
    let whole = read(&mut *make(), file).unwrap().1.len();
    // A frame that goes on with a configuration that nobody told.
    let early = [&[0x56, 0xe0, 2, 0x80, 0][..], file].concat();
    assert_eq!(read(&mut *make(), &early).unwrap().1.len(), whole);
    let mut damaged = file.to_vec();
    let (first, _) = Framing::Loas.header(file).unwrap();
    let (second, _) = Framing::Loas.header(&file[first.len..]).unwrap();
    damaged[first.len + second.len] = 0;
    let mut demuxer = make();
    assert_eq!(read(&mut *demuxer, &damaged).unwrap().1.len(), whole - 1);
    assert_eq!(demuxer.damage(), 1);
    assert_survives(make, &damaged);
}
