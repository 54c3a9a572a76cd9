//! Finds frame after frame: one ends where its checksum holds and another begins.

use kinora_media::bitstream::BadHeader;
use kinora_media::bitstream::flac::{FrameHeader, Position, StreamInfo, crc16};

use crate::tags::is_trailing_tag;
use crate::window::Window;

/// No frame is longer: 65,536 samples of eight channels and 32 bits, uncompressed, and their heads.
const MAX_FRAME: usize = (2 << 20) + (64 << 10);
/// It is looked again when so many bytes more have come.
const LOOK_STEP: usize = 512;
/// After so many beginnings in a row without an end it is no FLAC.
const MAX_LOST: u32 = 16;
/// Frames that may be missing behind a damaged one.
const MAX_GAP: u64 = 1024;
/// Tags at the end of a file that are tried as the end of the last frame.
const MAX_TAGS: usize = 16;

/// A frame at the start of the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Frame {
    pub(super) len: usize,
    pub(super) header: FrameHeader,
}

impl Frame {
    /// The sample that it begins with, as it counts them itself.
    pub(super) fn sample(&self, info: &StreamInfo) -> u64 {
        match self.header.position {
            Position::Sample(sample) => sample,
            Position::Frame(frame) => {
                // The last frame may be shorter; all others are as STREAMINFO says.
                let fixed = match info.min_block_size == info.max_block_size {
                    true => info.max_block_size,
                    false => info.max_block_size.max(self.header.block_size),
                };
                frame.saturating_mul(fixed.into())
            }
        }
    }
}

/// What lies at the start of the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// A frame, whole and sound.
    Frame(Frame),
    /// So many bytes are none, or a frame that is damaged.
    Junk {
        len: usize,
        is_damage: bool,
    },
    NeedMore,
    End,
    /// Beginnings without an end, again and again.
    Lost,
}

/// How far the search for the end of a frame has come.
#[derive(Default)]
pub(super) struct Splitter {
    /// The frame that begins at the start of the window.
    header: Option<FrameHeader>,
    /// No frame begins before this place of the window.
    scanned: usize,
    /// The checksum so far, and of how many bytes.
    crc: (u16, usize),
    /// Where the next frame may begin, if this one has no end.
    fallback: Option<usize>,
    /// So many bytes must be there before it is worth to look again.
    need: usize,
    /// Bytes of the last frame: the next one is about as long.
    last_len: usize,
    lost: u32,
    in_junk: bool,
}

impl Splitter {
    /// The window begins elsewhere.
    pub(super) fn restart(&mut self) {
        *self = Self {
            last_len: self.last_len,
            in_junk: true,
            ..Self::default()
        };
    }

    pub(super) fn look(&mut self, window: &mut Window, info: &StreamInfo, ended: bool) -> Found {
        let there = window.len();
        if there == 0 && ended {
            return Found::End;
        }
        if there < self.need && !ended {
            return Found::NeedMore;
        }
        self.need = 0;
        let header = match self.header {
            Some(header) => header,
            None => match self.begin(window, info, ended) {
                Ok(header) => header,
                Err(found) => return found,
            },
        };
        let limit = there.min(MAX_FRAME);
        let mut reach = self.scanned.max(self.last_len).saturating_add(LOOK_STEP);
        loop {
            let data = window.peek(reach.min(limit));
            let is_all = data.len() == limit;
            let all_ended = ended && data.len() == there;
            if let Some(found) = self.scan(data, &header, info, all_ended) {
                return found;
            }
            if is_all {
                break;
            }
            reach = reach.saturating_mul(2);
        }
        if there < MAX_FRAME && !ended {
            self.need = there.saturating_add(LOOK_STEP);
            return Found::NeedMore;
        }
        self.without_end(window.peek(limit), header)
    }

    /// The header at the start of the window.
    fn begin(
        &mut self,
        window: &mut Window,
        info: &StreamInfo,
        ended: bool,
    ) -> Result<FrameHeader, Found> {
        let data = window.peek(FrameHeader::MAX_LEN);
        match FrameHeader::parse(data) {
            Ok(header) if header.fits(info) => {
                self.header = Some(header);
                self.scanned = header.len;
                self.crc = (0, 0);
                self.fallback = None;
                Ok(header)
            }
            Err(BadHeader::Truncated) if !ended => {
                self.need = window.len().saturating_add(1);
                Err(Found::NeedMore)
            }
            _ => {
                let is_tag = is_trailing_tag(window.peek(FrameHeader::MAX_LEN));
                let data = window.front();
                let rest = data.get(1..).unwrap_or_default();
                let next = memchr::memchr(FrameHeader::FIRST_BYTE, rest).unwrap_or(rest.len());
                Err(self.junk(next.saturating_add(1), !is_tag))
            }
        }
    }

