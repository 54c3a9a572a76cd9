//! Wire types and signatures of the video services: requests out as data, responses in as bytes.
//! Nonce and time of day are arguments; nothing here reads a clock, a socket or a random number.
//!
//! A player begins with [`get_play_info`] and [`parse_play_info`]; a service with [`sign::verify`],
//! [`acs3::SignedParts::verify`], [`PlayAuth::encode`] and [`url_auth`].
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod acs3;
mod definition;
mod error;
pub mod mps;
mod play_auth;
mod play_info;
mod pop;
mod secret_url;
mod service_code;
pub mod sign;
mod skew;
mod source;
pub mod sts;
mod unix_time;
pub mod url_auth;
pub mod vod;
mod wire;
pub mod xml;

pub use definition::{Definition, UnknownDefinition, choose};
pub use error::{CloudError, CloudErrorKind, PlayAuthFault};
pub use play_auth::{AuthInfo, PlayAuth, VideoMeta};
pub use play_info::{
    EncryptType, PlayInfo, PlayInfoEntry, PlayInfoList, Thumbnail, ThumbnailList, VideoBase,
    parse_play_info,
};
pub use pop::{Credentials, Endpoint, HttpMethod, PopRequest, SignatureScheme, SignedRequest};
pub use secret_url::SecretUrl;
pub use service_code::{Classification, CloudService, classify};
pub use skew::ClockSkew;
pub use source::{PlayConfig, PlayOptions, Quality, VidAuth, VidSource, VidSts, get_play_info};
pub use unix_time::UnixTime;
