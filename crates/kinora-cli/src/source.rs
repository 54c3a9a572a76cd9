//! From arguments to what the SDK takes: network settings, sources, secrets.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use kinora::{
    ContentKey, DecoderChoice, DemuxerChoice, Header, IpFamily, KeyId, NetConfig, NoProxy,
    PlayerConfig, Proxy, ProxyConfig, ReadOptions, RenditionChoice, Secret, clear_key,
    sixteen_from_hex,
};

use kinora_errors::{Coded as _, Lang, causes, mask_url};

use crate::args::{DecoderArg, DemuxerArg, KeyArgs, NetArgs, ReadArgs};
use crate::report::Failure;

/// The network's own limit comes before the player's: it knows what it waited for.
const NAMED_FIRST: Duration = Duration::from_millis(500);

pub(crate) fn net_config(args: &NetArgs) -> Result<NetConfig, Failure> {
    let default = NetConfig::default();
    let waits = default.timeouts(Some(Duration::from_millis(args.timeout.max(1))));
    Ok(NetConfig {
        dns_timeout: Some(waits.dns),
        connect_timeout: Some(waits.connect),
        tls_timeout: Some(waits.tls),
        first_byte_timeout: Some(waits.first_byte),
        stall_timeout: Some(waits.stall),
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
            let reported = why.to_string();
            let chinese = causes::in_language(&reported, Lang::Zh);
            Failure::usage(
                format!("--proxy: {reported}"),
                format!("--proxy：{chinese}"),
            )
        })?),
    };
    let no_proxy = match &args.noproxy {
        Some(list) => NoProxy::parse(list),
        None => NoProxy::from_env(variable),
    };
    Ok(config.no_proxy(no_proxy))
}

/// How a source is read without playing it.
pub(crate) fn read_options(args: &ReadArgs) -> Result<ReadOptions, Failure> {
    Ok(ReadOptions {
        network: net_config(&args.net)?,
        retries: args.net.retries,
        rendition: RenditionChoice {
            video: args.renditions.rendition,
            audio: args.renditions.audio_rendition,
        },
        program: args.renditions.program,
        keys: keys(&args.protection)?,
        demuxers: demuxers(args.demuxer),
        ..ReadOptions::default()
    })
}

/// The content keys that were given, one by one or in licences. What is wrong with one is reported without showing it.
pub(crate) fn keys(args: &KeyArgs) -> Result<Vec<(KeyId, ContentKey)>, Failure> {
    let mut keys = Vec::new();
    for text in &args.keys {
        let given = secret(text)?;
        let given = given.expose().trim();
        match given.starts_with('{') {
            true => {
                keys.extend(clear_key::licence(given.as_bytes()).map_err(|error| error.fault())?)
            }
            false => keys.push(written_key(given)?),
        }
    }
    Ok(keys)
}

fn written_key(text: &str) -> Result<(KeyId, ContentKey), Failure> {
    let parsed = text.split_once(':').and_then(|(id, key)| {
        let key = ContentKey::new(sixteen_from_hex(key)?);
        Some((KeyId::from_hex(id)?, key))
    });
    parsed.ok_or_else(|| {
        Failure::usage(
            "a --key is written KID:KEY, each of them 32 hexadecimal digits, or is a ClearKey licence in JSON",
            "--key 应写作 KID:KEY，各为 32 位十六进制数字，或为 JSON 格式的 ClearKey 许可证",
        )
    })
}

pub(crate) fn player_config(args: &NetArgs) -> PlayerConfig {
    PlayerConfig {
        network_timeout: Duration::from_millis(args.timeout.max(1)).saturating_add(NAMED_FIRST),
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

/// What was named, as the SDK takes it: a URL, a path, or standard input for `-`.
pub(crate) fn locate(given: &OsStr) -> Result<String, Failure> {
    if given == "-" {
        if std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "- is standard input, and that is a terminal: redirect a file or a pipe to it",
                "- 表示标准输入，而它是终端：请重定向文件或管道",
            ));
        }
        return Ok("/dev/stdin".to_owned());
    }
    let Some(text) = given.to_str() else {
        return file_url(Path::new(given));
    };
    let is_url = text.contains("://") || text.starts_with("vid:");
    if let Some(path) = text.strip_prefix("file:").filter(|_| !is_url) {
        return Ok(format!("file://{path}"));
    }
    // `a:b.mp4` could be taken for a URL of the scheme `a`.
    match !is_url && text.contains(':') && Path::new(text).exists() {
        true => Ok(std::path::absolute(text)
            .ok()
            .and_then(|path| path.into_os_string().into_string().ok())
            .unwrap_or_else(|| text.to_owned())),
        false => Ok(text.to_owned()),
    }
}

/// A name that is no text, with its odd bytes as RFC 8089 writes them.
fn file_url(path: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(path)
        .map_err(|error| Failure::io(&path.display().to_string(), &error))?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(byte);
    let encoded = path
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| match plain(byte) {
            true => char::from(*byte).to_string(),
            false => format!("%{byte:02X}"),
        });
    Ok(format!("file://{}", encoded.collect::<String>()))
}

/// It is a link, a video's id, or a file that is there.
pub(crate) fn is_there(given: &OsStr) -> bool {
    let text = given.to_string_lossy();
    text.contains("://") || text.starts_with("vid:") || Path::new(given).exists()
}

/// What was named, fit to be shown.
pub(crate) fn shown(given: &OsStr) -> String {
    let text: String = given
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    match text.contains("://") {
        true => mask_url(&text),
        false => text,
    }
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

pub(crate) fn demuxers(arg: DemuxerArg) -> DemuxerChoice {
    match arg {
        DemuxerArg::Auto => DemuxerChoice::Auto,
        DemuxerArg::Kinora => DemuxerChoice::Kinora,
        DemuxerArg::Ffmpeg => DemuxerChoice::Ffmpeg,
    }
}

pub(crate) fn decoders(arg: DecoderArg) -> DecoderChoice {
    match arg {
        DecoderArg::Auto => DecoderChoice::Auto,
        DecoderArg::Rust => DecoderChoice::Rust,
        DecoderArg::Ffmpeg => DecoderChoice::Ffmpeg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        net: NetArgs,
    }

    fn waiting(timeout: &str) -> (NetConfig, PlayerConfig) {
        let args = Line::try_parse_from(["kinora", "--timeout", timeout]).unwrap();
        (net_config(&args.net).unwrap(), player_config(&args.net))
    }

    #[test]
    fn the_limit_that_is_asked_for_is_the_limit() {
        for (asked, ms) in [("1000", 1_000), ("12500", 12_500), ("20000", 20_000)] {
            let (net, player) = waiting(asked);
            let limit = Duration::from_millis(ms);
            let answer = (net.first_byte_timeout, net.stall_timeout);
            assert_eq!(answer, (Some(limit), Some(limit)));
            for step in [net.dns_timeout, net.connect_timeout, net.tls_timeout] {
                assert!(step.is_some_and(|step| step <= limit), "{asked}");
            }
            assert!(player.network_timeout >= limit);
        }
        let (net, _) = waiting("20000");
        assert_eq!(net.connect_timeout, Some(Duration::from_secs(20)));
    }
}
