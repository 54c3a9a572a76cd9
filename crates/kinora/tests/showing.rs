//! What a player offers beside playing: turning, snapshots, chapters, thumbnails. The clips are made by `ffmpeg`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "other tests use the rest")]
mod server;

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use kinora::output::{RgbImage, ScaleMode, SinkError, VideoSink, snapshot_png};
use kinora::{
    Event, FIRST_EXTERNAL_SUBTITLE, Mirror, NetConfig, Player, Repeat, Rotation, ScriptChoice,
    SeekAccuracy, SpriteThumbnails, State, Time, VideoFrame, codes,
};
use kinora_test_support::ffmpeg_in;

use server::{Parts, Server};

const LIMIT: Duration = Duration::from_secs(30);

/// Gives what it is shown to the test.
struct Shown(Sender<VideoFrame>, Sender<ScaleMode>);

impl VideoSink for Shown {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.0.send(frame.clone()).map_err(SinkError::application)
    }
    fn set_scale_mode(&mut self, mode: ScaleMode) {
        let _ = self.1.send(mode);
    }
}

/// Four seconds of one colour to the left, another to the right, and a tone.
fn film(dir: &Path, name: &str, more: &str) -> String {
    ffmpeg_in(
        dir,
        &format!(
            "-f lavfi -i color=red:size=160x120:rate=10:duration=4,drawbox=x=80:w=80:h=120:t=fill:color=blue \
             -f lavfi -i sine=duration=4 {more} -map 0:v -map 1:a -c:v libx264 -g 10 -pix_fmt yuv420p -c:a aac {name}"
        ),
    );
    dir.join(name).display().to_string()
}

fn prepared(url: &str) -> (Player, Receiver<VideoFrame>, Receiver<ScaleMode>) {
    let (frames, shown) = channel();
    let (modes, scaled) = channel();
    let builder = Player::builder().video_sink(Shown(frames, modes));
    let player = builder.build().unwrap();
    player.open(url);
    (player, shown, scaled)
}

fn wait_for(player: &Player, mut wanted: impl FnMut(&Event) -> bool) -> Event {
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Error(fault)) => panic!("{fault}"),
            Ok(event) if wanted(&event) => return event,
            Ok(_) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Which colour lies in the middle of the left edge, and of the top.
fn edges(frame: &VideoFrame) -> (&'static str, &'static str) {
    let image = RgbImage::upright(frame).unwrap();
    let name = |[red, _, blue]: [u8; 3]| match red > blue {
        true => "red",
        false => "blue",
    };
    let left = image.pixel(2, image.height / 4);
    let top = image.pixel(image.width / 4, 2);
    (name(left), name(top))
}

#[test]
fn pictures_are_turned_and_mirrored_at_once_while_playback_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let (player, shown, scaled) = prepared(&film(dir.path(), "film.mp4", ""));
    let first = shown.recv_timeout(LIMIT).unwrap();
    assert_eq!(edges(&first), ("red", "red"));
    player.set_rotation(Rotation::Cw180);
    let turned = shown.recv_timeout(LIMIT).unwrap();
    assert_eq!((turned.pts, turned.rotation), (first.pts, Rotation::Cw180));
    assert_eq!(edges(&turned), ("blue", "blue"));
    player.set_mirror(Mirror::Horizontal);
    assert_eq!(edges(&shown.recv_timeout(LIMIT).unwrap()), ("red", "red"));
    player.set_rotation(Rotation::Cw90);
    let sideways = shown.recv_timeout(LIMIT).unwrap();
    // The left half is the upper one then.
    let image = RgbImage::upright(&sideways).unwrap();
    assert_eq!((image.width, image.height), (120, 160));
    assert!(image.pixel(60, 10)[0] > 200 && image.pixel(60, 150)[2] > 200);
    let snapshot = player.snapshot().unwrap();
    assert_eq!(snapshot.orientation(), sideways.orientation());
    assert!(snapshot_png(&snapshot).unwrap().starts_with(b"\x89PNG"));
    assert_eq!(
        (player.rotation(), player.mirror()),
        (Rotation::Cw90, Mirror::Horizontal)
    );
    player.set_scale_mode(ScaleMode::Fill);
    assert_eq!(scaled.recv_timeout(LIMIT).unwrap(), ScaleMode::Fill);
    assert_eq!(player.scale_mode(), ScaleMode::Fill);
}

