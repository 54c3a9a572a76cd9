//! Our packets against the expectations: what two witnesses agree on, or the one of them that is right.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use kinora_container::PacketDump;
use serde_json::Value;

use crate::corpus::{expectation, json};
use crate::read::{Packets, packets};

/// Times of two demuxers that differ by less are one: their clocks round differently.
const TOLERANCE_US: f64 = 1_000.0;

/// What came out for one file.
#[derive(Debug)]
pub struct Comparison {
    /// What was read.
    pub packets: Packets,
    /// Aspects that were held (count, content, times, key flags of each track).
    pub held: usize,
    /// Those by the witness whose word counted: both, Media3 alone, FFmpeg alone.
    pub by_witness: [usize; 3],
    /// Aspects on which the witnesses say nothing that holds.
    pub dropped: usize,
    /// What does not hold.
    pub complaints: Vec<String>,
}

/// Judges a media file of the corpus.
///
/// # Errors
/// When it or its expectations cannot be read.
pub fn file(root: &Path, name: &str) -> io::Result<Comparison> {
    let wanted = json(&expectation(root, name))?;
    let rows = Rows::read(&expectation(root, name).with_extension("tsv"))?;
    let found = packets(&root.join("media").join(name))?;
    let mut comparison = Comparison {
        packets: Packets::default(),
        held: 0,
        by_witness: [0; 3],
        dropped: 0,
        complaints: Vec::new(),
    };
    let mut left: Vec<&Vec<PacketDump>> = found.tracks.iter().map(|(_, all)| all).collect();
    for track in wanted["tracks"].as_array().into_iter().flatten() {
        let hold = Hold::of(track);
        if hold.is_empty() {
            comparison.dropped += ASPECTS.len();
            continue;
        }
        let rows = rows.of(&track["index"].to_string());
        let mime = track["mime"].as_str().unwrap_or_default();
        // What stands behind the type is a profile: DTS Express is DTS.
        let codecs = codecs_of(mime.split(';').next().unwrap_or(mime));
        let fits = |all: &&Vec<PacketDump>| {
            let codec = all.first().map_or("", |packet| packet.codec.as_str());
            // Data tracks are called by their type.
            codec == mime || codecs.iter().any(|known| codec.starts_with(known))
        };
        let Some(at) = left.iter().position(fits) else {
            if !rows.is_empty() {
                comparison.held += 1;
                let complaint =
                    format!("track {} ({}) was not found", track["index"], track["mime"]);
                comparison.complaints.push(complaint);
            }
            continue;
        };
        let ours = left.remove(at);
        Judge { hold, rows, ours }.weigh(track, &mut comparison);
    }
    if let Some(error) = &found.error
        && found.tracks.is_empty()
    {
        comparison.complaints.push(error.to_string());
    }
    comparison.packets = found;
    Ok(comparison)
}

const ASPECTS: [&str; 4] = ["count", "bytes", "pts", "key"];

/// Whose word counts for each aspect; the aspects that nobody's word decides are absent.
struct Hold(BTreeMap<&'static str, Witness>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Witness {
    Both,
    Media3,
    Ffmpeg,
}

impl Hold {
    fn of(track: &Value) -> Self {
        let witness = |aspect: &str| match track["hold"][aspect]["verdict"].as_str() {
            Some("agreed") => Some(Witness::Both),
            Some("media3") => Some(Witness::Media3),
            Some("ffmpeg") => Some(Witness::Ffmpeg),
            _ => None,
        };
        Self(
            ASPECTS
                .into_iter()
                .filter_map(|aspect| Some((aspect, witness(aspect)?)))
                .collect(),
        )
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The lines of a `.tsv`, by the titles of its columns.
struct Rows(Vec<BTreeMap<String, String>>);

impl Rows {
    fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        let row = |line: &str| {
            let cells = line.split('\t').map(str::to_owned);
            head.iter()
                .map(|title| (*title).to_owned())
                .zip(cells)
                .collect()
        };
        Ok(Self(lines.map(row).collect()))
    }
    fn of(&self, track: &str) -> Vec<&BTreeMap<String, String>> {
        let of_track = |row: &&BTreeMap<String, String>| cell(row, "track") == Some(track);
        self.0.iter().filter(of_track).collect()
    }
}

/// A cell that says something.
fn cell<'a>(row: &'a BTreeMap<String, String>, title: &str) -> Option<&'a str> {
    row.get(title)
        .map(String::as_str)
        .filter(|text| *text != "-")
}

struct Judge<'a> {
    hold: Hold,
    rows: Vec<&'a BTreeMap<String, String>>,
    ours: &'a [PacketDump],
}

