//! Writes `docs/fault-matrix.md` to the file named, or to standard output.
#![allow(clippy::print_stdout)]

use std::io;

fn main() -> io::Result<()> {
    let text = kinora_faults::registry::document();
    match std::env::args_os().nth(1) {
        Some(file) => std::fs::write(file, text)?,
        None => print!("{text}"),
    }
    Ok(())
}
