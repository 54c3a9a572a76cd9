//! Tracks (RFC 9559 5.1.4).

use bytes::Bytes;
use kinora_media::bitstream::{self, aac::AudioSpecificConfig};
use kinora_media::{
    AudioParams, CodecId, DisplayHints, Disposition, Time, TrackId, TrackInfo, TrackKind,
    VideoParams,
};

use super::clock::DecodeClock;
use super::codec;
use super::ebml::{Element, children};
use super::encoding::Encodings;
use super::{id, video};
use crate::codec_config::{describe_audio, describe_video};
use crate::framing::{Framing, samples_to_time};
use crate::ts::opus;

/// More tracks than anybody chooses from.
const MAX_TRACKS: usize = 256;
/// Samples of a frame of AAC.
const AAC_SAMPLES: u64 = 1024;
/// Samples a second of decoded Opus.
const OPUS_RATE: u32 = 48_000;

/// A track, and what must be known to make packets of its blocks.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) info: TrackInfo,
    pub(super) encodings: Encodings,
    pub(super) clock: DecodeClock,
    /// How long a frame lasts that does not say otherwise.
    default_duration: Option<Time>,
    /// How much earlier its sound is heard than its blocks say (RFC 9559 5.1.4.1.25).
    pub(super) codec_delay: Time,
}

/// The elements of a `TrackEntry` as they come.
struct Entry {
    number: u64,
    kind: u64,
    codec: String,
    private: Bytes,
    language: Option<String>,
    bcp47: Option<String>,
    title: Option<String>,
    disposition: Disposition,
    default_duration: Option<Time>,
    codec_delay: Time,
    video: Option<VideoParams>,
    audio: Option<AudioParams>,
    /// How pictures that are not coded lie.
    layout: Option<String>,
    encodings: Encodings,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            number: 0,
            kind: 0,
            codec: String::new(),
            private: Bytes::new(),
            // RFC 9559 5.1.4.1.19: where nothing is said.
            language: Some("eng".to_owned()),
            bcp47: None,
            title: None,
            disposition: Disposition {
                default: true,
                ..Disposition::default()
            },
            default_duration: None,
            codec_delay: Time::ZERO,
            video: None,
            audio: None,
            layout: None,
            encodings: Encodings::default(),
        }
    }
}

/// The tracks that can be told apart.
pub(super) fn tracks(element: &Element) -> Vec<Track> {
    let mut tracks: Vec<Track> = Vec::new();
    for child in children(&element.body).filter(|child| child.id == id::TRACK_ENTRY) {
        if let Some(track) = Entry::read(&child).track()
            && tracks.iter().all(|known| known.info.id != track.info.id)
            && tracks.len() < MAX_TRACKS
        {
            tracks.push(track);
        }
    }
    tracks
}

impl Entry {
    fn read(element: &Element) -> Self {
        let mut entry = Self::default();
        for child in children(&element.body) {
            match child.id {
                id::TRACK_NUMBER => entry.number = child.uint().unwrap_or(0),
                id::TRACK_TYPE => entry.kind = child.uint().unwrap_or(0),
                id::CODEC_ID => entry.codec = child.text().unwrap_or_default(),
                id::CODEC_PRIVATE => entry.private = child.body,
                id::LANGUAGE => entry.language = child.text(),
                id::LANGUAGE_BCP47 => entry.bcp47 = child.text(),
                id::NAME => entry.title = child.text(),
                id::DEFAULT_DURATION => entry.default_duration = nanos(&child),
                id::CODEC_DELAY => entry.codec_delay = nanos(&child).unwrap_or_default(),
                id::VIDEO => {
                    entry.video = Some(video::parse(&child));
                    entry.layout = video::layout(&child);
                }
                id::AUDIO => entry.audio = Some(audio(&child)),
                id::CONTENT_ENCODINGS => entry.encodings = Encodings::parse(&child),
                _ => entry.read_flag(&child),
            }
        }
        entry
    }

