//! What `play` and `replay` take.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use clap::{Args, ValueHint};
use kinora::output::{SCALES, ScaleMode};
use kinora::{MAX_AUDIO_DELAY, Mirror, Rotation, SCAN_SPEEDS, SPEEDS, Time, VOLUMES};

use super::{CacheArgs, DecoderArg, DemuxerArg, KeyArgs, NetArgs, ScriptArg, VidArgs};
use crate::times;
use crate::words::Words;

/// The longest interval of reports, in seconds.
const MAX_INTERVAL_S: f64 = 3_600.0;

const PLAY_EXAMPLES: &str = "\
Examples:
  kinora film.mp4
  kinora play one.mp4 two.mp4 --start 1:30
  ffmpeg -i film.mkv -f mpegts - | kinora -
  kinora play film.mp4 --vo y4m:- | ffmpeg -i - out.webm
  kinora play https://example.com/live/index.m3u8 --vo terminal
  kinora play https://example.com/live/manifest.mpd --prefer-audio
  kinora play film.mp4 --vo window --fullscreen
  kinora play film.mp4 --vo png:frames --ao wav:sound.wav
  kinora play https://example.com/vod/main.m3u8 --audio-language en --subtitle-language de
  KINORA_PLAY_AUTH=… kinora play vid:5aed81b74ba84920be578cdfe004af4b --endpoint http://127.0.0.1:8080
  kinora play film.mkv --subtitle karaoke.ass --script-renderer libass --vo png:frames
  kinora play film.mp4 --headless --stats json --until first-frame

Keys in the window and the terminal:
  space pause   ← → 10 s back, on   ↓ ↑ 1 min back, on   < > last, next file   n next quality
  C c last, next chapter   l begin, end, forget a part to repeat   . next picture
  s S snapshot, with subtitles   r turn   9 0 volume   m mute   [ ] speed   { } search
  j # next subtitles, sound   x skip an interstitial   ? list of keys   q quit
  in the window also   f full screen   i statistics   Ctrl-V play the file or link that was copied
  Ctrl + Ctrl - sound 0.1 s later, earlier

