//! One segment on its way through decryption and its demuxer onto the timeline.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_container::{EventMessage, ProbingDemuxer, Step};
use kinora_errors::{Coded, Fault, codes};
use kinora_media::{MediaInfo, Packet, Time, TrackId, TrackKind};
use kinora_protect::ContentKey;
use kinora_subtitle::Cue;

use super::decryption::Decryption;
use super::index::{Discontinuity, IdentityKey, Init, Key, PeriodEvents, Segment};
use super::text_segment::TextSegment;
use super::timeline::{PreviousSegment, TimestampOffsets};
use crate::tape::{Tape, TapedDemuxer};

/// So many messages of a segment are kept until it is placed.
const MAX_MESSAGES: usize = 256;

/// The demuxer of a segment that was read, which knows the tables or the init section: it goes on with the next one of
/// the discontinuity.
pub(super) struct CarriedDemuxer {
    number: u64,
    discontinuity: Discontinuity,
    init: Option<Arc<Init>>,
    demuxer: TapedDemuxer,
    /// What it said.
    info: Option<Arc<MediaInfo>>,
}

/// What lies around a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbours {
    /// The segment that was read before.
    pub(super) previous: Option<PreviousSegment>,
    /// The segment that is read next goes on with this one.
    pub(super) goes_on: bool,
}

/// What the reader has for the loader.
pub(super) enum ReadStep {
    Packet(Packet),
    Info(Arc<MediaInfo>),
    Events(PeriodEvents),
    /// The cues of a document, on the presentation's timeline.
    Cues(Vec<Cue>),
    /// More bytes of it must come first.
    NeedData,
    /// It is through.
    End,
}

/// How a segment joins what was read before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Join {
    Seamless,
    /// Encoding or clock may change: its first packet says so.
    Discontinuity,
}

/// Whether video frames refer to what is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum References {
    #[default]
    Intact,
    /// Something before the segment is missing: up to the next key frame they may refer to it.
    Missing,
}

/// Bytes of the segment that wait for the demuxer.
enum Pieces {
    /// More may come.
    Arriving(VecDeque<Bytes>),
    /// All of them came.
    Complete(VecDeque<Bytes>),
    /// The demuxer has all of them.
    Consumed,
}

/// What a rendition carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Carries {
    /// Packets of pictures and sound.
    #[default]
    Media,
    /// Documents, or packets of text.
    Text,
}

enum Demuxing {
    /// Nothing of it came.
    Waiting(Option<CarriedDemuxer>),
    Running {
        demuxer: TapedDemuxer,
        pushed: u64,
        /// Damage that was found before this segment.
        damage_before: u64,
    },
    /// The demuxer was handed on.
    Over,
}

/// Where it lies on the timeline.
enum Placement {
    /// The packet that decides has not come.
    Pending,
    Placed {
        offset: Time,
        start: Time,
        /// Where it ends, as far as it is read.
        end: Time,
    },
}

/// A segment that is being read.
pub(super) struct SegmentReader {
    pub(super) segment: Segment,
    tape: Tape,
    join: Join,
    references: References,
    pieces: Pieces,
    decryption: Decryption,
    demuxing: Demuxing,
    /// What its demuxer said, be it of a segment before.
    info: Option<Arc<MediaInfo>>,
    /// Packets that could not be decrypted.
    undecrypted: u64,
    placement: Placement,
    /// Packets that wait for the one that places them on the timeline.
    held: VecDeque<Packet>,
    /// Messages that wait for the same.
    messages: Vec<EventMessage>,
    carries: Carries,
    /// Text that comes, until it is known whether a container holds it.
    text: Option<TextSegment>,
    /// A document that is whole.
    document: Option<TextSegment>,
}

impl SegmentReader {
    pub(super) fn new(segment: Segment, join: Join, references: References, tape: Tape) -> Self {
        Self {
            decryption: Decryption::of(segment.key.as_deref()),
            segment,
            tape,
            join,
            references,
            pieces: Pieces::Arriving(VecDeque::new()),
            demuxing: Demuxing::Waiting(None),
            info: None,
            undecrypted: 0,
            placement: Placement::Pending,
            held: VecDeque::new(),
            messages: Vec::new(),
            carries: Carries::Media,
            text: None,
            document: None,
        }
    }

