//! The duration of a file that does not tell it, as browsers record them: its last packets have it.

use kinora_media::{Packet, Time};

use super::super::clock::DecodeClock;
use super::{Cluster, MkvDemuxer, Sink};

/// How much of the end is read first, and at most.
const TAIL: u64 = 256 * 1024;
const MAX_TAIL: u64 = 16 * 1024 * 1024;

/// The end of the file is being read for its last time.
pub(super) struct Tail {
    from: u64,
    len: u64,
    last: Option<Time>,
    /// Where the walk goes on, and with what.
    at: u64,
    scanning: bool,
    is_over: bool,
    cluster: Option<Cluster>,
    clocks: Vec<DecodeClock>,
}

impl Tail {
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    pub(super) fn measure(&mut self, packet: &Packet) {
        self.last = self.last.max(Some(packet.pts + packet.duration));
    }
}

impl MkvDemuxer {
    /// Sets out for the end of the file, once.
    pub(super) fn look_at_end(&mut self) -> bool {
        let Some(len) = self.total_len.filter(|_| self.reported && !self.one_way) else {
            return false;
        };
        let is_busy = self.fetch.is_some() || !matches!(self.sink, Sink::Give);
        if self.tail_was_seen || is_busy || self.info.duration.is_some() {
            return false;
        }
        self.tail_was_seen = true;
        let tail = Tail {
            from: len.saturating_sub(TAIL),
            len,
            last: None,
            at: self.at,
            scanning: self.scanning,
            is_over: self.is_over,
            cluster: self.cluster,
            clocks: self
                .tracks
                .iter()
                .map(|track| track.clock.clone())
                .collect(),
        };
        self.read_tail(tail);
        true
    }

    fn read_tail(&mut self, tail: Tail) {
        self.go(tail.from);
        self.scanning = true;
        self.sink = Sink::Measure(Box::new(tail));
    }

    /// The end was read; back to what was done before.
    pub(super) fn measured(&mut self, mut tail: Tail) {
        let size = tail.len.saturating_sub(tail.from).saturating_mul(4);
        if tail.last.is_none() && tail.from > 0 && size <= MAX_TAIL {
            tail.from = tail.len.saturating_sub(size);
            return self.read_tail(tail);
        }
        self.go(tail.at);
        self.scanning = tail.scanning;
        self.is_over = tail.is_over;
        self.cluster = tail.cluster;
        for (track, clock) in self.tracks.iter_mut().zip(tail.clocks) {
            track.clock = clock;
        }
        let last = tail.last.filter(|last| *last > Time::ZERO);
        if self.info.duration.is_none() && last.is_some() {
            self.info.duration = last;
            self.info_due = true;
        }
    }
}
