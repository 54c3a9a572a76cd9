//! Cuts video byte streams into access units.

use bytes::Bytes;
use kinora_media::CodecId;
use kinora_media::bitstream::find_start_code;

use super::blocks::BlockBuffer;
use super::marks::{Mark, Marks};
use super::picture::{Picture, Pictures, Unit};

/// An access unit larger than this is no picture but damage.
const MAX_UNIT: usize = 16 << 20;
/// Bytes after a start code that suffice to tell what begins there.
const LOOK_AHEAD: usize = 52;
/// Memory is asked for in pieces of this size.
const BLOCK: usize = 64 << 10;
/// So much is collected before it is searched, when no PES packet begins meanwhile.
const SEARCH_STEP: usize = 64 << 10;

/// An access unit as it lies in the stream, start codes included.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct AccessUnit {
    pub(super) data: Bytes,
    /// What its PES packet said, if it was the first to begin there.
    pub(super) mark: Option<Mark>,
    pub(super) picture: Picture,
}

/// Finds access units in the payload of one PID.
pub(super) struct VideoSplitter {
    pictures: Pictures,
    /// A zero before a start code belongs to it (ITU-T H.264 B.1.1, `zero_byte`), and not to
    /// what it follows (ISO/IEC 13818-2 5.2.3, stuffing).
    owns_zero: bool,
    buffer: BlockBuffer,
    /// Place in the stream of the buffer's first byte.
    base: u64,
    /// Where in the buffer the search goes on.
    search: usize,
    /// Where in the buffer the NAL unit that was found last begins, behind its start code.
    open: Option<usize>,
    /// The buffer begins with an access unit, of which this is known.
    current: Option<Option<Mark>>,
    marks: Marks,
    /// Where to cut if the next slice turns out to belong to a new picture.
    candidate: Option<usize>,
}

impl VideoSplitter {
    pub(super) fn new(codec: CodecId) -> Self {
        Self {
            pictures: Pictures::new(codec),
            owns_zero: matches!(codec, CodecId::H264 | CodecId::H265),
            buffer: BlockBuffer::new(BLOCK),
            base: 0,
            search: 0,
            open: None,
            current: None,
            marks: Marks::default(),
            candidate: None,
        }
    }

    pub(super) fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// Bytes that wait to become access units.
    pub(super) fn held(&self) -> usize {
        self.buffer.len()
    }

    /// A PES packet begins with the next bytes.
    pub(super) fn mark(&mut self, mark: Mark) {
        let at = self.base.saturating_add(to_u64(self.buffer.len()));
        self.marks.push(at, mark);
    }

    /// Takes payload. Returns whether so much waits that it should be searched.
    pub(super) fn push(&mut self, payload: &[u8]) -> bool {
        self.buffer.extend(payload);
        self.buffer.len().saturating_sub(self.search) > SEARCH_STEP
    }

    /// The next access unit that is whole; with `ended` also the last one. `Err` counts an
    /// access unit that was too long to be one.
    pub(super) fn next(&mut self, ended: bool) -> Result<Option<AccessUnit>, TooLong> {
        while let Some(start) = find_start_code(&self.buffer, self.search) {
            let begin = start.saturating_add(3);
            let available = self.buffer.len().saturating_sub(begin);
            if available < LOOK_AHEAD && !ended {
                self.search = start;
                return self.checked();
            }
            let cut = match start.checked_sub(1) {
                Some(before) if self.owns_zero && self.buffer.get(before) == Some(&0) => before,
                _ => start,
            };
            self.close(cut);
            let unit = self
                .pictures
                .unit(self.buffer.get(begin..).unwrap_or_default());
            self.search = begin;
            self.open = Some(begin);
            let cut = match unit {
                _ if self.current.is_none() => Some(cut),
                Unit::Within => None,
                Unit::Begins => Some(cut),
                Unit::MayBegin => {
                    self.candidate = self.candidate.or(Some(cut));
                    None
                }
                Unit::BeginsBefore => Some(self.candidate.take().unwrap_or(cut)),
            };
            if let Some(cut) = cut {
                let done = self.cut(cut);
                self.begin(begin.saturating_sub(cut));
                if done.is_some() {
                    return Ok(done);
                }
            }
        }
        if ended {
            self.close(self.buffer.len());
            let end = self.buffer.len();
            self.open = None;
            return Ok(self.cut(end));
        }
        self.search = self.search.max(self.buffer.len().saturating_sub(2));
        self.checked()
    }

    fn checked(&mut self) -> Result<Option<AccessUnit>, TooLong> {
        if self.buffer.len() <= MAX_UNIT {
            return Ok(None);
        }
        self.clear();
        Err(TooLong)
    }

    /// Forgets what is not whole; the parameter sets stay known.
    pub(super) fn clear(&mut self) {
        self.base = self.base.saturating_add(to_u64(self.buffer.len()));
        self.buffer.clear();
        self.search = 0;
        self.open = None;
        self.current = None;
        self.candidate = None;
        self.marks.clear();
        self.pictures.restart();
    }

    /// The NAL unit that was found last ends here.
    fn close(&mut self, end: usize) {
        if let Some(open) = self.open.take()
            && let Some(nal) = self.buffer.get(open..end)
        {
            self.pictures.read(nal);
        }
    }

    /// Gives the access unit before a place in the buffer.
    fn cut(&mut self, at: usize) -> Option<AccessUnit> {
        let data = self.buffer.split_to(at).freeze();
        self.base = self.base.saturating_add(to_u64(at));
        self.search = self.search.saturating_sub(at);
        self.open = self.open.map(|open| open.saturating_sub(at));
        self.candidate = None;
        let mark = self.current.take()?;
        let whole = self.pictures.picture_seen();
        let mut picture = self.pictures.finish();
        if !whole {
            return None; // headers without a picture
        }
        if picture.key {
            self.pictures.read_access_unit(&data);
        }
        picture.key |= mark.is_some_and(|mark| mark.random_access);
        Some(AccessUnit {
            data,
            mark,
            picture,
        })
    }

    /// An access unit begins at the start of the buffer; its first start code ends at `code`.
    fn begin(&mut self, code: usize) {
        let at = self.base.saturating_add(to_u64(code));
        self.current = Some(self.marks.take(at));
    }
}

/// No end of an access unit was found within any sound length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TooLong;

fn to_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
