//! Documents that a crate of the tests writes about itself.

use std::path::Path;
use std::process::Command;

/// Lets `package` write `document` anew.
pub(crate) fn write(root: &Path, package: &str, document: &str) -> Result<(), String> {
    let status = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["run", "--quiet", "--package", package, "--", document])
        .current_dir(root)
        .status()
        .map_err(|error| format!("{document}: cargo does not run: {error}"))?;
    if !status.success() {
        return Err(format!("{document}: {package} could not write it"));
    }
    println!("{document} is written");
    Ok(())
}
