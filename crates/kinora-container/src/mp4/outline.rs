//! A movie box in outline: all of it but the entries of its long tables.
//!
//! The index of a long film is megabytes, of which a moment needs a few kilobytes. Over a network the rest is not
//! waited for: its tables are arrays, and each says how long it is.

use core::ops::Range;

use bytes::Bytes;

use super::boxes::{BoxHead, FourCc, HeadLook, look_at_head};
use super::store::Store;

/// How an index is read in pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Paging {
    /// Tables of more bytes are read page by page: to pass over less costs less than to jump.
    pub(crate) long: u64,
    /// Bytes of a page.
    pub(crate) page: usize,
    /// So much is read at once while somebody waits for the first sample, and later.
    pub(crate) first: usize,
    pub(crate) ahead: usize,
}

impl Paging {
    /// For networks: at 8 Mbit/s 50 kB come in the time of a round trip of 50 ms.
    pub(crate) const NETWORK: Self = Self {
        long: 48 * 1024,
        page: 4096,
        first: 8 * 1024,
        ahead: 64 * 1024,
    };
}

/// A table that was passed over.
#[derive(Clone, Debug)]
pub(crate) struct LongTable {
    pub(crate) kind: FourCc,
    /// The first bytes of its body, and where all of it lies.
    pub(crate) head: Bytes,
    pub(crate) start: u64,
    pub(crate) len: u64,
}

/// The bytes of a body that say what a table is: version and flags, a size, a count.
const TABLE_HEAD: usize = 12;
/// Bytes of the longest head of a box.
const BOX_HEAD: usize = 16;

/// A movie box on its way to be read in outline.
pub(crate) struct Outline {
    paging: Paging,
    /// Where the next box begins.
    at: u64,
    end: u64,
    /// The boxes so far, without long tables.
    copy: Vec<u8>,
    open: Vec<Opened>,
    long: Vec<Vec<LongTable>>,
}

/// A box that is being copied box by box.
struct Opened {
    kind: FourCc,
    end: u64,
    /// Where its copy begins.
    copied_to: usize,
}

/// What became of an outline.
pub(crate) enum Outlined {
    /// These bytes are needed first.
    Needs(Range<u64>),
    /// The body of the movie box without its long tables, and those of each track.
    Done(Bytes, Vec<Vec<LongTable>>),
    /// It is not of the usual kind: it must be read whole.
    Unfit,
}

impl Outline {
    /// Of a movie box whose body lies there.
    pub(crate) fn new(body: Range<u64>, paging: Paging) -> Self {
        Self {
            paging,
            at: body.start,
            end: body.end,
            copy: Vec::new(),
            open: Vec::new(),
            long: Vec::new(),
        }
    }

    /// Goes on with the bytes at hand.
    pub(crate) fn read(&mut self, store: &Store) -> Outlined {
        loop {
            while let Some(opened) = self.open.pop_if(|opened| opened.end <= self.at) {
                if opened.end < self.at || self.close(&opened).is_none() {
                    return Outlined::Unfit;
                }
            }
            if self.at >= self.end {
                let copy = core::mem::take(&mut self.copy).into();
                return Outlined::Done(copy, core::mem::take(&mut self.long));
            }
            let limit = self.open.last().map_or(self.end, |opened| opened.end);
            let peeked = store.peek(self.at, BOX_HEAD);
            let HeadLook::Head(head) = look_at_head(&peeked) else {
                let wanted = self.at.saturating_add(BOX_HEAD as u64);
                // A few bytes behind the last box are no box.
                return match wanted <= limit && peeked.len() < BOX_HEAD {
                    true => self.needs(wanted),
                    false => Outlined::Unfit,
                };
            };
            let end = head.len.and_then(|len| self.at.checked_add(len));
            let Some(end) = end.filter(|end| *end <= limit) else {
                return Outlined::Unfit;
            };
            if let Some(outlined) = self.enter(store, head, end) {
                return outlined;
            }
        }
    }

    /// Copies a box, opens it or passes over it.
    fn enter(&mut self, store: &Store, head: BoxHead, end: u64) -> Option<Outlined> {
        let body = self.at.saturating_add(head.head_len);
        let len = end.saturating_sub(body);
        let parent = self.open.last().map_or(*b"moov", |opened| opened.kind);
        match (&parent, &head.kind) {
            (b"moov", b"trak") => {
                self.long.push(Vec::new());
                self.open(head, end);
            }
            (b"trak", b"mdia") | (b"mdia", b"minf") | (b"minf", b"stbl") => self.open(head, end),
            (b"stbl", kind) if is_table(kind) && len > self.paging.long => {
                // Its first page comes at the price of a few bytes more, and most films are played from their start.
                let begun = self.paging.page.saturating_add(TABLE_HEAD);
                let begun = usize::try_from(len).map_or(begun, |len| len.min(begun));
                let Some(begins) = store.slice(body, begun) else {
                    return Some(self.needs(body.saturating_add(begun as u64)));
                };
                let table_head = begins.slice(..TABLE_HEAD.min(begins.len()));
                if !is_array(kind, &table_head) {
                    return self.copy(store, end);
                }
                self.long.last_mut()?.push(LongTable {
                    kind: *kind,
                    head: table_head,
                    start: body,
                    len,
                });
                self.at = end;
            }
            (b"moov", b"cmov") => return Some(Outlined::Unfit),
            _ => return self.copy(store, end),
        }
        None
    }

    fn open(&mut self, head: BoxHead, end: u64) {
        self.open.push(Opened {
            kind: head.kind,
            end,
            copied_to: self.copy.len(),
        });
        self.copy.extend_from_slice(&[0; 4]);
        self.copy.extend_from_slice(&head.kind);
        self.at = self.at.saturating_add(head.head_len);
    }

    /// The copy of a box is complete: its size is written.
    fn close(&mut self, opened: &Opened) -> Option<()> {
        let copied = self.copy.len().checked_sub(opened.copied_to)?;
        let size = u32::try_from(copied).ok()?.to_be_bytes();
        let place = opened.copied_to..opened.copied_to.checked_add(size.len())?;
        self.copy.get_mut(place)?.copy_from_slice(&size);
        Some(())
    }

    fn copy(&mut self, store: &Store, end: u64) -> Option<Outlined> {
        let len = usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let Some(whole) = store.slice(self.at, len) else {
            return Some(self.needs(end));
        };
        // How samples are encrypted is told beside the tables, by places within this box.
        if whole.windows(4).any(|name| name == b"sinf") {
            return Some(Outlined::Unfit);
        }
        self.copy.extend_from_slice(&whole);
        self.at = end;
        None
    }

    /// All up to there; what follows is mostly small.
    fn needs(&self, end: u64) -> Outlined {
        let usual = self.at.saturating_add(self.paging.first as u64);
        Outlined::Needs(self.at..end.max(usual).min(self.end))
    }
}

fn is_table(kind: &FourCc) -> bool {
    matches!(
        kind,
        b"stsz" | b"stsc" | b"stco" | b"co64" | b"ctts" | b"sdtp"
    )
}

/// Whether the table can be read from any place on. Composition offsets that may be negative are looked through for
/// the least, and a constant size has no entries.
fn is_array(kind: &FourCc, head: &[u8]) -> bool {
    match kind {
        b"ctts" => head.first() == Some(&0),
        b"stsz" => head.get(4..8) == Some(&[0; 4]),
        _ => true,
    }
}
