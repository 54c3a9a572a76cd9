//! The conformance corpus, where it lies beside the checkout.

use std::path::PathBuf;

use super::*;
use crate::adts::{Ac3Demuxer, AdtsDemuxer};
use crate::contract::{assert_demuxer, assert_survives};
use crate::mp3::Mp3Demuxer;

/// The files of a folder of the corpus; none where there is no corpus.
#[allow(clippy::disallowed_methods)]
fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = std::env::var_os("KINORA_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_string_lossy().into_owned();
            Some((name, std::fs::read(path).ok()?))
        })
        .collect();
    files.sort();
    files
}

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
fn every_sound_file_keeps_the_contract() {
    for folder in ["media/ts", "media/mp3", "robustness/aac"] {
        for (name, bytes) in corpus(folder) {
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
        for (name, bytes) in corpus(folder) {
            println!("{name}");
            let start = &bytes[..bytes.len().min(100_000)];
            for kind in ["a.ts", "a.aac", "a.ac3", "a.mp3"] {
                assert_survives(|| make(kind).unwrap(), start);
            }
        }
    }
}
