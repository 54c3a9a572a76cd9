//! The playlists of other players' test suites.

use std::path::Path;
use std::{fs, io};

use kinora_errors::Coded;
use kinora_manifest::dash;
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

/// Reads every HLS playlist and DASH manifest of every suite. Whether the right ones are refused, and whether what was read says what
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
        } else if let Some(read) = reader(&name) {
            note(read(&fs::read(&path)?), suite);
        }
    }
    Ok(())
}

/// Gives the reason where it refuses.
type Reader = fn(&[u8]) -> Result<(), &'static str>;

fn reader(name: &str) -> Option<Reader> {
    match name.rsplit_once('.')?.1 {
        "m3u8" => Some(|bytes| {
            let read = hls::parse(
                bytes,
                &url("m3u8")?,
                &Variables::default(),
                &Limits::default(),
            );
            read.map(|_| ()).map_err(|error| error.reason())
        }),
        "mpd" => Some(|bytes| {
            let read = dash::parse(bytes, &url("mpd")?, &dash::Limits::default());
            read.map(|_| ()).map_err(|error| error.reason())
        }),
        _ => None,
    }
}

fn url(extension: &str) -> Result<Url, &'static str> {
    Url::parse(&format!("https://example.com/test.{extension}")).map_err(|_| "url")
}

fn note(read: Result<(), &'static str>, suite: &mut Suite) {
    let Err(reason) = read else {
        suite.read += 1;
        return;
    };
    let mut refused = suite.refused.iter_mut();
    match refused.find(|(known, _)| *known == reason) {
        Some((_, count)) => *count += 1,
        None => suite.refused.push((reason, 1)),
    }
}
