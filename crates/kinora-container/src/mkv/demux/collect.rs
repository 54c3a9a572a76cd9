//! From the cluster that serves a seek to the key frame in it.

use kinora_media::{Packet, Time, TrackId};

use super::super::index::Place;
use super::MkvDemuxer;
use crate::{SeekMode, SeekTo};

/// Bytes that may be held back.
const MAX_HELD: usize = 48 << 20;
/// What a packet costs beside its payload.
const OVERHEAD: usize = 160;
/// How far back it is looked first where the cluster has no key frame in time, and how many times, each time further.
const FIRST_BACK: Time = Time::from_millis(2_500);
const MAX_BACK: Time = Time::from_millis(2_500 * 256);
/// A cue whose key frame is so much later than the target is wrong.
const LATE: Time = Time::from_millis(40);

/// Packets that wait until it is known from which one on they are given.
#[derive(Debug)]
pub(super) struct Collect {
    pub(super) target: SeekTo,
    /// The cluster from which on they are read.
    pub(super) entry: u64,
    /// The time of the cue that led here.
    pub(super) cue: Option<Time>,
    /// How far behind the cluster's head the block of the cue lies.
    pub(super) relative: Option<u64>,
    /// The cluster was not met yet.
    pub(super) is_landing: bool,
    /// How much earlier than the target it was looked.
    back: Time,
    held: Vec<Packet>,
    held_bytes: usize,
    /// Which of them is the best key frame so far, and its time.
    key: Option<(usize, Time)>,
}

/// What a packet has brought about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Held {
    More,
    /// It is known from where on packets are given.
    Done,
    /// No key frame lies before the target.
    TooLate,
    /// The cue was wrong.
    Misled,
}

impl Collect {
    pub(super) fn from_cue(target: SeekTo, place: Place) -> Self {
        Self {
            cue: Some(place.time),
            relative: place.relative,
            ..Self::from_cluster(target, place.offset, Time::ZERO)
        }
    }

    pub(super) fn from_cluster(target: SeekTo, entry: u64, back: Time) -> Self {
        Self {
            target,
            entry,
            cue: None,
            relative: None,
            is_landing: true,
            back,
            held: Vec::new(),
            held_bytes: 0,
            key: None,
        }
    }

    /// Whether it is not looked any further back than here.
    fn is_last_resort(&self, first_cluster: Option<u64>) -> bool {
        Some(self.entry) == first_cluster || self.back > MAX_BACK
    }

    /// Takes a packet; `is_first`: nothing lies before what is read.
    fn hold(&mut self, packet: Packet, leads: bool, is_first: bool) -> Held {
        let held = match self.cue {
            Some(cue) => self.hold_for_cue(&packet, leads, cue, is_first),
            None => self.weigh(&packet, leads, is_first),
        };
        let Some(held) = held else {
            return Held::More;
        };
        if held == Held::TooLate || held == Held::Misled {
            return held;
        }
        let cost = packet.data.len().saturating_add(OVERHEAD);
        self.held_bytes = self.held_bytes.saturating_add(cost);
        self.held.push(packet);
        match self.held_bytes > MAX_HELD {
            true if self.key.is_some() => Held::Done,
            true => {
                self.held.clear();
                self.held_bytes = 0;
                held
            }
            false => held,
        }
    }

