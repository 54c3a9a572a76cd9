//! What the command line takes.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::words::Words;

const EXIT_STATUS: &str = "\
Exit status:
  0   done
  1   `explain` found nothing
  2   wrong arguments
  10  request   11  POP gateway   12  VOD service   13  MPS   14  time shift
  15  private encryption   16  ARTP   20  playback   30  download
  128 + n  ended in order by signal n: SIGINT 130, SIGTERM 143 (`serve`: 0)
`kinora explain --list` names every number.";

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
    /// Tell what a file or URL holds, without decoding it.
    Probe(InputArgs),
    /// Read all packets of a file or URL.
    Demux(DemuxArgs),
    /// Decode pictures as fast as the machine can.
    Decode(DecodeArgs),
    /// Find out why a source does not play, and who must act.
    Diagnose(Box<DiagnoseArgs>),
    /// Explain an error number, a name or words.
    Explain(ExplainArgs),
    /// Run the VOD service on one data directory.
    Serve(ServeArgs),
    /// Bring a file into the service's data directory.
    Import(ImportArgs),
    /// Ask the service for a play credential, as an application's server does.
    PlayAuth(PlayAuthArgs),
    /// Show or change the account of a data directory: keys, flags, videos.
    Account(AccountArgs),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff).
    Man,
}

/// How the network is used.
#[derive(Args, Clone)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetArgs {
    /// A header for every request; may be repeated.
    #[arg(long = "header", value_name = "NAME:VALUE")]
    pub(crate) headers: Vec<String>,
    /// The Referer header.
    #[arg(long, value_name = "URL")]
    pub(crate) referer: Option<String>,
    /// The User-Agent header.
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_agent: Option<String>,
    /// An HTTP proxy.
    #[arg(long, value_name = "URL", env = "KINORA_PROXY", hide_env_values = true)]
    pub(crate) proxy: Option<String>,
    /// Trust these certificates (PEM) beside the system's.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Use IPv4 only.
    #[arg(long, conflicts_with = "ipv6")]
    pub(crate) ipv4: bool,
    /// Use IPv6 only.
    #[arg(long)]
    pub(crate) ipv6: bool,
    /// How long the network may be silent, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 15_000)]
    pub(crate) timeout: u64,
    /// How often a silent or failing network is tried again.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) retries: u32,
}

/// Which decoders may be used.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecoderArg {
    /// libavcodec where it can be loaded, else the Rust decoders.
    Auto,
    /// Only the decoders in pure Rust.
    Rust,
    /// Only libavcodec.
    Ffmpeg,
}

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

/// How a video is asked for by its id. Secrets are better given by the environment than by
/// arguments, which every user of the machine can see.
#[derive(Args, Clone)]
#[command(next_help_heading = "Video by id")]
pub(crate) struct VidArgs {
    /// The play credential; `@FILE` reads it from a file.
    #[arg(
        long,
        value_name = "CREDENTIAL",
        env = "KINORA_PLAY_AUTH",
        hide_env_values = true
    )]
    pub(crate) play_auth: Option<String>,
    /// The service's address.
    #[arg(long, value_name = "URL", env = "KINORA_ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// The service's region; by default the credential's.
    #[arg(long, value_name = "NAME")]
    pub(crate) region: Option<String>,
    /// STS: the access key id.
    #[arg(
        long,
        value_name = "ID",
        env = "KINORA_ACCESS_KEY_ID",
        hide_env_values = true
    )]
    pub(crate) access_key_id: Option<String>,
    /// STS: the access key secret; `@FILE` reads it from a file.
    #[arg(
        long,
        value_name = "SECRET",
        env = "KINORA_ACCESS_KEY_SECRET",
        hide_env_values = true
    )]
    pub(crate) access_key_secret: Option<String>,
    /// STS: the session token; `@FILE` reads it from a file.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "KINORA_SECURITY_TOKEN",
        hide_env_values = true
    )]
    pub(crate) security_token: Option<String>,
    /// Quality: FD, LD, SD, HD, OD, 2K, 4K, SQ, HQ, AUTO.
    #[arg(long, value_name = "DEFINITION")]
    pub(crate) quality: Option<String>,
    /// Fail when the quality is not offered, rather than take the nearest.
    #[arg(long, requires = "quality")]
    pub(crate) force_quality: bool,
    /// Formats to ask for, comma separated: mp4, m3u8, mp3.
    #[arg(long, value_name = "LIST")]
    pub(crate) formats: Option<String>,
    /// A command that prints a fresh play credential, run when the one in use expires.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) refresh_command: Option<String>,
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

