//! The terminal: how wide it is, and text that fits it.

use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

mod bar;
mod keyboard;
mod keys;
mod text;

pub(crate) use bar::bar;
pub(crate) use keyboard::{Keyboard, Pressed};
pub(crate) use keys::Key;
pub(crate) use text::{columns, fit, wrap};

/// The width that is taken where a terminal does not report its own.
const USUAL: usize = 80;

/// How many columns the terminal behind a stream has; `None` where no terminal is.
pub(crate) fn width(stream: impl AsFd) -> Option<usize> {
    let stream = stream.as_fd();
    if !rustix::termios::isatty(stream) {
        return None;
    }
    let reported = tcgetwinsize(stream).map_or(0, |size| usize::from(size.ws_col));
    Some(if reported == 0 { USUAL } else { reported })
}

/// It can only print: no cursor can be moved.
pub(crate) fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|term| term == "dumb" || term.is_empty())
}
