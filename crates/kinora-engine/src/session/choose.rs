//! The user's choice among renditions, definitions and tracks.

use kinora_media::Time;

use crate::cx::Cx;
use crate::ingest::{Anew, Ingest};
use crate::present::Begin;
use crate::select;
use crate::session::{Session, Stage};
use crate::{Event, TrackChoice};

impl Session {
    pub(crate) fn select(&mut self, cx: &mut Cx, choice: TrackChoice) {
        if self
            .resolve
            .as_ref()
            .is_some_and(|call| call.options().is_some())
        {
            return self.select_definition(cx, choice);
        }
        if self.ingest.options().is_some() {
            match self.ingest.select(cx, choice) {
                Anew::Nothing => {}
                Anew::Sound if self.takes_other_sound(cx) => {}
                Anew::Sound | Anew::All => self.load_anew(cx),
            }
            return;
        }
        let (TrackChoice::Index(index), Some(info)) = (choice, self.info.clone()) else {
            return;
        };
        let Some(track) = usize::try_from(index)
            .ok()
            .and_then(|index| info.tracks.get(index))
        else {
            return;
        };
        self.wish.retain(|id| {
            info.track(*id)
                .is_none_or(|known| known.kind() != track.kind())
        });
        self.wish.push(track.id);
        let selection = select::select(&info, &cx.config, &self.wish);
        self.options = Some(select::options(&info, &selection));
        self.follow(cx, &selection);
        self.load_anew(cx);
        cx.event(Event::TrackChanged { index });
    }

    /// Another definition plays from here.
    fn select_definition(&mut self, cx: &mut Cx, choice: TrackChoice) {
        let TrackChoice::Index(index) = choice else {
            return;
        };
        let Some(url) = self.resolve.as_mut().and_then(|call| call.select(index)) else {
            return;
        };
        let position = self.position(cx.mono());
        self.ingest.close(cx);
        self.ingest = Ingest::open(cx, url);
        self.load_anew(cx);
        self.seek_on_headers = Some(position);
        self.options = self.choices();
        cx.event(Event::TrackChanged { index });
    }

    /// What is buffered is not what is wanted: it comes again from here.
    fn load_anew(&mut self, cx: &mut Cx) {
        let position = self.position(cx.mono());
        for line in self.lines.each() {
            line.queue.clear();
        }
        self.go_to(cx, Begin::Exact(position));
    }

    /// Only the sound is loaded anew: the pictures that are there stay. `false`: they do not reach back to here.
    fn takes_other_sound(&mut self, cx: &mut Cx) -> bool {
        let position = self.position(cx.mono());
        let video = &self.lines.video;
        let stays = self.doom.is_none() && self.stage != Stage::Completed && video.is_on();
        let Some(key) = video.queue.key_before(position).filter(|_| stays) else {
            return false;
        };
        self.go_by(cx, Begin::Exact(position), |session, cx, target: Time| {
            session.lines.video.queue.rewind_to_key(target);
            session.lines.audio.queue.clear();
            session.ended = false;
            session.ingest.seek_sound(cx, key);
        });
        true
    }
}
