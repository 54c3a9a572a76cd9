//! HTTP and files behind one question-and-answer interface: a [`FetchRequest`] goes in,
//! [`NetEvent`]s come out, never more bytes than were granted.
//!
//! This is the only home of tokio on the player's side. A local file starts no runtime, no TLS and
//! no name lookup; certificates are read at the first `https:` request.
#![forbid(unsafe_code)]

mod body;
mod config;
mod connect;
mod error;
mod file;
mod flow;
mod guard;
mod http;
mod net;
mod pool;
mod proxy;
mod request;
mod resolve;
mod response;
mod target;
mod tls;

pub use config::{IpFamily, NetConfig};
pub use error::NetError;
pub use net::Net;
pub use request::{FetchRequest, Initiator, Method, NetEvent, Reply};
pub use resolve::{Resolve, Resolving, SystemResolver};
