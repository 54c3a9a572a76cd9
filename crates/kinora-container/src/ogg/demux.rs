//! From pages to tracks and packets.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{ByteRange, MediaInfo, Packet, PacketFlags, Time, TrackId};

use super::CONTAINER;
use super::heads::identify;
use super::page::Page;
use super::reader::{Read, Reader};
use super::seek::Operation;
use super::stream::{Frame, Stream};
use crate::{ClockKind, DemuxError, Demuxer, SeekTo, Step};

/// Logical streams beside one another.
const MAX_STREAMS: usize = 64;
/// Chained streams that are remembered.
const MAX_LINKS: usize = 256;
/// For headers that do not come so much is held back.
const MAX_HELD: usize = 4 << 20;
const MAX_HELD_PACKETS: usize = 4096;

/// Demultiplexes an Ogg file or stream: Opus, Vorbis, FLAC, Speex and Theora.
///
/// Streams that follow one another (chained ones) are one presentation: its timeline goes on, and the tracks are told
/// again where a new one begins. The duration stands at the end of the file: after
/// [`find_duration`](Demuxer::find_duration) or a seek it comes with another [`Step::Info`].
pub struct OggDemuxer {
    pub(super) reader: Reader,
    pub(super) links: Vec<Link>,
    pub(super) current: usize,
    pub(super) total_len: Option<u64>,
    /// The end of the last frame, once it was looked for.
    pub(super) last: Option<Time>,
    pub(super) operation: Operation,
    /// What the next poll asks for.
    pub(super) want: Option<ByteRange>,
    pub(super) out: VecDeque<Out>,
    pub(super) reported: bool,
    pub(super) jumped: bool,
    /// Where the presentation ends so far.
    pub(super) end: Time,
    damage: u64,
}

/// Logical streams that begin together.
pub(super) struct Link {
    /// Where its first page lies.
    pub(super) offset: u64,
    /// Where its first page with frames lies.
    pub(super) data: Option<u64>,
    /// When it begins in the presentation.
    pub(super) begins: Time,
    /// What its own time is then.
    pub(super) origin: Option<Time>,
    pub(super) streams: Vec<Stream>,
    reported: bool,
    /// All that begin together have begun.
    begun: bool,
    held: Vec<Packet>,
    held_bytes: usize,
}

/// What is handed out, in the order of the file.
pub(super) enum Out {
    Info,
    Packet(Packet),
}

impl Link {
    fn new(offset: u64, begins: Time) -> Self {
        Self {
            offset,
            data: None,
            begins,
            origin: None,
            streams: Vec::new(),
            reported: false,
            begun: false,
            held: Vec::new(),
            held_bytes: 0,
        }
    }

    /// When the frame that begins at a position is presented.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub(super) fn time(&self, stream: &Stream, position: i64) -> Time {
        let mapping = &stream.mapping;
        let own = mapping.to_time(position.saturating_sub(mapping.delay()));
        self.begins + (own - self.origin.unwrap_or_default())
    }

    /// All headers are there, or do not come; and with the first frames it is known where the timeline begins.
    fn is_ready(&self) -> bool {
        let mut streams = self.streams.iter();
        let complete = self.begun && streams.all(|stream| stream.mapping.is_ready());
        let waited = self.held_bytes > MAX_HELD || self.held.len() > MAX_HELD_PACKETS;
        !self.held.is_empty() && (complete || waited)
    }
}

impl Default for OggDemuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl OggDemuxer {
    /// A demuxer at the start of a resource.
    #[must_use]
    pub fn new() -> Self {
        Self::beginning_at(0)
    }

    pub(super) fn beginning_at(offset: u64) -> Self {
        Self {
            reader: Reader::new(offset),
            links: Vec::new(),
            current: 0,
            total_len: None,
            last: None,
            operation: Operation::None,
            want: None,
            out: VecDeque::new(),
            reported: false,
            jumped: false,
            end: Time::ZERO,
            damage: 0,
        }
    }

    fn info(&self) -> MediaInfo {
        let mut info = MediaInfo {
            container: CONTAINER.name,
            duration: self.last,
            seekable: self.total_len.is_some(),
            ..MediaInfo::default()
        };
        let Some(link) = self.links.get(self.current) else {
            return info;
        };
        let ready = || {
            let mappings = link.streams.iter().map(|stream| &stream.mapping);
            mappings.filter(|mapping| mapping.is_ready())
        };
        info.tracks = ready().map(|mapping| mapping.info.clone()).collect();
        let comments = || ready().map(|mapping| &mapping.comments);
        info.title = comments().find_map(|it| it.title.clone());
        // Those of the first of chained streams would be told for all.
        if self.current == 0 {
            let chapters = comments().find(|it| !it.chapters.is_empty());
            info.chapters = chapters.map_or_else(Vec::new, |it| it.chapters.clone());
        }
        info
    }

    pub(super) fn report(&self) -> Step {
        Step::Info(Arc::new(self.info()))
    }

    /// Reads on in the order of the file.
    fn read_on(&mut self) -> Result<Step, DemuxError> {
        loop {
            match self.out.pop_front() {
                Some(Out::Info) => match self.has_tracks() {
                    true => {
                        self.reported = true;
                        return Ok(self.report());
                    }
                    // The next of chained streams has only begun.
                    false => continue,
                },
                Some(Out::Packet(packet)) => return Ok(Step::Packet(packet)),
                None => {}
            }
            match self.reader.read() {
                Read::Page(page) => self.take(&page),
                Read::NeedMore => return Ok(Step::NeedMore),
                Read::End => {
                    self.give_up_waiting();
                    if !self.out.is_empty() {
                        continue;
                    }
                    return match self.reported {
                        true => Ok(Step::End),
                        false => Err(self.nothing()),
                    };
                }
            }
        }
    }

