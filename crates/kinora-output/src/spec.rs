//! How a person names an output: `png:DIR`, `wav:FILE`.

use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use crate::{
    AudioSink, BackgroundVideo, ContactSheet, CueRenderer, DeviceAudio, NullAudio, NullVideo,
    PngDir, SinkError, Subtitled, Terminal, VideoSink, WavFile, YuvFile,
};

/// A chosen video output.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum VideoOutput {
    /// Pictures are counted and dropped.
    #[default]
    Null,
    /// One PNG file a picture in a folder.
    Png(PathBuf),
    /// Raw planes in a file; YUV4MPEG2 when its name ends in `.y4m`. `-` is standard output.
    Yuv(PathBuf),
    /// YUV4MPEG2 in a file. `-` is standard output.
    Y4m(PathBuf),
    /// Many small pictures on one sheet, a PNG file.
    Sheet(PathBuf),
    /// The terminal.
    Terminal,
}

/// A chosen audio output.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum AudioOutput {
    /// Time is kept, sound is dropped.
    #[default]
    Null,
    /// A sound device: by PulseAudio or PipeWire, else by ALSA, else none.
    Auto,
    /// A device of PulseAudio or PipeWire, by its name; without one the default.
    Pulse(Option<String>),
    /// A device of ALSA, by its name; without one the default.
    Alsa(Option<String>),
    /// What sounds is written to a WAV file. `-` is standard output.
    Wav(PathBuf),
}

/// No output is named so.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("`{given}` names no {kind} output; there are {known}")]
pub struct OutputSpecError {
    /// What was asked for.
    pub given: String,
    /// `video` or `audio`.
    pub kind: &'static str,
    /// The names that there are.
    pub known: &'static str,
}

impl FromStr for VideoOutput {
    type Err = OutputSpecError;
    fn from_str(text: &str) -> Result<Self, OutputSpecError> {
        match split(text) {
            ("null", None) => Ok(Self::Null),
            ("terminal", None) => Ok(Self::Terminal),
            ("png", Some(dir)) => Ok(Self::Png(dir)),
            ("yuv", Some(file)) => Ok(Self::Yuv(file)),
            ("y4m", Some(file)) => Ok(Self::Y4m(file)),
            ("sheet", Some(file)) => Ok(Self::Sheet(file)),
            _ => Err(OutputSpecError {
                given: text.to_owned(),
                kind: "video",
                known: "null, png:DIR, yuv:FILE, y4m:FILE, sheet:FILE, terminal",
            }),
        }
    }
}

impl FromStr for AudioOutput {
    type Err = OutputSpecError;
    fn from_str(text: &str) -> Result<Self, OutputSpecError> {
        match split(text) {
            ("null", None) => Ok(Self::Null),
            ("auto", None) => Ok(Self::Auto),
            ("pulse", device) => Ok(Self::Pulse(device.map(name))),
            ("alsa", device) => Ok(Self::Alsa(device.map(name))),
            ("wav", Some(file)) => Ok(Self::Wav(file)),
            _ => Err(OutputSpecError {
                given: text.to_owned(),
                kind: "audio",
                known: "auto, pulse, pulse:DEVICE, alsa, alsa:DEVICE, null, wav:FILE",
            }),
        }
    }
}

fn name(place: PathBuf) -> String {
    place.to_string_lossy().into_owned()
}

fn split(text: &str) -> (&str, Option<PathBuf>) {
    match text.split_once(':') {
        Some((_, "")) | None => (text, None),
        Some((name, place)) => (name, Some(PathBuf::from(place))),
    }
}

/// The name of standard output among files.
pub(crate) const STDOUT: &str = "-";

impl VideoOutput {
    /// The pictures go to standard output: nothing else may.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        matches!(self, Self::Yuv(file) | Self::Y4m(file) if file.as_os_str() == STDOUT)
    }

    /// Makes the sink. Those that code or write pictures do so on a thread of their own, with subtitles drawn on them by the
    /// fonts of the system; the terminal writes them as text.
    ///
    /// # Errors
    /// A folder or file that can not be made; no terminal.
    pub fn open(&self) -> Result<Box<dyn VideoSink>, SinkError> {
        self.open_with(CueRenderer::default())
    }

    /// The same with another way to draw subtitles.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with(&self, renderer: CueRenderer) -> Result<Box<dyn VideoSink>, SinkError> {
        Ok(match self {
            Self::Null => Box::new(NullVideo::new()),
            Self::Png(dir) => in_background(PngDir::create(dir)?, renderer)?,
            Self::Yuv(file) => in_background(YuvFile::create(file)?, renderer)?,
            Self::Y4m(file) => in_background(YuvFile::create_y4m(file)?, renderer)?,
            Self::Sheet(file) => in_background(ContactSheet::create(file)?, renderer)?,
            Self::Terminal => Box::new(Terminal::open()?),
        })
    }
}

fn in_background(
    sink: impl VideoSink + 'static,
    renderer: CueRenderer,
) -> Result<Box<dyn VideoSink>, SinkError> {
    let subtitled = Subtitled::new(sink, renderer);
    Ok(Box::new(BackgroundVideo::start(subtitled)?))
}

impl AudioOutput {
    /// The sound goes to standard output: nothing else may.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        matches!(self, Self::Wav(file) if file.as_os_str() == STDOUT)
    }

    /// Makes the sink. A device is opened beside all else; one that can not be is told once it is to play, and looked for again.
    ///
    /// # Errors
    /// A file that can not be made.
    pub fn open(&self) -> Result<Box<dyn AudioSink>, SinkError> {
        Ok(match self {
            Self::Null => Box::new(NullAudio::new()),
            Self::Auto => Box::new(DeviceAudio::auto()),
            Self::Pulse(device) => Box::new(DeviceAudio::pulse(None, device.as_deref())),
            Self::Alsa(device) => Box::new(DeviceAudio::alsa(device.as_deref())),
            Self::Wav(file) => Box::new(WavFile::create(file)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_by_kind_and_place() {
        assert_eq!("null".parse(), Ok(VideoOutput::Null));
        assert_eq!("png:a:b".parse(), Ok(VideoOutput::Png("a:b".into())));
        assert_eq!("yuv:x.y4m".parse(), Ok(VideoOutput::Yuv("x.y4m".into())));
        assert_eq!("y4m:-".parse(), Ok(VideoOutput::Y4m("-".into())));
        assert_eq!("wav:x".parse(), Ok(AudioOutput::Wav("x".into())));
        let pulse = AudioOutput::Pulse(Some("a:b".into()));
        assert_eq!("pulse:a:b".parse(), Ok(pulse));
        assert_eq!("alsa".parse(), Ok(AudioOutput::Alsa(None)));
        for bad in ["", "png", "png:", "null:x", "window"] {
            let error = bad.parse::<VideoOutput>().unwrap_err();
            assert!(error.to_string().contains("png:DIR"), "{error}");
        }
    }
}
