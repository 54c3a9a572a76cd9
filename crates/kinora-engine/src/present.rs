//! Which frame goes out when: the first video frame at once, then each at its time by the media
//! clock; audio a little ahead of it.

use kinora_media::Time;

use crate::clock::Clock;
use crate::cx::Cx;
use crate::pipeline::{ReadyFrame, TrackPipeline};
use crate::pipelines::Pipelines;
use crate::queue::is_shown_by;
use crate::subtitles::Subtitles;
use crate::{Output, Role, TimingMark};

/// How a stretch of playback begins: at the start, or after a seek.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Begin {
    /// With whatever comes first.
    First,
    /// With the key frame before the time.
    KeyFrame(Time),
    /// At the very time; what comes before it is not shown.
    Exact(Time),
}

impl Begin {
    pub(crate) fn target(self) -> Option<Time> {
        match self {
            Self::First => None,
            Self::KeyFrame(time) | Self::Exact(time) => Some(time),
        }
    }

    /// The very time, where it begins at one.
    pub(crate) fn exact_target(self) -> Option<Time> {
        match self {
            Self::First | Self::KeyFrame(_) => None,
            Self::Exact(time) => Some(time),
        }
    }
}

/// The sink holds at most so much audio.
const AUDIO_HIGH: Time = Time::from_millis(400);
/// It is given more when it holds less than that.
const AUDIO_LOW: Time = Time::from_millis(300);
/// Audio that begins so much later than the last ended is not queued before its time.
const AUDIO_GAP: Time = Time::from_millis(200);
/// What begins so much later, when nothing of the other pipeline is left to play, is not waited for: its time is wrong.
pub(crate) const STRAY: Time = Time::from_millis(60_000);
/// Rounded timestamps may overlap so much; what overlaps more was heard already.
const AUDIO_OVERLAP: Time = Time::from_millis(5);
/// Audio behind a gap is queued so much before its time.
const AUDIO_LEAD: Time = Time::from_millis(20);
/// A video frame without a duration is taken to last so long.
const SHORT: Time = Time::from_millis(40);

/// Presentation of one stretch: from its begin to the next seek.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present {
    pub(crate) begin: Begin,
    /// Media time at which it begins, once it is known.
    pub(crate) start: Option<Time>,
    /// The sink knows that all its audio was given.
    audio_is_over: bool,
}

impl Present {
    pub(crate) fn new(begin: Begin) -> Self {
        Self {
            begin,
            start: begin.exact_target(),
            audio_is_over: false,
        }
    }

    /// Still waits for its first video frame.
    pub(crate) fn awaits_video(&self, pipelines: &Pipelines, position: Time) -> bool {
        let video = &pipelines.video;
        video.is_on()
            && video.presented == 0
            && !video.is_over()
            && !pipelines.has_gap(Role::Video, position)
            && !pipelines.may_lag(Role::Video)
    }

    /// Finds out where the stretch begins, as soon as that can be known.
    pub(crate) fn settle(&mut self, pipelines: &Pipelines, clock: &mut Clock, mono: Time) {
        let position = clock.position(mono);
        if self.start.is_some() || self.awaits_video(pipelines, position) {
            return;
        }
        let is_pending = |pipeline: &TrackPipeline| {
            pipeline.queue.first().is_none()
                && !pipeline.is_drained()
                && !pipelines.has_gap(pipeline.role, position)
        };
        let start = match self.begin {
            Begin::Exact(time) => Some(time),
            Begin::First if pipelines.awaited().any(is_pending) => None,
            Begin::First => {
                let first = pipelines.iter().filter_map(|it| it.queue.first()).min();
                first.or_else(|| pipelines.is_over().then_some(Time::ZERO))
            }
            // With video the first frame shown decides; see `first_video`.
            Begin::KeyFrame(time) => match pipelines.audio.queue.first() {
                Some(first) => Some(first.max(time)),
                None => pipelines.is_over().then_some(time),
            },
        };
        if let Some(start) = start {
            self.start = Some(start);
            clock.set(start, mono);
        }
    }

