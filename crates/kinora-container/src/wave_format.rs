//! `WAVEFORMATEX`: how sound is coded, for WAVE and Wave64 files and for what Matroska borrows of Windows.

use bytes::Bytes;
use kinora_media::{AudioParams, CodecId, TrackId, TrackInfo, pcm_flag};

use crate::chunked::{Blocks, Layout, Sound};
use crate::framing::Framing;

/// `WAVEFORMATEX`, or `WAVEFORMATEXTENSIBLE` brought to it (mmreg.h).
pub(crate) struct WaveFormat {
    tag: u16,
    channels: u16,
    rate: u32,
    bytes_per_second: u32,
    block_len: u16,
    bits: u16,
    /// What a coding adds.
    extra: Bytes,
}

/// Bytes that make an extensible format of a plain one: valid bits, channel mask, subtype.
const EXTENSION: usize = 22;
/// A block that is no longer holds samples, no frame.
const MAX_SAMPLE: u16 = 4;

/// Format tags (RFC 2361).
mod tag {
    pub(super) const PCM: u16 = 1;
    pub(super) const MS_ADPCM: u16 = 2;
    pub(super) const FLOAT: u16 = 3;
    pub(super) const ALAW: u16 = 6;
    pub(super) const MULAW: u16 = 7;
    pub(super) const IMA_ADPCM: u16 = 0x11;
    pub(super) const MPEG: u16 = 0x50;
    pub(super) const MP3: u16 = 0x55;
    pub(super) const RAW_AAC: u16 = 0xff;
    pub(super) const ADTS: u16 = 0x1600;
    pub(super) const AC3: u16 = 0x2000;
    pub(super) const DTS: u16 = 0x2001;
    pub(super) const MP4A: u16 = 0x706d;
    pub(super) const FLAC: u16 = 0xf1ac;
    pub(super) const EXTENSIBLE: u16 = 0xfffe;
}

/// `xxxx0000-0000-0010-8000-00aa00389b71`: what stands behind the format tag in a subtype.
const SUBTYPE: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

impl WaveFormat {
    /// `None` where it can be no sound: no channels, no rate.
    pub(crate) fn parse(body: &Bytes) -> Option<Self> {
        let u16_at = |at: usize| Some(u16::from_le_bytes(*body.get(at..)?.first_chunk()?));
        let u32_at = |at: usize| Some(u32::from_le_bytes(*body.get(at..)?.first_chunk()?));
        let extra_len = u16_at(16).map_or(0, usize::from);
        let extra = body.get(18..).unwrap_or_default();
        let extra = extra.get(..extra_len).unwrap_or(extra);
        let mut format = Self {
            tag: u16_at(0)?,
            channels: u16_at(2)?,
            rate: u32_at(4)?,
            bytes_per_second: u32_at(8)?,
            block_len: u16_at(12)?,
            bits: u16_at(14).unwrap_or(0),
            extra: body.slice_ref(extra),
        };
        if format.tag == tag::EXTENSIBLE {
            format.tag = subtype(extra).unwrap_or(format.tag);
            format.extra = format.extra.slice(extra.len().min(EXTENSION)..);
        }
        (format.channels > 0 && format.rate > 0).then_some(format)
    }

    /// The sound, in so many bytes and of so many samples, where known.
    pub(crate) fn sound(&self, len: Option<u64>, samples: Option<u64>) -> Sound {
        let mut track = TrackInfo::new(TrackId(0), self.codec());
        track.config = self.config();
        track.codec_tag = self.shown_tag();
        let bits = self.bytes_per_second.saturating_mul(8);
        track.bitrate = Some(bits).filter(|bits| *bits > 0);
        let mut params = self.params();
        let channels = u32::from(self.channels);
        let layout = match self.tag {
            tag::PCM | tag::FLOAT => {
                let len = u32::from(self.sample_len()).saturating_mul(channels);
                Layout::Blocks(Blocks::packed(len, 1, self.rate))
            }
            tag::ALAW | tag::MULAW => Layout::Blocks(Blocks::packed(channels, 1, self.rate)),
            tag::IMA_ADPCM | tag::MS_ADPCM => {
                let per_block = self.adpcm_samples();
                params.encoder_padding = padding(len, self.block_len, per_block, samples);
                Layout::Blocks(Blocks::single(self.block_len.into(), per_block))
            }
            tag::MPEG | tag::MP3 => Layout::Frames(Framing::Mpeg),
            tag::ADTS => Layout::Frames(Framing::Adts),
            tag::AC3 => Layout::Frames(Framing::Ac3),
            tag::DTS => Layout::Frames(Framing::Dts),
            _ => {
                let (len, samples) = (self.block_len.into(), self.block_samples());
                Layout::Blocks(match self.block_len {
                    // Too short for frames: G.722, G.726 and others that code sample by sample.
                    ..=MAX_SAMPLE => Blocks::packed(len, samples, self.rate),
                    _ => Blocks::single(len, samples),
                })
            }
        };
        track.audio = Some(params);
        Sound {
            track,
            layout,
            skip: 0,
        }
    }

