//! Cuts byte streams of audio into frames: what transport streams and bare audio files share.

pub(crate) mod latm;

use kinora_media::bitstream::BadHeader;
use kinora_media::bitstream::aac::AdtsHeader;
use kinora_media::bitstream::ac3;
use kinora_media::bitstream::dts;
use kinora_media::bitstream::mpeg_audio::FrameHeader as MpegHeader;
use kinora_media::{AudioParams, CodecId, Time};

use crate::audio_file::vbr::free_format_padding;

/// How frames follow one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    /// AAC in ADTS.
    Adts,
    /// AAC in LOAS/LATM.
    Loas,
    /// MPEG audio of any layer.
    Mpeg,
    /// MPEG audio of the free format: frames that all have so many bytes, but for their padding.
    MpegFree {
        /// Bytes of a frame without padding.
        len: usize,
    },
    /// AC-3 and E-AC-3; dependent substreams belong to the frame before them.
    Ac3,
    /// DTS; extension substreams belong to the core frame before them.
    Dts,
}

/// One frame at the start of the data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    /// Bytes of the frame, its header included.
    pub(crate) len: usize,
    /// Bytes at its start that are no payload.
    pub(crate) skip: usize,
    /// What it is a frame of.
    pub(crate) format: Format,
    /// Samples in each channel; 0 when unknown.
    pub(crate) samples: u32,
}

/// What must stay the same from frame to frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Format {
    pub(crate) codec: CodecId,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    /// AudioSpecificConfig of AAC in ADTS.
    pub(crate) aac_config: Option<[u8; 2]>,
}

impl Format {
    pub(crate) fn params(&self) -> AudioParams {
        AudioParams {
            sample_rate: self.sample_rate,
            channels: self.channels,
            ..AudioParams::default()
        }
    }
}

/// What lies at the start of the data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// A frame, whole.
    Frame(Frame),
    /// So many bytes must be there to tell.
    Need(usize),
    /// So many bytes are no frame.
    Junk(usize),
}

/// Finds frame after frame.
pub(crate) struct Splitter {
    framing: Framing,
    /// What the frames before were; `None` while out of step.
    format: Option<Format>,
    /// The format of the frames before step was lost, trusted when it comes again.
    last_format: Option<Format>,
}

impl Splitter {
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            framing,
            format: None,
            last_format: None,
        }
    }

    /// Bytes are missing before those that come next.
    pub(crate) fn lost(&mut self) {
        self.last_format = self.format.take().or(self.last_format);
    }

    /// Whether the data is the start of a frame, in step with those before.
    pub(crate) fn is_cut(&self, data: &[u8]) -> bool {
        match self.framing.header(data) {
            Ok((frame, _)) => self.format.is_some() && frame.len > data.len(),
            Err(BadHeader::Truncated) => self.format.is_some() && !data.is_empty(),
            Err(_) => false,
        }
    }

    /// Looks at the start of the data. `ended` says that nothing follows it.
    pub(crate) fn look(&mut self, data: &[u8], ended: bool) -> Look {
        let frame = match self.framing.unit(data, ended) {
            Look::Frame(frame) => frame,
            Look::Junk(_) => {
                self.lost();
                return Look::Junk(self.framing.next_candidate(data));
            }
            need @ Look::Need(_) => return need,
        };
        if self
            .format
            .is_some_and(|format| same(&format, &frame.format))
        {
            self.format = Some(frame.format);
            return self.whole(data, frame, ended);
        }
        // Out of step, or another format: the frame behind must confirm this one.
        let rest = data.get(frame.len..).unwrap_or_default();
        match self.framing.header(rest) {
            Ok((next, _)) if same(&next.format, &frame.format) => {}
            Err(BadHeader::Truncated) if !ended => {
                return Look::Need(frame.len.saturating_add(self.framing.header_len()));
            }
            Err(BadHeader::Truncated)
                if frame.len <= data.len() && self.confirmed_by_past(&frame, rest) => {}
            _ => {
                self.lost();
                return Look::Junk(self.framing.next_candidate(data));
            }
        }
        self.format = Some(frame.format);
        Look::Frame(frame)
    }

    /// The last frame of all has no whole header behind it: it must reach to the end, or to what
    /// may be the start of another, or be as those before it.
    fn confirmed_by_past(&self, frame: &Frame, rest: &[u8]) -> bool {
        rest.first() == Some(&self.framing.first_byte())
            || rest.is_empty()
            || self.last_format.is_some_and(|f| same(&f, &frame.format))
    }

    fn whole(&self, data: &[u8], frame: Frame, ended: bool) -> Look {
        if data.len() >= frame.len {
            return Look::Frame(frame);
        }
        if ended {
            return Look::Junk(data.len().max(1));
        }
        Look::Need(frame.len)
    }
}

