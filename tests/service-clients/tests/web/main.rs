//! The vendor's web player, unchanged, in a headless Chromium: it plays from our service by a temporary key and by a play credential,
//! one file and HLS. The names of the vendor's service lead to ours, by the browser's own rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

#[path = "../vendor/install.rs"]
#[allow(dead_code, reason = "the other clients' part of it")]
mod install;
mod page;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kinora::{Credentials, NetConfig};
use kinora_faults::stage::Stage;
use kinora_faults::tls::{Certificate, TlsServer};
use kinora_service_clients::Proof;
use page::PageServer;
use serde_json::{Value, json};

const NAME: &str = "Web: aliyun-aliplayer, Chromium";
const REGION: &str = "cn-shanghai";
const HOST: &str = "vod.cn-shanghai.aliyuncs.com";
/// A browser starts, asks and plays in a few seconds; a machine may be slow.
const PATIENCE: Duration = Duration::from_secs(90);

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn chromium() -> Option<&'static str> {
    let known = ["chromium", "chromium-browser", "google-chrome"];
    known.into_iter().find(|name| {
        let asked = Command::new(name).arg("--version").output();
        asked.is_ok_and(|done| done.status.success())
    })
}

struct Browser {
    child: Child,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Opens the page; what the vendor's host is asked for by TLS goes one way, what in the clear another, and nothing else leaves.
fn browse(program: &str, url: &str, tls: u16, plain: u16) -> Browser {
    let profile = tempfile::tempdir().unwrap();
    let rules = format!(
        "MAP {HOST}:443 127.0.0.1:{tls}, MAP {HOST}:80 127.0.0.1:{plain}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    );
    let child = Command::new(program)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--mute-audio",
            "--no-first-run",
            "--disable-background-networking",
            "--autoplay-policy=no-user-gesture-required",
            "--ignore-certificate-errors",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--host-resolver-rules={rules}"))
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Browser {
        child,
        _profile: profile,
    }
}

/// What the player is given: each kind of credential.
fn credentials(stage: &Stage) -> [Value; 2] {
    let session = stage.sts(&["vod:GetPlayInfo"], 900);
    let own = Credentials {
        access_key_id: stage.key.id.clone(),
        access_key_secret: stage.key.secret.clone(),
        security_token: None,
    };
    let video = stage.video.to_string();
    let endpoint = stage.endpoint();
    let play_auth = kinora::play_auth(
        &video,
        3000,
        Some(&endpoint),
        REGION,
        &own,
        &NetConfig::default(),
    );
    [
        json!({
            "vid": video,
            "accessKeyId": session.access_key_id,
            "accessKeySecret": session.access_key_secret.expose(),
            "securityToken": session.security_token.expose(),
            "region": REGION,
        }),
        json!({ "vid": video, "playauth": play_auth.unwrap().expose() }),
    ]
}

/// The fields that the player read until it played.
fn played(page: &PageServer, way: &str) -> BTreeSet<String> {
    let mut told = Vec::new();
    loop {
        let Some(now) = page.told(PATIENCE) else {
            panic!("{way}: it does not play; the page told {told:#?}");
        };
        if now["at"].as_f64().is_some() {
            assert!(now["duration"].as_f64().unwrap() > 0.5, "{way}: {now}");
            let read = now["read"].as_array().unwrap().iter();
            return read
                .map(|field| field.as_str().unwrap().to_owned())
                .collect();
        }
        assert!(now["error"].is_null(), "{way}: {now}");
        told.push(now);
    }
}

#[test]
fn the_vendors_web_player_plays_by_both_credentials_and_in_both_formats() {
    if std::env::var_os("KINORA_OFFLINE").is_some() {
        return kinora_test_support::skip("KINORA_OFFLINE is set: the player is not installed");
    }
    let Some(chromium) = chromium() else {
        return kinora_test_support::skip("no Chromium: make setup installs it");
    };
    let package = install::node().join("node_modules/aliyun-aliplayer/dist");
    let stage = Stage::new();
    let tls = TlsServer::before(stage.proxy.address(), Certificate::Own);
    let tls_port = tls.url("").rsplit(':').next().unwrap().parse().unwrap();
    let mut fields = BTreeSet::new();
    for credential in credentials(&stage) {
        for format in ["mp4", "m3u8"] {
            let mut options = credential.clone();
            options["format"] = format.into();
            let page = PageServer::start(
                &clients().join("player.html"),
                &package.join("aliplayer-min.js"),
            );
            let by = if credential["playauth"].is_null() {
                "STS"
            } else {
                "PlayAuth"
            };
            let way = format!("{by}, {format}");
            let url = page.url(&options.to_string());
            let _browser = browse(chromium, &url, tls_port, stage.address.port());
            fields.extend(played(&page, &way));
            eprintln!("{way}: plays");
        }
    }
    let asked = stage.proxy.seen();
    let asked: Vec<&str> = asked.iter().map(|exchange| exchange.target()).collect();
    let by_player = asked
        .iter()
        .filter(|target| target.contains("Channel=HTML5"));
    assert_eq!(by_player.count(), 4, "one call each: {asked:#?}");
    let proof = Proof {
        client: NAME.to_owned(),
        version: "2017-03-21".to_owned(),
        action: "GetPlayInfo".to_owned(),
        answer: "200".to_owned(),
        fields,
    };
    eprintln!("{proof}");
    kinora_service_clients::check(NAME, &[proof]).unwrap();
}
