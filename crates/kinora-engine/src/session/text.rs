//! The text beside picture and sound.

use kinora_errors::Secret;
use kinora_media::Time;

use super::{Session, Stage};
use crate::Refusal;
use crate::cx::Cx;

impl Session {
    pub(crate) fn add_subtitle(&mut self, cx: &mut Cx, url: Secret) -> Result<(), Refusal> {
        self.subtitles.add(cx, url)
    }

    pub(crate) fn select_subtitle(&mut self, index: u32, on: bool) -> Result<(), Refusal> {
        self.subtitles.select(index, on)
    }

    pub(crate) fn delay_subtitle(&mut self, index: u32, delay: Time) -> Result<(), Refusal> {
        self.subtitles.set_delay(index, delay)
    }

    /// Cues appear and go with the picture that is out: while the one of a seek is waited for, what was shown stays.
    pub(super) fn show_subtitles(&mut self, cx: &mut Cx) {
        if let Some(position) = self.out_position(cx.mono()) {
            self.subtitles.show(cx, position);
        }
    }

    pub(super) fn cue_deadline(&self, cx: &Cx) -> Option<Time> {
        let position = self.out_position(cx.mono())?;
        let change = self.subtitles.next_change(position)?;
        self.clock.when(change)
    }

    /// Where the picture and the sound are that are out; `None` while those of a new stretch are on their way.
    fn out_position(&self, mono: Time) -> Option<Time> {
        let position = self.clock.position(mono);
        let is_out = !matches!(self.stage, Stage::Opening { .. })
            && self.present.start.is_some()
            && !self.awaited.is_pending()
            && !self.present.awaits_video(&self.pipelines, position);
        is_out.then_some(position)
    }
}