    pub(super) fn carrying(mut self, carries: Carries) -> Self {
        self.carries = carries;
        self.text = match carries {
            Carries::Media => None,
            Carries::Text => Some(TextSegment::default()),
        };
        self
    }

    /// Bytes that wait for the demuxer, and packets that wait for their place.
    pub(super) fn held_bytes(&self) -> usize {
        let pieces = match &self.pieces {
            Pieces::Arriving(pieces) | Pieces::Complete(pieces) => {
                pieces.iter().map(Bytes::len).sum()
            }
            Pieces::Consumed => 0,
        };
        pieces
            + self
                .held
                .iter()
                .map(|packet| packet.data.len())
                .sum::<usize>()
    }

    pub(super) fn add(&mut self, data: Bytes) {
        if let Pieces::Arriving(pieces) = &mut self.pieces {
            pieces.push_back(data);
        }
    }

    /// Bytes that wait to be read.
    pub(super) fn unread(&self) -> usize {
        match &self.pieces {
            Pieces::Arriving(pieces) | Pieces::Complete(pieces) => {
                pieces.iter().map(Bytes::len).sum()
            }
            Pieces::Consumed => 0,
        }
    }

    /// How it joins what comes before it.
    pub(super) fn join(&self) -> Join {
        self.join
    }

    /// All its bytes came.
    pub(super) fn complete(&mut self) {
        if let Pieces::Arriving(pieces) = &mut self.pieces {
            self.pieces = Pieces::Complete(std::mem::take(pieces));
        }
    }

    /// What comes before it is lost.
    pub(super) fn lose_references(&mut self) {
        self.references = References::Missing;
    }

    /// Places of damage in it that were passed over.
    pub(super) fn damage(&self) -> u64 {
        let of_container = match &self.demuxing {
            Demuxing::Running {
                demuxer,
                damage_before,
                ..
            } => demuxer.damage().saturating_sub(*damage_before),
            Demuxing::Waiting(_) | Demuxing::Over => 0,
        };
        of_container + self.undecrypted
    }

    /// Goes on with what was learnt in the segment before, if this is the next of its discontinuity.
    pub(super) fn inherit(&mut self, from: &mut Option<CarriedDemuxer>) {
        if let Demuxing::Waiting(carried @ None) = &mut self.demuxing {
            let segment = &self.segment;
            *carried = from
                .take()
                .filter(|before| segment.follows(before.number, before.discontinuity));
        }
    }

    /// What it has learnt, for the segment behind it.
    pub(super) fn hand_on(&mut self) -> Option<CarriedDemuxer> {
        match std::mem::replace(&mut self.demuxing, Demuxing::Over) {
            Demuxing::Running { demuxer, .. } => Some(CarriedDemuxer {
                number: self.segment.number,
                discontinuity: self.segment.discontinuity,
                init: self.segment.init.clone(),
                demuxer,
                info: self.info.clone(),
            }),
            _ => None,
        }
    }

    fn video(&self) -> Option<TrackId> {
        let info = self.info.as_ref()?;
        info.first(TrackKind::Video).map(|track| track.id)
    }

    /// Whether a packet is of its video.
    pub(super) fn is_video(&self, packet: &Packet) -> bool {
        self.video() == Some(packet.track)
    }

    /// Whether a packet decides where the segment lies.
    fn decides(&self, packet: &Packet) -> bool {
        self.video().is_none_or(|video| video == packet.track)
    }

    /// Whether it is a video frame that refers to others that are missing. It ends with the segment: some streams have
    /// no key frames.
    pub(super) fn lacks_reference(&mut self, packet: &Packet) -> bool {
        if !self.is_video(packet) {
            return false;
        }
        if packet.flags.key {
            self.references = References::Intact;
        }
        self.references == References::Missing
    }

    pub(super) fn needs_key(&self) -> Option<IdentityKey> {
        match &self.decryption {
            Decryption::Locked(key) => Some(key.clone()),
            _ => None,
        }
    }

    pub(super) fn unlock(&mut self, key: &ContentKey, of: &IdentityKey) -> Result<(), Fault> {
        let unlocked = Decryption::begin(key, of);
        self.decryption =
            unlocked.map_err(|error| self.located(error.fault()).at_url(of.url.expose()))?;
        Ok(())
    }

