//! Writes `docs/conformance.md` to the file named, or to standard output; `formats FILE` renews the table of formats in a
//! document, `formats --check FILE` tells whether it is that of today.
#![allow(clippy::print_stdout)]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["formats", file] => return Ok(std::fs::write(file, renewed(file)?)?),
        ["formats", "--check", file] if renewed(file)? == std::fs::read_to_string(file)? => {
            return Ok(());
        }
        ["formats", "--check", file] => {
            return Err(format!("{file}: its formats are old; cargo xtask formats").into());
        }
        _ => {}
    }
    let root = kinora_test_support::find_corpus()
        .ok_or("no corpus: set KINORA_CORPUS to its folder, the one with index.tsv")?;
    let text = kinora_conformance::report::document(&root)?;
    match std::env::args_os().nth(1) {
        Some(file) => std::fs::write(file, text)?,
        None => print!("{text}"),
    }
    Ok(())
}

fn renewed(file: &str) -> Result<String, Box<dyn Error>> {
    let document = std::fs::read_to_string(file)?;
    Ok(kinora_conformance::formats::renewed(&document)?)
}
