//! What the keys, roles and referer rules of `account` take.

use std::path::Path;

use clap::{ArgGroup, Args, ValueEnum};
use kinora_service::{HostPattern, Principal};

use super::serve::{AccountAction, DataArgs};
use crate::words::Words;

const NEW_KEY_EXAMPLES: &str = "\
Examples:
  kinora account new-key --data ./vod
  kinora account new-key --data ./vod --policy @playing.json

Without --policy the key may do everything. A policy is a document as in RAM:
  {\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"vod:GetVideoPlayAuth\"],\"Resource\":\"*\"}]}
Actions: vod:GetPlayInfo, vod:GetVideoPlayAuth, vod:GetVideoInfo (on acs:vod:*:*:video/ID), sts:AssumeRole (on acs:ram::1:role/NAME).";

#[derive(Args)]
#[command(after_help = NEW_KEY_EXAMPLES)]
pub(crate) struct NewKeyArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// What the key may do: a policy document, or `@FILE`.
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<String>,
}

/// Whether a key is taken.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyState {
    /// Requests by it, and by all that comes from it, are answered.
    On,
    /// They are refused, from now on.
    Off,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora account set-key KN0123456789 --data ./vod --state off\n  kinora account set-key KN0123456789 --data ./vod --policy @playing.json",
    group(ArgGroup::new("change").required(true).multiple(true).args(["state", "policy"]))
)]
pub(crate) struct SetKeyArgs {
    /// The key's id.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Whether it is taken; what was derived from it follows at once.
    #[arg(long, value_enum)]
    pub(crate) state: Option<KeyState>,
    /// What it may do from now on: a policy document, or `@FILE`.
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<String>,
}

#[derive(Args)]
pub(crate) struct DeleteKeyArgs {
    /// The key's id.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora account set-role viewer --data ./vod --policy @playing.json --trust KN0123456789\n  kinora account set-role viewer --data ./vod --trust nobody\n\nA session may do what its role and all that it comes from may do: the key, and the roles before it.",
    group(ArgGroup::new("change").required(true).multiple(true).args(["trust", "policy"]))
)]
pub(crate) struct SetRoleArgs {
    /// The role's name.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// What its sessions may do at most: a policy document, or `@FILE`.
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<String>,
    /// Who may assume it: an access key id, role/NAME, `*` (all of the account, as in a new role), nobody; repeatable.
    #[arg(long, value_name = "WHO", value_parser = trusted)]
    pub(crate) trust: Vec<Trusted>,
}

#[derive(Args)]
pub(crate) struct DeleteRoleArgs {
    /// The role's name.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  kinora account referer --data ./vod\n  kinora account referer --data ./vod --allow example.com --allow '*.example.com' --no-referer refuse\n  kinora account referer --data ./vod --clear"
)]
pub(crate) struct RefererArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Hosts whose pages may show the media, in place of those before: example.com, *.example.com; repeatable.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub(crate) allow: Vec<HostPattern>,
    /// Hosts whose pages may not, in place of those before; repeatable.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub(crate) deny: Vec<HostPattern>,
    /// What becomes of requests without Referer, such as those of players outside the web.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) no_referer: Option<NoReferer>,
    /// Remove all rules.
    #[arg(long, conflicts_with_all = ["allow", "deny", "no_referer"])]
    pub(crate) clear: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NoReferer {
    /// They are answered.
    Pass,
    /// They are refused.
    Refuse,
}

/// One that a role trusts, or the word that it trusts nobody.
#[derive(Clone)]
pub(crate) enum Trusted {
    Nobody,
    One(Principal),
}

fn trusted(text: &str) -> Result<Trusted, Words> {
    if text == "nobody" {
        return Ok(Trusted::Nobody);
    }
    text.parse().map(Trusted::One).map_err(|_| {
        Words::new(
            "say an access key id, role/NAME, * or nobody",
            "应为访问密钥 ID、role/名称、* 或 nobody",
        )
    })
}

fn host(text: &str) -> Result<HostPattern, Words> {
    text.parse().map_err(|_| {
        Words::new(
            "say a host: example.com, *.example.com, 192.0.2.1 or [2001:db8::1]; no scheme, port or path",
            "应为主机名：example.com、*.example.com、192.0.2.1 或 [2001:db8::1]；不带协议、端口和路径",
        )
    })
}

impl AccountAction {
    /// The data directory that it is about.
    pub(crate) fn data(&self) -> &Path {
        let args = match self {
            Self::PlayAuth { data, .. } | Self::Set { data, .. } => data,
            Self::Videos(data) | Self::Keys(data) | Self::Roles(data) => data,
            Self::NewKey(args) => &args.data,
            Self::SetKey(args) => &args.data,
            Self::DeleteKey(args) => &args.data,
            Self::SetRole(args) => &args.data,
            Self::DeleteRole(args) => &args.data,
            Self::Referer(args) => &args.data,
            Self::LostFound(args) => &args.data,
        };
        &args.data
    }
}
