//! The conformance corpus, where it lies beside the checkout.

use kinora_test_support::corpus_files;

use super::*;
use crate::ac3::Ac3Demuxer;
use crate::adts::AdtsDemuxer;
use crate::contract::{assert_demuxer, assert_survives};
use crate::mp3::Mp3Demuxer;

fn make(name: &str) -> Option<Box<dyn Demuxer>> {
    Some(match name.rsplit_once('.')?.1 {
        "ts" => Box::new(TsDemuxer::default()),
        "adts" | "aac" => Box::new(AdtsDemuxer::new()),
        "ac3" | "eac3" => Box::new(Ac3Demuxer::new()),
        "mp3" => Box::new(Mp3Demuxer::new()),
        _ => return None,
    })
}

#[test]
fn every_valid_file_keeps_the_contract() {
    for folder in ["media/ts", "media/mp3", "robustness/aac"] {
        for (name, bytes) in corpus_files(folder) {
            if make(&name).is_some() && bytes.len() < 1_000_000 {
                println!("{name}");
                assert_demuxer(|| make(&name).unwrap(), &bytes);
            }
        }
    }
}

#[test]
fn every_file_is_survived_by_every_demuxer() {
    for folder in ["media/ts", "media/mp3", "robustness/mp3", "robustness/ogg"] {
        for (name, bytes) in corpus_files(folder) {
            println!("{name}");
            let start = &bytes[..bytes.len().min(100_000)];
            for kind in ["a.ts", "a.aac", "a.ac3", "a.mp3"] {
                assert_survives(|| make(kind).unwrap(), start);
            }
        }
    }
}
