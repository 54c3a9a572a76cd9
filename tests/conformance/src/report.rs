//! `docs/conformance.md`.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use kinora_errors::Coded;

use crate::judge::{self, Comparison};
use crate::read::packets;
use crate::{corpus, playlists};

/// What is read: by demuxers of this project, the last two by libavformat.
pub const CONTAINERS: [&str; 13] = [
    "mp4", "mkv", "ts", "flv", "ogg", "adts", "mp3", "ac3", "wav", "flac", "amr", "avi", "ps",
];

const HEAD: &str = "\
# Conformance

Made by `cargo xtask conformance` from a corpus of media files of androidx/media and of the playlists of other players'
test suites; do not edit. Two independent demuxers, Media3 and FFmpeg, are the witnesses. For each track four aspects are
held: the number of packets, their content (CRC-32, or that of the NAL units), their times (to 1 ms, up to one constant a
track), their key flags. Where both witnesses agree their word counts; where one of them is known to be wrong, the
other's; where neither can be relied on, the aspect is left out. Demuxers of this project read the files; those that they
do not know libavformat does, by way of `kinora-ffmpeg`.
";

/// The whole document.
///
/// # Errors
/// When something of the corpus cannot be read.
pub fn document(root: &Path) -> io::Result<String> {
    let mut out = String::from(HEAD);
    for (tier, title) in [
        (1, "What a player should handle"),
        (2, "Rarer codecs and containers"),
    ] {
        media(&mut out, root, tier, title)?;
    }
    robustness(&mut out, root)?;
    suites(&mut out, root)?;
    Ok(out)
}

fn media(out: &mut String, root: &Path, tier: u32, title: &str) -> io::Result<()> {
    let mut rows = String::new();
    let (mut passed, mut failed) = (0, 0);
    for entry in corpus::entries(root, &CONTAINERS)? {
        if entry.tier != tier {
            continue;
        }
        let comparison = judge::file(root, &entry.file)?;
        if comparison.held == 0 && comparison.complaints.is_empty() {
            continue;
        }
        match comparison.complaints.is_empty() {
            true => passed += 1,
            false => failed += 1,
        }
        row(&mut rows, &entry.file, &comparison);
    }
    let _ = write!(
        out,
        "\n## {title}: {passed} of {}\n\n| file | tracks and packets | held: by both, Media3, FFmpeg | left out | result |\n|---|---|---|---|---|\n{rows}",
        passed + failed
    );
    Ok(())
}

fn row(out: &mut String, file: &str, comparison: &Comparison) {
    let [both, media3, ffmpeg] = comparison.by_witness;
    let result = match comparison.complaints.as_slice() {
        [] => "as expected".to_owned(),
        complaints => complaints.join("; "),
    };
    let _ = writeln!(
        out,
        "| `{file}` | {} | {}: {both}, {media3}, {ffmpeg} | {} | {result} |",
        comparison.packets.summary(),
        comparison.held,
        comparison.dropped
    );
}

fn robustness(out: &mut String, root: &Path) -> io::Result<()> {
    let reported = corpus::json(&root.join("robustness/ffmpeg.json"))?;
    let _ = write!(
        out,
        "\n## Odd and damaged files\n\nNothing here may panic or hang; the packets that FFmpeg finds are shown beside ours, not asserted.\n\n| file | ours | FFmpeg |\n|---|---|---|\n"
    );
    for (file, theirs) in reported.as_object().into_iter().flatten() {
        let folder = file.split('/').next().unwrap_or_default();
        if !["aac", "mkv", "mp3", "mp4", "ogg", "ts", "wav"].contains(&folder) {
            continue;
        }
        let found = packets(&root.join("robustness").join(file))?;
        let ours = match &found.error {
            Some(error) if found.tracks.is_empty() => format!("refused: `{}`", error.reason()),
            Some(error) => format!("{}, then `{}`", found.summary(), error.reason()),
            None => found.summary(),
        };
        let streams = theirs["streams"].as_array().into_iter().flatten();
        let streams: Vec<String> = streams
            .map(|one| {
                format!(
                    "{} × {}",
                    one["codec"].as_str().unwrap_or("?"),
                    one["packets"]
                )
            })
            .collect();
        let theirs = match streams.is_empty() {
            true => "refused".to_owned(),
            false => streams.join(", "),
        };
        let _ = writeln!(out, "| `{file}` | {ours} | {theirs} |");
    }
    Ok(())
}

fn suites(out: &mut String, root: &Path) -> io::Result<()> {
    let _ = write!(
        out,
        "\n## HLS playlists of other players' tests\n\nMany are broken on purpose. Which must be read, which refused, and what they say is held by `crates/kinora-manifest/tests/corpus.rs`.\n\n| suite | read | refused |\n|---|---|---|\n"
    );
    for suite in playlists::suites(root)? {
        let refused: Vec<String> = suite
            .refused
            .iter()
            .map(|(reason, count)| format!("`{reason}` × {count}"))
            .collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            suite.name,
            suite.read,
            refused.join(", ")
        );
    }
    Ok(())
}
