//! Finding a time: by the index of the metadata, or by the timestamps at a few places.

use kinora_media::{ByteRange, Time, TrackId, TrackKind};

use super::demux::{FlvDemuxer, Out, payloads};
use super::hunt::{Glance, Hunt, Phase};
use super::payload::Unit;
use super::reader::{Read, Reader};
use super::tag::{Tag, TagKind};
use super::tail::Tail;
use super::track::track_id;
use crate::bisection::{Place, searchable_len};
use crate::{DemuxError, SeekMode, SeekTo, Step};

/// An index that is further off than this is of another file.
const INDEX_ERROR_MS: i64 = 1_000;

/// What is done beside reading on.
pub(super) enum Operation {
    None,
    /// The end is read for the last timestamp; then the seek goes on, if there is one.
    Tail(Box<Tail>, Option<SeekTo>),
    /// The index named the place that is read; a tag of this time should be there.
    Landing {
        ms: i64,
        target: SeekTo,
    },
    Hunt(Box<Hunt>),
}

/// What the index says of a target.
enum Indexed {
    /// The file's first tag serves it.
    Start,
    At {
        ms: i64,
        offset: u64,
    },
    /// There is no index, or none that can be right.
    Unknown,
}

impl FlvDemuxer {
    /// The reader of the bytes that are asked for now.
    pub(super) fn active(&mut self) -> &mut Reader {
        match &mut self.operation {
            Operation::Tail(tail, _) => &mut tail.reader,
            _ => &mut self.reader,
        }
    }