    /// Gives the next thing. The key, if there is one, must have been set before; `init` is the init section's content.
    pub(super) fn read(
        &mut self,
        init: Option<&Bytes>,
        offsets: &mut TimestampOffsets,
        around: Neighbours,
    ) -> Result<ReadStep, Fault> {
        loop {
            if let Some(events) = self.placed_events() {
                return Ok(ReadStep::Events(events));
            }
            if let Placement::Placed { .. } = self.placement
                && let Some(packet) = self.held.pop_front()
            {
                return Ok(ReadStep::Packet(self.place(packet)));
            }
            self.push(init, around.goes_on)?;
            if let Some(document) = self.document.take() {
                let cues = document.read(&self.tape, &self.segment, offsets);
                return cues.map(ReadStep::Cues).map_err(|fault| self.fault(fault));
            }
            let Demuxing::Running { demuxer, .. } = &mut self.demuxing else {
                return Ok(match self.pieces {
                    Pieces::Consumed => ReadStep::End,
                    _ => ReadStep::NeedData,
                });
            };
            let polled = demuxer.poll();
            self.messages.extend(demuxer.take_events());
            self.messages.truncate(MAX_MESSAGES);
            match polled.map_err(|fault| self.fault(fault))? {
                Step::Info(info) => {
                    self.info = Some(Arc::clone(&info));
                    return Ok(ReadStep::Info(self.decryption.info(info)));
                }
                Step::Packet(packet) => {
                    let Some(packet) = self.decrypted(packet) else {
                        self.undecrypted += 1;
                        continue;
                    };
                    if self.decides(&packet) {
                        self.anchor(packet.pts, offsets, around.previous);
                    }
                    self.held.push_back(packet);
                }
                Step::NeedMore | Step::Want(_) | Step::Pending
                    if !matches!(self.pieces, Pieces::Consumed) =>
                {
                    return Ok(ReadStep::NeedData);
                }
                Step::NeedMore | Step::Want(_) | Step::Pending | Step::End => {
                    // Audio alone, though video was announced.
                    let Some(first) = self.held.front().map(|packet| packet.pts) else {
                        return Ok(ReadStep::End);
                    };
                    self.anchor(first, offsets, around.previous);
                }
            }
        }
    }

    fn decrypted(&self, packet: Packet) -> Option<Packet> {
        match &self.info {
            Some(info) => self.decryption.packet(&self.tape, info, packet),
            None => Some(packet),
        }
    }

    /// Places it by its first packet that counts.
    fn anchor(
        &mut self,
        first: Time,
        offsets: &mut TimestampOffsets,
        previous: Option<PreviousSegment>,
    ) {
        let Placement::Pending = self.placement else {
            return;
        };
        let Demuxing::Running {
            demuxer,
            damage_before,
            ..
        } = &self.demuxing
        else {
            return;
        };
        let clock = demuxer.clock();
        let offset = match self.carries {
            Carries::Media => offsets.place(&self.segment, first, clock, previous),
            Carries::Text => offsets.place_text(&self.segment, first, clock),
        };
        if demuxer.is_damaged_since(*damage_before) {
            // What is missing before the first video frame may be what it refers to.
            self.references = References::Missing;
        }
        self.placement = Placement::Placed {
            offset,
            start: first + offset,
            end: first + offset,
        };
    }

    /// The events that came, once it is known where they lie.
    fn placed_events(&mut self) -> Option<PeriodEvents> {
        let Placement::Placed { offset, start, .. } = self.placement else {
            return None;
        };
        let messages = std::mem::take(&mut self.messages).into_iter();
        let events: Vec<_> = messages.map(|it| it.placed(offset, start)).collect();
        let period = self.segment.discontinuity.sequence;
        (!events.is_empty()).then_some(PeriodEvents { period, events })
    }

    /// What was added to the times of its packets.
    pub(super) fn offset(&self) -> Option<Time> {
        match self.placement {
            Placement::Pending => None,
            Placement::Placed { offset, .. } => Some(offset),
        }
    }

    /// Where it lies, once something of it was read. Text does not say.
    pub(super) fn placed(&self) -> Option<PreviousSegment> {
        let (Placement::Placed { offset, start, end }, Carries::Media) =
            (&self.placement, self.carries)
        else {
            return None;
        };
        let (offset, start, end) = (*offset, *start, *end);
        Some(PreviousSegment {
            number: self.segment.number,
            discontinuity: self.segment.discontinuity,
            offset,
            start,
            end,
            nominal_end: start + self.segment.duration,
        })
    }

