//! One decode line: its packets, what the worker was given, and the frames that wait for their time.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_media::{Packet, Time, TrackId, TrackInfo};

use crate::cx::Cx;
use crate::decode_yield::DecodeYield;
use crate::ingest::Buffer;
use crate::queue::PacketQueue;
use crate::{Epoch, FrameId, Output, Slot};

/// A decoded frame that waits in the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) id: FrameId,
    pub(crate) pts: Time,
    pub(crate) duration: Time,
    pub(crate) size: Option<(u32, u32)>,
}

/// Whether the line plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Health {
    /// No such track, or not wanted.
    #[default]
    Off,
    /// It plays.
    On,
    /// No decoder takes its track.
    Dead,
}

/// Where the decoder is at the end of its packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Drain {
    #[default]
    No,
    Asked,
    Done,
}

/// The decoder behind a line, and the track it is for.
#[derive(Debug, Default)]
enum Decoder {
    #[default]
    None,
    /// It was asked for.
    Opening(Arc<TrackInfo>),
    /// It is open, or known not to.
    Known(Arc<TrackInfo>),
}

impl Decoder {
    fn track(&self) -> Option<&Arc<TrackInfo>> {
        match self {
            Self::None => None,
            Self::Opening(track) | Self::Known(track) => Some(track),
        }
    }
}

/// At most so many packets wait in a worker's mailbox.
const MOST_IN_FLIGHT: usize = 8;
/// At most so many pictures wait for their time or are being decoded.
const MOST_PICTURES: usize = 8;
/// At most so much sound waits outside the sink.
const MOST_SOUND: Time = Time::from_millis(500);

/// Pictures or sound of a presentation.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) slot: Slot,
    pub(crate) health: Health,
    /// The track that packets which come now belong to.
    pub(crate) track: Option<Arc<TrackInfo>>,
    decoder: Decoder,
    pub(crate) queue: PacketQueue,
    pub(crate) frames: VecDeque<Waiting>,
    in_flight: usize,
    /// The worker decodes the picture that is waited for.
    pub(crate) urgent: bool,
    drain: Drain,
    /// Where the last frame that was handed out ends.
    pub(crate) tail: Option<Time>,
    /// Frames handed out since the last flush.
    pub(crate) presented: u64,
    pub(crate) decoded: DecodeYield,
    /// Packets wait here until the queue reaches that time: a better key frame may come.
    pub(crate) gate: Option<Time>,
    /// Pictures that end before that time come too late: what no other refers to needs no decoding.
    pub(crate) late_until: Time,
}

/// Frames of sound that wait to be queued.
const MOST_SOUNDS: usize = 96;

