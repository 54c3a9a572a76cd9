//! The pipeline of one track: its packets, what its decoder was given, and the frames that wait for their time.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_media::{Packet, Time, TrackId, TrackInfo};

use crate::cx::Cx;
use crate::decode_yield::DecodeYield;
use crate::queue::{Entry, PacketQueue, is_shown_by};
use crate::sei::SeiQueue;
use crate::{Epoch, FrameId, Output, Role};

/// A decoded frame that waits in the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadyFrame {
    pub(crate) id: FrameId,
    pub(crate) pts: Time,
    pub(crate) duration: Time,
    pub(crate) size: Option<(u32, u32)>,
}

/// Whether the pipeline plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Health {
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

/// The decoder of a pipeline, and the track it is for.
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
const MAX_IN_FLIGHT: usize = 8;
/// At most so many more, whose pictures are not shown: a worker that has them is not waited for by anyone.
const MAX_RUN_UP: usize = 32;
/// At most so many video frames wait for their time or are being decoded: fewer where they are large, but never fewer than a
/// decoder of several threads keeps up with.
const MAX_VIDEO_FRAMES: usize = 8;
const MIN_VIDEO_FRAMES: usize = 4;
/// Pixels of them: five frames of 1920 by 1080.
const MAX_PIXELS: usize = 5 * 1920 * 1080;
/// A decoder of video is so far behind the clock at most, where a key frame lets it catch up.
const MAX_LATE: Time = Time::from_millis(1_000);
/// Audio is decoded from so long before the time on that it is wanted from. Opus needs 80 ms (RFC 7845 4.6); MPEG audio lies
/// up to 511 bytes back (ISO/IEC 11172-3 2.4.1.7), which are five frames of 32 kbit/s.
pub const AUDIO_RUN_UP: Time = Time::from_millis(250);
/// At most so much audio waits outside the sink.
const MAX_AUDIO: Time = Time::from_millis(500);
/// At most so many frames of it: times may go back, and lengths may be unknown.
const MAX_AUDIO_FRAMES: usize = 96;

/// The video, the audio or the text of a presentation.
#[derive(Debug)]
pub(crate) struct TrackPipeline {
    pub(crate) role: Role,
    /// What the decoder is given belongs to it, and what it gives; late answers are of an older one.
    pub(crate) epoch: Epoch,
    health: Health,
    /// The track that packets which come now belong to.
    pub(crate) track: Option<Arc<TrackInfo>>,
    decoder: Decoder,
    pub(crate) queue: PacketQueue,
    pub(crate) frames: VecDeque<ReadyFrame>,
    in_flight: usize,
    /// Those of them that were taken first and whose pictures are not shown.
    run_up: usize,
    /// The decoder was given something since it was flushed.
    fed: bool,
    /// The worker decodes the video frame that is waited for.
    pub(crate) urgent: bool,
    drain: Drain,
    /// Where the last frame that was handed out ends.
    pub(crate) tail: Option<Time>,
    /// Frames handed out since the last flush.
    pub(crate) presented: u64,
    pub(crate) decoded: DecodeYield,
    /// Messages within its packets, of video.
    pub(crate) sei: SeiQueue,
    /// Packets before the last key frame at or before that time are discarded; none is decoded until the queue reaches it.
    pub(crate) discard_before: Option<Time>,
    /// Audio before that time is cut off.
    audio_from: Time,
    /// What comes of it is presented so much later than its own time says: by the delay of the sound.
    shift: Time,
    /// Nothing is decoded for a picture whose key frame lies further before it.
    pub(crate) max_run_up: Time,
    /// Video frames that end before that time come too late: what no other refers to needs no decoding.
    pub(crate) late_until: Time,
}

