//! Content keys on the command line: what is wrong with one is said without showing it, and the right one opens the source.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

fn kinora(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.arg("--no-config").args(args).env("LC_ALL", "C");
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

const ID: &str = "0123456789abcdef0123456789abcdef";
const KEY: &str = "66778899aabbccddeeff001122334455";

#[test]
fn what_is_wrong_with_a_key_is_told_without_showing_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, format!("{ID}:{KEY}0\n")).unwrap();
    let in_file = format!("@{}", file.display());
    let short = format!("{ID}:{}", &KEY[..30]);
    let no_hex = format!("{ID}:{}", KEY.replace('6', "g"));
    let without_id = format!(":{KEY}");
    for wrong in [KEY, &short, &no_hex, &without_id, "", ":", &in_file] {
        for command in ["play", "probe", "demux", "decode"] {
            let refused = kinora(&[command, "film.mp4", "--key", wrong]);
            let said = said(&refused);
            assert_eq!(refused.status.code(), Some(2), "{command} {wrong}: {said}");
            assert!(said.contains("a --key is written KID:KEY"), "{said}");
            assert!(!said.contains(&KEY[..8]), "{said}");
        }
    }
    let missing = kinora(&["decode", "film.mp4", "--key", "@/no/such/file"]);
    assert!(
        said(&missing).contains("/no/such/file"),
        "{}",
        said(&missing)
    );
}

#[test]
fn only_what_reads_a_source_takes_a_key() {
    let takes = |command: &str| said(&kinora(&[command, "--help"])).contains("--key <KEY>");
    for command in ["play", "probe", "demux", "decode"] {
        assert!(takes(command), "{command}");
    }
    for command in ["play-auth", "diagnose", "serve"] {
        assert!(!takes(command), "{command}");
    }
}

/// The corpus's encrypted file, and its key as an argument.
fn encrypted() -> Option<(PathBuf, String)> {
    let folder = kinora_test_support::corpus()?.join("drm");
    let name = "sample_fragmented_clearkey.mp4";
    let keys: Value =
        serde_json::from_slice(&std::fs::read(folder.join("keys.json")).unwrap()).unwrap();
    let hex = |field: &str| -> String {
        let text = keys[name][field].as_str().unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let key = format!("{}:{}", hex("kid_base64url"), hex("key_base64url"));
    Some((folder.join(name), key))
}

/// A ClearKey licence with a key that is written KID:KEY.
fn licence_of(key: &str) -> String {
    let field = |hex: &str| -> String {
        let digits = hex.as_bytes().chunks(2);
        let bytes: Vec<u8> = digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let (id, key) = key.split_once(':').unwrap();
    let (kid, k) = (field(id), field(key));
    serde_json::json!({ "keys": [{ "kty": "oct", "kid": kid, "k": k }] }).to_string()
}

#[test]
fn what_is_no_licence_is_refused_without_showing_it() {
    let licence = licence_of(&format!("{ID}:{KEY}"));
    for wrong in [licence.replace("oct", "RSA"), licence.replace('}', "")] {
        let refused = said(&kinora(&["decode", "film.mp4", "--key", &wrong]));
        assert!(refused.contains("clearkey.licence"), "{refused}");
        assert!(!refused.contains("ZneI"), "{refused}");
    }
}

/// The last line of what a command that must succeed prints, and all lines.
fn lines(args: &[&str], source: &Path) -> Vec<Value> {
    let source = source.to_str().unwrap();
    let done = kinora(&[args, &[source]].concat());
    assert!(done.status.success(), "{args:?}: {}", said(&done));
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_right_key_opens_an_encrypted_file_and_none_or_another_does_not() {
    let Some((file, key)) = encrypted() else {
        return;
    };
    let decode = ["decode", "--json", "--decoder", "rust"];
    let decoded = lines(&[&decode[..], &["--key", &key]].concat(), &file);
    let decoded = decoded.last().unwrap();
    assert_eq!(decoded["damaged"], 0, "{decoded}");
    assert!(decoded["frames"].as_u64().unwrap() > 20, "{decoded}");

    let (id, _) = key.split_once(':').unwrap();
    let dir = tempfile::tempdir().unwrap();
    let in_file = dir.path().join("key");
    std::fs::write(&in_file, format!("{key}\n")).unwrap();
    let in_file = format!("@{}", in_file.display());
    let dump = ["demux", "--packets", "--key"];
    let clear = lines(&[&dump[..], &[&in_file]].concat(), &file);
    assert!(clear == lines(&[&dump[..], &[&key]].concat(), &file));
    let licence = dir.path().join("licence.json");
    std::fs::write(&licence, licence_of(&key)).unwrap();
    let licence = format!("@{}", licence.display());
    assert!(clear == lines(&[&dump[..], &[&licence]].concat(), &file));
    assert!(clear != lines(&["demux", "--packets"], &file));

    let play = [
        "play",
        "--headless",
        "--stats",
        "json",
        "--until",
        "first-frame",
    ];
    let played = lines(&[&play[..], &["--key", &key]].concat(), &file);
    assert!(
        played.iter().any(|line| line["event"] == "first_frame"),
        "{played:?}"
    );

    let source = file.to_str().unwrap();
    let other = format!("{:032x}:{}", 1, &key[33..]);
    for keys in [&[][..], &["--key", &other]] {
        let refused = kinora(&[&decode[..], keys, &[source]].concat());
        let said = said(&refused);
        assert_eq!(refused.status.code(), Some(15), "{said}");
        assert!(said.contains("container.encrypted"), "{said}");
        assert!(said.replace('-', "").contains(id), "{said}");
        assert!(!said.contains(&key[33..]), "{said}");
    }
}
