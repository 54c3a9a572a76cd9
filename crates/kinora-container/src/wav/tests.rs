use kinora_media::{CodecId, Time, pcm_flag};
use kinora_test_support::corpus_files;

use super::*;
use crate::contract::{assert_demuxer, assert_survives};
use crate::test_files::{mp3, read, read_on, seed, total};
use crate::{DemuxError, Demuxer, SeekMode, SeekTo, Step};

fn make() -> Box<dyn Demuxer> {
    Box::new(WavDemuxer::new())
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap();
    let mut chunk = [&id[..], &len.to_le_bytes(), body].concat();
    if body.len() % 2 == 1 {
        chunk.push(0);
    }
    chunk
}

fn wave(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [&b"WAVE"[..], &chunks.concat()].concat();
    chunk(b"RIFF", &body)
}

/// A `fmt ` chunk at 8 kHz.
fn format(tag: u16, channels: u16, block_len: u16, bits: u16, extra: &[u8]) -> Vec<u8> {
    let mut body = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    body.extend(8000u32.to_le_bytes());
    body.extend((8000 * u32::from(block_len)).to_le_bytes());
    body.extend([block_len.to_le_bytes(), bits.to_le_bytes()].concat());
    body.extend(u16::try_from(extra.len()).unwrap().to_le_bytes());
    body.extend(extra);
    chunk(b"fmt ", &body)
}

fn plain(data: &[u8]) -> Vec<u8> {
    wave(&[format(1, 1, 2, 16, &[]), chunk(b"data", data)])
}

#[test]
fn files_of_every_coding_are_read_as_promised() {
    const LITTLE: u8 = pcm_flag::LITTLE_ENDIAN;
    for (file, codec, config, sizes, millis) in [
        (
            seed!("wav/s16.wav"),
            CodecId::Pcm,
            &[LITTLE, 16][..],
            (3, 4800),
            300,
        ),
        (
            seed!("wav/s24.wav"),
            CodecId::Pcm,
            &[LITTLE, 24],
            (3, 14_400),
            300,
        ),
        (
            seed!("wav/f32.wav"),
            CodecId::Pcm,
            &[LITTLE | pcm_flag::FLOAT, 32],
            (3, 9600),
            300,
        ),
        (
            seed!("wav/rf64.wav"),
            CodecId::Pcm,
            &[LITTLE, 16],
            (3, 4800),
            300,
        ),
        (
            seed!("wav/piped.wav"),
            CodecId::Pcm,
            &[LITTLE, 16],
            (3, 4800),
            300,
        ),
        (seed!("wav/alaw.wav"), CodecId::Alaw, &[], (3, 2400), 300),
        (
            seed!("wav/ima.wav"),
            CodecId::AdpcmImaWav,
            &[249, 0],
            (26, 26 * 256),
            809,
        ),
    ] {
        let (info, packets) = read(&mut *make(), file).unwrap();
        let track = &info.tracks[0];
        assert_eq!((track.codec, &track.config[..]), (codec, config));
        assert_eq!((packets.len(), total(&packets)), sizes, "{codec}");
        assert_eq!(info.duration.map(Time::as_millis), Some(millis), "{codec}");
        assert!(info.seekable);
        assert_demuxer(make, file);
    }
    let (info, packets) = read(&mut *make(), seed!("wav/ms.wav")).unwrap();
    assert_eq!(info.tracks[0].codec, CodecId::AdpcmMs);
    // Samples of a block, and the seven pairs of coefficients.
    assert_eq!(info.tracks[0].config.len(), 32);
    assert_eq!((packets.len(), packets[0].data.len()), (13, 256));
    assert_eq!(info.title.as_deref(), Some("Tone"));
    assert_demuxer(make, seed!("wav/ms.wav"));
}

#[test]
fn frames_within_it_are_packets() {
    let file = seed!("wav/mp3.wav");
    let (info, packets) = read(&mut *make(), file).unwrap();
    assert_eq!(
        (info.container, info.tracks[0].codec),
        ("wav", CodecId::Mp3)
    );
    assert!(packets.iter().all(|packet| packet.data[0] == 0xff));
    assert_demuxer(make, file);
    // What lies behind the sound is none of it, however the bytes come.
    let frames = mp3(20);
    let file = wave(&[
        format(0x55, 2, 1, 0, &[]),
        chunk(b"data", &frames),
        chunk(b"junk", &mp3(5)),
    ]);
    let mut demuxer = make();
    let (_, packets) = read(&mut *demuxer, &file).unwrap();
    assert_eq!((packets.len(), demuxer.damage()), (20, 0));
    assert_demuxer(make, &file);
}

