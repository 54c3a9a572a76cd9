//! Completions and the manual page, made by the program itself.

use clap::CommandFactory;

use crate::args::Cli;
use crate::report::Failure;

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    clap_complete::generate(shell, &mut Cli::command(), "kinora", &mut std::io::stdout());
    Ok(())
}

/// The pages of the program and of each command, one after the other.
pub(crate) fn man() -> Result<(), Failure> {
    let command = Cli::command();
    let mut out = std::io::stdout().lock();
    clap_mangen::Man::new(command.clone())
        .render(&mut out)
        .map_err(|error| Failure::io("stdout", &error))?;
    for sub in command.get_subcommands() {
        let page = clap_mangen::Man::new(sub.clone());
        page.render(&mut out)
            .map_err(|error| Failure::io("stdout", &error))?;
    }
    Ok(())
}
