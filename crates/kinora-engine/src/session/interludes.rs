//! The presentation while something else plays in its place: what it reads goes on, nothing of it is decoded or shown.

use kinora_media::{RequestId, Time};

use super::playback::{BufferingReason, Playback};
use super::{Session, Stage, Wishes};
use crate::cx::Cx;
use crate::interstitials::ScheduledInterstitial;
use crate::present::{Begin, earliest};

/// Whether something is played behind the presentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Postlude {
    /// Nothing.
    #[default]
    None,
    /// It is, once the end is reached.
    Planned,
    /// It is now.
    Due,
}

impl Session {
    /// Whether an answer of the network is for it.
    pub(crate) fn awaits(&self, id: RequestId) -> bool {
        let of_call = self.resolve.as_ref().is_some_and(|call| call.owns(id));
        of_call || self.subtitles.is_for(id) || self.ingest.awaits(id)
    }

    /// What the playlist wants to be played in between, where it has said something new.
    pub(crate) fn take_interstitials(&mut self) -> Option<Vec<ScheduledInterstitial>> {
        self.interstitials.take()
    }

    /// Where playback is, or will begin; `None`: that is not known.
    pub(crate) fn place(&self, mono: Time) -> Option<Time> {
        let is_known = self.present.begin.target().is_some() || self.present.start.is_some();
        match is_known {
            true => Some(self.position(mono)),
            false => self.ingest.begins_at(),
        }
    }

    /// When it will be at a time; `None`: it stands, or waits before it.
    pub(crate) fn when(&self, time: Time) -> Option<Time> {
        self.clock.when(time)
    }

    /// Everything until a time is there, or as much as ends a wait.
    pub(crate) fn is_buffered_until(&self, cx: &Cx, time: Time) -> bool {
        let position = self.clock.position(cx.mono());
        let wanted = (time - position).min(cx.config.high_buffer.into());
        self.supply.is_over() || self.pipelines.ahead(position) >= wanted
    }

    /// It was read ahead of its time, and is on.
    pub(crate) fn begin_read_ahead(&mut self, cx: &mut Cx, wishes: Wishes) {
        self.clock
            .set_rate(Wishes::audible(wishes.speed), cx.mono());
        // Epochs rise with what is decoded.
        let epoch = cx.next_epoch();
        for pipeline in self.pipelines.iter_mut() {
            pipeline.flush(cx, epoch);
        }
        self.stage = Stage::Opening {
            play: wishes.autoplay,
        };
    }

    pub(crate) fn postlude(&self) -> Postlude {
        self.postlude
    }

    /// Says whether something is played behind its end.
    pub(crate) fn plan_postlude(&mut self, wants: bool) {
        self.postlude = match (self.postlude, wants) {
            (_, false) => Postlude::None,
            (Postlude::Due, true) => Postlude::Due,
            (Postlude::None | Postlude::Planned, true) => Postlude::Planned,
        };
    }

    /// The end is reached. `true`: it is over only once something else was played.
    pub(super) fn awaits_postlude(&mut self, cx: &mut Cx) -> bool {
        if self.postlude == Postlude::None {
            return false;
        }
        self.postlude = Postlude::Due;
        self.hold_clock(cx);
        true
    }

    /// Something else takes its place: decoders and outputs are for that now.
    pub(crate) fn suspend(&mut self, cx: &mut Cx) {
        self.leave_scan(cx);
        if let Stage::Started(playback) = self.stage {
            playback.leave(cx);
            self.stage = Stage::Started(Playback::buffering(cx.mono(), BufferingReason::Seek));
        }
        self.hold_clock(cx);
        let epoch = cx.next_epoch();
        for pipeline in self.pipelines.iter_mut() {
            pipeline.flush(cx, epoch);
            pipeline.forget_decoder();
        }
        self.subtitles.hide(cx);
    }

    /// Nothing plays in its place any more.
    pub(crate) fn wake(&mut self, cx: &Cx, held: bool) {
        self.stage = match held {
            true => Stage::Paused,
            false => Stage::Started(Playback::buffering(cx.mono(), BufferingReason::Seek)),
        };
    }

    /// Goes on at a time, or at the border of a segment that is next to it; gives where.
    pub(crate) fn resume(&mut self, cx: &mut Cx, at: Time, at_border: bool, held: bool) -> Time {
        let at = match at_border {
            true => self.ingest.border_near(at),
            false => at,
        };
        let duration = self.info().and_then(|info| info.duration);
        let at = at.min(duration.unwrap_or(Time::MAX));
        let at = at.max(self.ingest.first_time());
        self.wake(cx, held);
        self.go_to(cx, Begin::Exact(at));
        at
    }

    /// What is played behind its end was played.
    pub(crate) fn conclude(&mut self, cx: &mut Cx, wishes: Wishes) {
        self.postlude = Postlude::None;
        self.finish(cx, true, wishes);
    }

    /// The next moment at which something must be done to read on.
    pub(crate) fn reading_deadline(&self, cx: &Cx) -> Option<Time> {
        earliest([
            self.ingest.deadline(cx),
            self.resolve.as_ref().and_then(|call| call.deadline(cx)),
            self.subtitles.deadline(cx),
        ])
    }
}