impl Judge<'_> {
    fn weigh(&self, track: &Value, comparison: &mut Comparison) {
        let pairs = self.pairs();
        for aspect in ASPECTS {
            let Some(witness) = self.hold.0.get(aspect) else {
                comparison.dropped += 1;
                continue;
            };
            let how = track["hold"][aspect]["how"].as_str().unwrap_or_default();
            let judged = match aspect {
                "count" => Some(self.count(track, *witness)),
                // What one cuts otherwise than the other is compared as a whole, elsewhere.
                "bytes" if how.starts_with("concat") => None,
                "bytes" => content(&pairs),
                "pts" => times(&pairs, *witness),
                _ => Some(keys(&pairs)),
            };
            let Some(complaint) = judged else {
                comparison.dropped += 1;
                continue;
            };
            comparison.held += 1;
            comparison.by_witness[*witness as usize] += 1;
            let named = |what| format!("track {} ({}): {what}", track["index"], track["mime"]);
            comparison.complaints.extend(complaint.map(named));
        }
    }

    /// One by one where the counts agree; else by content, so that one lost packet is one complaint.
    fn pairs(&self) -> Vec<Pair<'_>> {
        if self.ours.len() == self.rows.len() {
            return self.ours.iter().zip(self.rows.iter().copied()).collect();
        }
        let matching = |one: &PacketDump| {
            let same = |row: &&&BTreeMap<String, String>| same_content(one, row) == Some(true);
            self.rows.iter().find(same).copied()
        };
        self.ours
            .iter()
            .filter_map(|one| Some((one, matching(one)?)))
            .collect()
    }

    fn count(&self, track: &Value, witness: Witness) -> Option<String> {
        let wanted = match witness {
            Witness::Ffmpeg => track["ffmpeg_samples"].as_u64(),
            Witness::Both | Witness::Media3 => Some(self.rows.len() as u64),
        };
        let seen = self.ours.len() as u64;
        (Some(seen) != wanted).then(|| format!("{seen} packets, expected {}", wanted.unwrap_or(0)))
    }
}

type Pair<'a> = (&'a PacketDump, &'a BTreeMap<String, String>);

fn same_content(ours: &PacketDump, row: &BTreeMap<String, String>) -> Option<bool> {
    let payload = cell(row, "payload_crc32")?;
    let whole = format!("{:08x}", ours.crc32) == payload;
    let units = ours.nal_crc32.map(|digest| format!("{digest:08x}"));
    Some(whole || units.is_some_and(|digest| cell(row, "nal_crc32") == Some(&digest)))
}

fn content(pairs: &[Pair<'_>]) -> Option<Option<String>> {
    let judged: Vec<bool> = pairs
        .iter()
        .filter_map(|(ours, row)| same_content(ours, row))
        .collect();
    let first = judged.iter().position(|same| !same);
    let wrong = judged.iter().filter(|same| !**same).count();
    (!judged.is_empty()).then(|| {
        first.map(|first| {
            format!(
                "content of {wrong} of {} packets, first {first}",
                judged.len()
            )
        })
    })
}

/// Where time begins is a demuxer's own choice: one constant a track is taken off.
#[allow(clippy::cast_precision_loss)] // Microseconds of hours stay below 2^53.
fn times(pairs: &[Pair<'_>], witness: Witness) -> Option<Option<String>> {
    let column = match witness {
        Witness::Ffmpeg => "ff_pts_us",
        Witness::Both | Witness::Media3 => "pts_us",
    };
    let off: Vec<f64> = pairs
        .iter()
        .filter_map(|(ours, row)| {
            let wanted: f64 = cell(row, column)?.parse().ok()?;
            Some(ours.pts.as_micros() as f64 - wanted)
        })
        .collect();
    let mut sorted = off.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.get(sorted.len() / 2)?;
    let wrong = off
        .iter()
        .filter(|one| (*one - middle).abs() > TOLERANCE_US);
    let wrong = wrong.count();
    Some((wrong > 0).then(|| format!("times of {wrong} of {} packets", off.len())))
}

fn keys(pairs: &[Pair<'_>]) -> Option<String> {
    let wrong = pairs
        .iter()
        .filter(|(ours, row)| ours.key != (cell(row, "key") == Some("1")))
        .count();
    (wrong > 0).then(|| format!("key flags of {wrong} packets"))
}

/// How we call what a MIME type names; codecs that one type covers.
fn codecs_of(mime: &str) -> &[&str] {
    match mime {
        "video/avc" => &["h264"],
        "video/hevc" | "video/mv-hevc" => &["hevc", "h265"],
        "video/dolby-vision" => &["hevc", "h265", "h264", "av1"],
        "video/av01" => &["av1"],
        "video/x-vnd.on2.vp8" => &["vp8"],
        "video/x-vnd.on2.vp9" => &["vp9"],
        "video/mp4v-es" => &["mpeg4"],
        "video/mpeg2" | "video/mpeg" => &["mpeg2", "mpeg1"],
        "audio/mp4a-latm" => &["aac"],
        "audio/mpeg" | "audio/mpeg-L2" => &["mp3", "mp2"],
        "audio/ac3" => &["ac3"],
        "audio/eac3" | "audio/eac3-joc" => &["eac3"],
        "audio/ac4" => &["ac4"],
        "audio/flac" => &["flac"],
        "audio/opus" => &["opus"],
        "audio/vorbis" => &["vorbis"],
        "audio/alac" => &["alac"],
        "audio/raw" => &["pcm"],
        "audio/3gpp" => &["amr_nb"],
        "audio/amr-wb" => &["amr_wb"],
        "text/x-ssa" => &["ass", "ssa"],
        "application/x-subrip" => &["subrip", "srt"],
        "text/vtt" => &["webvtt", "vtt"],
        "audio/vnd.dts" | "audio/vnd.dts.hd" => &["dts"],
        "audio/true-hd" => &["truehd"],
        "audio/mhm1" | "audio/mha1" => &["mpegh"],
        "audio/iamf" => &["iamf"],
        "video/vvc" => &["vvc"],
        _ => &[],
    }
}
