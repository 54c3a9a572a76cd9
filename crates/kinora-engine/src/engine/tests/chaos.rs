//! Sessions in which everything goes wrong at random. A seed that fails is printed with the
//! command that plays it again.

use std::sync::{Arc, Mutex};

use kinora_errors::codes;
use kinora_media::Time;
use serde_json::Value;

use super::{credentials, errors, hls, sound, text_renditions};
use crate::sim::{Damage, Dice, Film, NetFault, Sim, Weather, mins, ms, secs};
use crate::{
    Command, Event, LoopMode, PlayerConfig, Role, SeekAccuracy, State, TapeSink, TrackChoice,
    replay,
};

const URL: &str = "http://films.test/film";

/// Plays one random session; the invariants are checked after each of its steps.
fn session(seed: u64) -> Sim {
    session_in(seed, |config| Sim::new(seed, config))
}

fn session_in(seed: u64, make: impl FnOnce(PlayerConfig) -> Sim) -> Sim {
    let mut dice = Dice::new(seed);
    let mut sim = make(settings(&mut dice));
    let url = stage(&mut sim, &mut dice);
    sim.net.weather = Weather {
        latency: ms(span(&mut dice, 300)),
        bytes_per_second: 500 + dice.below(200_000),
    };
    for _ in 0..dice.below(5) {
        let from = ms(span(&mut dice, 30_000));
        let fault = match dice.below(6) {
            0 => NetFault::Refuses,
            1 => NetFault::Silent,
            2 => NetFault::Status(
                [403, 404, 408, 429, 500, 503][usize::try_from(dice.below(6)).unwrap_or(0)],
            ),
            3 => NetFault::Truncates(dice.below(20_000)),
            4 => NetFault::Resets,
            _ => NetFault::IgnoresRanges,
        };
        let to = from + ms(span(&mut dice, 20_000));
        sim.net.fault(from, to, "", fault);
    }
    if dice.percent(10) {
        let role = if dice.percent(50) {
            Role::Video
        } else {
            Role::Audio
        };
        let damage = match dice.below(6) {
            0 => Damage::Unsupported,
            number => Damage::EveryNth(number),
        };
        sim.break_decoder(role, damage);
    }
    play(&mut sim, url);
    for _ in 0..dice.below(25) {
        sim.run_for(ms(span(&mut dice, 3_000)));
        match dice.percent(4) {
            true => play(&mut sim, url),
            false => sim.command(wish(&mut dice)),
        }
    }
    sim
}

/// Sets the source, anew while another plays, and plays it.
fn play(sim: &mut Sim, url: Option<&str>) {
    match url {
        Some(url) => sim.play(url),
        None => credentials::opened(sim),
    }
}

/// How often a live playlist grows before the stream ends.
const LIVE_WINDOWS: i64 = 20;

/// Something to play: its URL, or nothing for a video by its id.
fn stage(sim: &mut Sim, dice: &mut Dice) -> Option<&'static str> {
    let film = match dice.below(8) {
        0 => Film::mp4(),
        1 => Film::mp4_index_behind(),
        2 => Film::ts(),
        3 => return Some(hls::serve_ladder(sim)),
        4 => return Some(hls::encrypted(sim, [7; 16])),
        5 => {
            let url = hls::serve_live(sim, LIVE_WINDOWS);
            hls::end_live(sim, LIVE_WINDOWS);
            return Some(url);
        }
        6 if dice.percent(50) => {
            text_renditions::serve(sim);
            return Some(text_renditions::MASTER);
        }
        6 => {
            sound::serve_sound(sim, "v1");
            return Some(sound::MASTER);
        }
        _ => {
            credentials::serve_expiring(sim);
            return None;
        }
    };
    sim.net.serve(URL, film);
    Some(URL)
}

fn span(dice: &mut Dice, most_ms: u64) -> i64 {
    i64::try_from(dice.below(most_ms)).unwrap_or(0)
}

fn settings(dice: &mut Dice) -> PlayerConfig {
    PlayerConfig {
        network_retry_count: u32::try_from(dice.below(4)).unwrap_or(0),
        network_timeout: ms(500 + span(dice, 15_000)).to_duration(),
        max_buffer: ms(500 + span(dice, 20_000)).to_duration(),
        ..PlayerConfig::default()
    }
}

fn wish(dice: &mut Dice) -> Command {
    let target = ms(span(dice, 14_000));
    match dice.below(17) {
        0..=2 => Command::Seek {
            target,
            accuracy: SeekAccuracy::Exact,
        },
        3..=5 => Command::Seek {
            target,
            accuracy: SeekAccuracy::KeyFrame,
        },
        6 | 7 => Command::Start,
        8 => Command::Pause,
        9 => Command::Reload,
        10 => Command::SetSpeed(0.5 + span(dice, 1_500) as f64 / 1_000.0),
        11 => Command::SetLoop(if dice.percent(50) {
            LoopMode::On
        } else {
            LoopMode::Off
        }),
        12 if dice.percent(20) => Command::Stop,
        13 if dice.percent(30) => Command::SelectSubtitle {
            index: u32::try_from(dice.below(3)).unwrap_or(0),
            on: dice.percent(60),
        },
        13 => Command::SelectTrack(match dice.below(4) {
            3 => TrackChoice::Auto,
            index => TrackChoice::Index(u32::try_from(index).unwrap_or(0)),
        }),
        14 => credentials::fresh(),
        15 => Command::SetConfig(settings(dice)),
        16 => Command::SetSpeed([f64::NAN, 0.0, 2.5][usize::try_from(dice.below(3)).unwrap_or(0)]),
        _ => Command::Prepare,
    }
}

