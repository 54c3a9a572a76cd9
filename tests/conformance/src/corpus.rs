//! Where the corpus lies and what is in it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

/// A row of the corpus's index.
#[derive(Clone, Debug)]
pub struct CorpusFile {
    /// Its path below `media`.
    pub file: String,
    /// `mp4`, `ts`, `mp3` and so on.
    pub container: String,
    /// 1: what a player should handle; 2: what is rarer.
    pub tier: u32,
}

/// The media files of those containers that have expectations.
///
/// # Errors
/// When the index cannot be read.
pub fn entries(root: &Path, containers: &[&str]) -> io::Result<Vec<CorpusFile>> {
    let text = fs::read_to_string(root.join("index.tsv"))?;
    let mut lines = text
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|title| *title == name);
    let (Some(file), Some(container), Some(tier)) =
        (column("file"), column("container"), column("tier"))
    else {
        return Err(io::Error::other("the index lacks a column"));
    };
    Ok(lines
        .filter_map(|row| {
            Some(CorpusFile {
                file: (*row.get(file)?).to_owned(),
                container: (*row.get(container)?).to_owned(),
                tier: row.get(tier)?.parse().ok()?,
            })
        })
        .filter(|entry| containers.contains(&entry.container.as_str()))
        .filter(|entry| expectation(root, &entry.file).is_file())
        .collect())
}

/// The file that says what is to be expected of a media file.
#[must_use]
pub fn expectation(root: &Path, file: &str) -> PathBuf {
    root.join("agreed").join(format!("{file}.json"))
}

/// Reads a JSON file.
///
/// # Errors
/// When it is none.
pub fn json(path: &Path) -> io::Result<Value> {
    serde_json::from_slice(&fs::read(path)?).map_err(io::Error::other)
}
