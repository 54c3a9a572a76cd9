//! AAC: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) and ADTS frame headers (1.A.3.2).
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

use super::{BadHeader, low_byte};
use crate::BitReader;

/// Sampling frequencies by index (ISO/IEC 14496-3 table 1.18).
pub const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// Channels by `channelConfiguration` (ISO/IEC 14496-3 table 1.19).
const CHANNELS: [u16; 15] = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8];

/// Audio object types (ISO/IEC 14496-3 table 1.17).
pub mod object_type {
    /// AAC Main.
    pub const MAIN: u8 = 1;
    /// AAC LC.
    pub const LC: u8 = 2;
    /// Spectral band replication: HE-AAC.
    pub const SBR: u8 = 5;
    /// Parametric stereo: HE-AAC v2.
    pub const PS: u8 = 29;
    /// USAC: xHE-AAC.
    pub const USAC: u8 = 42;
}

/// What an AudioSpecificConfig says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AudioSpecificConfig {
    /// The audio object type of the core: 2 for AAC LC, also within HE-AAC.
    pub object_type: u8,
    /// Samples a second of the core.
    pub sample_rate: u32,
    /// `channelConfiguration`; 0 when a program config element describes the channels.
    pub channel_config: u8,
    /// Channels of the core; 0 when they are not given.
    pub channels: u16,
    /// Spectral band replication is signalled: output comes at this sample rate.
    pub sbr_sample_rate: Option<u32>,
    /// Parametric stereo is signalled: a mono core gives two channels.
    pub parametric_stereo: bool,
    /// Samples of a core frame in each channel: 1024, 960, 512, 480.
    pub frame_samples: u32,
    /// Bits that the configuration takes, where it is followed by something (LATM).
    pub bits: usize,
}

impl AudioSpecificConfig {
    /// Reads a configuration, with SBR and PS signalled in either way.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short or contradicts the standard.
    pub fn parse(data: &[u8]) -> Result<Self, BadHeader> {
        let mut bits = BitReader::new(data);
        let mut config = Self::read(&mut bits)?;
        // Backward compatible signalling (1.6.6.1): after the core's configuration.
        if config.sbr_sample_rate.is_none() && bits.remaining() >= 16 {
            config.read_sync_extension(&mut bits).unwrap_or(());
        }
        Ok(config)
    }

    /// The configuration of plain AAC LC, for a track that tells no more than its rate and channels. `None` where a
    /// table of the standard has no such rate or no such number of channels.
    #[must_use]
    pub fn plain(sample_rate: u32, channels: u16) -> Option<[u8; 2]> {
        let rate = SAMPLE_RATES.iter().position(|rate| *rate == sample_rate)?;
        let mut layouts = CHANNELS.iter().take(8);
        let layout = layouts.position(|count| *count == channels && channels > 0)?;
        let bits = usize::from(object_type::LC) << 11 | rate << 7 | layout << 3;
        u16::try_from(bits).ok().map(u16::to_be_bytes)
    }