/// Once the network is well again, whoever is not at the end or in error gets there.
fn must_end(mut sim: Sim) {
    sim.run_for((secs(60) - sim.now()).max(Time::ZERO));
    sim.net.weather = Weather {
        latency: ms(20),
        bytes_per_second: 1_000_000,
    };
    for command in [
        Command::SetLoop(LoopMode::Off),
        Command::Reload,
        Command::Prepare,
        Command::Start,
    ] {
        sim.command(command);
    }
    // A request that was met with silence before is found out only now, and with no retries it waits for a reload again.
    sim.run_for(secs(20));
    sim.command(Command::Reload);
    sim.run_for(mins(2));
    let state = sim.state();
    assert!(
        matches!(state, State::Completion | State::Error | State::Stopped),
        "it hangs in {state:?} at {}: {:#?}",
        sim.position(),
        sim.events.iter().rev().take(12).collect::<Vec<_>>()
    );
    // To play it all again takes as long as all before: a sample has to do.
    if state == State::Completion && sim.steps.is_multiple_of(16) {
        must_seek(&mut sim);
    }
    sim.command(Command::Stop);
    assert_eq!(sim.net.open_requests(), 0);
    let open = sim.count(|event| matches!(event, Event::LoadingBegin));
    let closed = sim.count(|event| matches!(event, Event::LoadingEnd));
    assert_eq!(open, closed, "each wait that is reported ends");
}

/// What has played to its end plays again from anywhere, unless its credential has expired meanwhile.
fn must_seek(sim: &mut Sim) {
    let ends = |sim: &Sim| sim.count(|event| matches!(event, Event::SeekEnd { .. }));
    let before = ends(sim);
    sim.seek(ms(1_500), SeekAccuracy::Exact);
    sim.run_for(mins(2));
    if sim.state() == State::Error {
        assert_eq!(errors(sim).last(), Some(&codes::ERROR_NETWORK_HTTP_403));
        return;
    }
    assert_eq!(sim.state(), State::Completion, "at {}", sim.position());
    assert_eq!(ends(sim), before + 1, "a seek ends");
}

#[allow(
    clippy::disallowed_methods,
    reason = "the one who runs the tests chooses"
)]
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    match (number("KINORA_SEED"), number("KINORA_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(10_000),
    }
}

fn keeps_every_promise(seed: u64) {
    let played = std::panic::catch_unwind(|| must_end(session(seed)));
    assert!(
        played.is_ok(),
        "play it again: KINORA_SEED={seed} cargo test -p kinora-engine random_sessions"
    );
}

#[test]
fn random_sessions_keep_every_promise() {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let own = seeds().skip(worker).step_by(workers);
            scope.spawn(move || own.for_each(keeps_every_promise));
        }
    });
}

#[test]
fn the_same_seed_is_the_same_session() {
    let reported = |seed| {
        let sim = session(seed);
        format!("{:?}{:?}", sim.events, sim.shown)
    };
    for seed in 0..5 {
        assert_eq!(reported(seed), reported(seed));
    }
}

/// The lines that a session leaves, and how many events were reported.
fn recorded(seed: u64) -> (Vec<Value>, usize) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    let sink: TapeSink = Box::new(move |line| into.lock().unwrap().push(line.clone()));
    let sim = session_in(seed, |config| Sim::recorded(seed, config, sink));
    let reported = sim.events.len();
    drop(sim);
    (
        Arc::try_unwrap(lines).unwrap().into_inner().unwrap(),
        reported,
    )
}

#[test]
fn a_recorded_session_runs_the_same_again_without_its_content() {
    for seed in 0..300 {
        let (lines, reported) = recorded(seed);
        // As a file holds them.
        let lines = lines
            .iter()
            .map(|line| serde_json::from_str(&line.to_string()).unwrap());
        let again = replay(lines).unwrap();
        assert_eq!(again.difference, None, "seed {seed}");
        assert_eq!(again.events.len(), reported, "seed {seed}");
    }
}

#[test]
fn a_recording_holds_neither_content_nor_secrets() {
    for seed in 0..100 {
        let (lines, _) = recorded(seed);
        let text = lines.iter().map(Value::to_string).collect::<String>();
        let text = text.replace("=***", "");
        // Of the vid session: its key, token and signatures; of the playlists: their text.
        for secret in [
            "\"s2\"",
            "\"t2\"",
            "STS.",
            "Signature=",
            "SecurityToken=t",
            "#EXTINF",
            "#EXT-X",
        ] {
            assert!(!text.contains(secret), "seed {seed} tells {secret}");
        }
    }
}

#[test]
fn a_recording_that_was_cut_or_changed_says_so_and_does_no_harm() {
    let (lines, _) = recorded(5);
    for end in [1, 2, lines.len() / 3, lines.len() / 2, lines.len() - 1] {
        let cut = replay(lines.iter().take(end).cloned());
        assert!(cut.is_ok(), "cut at {end}");
    }
    assert!(
        replay(lines.iter().skip(1).cloned()).is_err(),
        "without its header"
    );
    let is_packet = |line: &Value| line["fact"][1]["ok"]["p"].is_array();
    let packet = lines.iter().position(is_packet).unwrap();
    let mut missing = lines.clone();
    missing.remove(packet);
    assert!(replay(missing.into_iter()).unwrap().difference.is_some());
    let mut later = lines;
    later[packet]["fact"][1]["ok"]["p"][1] = 9_000_000_000_i64.into();
    assert!(replay(later.into_iter()).unwrap().difference.is_some());
}
