//! Where a source is and how it is read: network, decoders, a video's id and its credential.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use kinora::Definition;

/// How the network is used.
#[derive(Args, Clone)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetArgs {
    /// A header for every request, as NAME:VALUE; may be repeated.
    // A colon in the name itself would break zsh's completions.
    #[arg(long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// The Referer header.
    #[arg(long, value_name = "URL")]
    pub(crate) referer: Option<String>,
    /// The User-Agent header.
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_agent: Option<String>,
    /// A proxy: host:port, or a URL with http, socks5 or socks5h; `none` for none. By default that of http_proxy,
    /// https_proxy and all_proxy.
    #[arg(
        long,
        value_name = "PROXY",
        env = "KINORA_PROXY",
        hide_env_values = true
    )]
    pub(crate) proxy: Option<String>,
    /// Hosts to ask without a proxy, comma separated; by default those of no_proxy.
    #[arg(long, value_name = "LIST")]
    pub(crate) noproxy: Option<String>,
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

/// What opens an encrypted source.
#[derive(Args, Clone)]
#[command(next_help_heading = "Protection")]
pub(crate) struct KeyArgs {
    /// A content key of an encrypted source, as KID:KEY in hexadecimal digits, or keys as a ClearKey licence in JSON;
    /// `@FILE` reads it from a file; may be repeated.
    #[arg(long = "key", value_name = "KEY")]
    pub(crate) keys: Vec<String>,
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

/// Which demuxers may be used for files.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemuxerArg {
    /// Kinora's where they know the bytes, else libavformat.
    Auto,
    /// Only Kinora's.
    Kinora,
    /// Only libavformat.
    Ffmpeg,
}

/// What draws scripts (ASS).
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScriptArg {
    /// libass where it can be loaded, else Kinora's own drawing.
    Auto,
    /// Only Kinora's own drawing.
    Kinora,
    /// Only libass.
    Libass,
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
    /// Which quality of the video.
    #[arg(long, value_name = "DEFINITION", value_parser = definition(), ignore_case = true)]
    pub(crate) quality: Option<Definition>,
    /// Fail when the quality is not offered, rather than take the nearest.
    #[arg(long, requires = "quality")]
    pub(crate) force_quality: bool,
    /// Formats to ask for, comma separated: mp4, m3u8, mp3.
    #[arg(long, value_name = "LIST")]
    pub(crate) formats: Option<String>,
    /// A command that prints a fresh play credential within 30 s, run when the one in use expires.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) refresh_command: Option<String>,
}

fn definition() -> impl TypedValueParser<Value = Definition> {
    let names = Definition::ALL.map(|definition| definition.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}
