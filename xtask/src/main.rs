//! Checks and generators of the workspace: `cargo xtask help` lists them.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod causes;
mod codes;
mod document;
mod features;
mod ffmpeg_abi;
mod ffmpeg_codecs;
mod modules;
mod names;
mod sans_io;
mod tidy;

const HELP: &str = "\
cargo xtask codes [--check]  the files made from the error table
cargo xtask tidy             the house rules: arrows between crates and the service's modules, bans below the sans-IO line, sizes, causes in Chinese
cargo xtask conformance      judge the conformance corpus, write docs/conformance.md
cargo xtask formats [--check]  the formats in README.md from the registry of containers
cargo xtask features [--check]  docs/features.md: what the documented player can do, and where it is here
cargo xtask abr              compare the rules of adaptation on 240 networks, write docs/abr.md
cargo xtask fault-matrix [--check]  docs/fault-matrix.md from the registry of faults and the last `make test`
cargo xtask vendor-compatibility [--check]  docs/vendor-compatibility.md from the service's actions and what the tests of the vendor's clients read
cargo xtask ffmpeg-abi [RS]   measure libavcodec's headers (or bindings of another major), write the table of that major
cargo xtask ffmpeg-codecs    add the codecs that the installed `ffmpeg` lists to the table of their names
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["tidy"] => tidy::run(&root()),
        ["codes"] => codes::run(&root(), codes::Mode::Write),
        ["codes", "--check"] => codes::run(&root(), codes::Mode::Check),
        ["conformance"] => document::write(&root(), "kinora-conformance", "docs/conformance.md"),
        ["formats"] => document::formats(&root(), "README.md", codes::Mode::Write),
        ["formats", "--check"] => document::formats(&root(), "README.md", codes::Mode::Check),
        ["features"] => features::run(&root(), codes::Mode::Write),
        ["features", "--check"] => features::run(&root(), codes::Mode::Check),
        ["abr"] => document::write(&root(), "kinora-abr", "docs/abr.md"),
        ["fault-matrix"] => document::write(&root(), "kinora-faults", "docs/fault-matrix.md"),
        ["fault-matrix", "--check"] => {
            document::check(&root(), "kinora-faults", "docs/fault-matrix.md")
        }
        ["vendor-compatibility"] => document::write(
            &root(),
            "kinora-service-clients",
            "docs/vendor-compatibility.md",
        ),
        ["vendor-compatibility", "--check"] => document::check(
            &root(),
            "kinora-service-clients",
            "docs/vendor-compatibility.md",
        ),
        ["ffmpeg-codecs"] => ffmpeg_codecs::run(&root()),
        ["ffmpeg-abi"] => ffmpeg_abi::run(&root(), None),
        ["ffmpeg-abi", bindings] => ffmpeg_abi::run(&root(), Some(Path::new(bindings))),
        _ => {
            print!("{HELP}");
            return if words == ["help"] {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(2)
            };
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the checkout: the folder above this crate.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
