//! The demuxer over whole files. Those of the corpus are read where it lies beside the checkout.

mod build;
mod chapters;
mod dispositions;
mod files;
mod hostile;
mod paged;
mod protection;

use kinora_test_support::corpus_files;

use super::Mp4Demuxer;
use crate::Demuxer;
use crate::contract::{assert_demuxer, assert_survives};

fn make() -> Box<dyn Demuxer> {
    Box::new(Mp4Demuxer::new())
}

#[test]
fn every_valid_file_keeps_the_contract() {
    for (name, bytes) in corpus_files("media/mp4") {
        if bytes.len() < 100_000_000 {
            println!("{name}");
            assert_demuxer(make, &bytes);
        }
    }
}

#[test]
fn odd_files_end_without_a_panic() {
    for (name, bytes) in corpus_files("robustness/mp4") {
        println!("{name}");
        assert_survives(make, &bytes);
    }
}

/// Marsaglia's xorshift: the same damage in every run.
fn random(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % limit.max(1) as u64) as usize
}

/// Damages bytes where damage counts: in sizes, counts and offsets of the index.
fn mutate(bytes: &mut Vec<u8>, state: &mut u64) {
    const VALUES: [u32; 10] = [
        0,
        1,
        7,
        8,
        15,
        16,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fffe,
        u32::MAX,
    ];
    let len = bytes.len();
    for _ in 0..=random(state, 4) {
        let at = random(state, len);
        match random(state, 5) {
            0 => bytes[at] ^= 1 << random(state, 8),
            1 => bytes[at] = random(state, 256) as u8,
            2 => bytes.truncate(at.max(1)),
            3 => {
                let value = VALUES[random(state, VALUES.len())].to_be_bytes();
                for (byte, new) in bytes.iter_mut().skip(at).zip(value) {
                    *byte = new;
                }
            }
            _ => {
                let from = random(state, len);
                let count = random(state, 64).min(len - from).min(len - at);
                let piece = bytes[from..from + count].to_vec();
                bytes[at..at + count].copy_from_slice(&piece);
            }
        }
        if bytes.len() < len {
            return;
        }
    }
}

/// A file with most of its media cut out, so that damage meets the index.
fn index_of(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + 8) {
        let size = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        let end = (at + size.max(8)).min(bytes.len());
        match &head[4..] {
            b"mdat" => kept.extend_from_slice(&bytes[at..end.min(at + 64)]),
            _ => kept.extend_from_slice(&bytes[at..end]),
        }
        at = end;
    }
    kept.truncate(16 * 1024);
    kept
}

#[test]
fn damaged_files_end_without_a_panic() {
    damage_every_file(make, 80, 0x2545_f491_4f6c_dd1d);
}

fn damage_every_file(make: impl Fn() -> Box<dyn Demuxer>, rounds: usize, mut state: u64) {
    let files = corpus_files("media/mp4");
    for round in 0..rounds {
        for (name, bytes) in &files {
            let mut bytes = match round % 2 {
                0 => index_of(bytes),
                _ => bytes[..bytes.len().min(64 * 1024)].to_vec(),
            };
            mutate(&mut bytes, &mut state);
            println!("{name}, round {round}, {} bytes", bytes.len());
            assert_survives(&make, &bytes);
        }
    }
}
