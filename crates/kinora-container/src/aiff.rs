//! AIFF and AIFF-C (Audio Interchange File Format 1.3, AIFF-C draft of 1991).

use bytes::Bytes;
use kinora_media::{AudioParams, CodecId, TrackId, TrackInfo, pcm_flag};

use crate::chunked::{
    Blocks, ChunkHead, ChunkId, Chunked, Form, FormNames, Layout, Role, Sound, demux_as_chunked,
};
use crate::container::{Access, Container, Signature};
use crate::tags::{plain_text, title};

pub(crate) const CONTAINER: Container = Container {
    name: "aiff",
    title: "AIFF",
    media_types: &["aiff"],
    extensions: &["aiff", "aif", "aifc"],
    signatures: &[Signature::Start(begins_aiff)],
    access: Access::Demuxer(|opening| Box::new(AiffDemuxer::open(opening))),
};

/// `ima4`: a block has two bytes of state and 64 samples of four bits, for each channel.
pub(crate) const IMA4_BLOCK: (u32, u32) = (34, 64);

/// Demultiplexes AIFF and AIFF-C.
pub struct AiffDemuxer(Chunked<Aiff>);

demux_as_chunked!(AiffDemuxer, Aiff);

fn begins_aiff(head: &[u8]) -> bool {
    let form = head.get(8..12);
    head.starts_with(b"FORM") && matches!(form, Some(b"AIFF" | b"AIFC"))
}

/// What the chunks told so far.
#[derive(Default)]
struct Aiff {
    common: Option<Common>,
    title: Option<String>,
}

/// The common chunk.
struct Common {
    channels: u16,
    /// Sample frames; packets of what is coded in packets. 0 where the writer did not know.
    frames: u32,
    bits: u16,
    rate: u32,
    compression: [u8; 4],
}

impl Form for Aiff {
    const NAMES: FormNames = FormNames {
        container: CONTAINER.name,
        no_format: "aiff.no_format",
        no_sync: "aiff.no_sync",
    };
    const HEAD: usize = 12;
    const CHUNK_HEAD: usize = 8;
    const ALIGN: u64 = 2;

    fn begin(&mut self, _: &[u8]) {}

    fn chunk(&self, head: &[u8]) -> Option<ChunkHead> {
        let (id, len) = head.split_first_chunk::<4>()?;
        let len = match (id, u32::from_be_bytes(*len.first_chunk()?)) {
            // Who writes to a pipe never learns the length.
            (b"SSND", 0 | 8 | u32::MAX) => None,
            (_, len) => Some(u64::from(len)),
        };
        Some(ChunkHead { id: *id, len })
    }

    fn role(id: ChunkId) -> Role {
        match &id {
            b"SSND" => Role::Sound,
            b"COMM" | b"NAME" | b"ID3 " => Role::Read,
            _ => Role::Pass,
        }
    }

    fn read(&mut self, id: ChunkId, body: &Bytes) {
        match &id {
            b"COMM" => self.common = Common::parse(body).or(self.common.take()),
            b"NAME" => self.title = plain_text(body).or(self.title.take()),
            _ => self.title = title(body).or(self.title.take()),
        }
    }

    fn sound(&self, len: Option<u64>) -> Option<Sound> {
        self.common.as_ref()?.sound(len)
    }

    fn title(&self) -> Option<String> {
        self.title.clone()
    }
}

impl Common {
    fn parse(body: &[u8]) -> Option<Self> {
        let u16_at = |at: usize| Some(u16::from_be_bytes(*body.get(at..)?.first_chunk()?));
        let common = Self {
            channels: u16_at(0)?,
            frames: u32::from_be_bytes(*body.get(2..)?.first_chunk()?),
            bits: u16_at(6)?,
            rate: extended(body.get(8..)?.first_chunk()?),
            compression: body
                .get(18..)
                .and_then(|rest| rest.first_chunk().copied())
                .unwrap_or(*b"NONE"),
        };
        (common.channels > 0 && common.rate > 0).then_some(common)
    }

    fn sound(&self, len: Option<u64>) -> Option<Sound> {
        let sample_len = u8::try_from(self.bits.div_ceil(8).clamp(1, 8)).ok()?;
        let (codec, pcm) = match &self.compression {
            b"NONE" | b"twos" => (CodecId::Pcm, Some((0, sample_len))),
            b"sowt" => (CodecId::Pcm, Some((pcm_flag::LITTLE_ENDIAN, sample_len))),
            b"raw " => (CodecId::Pcm, Some((pcm_flag::UNSIGNED, 1))),
            b"in24" => (CodecId::Pcm, Some((0, 3))),
            b"in32" => (CodecId::Pcm, Some((0, 4))),
            b"fl32" | b"FL32" => (CodecId::Pcm, Some((pcm_flag::FLOAT, 4))),
            b"fl64" | b"FL64" => (CodecId::Pcm, Some((pcm_flag::FLOAT, 8))),
            b"alaw" | b"ALAW" => (CodecId::Alaw, None),
            b"ulaw" | b"ULAW" => (CodecId::Mulaw, None),
            b"ima4" => (CodecId::AdpcmImaQt, None),
            _ => (CodecId::UnknownAudio, None),
        };
        let mut track = TrackInfo::new(TrackId(0), codec);
        track.codec_tag = self.compression.escape_ascii().to_string();
        let mut params = AudioParams {
            sample_rate: self.rate,
            channels: self.channels,
            ..AudioParams::default()
        };
        let channels = u32::from(self.channels);
        let (len_of_one, samples) = match (codec, pcm) {
            (CodecId::AdpcmImaQt, _) => (IMA4_BLOCK.0, IMA4_BLOCK.1),
            (_, Some((flags, bytes))) => {
                let bits = bytes.saturating_mul(8);
                track.config = Bytes::copy_from_slice(&[flags, bits]);
                params.bits_per_sample = Some(bits.into());
                (u32::from(bytes), 1)
            }
            _ => (1, 1),
        };
        track.audio = Some(params);
        let block_len = channels.checked_mul(len_of_one)?;
        Some(Sound {
            track,
            layout: Layout::Blocks(
                Blocks::packed(block_len, samples, self.rate).at_most(self.frames.into()),
            ),
            // The offset behind the chunk's head serves the alignment of blocks, which nobody uses.
            skip: 8.min(len.unwrap_or(8)),
        })
    }
}

/// A rate as a number of 80 bits (IEEE 754 extended), without its fraction; 0 for what is no rate.
fn extended(bytes: &[u8; 10]) -> u32 {
    let [high, low, mantissa @ ..] = *bytes;
    let exponent = u16::from_be_bytes([high, low]);
    let mantissa = u64::from_be_bytes(mantissa);
    // The mantissa's highest bit is worth two to the power of `exponent - 16383`.
    let shift = 16_383u32.saturating_add(63).checked_sub(exponent.into());
    let value = shift.and_then(|shift| mantissa.checked_shr(shift));
    value
        .and_then(|value| u32::try_from(value).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
