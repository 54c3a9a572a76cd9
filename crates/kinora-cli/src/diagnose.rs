//! `kinora diagnose`: why a source does not play, and who must act.

mod bundle;
mod text;

use std::process::ExitCode;
use std::time::Duration;

use kinora_diagnose::{Options, diagnose};

use crate::args::DiagnoseArgs;
use crate::credential;
use crate::json;
use crate::out;
use crate::report::{Failure, Style};
use crate::source::{decoders, locate, net_config};

pub(crate) fn run(args: &DiagnoseArgs, style: &Style) -> Result<ExitCode, Failure> {
    let source = credential::source(&locate(&args.source)?, &args.vid)?;
    let options = Options {
        net: net_config(&args.net)?,
        decoders: decoders(args.decoder),
        play_for: Duration::from_secs(args.seconds),
    };
    let diagnosis = diagnose(&source, &options, |check| {
        if !style.json {
            out::prose(&text::check(check, style));
        }
    });
    if let Some(path) = &args.report {
        bundle::write(path, &diagnosis)?;
    }
    match style.json {
        true => json::line(&diagnosis),
        false => out::prose(&text::verdict(&diagnosis.verdict, style)),
    }
    if let Some(path) = args.report.as_ref().filter(|_| !style.json) {
        out::line(&format!("{}: {}", text::saved(style.lang), path.display()));
    }
    let fault = diagnosis.verdict.fault.as_ref();
    Ok(fault.map_or(ExitCode::SUCCESS, |fault| {
        ExitCode::from(fault.code().exit_status())
    }))
}
