//! The elements beside the clusters.

use kinora_media::{Attachment, ByteRange, TrackKind};

use super::super::ebml::{Element, Head, find};
use super::super::index::Index;
use super::super::segment::Segment;
use super::super::{id, meta, track};
use super::{MkvDemuxer, Turn};
use crate::DemuxError;

/// More files than anybody attaches.
const MAX_ATTACHMENTS: usize = 512;
/// Segments that a file may have.
const MAX_SEGMENTS: usize = 1024;

impl MkvDemuxer {
    /// A segment begins. What follows another one goes on where that ended.
    pub(super) fn begin_segment(&mut self, body: u64, size: Option<u64>) {
        self.descend(body);
        let is_known = self.segments.iter().any(|known| known.start >= body);
        if is_known || self.segments.len() >= MAX_SEGMENTS {
            return;
        }
        let base = match self.one_way {
            true => Default::default(),
            false => self.end,
        };
        self.segments.push(Segment::new(body, size, base));
    }

    /// The segment in which the element lies that was read last.
    fn segment(&mut self) -> Option<&mut Segment> {
        let behind = self.segments.partition_point(|one| one.start < self.at);
        self.segments.get_mut(behind.checked_sub(1)?)
    }

    pub(super) fn read_header(&mut self, element: Element) -> Result<Turn, DemuxError> {
        match element.id {
            id::EBML => check_version(&element, self.at)?,
            id::SEEK_HEAD => {
                if let Some(segment) = self.segment() {
                    segment.read_seek_head(&element);
                }
            }
            id::INFO => self.read_info(&element),
            id::TRACKS => self.read_tracks(&element)?,
            id::CUES => self.read_cues(&element),
            id::CHAPTERS => {
                let edition = meta::edition(&element);
                self.info.chapters = edition.chapters;
                self.info.ordered_chapters = edition.ordered;
            }
            id::TAGS => {
                if self.info.title.is_none() {
                    self.info.title = meta::title(&element);
                }
            }
            _ => self.read_attachment(&element),
        }
        match self.fetch.take() {
            Some(fetch) => self.fetched(fetch),
            None => Ok(Turn::On),
        }
    }

    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn read_info(&mut self, element: &Element) {
        let Some(segment) = self.segment() else {
            return;
        };
        let (duration, title) = segment.read_info(element);
        let duration = duration.map(|duration| segment.base + duration);
        let longer = duration.max(self.info.duration);
        self.info_due |= longer != self.info.duration;
        self.info.duration = longer;
        self.info.title = self.info.title.take().or(title);
    }

    fn read_tracks(&mut self, element: &Element) -> Result<(), DemuxError> {
        let tracks = track::tracks(element);
        let is_playable = |track: &track::Track| track.info.kind() != TrackKind::Data;
        if !tracks.iter().any(is_playable) && self.tracks.is_empty() {
            return Err(DemuxError::NoTracks);
        }
        let infos = |tracks: &[track::Track]| {
            let infos = tracks.iter().map(|track| track.info.clone());
            infos.collect::<Vec<_>>()
        };
        if !tracks.is_empty() && infos(&tracks) != infos(&self.tracks) {
            self.tracks = tracks;
            self.info_due = true;
        }
        Ok(())
    }

    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn read_cues(&mut self, element: &Element) {
        let lead = self.lead();
        let delay = lead.map_or_else(Default::default, |lead| lead.codec_delay);
        let number = lead.map_or(0, |lead| lead.info.id.0);
        let Some(segment) = self.segments.first() else {
            return;
        };
        let time_of = |ticks| segment.time(i64::try_from(ticks).unwrap_or(i64::MAX)) - delay;
        let cues = Index::parse(element, number.into(), segment.start, time_of);
        self.cues = Some(cues);
    }

    pub(super) fn begin_attachment(&mut self, body: u64) {
        self.descend(body);
        // Walked again after a seek they are known already.
        if !self.reported && self.info.attachments.len() < MAX_ATTACHMENTS {
            self.info.attachments.push(Attachment::default());
        }
    }

    fn read_attachment(&mut self, element: &Element) {
        let Some(file) = self.info.attachments.last_mut().filter(|_| !self.reported) else {
            return;
        };
        let text = element.text().unwrap_or_default();
        match element.id {
            id::FILE_NAME => file.name = text,
            _ => file.media_type = text,
        }
    }

    /// The bytes of an attached file stay where they are.
    pub(super) fn pass_file(&mut self, head: Head) -> Result<Turn, DemuxError> {
        let from = self.at.saturating_add(head.len as u64);
        let file = self.info.attachments.last_mut().filter(|_| !self.reported);
        if let (Some(file), Some(size)) = (file, head.size) {
            file.range = ByteRange::of(from, size);
        }
        self.pass(head, u64::MAX)
    }
}

/// The one version of EBML that there is (RFC 8794 11.2.2, 11.2.5).
fn check_version(element: &Element, offset: u64) -> Result<(), DemuxError> {
    let number = |id| find(&element.body, id).and_then(|element| element.uint());
    let version = number(id::EBML_READ_VERSION).unwrap_or(1);
    let size_length = number(id::EBML_MAX_SIZE_LENGTH).unwrap_or(8);
    if version <= 1 && size_length <= 8 {
        return Ok(());
    }
    Err(DemuxError::Malformed {
        container: "Matroska",
        offset,
        reason: "mkv.ebml.version",
        what: format!("EBML of version {version} with sizes of {size_length} bytes is not known"),
    })
}
