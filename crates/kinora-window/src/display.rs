//! The connection to the display.

use std::any::Any;
use std::fs::File;
use std::io;
use std::panic;

use winit::event_loop::EventLoop;

use crate::error::{Source, WindowError};

/// Files that the display, its libraries and the GPU's have open at least.
const FILES: usize = 24;

/// Connects to the display of the environment.
pub(crate) fn connect<T: 'static>() -> Result<EventLoop<T>, WindowError> {
    room_for_files().map_err(WindowError::NoFiles)?;
    // winit 0.30 and xkbcommon-dl panic where a library of the display can not be loaded.
    let told = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let made = panic::catch_unwind(|| EventLoop::with_user_event().build());
    panic::set_hook(told);
    match made {
        Ok(made) => made.map_err(|error| WindowError::NoDisplay(error.into())),
        Err(panicked) => Err(WindowError::NoDisplay(words(&*panicked))),
    }
}

/// What was said by whoever panicked.
fn words(panicked: &(dyn Any + Send)) -> Source {
    let text = panicked.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panicked.downcast_ref::<&str>().copied());
    text.unwrap_or("its libraries can not be used").into()
}

/// Where files run short winit panics, and the libraries of a GPU end the program.
fn room_for_files() -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let files: io::Result<Vec<File>> = (0..FILES).map(|_| File::open("/dev/null")).collect();
    files.map(drop)
}
