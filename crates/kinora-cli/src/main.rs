//! The `kinora` program: play, probe, decode, demux, diagnose, explain, serve, import.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser as _};
use kinora_errors::Lang;

mod args;
mod credential;
mod decode;
mod demux;
mod diagnose;
mod explain;
mod help;
mod import;
mod json;
mod out;
mod play;
mod play_auth;
mod probe;
mod record;
mod report;
mod serve;
mod shell;
mod signals;
mod source;
mod term;
mod times;
mod words;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = parse();
    let style = report::Style::new(&cli.common);
    let done = match cli.command {
        Command::Play(args) => play::run(*args, &style),
        Command::Replay(args) => record::replay(&args, &style),
        Command::Probe(args) => probe::run(&args, &style),
        Command::Demux(args) => demux::run(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Diagnose(args) => {
            return diagnose::run(&args, &style).unwrap_or_else(|failure| style.fail(&failure));
        }
        Command::Explain(args) => return explain::run(&args, &style),
        Command::Serve(args) => serve::run(&args, &style),
        Command::Import(args) => import::run(&args, &style),
        Command::PlayAuth(args) => play_auth::run(&args),
        Command::Account(args) => serve::account(&args, &style),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man => shell::man(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => style.fail(&failure),
    }
}

/// Help and usage errors come in the user's language, so it has to be known before the arguments are.
fn parse() -> Cli {
    if report::lang_of(std::env::args_os()) == Lang::En {
        return Cli::parse();
    }
    let matches = help::chinese(Cli::command()).try_get_matches();
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => help::exit(&error),
    }
}
