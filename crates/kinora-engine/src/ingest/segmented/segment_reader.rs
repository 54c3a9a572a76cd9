//! One segment on its way through decryption and its demuxer onto the timeline.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use kinora_container::ts::TsDemuxer;
use kinora_container::{ClockKind, ProbingDemuxer, Step};
use kinora_errors::{Coded, Fault, codes};
use kinora_media::{MediaInfo, Packet, Time, TrackId, TrackKind};
use kinora_protect::{ContentKey, HlsDecryptor, Iv};

use super::index::{Key, Segment};
use crate::tape::{Tape, TapedDemuxer};

/// A jump so large is no drift of the playlist's durations: the clock was set anew.
const JUMP: Time = Time::from_millis(10_000);
/// A segment that follows another one on its clock begins where that one ended, give or take so much: tracks end
/// at different times, and pictures may stand.
const SEAM: Time = Time::from_millis(1_000);
/// Durations may be rounded to whole seconds.
const ROUNDED: Time = Time::from_millis(600);
/// Clocks of one discontinuity sequence number that are remembered.
const MAX_OFFSETS: usize = 4;

/// The demuxer of the segment before, which knows the tables.
pub(super) struct CarriedDemuxer {
    number: u64,
    discontinuity: u64,
    demuxer: TapedDemuxer,
    video: Option<TrackId>,
}

/// The segment that was read before.
#[derive(Clone, Copy, Debug)]
pub(super) struct PreviousSegment {
    pub(super) number: u64,
    discontinuity: u64,
    shift: Time,
    pub(super) start: Time,
    pub(super) end: Time,
    /// Where it ends by the playlist.
    nominal_end: Time,
}

/// How the clocks of the media relate to the presentation's timeline, by discontinuity sequence
/// number; all renditions of a stream share it. Within one number there should be one clock
/// (RFC 8216 4.3.2.3); the newest comes first where a stream has more.
#[derive(Debug, Default)]
pub(super) struct TimestampOffsets {
    shifts: BTreeMap<u64, VecDeque<Time>>,
}

impl TimestampOffsets {
    /// Nothing was placed on it so far.
    pub(super) fn is_empty(&self) -> bool {
        self.shifts.is_empty()
    }

    fn shift(
        &mut self,
        segment: &Segment,
        first: Time,
        wraps: bool,
        previous: Option<PreviousSegment>,
    ) -> Time {
        let previous = previous.filter(|previous| previous.number + 1 == segment.number);
        let fresh = previous.map_or(segment.start, |previous| previous.end) - first;
        let known = self.shifts.entry(segment.discontinuity).or_default();
        let previous = previous.filter(|previous| previous.discontinuity == segment.discontinuity);
        let own = previous.map(|previous| previous.shift);
        let best = own
            .into_iter()
            .chain(known.iter().copied())
            .map(|shift| if wraps { unwrap(shift, fresh) } else { shift })
            .min_by_key(|shift| (*shift - fresh).abs());
        let shift = best
            .filter(|shift| match previous {
                Some(previous) => previous.goes_on(first + *shift),
                None => (*shift - fresh).abs() < JUMP,
            })
            .unwrap_or(fresh);
        known.retain(|known| *known != shift);
        known.push_front(shift);
        known.truncate(MAX_OFFSETS);
        if self.shifts.len() > 64 {
            self.shifts.pop_first();
        }
        shift
    }
}

impl PreviousSegment {
    /// Whether a segment that begins then follows this one on the same clock: at its end, or where the playlist
    /// says that it ends.
    fn goes_on(&self, start: Time) -> bool {
        (start - self.end).abs() <= SEAM
            || start > self.end && (start - self.nominal_end).abs() <= ROUNDED
    }
}

/// The same shift modulo the 33-bit clock, as near to the other as can be.
fn unwrap(shift: Time, near: Time) -> Time {
    let period = TsDemuxer::CLOCK_PERIOD;
    if near - shift > period.scale(0.5) {
        shift + period
    } else if shift - near > period.scale(0.5) {
        shift - period
    } else {
        shift
    }
}

/// What the reader has for the loader.
pub(super) enum ReadStep {
    Packet(Packet),
    Info(Arc<MediaInfo>),
    /// More bytes of it must come first.
    NeedData,
    /// It is through.
    End,
}

