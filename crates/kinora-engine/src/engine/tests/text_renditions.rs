//! Renditions of text beside pictures and sound, in the simulator.

use kinora_media::{Time, TrackKind};

use super::recording::Recording;
use super::subtitles::{is_subtitle, told};
use super::{errors, is_completion, is_first, is_seek_end};
use crate::sim::{Film, NetFault, Sim, mins, ms, secs};
use crate::{Command, Event, PlayerConfig, Refusal, SeekAccuracy, TrackChoice};

pub(super) const MASTER: &str = "http://films.test/text/master.m3u8";
const FOLDER: &str = "http://films.test/text";
/// Segments of 2 s: twice the film, whose clock begins anew.
const SEGMENTS: usize = 8;
/// Where the clock of the pictures begins, in ticks.
const CLOCK: u64 = 144_000;

/// The indices of the options: one variant, no sound, then the text.
const ENGLISH: u32 = 1;
const FRENCH: u32 = 2;

fn media(segments: std::ops::Range<usize>, end: &str, name: impl Fn(usize) -> String) -> String {
    let first = segments.start;
    let mut text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
        first.div_ceil(4)
    );
    for number in segments {
        if number % 4 == 0 && number > 0 {
            text += "#EXT-X-DISCONTINUITY\n";
        }
        text += &format!("#EXTINF:2,\n{}\n", name(number));
    }
    text + end
}

/// The cue of each segment, from 0.5 s to 1.5 s in it; and one that reaches from the second into the third.
fn words(language: &str, number: usize) -> String {
    let begin = 2 * (number % 4);
    let mut text = format!(
        "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{CLOCK},LOCAL:00:00:00.000\n\n00:0{begin}.500 --> 00:0{}.500\n{language}{number}\n",
        begin + 1
    );
    if number == 1 || number == 2 {
        text += "\n00:03.700 --> 00:04.200\nborder\n";
    }
    text
}

/// Pictures with sound, and text in two languages.
pub(super) fn serve(sim: &mut Sim) {
    serve_with(sim, "DEFAULT=YES", "", SEGMENTS);
}

fn serve_with(sim: &mut Sim, english: &str, french: &str, segments: usize) {
    let mut text = "#EXTM3U\n".to_owned();
    for (name, language, flags) in [("English", "en", english), ("Français", "fr", french)] {
        let flags = if flags.is_empty() {
            String::new()
        } else {
            format!(",{flags}")
        };
        text += &format!(
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"{name}\",LANGUAGE=\"{language}\",URI=\"{language}.m3u8\"{flags}\n"
        );
    }
    text += "#EXT-X-STREAM-INF:BANDWIDTH=40000,RESOLUTION=64x48,SUBTITLES=\"t\"\nfilm.m3u8\n";
    sim.net.serve(MASTER, text);
    let list = |name: &dyn Fn(usize) -> String| media(0..segments, "#EXT-X-ENDLIST\n", name);
    let film = list(&|number| format!("{number}.ts"));
    sim.net.serve(&format!("{FOLDER}/film.m3u8"), film);
    let pieces = Film::ts_segments();
    for number in 0..segments {
        let url = format!("{FOLDER}/{number}.ts");
        sim.net.serve(&url, pieces[number % 4].clone());
    }
    for language in ["en", "fr"] {
        let text = list(&|number| format!("{language}/{number}.vtt"));
        sim.net.serve(&format!("{FOLDER}/{language}.m3u8"), text);
        for number in 0..segments {
            let url = format!("{FOLDER}/{language}/{number}.vtt");
            sim.net.serve(&url, words(language, number));
        }
    }
}

fn film(seed: u64) -> Sim {
    film_of(Sim::new(seed, PlayerConfig::default()))
}

fn film_of(mut sim: Sim) -> Sim {
    serve(&mut sim);
    sim.play(MASTER);
    sim
}

