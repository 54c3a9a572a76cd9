//! Walking the elements, whatever their level is.

use bytes::Bytes;

use super::super::ebml::{Element, Head, HeadLook, Id, MAX_HEAD, look_at_head};
use super::super::id;
use super::super::index::Place;
use super::{Cluster, MkvDemuxer, READ_THROUGH, Sink, Turn};
use crate::{DemuxError, Step};

/// Elements that must be read whole may be so long.
const MAX_WHOLE: u64 = 64 * 1024 * 1024;
/// So much is looked through at once for a cluster.
const SCAN: usize = 64 * 1024;

impl MkvDemuxer {
    pub(super) fn walk(&mut self) -> Result<Turn, DemuxError> {
        if self.cluster.and_then(|cluster| cluster.end) == Some(self.at) {
            self.cluster = None;
        }
        match look_at_head(self.window.peek(MAX_HEAD)) {
            HeadLook::Head(head) if !self.is_expected(head.id) => self.lost(),
            HeadLook::Head(head) => self.meet(head),
            HeadLook::Short => self.more(),
            HeadLook::Bad => self.lost(),
        }
    }

    /// Where something certain is said to lie, nothing else may.
    fn is_expected(&self, found: Id) -> bool {
        match (&self.fetch, &self.sink) {
            (Some(fetch), _) => found == fetch.id,
            (None, Sink::Collect(collect)) if collect.is_landing => found == id::CLUSTER,
            _ => true,
        }
    }

    fn meet(&mut self, head: Head) -> Result<Turn, DemuxError> {
        let body = self.at.saturating_add(head.len as u64);
        match head.id {
            id::SEGMENT => self.begin_segment(body, head.size),
            id::CLUSTER => return self.begin_cluster(head),
            id::ATTACHMENTS => self.descend(body),
            id::ATTACHED_FILE => self.begin_attachment(body),
            id::FILE_DATA => return self.pass_file(head),
            id::EBML | id::SEEK_HEAD | id::INFO | id::TRACKS | id::CHAPTERS | id::TAGS => {
                return self.with_whole(head, Self::read_header);
            }
            id::CUES if self.cues.is_none() && !self.one_way => {
                return self.with_whole(head, Self::read_header);
            }
            id::FILE_NAME | id::FILE_MEDIA_TYPE => {
                return self.with_whole(head, Self::read_header);
            }
            id::TIMESTAMP | id::SIMPLE_BLOCK | id::BLOCK_GROUP if self.cluster.is_some() => {
                return self.with_whole(head, Self::read_in_cluster);
            }
            id::VOID | id::CUES => return self.pass(head, u64::MAX),
            // Of an element that nobody knows a great size is rather damage.
            _ => return self.pass(head, READ_THROUGH),
        }
        Ok(Turn::On)
    }

    /// The elements within are met one by one.
    pub(super) fn descend(&mut self, body: u64) {
        self.cluster = None;
        self.at = body;
    }

    /// Passes over an element.
    pub(super) fn pass(&mut self, head: Head, limit: u64) -> Result<Turn, DemuxError> {
        match head.size {
            Some(size) if size <= limit && self.fits(head, size) => {
                self.at = self.end_of(head, size);
                Ok(Turn::On)
            }
            _ => self.lost(),
        }
    }

    fn end_of(&self, head: Head, size: u64) -> u64 {
        let whole = size.saturating_add(head.len as u64);
        self.at.saturating_add(whole)
    }

    /// Whether an element ends before what it lies in.
    fn fits(&self, head: Head, size: u64) -> bool {
        let end = self.end_of(head, size);
        let limit = self.cluster.and_then(|cluster| cluster.end);
        limit.is_none_or(|limit| end <= limit) && self.total_len.is_none_or(|len| end <= len)
    }

    /// Reads an element that is of use only as a whole.
    fn with_whole(
        &mut self,
        head: Head,
        read: fn(&mut Self, Element) -> Result<Turn, DemuxError>,
    ) -> Result<Turn, DemuxError> {
        if is_of_segment(head.id) {
            self.cluster = None;
        }
        let Some(size) = head.size.filter(|size| *size <= MAX_WHOLE) else {
            return self.lost();
        };
        if !self.fits(head, size) {
            return self.lost();
        }
        let len = usize::try_from(size).unwrap_or(usize::MAX);
        let len = len.saturating_add(head.len);
        if self.window.len() < len {
            return self.more();
        }
        self.at = self.end_of(head, size);
        let whole: Bytes = self.window.take(len);
        read(
            self,
            Element {
                id: head.id,
                body: whole.slice(head.len..),
            },
        )
    }

