//! How the answers of a resource that can not be asked for from the middle lie on the presentation's timeline: what is made
//! as it comes (a broadcast), and what begins from the start again.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};

use kinora_media::{MediaInfo, Packet, Time, TrackId, TrackKind};

use crate::tape::Tape;

/// A broadcast begins with a key frame, and its audio with that; audio alone plays where none comes for so long.
const MAX_KEY_FRAME_WAIT: Time = Time::from_millis(10_000);
/// Packets that an answer may begin with again that are remembered: key pictures, or half a minute of sound.
const MAX_REMEMBERED: usize = 1_024;

/// Places the packets of one answer after the other.
pub(super) struct Timeline {
    clock: Clock,
    tracks: Vec<Track>,
    /// When the first packet of this answer that was passed over for the sake of video is decoded.
    skipped_from: Option<Time>,
    /// Packets that an answer may begin with again, the newest last.
    remembered: VecDeque<Remembered>,
    /// The one that the presentation began with.
    first: Option<Remembered>,
    /// Answers begin with a key picture, the first one too.
    begins_with_key: bool,
    /// A packet of this answer was new.
    pub(super) grows: bool,
}

/// How the times of an answer relate to the presentation's.
#[derive(Clone, Copy)]
enum Clock {
    /// They are its times: an answer that begins anew repeats what was there.
    OnDemand,
    /// They begin anywhere. `offset` is what is added to them, once that is known; `end`: where what came so far ends.
    Live { offset: Option<Time>, end: Time },
}

/// A track on its way through one answer after the other.
struct Track {
    id: TrackId,
    kind: TrackKind,
    /// Its packets are passed over until one that decoding can start at.
    awaits_key: bool,
    /// When the last of its packets that was taken is decoded.
    last: Option<Time>,
    /// Until then a broadcast repeats what was taken of another answer.
    repeats_until: Option<Time>,
}

/// A packet that came, by its bytes: what a server sends again it sends with other times.
#[derive(Clone, Copy)]
struct Remembered {
    digest: u64,
    dts: Time,
}

impl Timeline {
    /// Times are those of the presentation.
    pub(super) fn on_demand() -> Self {
        Self::new(Clock::OnDemand, true)
    }

    /// Times begin anywhere, with a key picture.
    pub(super) fn broadcast() -> Self {
        let clock = Clock::Live {
            offset: None,
            end: Time::ZERO,
        };
        Self::new(clock, true)
    }

    /// The times of the first answer are those of the presentation, those of the next begin anywhere.
    pub(super) fn broadcast_as_it_begins() -> Self {
        let clock = Clock::Live {
            offset: Some(Time::ZERO),
            end: Time::ZERO,
        };
        Self::new(clock, false)
    }

    fn new(clock: Clock, begins_with_key: bool) -> Self {
        Self {
            clock,
            tracks: Vec::new(),
            skipped_from: None,
            remembered: VecDeque::new(),
            first: None,
            begins_with_key,
            grows: false,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.clock, Clock::Live { .. })
    }

    /// Another answer begins where the one before broke off.
    pub(super) fn begin_anew(&mut self, live: bool) {
        match &mut self.clock {
            Clock::Live { offset, .. } if live => *offset = None,
            // It is no broadcast, or none any more: its times count.
            clock => *clock = Clock::OnDemand,
        }
        for track in &mut self.tracks {
            track.awaits_key |= live && track.kind == TrackKind::Video;
            track.repeats_until = None;
        }
        self.skipped_from = None;
        self.grows = false;
    }

    /// All is wanted again from the start.
    pub(super) fn rewind(&mut self) {
        for track in &mut self.tracks {
            track.last = None;
        }
    }

