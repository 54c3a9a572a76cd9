//! What is out: pictures, sound, and the time that is told.

use kinora_media::Time;

use super::Session;
use crate::cx::Cx;
use crate::line::Waiting;
use crate::{AudioClock, Event, Output};

impl Session {
    pub(super) fn show(&mut self, cx: &mut Cx) {
        let was_waiting = self.seeking.is_some() || !self.first_frame;
        if let Some(frame) = self
            .present
            .first_picture(cx, &mut self.lines, &mut self.clock)
        {
            self.pictured(cx, frame);
            self.first_out(cx, frame.pts);
        }
        self.present.settle(&self.lines, &mut self.clock, cx.mono());
        if self.is_moving()
            && let Some(frame) = self.present.pictures(cx, &mut self.lines, &self.clock)
        {
            self.pictured(cx, frame);
        }
        self.present.sound(cx, &mut self.lines, &self.clock);
        let position = self.clock.position(cx.mono());
        let limit = self.present.limit(&self.lines, position);
        self.clock.set_limit(limit, cx.mono());
        if was_waiting
            && let Some(start) = self.present.start
            && !self.present.awaits_picture(&self.lines, position)
            && (self.lines.audio.presented > 0 || self.lines.is_over())
            && self.lines.video.presented == 0
        {
            // No picture will come for this: the sound answers.
            self.first_out(cx, start);
        }
    }

    fn pictured(&mut self, cx: &mut Cx, frame: Waiting) {
        if let Some((width, height)) = frame.size
            && self.size != frame.size
        {
            self.size = frame.size;
            cx.event(Event::VideoSize { width, height });
        }
    }

    fn first_out(&mut self, cx: &mut Cx, pts: Time) {
        if !self.first_frame && (self.lines.video.presented > 0 || self.lines.audio.presented > 0) {
            self.first_frame = true;
            cx.event(Event::FirstFrame { pts });
        }
        if let Some(target) = self.seeking.take() {
            cx.event(Event::SeekEnd { target, pts });
        }
    }

    pub(super) fn sound_is_at(&mut self, cx: &mut Cx, report: AudioClock) {
        if report.running && self.sink_runs {
            self.clock.correct(report.position, cx.mono());
        }
    }

    pub(crate) fn run_sink(&mut self, cx: &mut Cx, run: bool) {
        if self.sink_runs != run {
            self.sink_runs = run;
            cx.push(if run {
                Output::RunAudio
            } else {
                Output::HoldAudio
            });
        }
    }

    pub(crate) fn position(&self, mono: Time) -> Time {
        // Sound that begins before the first picture has negative times.
        let position = self.seeking.unwrap_or_else(|| self.clock.position(mono));
        position.max(Time::ZERO)
    }

    pub(crate) fn buffered(&self, mono: Time) -> Time {
        let position = self.position(mono);
        let end = self
            .lines
            .video
            .queue
            .end()
            .max(self.lines.audio.queue.end());
        match end {
            Some(end) if self.ended => end.max(position),
            _ => position + self.lines.ahead(position),
        }
    }
}