impl TrackPipeline {
    pub(crate) fn new(role: Role, epoch: Epoch) -> Self {
        Self {
            role,
            epoch,
            health: Health::Off,
            track: None,
            decoder: Decoder::None,
            queue: PacketQueue::default(),
            frames: VecDeque::new(),
            in_flight: 0,
            run_up: 0,
            fed: false,
            urgent: false,
            drain: Drain::No,
            tail: None,
            presented: 0,
            decoded: DecodeYield::default(),
            sei: SeiQueue::default(),
            discard_before: None,
            audio_from: Time::MIN,
            shift: Time::ZERO,
            max_run_up: Time::MAX,
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

    /// No packets are for this pipeline any more.
    pub(crate) fn unfollow(&mut self) {
        self.health = Health::Off;
        self.track = None;
        self.queue.clear();
    }

    /// Packets of that track are for this pipeline.
    pub(crate) fn follows(&self, track: TrackId) -> bool {
        let own = self.track.as_ref().filter(|_| self.is_on());
        own.is_some_and(|own| own.id == track)
    }

    pub(crate) fn push(&mut self, packet: Packet) {
        let Some(track) = &self.track else { return };
        if let Some(target) = self.discard_before {
            if packet.flags.key && packet.pts <= target {
                self.queue.clear();
            }
            if packet.pts >= target {
                self.discard_before = None;
            }
        }
        self.queue.push(packet, track);
    }

    /// Gives the worker packets as long as it has room. `ended`: no packet follows. `look` sees each of them.
    pub(crate) fn feed(&mut self, cx: &mut Cx, ended: bool, mut look: impl FnMut(&mut Cx, &Entry)) {
        if !self.is_on() || self.discard_before.is_some() && !ended {
            return;
        }
        if self.queue.skip_to_key() && self.fed {
            self.epoch = cx.next_epoch();
            self.flush_decoder(cx);
        }
        if self.runs_up_too_far(ended) {
            return;
        }
        self.leap(cx, &mut look);
        while self.has_room() {
            let Some(entry) = self.queue.take() else {
                break;
            };
            look(cx, &entry);
            if self.role == Role::Video {
                self.sei.look(cx, &entry.track, &entry.packet);
            }
            if !self.is_passed_over(cx, &entry.packet) {
                self.decode(cx, entry);
            }
        }
        if ended && self.queue.is_drained() && self.drain == Drain::No {
            self.drain = Drain::Asked;
            if self.decoder.track().is_none() {
                self.drain = Drain::Done;
                return;
            }
            cx.push(Output::Drain {
                role: self.role,
                epoch: self.epoch,
            });
        }
    }

    /// A decoder that is far behind, though it is spared what no other picture needs, goes on with the last key frame that is
    /// due. `look` sees what is left out.
    fn leap(&mut self, cx: &mut Cx, look: &mut impl FnMut(&mut Cx, &Entry)) {
        let next = self.queue.peek().map(|entry| entry.packet.pts);
        let is_late = next.is_some_and(|next| next + MAX_LATE < self.late_until);
        if self.role != Role::Video || self.presented == 0 || !is_late {
            return;
        }
        let Some(skipped) = self.queue.before_last_key(self.late_until) else {
            return;
        };
        for _ in 0..skipped {
            let Some(entry) = self.queue.take() else {
                break;
            };
            look(cx, &entry);
            cx.tally.dropped += u64::from(!entry.packet.flags.decode_only);
        }
        if let Some(fault) = self.decoded.too_slow() {
            cx.recovered(fault);
        }
        self.epoch = cx.next_epoch();
        self.flush_decoder(cx);
    }

    /// Whether nothing is lost where a packet is not decoded.
    fn is_passed_over(&self, cx: &mut Cx, packet: &Packet) -> bool {
        let (flags, end) = (packet.flags, packet.pts + packet.duration);
        if self.role == Role::Audio && end + AUDIO_RUN_UP <= self.audio_from {
            return true;
        }
        if !flags.disposable {
            return false;
        }
        if flags.decode_only || self.queue.is_overtaken(packet.pts) {
            return true;
        }
        let is_late = end <= self.late_until;
        cx.tally.dropped += u64::from(is_late && self.presented > 0);
        is_late
    }

    fn decode(&mut self, cx: &mut Cx, entry: Entry) {
        let Entry { packet, track } = entry;
        self.configure(cx, &track);
        let discard_before = self.preroll_end();
        if packet.pts >= discard_before
            && let Some(silence) = self.decoded.taken(&packet, self.role)
        {
            cx.recovered(silence);
        }
        let urgent = self.is_waited_for(&packet);
        self.urgent |= urgent;
        self.fed = true;
        self.in_flight += 1;
        if self.role == Role::Video
            && packet.pts < discard_before
            && self.run_up + 1 == self.in_flight
        {
            self.run_up = self.in_flight;
        }
        cx.push(Output::Decode {
            role: self.role,
            epoch: self.epoch,
            packet,
            urgent,
            discard_before,
        });
    }

    /// Frames before that time are decoded for those that follow.
    fn preroll_end(&self) -> Time {
        match self.role {
            Role::Video => self.queue.not_before().unwrap_or(Time::MIN),
            Role::Audio => self.audio_from,
            Role::Text => Time::MIN,
        }
    }

    /// A new stretch begins. `exactly`: with the frame that is on screen, the sample that sounds at that very time.
    pub(crate) fn begin(&mut self, exactly: Option<Time>) {
        match self.role {
            Role::Video => self.queue.aim(exactly),
            Role::Audio => self.audio_from = exactly.map_or(Time::MIN, |it| it - self.shift),
            Role::Text => {}
        }
    }

    /// Whether it is the key frame that a stretch begins with, and shows.
    fn is_waited_for(&self, packet: &Packet) -> bool {
        let first = self.presented == 0 && self.in_flight == 0 && self.frames.is_empty();
        let shown =
            packet.flags.key && !packet.flags.decode_only && self.queue.is_wanted(packet.pts);
        self.role == Role::Video && first && shown
    }

    /// Opens a decoder if the one that is open is for something else.
    pub(crate) fn configure(&mut self, cx: &mut Cx, track: &Arc<TrackInfo>) {
        let open = self.decoder.track();
        if open.is_some_and(|open| same_decoder(open, track)) {
            return;
        }
        if open.is_none() {
            cx.push(Output::Flush {
                role: self.role,
                epoch: self.epoch,
            });
        }
        self.ask_for_decoder(cx, Arc::clone(track));
    }

    fn ask_for_decoder(&mut self, cx: &mut Cx, track: Arc<TrackInfo>) {
        self.decoder = Decoder::Opening(Arc::clone(&track));
        cx.push(Output::Configure {
            role: self.role,
            epoch: self.epoch,
            track,
        });
    }

    /// The decoder that was asked for is there, or can not be had.
    pub(crate) fn answered(&mut self) {
        if let Decoder::Opening(track) = &self.decoder {
            self.decoder = Decoder::Known(Arc::clone(track));
        }
    }

    /// The decoder that was asked for is of no use: what comes next has one of its own.
    pub(crate) fn forget_decoder(&mut self) {
        self.decoder = Decoder::None;
        self.decoded = DecodeYield::default();
    }

    fn has_room(&self) -> bool {
        let to_be_shown = self.in_flight - self.run_up;
        let waiting = match self.role {
            Role::Video => self.frames.len() + to_be_shown < self.max_frames(),
            Role::Audio => self.frames_last() < MAX_AUDIO && self.frames.len() < MAX_AUDIO_FRAMES,
            Role::Text => false,
        };
        waiting && to_be_shown < MAX_IN_FLIGHT && self.run_up < MAX_RUN_UP
    }

    fn max_frames(&self) -> usize {
        let told = || {
            let video = self.track.as_ref()?.video?;
            Some((video.width, video.height))
        };
        let decoded = self.frames.back().and_then(|frame| frame.size);
        let Some((width, height)) = decoded.or_else(told) else {
            return MAX_VIDEO_FRAMES;
        };
        let pixels = (width as usize).saturating_mul(height as usize);
        (MAX_PIXELS / pixels.max(1)).clamp(MIN_VIDEO_FRAMES, MAX_VIDEO_FRAMES)
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
        self.run_up = self.run_up.saturating_sub(1);
    }
    /// The decoder gave a frame.
    pub(crate) fn gave(&mut self, frame: ReadyFrame) {
        self.decoded.frame();
        let pts = frame.pts + self.shift;
        self.frames.push_back(ReadyFrame { pts, ..frame });
    }
    /// What comes of it is presented so much later than it says.
    pub(crate) fn shift(&self) -> Time {
        self.shift
    }

    /// The same from now on, for what waits too; by how much more that is.
    pub(crate) fn set_shift(&mut self, shift: Time) -> Time {
        let more = shift - std::mem::replace(&mut self.shift, shift);
        for frame in &mut self.frames {
            frame.pts += more;
        }
        self.tail = self.tail.map(|tail| tail + more);
        more
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

    /// Gives the frames that wait back unseen.
    pub(crate) fn drop_frames(&mut self, cx: &mut Cx) {
        for frame in self.frames.drain(..) {
            cx.push(Output::Drop {
                role: self.role,
                frame: frame.id,
            });
        }
    }

    /// Nothing of it plays any more.
    pub(crate) fn give_up(&mut self) {
        self.queue.clear();
        if self.is_on() {
            self.health = Health::Dead;
        }
    }

    /// Forgets frames and what the worker holds; packets stay.
    pub(crate) fn flush(&mut self, cx: &mut Cx, epoch: Epoch) {
        self.epoch = epoch;
        self.flush_decoder(cx);
        self.sei.clear();
        self.drain = Drain::No;
        self.discard_before = None;
        self.go_on();
    }

    /// What was given to the decoder is not worth waiting for.
    fn flush_decoder(&mut self, cx: &mut Cx) {
        self.drop_frames(cx);
        if self.decoder.track().is_some() {
            cx.push(Output::Flush {
                role: self.role,
                epoch: self.epoch,
            });
        }
        if let Decoder::Opening(track) = &self.decoder {
            // What was asked for in an older epoch is passed over, or its answer is.
            let track = Arc::clone(track);
            self.ask_for_decoder(cx, track);
        }
        self.decoded.flushed();
        self.in_flight = 0;
        self.run_up = 0;
        self.fed = false;
        self.urgent = false;
    }

    /// A new stretch begins with what is decoded next.
    pub(crate) fn go_on(&mut self) {
        self.tail = None;
        self.presented = 0;
        self.late_until = Time::MIN;
        self.begin(None);
    }

    /// Whether the picture on screen at a time comes soonest by decoding on: it is there, none from it on was handed out, and
    /// no key frame lies between.
    pub(crate) fn leads_to(&self, target: Time) -> bool {
        let is_ahead = match self.frames.front() {
            Some(next) => is_shown_by(next.pts, target),
            // Of what an earlier seek looked for nothing was passed over.
            None => self.presented == 0 && self.queue.target().is_some_and(|it| it <= target),
        };
        let decodes = self.is_on() && self.fed && self.drain == Drain::No;
        let is_there = self.discard_before.is_none() && self.queue.end() > Some(target);
        is_ahead && decodes && is_there && !self.queue.has_key_until(target)
    }

    /// Whether more would have to be decoded before the picture that is looked for than may be. `ended`: no packet follows, so
    /// that of a time behind the end it is the last one.
    pub(crate) fn runs_up_too_far(&self, ended: bool) -> bool {
        let (Some(target), Some(next)) = (self.queue.target(), self.queue.peek()) else {
            return false;
        };
        let last = self.queue.not_before().filter(|_| ended);
        let picture = last.map_or(target, |last| last.min(target));
        let begins = self.presented == 0 && !self.fed;
        begins && next.packet.pts + self.max_run_up < picture
    }

    /// How much is queued from a position on, decoded or not.
    pub(crate) fn ahead(&self, position: Time) -> Time {
        let end = match (self.queue.end(), self.queue.is_drained()) {
            (Some(end), false) => Some(end + self.shift),
            _ => self
                .frames
                .back()
                .map(|frame| frame.pts + frame.duration)
                .or(self.tail),
        };
        end.map_or(Time::ZERO, |end| (end - position).max(Time::ZERO))
    }

    /// Whether what comes next, or came last, is known to be played only after that time.
    pub(crate) fn is_far(&self, time: Time) -> bool {
        let decoded = self.frames.front().map(|frame| frame.pts);
        let coded = || Some(self.queue.pts_back(self.in_flight)? + self.shift);
        let next = decoded.or_else(coded).or(self.tail);
        next.is_some_and(|next| next > time)
    }

    /// The time of the first frame that is not handed out yet, as far as it is known.
    pub(crate) fn next_pts(&self) -> Option<Time> {
        if let Some(frame) = self.frames.front() {
            return Some(frame.pts);
        }
        if self.in_flight > 0 {
            return None;
        }
        self.queue.peek().map(|entry| entry.packet.pts + self.shift)
    }
}

/// Whether a decoder opened for one track decodes the other too.
#[must_use]
pub fn same_decoder(open: &Arc<TrackInfo>, track: &Arc<TrackInfo>) -> bool {
    Arc::ptr_eq(open, track)
        || open.codec == track.codec
            && open.config == track.config
            && open.audio == track.audio
            && open.palette == track.palette
}
