//! The committed corpus, replayed: what fuzzing reached once is held for ever, on every machine.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};

use kinora_container::ContainerKind;
use kinora_fuzz_bodies::TARGETS;

/// A corpus that grows past this slows everyone's tests.
const MAX_BYTES: u64 = 1_000_000;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn every_input_of_the_corpus_is_survived() {
    for target in TARGETS {
        let files = files(&corpus().join(target.name));
        assert!(!files.is_empty(), "{} has no corpus", target.name);
        for file in files {
            println!("{}", file.display());
            (target.body)(&fs::read(&file).unwrap());
        }
    }
}

#[test]
fn every_demuxer_has_a_target() {
    let demuxers = ContainerKind::ALL
        .iter()
        .filter(|it| it.demuxer().is_some());
    let names = demuxers.map(|kind| kind.name());
    let untried: Vec<&str> = names
        .filter(|name| TARGETS.iter().all(|target| target.name != *name))
        .collect();
    assert_eq!(untried, [] as [&str; 0]);
}

#[test]
fn every_prefix_of_a_small_input_is_survived() {
    for target in TARGETS {
        for file in files(&corpus().join(target.name)) {
            let bytes = fs::read(&file).unwrap();
            let step = (bytes.len() / 64).max(1);
            for end in (0..bytes.len()).step_by(step) {
                (target.body)(bytes.get(..end).unwrap());
            }
        }
    }
}

#[test]
fn the_corpus_stays_small_and_has_a_fuzz_target_for_each_folder() {
    let folders = files(&corpus());
    let mut total = 0;
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            TARGETS.iter().any(|target| target.name == name),
            "no target reads {name}"
        );
        let targets = corpus().join("../fuzz_targets").join(format!("{name}.rs"));
        assert!(targets.is_file(), "{} is missing", targets.display());
        total += files(&folder)
            .iter()
            .map(|file| fs::metadata(file).unwrap().len())
            .sum::<u64>();
    }
    assert!(total <= MAX_BYTES, "the corpus has {total} bytes");
}
