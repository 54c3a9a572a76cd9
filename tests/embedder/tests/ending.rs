//! However the application's outputs behave, a player ends when it is released, and its commands return at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use kinora::output::{AudioFormat, AudioSink, NullAudio, SinkError, VideoSink};
use kinora::{
    Code, Event, Fault, Player, PlayerBuilder, SeekAccuracy, Time, TrackChoice, VideoFrame, codes,
};
use kinora_embedder::{Call, LIMIT, Spied, Spy};

/// So long outputs are waited for here.
const SHORT: Duration = Duration::from_millis(300);
/// Far more than any call may take, and far less than a hang; this machine may be busy.
const SOON: Duration = Duration::from_secs(10);

fn film() -> &'static str {
    static FILM: OnceLock<String> = OnceLock::new();
    FILM.get_or_init(|| kinora_embedder::film(env!("CARGO_TARGET_TMPDIR"), "320x180"))
}

fn playing(with: impl FnOnce(PlayerBuilder) -> PlayerBuilder) -> Player {
    let player = with(Player::builder().autoplay(true)).build().unwrap();
    player.open(film());
    player
}

/// A player whose outputs behave one way or another, and how they were called.
type Stage = fn() -> (Player, Spied);

fn with_video_held() -> (Player, Spied) {
    let (spy, spied) = Spy::blocked();
    (playing(|builder| builder.video_sink(spy)), spied)
}

fn with_audio_held() -> (Player, Spied) {
    let (spy, spied) = Spy::blocked();
    (playing(|builder| builder.audio_sink(spy)), spied)
}

const HELD: [Stage; 2] = [with_video_held, with_audio_held];

fn is_put(call: Call) -> bool {
    matches!(call, Call::Put(_))
}

/// Something that must not take long.
fn soon<T>(act: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = act();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    done
}

/// Events end, whoever holds the outputs.
fn events_end(events: kinora::Events) {
    let (reported, ended) = channel();
    std::thread::spawn(move || reported.send(events.count()));
    ended.recv_timeout(LIMIT).expect("the events end");
}

#[test]
fn commands_return_at_once_while_an_output_hangs() {
    for stage in HELD {
        let (player, spied) = stage();
        spied.until(is_put);
        soon(|| {
            player.seek(Time::from_millis(2_000), SeekAccuracy::Exact);
            player.set_speed(1.5);
            player.set_volume(0.5);
            player.set_mute(true);
            player.select_track(TrackChoice::Auto);
            player.set_config(player.config());
            player.pause();
            player.start();
            player.reload();
            player.stop();
            player.reset();
            let _ = (player.snapshot(), player.position(), player.stats());
            let _ = player.try_next_event();
        });
        drop(spied.gate);
        player.release(LIMIT).unwrap();
    }
}

#[test]
fn an_output_that_hangs_is_left_to_its_thread_and_ends_when_it_can() {
    for stage in HELD {
        let (player, spied) = stage();
        spied.until(is_put);
        let fault = soon(|| player.release(SHORT)).unwrap_err();
        assert_eq!(fault.reason(), "output.not_ended");
        assert_eq!(fault.code(), Code::from_errno(110));
        events_end(player.events());
        assert!(player.release(LIMIT).is_ok(), "it was reported once");
        soon(|| drop(player));
        let Spied { calls, gate } = spied;
        drop(gate);
        let rest: Vec<_> = calls.iter().collect();
        assert!(rest.ends_with(&[Call::Finish, Call::Gone]), "{rest:?}");
    }
}

#[test]
fn a_player_that_is_dropped_discards_what_waits_for_a_slow_sink() {
    let (player, spied) = with_video_held();
    let is_full = || player.output_stats().refused > 0;
    assert!(player.events().any(|_| is_full()), "all places are taken");
    let events = player.events();
    soon(|| drop(player));
    let Spied { calls, gate } = spied;
    drop(gate);
    let pictures = calls.iter().filter(|call| is_put(*call)).count();
    assert_eq!(pictures, 1, "the one that it held");
    events_end(events);
}

#[test]
fn a_sink_that_is_done_in_time_shows_what_waits_and_writes_what_it_holds() {
    let (player, spied) = with_video_held();
    assert!(player.events().any(|_| player.output_stats().refused > 0));
    drop(spied.gate);
    player.release(LIMIT).unwrap();
    let calls: Vec<_> = spied.calls.iter().collect();
    assert!(
        calls.iter().filter(|call| is_put(**call)).count() >= 4,
        "{calls:?}"
    );
    assert!(calls.ends_with(&[Call::Finish, Call::Gone]), "{calls:?}");
}

