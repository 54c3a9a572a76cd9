//! MPEG transport streams (ISO/IEC 13818-1).
//!
//! Packets of one program are put together into PES packets and sections, and cut into access
//! units. Video stays a byte stream with start codes, as decoders of broadcast take it; audio
//! loses its transport headers.

mod audio;
mod blocks;
mod clock;
mod dvb_text;
mod lpcm;
mod marks;
pub(crate) mod opus;
mod packet;
mod pes;
mod picture;
mod program;
mod psi;
mod reader;
mod section;
mod seek;
mod sink;
mod sync;
mod track;
mod video;

pub(crate) use opus::head as opus_head;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{ByteRange, MediaInfo, Packet, Time};

use crate::bisection::searchable_len;
use crate::container::{Access, Container, Purpose, Signature};
use crate::demuxer::End;
use crate::{ClockKind, DemuxError, Demuxer, SeekTo, Step};
use clock::TsClock;
use program::Program;
use reader::TsReader;
use seek::{Next, Seek, Tail};
use sink::{Out, Sink};

pub(crate) const CONTAINER: Container = Container {
    name: "ts",
    title: "an MPEG transport stream",
    media_types: &["mp2t", "mpeg"],
    extensions: &["ts", "m2ts", "mts"],
    signatures: &[Signature::Pattern(sync::has_packets)],
    access: Access::Demuxer(|opening| {
        let origin = match opening.purpose {
            Purpose::File => TimelineOrigin::FirstPts,
            Purpose::Segment => TimelineOrigin::Raw,
        };
        let program = opening.program;
        let mut demuxer = TsDemuxer::new(TsOptions { origin, program });
        demuxer.reader.restart(opening.lead.begins);
        Box::new(demuxer)
    }),
};

/// How a transport stream is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TsOptions {
    /// Where the presentation's timeline begins.
    pub origin: TimelineOrigin,
    /// The program that plays, where the stream has it; else, and with `None`, the first one that can be seen or heard.
    pub program: Option<u16>,
}

/// Where the timeline of a transport stream begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimelineOrigin {
    /// The first presentation time of sound or pictures becomes zero; where the clock jumps,
    /// time goes on.
    #[default]
    FirstPts,
    /// Times are those of the file's 90 kHz clock, in which the segments and renditions of a
    /// stream agree. A wrap within the file is undone; jumps are kept.
    Raw,
}

/// Demultiplexes a transport stream.
///
/// The stream tells its duration nowhere but at its end, so it is not known at first: after
/// [`find_duration`](Demuxer::find_duration) or a seek it comes with another [`Step::Info`]; so do maps and names of programs
/// that lie further on than what must be known to begin.
pub struct TsDemuxer {
    reader: TsReader,
    total_len: Option<u64>,
    /// The time at the end of the file, once it was looked for.
    last: Option<Time>,
    operation: Operation,
    /// What the next poll asks for.
    want: Option<ByteRange>,
    /// Packets that a seek has found.
    found: VecDeque<Packet>,
    reported: bool,
    report_again: bool,
}

/// What is done beside reading on.
enum Operation {
    None,
    /// The end is read for the last time, then the seek goes on, if there is one.
    Tail(Box<Tail>, Option<SeekTo>),
    Seek(Box<Seek>),
}

impl Default for TsDemuxer {
    fn default() -> Self {
        Self::new(TsOptions::default())
    }
}

impl TsDemuxer {
    /// After this long the clock of a transport stream begins anew. Times of
    /// [`TimelineOrigin::Raw`] of different segments may differ by multiples of it.
    pub const CLOCK_PERIOD: Time = Time::from_nanos(95_443_717_688_889);

    /// A demuxer at the start of a resource.
    #[must_use]
    pub fn new(options: TsOptions) -> Self {
        let clock = TsClock::new(options.origin == TimelineOrigin::FirstPts);
        Self {
            reader: TsReader::new(Program::new(Sink::new(clock), options.program)),
            total_len: None,
            last: None,
            operation: Operation::None,
            want: None,
            found: VecDeque::new(),
            reported: false,
            report_again: false,
        }
    }

