//! The `kinora` program: play, probe, decode, demux, diagnose, explain, serve, import.
#![forbid(unsafe_code)]

use std::process::ExitCode;

mod account;
mod args;
mod cache;
mod command_line;
mod config;
mod credential;
mod decode;
mod demux;
mod devices;
mod diagnose;
mod event_line;
mod explain;
mod help;
mod import;
mod json;
mod log;
mod lost_found;
mod membership;
mod notices;
mod out;
mod play;
mod play_auth;
mod probe;
mod progress;
mod record;
mod report;
mod serve;
mod shell;
mod signals;
mod source;
mod term;
mod times;
mod words;

use args::Command;

fn main() -> ExitCode {
    let cli = command_line::parse();
    let style = report::Style::new(&cli.common);
    run(cli, &style).unwrap_or_else(|failure| style.fail(&failure))
}

/// The log ends with it, before a failure is shown.
fn run(cli: args::Cli, style: &report::Style) -> Result<ExitCode, report::Failure> {
    let _log = log::begin(&cli, style)?;
    let usual = !cli.common.no_config;
    let done = match cli.command {
        Command::Play(args) => play::run(*args, usual, style),
        Command::Replay(args) => record::replay(&args, style),
        Command::Probe(args) => probe::run(&args, style),
        Command::Demux(args) => demux::run(&args, style),
        Command::Decode(args) => decode::run(&args, style),
        Command::Diagnose(args) => return diagnose::run(&args, style),
        Command::Explain(args) => return Ok(explain::run(&args, style)),
        Command::Devices => devices::run(style),
        Command::Preload(args) => cache::preload(&args, style),
        Command::Cache(args) => cache::run(&args.action, style),
        Command::Serve(args) => serve::run(&args, style),
        Command::Import(args) => import::run(&args, style),
        Command::PlayAuth(args) => play_auth::run(&args),
        Command::Account(args) => serve::account(&args, style),
        Command::Completions { shell } => shell::completions(shell, style.lang),
        Command::Man => shell::man(style.lang),
    };
    done.map(|()| ExitCode::SUCCESS)
}
