//! The text beside picture and sound.

use std::sync::Arc;

use kinora_errors::Secret;
use kinora_media::{Time, TrackInfo, TrackKind};

use super::{Session, Stage};
use crate::cx::Cx;
use crate::decrypt::can_open;
use crate::subtitles::Embedded;
use crate::{Event, FIRST_EXTERNAL_SUBTITLE, Refusal, TrackOption};

impl Session {
    pub(crate) fn add_subtitle(&mut self, cx: &mut Cx, url: Secret) -> Result<(), Refusal> {
        self.subtitles.add(cx, url)
    }

    pub(crate) fn select_subtitle(
        &mut self,
        cx: &mut Cx,
        index: u32,
        on: bool,
    ) -> Result<(), Refusal> {
        if index >= FIRST_EXTERNAL_SUBTITLE {
            return self.subtitles.select(index, on);
        }
        let track = Arc::new(self.text_track(index)?);
        let is_on = self.subtitles.embedded_index() == Some(index);
        match on {
            true if !is_on => self.follow_text(cx, index, track)?,
            false if is_on => {
                self.subtitles.embed(None);
                self.pipelines.text.unfollow();
                self.note_text();
            }
            _ => {}
        }
        Ok(())
    }

    /// The text track of that index. Where renditions or definitions are chosen among, an index means one of those.
    fn text_track(&self, index: u32) -> Result<TrackInfo, Refusal> {
        let info = self.info().ok_or(Refusal::NotPrepared)?;
        let place = usize::try_from(index)
            .ok()
            .filter(|_| self.choices().is_none());
        let track = place.and_then(|place| info.tracks.get(place));
        let track = track.filter(|track| track.kind() == TrackKind::Subtitle);
        track.cloned().ok_or(Refusal::NoSuchSubtitle)
    }

    fn follow_text(
        &mut self,
        cx: &mut Cx,
        index: u32,
        track: Arc<TrackInfo>,
    ) -> Result<(), Refusal> {
        if !can_open(&track, &cx.keys) {
            return Err(Refusal::NotPlayable);
        }
        let embedded =
            Embedded::new(index, Arc::clone(&track)).map_err(|_| Refusal::NotPlayable)?;
        self.subtitles.embed(Some(embedded));
        self.pipelines.text.unfollow();
        self.pipelines.text.follow(track);
        self.note_text();
        // Its packets were passed over until now.
        self.load_anew(cx);
        cx.event(Event::TrackChanged { index });
        Ok(())
    }

    /// The options tell which text track is on.
    pub(super) fn note_text(&mut self) {
        let on = self.subtitles.embedded_index();
        let Some(options) = self.options().filter(|_| self.choices().is_none()) else {
            return;
        };
        let noted = options.iter().cloned().map(|option| TrackOption {
            selected: match option.kind {
                TrackKind::Subtitle => on == Some(option.index),
                _ => option.selected,
            },
            ..option
        });
        let noted = noted.collect();
        self.set_options(noted);
    }

    /// Reads the packets of the text track that have come: none waits, however far ahead it is shown.
    pub(super) fn read_text(&mut self, cx: &Cx) {
        let queue = &mut self.pipelines.text.queue;
        if queue.is_drained() {
            return;
        }
        while let Some(entry) = queue.take() {
            self.subtitles.push(cx, &entry.packet);
        }
        queue.clear();
    }

    pub(crate) fn delay_subtitle(&mut self, index: u32, delay: Time) -> Result<(), Refusal> {
        self.subtitles.set_delay(index, delay)
    }

    /// Cues appear and go with the picture that is out: while the one of a seek is waited for, what was shown stays.
    pub(super) fn show_subtitles(&mut self, cx: &mut Cx) {
        if let Some(position) = self.out_position(cx.mono()) {
            self.subtitles.show(cx, position);
        }
    }

    pub(super) fn cue_deadline(&self, cx: &Cx) -> Option<Time> {
        let position = self.out_position(cx.mono())?;
        let change = self.subtitles.next_change(position)?;
        self.clock.when(change)
    }

    /// Where the picture and the sound are that are out; `None` while those of a new stretch are on their way.
    pub(super) fn out_position(&self, mono: Time) -> Option<Time> {
        let position = self.clock.position(mono);
        let is_out = !matches!(self.stage, Stage::Opening { .. })
            && self.present.start.is_some()
            && !self.awaited.is_pending()
            && !self.present.awaits_video(&self.pipelines, position);
        is_out.then_some(position)
    }
}