    /// The key frame of a cue is the one that is looked for. `None`: the packet is of no use.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn hold_for_cue(
        &mut self,
        packet: &Packet,
        leads: bool,
        cue: Time,
        is_first: bool,
    ) -> Option<Held> {
        if !leads {
            return Some(Held::More);
        }
        if !packet.flags.key || packet.pts < cue {
            return None;
        }
        if packet.pts > cue.max(self.target.time) + LATE && !is_first {
            return Some(Held::Misled);
        }
        self.key = Some((self.held.len(), packet.pts));
        Some(Held::Done)
    }

    /// Without cues all packets are weighed up to the target. `None`: the packet is of no use.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn weigh(&mut self, packet: &Packet, leads: bool, is_first: bool) -> Option<Held> {
        if !leads {
            return Some(Held::More);
        }
        let target = self.target.time;
        let is_key = packet.flags.key;
        if packet.pts <= target && (is_key || packet.dts <= target) {
            if is_key {
                self.key = Some((self.held.len(), packet.pts));
            }
            return Some(Held::More);
        }
        match self.key {
            Some((_, before)) if is_key => {
                let nearest = self.target.mode == SeekMode::Nearest;
                if nearest && packet.pts - target < target - before {
                    self.key = Some((self.held.len(), packet.pts));
                }
                Some(Held::Done)
            }
            Some(_) if packet.dts > target => Some(Held::Done),
            Some(_) => Some(Held::More),
            None if is_first && is_key => {
                self.key = Some((self.held.len(), packet.pts));
                Some(Held::Done)
            }
            None if is_first => None,
            None if is_key || packet.dts > target => Some(Held::TooLate),
            None => Some(Held::More),
        }
    }

    /// What is given of the packets at hand: those from the key frame on, and of other tracks those that last until it.
    #[allow(clippy::arithmetic_side_effects)] // Times saturate.
    fn release(self, lead: Option<TrackId>) -> Vec<Packet> {
        let Some((key, time)) = self.key else {
            return self.held;
        };
        let from = time.min(self.target.time);
        let mut begun: Vec<TrackId> = Vec::new();
        let mut given = Vec::with_capacity(self.held.len());
        for (index, packet) in self.held.into_iter().enumerate() {
            let is_other = Some(packet.track) != lead;
            let lasts = is_other && packet.pts + packet.duration > from;
            if index >= key || lasts || begun.contains(&packet.track) {
                if is_other && !begun.contains(&packet.track) {
                    begun.push(packet.track);
                }
                given.push(packet);
            }
        }
        given
    }
}

impl MkvDemuxer {
    /// Takes a packet on the way to a key frame. `false`: the place was left.
    pub(super) fn collect(&mut self, packet: Packet) -> bool {
        let leads = self.lead_id().is_none_or(|lead| lead == packet.track);
        let first = self.first_cluster;
        let super::Sink::Collect(collect) = &mut self.sink else {
            return true;
        };
        let is_first = collect.is_last_resort(first);
        let held = collect.hold(packet, leads, is_first);
        if held == Held::More {
            return true;
        }
        let super::Sink::Collect(collect) = core::mem::replace(&mut self.sink, super::Sink::Give)
        else {
            return true;
        };
        match held {
            Held::TooLate => self.step_back(&collect),
            Held::Misled => self.distrust_cues(collect.target),
            Held::More | Held::Done => {
                self.release(collect);
                return true;
            }
        }
        false
    }

    /// The file ends on the way.
    pub(super) fn collected_all(&mut self, collect: Collect) {
        let is_first = collect.is_last_resort(self.first_cluster);
        match (collect.key, collect.cue) {
            (Some(_), _) => self.release(collect),
            // There are no key frames, or no packets of the leading track at all.
            (None, _) if is_first => self.release(collect),
            (None, Some(_)) => self.distrust_cues(collect.target),
            (None, None) => self.step_back(&collect),
        }
    }

    /// Looks for a key frame further back.
    fn step_back(&mut self, collect: &Collect) {
        let back = match collect.back {
            Time::ZERO => FIRST_BACK,
            back => back.scale(4.0),
        };
        let first = self.first_cluster.unwrap_or(collect.entry);
        match back > MAX_BACK {
            true => self.enter(Collect::from_cluster(collect.target, first, back)),
            false => self.search(collect.target, back),
        }
    }

    fn release(&mut self, collect: Collect) {
        let lead = self.lead_id();
        self.ready.extend(collect.release(lead));
    }

    fn lead_id(&self) -> Option<TrackId> {
        self.lead().map(|lead| lead.info.id)
    }
}
