//! The player as an application uses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::future::Future;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use kinora::output::{AudioFormat, PacedAudio, SampleWriter, SinkError, VideoFormat, VideoSink};
use kinora::{
    Code, CommandKind, Event, Fault, Lang, LoopMode, NoEvent, Player, PlayerConfig, Refusal, Retry,
    SeekAccuracy, State, Time, TrackChoice, VideoFrame, codes,
};
use kinora_embedder::{Call, LIMIT, Pinned, Spy, film, until};

const DIR: &str = env!("CARGO_TARGET_TMPDIR");

fn wide() -> &'static str {
    static FILM: OnceLock<String> = OnceLock::new();
    FILM.get_or_init(|| film(DIR, "320x180"))
}

fn first_frame(player: &Player) -> Time {
    until(player, |event| match event {
        Event::FirstFrame { pts } => Some(pts),
        Event::Error(fault) => panic!("{fault}"),
        _ => None,
    })
}

fn refused(player: &Player) -> (CommandKind, Refusal) {
    until(player, |event| match event {
        Event::CommandRefused { command, refusal } => Some((command, refusal)),
        _ => None,
    })
}

#[test]
fn a_player_is_shared_and_sent_between_threads() {
    fn is<T: Send + Sync>() {}
    is::<Player>();
    is::<Arc<Player>>();
    is::<kinora::Events>();
    is::<kinora::EventStream>();
    is::<Fault>();
    is::<Event>();
}

#[test]
fn no_event_in_time_is_not_the_end() {
    let player = Player::builder().build().unwrap();
    assert_eq!(player.try_next_event().unwrap_err(), NoEvent::NotYet);
    assert_eq!(
        player.next_event(Duration::from_millis(1)).unwrap_err(),
        NoEvent::NotYet
    );
    player.open(wide());
    assert!(player.next_event(Duration::MAX).is_ok(), "no limit");
    player.release(LIMIT).unwrap();
    player.events().for_each(drop);
    assert_eq!(
        player.next_event(Duration::MAX).unwrap_err(),
        NoEvent::Released
    );
    assert!(player.is_released());
}

/// Runs a future on this thread, as small as such a thing gets.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn asynchronous_code_awaits_events_until_the_release() {
    let player = Player::builder().autoplay(true).build().unwrap();
    let mut events = player.event_stream();
    player.open(wide());
    wait_for(async {
        let mut prepared = false;
        while let Some(event) = events.next().await {
            prepared |= matches!(event, Event::Prepared(_));
            if let Event::FirstFrame { .. } = event {
                break;
            }
        }
        assert!(prepared, "it is reported with autoplay too");
    });
    let waiting = std::thread::spawn(move || {
        wait_for(async { while events.next().await.is_some() {} });
    });
    player.release(LIMIT).unwrap();
    waiting.join().unwrap();
}

#[test]
fn what_was_requested_is_reported_at_once_and_what_can_not_be_is_refused() {
    let player = Player::builder().build().unwrap();
    player.start();
    assert_eq!(refused(&player), (CommandKind::Start, Refusal::NoSource));
    player.open(wide());
    first_frame(&player);
    player.set_speed(1.5);
    player.set_volume(0.25);
    player.set_mute(true);
    player.set_loop(LoopMode::On);
    player.set_autoplay(true);
    player.set_config(PlayerConfig {
        start_buffer: Duration::from_secs(90),
        ..PlayerConfig::default()
    });
    assert_eq!((player.speed(), player.volume()), (1.5, 0.25));
    assert_eq!((player.is_muted(), player.autoplay()), (true, true));
    assert_eq!(player.loop_mode(), LoopMode::On);
    assert_eq!(player.config().start_buffer, player.config().max_buffer);

    player.set_speed(f64::NAN);
    player.set_volume(f32::NAN);
    player.set_volume(2.5);
    player.select_track(TrackChoice::Index(999));
    player.reload();
    let expected = [
        (CommandKind::SetSpeed, Refusal::SpeedOutOfRange),
        (CommandKind::SetVolume, Refusal::VolumeOutOfRange),
        (CommandKind::SetVolume, Refusal::VolumeOutOfRange),
        (CommandKind::SelectTrack, Refusal::NoSuchTrack),
        (CommandKind::Reload, Refusal::NothingParked),
    ];
    for wanted in expected {
        assert_eq!(refused(&player), wanted);
    }
    assert_eq!((player.speed(), player.volume()), (1.5, 0.25));
    player.stop();
    player.start();
    let (command, refusal) = refused(&player);
    assert_eq!((command.name(), refusal), ("start", Refusal::NotPrepared));
    assert!(refusal.text(Lang::En).contains("prepare"));
    assert_eq!(player.state(), State::Stopped);
}

