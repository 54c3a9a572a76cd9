//! From tags to tracks and packets.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{ByteRange, MediaInfo, Packet, Time, TrackId, TrackKind};

use super::clock::Clock;
use super::payload::{BadBody, Frame, Payload, Unit};
use super::reader::{Read, Reader};
use super::script::{self, Metadata};
use super::seek::Operation;
use super::tag::{Tag, TagHeader, TagKind};
use super::track::{Track, track_id};
use super::{CONTAINER, audio, video};
use crate::{ClockKind, DemuxError, Demuxer, SeekTo, Step};

/// A file of more tracks is none.
const MAX_TRACKS: usize = 64;
/// For a track that the header promises so much is held back: it may have lied.
const MAX_WAIT_MS: i64 = 1_000;
const MAX_WAIT_PACKETS: usize = 256;
const MAX_WAIT_BYTES: usize = 8 << 20;
/// Configurations that are remembered by their places, for seeks.
const MAX_CONFIGS: usize = 256;

/// Flags of the file's header (E.2).
mod flag {
    pub(super) const VIDEO: u8 = 1;
    pub(super) const AUDIO: u8 = 4;
}

/// Demultiplexes an FLV file, or a live stream of it.
///
/// Tags are given as they come. The index that some files have in their metadata leads seeks; without one places are
/// looked at. The timeline begins with the first picture or sound, whatever its timestamp, and goes on where the
/// timestamps jump.
pub struct FlvDemuxer {
    pub(super) reader: Reader,
    pub(super) tracks: Vec<Track>,
    pub(super) clock: Clock,
    pub(super) metadata: Metadata,
    pub(super) total_len: Option<u64>,
    /// The last time of the file, once it was looked for.
    pub(super) last: Option<Time>,
    pub(super) operation: Operation,
    /// What the next poll asks for.
    pub(super) want: Option<ByteRange>,
    /// Where the first tag lies.
    pub(super) first_tag: Option<u64>,
    pub(super) out: VecDeque<Out>,
    pub(super) reported: bool,
    pub(super) jumped: bool,
    /// How much later than decoded the first picture is presented, in milliseconds.
    pub(super) lead_delay_ms: Option<i64>,
    configs: Vec<(u64, TrackId, Bytes)>,
    /// Tracks that the header, or the metadata, promises.
    promises: Promises,
    held_bytes: usize,
    damage: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Promises {
    audio: bool,
    video: bool,
}

/// What is handed out, in the order of the file.
pub(super) enum Out {
    /// What is known of the tracks has changed.
    Info,
    Packet(Packet),
}

impl Default for FlvDemuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl FlvDemuxer {
    /// A demuxer at the start of a resource.
    #[must_use]
    pub fn new() -> Self {
        Self::beginning_at(0)
    }

    pub(super) fn beginning_at(offset: u64) -> Self {
        Self {
            reader: Reader::new(offset),
            tracks: Vec::new(),
            clock: Clock::default(),
            metadata: Metadata::default(),
            total_len: None,
            last: None,
            operation: Operation::None,
            want: None,
            first_tag: None,
            out: VecDeque::new(),
            reported: false,
            jumped: false,
            lead_delay_ms: None,
            configs: Vec::new(),
            promises: Promises {
                audio: true,
                video: true,
            },
            held_bytes: 0,
            damage: 0,
        }
    }

    fn info(&self) -> MediaInfo {
        let ready = self.tracks.iter().filter(|track| track.ready);
        let mut info = MediaInfo {
            container: CONTAINER.name,
            duration: self.last.or(self.metadata.duration),
            tracks: ready.map(|track| track.info.clone()).collect(),
            seekable: self.total_len.is_some(),
            ..MediaInfo::default()
        };
        info.title.clone_from(&self.metadata.title);
        info
    }

    pub(super) fn report(&self) -> Step {
        Step::Info(Arc::new(self.info()))
    }

