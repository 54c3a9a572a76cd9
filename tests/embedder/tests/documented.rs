//! The documented names do what ours do, and what the player tells of itself at any time is so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use kinora::output::{ScaleMode, SinkError, VideoSink};
use kinora::{
    BitStreamSource, DocumentedNames, Event, FIRST_EXTERNAL_SUBTITLE, Fault, NetConfig, OptionKey,
    Player, PlayerConfig, Refusal, Rotation, Secret, SeekAccuracy, State, Time, TrackKind, VidAuth,
    VidSts, VideoFrame, codes,
};
use kinora_embedder::{LIMIT, film, until};

const DIR: &str = env!("CARGO_TARGET_TMPDIR");

fn wide() -> &'static str {
    static FILM: OnceLock<String> = OnceLock::new();
    FILM.get_or_init(|| film(DIR, "320x180"))
}

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

fn state(player: &Player, wanted: State) {
    until(player, |event| match event {
        Event::StateChanged { new, .. } if new == wanted => Some(()),
        _ => None,
    });
}

fn failure(player: &Player) -> Fault {
    until(player, |event| match event {
        Event::Error(fault) => Some(fault),
        _ => None,
    })
}

#[test]
fn documented_names_play_seek_and_tell_as_ours_do() {
    let player = Player::builder().build().unwrap();
    player.set_url_source(wide());
    player.set_auto_play(true);
    assert!(player.autoplay());
    assert_eq!((player.width(), player.height()), (0, 0));
    player.prepare();
    until(&player, |event| {
        matches!(event, Event::VideoSize { .. }).then_some(())
    });
    assert_eq!((player.width(), player.height()), (320, 180));
    assert_eq!(player.state(), State::Started);
    let info = player.get_media_info().unwrap();
    assert_eq!(info.container, "mp4");
    let video = player.current_track(TrackKind::Video).unwrap();
    assert_eq!((video.kind, video.selected), (TrackKind::Video, true));
    assert!(player.current_track(TrackKind::Subtitle).is_none());
    player.seek_to(4_000, SeekAccuracy::Exact);
    let ended = until(&player, |event| match event {
        Event::SeekEnd { target, pts } => Some((target, pts)),
        _ => None,
    });
    assert_eq!(ended, (Time::from_millis(4_000), Time::from_millis(4_000)));
    // Pictures come on, so they were counted.
    until(&player, |event| match event {
        Event::Position(at) if at > Time::from_millis(5_000) => Some(()),
        _ => None,
    });
    let fps = player.get_option(OptionKey::RenderFps);
    assert!((1.0..=27.0).contains(&fps), "{fps}");
    let bitrate = player.get_option(OptionKey::VideoBitrate);
    let told = player.current_track(TrackKind::Video).unwrap().bitrate;
    assert_eq!(bitrate as u64, told.unwrap_or(0));
    let told = player.current_track(TrackKind::Audio).unwrap().bitrate;
    assert_eq!(
        player.get_option(OptionKey::AudioBitrate) as u64,
        told.unwrap_or(0)
    );
    assert_eq!(player.current_utc_time(), None);
    assert_eq!(player.local_cache_loaded_size(), 0);
    player.destroy();
    until_released(&player);
}

fn until_released(player: &Player) {
    player.events().for_each(drop);
    assert!(player.is_released());
}

#[test]
fn documented_settings_are_those_that_the_player_tells() {
    let player = Player::builder().build().unwrap();
    player.set_max_accurate_seek_delta(3_000);
    player.set_default_band_width(2_000_000);
    let config = PlayerConfig {
        max_accurate_seek_delta: Duration::from_secs(3),
        default_bandwidth: Some(2_000_000),
        ..PlayerConfig::default()
    };
    assert_eq!(player.config(), config);
    player.set_rotate(Rotation::Cw90);
    player.set_scale(ScaleMode::Fill);
    assert_eq!(player.rotation(), Rotation::Cw90);
    assert_eq!(player.scale_mode(), ScaleMode::Fill);
    // On another network nothing is under way: nothing happens, and nothing is refused.
    player.net_work_re_connect();
    // Subtitles are for a source that is prepared.
    player.add_ext_subtitle("/nowhere.srt");
    let refusal = until(&player, |event| match event {
        Event::CommandRefused { refusal, .. } => Some(refusal),
        _ => None,
    });
    assert_eq!(refusal, Refusal::NoSource);
}