    pub(crate) fn codec(&self) -> CodecId {
        match self.tag {
            tag::PCM | tag::FLOAT => CodecId::Pcm,
            tag::MPEG => CodecId::Mp2,
            tag::MP3 => CodecId::Mp3,
            tag::RAW_AAC | tag::ADTS | tag::MP4A => CodecId::Aac,
            tag::AC3 => CodecId::Ac3,
            tag::DTS => CodecId::Dts,
            tag::FLAC => CodecId::Flac,
            other => crate::codec_tags::by_format_tag(other).unwrap_or(CodecId::UnknownAudio),
        }
    }

    /// What its decoder is set up with.
    pub(crate) fn config(&self) -> Bytes {
        match self.tag {
            tag::PCM | tag::FLOAT => {
                Bytes::copy_from_slice(&[self.pcm_flags(), self.sample_bits()])
            }
            // What is known without, or told by each frame.
            tag::ALAW | tag::MULAW | tag::MPEG | tag::MP3 | tag::ADTS | tag::AC3 | tag::DTS => {
                Bytes::new()
            }
            _ => self.extra.clone(),
        }
    }

    pub(crate) fn params(&self) -> AudioParams {
        let is_pcm = matches!(self.tag, tag::PCM | tag::FLOAT);
        AudioParams {
            sample_rate: self.rate,
            channels: self.channels,
            bits_per_sample: is_pcm.then(|| self.sample_bits().into()),
            bits_per_coded_sample: Some(self.bits).filter(|bits| *bits > 0),
            block_align: Some(self.block_len.into()).filter(|len| *len > 0),
            ..AudioParams::default()
        }
    }

    /// The format tag, for people.
    pub(crate) fn shown_tag(&self) -> String {
        format!("{:#06x}", self.tag)
    }

    /// Bits of one PCM sample as it is stored.
    fn sample_bits(&self) -> u8 {
        u8::try_from(self.sample_len().saturating_mul(8)).unwrap_or(0)
    }

    /// Bytes of one PCM sample. Fewer bits than fill it stand in its upper end.
    fn sample_len(&self) -> u16 {
        let by_block = self.block_len.checked_div(self.channels).unwrap_or(0);
        let is_whole = by_block.saturating_mul(self.channels) == self.block_len;
        match by_block {
            1..=8 if is_whole => by_block,
            _ => self.bits.div_ceil(8).clamp(1, 8),
        }
    }

    fn pcm_flags(&self) -> u8 {
        match (self.tag, self.sample_len()) {
            (tag::FLOAT, _) => pcm_flag::LITTLE_ENDIAN | pcm_flag::FLOAT,
            (_, 1) => pcm_flag::UNSIGNED,
            _ => pcm_flag::LITTLE_ENDIAN,
        }
    }

    /// Samples of a block in each channel, by the bytes of a second.
    fn block_samples(&self) -> u32 {
        let product = u64::from(self.block_len).saturating_mul(self.rate.into());
        let samples = product.checked_div(self.bytes_per_second.into());
        samples
            .and_then(|samples| u32::try_from(samples).ok())
            .unwrap_or(1)
            .max(1)
    }

    /// Samples of a block in each channel, as the format tells or its length does.
    fn adpcm_samples(&self) -> u32 {
        let declared = self
            .extra
            .first_chunk()
            .map(|declared| u16::from_le_bytes(*declared));
        if let Some(declared) = declared.filter(|declared| *declared > 0) {
            return declared.into();
        }
        let channels = u32::from(self.channels);
        // A channel's part of the header, which holds so many samples; each byte behind it two.
        let (head, in_head) = match self.tag {
            tag::MS_ADPCM => (7, 2),
            _ => (4, 1),
        };
        let body = u32::from(self.block_len).saturating_sub(channels.saturating_mul(head));
        let samples = body.saturating_mul(2).checked_div(channels);
        samples.unwrap_or(0).saturating_add(in_head)
    }
}

fn subtype(extra: &[u8]) -> Option<u16> {
    let (tag, rest) = extra.get(6..)?.split_first_chunk::<2>()?;
    rest.starts_with(&SUBTYPE).then(|| u16::from_le_bytes(*tag))
}

/// Samples at the end of the last block that fill it up.
fn padding(len: Option<u64>, block_len: u16, per_block: u32, samples: Option<u64>) -> u32 {
    let blocks = len.and_then(|len| len.checked_div(block_len.into()));
    let coded = blocks.unwrap_or(0).saturating_mul(per_block.into());
    let padding = samples.map_or(0, |samples| coded.saturating_sub(samples));
    u32::try_from(padding)
        .ok()
        .filter(|padding| *padding < per_block)
        .unwrap_or(0)
}
