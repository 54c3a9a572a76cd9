//! Fetching as a sans-IO state machine: a [`Transfer`] asks for one resource until it is there. It asks again where an answer
//! broke off, watches for silence, and never grants more bytes than there is room for.
//!
//! Its owner lends it a [`Host`]; what the network answers comes in as [`FetchEvent`]s. [`recover`] alone decides what is
//! done about a failed request.
#![forbid(unsafe_code)]

mod event;
mod host;
pub mod recover;
mod request;
mod transfer;

pub use event::FetchEvent;
pub use host::{FetchLimits, FetchNotice, Host};
pub use recover::RetryContext;
pub use request::{FetchRequest, Initiator, Method, Purpose};
pub use transfer::{Progress, Reload, RequestSpec, Transfer};
