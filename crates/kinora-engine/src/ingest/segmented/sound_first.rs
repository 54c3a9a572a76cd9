//! Sound before pictures: of a live presentation whose settings prefer it, and that the network can not carry.

use std::sync::Arc;

use kinora_media::{MediaInfo, Time};

use super::Segmented;
use super::lane::LaneRole;
use crate::cx::Cx;
use crate::ingest::Buffer;

/// While less sound than that is there, and more of it comes, nothing of pictures is asked for.
const ENOUGH: Time = Time::from_millis(2_000);
/// While less than that is there, pictures under way are given up for it.
const SCARCE: Time = Time::from_millis(500);
/// So long the start waits for pictures of which nothing is known yet, once sound is there.
const PATIENCE: Time = Time::from_millis(2_000);

impl Segmented {
    /// Whether sound does not wait for pictures.
    pub(super) fn puts_sound_first(&self, cx: &Cx) -> bool {
        cx.config.prefer_audio && self.is_live() && self.lane(LaneRole::Audio).is_some()
    }

    /// When sound is reported without the pictures, of which nothing came: where the manifest places it, it needs nothing of
    /// theirs.
    pub(super) fn sound_goes_ahead_at(&self, cx: &Cx) -> Option<Time> {
        let is_unknown = |role| self.lane(role).is_some_and(|lane| lane.info.is_none());
        let waits = self.reported.is_none()
            && is_unknown(LaneRole::Main)
            && self.root.playlist.places_exactly()
            && self.puts_sound_first(cx);
        self.sound_known.filter(|_| waits).map(|at| at + PATIENCE)
    }

    /// The tracks of the pictures, or none where sound goes ahead of them; `None`: they are waited for.
    pub(super) fn main_info(&self, cx: &Cx) -> Option<Arc<MediaInfo>> {
        let known = self.lane(LaneRole::Main)?.info.clone();
        known.or_else(|| {
            let audio = self.lane(LaneRole::Audio)?.info.as_deref()?;
            let is_due = || {
                self.sound_goes_ahead_at(cx)
                    .is_some_and(|at| at <= cx.mono())
            };
            (self.reported.is_some() || is_due()).then(|| {
                Arc::new(MediaInfo {
                    tracks: Vec::new(),
                    ..audio.clone()
                })
            })
        })
    }

    /// Pictures of which nothing came are not waited for any longer.
    pub(super) fn go_ahead_if_due(&mut self, cx: &mut Cx) {
        if self
            .sound_goes_ahead_at(cx)
            .is_some_and(|at| at <= cx.mono())
        {
            self.report_tracks(cx);
        }
    }

    /// Leaves out pictures that sound can not wait for. `true`: none are read now, so that nothing takes the network from the
    /// sound.
    pub(super) fn yields_to_sound(
        &mut self,
        cx: &mut Cx,
        buffer: &dyn Buffer,
        position: Time,
    ) -> bool {
        // Until all tracks are known nobody takes the sound either.
        if self.reported.is_none() || self.is_over(LaneRole::Audio) || !self.puts_sound_first(cx) {
            return false;
        }
        let comes = |role| {
            let lane = self.lane(role);
            lane.is_some_and(|it| it.loader.segment_in_flight(&self.requests).is_some())
        };
        let pictures_come = comes(LaneRole::Main);
        let sound = buffer.ahead_of(LaneRole::Audio.of_pipeline(), position);
        let yields = comes(LaneRole::Audio) && sound < ENOUGH;
        // One that another variant takes over from asks for nothing more.
        if self.incoming.is_some() {
            return yields;
        }
        let in_time = position + self.pictures_took;
        let requests = &mut self.requests;
        let main = self.lanes.iter_mut().find(|it| it.role == LaneRole::Main);
        if let Some(main) = main {
            if yields && pictures_come && sound < SCARCE {
                main.loader.skip(cx, requests, in_time);
            }
            main.loader.leave_out_until(in_time);
        }
        yields
    }
}
