//! Finding a time in a stream that has no index: by its clock, at a few places.
//!
//! The time at the end bounds the search; between two known places the next one to look at is
//! interpolated, so that a stream of even bit rate takes one look. From the place found packets
//! are read and held back until it is known which key frame serves the target.

use kinora_media::{ByteRange, Packet, Time, TrackId, TrackKind};

use super::program::Program;
use super::reader::TsReader;
use super::sink::Out;
use crate::bisection::{Bisection, Margins, Place};
use crate::{DemuxError, SeekMode, SeekTo};

/// At the end of the file so many bytes are read for the last time; then four times as many.
const TAIL: u64 = 256 << 10;
const MAX_TAIL: u64 = 4 << 20;
const MARGINS: Margins = Margins {
    near: Time::from_millis(2_000),
    aim: Time::from_millis(500),
};
/// Key frames are first looked for so long before the target.
const FIRST_BACK: Time = Time::from_millis(2_500);
/// How many times further back it is looked for a key frame, each time four times as far.
const MAX_BACK_STEPS: u32 = 5;
/// Payload that may be held back.
const MAX_HELD: usize = 48 << 20;

/// Reads the end of the file for its last time.
pub(super) struct Tail {
    pub(super) reader: TsReader,
    from: u64,
    len: u64,
    last: Option<Time>,
}

impl Tail {
    pub(super) fn new(program: &Program, len: u64) -> (Self, ByteRange) {
        Self::from(program.alike(), len, TAIL)
    }

    fn from(program: Program, len: u64, size: u64) -> (Self, ByteRange) {
        let from = len.saturating_sub(size);
        let mut reader = TsReader::new(program);
        reader.restart(from);
        let tail = Self {
            reader,
            from,
            len,
            last: None,
        };
        (tail, ByteRange::from(from))
    }

    /// Reads on. `Some` when done: with the last time, or with where to look instead.
    pub(super) fn read(&mut self) -> Option<Result<Time, Option<(Self, ByteRange)>>> {
        loop {
            while let Some(out) = self.reader.give() {
                if let Out::Packet(packet) = out {
                    let end = end_of(&packet);
                    self.last = Some(self.last.map_or(end, |last| last.max(end)));
                }
            }
            match self.reader.read() {
                Ok(true) => {}
                Ok(false) if self.reader.is_drained() => break,
                Ok(false) => return None,
                Err(_nothing_there) => break,
            }
        }
        if let Some(last) = self.last {
            return Some(Ok(last));
        }
        let size = self.len.saturating_sub(self.from).saturating_mul(4);
        let more = (self.from > 0 && size <= MAX_TAIL)
            .then(|| Self::from(self.reader.program.alike(), self.len, size));
        Some(Err(more))
    }
}

#[allow(clippy::arithmetic_side_effects)] // Time saturates
fn end_of(packet: &Packet) -> Time {
    packet.pts + packet.duration
}

/// A seek under way.
pub(super) struct Seek {
    target: SeekTo,
    places: Bisection,
    start: Place,
    /// The last time of the file.
    last: Time,
    back: Time,
    back_steps: u32,
    phase: Phase,
    /// The track whose key frames count.
    lead: Option<TrackId>,
    held: Vec<Packet>,
    held_bytes: usize,
    /// Where in `held` the best key frame is, and its time.
    key: Option<(usize, Time)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// A place was asked for; its time is not known yet.
    Landing {
        offset: u64,
    },
    Collecting,
}

/// What is to be done next.
pub(super) enum Next {
    /// More bytes are needed.
    NeedMore,
    /// Bytes from another place are needed.
    Want(ByteRange),
    /// These packets come next, then those that follow.
    Done(Vec<Packet>),
}

impl Seek {
    /// Starts a seek in a file of known length, whose last time is known.
    pub(super) fn new(target: SeekTo, program: &Program, len: u64, last: Time) -> Self {
        let lead = [TrackKind::Video, TrackKind::Audio]
            .iter()
            .find_map(|kind| {
                let tracks = &mut program.tracks.iter();
                tracks.find(|track| track.info().kind() == *kind)
            })
            .map(|track| track.info().id);
        let start = Place {
            offset: 0,
            time: program.sink.clock.begins(),
        };
        let end = Place {
            offset: len,
            time: last,
        };
        Self {
            target: SeekTo {
                time: target.time.max(start.time),
                ..target
            },
            start,
            last,
            places: Bisection::new(start, end, MARGINS),
            back: FIRST_BACK,
            back_steps: 0,
            phase: Phase::Landing { offset: 0 },
            lead,
            held: Vec::new(),
            held_bytes: 0,
            key: None,
        }
    }