fn wishes(subtitle_language: Option<&str>) -> PlayerConfig {
    PlayerConfig {
        subtitle_language: subtitle_language.map(str::to_owned),
        ..PlayerConfig::default()
    }
}

/// What is told of the segments in a language, in its order.
fn expected(language: &str, segments: impl Iterator<Item = usize>) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    for number in segments {
        let at = |millis: i64| 2_000 * i64::try_from(number).unwrap() + millis;
        if number == 2 {
            all.push(("-border".to_owned(), at(200)));
        }
        all.push((format!("+{language}{number}"), at(500)));
        all.push((format!("-{language}{number}"), at(1_500)));
        if number == 1 {
            all.push(("+border".to_owned(), at(1_700)));
        }
    }
    all
}

/// Each is told within a picture of its time.
fn on_time(told: &[(String, i64)], expected: &[(String, i64)]) {
    let words = |lines: &[(String, i64)]| lines.iter().map(|it| it.0.clone()).collect::<Vec<_>>();
    assert_eq!(words(told), words(expected));
    for ((word, at), (_, due)) in told.iter().zip(expected) {
        assert!((at - due).abs() <= 60, "{word} at {at}, due at {due}");
    }
}

fn text_options(sim: &Sim) -> Vec<(u32, String, bool)> {
    let tracks = sim.engine().tracks().unwrap();
    let text = tracks.iter().filter(|it| it.kind == TrackKind::Subtitle);
    text.map(|it| (it.index, it.label.clone(), it.selected))
        .collect()
}

fn asked(sim: &Sim, part: &str) -> usize {
    let is = |asked: &&(Time, String, u64)| asked.1.contains(part);
    sim.net.asked.iter().filter(is).count()
}

fn recovered(sim: &Sim) -> Vec<&'static str> {
    let reason = |(_, event): &(Time, Event)| match event {
        Event::Recovered(fault) => Some(fault.reason()),
        _ => None,
    };
    sim.events.iter().filter_map(reason).collect()
}

fn select(index: u32, on: bool) -> Command {
    Command::SelectSubtitle { index, on }
}

#[test]
fn the_default_text_is_shown_on_time_over_discontinuities_and_each_cue_once() {
    let mut sim = film(1);
    on_time(&told(&mut sim), &expected("en", 0..SEGMENTS));
    assert!(errors(&sim).is_empty());
    assert_eq!(recovered(&sim), Vec::<&str>::new());
    assert_eq!(sim.stalled(), Time::ZERO);
    assert_eq!(asked(&sim, "/en/"), SEGMENTS);
    assert_eq!(asked(&sim, "/fr"), 0);
}

#[test]
fn the_first_picture_does_not_wait_for_text() {
    let first = |config: PlayerConfig| {
        let mut sim = film_of(Sim::new(2, config));
        assert!(sim.run_until(secs(5), is_first));
        sim.now()
    };
    let without = PlayerConfig {
        disable_subtitles: true,
        ..PlayerConfig::default()
    };
    assert_eq!(first(PlayerConfig::default()), first(without));
}

#[test]
fn text_is_listed_and_the_wanted_language_is_shown() {
    let mut sim = film_of(Sim::new(3, wishes(Some("fra"))));
    assert!(sim.run_until(secs(2), is_first));
    let all = [
        (ENGLISH, "English (en)".to_owned(), false),
        (FRENCH, "Français (fr)".to_owned(), true),
    ];
    assert_eq!(text_options(&sim), all);
    on_time(&told(&mut sim), &expected("fr", 0..SEGMENTS));
    assert_eq!(asked(&sim, "/en"), 0);
    let mut sim = film_of(Sim::new(3, wishes(Some("de"))));
    assert_eq!(told(&mut sim), []);
}

