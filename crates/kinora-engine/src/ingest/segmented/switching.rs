//! Changes of the rendition: by the measured rate and by the user.

use std::sync::Arc;

use kinora_errors::Fault;
use kinora_media::Time;

use super::abandonment::SegmentStart;
use super::lane::LaneRole;
use super::loader::{Loader, StartPosition};
use super::variants::Selection;
use super::{ROUNDING, Segmented};
use crate::cx::{Cx, Renditions};
use crate::ingest::{Buffer, Notice, Rebuffer};
use crate::reader::unknown_rendition;
use crate::{RenditionChoice, TrackChoice, TrackOption};

/// A variant that the user chose is there after so long, where the network is no worse than usual: nearer borders are not for it.
const TO_BE_THERE: Time = Time::from_millis(1_000);

impl Segmented {
    /// The variant to begin with: a modest one where it may change, the best where it may not and none was named.
    pub(super) fn choose_first(&mut self, cx: &Cx) -> Result<(), Fault> {
        if !matches!(cx.renditions, Renditions::Adaptive) {
            self.variants.selection = Selection::Manual;
        }
        if let Renditions::KeyPictures = cx.renditions {
            self.variants.current = self.variants.least();
            return Ok(());
        }
        let Renditions::Fixed(choice) = cx.renditions else {
            self.variants.current = self.variants.initial(cx);
            return Ok(());
        };
        let named = choice.video.and_then(|index| usize::try_from(index).ok());
        self.variants.current = named.unwrap_or_else(|| self.variants.best());
        match self.variants.current < self.variants.len() {
            true => Ok(()),
            false => Err(unknown_rendition(choice.video).at_url(self.root.found.expose())),
        }
    }

    /// The rendition of audio that was named, once the variant's group is known.
    pub(super) fn choose_audio(&mut self, cx: &mut Cx) -> Result<(), Fault> {
        let Renditions::Fixed(RenditionChoice {
            audio: Some(index), ..
        }) = cx.renditions
        else {
            return Ok(());
        };
        let place = usize::try_from(index).ok();
        let place = place.and_then(|index| index.checked_sub(self.variants.len()));
        let Some(place) = place.filter(|place| *place < self.audio.count()) else {
            return Err(unknown_rendition(Some(index)).at_url(self.root.found.expose()));
        };
        self.select_audio(cx, place);
        Ok(())
    }

    /// What can be chosen; `None` when there is but one rendition.
    pub(crate) fn options(&self) -> Option<Arc<[TrackOption]>> {
        let audio = self.audio.options(self.variants.len());
        let text = self.text.options(self.first_text());
        let playing = self.variants.get(self.variants.current);
        let angles = playing.map(|it| self.angles.options(it, self.first_angle()));
        let beside: Vec<_> = [audio, text, angles.unwrap_or_default()].concat();
        if self.variants.len() < 2 && beside.is_empty() {
            return None;
        }
        Some(self.variants.options().chain(beside).collect())
    }

    /// Takes a rendition for good, or leaves the choice to the engine again.
    pub(crate) fn select(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
        choice: TrackChoice,
    ) -> Rebuffer {
        let TrackChoice::Index(index) = choice else {
            self.variants.selection = Selection::Adaptive;
            return Rebuffer::None;
        };
        let Ok(index) = usize::try_from(index) else {
            return Rebuffer::None;
        };
        if let Some(place) = index.checked_sub(self.first_angle()) {
            return self.select_angle(cx, buffer, position, place);
        }
        if let Some(place) = index.checked_sub(self.variants.len()) {
            return self.select_audio(cx, place);
        }
        self.variants.selection = Selection::Manual;
        // One that was about to be left asks for nothing more: it begins anew.
        let was_left = self.drop_incoming(cx);
        if index == self.variants.current && !was_left {
            return Rebuffer::None;
        }
        if self.switch_behind(cx, buffer, position, index) {
            return Rebuffer::Behind;
        }
        self.incoming = self.open_variant(cx, index, self.start);
        Rebuffer::All
    }

