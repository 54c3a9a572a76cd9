//! Finds out why a source does not play: every step of its way is looked at by itself, then it is played for a while.
//! The verdict is one number of the error table, who must act, and a command that shows the failure without us.
//!
//! ```no_run
//! use kinora::{Secret, Source};
//! use kinora_diagnose::{Options, diagnose};
//!
//! let source = Source::Url { url: Secret::new("https://example.com/film/index.m3u8") };
//! let diagnosis = diagnose(&source, &Options::default(), |check| println!("{:?}", check.kind));
//! if let Some(fault) = &diagnosis.verdict.fault {
//!     println!("{fault}");
//! }
//! ```
#![forbid(unsafe_code)]

mod certificate;
mod check;
mod facts;
mod manifest;
mod media;
mod play;
mod route;
mod run;
mod stream;
mod verdict;
mod video;

pub use check::{Check, CheckKind, CheckStatus};
pub use facts::{fact_title, fact_value};
pub use run::{Diagnosis, Options, diagnose};
pub use verdict::Verdict;
