//! What is done to samples before they are heard: speed with the pitch kept, volume, sample rates, channels, fades.
//!
//! [`Processor`] does all of it, block after block. Samples are interleaved 32-bit floats.
#![forbid(unsafe_code)]

mod fade;
mod format;
mod limiter;
mod mix;
mod processor;
mod resample;
mod stretch;
#[cfg(test)]
mod tone;

pub use fade::{Crossfade, fade_in, fade_out};
pub use format::{AudioFormat, MAX_SAMPLE_RATE};
pub use processor::{Processor, Settings};
