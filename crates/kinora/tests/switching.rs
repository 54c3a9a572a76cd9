//! Changes of the rendition, by numbers that are burnt into the pictures: whatever plays, each picture of the film is shown
//! once, in its order. The ladders are made by `ffmpeg`, decoded for good, and come from a web server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "other tests use the rest")]
mod server;

use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use kinora::output::{RgbImage, SinkError, VideoSink};
use kinora::{Event, Player, PlayerConfig, TrackChoice, VideoFrame};
use kinora_test_support::{ffmpeg, ffmpeg_in};

use server::{Parts, Server};

const LIMIT: Duration = Duration::from_secs(30);

/// Pictures of the film, and of each segment.
const PICTURES: usize = 240;
const SEGMENT: usize = 20;
/// The side of the pictures of each rendition, and its bit/s.
const LADDER: [(usize, u32); 3] = [(64, 100_000), (128, 400_000), (192, 1_200_000)];
const SIZED: &str = "-f rawvideo -pix_fmt gray -r 10";
const CODED: &str = "-c:v libx264 -preset veryfast -bf 2 -g 20 -keyint_min 20 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -b:a 32k";

/// What a picture says of itself: its number, the rendition, and a sum that tells damage.
fn marks(number: usize, rung: usize) -> u16 {
    let said = u16::try_from(number | rung << 10).unwrap();
    said | sum(said) << 12
}

fn sum(said: u16) -> u16 {
    (said ^ said >> 4 ^ said >> 8 ^ 0b1010) & 0xf
}

/// A picture that says so, in four by four blocks, dark and bright; noise makes it as large as its rendition is to be.
fn picture(number: usize, rung: usize, noise: &mut u32) -> Vec<u8> {
    let (side, _) = LADDER[rung];
    let marks = marks(number, rung);
    let mut pixels = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            *noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let block = y * 4 / side * 4 + x * 4 / side;
            let base = if marks >> block & 1 == 1 { 180 } else { 30 };
            pixels.push(base + u8::try_from(*noise >> 27).unwrap());
        }
    }
    pixels
}

/// What a picture that is shown says: its number and its rendition.
fn said_by(frame: &VideoFrame) -> (usize, usize) {
    let image = RgbImage::upright(frame).unwrap();
    let middle = |block: u32| {
        let x = (block % 4 * 2 + 1) * image.width / 8;
        let y = (block / 4 * 2 + 1) * image.height / 8;
        image.pixel(x, y)[1]
    };
    let marks = (0..16).fold(0, |marks, block| {
        marks | u16::from(middle(block) > 120) << block
    });
    let said = marks & 0xfff;
    assert_eq!(marks >> 12, sum(said), "a picture that is damaged");
    let rung = usize::from(said >> 10);
    assert_eq!(usize::try_from(image.width).unwrap(), LADDER[rung].0);
    (usize::from(said & 0x3ff), rung)
}

/// The pictures of each rendition, raw.
fn film(dir: &Path) {
    let mut noise = 1;
    for rung in 0..LADDER.len() {
        let file = std::fs::File::create(dir.join(format!("{rung}.gray"))).unwrap();
        let mut file = std::io::BufWriter::new(file);
        for number in 0..PICTURES {
            file.write_all(&picture(number, rung, &mut noise)).unwrap();
        }
        file.flush().unwrap();
    }
}

#[derive(Clone, Copy)]
enum Packaging {
    HlsTs,
    HlsFmp4,
    Dash,
}

impl Packaging {
    /// The ladder on a web server; its URL.
    fn serve(self, server: &Server) -> String {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        film(dir);
        match self {
            Self::HlsTs => hls(dir, "-hls_segment_type mpegts", "ts"),
            Self::HlsFmp4 => hls(dir, "-hls_segment_type fmp4", "m4s"),
            Self::Dash => dash(dir),
        }
        server.put_folder(dir);
        server.url(match self {
            Self::HlsTs | Self::HlsFmp4 => "main.m3u8",
            Self::Dash => "main.mpd",
        })
    }
}

fn hls(dir: &Path, kind: &str, extension: &str) {
    let mut main = "#EXTM3U\n".to_owned();
    for (rung, (side, bits)) in LADDER.into_iter().enumerate() {
        ffmpeg_in(
            dir,
            &format!(
                "{SIZED} -s {side}x{side} -i {rung}.gray -f lavfi -i sine=duration=24 -map 0:v -map 1:a {CODED} \
                 -b:v {bits} -maxrate {bits} -bufsize {bits} -f hls -hls_time 2 -hls_playlist_type vod {kind} \
                 -hls_fmp4_init_filename {rung}_init.mp4 -hls_segment_filename {rung}_%d.{extension} {rung}.m3u8"
            ),
        );
        main += &format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={bits},RESOLUTION={side}x{side},CODECS=\"avc1.64000a,mp4a.40.2\"\n{rung}.m3u8\n"
        );
    }
    std::fs::write(dir.join("main.m3u8"), main).unwrap();
}

