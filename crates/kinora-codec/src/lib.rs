//! Decoding: the [`Decoder`] trait, its contract suite, and the decoders in pure Rust.
#![forbid(unsafe_code)]

mod decoder;

pub use decoder::{
    AudioDecoder, DecodeError, Decoder, DecoderBackend, DecoderOptions, Received, VideoDecoder,
};
