//! From arguments to what the SDK takes: network settings, sources, secrets.

use std::path::Path;
use std::time::Duration;

use kinora::{
    DecoderChoice, Header, IpFamily, NetConfig, NoProxy, PlayerConfig, Proxy, ProxyConfig,
    ReadOptions, RenditionChoice, Secret,
};

use kinora_errors::{Lang, causes};

use crate::args::{DecoderArg, NetArgs, RenditionArgs};
use crate::report::Failure;

pub(crate) fn net_config(args: &NetArgs) -> Result<NetConfig, Failure> {
    let limit = Duration::from_millis(args.timeout.max(1));
    let default = NetConfig::default();
    Ok(NetConfig {
        dns_timeout: default.dns_timeout.min(limit),
        connect_timeout: default.connect_timeout.min(limit),
        tls_timeout: default.tls_timeout.min(limit),
        first_byte_timeout: default.first_byte_timeout.min(limit),
        stall_timeout: limit,
        headers: args
            .headers
            .iter()
            .map(|text| header(text))
            .collect::<Result<_, _>>()?,
        referer: args.referer.clone(),
        user_agent: args.user_agent.clone().unwrap_or(default.user_agent),
        proxy: proxies(args)?,
        extra_ca_pem: args
            .ca
            .as_deref()
            .map(read)
            .transpose()?
            .unwrap_or_default(),
        ip_family: match (args.ipv4, args.ipv6) {
            (true, _) => IpFamily::V4,
            (_, true) => IpFamily::V6,
            _ => IpFamily::Any,
        },
        ..default
    })
}

/// What the arguments say of proxies, else the environment.
fn proxies(args: &NetArgs) -> Result<ProxyConfig, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let config = match &args.proxy {
        None => ProxyConfig::from_env(variable),
        Some(given) => ProxyConfig::all(Proxy::parse(given).map_err(|why| {
            let told = why.to_string();
            let chinese = causes::in_language(&told, Lang::Zh);
            Failure::usage(format!("--proxy: {told}"), format!("--proxy：{chinese}"))
        })?),
    };
    let exempt = match &args.noproxy {
        Some(list) => NoProxy::parse(list),
        None => NoProxy::from_env(variable),
    };
    Ok(config.except(exempt))
}

/// How a source is read without playing it.
pub(crate) fn read_options(
    net: &NetArgs,
    renditions: &RenditionArgs,
) -> Result<ReadOptions, Failure> {
    Ok(ReadOptions {
        network: net_config(net)?,
        retries: net.retries,
        rendition: RenditionChoice {
            video: renditions.rendition,
            audio: renditions.audio_rendition,
        },
        ..ReadOptions::default()
    })
}

pub(crate) fn player_config(args: &NetArgs) -> PlayerConfig {
    PlayerConfig {
        network_timeout: Duration::from_millis(args.timeout.max(1)),
        network_retry_count: args.retries,
        ..PlayerConfig::default()
    }
}

fn header(text: &str) -> Result<Header, Failure> {
    let (name, value) = text
        .split_once(':')
        .filter(|(name, _)| !name.trim().is_empty())
        .ok_or_else(|| {
            Failure::usage(
                "a --header is written NAME:VALUE",
                "--header 应写作 名称:值",
            )
        })?;
    Ok(Header {
        name: name.trim().into(),
        value: value.trim().into(),
    })
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::io(&path.display().to_string(), &error))
}

/// A secret given as it is, or as `@FILE`.
pub(crate) fn secret(given: &str) -> Result<Secret, Failure> {
    let Some(path) = given.strip_prefix('@') else {
        return Ok(Secret::new(given.trim()));
    };
    let text = String::from_utf8(read(Path::new(path))?)
        .map_err(|_| Failure::usage(format!("{path} is not text"), format!("{path} 不是文本")))?;
    Ok(Secret::new(text.trim()))
}

pub(crate) fn decoders(arg: DecoderArg) -> DecoderChoice {
    match arg {
        DecoderArg::Auto => DecoderChoice::Auto,
        DecoderArg::Rust => DecoderChoice::Rust,
        DecoderArg::Ffmpeg => DecoderChoice::Ffmpeg,
    }
}