    /// Goes to the place that seems the best.
    pub(super) fn go(&mut self, reader: &mut TsReader) -> ByteRange {
        let wanted = self.wanted();
        let offset = self.places.look(wanted);
        self.phase = Phase::Landing { offset };
        self.held.clear();
        self.held_bytes = 0;
        self.key = None;
        reader.restart(offset);
        ByteRange::from(offset)
    }

    /// The time from which on packets should be read.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn wanted(&self) -> Time {
        self.target.time.min(self.last) - self.back
    }

    /// Goes on with the bytes at hand.
    pub(super) fn read(&mut self, reader: &mut TsReader) -> Result<Next, DemuxError> {
        loop {
            if let Phase::Landing { offset } = self.phase
                && let Some(time) = reader.program.sink.last_time
                && self.landed(offset, time)
            {
                return Ok(Next::Want(self.go(reader)));
            }
            if self.phase == Phase::Collecting {
                while let Some(out) = reader.give() {
                    let Out::Packet(packet) = out else { continue };
                    if !self.hold(packet) {
                        continue;
                    }
                    if self.step_back() {
                        return Ok(Next::Want(self.go(reader)));
                    }
                    return Ok(Next::Done(self.release()));
                }
            }
            if reader.read()? {
                continue;
            }
            if !reader.is_drained() {
                return Ok(Next::NeedMore);
            }
            if let Phase::Landing { offset } = self.phase
                && self.places.nothing_from(offset)
            {
                return Ok(Next::Want(self.go(reader)));
            }
            if self.step_back() {
                return Ok(Next::Want(self.go(reader)));
            }
            return Ok(Next::Done(self.release()));
        }
    }

    /// The first time at a place is known. Returns whether another place must be looked at.
    fn landed(&mut self, offset: u64, time: Time) -> bool {
        let wanted = self.wanted();
        let looks_on = self.places.landed(Place { offset, time }, wanted);
        if !looks_on {
            self.phase = Phase::Collecting;
        }
        looks_on
    }

    /// Holds a packet back. Returns whether it is now known from where to go on.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn hold(&mut self, packet: Packet) -> bool {
        let target = self.target.time;
        let leads = self.lead.is_none_or(|lead| lead == packet.track);
        let (key, pts, dts) = (packet.flags.key, packet.pts, packet.dts);
        if leads && key && pts <= target {
            self.held.clear();
            self.held_bytes = 0;
            self.key = Some((0, pts));
        }
        let nearer = match (self.key, self.target.mode) {
            (Some((_, before)), SeekMode::Nearest) => pts - target < target - before,
            (None, _) => true,
            _ => false,
        };
        if leads && key && pts > target && nearer && (self.key.is_some() || self.is_at_start()) {
            match self.key {
                Some(_) => self.held.clear(),
                // Pictures may begin after the sound.
                None => self.held.retain(|held| Some(held.track) != self.lead),
            }
            self.key = Some((0, pts));
            self.held.push(packet);
            return true;
        }
        self.held_bytes = self.held_bytes.saturating_add(packet.data.len());
        self.held.push(packet);
        let beyond = leads && dts > target && !(nearer && self.key.is_some());
        beyond && !(self.key.is_none() && self.is_at_start()) || self.held_bytes > MAX_HELD
    }

    fn is_at_start(&self) -> bool {
        self.places.low.offset == 0
    }

    /// No key frame serves the target: look further back, if that is possible.
    fn step_back(&mut self) -> bool {
        if self.key.is_some() || self.is_at_start() || self.back_steps > MAX_BACK_STEPS {
            return false;
        }
        self.back_steps = self.back_steps.saturating_add(1);
        self.back = self.back.scale(4.0);
        // The place that was too late bounds the next look.
        self.places = Bisection::new(self.start, self.places.low, MARGINS);
        if self.back_steps > MAX_BACK_STEPS {
            self.back = self.last;
        }
        true
    }

    fn release(&mut self) -> Vec<Packet> {
        let mut held = std::mem::take(&mut self.held);
        let from = self.key.map_or(0, |(index, _)| index);
        held.drain(..from.min(held.len()));
        if let Some(first) = held.first_mut() {
            first.flags.discontinuity = true;
        }
        held
    }
}
