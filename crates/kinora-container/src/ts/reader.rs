//! From bytes to the packets of the program.

use super::packet::{PACKET_LEN, SYNC_BYTE};
use super::program::Program;
use super::sink::Out;
use super::sync::{Sync, find_packets};
use crate::DemuxError;
use crate::demuxer::End;
use crate::window::Window;

/// So many bytes are read to learn what the tracks are, before what is known must do.
const MAX_WAIT: u64 = 2 << 20;
/// So many bytes may pass before the first packet, and before a program is found.
const MAX_SEARCH: u64 = 8 << 20;

/// After so many packets the memory of the tracks is looked at.
const RELIEF: u32 = 8192;

/// Reads one stretch of a transport stream.
pub(super) struct TsReader {
    pub(super) window: Window,
    pub(super) program: Program,
    /// No bytes follow those pushed.
    pub(super) end: Option<End>,
    /// What was left in the tracks has come out.
    drained: bool,
    /// Distance of packets while in step.
    stride: Option<usize>,
    was_in_step: bool,
    /// Bytes passed since packets were looked for, and read since tracks are waited for.
    passed: u64,
    waited: u64,
    since_relief: u32,
}

impl TsReader {
    pub(super) fn new(program: Program) -> Self {
        Self {
            window: Window::default(),
            program,
            end: None,
            drained: false,
            stride: None,
            was_in_step: false,
            passed: 0,
            waited: 0,
            since_relief: 0,
        }
    }

    /// Goes on at another place.
    pub(super) fn restart(&mut self, offset: u64) {
        self.go_to(offset);
        self.program.forget();
    }

    /// Goes on with another resource, whose packets are yet to be found.
    pub(super) fn next_resource(&mut self) {
        self.go_to(0);
        self.program.go_on();
        self.was_in_step = false;
    }

    fn go_to(&mut self, offset: u64) {
        self.window.restart(offset);
        self.end = None;
        self.drained = false;
        self.stride = None;
        self.passed = 0;
    }

    /// Whether what comes next can be given. Tracks are waited for, but not for ever.
    pub(super) fn can_give(&self) -> bool {
        match self.program.sink.out.front() {
            None => false,
            Some(Out::AwaitTracks) => {
                let patient = self.waited < MAX_WAIT && !self.drained;
                self.program.is_chosen() && (!patient || self.program.is_ready())
            }
            Some(_) => true,
        }
    }

    /// What comes next, if it can be given.
    pub(super) fn give(&mut self) -> Option<Out> {
        if !self.can_give() {
            return None;
        }
        let out = self.program.sink.out.pop_front();
        if matches!(out, Some(Out::AwaitTracks)) {
            self.waited = 0;
        }
        out
    }

    /// Everything that was pushed is read and given.
    pub(super) fn is_drained(&self) -> bool {
        self.drained
    }

    /// Reads until something can be given. Returns whether there is more to do without further
    /// bytes.
    pub(super) fn read(&mut self) -> Result<bool, DemuxError> {
        if self.drained {
            return Ok(false);
        }
        if self.read_packets()? {
            return Ok(true);
        }
        let Some(end) = self.end else {
            return Ok(false);
        };
        self.drain(end)?;
        Ok(true)
    }

    fn read_packets(&mut self) -> Result<bool, DemuxError> {
        let Some(stride) = self.stride else {
            return self.find_step();
        };
        // What lies between packets is passed over with them, at the end it need not be there.
        let needed = if self.end.is_some() {
            PACKET_LEN
        } else {
            stride
        };
        while self.window.len() >= needed {
            let packet = self.window.peek(PACKET_LEN);
            if packet.first() != Some(&SYNC_BYTE) {
                self.stride = None;
                self.program.sink.damaged();
                return Ok(true);
            }
            self.program.push_bytes(packet);
            self.window.skip(stride);
            self.waited = self.waited.saturating_add(188);
            self.since_relief = self.since_relief.saturating_add(1);
            if self.since_relief >= RELIEF {
                self.since_relief = 0;
                self.program.relieve();
            }
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
        match find_packets(&mut self.window, self.end.is_some(), &mut self.passed) {
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

    /// Nothing follows here: what is left in the tracks comes out, but for what another resource goes on with.
    fn drain(&mut self, end: End) -> Result<(), DemuxError> {
        self.drained = true;
        if !self.was_in_step {
            return Err(self.malformed("ts.no_sync", "no transport packets were found"));
        }
        match end {
            End::Final => self.program.finish(),
            End::Continued => self.program.pause(),
        }
        if self.program.tracks.is_empty() {
            return Err(DemuxError::NoTracks);
        }
        Ok(())
    }

    fn malformed(&self, reason: &'static str, what: &str) -> DemuxError {
        DemuxError::Malformed {
            container: super::CONTAINER.name,
            offset: self.window.start(),
            reason,
            what: what.to_owned(),
        }
    }
}