#[test]
fn the_turn_of_the_container_is_obeyed_before_that_of_the_user() {
    let dir = tempfile::tempdir().unwrap();
    film(dir.path(), "film.mp4", "");
    ffmpeg_in(
        dir.path(),
        "-i film.mp4 -c copy -metadata:s:v rotate=90 turned.mp4",
    );
    let turned = dir.path().join("turned.mp4").display().to_string();
    let (player, shown, _scaled) = prepared(&turned);
    let first = shown.recv_timeout(LIMIT).unwrap();
    let once = first.rotation;
    assert!(once.is_sideways(), "{once:?}");
    // The size is told of pictures as they stand upright.
    let told = wait_for(&player, |event| matches!(event, Event::VideoSize { .. }));
    assert!(
        matches!(
            told,
            Event::VideoSize {
                width: 120,
                height: 160
            }
        ),
        "{told:?}"
    );
    player.set_rotation(Rotation::Cw90);
    let twice = shown.recv_timeout(LIMIT).unwrap();
    assert!(!twice.rotation.is_sideways());
    assert_eq!(twice.rotation.degrees(), (once.degrees() + 90) % 360);
}

#[test]
fn a_snapshot_is_taken_with_its_subtitles_or_without() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path(), "film.mp4", "");
    // A white bar in the middle of the picture: a shape has no need of fonts, but a script's renderer.
    let script = "[Script Info]\nPlayResX: 160\nPlayResY: 120\n[V4+ Styles]\n\
        Format: Name, PrimaryColour, BorderStyle, OutlineColour, Fontname, Fontsize, Outline, Alignment\n\
        Style: Default,&H00FFFFFF,3,&H00FFFFFF,DejaVu Sans,40,4,5\n[Events]\n\
        Dialogue: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,MMM\n";
    let file = dir.path().join("film.ass");
    std::fs::write(&file, script).unwrap();
    let (player, shown, _scaled) = prepared(&film);
    player.add_external_subtitle(file.display().to_string());
    player.select_subtitle(FIRST_EXTERNAL_SUBTITLE, true);
    shown.recv_timeout(LIMIT).unwrap();
    wait_for(&player, |event| {
        matches!(event, Event::SubtitleShown { .. })
    });
    for choice in [ScriptChoice::Kinora, ScriptChoice::Auto] {
        let mut renderer = choice.renderer().unwrap();
        let bare = RgbImage::upright(&player.snapshot().unwrap()).unwrap();
        let drawn = player.snapshot_with_cues(&mut renderer).unwrap();
        let drawn = RgbImage::upright(&drawn).unwrap();
        if let Some(none) = renderer.lacks_fonts() {
            return kinora_test_support::skip(&none.to_string());
        }
        let middle = |image: &RgbImage| image.pixel(40, 60);
        assert!(middle(&bare)[1] < 100, "{:?}", middle(&bare));
        assert!(middle(&drawn)[1] > 200, "{choice:?}: {:?}", middle(&drawn));
        assert_eq!(drawn.pixel(5, 5), bare.pixel(5, 5));
    }
}

#[test]
fn steps_and_repeats_go_through_the_player() {
    let dir = tempfile::tempdir().unwrap();
    let (player, shown, _scaled) = prepared(&film(dir.path(), "film.mp4", ""));
    let first = shown.recv_timeout(LIMIT).unwrap();
    player.step();
    let next = shown.recv_timeout(LIMIT).unwrap();
    assert_eq!(next.pts - first.pts, Time::from_millis(100));
    let (from, to) = (Time::from_millis(1_000), Time::from_millis(1_300));
    player.set_repeat(Some(Repeat { from, to }));
    player.seek(from, SeekAccuracy::Exact);
    player.start();
    for _ in 0..2 {
        wait_for(&player, |event| matches!(event, Event::RepeatStart { .. }));
    }
    player.pause();
    wait_for(&player, |event| {
        matches!(
            event,
            Event::StateChanged {
                new: State::Paused,
                ..
            }
        )
    });
    let pictures = shown.try_iter().map(|frame| frame.pts);
    assert!(pictures.max().unwrap() < to);
}

/// The chapters of a film as ffmpeg takes them. It rounds the seconds of Vorbis comments, so that half of one becomes the next.
fn chapters(dir: &Path) {
    let mut text = ";FFMETADATA1\ntitle=A film\n".to_owned();
    for (start, end, title) in [(0, 1_400, "Opening"), (1_400, 4_000, "夜")] {
        text += &format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n");
    }
    std::fs::write(dir.join("chapters.txt"), text).unwrap();
}

