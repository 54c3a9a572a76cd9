//! The text beside picture and sound.

use std::sync::Arc;

use kinora_errors::{Fault, Secret};
use kinora_manifest::select::TextPreference;
use kinora_media::{MediaInfo, Time, TrackInfo, TrackKind};
use kinora_subtitle::CaptionService;

use super::{Session, Stage};
use crate::cx::Cx;
use crate::decrypt::can_open;
use crate::present::earliest;
use crate::select::{self, Selection};
use crate::subtitles::Embedded;
use crate::{Event, FIRST_CAPTIONS, FIRST_EXTERNAL_SUBTITLE, InfoCode, Refusal, TrackOption};

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
        let is_on = self.subtitles.embedded_index() == Some(index);
        if let Some(service) = self.subtitles.captions.service(index) {
            return self.select_captions(cx, (index, service), on);
        }
        if let Some(rendition) = self.text_rendition(index) {
            if is_on != on {
                self.ingest.select_text(cx, on.then_some(rendition));
            }
            return Ok(());
        }
        let track = Arc::new(self.text_track(index)?);
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

    /// The text of the source that is shown where nobody chose any: a track of a file, or captions that are announced. Renditions
    /// are chosen where they are read.
    pub(super) fn choose_text(&mut self, cx: &mut Cx, info: &MediaInfo, playing: &Selection) {
        if cx.config.disable_subtitles || self.subtitles.embedded_index().is_some() {
            return;
        }
        let language = cx.config.subtitle_language.clone();
        let audio = playing.audio.as_ref().and_then(|it| it.language.as_deref());
        let preference = TextPreference {
            language: language.as_deref(),
            audio,
        };
        let track = match self.choices() {
            None => select::text(info, preference),
            Some(_) => None,
        };
        let index = track.or_else(|| self.subtitles.captions.choose(preference));
        // What can not be shown is not: nobody asked for it.
        if let Some(index) = index {
            let _ = self.select_subtitle(cx, index, true);
        }
    }

    /// Another language is heard: what is shown of foreign speech goes with it, unless other text is shown.
    pub(super) fn follow_sound(&mut self, cx: &mut Cx, info: &MediaInfo, playing: &Selection) {
        let track = |index: u32| info.tracks.get(usize::try_from(index).ok()?);
        let is_forced = |index: &u32| track(*index).is_some_and(|it| it.disposition.forced);
        let before = self.subtitles.embedded_index();
        if cx.config.disable_subtitles || before.is_some_and(|index| !is_forced(&index)) {
            return;
        }
        let preference = TextPreference {
            language: cx.config.subtitle_language.as_deref(),
            audio: playing.audio.as_ref().and_then(|it| it.language.as_deref()),
        };
        let forced = select::text(info, preference).filter(is_forced);
        if forced == before {
            return;
        }
        self.pipelines.text.unfollow();
        let track = forced.and_then(track).cloned().map(Arc::new);
        let embedded = forced.zip(track.clone());
        let embedded = embedded.and_then(|(index, track)| Embedded::track(index, track).ok());
        if let (Some(track), Some(_)) = (track, &embedded) {
            self.pipelines.text.follow(track);
        }
        self.subtitles.embed(embedded);
        self.ask_fonts(cx);
        self.note_text();
    }

    /// Fonts that the film's file brings along are there for who draws scripts.
    fn ask_fonts(&mut self, cx: &mut Cx) {
        let url = self.ingest.resource().cloned();
        let attachments = self.info().map(|info| info.attachments.clone());
        if let (Some(url), Some(attachments)) = (url, attachments) {
            self.subtitles.ask_fonts(cx, &url, &attachments);
        }
    }

    /// Shows captions within the pictures, or no longer.
    fn select_captions(
        &mut self,
        cx: &mut Cx,
        (index, service): (u32, CaptionService),
        on: bool,
    ) -> Result<(), Refusal> {
        if self.media.is_none() {
            return Err(Refusal::NotPrepared);
        }
        let is_on = self.subtitles.embedded_index() == Some(index);
        if is_on == on {
            return Ok(());
        }
        if self.subtitles.is_rendition_on() {
            self.ingest.select_text(cx, None);
        }
        self.pipelines.text.unfollow();
        match on {
            true => self.subtitles.embed_captions(cx, index, service),
            false => self.subtitles.embed(None),
        }
        self.note_text();
        if on && !matches!(self.stage, Stage::Opening { .. }) {
            cx.event(Event::TrackChanged { index });
        }
        Ok(())
    }

    /// There are captions that were not known.
    pub(super) fn captions_found(&mut self, cx: &mut Cx) {
        let Some(options) = self.options().cloned() else {
            return;
        };
        self.set_options(options);
        if let Some(options) = self.options() {
            cx.event(Event::TracksReady(Arc::clone(options)));
        }
    }

    /// What can be chosen, with the captions within the pictures.
    pub(super) fn with_captions(&self, options: Arc<[TrackOption]>) -> Arc<[TrackOption]> {
        let on = self.subtitles.embedded_index();
        let mut captions = self.subtitles.captions.options(on).peekable();
        if captions.peek().is_none() {
            return options;
        }
        let others = options.iter().filter(|it| it.index < FIRST_CAPTIONS);
        others.cloned().chain(captions).collect()
    }

    /// The rendition of text that an index means, by the ingest's own index.
    pub(super) fn text_rendition(&self, index: u32) -> Option<u32> {
        let own = index.checked_sub(self.first_of_ingest())?;
        (self.media.is_some() && self.ingest.has_text(own)).then_some(own)
    }

    /// Another text rendition is read, or none any more.
    pub(super) fn text_rendition_changed(&mut self, cx: &mut Cx, index: Option<u32>) {
        let index = index.map(|own| own.saturating_add(self.first_of_ingest()));
        match index {
            Some(index) if self.subtitles.embedded_index() != Some(index) => {
                self.subtitles.embed(Some(Embedded::rendition(index)));
            }
            None if self.subtitles.is_rendition_on() => self.subtitles.embed(None),
            _ => {}
        }
        self.renew_options();
        if let Some(index) = index.filter(|_| self.media.is_some()) {
            cx.event(Event::TrackChanged { index });
        }
    }

    /// The text rendition that was read can not be had.
    pub(super) fn text_rendition_failed(&mut self, cx: &mut Cx, own: u32, fault: Fault) {
        let index = own.saturating_add(self.first_of_ingest());
        self.subtitles.embed(None);
        self.renew_options();
        let text = format!("subtitles {index} can not be shown: {fault}");
        cx.info(InfoCode::SubtitleSelectError, text);
        let track = index;
        cx.event(Event::SubtitleFailed { track, fault });
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
            Embedded::track(index, Arc::clone(&track)).map_err(|_| Refusal::NotPlayable)?;
        self.subtitles.embed(Some(embedded));
        self.pipelines.text.unfollow();
        self.pipelines.text.follow(track);
        self.ask_fonts(cx);
        self.note_text();
        if let Stage::Opening { .. } = self.stage {
            return Ok(());
        }
        // Its packets were passed over until now.
        self.load_anew(cx);
        cx.event(Event::TrackChanged { index });
        Ok(())
    }

    /// The options tell which text track is on.
    pub(super) fn note_text(&mut self) {
        let on = self.subtitles.embedded_index();
        let Some(options) = self.options() else {
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

    /// Cues and events appear and go with the picture that is out: while the one of a seek is waited for, what was shown stays.
    pub(super) fn show_subtitles(&mut self, cx: &mut Cx) {
        if let Some(position) = self.out_position(cx.mono()) {
            self.subtitles.show(cx, position);
            self.timed.tell(cx, position);
        }
    }

    pub(super) fn cue_deadline(&self, cx: &Cx) -> Option<Time> {
        let position = self.out_position(cx.mono())?;
        let cue = self.subtitles.next_change(position);
        let change = earliest([cue, self.timed.next_after(position)])?;
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
