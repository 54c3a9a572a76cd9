//! What has to do with the cache: where it is, what is loaded ahead, what is done with it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kinora::Time;

use super::{NetArgs, VidArgs};
use crate::times;

/// Where what the web gives is kept.
#[derive(Args, Clone)]
#[command(next_help_heading = "Cache")]
pub(crate) struct CacheArgs {
    /// Keep what the web gives in that directory, and look there first.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rules: CacheRules,
}

/// By which rules it is kept.
#[derive(Args, Clone)]
#[command(next_help_heading = "Cache")]
pub(crate) struct CacheRules {
    /// Keep no more than so many megabytes: what was used longest ago goes.
    #[arg(long, value_name = "MB", default_value_t = 20_000)]
    pub(crate) cache_size: u64,
    /// Parameters of queries that do not tell objects apart, comma separated: those that sign URLs.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) cache_ignore: Vec<String>,
}

const PRELOAD_EXAMPLES: &str = "\
Examples:
  kinora preload --cache ~/.cache/films https://example.com/vod/index.m3u8
  kinora play --cache ~/.cache/films https://example.com/vod/index.m3u8";

#[derive(Args)]
#[command(after_help = PRELOAD_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct PreloadArgs {
    /// URLs of files, playlists or manifests, or `vid:ID`.
    #[arg(required = true, value_name = "URL")]
    pub(crate) urls: Vec<String>,
    /// The directory of the cache.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: PathBuf,
    /// So much of each from its beginning on: 5, 1:30.
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = times::parse)]
    pub(crate) time: Time,
    /// About so many bytes of each instead.
    #[arg(long, value_name = "BYTES", conflicts_with = "time")]
    pub(crate) bytes: Option<u64>,
    #[command(flatten)]
    pub(crate) rules: CacheRules,
    #[command(flatten)]
    pub(crate) vid: VidArgs,
    #[command(flatten)]
    pub(crate) net: NetArgs,
}

#[derive(Args)]
pub(crate) struct CacheCommand {
    #[command(subcommand)]
    pub(crate) action: CacheAction,
}

/// What is done with a cache.
#[derive(Subcommand)]
pub(crate) enum CacheAction {
    /// Tell what is there, the last used first.
    List(CacheDir),
    /// Read all of it, and remove what is damaged.
    Verify(CacheDir),
    /// Remove all of it.
    Clear(CacheDir),
}

/// Which cache.
#[derive(Args)]
pub(crate) struct CacheDir {
    /// The directory of the cache.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: PathBuf,
}
