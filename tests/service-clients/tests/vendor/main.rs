//! The vendor's SDKs for servers, unchanged, pointed at our service. Each test says which calls its client made and which fields
//! of the replies were read, and that must be what `proofs.tsv` says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod client;
mod install;
mod scenario;

use std::path::{Path, PathBuf};
use std::process::Command;

use client::{Client, Methods};
use scenario::{MPS, STS, VOD};

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn is_offline() -> bool {
    let offline = std::env::var_os("KINORA_OFFLINE").is_some();
    if offline {
        kinora_test_support::skip("KINORA_OFFLINE is set, so the vendor's SDKs are not installed");
    }
    offline
}

fn python(room: &str, script: &str) -> Command {
    let room = install::python(room, &clients().join(format!("{script}.txt")));
    let mut command = Command::new(room.join("bin/python"));
    command.arg(clients().join(format!("{script}.py")));
    command
}

fn node(script: &str) -> Command {
    let room = install::node();
    // A script looks for its packages beside itself.
    for file in [script, "answers.cjs"] {
        std::fs::copy(clients().join(file), room.join(file)).unwrap();
    }
    let mut command = Command::new("node");
    command.arg(room.join(script));
    command
}

#[test]
fn the_vendors_current_python_sdks_are_served() {
    if is_offline() {
        return;
    }
    let client = Client::new(
        "Python: alibabacloud_vod20170321, _sts20150401, _mts20140618",
        Methods::SyncAsync,
        &[VOD, STS, MPS],
        python("python-current", "current"),
    );
    scenario::all(client);
}

#[test]
fn the_vendors_older_python_sdk_is_served() {
    if is_offline() {
        return;
    }
    let client = Client::new(
        "Python: aliyun-python-sdk-vod, -sts",
        Methods::GetPost,
        &[VOD, STS],
        python("python-older", "older"),
    );
    scenario::all(client);
}

#[test]
fn the_vendors_current_node_sdks_are_served() {
    if is_offline() {
        return;
    }
    let client = Client::new(
        "Node: @alicloud/openapi-client, @alicloud/sts20150401",
        Methods::GetPost,
        &[VOD, STS, MPS],
        node("current.cjs"),
    );
    scenario::all(client);
}

#[test]
fn the_vendors_older_node_sdk_is_served() {
    if is_offline() {
        return;
    }
    let client = Client::new(
        "Node: @alicloud/pop-core",
        Methods::GetPost,
        &[VOD, STS, MPS],
        node("older.cjs"),
    );
    scenario::all(client);
}