impl Line {
    pub(crate) fn new(slot: Slot) -> Self {
        Self {
            slot,
            health: Health::Off,
            track: None,
            decoder: Decoder::None,
            queue: PacketQueue::default(),
            frames: VecDeque::new(),
            in_flight: 0,
            urgent: false,
            drain: Drain::No,
            tail: None,
            presented: 0,
            decoded: DecodeYield::default(),
            gate: None,
            late_until: Time::MIN,
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.health == Health::On
    }

    /// Packets that come from now on are of that track.
    pub(crate) fn follow(&mut self, track: Arc<TrackInfo>) {
        match &self.track {
            // The same again keeps its identity, so that no decoder is opened anew.
            Some(known) if **known == *track => {}
            _ => {
                self.track = Some(track);
                self.decoded = DecodeYield::default();
            }
        }
        if self.health == Health::Off {
            self.health = Health::On;
        }
    }

    /// Packets of that track are for this line.
    pub(crate) fn follows(&self, track: TrackId) -> bool {
        let own = self.track.as_ref().filter(|_| self.is_on());
        own.is_some_and(|own| own.id == track)
    }

    pub(crate) fn push(&mut self, packet: Packet) {
        let Some(track) = &self.track else { return };
        if let Some(target) = self.gate {
            if packet.flags.key && packet.pts <= target {
                self.queue.clear();
            }
            if packet.pts >= target {
                self.gate = None;
            }
        }
        self.queue.push(packet, track);
    }

    /// Gives the worker packets as long as it has room. `ended`: no packet follows.
    pub(crate) fn feed(&mut self, cx: &mut Cx, epoch: Epoch, ended: bool) {
        if !self.is_on() || self.gate.is_some() && !ended {
            return;
        }
        while self.has_room() {
            let Some(entry) = self.queue.take() else {
                break;
            };
            let flags = entry.packet.flags;
            if flags.disposable && flags.decode_only {
                continue;
            }
            if flags.disposable && self.queue.is_overtaken(entry.packet.pts) {
                continue;
            }
            if flags.disposable && entry.packet.pts + entry.packet.duration <= self.late_until {
                cx.tally.dropped += u64::from(self.presented > 0);
                continue;
            }
            self.configure(cx, epoch, &entry.track);
            if let Some(silence) = self.decoded.taken(&entry.packet, self.slot) {
                cx.recovered(silence);
            }
            let urgent = self.is_waited_for(&entry.packet);
            self.urgent |= urgent;
            self.in_flight += 1;
            cx.push(Output::Decode {
                slot: self.slot,
                epoch,
                packet: entry.packet,
                urgent,
            });
        }
        if ended && self.queue.is_drained() && self.drain == Drain::No {
            self.drain = Drain::Asked;
            if self.decoder.track().is_none() {
                self.drain = Drain::Done;
                return;
            }
            cx.push(Output::Drain {
                slot: self.slot,
                epoch,
            });
        }
    }

    /// Whether it is the key frame that a stretch begins with, and shows.
    fn is_waited_for(&self, packet: &Packet) -> bool {
        let first = self.presented == 0 && self.in_flight == 0 && self.frames.is_empty();
        let shown =
            packet.flags.key && !packet.flags.decode_only && self.queue.is_wanted(packet.pts);
        self.slot == Slot::Video && first && shown
    }

    /// Opens a decoder if the one that is open is for something else.
    pub(crate) fn configure(&mut self, cx: &mut Cx, epoch: Epoch, track: &Arc<TrackInfo>) {
        let open = self.decoder.track();
        if open.is_some_and(|open| same_decoder(open, track)) {
            return;
        }
        if open.is_none() {
            cx.push(Output::Flush {
                slot: self.slot,
                epoch,
            });
        }
        self.ask_for_decoder(cx, epoch, Arc::clone(track));
    }

    fn ask_for_decoder(&mut self, cx: &mut Cx, epoch: Epoch, track: Arc<TrackInfo>) {
        self.decoder = Decoder::Opening(Arc::clone(&track));
        cx.push(Output::Configure {
            slot: self.slot,
            epoch,
            track,
        });
    }

    /// The decoder that was asked for is there, or can not be had.
    pub(crate) fn answered(&mut self) {
        if let Decoder::Opening(track) = &self.decoder {
            self.decoder = Decoder::Known(Arc::clone(track));
        }
    }

    fn has_room(&self) -> bool {
        let waiting = match self.slot {
            Slot::Video => self.frames.len() + self.in_flight < MOST_PICTURES,
            // Counted too: times may go back, and lengths may be unknown.
            Slot::Audio => self.frames_last() < MOST_SOUND && self.frames.len() < MOST_SOUNDS,
        };
        waiting && self.in_flight < MOST_IN_FLIGHT
    }

    fn frames_last(&self) -> Time {
        match (self.frames.front(), self.frames.back()) {
            (Some(first), Some(last)) => last.pts + last.duration - first.pts,
            _ => Time::ZERO,
        }
    }

    pub(crate) fn taken(&mut self) {
        self.urgent = false;
        self.in_flight = self.in_flight.saturating_sub(1);
    }
    /// The decoder gave a frame.
    pub(crate) fn gave(&mut self, frame: Waiting) {
        self.decoded.frame();
        self.frames.push_back(frame);
    }
    pub(crate) fn drained(&mut self) {
        self.drain = Drain::Done;
    }

    /// Nothing is on its way to being a frame: neither queued nor in the worker.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_drained() && self.in_flight == 0 && self.frames.is_empty()
    }
    /// Every frame there will be was handed out, or there is none to wait for.
    pub(crate) fn is_over(&self) -> bool {
        !self.is_on() || self.drain == Drain::Done && self.frames.is_empty()
    }
    /// Every frame there will be has come out of the decoder.
    pub(crate) fn is_drained(&self) -> bool {
        !self.is_on() || self.drain == Drain::Done
    }

    /// Forgets frames and what the worker holds; packets stay.
    pub(crate) fn flush(&mut self, cx: &mut Cx, epoch: Epoch) {
        for frame in self.frames.drain(..) {
            cx.push(Output::Drop {
                slot: self.slot,
                frame: frame.id,
            });
        }
        if self.decoder.track().is_some() {
            cx.push(Output::Flush {
                slot: self.slot,
                epoch,
            });
        }
        if let Decoder::Opening(track) = &self.decoder {
            // What was asked for in an older epoch is passed over, or its answer is.
            let track = Arc::clone(track);
            self.ask_for_decoder(cx, epoch, track);
        }
        self.decoded.flushed();
        self.in_flight = 0;
        self.urgent = false;
        self.drain = Drain::No;
        self.tail = None;
        self.presented = 0;
        self.gate = None;
        self.late_until = Time::MIN;
        self.queue.aim(None);
    }

    /// Sound or pictures queued from a position on, decoded or not.
    pub(crate) fn ahead(&self, position: Time) -> Time {
        let end = match (self.queue.end(), self.queue.is_drained()) {
            (Some(end), false) => Some(end),
            _ => self
                .frames
                .back()
                .map(|frame| frame.pts + frame.duration)
                .or(self.tail),
        };
        end.map_or(Time::ZERO, |end| (end - position).max(Time::ZERO))
    }

