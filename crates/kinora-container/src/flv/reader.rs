//! From bytes to tags: what is damaged is passed over.

use bytes::{Buf, Bytes};

use super::tag::{HEADER, TRAILER, Tag, TagHeader};
use crate::DemuxError;
use crate::window::Window;

/// `FLV`, version, flags, and the length of this header.
const FILE_HEADER: usize = 9;
/// A header that claims to be longer lies.
const MAX_FILE_HEADER: u32 = 64 << 10;
/// Among junk a tag that claims to be longer is not believed: it would be waited for.
const MAX_FOUND: usize = 1 << 20;

/// Reads tags from a window.
pub(super) struct Reader {
    pub(super) window: Window,
    pub(super) ended: bool,
    pub(super) damage: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The file's header comes.
    FileHeader,
    /// Within the rest of the file's header, which ends here.
    Passing {
        end: u64,
    },
    Tag,
    /// Something that is no tag.
    Junk,
}

/// What was read.
pub(super) enum Read {
    /// The flags of the file's header.
    FileHeader(u8),
    Tag(Tag),
    NeedMore,
    End,
}

impl Reader {
    /// A reader at the start of a file.
    pub(super) fn new(begins: u64) -> Self {
        let mut window = Window::default();
        window.restart(begins);
        Self {
            window,
            ended: false,
            damage: 0,
            state: State::FileHeader,
        }
    }

    /// One that looks for the next tag from anywhere on.
    pub(super) fn searching(offset: u64) -> Self {
        let mut reader = Self::new(offset);
        reader.search(offset);
        reader
    }

    /// Goes on at a place where a tag should begin.
    pub(super) fn restart(&mut self, offset: u64) {
        self.window.restart(offset);
        self.ended = false;
        self.state = State::Tag;
    }

    /// Goes on anywhere: the next tag is looked for.
    pub(super) fn search(&mut self, offset: u64) {
        self.restart(offset);
        self.state = State::Junk;
    }

    /// The next tag. It is given once it is there with the length that follows it.
    ///
    /// # Errors
    /// When the file does not begin as one does.
    pub(super) fn read(&mut self) -> Result<Read, DemuxError> {
        loop {
            let read = match self.state {
                State::FileHeader => Some(self.file_header()?),
                State::Passing { end } => self.pass(end),
                State::Tag => self.tag(),
                State::Junk => self.look_in_junk(),
            };
            if let Some(read) = read {
                return Ok(read);
            }
        }
    }

    fn file_header(&mut self) -> Result<Read, DemuxError> {
        let offset = self.window.start();
        let head = self.window.peek(FILE_HEADER);
        let &[b'F', b'L', b'V', 1, flags, a, b, c, d] = head else {
            if head.len() < FILE_HEADER && !self.ended {
                return Ok(Read::NeedMore);
            }
            return Err(
                match b"FLV\x01".starts_with(head) || head.starts_with(b"FLV\x01") {
                    true => DemuxError::TruncatedHeader {
                        at: self.window.end(),
                    },
                    false => DemuxError::Malformed {
                        container: super::CONTAINER.name,
                        offset,
                        reason: "flv.header",
                        what: "it does not begin with FLV, version 1".to_owned(),
                    },
                },
            );
        };
        let len = match u32::from_be_bytes([a, b, c, d]) {
            len @ 9..=MAX_FILE_HEADER => len,
            _ => 9,
        };
        // PreviousTagSize0 (E.3) follows.
        let end = offset.saturating_add(u64::from(len)).saturating_add(4);
        self.state = State::Passing { end };
        Ok(Read::FileHeader(flags))
    }

    fn pass(&mut self, end: u64) -> Option<Read> {
        let left = end.saturating_sub(self.window.start());
        self.window
            .skip(usize::try_from(left).unwrap_or(usize::MAX));
        if self.window.start() < end {
            return Some(self.more());
        }
        self.state = State::Tag;
        None
    }

    fn more(&self) -> Read {
        match self.ended {
            true => Read::End,
            false => Read::NeedMore,
        }
    }

    fn tag(&mut self) -> Option<Read> {
        let head = self.window.peek(HEADER);
        if head.len() < HEADER {
            let cut = self.ended && !head.is_empty();
            if cut {
                self.damaged();
            }
            return Some(self.more());
        }
        if head.starts_with(b"FLV\x01") {
            // Another file was appended to this one.
            self.state = State::FileHeader;
            return None;
        }
        let Some(header) = TagHeader::parse(head) else {
            self.damaged();
            return None;
        };
        let whole = header.whole();
        let next = whole.saturating_add(TRAILER);
        if self.window.len() < next && !self.ended {
            return Some(Read::NeedMore);
        }
        if self.window.len() < whole {
            // The file ends within the tag; or its length is damaged, and others lie in what it claims.
            self.damaged();
            return None;
        }
        let declared = self.window.array_at(whole).map(u32::from_be_bytes);
        let agrees = |declared| usize::try_from(declared) == Ok(whole);
        if declared.is_none_or(agrees) {
            return Some(self.take(header));
        }
        // The length behind it is wrong, or the one in its header: what follows tells which.
        let follows = self.window.array_at::<HEADER>(next);
        if follows.is_none() && !self.ended {
            return Some(Read::NeedMore);
        }
        let goes_on = follows.map_or(self.window.len() == next, |follows| {
            TagHeader::parse(&follows).is_some()
        });
        if goes_on {
            self.damage = self.damage.saturating_add(1);
            return Some(self.take(header));
        }
        self.damaged();
        None
    }

    /// What lies here is no tag: another one is looked for behind its first byte.
    fn damaged(&mut self) {
        self.damage = self.damage.saturating_add(1);
        self.window.skip(1);
        self.state = State::Junk;
    }

    fn take(&mut self, header: TagHeader) -> Read {
        let offset = self.window.start();
        let mut body: Bytes = self.window.take(header.whole());
        body.advance(HEADER.min(body.len()));
        self.window.skip(TRAILER);
        self.state = State::Tag;
        Read::Tag(Tag {
            offset,
            header,
            body,
        })
    }

    /// Looks for a tag that is followed by its length.
    fn look_in_junk(&mut self) -> Option<Read> {
        loop {
            let front = self.window.front();
            let begins = |byte: &u8| matches!(byte & 0xdf, 8 | 9 | 18);
            let skip = front.iter().position(begins).unwrap_or(front.len());
            self.window.skip(skip);
            if !self.window.front().first().is_some_and(begins) && self.window.len() > 0 {
                continue;
            }
            let Some(head) = self.window.array_at::<HEADER>(0) else {
                if self.ended {
                    self.window.skip(HEADER);
                }
                return Some(self.more());
            };
            let found = TagHeader::parse(&head).filter(|header| header.whole() <= MAX_FOUND);
            if let Some(header) = found {
                let whole = header.whole();
                let declared = self.window.array_at(whole).map(u32::from_be_bytes);
                if declared.is_none() && !self.ended {
                    return Some(Read::NeedMore);
                }
                if declared.is_some_and(|declared| usize::try_from(declared) == Ok(whole)) {
                    self.state = State::Tag;
                    return None;
                }
            }
            self.window.skip(1);
        }
    }
}
