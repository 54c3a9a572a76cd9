//! The demuxer over whole files. Those of the corpus are read where it lies beside the checkout.

mod build;
mod files;
mod hostile;
mod made;
mod protection;
mod seeking;

use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{MediaInfo, Packet};
use kinora_test_support::corpus_files;

use super::MkvDemuxer;
use crate::contract::{assert_demuxer, assert_survives};
use crate::{Demuxer, Step};

fn make() -> Box<dyn Demuxer> {
    Box::new(MkvDemuxer::new())
}

/// Reads a file that is all there.
fn read(bytes: &[u8]) -> (Arc<MediaInfo>, Vec<Packet>, u64) {
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(bytes));
    demuxer.finish();
    let (mut info, mut packets) = (Arc::default(), Vec::new());
    loop {
        match demuxer.poll().unwrap() {
            Step::Info(new) => info = new,
            Step::Packet(packet) => packets.push(packet),
            Step::End => return (info, packets, demuxer.damage()),
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn every_sound_file_keeps_the_contract() {
    for folder in ["media/mkv", "media/mka", "media/vp9", "robustness/mkv"] {
        for (name, bytes) in corpus_files(folder) {
            println!("{name}");
            match name.as_str() {
                // Its one block is no key frame: no seek can arrive at one.
                "subsample_encrypted_altref.webm" => assert_survives(make, &bytes),
                _ => assert_demuxer(make, &bytes),
            }
        }
    }
}

/// Marsaglia's xorshift: the same damage in every run.
fn random(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % limit.max(1) as u64) as usize
}

fn mutate(bytes: &mut Vec<u8>, state: &mut u64) {
    for _ in 0..=random(state, 6) {
        let len = bytes.len();
        let at = random(state, len);
        match random(state, 4) {
            0 => bytes[at] ^= 1 << random(state, 8),
            1 => bytes[at] = random(state, 256) as u8,
            2 => bytes.truncate(at.max(1)),
            _ => {
                let from = random(state, len);
                let count = random(state, 64).min(len - from).min(len - at);
                let piece = bytes[from..from + count].to_vec();
                bytes[at..at + count].copy_from_slice(&piece);
            }
        }
    }
}

#[test]
fn damaged_files_end_without_a_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d;
    let mut files = vec![
        build::Film::default().bytes(),
        build::Film::live().bytes(),
        protection::film(),
    ];
    let corpus = corpus_files("media/mkv").into_iter();
    files.extend(corpus.map(|(_, bytes)| bytes[..bytes.len().min(32 * 1024)].to_vec()));
    for round in 0..60 {
        for (index, bytes) in files.iter().enumerate() {
            // Headers are small beside the media: half of the damage goes there.
            let len = match round % 2 {
                0 => bytes.len().min(2 * 1024),
                _ => bytes.len(),
            };
            let mut bytes = bytes[..len].to_vec();
            mutate(&mut bytes, &mut state);
            println!("file {index}, round {round}, {} bytes", bytes.len());
            assert_survives(make, &bytes);
        }
    }
}
