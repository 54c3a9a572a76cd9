//! `kinora serve` and `kinora account`: the service and its data directory.

use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use kinora_service::{
    AccessKey, AccountState, Library, Service, ServiceConfig, SystemClock, VideoId,
    raise_open_files,
};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::signal::unix::SignalKind;

use crate::account;
use crate::args::{AccountAction, AccountArgs, ServeArgs, StateArg};
use crate::json;
use crate::lost_found;
use crate::notices;
use crate::out;
use crate::report::{Failure, Style};
use crate::signals;

pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("the service's threads", &error))
}

pub(crate) fn run(args: &ServeArgs, style: &Style) -> Result<(), Failure> {
    let mut config = ServiceConfig::new(&args.data, address(&args.listen)?);
    config.public_url = args
        .public_url
        .as_deref()
        .map(|text| {
            text.parse().map_err(|error| {
                Failure::usage(
                    format!("--public-url {text} is no URL: {error}"),
                    format!("--public-url {text} 不是 URL，例如 https://vod.example.com"),
                )
            })
        })
        .transpose()?;
    config.trusted_proxies.clone_from(&args.trusted_proxy);
    raise_open_files();
    runtime()?.block_on(async {
        let stop = signals::first_of(&[SignalKind::terminate(), SignalKind::interrupt()])?;
        let service = Service::open(config)
            .await
            .map_err(|error| Failure::of(&error))?;
        announce(&service, style);
        service
            .run(async move {
                stop.await;
            })
            .await
            .map_err(|error| Failure::of(&error))
    })
}

/// Prints the address, the first access key (this once) and that it is ready.
fn announce(service: &Service, style: &Style) {
    let endpoint = service.endpoint();
    if style.json {
        let mut ready = json!({ "event": "ready", "endpoint": endpoint });
        if let Some(key) = service.first_access_key() {
            ready["access_key_id"] = key.id.clone().into();
            ready["access_key_secret"] = key.secret.expose().into();
        }
        return json::line(&ready);
    }
    let at = style.say("listening at", "监听于");
    reported(&format!("{at} {endpoint}\n"));
    if let Some(key) = service.first_access_key() {
        show_key(key, style);
    }
    // Scripts wait for this word, so it is the same in every language.
    reported("ready\n");
}

/// Prints, and serves on where nobody reads it any more.
fn reported(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn show_key(key: &AccessKey, style: &Style) {
    if style.json {
        return json::line(
            &json!({ "access_key_id": key.id, "access_key_secret": key.secret.expose() }),
        );
    }
    let title = style.say(
        "access key (its secret is shown this once; keep it):",
        "访问密钥（Secret 只显示这一次，请妥善保存）：",
    );
    let (id, secret) = (&key.id, key.secret.expose());
    reported(&format!(
        "{title}\n  KINORA_ACCESS_KEY_ID={id}\n  KINORA_ACCESS_KEY_SECRET={secret}\n"
    ));
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    let mut found = text.to_socket_addrs().map_err(|_| {
        Failure::usage(
            format!("--listen {text} is no address; write HOST:PORT, for example 127.0.0.1:8080"),
            format!("--listen {text} 不是地址；应写作 主机:端口，例如 127.0.0.1:8080"),
        )
    })?;
    found.next().ok_or_else(|| {
        Failure::usage(
            format!("--listen {text} names no address"),
            format!("--listen {text} 没有对应的地址"),
        )
    })
}

async fn library(dir: &Path) -> Result<Library, Failure> {
    Library::open(dir, Arc::new(SystemClock))
        .await
        .map_err(|error| Failure::of(&error))
}

pub(crate) fn account(args: &AccountArgs, style: &Style) -> Result<(), Failure> {
    let data = args.action.data();
    runtime()?.block_on(async {
        let library = library(data).await?;
        notices::emit(&library, style);
        let done = act(&library, &args.action, style).await;
        library.close().await;
        done
    })
}

async fn act(library: &Library, action: &AccountAction, style: &Style) -> Result<(), Failure> {
    match action {
        AccountAction::NewKey(args) => {
            let key = account::new_key(library, args.policy.as_deref(), style).await?;
            show_key(&key, style);
        }
        AccountAction::Keys(_) => account::keys(library, style).await?,
        AccountAction::SetKey(args) => account::set_key(library, args, style).await?,
        AccountAction::DeleteKey(args) => account::delete_key(library, &args.id).await?,
        AccountAction::Roles(_) => account::roles(library, style).await?,
        AccountAction::SetRole(args) => account::set_role(library, args, style).await?,
        AccountAction::DeleteRole(args) => account::delete_role(library, &args.name).await?,
        AccountAction::Referer(args) => account::referer(library, args, style).await?,
        AccountAction::PlayAuth {
            video, lifetime, ..
        } => {
            let id = VideoId::parse(video).ok_or_else(|| {
                Failure::usage(
                    format!("{video} is no video id: 32 hexadecimal digits"),
                    format!("{video} 不是视频 ID：应为 32 位十六进制数字"),
                )
            })?;
            let minted = library
                .play_auth(&id, i64::from(*lifetime))
                .await
                .map_err(|error| Failure::of(&error))?;
            out::line(minted.expose());
        }
        AccountAction::Set { state, .. } => {
            let state = match state {
                StateArg::Active => AccountState::Active,
                StateArg::NotOpened => AccountState::NotOpened,
                StateArg::Suspended => AccountState::Suspended,
            };
            library
                .set_account_state(state)
                .await
                .map_err(|error| Failure::of(&error))?;
        }
        AccountAction::LostFound(args) => lost_found::run(library, args, style).await?,
        AccountAction::Videos { .. } => {
            for video in library
                .videos()
                .await
                .map_err(|error| Failure::of(&error))?
            {
                let status = video.status.as_str();
                if style.json {
                    json::line(&json!({
                        "video_id": video.id.as_str(), "title": video.title, "status": status,
                        "duration": video.duration_s, "size": video.size,
                    }));
                } else {
                    out::line(&format!(
                        "{}  {status:<12} {:>8.1} s  {}",
                        video.id.as_str(),
                        video.duration_s,
                        video.title
                    ));
                }
            }
        }
    }
    Ok(())
}
