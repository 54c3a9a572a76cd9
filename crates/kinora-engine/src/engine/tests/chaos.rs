//! Sessions in which everything goes wrong at random. A seed that fails is printed with the
//! command that plays it again.

use kinora_media::Time;

use crate::sim::{Damage, Dice, Film, NetFault, Sim, Weather, mins, ms, secs};
use crate::{Command, Event, LoopMode, PlayerConfig, SeekAccuracy, Slot, State};

const URL: &str = "http://films.test/film";

/// Plays one random session; the invariants are checked after each of its steps.
fn session(seed: u64) -> Sim {
    let mut dice = Dice::new(seed);
    let config = PlayerConfig {
        network_retry_count: u32::try_from(dice.below(4)).unwrap_or(0),
        network_timeout: ms(500 + span(&mut dice, 15_000)).to_duration(),
        max_buffer: ms(500 + span(&mut dice, 20_000)).to_duration(),
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(seed, config);
    let film = match dice.below(3) {
        0 => Film::mp4(),
        1 => Film::mp4_index_behind(),
        _ => Film::ts(),
    };
    sim.net.serve(URL, film);
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
        let slot = if dice.percent(50) {
            Slot::Video
        } else {
            Slot::Audio
        };
        let damage = match dice.below(6) {
            0 => Damage::Unsupported,
            number => Damage::EveryNth(number),
        };
        sim.break_decoder(slot, damage);
    }
    sim.play(URL);
    for _ in 0..dice.below(25) {
        sim.run_for(ms(span(&mut dice, 3_000)));
        sim.command(wish(&mut dice));
    }
    sim
}

fn span(dice: &mut Dice, most_ms: u64) -> i64 {
    i64::try_from(dice.below(most_ms)).unwrap_or(0)
}

fn wish(dice: &mut Dice) -> Command {
    let target = ms(span(dice, 14_000));
    match dice.below(14) {
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
    sim.run_for(mins(2));
    let state = sim.state();
    assert!(
        matches!(state, State::Completion | State::Error | State::Stopped),
        "it hangs in {state:?} at {}: {:#?}",
        sim.position(),
        sim.events.iter().rev().take(12).collect::<Vec<_>>()
    );
    sim.command(Command::Stop);
    assert_eq!(sim.net.open_requests(), 0);
    let open = sim.count(|event| matches!(event, Event::LoadingBegin));
    let closed = sim.count(|event| matches!(event, Event::LoadingEnd));
    assert_eq!(open, closed, "each wait that is told ends");
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
        (None, count) => 0..count.unwrap_or(300),
    }
}

#[test]
fn random_sessions_keep_every_promise() {
    for seed in seeds() {
        let played = std::panic::catch_unwind(|| must_end(session(seed)));
        assert!(
            played.is_ok(),
            "play it again: KINORA_SEED={seed} cargo test -p kinora-engine random_sessions"
        );
    }
}

#[test]
fn the_same_seed_is_the_same_session() {
    let told = |seed| {
        let sim = session(seed);
        format!("{:?}{:?}", sim.events, sim.shown)
    };
    for seed in 0..5 {
        assert_eq!(told(seed), told(seed));
    }
}
