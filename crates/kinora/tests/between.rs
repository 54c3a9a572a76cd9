//! What is played in between, searching and thumbnails by key pictures, over HTTP. The clips are made by `ffmpeg`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "other tests use the rest")]
mod server;

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use kinora::output::{RgbImage, SinkError, VideoSink};
use kinora::{Event, InterstitialEnd, NetConfig, Player, SpriteThumbnail, Time, VideoFrame};
use kinora_test_support::ffmpeg_in;

use server::{Parts, Server};

const LIMIT: Duration = Duration::from_secs(60);

/// Gives what it is shown to the test.
struct Shown(Sender<VideoFrame>);

impl VideoSink for Shown {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.0.send(frame.clone()).map_err(SinkError::application)
    }
}

fn player() -> (Player, Receiver<VideoFrame>) {
    let (frames, shown) = channel();
    let builder = Player::builder().video_sink(Shown(frames)).autoplay(true);
    (builder.build().unwrap(), shown)
}

/// A clip of one colour as HLS in one file, `NAME.m3u8`: a key picture each second, segments of 2 s.
fn clip(dir: &Path, name: &str, colour: &str, seconds: u32, flags: &str) {
    ffmpeg_in(
        dir,
        &format!(
            "-f lavfi -i color={colour}:size=160x120:rate=10:duration={seconds} -c:v libx264 -g 10 -keyint_min 10 -sc_threshold 0 \
             -pix_fmt yuv420p -f hls -hls_time 2 -hls_playlist_type vod -hls_flags single_file{flags} -hls_segment_filename {name}.ts {name}.m3u8"
        ),
    );
}

fn served(dir: &Path) -> Server {
    let server = Server::start(Parts::Given);
    server.put_folder(dir);
    server
}

/// The events up to the end of playing.
fn played(player: &Player) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Error(fault)) => panic!("{fault}: {events:?}"),
            Ok(Event::Completion) => return events,
            Ok(event) => events.push(event),
            Err(error) => panic!("{error:?}: {events:?}"),
        }
    }
}

fn is_red(frame: &VideoFrame) -> bool {
    let [red, _, blue] = RgbImage::upright(frame).unwrap().pixel(80, 60);
    red > blue
}

#[test]
fn an_asset_of_a_list_is_played_in_the_midst_of_the_film() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), "film", "blue", 4, "");
    clip(dir.path(), "ad", "red", 1, "");
    let list = std::fs::read_to_string(dir.path().join("film.m3u8")).unwrap();
    let dated = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n\
        #EXT-X-DATERANGE:ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:02Z\",X-ASSET-LIST=\"ads.json\",X-RESUME-OFFSET=0\n#EXTINF";
    std::fs::write(
        dir.path().join("film.m3u8"),
        list.replacen("#EXTINF", dated, 1),
    )
    .unwrap();
    let json = r#"{"ASSETS":[{"URI":"gone.m3u8","DURATION":5},{"URI":"ad.m3u8","DURATION":1}]}"#;
    std::fs::write(dir.path().join("ads.json"), json).unwrap();
    let server = served(dir.path());
    let (player, shown) = player();
    player.open(server.url("film.m3u8"));
    let events = played(&player);
    let ended: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::InterstitialEnd { id, asset, end } => Some((&**id, *asset, *end)),
            _ => None,
        })
        .collect();
    let (failed, played) = (InterstitialEnd::Failed, InterstitialEnd::Played);
    assert_eq!(ended, [("ad", 0, failed), ("ad", 1, played)]);
    player.release(LIMIT).unwrap();
    let frames: Vec<VideoFrame> = shown.try_iter().collect();
    let runs = frames.chunk_by(|one, next| is_red(one) == is_red(next));
    let runs: Vec<_> = runs.map(|run| (is_red(&run[0]), run.len())).collect();
    // A busy machine may leave out pictures of the midst, not the parts.
    let order: Vec<_> = runs.iter().map(|(red, _)| *red).collect();
    assert_eq!(order, [false, true, false], "{runs:?}");
    assert_eq!(frames.last().unwrap().pts.as_millis() / 100, 39);
}

/// A film of 8 s with an I-frame playlist, by the URL of its main playlist.
fn with_key_pictures(dir: &Path) -> Server {
    clip(dir, "film", "blue", 8, "");
    clip(dir, "keys", "red", 8, "+iframes_only");
    let main = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=160x120\nfilm.m3u8\n\
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=20000,RESOLUTION=160x120,URI=\"keys.m3u8\"\n";
    std::fs::write(dir.join("main.m3u8"), main).unwrap();
    served(dir)
}

#[test]
fn a_search_shows_the_pictures_of_the_i_frame_playlist_and_playing_goes_on_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = with_key_pictures(dir.path());
    let (player, shown) = player();
    player.open(server.url("main.m3u8"));
    let first = shown.recv_timeout(LIMIT).unwrap();
    assert!(!is_red(&first));
    player.set_speed(4.0);
    let searched = loop {
        let frame = shown.recv_timeout(LIMIT).unwrap();
        if is_red(&frame) && frame.pts >= Time::from_millis(4_000) {
            break frame;
        }
    };
    assert_eq!(searched.pts.as_millis() % 2_000, 0);
    player.set_speed(1.0);
    let events = played(&player);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Position(_)))
    );
    player.release(LIMIT).unwrap();
    let after: Vec<VideoFrame> = shown.try_iter().skip_while(is_red).collect();
    assert!(after.iter().all(|frame| !is_red(frame)));
    assert!(
        after[0].pts >= searched.pts,
        "{} {}",
        after[0].pts,
        searched.pts
    );
    assert_eq!(after.last().unwrap().pts.as_millis() / 100, 79);
}

fn told(thumbnail: &SpriteThumbnail) -> (bool, i64, i64) {
    let [red, _, blue] = thumbnail.image.pixel(80, 60);
    let (from, to) = (thumbnail.from.as_millis(), thumbnail.to.as_millis());
    (red > blue, from, to)
}

#[test]
fn thumbnails_are_the_pictures_of_the_i_frame_playlist() {
    let dir = tempfile::tempdir().unwrap();
    let server = with_key_pictures(dir.path());
    let player = Player::builder()
        .network(NetConfig::default())
        .build()
        .unwrap();
    player.open(server.url("main.m3u8"));
    let at = |ms| {
        let thumbnail = player.thumbnail(Time::from_millis(ms)).unwrap();
        told(&thumbnail.expect("there is one"))
    };
    assert_eq!(at(5_100), (true, 4_000, 6_000));
    assert_eq!(at(100), (true, 0, 2_000));
    assert_eq!(at(4_000), (true, 4_000, 6_000));
    assert_eq!(at(99_000).1, 6_000);
    let (sender, came) = channel();
    player.request_thumbnail(Time::from_millis(3_000), move |thumbnail| {
        sender.send(thumbnail).unwrap();
    });
    let thumbnail = came.recv_timeout(LIMIT).unwrap().unwrap().unwrap();
    assert_eq!(told(&thumbnail), (true, 2_000, 4_000));
}

#[test]
fn a_playlist_without_key_pictures_has_no_thumbnails() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path(), "film", "blue", 2, "");
    let server = served(dir.path());
    let player = Player::builder().build().unwrap();
    player.open(server.url("film.m3u8"));
    assert!(player.thumbnail(Time::ZERO).unwrap().is_none());
}