/// A segment that is being read.
pub(super) struct SegmentReader {
    pub(super) segment: Segment,
    pieces: VecDeque<Bytes>,
    complete: bool,
    tape: Tape,
    demuxer: Option<TapedDemuxer>,
    carried: Option<CarriedDemuxer>,
    /// Damage that was found before this segment.
    damage_before: u64,
    /// Something is missing before it.
    pub(super) behind_hole: bool,
    crypt: Option<HlsDecryptor>,
    unlocked: bool,
    pushed: u64,
    finished: bool,
    video: Option<TrackId>,
    shift: Option<Time>,
    /// Where it began and ends, as far as it is read.
    span: Option<(Time, Time)>,
    /// Packets that wait for the first one that places them on the timeline.
    held: VecDeque<Packet>,
    discontinuity: bool,
}

impl SegmentReader {
    pub(super) fn new(segment: Segment, discontinuity: bool, tape: Tape) -> Self {
        Self {
            tape,
            segment,
            pieces: VecDeque::new(),
            complete: false,
            demuxer: None,
            carried: None,
            damage_before: 0,
            behind_hole: false,
            crypt: None,
            unlocked: false,
            pushed: 0,
            finished: false,
            video: None,
            shift: None,
            span: None,
            held: VecDeque::new(),
            discontinuity,
        }
    }

    pub(super) fn add(&mut self, data: Bytes) {
        self.pieces.push_back(data);
    }

    /// Places of damage in it that were passed over.
    pub(super) fn damage(&self) -> u64 {
        let all = self.demuxer.as_ref().map_or(0, TapedDemuxer::damage);
        all.saturating_sub(self.damage_before)
    }

    /// Goes on with what was learnt in the segment before, if this is the next of its discontinuity sequence.
    pub(super) fn inherit(&mut self, carried: &mut Option<CarriedDemuxer>) {
        if self.demuxer.is_none() && self.carried.is_none() {
            let segment = &self.segment;
            self.carried = carried.take().filter(|carried| {
                carried.number + 1 == segment.number
                    && carried.discontinuity == segment.discontinuity
            });
        }
    }

    /// What it has learnt, for the segment behind it.
    pub(super) fn bequeath(&mut self) -> Option<CarriedDemuxer> {
        Some(CarriedDemuxer {
            number: self.segment.number,
            discontinuity: self.segment.discontinuity,
            demuxer: self.demuxer.take()?,
            video: self.video,
        })
    }

    /// Whether it is a picture that refers to others that are missing. It ends with the segment: some streams have
    /// no key pictures.
    pub(super) fn lacks_reference(&mut self, packet: &Packet) -> bool {
        if self.video != Some(packet.track) {
            return false;
        }
        self.behind_hole &= !packet.flags.key;
        self.behind_hole
    }

    /// All its bytes came.
    pub(super) fn complete(&mut self) {
        self.complete = true;
    }

    pub(super) fn needs_key(&self) -> Option<&Arc<Key>> {
        self.segment.key.as_ref().filter(|_| !self.unlocked)
    }

    pub(super) fn unlock(&mut self, key: &ContentKey, iv: Iv) {
        self.crypt = Some(HlsDecryptor::new(key, iv));
        self.unlocked = true;
    }

    /// Gives the next thing. The key, if there is one, must have been set before; `init` is the init
    /// section's content.
    pub(super) fn give(
        &mut self,
        init: Option<&Bytes>,
        timeline: &mut TimestampOffsets,
        previous: Option<PreviousSegment>,
    ) -> Result<ReadStep, Fault> {
        loop {
            if self.shift.is_some()
                && let Some(packet) = self.held.pop_front()
            {
                return Ok(ReadStep::Packet(self.placed(packet)));
            }
            if !self.push(init)? {
                return Ok(ReadStep::NeedData);
            }
            let Some(demuxer) = &mut self.demuxer else {
                return Ok(ReadStep::End);
            };
            match demuxer.poll().map_err(|fault| self.fault(fault))? {
                Step::Info(info) => {
                    self.video = info.first(TrackKind::Video).map(|track| track.id);
                    return Ok(ReadStep::Info(info));
                }
                Step::Packet(packet) => {
                    let decides = self.video.is_none_or(|video| video == packet.track);
                    if self.shift.is_none() && decides {
                        self.anchor(packet.pts, timeline, previous);
                    }
                    self.held.push_back(packet);
                }
                Step::NeedMore | Step::Want(_) if !self.finished => {
                    if self.pieces.is_empty() && !self.complete {
                        return Ok(ReadStep::NeedData);
                    }
                }
                Step::NeedMore | Step::Want(_) | Step::End => {
                    if self.held.is_empty() {
                        return Ok(ReadStep::End);
                    }
                    // Audio alone, though pictures were announced.
                    let first = self.held.front().map_or(Time::ZERO, |packet| packet.pts);
                    if self.shift.is_none() {
                        self.anchor(first, timeline, previous);
                    }
                }
            }
        }
    }

