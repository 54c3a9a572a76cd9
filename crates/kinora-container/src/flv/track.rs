//! What is known of a track, and how its units become packets.

use bytes::Bytes;
use kinora_media::bitstream::aac::AudioSpecificConfig;
use kinora_media::bitstream::{ac3, is_unreferenced, mpeg_audio};
use kinora_media::{
    AudioParams, CodecId, Packet, PacketFlags, Time, TrackId, TrackInfo, TrackKind, VideoParams,
    pcm_flag,
};

use super::clock::Stamp;
use super::payload::{Frame, Payload, Sound};
use super::script::Metadata;
use super::tag::TagKind;
use crate::codec_config::{describe_audio, describe_video};
use crate::framing::samples_to_time;
use crate::ts::opus;

/// A track. It is told once its configuration is known, where it needs one.
pub(super) struct Track {
    pub(super) info: TrackInfo,
    pub(super) ready: bool,
    /// Samples of each packet, where all have as many.
    samples: Option<u32>,
}

/// A track's name: the type of its tags, and which it is of several.
pub(super) fn track_id(kind: TagKind, track: u8) -> TrackId {
    let kind = match kind {
        TagKind::Audio => 8,
        TagKind::Video => 9,
        TagKind::Script => 18,
    };
    TrackId(u32::from(track) << 8 | kind)
}

impl Track {
    pub(super) fn new(id: TrackId, payload: &Payload, metadata: &Metadata) -> Self {
        let mut track = Self {
            info: TrackInfo::new(id, payload.codec),
            ready: false,
            samples: None,
        };
        track.become_codec(payload, metadata);
        track
    }

    /// The stream goes on in another codec, or begins.
    pub(super) fn become_codec(&mut self, payload: &Payload, metadata: &Metadata) {
        self.info = TrackInfo::new(self.info.id, payload.codec);
        self.info.codec_tag.clone_from(&payload.codec_tag);
        self.ready = false;
        self.samples = None;
        match self.info.kind() {
            TrackKind::Video => {
                self.info.bitrate = metadata.video_bitrate;
                self.info.video = Some(VideoParams {
                    frame_rate: metadata.frame_rate,
                    ..VideoParams::default()
                });
                self.take_size(metadata);
            }
            _ => {
                self.info.bitrate = metadata.audio_bitrate;
                self.info.audio = Some(AudioParams::default());
            }
        }
    }

    /// What the metadata says, the pictures do not say themselves.
    fn take_size(&mut self, metadata: &Metadata) {
        if let (Some(video), Some(width), Some(height)) =
            (&mut self.info.video, metadata.width, metadata.height)
            && video.width == 0
        {
            (video.width, video.height) = (width, height);
        }
    }

    /// Takes a configuration. Returns whether it differs from the one before.
    pub(super) fn configure(&mut self, config: Bytes, metadata: &Metadata) -> bool {
        let config = match self.info.codec {
            CodecId::Flac => stream_info(config),
            _ => config,
        };
        if config.is_empty() || self.ready && config == self.info.config {
            return false;
        }
        self.ready = true;
        self.info.config = config;
        let (codec, config) = (self.info.codec, &self.info.config);
        if let Some(video) = &mut self.info.video {
            *video = VideoParams {
                frame_rate: video.frame_rate,
                ..VideoParams::default()
            };
            self.info.codec_string = describe_video(codec, config, video);
            self.take_size(metadata);
            return true;
        }
        if let Some(audio) = &mut self.info.audio {
            match codec {
                CodecId::Opus => opus::describe(config, audio),
                _ => self.info.codec_string = describe_audio(codec, config, audio),
            }
        }
        if codec == CodecId::Aac {
            let config = AudioSpecificConfig::parse(config);
            self.samples = config.ok().map(|config| {
                // In samples of the output: SBR doubles them.
                let factor = config.output_sample_rate().checked_div(config.sample_rate);
                config
                    .frame_samples
                    .saturating_mul(factor.unwrap_or(1).max(1))
            });
        }
        true
    }

    /// Looks at the first frame of a track that comes without configuration. Returns whether it can be told now.
    pub(super) fn see(&mut self, frame: &Frame) -> bool {
        let Some(audio) = &mut self.info.audio else {
            // Parameter sets are needed; of other codecs the pictures hold all.
            self.ready = !matches!(
                self.info.codec,
                CodecId::H264 | CodecId::H265 | CodecId::H266
            );
            return self.ready;
        };
        if let Some(sound) = frame.sound {
            describe_plain(audio, sound);
        }
        match self.info.codec {
            CodecId::Aac | CodecId::Flac => return false,
            CodecId::Mp3 => {
                if let Ok(header) = mpeg_audio::FrameHeader::parse(&frame.data) {
                    audio.sample_rate = header.sample_rate;
                    audio.channels = header.channels;
                    self.samples = Some(header.samples);
                }
            }
            CodecId::Ac3 | CodecId::Eac3 => {
                if let Ok(header) = ac3::FrameHeader::parse(&frame.data) {
                    audio.sample_rate = header.sample_rate;
                    audio.channels = header.channels;
                    self.samples = Some(header.samples);
                }
            }
            CodecId::Opus => {
                (audio.sample_rate, audio.channels) = (48_000, 2);
                self.info.config = opus::head(2);
            }
            CodecId::Pcm => {
                audio.bits_per_sample = frame.sound.map(|sound| sound.bits);
                let eight = frame.sound.is_some_and(|sound| sound.bits == 8);
                self.info.config = Bytes::from_static(match eight {
                    true => &[pcm_flag::UNSIGNED, 8],
                    false => &[pcm_flag::LITTLE_ENDIAN, 16],
                });
            }
            _ => {}
        }
        self.ready = true;
        true
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub(super) fn packet(&self, frame: Frame, stamp: Stamp) -> Packet {
        let dts = Time::from_millis(stamp.ms);
        let info = &self.info;
        Packet {
            track: info.id,
            pts: dts + Time::from_nanos(frame.composition_ns),
            dts,
            duration: self.duration(&frame.data),
            flags: PacketFlags {
                key: frame.key,
                discontinuity: stamp.jumped,
                disposable: frame.disposable
                    || is_unreferenced(info.codec, &info.config, &frame.data),
                ..PacketFlags::default()
            },
            data: frame.data,
            crypto: None,
        }
    }

    fn duration(&self, data: &[u8]) -> Time {
        let Some(audio) = self.info.audio else {
            return Time::ZERO;
        };
        let samples = match (self.info.codec, self.samples) {
            (_, Some(samples)) => samples.into(),
            (CodecId::Opus, None) => opus::duration(data),
            (CodecId::Pcm | CodecId::Alaw | CodecId::Mulaw, None) => {
                let bytes = audio.bits_per_sample.map_or(1, |bits| bits.div_ceil(8));
                let frame = usize::from(bytes.saturating_mul(audio.channels));
                let samples = data.len().checked_div(frame).unwrap_or(0);
                u64::try_from(samples).unwrap_or(0)
            }
            _ => 0,
        };
        samples_to_time(samples, audio.sample_rate)
    }
}

fn describe_plain(audio: &mut AudioParams, sound: Sound) {
    audio.sample_rate = sound.sample_rate;
    audio.channels = sound.channels;
}

/// STREAMINFO, whether the marker and the header of its block (RFC 9639 8.1) stand before it or not.
fn stream_info(config: Bytes) -> Bytes {
    let behind = config.len().min(8);
    match config.starts_with(b"fLaC") {
        true => config.slice(behind..config.len().min(42)),
        false => config,
    }
}
