//! The demuxer over whole files. Those of the corpus are read where it lies beside the checkout.

use std::path::PathBuf;

use super::Mp4Demuxer;
use crate::Demuxer;
use crate::contract::{assert_demuxer, assert_survives};

fn make() -> Box<dyn Demuxer> {
    Box::new(Mp4Demuxer::new())
}

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

#[test]
fn every_sound_file_keeps_the_contract() {
    for (name, bytes) in corpus("media/mp4") {
        if bytes.len() < 1_000_000 {
            println!("{name}");
            assert_demuxer(make, &bytes);
        }
    }
}

#[test]
fn odd_files_end_without_a_panic() {
    for (name, bytes) in corpus("robustness/mp4") {
        println!("{name}");
        assert_survives(make, &bytes);
    }
}
