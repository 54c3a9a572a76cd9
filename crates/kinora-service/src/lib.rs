//! The VOD service that one person runs on one machine: one process, one data directory.
//!
//! [`Service`] answers requests, [`Library`] is the operator's hand on the same directory: access keys, account
//! flags, imports. Both may be open at once, in different processes.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod clock;
mod context;
mod crypto;
mod data_dir;
mod delivery;
mod domain;
mod error;
mod gateway;
mod import;
mod library;
mod object;
mod server;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use clock::{Clock, ManualClock, SystemClock};
pub use context::{ServiceLimits, raise_open_files};
pub use data_dir::Notice;
pub use domain::{
    AccessKey, AccountState, Definition, Format, HostPattern, InvalidHostPattern, InvalidPrincipal,
    JsonKind, Policy, PolicyError, PolicyProblem, Principal, RamRole, RefererRule, Rendition,
    RenditionEncryption, ServedAction, TrustPolicy, Video, VideoDetails, VideoId, VideoStatus,
    served_actions,
};
pub use error::ServiceError;
pub use import::{ExceededLimit, ImportError, ImportLimits, ImportOptions};
pub use library::Library;
pub use service::{Service, ServiceConfig};