/// Frames of one stream. The number of channels may change where joint stereo comes and goes.
fn same(one: &Format, other: &Format) -> bool {
    one.codec == other.codec && one.sample_rate == other.sample_rate
}

impl Framing {
    /// Bytes that suffice to read a header.
    const fn header_len(self) -> usize {
        match self {
            Self::Adts => AdtsHeader::LEN,
            Self::Loas => 3,
            Self::Mpeg | Self::MpegFree { .. } => MpegHeader::LEN,
            Self::Ac3 => ac3::FrameHeader::LEN,
            Self::Dts => dts::Substream::LEN,
        }
    }

    /// The frame at the start, and whether further pieces may belong to it.
    pub(crate) fn header(self, data: &[u8]) -> Result<(Frame, bool), BadHeader> {
        match self {
            Self::Adts => adts(data).map(|frame| (frame, false)),
            Self::Loas => loas(data).map(|frame| (frame, false)),
            Self::Mpeg => mpeg(data).map(|frame| (frame, false)),
            Self::MpegFree { len } => mpeg_free(data, len).map(|frame| (frame, false)),
            Self::Ac3 => {
                let header = ac3::FrameHeader::parse(data)?;
                if !header.begins_access_unit() {
                    return Err(BadHeader::Invalid("strmtyp"));
                }
                Ok((ac3_frame(&header), header.is_eac3()))
            }
            Self::Dts => match dts::Substream::parse(data)? {
                dts::Substream::Core(core) => Ok((dts_frame(&core), true)),
                dts::Substream::Extension { .. } => Err(BadHeader::Invalid("syncword")),
            },
        }
    }

    /// The frame at the start with all its pieces.
    fn unit(self, data: &[u8], ended: bool) -> Look {
        let (mut frame, more) = match self.header(data) {
            Ok(read) => read,
            Err(BadHeader::Truncated) if !ended => return Look::Need(self.header_len()),
            Err(_) => return Look::Junk(1),
        };
        // Pieces are counted so that hostile ones end: 8 substreams are what the standard has.
        for _ in 0..(if more { 16 } else { 0 }) {
            let rest = data.get(frame.len..).unwrap_or_default();
            match self.continuation(rest) {
                Ok(len) => frame.len = frame.len.saturating_add(len),
                Err(BadHeader::Truncated) if !ended => {
                    return Look::Need(frame.len.saturating_add(self.header_len()));
                }
                Err(_) => break,
            }
        }
        Look::Frame(frame)
    }

    /// Bytes of a piece that belongs to the frame before it.
    fn continuation(self, data: &[u8]) -> Result<usize, BadHeader> {
        match self {
            Self::Ac3 => match ac3::FrameHeader::parse(data)? {
                header if !header.begins_access_unit() => Ok(header.frame_len),
                _ => Err(BadHeader::Invalid("strmtyp")),
            },
            Self::Dts => match dts::Substream::parse(data)? {
                dts::Substream::Extension { len } => Ok(len),
                dts::Substream::Core(_) => Err(BadHeader::Invalid("syncword")),
            },
            _ => Err(BadHeader::Invalid("frame")),
        }
    }

    /// Whether two frames of one stream follow each other from the start on; `None` while there are too few bytes.
    pub(crate) fn begins_with_two(self, data: &[u8]) -> Option<bool> {
        let (first, _) = match self.header(data) {
            Ok(read) => read,
            Err(BadHeader::Truncated) => return None,
            Err(_) => return Some(false),
        };
        let next = data.get(first.len..).unwrap_or_default();
        if next.len() < self.header_len() {
            return None;
        }
        Some(match self {
            Self::Adts => {
                pair(data, next, AdtsHeader::parse).is_some_and(|(a, b)| a.same_stream(&b))
            }
            Self::Mpeg => {
                pair(data, next, MpegHeader::parse).is_some_and(|(a, b)| a.same_stream(&b))
            }
            // A dependent substream may follow, which begins no access unit.
            Self::Ac3 => pair(data, next, ac3::FrameHeader::parse)
                .is_some_and(|(a, b)| a.sample_rate == b.sample_rate),
            Self::Loas | Self::Dts | Self::MpegFree { .. } => self
                .header(next)
                .is_ok_and(|(next, _)| same(&next.format, &first.format)),
        })
    }

    /// The codec of its frames, as far as that is known before one is seen.
    pub(crate) const fn codec(self) -> CodecId {
        match self {
            Self::Adts => CodecId::Aac,
            Self::Loas => CodecId::AacLatm,
            Self::Mpeg | Self::MpegFree { .. } => CodecId::Mp3,
            Self::Ac3 => CodecId::Ac3,
            Self::Dts => CodecId::Dts,
        }
    }