    fn place(&mut self, mut packet: Packet) -> Packet {
        let decides = self.decides(&packet);
        if let Placement::Placed { offset, end, .. } = &mut self.placement {
            packet.pts += *offset;
            packet.dts += *offset;
            if decides {
                *end = (*end).max(packet.pts + packet.duration);
            }
        }
        let join = std::mem::replace(&mut self.join, Join::Seamless);
        packet.flags.discontinuity |= join == Join::Discontinuity;
        packet
    }

    /// Hands what came to the demuxer.
    fn push(&mut self, init: Option<&Bytes>, goes_on: bool) -> Result<(), Fault> {
        while let Pieces::Arriving(pieces) | Pieces::Complete(pieces) = &mut self.pieces
            && let Some(piece) = pieces.pop_front()
        {
            let Decryption::Segment(decryptor) = &mut self.decryption else {
                self.feed(init, piece);
                continue;
            };
            for data in decryptor.push(piece) {
                self.feed(init, data);
            }
        }
        if let Pieces::Complete(_) = self.pieces {
            self.pieces = Pieces::Consumed;
            self.finish(init, goes_on)?;
        }
        Ok(())
    }

    /// The last byte was handed over.
    fn finish(&mut self, init: Option<&Bytes>, goes_on: bool) -> Result<(), Fault> {
        if let Some(decryptor) = self.decryption.end_of_segment() {
            let mut rest = Bytes::new();
            let ended = self.tape.try_see("decrypt", || {
                rest = decryptor.finish().map_err(|error| error.fault())?;
                Ok(())
            });
            ended.map_err(|fault| self.located(fault))?;
            if !rest.is_empty() {
                self.feed(init, rest);
            }
        }
        if let Some(text) = self.text.take() {
            match text.is_media(&self.tape, init) {
                true => self.feed(init, text.into_bytes()),
                false => self.document = Some(text),
            }
        }
        if let Demuxing::Running {
            demuxer, pushed, ..
        } = &mut self.demuxing
        {
            demuxer.set_len(*pushed);
            match goes_on {
                true => demuxer.pause(),
                false => demuxer.finish(),
            }
        }
        Ok(())
    }

    fn feed(&mut self, init: Option<&Bytes>, data: Bytes) {
        if let Some(text) = &mut self.text {
            return text.add(&data);
        }
        if let Demuxing::Waiting(carried) = &mut self.demuxing {
            let carried = carried.take();
            self.open(init, carried);
        }
        if let Demuxing::Running {
            demuxer, pushed, ..
        } = &mut self.demuxing
        {
            let offset = *pushed;
            *pushed += data.len() as u64;
            demuxer.push(offset, data);
        }
    }

    fn open(&mut self, init: Option<&Bytes>, carried: Option<CarriedDemuxer>) {
        let read_before = carried.as_ref().and_then(|it| it.init.clone());
        let mut demuxer = match carried {
            Some(mut carried) => {
                carried.demuxer.next_resource();
                self.info = carried.info;
                carried.demuxer
            }
            None => TapedDemuxer::new(&self.tape, || Box::new(ProbingDemuxer::for_segments())),
        };
        let damage_before = demuxer.damage();
        let mut pushed = 0;
        if let Some(init) = init.filter(|_| read_before != self.segment.init) {
            pushed = init.len() as u64;
            demuxer.push(0, init.clone());
        }
        self.demuxing = Demuxing::Running {
            demuxer,
            pushed,
            damage_before,
        };
    }

    fn fault(&self, fault: Fault) -> Fault {
        let whole =
            matches!(self.segment.key.as_deref(), Some(Key::Identity(key)) if !key.is_of_samples());
        match &self.placement {
            // Wrong keys give noise, in which no container is found.
            Placement::Pending if whole => self.located(wrong_key()),
            _ => self.located(fault),
        }
    }

    fn located(&self, fault: Fault) -> Fault {
        let number = self.segment.number;
        fault
            .at_url(self.segment.url.expose())
            .with(|context| context.segment = Some(number))
    }
}

fn wrong_key() -> Fault {
    Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "hls.key.wrong")
        .because("what was decrypted is no media: the key does not fit, or the segment is damaged")
}
