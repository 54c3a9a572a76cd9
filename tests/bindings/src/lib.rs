//! What the tests of the bindings share: packages that are laid out in a folder, and programs that are run with a limit.
#![forbid(unsafe_code)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "as in tests, whose part this is"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Whatever a test suite of another language does takes no longer.
const LIMIT_SECONDS: &str = "240";

/// The root of the project.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The shared library that cargo has built of a crate, beside the test that asks.
///
/// # Panics
/// When it is not there.
#[must_use]
#[track_caller]
pub fn shared_library(crate_name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap();
    let prefix = std::env::consts::DLL_PREFIX;
    let suffix = std::env::consts::DLL_SUFFIX;
    let built = folder.join(format!("{prefix}{crate_name}{suffix}"));
    assert!(built.is_file(), "{} was not built", built.display());
    built
}

/// Copies the files of a folder, without those of its folders.
///
/// # Panics
/// When it can not.
#[track_caller]
pub fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// A program that is ended after a while.
#[must_use]
pub fn limited(program: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", LIMIT_SECONDS]).arg(program);
    command
}

/// Runs it. Where it fails, its arguments and what it said are told, never its environment.
///
/// # Panics
/// When it does not succeed.
#[track_caller]
pub fn succeed(command: &mut Command) -> String {
    let words = || {
        let arguments = command.get_args().map(|it| it.to_string_lossy());
        arguments.collect::<Vec<_>>().join(" ")
    };
    let words = words();
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{words}: {error}"));
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let out = said(&output.stdout);
    assert!(
        output.status.success(),
        "{words}: {}\n{out}{}",
        output.status,
        said(&output.stderr)
    );
    out
}
