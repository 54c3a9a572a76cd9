//! Writes `docs/fault-matrix.md`, or checks that it is what the last run of the tests showed:
//! `kinora-faults [--check] FILE`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use kinora_faults::{evidence, registry};

fn main() -> io::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if is_stale() {
        eprintln!("the code is newer than what its tests wrote down: run `make test` first");
        return Ok(ExitCode::FAILURE);
    }
    let made = registry::document();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--check", file] => return check(Path::new(file), &made),
        [file] => std::fs::write(file, made)?,
        _ => print!("{made}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Who can not run every test may work on; CI runs them all.
fn check(file: &Path, made: &str) -> io::Result<ExitCode> {
    if std::fs::read_to_string(file)? == made {
        return Ok(ExitCode::SUCCESS);
    }
    let file = file.display();
    eprintln!(
        "{file} does not say what the tests of this run showed; see `cargo xtask fault-matrix`"
    );
    Ok(match std::env::var_os("CI") {
        Some(_) => ExitCode::FAILURE,
        None => ExitCode::SUCCESS,
    })
}

/// Some source is younger than the evidence, or there is none.
fn is_stale() -> bool {
    let Some(written) = evidence::written() else {
        return true;
    };
    newest_source().is_some_and(|changed| changed > written)
}

fn newest_source() -> Option<SystemTime> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = Command::new("git")
        .args([
            "ls-files", "-z", "--", "*.rs", "*.toml", "*.lock", "*.sql", "*.tsv",
        ])
        .current_dir(&root)
        .output()
        .ok()?;
    listed
        .stdout
        .split(|byte| *byte == 0)
        .filter_map(|name| std::str::from_utf8(name).ok())
        .filter(|name| !name.is_empty())
        .filter_map(|name| root.join(name).metadata().ok()?.modified().ok())
        .max()
}
