//! Completions and the manual page, made by the program itself.

use clap::CommandFactory;

use crate::args::Cli;
use crate::out;
use crate::report::Failure;

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    // The generator panics where it can not write; memory always takes it.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "kinora", &mut script);
    out::print(&String::from_utf8_lossy(&script));
    Ok(())
}

/// The pages of the program and of each command, one after the other.
pub(crate) fn man() -> Result<(), Failure> {
    let command = Cli::command();
    let mut pages = Vec::new();
    for page in std::iter::once(&command).chain(command.get_subcommands()) {
        let rendered = clap_mangen::Man::new(page.clone()).render(&mut pages);
        rendered.map_err(|error| Failure::io("stdout", &error))?;
    }
    // An ellipsis that every roff can draw.
    out::print(&String::from_utf8_lossy(&pages).replace('…', "..."));
    Ok(())
}