    fn anchor(
        &mut self,
        first: Time,
        timeline: &mut TimestampOffsets,
        previous: Option<PreviousSegment>,
    ) {
        let ended = previous.filter(|previous| previous.number + 1 == self.segment.number);
        let start = ended.map_or(self.segment.start, |previous| previous.end);
        let clock = self.demuxer.as_ref().map(TapedDemuxer::clock);
        let shift = match clock.unwrap_or_default() {
            ClockKind::OwnStart => start - first,
            ClockKind::Shared => timeline.shift(&self.segment, first, false, previous),
            ClockKind::Wrapping => timeline.shift(&self.segment, first, true, previous),
        };
        self.shift = Some(shift);
        self.span = Some((first + shift, first + shift));
    }

    /// What the segment behind it must know, once it is through.
    pub(super) fn passed(&self) -> Option<PreviousSegment> {
        let (start, end) = self.span?;
        Some(PreviousSegment {
            number: self.segment.number,
            discontinuity: self.segment.discontinuity,
            shift: self.shift?,
            start,
            end,
            nominal_end: start + self.segment.duration,
        })
    }

    fn placed(&mut self, mut packet: Packet) -> Packet {
        let shift = self.shift.unwrap_or_default();
        packet.pts += shift;
        packet.dts += shift;
        if self.video.is_none_or(|video| video == packet.track)
            && let Some((_, end)) = &mut self.span
        {
            *end = (*end).max(packet.pts + packet.duration);
        }
        packet.flags.discontinuity |= std::mem::take(&mut self.discontinuity);
        packet
    }

    /// Hands bytes to the demuxer. `false`: there are none yet.
    fn push(&mut self, init: Option<&Bytes>) -> Result<bool, Fault> {
        while let Some(piece) = self.pieces.pop_front() {
            let Some(crypt) = &mut self.crypt else {
                self.feed(init, piece);
                continue;
            };
            for data in crypt.push(piece) {
                self.feed(init, data);
            }
        }
        if self.complete && !self.finished {
            if let Some(crypt) = self.crypt.take() {
                let mut rest = Bytes::new();
                let ended = self.tape.try_see("decrypt", || {
                    rest = crypt.finish().map_err(|error| error.fault())?;
                    Ok(())
                });
                ended.map_err(|fault| self.placed_fault(fault))?;
                if !rest.is_empty() {
                    self.feed(init, rest);
                }
            }
            self.finished = true;
            if let Some(demuxer) = &mut self.demuxer {
                demuxer.set_len(self.pushed);
                demuxer.finish();
            }
        }
        Ok(self.demuxer.is_some() || self.finished)
    }

    fn feed(&mut self, init: Option<&Bytes>, data: Bytes) {
        if self.demuxer.is_none() {
            let mut demuxer = match self.carried.take() {
                Some(mut carried) => {
                    carried.demuxer.next_resource();
                    self.damage_before = carried.demuxer.damage();
                    self.video = carried.video;
                    carried.demuxer
                }
                None => TapedDemuxer::new(&self.tape, || Box::new(ProbingDemuxer::for_segments())),
            };
            if let Some(init) = init {
                demuxer.push(0, init.clone());
                self.pushed = init.len() as u64;
            }
            self.demuxer = Some(demuxer);
        }
        let offset = self.pushed;
        self.pushed += data.len() as u64;
        if let Some(demuxer) = &mut self.demuxer {
            demuxer.push(offset, data);
        }
    }

    fn fault(&self, fault: Fault) -> Fault {
        match self.segment.key {
            // Wrong keys give noise, in which no container is found.
            Some(_) if self.span.is_none() => self.placed_fault(wrong_key()),
            _ => self.placed_fault(fault),
        }
    }

    fn placed_fault(&self, fault: Fault) -> Fault {
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