#[test]
fn what_an_output_could_not_write_is_reported_by_the_release() {
    let failure = || SinkError::application_as(codes::ERROR_UNKNOWN, "the window is gone");
    let reported = |fault: Fault| (fault.code(), fault.causes()[1].0.clone());
    let expected = (codes::ERROR_UNKNOWN, "the window is gone".to_owned());
    let (spy, spied) = Spy::open();
    let player = playing(|builder| builder.video_sink(spy.failing(failure())));
    spied.until(is_put);
    assert_eq!(reported(player.release(LIMIT).unwrap_err()), expected);
    let (spy, spied) = Spy::open();
    let player = playing(|builder| builder.audio_sink(spy.failing(failure())));
    spied.until(is_put);
    assert_eq!(reported(player.release(LIMIT).unwrap_err()), expected);
}

/// Holds the player that it is a part of, and lets it go when it is called.
#[derive(Default, Clone)]
struct Holder {
    player: Arc<Mutex<Option<Arc<Player>>>>,
}

impl Holder {
    fn let_go(&self) {
        let player = self.player.lock().unwrap().take();
        drop(player);
    }
    /// Plays without anybody else to hold the player.
    fn hold(&self, player: Player) {
        let events = player.events();
        let player = Arc::new(player);
        *self.player.lock().unwrap() = Some(Arc::clone(&player));
        player.open(film());
        drop(player);
        let begun = Instant::now();
        events_end(events);
        assert!(begun.elapsed() < LIMIT);
    }
}

impl VideoSink for Holder {
    fn present(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
        self.let_go();
        Ok(())
    }
}

struct AudioHolder(Holder, NullAudio);

impl AudioSink for AudioHolder {
    fn configure(&mut self, format: AudioFormat) -> Result<(), SinkError> {
        self.1.configure(format)
    }
    fn queue(&mut self, _: Time, _: &[f32]) -> Result<(), SinkError> {
        self.0.let_go();
        Ok(())
    }
    fn played(&mut self, _: Time) -> u64 {
        0
    }
    fn run(&mut self, _: Time) {}
    fn hold(&mut self, _: Time) {}
    fn flush(&mut self, _: Time) {}
}

#[test]
fn a_sink_that_holds_the_last_player_does_not_wait_for_itself() {
    let holder = Holder::default();
    let builder = Player::builder().autoplay(true);
    holder.hold(builder.video_sink(holder.clone()).build().unwrap());

    let holder = Holder::default();
    let sink = AudioHolder(holder.clone(), NullAudio::new());
    let builder = Player::builder().autoplay(true);
    holder.hold(builder.audio_sink(sink).build().unwrap());
}

#[test]
fn a_bug_in_the_audio_sink_ends_the_player_and_not_the_application() {
    struct Buggy;
    impl AudioSink for Buggy {
        fn configure(&mut self, _: AudioFormat) -> Result<(), SinkError> {
            panic!("the application's own bug")
        }
        fn queue(&mut self, _: Time, _: &[f32]) -> Result<(), SinkError> {
            Ok(())
        }
        fn played(&mut self, _: Time) -> u64 {
            0
        }
        fn run(&mut self, _: Time) {}
        fn hold(&mut self, _: Time) {}
        fn flush(&mut self, _: Time) {}
    }
    let player = playing(|builder| builder.audio_sink(Buggy));
    let last = player.events().last().unwrap();
    assert!(matches!(last, Event::Error(fault) if fault.reason() == "output.broken"));
    assert_eq!(player.state(), kinora::State::Error);
    player.release(LIMIT).unwrap();
}

#[test]
fn an_audio_output_that_hangs_does_not_delay_the_video() {
    let (player, spied) = with_audio_held();
    spied.until(is_put);
    let second = Time::from_millis(1_000);
    let moves_on = |event| matches!(event, Event::Position(position) if position > second);
    let mut events = player.events();
    assert!(events.any(moves_on), "the clock goes on");
    assert!(player.output_stats().shown > 10);
    drop(spied.gate);
    player.release(LIMIT).unwrap();
}

#[test]
fn a_sink_that_needs_the_main_thread_is_refused_when_the_player_is_built() {
    struct Window;
    impl VideoSink for Window {
        fn needs(&self) -> kinora::output::Needs {
            kinora::output::Needs::main_thread()
        }
        fn present(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
            Ok(())
        }
    }
    let refused = Player::builder().video_sink(Window).build().err().unwrap();
    assert_eq!(refused.reason(), "output.needs_main_thread");
    assert_eq!(refused.code(), Code::from_errno(22));
}
