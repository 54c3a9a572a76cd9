//! Packets between the ingest and whoever reads them.

use std::collections::VecDeque;

use kinora_media::{MediaInfo, Packet, Time, TrackId, TrackKind};

use crate::ingest::{Buffer, is_audio_rendition};
use crate::pipelines::Sources;
use crate::{ByRole, Role};

/// While a key frame is looked for from the start on so much is held back.
const MAX_HELD: usize = 64 << 20;
/// So many packets of one resource are taken out of the bytes at once. They are views of bytes that are there anyway.
const AT_ONCE: usize = 32;

/// Packets of one resource, or of two in the order of their decoding.
#[derive(Default)]
pub(super) struct ReadBuffer {
    main: VecDeque<Packet>,
    audio: VecDeque<Packet>,
    sources: Sources,
    /// The track whose key frames count.
    lead: Option<TrackId>,
    /// Packets before the key frame that serves that time are passed over.
    discard_before: Option<Time>,
    held: usize,
}

impl ReadBuffer {
    pub(super) fn follow(&mut self, info: &MediaInfo) {
        let first = |kind| info.first(kind).map(|track| track.id);
        self.lead = first(TrackKind::Video).or_else(|| first(TrackKind::Audio));
    }

    /// The packet that comes next. `over`: no other follows.
    pub(super) fn take(&mut self, over: bool) -> Option<Packet> {
        if self.discard_before.is_some() && !over {
            return None;
        }
        // One that has nothing at the moment may have the next one.
        let awaits = |role| match self.sources {
            Sources::Shared => false,
            Sources::Separate { complete, .. } => !over && !complete[role],
        };
        let dts = |queue: &VecDeque<Packet>| queue.front().map(|packet| packet.dts);
        let first = match (dts(&self.main), dts(&self.audio)) {
            (Some(main), Some(audio)) if main <= audio => &mut self.main,
            (Some(_), Some(_)) => &mut self.audio,
            (Some(_), None) if !awaits(Role::Audio) => &mut self.main,
            (None, Some(_)) if !awaits(Role::Video) => &mut self.audio,
            _ => return None,
        };
        first.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.main.is_empty() && self.audio.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.main.clear();
        self.audio.clear();
        self.discard_before = None;
        self.held = 0;
    }

    /// Packets come from the start; those before the key frame that serves a time are passed over.
    pub(super) fn pass_over(&mut self, target: Time) {
        self.discard_before = Some(target);
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
            self.discard_before = None;
        }
    }
}

impl Buffer for ReadBuffer {
    fn push(&mut self, packet: Packet) {
        if let Some(target) = self.discard_before {
            self.hold(target, &packet);
        }
        if self.held >= MAX_HELD {
            self.discard_before = None;
        }
        match self.role_of(packet.track) {
            Some(Role::Audio) => self.audio.push_back(packet),
            _ => self.main.push_back(packet),
        }
    }
    fn is_full(&self, _: Time, _: Time) -> bool {
        self.discard_before.is_none() && self.main.len() + self.audio.len() >= AT_ONCE
    }
    fn ahead(&self, _: Time) -> Time {
        Time::ZERO
    }
    fn ahead_of(&self, role: Role, _: Time) -> Time {
        let queue = match role {
            Role::Audio => &self.audio,
            Role::Video | Role::Text => &self.main,
        };
        match queue.is_empty() {
            true => Time::ZERO,
            false => Time::MAX,
        }
    }
    fn role_of(&self, track: TrackId) -> Option<Role> {
        let separate = self.sources != Sources::Shared;
        Some(match separate && is_audio_rendition(track) {
            true => Role::Audio,
            false => Role::Video,
        })
    }
    fn set_sources(&mut self, sources: Sources) {
        self.sources = sources;
    }
    /// Renditions do not change while packets are read.
    fn cut(&mut self, _: ByRole<Option<Time>>) -> bool {
        false
    }
}
