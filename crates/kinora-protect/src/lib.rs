//! Decryption of media, and the keys for it.
//!
//! [`HlsDecryptor`] takes a whole segment of HLS AES-128 (RFC 8216 4.3.2.4 and 5.2) or AES-256 in pieces of any size and
//! gives back clear bytes, decrypted where they lie. [`decrypt_sample`] does the same for one packet of common encryption
//! (`cenc`, `cens`, `cbc1`, `cbcs`; ISO/IEC 23001-7), [`decrypt_sample_aes`] for one of SAMPLE-AES in MPEG-TS. [`KeyRing`]
//! holds the keys of a session, [`clear_key`] reads them from licences, and [`KeySystem`] names the systems that are not
//! served here.
//!
//! A further scheme of samples (a vendor's) is an arm of [`decrypt_sample`] and a line of [`can_decrypt`]; a cipher of whole
//! segments is one of [`SegmentCipher`].
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

pub mod clear_key;
mod error;
mod hls;
mod key;
mod key_system;
mod ring;
mod sample;
mod sample_aes;

pub use error::ProtectError;
pub use hls::{
    HlsDecryptor, Pieces, SampleMethod, Scheme, SegmentCipher, decrypt_segment, encrypt_segment,
};
pub use key::ContentKey;
pub use key_system::KeySystem;
pub use kinora_media::Iv;
pub use ring::{KeyRing, Keys};
pub use sample::{can_decrypt, decrypt_sample};
pub use sample_aes::decrypt_sample_aes;