Commands of --control stdin, a JSON object a line; playing ends with stdin:
  {\"cmd\":\"seek\",\"pos\":\"1:30\",\"mode\":\"exact\"}   mode: exact or key
  {\"cmd\":\"speed\",\"value\":1.5}   volume, mute, audio_delay (seconds) alike   {\"cmd\":\"track\",\"index\":1}
  {\"cmd\":\"subtitle\",\"index\":2,\"on\":false}   {\"cmd\":\"audio\",\"value\":\"pulse:DEVICE\"}
  {\"cmd\":\"repeat\",\"from\":60,\"to\":75}   {\"cmd\":\"snapshot\",\"file\":\"a.png\",\"subtitles\":true}
  {\"cmd\":\"rotate\",\"degrees\":90}
  {\"cmd\":\"pause\"}   step, start, stop, skip, reload, next, previous, quit alike";

#[derive(Args)]
#[command(after_help = PLAY_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct PlayArgs {
    /// Paths, URLs, `vid:ID`, or `-` for standard input; several are played in turn.
    #[arg(required = true, value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub(crate) sources: Vec<OsString>,

    /// Pictures, to one or several (comma between): window, null, png:DIR, terminal, yuv:FILE, y4m:FILE, sheet:FILE.png; FILE `-` is stdout.
    #[arg(long, default_value = "auto", value_name = "OUT")]
    pub(crate) vo: String,
    /// Take the whole screen, where pictures are in a window.
    #[arg(long = "fullscreen")]
    pub(crate) full_screen: bool,
    /// Sound: auto (a device where there is one), pulse, alsa (or pulse:DEVICE, see `kinora devices`), null, wav:FILE; `-` is stdout.
    #[arg(long, default_value = "auto", value_name = "OUT")]
    pub(crate) ao: String,
    /// No window, no keys: outputs that keep time and show nothing.
    #[arg(long)]
    pub(crate) headless: bool,
    /// Which decoders may be used.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) decoder: DecoderArg,
    /// Which demuxers may be used.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) demuxer: DemuxerArg,
    /// Begin at that time: 90, 1:30 or 1:02:03.5.
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    pub(crate) start: Option<Time>,
    /// Show the first picture and hold.
    #[arg(long)]
    pub(crate) paused: bool,
    /// Play again and again.
    #[arg(long = "loop")]
    pub(crate) looping: bool,
    /// Factor 0.5 to 2; 4 to 32, and -4 to -32, search by key pictures alone, without sound.
    #[arg(
        long,
        value_name = "X",
        default_value = "1",
        allow_negative_numbers = true,
        value_parser = parse_speed
    )]
    pub(crate) speed: f64,
    /// Factor 0 to 2.
    #[arg(long, value_name = "X", default_value = "1", value_parser = parse_volume)]
    pub(crate) volume: f32,
    /// Silence.
    #[arg(long)]
    pub(crate) mute: bool,
    /// Seconds by which sound is heard later than its pictures are seen; negative: earlier. 10 at most.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "0",
        allow_negative_numbers = true,
        value_parser = parse_audio_delay
    )]
    pub(crate) audio_delay: Time,
    /// Show no pictures: none are decoded, and none fetched where they lie apart from the sound.
    #[arg(long, conflicts_with = "no_audio")]
    pub(crate) no_video: bool,
    /// Play no sound: none is decoded, and none fetched where it lies apart from the pictures.
    #[arg(long)]
    pub(crate) no_audio: bool,
    /// Report the user data within pictures of H.264 and H.265 (SEI), with --stats json.
    #[arg(long)]
    pub(crate) sei: bool,
    /// Turn pictures clockwise, beyond what the source says: 0, 90, 180 or 270.
    #[arg(long, value_name = "DEGREES", default_value = "0", value_parser = parse_rotation)]
    pub(crate) rotate: Rotation,
    /// Mirror pictures.
    #[arg(long, value_enum, value_name = "HOW", default_value = "none")]
    pub(crate) mirror: MirrorArg,
    /// How pictures lie in the window or the terminal.
    #[arg(long, value_enum, value_name = "HOW", default_value = "fit")]
    pub(crate) scale: ScaleArg,
    /// Live: play faster, or leave something out, when so many milliseconds behind; 0: never.
    #[arg(long, value_name = "MS", default_value_t = 5_000)]
    pub(crate) max_delay: u64,
    /// Live: begin with that segment of the playlist, negative from its end; by default where the playlist says.
    #[arg(long, value_name = "N", default_value_t = -3, allow_hyphen_values = true)]
    pub(crate) live_start: i32,
    /// Live: where the network can not carry both, play the sound on and leave pictures out, instead of waiting for both.
    #[arg(long, conflicts_with_all = ["no_audio", "no_video"])]
    pub(crate) prefer_audio: bool,
    /// Show the subtitles of that file or URL: SubRip, WebVTT, ASS, TTML, MicroDVD, PGS (.sup) or VobSub (.idx beside its .sub).
    /// May be given several times.
    #[arg(long = "subtitle", value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub(crate) subtitles: Vec<OsString>,
    /// Show them so many milliseconds later; earlier, where it is negative.
    #[arg(
        long,
        value_name = "MS",
        default_value = "0",
        allow_hyphen_values = true,
        value_parser = clap::value_parser!(i64).range(-86_400_000..=86_400_000)
    )]
    pub(crate) subtitle_delay: i64,
    /// The language of the sound, where the source has several: en, zh-Hans, deu.
    #[arg(long, value_name = "LANG", value_parser = parse_language)]
    pub(crate) audio_language: Option<String>,
    /// Show the subtitles of the source in that language. Without it those that the source calls its default or forced.
    #[arg(long, value_name = "LANG", value_parser = parse_language, conflicts_with = "no_subtitles")]
    pub(crate) subtitle_language: Option<String>,
    /// Show no subtitles of the source.
    #[arg(long)]
    pub(crate) no_subtitles: bool,
    /// Show the pictures of that name, where the playlist has them from several sides (HLS). The track list names them.
    #[arg(long, value_name = "NAME")]
    pub(crate) angle: Option<String>,
    /// Play the program of that number, where a transport stream has several; `kinora probe` lists them.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) program: Option<u16>,
    /// Play nothing in between that the playlist wants to be played there (HLS interstitials).
    #[arg(long)]
    pub(crate) no_interstitials: bool,
    /// Draw them larger or smaller by that factor, 0.25 to 4.
    #[arg(long, value_name = "X", default_value = "1", value_parser = parse_subtitle_scale)]
    pub(crate) subtitle_scale: f32,
    /// What draws scripts (ASS), with all that moves in them.
    #[arg(long, value_enum, value_name = "WHO", default_value = "auto")]
    pub(crate) script_renderer: ScriptArg,
    /// Take what keys do from that file, not from ~/.config/kinora/keys.conf.
    #[arg(long = "keys", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Stop when: first-frame, end, time:TIME (a position in the film).
    #[arg(long, value_name = "WHEN", default_value = "end", value_parser = parse_until)]
    pub(crate) until: Until,
    /// Print events as JSON lines on stdout.
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    pub(crate) stats: Option<String>,
    /// Print the position so often, in seconds (with --stats json).
    #[arg(long, value_name = "SEC", value_parser = parse_interval)]
    pub(crate) progress: Option<Duration>,
    /// Take commands as JSON lines from stdin, until it ends.
    #[arg(long, value_name = "FROM", value_parser = ["stdin"])]
    pub(crate) control: Option<String>,
    /// Write the session down for `kinora replay`: times and sizes, no content, no secrets.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Write the first picture's luma as PGM.
    #[arg(long, value_name = "FILE")]
    pub(crate) dump_frame: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) vid: VidArgs,
    #[command(flatten)]
    pub(crate) protection: KeyArgs,
    #[command(flatten)]
    pub(crate) caching: CacheArgs,
    #[command(flatten)]
    pub(crate) net: NetArgs,
}

