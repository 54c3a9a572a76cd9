//! How codecs lie in Ogg: their headers, and what their granule positions count.

use bytes::{BufMut, Bytes, BytesMut};
use kinora_media::bitstream::flac;
use kinora_media::{Time, TrackInfo};

use super::vorbis::{Blocks, Identification};
use crate::comments::Comments;
use crate::ts::opus;

/// What a logical stream carries, told by its first packet.
pub(super) struct Mapping {
    codec: Codec,
    /// Headers that are still to come.
    headers_left: u32,
    pub(super) headers: Vec<Bytes>,
    pub(super) info: TrackInfo,
    pub(super) comments: Comments,
    rate: Rate,
}

#[derive(Clone, Debug)]
pub(super) enum Codec {
    /// RFC 7845.
    Opus { pre_skip: i64 },
    /// Vorbis I, annex A.
    Vorbis(Option<Blocks>),
    /// RFC 9639 10.1.
    Flac,
    /// Theora specification, annex A.
    Theora {
        granule_shift: u32,
        /// Frames are counted from one; before version 3.2.1 from zero.
        first: i64,
    },
    /// The Speex manual, "Ogg file format".
    Speex { samples: u64 },
}

/// Units of a granule position in a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) units: u32,
    pub(super) seconds: u32,
}

impl Rate {
    pub(super) const fn of(units: u32) -> Self {
        Self { units, seconds: 1 }
    }
}

impl Mapping {
    pub(super) fn new(info: TrackInfo, codec: Codec, headers_left: u32, rate: Rate) -> Self {
        Self {
            codec,
            headers_left,
            headers: Vec::new(),
            info,
            comments: Comments::default(),
            rate,
        }
    }

    /// All headers are there.
    pub(super) fn is_ready(&self) -> bool {
        self.headers_left == 0
    }

    /// Whether the next packet may be longer than what is kept of it.
    pub(super) fn awaits_comments(&self) -> bool {
        !self.is_ready() && (self.headers.len() == 1 || matches!(self.codec, Codec::Flac))
    }

    /// Takes a packet while headers are missing. `false`: it is none, and they will not come.
    pub(super) fn take_header(&mut self, packet: Bytes) -> bool {
        let comments = match (&self.codec, self.headers.len()) {
            (Codec::Opus { .. }, 1) => packet.strip_prefix(b"OpusTags"),
            (Codec::Vorbis(_), 1) => packet.strip_prefix(b"\x03vorbis"),
            (Codec::Theora { .. }, 1) => packet.strip_prefix(b"\x81theora"),
            (Codec::Speex { .. }, 1) => Some(&packet[..]),
            (Codec::Flac, _) => return self.take_flac_block(packet),
            _ => None,
        };
        if let Some(comments) = comments {
            self.comments = Comments::parse(comments);
        }
        let setup = match self.codec {
            Codec::Vorbis(_) => packet.starts_with(b"\x05vorbis"),
            Codec::Theora { .. } => packet.starts_with(b"\x82theora"),
            Codec::Speex { .. } => true,
            Codec::Opus { .. } | Codec::Flac => false,
        };
        if comments.is_none() && !setup {
            return false;
        }
        self.headers.push(packet);
        self.headers_left = self.headers_left.saturating_sub(1);
        if self.is_ready() {
            self.finish_headers();
        }
        true
    }

    /// Metadata blocks, each a packet (RFC 9639 10.1); the last one says so.
    fn take_flac_block(&mut self, packet: Bytes) -> bool {
        let Some(&first) = packet.first() else {
            return false;
        };
        if first == 0xff {
            // A frame: there are no more blocks, whatever was announced.
            self.headers_left = 0;
            return false;
        }
        const VORBIS_COMMENT: u8 = 4;
        if first & 0x7f == VORBIS_COMMENT && packet.len() > 4 {
            self.comments = Comments::parse(packet.get(4..).unwrap_or_default());
        }
        if first & 0x80 != 0 {
            self.headers_left = 0;
        }
        true
    }

    fn finish_headers(&mut self) {
        let headers = std::mem::take(&mut self.headers);
        match &mut self.codec {
            Codec::Vorbis(blocks) => {
                if let [first, .., setup] = &headers[..] {
                    *blocks = Identification::parse(first)
                        .and_then(|identification| Blocks::new(&identification, setup));
                    self.info.config = laced(first, b"\x03vorbis\0\0\0\0\0\0\0\0\x01", setup);
                }
            }
            Codec::Theora { .. } => {
                if let [first, .., setup] = &headers[..] {
                    self.info.config = laced(first, b"\x81theora\0\0\0\0\0\0\0\0", setup);
                }
            }
            Codec::Opus { .. } | Codec::Speex { .. } => {
                self.info.config = headers.into_iter().next().unwrap_or_default();
            }
            Codec::Flac => {}
        }
    }

