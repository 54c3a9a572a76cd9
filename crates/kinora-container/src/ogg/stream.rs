//! A logical stream: its pages become packets, and packets get their times.

use bytes::{Bytes, BytesMut};

use super::mapping::Mapping;
use super::page::{Page, Piece};

/// A longer packet is damage.
const MAX_PACKET: usize = 16 << 20;
/// So much is kept of a packet of comments, which may hold pictures.
const MAX_COMMENTS: usize = 256 << 10;

/// One logical stream.
pub(super) struct Stream {
    pub(super) serial: u32,
    pub(super) mapping: Mapping,
    partial: Partial,
    next_sequence: Option<u32>,
    /// Where the next packet begins, in the mapping's units.
    position: Option<i64>,
    /// Where the packets of the page begin that a seek leads to, which its own granule position does not tell of a
    /// last page.
    resume: Option<i64>,
    from_start: bool,
    /// Until a key frame comes nothing can be decoded.
    awaits_key: bool,
    /// Packets were lost.
    pub(super) lost: bool,
}

/// A packet that did not end yet.
enum Partial {
    None,
    Kept(BytesMut),
    /// Its beginning is not known, or it is too long.
    Dropped,
}

/// A frame with its place in the mapping's units.
pub(super) struct Frame {
    pub(super) data: Bytes,
    pub(super) start: i64,
    /// Units that count; fewer than the frame has where the end of a stream is cut.
    pub(super) units: u64,
    pub(super) key: bool,
    /// Nothing of it counts.
    pub(super) is_behind_end: bool,
}

impl Stream {
    pub(super) fn new(mapping: Mapping, page: &Page) -> Self {
        Self {
            serial: page.serial,
            mapping,
            partial: Partial::None,
            next_sequence: Some(page.sequence.wrapping_add(1)),
            position: None,
            resume: None,
            from_start: true,
            awaits_key: false,
            lost: false,
        }
    }

    /// Pages come from the beginning again.
    pub(super) fn rewind(&mut self) {
        self.jump(None);
        self.from_start = true;
        self.awaits_key = false;
    }

    /// Its first page comes again, as the headers do that follow.
    pub(super) fn repeat(&mut self, page: &Page) {
        self.rewind();
        self.next_sequence = Some(page.sequence.wrapping_add(1));
    }

    /// Pages come from elsewhere, where packets begin at this position if it is known.
    pub(super) fn jump(&mut self, resume: Option<i64>) {
        self.partial = Partial::None;
        self.next_sequence = None;
        self.position = None;
        self.resume = resume;
        self.from_start = false;
        self.awaits_key = true;
        self.mapping.reset();
    }

    /// Takes a page; headers are kept, frames given. `damage` counts what is missing.
    pub(super) fn take(&mut self, page: &Page, damage: &mut u64) -> Vec<Frame> {
        if self.next_sequence.is_some_and(|next| next != page.sequence) {
            *damage = damage.saturating_add(1);
            self.jump(None);
            self.lost = true;
        }
        self.next_sequence = Some(page.sequence.wrapping_add(1));
        let mut frames = Vec::new();
        for (index, piece) in page.pieces().enumerate() {
            let Some(packet) = self.put_together(page, index == 0, piece, damage) else {
                continue;
            };
            if !self.mapping.is_ready() && self.mapping.take_header(packet.clone()) {
                continue;
            }
            if self.mapping.is_ready() && self.mapping.is_frame(&packet) {
                let units = self.mapping.units(&packet);
                frames.push((packet, units));
            }
        }
        self.time(page, frames)
    }

    /// The packet that ends with this piece.
    fn put_together(
        &mut self,
        page: &Page,
        first: bool,
        piece: Piece,
        damage: &mut u64,
    ) -> Option<Bytes> {
        let Piece { data, ends } = piece;
        if first {
            match (&self.partial, page.is_continued()) {
                (Partial::None, true) => self.partial = Partial::Dropped,
                (Partial::Kept(_), false) => {
                    *damage = damage.saturating_add(1);
                    self.partial = Partial::None;
                }
                (Partial::Dropped, false) => self.partial = Partial::None,
                _ => {}
            }
        }
        if ends && matches!(self.partial, Partial::None) {
            return Some(data);
        }
        let comments = self.mapping.awaits_comments();
        match std::mem::replace(&mut self.partial, Partial::None) {
            Partial::None => self.partial = Partial::Kept(BytesMut::from(&data[..])),
            Partial::Kept(mut kept) => {
                let room = match comments {
                    true => MAX_COMMENTS.saturating_sub(kept.len()),
                    false => usize::MAX,
                };
                kept.extend_from_slice(data.get(..room).unwrap_or(&data));
                self.partial = match kept.len() <= MAX_PACKET {
                    true => Partial::Kept(kept),
                    false => Partial::Dropped,
                };
            }
            Partial::Dropped => self.partial = Partial::Dropped,
        }
        if !ends {
            return None;
        }
        match std::mem::replace(&mut self.partial, Partial::None) {
            Partial::Kept(kept) => Some(kept.freeze()),
            Partial::None | Partial::Dropped => None,
        }
    }

    /// Places the frames of a page, the last of which ends where its granule position says.
    fn time(&mut self, page: &Page, frames: Vec<(Bytes, u64)>) -> Vec<Frame> {
        if frames.is_empty() {
            return Vec::new();
        }
        let sum: u64 = frames
            .iter()
            .fold(0, |sum, (_, units)| sum.saturating_add(*units));
        let end = page.granule.map(|granule| self.mapping.position(granule));
        let start = self.position.take();
        let mut at = start.unwrap_or_else(|| self.begin(page, end, sum));
        let begins = at;
        let mut timed = Vec::with_capacity(frames.len());
        for (data, units) in frames {
            let start = at;
            at = at.saturating_add_unsigned(units);
            // Only at its end a stream may be cut (RFC 3533 6; RFC 7845 4.4).
            let cut = end.filter(|end| page.ends_stream() && at > *end && *end >= begins);
            let left = cut.map_or(units, |end| {
                u64::try_from(end.saturating_sub(start)).unwrap_or(0)
            });
            let key = self.mapping.is_key(&data);
            if self.awaits_key && !key {
                continue;
            }
            self.awaits_key = false;
            timed.push(Frame {
                data,
                start,
                units: left,
                key,
                is_behind_end: left == 0 && units > 0,
            });
        }
        self.position = Some(end.unwrap_or(at));
        self.from_start = false;
        self.resume = None;
        timed
    }

    /// Where the first packets begin that are seen.
    fn begin(&self, page: &Page, end: Option<i64>, sum: u64) -> i64 {
        let Some(end) = end else {
            return self.resume.unwrap_or(0);
        };
        let counted = end.saturating_sub_unsigned(sum);
        match (page.ends_stream(), self.from_start) {
            // The only page: fewer units than its packets have mean that the end is cut.
            (true, true) => counted.max(0),
            (true, false) => self.resume.unwrap_or(counted),
            // Of sound whose beginning is cut the first position is smaller (Vorbis I A.2). For Opus RFC 7845 4.3 forbids
            // it; there are such files all the same, whose times go on from page to page as all others' do.
            (false, _) => counted,
        }
    }
}
