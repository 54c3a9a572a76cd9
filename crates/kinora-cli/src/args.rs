//! What the command line takes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod account;
mod cache;
mod inspect;
mod play;
mod serve;
mod source;

pub(crate) use account::{KeyState, NoReferer, RefererArgs, SetKeyArgs, SetRoleArgs, Trusted};
pub(crate) use cache::{CacheAction, CacheArgs, CacheCommand, CacheDir, CacheRules, PreloadArgs};
pub(crate) use inspect::{DecodeArgs, DemuxArgs, DiagnoseArgs, ExplainArgs, InputArgs, ReadArgs};
pub(crate) use play::{MirrorArg, PlayArgs, ReplayArgs, ScaleArg, Until};
pub(crate) use serve::{
    AccountAction, AccountArgs, ImportArgs, LogFormat, LostFoundArgs, PlayAuthArgs, ServeArgs,
    StateArg,
};
pub(crate) use source::{DecoderArg, DemuxerArg, KeyArgs, NetArgs, ScriptArg, VidArgs};

const EXIT_STATUS: &str = "\
Exit status:
  0   done
  1   `explain` found nothing
  2   wrong arguments
  10  request   11  POP gateway   12  VOD service   13  MPS   14  time shift
  15  private encryption   16  ARTP   20  playback   30  download
  128 + n  ended in order by signal n: SIGINT 130, SIGTERM 143 (`serve`: 0)
`kinora explain --list` names every number.

A file or URL without a command is played: kinora film.mp4
Defaults of options: ~/.config/kinora/config.toml, see docs/config.md";

const DEVICES_EXAMPLES: &str = "\
Examples:
  kinora devices
  kinora devices --json
  kinora play film.mp4 --ao pulse:alsa_output.pci-0000_00_1f.3.hdmi-stereo";

/// Plays, probes, serves and explains video.
#[derive(Parser)]
#[command(name = "kinora", version, max_term_width = 100, after_help = EXIT_STATUS, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
pub(crate) struct Common {
    /// Language of explanations; by default that of the locale.
    #[arg(long, global = true, value_enum, value_name = "LANG")]
    pub(crate) lang: Option<LangArg>,
    /// Machine output: JSON on stdout, faults as JSON on stderr.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to colour: NO_COLOR is respected.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub(crate) color: ColorArg,
    /// Take the defaults of options from that file, not from ~/.config/kinora/config.toml.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "no_config")]
    pub(crate) config: Option<PathBuf>,
    /// Take no defaults from a file.
    #[arg(long, global = true)]
    pub(crate) no_config: bool,
    /// Log on standard error, up to that level; by default KINORA_LOG, else `info` in `serve` and `off` elsewhere.
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    pub(crate) log: Option<LogLevel>,
}

/// How much is logged: each level holds those before it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LangArg {
    Zh,
    En,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArg {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Play a file, a URL or a video by its id.
    Play(Box<PlayArgs>),
    /// Run a recorded session again, without its media.
    Replay(ReplayArgs),
    /// Tell what a file, a URL or a video by its id holds, without decoding it.
    Probe(InputArgs),
    /// Read all packets of a file or URL.
    Demux(DemuxArgs),
    /// Decode pictures as fast as the machine can.
    Decode(DecodeArgs),
    /// Find out why a source does not play, and who must act.
    Diagnose(Box<DiagnoseArgs>),
    /// Explain an error number, a name or words.
    Explain(ExplainArgs),
    /// List the sound devices that `--ao` can choose.
    #[command(after_help = DEVICES_EXAMPLES)]
    Devices,
    /// Load the beginnings of URLs into a cache, so that they play at once.
    Preload(PreloadArgs),
    /// Tell, check or remove what a cache holds.
    Cache(CacheCommand),
    /// Run the VOD service on one data directory.
    Serve(ServeArgs),
    /// Bring a file into the service's data directory.
    Import(ImportArgs),
    /// Ask the service for a play credential, as an application's server does.
    PlayAuth(PlayAuthArgs),
    /// Show or change the account of a data directory: keys, roles, rules, flags, videos.
    Account(AccountArgs),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff).
    Man,
}
