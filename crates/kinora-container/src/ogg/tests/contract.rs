use kinora_test_support::corpus_files;

use super::*;
use crate::contract::{assert_demuxer, assert_survives};

fn make() -> Box<dyn Demuxer> {
    Box::new(OggDemuxer::new())
}

#[test]
fn opus_is_read_as_promised() {
    assert_demuxer(make, &opus_file(1, 6));
}

#[test]
fn vorbis_is_read_as_promised() {
    assert_demuxer(make, &vorbis(6));
}

#[test]
fn flac_is_read_as_promised() {
    assert_demuxer(make, &flac(6));
}

#[test]
fn theora_beside_vorbis_is_read_as_promised() {
    assert_demuxer(make, &theora(4));
}

#[test]
fn chained_streams_are_read_as_promised() {
    assert_demuxer(make, &[opus_file(1, 3), opus_file(2, 2)].concat());
    assert_demuxer(make, &[vorbis(2), opus_file(2, 2), flac(2)].concat());
}

#[test]
fn the_corpus_is_read_as_promised() {
    for folder in ["media/ogg", "robustness/ogg"] {
        for (name, bytes) in corpus_files(folder) {
            println!("{name}");
            assert_demuxer(make, &bytes);
        }
    }
}

#[test]
fn what_is_no_sound_is_survived() {
    let file = opus_file(1, 2);
    assert_survives(make, &[]);
    assert_survives(make, &file[..60]);
    assert_survives(make, &file.repeat(3));
    assert_survives(make, &b"OggS\0".repeat(10_000));
}

/// Marsaglia's xorshift: the same damage in every run.
fn random(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % limit.max(1) as u64) as usize
}

/// Damage that the checksums do not see: made right again.
fn sealed(bytes: &mut [u8]) {
    let mut at = 0;
    while bytes.len() > at + 27 {
        let count = usize::from(bytes[at + 26]);
        let Some(lacing) = bytes.get(at + 27..at + 27 + count) else {
            return;
        };
        let len = 27
            + count
            + lacing
                .iter()
                .map(|value| usize::from(*value))
                .sum::<usize>();
        let Some(page) = bytes.get_mut(at..at + len) else {
            return;
        };
        super::super::page::seal(page);
        at += len;
    }
}

#[test]
fn damaged_files_end_without_a_panic() {
    let files = [opus_file(1, 1), vorbis(1), flac(1), theora(1)];
    let mut state = 0x2545_f491_4f6c_dd1d;
    for round in 0..400 {
        let mut bytes = files[round % files.len()].clone();
        for _ in 0..=random(&mut state, 6) {
            // Half of it in the headers.
            let limit = bytes.len() >> (random(&mut state, 2) * 4);
            let at = random(&mut state, limit);
            bytes[at] = random(&mut state, 256) as u8;
        }
        if round % 8 < 6 {
            sealed(&mut bytes);
        }
        assert_survives(make, &bytes);
    }
}