#[test]
fn chapters_of_every_container_that_has_them_are_told_and_played_through() {
    let dir = tempfile::tempdir().unwrap();
    chapters(dir.path());
    film(dir.path(), "film.mp4", "");
    ffmpeg_in(dir.path(), "-i film.mp4 -vn -c:a libopus plain.ogg");
    ffmpeg_in(dir.path(), "-i film.mp4 -vn -c:a libmp3lame plain.mp3");
    for (name, from) in [
        ("chapters.mp4", "film.mp4"),
        ("chapters.mov", "film.mp4"),
        ("chapters.mkv", "film.mp4"),
        ("chapters.ogg", "plain.ogg"),
        ("chapters.mp3", "plain.mp3"),
    ] {
        let line = format!(
            "-i {from} -i chapters.txt -map 0 -map_metadata 1 -map_chapters 1 -c copy {name}"
        );
        ffmpeg_in(dir.path(), &line);
        let player = Player::builder().autoplay(true).build().unwrap();
        player.set_speed(2.0);
        player.open(dir.path().join(name).display().to_string());
        let (mut indexes, mut titles) = (Vec::new(), Vec::new());
        wait_for(&player, |event| match event {
            Event::ChapterChanged { index } => {
                indexes.push(*index);
                titles = player.chapters().into_iter().map(|it| it.title).collect();
                false
            }
            event => matches!(event, Event::Completion),
        });
        assert_eq!(indexes.first(), Some(&Some(0)), "{name}");
        assert!(indexes.contains(&Some(1)), "{name}: {indexes:?}");
        let starts: Vec<i64> = player
            .chapters()
            .iter()
            .map(|it| it.start.as_millis())
            .collect();
        assert_eq!(starts, [0, 1_400], "{name}");
        let expected = ["Opening", "夜"].map(|title| Some(title.to_owned()));
        assert_eq!(titles, expected, "{name}");
    }
}

const CUES: &str = "WEBVTT\n\n00:00.000 --> 00:02.000\nsheet.png#xywh=0,0,80,120\n\n\
    00:02.000 --> 00:04.000\nsheet.png#xywh=80,0,80,120\n\n00:04.000 --> 00:06.000\nsheet.jpg#xywh=percent:50,0,50,100\n\n\
    00:06.000 --> 00:08.000\nsheet.png#xywh=900,0,80,120\n\n00:08.000 --> 00:09.000\nbroken.jpg\n\n00:09.000 --> 00:10.000\nlost.png\n\n\
    00:10.000 --> 00:11.000\nfile:///etc/hostname\n";

/// Red to the left, blue to the right.
fn sheets(dir: &Path) {
    for name in ["sheet.png", "sheet.jpg"] {
        ffmpeg_in(
            dir,
            &format!(
                "-f lavfi -i color=red:size=160x120,drawbox=x=80:w=80:h=120:t=fill:color=blue -frames:v 1 {name}"
            ),
        );
    }
    let mut broken = std::fs::read(dir.join("sheet.jpg")).unwrap();
    broken.truncate(100);
    std::fs::write(dir.join("broken.jpg"), broken).unwrap();
    std::fs::write(dir.join("film.vtt"), CUES).unwrap();
}

fn at(
    thumbnails: &mut SpriteThumbnails,
    ms: i64,
) -> Result<Option<(char, u32, i64, i64)>, kinora::Fault> {
    let found = thumbnails.at(Time::from_millis(ms))?;
    Ok(found.map(|it| {
        let [red, _, blue] = it.image.pixel(it.image.width / 2, it.image.height / 2);
        let color = if red > blue { 'r' } else { 'b' };
        (
            color,
            it.image.width,
            it.from.as_millis(),
            it.to.as_millis(),
        )
    }))
}

#[test]
fn thumbnails_are_parts_of_pictures_that_are_fetched_once() {
    let dir = tempfile::tempdir().unwrap();
    sheets(dir.path());
    let server = Server::start(Parts::Given);
    server.put_folder(dir.path());
    for name in ["sheet.png", "sheet.jpg"] {
        let data = std::fs::read(dir.path().join(name)).unwrap();
        // What is asked for again is not there any more.
        server.put(name, move |asked| match asked {
            0 => data.clone(),
            _ => Vec::new(),
        });
    }
    let mut thumbnails =
        SpriteThumbnails::open(server.url("film.vtt"), NetConfig::default()).unwrap();
    assert_eq!(thumbnails.times().count(), 7);
    for _ in 0..3 {
        assert_eq!(at(&mut thumbnails, 500).unwrap(), Some(('r', 80, 0, 2_000)));
        assert_eq!(
            at(&mut thumbnails, 2_000).unwrap(),
            Some(('b', 80, 2_000, 4_000))
        );
        assert_eq!(
            at(&mut thumbnails, 5_000).unwrap(),
            Some(('b', 80, 4_000, 6_000))
        );
    }
    assert_eq!(at(&mut thumbnails, 7_000).unwrap(), None, "it lies outside");
    let broken = at(&mut thumbnails, 8_500).unwrap_err();
    assert_eq!(
        (broken.code(), broken.reason()),
        (codes::ERROR_DECODE_VIDEO, "picture.undecodable")
    );
    let lost = at(&mut thumbnails, 9_500).unwrap_err();
    assert_eq!(lost.code(), codes::ERROR_NETWORK_HTTP_404);
    // What comes from a server names no file here.
    let forbidden = at(&mut thumbnails, 10_500).unwrap_err();
    assert_eq!(forbidden.code(), codes::ERROR_NETWORK_UNSUPPORTED);
    assert_eq!(
        at(&mut thumbnails, 500).unwrap().unwrap().0,
        'r',
        "it goes on"
    );
}

