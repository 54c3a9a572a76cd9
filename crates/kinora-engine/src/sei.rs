//! Messages within the video, until the picture is out that they came with.

use std::collections::VecDeque;

use kinora_media::bitstream::{UserData, user_data};
use kinora_media::{Packet, Time, TrackInfo};

use crate::cx::Cx;
use crate::queue::is_shown_by;
use crate::tape::NotedUserData;

/// So many messages wait; where more come the first are forgotten.
const MAX_WAITING: usize = 1_024;

/// Messages in the order of their pictures.
#[derive(Debug, Default)]
pub(crate) struct SeiQueue(VecDeque<(Time, UserData)>);

impl SeiQueue {
    /// Looks at a packet of video on its way to the decoder.
    pub(crate) fn look(&mut self, cx: &Cx, track: &TrackInfo, packet: &Packet) {
        if !cx.config.enable_sei || packet.flags.decode_only {
            return;
        }
        let look = || NotedUserData(user_data(track.codec, &track.config, &packet.data));
        let NotedUserData(found) = cx.tape.see("sei", look);
        for message in found {
            // Pictures come in the order of their decoding.
            let later = self.0.iter().rev().take_while(|(pts, _)| *pts > packet.pts);
            let place = self.0.len() - later.count();
            self.0.insert(place, (packet.pts, message));
        }
        let too_many = self.0.len().saturating_sub(MAX_WAITING);
        self.0.drain(..too_many);
    }

    /// A picture is the first that is out: messages before it are of what nobody saw.
    pub(crate) fn begin_with(&mut self, pts: Time) {
        self.0.retain(|(of, _)| !is_before(*of, pts));
    }

    /// The messages of a picture that is out, and of those before it that were left out.
    pub(crate) fn take_until(&mut self, pts: Time) -> Vec<(Time, UserData)> {
        let due = self.0.iter().take_while(|(of, _)| is_shown_by(*of, pts));
        let count = due.count();
        self.0.drain(..count).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Times are rounded: that of a picture is its own.
fn is_before(of: Time, pts: Time) -> bool {
    !is_shown_by(pts, of)
}