    /// What each of its frames begins with.
    pub(crate) const fn first_byte(self) -> u8 {
        match self {
            Self::Adts | Self::Mpeg | Self::MpegFree { .. } => 0xff,
            Self::Loas => 0x56,
            Self::Ac3 => 0x0b,
            Self::Dts => 0x7f,
        }
    }

    /// How far it is to the next byte that may begin a frame, at least one.
    fn next_candidate(self, data: &[u8]) -> usize {
        let rest = data.get(1..).unwrap_or_default();
        memchr::memchr(self.first_byte(), rest)
            .unwrap_or(rest.len())
            .saturating_add(1)
    }
}

/// The headers of two frames.
fn pair<H>(
    first: &[u8],
    next: &[u8],
    parse: impl Fn(&[u8]) -> Result<H, BadHeader>,
) -> Option<(H, H)> {
    parse(first).ok().zip(parse(next).ok())
}

fn adts(data: &[u8]) -> Result<Frame, BadHeader> {
    let header = AdtsHeader::parse(data)?;
    Ok(Frame {
        len: header.frame_len,
        skip: header.header_len,
        samples: header.samples(),
        format: Format {
            codec: CodecId::Aac,
            sample_rate: header.sample_rate,
            channels: header.channels(),
            aac_config: Some(header.audio_specific_config()),
        },
    })
}

/// `AudioSyncStream` (ISO/IEC 14496-3 1.7.2): eleven bits of sync, thirteen of length.
fn loas(data: &[u8]) -> Result<Frame, BadHeader> {
    let Some(&[0x56, high, low]) = data.first_chunk() else {
        return Err(match data.len() {
            0..3 => BadHeader::Truncated,
            _ => BadHeader::Invalid("syncword"),
        });
    };
    if high & 0xe0 != 0xe0 {
        return Err(BadHeader::Invalid("syncword"));
    }
    let payload = usize::from(high & 0x1f) << 8 | usize::from(low);
    Ok(Frame {
        len: payload.saturating_add(3),
        skip: 3,
        samples: 0,
        format: Format {
            codec: CodecId::AacLatm,
            sample_rate: 0,
            channels: 0,
            aac_config: None,
        },
    })
}

fn mpeg(data: &[u8]) -> Result<Frame, BadHeader> {
    let header = MpegHeader::parse(data)?;
    if header.frame_len < MpegHeader::LEN {
        return Err(BadHeader::Invalid("bitrate_index"));
    }
    Ok(mpeg_frame(&header, header.frame_len))
}

fn mpeg_free(data: &[u8], len: usize) -> Result<Frame, BadHeader> {
    let header = MpegHeader::parse(data)?;
    if header.bitrate.is_some() {
        return Err(BadHeader::Invalid("bitrate_index"));
    }
    let padding = free_format_padding(data).unwrap_or(0);
    Ok(mpeg_frame(&header, len.saturating_add(padding)))
}

fn mpeg_frame(header: &MpegHeader, len: usize) -> Frame {
    Frame {
        len,
        skip: 0,
        samples: header.samples,
        format: Format {
            codec: header.codec(),
            sample_rate: header.sample_rate,
            channels: header.channels,
            aac_config: None,
        },
    }
}

fn ac3_frame(header: &ac3::FrameHeader) -> Frame {
    Frame {
        len: header.frame_len,
        skip: 0,
        samples: header.samples,
        format: Format {
            codec: if header.is_eac3() {
                CodecId::Eac3
            } else {
                CodecId::Ac3
            },
            sample_rate: header.sample_rate,
            channels: header.channels,
            aac_config: None,
        },
    }
}

fn dts_frame(core: &dts::CoreHeader) -> Frame {
    Frame {
        len: core.frame_len,
        skip: 0,
        samples: core.samples,
        format: Format {
            codec: CodecId::Dts,
            sample_rate: core.sample_rate,
            channels: core.channels,
            aac_config: None,
        },
    }
}

/// How long so many samples sound.
pub(crate) fn samples_to_time(samples: u64, sample_rate: u32) -> Time {
    let nanos = u128::from(samples)
        .saturating_mul(1_000_000_000)
        .checked_div(u128::from(sample_rate))
        .unwrap_or(0);
    Time::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// The first sample that does not sound before a time.
pub(crate) fn time_to_samples(time: Time, sample_rate: u32) -> u64 {
    let nanos = u128::from(time.as_nanos().max(0).unsigned_abs());
    let samples = nanos
        .saturating_mul(sample_rate.into())
        .div_ceil(1_000_000_000);
    u64::try_from(samples).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
