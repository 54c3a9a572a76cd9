//! The playlists of other players' test suites.

use std::path::Path;
use std::{fs, io};

use kinora_errors::Coded;
use kinora_manifest::hls::{self, Limits, Variables};
use url::Url;

/// What became of the playlists of one suite.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Suite {
    /// Whose.
    pub name: String,
    /// Playlists that were read.
    pub read: usize,
    /// Those refused, by reason.
    pub refused: Vec<(&'static str, usize)>,
}

/// Reads every HLS playlist of every suite. Whether the right ones are refused, and whether what was read says what
/// the suites assert, is held by the tests of kinora-manifest.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn suites(root: &Path) -> io::Result<Vec<Suite>> {
    let mut all = Vec::new();
    for folder in sorted(&root.join("playlists"))? {
        let mut suite = Suite {
            name: folder.clone(),
            ..Suite::default()
        };
        let path = root.join("playlists").join(&folder);
        if path.is_dir() {
            read_folder(&path, &mut suite)?;
        }
        if suite.read > 0 {
            suite.refused.sort_unstable();
            all.push(suite);
        }
    }
    Ok(all)
}

fn sorted(folder: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
}

fn read_folder(folder: &Path, suite: &mut Suite) -> io::Result<()> {
    for name in sorted(folder)? {
        let path = folder.join(&name);
        if path.is_dir() {
            read_folder(&path, suite)?;
        } else if name.ends_with(".m3u8") {
            read_one(&fs::read(&path)?, suite);
        }
    }
    Ok(())
}

fn read_one(bytes: &[u8], suite: &mut Suite) {
    let Ok(url) = Url::parse("https://example.com/test.m3u8") else {
        return;
    };
    match hls::parse(bytes, &url, &Variables::default(), &Limits::default()) {
        Ok(_) => suite.read += 1,
        Err(error) => {
            let known = suite
                .refused
                .iter_mut()
                .find(|(reason, _)| *reason == error.reason());
            match known {
                Some((_, count)) => *count += 1,
                None => suite.refused.push((error.reason(), 1)),
            }
        }
    }
}
