//! JSON lines on stdout, each flushed as it is written.

use std::io::Write;

use serde_json::Value;

/// Prints one object on a line. A closed pipe ends the program quietly, as other tools do.
pub(crate) fn line(value: &Value) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{value}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}
