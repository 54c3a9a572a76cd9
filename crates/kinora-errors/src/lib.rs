//! The error table of Kinora: 127 names, 126 numbers, each with its meaning, cause and
//! remedy in Chinese and English; and [`Fault`], the error that carries one of them from its
//! origin to the user's eye.
#![forbid(unsafe_code)]

pub mod causes;
mod code;
pub mod codes;
mod errno;
mod errnos;
pub mod explain;
mod fault;
mod report;
mod row;
mod rows;
mod secret;

pub use code::{Code, Retry};
pub use errno::Errno;
pub use fault::{Cause, Coded, Context, Fault};
pub use report::ReportStyle;
pub use row::{Lang, Origin, Row, Severity, Text};
pub use rows::{RESERVED, ROWS};
pub use secret::{Secret, mask_url};
