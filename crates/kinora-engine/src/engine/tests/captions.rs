//! Captions within the pictures, in the simulator.

use kinora_media::TrackKind;

use super::recording::Recording;
use super::subtitles::{is_subtitle, told};
use super::{errors, is_completion, is_first, is_seek_end};
use crate::sim::packager::captioned;
use crate::sim::{Film, Sim, ms, secs};
use crate::{Command, Event, FIRST_CAPTIONS, PlayerConfig, Refusal, SeekAccuracy, TrackChoice};

const URL: &str = "http://films.test/captions.ts";
const MASTER: &str = "http://films.test/captions.m3u8";
/// Where the clock of the pictures begins, in ticks.
const CLOCK: u64 = 144_000;
const CC1: u32 = FIRST_CAPTIONS;
const CC3: u32 = FIRST_CAPTIONS + 2;

/// Each byte of line 21 has an odd number of ones (ANSI/CTA-608 4.1).
fn odd(byte: u8) -> u8 {
    match byte.count_ones() % 2 {
        0 => byte | 0x80,
        _ => byte,
    }
}

/// Triplets of a field: each command twice, as is the rule.
fn line_21(field: u8, pairs: &[[u8; 2]]) -> Vec<u8> {
    let mut data = Vec::new();
    for pair in pairs {
        let is_command = (0x10..0x20).contains(&pair[0]);
        for _ in 0..1 + usize::from(is_command) {
            data.extend([0xfc | field, odd(pair[0]), odd(pair[1])]);
        }
    }
    data
}

/// A pop-on caption in one picture: resume caption loading, row 15, the text, end of caption.
fn pop_on(field: u8, text: [u8; 2]) -> Vec<u8> {
    line_21(
        field,
        &[[0x14, 0x20], [0x14, 0x2e], [0x14, 0x70], text, [0x14, 0x2f]],
    )
}

/// At 1.1 s, between two pictures that are decoded before it, one appears; at 2.5 s it goes, at 5 s the next one comes, in
/// the second language at 3 s.
fn words(time: u64) -> Vec<u8> {
    match (time - CLOCK) / 90 {
        1_100 => pop_on(0, *b"HI"),
        2_500 => line_21(0, &[[0x14, 0x2c]]),
        3_000 => pop_on(1, *b"YO"),
        5_000 => pop_on(0, *b"GO"),
        // Padding.
        _ => vec![0xfc, 0x80, 0x80],
    }
}

fn film() -> Vec<u8> {
    let segments = Film::ts_segments();
    let changed = segments.iter().map(|segment| captioned(segment, words));
    changed.collect::<Vec<_>>().concat()
}

fn prepared(sim: &mut Sim) {
    sim.net.serve(URL, film());
    sim.play(URL);
    assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
}

fn listed(sim: &Sim) -> Vec<(u32, String, bool)> {
    let tracks = sim.engine().tracks().unwrap();
    let text = tracks.iter().filter(|it| it.kind == TrackKind::Subtitle);
    text.map(|it| (it.index, it.label.clone(), it.selected))
        .collect()
}

fn is_listed(event: &Event) -> bool {
    matches!(event, Event::TracksReady(_))
}

const ALL: [(&str, i64); 4] = [
    ("+HI", 1_100),
    ("-HI", 2_500),
    ("+GO", 5_000),
    ("-GO", 8_000),
];

fn on_time(told: &[(String, i64)], expected: &[(&str, i64)]) {
    let words: Vec<&str> = told.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(words, expected.iter().map(|it| it.0).collect::<Vec<_>>());
    for ((word, at), (_, due)) in told.iter().zip(expected) {
        assert!((at - due).abs() <= 60, "{word} at {at}, due at {due}");
    }
}

#[test]
fn captions_are_listed_once_they_are_seen_and_shown_with_their_pictures() {
    let mut sim = Sim::new(1, PlayerConfig::default());
    prepared(&mut sim);
    assert!(sim.run_until(secs(2), is_listed), "{:#?}", sim.events);
    assert!(
        sim.position() < ms(1_000),
        "they come with the packets: {}",
        sim.position()
    );
    assert_eq!(listed(&sim), [(CC1, "CC1".to_owned(), false)]);
    sim.command(Command::SelectTrack(TrackChoice::Index(CC1)));
    assert_eq!(listed(&sim), [(CC1, "CC1".to_owned(), true)]);
    sim.run_for(ms(1));
    let told = told(&mut sim);
    on_time(&told[..3], &ALL[..3]);
    assert_eq!(listed(&sim).len(), 2, "the second language came later");
    assert!(errors(&sim).is_empty());
}

