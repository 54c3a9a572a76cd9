//! What is out: video frames, audio, and the position that is reported.

use kinora_media::Time;

use super::Session;
use crate::cx::Cx;
use crate::pipeline::ReadyFrame;
use crate::{AudioClock, Event};

/// What the next first frame of a stretch is the answer to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Awaited {
    /// To the presentation's start; and to a seek, where one was asked for before.
    FirstFrame { seek: Option<Time> },
    /// To a seek.
    Seek { target: Time },
    /// It is out.
    Nothing,
}

impl Awaited {
    /// A seek was asked for; one before it is forgotten.
    pub(super) fn seek(&mut self, target: Time) {
        *self = match self {
            Self::FirstFrame { .. } => Self::FirstFrame { seek: Some(target) },
            Self::Seek { .. } | Self::Nothing => Self::Seek { target },
        };
    }

    /// The seek that is not answered yet leads there.
    pub(super) fn target(self) -> Option<Time> {
        match self {
            Self::FirstFrame { seek } => seek,
            Self::Seek { target } => Some(target),
            Self::Nothing => None,
        }
    }

    /// The seek is answered; gives its target.
    pub(super) fn answer_seek(&mut self) -> Option<Time> {
        let target = self.target();
        *self = match self {
            Self::FirstFrame { .. } => Self::FirstFrame { seek: None },
            Self::Seek { .. } | Self::Nothing => Self::Nothing,
        };
        target
    }

    /// The first frame of the presentation is out; what else it answers stays.
    fn answer_first(&mut self) {
        if let Self::FirstFrame { seek } = *self {
            *self = seek.map_or(Self::Nothing, |target| Self::Seek { target });
        }
    }

    pub(super) fn is_first_frame(self) -> bool {
        matches!(self, Self::FirstFrame { .. })
    }

    pub(super) fn is_pending(self) -> bool {
        self != Self::Nothing
    }
}

impl Session {
    pub(super) fn show(&mut self, cx: &mut Cx) {
        let was_awaited = self.awaited.is_pending();
        if let Some(frame) = self.present.first_video(
            cx,
            &mut self.pipelines,
            &mut self.clock,
            &mut self.subtitles,
        ) {
            self.picture_out(cx, frame);
            self.first_out(cx, frame.pts);
        }
        self.show_steps(cx);
        self.present
            .settle(&self.pipelines, &mut self.clock, cx.mono());
        while self.is_running()
            && let Some(frame) =
                self.present
                    .video(cx, &mut self.pipelines, &self.clock, &mut self.subtitles)
        {
            self.picture_out(cx, frame);
        }
        // Behind a step the output holds sound of before it: what follows is fetched anew.
        if !self.steps.taken && !self.is_scanning() {
            self.present.audio(cx, &mut self.pipelines, &self.clock);
        }
        let position = self.clock.position(cx.mono());
        let limit = self.present.limit(&self.pipelines, position);
        self.clock.set_limit(limit, cx.mono());
        if was_awaited
            && let Some(start) = self.present.start
            && !self.present.awaits_video(&self.pipelines, position)
            && (self.pipelines.audio.presented > 0 || self.pipelines.is_over())
            && self.pipelines.video.presented == 0
        {
            // No video frame will come for this: the audio answers.
            self.first_out(cx, start);
        }
    }

    /// A picture is out: its size is told, and what it came with.
    pub(super) fn picture_out(&mut self, cx: &mut Cx, frame: ReadyFrame) {
        self.note_size(cx, frame);
        let video = &mut self.pipelines.video;
        if video.presented == 1 {
            video.sei.begin_with(frame.pts);
        }
        for (pts, data) in video.sei.take_until(frame.pts) {
            cx.event(Event::Sei { pts, data });
        }
    }

    fn note_size(&mut self, cx: &mut Cx, frame: ReadyFrame) {
        if let Some((width, height)) = frame.size
            && self.video_size != frame.size
        {
            self.video_size = frame.size;
            cx.event(Event::VideoSize { width, height });
        }
    }

    fn first_out(&mut self, cx: &mut Cx, pts: Time) {
        let is_out = self.pipelines.iter().any(|pipeline| pipeline.presented > 0);
        if self.awaited.is_first_frame() && is_out {
            self.awaited.answer_first();
            cx.event(Event::FirstFrame { pts });
            cx.started_up();
        }
        if let Some(target) = self.awaited.answer_seek() {
            cx.event(Event::SeekEnd { target, pts });
        }
    }

    pub(super) fn audio_is_at(&mut self, cx: &mut Cx, report: AudioClock) {
        if report.running {
            let position = report.position + self.pipelines.audio.shift();
            self.clock.correct(position, report.at, cx.mono());
        }
    }

    /// Sound is to be heard that much later than its pictures are seen. It plays on; the pictures wait for it or leave some out.
    pub(crate) fn follow_audio_delay(&mut self, cx: &Cx) {
        let audio = &mut self.pipelines.audio;
        let more = audio.set_shift(cx.audio_delay);
        if audio.presented > 0 && !audio.is_over() {
            let position = self.clock.position(cx.mono());
            self.clock.set(position + more, cx.mono());
        }
    }

    /// The date of what plays, ms since 1970, where it is told.
    pub(crate) fn program_date_ms(&self, mono: Time) -> Option<i64> {
        self.ingest.date_of(self.position(mono))
    }

    pub(crate) fn position(&self, mono: Time) -> Time {
        // Audio that begins before the first video frame has negative times.
        let position = self
            .awaited
            .target()
            .or_else(|| self.scan_position(mono))
            .unwrap_or_else(|| self.clock.position(mono));
        position.max(Time::ZERO)
    }

    pub(crate) fn buffered(&self, mono: Time) -> Time {
        let position = self.position(mono);
        let end = self
            .pipelines
            .video
            .queue
            .end()
            .max(self.pipelines.audio.queue.end());
        match end {
            Some(end) if self.supply.is_ended() => end.max(position),
            _ => position + self.pipelines.ahead(position),
        }
    }
}