    /// The next thing that was found, if the tracks are known.
    fn give(&mut self) -> Option<Step> {
        if !self.reported {
            if !self.is_complete() {
                return None;
            }
            self.reported = true;
            return Some(self.report());
        }
        loop {
            match self.out.pop_front()? {
                Out::Packet(packet) => return Some(Step::Packet(packet)),
                // A track whose codec has changed waits for its configuration.
                Out::Info if self.tracks.iter().any(|track| track.ready) => {
                    return Some(self.report());
                }
                Out::Info => {}
            }
        }
    }

    /// Whether the promised tracks are there, or were waited for in vain.
    fn is_complete(&self) -> bool {
        let has = |kind: TrackKind| {
            let mut tracks = self.tracks.iter();
            tracks.any(|track| track.ready && track.info.kind() == kind)
        };
        let (audio, video) = (has(TrackKind::Audio), has(TrackKind::Video));
        // Seeks need to know where the timeline begins, and how late pictures are.
        let timed = !self.out.is_empty() && (!video || self.lead_delay_ms.is_some());
        if timed && (audio || !self.promises.audio) && (video || !self.promises.video) {
            return audio || video;
        }
        (audio || video)
            && (self.held_ms() > MAX_WAIT_MS
                || self.out.len() > MAX_WAIT_PACKETS
                || self.held_bytes > MAX_WAIT_BYTES)
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn held_ms(&self) -> i64 {
        let mut times = self.out.iter().filter_map(|out| match out {
            Out::Packet(packet) => Some(packet.dts),
            Out::Info => None,
        });
        let Some(first) = times.next() else { return 0 };
        times
            .next_back()
            .map_or(0, |last| (last - first).as_millis())
    }

    /// Reads on in the order of the file.
    fn read_on(&mut self) -> Result<Step, DemuxError> {
        loop {
            if let Some(step) = self.give() {
                return Ok(step);
            }
            match self.reader.read()? {
                Read::FileHeader(flags) => self.promise(flags),
                Read::Tag(tag) => self.take(tag)?,
                Read::NeedMore => return Ok(Step::NeedMore),
                Read::End if self.reported => return Ok(Step::End),
                Read::End => {
                    if !self.tracks.iter().any(|track| track.ready) {
                        return Err(DemuxError::NoTracks);
                    }
                    self.reported = true;
                    return Ok(self.report());
                }
            }
        }
    }

    /// What the header says of tracks; one that promises nothing knew nothing.
    fn promise(&mut self, flags: u8) {
        let (audio, video) = (flags & flag::AUDIO != 0, flags & flag::VIDEO != 0);
        let nothing = !audio && !video;
        self.promises = Promises {
            audio: audio || nothing,
            video: video || nothing,
        };
    }

    /// Takes a tag.
    pub(super) fn take(&mut self, tag: Tag) -> Result<(), DemuxError> {
        self.first_tag.get_or_insert(tag.offset);
        let Tag {
            offset,
            header,
            body,
        } = tag;
        if header.kind == TagKind::Script {
            if !header.filtered && !self.reported {
                self.take_script(body);
            }
            return Ok(());
        }
        if header.filtered {
            return Err(encrypted(offset, &body));
        }
        match payloads(header.kind, body) {
            Ok(payloads) => {
                for payload in payloads {
                    self.take_payload(offset, header, payload);
                }
            }
            Err(BadBody) => self.damage = self.damage.saturating_add(1),
        }
        Ok(())
    }

    fn take_script(&mut self, body: Bytes) {
        let Some(metadata) = script::metadata(body) else {
            return;
        };
        let Promises { audio, video } = &mut self.promises;
        *audio &= metadata.has_audio.unwrap_or(true);
        *video &= metadata.has_video.unwrap_or(true);
        self.clock.promised = metadata.duration.map_or(0, Time::as_millis);
        self.metadata = metadata;
    }

    fn take_payload(&mut self, offset: u64, header: TagHeader, payload: Payload) {
        let id = track_id(header.kind, payload.track);
        let known = self.tracks.iter().position(|track| track.info.id == id);
        let at = known.unwrap_or(self.tracks.len());
        if known.is_none() {
            if at >= MAX_TRACKS {
                return;
            }
            self.tracks.push(Track::new(id, &payload, &self.metadata));
        }
        let Some(track) = self.tracks.get_mut(at) else {
            return;
        };
        if track.info.codec != payload.codec {
            track.become_codec(&payload, &self.metadata);
        }
        match payload.unit {
            Unit::Config(config) => {
                if !track.configure(config, &self.metadata) {
                    return;
                }
                let config = track.info.config.clone();
                self.remember(offset, id, config);
                self.changed();
            }
            Unit::Frame(frame) => {
                if !track.ready {
                    if !track.see(&frame) {
                        return;
                    }
                    self.changed();
                }
                self.take_frame(at, header, frame);
            }
        }
    }

    fn take_frame(&mut self, at: usize, header: TagHeader, frame: Frame) {
        if frame.data.is_empty() {
            return;
        }
        let mut stamp = self.clock.stamp(header.kind, header.timestamp);
        stamp.jumped |= std::mem::take(&mut self.jumped);
        let Some(track) = self.tracks.get(at) else {
            return;
        };
        if header.kind == TagKind::Video {
            let delay_ms = frame.composition_ns / 1_000_000;
            self.lead_delay_ms.get_or_insert(delay_ms);
        }
        if !self.reported {
            self.held_bytes = self.held_bytes.saturating_add(frame.data.len());
        }
        self.out.push_back(Out::Packet(track.packet(frame, stamp)));
    }

    fn remember(&mut self, offset: u64, id: TrackId, config: Bytes) {
        let mut configs = self.configs.iter();
        let known = configs.any(|(at, of, _)| (*at, *of) == (offset, id));
        if !known && self.configs.len() < MAX_CONFIGS {
            self.configs.push((offset, id, config));
        }
    }

    fn changed(&mut self) {
        if self.reported {
            self.out.push_back(Out::Info);
        }
    }

    /// Gives the tracks the configurations that hold at a place.
    pub(super) fn configure_for(&mut self, offset: u64) {
        let mut differs = false;
        for track in &mut self.tracks {
            let own = (self.configs.iter())
                .filter(|(from, id, _)| *from <= offset && *id == track.info.id);
            let known = own.max_by_key(|(from, ..)| *from);
            if let Some((.., config)) = known {
                differs |= track.configure(config.clone(), &self.metadata);
            }
        }
        if differs {
            self.changed();
        }
    }
}

/// What a tag of sound or pictures holds.
pub(super) fn payloads(kind: TagKind, body: Bytes) -> Result<Vec<Payload>, BadBody> {
    match kind {
        // A tag without a body is one of those that keep connections open.
        _ if body.is_empty() => Ok(Vec::new()),
        TagKind::Audio => audio::payloads(body),
        TagKind::Video => video::payloads(body),
        TagKind::Script => Ok(Vec::new()),
    }
}

/// An encrypted tag (annex F.3.2) begins with the number of filters and the first one's name.
fn encrypted(offset: u64, body: &[u8]) -> DemuxError {
    let name = body.get(1..).unwrap_or_default();
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = name.get(..40).unwrap_or(name).escape_ascii();
    DemuxError::Malformed {
        container: CONTAINER.name,
        offset,
        reason: "flv.encrypted",
        what: format!(
            "its tags are encrypted by the filter `{name}`, whose keys only Adobe's servers gave"
        ),
    }
}

impl Demuxer for FlvDemuxer {
    fn push(&mut self, offset: u64, data: Bytes) {
        self.active().window.push(offset, data);
    }

    fn finish(&mut self) {
        self.active().ended = true;
    }

    fn set_len(&mut self, total_len: u64) {
        self.total_len = Some(total_len);
    }

    fn poll(&mut self) -> Result<Step, DemuxError> {
        if let Some(range) = self.want.take() {
            // Whatever ended meanwhile, it was not what is asked for only now.
            self.active().ended = false;
            return Ok(Step::Want(range));
        }
        match self.run_operation()? {
            Some(step) => Ok(step),
            None => self.read_on(),
        }
    }

    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        self.begin_seek(target)
    }

    fn find_duration(&mut self) -> bool {
        self.look_for_end()
    }

    fn clock(&self) -> ClockKind {
        ClockKind::OwnStart
    }

    fn damage(&self) -> u64 {
        self.damage.saturating_add(self.reader.damage)
    }
}