    /// Damage is counted where it begins.
    fn junk(&mut self, len: usize, counts: bool) -> Found {
        self.header = None;
        self.need = 0;
        let is_damage = counts && !self.in_junk;
        self.in_junk = true;
        Found::Junk { len, is_damage }
    }

    /// Looks for the end of the frame in what was not looked at yet.
    fn scan(
        &mut self,
        data: &[u8],
        header: &FrameHeader,
        info: &StreamInfo,
        ended: bool,
    ) -> Option<Found> {
        while let Some(at) = data
            .get(self.scanned..)
            .and_then(|rest| memchr::memchr(FrameHeader::FIRST_BYTE, rest))
            .map(|ahead| self.scanned.saturating_add(ahead))
        {
            match FrameHeader::parse(data.get(at..).unwrap_or_default()) {
                Ok(next) if next.fits(info) => {
                    if self.checksum(data, at) == 0 {
                        return Some(self.found(*header, at));
                    }
                    match frames_later(header, &next) {
                        Some(1) => return Some(self.junk(at, true)),
                        // The header that should have come first is damaged; this frame need not be.
                        Some(_) => {
                            let end = first_sound_end(data.get(..at).unwrap_or_default(), header);
                            return Some(match end {
                                Some(end) => self.found(*header, end),
                                None => self.junk(at, true),
                            });
                        }
                        None => {}
                    }
                    self.fallback.get_or_insert(at);
                }
                Err(BadHeader::Truncated) if !ended => {
                    self.scanned = at;
                    return None;
                }
                _ => {}
            }
            self.scanned = at.saturating_add(1);
        }
        self.scanned = self.scanned.max(data.len());
        None
    }

    fn checksum(&mut self, data: &[u8], end: usize) -> u16 {
        let (before, done) = self.crc;
        let crc = crc16(before, data.get(done..end).unwrap_or_default());
        self.crc = (crc, end);
        crc
    }

    fn found(&mut self, header: FrameHeader, len: usize) -> Found {
        *self = Self {
            last_len: len,
            ..Self::default()
        };
        Found::Frame(Frame { len, header })
    }

    /// No other frame follows: it is the last one, which ends with the file or before a tag, or none.
    fn without_end(&mut self, data: &[u8], header: FrameHeader) -> Found {
        let tags = (header.len..data.len())
            .filter(|at| is_trailing_tag(data.get(*at..).unwrap_or_default()))
            .take(MAX_TAGS);
        let mut ends = std::iter::once(data.len()).chain(tags);
        let sound = |end: &usize| crc16(0, data.get(..*end).unwrap_or_default()) == 0;
        if let Some(end) = ends.find(sound) {
            return self.found(header, end);
        }
        self.lost = self.lost.saturating_add(1);
        if self.lost > MAX_LOST {
            return Found::Lost;
        }
        let next = self.fallback.unwrap_or(data.len());
        self.junk(next, true)
    }
}

/// How many frames further on in the stream a header stands than another one, if it is a few.
fn frames_later(one: &FrameHeader, next: &FrameHeader) -> Option<u64> {
    let later = match (one.position, next.position) {
        (Position::Frame(one), Position::Frame(next)) => next.checked_sub(one)?,
        (Position::Sample(from), Position::Sample(next)) => {
            let samples = next.checked_sub(from)?;
            samples.checked_div(one.block_size.into())?
        }
        _ => return None,
    };
    (1..=MAX_GAP).contains(&later).then_some(later)
}

/// Where the checksum of a frame holds for the first time.
fn first_sound_end(data: &[u8], header: &FrameHeader) -> Option<usize> {
    /// A subframe and the checksum take so many bytes.
    const MIN_BODY: usize = 3;
    let (head, body) = data.split_at_checked(header.len)?;
    let mut crc = crc16(0, head);
    let lens = body.iter().zip(1usize..).filter_map(|(byte, len)| {
        crc = crc16(crc, std::slice::from_ref(byte));
        (crc == 0 && len >= MIN_BODY).then(|| header.len.saturating_add(len))
    });
    lens.into_iter().next()
}