    fn begin_cluster(&mut self, head: Head) -> Result<Turn, DemuxError> {
        if self.tracks.is_empty() {
            return self.look_for_tracks();
        }
        if !self.reported {
            return Ok(Turn::Tell(self.emit_info()));
        }
        let body = self.at.saturating_add(head.len as u64);
        if self.segments.is_empty() {
            self.begin_segment(self.at, None);
        }
        let behind = self.segments.partition_point(|one| one.start <= self.at);
        self.first_cluster.get_or_insert(self.at);
        self.cluster = Some(Cluster {
            offset: self.at,
            body,
            // Some writers leave a zero where they meant to put the size later.
            end: (head.size)
                .filter(|size| *size > 0)
                .map(|size| body.saturating_add(size)),
            segment: behind.saturating_sub(1),
            ticks: None,
        });
        self.at = body;
        if let Sink::Collect(collect) = &mut self.sink {
            collect.is_landing = false;
        }
        Ok(Turn::On)
    }

    fn read_in_cluster(&mut self, element: Element) -> Result<Turn, DemuxError> {
        match element.id {
            id::TIMESTAMP => self.read_timestamp(&element),
            id::SIMPLE_BLOCK => self.read_simple_block(element.body),
            _ => self.read_block_group(&element),
        }
        Ok(Turn::On)
    }

    fn read_timestamp(&mut self, element: &Element) {
        let ticks = element.uint().and_then(|ticks| i64::try_from(ticks).ok());
        let (Some(cluster), Some(ticks)) = (&mut self.cluster, ticks) else {
            return self.damaged();
        };
        cluster.ticks = Some(ticks);
        let cluster = *cluster;
        let Some(segment) = self.segments.get(cluster.segment) else {
            return;
        };
        let place = Place {
            time: segment.time(ticks),
            offset: cluster.offset,
            relative: None,
        };
        if !self.one_way {
            self.seen.add(place);
        }
        self.met_cluster(place, cluster.body);
    }

    /// More bytes are needed than there are.
    pub(super) fn more(&mut self) -> Result<Turn, DemuxError> {
        if !self.ended {
            return Ok(Turn::Tell(Step::NeedMore));
        }
        if !self.scanning {
            self.damaged();
        }
        self.walked_to_end()
    }

    /// What lies here makes no sense: the walk goes on with the next cluster.
    fn lost(&mut self) -> Result<Turn, DemuxError> {
        self.damaged();
        if let Some(fetch) = self.fetch.take() {
            return self.fetch_failed(fetch);
        }
        if self.is_misled() {
            return Ok(Turn::On);
        }
        self.cluster = None;
        self.scanning = true;
        self.at = self.at.saturating_add(1);
        Ok(Turn::On)
    }

    /// Looks for the next cluster.
    pub(super) fn scan(&mut self) -> Result<Turn, DemuxError> {
        if self.is_searched_through() {
            return self.walked_to_end();
        }
        let ended = self.ended;
        let data = self.window.peek(SCAN);
        let found = memchr::memmem::find(data, &id::CLUSTER.0.to_be_bytes());
        let rest = found.and_then(|found| data.get(found..));
        let (skip, looked) = match (found, rest.map(look_at_cluster)) {
            (Some(found), Some(Some(true))) => (found, Some(true)),
            (Some(found), Some(None)) if !ended => (found, None),
            (Some(found), _) => (found.saturating_add(1), Some(false)),
            // The identifier may begin in the last bytes.
            (None, _) if data.len() > 3 => (data.len().saturating_sub(3), Some(false)),
            (None, _) => (0, None),
        };
        self.at = self.at.saturating_add(skip as u64);
        match looked {
            Some(true) => self.scanning = false,
            Some(false) => {}
            None => {
                // What was passed over need not be kept for what is still to come.
                self.window.skip(skip);
                return self.more();
            }
        }
        Ok(Turn::On)
    }
}

/// Elements of a segment, which end a cluster whose size is not known (RFC 9559 5.1.3).
fn is_of_segment(id: Id) -> bool {
    !matches!(id, id::TIMESTAMP | id::SIMPLE_BLOCK | id::BLOCK_GROUP)
}

/// Whether a cluster begins there and not just something that looks like it; `None` while there are too few bytes.
fn look_at_cluster(data: &[u8]) -> Option<bool> {
    let head = match look_at_head(data) {
        HeadLook::Head(head) => head,
        HeadLook::Short => return None,
        HeadLook::Bad => return Some(false),
    };
    match look_at_head(data.get(head.len..).unwrap_or_default()) {
        HeadLook::Head(child) => Some(matches!(
            child.id,
            id::TIMESTAMP
                | id::POSITION
                | id::PREV_SIZE
                | id::CRC_32
                | id::VOID
                | id::SIMPLE_BLOCK
                | id::BLOCK_GROUP
        )),
        HeadLook::Short => None,
        HeadLook::Bad => Some(false),
    }
}
