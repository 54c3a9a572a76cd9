//! What tracks have found, on the timeline that they share.

use std::collections::VecDeque;

use bytes::Bytes;
use kinora_media::{Packet, PacketFlags, Time, Timebase, TrackId};

use super::clock::{Stamp, TsClock};
use super::pes::PesHeader;

/// Data packets that wait for the timeline to begin.
const MAX_EARLY: usize = 64;

/// What is handed out, in the order of the file.
#[derive(Debug)]
pub(super) enum Out {
    /// The tracks change here; what follows waits until they are known.
    AwaitTracks,
    /// What is known of a track has changed.
    Info,
    Packet(Packet),
}

/// Where tracks put what they find.
pub(super) struct Sink {
    pub(super) out: VecDeque<Out>,
    pub(super) clock: TsClock,
    pub(super) damage: u64,
    /// The last time stamp of sound or pictures.
    pub(super) last_time: Option<Time>,
    /// Data that came before the timeline began, with its clock.
    early: Vec<(TrackId, Option<u64>, Bytes)>,
}

impl Sink {
    pub(super) fn new(clock: TsClock) -> Self {
        Self {
            out: VecDeque::from([Out::AwaitTracks]),
            clock,
            damage: 0,
            last_time: None,
            early: Vec::new(),
        }
    }

    pub(super) fn damaged(&mut self) {
        self.damage = self.damage.saturating_add(1);
    }

    /// The times of a PES packet of sound or pictures.
    pub(super) fn stamp(
        &mut self,
        pid: u16,
        header: &PesHeader,
        reordered: bool,
    ) -> Option<(Stamp, Stamp)> {
        let times = self.clock.stamp(pid, header.pts?, header.dts, reordered);
        self.last_time = Some(to_time(times.0));
        for (track, pts, data) in std::mem::take(&mut self.early) {
            self.data(track, pts, data);
        }
        Some(times)
    }

    /// A packet of a track that does not carry the timeline.
    pub(super) fn data(&mut self, track: TrackId, pts: Option<u64>, data: Bytes) {
        let time = match pts {
            Some(pts) => self
                .clock
                .peek(pts)
                .map(|ticks| Timebase::MPEG.to_time(ticks)),
            None => self.last_time,
        };
        let Some(time) = time else {
            if self.early.len() < MAX_EARLY {
                self.early.push((track, pts, data));
            }
            return;
        };
        self.out.push_back(Out::Packet(Packet {
            track,
            pts: time,
            dts: time,
            duration: Time::ZERO,
            flags: PacketFlags {
                key: true,
                ..PacketFlags::default()
            },
            data,
            crypto: None,
        }));
    }

    /// The timeline ended before it began: early data is given at its start.
    pub(super) fn finish(&mut self) {
        self.last_time.get_or_insert(Time::ZERO);
        for (track, _, data) in std::mem::take(&mut self.early) {
            self.data(track, None, data);
        }
    }
}

/// A stamp as a time of the presentation.
pub(super) fn to_time(stamp: Stamp) -> Time {
    Timebase::MPEG.to_time(stamp.ticks)
}