    /// The time of the first frame that is not handed out yet, as far as it is known.
    pub(crate) fn next_pts(&self) -> Option<Time> {
        if let Some(frame) = self.frames.front() {
            return Some(frame.pts);
        }
        if self.in_flight > 0 {
            return None;
        }
        self.queue.peek().map(|entry| entry.packet.pts)
    }
}

/// Whether a decoder opened for one track decodes the other too.
#[must_use]
pub fn same_decoder(open: &Arc<TrackInfo>, track: &Arc<TrackInfo>) -> bool {
    Arc::ptr_eq(open, track)
        || open.codec == track.codec && open.config == track.config && open.audio == track.audio
}

/// The two lines of a presentation.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) video: Line,
    pub(crate) audio: Line,
    /// They are fed from different resources: one may lag without a gap in it.
    pub(crate) separate: bool,
    /// Of lines that are separate: all packets of pictures, of sound came.
    pub(crate) complete: [bool; 2],
}

/// Bytes of packets that wait for decoding.
const MOST_BYTES: usize = 64 << 20;
/// A line without packets is not waited for once the other has so much: its track has a gap.
const GAP: Time = Time::from_millis(3_000);

impl Lines {
    pub(crate) fn new() -> Self {
        Self {
            video: Line::new(Slot::Video),
            audio: Line::new(Slot::Audio),
            separate: false,
            complete: [false; 2],
        }
    }

    pub(crate) fn line(&mut self, slot: Slot) -> &mut Line {
        match slot {
            Slot::Video => &mut self.video,
            Slot::Audio => &mut self.audio,
        }
    }

    pub(crate) fn each(&mut self) -> [&mut Line; 2] {
        [&mut self.video, &mut self.audio]
    }

    /// Whether a line has nothing while the other has plenty of the same source.
    pub(crate) fn has_gap(&self, slot: Slot, position: Time) -> bool {
        let [pictures, sound] = self.complete;
        let (line, other, complete) = match slot {
            Slot::Video => (&self.video, &self.audio, pictures),
            Slot::Audio => (&self.audio, &self.video, sound),
        };
        let complete = self.separate && complete;
        (!self.separate || complete)
            && line.queue.is_drained()
            && line.frames.is_empty()
            && other.is_on()
            && (complete || other.ahead(position) >= GAP)
    }

    /// How much is there ahead of a position: the least of the lines that count.
    pub(crate) fn ahead(&self, position: Time) -> Time {
        let mut least = None::<Time>;
        for line in [&self.video, &self.audio] {
            if line.is_on() && !line.is_drained() && !self.has_gap(line.slot, position) {
                let ahead = line.ahead(position);
                least = Some(least.map_or(ahead, |known| known.min(ahead)));
            }
        }
        least.unwrap_or(Time::ZERO)
    }

    /// Enough is there: no more is asked for.
    pub(crate) fn is_full(&self, position: Time, most: Time) -> bool {
        let unread = self.video.queue.unread_bytes() + self.audio.queue.unread_bytes();
        unread >= MOST_BYTES || self.ahead(position) >= most
    }

    /// A decoder has taken all there is and may need more before it gives anything.
    pub(crate) fn is_starving(&self) -> bool {
        [&self.video, &self.audio]
            .into_iter()
            .any(|line| line.is_on() && line.queue.is_drained())
    }

    /// Bytes of packets held, decoded or not.
    pub(crate) fn bytes(&self) -> usize {
        self.video.queue.bytes() + self.audio.queue.bytes()
    }

    /// Forgets what was decoded and lies behind a time; all of it when too much is held.
    pub(crate) fn trim(&mut self, keep: Time) {
        self.video.queue.trim(keep, true);
        self.audio.queue.trim(keep, false);
        if self.bytes() >= 2 * MOST_BYTES {
            self.video.queue.trim_all();
            self.audio.queue.trim_all();
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.video.is_over() && self.audio.is_over()
    }

    /// Where the last frame ends.
    pub(crate) fn end(&self) -> Option<Time> {
        self.video.tail.max(self.audio.tail)
    }
}

impl Buffer for Lines {
    /// A packet of a track goes to the line that follows the track.
    fn push(&mut self, packet: Packet) {
        if let Some(slot) = self.slot_of(packet.track) {
            self.line(slot).push(packet);
        }
    }
    fn is_full(&self, position: Time, most: Time) -> bool {
        Self::is_full(self, position, most)
    }
    fn ahead(&self, position: Time) -> Time {
        Self::ahead(self, position)
    }
    fn ahead_of(&self, slot: Slot, position: Time) -> Time {
        match slot {
            Slot::Video => self.video.ahead(position),
            Slot::Audio => self.audio.ahead(position),
        }
    }
    fn slot_of(&self, track: TrackId) -> Option<Slot> {
        let mut lines = [&self.video, &self.audio].into_iter();
        lines.find(|line| line.follows(track)).map(|line| line.slot)
    }
    fn set_sources(&mut self, separate: bool, complete: [bool; 2]) {
        (self.separate, self.complete) = (separate, complete);
    }
    fn cut(&mut self, slot: Slot, from: Time) -> bool {
        self.line(slot).queue.cut(from)
    }
}
