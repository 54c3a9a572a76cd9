//! The picture of the time that is pointed at on the seek bar.

use kinora_media::Time;
use kinora_output::ScaleMode;

use super::{Action, Controls, Effect};
use crate::status::Thumbnail;

/// Its room, at a scale of one.
const ROOM: (f32, f32) = (160.0, 90.0);

impl Controls {
    /// Asks for the picture of the time that is pointed at, where the one at hand is of another.
    pub(super) fn ask_thumbnail(&mut self) -> Option<Effect> {
        let (_, time) = self.pointed_time()?;
        let is_here = self.thumbnail.as_ref().is_some_and(|it| is_of(it, time));
        if is_here || self.asked.replace(time) == Some(time) {
            return None;
        }
        Some(Effect::Want(Action::Thumbnail(time)))
    }

    pub(super) fn take_thumbnail(&mut self, thumbnail: Thumbnail) {
        let side = |length: f32| {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "`as` saturates"
            )]
            let side = (length * self.scale).round() as u32;
            side.max(1)
        };
        let image = thumbnail.image;
        let room = (side(ROOM.0), side(ROOM.1));
        let (width, height) = ScaleMode::Fit.size((image.width, image.height), room);
        self.thumbnail = Some(Thumbnail {
            image: image.scaled(width, height),
            ..thumbnail
        });
    }

    /// Something else plays.
    pub(super) fn forget_thumbnail(&mut self) {
        (self.thumbnail, self.asked) = (None, None);
    }

    /// The picture over the time that is pointed at. Until that one is there the last one stays, so that nothing flickers.
    pub(crate) fn shown_thumbnail(&self) -> Option<&Thumbnail> {
        self.pointed_time().and(self.thumbnail.as_ref())
    }
}

fn is_of(thumbnail: &Thumbnail, time: Time) -> bool {
    thumbnail.from <= time && time < thumbnail.to
}