#[test]
fn forced_text_is_shown_where_nobody_asks_for_any_and_no_text_where_it_is_disabled() {
    let mut sim = Sim::new(4, PlayerConfig::default());
    serve_with(&mut sim, "", "FORCED=YES", SEGMENTS);
    sim.play(MASTER);
    on_time(&told(&mut sim), &expected("fr", 0..SEGMENTS));
    let config = PlayerConfig {
        disable_subtitles: true,
        ..PlayerConfig::default()
    };
    let mut sim = film_of(Sim::new(4, config));
    assert_eq!(told(&mut sim), []);
    assert_eq!(asked(&sim, ".vtt"), 0);
}

#[test]
fn another_language_is_chosen_while_it_plays_and_none() {
    let mut sim = film(5);
    sim.run_for(ms(4_900));
    sim.command(Command::SelectTrack(TrackChoice::Index(FRENCH)));
    let is_french =
        |event: &Event| matches!(event, Event::SubtitleShown { cue, .. } if cue.text() == "fr2");
    assert!(sim.run_until(secs(1), is_french), "{:#?}", sim.events);
    assert!(sim.position() < ms(5_400), "{}", sim.position());
    let shown = sim.count(|event| matches!(event, Event::SubtitleShown { .. }));
    let hidden = sim.count(|event| matches!(event, Event::SubtitleHidden { .. }));
    assert_eq!(shown, hidden + 1, "the English one is gone");
    assert!(text_options(&sim)[1].2);
    sim.run_for(secs(2));
    sim.command(select(FRENCH, false));
    assert!(text_options(&sim).iter().all(|it| !it.2));
    assert_eq!(
        told(&mut sim)
            .iter()
            .filter(|it| it.0.starts_with('+'))
            .count(),
        0
    );
    assert_eq!(sim.stalled(), Time::ZERO);
    sim.command(select(9, true));
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
}

#[test]
fn text_goes_where_a_seek_goes_and_comes_back() {
    for buffer in [1_000, 50_000] {
        let config = PlayerConfig {
            max_buffer: ms(buffer).to_duration(),
            ..PlayerConfig::default()
        };
        let mut sim = film_of(Sim::new(6, config));
        assert!(sim.run_until(secs(2), is_first));
        sim.run_for(ms(700));
        sim.seek(ms(12_100), SeekAccuracy::Exact);
        assert!(sim.run_until(secs(5), is_seek_end), "{:#?}", sim.events);
        let is_there = |event: &Event| matches!(event, Event::SubtitleShown { cue, .. } if cue.text() == "en6");
        assert!(sim.run_until(secs(2), is_there), "{buffer}");
        assert!(
            (sim.position() - ms(12_500)).abs() <= ms(60),
            "{}",
            sim.position()
        );
        sim.seek(ms(2_100), SeekAccuracy::Exact);
        assert!(sim.run_until(secs(5), is_seek_end));
        let rest = told(&mut sim);
        on_time(&rest, &expected("en", 1..SEGMENTS));
    }
}

#[test]
fn text_that_is_switched_on_late_is_there_after_a_seek_back_in_the_buffer() {
    let config = PlayerConfig {
        disable_subtitles: true,
        max_backward_buffer: secs(60).to_duration(),
        ..PlayerConfig::default()
    };
    let mut sim = film_of(Sim::new(7, config));
    sim.run_for(secs(9));
    sim.command(select(ENGLISH, true));
    sim.run_for(secs(1));
    let before = asked(&sim, ".ts");
    sim.seek(ms(2_100), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(5), is_seek_end));
    assert_eq!(asked(&sim, ".ts"), before, "it lies in the buffer");
    on_time(&told(&mut sim), &expected("en", 1..SEGMENTS));
}

