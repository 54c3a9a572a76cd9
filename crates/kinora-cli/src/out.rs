//! What goes to stdout. A reader that has gone ends the program quietly, as other tools do; a full disk is told.

use std::io::{self, Write};

use crate::report::{Style, lang_of, system};

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

/// Ends the program, since what it should print can not be printed.
pub(crate) fn lost(error: &io::Error) -> ! {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    let fault = system("stdout", error);
    Style::plain(lang_of(std::env::args_os())).tell(&fault);
    std::process::exit(i32::from(fault.code().exit_status()))
}
