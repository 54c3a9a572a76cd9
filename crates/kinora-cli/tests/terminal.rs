//! Outputs that end early or are full, and inputs that are no files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

fn kinora(line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora"));
    command.args(line).stdin(Stdio::null());
    command.env("LC_ALL", "C").env_remove("KINORA_PLAY_AUTH");
    command
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    for line in [
        &["explain", "--list"][..],
        &["completions", "bash"],
        &["man"],
    ] {
        let child = kinora(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let mut first = String::new();
        let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        drop(out);
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{line:?}: {:?}", done.status);
        assert!(done.stderr.is_empty(), "{line:?}");
    }
}

#[test]
fn a_full_stdout_is_told_with_its_number() {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for line in [
        &["explain", "--list"][..],
        &["explain", "--json", "404"],
        &["completions", "zsh"],
    ] {
        let done = kinora(line).stdout(full()).output().unwrap();
        let told = String::from_utf8(done.stderr).unwrap();
        assert!(told.contains("ERROR_GENERAL_ENOSPC"), "{line:?}: {told}");
        assert_eq!(done.status.code(), Some(20));
    }
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let done = kinora(&["probe", pipe.to_str().unwrap()]).output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(told.contains("file.not_regular"), "{told}");
}

#[test]
fn a_speed_or_volume_out_of_range_is_refused() {
    for line in [
        ["play", "f", "--speed", "9"],
        ["play", "f", "--volume", "NaN"],
    ] {
        let done = kinora(&line)
            .stdout(File::create("/dev/null").unwrap())
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(2), "{line:?}");
    }
}

#[test]
fn wrong_arguments_that_only_the_program_knows_are_told_in_chinese() {
    let han = |text: &str| text.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for line in [
        &["play", "vid:x"][..],
        &["play", "f", "--header", "x"],
        &["play", "f", "--vo", "x"],
        &["play", "f", "--ao", "x"],
        &["replay", "/dev/null"],
        &["serve", "--data", "/dev/null", "--listen", "x"],
        &["serve", "--data", "/dev/null", "--public-url", "x"],
    ] {
        let done = kinora(line).args(["--lang", "zh"]).output().unwrap();
        let told = String::from_utf8(done.stderr).unwrap();
        assert!(
            told.starts_with("kinora: ") && han(&told),
            "{line:?}: {told}"
        );
        assert_eq!(done.status.code(), Some(2), "{line:?}");
    }
}
