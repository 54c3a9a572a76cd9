//! A part that is played again and again.

use kinora_media::Time;

use super::Session;
use crate::cx::Cx;
use crate::present::Begin;
use crate::{Event, Refusal, Repeat};

/// No part is repeated that lasts less: each time costs a seek.
const SHORTEST: Time = Time::from_millis(100);

impl Session {
    pub(crate) fn set_repeat(
        &mut self,
        cx: &mut Cx,
        repeat: Option<Repeat>,
    ) -> Result<(), Refusal> {
        if let Some(Repeat { from, to }) = repeat {
            if self.is_live() {
                return Err(Refusal::Live);
            }
            let end = self.info().and_then(|info| info.duration);
            let begins_within = from >= Time::ZERO && end.is_none_or(|end| from < end);
            if !begins_within || to < from + SHORTEST {
                return Err(Refusal::RepeatOutOfRange);
            }
        }
        self.repeat = repeat;
        self.repeat_if_due(cx);
        Ok(())
    }

    /// Goes back to the start of the part once its end is reached.
    pub(super) fn repeat_if_due(&mut self, cx: &mut Cx) {
        let position = self.clock.position(cx.mono());
        let due = self.repeat.filter(|repeat| position >= repeat.to);
        if let Some(repeat) = due.filter(|_| self.is_running()) {
            self.begin_again(cx, repeat);
        }
    }

    /// The source ends before the part does. A part of which nothing played is not begun again for ever.
    pub(super) fn repeats_at_the_end(&mut self, cx: &mut Cx) -> bool {
        let played = self.pipelines.iter().any(|pipeline| pipeline.presented > 0);
        let position = self.clock.position(cx.mono());
        let due = self
            .repeat
            .filter(|repeat| played && position >= repeat.from + SHORTEST);
        if let Some(repeat) = due {
            self.begin_again(cx, repeat);
        }
        due.is_some()
    }

    fn begin_again(&mut self, cx: &mut Cx, repeat: Repeat) {
        self.go_to(cx, Begin::Exact(repeat.from));
        cx.event(Event::RepeatStart { from: repeat.from });
    }

    pub(super) fn repeat_deadline(&self) -> Option<Time> {
        self.clock.when(self.repeat?.to)
    }

    /// Packets from there on are kept: as far back as the settings say, and the part that is repeated, where it is no longer
    /// than what may be buffered.
    pub(super) fn kept_from(&self, cx: &Cx) -> Time {
        let position = self.clock.position(cx.mono());
        let keep = position - cx.max_backward_buffer();
        let most = cx.max_buffer();
        let repeated = self.repeat.filter(|it| it.to - it.from <= most);
        repeated.map_or(keep, |it| keep.min(it.from))
    }
}
