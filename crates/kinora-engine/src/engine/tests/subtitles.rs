//! Cues appear and go exactly when they say so.

use kinora_errors::{Secret, codes};
use kinora_media::Time;

use super::recording::Recording;
use super::{URL, errors, is_completion, is_first, is_seek_end, served};
use crate::sim::{Film, NetFault, Sim, mins, ms, secs};
use crate::{Command, CueId, Event, InfoCode, PlayerConfig, Refusal, SeekAccuracy, TrackChoice};

const SRT: &str = "http://films.test/film.srt?auth=secret-word";
const TEXT: &str = "1\n00:00:01,000 --> 00:00:02,500\nfirst\n\n2\n00:00:02,000 --> 00:00:03,250\nbeside\n\n\
    3\n00:00:08,000 --> 00:00:11,000\nlate\n";
/// The first external subtitles.
const FIRST: u32 = 1024;

fn add(url: &str) -> Command {
    let url = Secret::new(url);
    Command::AddExternalSubtitle { url }
}

fn select(index: u32, on: bool) -> Command {
    Command::SelectSubtitle { index, on }
}

fn delay(index: u32, millis: i64) -> Command {
    let delay = ms(millis);
    Command::SetSubtitleDelay { index, delay }
}

/// A film whose subtitles are on.
fn subtitled(seed: u64) -> Sim {
    let mut sim = served(seed);
    begin(&mut sim);
    sim
}

fn begin(sim: &mut Sim) {
    sim.net.serve(URL, Film::mp4());
    sim.net.serve(SRT, TEXT);
    sim.play(URL);
    sim.command(add(SRT));
    sim.command(select(FIRST, true));
}

pub(super) fn is_subtitle(event: &Event) -> bool {
    matches!(
        event,
        Event::SubtitleShown { .. } | Event::SubtitleHidden { .. }
    )
}

/// Every appearance and disappearance until the end, and where playback was then, in milliseconds.
pub(super) fn told(sim: &mut Sim) -> Vec<(String, i64)> {
    told_until(sim, is_completion)
}

fn told_until(sim: &mut Sim, end: impl Fn(&Event) -> bool) -> Vec<(String, i64)> {
    let mut told: Vec<(CueId, String, i64)> = Vec::new();
    let mut lines = Vec::new();
    loop {
        let seen = sim.events.len();
        let is = |event: &Event| is_subtitle(event) || end(event);
        assert!(sim.run_until(secs(30), is), "{:#?}", sim.events);
        let at = sim.position().as_millis();
        let news: Vec<Event> = sim.events[seen..]
            .iter()
            .map(|(_, event)| event.clone())
            .collect();
        for event in &news {
            match event {
                Event::SubtitleShown { id, cue, .. } => {
                    assert!(told.iter().all(|(known, ..)| known != id), "{id:?} twice");
                    told.push((*id, cue.text(), at));
                    lines.push((format!("+{}", cue.text()), at));
                }
                Event::SubtitleHidden { id, .. } => {
                    let known = told.iter().find(|(known, ..)| known == id);
                    let (_, text, _) = known.expect("it was shown");
                    lines.push((format!("-{text}"), at));
                }
                _ => {}
            }
        }
        if news.iter().any(&end) {
            return lines;
        }
    }
}

fn lines(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    let owned = |(text, at): &(&str, i64)| ((*text).to_owned(), *at);
    expected.iter().map(owned).collect()
}

#[test]
fn cues_appear_and_go_when_they_say_though_they_overlap() {
    let mut sim = subtitled(1);
    let expected = [
        ("+first", 1_000),
        ("+beside", 2_000),
        ("-first", 2_500),
        ("-beside", 3_250),
        ("+late", 8_000),
        ("-late", 11_000),
    ];
    assert_eq!(told(&mut sim), lines(&expected));
    assert!(errors(&sim).is_empty());
    let added = sim.events.iter().find_map(|(_, event)| match event {
        Event::SubtitleAdded {
            track,
            format,
            charset,
            cues,
            damaged,
        } => Some((*track, *format, *charset, *cues, *damaged)),
        _ => None,
    });
    assert_eq!(added, Some((FIRST, "srt", "UTF-8", 3, 0)));
}

/// Each frame that went out, in milliseconds, with the texts on it.
fn drawn(sim: &Sim) -> Vec<(i64, String)> {
    let shown = sim.shown.iter().map(|(_, pts)| pts.as_millis());
    shown.zip(sim.texts.iter().cloned()).collect()
}

