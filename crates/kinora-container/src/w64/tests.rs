use bytes::Bytes;
use kinora_media::{CodecId, Time, pcm_flag};

use super::*;
use crate::contract::{assert_demuxer, assert_survives};
use crate::test_files::{read, seed, total};
use crate::{DemuxError, Demuxer, ProbingDemuxer, Step};

fn make() -> Box<dyn Demuxer> {
    Box::new(W64Demuxer::new())
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let len = (body.len() + CHUNK_HEAD) as u64;
    let mut chunk = [&name[..], &WAVE, &len.to_le_bytes(), body].concat();
    chunk.resize(chunk.len().next_multiple_of(8), 0);
    chunk
}

fn wave64(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [&b"wave"[..], &WAVE, &chunks.concat()].concat();
    let len = (body.len() + CHUNK_HEAD) as u64;
    [&RIFF[..], &len.to_le_bytes(), &body].concat()
}

/// Sixteen bits at 8 kHz, one channel.
fn format() -> Vec<u8> {
    chunk(b"fmt ", b"\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0")
}

#[test]
fn files_of_every_coding_are_read_as_promised() {
    for (file, codec, config, sizes, millis) in [
        (
            seed!("w64/s16.w64"),
            CodecId::Pcm,
            &[pcm_flag::LITTLE_ENDIAN, 16][..],
            (3, 4800),
            300,
        ),
        (
            seed!("w64/ima.w64"),
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
}

#[test]
fn it_is_told_from_riff_by_its_first_bytes() {
    let mut demuxer = ProbingDemuxer::new();
    demuxer.push(
        0,
        Bytes::from(wave64(&[format(), chunk(b"data", &[1; 64])])),
    );
    demuxer.finish();
    assert!(matches!(demuxer.poll(), Ok(Step::Info(info)) if info.container == "w64"));
}

#[test]
fn chunks_of_other_names_and_what_fills_them_up_are_passed_over() {
    let mut other = chunk(b"data", &[9; 13]);
    other[4] = 0;
    let file = wave64(&[
        other,
        format(),
        chunk(b"data", &[1; 1999]),
        chunk(b"levl", &[2; 80]),
    ]);
    let (_, packets) = read(&mut *make(), &file).unwrap();
    assert_eq!(total(&packets), 1998, "half a sample is none");
    assert!(
        packets
            .iter()
            .all(|packet| packet.data.iter().all(|byte| *byte == 1))
    );
    assert_demuxer(make, &file);
}

#[test]
fn sound_without_a_length_ends_with_the_file() {
    let mut file = wave64(&[format(), chunk(b"data", &[1; 4000])]);
    let at = file.len() - 4008;
    for len in [0, 24, u64::MAX] {
        file[at..at + 8].copy_from_slice(&len.to_le_bytes());
        let (_, packets) = read(&mut *make(), &file).unwrap();
        assert_eq!(total(&packets), 4000);
        assert_demuxer(make, &file);
    }
}

#[test]
fn what_tells_no_format_is_refused() {
    let mut short = format();
    short[16] = 23;
    for file in [
        wave64(&[short, chunk(b"data", &[1; 320])]),
        wave64(&[chunk(b"data", &[1; 320])]),
    ] {
        let refused = read(&mut *make(), &file);
        assert!(
            matches!(
                refused,
                Err(DemuxError::Malformed {
                    reason: "w64.no_format",
                    ..
                })
            ),
            "{refused:?}"
        );
        assert_survives(make, &file);
    }
    let file = wave64(&[format(), chunk(b"data", &[1; 320])]);
    for end in 0..100 {
        let cut = read(&mut *make(), &file[..end]);
        assert!(
            matches!(cut, Err(DemuxError::TruncatedHeader { .. })),
            "{end}"
        );
    }
}
