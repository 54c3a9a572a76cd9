//! Finding a time: by the granule positions of a few pages.

use kinora_media::{ByteRange, Time, TrackKind};

use super::demux::{Link, OggDemuxer, Out};
use super::page::Page;
use super::reader::{Read, Reader};
use super::stream::Stream;
use crate::bisection::{Bisection, Margins, Place, searchable_len};
use crate::{DemuxError, SeekTo, Step};

/// At the end of the file so many bytes are read for the last page; then four times as many.
const TAIL: u64 = 128 << 10;
const MAX_TAIL: u64 = 8 << 20;
const MARGINS: Margins = Margins {
    near: Time::from_millis(3_000),
    aim: Time::from_millis(1_000),
};

/// What is done beside reading on.
pub(super) enum Operation {
    None,
    /// The end is read for the last page; then the seek goes on, if there is one.
    Tail(Box<Tail>, Option<SeekTo>),
    Hunt(Box<Hunt>),
}

/// Reads the end of the file.
pub(super) struct Tail {
    reader: Reader,
    from: u64,
    len: u64,
}

impl Tail {
    fn new(len: u64, size: u64) -> Self {
        let from = len.saturating_sub(size);
        let mut reader = Reader::new(from);
        reader.restart(from);
        Self { reader, from, len }
    }

    fn further(&self) -> Option<Self> {
        let size = self.len.saturating_sub(self.from).saturating_mul(4);
        (self.from > 0 && size <= MAX_TAIL).then(|| Self::new(self.len, size))
    }
}

/// A seek under way: the last page of a stream is looked for that ends at or before a time.
pub(super) struct Hunt {
    target: Time,
    link: usize,
    /// The stream that leads.
    serial: u32,
    wanted: Time,
    goal: Goal,
    start: Place,
    places: Bisection,
    phase: Phase,
    /// Where reading would begin, and the granule position before it.
    best: (u64, Option<i64>),
    /// The last page that was seen of the stream.
    before: Option<(u64, i64)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Goal {
    /// The frame at the target: its granule position names the key frame that it needs.
    Frame,
    /// The page from which on packets are wanted.
    Page,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// A place was asked for; its time is not known yet.
    Landing { offset: u64 },
    /// From there page is read after page.
    Collecting,
}

impl Hunt {
    /// Begins anew for another time.
    fn aim(&mut self, wanted: Time, goal: Goal) {
        (self.wanted, self.goal) = (wanted, goal);
        self.places.again(self.start, self.places.high);
    }

    /// Where to look next.
    fn go(&mut self) -> u64 {
        let offset = self.places.look(self.wanted);
        self.phase = Phase::Landing { offset };
        self.best = (self.places.low.offset, None);
        self.before = None;
        offset
    }

    /// The time of the first page at a place is known. Returns whether another place must be looked at.
    fn landed(&mut self, offset: u64, time: Time) -> bool {
        let looks_on = self.places.landed(Place { offset, time }, self.wanted);
        if !looks_on {
            self.phase = Phase::Collecting;
        }
        looks_on
    }

    /// Nothing that counts lies at the place that was asked for. Returns whether another one must be looked at.
    fn is_beyond(&mut self) -> bool {
        match self.phase {
            Phase::Landing { offset } => self.places.nothing_from(offset),
            Phase::Collecting => false,
        }
    }
}

impl OggDemuxer {
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
        self.want = Some(match self.last {
            Some(_) => self.begin_hunt(target, len),
            None => self.begin_tail(Tail::new(len, TAIL), Some(target)),
        });
        Ok(())
    }

    pub(super) fn look_for_end(&mut self) -> bool {
        let (Some(len), Operation::None) = (self.total_len, &self.operation) else {
            return false;
        };
        if self.last.is_some() || !self.reported {
            return false;
        }
        self.want = Some(self.begin_tail(Tail::new(len, TAIL), None));
        true
    }

    fn begin_tail(&mut self, tail: Tail, then: Option<SeekTo>) -> ByteRange {
        let range = ByteRange::from(tail.from);
        self.operation = Operation::Tail(Box::new(tail), then);
        range
    }

    /// Goes on with the operation. `None` when there is none.
    pub(super) fn run_operation(&mut self) -> Option<Step> {
        match std::mem::replace(&mut self.operation, Operation::None) {
            Operation::None => None,
            Operation::Tail(tail, then) => Some(self.run_tail(tail, then)),
            Operation::Hunt(hunt) => Some(self.hunt(hunt)),
        }
    }