#[test]
fn a_cue_lies_on_the_frames_of_its_interval_and_on_no_other() {
    for ahead in [0, 80] {
        let mut sim = served(30);
        let ahead = ms(ahead);
        sim.want_frames_ahead(ahead);
        begin(&mut sim);
        assert!(sim.run_until(secs(30), is_completion));
        let frames = drawn(&sim);
        assert_eq!(frames.len(), 120);
        // The film's subtitles come a moment after its first frame; the first cue is later still.
        for (at, text) in frames {
            let expected = match at {
                1_000..2_000 => "first",
                2_000..2_500 => "firstbeside",
                2_500..3_250 => "beside",
                8_000..11_000 => "late",
                _ => "",
            };
            assert_eq!(text, expected, "{at} ms, {ahead} ahead");
        }
    }
}

#[test]
fn the_frame_of_a_seek_has_the_cues_of_its_own_time() {
    let mut sim = subtitled(31);
    assert!(sim.run_until(secs(2), |event| matches!(
        event,
        Event::SubtitleShown { .. }
    )));
    let seek = |target, accuracy| Command::Seek { target, accuracy };
    sim.command(seek(secs(9), SeekAccuracy::Exact));
    assert!(sim.run_until(secs(5), is_seek_end));
    assert_eq!(drawn(&sim).last(), Some(&(9_000, "late".to_owned())));
    sim.command(seek(ms(500), SeekAccuracy::Exact));
    assert!(sim.run_until(secs(5), is_seek_end));
    assert_eq!(sim.texts.last().map(String::as_str), Some(""));
}

#[test]
fn cues_follow_the_speed() {
    let mut sim = subtitled(2);
    assert!(sim.run_until(secs(1), is_first));
    sim.command(Command::SetSpeed(2.0));
    let told = told(&mut sim);
    assert_eq!(told.len(), 6);
    for ((_, at), due) in told.iter().zip([1_000, 2_000, 2_500, 3_250, 8_000, 11_000]) {
        assert!((at - due).abs() <= 2, "{at} for {due}");
    }
}

#[test]
fn a_delay_moves_the_cues_of_its_own_subtitles_only() {
    let mut sim = subtitled(3);
    let other = "http://films.test/other.vtt";
    sim.net
        .serve(other, "WEBVTT\n\n00:04.000 --> 00:05.000\nother\n");
    sim.command(add(other));
    sim.command(select(FIRST + 1, true));
    sim.command(delay(FIRST, 400));
    assert!(sim.run_until(secs(5), |event| matches!(
        event,
        Event::SubtitleHidden { .. }
    )));
    assert_eq!(sim.position(), ms(2_900));
    // Earlier, while one is shown: it is over.
    sim.command(delay(FIRST, -500));
    let expected = [
        ("+other", 4_000),
        ("-other", 5_000),
        ("+late", 7_500),
        ("-late", 10_500),
    ];
    assert!(matches!(
        sim.events.last(),
        Some((_, Event::SubtitleHidden { .. }))
    ));
    assert_eq!(told(&mut sim), lines(&expected));
}

#[test]
fn a_seek_into_a_cue_shows_it_with_the_picture_and_one_out_of_it_hides_it() {
    let mut sim = subtitled(4);
    assert!(sim.run_until(secs(1), is_first));
    sim.seek(secs(9), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(5), is_seek_end));
    assert!(
        matches!(sim.events.last(), Some((_, Event::SubtitleShown { cue, .. })) if cue.text() == "late")
    );
    sim.command(Command::Pause);
    let before = sim
        .events
        .iter()
        .filter(|(_, event)| is_subtitle(event))
        .count();
    sim.run_for(mins(1));
    sim.seek(ms(9_500), SeekAccuracy::Exact);
    sim.run_for(secs(5));
    let after = sim
        .events
        .iter()
        .filter(|(_, event)| is_subtitle(event))
        .count();
    assert_eq!(after, before, "paused and sought within the cue, it stays");
    sim.seek(secs(5), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(5), is_seek_end));
    assert!(matches!(
        sim.events.last(),
        Some((_, Event::SubtitleHidden { .. }))
    ));
    sim.command(Command::Start);
    assert_eq!(
        told(&mut sim),
        lines(&[("+late", 8_000), ("-late", 11_000)])
    );
}

