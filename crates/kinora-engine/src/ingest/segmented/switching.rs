//! Changes of the rendition: by the measured rate, by the user, and away from one that fails.

use std::sync::Arc;

use kinora_errors::Fault;
use kinora_media::{Time, TrackKind};

use super::index::Variant;
use super::loader::{Loader, StartPosition};
use super::{ROUNDING, Segmented};
use crate::abr::Abr;
use crate::cx::{Cx, Renditions};
use crate::ingest::{Notice, Rebuffer};
use crate::reader::unknown_rendition;
use crate::{RenditionChoice, TrackChoice, TrackOption};

impl Segmented {
    /// The variant to begin with: a modest one where it may change, the best where it may not and none was named.
    pub(super) fn choose_first(&mut self, cx: &Cx) -> Result<(), Fault> {
        let Renditions::Fixed(choice) = cx.renditions else {
            self.current = Abr::first(&self.bitrates());
            return Ok(());
        };
        self.manual = true;
        let last = self.variants.len().saturating_sub(1);
        let named = choice.video.and_then(|index| usize::try_from(index).ok());
        self.current = named.unwrap_or(last);
        match self.current > last {
            true => Err(unknown_rendition(choice.video).at_url(self.url.expose())),
            false => Ok(()),
        }
    }

    /// The rendition of the sound that was named, once the variant's group is known.
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
            return Err(unknown_rendition(Some(index)).at_url(self.url.expose()));
        };
        let like = self.main.as_ref().and_then(Loader::timeline);
        self.audio.select(cx, place, like);
        Ok(())
    }

    /// Whether a rendition that fails is the only one that will do: it was named, or is being read.
    pub(super) fn is_settled(&self, cx: &Cx, named: fn(RenditionChoice) -> Option<u32>) -> bool {
        match cx.renditions {
            Renditions::Adaptive => false,
            Renditions::Fixed(choice) => named(choice).is_some() || self.reported.is_some(),
        }
    }

    /// What can be chosen; `None` when there is but one rendition.
    pub(crate) fn options(&self) -> Option<Arc<[TrackOption]>> {
        let sounds = self.audio.options(self.variants.len());
        if self.variants.len() < 2 && sounds.is_empty() {
            return None;
        }
        let option = |(index, variant): (usize, &Variant)| TrackOption {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            kind: TrackKind::Video,
            label: variant.label(),
            size: variant.size,
            bitrate: Some(variant.bandwidth),
            selected: index == self.current,
        };
        Some(
            self.variants
                .iter()
                .enumerate()
                .map(option)
                .chain(sounds)
                .collect(),
        )
    }

    /// Takes a rendition for good, or leaves the choice to the engine again.
    pub(crate) fn select(&mut self, cx: &mut Cx, choice: TrackChoice) -> Rebuffer {
        let TrackChoice::Index(index) = choice else {
            self.manual = false;
            return Rebuffer::None;
        };
        let Ok(index) = usize::try_from(index) else {
            return Rebuffer::None;
        };
        if let Some(place) = index.checked_sub(self.variants.len()) {
            let like = self.main.as_ref().and_then(Loader::timeline);
            return self.audio.select(cx, place, like);
        }
        self.manual = true;
        // One that was about to be left asks for nothing more: it begins anew.
        let was_left = self.drop_incoming(cx);
        if index == self.current && !was_left {
            return Rebuffer::None;
        }
        self.incoming = self
            .loader(cx, index, self.begin)
            .map(|loader| (index, loader));
        Rebuffer::All
    }

    /// Chooses the rendition of the segments after those under way.
    pub(super) fn adapt(&mut self, cx: &mut Cx, ahead: Time) {
        if self.manual || self.incoming.is_some() || self.variants.len() < 2 {
            return;
        }
        let mut wanted = self.abr.choose(&self.bitrates(), self.current, ahead);
        while wanted > 0 && self.bad.contains(&wanted) {
            wanted -= 1;
        }
        if wanted != self.current && !self.bad.contains(&wanted) {
            self.switch(cx, wanted);
        }
    }

    pub(super) fn switch(&mut self, cx: &mut Cx, index: usize) {
        let Some(border) = self.main.as_ref().and_then(Loader::border) else {
            return;
        };
        if let Some(loader) = self.loader(cx, index, StartPosition::At(border + ROUNDING)) {
            self.incoming = Some((index, loader));
            if let Some(main) = &mut self.main {
                main.stop_after_readers();
            }
        }
    }

    /// The other variant takes over once everything of the old one is read.
    pub(super) fn take_over(&mut self, cx: &mut Cx) -> bool {
        if self.incoming.is_none() || self.main.as_ref().is_some_and(Loader::has_readers) {
            return false;
        }
        let from = self.audio.resumes(self.begin);
        self.install(cx, from)
    }

    /// Puts the incoming variant in the place of the one that plays; its sound goes on from there. `false`: there is none.
    pub(super) fn install(&mut self, cx: &mut Cx, audio_from: StartPosition) -> bool {
        let Some((index, loader)) = self.incoming.take() else {
            return false;
        };
        if let Some(mut old) = self.main.replace(loader) {
            old.close(cx);
        }
        self.current = index;
        self.forget_throughput();
        self.notices
            .push_back(Notice::Switched(u32::try_from(index).unwrap_or(u32::MAX)));
        self.open_audio(cx, audio_from);
        true
    }

    /// The incoming variant is not wanted any more. `false`: there was none.
    pub(super) fn drop_incoming(&mut self, cx: &mut Cx) -> bool {
        let incoming = self.incoming.take();
        let dropped = incoming.is_some();
        if let Some((_, mut unused)) = incoming {
            unused.close(cx);
        }
        dropped
    }

    /// Another variant goes on where this one fails; without one the presentation fails.
    pub(super) fn variant_failed(&mut self, cx: &mut Cx, fault: Fault) {
        if self.is_settled(cx, |choice| choice.video) {
            return self.lost(cx, fault);
        }
        self.bad.push(self.current);
        let below = (0..self.current).rev();
        let above = self.current + 1..self.variants.len();
        let other = below.chain(above).find(|index| !self.bad.contains(index));
        let from = self.main.as_ref().map_or(self.begin, Loader::resumes);
        let Some(loader) = other.and_then(|other| self.loader(cx, other, from)) else {
            return self.lost(cx, fault);
        };
        cx.recovered(fault);
        self.drop_incoming(cx);
        self.incoming = other.map(|other| (other, loader));
        if let Some(main) = &mut self.main {
            main.close(cx);
        }
    }

    /// No other variant can help: what comes behind the loss plays on, if anything does.
    fn lost(&mut self, cx: &mut Cx, fault: Fault) {
        match super::pass_over(cx, self.main.as_mut(), &fault, self.reported.is_some()) {
            true => cx.recovered(fault),
            false => self.notices.push_back(Notice::Failed(fault)),
        }
    }
}
