use kinora_media::{CodecId, Time, pcm_flag};

use super::*;
use crate::contract::{assert_demuxer, assert_survives};
use crate::test_files::{read, read_on, seed, total};
use crate::{DemuxError, Demuxer};

fn make() -> Box<dyn Demuxer> {
    Box::new(CafDemuxer::new())
}

fn chunk(id: &[u8; 4], len: i64, body: &[u8]) -> Vec<u8> {
    [&id[..], &len.to_be_bytes(), body].concat()
}

/// Mono at 8 kHz.
fn description(format: &[u8; 4], packet_len: u32, packet_samples: u32) -> Vec<u8> {
    let mut body = 8000f64.to_be_bytes().to_vec();
    body.extend(format);
    for field in [2, packet_len, packet_samples, 1, 16] {
        body.extend(u32::to_be_bytes(field));
    }
    chunk(b"desc", 32, &body)
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    [&b"caff\0\x01\0\0"[..], &chunks.concat()].concat()
}

/// A table of packets, 1024 samples each, of which 44 and 10 do not sound.
fn table(sizes: &[u8]) -> Vec<u8> {
    let mut body = (sizes.len() as u64).to_be_bytes().to_vec();
    body.extend([0; 8]);
    body.extend([0, 0, 0, 44, 0, 0, 0, 10]);
    body.extend(sizes);
    chunk(b"pakt", body.len() as i64, &body)
}

#[test]
fn files_of_every_coding_are_read_as_promised() {
    for (file, codec, config, sizes, millis) in [
        (
            seed!("caf/s16.caf"),
            CodecId::Pcm,
            Some(&[0, 16][..]),
            (3, 4800),
            300,
        ),
        (
            seed!("caf/f32.caf"),
            CodecId::Pcm,
            Some(&[pcm_flag::FLOAT, 32]),
            (3, 9600),
            300,
        ),
        (
            seed!("caf/ima4.caf"),
            CodecId::AdpcmImaQt,
            Some(&[]),
            (9, 3400),
            800,
        ),
        (seed!("caf/alac.caf"), CodecId::Alac, None, (2, 4824), 1024),
        (seed!("caf/opus.caf"), CodecId::Opus, None, (41, 693), 820),
    ] {
        let (info, packets) = read(&mut *make(), file).unwrap();
        let track = &info.tracks[0];
        assert_eq!(track.codec, codec);
        if let Some(config) = config {
            assert_eq!(&track.config[..], config);
        }
        assert_eq!(packets.len(), sizes.0, "{codec}");
        assert_eq!(info.duration.map(Time::as_millis), Some(millis), "{codec}");
        assert_eq!(total(&packets), sizes.1, "{codec}");
        assert_eq!(info.title.as_deref(), Some("Tone"));
        assert_demuxer(make, file);
    }
}

#[test]
fn configurations_are_those_that_decoders_know() {
    let (info, _) = read(&mut *make(), seed!("caf/alac.caf")).unwrap();
    assert_eq!(info.tracks[0].config.len(), 24, "ALACSpecificConfig");
    let (info, _) = read(&mut *make(), seed!("caf/opus.caf")).unwrap();
    assert!(info.tracks[0].config.starts_with(b"OpusHead"));
    // An elementary stream descriptor around 11 90.
    let decoder = [&[4, 0x11, 0x40, 0x15][..], &[0; 11], &[5, 2, 0x11, 0x90]].concat();
    let cookie = [&[3, 0x19, 0, 0, 0][..], &decoder, &[6, 1, 2]].concat();
    let aac = file(&[
        description(b"aac ", 0, 1024),
        chunk(b"kuki", cookie.len() as i64, &cookie),
        table(&[3, 2]),
        chunk(b"data", 9, &[0, 0, 0, 0, 1, 1, 1, 2, 2]),
    ]);
    let (info, packets) = read(&mut *make(), &aac).unwrap();
    let track = &info.tracks[0];
    assert_eq!(
        (track.codec, &track.config[..]),
        (CodecId::Aac, &[0x11, 0x90][..])
    );
    assert_eq!(track.codec_string.as_deref(), Some("mp4a.40.2"));
    let audio = track.audio.unwrap();
    assert_eq!((audio.encoder_delay, audio.encoder_padding), (44, 10));
    assert_eq!(packets[0].data[..], [1; 3]);
    assert_eq!(packets[1].data[..], [2; 2]);
    assert_eq!(packets[1].pts, Time::from_millis(128));
}

#[test]
fn sound_without_a_length_ends_with_the_file() {
    let data = [&[0; 4][..], &[1; 4000]].concat();
    let file = file(&[description(b"lpcm", 2, 1), chunk(b"data", -1, &data)]);
    let (info, packets) = read_on(&mut *make(), &file).unwrap();
    assert_eq!((total(&packets), info.duration), (4000, None));
    assert_demuxer(make, &file);
}

#[test]
fn a_table_may_be_longer_than_the_sound_and_its_numbers_than_a_byte() {
    // 300 is written in two bytes; the third packet does not exist.
    let data = [&[0; 4][..], &[1; 310]].concat();
    let file = file(&[
        description(b"alac", 0, 1024),
        chunk(b"data", data.len() as i64, &data),
        table(&[0x82, 0x2c, 10, 10]),
    ]);
    let (_, packets) = read(&mut *make(), &file).unwrap();
    let sizes: Vec<usize> = packets.iter().map(|packet| packet.data.len()).collect();
    assert_eq!(sizes, [300, 10]);
    assert_demuxer(make, &file);
}

#[test]
fn packets_that_no_table_tells_of_are_refused() {
    let without = file(&[description(b"aac ", 0, 1024), chunk(b"data", 8, &[0; 8])]);
    assert!(matches!(
        read(&mut *make(), &without),
        Err(DemuxError::Malformed {
            reason: "caf.no_format",
            ..
        })
    ));
    for end in 0..200 {
        assert_survives(make, &seed!("caf/opus.caf")[..end]);
    }
}