#[test]
fn subtitles_that_are_switched_off_are_gone_at_once_and_come_back() {
    let mut sim = subtitled(5);
    assert!(sim.run_until(secs(5), is_subtitle));
    sim.run_for(ms(200));
    sim.command(select(FIRST, false));
    assert!(matches!(
        sim.events.last(),
        Some((_, Event::SubtitleHidden { .. }))
    ));
    sim.run_for(ms(200));
    sim.command(select(FIRST, true));
    assert!(
        matches!(sim.events.last(), Some((_, Event::SubtitleShown { cue, .. })) if cue.text() == "first")
    );
}

#[test]
fn whatever_ends_the_session_hides_what_is_shown() {
    for end in [Command::Stop, Command::Reset] {
        let mut sim = subtitled(6);
        assert!(sim.run_until(secs(5), is_subtitle));
        sim.command(end);
        let of = |is: fn(&Event) -> bool| sim.count(is);
        assert_eq!(of(|event| matches!(event, Event::SubtitleShown { .. })), 1);
        assert_eq!(of(|event| matches!(event, Event::SubtitleHidden { .. })), 1);
    }
}

/// The failure of subtitles that can not be had, while the film plays to its end.
fn failure(sim: &mut Sim) -> (kinora_errors::Code, &'static str) {
    assert!(sim.run_until(secs(90), is_completion), "{:#?}", sim.events);
    assert!(errors(sim).is_empty());
    assert_eq!(sim.count(is_subtitle), 0);
    let failed = sim.events.iter().find_map(|(_, event)| match event {
        Event::SubtitleFailed { track, fault } => Some((*track, fault.clone())),
        _ => None,
    });
    let (track, fault) = failed.expect("it is told");
    assert_eq!(track, FIRST);
    let told = fault.context().url.clone().unwrap_or_default();
    assert!(told.starts_with("http://films.test/film.srt"), "{told}");
    assert!(!told.contains("secret-word"), "{told}");
    sim.command(Command::Reset);
    (fault.code(), fault.reason())
}

#[test]
fn subtitles_that_can_not_be_had_are_told_and_the_film_plays_on() {
    let mut sim = served(7);
    begin(&mut sim);
    sim.net.serve(SRT, "\u{fffd} no subtitles at all");
    let unknown = (codes::ERROR_DEMUXER_NO_VALID_STREAM, "subtitle.unknown");
    assert_eq!(failure(&mut sim), unknown);
    let chosen = |event: &Event| {
        matches!(
            event,
            Event::Info {
                code: InfoCode::SubtitleSelectError,
                ..
            }
        )
    };
    assert_eq!(sim.count(chosen), 1, "it was chosen");

    let mut sim = served(8);
    sim.net
        .fault(Time::ZERO, mins(5), "film.srt", NetFault::Status(404));
    begin(&mut sim);
    assert_eq!(failure(&mut sim).0, codes::ERROR_NETWORK_HTTP_404);

    let mut sim = served(9);
    begin(&mut sim);
    sim.net.weather.bytes_per_second = 20_000_000;
    sim.net.serve(SRT, vec![b'\n'; (16 << 20) + 1]);
    assert_eq!(failure(&mut sim).1, "subtitle.length");
}

#[test]
fn subtitles_that_are_not_there_are_refused() {
    let mut sim = served(10);
    let refusal = |sim: &mut Sim, command: Command| {
        sim.command(command);
        match sim.events.pop() {
            Some((_, Event::CommandRefused { refusal, .. })) => Some(refusal),
            _ => None,
        }
    };
    assert_eq!(refusal(&mut sim, add(SRT)), Some(Refusal::NoSource));
    sim.play(URL);
    assert_eq!(
        refusal(&mut sim, select(FIRST, true)),
        Some(Refusal::NoSuchSubtitle)
    );
    assert_eq!(
        refusal(&mut sim, delay(3, 1)),
        Some(Refusal::NoSuchSubtitle)
    );
    sim.net.serve(SRT, "none");
    for _ in 0..8 {
        sim.command(add(SRT));
    }
    assert_eq!(refusal(&mut sim, add(SRT)), Some(Refusal::TooManySubtitles));
    sim.run_for(secs(5));
    assert_eq!(
        refusal(&mut sim, select(FIRST, true)),
        Some(Refusal::SubtitleFailed)
    );
}

