//! Decoding: the [`Decoder`] trait and the decoders in pure Rust.
#![forbid(unsafe_code)]

mod aac;
mod adpcm;
mod backend;
mod config;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod decoder;
mod framewise;
mod g711;
mod guard;
mod h264;
mod h265;
mod pcm;
mod picture;
mod symphonia_decoder;

pub use backend::RustBackend;
pub use config::decoder_config;
pub use decoder::{
    AudioDecoder, DecodeError, Decoder, DecoderBackend, DecoderOptions, Received, VideoDecoder,
};
