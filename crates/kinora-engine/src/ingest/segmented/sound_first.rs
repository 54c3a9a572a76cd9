//! Sound before pictures: of a live presentation whose settings prefer it, and that the network can not carry.

use kinora_media::Time;

use super::Segmented;
use super::lane::LaneRole;
use crate::cx::Cx;
use crate::ingest::Buffer;

/// While less sound than that is there, and more of it comes, nothing of pictures is asked for.
const ENOUGH: Time = Time::from_millis(2_000);
/// While less than that is there, pictures under way are given up for it.
const SCARCE: Time = Time::from_millis(500);

impl Segmented {
    /// Whether sound does not wait for pictures.
    pub(super) fn puts_sound_first(&self, cx: &Cx) -> bool {
        cx.config.prefer_audio && self.is_live() && self.lane(LaneRole::Audio).is_some()
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