    fn run_tail(&mut self, mut tail: Box<Tail>, then: Option<SeekTo>) -> Step {
        loop {
            match tail.reader.read() {
                Read::Page(page) => self.last = self.end_of(&page).max(self.last),
                Read::End => break,
                Read::NeedMore if tail.reader.window.end() >= tail.len => tail.reader.ended = true,
                Read::NeedMore => {
                    self.operation = Operation::Tail(tail, then);
                    return Step::NeedMore;
                }
            }
        }
        if self.last.is_none()
            && let Some(further) = tail.further()
        {
            return Step::Want(self.begin_tail(further, then));
        }
        match then {
            Some(target) => {
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

    /// The time at the end of a page of a stream that is known.
    fn end_of(&self, page: &Page) -> Option<Time> {
        let granule = page.granule?;
        self.links.iter().rev().find_map(|link| {
            let mut streams = link.streams.iter();
            let stream = streams.find(|stream| stream.serial == page.serial)?;
            Some(link.time(stream, stream.mapping.position(granule)))
        })
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn begin_hunt(&mut self, target: SeekTo, len: u64) -> ByteRange {
        let begun = self.links.iter().filter(|link| link.data.is_some());
        let at = begun
            .take_while(|link| link.begins <= target.time)
            .count()
            .saturating_sub(1);
        let Some((link, lead)) = self
            .links
            .get(at)
            .and_then(|link| Some((link, lead(link)?)))
        else {
            return ByteRange::from(self.reader.window.end());
        };
        let start = Place {
            offset: link.data.unwrap_or(link.offset),
            time: link.begins,
        };
        let high = match self.links.get(at.saturating_add(1)) {
            Some(next) => Place {
                offset: next.offset,
                time: next.begins,
            },
            None => Place {
                offset: len,
                time: self.last.unwrap_or(target.time),
            },
        };
        let target = target.time.clamp(start.time, high.time.max(start.time));
        let goal = match lead.mapping.info.kind() {
            TrackKind::Video => Goal::Frame,
            _ => Goal::Page,
        };
        let mut hunt = Hunt {
            target,
            link: at,
            serial: lead.serial,
            wanted: target - lead.mapping.pre_roll(),
            goal,
            start,
            places: Bisection::new(start, high, MARGINS),
            phase: Phase::Collecting,
            best: (start.offset, None),
            before: None,
        };
        let offset = hunt.go();
        self.operation = Operation::Hunt(Box::new(hunt));
        self.look_at(offset)
    }

    fn look_at(&mut self, offset: u64) -> ByteRange {
        self.reader.restart(offset);
        ByteRange::from(offset)
    }

    fn hunt(&mut self, mut hunt: Box<Hunt>) -> Step {
        loop {
            let page = match self.reader.read() {
                Read::NeedMore => {
                    self.operation = Operation::Hunt(hunt);
                    return Step::NeedMore;
                }
                Read::End => None,
                Read::Page(page) => Some(page),
            };
            let inside = page.filter(|page| {
                page.offset < hunt.places.high.offset || hunt.phase == Phase::Collecting
            });
            let Some(page) = inside else {
                if hunt.is_beyond() {
                    return self.hunt_on(hunt);
                }
                return self.found(hunt, None);
            };
            let Some((granule, time)) = self.end_in(&hunt, &page) else {
                continue;
            };
            if let Phase::Landing { offset } = hunt.phase
                && hunt.landed(offset, time)
            {
                return self.hunt_on(hunt);
            }
            if time > hunt.wanted {
                return self.found(hunt, Some(granule));
            }
            hunt.best = match page.is_open() {
                true => (page.offset, None),
                false => (page.end, Some(granule)),
            };
            hunt.before = Some((page.offset, granule));
        }
    }

    /// Granule position and time of a page of the stream that leads.
    fn end_in(&self, hunt: &Hunt, page: &Page) -> Option<(i64, Time)> {
        let (link, stream) = self.led(hunt)?;
        let granule = page.granule.filter(|_| page.serial == stream.serial)?;
        Some((granule, link.time(stream, stream.mapping.position(granule))))
    }

    fn led(&self, hunt: &Hunt) -> Option<(&Link, &Stream)> {
        let link = self.links.get(hunt.link)?;
        let mut streams = link.streams.iter();
        Some((link, streams.find(|stream| stream.serial == hunt.serial)?))
    }

    fn hunt_on(&mut self, mut hunt: Box<Hunt>) -> Step {
        let offset = hunt.go();
        self.operation = Operation::Hunt(hunt);
        Step::Want(self.look_at(offset))
    }

    /// The page is known behind which the wanted time lies, and that in which it lies, if there is one.
    fn found(&mut self, mut hunt: Box<Hunt>, behind: Option<i64>) -> Step {
        if hunt.goal == Goal::Frame {
            let before = hunt.before.map(|(_, granule)| granule);
            let key = [behind, before].into_iter().flatten().find_map(|granule| {
                let (link, stream) = self.led(&hunt)?;
                let time = link.time(stream, stream.mapping.key_position(granule));
                (time <= hunt.target).then_some(time)
            });
            let begins = hunt.start.time;
            hunt.aim(key.unwrap_or(begins), Goal::Page);
            return self.hunt_on(hunt);
        }
        // Behind the last page nothing comes: it is itself the best.
        let last = hunt.before.filter(|_| behind.is_none());
        let (offset, resume) = last.map_or(hunt.best, |(offset, _)| (offset, None));
        Step::Want(self.go_to(&hunt, offset, resume))
    }

    /// Packets come from this place on.
    fn go_to(&mut self, hunt: &Hunt, offset: u64, resume: Option<i64>) -> ByteRange {
        let from_start = offset <= hunt.start.offset;
        self.jumped = true;
        if std::mem::replace(&mut self.current, hunt.link) != hunt.link {
            self.out.push_back(Out::Info);
        }
        if let Some(link) = self.links.get_mut(hunt.link) {
            for stream in &mut link.streams {
                match from_start {
                    true => stream.rewind(),
                    false => {
                        let resume = resume.filter(|_| stream.serial == hunt.serial);
                        let position = resume.map(|granule| stream.mapping.position(granule));
                        stream.jump(position);
                    }
                }
            }
        }
        self.look_at(offset)
    }
}

/// The stream whose time leads a seek.
fn lead(link: &Link) -> Option<&Stream> {
    let ready = || {
        link.streams
            .iter()
            .filter(|stream| stream.mapping.is_ready())
    };
    let of = |kind| ready().find(|stream| stream.mapping.info.kind() == kind);
    of(TrackKind::Video).or_else(|| of(TrackKind::Audio))
}
