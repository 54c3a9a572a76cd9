//! The subtitle files of other players' tests, with what those assert. Skipped without the corpus.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::Path;

use kinora_media::{CodecId, Packet, PacketFlags, Time, TrackId, TrackInfo};
use kinora_subtitle::{
    Align, Anchor, Cue, Cues, Document, FontSize, Format, LinePosition, Options, TrackDecoder,
    Update, parse,
};
use serde_json::Value;

/// The clock of the stream that the segment with a map belongs to begins here (`about` in the corpus).
const FIRST_PTS: i64 = 384_615_190;

fn read(root: &Path, name: &str) -> Document {
    let bytes = std::fs::read(root.join(name)).unwrap();
    let mut document = parse(&bytes, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    if document.timestamp_map.is_some() {
        document.place(FIRST_PTS, Time::ZERO);
    }
    document
}

fn corpus() -> Option<(std::path::PathBuf, Value)> {
    let root = kinora_test_support::corpus()?.join("subtitles");
    let text = std::fs::read(root.join("expected.json")).unwrap();
    Some((root, serde_json::from_slice(&text).unwrap()))
}

#[test]
fn every_file_says_what_its_peers_assert() {
    let Some((root, expected)) = corpus() else {
        return;
    };
    let mut complaints = Vec::new();
    let mut held = 0;
    for (name, file) in expected["files"].as_object().unwrap() {
        let document = read(&root, name);
        let is_held = file["verdict"] == "agreed" || file["verdict"] == "media3";
        if is_held || FOLLOWED.contains(&name.as_str()) {
            held += 1;
            let found = complain(&document, file);
            complaints.extend(found.iter().map(|what| format!("{name}: {what}")));
        }
    }
    assert!(held > 0, "the corpus has no subtitles");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Files whose peers differ, of which this reads what Media3 does.
const FOLLOWED: [&str; 6] = [
    "subrip/typical_missing_timecode",
    "subrip/typical_unexpected_end",
    "subrip/typical_no_hours_and_millis",
    "subrip/typical_with_tags",
    "webvtt/typical_with_bad_timestamps",
    "ssa/invalid_timecodes",
];

/// A cue in milliseconds, with its text.
type Kept = (i64, i64, &'static str);

/// Files of which Media3 leaves out cues that FFmpeg keeps, and this too: who wrote them meant them to be read.
const KEPT: [(&str, &[Kept]); 2] = [
    (
        "subrip/typical_missing_sequence",
        &[
            (0, 1_234, "This is the first subtitle."),
            (
                2_345,
                3_456,
                "This is the second subtitle.\nSecond subtitle with second line.",
            ),
            (7_204_567, 7_208_901, "This is the third subtitle."),
        ],
    ),
    (
        "subrip/typical_bad_timestamps",
        &[
            (0, 1_234, "This is the first subtitle."),
            (
                2_345,
                3_456,
                "This should be discarded (too many decimal places).",
            ),
            (
                7_204_567,
                7_208_900,
                "This should be discarded (too few decimal places).",
            ),
        ],
    ),
];

/// A script without an event: what a track begins with.
const HEADER: &str = "ssa/typical_header";

#[test]
fn cues_that_one_peer_leaves_out_are_kept() {
    let Some((root, _)) = corpus() else {
        return;
    };
    for (name, expected) in KEPT {
        let document = read(&root, name);
        let ms = |time: Time| time.as_millis();
        let cues = document.cues.iter();
        let found: Vec<_> = cues
            .map(|cue| (ms(cue.start), ms(cue.end), cue.text()))
            .collect();
        let expected: Vec<_> = (expected.iter())
            .map(|(start, end, text)| (*start, *end, (*text).to_owned()))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_header_styles_the_packets_behind_it() {
    let Some((root, _)) = corpus() else {
        return;
    };
    assert_eq!(read(&root, HEADER).cues, []);
    let track = TrackInfo {
        config: std::fs::read(root.join(HEADER)).unwrap().into(),
        codec_tag: "S_TEXT/ASS".to_owned(),
        ..TrackInfo::new(TrackId(1), CodecId::Ass)
    };
    let time = Time::from_millis(1_000);
    let updates = TrackDecoder::new(&track).unwrap().decode(&Packet {
        track: track.id,
        pts: time,
        dts: time,
        duration: time,
        flags: PacketFlags::default(),
        data: b"0,0,Default,,0,0,0,,spoken"[..].into(),
        crypto: None,
    });
    let [Update::Add(cue)] = &updates[..] else {
        panic!("one cue: {updates:?}")
    };
    assert_eq!((cue.text().as_str(), cue.start), ("spoken", time));
    assert!(cue.spans[0].style.bold, "{:?}", cue.spans);
}

#[test]
fn no_file_is_left_out() {
    let Some((root, expected)) = corpus() else {
        return;
    };
    let expected = expected["files"].as_object().unwrap();
    let mut files = Vec::new();
    for folder in ["subrip", "webvtt", "ssa"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        files.extend(names.map(|name| format!("{folder}/{name}")));
    }
    let is_held = |name: &String| {
        let verdict = expected.get(name).map(|file| &file["verdict"]);
        let named = FOLLOWED.iter().chain(KEPT.iter().map(|(name, _)| name));
        verdict.is_some_and(|it| it == "agreed" || it == "media3")
            || named.chain([&HEADER]).any(|it| it == name)
    };
    files.retain(|name| !is_held(name));
    assert_eq!(files, [] as [String; 0]);
}

#[test]
fn files_are_known_by_their_text() {
    let Some((root, _)) = corpus() else {
        return;
    };
    for (folder, format) in [
        ("subrip", Format::Srt),
        ("webvtt", Format::WebVtt),
        ("ssa", Format::Ass),
    ] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let document = parse(&bytes, &Options::default()).unwrap();
            assert_eq!(document.format, format);
        }
    }
}

/// All in which a document differs from what is expected of it.
fn complain(document: &Document, file: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut hold = |what: String, ours: String, theirs: String| {
        if ours != theirs {
            complaints.push(format!("{what}: {ours}, expected {theirs}"));
        }
    };
    let cues = &document.cues;
    if let Some(count) = file["count"].as_u64() {
        hold("count".into(), cues.len().to_string(), count.to_string());
    }
    if let Some(expected) = file["cues"].as_array() {
        if file["complete"] == true {
            hold(
                "count".into(),
                cues.len().to_string(),
                expected.len().to_string(),
            );
        }
        let tolerance = file["tolerance_us"].as_i64().unwrap_or(0);
        for (at, (cue, expected)) in cues.iter().zip(expected).enumerate() {
            for (what, ours, theirs) in differences(cue, expected, tolerance) {
                hold(format!("cue {at}, {what}"), ours, theirs);
            }
        }
    }
    if let Some(colors) = file["colors_argb"].as_array() {
        for (cue, color) in cues.iter().zip(colors) {
            let ours = cue.spans[0]
                .style
                .color
                .map(|c| format!("{:02X}{:02X}{:02X}{:02X}", c.alpha, c.red, c.green, c.blue));
            let theirs = color.as_str().map(str::to_owned);
            hold("colour".into(), format!("{ours:?}"), format!("{theirs:?}"));
        }
    }
    if let Some(styles) = file["style"].as_array() {
        for (cue, style) in cues.iter().zip(styles) {
            let own = &cue.spans[0].style;
            let names = [("bold", own.bold), ("italic", own.italic)];
            let ours: Vec<_> = names
                .iter()
                .filter(|(_, set)| *set)
                .map(|(name, _)| *name)
                .collect();
            hold(
                "style".into(),
                Value::from(ours).to_string(),
                style.to_string(),
            );
        }
    }
    if let Some(slices) = file["slices"].as_array() {
        let ours = Value::from(slices_of(cues.clone())).to_string();
        hold("slices".into(), ours, file["slices"].to_string());
        assert!(!slices.is_empty());
    }
    complaints
}

fn differences(cue: &Cue, expected: &Value, tolerance: i64) -> Vec<(&'static str, String, String)> {
    let mut all = Vec::new();
    let mut hold = |what, ours: String, theirs: String| all.push((what, ours, theirs));
    for (what, ours) in [("start_us", cue.start), ("end_us", cue.end)] {
        if let Some(theirs) = expected[what].as_i64() {
            let ours = ours.as_micros();
            let near = (ours - theirs).abs() <= tolerance;
            hold(
                what,
                if near { theirs } else { ours }.to_string(),
                theirs.to_string(),
            );
        }
    }
    if let Some(texts) = expected["texts"].as_array() {
        hold("text", cue.text(), texts[0].as_str().unwrap().to_owned());
    }
    let layout = &cue.layout;
    let anchor = |anchor| match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let align = match layout.align {
        Align::Start | Align::Left => "start",
        Align::Center => "center",
        Align::End | Align::Right => "end",
    };
    for (what, ours) in [
        ("position_anchor", anchor(layout.x_anchor())),
        ("line_anchor", anchor(layout.line_anchor)),
        ("align", align),
    ] {
        if let Some(theirs) = expected[what].as_str() {
            hold(what, ours.to_owned(), theirs.to_owned());
        }
    }
    // Where it says no text, its places are Media3's margins.
    if expected["texts"].is_null() {
        return all;
    }
    for (what, ours) in [("position", Some(layout.x())), ("size", layout.size)] {
        if let Some(theirs) = expected[what].as_f64() {
            hold(what, format!("{ours:?}"), format!("{:?}", Some(theirs)));
        }
    }
    match &expected["line"] {
        Value::String(_) => hold("line", format!("{:?}", layout.line), "Auto".to_owned()),
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            let theirs = match expected["line_type"].as_str() {
                Some("number") => LinePosition::Number(number),
                _ => LinePosition::Fraction(number),
            };
            hold("line", format!("{:?}", layout.line), format!("{theirs:?}"));
        }
        _ => {}
    }
    if let Some(size) = expected.get("font_size") {
        let ours = cue.spans[0].style.size.map(|size| match size {
            FontSize::Em(size) => format!("{size}em"),
            FontSize::Percent(size) => format!("{size}%"),
            FontSize::Px(size) => format!("{size}px"),
            FontSize::Share(size) => format!("{size} of the height"),
        });
        hold("font size", Value::from(ours).to_string(), size.to_string());
    }
    all
}

/// What is on the screen from each change to the next, where there is something.
fn slices_of(cues: Vec<Cue>) -> Vec<Value> {
    let cues = Cues::new(cues);
    let mut slices = Vec::new();
    let mut at = Time::MIN;
    while let Some(start) = cues.next_change(at) {
        let active = cues.active(start);
        if let Some(end) = cues.next_change(start).filter(|_| !active.is_empty()) {
            let texts: Vec<_> = active.iter().map(|cue| cue.text()).collect();
            slices.push(serde_json::json!({
                "start_us": start.as_micros(), "end_us": end.as_micros(), "texts": texts
            }));
        }
        at = start;
    }
    slices
}
