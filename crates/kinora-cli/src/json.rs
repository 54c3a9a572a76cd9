//! JSON lines on stdout, each flushed as it is written.

use std::io::Write;

use serde::Serialize;

/// Prints one object on a line. A closed pipe ends the program quietly, as other tools do.
pub(crate) fn line(value: &impl Serialize) {
    let mut out = std::io::stdout().lock();
    let written = serde_json::to_writer(&mut out, value)
        .map_err(std::io::Error::from)
        .and_then(|()| writeln!(out))
        .and_then(|()| out.flush());
    if written.is_err() {
        std::process::exit(0);
    }
}
