//! Packets between the ingest and whoever reads them.

use std::collections::VecDeque;

use kinora_media::{MediaInfo, Packet, Time, TrackId, TrackKind};

use crate::Slot;
use crate::ingest::{Buffer, is_audio_rendition};

/// While a key frame is looked for from the start on so much is held back.
const MOST_HELD: usize = 64 << 20;
/// So many packets of one resource are taken out of the bytes at once. They are views of bytes that are there anyway.
const AT_ONCE: usize = 32;

/// Packets of one resource, or of two in the order of their decoding.
#[derive(Default)]
pub(super) struct Shelf {
    main: VecDeque<Packet>,
    sound: VecDeque<Packet>,
    separate: bool,
    complete: [bool; 2],
    /// The track whose key frames count.
    lead: Option<TrackId>,
    /// Packets before the key frame that serves that time are passed over.
    gate: Option<Time>,
    held: usize,
}

impl Shelf {
    pub(super) fn follow(&mut self, info: &MediaInfo) {
        let first = |kind| info.first(kind).map(|track| track.id);
        self.lead = first(TrackKind::Video).or_else(|| first(TrackKind::Audio));
    }

    /// The packet that comes next. `over`: no other follows.
    pub(super) fn take(&mut self, over: bool) -> Option<Packet> {
        if self.gate.is_some() && !over {
            return None;
        }
        let [pictures, sound] = self.complete;
        let dts = |queue: &VecDeque<Packet>| queue.front().map(|packet| packet.dts);
        let first = match (dts(&self.main), dts(&self.sound)) {
            (Some(main), Some(sound)) if main <= sound => &mut self.main,
            (Some(_), Some(_)) => &mut self.sound,
            // One that has nothing at the moment may have the next one.
            (Some(_), None) if over || !self.separate || sound => &mut self.main,
            (None, Some(_)) if over || !self.separate || pictures => &mut self.sound,
            _ => return None,
        };
        first.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.main.is_empty() && self.sound.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.main.clear();
        self.sound.clear();
        self.gate = None;
        self.held = 0;
    }

    /// Packets come from the start; those before the key frame that serves a time are passed over.
    pub(super) fn pass_over(&mut self, target: Time) {
        self.gate = Some(target);
    }

    fn hold(&mut self, target: Time, packet: &Packet) {
        self.held += packet.data.len();
        if self.lead != Some(packet.track) {
            return;
        }
        if packet.flags.key && packet.pts <= target {
            self.main.clear();
            self.held = packet.data.len();
        }
        if packet.dts >= target {
            self.gate = None;
        }
    }
}

impl Buffer for Shelf {
    fn push(&mut self, packet: Packet) {
        if let Some(target) = self.gate {
            self.hold(target, &packet);
        }
        if self.held >= MOST_HELD {
            self.gate = None;
        }
        match self.slot_of(packet.track) {
            Some(Slot::Audio) => self.sound.push_back(packet),
            _ => self.main.push_back(packet),
        }
    }
    fn is_full(&self, _: Time, _: Time) -> bool {
        self.gate.is_none() && self.main.len() + self.sound.len() >= AT_ONCE
    }
    fn ahead(&self, _: Time) -> Time {
        Time::ZERO
    }
    fn ahead_of(&self, slot: Slot, _: Time) -> Time {
        let queue = match slot {
            Slot::Video => &self.main,
            Slot::Audio => &self.sound,
        };
        match queue.is_empty() {
            true => Time::ZERO,
            false => Time::MAX,
        }
    }
    fn slot_of(&self, track: TrackId) -> Option<Slot> {
        Some(match self.separate && is_audio_rendition(track) {
            true => Slot::Audio,
            false => Slot::Video,
        })
    }
    fn set_sources(&mut self, separate: bool, complete: [bool; 2]) {
        (self.separate, self.complete) = (separate, complete);
    }
    /// Renditions do not change while packets are read.
    fn cut(&mut self, _: Slot, _: Time) -> bool {
        false
    }
}
