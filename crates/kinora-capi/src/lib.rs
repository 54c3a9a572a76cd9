//! Kinora behind a C interface. `include/kinora.h` documents it; this crate is what that header promises.
//!
//! Each function that a header names is here once, `extern "C"` and unmangled. What it does is Rust of the SDK; what is unsafe is
//! taking C's word for it that a pointer is what it says (module `border`).
//!
//! The only other home of unsafe code than `kinora-ffmpeg`: a border with C can not be crossed without.
#![allow(clippy::missing_safety_doc)] // What a caller owes each function is in the header.

mod border;
mod builder;
mod code;
mod event;
mod fault;
mod picture;
mod player;
mod reader;
mod sink;
mod text;
mod wakeup;

pub use builder::*;
pub use code::*;
pub use event::*;
pub use fault::*;
pub use picture::*;
pub use player::*;
pub use reader::*;
pub use sink::*;
pub use text::*;