    fn read_flag(&mut self, element: &Element) {
        let flags = &mut self.disposition;
        let flag = match element.id {
            id::FLAG_DEFAULT => &mut flags.default,
            id::FLAG_FORCED => &mut flags.forced,
            id::FLAG_HEARING_IMPAIRED => &mut flags.hearing_impaired,
            id::FLAG_VISUAL_IMPAIRED => &mut flags.visual_impaired,
            id::FLAG_ORIGINAL => &mut flags.original,
            id::FLAG_COMMENTARY => &mut flags.comment,
            _ => return,
        };
        *flag = element.flag().unwrap_or(*flag);
    }

    /// `None`: it has no number by which its blocks are known.
    fn track(mut self) -> Option<Track> {
        let number = u32::try_from(self.number)
            .ok()
            .filter(|number| *number > 0)?;
        let mut sound = self.audio.unwrap_or(AudioParams {
            // RFC 9559 5.1.4.1.29: where nothing is said.
            sample_rate: 8_000,
            channels: 1,
            ..AudioParams::default()
        });
        let private = self.encodings.restore_config(self.private.clone());
        let coding = codec::coding(&self.codec, private.unwrap_or_default(), &sound);
        let readable = self.encodings.unknown.is_none();
        let codec = coding.codec.filter(|_| readable);
        let codec = codec.unwrap_or_else(|| codec::unknown(self.kind));
        self.encodings.undo_mapping(codec, &coding.config);
        let mut info = TrackInfo::new(TrackId(number), codec);
        info.config = coding.config;
        info.language = (self.bcp47.or(self.language)).filter(|language| language != "und");
        info.title = self.title;
        info.disposition = self.disposition;
        info.protection = self.encodings.protection();
        info.codec_tag = match self.encodings.unknown {
            Some(compression) => format!("{} in {compression}", self.codec),
            None => coding.tag.or(self.layout).unwrap_or(self.codec),
        };
        match info.kind() {
            TrackKind::Video => {
                info.video = Some(VideoParams {
                    bits_per_coded_sample: coding.bits,
                    ..self.video.unwrap_or_default()
                });
                info.palette = coding.palette;
                describe_pictures(&mut info, self.default_duration);
            }
            TrackKind::Audio => {
                sound = coding.sound.unwrap_or(sound);
                describe_sound(&mut info, sound, self.codec_delay);
            }
            TrackKind::Subtitle | TrackKind::Data => {}
        }
        Some(Track {
            clock: DecodeClock::of(&info),
            info,
            encodings: self.encodings,
            default_duration: self.default_duration,
            codec_delay: self.codec_delay,
        })
    }
}

fn nanos(element: &Element) -> Option<Time> {
    let nanos = i64::try_from(element.uint()?).ok()?;
    (nanos > 0).then_some(Time::from_nanos(nanos))
}

/// RFC 9559 5.1.4.1.29.
fn audio(element: &Element) -> AudioParams {
    let mut audio = AudioParams {
        sample_rate: 8_000,
        channels: 1,
        ..AudioParams::default()
    };
    let mut output = None;
    for child in children(&element.body) {
        match child.id {
            id::SAMPLING_FREQUENCY => {
                audio.sample_rate = hertz(&child).unwrap_or(audio.sample_rate)
            }
            id::OUTPUT_SAMPLING_FREQUENCY => output = hertz(&child),
            id::CHANNELS => {
                let channels = child.uint().and_then(|count| u16::try_from(count).ok());
                audio.channels = channels.unwrap_or(audio.channels);
            }
            id::BIT_DEPTH => {
                let bits = child.uint().and_then(|bits| u16::try_from(bits).ok());
                audio.bits_per_sample = bits.filter(|bits| *bits > 0);
            }
            _ => {}
        }
    }
    audio.sample_rate = output.unwrap_or(audio.sample_rate);
    audio
}

