//! Our packets are those of the witnesses: on the corpus where it lies beside the checkout, on clips of our own always.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use kinora_conformance::{corpus, judge, playlists, read, report};

#[test]
fn tier_one_of_the_corpus_is_read_as_its_witnesses_say() {
    let Some(root) = kinora_test_support::corpus() else {
        return;
    };
    let mut broken = Vec::new();
    let mut count = 0;
    for entry in corpus::entries(&root, &report::CONTAINERS).unwrap() {
        if entry.tier == 1 {
            let comparison = judge::file(&root, &entry.file).unwrap();
            count += 1;
            for complaint in comparison.complaints {
                broken.push(format!("{}: {complaint}", entry.file));
            }
        }
    }
    assert!(count > 0, "the corpus has no file");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_wrong_packet_is_noticed() {
    // The judge must be able to fail: the same file against the expectations of another.
    let Some(root) = kinora_test_support::corpus() else {
        return;
    };
    let folder = std::env::temp_dir().join(format!("kinora-conformance-{}", std::process::id()));
    let name = "mp4/sample_eac3.mp4";
    let copy = |from: &str, to: &str| {
        let target = folder.join(to);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(root.join(from), target).unwrap();
    };
    copy(&format!("media/{name}"), &format!("media/{name}"));
    for end in ["json", "tsv"] {
        copy(
            &format!("agreed/{name}.{end}"),
            &format!("agreed/{name}.{end}"),
        );
    }
    let media = folder.join("media").join(name);
    let mut bytes = std::fs::read(&media).unwrap();
    let mdat = bytes.windows(4).position(|kind| kind == b"mdat").unwrap();
    *bytes.get_mut(mdat + 500).unwrap() ^= 1;
    std::fs::write(&media, bytes).unwrap();
    let complaints = judge::file(&folder, name).unwrap().complaints;
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(
        complaints.iter().any(|one| one.contains("content of 1 of")),
        "{complaints:?}"
    );
}

#[test]
fn the_document_is_current() {
    let Some(root) = kinora_test_support::corpus() else {
        return;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let kept = std::fs::read_to_string(file).unwrap();
    let made = report::document(&root).unwrap();
    assert!(kept == made, "run `cargo xtask conformance`");
    assert!(!playlists::suites(&root).unwrap().is_empty());
}

/// A packet as FFmpeg reports it.
struct ReportedPacket {
    pts_us: i64,
    key: bool,
    crc32: String,
}

fn reported(file: &Path) -> BTreeMap<String, Vec<ReportedPacket>> {
    let mut tracks: BTreeMap<String, Vec<ReportedPacket>> = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap().lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [codec, pts_us, key, _, crc32] = cells[..] else {
            panic!("{line}");
        };
        tracks
            .entry(codec.to_owned())
            .or_default()
            .push(ReportedPacket {
                pts_us: pts_us.parse().unwrap(),
                key: key == "1",
                crc32: crc32.to_owned(),
            });
    }
    tracks
}

#[test]
fn clips_of_our_own_have_the_packets_that_ffmpeg_reports() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for name in [
        "front.mp4",
        "fragments.mp4",
        "film.ts",
        "film.flv",
        "tone.opus",
        "tone.oga",
        "tone.aac",
        "tone.mp3",
    ] {
        let theirs = reported(&folder.join(format!("{name}.tsv")));
        let ours = read::packets(&folder.join(name)).unwrap();
        assert_eq!(ours.error, None, "{name}");
        assert_eq!(ours.tracks.len(), theirs.len(), "tracks of {name}");
        for (_, packets) in ours.tracks {
            let codec = packets.first().unwrap().codec.clone();
            let reported = theirs.get(&codec).unwrap();
            assert_eq!(packets.len(), reported.len(), "{codec} packets of {name}");
            let begin = |pts: i64, reported: &ReportedPacket| pts - reported.pts_us;
            let shift = begin(packets[0].pts.as_micros(), &reported[0]);
            for (at, (one, reported)) in packets.iter().zip(reported).enumerate() {
                let off = begin(one.pts.as_micros(), reported) - shift;
                assert!(off.abs() <= 1_000, "{name}, {codec} {at}: {off} us off");
                assert_eq!(one.key, reported.key, "{name}, {codec} {at}");
                // In a stream, a zero before a start code is of this unit there, of the next one here.
                if !(name.ends_with(".ts") && codec == "h264") {
                    assert_eq!(
                        format!("{:08x}", one.crc32),
                        reported.crc32,
                        "{name}, {codec} {at}"
                    );
                }
            }
        }
    }
}
