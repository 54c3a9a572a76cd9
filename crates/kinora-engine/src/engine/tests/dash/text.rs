//! Text of live presentations: WebVTT and TTML in fragments of MP4 (ISO/IEC 14496-30), and WebVTT files, segment by segment.

use super::*;
use crate::Command;

fn a_box(kind: &[u8; 4], inside: &[u8]) -> Vec<u8> {
    let len = u32::try_from(inside.len() + 8).unwrap();
    [&len.to_be_bytes()[..], kind, inside].concat()
}

/// A full box of version 0 without flags.
fn full(kind: &[u8; 4], inside: &[u8]) -> Vec<u8> {
    a_box(kind, &[&[0; 4], inside].concat())
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|it| it.to_be_bytes()).collect()
}

/// What comes before the segments: one track of text, 1,000 ticks a second.
fn init(handler: &[u8; 4], header: &[u8], entry: &[u8]) -> Vec<u8> {
    let tables: Vec<u8> = [b"stts", b"stsc", b"stco"]
        .into_iter()
        .flat_map(|kind| full(kind, &words(&[0])))
        .collect();
    let sizes = full(b"stsz", &words(&[0, 0]));
    let described = full(b"stsd", &[&words(&[1])[..], entry].concat());
    let stbl = a_box(b"stbl", &[described, tables, sizes].concat());
    let url = a_box(b"url ", &words(&[1]));
    let dinf = a_box(b"dinf", &full(b"dref", &[&words(&[1])[..], &url].concat()));
    let minf = a_box(b"minf", &[header.to_vec(), dinf, stbl].concat());
    let hdlr = full(b"hdlr", &[&words(&[0])[..], handler, &[0; 13]].concat());
    let mdhd = full(b"mdhd", &words(&[0, 0, 1_000, 0, 0x55c4_0000]));
    let mdia = a_box(b"mdia", &[mdhd, hdlr, minf].concat());
    let matrix = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
    let tkhd = full(
        b"tkhd",
        &words(&[&[0, 0, 1, 0, 0, 0, 0, 0, 0][..], &matrix, &[0, 0]].concat()),
    );
    let trak = a_box(b"trak", &[tkhd, mdia].concat());
    let mut mvhd = words(&[0, 0, 1_000, 0, 0x1_0000, 0x100_0000, 0, 0]);
    mvhd.extend(words(&[&matrix[..], &[0; 6], &[2]].concat()));
    let trex = full(b"trex", &words(&[1, 1, 0, 0, 0]));
    let moov = [full(b"mvhd", &mvhd), trak, a_box(b"mvex", &trex)].concat();
    [
        a_box(b"ftyp", b"iso6\0\0\0\0iso6dash"),
        a_box(b"moov", &moov),
    ]
    .concat()
}

/// A fragment from a time on, of samples with their durations, in ticks.
fn fragment(number: u32, time: u32, samples: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let build = |offset: u32| {
        let tfhd = a_box(b"tfhd", &words(&[0x2_0000, 1]));
        let tfdt = full(b"tfdt", &words(&[time]));
        let count = u32::try_from(samples.len()).unwrap();
        let mut trun = words(&[0x301, count, offset]);
        for (duration, data) in samples {
            trun.extend(words(&[*duration, u32::try_from(data.len()).unwrap()]));
        }
        let traf = a_box(b"traf", &[tfhd, tfdt, a_box(b"trun", &trun)].concat());
        a_box(b"moof", &[full(b"mfhd", &words(&[number])), traf].concat())
    };
    let len = u32::try_from(build(0).len()).unwrap();
    let data: Vec<u8> = samples.iter().flat_map(|it| it.1.clone()).collect();
    [build(len + 8), a_box(b"mdat", &data)].concat()
}

fn sample_entry(kind: &[u8; 4], inside: &[u8]) -> Vec<u8> {
    a_box(kind, &[&[0, 0, 0, 0, 0, 0, 0, 1], inside].concat())
}

/// What a language says in a segment: from half a second on, for a second.
fn said(language: &str, number: u32) -> String {
    format!("{language}{number}")
}

fn wvtt(number: u32) -> Vec<u8> {
    let cue = a_box(b"vttc", &a_box(b"payl", said("en", number).as_bytes()));
    let none = || a_box(b"vtte", &[]);
    let samples = [(500, none()), (1_000, cue), (500, none())];
    fragment(number, number * 2_000, &samples)
}

fn stpp(number: u32) -> Vec<u8> {
    let seconds = f64::from(number) * 2.0;
    let (begin, end) = (seconds + 0.5, seconds + 1.5);
    let words = said("de", number);
    let text = format!(
        "<tt xmlns='http://www.w3.org/ns/ttml'><body><div><p begin='{begin}s' end='{end}s'>{words}</p></div></body></tt>"
    );
    fragment(number, number * 2_000, &[(2_000, text.into_bytes())])
}

fn vtt(number: u32) -> Vec<u8> {
    let time = |ms: u32| {
        format!(
            "{:02}:{:02}.{:03}",
            ms / 60_000,
            ms / 1_000 % 60,
            ms % 1_000
        )
    };
    let (begin, end) = (time(number * 2_000 + 500), time(number * 2_000 + 1_500));
    format!("WEBVTT\n\n{begin} --> {end}\n{}\n", said("fr", number)).into_bytes()
}