fn hertz(element: &Element) -> Option<u32> {
    let rate = element.float()?.round();
    // `as` saturates; what is no number becomes zero.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rate = rate as u32;
    (rate > 0).then_some(rate)
}

fn describe_pictures(info: &mut TrackInfo, picture: Option<Time>) {
    let Some(video) = &mut info.video else {
        return;
    };
    info.codec_string = describe_video(info.codec, &info.config, video);
    let shown = video.shown(DisplayHints::default());
    video.pixel_aspect = shown.pixel_aspect;
    video.color = shown.color.unwrap_or_default();
    video.frame_rate = picture.map(|picture| picture.as_secs_f64().recip());
}

fn describe_sound(info: &mut TrackInfo, mut sound: AudioParams, codec_delay: Time) {
    info.codec_string = describe_audio(info.codec, &info.config, &mut sound);
    if info.codec == CodecId::Opus {
        // It always decodes to this rate, whatever the input was.
        sound.sample_rate = OPUS_RATE;
        info.codec_string = Some("opus".to_owned());
    }
    if !matches!(info.codec, CodecId::Pcm | CodecId::Alac | CodecId::Flac) {
        sound.bits_per_sample = None;
    }
    let samples = codec_delay.as_secs_f64() * f64::from(sound.sample_rate);
    // `as` saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let samples = samples.round() as u32;
    sound.encoder_delay = samples;
    info.audio = Some(sound);
}

impl Track {
    /// Whether each of its packets can be decoded without those before it.
    pub(super) fn is_intra_only(&self) -> bool {
        match self.info.kind() {
            TrackKind::Audio => self.info.codec != CodecId::TrueHd,
            TrackKind::Subtitle | TrackKind::Data => true,
            TrackKind::Video => false,
        }
    }

    /// Whether no other picture refers to this one.
    pub(super) fn is_unreferenced(&self, data: &[u8]) -> bool {
        let info = &self.info;
        info.protection.is_none() && bitstream::is_unreferenced(info.codec, &info.config, data)
    }

    /// How long a frame lasts: as the track says, or as the frame does; zero when unknown.
    pub(super) fn frame_duration(&self, frame: &[u8]) -> Time {
        if let Some(duration) = self.default_duration {
            return duration;
        }
        let rate = self.info.audio.map_or(0, |audio| audio.sample_rate);
        let framing = match self.info.codec {
            // What is encrypted tells nothing.
            codec if self.info.protection.is_some() && codec != CodecId::Aac => return Time::ZERO,
            CodecId::Opus => return samples_to_time(opus::duration(frame), OPUS_RATE),
            CodecId::Aac => return self.aac_duration(rate),
            CodecId::Pcm => return self.pcm_duration(frame.len(), rate),
            CodecId::Mp1 | CodecId::Mp2 | CodecId::Mp3 => Framing::Mpeg,
            CodecId::Ac3 | CodecId::Eac3 => Framing::Ac3,
            CodecId::Dts => Framing::Dts,
            _ => return Time::ZERO,
        };
        framing.header(frame).map_or(Time::ZERO, |(frame, _)| {
            samples_to_time(frame.samples.into(), frame.format.sample_rate)
        })
    }

    fn aac_duration(&self, rate: u32) -> Time {
        match AudioSpecificConfig::parse(&self.info.config) {
            Ok(config) => samples_to_time(config.frame_samples.into(), config.sample_rate),
            Err(_) => samples_to_time(AAC_SAMPLES, rate),
        }
    }

    fn pcm_duration(&self, len: usize, rate: u32) -> Time {
        let audio = self.info.audio.unwrap_or_default();
        let sample = u64::from(audio.bits_per_sample.unwrap_or(16).div_ceil(8));
        let all = sample.saturating_mul(audio.channels.into());
        let samples = u64::try_from(len).unwrap_or(0).checked_div(all);
        samples_to_time(samples.unwrap_or(0), rate)
    }
}
