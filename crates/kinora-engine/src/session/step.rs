//! Pictures one by one.

use super::{Session, Stage};
use crate::cx::Cx;
use crate::present::Begin;
use crate::{Event, Refusal};

/// So many steps may wait for their pictures.
const MOST: u32 = 64;

/// Steps from picture to picture while playback is held.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steps {
    /// Asked for, and not done: their pictures are on their way.
    wanted: u32,
    /// The picture is ahead of the sound that the output holds.
    pub(super) taken: bool,
}

impl Session {
    /// Shows the next picture and holds there.
    pub(crate) fn step(&mut self, cx: &mut Cx) -> Result<(), Refusal> {
        match self.stage {
            Stage::Opening { .. } => return Err(Refusal::NotPrepared),
            _ if !self.pipelines.video.is_on() => return Err(Refusal::NoPictures),
            // No picture follows the last one.
            Stage::Completed => return Ok(()),
            Stage::Started(_) => self.pause(cx),
            Stage::Prepared | Stage::Paused => {}
        }
        self.steps.wanted = (self.steps.wanted + 1).min(MOST);
        Ok(())
    }

    /// Does the steps whose pictures are there.
    pub(super) fn show_steps(&mut self, cx: &mut Cx) {
        if !matches!(self.stage, Stage::Prepared | Stage::Paused) {
            return;
        }
        while self.steps.wanted > 0
            && let Some(frame) = self.present.next_video(cx, &mut self.pipelines)
        {
            self.steps.wanted -= 1;
            self.steps.taken = true;
            self.clock.set(frame.pts, cx.mono());
            self.picture_out(cx, frame);
            cx.event(Event::Position(frame.pts));
        }
        if self.pipelines.video.is_over() {
            self.steps.wanted = 0;
        }
    }

    /// Plays on from the picture that is out: the sound is fetched there.
    pub(super) fn go_on_from_step(&mut self, cx: &mut Cx) {
        if self.steps.taken {
            let position = self.clock.position(cx.mono());
            self.go_to(cx, Begin::Exact(position));
        }
        self.steps = Steps::default();
    }
}