    pub(super) fn begin_seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        let len = searchable_len(self.reported, self.total_len)?;
        self.out.clear();
        self.want = Some(match self.indexed(target) {
            Indexed::Start => {
                self.operation = Operation::None;
                self.go_to(self.first_tag.unwrap_or(0))
            }
            Indexed::At { ms, offset } => {
                self.operation = Operation::Landing { ms, target };
                self.go_to(offset)
            }
            Indexed::Unknown => self.begin_hunt(target, len),
        });
        Ok(())
    }

    pub(super) fn look_for_end(&mut self) -> bool {
        let known = self.metadata.duration.is_some() || self.last.is_some();
        let (Some(len), Operation::None) = (self.total_len, &self.operation) else {
            return false;
        };
        if known || !self.reported {
            return false;
        }
        self.want = Some(self.begin_tail(Tail::new(len), None));
        true
    }

    fn begin_tail(&mut self, tail: Tail, then: Option<SeekTo>) -> ByteRange {
        let range = ByteRange::from(tail.from);
        self.operation = Operation::Tail(Box::new(tail), then);
        range
    }

    /// The entry of the index for a target.
    fn indexed(&self, target: SeekTo) -> Indexed {
        let index = &self.metadata.key_frames;
        let Some(first) = index.first() else {
            return Indexed::Unknown;
        };
        let wanted = target
            .time
            .as_millis()
            .saturating_add(self.clock.origin_ms());
        // The index has decoding times; pictures are presented later.
        let wanted = wanted.saturating_sub(self.lead_delay_ms.unwrap_or(0));
        let after = index.partition_point(|(ms, _)| *ms <= wanted);
        let before = after.checked_sub(1).and_then(|at| index.get(at));
        let before = *before.unwrap_or(first);
        let distance = |(ms, _): (i64, u64)| ms.saturating_sub(wanted).saturating_abs();
        let behind = index.get(after).copied();
        let nearer = behind.filter(|behind| {
            target.mode == SeekMode::Nearest && distance(*behind) < distance(before)
        });
        let entry = nearer.unwrap_or(before);
        match entry {
            // There everything begins, sound too.
            entry if entry == *first => Indexed::Start,
            (_, offset) if self.total_len.is_some_and(|len| offset >= len) => Indexed::Unknown,
            (ms, offset) => Indexed::At { ms, offset },
        }
    }

    /// Packets come from this place on.
    fn go_to(&mut self, offset: u64) -> ByteRange {
        self.reader.restart(offset);
        self.clock.jumped();
        self.jumped = true;
        self.configure_for(offset);
        ByteRange::from(offset)
    }

    fn begin_hunt(&mut self, target: SeekTo, len: u64) -> ByteRange {
        let Some(last) = self.last.or(self.metadata.duration) else {
            return self.begin_tail(Tail::new(len), Some(target));
        };
        let start = Place {
            offset: self.first_tag.unwrap_or(0),
            time: Time::ZERO,
        };
        let lead = [TrackKind::Video, TrackKind::Audio]
            .iter()
            .find_map(|kind| {
                let ready = self.tracks.iter().filter(|track| track.ready);
                let mut infos = ready.map(|track| &track.info);
                infos.find(|info| info.kind() == *kind)
            });
        let high = Place {
            offset: len,
            time: last,
        };
        let lead = lead.map_or(TrackId(0), |info| info.id);
        let mut hunt = Hunt::new(target, lead, start, high);
        let offset = hunt.go();
        self.operation = Operation::Hunt(Box::new(hunt));
        self.look_at(offset)
    }

    fn look_at(&mut self, offset: u64) -> ByteRange {
        self.reader.search(offset);
        ByteRange::from(offset)
    }

    /// Goes on with the operation. `None` when it is done.
    pub(super) fn run_operation(&mut self) -> Result<Option<Step>, DemuxError> {
        match std::mem::replace(&mut self.operation, Operation::None) {
            Operation::None => Ok(None),
            Operation::Tail(tail, then) => Ok(Some(self.run_tail(tail, then))),
            Operation::Landing { ms, target } => self.land(ms, target),
            Operation::Hunt(hunt) => self.hunt(hunt),
        }
    }

    fn run_tail(&mut self, mut tail: Box<Tail>, then: Option<SeekTo>) -> Step {
        if !tail.read() {
            self.operation = Operation::Tail(tail, then);
            return Step::NeedMore;
        }
        if tail.last.is_none()
            && let Some(further) = tail.further()
        {
            return Step::Want(self.begin_tail(further, then));
        }
        let found = tail.last.and_then(|last| self.clock.look(last));
        // A file whose clock began anew ends before it began.
        let found = found.filter(|last| *last > Time::ZERO);
        self.last = found.or(self.last);
        match then {
            Some(target) => {
                // Without a last time the search is by halves alone.
                self.last.get_or_insert(target.time.max(Time::ZERO));
                self.out.push_back(Out::Info);
                let len = self.total_len.unwrap_or(0);
                Step::Want(self.begin_hunt(target, len))
            }
            None if self.reader.ended => self.report(),
            None => {
                self.out.push_front(Out::Info);
                Step::Want(ByteRange::from(self.reader.window.end()))
            }
        }
    }

    /// The tag to which the index led must be the one it told of.
    fn land(&mut self, ms: i64, target: SeekTo) -> Result<Option<Step>, DemuxError> {
        let begins = self.reader.window.start();
        let tag = match self.reader.read()? {
            Read::NeedMore => {
                self.operation = Operation::Landing { ms, target };
                return Ok(Some(Step::NeedMore));
            }
            Read::Tag(tag) => Some(tag),
            Read::FileHeader(_) | Read::End => None,
        };
        let is_as_indexed = |tag: &Tag| {
            let there = i64::from(tag.header.timestamp.cast_signed());
            tag.offset == begins && there.saturating_sub(ms).saturating_abs() <= INDEX_ERROR_MS
        };
        match tag.filter(is_as_indexed) {
            Some(tag) => {
                self.take(tag)?;
                Ok(None)
            }
            None => {
                self.metadata.key_frames.clear();
                let len = self.total_len.unwrap_or(0);
                Ok(Some(Step::Want(self.begin_hunt(target, len))))
            }
        }
    }

    fn hunt(&mut self, mut hunt: Box<Hunt>) -> Result<Option<Step>, DemuxError> {
        loop {
            match self.reader.read()? {
                Read::FileHeader(_) => {}
                Read::NeedMore => {
                    self.operation = Operation::Hunt(hunt);
                    return Ok(Some(Step::NeedMore));
                }
                Read::Tag(tag) => {
                    let offset = tag.offset;
                    let Some(glance) = self.glance(tag, hunt.lead) else {
                        continue;
                    };
                    if let Phase::Landing { offset } = hunt.phase
                        && hunt.landed(offset, glance.dts)
                    {
                        return Ok(Some(self.hunt_on(hunt)));
                    }
                    if hunt.see(offset, &glance) {
                        return Ok(Some(self.arrive(hunt)));
                    }
                }
                Read::End => {
                    if let Phase::Landing { offset } = hunt.phase
                        && hunt.places.nothing_from(offset)
                    {
                        return Ok(Some(self.hunt_on(hunt)));
                    }
                    return Ok(Some(self.arrive(hunt)));
                }
            }
        }
    }

    fn hunt_on(&mut self, mut hunt: Box<Hunt>) -> Step {
        let offset = hunt.go();
        self.operation = Operation::Hunt(hunt);
        Step::Want(self.look_at(offset))
    }

    fn arrive(&mut self, mut hunt: Box<Hunt>) -> Step {
        if hunt.step_back() {
            return self.hunt_on(hunt);
        }
        let first = hunt.is_at_start() && hunt.key.is_none_or(|key| key.time <= Time::ZERO);
        let offset = match hunt.key {
            Some(key) if !first => key.offset,
            _ => hunt.start.offset,
        };
        Step::Want(self.go_to(offset))
    }

    /// What a tag is to a seek; `None` for one without coded data.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn glance(&self, tag: Tag, lead: TrackId) -> Option<Glance> {
        let header = tag.header;
        if header.kind == TagKind::Script || header.filtered {
            return None;
        }
        let dts = self.clock.look(header.timestamp)?;
        let payloads = payloads(header.kind, tag.body).ok()?;
        let frames = payloads
            .into_iter()
            .filter_map(|payload| match payload.unit {
                Unit::Frame(frame) => Some((track_id(header.kind, payload.track), frame)),
                Unit::Config(_) => None,
            });
        let frames: Vec<_> = frames.collect();
        let own = frames.iter().find(|(id, _)| *id == lead);
        let (_, frame) = own.or(frames.first())?;
        Some(Glance {
            leads: own.is_some(),
            key: frame.key,
            pts: dts + Time::from_nanos(frame.composition_ns),
            dts,
        })
    }
}
