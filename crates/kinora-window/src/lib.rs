//! A window for video: pictures by the GPU or by the processor, controls, keys.
//!
//! [`Window::run`] serves the window on the main thread, as systems want it, and runs the rest of the program on another, which gets a
//! [`WindowHandle`]: a sink for a player ([`WindowHandle::sink`]), what the controls show ([`Status`]), what a person wants ([`Action`]).
//!
//! ```no_run
//! use kinora_window::{Action, Window, WindowOptions};
//!
//! # fn main() -> Result<(), kinora_window::WindowError> {
//! let window = Window::open(WindowOptions::default())?;
//! window.run(|handle| {
//!     let sink = handle.sink();
//!     handle.listen(|action| {
//!         if action == Action::Quit {
//!             // The player stops, and this thread with it.
//!         }
//!     });
//!     // Play to the sink until it is over.
//!     drop(sink);
//! })
//! # }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod clipboard;
mod controls;
mod display;
mod draw;
mod error;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
#[path = "no_gpu.rs"]
mod gpu;
mod mailbox;
mod offscreen;
mod painter;
mod place;
mod scene;
mod sink;
mod software;
mod status;
mod window;

pub use error::WindowError;
pub use offscreen::{Offscreen, Painting};
pub use sink::WindowVideo;
pub use status::{Action, Activity, Choice, ErrorCard, Key, Status, Thumbnail};
pub use window::{Window, WindowHandle, WindowOptions};
