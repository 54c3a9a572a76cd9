//! HTTP and files behind one request-response interface: a [`FetchRequest`] goes in,
//! [`FetchEvent`]s come out, never more bytes than were granted.
//!
//! This is the only home of tokio on the player's side. A local file starts no runtime, no TLS and
//! no name lookup; certificates are read at the first `https:` request.
//!
//! ```
//! use std::sync::mpsc;
//! use kinora_media::RequestId;
//! use kinora_net::{FetchRequest, Net, NetConfig, FetchEvent};
//!
//! let (sender, events) = mpsc::channel();
//! let net = Net::new(NetConfig::default(), move |event| drop(sender.send(event)));
//! net.fetch(FetchRequest::get(RequestId(1), "no/such/film.mp4"));
//! let Ok(FetchEvent::Failed { fault, .. }) = events.recv() else { unreachable!() };
//! assert_eq!(fault.reason(), "file.not_found");
//! ```
#![forbid(unsafe_code)]

mod bit_stream;
mod body;
mod cache;
mod coding;
mod config;
mod connect;
mod cookies;
mod error;
mod failed_addresses;
mod file;
mod flow;
mod freshness;
mod guard;
mod http;
mod http_transport;
mod icy;
mod inspect;
mod message;
mod net;
mod phase;
mod pipe;
mod pool;
mod proxy;
mod resolve;
mod response;
mod target;
mod tls;
#[cfg(feature = "tracing")]
mod trace;
mod transport;

pub use bit_stream::{BitStreamSource, BitStreams};
pub use cache::{CacheNotice, HttpCache};
pub use config::{IpFamily, NetConfig, Timeouts};
pub use error::NetError;
pub use inspect::{ConnectionAttempt, Exchange, InspectedResponse, TlsHandshake};
pub use kinora_fetch::{FetchEvent, FetchRequest, Initiator, Method, Purpose};
pub use net::Net;
pub use phase::{Phase, PhaseWatch, Waiting};
pub use proxy::{NoProxy, Proxy, ProxyConfig, ProxyError, ProxyFailure, SocksReply};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use response::Response;
pub use transport::{ResponseSink, Transport, Transports};
