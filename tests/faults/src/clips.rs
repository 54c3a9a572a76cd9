//! Media made on the spot by FFmpeg, as the tests need them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `ffmpeg` with these words (split at spaces) and gives the file that it made.
///
/// # Panics
/// Without FFmpeg: `make setup` installs it.
pub fn make(dir: &Path, name: &str, words: &str) -> PathBuf {
    let file = dir.join(name);
    let done = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(words.split(' '))
        .arg(&file)
        .status();
    assert!(
        done.is_ok_and(|status| status.success()),
        "ffmpeg is needed: make setup"
    );
    file
}

/// One second of H.264 and AAC with the index at the front; about 50 KiB.
pub fn film(dir: &Path) -> PathBuf {
    make(
        dir,
        "film.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -f lavfi -i sine=duration=1 -c:v libx264 -g 25 -bf 2 \
         -b:v 300k -pix_fmt yuv420p -c:a aac -b:a 64k -movflags +faststart",
    )
}

/// Three seconds at a constant bit rate, to be cut where one wants; about 600 KiB.
pub fn long_film(dir: &Path) -> PathBuf {
    make(
        dir,
        "long.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3 -f lavfi -i sine=duration=3 -c:v libx264 -g 25 \
         -preset ultrafast -b:v 1300k -minrate 1300k -maxrate 1300k -bufsize 1300k -x264-params nal-hrd=cbr \
         -pix_fmt yuv420p -c:a aac -movflags +faststart",
    )
}

/// Pictures of H.264 whose slices are all zeroes: each is a packet, none can be decoded.
pub fn blind_film(dir: &Path, pictures: u32) -> PathBuf {
    let words = format!(
        "-f lavfi -i testsrc2=size=64x64:rate=500 -frames:v {pictures} -c:v libx264 -preset ultrafast -pix_fmt yuv420p"
    );
    let file = make(dir, "blind.mp4", &words);
    let mut bytes = std::fs::read(&file).expect("a clip");
    let (mut at, end) = media_data(&bytes);
    while at + 5 <= end {
        // A length of four bytes, a header of one (ISO/IEC 14496-15 5.3.4.2.1).
        let length =
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        if matches!(bytes[at + 4] & 0x1F, 1 | 5) {
            bytes[at + 5..at + 4 + length].fill(0);
        }
        at += 4 + length;
    }
    std::fs::write(&file, bytes).expect("room for a clip");
    file
}

/// So many packets of AAC, none of which can be decoded.
pub fn deaf_film(dir: &Path, seconds: u32) -> PathBuf {
    let words = format!("-f lavfi -i sine=duration={seconds}:sample_rate=48000 -c:a aac -b:a 24k");
    let file = make(dir, "deaf.m4a", &words);
    let mut bytes = std::fs::read(&file).expect("a clip");
    let (begin, end) = media_data(&bytes);
    bytes[begin..end].fill(0xFF);
    std::fs::write(&file, bytes).expect("room for a clip");
    file
}

/// Where the payload of the `mdat` box begins and ends.
fn media_data(bytes: &[u8]) -> (usize, usize) {
    let mut at = 0;
    loop {
        let size =
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        if &bytes[at + 4..at + 8] == b"mdat" {
            return (at + 8, at + size);
        }
        at += size;
    }
}

/// Replaces every occurrence of four bytes by four others: relabels a track or a sample entry.
pub fn relabel(file: &Path, from: &[u8; 4], to: &[u8; 4]) {
    let mut bytes = std::fs::read(file).expect("a clip");
    let places: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, found)| *found == from)
        .map(|(at, _)| at)
        .collect();
    assert!(
        !places.is_empty(),
        "the clip holds no {}",
        String::from_utf8_lossy(from)
    );
    for at in places {
        bytes[at..at + 4].copy_from_slice(to);
    }
    std::fs::write(file, bytes).expect("room for a clip");
}