    /// Units that a packet lasts.
    pub(super) fn units(&mut self, packet: &[u8]) -> u64 {
        match &mut self.codec {
            Codec::Opus { .. } => opus::duration(packet),
            Codec::Vorbis(blocks) => blocks.as_mut().map_or(0, |blocks| blocks.samples(packet)),
            Codec::Flac => {
                flac::FrameHeader::parse(packet).map_or(0, |header| header.block_size.into())
            }
            Codec::Theora { .. } => 1,
            Codec::Speex { samples } => *samples,
        }
    }

    /// Packets were lost, or come from elsewhere.
    pub(super) fn reset(&mut self) {
        if let Codec::Vorbis(Some(blocks)) = &mut self.codec {
            blocks.reset();
        }
    }

    /// Units from the start of the stream to where a granule position points.
    pub(super) fn position(&self, granule: i64) -> i64 {
        match self.codec {
            Codec::Theora {
                granule_shift,
                first,
            } => {
                let key = granule >> granule_shift;
                let since = granule.saturating_sub(key << granule_shift);
                key.saturating_add(since)
                    .saturating_add(1)
                    .saturating_sub(first)
            }
            _ => granule,
        }
    }

    /// The position before the key frame that the last frame before a granule position needs.
    pub(super) fn key_position(&self, granule: i64) -> i64 {
        match self.codec {
            Codec::Theora {
                granule_shift,
                first,
            } => (granule >> granule_shift).saturating_sub(first),
            _ => granule,
        }
    }

    /// Sound comes out so many units after it was put in.
    pub(super) fn delay(&self) -> i64 {
        match self.codec {
            Codec::Opus { pre_skip } => pre_skip,
            _ => 0,
        }
    }

    /// Decoding that begins in the midst is right after so long (RFC 7845 4.6; the overlap of Vorbis's windows).
    pub(super) fn pre_roll(&self) -> Time {
        match self.codec {
            Codec::Opus { .. } => Time::from_millis(80),
            Codec::Vorbis(_) | Codec::Speex { .. } => Time::from_millis(40),
            Codec::Flac | Codec::Theora { .. } => Time::ZERO,
        }
    }

    pub(super) fn to_time(&self, units: i64) -> Time {
        let Rate { units: hz, seconds } = self.rate;
        let nanos = i128::from(units)
            .saturating_mul(i128::from(seconds))
            .saturating_mul(1_000_000_000)
            .checked_div(i128::from(hz))
            .unwrap_or(0);
        let far = if nanos < 0 { i64::MIN } else { i64::MAX };
        Time::from_nanos(i64::try_from(nanos).unwrap_or(far))
    }

    pub(super) fn is_key(&self, packet: &[u8]) -> bool {
        match self.codec {
            // Theora specification 7.1; an empty packet repeats the frame before.
            Codec::Theora { .. } => packet.first().is_some_and(|byte| byte & 0xc0 == 0),
            _ => true,
        }
    }

    /// Whether a packet is a frame, not a header that was repeated.
    pub(super) fn is_frame(&self, packet: &[u8]) -> bool {
        match self.codec {
            Codec::Opus { .. } => !packet.is_empty() && !packet.starts_with(b"OpusTags"),
            Codec::Vorbis(_) => packet.first().is_some_and(|byte| byte & 1 == 0),
            Codec::Flac => packet.first() == Some(&0xff),
            Codec::Theora { .. } => packet.first().is_none_or(|byte| byte & 0x80 == 0),
            Codec::Speex { .. } => !packet.is_empty(),
        }
    }
}

/// Three headers as decoders take them: their number less one, the lengths of all but the last, then they themselves.
fn laced(first: &[u8], second: &[u8], third: &[u8]) -> Bytes {
    let mut config = BytesMut::new();
    config.put_u8(2);
    for header in [first, second] {
        let mut left = header.len();
        while left >= 255 {
            config.put_u8(255);
            left = left.saturating_sub(255);
        }
        config.put_u8(u8::try_from(left).unwrap_or(0));
    }
    for header in [first, second, third] {
        config.put_slice(header);
    }
    config.freeze()
}
