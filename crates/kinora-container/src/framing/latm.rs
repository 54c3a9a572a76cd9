//! AAC multiplexed by LATM (ISO/IEC 14496-3 1.7.3): the raw frames within.

use bytes::Bytes;
use kinora_media::BitReader;
use kinora_media::bitstream::BadHeader;
use kinora_media::bitstream::aac::AudioSpecificConfig;

/// Follows the configuration of a multiplex, which need not come with every element.
#[derive(Default)]
pub(crate) struct Latm {
    mux: Option<StreamMux>,
}

/// What a `StreamMuxConfig` tells.
#[derive(Clone, PartialEq, Debug)]
struct StreamMux {
    config: AudioSpecificConfig,
    config_bytes: Bytes,
    sub_frames: u32,
    length: Length,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Length {
    /// Written before each frame.
    PerFrame,
    /// The same for all, in bytes.
    Fixed(usize),
}

impl Latm {
    /// The configuration, once it was seen, and the same as decoders take it.
    pub(crate) fn config(&self) -> Option<(&AudioSpecificConfig, &Bytes)> {
        let mux = self.mux.as_ref()?;
        Some((&mux.config, &mux.config_bytes))
    }

    /// The raw frames of an `AudioMuxElement`; none before the configuration was seen.
    ///
    /// # Errors
    /// [`BadHeader`] when it is cut short or holds what is not read: several programmes or
    /// layers, streams that are not AAC in the plain sense.
    pub(crate) fn frames(&mut self, element: &[u8]) -> Result<Vec<Bytes>, BadHeader> {
        let mut bits = BitReader::new(element);
        if !bits.bit()? {
            self.mux = Some(read_mux(&mut bits)?);
        }
        let Some(mux) = &self.mux else {
            return Ok(Vec::new());
        };
        (0..mux.sub_frames)
            .map(|_| {
                let length = match mux.length {
                    Length::Fixed(length) => length,
                    Length::PerFrame => read_length(&mut bits)?,
                };
                copy_bytes(&mut bits, length.saturating_mul(8))
            })
            .collect()
    }
}

/// `StreamMuxConfig` (table 1.42).
fn read_mux(bits: &mut BitReader<'_>) -> Result<StreamMux, BadHeader> {
    let version = bits.bit()?;
    if version && bits.bit()? {
        return Err(BadHeader::Invalid("audioMuxVersionA"));
    }
    if version {
        read_value(bits)?; // taraBufferFullness
    }
    bits.skip(1)?; // allStreamsSameTimeFraming: with one stream all are
    let sub_frames = bits.read(6)?.saturating_add(1);
    if bits.read(4)? != 0 || bits.read(3)? != 0 {
        return Err(BadHeader::Invalid("numProgram or numLayer"));
    }
    let limit = match version {
        true => Some(read_value(bits)?),
        false => None,
    };
    let mut copy = bits.clone();
    let config = AudioSpecificConfig::read(bits)?;
    let mut config_bits = config.bits;
    if let Some(limit) = limit {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        bits.skip(limit.saturating_sub(config_bits))?;
        config_bits = limit.max(config_bits);
    }
    let config_bytes = copy_bytes(&mut copy, config_bits)?;
    let length = match bits.read(3)? {
        0 => {
            bits.skip(8)?; // latmBufferFullness
            Length::PerFrame
        }
        1 => {
            let length = usize::try_from(bits.read(9)?).unwrap_or(0);
            Length::Fixed(length.saturating_add(20))
        }
        _ => return Err(BadHeader::Invalid("frameLengthType")),
    };
    if bits.bit()? {
        // otherData follows the frames, so its length matters to nobody.
        if version {
            read_value(bits)?;
        } else {
            while bits.bit()? {
                bits.skip(8)?;
            }
            bits.skip(8)?;
        }
    }
    if bits.bit()? {
        bits.skip(8)?; // crcCheckSum
    }
    Ok(StreamMux {
        config,
        config_bytes,
        sub_frames,
        length,
    })
}

/// `LatmGetValue` (table 1.43).
fn read_value(bits: &mut BitReader<'_>) -> Result<u32, BadHeader> {
    let bytes = bits.read(2)?.saturating_add(1);
    Ok(bits.read(bytes.saturating_mul(8))?)
}

/// `PayloadLengthInfo` (table 1.44).
fn read_length(bits: &mut BitReader<'_>) -> Result<usize, BadHeader> {
    let mut length = 0usize;
    loop {
        let part = usize::try_from(bits.read(8)?).unwrap_or(0);
        length = length.saturating_add(part);
        if part != 255 {
            return Ok(length);
        }
    }
}

/// So many bits as bytes of their own, filled up with zeros.
fn copy_bytes(bits: &mut BitReader<'_>, count: usize) -> Result<Bytes, BadHeader> {
    if count > bits.remaining() {
        return Err(BadHeader::Truncated);
    }
    let mut copy = Vec::with_capacity(count.div_ceil(8));
    let mut left = count;
    while left > 0 {
        let part = left.min(8);
        let value = bits.read(u32::try_from(part).unwrap_or(8))?;
        let byte = value << 8usize.saturating_sub(part);
        copy.extend(byte.to_le_bytes().first());
        left = left.saturating_sub(part);
    }
    Ok(copy.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes fields of so many bits.
    fn element(fields: &[(u32, u32)]) -> Vec<u8> {
        let bits: Vec<bool> = fields
            .iter()
            .flat_map(|(value, count)| (0..*count).rev().map(move |bit| value >> bit & 1 == 1))
            .collect();
        bits.chunks(8)
            .map(|byte| {
                let byte: Vec<u8> = byte.iter().map(|bit| u8::from(*bit)).collect();
                (0..8).fold(0, |n, i| n << 1 | byte.get(i).copied().unwrap_or(0))
            })
            .collect()
    }

    const CONFIG: [(u32, u32); 10] = [
        (0, 1),
        (0, 1),
        (1, 1),
        (1, 6),
        (0, 7),
        (0x1210, 16),
        (0, 3),
        (0xff, 8),
        (0, 1),
        (0, 1),
    ];

    #[test]
    fn frames_are_cut_out_of_the_bits() {
        let mut fields = CONFIG.to_vec();
        fields.extend([(2, 8), (0xabcd, 16), (1, 8), (0x5a, 8)]);
        let mut latm = Latm::default();
        let frames = latm.frames(&element(&fields)).unwrap();
        assert_eq!(frames, [&[0xab, 0xcd][..], &[0x5a]]);
        let (config, bytes) = latm.config().unwrap();
        assert_eq!((config.sample_rate, config.channels), (44_100, 2));
        assert_eq!(bytes[..], [0x12, 0x10]);
        // The next element goes without a configuration.
        let frames = latm
            .frames(&element(&[(1, 1), (1, 8), (7, 8), (0, 8)]))
            .unwrap();
        assert_eq!(frames, [&[7][..], &[]]);
    }

    #[test]
    fn an_element_cut_anywhere_is_an_error() {
        let mut fields = CONFIG.to_vec();
        fields.extend([(2, 8), (0xabcd, 16), (1, 8), (0x5a, 8)]);
        let whole = element(&fields);
        for length in 0..whole.len() {
            assert!(Latm::default().frames(&whole[..length]).is_err());
        }
    }

    #[test]
    fn nothing_comes_before_the_configuration() {
        let frames = Latm::default().frames(&[0x80, 0, 0]).unwrap();
        assert!(frames.is_empty());
    }
}