    /// Another variant takes over at the next border that the decoders have not reached: what is buffered behind it is taken
    /// back, and what is under way given up. `false`: there is no such border, or nothing plays yet.
    pub(super) fn switch_behind(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
        index: usize,
    ) -> bool {
        let plays = self.reported.is_some() && self.aim.is_none();
        let main = self.lane(LaneRole::Main).filter(|_| plays);
        let Some(main) = main.filter(|main| !main.loader.reads_parts()) else {
            return false;
        };
        if main.loader.is_unbegun() {
            // It was chosen a moment ago itself: another one begins in its place.
            let start = main.loader.resumes();
            self.incoming = self.open_variant(cx, index, start);
            return true;
        }
        let ended = main.ended;
        let soon = position + TO_BE_THERE;
        let starts = self.starts.iter().filter(|start| start.at >= soon);
        let starts: Vec<SegmentStart> = starts.copied().collect();
        let cut = starts.iter().find(|start| start.cut(buffer));
        let Some(main) = self.loader(LaneRole::Main) else {
            return false;
        };
        let from = match cut {
            Some(start) => main.number_at(start.at + ROUNDING),
            None if ended => None,
            // What was given of the segment at hand is being decoded; and in a transport stream its demuxer may hold the last
            // picture of the one before.
            None => main.at_hand().map(|segment| segment.number + 1),
        };
        let Some(from) = from.filter(|from| main.has(*from)) else {
            return false;
        };
        if let Some(lane) = self.lanes.iter_mut().find(|it| it.role == LaneRole::Main) {
            lane.ended = false;
            lane.loader.abandon(cx, &mut self.requests, from);
        }
        if let Some(start) = cut {
            self.forget_starts(start.at);
        }
        self.switch(cx, index);
        true
    }

    fn select_audio(&mut self, cx: &mut Cx, place: usize) -> Rebuffer {
        let separate = self.lane(LaneRole::Audio).is_some();
        if !self.audio.select(place) {
            return Rebuffer::None;
        }
        self.follow_sound(cx);
        // The seek that follows says where to.
        self.open_audio(cx, StartPosition::Default);
        match separate && self.lane(LaneRole::Audio).is_some() {
            true => Rebuffer::Audio,
            // It was or will be in the segments of the variant.
            false => Rebuffer::All,
        }
    }

    /// Chooses the variant of the segments after those under way.
    pub(super) fn adapt(&mut self, cx: &mut Cx, ahead: Time) {
        if self.incoming.is_some() || self.search.is_some() {
            return;
        }
        if self.variants.selection == Selection::Manual {
            return self.follow_pathway(cx);
        }
        let main = self.lane(LaneRole::Main).map(|lane| &lane.loader);
        let Some(segment) = main.and_then(Loader::next_duration) else {
            return;
        };
        if let Some(wanted) = self.variants.adapted(cx, ahead, segment) {
            self.switch(cx, wanted);
        }
    }

    pub(super) fn switch(&mut self, cx: &mut Cx, index: usize) {
        let Some(main) = self
            .loader(LaneRole::Main)
            .filter(|main| main.border().is_some())
        else {
            return;
        };
        let from = main.resumes();
        main.drain();
        self.incoming = self.open_variant(cx, index, from);
    }

    /// The other variant takes over once everything of the old one is read. `false`: there is none, or it has to wait.
    pub(super) fn take_over(&mut self, cx: &mut Cx) -> bool {
        let reads = self.lane(LaneRole::Main).map(|lane| &lane.loader);
        if self.incoming.is_none() || reads.is_some_and(|loader| loader.has_readers()) {
            return false;
        }
        let audio_from = self.audio_resumes();
        self.install(cx, audio_from);
        true
    }

    /// Where another rendition of audio goes on.
    pub(super) fn audio_resumes(&self) -> StartPosition {
        match (self.audio.given_until, self.lane(LaneRole::Audio)) {
            (Some(until), _) => StartPosition::At(until),
            (None, Some(lane)) => lane.loader.resumes(),
            (None, None) => self.start,
        }
    }

    /// Puts the incoming variant, if there is one, in the place of the one that plays; its audio goes on from there.
    pub(super) fn install(&mut self, cx: &mut Cx, audio_from: StartPosition) {
        let Some(lane) = self.incoming.take() else {
            return;
        };
        self.close_lane(cx, LaneRole::Main);
        let index = lane.rendition;
        self.lanes.insert(0, lane);
        self.variants.current = index;
        self.forget_throughput();
        let index = match self.angles.changed.take() {
            Some(place) => self.first_angle() + place,
            None => self.variants.told_as(index),
        };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.notices.push_back(Notice::Switched(index));
        self.follow_audio_group(cx, audio_from);
        self.follow_text_group(cx);
    }

    /// The incoming variant is not wanted any more. `false`: there was none.
    pub(super) fn drop_incoming(&mut self, cx: &mut Cx) -> bool {
        let Some(unused) = self.incoming.take() else {
            return false;
        };
        self.requests.cancel(cx, unused.loader.id(), |_| true);
        true
    }
}
