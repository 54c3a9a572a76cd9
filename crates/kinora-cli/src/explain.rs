//! `kinora explain`: a number, a name or words looked up in the error table.

use std::process::ExitCode;

use kinora_errors::{ReportStyle, explain};

use crate::args::ExplainArgs;
use crate::json;
use crate::out;
use crate::report::Style;

/// Nothing was found; the nearest names were shown.
const NOT_FOUND: u8 = 1;

pub(crate) fn run(args: &ExplainArgs, style: &Style) -> ExitCode {
    if args.list || args.group.is_some() {
        out::prose(&explain::list(args.group.as_deref(), style.lang));
        return ExitCode::SUCCESS;
    }
    let answer = explain::look_up(&args.what.join(" "));
    let report = if style.color {
        ReportStyle::Ansi
    } else {
        ReportStyle::Plain
    };
    if style.json {
        json::line(&explain::json(&answer));
    } else {
        out::prose(&explain::render(&answer, style.lang, report));
    }
    if answer.matches.is_empty() {
        ExitCode::from(NOT_FOUND)
    } else {
        ExitCode::SUCCESS
    }
}
