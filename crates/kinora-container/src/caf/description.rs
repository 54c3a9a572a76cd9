//! `desc` and the magic cookie: how the sound of a CAF file is coded.

use bytes::Bytes;
use kinora_media::{AudioParams, CodecId, TrackId, TrackInfo, pcm_flag};

use super::Table;
use crate::chunked::{Blocks, Layout};
use crate::{mp4, ts};

/// The audio description chunk.
pub(super) struct Description {
    rate: u32,
    format: [u8; 4],
    flags: u32,
    /// 0: they differ.
    packet_len: u32,
    /// 0: they differ.
    packet_samples: u32,
    channels: u16,
    bits: u8,
}

impl Description {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let u32_at = |at: usize| Some(u32::from_be_bytes(*body.get(at..)?.first_chunk()?));
        let rate = f64::from_bits(u64::from_be_bytes(*body.first_chunk()?));
        // `as` saturates; a rate that is no number becomes zero.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rate = rate.round() as u32;
        let description = Self {
            rate,
            format: *body.get(8..)?.first_chunk()?,
            flags: u32_at(12)?,
            packet_len: u32_at(16)?,
            packet_samples: u32_at(20)?,
            channels: u16::try_from(u32_at(24)?).ok()?,
            bits: u8::try_from(u32_at(28)?).unwrap_or(0),
        };
        (rate > 0 && description.channels > 0).then_some(description)
    }

    fn codec(&self) -> CodecId {
        match &self.format {
            b"lpcm" => CodecId::Pcm,
            b"alaw" => CodecId::Alaw,
            b"ulaw" => CodecId::Mulaw,
            b"ima4" => CodecId::AdpcmImaQt,
            b"aac " => CodecId::Aac,
            b"opus" => CodecId::Opus,
            b"flac" => CodecId::Flac,
            b".mp1" => CodecId::Mp1,
            b".mp2" => CodecId::Mp2,
            _ => mp4::codec_of(self.format, *b"soun"),
        }
    }

    /// The layout of packets that are all of one size; `None` where a table must tell their sizes.
    pub(super) fn blocks(&self) -> Option<Layout> {
        let (len, samples) = (self.packet_len, self.packet_samples);
        if len == 0 || samples == 0 {
            return None;
        }
        let single = !matches!(
            self.codec(),
            CodecId::Pcm | CodecId::Alaw | CodecId::Mulaw | CodecId::AdpcmImaQt
        );
        Some(Layout::Blocks(match single {
            true => Blocks::single(len, samples),
            false => Blocks::packed(len, samples, self.rate),
        }))
    }

    pub(super) fn tabled(&self, table: &Table) -> Layout {
        Layout::Table(table.packets(self.packet_len, self.packet_samples))
    }

    pub(super) fn track(&self, cookie: &Bytes) -> TrackInfo {
        let mut track = TrackInfo::new(TrackId(0), self.codec());
        track.codec_tag = self.format.escape_ascii().to_string();
        let mut params = AudioParams {
            sample_rate: self.rate,
            channels: self.channels,
            ..AudioParams::default()
        };
        match track.codec {
            CodecId::Pcm => {
                track.config = Bytes::copy_from_slice(&[self.pcm_flags(), self.sample_bits()]);
                params.bits_per_sample = Some(self.sample_bits().into());
            }
            CodecId::Aac => {
                let config = mp4::audio_config(cookie).unwrap_or_else(|| cookie.clone());
                track.codec_string = config
                    .first()
                    .map(|first| format!("mp4a.40.{}", first >> 3));
                track.config = config;
            }
            CodecId::Alac => {
                params.bits_per_sample = Some(u16::from(self.bits)).filter(|bits| *bits > 0);
                track.config = alac_config(cookie);
            }
            CodecId::Opus if cookie.is_empty() => track.config = ts::opus_head(self.channels),
            _ => track.config = cookie.clone(),
        }
        track.audio = Some(params);
        track
    }

    /// Bits of a sample with what fills its bytes up.
    fn sample_bits(&self) -> u8 {
        let bytes = self
            .packet_len
            .checked_div(self.channels.into())
            .unwrap_or(0);
        match u8::try_from(bytes) {
            Ok(bytes @ 1..=8) => bytes.saturating_mul(8),
            _ => self.bits,
        }
    }

    /// `kCAFLinearPCMFormatFlagIsFloat` and `…IsLittleEndian`.
    fn pcm_flags(&self) -> u8 {
        let mut flags = 0;
        if self.flags & 1 != 0 {
            flags |= pcm_flag::FLOAT;
        }
        if self.flags & 2 != 0 {
            flags |= pcm_flag::LITTLE_ENDIAN;
        }
        flags
    }
}

/// `ALACSpecificConfig`, which older files keep within two atoms, `frma` and `alac` (ALACMagicCookieDescription).
fn alac_config(cookie: &Bytes) -> Bytes {
    const ATOMS: usize = 24;
    let is_wrapped = cookie.get(4..8) == Some(b"frma");
    let begins = if is_wrapped { ATOMS } else { 0 };
    let len = cookie.len().saturating_sub(begins).min(24);
    let Some(config) = cookie.get(begins..).and_then(|rest| rest.get(..len)) else {
        return Bytes::new();
    };
    cookie.slice_ref(config)
}
