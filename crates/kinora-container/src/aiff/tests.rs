use kinora_media::{CodecId, Time, pcm_flag};

use super::*;
use crate::contract::{assert_demuxer, assert_survives};
use crate::test_files::{read, seed, total};
use crate::{DemuxError, Demuxer};

fn make() -> Box<dyn Demuxer> {
    Box::new(AiffDemuxer::new())
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap();
    let mut chunk = [&id[..], &len.to_be_bytes(), body].concat();
    if body.len() % 2 == 1 {
        chunk.push(0);
    }
    chunk
}

fn form(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"FORM", &[&b"AIFC"[..], &chunks.concat()].concat())
}

/// Stereo at 44.1 kHz.
fn common(frames: u32, bits: u16, compression: &[u8; 4]) -> Vec<u8> {
    let mut body = vec![0, 2];
    body.extend(frames.to_be_bytes());
    body.extend(bits.to_be_bytes());
    body.extend([0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]);
    body.extend(compression);
    body.extend(b"\0\0");
    chunk(b"COMM", &body)
}

fn sound(data: &[u8]) -> Vec<u8> {
    chunk(b"SSND", &[&[0; 8], data].concat())
}

#[test]
fn files_of_every_coding_are_read_as_promised() {
    for (file, codec, config, sizes, millis) in [
        (
            seed!("aiff/s16.aiff"),
            CodecId::Pcm,
            &[0, 16][..],
            (3, 4800),
            300,
        ),
        (
            seed!("aiff/f32.aifc"),
            CodecId::Pcm,
            &[pcm_flag::FLOAT, 32],
            (3, 9600),
            300,
        ),
        (
            seed!("aiff/sowt.aifc"),
            CodecId::Pcm,
            &[pcm_flag::LITTLE_ENDIAN, 16],
            (3, 4800),
            300,
        ),
        (
            seed!("aiff/ima4.aifc"),
            CodecId::AdpcmImaQt,
            &[],
            (9, 3400),
            800,
        ),
    ] {
        let (info, packets) = read(&mut *make(), file).unwrap();
        let track = &info.tracks[0];
        assert_eq!((track.codec, &track.config[..]), (codec, config));
        assert_eq!(track.audio.map(|audio| audio.sample_rate), Some(8000));
        assert_eq!(
            (packets.len(), total(&packets)),
            sizes,
            "{}",
            track.codec_tag
        );
        assert_eq!(info.duration.map(Time::as_millis), Some(millis));
        assert_demuxer(make, file);
    }
}

#[test]
fn the_format_may_stand_behind_the_sound_and_the_count_of_frames_ends_it() {
    let file = form(&[
        chunk(b"NAME", b"one"),
        sound(&[1; 900]),
        common(100, 24, b"NONE"),
    ]);
    let (info, packets) = read(&mut *make(), &file).unwrap();
    assert_eq!(info.title.as_deref(), Some("one"));
    assert_eq!(info.tracks[0].config[..], [0, 24]);
    assert_eq!(total(&packets), 600);
    assert_demuxer(make, &file);
}

#[test]
fn sound_without_a_length_ends_with_the_file() {
    let mut file = form(&[common(0, 16, b"twos"), sound(&[1; 4000])]);
    let at = file.len() - 4012;
    file[at..at + 4].fill(0xff);
    let (_, packets) = read(&mut *make(), &file).unwrap();
    assert_eq!(total(&packets), 4000);
    assert_demuxer(make, &file);
}

#[test]
fn rates_of_80_bits_are_read() {
    for (bytes, rate) in [
        ([0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0], 44_100),
        ([0x40, 0x0b, 0xfa, 0, 0, 0, 0, 0, 0, 0], 8000),
        ([0x40, 0x10, 0xbb, 0x80, 0, 0, 0, 0, 0, 0], 192_000),
        ([0x7f, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], 0),
        ([0xff; 10], 0),
        ([0; 10], 0),
    ] {
        assert_eq!(extended(&bytes), rate, "{bytes:02x?}");
    }
}

#[test]
fn what_tells_no_format_is_refused() {
    let refused = read(&mut *make(), &form(&[sound(&[1; 100])]));
    assert!(matches!(
        refused,
        Err(DemuxError::Malformed {
            reason: "aiff.no_format",
            ..
        })
    ));
    assert_survives(make, &form(&[common(u32::MAX, u16::MAX, b"NONE")]));
    assert_survives(make, seed!("aiff/s16.aiff").get(..70).unwrap());
}
