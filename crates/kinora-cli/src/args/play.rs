//! What `play` and `replay` take.

use std::path::PathBuf;

use clap::Args;

use super::{DecoderArg, NetArgs, VidArgs};
use crate::words::Words;

const PLAY_EXAMPLES: &str = "\
Examples:
  kinora play film.mp4
  kinora play https://example.com/live/index.m3u8 --vo terminal
  kinora play film.mp4 --vo png:frames --ao wav:sound.wav
  KINORA_PLAY_AUTH=… kinora play vid:5aed81b74ba84920be578cdfe004af4b --endpoint http://127.0.0.1:8080
  kinora play film.mp4 --headless --stats json --until first-frame

Keys in the terminal:
  space pause   ← → 10 s back, on   ↓ ↑ 1 min back, on   n next quality   m mute   q quit";

#[derive(Args)]
#[command(after_help = PLAY_EXAMPLES)]
pub(crate) struct PlayArgs {
    /// A path, a URL, or `vid:ID`.
    pub(crate) source: String,

    /// Pictures, to one or several (comma between): null, png:DIR, terminal, yuv:FILE (or FILE.y4m), sheet:FILE.png.
    #[arg(long, default_value = "auto", value_name = "OUT")]
    pub(crate) vo: String,
    /// Sound: null, wav:FILE.
    #[arg(long, default_value = "null", value_name = "OUT")]
    pub(crate) ao: String,
    /// No window, no keys: outputs that keep time and show nothing.
    #[arg(long)]
    pub(crate) headless: bool,
    /// Which decoders may be used.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) decoder: DecoderArg,
    /// Begin at that time.
    #[arg(long, value_name = "SEC")]
    pub(crate) start: Option<f64>,
    /// Show the first picture and hold.
    #[arg(long)]
    pub(crate) paused: bool,
    /// Play again and again.
    #[arg(long = "loop")]
    pub(crate) looping: bool,
    /// Factor 0.5 to 2.
    #[arg(long, value_name = "X", default_value = "1", value_parser = parse_speed)]
    pub(crate) speed: f64,
    /// Factor 0 to 2.
    #[arg(long, value_name = "X", default_value = "1", value_parser = parse_volume)]
    pub(crate) volume: f32,
    /// Silence.
    #[arg(long)]
    pub(crate) mute: bool,
    /// Stop when: first-frame, end, time:SEC.
    #[arg(long, value_name = "WHEN", default_value = "end", value_parser = parse_until)]
    pub(crate) until: Until,
    /// Print events as JSON lines on stdout.
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    pub(crate) stats: Option<String>,
    /// Print the position so often, in seconds (with --stats json).
    #[arg(long, value_name = "SEC")]
    pub(crate) progress: Option<f64>,
    /// Take commands as JSON lines from stdin.
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

/// When playing ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Until {
    FirstFrame,
    End,
    Time(f64),
}

fn parse_until(text: &str) -> Result<Until, Words> {
    match text {
        "first-frame" => Ok(Until::FirstFrame),
        "end" => Ok(Until::End),
        _ => text
            .strip_prefix("time:")
            .and_then(|seconds| seconds.parse().ok())
            .filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
            .map(Until::Time)
            .ok_or_else(|| {
                Words::new(
                    "say first-frame, end, or time:SECONDS",
                    "应为 first-frame、end 或 time:秒数",
                )
            }),
    }
}

fn parse_speed(text: &str) -> Result<f64, Words> {
    let speed = text.parse().ok();
    speed
        .filter(|speed| (0.5..=2.0).contains(speed))
        .ok_or_else(|| Words::new("say a factor from 0.5 to 2", "应为 0.5 到 2 的倍数"))
}

fn parse_volume(text: &str) -> Result<f32, Words> {
    let volume = text.parse().ok();
    volume
        .filter(|volume| (0.0..=2.0).contains(volume))
        .ok_or_else(|| Words::new("say a factor from 0 to 2", "应为 0 到 2 的倍数"))
}