#[test]
fn a_recorded_session_with_subtitles_runs_again_without_their_words() {
    let (recording, sink) = Recording::begin();
    let mut sim = Sim::recorded(11, PlayerConfig::default(), sink);
    begin(&mut sim);
    sim.command(delay(FIRST, 150));
    let told = told(&mut sim);
    assert_eq!(told.len(), 6);
    let written = recording.lines();
    for word in ["beside", "secret-word"] {
        assert!(!written.iter().any(|line| line.contains(word)), "{word}");
    }
    recording.runs_again(sim.events.len());
}

/// A film with a text track, index 2, that is prepared.
fn with_text_track(sim: &mut Sim) {
    sim.net.serve(URL, Film::mp4_subtitled());
    sim.play(URL);
    assert!(sim.run_until(secs(2), |event| matches!(event, Event::Prepared(_))));
}

fn is_on(sim: &Sim, index: u32) -> bool {
    let tracks = sim.engine().tracks().unwrap();
    let option = tracks.iter().find(|option| option.index == index).unwrap();
    assert_eq!(option.kind, kinora_media::TrackKind::Subtitle);
    assert_eq!(option.label, "eng");
    option.selected
}

#[test]
fn a_text_track_of_the_film_is_off_until_it_is_chosen_and_then_shown_on_time() {
    let mut sim = served(12);
    with_text_track(&mut sim);
    assert!(!is_on(&sim, 2));
    sim.command(Command::SelectTrack(TrackChoice::Index(2)));
    assert!(is_on(&sim, 2));
    let expected = [
        ("+first", 1_000),
        ("-first", 2_500),
        ("+late", 8_000),
        ("-late", 11_000),
    ];
    assert_eq!(told(&mut sim), lines(&expected));
    assert_eq!(sim.stalled(), Time::ZERO);

    let mut sim = served(12);
    with_text_track(&mut sim);
    assert!(told(&mut sim).is_empty());
}

#[test]
fn a_text_track_is_chosen_in_the_midst_of_a_cue_and_given_up_again() {
    let mut sim = served(13);
    with_text_track(&mut sim);
    sim.run_for(ms(9_300));
    sim.command(select(2, true));
    assert!(sim.run_until(secs(2), is_subtitle), "{:#?}", sim.events);
    assert!(sim.position() < ms(9_500), "{}", sim.position());
    sim.command(select(2, false));
    assert!(matches!(
        sim.events.last(),
        Some((_, Event::SubtitleHidden { .. }))
    ));
    assert!(!is_on(&sim, 2));
    assert!(told(&mut sim).is_empty());
}

#[test]
fn the_cues_of_a_text_track_are_right_after_seeks_in_the_buffer_and_out_of_it() {
    for buffer in [1_000, 50_000] {
        let config = PlayerConfig {
            max_buffer: ms(buffer).to_duration(),
            ..PlayerConfig::default()
        };
        let mut sim = Sim::new(14, config);
        with_text_track(&mut sim);
        sim.command(select(2, true));
        sim.run_for(secs(3));
        sim.seek(ms(9_750), SeekAccuracy::Exact);
        assert!(sim.run_until(secs(5), is_seek_end));
        assert!(
            sim.run_until(secs(1), is_subtitle)
                || sim.events.iter().any(|(_, event)| is_subtitle(event))
        );
        let late = |event: &Event| matches!(event, Event::SubtitleShown { cue, .. } if cue.text() == "late");
        assert_eq!(sim.count(late), 1, "{buffer}");
        sim.seek(ms(500), SeekAccuracy::Exact);
        assert!(sim.run_until(secs(5), is_seek_end));
        let expected = [
            ("+first", 1_000),
            ("-first", 2_500),
            ("+late", 8_000),
            ("-late", 11_000),
        ];
        assert_eq!(told(&mut sim), lines(&expected), "{buffer}");
    }
}

#[test]
fn a_recorded_session_with_a_text_track_runs_again_without_its_words() {
    let (recording, sink) = Recording::begin();
    let mut sim = Sim::recorded(15, PlayerConfig::default(), sink);
    with_text_track(&mut sim);
    sim.command(select(2, true));
    assert_eq!(told(&mut sim).len(), 4);
    recording.runs_again(sim.events.len());
    let written = recording.lines();
    assert!(!written.iter().any(|line| line.contains("\"first\"")));
}
