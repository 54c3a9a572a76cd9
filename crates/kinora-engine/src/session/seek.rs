//! Going to another time.

use kinora_container::{SeekMode, SeekTo};
use kinora_media::Time;

use super::playback::{BufferingReason, Playback};
use super::step::Steps;
use super::supply::Supply;
use super::{Session, Stage};
use crate::cx::Cx;
use crate::ingest::Sought;
use crate::pipelines::Pipelines;
use crate::present::{Begin, Present};
use crate::{Event, SeekAccuracy, State};

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
            self.begin_with(begin);
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
    pub(super) fn begin_with(&mut self, begin: Begin) {
        self.present = Present::new(begin);
        self.steps = Steps::default();
        let exactly = begin.exact_target();
        for pipeline in self.pipelines.iter_mut() {
            pipeline.begin(exactly);
        }
    }

    /// Goes to a time; `find` sees to it that its packets come.
    pub(crate) fn go_by(
        &mut self,
        cx: &mut Cx,
        begin: Begin,
        find: impl FnOnce(&mut Self, &mut Cx, Time),
    ) {
        self.jump(cx, begin, find);
        if let Stage::Started(playback) = self.stage {
            playback.leave(cx);
            self.stage = Stage::Started(Playback::buffering(cx.mono(), BufferingReason::Seek));
        }
    }

    /// The same, whatever is played on to.
    pub(super) fn jump(
        &mut self,
        cx: &mut Cx,
        begin: Begin,
        find: impl FnOnce(&mut Self, &mut Cx, Time),
    ) {
        let target = begin.target().unwrap_or(Time::ZERO);
        self.epoch = cx.next_epoch();
        let epoch = self.epoch;
        self.hold_clock(cx);
        for pipeline in self.pipelines.iter_mut() {
            pipeline.flush(cx, epoch);
        }
        self.subtitles.restart();
        self.begin_with(begin);
        find(self, cx, target);
        self.clock.set(target, cx.mono());
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
