//! Decoded pictures and sound.

use kinora_codec::DecoderOptions;
use kinora_engine::{AUDIO_RUN_UP, is_shown_by};
use kinora_errors::Fault;
use kinora_media::{AudioFrame, Time, TrackKind, VideoFrame};

use super::ReadOptions;
use super::frames::{Frames, ReaderStatus};
use crate::audio;
use crate::backends::DecoderChoice;
use crate::decoder::AnyFrame;
use crate::source::Source;

/// Decodes the pictures of the first video track that can be, in presentation order.
///
/// ```no_run
/// # fn main() -> Result<(), kinora::Fault> {
/// use kinora::{DecoderChoice, ReadOptions, Time, VideoReader};
///
/// let mut pictures = VideoReader::open("film.mp4", ReadOptions::default(), DecoderChoice::Auto, 2)?;
/// pictures.seek(Time::from_millis(12_345))?;
/// if let Some(picture) = pictures.next_frame()? {
///     println!("{} is on screen then", picture.pts);
/// }
/// # Ok(())
/// # }
/// ```
pub struct VideoReader {
    frames: Frames,
    /// An exact seek that has not found its picture yet.
    target: Option<Time>,
    /// The picture behind the one that was looked for.
    next: Option<VideoFrame>,
}

impl VideoReader {
    /// Opens a path, URL or bit stream and a decoder for its first video track. With more than one thread
    /// frames come later, but more of them in a second.
    ///
    /// # Errors
    /// As for [`MediaReader::open`](crate::MediaReader::open); `ERROR_DEMUXER_NO_VALID_STREAM` without a video track;
    /// `ERROR_CODEC_VIDEO_NOT_SUPPORT` without a decoder; `ERROR_TBDRM_DEMUXER_UNIMPLEMENTED` for a track that is encrypted.
    pub fn open(
        source: impl Into<Source>,
        options: impl Into<ReadOptions>,
        choice: DecoderChoice,
        threads: usize,
    ) -> Result<Self, Fault> {
        let decoding = DecoderOptions {
            threads,
            low_delay: false,
        };
        Ok(Self {
            frames: Frames::open(
                source.into(),
                options.into(),
                TrackKind::Video,
                choice,
                decoding,
            )?,
            target: None,
            next: None,
        })
    }

    /// What is decoded, and how that goes.
    #[must_use]
    pub fn status(&self) -> ReaderStatus<'_> {
        self.frames.status()
    }

    /// Goes to a time: the next picture is the one that is on screen then, the last one that begins at or before it. Before
    /// the first picture that is the first, behind the end the last.
    ///
    /// # Errors
    /// As for [`MediaReader::seek`](crate::MediaReader::seek).
    pub fn seek(&mut self, time: Time) -> Result<(), Fault> {
        self.frames.seek(time)?;
        self.frames.overtaken_by = Some(time);
        self.target = Some(time);
        self.next = None;
        Ok(())
    }

    /// The next picture; `None` at the end.
    ///
    /// # Errors
    /// What the source said; `ERROR_CODEC_UNKNOWN` when the decoder itself failed.
    pub fn next_frame(&mut self) -> Result<Option<VideoFrame>, Fault> {
        let Some(target) = self.target else {
            return match self.next.take() {
                Some(frame) => Ok(Some(frame)),
                None => self.decode(),
            };
        };
        // What was shown before is kept in `next` until something takes its place: an error in between loses nothing.
        loop {
            match self.decode()? {
                Some(frame) if is_shown_by(frame.pts, target) => self.next = Some(frame),
                after => {
                    self.target = None;
                    return Ok(match self.next.take() {
                        Some(on_screen) => {
                            self.next = after;
                            Some(on_screen)
                        }
                        None => after,
                    });
                }
            }
        }
    }

    fn decode(&mut self) -> Result<Option<VideoFrame>, Fault> {
        loop {
            match self.frames.next()? {
                Some(AnyFrame::Video(frame)) => return Ok(Some(frame)),
                Some(AnyFrame::Audio(_)) => {}
                None => return Ok(None),
            }
        }
    }
}

/// Decodes the sound of the first audio track that can be.
///
/// ```no_run
/// # fn main() -> Result<(), kinora::Fault> {
/// let options = kinora::ReadOptions::default();
/// let mut sound = kinora::AudioReader::open("film.mp4", options, kinora::DecoderChoice::Auto)?;
/// while let Some(frame) = sound.next_frame()? {
///     println!("{} {} Hz, {} samples a channel", frame.pts, frame.sample_rate, frame.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct AudioReader {
    frames: Frames,
    /// Samples before that are cut off.
    from: Time,
}

impl AudioReader {
    /// Opens a path, URL or bit stream and a decoder for its first audio track.
    ///
    /// # Errors
    /// As for [`MediaReader::open`](crate::MediaReader::open); `ERROR_DEMUXER_NO_VALID_STREAM` without an audio track;
    /// `ERROR_CODEC_AUDIO_NOT_SUPPORT` without a decoder; `ERROR_TBDRM_DEMUXER_UNIMPLEMENTED` for a track that is encrypted.
    pub fn open(
        source: impl Into<Source>,
        options: impl Into<ReadOptions>,
        choice: DecoderChoice,
    ) -> Result<Self, Fault> {
        let decoding = DecoderOptions::default();
        Ok(Self {
            frames: Frames::open(
                source.into(),
                options.into(),
                TrackKind::Audio,
                choice,
                decoding,
            )?,
            from: Time::MIN,
        })
    }

    /// What is decoded, and how that goes.
    #[must_use]
    pub fn status(&self) -> ReaderStatus<'_> {
        self.frames.status()
    }

    /// Goes to a time: the next frame begins with the sample that sounds then. MP3 and ADTS tell no times: a place in them
    /// that was not read before is estimated.
    ///
    /// # Errors
    /// As for [`MediaReader::seek`](crate::MediaReader::seek).
    pub fn seek(&mut self, time: Time) -> Result<(), Fault> {
        self.frames.seek(time - AUDIO_RUN_UP)?;
        self.from = time;
        Ok(())
    }

    /// The next samples; `None` at the end. Sample rate and channels may change from one frame to the next.
    ///
    /// # Errors
    /// What the source said; `ERROR_CODEC_UNKNOWN` when the decoder itself failed.
    pub fn next_frame(&mut self) -> Result<Option<AudioFrame>, Fault> {
        while let Some(frame) = self.frames.next()? {
            if let AnyFrame::Audio(frame) = frame
                && let Some(frame) = audio::cut(frame, self.from)
            {
                // Clocks of damaged streams go back: only what the seek leads to is cut.
                self.from = Time::MIN;
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }
}