    /// The first video frame of the stretch goes out at once. Gives it when it did.
    pub(crate) fn first_video(
        &mut self,
        cx: &mut Cx,
        pipelines: &mut Pipelines,
        clock: &mut Clock,
        subtitles: &mut Subtitles,
    ) -> Option<ReadyFrame> {
        let video = &mut pipelines.video;
        if video.presented > 0 {
            return None;
        }
        if let Begin::Exact(target) = self.begin {
            drop_overtaken(cx, video, target);
            if !is_on_screen(video, target)? {
                return None;
            }
        }
        let frame = video.frames.pop_front()?;
        let at = cx.mono();
        subtitles.lay(cx, frame.pts);
        show(cx, video, frame, at);
        cx.mark(TimingMark::FirstDecoded);
        // Where the sound plays already it says where playback is.
        if let (Begin::KeyFrame(_), None) = (self.begin, self.start) {
            self.start = Some(frame.pts);
            clock.set(frame.pts, at);
        }
        Some(frame)
    }

    /// Shows the next video frame whatever its time, once the first one is out.
    pub(crate) fn next_video(&self, cx: &mut Cx, pipelines: &mut Pipelines) -> Option<ReadyFrame> {
        let video = &mut pipelines.video;
        if video.presented == 0 {
            return None;
        }
        let frame = video.frames.pop_front()?;
        let at = cx.mono();
        show(cx, video, frame, at);
        Some(frame)
    }

    /// Shows the next video frame that is due, or will be so soon that the output wants it now; drops those that a later one
    /// has overtaken.
    pub(crate) fn video(
        &self,
        cx: &mut Cx,
        pipelines: &mut Pipelines,
        clock: &Clock,
        subtitles: &mut Subtitles,
    ) -> Option<ReadyFrame> {
        let position = clock.position(cx.mono());
        while pipelines.video.presented > 0 && Self::is_stray(pipelines, Role::Video, position) {
            let frame = pipelines.video.frames.pop_front()?;
            cx.tally.dropped += 1;
            drop_frame(cx, Role::Video, frame);
        }
        let video = &mut pipelines.video;
        let is_due = |frame: &ReadyFrame| frame.pts <= position;
        while video.presented > 0 {
            let next = video.frames.front()?;
            let soon = clock.when(next.pts);
            if !is_due(next) && soon.is_none_or(|at| at > cx.mono() + cx.frames_ahead) {
                return None;
            }
            let frame = video.frames.pop_front()?;
            if video.frames.front().is_some_and(is_due) {
                cx.tally.dropped += 1;
                video.tail = Some(frame.pts + frame.duration);
                drop_frame(cx, Role::Video, frame);
                continue;
            }
            let late = (position - frame.pts).scale(1.0 / clock.rate());
            let at = cx.mono() - late;
            subtitles.lay(cx, frame.pts);
            show(cx, video, frame, at);
            return Some(frame);
        }
        None
    }

    /// Queues audio to the sink, a little ahead of the clock.
    pub(crate) fn audio(&mut self, cx: &mut Cx, pipelines: &mut Pipelines, clock: &Clock) {
        let Some(start) = self.start else { return };
        let position = clock.position(cx.mono());
        while let Some(frame) = pipelines.audio.frames.front().copied() {
            let stray = Self::is_stray(pipelines, Role::Audio, position);
            let audio = &mut pipelines.audio;
            let end = frame.pts + frame.duration;
            let tail = audio.tail.unwrap_or(start).max(start);
            let overlaps = audio.tail.is_some() && frame.pts + AUDIO_OVERLAP < tail;
            if end <= start || stray || overlaps && end <= tail + AUDIO_OVERLAP {
                audio.frames.pop_front();
                drop_frame(cx, Role::Audio, frame);
                continue;
            }
            let behind_gap = frame.pts > tail + gap(audio);
            if behind_gap && frame.pts > position + AUDIO_LEAD || tail - position >= AUDIO_HIGH {
                return;
            }
            audio.frames.pop_front();
            let shift = audio.shift();
            audio.tail = Some(end.max(tail));
            audio.presented += 1;
            self.audio_is_over = false;
            cx.mark(TimingMark::FirstDecoded);
            let at = cx.mono();
            cx.push(Output::Present {
                role: Role::Audio,
                frame: frame.id,
                at,
                skip_until: if overlaps { tail } else { start } - shift,
            });
        }
        let audio = &pipelines.audio;
        if !self.audio_is_over && audio.presented > 0 && audio.is_on() && audio.is_over() {
            self.audio_is_over = true;
            cx.push(Output::DrainAudio);
        }
    }