/// A file or URL to read.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora probe film.mp4\n  kinora probe --json https://example.com/film.ts"
)]
pub(crate) struct InputArgs {
    /// A path or a URL.
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) net: NetArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora demux film.mp4\n  kinora demux --packets film.ts | head"
)]
pub(crate) struct DemuxArgs {
    /// A path or a URL.
    pub(crate) source: String,
    /// Print every packet as a JSON line: track, times, key, size, checksums.
    #[arg(long)]
    pub(crate) packets: bool,
    #[command(flatten)]
    pub(crate) net: NetArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora decode --video-only --frames 300 --threads 2 film.mp4\n  kinora decode --frame-md5 film.mp4"
)]
pub(crate) struct DecodeArgs {
    /// A path or a URL.
    pub(crate) source: String,
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
    pub(crate) net: NetArgs,
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
    pub(crate) source: String,
    /// How long it is played, in seconds.
    #[arg(long, value_name = "SEC", default_value_t = 10)]
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
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  kinora serve --data ./vod --listen 127.0.0.1:8080
  kinora import film.mp4 --data ./vod";

#[derive(Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The directory that holds everything: database, media, keys.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// The address that clients see in media URLs, where it differs (behind a proxy).
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora import film.mkv --data ./vod --title 'A film'\n  kinora import film.mp4 --data ./vod --encrypt aes-128"
)]
pub(crate) struct ImportArgs {
    /// The file.
    pub(crate) file: PathBuf,
    /// The service's data directory; the service may be running.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Its title; by default the file's name.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Encrypt the HLS renditions.
    #[arg(long, value_name = "METHOD", value_parser = ["aes-128"])]
    pub(crate) encrypt: Option<String>,
    /// Always make the ladder of renditions, also where copying would do.
    #[arg(long)]
    pub(crate) ladder: bool,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora account videos --data ./vod\n  kinora account set --data ./vod --state suspended"
)]
pub(crate) struct AccountArgs {
    #[command(subcommand)]
    pub(crate) action: AccountAction,
}

/// Whether an account may be served.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateArg {
    /// Opened and in good standing.
    Active,
    /// The VOD service was not opened.
    NotOpened,
    /// Suspended, as for an unpaid bill.
    Suspended,
}

#[derive(Subcommand)]
pub(crate) enum AccountAction {
    /// Make a new access key and show it once.
    NewKey {
        /// The service's data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Mint a play credential without asking the service, of any lifetime.
    PlayAuth {
        /// The video's id.
        video: String,
        /// The service's data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// How long it is good, in seconds.
        #[arg(long, value_name = "SEC", default_value_t = 100)]
        lifetime: u32,
    },
    /// Set the account's flags.
    Set {
        /// The service's data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Whether it may be served.
        #[arg(long, value_enum)]
        state: StateArg,
    },
    /// List the videos.
    Videos {
        /// The service's data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

const PLAY_AUTH_EXAMPLES: &str = "\
Example:
  export KINORA_ENDPOINT=http://127.0.0.1:8080 KINORA_ACCESS_KEY_ID=… KINORA_ACCESS_KEY_SECRET=…
  KINORA_PLAY_AUTH=$(kinora play-auth VIDEO) kinora play vid:VIDEO";

#[derive(Args)]
#[command(after_help = PLAY_AUTH_EXAMPLES)]
pub(crate) struct PlayAuthArgs {
    /// The video's id.
    pub(crate) video: String,
    /// How long the credential is good, in seconds (100 to 3000).
    #[arg(long, value_name = "SEC", default_value_t = 100)]
    pub(crate) lifetime: u64,
    /// The service's address.
    #[arg(long, value_name = "URL", env = "KINORA_ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// The service's region.
    #[arg(long, value_name = "NAME", default_value = "cn-shanghai")]
    pub(crate) region: String,
    /// The access key id.
    #[arg(
        long,
        value_name = "ID",
        env = "KINORA_ACCESS_KEY_ID",
        hide_env_values = true
    )]
    pub(crate) access_key_id: String,
    /// The access key secret; `@FILE` reads it from a file.
    #[arg(
        long,
        value_name = "SECRET",
        env = "KINORA_ACCESS_KEY_SECRET",
        hide_env_values = true
    )]
    pub(crate) access_key_secret: String,
    #[command(flatten)]
    pub(crate) net: NetArgs,
}
