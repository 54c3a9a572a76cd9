//! MPEG transport streams (ISO/IEC 13818-1).
//!
//! Packets of one program are put together into PES packets and sections, and cut into access
//! units. Video stays a byte stream with start codes, as decoders of broadcast take it; audio
//! loses its transport headers.
#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

mod audio;
mod clock;
mod marks;
mod opus;
mod packet;
mod pes;
mod picture;
mod program;
mod psi;
mod section;
mod sync;
mod track;
mod video;

use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{MediaInfo, Time};

use crate::window::Window;
use crate::{DemuxError, Demuxer, SeekTo, Step};
use clock::Clock;
use packet::{PACKET_LEN, SYNC_BYTE, TsPacket};
use program::Program;
use sync::{Sync, find_packets};
use track::{Out, Sink};

/// So many bytes are read to learn what the tracks are, before what is known must do.
const MAX_WAIT: u64 = 2 << 20;
/// So many bytes may pass before the first packet, and before a program is found.
const MAX_SEARCH: u64 = 8 << 20;

/// How a transport stream is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TsOptions {
    /// Where the presentation's timeline begins.
    pub origin: Origin,
}

/// Where the timeline of a transport stream begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Origin {
    /// The first presentation time of sound or pictures becomes zero; where the clock jumps,
    /// time goes on.
    #[default]
    FirstPts,
    /// Times are those of the file's 90 kHz clock, in which the segments and renditions of a
    /// stream agree. A wrap within the file is undone; jumps are kept.
    Raw,
}

/// Demultiplexes a transport stream.
pub struct TsDemuxer {
    options: TsOptions,
    window: Window,
    /// Distance of packets while in step.
    stride: Option<usize>,
    program: Program,
    /// Bytes passed since packets were looked for, and since the tracks are waited for.
    passed: u64,
    waited: u64,
    was_in_step: bool,
    ended: bool,
    drained: bool,
    total_len: Option<u64>,
}

impl Default for TsDemuxer {
    fn default() -> Self {
        Self::new(TsOptions::default())
    }
}

impl TsDemuxer {
    /// After this long the clock of a transport stream begins anew. Times of
    /// [`Origin::Raw`] of different segments may differ by multiples of it.
    pub const CLOCK_PERIOD: Time = Time::from_nanos(95_443_717_688_889);

    /// A demuxer at the start of a resource.
    #[must_use]
    pub fn new(options: TsOptions) -> Self {
        let clock = Clock::new(options.origin == Origin::FirstPts);
        Self {
            options,
            window: Window::default(),
            stride: None,
            program: Program::new(Sink::new(clock)),
            passed: 0,
            waited: 0,
            was_in_step: false,
            ended: false,
            drained: false,
            total_len: None,
        }
    }

    /// A demuxer of a segment, which keeps the file's time: [`Origin::Raw`].
    #[must_use]
    pub fn with_timestamps_kept() -> Self {
        Self::new(TsOptions {
            origin: Origin::Raw,
        })
    }

    fn info(&self) -> MediaInfo {
        MediaInfo {
            container: "ts",
            duration: None,
            tracks: (self.program.tracks.iter())
                .map(|track| track.info().clone())
                .collect(),
            seekable: false,
            title: None,
        }
    }

    fn can_give(&self) -> bool {
        match self.program.sink.out.front() {
            None => false,
            Some(Out::AwaitTracks) => self.waited >= MAX_WAIT || self.program.is_ready(),
            Some(_) => true,
        }
    }

    /// The next thing that is ready to be given.
    fn give(&mut self) -> Option<Step> {
        let out = &mut self.program.sink.out;
        match out.front()? {
            Out::AwaitTracks => {
                let patient = self.waited < MAX_WAIT && !self.drained;
                if !self.program.is_chosen() || patient && !self.program.is_ready() {
                    return None;
                }
                self.waited = 0;
                self.program.sink.out.pop_front();
                Some(Step::Info(Arc::new(self.info())))
            }
            Out::Info => {
                out.pop_front();
                Some(Step::Info(Arc::new(self.info())))
            }
            Out::Packet(_) => match out.pop_front()? {
                Out::Packet(packet) => Some(Step::Packet(packet)),
                _ => None,
            },
        }
    }

    /// Reads packets until something can be given. Returns whether bytes are left to read.
    fn read(&mut self) -> Result<bool, DemuxError> {
        let Some(stride) = self.stride else {
            return self.find_step();
        };
        while self.window.len() >= PACKET_LEN {
            let packet = self.window.peek(PACKET_LEN);
            if packet.first() != Some(&SYNC_BYTE) {
                self.stride = None;
                self.program.sink.damaged();
                return Ok(true);
            }
            match TsPacket::parse(packet) {
                Ok(packet) => self.program.push(&packet),
                Err(_bad) => self.program.sink.damaged(),
            }
            self.window.skip(stride);
            self.waited = self.waited.saturating_add(188);
            if self.waited > MAX_SEARCH && !self.program.is_chosen() {
                return Err(self.malformed("ts.no_program", "no program map was found"));
            }
            if self.can_give() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn find_step(&mut self) -> Result<bool, DemuxError> {
        match find_packets(&mut self.window, self.ended, &mut self.passed) {
            Sync::Found(stride) => {
                self.stride = Some(stride);
                self.was_in_step = true;
                self.passed = 0;
                Ok(true)
            }
            Sync::NeedMore if self.passed > MAX_SEARCH && !self.was_in_step => {
                Err(self.malformed("ts.no_sync", "no transport packets were found"))
            }
            Sync::NeedMore => Ok(false),
        }
    }

    fn malformed(&self, reason: &'static str, what: &str) -> DemuxError {
        DemuxError::Malformed {
            container: "ts",
            offset: self.window.start(),
            reason,
            what: what.to_owned(),
        }
    }

    /// Everything was pushed and read: what is left in the tracks comes out.
    fn drain(&mut self) -> Result<(), DemuxError> {
        self.drained = true;
        if !self.was_in_step {
            return Err(self.malformed("ts.no_sync", "no transport packets were found"));
        }
        if !self.program.is_chosen() {
            return Err(DemuxError::NoTracks);
        }
        self.program.finish();
        if self.program.tracks.is_empty() {
            return Err(DemuxError::NoTracks);
        }
        Ok(())
    }
}

impl Demuxer for TsDemuxer {
    fn push(&mut self, offset: u64, data: Bytes) {
        self.window.push(offset, data);
    }

    fn finish(&mut self) {
        self.ended = true;
    }

    fn set_len(&mut self, total_len: u64) {
        self.total_len = Some(total_len);
    }

    fn poll(&mut self) -> Result<Step, DemuxError> {
        loop {
            if let Some(step) = self.give() {
                return Ok(step);
            }
            if self.read()? {
                continue;
            }
            if !self.ended {
                return Ok(Step::NeedMore);
            }
            if self.drained {
                return Ok(Step::End);
            }
            self.drain()?;
        }
    }

    fn seek(&mut self, _target: SeekTo) -> Result<(), DemuxError> {
        Err(DemuxError::NotSeekable("not yet"))
    }

    fn damage(&self) -> u64 {
        self.program.sink.damage
    }
}

#[cfg(test)]
mod tests;
