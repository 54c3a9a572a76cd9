//! The user's choice among renditions, definitions and tracks.

use kinora_media::{Time, TrackKind};

use crate::cx::Cx;
use crate::ingest::{Buffer, Ingest, Rebuffer};
use crate::present::Begin;
use crate::select;
use crate::session::supply::Supply;
use crate::session::{Session, Stage};
use crate::{Event, FIRST_CAPTIONS, Initiator, Refusal, Role, TrackChoice};

impl Session {
    pub(crate) fn select(&mut self, cx: &mut Cx, choice: TrackChoice) -> Result<(), Refusal> {
        let options = self.choices().or_else(|| self.options().cloned());
        let options = self.with_captions(options.ok_or(Refusal::NotPrepared)?);
        if let TrackChoice::Index(index) = choice
            && !options.iter().any(|option| option.index == index)
        {
            return Err(Refusal::NoSuchTrack);
        }
        if let TrackChoice::Index(index) = choice
            && (index >= FIRST_CAPTIONS || self.text_rendition(index).is_some())
        {
            return self.select_subtitle(cx, index, true);
        }
        if self
            .resolve
            .as_ref()
            .is_some_and(|call| call.options().is_some())
        {
            return self.select_definition(cx, choice);
        }
        if self.ingest.options().is_some() {
            let position = self.position(cx.mono());
            let mut buffer = self.decrypt.before(&mut self.pipelines);
            let rebuffer = self.ingest.select(cx, &mut buffer, position, choice);
            drop(buffer);
            match rebuffer {
                Rebuffer::None => {}
                Rebuffer::Behind => self.supply.go_on(),
                Rebuffer::Audio if self.takes_other_audio(cx) => {}
                Rebuffer::Audio | Rebuffer::All => self.load_anew(cx),
            }
            return Ok(());
        }
        self.select_track(cx, choice)
    }

    /// Another track of the same file.
    fn select_track(&mut self, cx: &mut Cx, choice: TrackChoice) -> Result<(), Refusal> {
        let TrackChoice::Index(index) = choice else {
            return Err(Refusal::NothingAutomatic);
        };
        let info = self.info().cloned().ok_or(Refusal::NotPrepared)?;
        let track = usize::try_from(index)
            .ok()
            .and_then(|index| info.tracks.get(index));
        let track = track.ok_or(Refusal::NoSuchTrack)?;
        if track.kind() == TrackKind::Subtitle {
            return self.select_subtitle(cx, index, true);
        }
        if !select::is_playable(track, &cx.config, &cx.keys) {
            return Err(Refusal::NotPlayable);
        }
        self.preferred.retain(|id| {
            info.track(*id)
                .is_none_or(|known| known.kind() != track.kind())
        });
        self.preferred.push(track.id);
        let selection = select::select(&info, &cx.config, &cx.keys, &self.preferred);
        self.set_options(select::options(&info, &selection));
        self.note_text();
        self.follow(cx, &selection);
        self.follow_sound(cx, &info, &selection);
        self.load_anew(cx);
        cx.event(Event::TrackChanged { index });
        Ok(())
    }

    /// Another definition plays from here.
    fn select_definition(&mut self, cx: &mut Cx, choice: TrackChoice) -> Result<(), Refusal> {
        let TrackChoice::Index(index) = choice else {
            return Err(Refusal::NothingAutomatic);
        };
        let call = self.resolve.as_mut().ok_or(Refusal::NotPrepared)?;
        let Some(url) = call.select(index)? else {
            return Ok(());
        };
        let position = self.position(cx.mono());
        self.ingest.close(cx);
        self.ingest = Ingest::open(cx, url, Initiator::User);
        self.load_anew(cx);
        self.supply = Supply::Opening {
            seek_to: Some(position),
        };
        self.renew_options();
        cx.event(Event::TrackChanged { index });
        Ok(())
    }

    /// What is buffered is not what is wanted: it comes again from here.
    pub(super) fn load_anew(&mut self, cx: &mut Cx) {
        let position = self.position(cx.mono());
        for pipeline in self.pipelines.iter_mut() {
            pipeline.queue.clear();
        }
        self.go_to(cx, Begin::Exact(position));
    }

    /// Only the audio is loaded anew: the video that is there stays. `false`: it does not reach back to here.
    fn takes_other_audio(&mut self, cx: &mut Cx) -> bool {
        let position = self.position(cx.mono());
        let video = &self.pipelines.video;
        let fails = self.supply.pending_fatal().is_some();
        let stays = !fails && self.stage != Stage::Completed && video.is_on();
        let Some(key) = video.queue.key_before(position).filter(|_| stays) else {
            return false;
        };
        self.go_by(cx, Begin::Exact(position), |session, cx, target: Time| {
            session.pipelines.video.queue.rewind_to_key(target);
            session.pipelines.audio.queue.clear();
            session.supply = Supply::Flowing;
            let pipelines = &session.pipelines;
            let is_audio = |track| pipelines.role_of(track) == Some(Role::Audio);
            session.decrypt.forget(is_audio);
            session.ingest.seek_audio(cx, key);
        });
        true
    }
}
