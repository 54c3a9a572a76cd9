//! Writes the table of the codecs that libavcodec knows, by what the program `ffmpeg` lists. Rows of older and newer versions
//! stay: a codec has one name in all of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const TABLE: &str = "crates/kinora-media/src/codec_id/libavcodec.tsv";
const HEAD: &str = "# name\tkind\ttitle: AVCodecDescriptor. `cargo xtask ffmpeg-codecs` adds what the installed FFmpeg knows.";

/// Adds what `ffmpeg -codecs` lists to the table.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let file = root.join(TABLE);
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    let listed = Command::new("ffmpeg")
        .args(["-hide_banner", "-codecs"])
        .output()
        .map_err(|error| format!("ffmpeg does not run: {error}"))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let old = known.lines().filter(|line| !line.starts_with('#'));
    let mut rows: BTreeMap<String, String> = old
        .filter_map(|line| Some((line.split_once('\t')?.0.to_owned(), line.to_owned())))
        .collect();
    rows.extend(listed.lines().filter_map(row));
    let mut text = format!("{HEAD}\n");
    for row in rows.values() {
        text.push_str(row);
        text.push('\n');
    }
    std::fs::write(&file, text).map_err(|error| format!("{TABLE}: {error}"))?;
    println!("wrote {TABLE}");
    Ok(())
}

/// ` DEV.L. h264  H.264 / AVC (decoders: h264 ) (encoders: libx264 )`
fn row(line: &str) -> Option<(String, String)> {
    let (flags, rest) = line.strip_prefix(' ')?.split_at_checked(6)?;
    let kind = match flags.as_bytes().get(2)? {
        b'V' => "video",
        b'A' => "audio",
        b'S' => "subtitle",
        b'D' | b'T' => "data",
        _ => return None,
    };
    let (name, title) = rest.trim_start().split_once(char::is_whitespace)?;
    let title = title.split(" (decoders:").next()?;
    let title = title.split(" (encoders:").next()?.trim();
    // The legend above the list.
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(is_name) {
        return None;
    }
    let title = if title.is_empty() { name } else { title };
    Some((name.to_owned(), format!("{name}\t{kind}\t{title}")))
}