const ENGLISH: u32 = 1;
const GERMAN: u32 = 2;
const FRENCH: u32 = 3;

fn live(seed: u64) -> Sim {
    let config = PlayerConfig {
        subtitle_language: Some("en".to_owned()),
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(seed, config);
    serve_live(&mut sim, "", LIVE);
    let sets = [
        ("application/mp4", "wvtt", "en", "mp4"),
        ("application/mp4", "stpp", "de", "mp4"),
        ("text/vtt", "", "fr", "vtt"),
    ];
    let sets: String = sets
        .iter()
        .map(|(mime, codecs, language, extension)| {
            let init = if *extension == "mp4" { "initialization='$RepresentationID$.init'" } else { "" };
            format!(
                "<AdaptationSet contentType='text' mimeType='{mime}' codecs='{codecs}' lang='{language}'>\
                 <SegmentTemplate duration='2' startNumber='0' {init} media='$RepresentationID$$Number$.{extension}'/>\
                 <Representation id='{language}' bandwidth='10'/></AdaptationSet>"
            )
        })
        .collect();
    let start = time_text(sim.now_unix_ms() - 60_000);
    sim.net.serve(
        MPD,
        format!(
            "<MPD type='dynamic' availabilityStartTime='{start}' minimumUpdatePeriod='PT6S'><Period id='p' start='PT0S'>\
             <AdaptationSet mimeType='video/mp2t' contentType='video'>{LIVE}</AdaptationSet>{sets}</Period></MPD>"
        ),
    );
    let config = a_box(b"vttC", b"WEBVTT");
    let nmhd = full(b"nmhd", &[]);
    sim.net.serve(
        &at("en.init"),
        init(b"text", &nmhd, &sample_entry(b"wvtt", &config)),
    );
    let sthd = full(b"sthd", &[]);
    let namespace = b"http://www.w3.org/ns/ttml\0\0\0";
    sim.net.serve(
        &at("de.init"),
        init(b"subt", &sthd, &sample_entry(b"stpp", namespace)),
    );
    for number in 0..100 {
        let made = ms((i64::from(number) + 1) * 2_000 - 60_000);
        let of = [
            ("en", "mp4", wvtt(number)),
            ("de", "mp4", stpp(number)),
            ("fr", "vtt", vtt(number)),
        ];
        for (language, extension, data) in of {
            sim.net
                .serve_from(made, &at(&format!("{language}{number}.{extension}")), data);
        }
    }
    sim
}

/// Each picture that was shown meanwhile had the words of that language on it, or none, as its time wants.
fn lies_on_pictures(sim: &Sim, language: &str, from: usize) {
    let first = 4;
    assert!(sim.shown.len() > from + 60, "{:#?}", sim.events);
    let (shown, texts) = (&sim.shown[from + first..], &sim.texts[from + first..]);
    for ((_, pts), text) in shown.iter().zip(texts) {
        let number = u32::try_from(pts.as_millis() / 2_000).unwrap();
        let within = pts.as_millis() % 2_000;
        // The pictures of the film lie a little beside the tenths of a second.
        let near = [500, 1_500].iter().any(|edge| (within - edge).abs() < 60);
        let expected = match (500..1_500).contains(&within) {
            true => said(language, number),
            false => String::new(),
        };
        assert!(
            near || *text == expected,
            "at {pts}: {text:?}, not {expected:?}"
        );
    }
}

#[test]
fn text_in_fragments_and_files_lies_on_the_pictures_of_its_time_and_can_be_switched() {
    let mut sim = live(90);
    sim.play(MPD);
    assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
    sim.run_for(secs(2));
    let options = sim.engine().tracks().expect("there are some");
    let labels: Vec<(u32, &str, bool)> = options
        .iter()
        .filter(|it| it.kind == kinora_media::TrackKind::Subtitle)
        .map(|it| (it.index, it.label.as_str(), it.selected))
        .collect();
    assert_eq!(
        labels,
        [
            (ENGLISH, "en", true),
            (GERMAN, "de", false),
            (FRENCH, "fr", false)
        ]
    );
    for (index, language) in [
        (ENGLISH, "en"),
        (GERMAN, "de"),
        (FRENCH, "fr"),
        (ENGLISH, "en"),
    ] {
        sim.command(Command::SelectTrack(TrackChoice::Index(index)));
        sim.run_for(secs(1));
        let from = sim.shown.len();
        sim.run_for(secs(12));
        lies_on_pictures(&sim, language, from);
    }
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(
        sim.count(|event| matches!(event, Event::Recovered(_))),
        0,
        "{:#?}",
        sim.events
    );
    assert_eq!(sim.stalled(), secs(0));
}

#[test]
fn live_text_that_is_missing_for_a_while_does_not_hold_the_pictures() {
    let mut sim = live(91);
    sim.net
        .fault(secs(10), secs(20), "/en", NetFault::Status(404));
    sim.play(MPD);
    sim.run_for(secs(30));
    let from = sim.shown.len();
    sim.run_for(secs(20));
    lies_on_pictures(&sim, "en", from);
    assert_eq!(sim.stalled(), secs(0));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
}