#[test]
fn a_sink_is_flushed_by_seeks_and_configured_for_another_format() {
    let (spy, spied) = Spy::open();
    let player = Player::builder().video_sink(spy).build().unwrap();
    player.open(wide());
    first_frame(&player);
    let is_put = |call| matches!(call, Call::Put(_));
    assert_eq!(
        spied.until(is_put),
        [Call::Configure(320, 180), Call::Put(Time::ZERO)]
    );
    player.seek(Time::from_millis(5_000), SeekAccuracy::Exact);
    let sought = [Call::Flush, Call::Put(Time::from_millis(5_000))];
    assert_eq!(spied.until(is_put), sought);
    player.open(film(DIR, "160x120"));
    let other = [
        Call::Flush,
        Call::Configure(160, 120),
        Call::Put(Time::ZERO),
    ];
    assert_eq!(spied.until(is_put), other);
    player.release(LIMIT).unwrap();
}

#[test]
fn audio_is_configured_before_it_comes_and_ends_with_a_drain() {
    let (spy, spied) = Spy::open();
    let player = Player::builder().audio_sink(spy).autoplay(true).build();
    let player = player.unwrap();
    player.open(wide());
    assert_eq!(spied.next(), Call::Configure(44_100, 1));
    player.seek(Time::from_millis(9_500), SeekAccuracy::Exact);
    let calls = spied.until(|call| call == Call::Drain);
    assert!(calls.contains(&Call::Flush), "{calls:?}");
    player.release(LIMIT).unwrap();
}

#[test]
fn what_is_queued_of_a_source_is_not_played_in_the_next() {
    let (spy, spied) = Spy::open();
    let player = Player::builder().audio_sink(spy).autoplay(true).build();
    let player = player.unwrap();
    player.open(wide());
    spied.until(|call| matches!(call, Call::Put(_)));
    player.stop();
    let calls = spied.until(|call| call == Call::Flush);
    assert!(!calls.contains(&Call::Finish), "{calls:?}");
    player.release(LIMIT).unwrap();
}

/// Takes no pictures at all.
struct Blind;

impl VideoSink for Blind {
    fn configure(&mut self, format: &VideoFormat) -> Result<(), SinkError> {
        let text = format!("no window of {}x{}", format.width, format.height);
        Err(SinkError::application_as(codes::ERROR_UNKNOWN, text))
    }
    fn present(&mut self, _: &VideoFrame) -> Result<(), SinkError> {
        panic!("of a form that was refused")
    }
}

#[test]
fn an_error_of_the_applications_own_keeps_its_number_and_words() {
    let player = Player::builder().video_sink(Blind).build().unwrap();
    player.open(wide());
    let fault = until(&player, |event| match event {
        Event::Recovered(fault) => Some(fault),
        _ => None,
    });
    assert_eq!(
        (fault.code(), fault.reason()),
        (codes::ERROR_UNKNOWN, "sink.application")
    );
    assert!(
        fault
            .causes()
            .iter()
            .any(|it| it.0 == "no window of 320x180")
    );
    let reported = player.release(LIMIT).unwrap_err();
    assert_eq!(reported.code(), fault.code());
    assert_eq!(player.output_stats().shown, 0);
}

