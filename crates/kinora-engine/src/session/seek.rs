//! Going to another time.

use kinora_container::{SeekMode, SeekTo};
use kinora_media::Time;

use super::{Session, Stage};
use crate::cx::Cx;
use crate::ingest::Sought;
use crate::line::Lines;
use crate::present::{Begin, Present};
use crate::session::motion::{Motion, Why};
use crate::{Event, SeekAccuracy, State};

impl Session {
    /// Goes to a time. An earlier seek that has not ended is forgotten: only the newest one ends.
    pub(crate) fn seek(&mut self, cx: &mut Cx, target: Time, accuracy: SeekAccuracy) {
        let duration = self.info.as_ref().and_then(|info| info.duration);
        let target = target
            .min(duration.unwrap_or(Time::MAX))
            .max(self.ingest.first_time());
        let begin = match accuracy {
            SeekAccuracy::KeyFrame => Begin::KeyFrame(target),
            SeekAccuracy::Exact => Begin::Exact(target),
        };
        self.seeking = Some(target);
        if let Stage::Preparing { .. } = self.stage {
            self.begin_with(begin);
            self.seek_on_headers = Some(target);
            self.clock.set(target, cx.mono());
            return;
        }
        self.go_to(cx, begin);
        if self.stage == Stage::Completed {
            self.stage = Stage::Started(Motion::waiting(cx.mono(), Why::Seek));
            cx.event(Event::StateChanged {
                old: State::Completion,
                new: State::Started,
            });
        }
    }

    /// From the beginning again.
    pub(crate) fn restart(&mut self, cx: &mut Cx) {
        self.go_to(cx, Begin::First);
    }

    pub(crate) fn go_to(&mut self, cx: &mut Cx, begin: Begin) {
        self.go_by(cx, begin, |session, cx, target| {
            if !session.rewind(target) {
                for line in session.lines.each() {
                    line.queue.clear();
                }
                session.seek_in_ingest(cx, target);
            }
        });
    }

    /// A new stretch begins: its first picture is looked for.
    pub(super) fn begin_with(&mut self, begin: Begin) {
        self.present = Present::new(begin);
        self.lines.video.queue.aim(match begin {
            Begin::Exact(target) => Some(target),
            Begin::First | Begin::KeyFrame(_) => None,
        });
    }

    /// Goes to a time; `find` sees to it that its packets come.
    pub(crate) fn go_by(
        &mut self,
        cx: &mut Cx,
        begin: Begin,
        find: impl FnOnce(&mut Self, &mut Cx, Time),
    ) {
        let target = begin.target().unwrap_or(Time::ZERO);
        self.epoch = cx.next_epoch();
        let epoch = self.epoch;
        self.clock.hold(cx.mono());
        self.run_sink(cx, false);
        for line in self.lines.each() {
            line.flush(cx, epoch);
        }
        self.begin_with(begin);
        find(self, cx, target);
        self.clock.set(target, cx.mono());
        if let Stage::Started(motion) = self.stage {
            motion.leave(cx);
            self.stage = Stage::Started(Motion::waiting(cx.mono(), Why::Seek));
        }
    }

    /// Tries to serve a seek from the packets that are there.
    fn rewind(&mut self, target: Time) -> bool {
        let Lines { video, audio, .. } = &mut self.lines;
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
        self.ended = false;
        self.doom = None;
        self.decrypt.clear();
        let accuracy = match self.present.begin {
            Begin::Exact(_) => SeekAccuracy::Exact,
            Begin::First | Begin::KeyFrame(_) => SeekAccuracy::KeyFrame,
        };
        let to = SeekTo {
            time: target,
            mode: SeekMode::Before,
        };
        if self.ingest.seek(cx, to, accuracy) == Sought::FromStart {
            for line in self.lines.each() {
                line.gate = Some(target);
            }
        }
    }
}