#[test]
fn tiles_that_a_manifest_names_are_thumbnails() {
    let dir = tempfile::tempdir().unwrap();
    // Two pictures of two by two tiles of 40x30: red to the left, blue to the right, then the other way round.
    for (name, colors) in [("1", "red blue"), ("2", "blue red")] {
        let (left, right) = colors.split_once(' ').unwrap();
        ffmpeg_in(
            dir.path(),
            &format!(
                "-f lavfi -i color={left}:size=80x60,drawbox=x=40:w=40:h=60:t=fill:color={right} -frames:v 1 {name}.jpg"
            ),
        );
    }
    let set = |width: u32| {
        format!(
            "<AdaptationSet mimeType='image/jpeg'><SegmentTemplate media='$Number$.jpg' duration='8'/>\
             <Representation id='t' width='{width}' height='60' bandwidth='1'>\
             <EssentialProperty schemeIdUri='http://dashif.org/guidelines/thumbnail_tile' value='2x2'/></Representation></AdaptationSet>"
        )
    };
    let pictures = "<AdaptationSet mimeType='video/mp4'><BaseURL>film.mp4</BaseURL><Representation id='v'/></AdaptationSet>";
    let mpd = |sets: &str| {
        format!(
            "<?xml version='1.0'?><MPD type='static'><Period duration='PT14S'>{pictures}{sets}</Period></MPD>"
        )
    };
    std::fs::write(dir.path().join("film.mpd"), mpd(&set(80))).unwrap();
    std::fs::write(dir.path().join("none.mpd"), mpd("")).unwrap();
    let server = Server::start(Parts::Given);
    server.put_folder(dir.path());
    for place in [
        server.url("film.mpd"),
        dir.path().join("film.mpd").display().to_string(),
    ] {
        let mut thumbnails = SpriteThumbnails::open(place, NetConfig::default()).unwrap();
        let times: Vec<i64> = thumbnails.times().map(Time::as_millis).collect();
        assert_eq!(times, [0, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000]);
        let mut found = |ms| at(&mut thumbnails, ms).unwrap();
        assert_eq!(found(0), Some(('r', 40, 0, 2_000)));
        assert_eq!(found(3_000), Some(('b', 40, 2_000, 4_000)));
        assert_eq!(found(9_000), Some(('b', 40, 8_000, 10_000)));
        assert_eq!(found(99_000), Some(('b', 40, 12_000, 14_000)));
        assert_eq!(found(-1), Some(('r', 40, 0, 2_000)));
    }
    let none = SpriteThumbnails::open(server.url("none.mpd"), NetConfig::default());
    assert_eq!(none.map(drop).unwrap_err().reason(), "thumbnail.none");
}

#[test]
fn thumbnails_beside_a_file_are_read_from_there_and_what_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    sheets(dir.path());
    let open = |name: &str| {
        let path = dir.path().join(name).display().to_string();
        SpriteThumbnails::open(path, NetConfig::default())
    };
    let mut thumbnails = open("film.vtt").unwrap();
    assert_eq!(
        at(&mut thumbnails, 3_000).unwrap(),
        Some(('b', 80, 2_000, 4_000))
    );
    let player = Player::builder().build().unwrap();
    let none = player.thumbnail(Time::ZERO).unwrap();
    assert!(none.is_none());
    player.set_thumbnail_url(dir.path().join("film.vtt").display().to_string());
    let first = player.thumbnail(Time::ZERO).unwrap().unwrap();
    assert_eq!((first.image.width, first.to.as_millis()), (80, 2_000));
    player.set_thumbnail_url("absent.vtt");
    assert!(player.thumbnail(Time::ZERO).is_err());
    std::fs::write(dir.path().join("empty.vtt"), "WEBVTT\n").unwrap();
    let fault = |name| open(name).map(drop).unwrap_err();
    assert_eq!(fault("empty.vtt").reason(), "thumbnail.none");
    assert_eq!(fault("sheet.png").reason(), "subtitle.webvtt.signature");
    assert_eq!(fault("absent.vtt").code(), codes::ERROR_GENERAL_ENOENT);
}
