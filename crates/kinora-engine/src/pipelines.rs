//! The pipelines of a presentation together: what is buffered, which one waits for which.

use std::ops::{Index, IndexMut};

use kinora_media::{Packet, Time, TrackId};

use crate::ingest::Buffer;
use crate::pipeline::TrackPipeline;
use crate::present::STRAY;
use crate::{ByRole, Epoch, Role};

/// Where the packets of the pipelines come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Sources {
    /// One resource carries them all: a track that has nothing while another has plenty has a gap.
    #[default]
    Shared,
    /// Each role has resources of its own: one may lag without a gap in it.
    Separate {
        /// All packets of that role came.
        complete: ByRole<bool>,
        /// Sound comes first: pictures that lag are not waited for.
        sound_first: bool,
    },
}

/// The pipelines of a presentation.
#[derive(Debug)]
pub(crate) struct Pipelines {
    pub(crate) video: TrackPipeline,
    pub(crate) audio: TrackPipeline,
    pub(crate) text: TrackPipeline,
    sources: Sources,
}

/// Bytes of packets that wait for decoding.
const MAX_BYTES: usize = 64 << 20;
/// A pipeline without packets is not waited for once another has so much: its track has a gap.
const GAP: Time = Time::from_millis(3_000);
/// What is played next so much later has no say in what the others wait for: its track pauses, or its times are wrong.
const FAR: Time = Time::from_millis(10_000);
/// So much of a track that lies far ahead is read through for packets of another one.
const MAX_READ_THROUGH: usize = 16 << 20;

impl Pipelines {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self {
            video: TrackPipeline::new(Role::Video, epoch),
            audio: TrackPipeline::new(Role::Audio, epoch),
            text: TrackPipeline::new(Role::Text, epoch),
            sources: Sources::default(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &TrackPipeline> + Clone {
        [&self.video, &self.audio, &self.text].into_iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut TrackPipeline> {
        [&mut self.video, &mut self.audio, &mut self.text].into_iter()
    }

    /// Those of which playback waits for what is not there yet.
    pub(crate) fn awaited(&self) -> impl Iterator<Item = &TrackPipeline> + Clone {
        self.gating().filter(|it| !self.may_lag(it.role))
    }

    /// Whether others play on where this one has nothing yet.
    pub(crate) fn may_lag(&self, role: Role) -> bool {
        let sound_first = matches!(
            self.sources,
            Sources::Separate {
                sound_first: true,
                ..
            }
        );
        sound_first && role == Role::Video && self.audio.is_on() && !self.audio.is_over()
    }

    /// Pictures and sound that play.
    pub(crate) fn gating(&self) -> impl Iterator<Item = &TrackPipeline> + Clone {
        self.iter()
            .filter(|pipeline| pipeline.is_on() && pipeline.role.gates_buffering())
    }

    /// Something plays.
    pub(crate) fn is_any_on(&self) -> bool {
        self.gating().next().is_some()
    }

    /// Whether a pipeline has nothing while another has plenty of the same source.
    pub(crate) fn has_gap(&self, role: Role, position: Time) -> bool {
        let pipeline = &self[role];
        if !pipeline.is_empty() {
            return false;
        }
        let mut others = self.gating().filter(|other| other.role != role);
        match self.sources {
            Sources::Shared => {
                let unread = self.unread_bytes();
                others.any(|other| match other.is_far(position + FAR) {
                    true => unread >= MAX_READ_THROUGH,
                    false => other.ahead(position) >= GAP || unread >= MAX_BYTES,
                })
            }
            Sources::Separate { complete, .. } => complete[role] && others.next().is_some(),
        }
    }

    /// How much is there ahead of a position: the least of the pipelines that count.
    pub(crate) fn ahead(&self, position: Time) -> Time {
        let counts = |it: &&TrackPipeline| !it.is_drained() && !self.has_gap(it.role, position);
        let near = |it: &&TrackPipeline| !it.is_far(position + FAR);
        let ahead = |it: &TrackPipeline| it.ahead(position);
        let counting = self.awaited().filter(counts);
        let least = counting.clone().filter(near).map(ahead).min();
        least
            .or_else(|| counting.map(ahead).min())
            .unwrap_or(Time::ZERO)
    }

    /// Enough is there: no more is asked for.
    pub(crate) fn is_full(&self, position: Time, most: Time) -> bool {
        self.unread_bytes() >= MAX_BYTES || self.ahead(position) >= most
    }

    fn unread_bytes(&self) -> usize {
        self.iter().map(|it| it.queue.unread_bytes()).sum()
    }

    /// A decoder has taken all there is and may need more before it gives anything.
    pub(crate) fn is_starving(&self) -> bool {
        self.gating().any(|pipeline| pipeline.queue.is_drained())
    }

    /// Bytes of packets held, decoded or not.
    pub(crate) fn bytes(&self) -> usize {
        self.iter().map(|it| it.queue.bytes()).sum()
    }

    /// Forgets what was decoded and lies behind a time; all of it when too much is held.
    pub(crate) fn trim(&mut self, keep: Time) {
        for pipeline in self.iter_mut() {
            let keyed = pipeline.role == Role::Video;
            pipeline.queue.trim(keep, keyed);
        }
        if self.bytes() >= 2 * MAX_BYTES {
            self.iter_mut().for_each(|it| it.queue.trim_all());
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.iter().all(TrackPipeline::is_over)
    }

    /// Where the last frame ends. A first picture that is shown ahead of its time, and far, is not waited for.
    pub(crate) fn end(&self, position: Time) -> Option<Time> {
        let tails = self.iter().filter_map(|pipeline| pipeline.tail);
        tails.filter(|tail| *tail <= position + STRAY).max()
    }
}

impl Index<Role> for Pipelines {
    type Output = TrackPipeline;
    fn index(&self, role: Role) -> &TrackPipeline {
        match role {
            Role::Video => &self.video,
            Role::Audio => &self.audio,
            Role::Text => &self.text,
        }
    }
}

impl IndexMut<Role> for Pipelines {
    fn index_mut(&mut self, role: Role) -> &mut TrackPipeline {
        match role {
            Role::Video => &mut self.video,
            Role::Audio => &mut self.audio,
            Role::Text => &mut self.text,
        }
    }
}

impl Buffer for Pipelines {
    /// A packet of a track goes to the pipeline that follows the track.
    fn push(&mut self, packet: Packet) {
        if let Some(role) = self.role_of(packet.track) {
            self[role].push(packet);
        }
    }
    fn is_full(&self, position: Time, most: Time) -> bool {
        Self::is_full(self, position, most)
    }
    fn ahead(&self, position: Time) -> Time {
        Self::ahead(self, position)
    }
    fn ahead_of(&self, role: Role, position: Time) -> Time {
        self[role].ahead(position)
    }
    fn role_of(&self, track: TrackId) -> Option<Role> {
        let follows = self.iter().find(|pipeline| pipeline.follows(track));
        follows.map(|pipeline| pipeline.role)
    }
    fn set_sources(&mut self, sources: Sources) {
        self.sources = sources;
    }
    fn cut(&mut self, from: ByRole<Option<Time>>) -> bool {
        let is_there = |role: &Role| from[*role].is_none_or(|from| self[*role].queue.can_cut(from));
        let can = Role::ALL.iter().all(is_there);
        if can {
            for role in Role::ALL {
                if let Some(from) = from[role] {
                    self[role].queue.cut(from);
                }
            }
        }
        can
    }
}