    /// A demuxer of a segment, which keeps the file's time: [`TimelineOrigin::Raw`].
    #[must_use]
    pub fn with_timestamps_kept() -> Self {
        Self::new(TsOptions {
            origin: TimelineOrigin::Raw,
            ..TsOptions::default()
        })
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn info(&self) -> MediaInfo {
        let program = &self.reader.program;
        MediaInfo {
            container: CONTAINER.name,
            duration: self.last.map(|last| last - program.sink.clock.begins()),
            tracks: (program.tracks.iter())
                .map(|track| track.info().clone())
                .collect(),
            seekable: self.total_len.is_some(),
            // Of a segment the playlist tells what it is.
            programs: match program.sink.clock.is_continuous() {
                true => program.programs(),
                false => Vec::new(),
            },
            ..MediaInfo::default()
        }
    }

    fn emit(&mut self) -> Step {
        self.reported = true;
        self.report_again = false;
        self.reader.program.news = false;
        Step::Info(Arc::new(self.info()))
    }

    /// The reader of the bytes that are asked for now.
    fn active(&mut self) -> &mut TsReader {
        match &mut self.operation {
            Operation::Tail(tail, _) => &mut tail.reader,
            _ => &mut self.reader,
        }
    }

    /// Reads on in the order of the file.
    fn read_on(&mut self) -> Result<Step, DemuxError> {
        let program = &self.reader.program;
        let news = self.reported && program.news && program.sink.clock.is_continuous();
        if self.report_again || news {
            return Ok(self.emit());
        }
        if let Some(packet) = self.found.pop_front() {
            return Ok(Step::Packet(packet));
        }
        loop {
            match self.reader.give() {
                Some(Out::Packet(packet)) => return Ok(Step::Packet(packet)),
                Some(Out::AwaitTracks | Out::Info) => return Ok(self.emit()),
                None => {}
            }
            if !self.reader.read()? {
                return Ok(match self.reader.is_drained() {
                    true => Step::End,
                    false => Step::NeedMore,
                });
            }
        }
    }

    /// Goes on with the operation. `None` when it is done.
    fn run_operation(&mut self) -> Result<Option<Step>, DemuxError> {
        match &mut self.operation {
            Operation::None => Ok(None),
            Operation::Tail(tail, seek) => {
                let seek = *seek;
                match tail.read() {
                    None => return Ok(Some(Step::NeedMore)),
                    Some(Err(Some((further, range)))) => {
                        self.operation = Operation::Tail(Box::new(further), seek);
                        return Ok(Some(Step::Want(range)));
                    }
                    Some(Ok(last)) => {
                        self.last = Some(last);
                        self.report_again = true;
                    }
                    Some(Err(None)) => {}
                }
                self.after_tail(seek).map(Some)
            }
            Operation::Seek(seek) => match seek.read(&mut self.reader)? {
                Next::NeedMore => Ok(Some(Step::NeedMore)),
                Next::Want(range) => Ok(Some(Step::Want(range))),
                Next::Done(packets) => {
                    self.found = packets.into();
                    self.operation = Operation::None;
                    Ok(None)
                }
            },
        }
    }

    fn after_tail(&mut self, seek: Option<SeekTo>) -> Result<Step, DemuxError> {
        self.operation = Operation::None;
        match seek {
            Some(target) => self.begin_seek(target).map(Step::Want),
            None if self.reader.end.is_some() => Ok(self.emit()),
            None => Ok(Step::Want(ByteRange::from(self.reader.window.end()))),
        }
    }

    fn begin_seek(&mut self, target: SeekTo) -> Result<ByteRange, DemuxError> {
        let (Some(len), Some(last)) = (self.total_len, self.last) else {
            return Err(DemuxError::NotSeekable("no time was found at its end"));
        };
        let mut seek = Seek::new(target, &self.reader.program, len, last);
        let range = seek.go(&mut self.reader);
        self.operation = Operation::Seek(Box::new(seek));
        Ok(range)
    }
}

impl Demuxer for TsDemuxer {
    fn push(&mut self, offset: u64, data: Bytes) {
        self.active().window.push(offset, data);
    }

    fn finish(&mut self) {
        self.active().end = Some(End::Final);
    }

    fn pause(&mut self) {
        self.reader.end = Some(End::Continued);
    }

    fn set_len(&mut self, total_len: u64) {
        self.total_len = Some(total_len);
    }

    fn poll(&mut self) -> Result<Step, DemuxError> {
        if let Some(range) = self.want.take() {
            // Whatever ended meanwhile, it was not what is asked for only now.
            self.active().end = None;
            return Ok(Step::Want(range));
        }
        match self.run_operation()? {
            Some(step) => Ok(step),
            None => self.read_on(),
        }
    }

    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        let len = searchable_len(self.reported, self.total_len)?;
        self.found.clear();
        if self.last.is_some() {
            self.want = Some(self.begin_seek(target)?);
            return Ok(());
        }
        let (tail, range) = Tail::new(&self.reader.program, len);
        self.operation = Operation::Tail(Box::new(tail), Some(target));
        self.want = Some(range);
        Ok(())
    }

    fn find_duration(&mut self) -> bool {
        let Some(len) = self
            .total_len
            .filter(|_| self.reported && self.last.is_none())
        else {
            return false;
        };
        if !matches!(self.operation, Operation::None) {
            return false;
        }
        let (tail, range) = Tail::new(&self.reader.program, len);
        self.operation = Operation::Tail(Box::new(tail), None);
        self.want = Some(range);
        true
    }

    fn next_resource(&mut self) -> bool {
        self.reader.next_resource();
        self.total_len = None;
        self.operation = Operation::None;
        self.want = None;
        self.found.clear();
        true
    }

    fn clock(&self) -> ClockKind {
        match self.reader.program.sink.clock.is_continuous() {
            true => ClockKind::OwnStart,
            false => ClockKind::Wrapping,
        }
    }

    fn damage(&self) -> u64 {
        self.reader.program.sink.damage
    }
}

#[cfg(test)]
pub(crate) mod tests;