/// Serves a file whole, as often as it is asked for.
fn serve(listener: &TcpListener, file: &[u8]) {
    let answer = |mut to: TcpStream| {
        let mut asked = Vec::new();
        let mut byte = [0];
        while !asked.ends_with(b"\r\n\r\n") && to.read(&mut byte)? > 0 {
            asked.push(byte[0]);
        }
        let len = file.len();
        write!(
            to,
            "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n"
        )?;
        to.write_all(file)
    };
    for stream in listener.incoming() {
        // A player that has seen enough hangs up.
        let _ = stream.and_then(answer);
    }
}

#[test]
fn names_are_resolved_by_the_applications_resolver_and_faults_say_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let file = std::fs::read(wide()).unwrap();
    std::thread::spawn(move || serve(&listener, &file));
    let builder = Player::builder().resolver(Pinned("films.test"));
    let player = builder.build().unwrap();
    player.open(format!("http://films.test:{port}/film.mp4"));
    assert_eq!(first_frame(&player), Time::ZERO);

    player.open(format!("http://other.test:{port}/film.mp4?token=secret"));
    let fault = until(&player, |event| match event {
        Event::Error(fault) => Some(fault),
        _ => None,
    });
    let advice = match fault.code() {
        codes::ERROR_NETWORK_COULD_NOT_CONNECT => "connect",
        codes::ERROR_NETWORK_RESOLVE => "resolve",
        _ => "other",
    };
    assert_eq!((advice, fault.reason()), ("resolve", "dns.nxdomain"));
    assert_ne!(fault.retry(), Retry::AfterRefresh);
    let place = fault.context().url.clone().unwrap();
    assert!(place.contains("other.test") && !place.contains("secret"));
    assert!(!fault.code().text(Lang::Zh).remedy.is_empty());
    assert_eq!(Code::from_number(fault.code().number()), fault.code());
}

/// Keeps the left channel of what was played, and signals when there is more.
#[derive(Clone)]
struct Tape(Arc<Mutex<Vec<f32>>>, Sender<usize>);

impl SampleWriter for Tape {
    const KEEPS: bool = true;
    fn begin(&mut self, format: AudioFormat) -> Result<(), SinkError> {
        assert_eq!(format.channels, 1);
        Ok(())
    }
    fn write(&mut self, samples: &[f32]) -> Result<(), SinkError> {
        let mut kept = self.0.lock().unwrap();
        kept.extend(samples);
        // Nobody listens any more at the end.
        let _ = self.1.send(kept.len());
        Ok(())
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn another_speed_is_heard_at_once_and_the_pitch_stays() {
    const RATE: usize = 44_100;
    let (more, heard) = channel();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let sink = PacedAudio::with_writer(Tape(Arc::clone(&kept), more));
    let player = Player::builder().audio_sink(sink).autoplay(true).build();
    let player = player.unwrap();
    player.open(wide());
    let reach = |samples: usize| {
        while heard.recv_timeout(LIMIT).expect("more samples") < samples {}
    };
    reach(RATE);
    player.set_speed(0.5);
    let (changed, from) = (kept.lock().unwrap().len(), player.position());
    reach(changed + RATE / 2);
    let (now, position) = (kept.lock().unwrap().len(), player.position());
    // What was queued before would last for most of this at the old speed.
    let pace = (position - from).as_secs_f64() * RATE as f64 / (now - changed) as f64;
    assert!((pace - 0.5).abs() < 0.15, "{pace}");
    // How high the tone is: it passes zero twice each period.
    let kept = kept.lock().unwrap();
    let pitch = |from: usize| {
        let some = &kept[from..from + RATE / 10];
        let crossings = some
            .windows(2)
            .filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0));
        crossings.count() * 10 / 2
    };
    let (before, after) = (pitch(changed - RATE / 5), pitch(changed + RATE / 5));
    assert!(before.abs_diff(1_000) < 30, "{before} Hz before");
    assert!(after.abs_diff(1_000) < 30, "{after} Hz after");
}
