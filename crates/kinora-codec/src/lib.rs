//! Decoding: the [`Decoder`] trait and the decoders in pure Rust.
#![forbid(unsafe_code)]

mod aac;
mod backend;
mod decoder;
mod guard;
mod h264;
mod h265;

pub use backend::RustBackend;
pub use decoder::{
    AudioDecoder, DecodeError, Decoder, DecoderBackend, DecoderOptions, Received, VideoDecoder,
};