fn dash(dir: &Path) {
    let rungs = LADDER.into_iter().enumerate();
    let inputs: String = rungs
        .clone()
        .map(|(rung, (side, _))| format!("{SIZED} -s {side}x{side} -i {rung}.gray "))
        .collect();
    let rates: String = rungs
        .map(|(rung, (_, bits))| {
            format!("-b:v:{rung} {bits} -maxrate:v:{rung} {bits} -bufsize:v:{rung} {bits} ")
        })
        .collect();
    let arguments = format!(
        "{inputs} -f lavfi -i sine=duration=24 -map 0 -map 1 -map 2 -map 3 {CODED} {rates} -f dash -seg_duration 2"
    );
    let made = ffmpeg(&arguments)
        .args([
            "-adaptation_sets",
            "id=0,streams=0,1,2 id=1,streams=3",
            "main.mpd",
        ])
        .current_dir(dir)
        .status();
    assert!(made.is_ok_and(|status| status.success()), "make setup");
}

struct Shown(Sender<VideoFrame>);

impl VideoSink for Shown {
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        self.0.send(frame.clone()).map_err(SinkError::application)
    }
}

/// A film that is looked at picture by picture, held in between, so that no picture is ever late.
struct Viewing {
    player: Player,
    shown: Receiver<VideoFrame>,
    seen: Vec<(usize, usize)>,
}

impl Viewing {
    fn begin(url: &str) -> Self {
        let (frames, shown) = channel();
        let config = PlayerConfig {
            max_buffer: Duration::from_secs(4),
            high_buffer: Duration::from_secs(1),
            ..PlayerConfig::default()
        };
        let player = Player::builder()
            .config(config)
            .video_sink(Shown(frames))
            .build()
            .unwrap();
        player.open(url);
        let mut viewing = Self {
            player,
            shown,
            seen: Vec::new(),
        };
        viewing.look();
        viewing
    }

    fn look(&mut self) {
        let frame = self.shown.recv_timeout(LIMIT);
        while let Ok(event) = self.player.try_next_event() {
            if let Event::Error(fault) = event {
                panic!("{fault}");
            }
        }
        let missing = || {
            let seen = |number: &usize| self.seen.iter().any(|it| it.0 == *number);
            (0..PICTURES).find(|number| !seen(number))
        };
        let frame =
            frame.unwrap_or_else(|_| panic!("{:?} does not come: {:?}", missing(), self.seen));
        self.seen.push(said_by(&frame));
    }

    /// Looks on until so many pictures were shown.
    fn up_to(&mut self, count: usize) {
        while self.seen.len() < count {
            self.player.step();
            self.look();
        }
    }

    fn select(&self, rung: usize) {
        self.player
            .select_track(TrackChoice::Index(u32::try_from(rung).unwrap()));
    }

    /// Every picture was shown once, in its order. Gives the renditions, each with the number that it began with.
    fn renditions(self) -> Vec<(usize, usize)> {
        let numbers: Vec<usize> = self.seen.iter().map(|seen| seen.0).collect();
        assert_eq!(
            numbers,
            (0..PICTURES).collect::<Vec<_>>(),
            "{:?}",
            self.seen
        );
        let mut parts = self.seen;
        parts.dedup_by_key(|seen| seen.1);
        // Nothing is left behind the last one.
        self.player.step();
        assert!(self.shown.recv_timeout(Duration::from_millis(300)).is_err());
        parts
    }
}

/// The user goes up, down and up again, each time after the choice before has come.
fn forced(packaging: Packaging) {
    let server = Server::start(Parts::Given);
    let mut viewing = Viewing::begin(&packaging.serve(&server));
    viewing.up_to(7);
    for rung in [2, 0, 1] {
        viewing.select(rung);
        // The segment at hand, and the one that is under way by then.
        let latest = viewing.seen.len() + 3 * SEGMENT;
        while viewing.seen.last().is_some_and(|seen| seen.1 != rung) {
            viewing.up_to(viewing.seen.len() + 1);
        }
        assert!(viewing.seen.len() <= latest, "{:?}", viewing.seen);
    }
    viewing.up_to(PICTURES);
    let rungs: Vec<usize> = viewing.renditions().iter().map(|it| it.1).collect();
    // What came before the first choice was the network's.
    assert!(rungs.ends_with(&[2, 0, 1]), "{rungs:?}");
    assert!(rungs.len() <= 4, "{rungs:?}");
}

/// The network becomes slow and fast again.
fn automatic(packaging: Packaging) {
    let server = Server::start(Parts::Given);
    let mut viewing = Viewing::begin(&packaging.serve(&server));
    viewing.up_to(40);
    server.set_rate(Some(25_000));
    viewing.up_to(150);
    server.set_rate(None);
    viewing.up_to(PICTURES);
    let parts = viewing.renditions();
    let rungs: Vec<usize> = parts.iter().map(|it| it.1).collect();
    // Whether it rises again before the end is the rule's to say.
    let falls = rungs.windows(2).any(|it| it[1] < it[0]);
    assert!(falls, "{parts:?}");
}

#[test]
fn hls_by_transport_streams_is_switched_by_the_user_without_losing_a_picture() {
    forced(Packaging::HlsTs);
}

#[test]
fn hls_by_fragments_is_switched_by_the_user_without_losing_a_picture() {
    forced(Packaging::HlsFmp4);
}

#[test]
fn dash_is_switched_by_the_user_without_losing_a_picture() {
    forced(Packaging::Dash);
}

#[test]
fn hls_by_transport_streams_is_switched_by_the_network_without_losing_a_picture() {
    automatic(Packaging::HlsTs);
}

#[test]
fn hls_by_fragments_is_switched_by_the_network_without_losing_a_picture() {
    automatic(Packaging::HlsFmp4);
}

#[test]
fn dash_is_switched_by_the_network_without_losing_a_picture() {
    automatic(Packaging::Dash);
}