    /// Reads a configuration that lies within something longer, so that nothing tells its end
    /// but itself.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn read(bits: &mut BitReader<'_>) -> Result<Self, BadHeader> {
        let before = bits.remaining();
        let mut object_type = read_object_type(bits)?;
        let sample_rate = read_sample_rate(bits)?;
        let channel_config = low_byte(bits.read(4)?);
        let mut sbr_sample_rate = None;
        let parametric_stereo = object_type == object_type::PS;
        if matches!(object_type, object_type::SBR | object_type::PS) {
            sbr_sample_rate = Some(read_sample_rate(bits)?);
            object_type = read_object_type(bits)?;
            if object_type == 22 {
                bits.skip(4)?; // extensionChannelConfiguration
            }
        }
        let mut config = Self {
            object_type,
            sample_rate,
            channel_config,
            channels: CHANNELS
                .get(usize::from(channel_config))
                .copied()
                .unwrap_or(0),
            sbr_sample_rate,
            parametric_stereo,
            frame_samples: 1024,
            bits: 0,
        };
        match object_type {
            1..=4 | 6 | 7 | 17 | 19..=23 => config.read_ga_specific(bits)?,
            39 => {
                // ELDSpecificConfig (4.6.20.3) begins with the frame length.
                config.frame_samples = if bits.bit()? { 480 } else { 512 };
            }
            _ => {}
        }
        config.bits = before.saturating_sub(bits.remaining());
        Ok(config)
    }

    /// ISO/IEC 14496-3 4.4.1
    fn read_ga_specific(&mut self, bits: &mut BitReader<'_>) -> Result<(), BadHeader> {
        let short = bits.bit()?;
        self.frame_samples = match (self.object_type, short) {
            (23, false) => 512,
            (23, true) => 480,
            (_, false) => 1024,
            (_, true) => 960,
        };
        if bits.bit()? {
            bits.skip(14)?; // coreCoderDelay
        }
        let extension = bits.bit()?;
        if self.channel_config == 0 {
            self.channels = read_program_config(bits)?;
        }
        if matches!(self.object_type, 6 | 20) {
            bits.skip(3)?; // layerNr
        }
        if extension {
            if self.object_type == 22 {
                bits.skip(16)?; // numOfSubFrame, layer_length
            }
            if matches!(self.object_type, 17 | 19 | 20 | 23) {
                bits.skip(3)?; // resilience flags
            }
            bits.skip(1)?; // extensionFlag3
        }
        Ok(())
    }

    /// `syncExtensionType` (ISO/IEC 14496-3 1.6.2.1)
    fn read_sync_extension(&mut self, bits: &mut BitReader<'_>) -> Result<(), BadHeader> {
        if bits.read(11)? != 0x2b7 || read_object_type(bits)? != object_type::SBR || !bits.bit()? {
            return Ok(());
        }
        self.sbr_sample_rate = Some(read_sample_rate(bits)?);
        if bits.remaining() >= 12 && bits.read(11)? == 0x548 {
            self.parametric_stereo = bits.bit()?;
        }
        Ok(())
    }

    /// Samples a second that a decoder gives, as far as it is signalled.
    #[must_use]
    pub fn output_sample_rate(&self) -> u32 {
        self.sbr_sample_rate.unwrap_or(self.sample_rate)
    }

    /// Channels that a decoder gives, as far as it is signalled; 0 when unknown.
    #[must_use]
    pub const fn output_channels(&self) -> u16 {
        if self.parametric_stereo && self.channels == 1 {
            2
        } else {
            self.channels
        }
    }

    /// RFC 6381 codec string: `mp4a.40.2`.
    #[must_use]
    pub fn codec_string(&self) -> String {
        let object_type = match (self.parametric_stereo, self.sbr_sample_rate) {
            (true, _) => object_type::PS,
            (false, Some(_)) => object_type::SBR,
            _ => self.object_type,
        };
        format!("mp4a.40.{object_type}")
    }
}

fn read_object_type(bits: &mut BitReader<'_>) -> Result<u8, BadHeader> {
    let short = bits.read(5)?;
    if short < 31 {
        return Ok(low_byte(short));
    }
    Ok(low_byte(bits.read(6)?.saturating_add(32)))
}

fn read_sample_rate(bits: &mut BitReader<'_>) -> Result<u32, BadHeader> {
    let index = bits.read(4)?;
    let rate = if index == 15 {
        bits.read(24)?
    } else {
        rate_of(index)?
    };
    if rate == 0 {
        return Err(BadHeader::Invalid("samplingFrequency"));
    }
    Ok(rate)
}

fn rate_of(index: u32) -> Result<u32, BadHeader> {
    usize::try_from(index)
        .ok()
        .and_then(|index| SAMPLE_RATES.get(index).copied())
        .ok_or(BadHeader::Invalid("samplingFrequencyIndex"))
}

