use kinora_test_support::corpus_files;

use super::*;
use crate::contract::{assert_demuxer, assert_survives};

fn make() -> Box<dyn Demuxer> {
    Box::new(FlvDemuxer::new())
}

#[test]
fn a_film_is_read_as_promised_with_an_index_or_without() {
    for index in [false, true] {
        let film = Film {
            index,
            duration: index,
            ..Film::of(6)
        };
        assert_demuxer(make, &film.bytes());
    }
}

#[test]
fn a_film_over_the_wrap_of_its_clock_is_read_as_promised() {
    let film = Film {
        begins: u32::MAX - 2000,
        ..Film::of(5)
    };
    assert_demuxer(make, &film.bytes());
}

#[test]
fn the_corpus_is_read_as_promised() {
    for (name, bytes) in corpus_files("media/flv") {
        println!("{name}");
        assert_demuxer(make, &bytes);
    }
}

#[test]
fn what_is_no_film_is_survived() {
    let film = Film {
        index: true,
        ..Film::of(2)
    };
    let film = film.bytes();
    assert_survives(make, &[]);
    assert_survives(make, b"FLV\x01");
    assert_survives(make, &film[..300]);
    assert_survives(make, &film.repeat(3));
    assert_survives(
        make,
        &[b"FLV\x01\x05\0\0\0\x09"[..].to_vec(), vec![8; 50_000]].concat(),
    );
}

/// Marsaglia's xorshift: the same damage in every run.
fn random(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % limit.max(1) as u64) as usize
}

#[test]
fn damaged_films_end_without_a_panic() {
    let film = Film {
        index: true,
        duration: true,
        picture_len: 40,
        ..Film::of(2)
    };
    let film = film.bytes();
    let mut state = 0x2545_f491_4f6c_dd1d;
    for _ in 0..400 {
        let mut bytes = film.clone();
        for _ in 0..=random(&mut state, 6) {
            let at = random(&mut state, bytes.len());
            bytes[at] = random(&mut state, 256) as u8;
        }
        assert_survives(make, &bytes);
    }
}