#[test]
fn sound_without_a_length_ends_with_the_file() {
    let mut file = plain(&[1; 4000]);
    let at = file.len() - 4004;
    for len in [0, u32::MAX] {
        file[at..at + 4].copy_from_slice(&len.to_le_bytes());
        let mut demuxer = make();
        let (info, packets) = read_on(&mut *demuxer, &file).unwrap();
        assert_eq!((total(&packets), info.duration), (4000, None));
        assert!(!info.seekable);
        assert_demuxer(make, &file);
    }
}

#[test]
fn chunks_of_an_odd_length_and_bytes_behind_the_sound_are_passed_over() {
    let mut file = wave(&[
        chunk(b"odd ", b"abc"),
        format(1, 1, 2, 16, &[]),
        chunk(
            b"LIST",
            b"INFOIART\x03\0\0\0me\0\0INAM\x05\0\0\0Caf\xe9\0\0",
        ),
        chunk(b"data", &[7; 1999]),
    ]);
    file.extend(b"trailing bytes");
    let (info, packets) = read(&mut *make(), &file).unwrap();
    assert_eq!(info.title.as_deref(), Some("Café"));
    assert_eq!(total(&packets), 1998, "half a sample is none");
    assert_demuxer(make, &file);
}

#[test]
fn an_extensible_format_is_what_its_subtype_says() {
    let mut extra = vec![20, 0, 3, 0, 0, 0, 1, 0];
    extra.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    // 20 bits stand in the upper end of three bytes.
    let file = wave(&[format(0xfffe, 2, 6, 24, &extra), chunk(b"data", &[1; 600])]);
    let (info, _) = read(&mut *make(), &file).unwrap();
    assert_eq!(info.tracks[0].codec, CodecId::Pcm);
    assert_eq!(info.tracks[0].config[..], [1, 24]);
    let unknown = wave(&[format(0x1234, 2, 6, 24, &[]), chunk(b"data", &[1; 600])]);
    let (info, _) = read(&mut *make(), &unknown).unwrap();
    assert_eq!(info.tracks[0].codec, CodecId::UnknownAudio);
    assert_eq!(info.tracks[0].codec_tag, "0x1234");
}

#[test]
fn a_seek_asks_for_the_very_block() {
    let file = seed!("wav/s16.wav");
    let mut demuxer = make();
    read(&mut *demuxer, file).unwrap();
    let (time, mode) = (Time::from_millis(250), SeekMode::Before);
    demuxer.seek(SeekTo { time, mode }).unwrap();
    let Ok(Step::Want(range)) = demuxer.poll() else {
        panic!("bytes are wanted")
    };
    assert_eq!(range.start, file.len() as u64 - 1600);
    let (_, packets) = read_on(&mut *demuxer, file).unwrap();
    assert_eq!(packets.len(), 1);
    assert_eq!(packets[0].pts, Time::from_millis(200));
}

#[test]
fn a_large_chunk_before_the_sound_is_stepped_over() {
    let file = wave(&[
        format(1, 1, 2, 16, &[]),
        chunk(b"junk", &vec![0; 2 << 20]),
        chunk(b"data", &[1; 320]),
    ]);
    let mut demuxer = make();
    demuxer.set_len(file.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(&file[..1000]));
    let step = demuxer.poll().unwrap();
    assert!(matches!(step, Step::Want(range) if range.start == file.len() as u64 - 328));
    assert_eq!(total(&read(&mut *make(), &file).unwrap().1), 320);
}

#[test]
fn what_tells_no_format_is_refused() {
    let nothing = wave(&[format(1, 0, 0, 16, &[]), chunk(b"data", &[1; 320])]);
    let refused = read(&mut *make(), &nothing);
    assert!(matches!(
        refused,
        Err(DemuxError::Malformed {
            reason: "wav.no_format",
            ..
        })
    ));
    for end in 0..44 {
        let cut = read(&mut *make(), &plain(&[1; 320])[..end]);
        assert!(
            matches!(cut, Err(DemuxError::TruncatedHeader { .. })),
            "{end}"
        );
        assert_survives(make, &plain(&[1; 320])[..end]);
    }
}

#[test]
fn the_corpus_is_read_as_promised_and_whole() {
    for (name, bytes) in corpus_files("media/wav") {
        println!("{name}");
        assert_demuxer(make, &bytes);
    }
    for (name, bytes) in corpus_files("robustness/wav") {
        let (_, packets) = read(&mut *make(), &bytes).unwrap();
        let expected = match name.as_str() {
            "sample_8bit.wav" => 44_100,
            // FFmpeg counts the bytes of a chunk behind the sound too.
            "sample_float32.wav" => total(&packets),
            _ => 384_000,
        };
        assert_eq!(total(&packets), expected, "{name}");
        assert_demuxer(make, &bytes);
    }
}