#[test]
fn each_documented_source_is_asked_where_it_is() {
    let net = NetConfig {
        connect_timeout: Some(Duration::from_secs(1)),
        ..NetConfig::default()
    };
    let config = PlayerConfig {
        network_retry_count: 0,
        network_timeout: Duration::from_secs(1),
        ..PlayerConfig::default()
    };
    let player = Player::builder()
        .network(net)
        .config(config)
        .build()
        .unwrap();
    player.set_sts_source(VidSts {
        vid: "5aed81b74ba84920be578cdfe004af4b".to_owned(),
        access_key_id: "STS.id".to_owned(),
        access_key_secret: Secret::new("secret"),
        security_token: Secret::new("token"),
        region: "cn-shanghai".to_owned(),
        endpoint: Some(NOWHERE.to_owned()),
        ..VidSts::default()
    });
    player.prepare();
    let fault = failure(&player);
    assert_eq!(fault.reason(), "service.not_reached");
    player.set_auth_source(VidAuth {
        vid: "5aed81b74ba84920be578cdfe004af4b".to_owned(),
        play_auth: Secret::new("no credential"),
        ..VidAuth::default()
    });
    player.prepare();
    assert_ne!(
        failure(&player).code(),
        fault.code(),
        "it is refused unasked"
    );
    player.set_bit_stream_source(BitStreamSource::seekable(Cursor::new(vec![b'x'; 4_096])));
    player.prepare();
    assert_eq!(failure(&player).code(), codes::ERROR_DEMUXER_OPENSTREAM);
}

#[test]
fn documented_subtitle_methods_choose_and_move_external_ones() {
    let file = std::path::Path::new(DIR).join("documented.srt");
    std::fs::write(&file, "1\n00:00:00,000 --> 00:00:09,000\nword\n").unwrap();
    let player = Player::builder().build().unwrap();
    player.open(wide());
    state(&player, State::Prepared);
    player.add_ext_subtitle(&file.display().to_string());
    player.set_stream_delay_time(FIRST_EXTERNAL_SUBTITLE, 1_000);
    player.select_ext_subtitle(FIRST_EXTERNAL_SUBTITLE, true);
    player.seek_to(2_000, SeekAccuracy::Exact);
    let cue = until(&player, |event| match event {
        Event::SubtitleShown { cue, .. } => Some(cue),
        _ => None,
    });
    assert_eq!(cue.text(), "word");
    // By its delay it is not there yet.
    player.seek_to(500, SeekAccuracy::Exact);
    until(&player, |event| {
        matches!(event, Event::SubtitleHidden { .. }).then_some(())
    });
}

/// Tells when nothing is to be seen any more.
struct Screen(Sender<()>);

impl VideoSink for Screen {
    fn present(&mut self, _frame: &VideoFrame) -> Result<(), SinkError> {
        Ok(())
    }
    fn clear(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_screen_that_is_cleared_has_no_picture_until_the_next() {
    let (cleared, told) = channel();
    let player = Player::builder()
        .video_sink(Screen(cleared))
        .build()
        .unwrap();
    player.open(wide());
    until(&player, |event| {
        matches!(event, Event::FirstFrame { .. }).then_some(())
    });
    assert!(player.snapshot().is_some());
    player.clear_screen();
    told.recv_timeout(LIMIT).unwrap();
    assert!(player.snapshot().is_none());
    player.seek_to(1_000, SeekAccuracy::Exact);
    until(&player, |event| {
        matches!(event, Event::SeekEnd { .. }).then_some(())
    });
    assert!(player.snapshot().is_some());
    player.stop();
    state(&player, State::Stopped);
    assert_eq!(player.video_size(), None);
}