#[test]
fn whichever_piece_of_text_is_missing_the_film_plays_on_and_the_others_are_shown() {
    for missing in 0..SEGMENTS {
        for fault in [
            NetFault::Status(404),
            NetFault::Status(403),
            NetFault::Status(500),
            NetFault::Refuses,
        ] {
            let mut sim = Sim::new(8, PlayerConfig::default());
            serve(&mut sim);
            let part = format!("/en/{missing}.vtt");
            sim.net.fault(Time::ZERO, mins(5), &part, fault);
            sim.play(MASTER);
            let told = told(&mut sim);
            let missed = format!("en{missing}");
            assert!(!told.iter().any(|it| it.0.ends_with(&missed)), "{missing}");
            let shown = told.iter().filter(|it| it.0.starts_with("+en")).count();
            assert_eq!(shown, SEGMENTS - 1, "{missing} {fault:?} {told:?}");
            assert_eq!(sim.stalled(), Time::ZERO);
            assert!(errors(&sim).is_empty());
            assert_eq!(recovered(&sim).len(), 1, "{:?}", recovered(&sim));
        }
    }
}

#[test]
fn text_that_comes_too_late_is_passed_over() {
    let mut sim = Sim::new(9, PlayerConfig::default());
    serve(&mut sim);
    sim.net
        .fault(Time::ZERO, mins(5), "/en/1.vtt", NetFault::Silent);
    sim.play(MASTER);
    let told = told(&mut sim);
    let seen = |word: &str| told.iter().any(|it| it.0 == word);
    assert!(!seen("+en1") && seen("+en3"), "{told:?}");
    assert_eq!(recovered(&sim), ["text.late"]);
    assert_eq!(sim.stalled(), Time::ZERO);
    assert_eq!(sim.count(is_completion), 1);
}

#[test]
fn text_that_can_not_be_had_at_all_is_told_and_may_be_chosen_again() {
    for (part, body) in [
        ("en.m3u8", None),
        ("en.m3u8", Some("nothing")),
        ("/en/", Some("\u{0}noise")),
    ] {
        let mut sim = Sim::new(10, PlayerConfig::default());
        serve(&mut sim);
        match body {
            None => sim
                .net
                .fault(Time::ZERO, secs(3), part, NetFault::Status(404)),
            Some(text) if part == "en.m3u8" => sim.net.serve(&format!("{FOLDER}/{part}"), text),
            Some(text) => (0..SEGMENTS).for_each(|number| {
                sim.net.serve(&format!("{FOLDER}/en/{number}.vtt"), text);
            }),
        }
        sim.play(MASTER);
        sim.run_for(secs(5));
        assert!(errors(&sim).is_empty());
        let failed =
            sim.count(|event| matches!(event, Event::SubtitleFailed { track: ENGLISH, .. }));
        if part == "/en/" {
            assert_eq!(failed, 0);
            assert!(recovered(&sim).contains(&"subtitle.unknown"));
            continue;
        }
        assert_eq!(failed, 1, "{:#?}", sim.events);
        assert!(text_options(&sim).iter().all(|it| !it.2));
        serve(&mut sim);
        sim.command(select(ENGLISH, true));
        let shown = |event: &Event| matches!(event, Event::SubtitleShown { .. });
        assert!(sim.run_until(secs(3), shown), "{:#?}", sim.events);
        assert!(sim.run_until(secs(30), is_completion));
        assert_eq!(sim.stalled(), Time::ZERO);
    }
}

#[test]
fn text_of_a_live_stream_is_followed_with_it() {
    let mut sim = Sim::new(11, PlayerConfig::default());
    serve_with(&mut sim, "DEFAULT=YES", "", 12);
    for step in 0..8_usize {
        let at = secs(2 * i64::try_from(step).unwrap());
        let end = if step == 7 { "#EXT-X-ENDLIST\n" } else { "" };
        let list = |name: &dyn Fn(usize) -> String| media(step..step + 5, end, name);
        let film = list(&|number| format!("{number}.ts"));
        sim.net.serve_from(at, &format!("{FOLDER}/film.m3u8"), film);
        let text = list(&|number| format!("en/{number}.vtt"));
        sim.net.serve_from(at, &format!("{FOLDER}/en.m3u8"), text);
    }
    sim.play(MASTER);
    let told = told(&mut sim);
    let words: Vec<&str> = told.iter().map(|it| it.0.as_str()).collect();
    let all: Vec<String> = (2..12)
        .flat_map(|n| [format!("+en{n}"), format!("-en{n}")])
        .collect();
    let all: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|word| words.contains(word))
        .collect();
    assert_eq!(
        words
            .iter()
            .copied()
            .filter(|it| it.contains("en"))
            .collect::<Vec<_>>(),
        all
    );
    assert!(all.len() >= 18, "{words:?}");
    assert!(errors(&sim).is_empty());
    assert_eq!(recovered(&sim), Vec::<&str>::new());
}

