//! Going to another time.

use kinora_container::{SeekMode, SeekTo};
use kinora_media::Time;

use super::playback::{BufferingReason, Playback};
use super::step::Steps;
use super::supply::Supply;
use super::{Session, Stage};
use crate::cx::Cx;
use crate::ingest::Sought;
use crate::pipeline::AUDIO_RUN_UP;
use crate::pipelines::Pipelines;
use crate::present::{Begin, Present};
use crate::{Event, Output, SeekAccuracy, State};

impl Session {
    /// Goes to a time. An earlier seek that has not ended is forgotten: only the newest one ends.
    pub(crate) fn seek(&mut self, cx: &mut Cx, target: Time, accuracy: SeekAccuracy) {
        let duration = self.info().and_then(|info| info.duration);
        let target = target
            .min(duration.unwrap_or(Time::MAX))
            .max(self.ingest.first_time());
        let begin = match accuracy {
            SeekAccuracy::KeyFrame => Begin::KeyFrame(target),
            SeekAccuracy::Exact => Begin::Exact(target),
        };
        self.leave_scan(cx);
        self.awaited.seek(target);
        self.timed.jump();
        if let Stage::Opening { .. } = self.stage {
            self.begin_with(cx, begin);
            self.seek_in_ingest(cx, target);
            self.clock.set(target, cx.mono());
            return;
        }
        self.go_to(cx, begin);
        if self.stage == Stage::Completed {
            self.stage = Stage::Started(Playback::buffering(cx.mono(), BufferingReason::Seek));
            cx.event(Event::StateChanged {
                old: State::Completion,
                new: State::Started,
            });
        }
    }

    /// From the beginning again.
    pub(crate) fn restart(&mut self, cx: &mut Cx) {
        self.leave_scan(cx);
        self.timed.jump();
        self.go_to(cx, Begin::First);
    }

    pub(crate) fn go_to(&mut self, cx: &mut Cx, begin: Begin) {
        if begin.exact_target().is_some_and(|it| self.leads_to(it)) {
            return self.go_on(cx, begin);
        }
        self.go_by(cx, begin, |session, cx, target| {
            if session.rewind(target) {
                return session.ingest.rewound(cx, target);
            }
            for pipeline in session.pipelines.iter_mut() {
                pipeline.queue.clear();
            }
            session.seek_in_ingest(cx, target);
        });
    }

    /// A new stretch begins: its first frame is looked for.
    pub(super) fn begin_with(&mut self, cx: &Cx, begin: Begin) {
        self.present = Present::new(begin);
        self.steps = Steps::default();
        let exactly = begin.exact_target();
        for pipeline in self.pipelines.iter_mut() {
            pipeline.begin(exactly);
        }
        // Where nobody asked for another time, the same picture is to be seen as before.
        self.pipelines.video.max_run_up = match self.awaited.target() {
            Some(_) => cx.config.max_accurate_seek_delta.into(),
            None => Time::MAX,
        };
    }

    /// Goes to a time; `find` sees to it that its packets come.
    pub(crate) fn go_by(
        &mut self,
        cx: &mut Cx,
        begin: Begin,
        find: impl FnOnce(&mut Self, &mut Cx, Time),
    ) {
        self.jump(cx, begin, find);
        self.wait_for_sought(cx);
    }

    /// The same, whatever is played on to.
    pub(super) fn jump(
        &mut self,
        cx: &mut Cx,
        begin: Begin,
        find: impl FnOnce(&mut Self, &mut Cx, Time),
    ) {
        let target = begin.target().unwrap_or(Time::ZERO);
        let epoch = cx.next_epoch();
        self.hold_clock(cx);
        for pipeline in self.pipelines.iter_mut() {
            pipeline.flush(cx, epoch);
        }
        self.subtitles.restart();
        self.begin_with(cx, begin);
        find(self, cx, target);
        self.clock.set(target, cx.mono());
    }

    /// What plays goes on once what is looked for is there.
    fn wait_for_sought(&mut self, cx: &mut Cx) {
        if let Stage::Started(playback) = self.stage {
            playback.leave(cx);
            self.stage = Stage::Started(Playback::buffering(cx.mono(), BufferingReason::Seek));
        }
    }

    /// Whether a time is reached soonest by decoding on, with all that it needs there.
    fn leads_to(&self, target: Time) -> bool {
        let Pipelines { video, audio, .. } = &self.pipelines;
        let has_sound = || !audio.is_on() || audio.queue.covers(target - AUDIO_RUN_UP);
        video.leads_to(target) && has_sound()
    }

    /// Goes to a time that is reached by decoding on: pictures before it are passed over, the sound begins anew.
    fn go_on(&mut self, cx: &mut Cx, begin: Begin) {
        let target = begin.target().unwrap_or(Time::ZERO);
        let epoch = cx.next_epoch();
        self.hold_clock(cx);
        let Pipelines { video, audio, .. } = &mut self.pipelines;
        video.go_on();
        cx.push(Output::Recall);
        audio.flush(cx, epoch);
        audio.queue.rewind_to(target - AUDIO_RUN_UP);
        self.begin_with(cx, begin);
        self.ingest.rewound(cx, target);
        self.clock.set(target, cx.mono());
        self.wait_for_sought(cx);
    }

    /// A seek to a time for which too much would have to be decoded shows the key frame before it.
    pub(super) fn limit_run_up(&mut self, cx: &mut Cx) {
        let Some(target) = self.present.begin.exact_target() else {
            return;
        };
        if !self.pipelines.video.runs_up_too_far(self.supply.is_over()) {
            return;
        }
        // A key frame that is nearer may be on its way.
        let position = self.clock.position(cx.mono());
        let is_nearest = self.pipelines.video.queue.is_settled()
            || self.supply.is_over()
            || self
                .pipelines
                .is_full(position, cx.config.max_buffer.into());
        if is_nearest {
            self.go_to(cx, Begin::KeyFrame(target));
        }
    }

    /// Tries to serve a seek from the packets that are there.
    fn rewind(&mut self, target: Time) -> bool {
        let Pipelines { video, audio, .. } = &mut self.pipelines;
        let from = match video.is_on() {
            true => match video.queue.key_before(target) {
                Some(key) => key,
                None => return false,
            },
            false => target,
        };
        if audio.is_on() && !audio.queue.covers(from) {
            return false;
        }
        video.queue.rewind_to_key(target);
        audio.queue.rewind_to(from);
        true
    }

    pub(super) fn seek_in_ingest(&mut self, cx: &mut Cx, target: Time) {
        if let Supply::Opening { seek_to } = &mut self.supply {
            *seek_to = Some(target);
            return;
        }
        self.supply = Supply::Flowing;
        self.decrypt.clear();
        self.subtitles.interrupt();
        let (accuracy, mode) = match self.present.begin {
            Begin::Exact(_) => (SeekAccuracy::Exact, SeekMode::Exact),
            Begin::First | Begin::KeyFrame(_) => (SeekAccuracy::KeyFrame, SeekMode::Before),
        };
        let to = SeekTo { time: target, mode };
        if self.ingest.seek(cx, to, accuracy) == Sought::FromStart {
            for pipeline in self.pipelines.iter_mut() {
                pipeline.discard_before = Some(target);
            }
        }
    }
}