const REPLAY_EXAMPLES: &str = "\
Examples:
  kinora play https://example.com/live/index.m3u8 --headless --record session.jsonl
  kinora replay session.jsonl

The exit status is 2 when the session does not run as it was recorded.";

#[derive(Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// What `kinora play --record` wrote.
    pub(crate) file: PathBuf,
}

/// Which sides of pictures change places.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MirrorArg {
    /// None.
    None,
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
}

impl From<MirrorArg> for Mirror {
    fn from(arg: MirrorArg) -> Self {
        match arg {
            MirrorArg::None => Self::None,
            MirrorArg::Horizontal => Self::Horizontal,
            MirrorArg::Vertical => Self::Vertical,
        }
    }
}

/// How pictures lie in an area of another shape.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScaleArg {
    /// Whole.
    Fit,
    /// Covering it, cut off at two sides.
    Fill,
    /// Covering it, out of shape.
    Stretch,
}

impl From<ScaleArg> for ScaleMode {
    fn from(arg: ScaleArg) -> Self {
        match arg {
            ScaleArg::Fit => Self::Fit,
            ScaleArg::Fill => Self::Fill,
            ScaleArg::Stretch => Self::Stretch,
        }
    }
}

/// When playing ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Until {
    FirstFrame,
    End,
    /// At that position.
    Time(Time),
}

fn parse_until(text: &str) -> Result<Until, Words> {
    match text {
        "first-frame" => Ok(Until::FirstFrame),
        "end" => Ok(Until::End),
        _ => match text.strip_prefix("time:") {
            Some(time) => times::parse(time).map(Until::Time),
            None => Err(Words::new(
                "say first-frame, end, or time:TIME (time:90, time:1:30)",
                "应为 first-frame、end 或 time:时间（time:90、time:1:30）",
            )),
        },
    }
}

/// RFC 5646 2.1, as far as it takes to tell a tag from a slip of the hand.
fn parse_language(text: &str) -> Result<String, Words> {
    let is_subtag =
        |it: &str| (1..=8).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_alphanumeric());
    match text.len() >= 2 && text.split(['-', '_']).all(is_subtag) {
        true => Ok(text.to_owned()),
        false => Err(Words::new(
            "say the tag of a language: en, zh-Hans, deu",
            "应为语言标记：en、zh-Hans、deu",
        )),
    }
}

/// Seconds between one time and the next; none of them is no interval.
fn parse_interval(text: &str) -> Result<Duration, Words> {
    let seconds: Option<f64> = text.parse().ok();
    seconds
        .filter(|seconds| (0.0..=MAX_INTERVAL_S).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| Words::new("say seconds from 0 to 3600", "应为 0 到 3600 秒"))
}

fn parse_rotation(text: &str) -> Result<Rotation, Words> {
    let rotation = text.parse().ok().and_then(Rotation::from_degrees);
    rotation.ok_or_else(|| {
        Words::new(
            "say a quarter turn: 0, 90, 180 or 270",
            "应为 90 度的倍数：0、90、180 或 270",
        )
    })
}

fn parse_speed(text: &str) -> Result<f64, Words> {
    let speed = text.parse().ok();
    speed
        .filter(|speed: &f64| SPEEDS.contains(speed) || SCAN_SPEEDS.contains(&speed.abs()))
        .ok_or_else(|| {
            Words::new(
                "say a factor from 0.5 to 2, or from 4 to 32 to search (negative: back)",
                "应为 0.5 到 2 的倍数；搜索时为 4 到 32（负数为快退）",
            )
        })
}

fn parse_audio_delay(text: &str) -> Result<Time, Words> {
    let seconds = text.parse().ok().filter(|it: &f64| it.is_finite());
    let delay = seconds.map(Time::from_secs_f64);
    delay
        .filter(|delay| delay.abs() <= MAX_AUDIO_DELAY)
        .ok_or_else(|| Words::new("say seconds from -10 to 10", "应为 -10 到 10 的秒数"))
}

fn parse_subtitle_scale(text: &str) -> Result<f32, Words> {
    let scale = text.parse().ok();
    scale
        .filter(|scale| SCALES.contains(scale))
        .ok_or_else(|| Words::new("say a factor from 0.25 to 4", "应为 0.25 到 4 的倍数"))
}

fn parse_volume(text: &str) -> Result<f32, Words> {
    let volume = text.parse().ok();
    volume
        .filter(|volume| VOLUMES.contains(volume))
        .ok_or_else(|| Words::new("say a factor from 0 to 2", "应为 0 到 2 的倍数"))
}