#[test]
fn whatever_is_asked_for_and_shown_of_text_ends_with_the_session() {
    let mut sim = film(12);
    assert!(sim.run_until(secs(2), is_first));
    sim.run_for(secs(1));
    sim.command(Command::Stop);
    assert_eq!(sim.net.open_requests(), 0);
    let shown = sim.count(|event| matches!(event, Event::SubtitleShown { .. }));
    let hidden = sim.count(|event| matches!(event, Event::SubtitleHidden { .. }));
    assert_eq!(shown, hidden);
}

#[test]
fn a_recorded_session_with_a_text_rendition_runs_again_without_its_words() {
    let (recording, sink) = Recording::begin();
    let mut sim = film_of(Sim::recorded(13, PlayerConfig::default(), sink));
    sim.run_for(secs(3));
    sim.seek(ms(9_100), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(30), is_completion));
    assert!(sim.count(is_subtitle) > 8);
    let written = recording.lines();
    assert!(!written.iter().any(|line| line.contains("border")));
    recording.runs_again(sim.events.len());
}

/// The service's definitions lead: renditions of text stand behind them.
#[test]
fn text_is_chosen_beside_the_definitions_of_a_service() {
    let mut sim = Sim::new(31, wishes(None));
    serve_with(&mut sim, "", "", SEGMENTS);
    let entry = |definition: &str, url: &str| {
        format!(
            r#"{{"PlayURL":"{url}","Format":"m3u8","Definition":"{definition}","Status":"Normal","Bitrate":"100"}}"#
        )
    };
    let entries = [
        entry("FD", MASTER),
        entry("SD", "http://texts.test/other.m3u8"),
    ]
    .join(",");
    let reply = format!(
        r#"{{"RequestId":"r","VideoBase":{{"VideoId":"v","Status":"Normal"}},"PlayInfoList":{{"PlayInfo":[{entries}]}}}}"#
    );
    sim.net.serve("http://api.test/", reply);
    super::credentials::opened(&mut sim);
    assert!(sim.run_until(secs(3), is_first), "{:#?}", sim.events);
    let tracks = sim.engine().tracks().unwrap();
    let listed: Vec<_> = tracks.iter().map(|it| (it.index, it.kind)).collect();
    let (english, french) = (2 + ENGLISH, 2 + FRENCH);
    assert_eq!(
        listed,
        [
            (0, TrackKind::Video),
            (1, TrackKind::Video),
            (english, TrackKind::Subtitle),
            (french, TrackKind::Subtitle)
        ]
    );
    sim.command(Command::SelectTrack(TrackChoice::Index(french)));
    sim.run_for(secs(3));
    let shown = sim.events.iter().find_map(|(_, event)| match event {
        Event::SubtitleShown { track, cue, .. } => Some((*track, cue.text())),
        _ => None,
    });
    let (track, text) = shown.expect("a cue");
    assert_eq!(track, french);
    assert!(text.starts_with("fr"), "{text}");
    sim.command(Command::SelectSubtitle {
        index: french,
        on: false,
    });
    sim.run_for(secs(1));
    let tracks = sim.engine().tracks().unwrap();
    assert!(
        !tracks
            .iter()
            .any(|it| it.kind == TrackKind::Subtitle && it.selected)
    );
}