    /// Whether the frame that comes next of a pipeline lies so far ahead that nothing but it would be waited for.
    fn is_stray(pipelines: &Pipelines, role: Role, position: Time) -> bool {
        let others_are_out = || {
            let mut others = pipelines
                .gating()
                .filter(|other| other.role != role && other.presented > 0);
            others.any(|other| other.is_over() || pipelines.has_gap(other.role, position))
        };
        let next = pipelines[role].frames.front().map(|frame| frame.pts);
        next.is_some_and(|next| next > position + STRAY) && others_are_out()
    }

    /// How far the clock may run before more audio must be there.
    pub(crate) fn limit(&self, pipelines: &Pipelines, position: Time) -> Option<Time> {
        let audio = &pipelines.audio;
        let start = self.start?;
        if !audio.is_on() || audio.is_over() || pipelines.has_gap(Role::Audio, position) {
            return None;
        }
        let tail = audio.tail.unwrap_or(start).max(start);
        match audio.next_pts() {
            Some(next) if next > tail + gap(audio) => Some(next),
            _ => Some(tail),
        }
    }

    /// The next moment at which something of this is due.
    pub(crate) fn deadline(&self, cx: &Cx, pipelines: &Pipelines, clock: &Clock) -> Option<Time> {
        let video = match pipelines.video.frames.front() {
            Some(frame) if pipelines.video.presented > 0 => {
                clock.when(frame.pts).map(|at| at - cx.frames_ahead)
            }
            _ => None,
        };
        let audio = pipelines.audio.frames.front().and_then(|frame| {
            let audio = &pipelines.audio;
            let tail = audio.tail.or(self.start)?;
            if frame.pts > tail + gap(audio) {
                return clock.when(frame.pts - AUDIO_LEAD);
            }
            clock.when(tail - AUDIO_LOW)
        });
        earliest([video, audio])
    }
}

/// Audio that begins so much later than the last ended waits for its time: sound that is delayed begins at its very time.
fn gap(audio: &TrackPipeline) -> Time {
    match audio.presented == 0 && audio.shift() > Time::ZERO {
        true => AUDIO_LEAD,
        false => AUDIO_GAP,
    }
}

/// Gives back the video frames that others take the place of before a time.
fn drop_overtaken(cx: &mut Cx, video: &mut TrackPipeline, target: Time) {
    while let Some(next) = video.frames.get(1)
        && is_shown_by(next.pts, target)
        && let Some(frame) = video.frames.pop_front()
    {
        drop_frame(cx, Role::Video, frame);
    }
}

/// Gives a frame back unseen.
fn drop_frame(cx: &mut Cx, role: Role, frame: ReadyFrame) {
    cx.push(Output::Drop {
        role,
        frame: frame.id,
    });
}

/// Whether the first video frame that is there is on screen at a time: none that comes later takes its place before.
/// `None` while there is none.
fn is_on_screen(video: &TrackPipeline, target: Time) -> Option<bool> {
    let front = video.frames.front()?;
    let settled = || {
        let shown = video.queue.on_screen();
        shown.is_some_and(|shown| front.pts >= shown)
    };
    Some(
        !is_shown_by(front.pts, target)
            || video.frames.len() > 1
            || video.is_drained()
            || settled(),
    )
}

fn show(cx: &mut Cx, video: &mut TrackPipeline, frame: ReadyFrame, at: Time) {
    let lasts = if frame.duration > Time::ZERO {
        frame.duration
    } else {
        SHORT
    };
    video.tail = Some(frame.pts + lasts);
    if video.presented > 0 {
        // What was given ahead is shown by the output at its time.
        cx.tally.shown((cx.mono() - at).max(Time::ZERO));
    } else {
        cx.tally.shown(Time::ZERO);
    }
    video.presented += 1;
    cx.push(Output::Present {
        role: Role::Video,
        frame: frame.id,
        at,
        skip_until: Time::MIN,
    });
}

/// The earliest of the moments that are set.
pub(crate) fn earliest(moments: impl IntoIterator<Item = Option<Time>>) -> Option<Time> {
    moments.into_iter().flatten().min()
}