    /// What is missing where the file ended without anything to play.
    fn nothing(&self) -> DemuxError {
        let mut streams = self.links.iter().flat_map(|link| &link.streams);
        match self.links.is_empty() || streams.any(|stream| !stream.mapping.is_ready()) {
            true => DemuxError::TruncatedHeader {
                at: self.reader.window.end(),
            },
            false => DemuxError::NoTracks,
        }
    }

    /// The headers that are missing do not come any more.
    fn give_up_waiting(&mut self) {
        let waits = (self.links.get(self.current)).is_some_and(|link| !link.reported);
        if waits && self.has_tracks() {
            self.tell_link();
        }
    }

    fn has_tracks(&self) -> bool {
        let link = self.links.get(self.current);
        let mut streams = link.iter().flat_map(|link| &link.streams);
        streams.any(|stream| stream.mapping.is_ready())
    }

    fn tell_link(&mut self) {
        let Some(link) = self.links.get_mut(self.current) else {
            return;
        };
        link.reported = true;
        self.out.push_back(Out::Info);
        let held = std::mem::take(&mut link.held);
        self.out.extend(held.into_iter().map(Out::Packet));
    }

    /// Takes a page.
    fn take(&mut self, page: &Page) {
        if page.begins_stream() {
            return self.begin_stream(page);
        }
        let Some(link) = self.links.get_mut(self.current) else {
            return;
        };
        link.begun = true;
        let mut streams = link.streams.iter_mut();
        let Some(at) = streams.position(|stream| stream.serial == page.serial) else {
            return;
        };
        let Some(stream) = link.streams.get_mut(at) else {
            return;
        };
        let was_ready = stream.mapping.is_ready();
        let frames = stream.take(page, &mut self.damage);
        let is_new = link.reported && !was_ready && stream.mapping.is_ready();
        if is_new {
            self.out.push_back(Out::Info);
        }
        if !frames.is_empty() {
            link.data.get_or_insert(page.offset);
            self.take_frames(at, frames);
        }
        let link = self.links.get(self.current);
        if link.is_some_and(|link| !link.reported && link.is_ready()) {
            self.tell_link();
        }
    }

    /// A logical stream begins, beside the others or after them.
    fn begin_stream(&mut self, page: &Page) {
        let ends = |link: &Link| link.data.is_some_and(|data| page.offset > data);
        if self.links.get(self.current).is_none_or(ends) && self.begin_link(page.offset) {
            return;
        }
        let Some(link) = self.links.get_mut(self.current) else {
            return;
        };
        let mut streams = link.streams.iter_mut();
        if let Some(stream) = streams.find(|stream| stream.serial == page.serial) {
            return stream.repeat(page);
        }
        let id = TrackId(u32::try_from(link.streams.len()).unwrap_or(u32::MAX));
        let first = page.pieces().next().map(|piece| piece.data);
        if let Some(mapping) = first.and_then(|first| identify(id, &first))
            && link.streams.len() < MAX_STREAMS
        {
            link.streams.push(Stream::new(mapping, page));
        }
    }

    /// Goes on to the streams that begin at an offset. Returns whether they are known.
    fn begin_link(&mut self, offset: u64) -> bool {
        let known = self.links.iter().position(|link| link.offset == offset);
        if let Some(known) = known {
            self.enter(known);
            return true;
        }
        if self.links.len() >= MAX_LINKS {
            self.links.remove(0);
        }
        self.current = self.links.len();
        self.links.push(Link::new(offset, self.end));
        false
    }

    /// A link whose headers are known is read from its beginning.
    fn enter(&mut self, at: usize) {
        self.current = at;
        if let Some(link) = self.links.get_mut(at) {
            link.streams.iter_mut().for_each(Stream::rewind);
            self.out.push_back(Out::Info);
        }
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn take_frames(&mut self, at: usize, frames: Vec<Frame>) {
        let Some(link) = self.links.get_mut(self.current) else {
            return;
        };
        let (Some(first), Some(stream)) = (frames.first(), link.streams.get_mut(at)) else {
            return;
        };
        if link.origin.is_none() {
            // A stream that was cut out of a longer one begins late.
            link.origin = Some(stream.mapping.to_time(first.start.max(0)));
        }
        let mut jumped = std::mem::take(&mut stream.lost) | std::mem::take(&mut self.jumped);
        let (link, mut packets) = (&*link, Vec::with_capacity(frames.len()));
        let Some(stream) = link.streams.get(at) else {
            return;
        };
        for frame in frames {
            let pts = link.time(stream, frame.start);
            let end = link.time(stream, frame.start.saturating_add_unsigned(frame.units));
            let is_before = end <= link.begins && pts < link.begins;
            packets.push(Packet {
                track: stream.mapping.info.id,
                pts,
                dts: pts,
                duration: end - pts,
                flags: PacketFlags {
                    key: frame.key,
                    decode_only: is_before || frame.is_behind_end,
                    discontinuity: std::mem::take(&mut jumped),
                    ..PacketFlags::default()
                },
                data: frame.data,
                crypto: None,
            });
            self.end = self.end.max(end);
        }
        self.hand_out(packets);
    }

    fn hand_out(&mut self, packets: Vec<Packet>) {
        let Some(link) = self.links.get_mut(self.current) else {
            return;
        };
        if link.reported {
            return self.out.extend(packets.into_iter().map(Out::Packet));
        }
        let bytes: usize = packets.iter().map(|packet| packet.data.len()).sum();
        link.held_bytes = link.held_bytes.saturating_add(bytes);
        link.held.extend(packets);
    }
}

impl Demuxer for OggDemuxer {
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
        match self.run_operation() {
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
