//! Decryption of media: HLS AES-128 (RFC 8216 4.3.2.4 and 5.2).
//!
//! [`HlsDecryptor`] takes a segment in pieces of any size and gives back clear bytes, decrypted where they lie.
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects
    )
)]

mod error;
mod hls;
mod key;

pub use error::ProtectError;
pub use hls::{HlsDecryptor, Pieces, Scheme, encrypt_segment};
pub use key::ContentKey;
pub use kinora_media::Iv;
