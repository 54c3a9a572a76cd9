//! Players that are lent: who gets one finds it as new, whatever was done with it before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use kinora::output::{NullAudio, ScaleMode, SinkError, VideoSink};
use kinora::{
    Code, Event, LoopMode, NoEvent, Player, PlayerConfig, PlayerPool, Rotation, SeekAccuracy,
    State, Time, VideoFrame,
};
use kinora_embedder::{LIMIT, film, until};

const DIR: &str = env!("CARGO_TARGET_TMPDIR");

fn wide() -> &'static str {
    static FILM: OnceLock<String> = OnceLock::new();
    FILM.get_or_init(|| film(DIR, "320x180"))
}

/// A pool, and how many players it has built.
fn pool(max: usize) -> (PlayerPool, Arc<AtomicUsize>) {
    let built = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&built);
    let pool = PlayerPool::new(max, move || {
        count.fetch_add(1, Ordering::Relaxed);
        Player::builder()
    });
    (pool, built)
}

fn first_frame(player: &Player) -> Time {
    until(player, |event| match event {
        Event::FirstFrame { pts } => Some(pts),
        Event::Error(fault) => panic!("{fault}"),
        _ => None,
    })
}

#[test]
fn a_player_that_was_given_back_is_lent_again_as_it_was_built() {
    let (pool, built) = pool(1);
    let player = pool.take(Duration::ZERO).unwrap();
    player.set_config(PlayerConfig {
        max_buffer: Duration::from_secs(9),
        ..PlayerConfig::default()
    });
    player.set_speed(2.0);
    player.set_volume(0.5);
    player.set_mute(true);
    player.set_audio_delay(Time::from_millis(300));
    player.set_loop(LoopMode::On);
    player.set_autoplay(true);
    player.set_rotation(Rotation::Cw90);
    player.set_scale_mode(ScaleMode::Fill);
    player.open(wide());
    player.seek(Time::from_millis(5_000), SeekAccuracy::Exact);
    first_frame(&player);
    let mut before = player.events();
    drop(player);
    assert_eq!((pool.lent(), pool.idle()), (0, 1));

    let player = pool.take(Duration::ZERO).unwrap();
    assert_eq!((pool.lent(), pool.idle()), (1, 0));
    assert_eq!(built.load(Ordering::Relaxed), 1, "it is the same player");
    assert_eq!(player.state(), State::Idle);
    assert_eq!(player.config(), PlayerConfig::default());
    assert_eq!((player.speed(), player.volume()), (1.0, 1.0));
    assert_eq!(player.audio_delay(), Time::ZERO);
    assert!(!player.is_muted() && !player.autoplay());
    assert_eq!(player.loop_mode(), LoopMode::Off);
    assert_eq!(player.rotation(), Rotation::None);
    assert_eq!(player.scale_mode(), ScaleMode::Fit);
    assert!(player.snapshot().is_none() && player.video_size().is_none());
    assert!(player.media_info().is_none() && player.tracks().is_none());
    assert_eq!(player.try_next_event().unwrap_err(), NoEvent::NotYet);
    assert!(before.next().is_none(), "who had it hears no more of it");

    // It plays, from the start and held, as a new one does.
    player.open(wide());
    assert_eq!(first_frame(&player), Time::ZERO);
    assert_eq!(player.state(), State::Prepared);
}

#[test]
fn no_more_are_lent_than_the_pool_has_and_who_waits_gets_the_next() {
    let (pool, built) = pool(2);
    let one = pool.take(Duration::ZERO).unwrap();
    let two = pool.take(Duration::ZERO).unwrap();
    let Err(fault) = pool.take(Duration::from_millis(1)) else {
        panic!("a third");
    };
    assert_eq!(
        (fault.code(), fault.reason()),
        (Code::from_errno(11), "pool.all_lent")
    );
    let (asking, asks) = mpsc::channel();
    let other = pool.clone();
    let waiting = std::thread::spawn(move || {
        asking.send(()).unwrap();
        other.take(LIMIT).map(drop)
    });
    asks.recv().unwrap();
    drop(one);
    assert!(waiting.join().unwrap().is_ok());
    drop(two);
    assert_eq!((pool.lent(), pool.idle()), (0, 2));
    assert_eq!(built.load(Ordering::Relaxed), 2);
    pool.shrink();
    assert_eq!(pool.idle(), 0);
}

#[test]
fn a_player_that_keeps_something_or_has_ended_is_not_lent_again() {
    let (pool, built) = pool(1);
    let player = pool.take(Duration::ZERO).unwrap();
    player.set_audio_sink(NullAudio::new());
    drop(player);
    assert_eq!(pool.idle(), 0);
    let player = pool.take(Duration::ZERO).unwrap();
    player.release(LIMIT).unwrap();
    player.events().for_each(drop);
    drop(player);
    assert_eq!((pool.lent(), pool.idle()), (0, 0));
    drop(pool.take(Duration::ZERO).unwrap());
    assert_eq!(built.load(Ordering::Relaxed), 3);
}

/// A screen that can not be there.
struct OnMainThread;

impl VideoSink for OnMainThread {
    fn needs(&self) -> kinora::output::Needs {
        kinora::output::Needs::main_thread()
    }
    fn present(&mut self, _frame: &VideoFrame) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn a_player_that_can_not_be_built_takes_no_place() {
    let pool = PlayerPool::new(1, || Player::builder().video_sink(OnMainThread));
    for _ in 0..2 {
        let Err(fault) = pool.take(Duration::ZERO) else {
            panic!("a player");
        };
        assert_eq!(fault.reason(), "output.needs_main_thread");
        assert_eq!(pool.lent(), 0);
    }
}