    /// The tracks that packets are of from now on.
    pub(super) fn follow(&mut self, info: &MediaInfo) {
        let known = std::mem::take(&mut self.tracks);
        let awaits = |kind| self.begins_with_key && kind == TrackKind::Video;
        let track = |track: &kinora_media::TrackInfo| {
            let before = known.iter().find(|known| known.id == track.id);
            Track {
                id: track.id,
                kind: track.kind(),
                awaits_key: before.map_or(awaits(track.kind()), |it| it.awaits_key),
                last: before.and_then(|known| known.last),
                repeats_until: before.and_then(|known| known.repeats_until),
            }
        };
        self.tracks = info.tracks.iter().map(track).collect();
    }

    /// A packet as it is played; none that came before, and none that can not be decoded. `live`: what is sent from now on is
    /// made now, so that it is no repetition of what is long gone.
    pub(super) fn place(&mut self, tape: &Tape, packet: Packet, live: bool) -> Option<Packet> {
        let track = self.tracks.iter_mut().find(|it| it.id == packet.track)?;
        track.awaits_key &= !packet.flags.key;
        if track.awaits_key || self.awaits_video(&packet) {
            return None;
        }
        let packet = self.shifted(tape, packet, live);
        let on_demand = !self.is_live();
        let track = self.tracks.iter_mut().find(|it| it.id == packet.track)?;
        let repeated = match on_demand {
            true => track.last,
            false => track.repeats_until,
        };
        if repeated >= Some(packet.dts) {
            return None;
        }
        track.repeats_until = None;
        track.last = Some(packet.dts);
        self.grows = true;
        self.remember(&packet);
        Some(packet)
    }

    /// The packet on the presentation's timeline.
    fn shifted(&mut self, tape: &Tape, mut packet: Packet, live: bool) -> Packet {
        let Clock::Live { offset, end } = self.clock else {
            return packet;
        };
        let offset =
            offset.unwrap_or_else(|| self.joined_at(tape, &packet, end, live) - packet.dts);
        packet.dts += offset;
        packet.pts += offset;
        self.clock = Clock::Live {
            offset: Some(offset),
            end: end.max(packet.dts + packet.duration),
        };
        packet
    }

    /// Where on the timeline an answer begins whose first packet is this: with what was there before, which is passed over
    /// then, else where that ended. Servers send the last group of pictures first to whoever joins.
    fn joined_at(&mut self, tape: &Tape, packet: &Packet, end: Time, live: bool) -> Time {
        let known = tape.see("repeated", || {
            let digest = digest(packet);
            let recent = self.remembered.iter().rev();
            let first = self.first.iter().filter(|_| !live);
            let mut all = recent.chain(first);
            let found = all.find(|it| it.digest == digest)?;
            Some(found.dts.as_nanos())
        });
        let Some(dts) = known else { return end };
        for track in &mut self.tracks {
            track.repeats_until = track.last;
        }
        Time::from_nanos(dts)
    }

    fn remember(&mut self, packet: &Packet) {
        if !self.is_live() || !packet.flags.key || !self.is_leading(packet.track) {
            return;
        }
        let remembered = Remembered {
            digest: digest(packet),
            dts: packet.dts,
        };
        self.first.get_or_insert(remembered);
        self.remembered.push_back(remembered);
        if self.remembered.len() > MAX_REMEMBERED {
            self.remembered.pop_front();
        }
    }

    /// Whether answers begin with that track: with the pictures, where there are any.
    pub(super) fn is_leading(&self, id: TrackId) -> bool {
        let is_video = |track: &Track| track.kind == TrackKind::Video;
        let any_video = self.tracks.iter().any(is_video);
        let track = self.tracks.iter().find(|track| track.id == id);
        track.is_some_and(|track| is_video(track) || !any_video)
    }

    /// Whether a packet of a broadcast comes before the key frame that the answer begins with.
    fn awaits_video(&mut self, packet: &Packet) -> bool {
        let awaits = |track: &Track| track.kind == TrackKind::Video && track.awaits_key;
        if !self.is_live() || !self.tracks.iter().any(awaits) {
            return false;
        }
        let from = *self.skipped_from.get_or_insert(packet.dts);
        packet.dts - from < MAX_KEY_FRAME_WAIT
    }
}

fn digest(packet: &Packet) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(&packet.data);
    hasher.finish()
}
