//! Where decoded pictures and sound go: nowhere, to PNG files, raw video, a terminal, a contact
//! sheet, a WAV file, a sound device; and the clock that such a device keeps.
//!
//! Nothing here but a sound device reads a clock: moments come in as arguments, so a sink behaves the same in a test as beside
//! a screen.
#![forbid(unsafe_code)]

mod audio;
mod device;
mod error;
mod presenter;
mod scale;
mod sink;
mod spec;
mod subtitle;
mod tee;
pub mod video;
mod wav;

pub use audio::{
    AudioDevice, AudioSink, NullAudio, NullWriter, PacedAudio, SampleWriter, SinkNews,
};
pub use device::{DeviceAudio, audio_devices};
pub use error::SinkError;
pub use kinora_audio::AudioFormat;
pub use kinora_overlay::{
    CueRenderer, Fonts, NoFonts, NoScriptRenderer, Overlay, SCALES, ScriptRenderer, ScriptView,
};
pub use kinora_subtitle::ShownCues;
pub use presenter::Presenter;
pub use scale::ScaleMode;
pub use sink::{CallingThread, Needs, NullVideo, Timing, VideoFormat, VideoSink};
pub use spec::{AudioOutput, OutputSpecError, VideoOutput};
pub use subtitle::{Subtitled, with_cues};
pub use tee::TeeVideo;
pub use video::{
    BackgroundVideo, ContactSheet, PngDir, RgbImage, SheetLayout, Terminal, YuvFile, luma_pgm,
    snapshot_png, upright_planes,
};
pub use wav::{WavFile, WavWriter};
