//! Writes `docs/conformance.md` to the file named, or to standard output.
#![allow(clippy::print_stdout)]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let root = kinora_test_support::find_corpus()
        .ok_or("no corpus: set KINORA_CORPUS to its folder, the one with index.tsv")?;
    let text = kinora_conformance::report::document(&root)?;
    match std::env::args_os().nth(1) {
        Some(file) => std::fs::write(file, text)?,
        None => print!("{text}"),
    }
    Ok(())
}