/// Channels of a `program_config_element` (ISO/IEC 14496-3 4.4.1.1).
fn read_program_config(bits: &mut BitReader<'_>) -> Result<u16, BadHeader> {
    bits.skip(10)?; // element_instance_tag, object_type, sampling_frequency_index
    let front = bits.read(4)?;
    let side = bits.read(4)?;
    let back = bits.read(4)?;
    let low_frequency = bits.read(2)?;
    let data = bits.read(3)?;
    let coupling = bits.read(4)?;
    for skipped in [4, 4, 3] {
        if bits.bit()? {
            bits.skip(skipped)?; // mono, stereo, matrix mixdown
        }
    }
    let mut channels = u16::from(low_byte(low_frequency));
    for _ in 0..front.saturating_add(side).saturating_add(back) {
        channels = channels.saturating_add(if bits.bit()? { 2 } else { 1 });
        bits.skip(4)?;
    }
    for _ in 0..low_frequency.saturating_add(data) {
        bits.skip(4)?;
    }
    for _ in 0..coupling {
        bits.skip(5)?;
    }
    bits.align();
    let comment = bits.read(8)?;
    for _ in 0..comment {
        bits.skip(8)?;
    }
    Ok(channels)
}

/// The header of an ADTS frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdtsHeader {
    /// Audio object type: `profile` + 1.
    pub object_type: u8,
    /// `sampling_frequency_index`.
    pub rate_index: u8,
    /// Samples a second.
    pub sample_rate: u32,
    /// `channel_configuration`.
    pub channel_config: u8,
    /// Bytes of the header: 7, or 9 with a checksum.
    pub header_len: usize,
    /// Bytes of the whole frame, header included.
    pub frame_len: usize,
    /// Raw data blocks in the frame, 1 to 4.
    pub blocks: u32,
}

impl AdtsHeader {
    /// Bytes that suffice to read a header.
    pub const LEN: usize = 7;

    /// Reads the header at the start of the data.
    ///
    /// # Errors
    /// [`BadHeader::Truncated`] with fewer than seven bytes, else [`BadHeader::Invalid`].
    pub fn parse(data: &[u8]) -> Result<Self, BadHeader> {
        let Some(&[b0, b1, b2, b3, b4, b5, b6]) = data.first_chunk() else {
            return Err(BadHeader::Truncated);
        };
        if b0 != 0xff || b1 & 0xf6 != 0xf0 {
            return Err(BadHeader::Invalid("syncword"));
        }
        let rate_index = b2 >> 2 & 0xf;
        let header_len = if b1 & 1 == 1 { 7 } else { 9 };
        let frame_len = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5) >> 5;
        if frame_len < header_len {
            return Err(BadHeader::Invalid("aac_frame_length"));
        }
        Ok(Self {
            object_type: (b2 >> 6).saturating_add(1),
            rate_index,
            sample_rate: rate_of(rate_index.into())?,
            channel_config: (b2 & 1) << 2 | b3 >> 6,
            header_len,
            frame_len,
            blocks: u32::from(b6 & 3).saturating_add(1),
        })
    }

    /// The same parameters as an AudioSpecificConfig of two bytes.
    #[must_use]
    pub const fn audio_specific_config(&self) -> [u8; 2] {
        [
            self.object_type << 3 | self.rate_index >> 1,
            self.rate_index << 7 | self.channel_config << 3,
        ]
    }

    /// Channels; 0 when only a program config element within the frames tells them.
    #[must_use]
    pub fn channels(&self) -> u16 {
        CHANNELS
            .get(usize::from(self.channel_config))
            .copied()
            .unwrap_or(0)
    }

    /// Samples of the frame in each channel.
    #[must_use]
    pub const fn samples(&self) -> u32 {
        self.blocks.saturating_mul(1024)
    }

    /// Whether a frame can be of the same stream: the fixed header does not change
    /// (ISO/IEC 13818-7 1.2.2).
    #[must_use]
    pub const fn same_stream(&self, other: &Self) -> bool {
        self.object_type == other.object_type
            && self.rate_index == other.rate_index
            && self.channel_config == other.channel_config
    }
}

#[cfg(test)]
mod tests;
