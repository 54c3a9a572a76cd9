//! JSON lines on stdout, each flushed as it is written.

use serde::Serialize;

use crate::out;

/// Prints one object on a line.
pub(crate) fn line(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => out::line(&text),
        Err(error) => out::lost(&error.into()),
    }
}
