//! Documents that a crate of the tests writes about itself.

use std::path::Path;
use std::process::Command;

use crate::codes::Mode;

/// Lets `package` write `document` anew.
pub(crate) fn write(root: &Path, package: &str, document: &str) -> Result<(), String> {
    ask(root, package, &[document])?;
    println!("{document} is written");
    Ok(())
}

/// Lets the judge of conformance renew the table of formats in `document`, or check it.
pub(crate) fn formats(root: &Path, document: &str, mode: Mode) -> Result<(), String> {
    let words: &[&str] = match mode {
        Mode::Write => &["formats", document],
        Mode::Check => &["formats", "--check", document],
    };
    ask(root, "kinora-conformance", words)
}

/// Lets `package` check that `document` is what it would write.
pub(crate) fn check(root: &Path, package: &str, document: &str) -> Result<(), String> {
    ask(root, package, &["--check", document])
}

fn ask(root: &Path, package: &str, words: &[&str]) -> Result<(), String> {
    let status = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["run", "--quiet", "--package", package, "--"])
        .args(words)
        .current_dir(root)
        .status()
        .map_err(|error| format!("{package}: cargo does not run: {error}"))?;
    if !status.success() {
        return Err(format!("{package} {}: failed", words.join(" ")));
    }
    Ok(())
}
