//! Decryption of media, and the keys for it.
//!
//! [`HlsDecryptor`] takes a whole segment of HLS AES-128 (RFC 8216 4.3.2.4 and 5.2) in pieces of any size and gives back
//! clear bytes, decrypted where they lie. [`decrypt_sample`] does the same for one packet of common encryption (`cenc`,
//! `cens`, `cbc1`, `cbcs`; ISO/IEC 23001-7). [`KeyRing`] holds the keys of a session.
//!
//! A further scheme of samples (SAMPLE-AES, a vendor's) is an arm of [`decrypt_sample`] and a line of [`can_decrypt`]; one
//! of whole segments stands beside [`HlsDecryptor`].
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
mod ring;
mod sample;

pub use error::ProtectError;
pub use hls::{HlsDecryptor, Pieces, Scheme, decrypt_segment, encrypt_segment};
pub use key::ContentKey;
pub use kinora_media::Iv;
pub use ring::{KeyRing, Keys};
pub use sample::{can_decrypt, decrypt_sample};
