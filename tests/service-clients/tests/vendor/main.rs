//! The vendor's SDKs for servers, unchanged, pointed at our service.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kinora::{Secret, VidAuth};
use kinora_faults::stage::{Stage, by_auth};
use kinora_faults::watch::Watch;
use kinora_service::{Policy, RamRole, TrustPolicy};
use serde_json::Value;

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn room(name: &str) -> PathBuf {
    let room = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&room).unwrap();
    room
}

/// Runs a step of an installation; it is said what to do where it fails.
fn install(command: &mut Command) {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}. make setup installs it"));
    let reported = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{command:?} failed. Is there a network? KINORA_OFFLINE=1 leaves the vendor's SDKs out.\n{reported}"
    );
}

/// Leaves a mark once all steps are done, so that they are done once.
fn once(room: &Path, made_of: &Path, steps: impl FnOnce()) {
    let (mark, wanted) = (
        room.join("installed"),
        std::fs::read_to_string(made_of).unwrap(),
    );
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return;
    }
    steps();
    std::fs::write(mark, wanted).unwrap();
}

fn is_offline() -> bool {
    let offline = std::env::var_os("KINORA_OFFLINE").is_some();
    if offline {
        kinora_test_support::skip("KINORA_OFFLINE is set, so the vendor's SDKs are not installed");
    }
    offline
}

/// Runs the client's script against a fresh service and checks its answers.
fn asks(mut script: Command) {
    let stage = Stage::new();
    let role = RamRole {
        name: "viewer".into(),
        policy: Policy::allowing(&["vod:GetPlayInfo"]).unwrap(),
        trust: TrustPolicy::account(),
    };
    stage.run(stage.library.put_role(&role)).unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = script
        .env("KINORA_HOST", stage.address.to_string())
        .env("KINORA_VIDEO", stage.video.to_string())
        .env("KINORA_KEY", &stage.key.id)
        .env("KINORA_SECRET", stage.key.secret.expose())
        .output()
        .unwrap();
    let text = String::from_utf8(stdout).unwrap();
    assert!(
        status.success(),
        "{text}{}",
        String::from_utf8_lossy(&stderr)
    );
    let reported: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        reported.len(),
        12,
        "six calls, by GET and by POST: {reported:#?}"
    );
    let video = stage.video.to_string();
    for call in &reported {
        let reply = &call["reply"];
        match call["call"].as_str().unwrap() {
            "AssumeRole" => assert!(reply["Credentials"]["Expiration"].is_string(), "{call}"),
            "GetVideoInfo" => assert_eq!(reply["Video"]["VideoId"], video.as_str(), "{call}"),
            "GetPlayInfo" => assert_eq!(
                reply["PlayInfoList"]["PlayInfo"][0]["Status"], "Normal",
                "{call}"
            ),
            "GetVideoPlayAuth" => plays(&stage, reply["PlayAuth"].as_str().unwrap()),
            "unknown video" => refused(call, 404, "InvalidVideo.NotFound"),
            // The Python SDK sees that it signed what the service checked, and says so in its own word.
            "wrong secret" if call["code"] == "InvalidAccessKeySecret" => {
                refused(call, 400, "InvalidAccessKeySecret")
            }
            "wrong secret" => refused(call, 400, "SignatureDoesNotMatch"),
            other => panic!("nobody asked for {other}"),
        }
    }
}

fn refused(call: &Value, status: u64, code: &str) {
    assert_eq!(call["code"], code, "{call}");
    // Not every SDK passes the status on.
    assert!(
        call["status"].is_null() || call["status"] == status,
        "{call}"
    );
    assert!(
        call["request_id"].as_str().is_some_and(|id| !id.is_empty()),
        "{call}"
    );
}

/// What the SDK got opens the video for our player.
fn plays(stage: &Stage, play_auth: &str) {
    let mut watch = Watch::plain();
    watch.open(by_auth(VidAuth {
        play_auth: Secret::new(play_auth),
        ..stage.auth()
    }));
    watch.first_frame();
}

#[test]
fn the_vendors_python_sdk_is_served() {
    if is_offline() {
        return;
    }
    let (room, wanted) = (room("python"), clients().join("requirements.txt"));
    once(&room, &wanted, || {
        install(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&room),
        );
        install(
            Command::new(room.join("bin/pip"))
                .args(["install", "--quiet", "-r"])
                .arg(&wanted),
        );
    });
    let mut script = Command::new(room.join("bin/python"));
    script.arg(clients().join("ask.py"));
    asks(script);
}

#[test]
fn the_vendors_node_sdk_is_served() {
    if is_offline() {
        return;
    }
    let (room, wanted) = (room("node"), clients().join("package-lock.json"));
    once(&room, &wanted, || {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(clients().join(file), room.join(file)).unwrap();
        }
        install(
            Command::new("npm")
                .args(["ci", "--silent"])
                .current_dir(&room),
        );
    });
    // A script looks for its packages beside itself.
    std::fs::copy(clients().join("ask.cjs"), room.join("ask.cjs")).unwrap();
    let mut script = Command::new("node");
    script.arg(room.join("ask.cjs"));
    asks(script);
}
