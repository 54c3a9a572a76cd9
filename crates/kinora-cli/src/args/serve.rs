//! What `serve`, `import`, `account` and `play-auth` take.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use kinora_service::ImportLimits;

use super::NetArgs;
use super::account::{
    DeleteKeyArgs, DeleteRoleArgs, NewKeyArgs, RefererArgs, SetKeyArgs, SetRoleArgs,
};

const SERVE_EXAMPLES: &str = "\
Examples:
  kinora serve --data ./vod --listen 127.0.0.1:8080
  kinora import film.mp4 --data ./vod
  kinora serve --data ./vod --log warn --log-format json --public-url https://vod.example.com --trusted-proxy 127.0.0.1

The log goes to standard error; at the level `info`, the default, it has a line for each request.";

#[derive(Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The directory that holds everything: database, media, keys.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// The address that clients see in media URLs, where it differs (behind a proxy).
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// A proxy before the service, whose X-Forwarded-For is believed; may be repeated.
    #[arg(long, value_name = "IP")]
    pub(crate) trusted_proxy: Vec<IpAddr>,
    /// The form of the log; by default text, with --json JSON.
    #[arg(long, value_name = "FORM", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

/// How the log is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora import film.mkv --data ./vod --title 'A film'\n  kinora import film.mp4 --data ./vod --encrypt aes-128"
)]
pub(crate) struct ImportArgs {
    /// The file.
    pub(crate) file: PathBuf,
    /// The service's data directory; the service may be running.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: PathBuf,
    /// Its title; by default the file's name.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Give it out as encrypted HLS only; of its pictures just the cover stays in the clear.
    #[arg(long, value_name = "METHOD", value_parser = ["aes-128"])]
    pub(crate) encrypt: Option<String>,
    /// Always make the ladder of renditions, also where copying would do.
    #[arg(long)]
    pub(crate) ladder: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// What an import may cost. The defaults are those of the library.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Pixels of a picture.
    #[arg(long, value_name = "N", default_value_t = ImportLimits::default().pixels, value_parser = at_least_one())]
    max_pixels: u64,
    /// Length of the media, in seconds.
    #[arg(long, value_name = "SEC", default_value_t = ImportLimits::default().duration.as_secs(), value_parser = at_least_one())]
    max_duration: u64,
    /// Streams in the file.
    #[arg(long, value_name = "N", default_value_t = ImportLimits::default().streams)]
    max_streams: u32,
    /// Memory of FFmpeg, in MiB of address space.
    #[arg(long, value_name = "MIB", default_value_t = ImportLimits::default().memory / MIB, value_parser = at_least_one())]
    max_memory: u64,
    /// Processor time of one run of FFmpeg, in seconds.
    #[arg(long, value_name = "SEC", default_value_t = ImportLimits::default().cpu.as_secs(), value_parser = at_least_one())]
    max_cpu: u64,
    /// Time that the import takes, in seconds.
    #[arg(long, value_name = "SEC", default_value_t = ImportLimits::default().time.as_secs(), value_parser = at_least_one())]
    max_time: u64,
    /// Size of all that is made, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = ImportLimits::default().output / MIB, value_parser = at_least_one())]
    max_output: u64,
}

const MIB: u64 = 1024 * 1024;

fn at_least_one() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..)
}

impl LimitArgs {
    pub(crate) fn limits(&self) -> ImportLimits {
        ImportLimits {
            pixels: self.max_pixels,
            duration: Duration::from_secs(self.max_duration),
            streams: self.max_streams,
            memory: self.max_memory.saturating_mul(MIB),
            cpu: Duration::from_secs(self.max_cpu),
            time: Duration::from_secs(self.max_time),
            output: self.max_output.saturating_mul(MIB),
            ..ImportLimits::default()
        }
    }
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora account videos --data ./vod\n  kinora account set --data ./vod --state suspended\n  kinora account set-key KN0123456789 --data ./vod --state off\n  kinora account roles --data ./vod --json"
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

#[derive(Args)]
pub(crate) struct DataArgs {
    /// The service's data directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: PathBuf,
}

#[derive(Subcommand)]
pub(crate) enum AccountAction {
    /// Make a new access key and show it once.
    NewKey(NewKeyArgs),
    /// List the access keys: id, state, policy; never secrets.
    Keys(DataArgs),
    /// Switch an access key on or off, or give it another policy.
    SetKey(SetKeyArgs),
    /// Delete an access key, and end by that all that comes from it.
    DeleteKey(DeleteKeyArgs),
    /// List the roles: name, whom they trust, policy.
    Roles(DataArgs),
    /// Make a role, or change what its sessions may do and who may assume it.
    SetRole(SetRoleArgs),
    /// Delete a role, and end its sessions by that.
    DeleteRole(DeleteRoleArgs),
    /// Show or set which web pages may show the media, by their Referer.
    Referer(RefererArgs),
    /// Mint a play credential without asking the service, of any lifetime.
    PlayAuth {
        /// The video's id.
        video: String,
        #[command(flatten)]
        data: DataArgs,
        /// How long it is good, in seconds.
        #[arg(long, value_name = "SEC", default_value_t = 100)]
        lifetime: u32,
    },
    /// Set the account's flags.
    Set {
        #[command(flatten)]
        data: DataArgs,
        /// Whether it may be served.
        #[arg(long, value_enum)]
        state: StateArg,
    },
    /// List the videos.
    Videos(DataArgs),
    /// Media that the database does not know: list them, set them aside, remove them.
    #[command(after_help = LOST_FOUND_EXAMPLES)]
    LostFound(LostFoundArgs),
}

const LOST_FOUND_EXAMPLES: &str = "\
Examples:
  kinora account lost-found --data ./vod             # what is unknown, and what was set aside
  kinora account lost-found --data ./vod --collect   # move what is unknown to ./vod/lost+found
  kinora account lost-found --data ./vod --remove    # remove what lies there, for good";

#[derive(Args)]
pub(crate) struct LostFoundArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Move media that the database does not know to `lost+found` in the data directory.
    #[arg(long)]
    pub(crate) collect: bool,
    /// Remove what lies in `lost+found`, for good.
    #[arg(long)]
    pub(crate) remove: bool,
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
