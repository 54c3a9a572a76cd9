//! What `probe`, `demux`, `decode`, `diagnose` and `explain` take.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};
use kinora_errors::explain::groups;

use super::{DecoderArg, DemuxerArg, KeyArgs, NetArgs, VidArgs};

/// Which renditions of a playlist are read, which program of a transport stream.
#[derive(Args, Clone)]
#[command(next_help_heading = "Playlists")]
pub(crate) struct RenditionArgs {
    /// Read the rendition of that index, as `kinora probe` lists them, instead of the best.
    #[arg(long, value_name = "INDEX")]
    pub(crate) rendition: Option<u32>,
    /// Read the sound of that index instead of the default one.
    #[arg(long, value_name = "INDEX")]
    pub(crate) audio_rendition: Option<u32>,
    /// Read the program of that number, where a transport stream has several; `kinora probe` lists them.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) program: Option<u16>,
}

/// How a source is read.
#[derive(Args, Clone)]
pub(crate) struct ReadArgs {
    /// Which demuxers may be used.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) demuxer: DemuxerArg,
    #[command(flatten)]
    pub(crate) renditions: RenditionArgs,
    #[command(flatten)]
    pub(crate) protection: KeyArgs,
    #[command(flatten)]
    pub(crate) net: NetArgs,
}

/// What to look at.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora probe film.mp4\n  kinora probe --json https://example.com/vod/index.m3u8\n  KINORA_PLAY_AUTH=… kinora probe vid:5aed81b74ba84920be578cdfe004af4b"
)]
pub(crate) struct InputArgs {
    /// A path, a URL, or `vid:ID`.
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) source: OsString,
    #[command(flatten)]
    pub(crate) vid: VidArgs,
    #[command(flatten)]
    pub(crate) reading: ReadArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora demux film.mp4\n  kinora demux --packets film.ts | head"
)]
pub(crate) struct DemuxArgs {
    /// A path or a URL.
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) source: OsString,
    /// Print every packet as a JSON line: track, times, key, size, checksums.
    #[arg(long)]
    pub(crate) packets: bool,
    #[command(flatten)]
    pub(crate) reading: ReadArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora decode --video-only --frames 300 --threads 2 film.mp4\n  kinora decode --frame-md5 film.mp4"
)]
pub(crate) struct DecodeArgs {
    /// A path or a URL.
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) source: OsString,
    /// Leave sound out (the only way for now; accepted for clarity).
    #[arg(long)]
    pub(crate) video_only: bool,
    /// Stop after so many pictures.
    #[arg(long, value_name = "N")]
    pub(crate) frames: Option<u64>,
    /// Threads that the decoder may use.
    #[arg(long, value_name = "T")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Which decoders may be used.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) decoder: DecoderArg,
    /// Print a checksum of every picture, as `ffmpeg -f framemd5` computes it.
    #[arg(long)]
    pub(crate) frame_md5: bool,
    #[command(flatten)]
    pub(crate) reading: ReadArgs,
}

const DIAGNOSE_EXAMPLES: &str = "\
Examples:
  kinora diagnose https://example.com/live/index.m3u8
  kinora diagnose film.mp4 --seconds 0
  KINORA_PLAY_AUTH=… kinora diagnose vid:5aed81b74ba84920be578cdfe004af4b --report report.zip
  kinora diagnose --json https://example.com/film.mp4 | jq .verdict

The exit status is that of the verdict's group; 0 when all is well. Reports hold no secrets.";

#[derive(Args)]
#[command(after_help = DIAGNOSE_EXAMPLES)]
pub(crate) struct DiagnoseArgs {
    /// A path, a URL, or `vid:ID`.
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) source: OsString,
    /// How long it is played, in seconds.
    #[arg(long, value_name = "SEC", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub(crate) seconds: u64,
    /// Write all of it into a ZIP file, for support.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Which decoders may be used.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) decoder: DecoderArg,

    #[command(flatten)]
    pub(crate) vid: VidArgs,
    #[command(flatten)]
    pub(crate) net: NetArgs,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  kinora explain 0x20050006
  kinora explain 537198598
  kinora explain token_expired
  kinora explain 清晰度 --lang zh
  kinora explain --group pop";

#[derive(Args)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// A number (hex or decimal), a name or part of one, a group, or words.
    #[arg(required_unless_present_any = ["list", "group"], allow_negative_numbers = true)]
    pub(crate) what: Vec<String>,
    /// Every number, a line each.
    #[arg(long)]
    pub(crate) list: bool,
    /// Every number of a group.
    #[arg(long, value_name = "GROUP", value_parser = PossibleValuesParser::new(groups()))]
    pub(crate) group: Option<String>,
}
