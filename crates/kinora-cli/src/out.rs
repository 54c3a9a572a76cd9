//! What is printed. A reader of stdout that has gone ends the program quietly, as other tools do; a full disk is reported.
//! Where stderr is gone the program goes on: there is nobody left to report to.

use std::io::{self, Write};

use crate::report::{Style, lang_of, system};
use crate::term::{self, wrap};

/// Prints text as it is, at once.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written {
        lost(&error)
    }
}

/// Prints a line, at once.
pub(crate) fn line(text: &str) {
    print(&format!("{text}\n"));
}

/// Prints text for a person: broken between words where the terminal is narrower.
pub(crate) fn prose(text: &str) {
    match term::width(io::stdout()) {
        Some(most) => print(&wrap(text, most)),
        None => print(text),
    }
}

/// Prints a line on stderr, wrapped between words where the terminal is narrower.
pub(crate) fn reported(text: &str) {
    match term::width(io::stderr()) {
        Some(most) => emit(&wrap(text, most)),
        None => emit(text),
    }
}

/// Prints a line on stderr as it is.
pub(crate) fn emit(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err
        .write_all(format!("{text}\n").as_bytes())
        .and_then(|()| err.flush());
}

/// Ends the program, since what it should print can not be printed.
pub(crate) fn lost(error: &io::Error) -> ! {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    let fault = system("stdout", error);
    Style::plain(lang_of(std::env::args_os())).emit(&fault);
    std::process::exit(i32::from(fault.code().exit_status()))
}