#[test]
fn nobody_sees_captions_that_were_not_chosen_and_those_that_are_not_there_are_refused() {
    let mut sim = Sim::new(2, PlayerConfig::default());
    prepared(&mut sim);
    sim.command(Command::SelectSubtitle {
        index: CC3,
        on: true,
    });
    assert!(matches!(
        sim.events.last(),
        Some((
            _,
            Event::CommandRefused {
                refusal: Refusal::NoSuchSubtitle,
                ..
            }
        ))
    ));
    assert_eq!(told(&mut sim), []);
}

#[test]
fn captions_are_right_after_a_seek_back_in_the_buffer_and_when_they_are_switched_off() {
    let config = PlayerConfig {
        max_backward_buffer: secs(60).to_duration(),
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(3, config);
    prepared(&mut sim);
    assert!(sim.run_until(secs(2), is_listed));
    sim.command(Command::SelectSubtitle {
        index: CC1,
        on: true,
    });
    sim.run_for(secs(2));
    sim.seek(ms(100), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(2), is_seek_end));
    let is = |word: &'static str| move |event: &Event| matches!(event, Event::SubtitleShown { cue, .. } if cue.text() == word);
    assert!(sim.run_until(secs(2), is("HI")));
    assert!(
        (sim.position() - ms(1_100)).abs() <= ms(60),
        "{}",
        sim.position()
    );
    assert!(sim.run_until(secs(5), is("GO")));
    sim.command(Command::SelectSubtitle {
        index: CC1,
        on: false,
    });
    assert!(matches!(
        sim.events.last(),
        Some((_, Event::SubtitleHidden { .. }))
    ));
    let shown = sim.count(|event| matches!(event, Event::SubtitleShown { .. }));
    assert_eq!(shown, 3);
    assert!(sim.run_until(secs(5), is_completion));
}

fn playlist(sim: &mut Sim, captions: &str, attributes: &str) {
    let text = format!(
        "#EXTM3U\n{captions}#EXT-X-STREAM-INF:BANDWIDTH=40000{attributes}\nhttp://films.test/list.m3u8\n"
    );
    sim.net.serve(MASTER, text);
    let list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXTINF:8,\n{URL}\n#EXT-X-ENDLIST\n");
    sim.net.serve("http://films.test/list.m3u8", list);
    sim.net.serve(URL, film());
    sim.play(MASTER);
}

#[test]
fn a_playlist_names_captions_and_the_wanted_language_is_shown_from_the_start() {
    let of = |name: &str, language: &str, id: &str| {
        format!(
            "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"{name}\",LANGUAGE=\"{language}\",INSTREAM-ID=\"{id}\"\n"
        )
    };
    let both = of("English", "en", "CC1") + &of("Deutsch", "de", "CC3");
    let config = PlayerConfig {
        subtitle_language: Some("deu".to_owned()),
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(4, config);
    playlist(&mut sim, &both, ",CLOSED-CAPTIONS=\"c\"");
    assert!(sim.run_until(secs(2), is_first));
    let all = [
        (CC1, "English (CC1)".to_owned(), false),
        (CC3, "Deutsch (CC3)".to_owned(), true),
    ];
    assert_eq!(listed(&sim), all);
    let told = told(&mut sim);
    on_time(&told[..1], &[("+YO", 3_000)]);
}

#[test]
fn where_a_playlist_says_that_there_are_none_nothing_is_looked_for() {
    let mut sim = Sim::new(5, PlayerConfig::default());
    playlist(&mut sim, "", ",CLOSED-CAPTIONS=NONE");
    assert!(sim.run_until(secs(30), is_completion));
    assert_eq!(listed(&sim), []);
}

#[test]
fn a_recorded_session_with_captions_runs_again_without_its_words() {
    let (recording, sink) = Recording::begin();
    let mut sim = Sim::recorded(6, PlayerConfig::default(), sink);
    prepared(&mut sim);
    assert!(sim.run_until(secs(2), is_listed));
    sim.command(Command::SelectSubtitle {
        index: CC1,
        on: true,
    });
    sim.run_for(secs(4));
    sim.seek(ms(500), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(30), is_completion));
    assert!(sim.count(is_subtitle) >= 5);
    let written = recording.lines();
    assert!(!written.iter().any(|line| line.contains("\"HI\"")));
    recording.runs_again(sim.events.len());
}
