//! Where pictures and sound go: sinks that keep time like real ones.
#![forbid(unsafe_code)]

mod audio;
mod sink;

pub use audio::{AudioFormat, AudioSink, NullAudio, Paced, SampleWriter, Silence};
pub use sink::{NullVideo, SinkError, TeeVideo, VideoSink};
