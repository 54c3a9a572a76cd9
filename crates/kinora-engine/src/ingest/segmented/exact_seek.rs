//! An exact seek begins with the picture that is on screen then. By the playlist, whose durations are rounded
//! (RFC 8216 4.3.2.1), that may seem to lie in the segment behind the one that holds it.

use kinora_media::{Packet, Time, TrackKind};

use super::Segmented;
use crate::cx::Cx;
use crate::ingest::Buffer;
use crate::queue::is_shown_by;

/// Audio that comes before the first picture of a segment, which decides.
const MAX_HELD: usize = 512;
/// So many segments earlier it is looked: some playlists tell durations that are far from the truth.
const MAX_STEPS: u32 = 8;

/// A seek whose first picture has not come yet.
#[derive(Debug)]
pub(super) struct ExactSeek {
    target: Time,
    held: Vec<Packet>,
    steps: u32,
}

impl ExactSeek {
    pub(super) fn at(target: Time) -> Self {
        Self {
            target,
            held: Vec::new(),
            steps: 0,
        }
    }
}

impl Segmented {
    /// Takes a packet of the main playlist. What comes first after an exact seek waits for the first picture: where that
    /// is shown only after the target, it begins a segment earlier.
    pub(super) fn arrived(&mut self, cx: &mut Cx, buffer: &mut dyn Buffer, packet: Packet) {
        let Some(mut exact_seek) = self.exact_seek.take() else {
            return self.push(cx, buffer, packet);
        };
        let info = self.main_info.as_ref();
        let pictures = info.and_then(|info| info.first(TrackKind::Video));
        let is_picture = pictures.map(|track| track.id == packet.track);
        if is_picture == Some(false) && exact_seek.held.len() < MAX_HELD {
            exact_seek.held.push(packet);
            self.exact_seek = Some(exact_seek);
            return;
        }
        let late = is_picture == Some(true) && !is_shown_by(packet.pts, exact_seek.target);
        let main = self
            .main
            .as_mut()
            .filter(|_| late && exact_seek.steps < MAX_STEPS);
        if main.is_some_and(|main| main.step_back(cx)) {
            exact_seek.held.clear();
            exact_seek.steps += 1;
            self.exact_seek = Some(exact_seek);
            return;
        }
        for held in exact_seek.held {
            self.push(cx, buffer, held);
        }
        self.push(cx, buffer, packet);
    }
}
