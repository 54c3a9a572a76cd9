//! Sound before pictures: a live presentation whose least pictures are too much for the network goes on as sound, where the
//! application prefers that to a stall; pictures are shown as far as they come.

use kinora_media::Time;

use super::Segmented;
use super::lane::LaneRole;
use crate::Role;
use crate::cx::Cx;
use crate::ingest::Buffer;

/// With less sound in the buffer no pictures are asked for.
const LEAST_SOUND: Time = Time::from_millis(2_000);

impl Segmented {
    /// Whether playback waits for the sound alone.
    pub(crate) fn prefers_sound(&self, cx: &Cx) -> bool {
        let separate = self.lane(LaneRole::Audio).is_some_and(|lane| !lane.ended);
        let begun = self.reported.is_some() && self.aim.is_none() && self.incoming.is_none();
        let least = self.variants.lesser().next().is_none();
        cx.config.prefer_audio && self.is_live() && separate && begun && least
    }

    /// The network is left to the sound.
    pub(super) fn leaves_network_to_sound(
        &self,
        cx: &Cx,
        buffer: &dyn Buffer,
        position: Time,
    ) -> bool {
        let hold_back = self.hold_back().unwrap_or(Time::ZERO);
        let least = LEAST_SOUND.min(hold_back.scale(0.5));
        self.prefers_sound(cx) && buffer.ahead_of(Role::Audio, position) < least
    }

    /// Pictures that are over are not read any more. `false`: there are none.
    pub(super) fn skip_late_pictures(&mut self, cx: &mut Cx, position: Time) -> bool {
        if !self.prefers_sound(cx) {
            return false;
        }
        let lane = self.lanes.iter_mut().find(|it| it.role == LaneRole::Main);
        let Some(lane) = lane else { return false };
        let late = lane.loader.at_hand();
        if late.is_none_or(|segment| segment.end() > position) {
            return false;
        }
        cx.tally.dropped += 1;
        lane.loader.skip(cx, &mut self.requests, position);
        true
    }
}
