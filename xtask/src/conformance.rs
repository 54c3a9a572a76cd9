//! `docs/conformance.md`, written by the crate that judges the corpus.

use std::path::Path;
use std::process::Command;

const DOCUMENT: &str = "docs/conformance.md";

/// Judges the corpus anew.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let status = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args([
            "run",
            "--quiet",
            "--package",
            "kinora-conformance",
            "--",
            DOCUMENT,
        ])
        .current_dir(root)
        .status()
        .map_err(|error| format!("conformance: cargo does not run: {error}"))?;
    if !status.success() {
        return Err("conformance: the corpus could not be judged".to_owned());
    }
    println!("conformance: {DOCUMENT} is written");
    Ok(())
}
