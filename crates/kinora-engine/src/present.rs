//! Which frame goes out when: the first picture at once, then each at its time by the media
//! clock; sound a little ahead of it.

use kinora_media::Time;

use crate::clock::Clock;
use crate::cx::Cx;
use crate::line::{Line, Lines, Waiting};
use crate::queue::is_shown_by;
use crate::{Output, Slot, TimingMark};

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
}

/// The sink holds at most so much sound.
const SOUND_HIGH: Time = Time::from_millis(400);
/// It is given more when it holds less than that.
const SOUND_LOW: Time = Time::from_millis(300);
/// Sound that begins so much later than the last ended is not queued before its time.
const SOUND_GAP: Time = Time::from_millis(200);
/// Sound that begins so much later, when all pictures are through, is not waited for: its time is wrong.
const SOUND_STRAY: Time = Time::from_millis(60_000);
/// Rounded timestamps may overlap so much; what overlaps more sounded already.
const SOUND_OVERLAP: Time = Time::from_millis(5);
/// Sound behind a gap is queued so much before its time.
const SOUND_LEAD: Time = Time::from_millis(20);
/// A picture without a duration is taken to last so long.
const SHORT: Time = Time::from_millis(40);

/// Presentation of one stretch: from its begin to the next seek.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present {
    pub(crate) begin: Begin,
    /// Media time at which it begins, once it is known.
    pub(crate) start: Option<Time>,
    /// The sink knows that all its sound was given.
    sound_is_over: bool,
}

impl Present {
    pub(crate) fn new(begin: Begin) -> Self {
        let start = match begin {
            Begin::Exact(time) => Some(time),
            _ => None,
        };
        Self {
            begin,
            start,
            sound_is_over: false,
        }
    }

    /// Still waits for its first picture.
    pub(crate) fn awaits_picture(&self, lines: &Lines, position: Time) -> bool {
        let video = &lines.video;
        video.is_on()
            && video.presented == 0
            && !video.is_over()
            && !lines.has_gap(Slot::Video, position)
    }

    /// Finds out where the stretch begins, as soon as that can be known.
    pub(crate) fn settle(&mut self, lines: &Lines, clock: &mut Clock, mono: Time) {
        let position = clock.position(mono);
        if self.start.is_some() || self.awaits_picture(lines, position) {
            return;
        }
        let first = |line: &Line| line.queue.first();
        let pending = |line: &Line| {
            line.is_on()
                && first(line).is_none()
                && !line.is_drained()
                && !lines.has_gap(line.slot, position)
        };
        let start = match self.begin {
            Begin::Exact(time) => Some(time),
            Begin::First if pending(&lines.video) || pending(&lines.audio) => None,
            Begin::First => [first(&lines.video), first(&lines.audio)]
                .into_iter()
                .flatten()
                .min(),
            // With pictures the first one shown decides; see `picture`.
            Begin::KeyFrame(time) => match first(&lines.audio) {
                Some(first) => Some(first.max(time)),
                None => lines.is_over().then_some(time),
            },
        };
        if let Some(start) = start {
            self.start = Some(start);
            clock.set(start, mono);
        }
    }

    /// The first picture of the stretch goes out at once. Gives its time when it did.
    pub(crate) fn first_picture(
        &mut self,
        cx: &mut Cx,
        lines: &mut Lines,
        clock: &mut Clock,
    ) -> Option<Waiting> {
        let video = &mut lines.video;
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
        show(cx, video, frame, at);
        cx.mark(TimingMark::FirstDecoded);
        if let Begin::KeyFrame(_) = self.begin {
            self.start = Some(frame.pts);
            clock.set(frame.pts, at);
        }
        Some(frame)
    }

    /// Shows the picture that is due, drops those that a later one has overtaken.
    pub(crate) fn pictures(
        &self,
        cx: &mut Cx,
        lines: &mut Lines,
        clock: &Clock,
    ) -> Option<Waiting> {
        let video = &mut lines.video;
        let position = clock.position(cx.mono());
        let mut shown = None;
        while video.presented > 0 && video.frames.front()?.pts <= position {
            let frame = video.frames.pop_front()?;
            if video
                .frames
                .front()
                .is_some_and(|next| next.pts <= position)
            {
                cx.tally.dropped += 1;
                video.tail = Some(frame.pts + frame.duration);
                cx.push(Output::Drop {
                    slot: Slot::Video,
                    frame: frame.id,
                });
                continue;
            }
            let late = (position - frame.pts).scale(1.0 / clock.rate());
            let at = cx.mono() - late;
            show(cx, video, frame, at);
            shown = Some(frame);
            break;
        }
        shown
    }

    /// Queues sound to the sink, a little ahead of the clock.
    pub(crate) fn sound(&mut self, cx: &mut Cx, lines: &mut Lines, clock: &Clock) {
        let Some(start) = self.start else { return };
        let position = clock.position(cx.mono());
        let alone = lines.video.presented > 0 && lines.video.is_over();
        let audio = &mut lines.audio;
        while let Some(frame) = audio.frames.front().copied() {
            let end = frame.pts + frame.duration;
            let tail = audio.tail.unwrap_or(start).max(start);
            let overlaps = audio.tail.is_some() && frame.pts + SOUND_OVERLAP < tail;
            let stray = alone && frame.pts > tail.max(position) + SOUND_STRAY;
            if end <= start || stray || overlaps && end <= tail + SOUND_OVERLAP {
                audio.frames.pop_front();
                cx.push(Output::Drop {
                    slot: Slot::Audio,
                    frame: frame.id,
                });
                continue;
            }
            let behind_gap = frame.pts > tail + SOUND_GAP;
            if behind_gap && frame.pts > position + SOUND_LEAD || tail - position >= SOUND_HIGH {
                return;
            }
            audio.frames.pop_front();
            audio.tail = Some(end.max(tail));
            audio.presented += 1;
            self.sound_is_over = false;
            cx.mark(TimingMark::FirstDecoded);
            let at = cx.mono();
            cx.push(Output::Present {
                slot: Slot::Audio,
                frame: frame.id,
                at,
                skip_until: if overlaps { tail } else { start },
            });
        }
        if !self.sound_is_over && audio.presented > 0 && audio.is_on() && audio.is_over() {
            self.sound_is_over = true;
            cx.push(Output::DrainAudio);
        }
    }

    /// How far the clock may run before more sound must be there.
    pub(crate) fn limit(&self, lines: &Lines, position: Time) -> Option<Time> {
        let audio = &lines.audio;
        let start = self.start?;
        if !audio.is_on() || audio.is_over() || lines.has_gap(Slot::Audio, position) {
            return None;
        }
        let tail = audio.tail.unwrap_or(start).max(start);
        match audio.next_pts() {
            Some(next) if next > tail + SOUND_GAP => Some(next),
            _ => Some(tail),
        }
    }

    /// The next moment at which something of this is due.
    pub(crate) fn deadline(&self, lines: &Lines, clock: &Clock) -> Option<Time> {
        let picture = match lines.video.frames.front() {
            Some(frame) if lines.video.presented > 0 => clock.when(frame.pts),
            _ => None,
        };
        let sound = lines.audio.frames.front().and_then(|frame| {
            let tail = lines.audio.tail.or(self.start)?;
            if frame.pts > tail + SOUND_GAP {
                return clock.when(frame.pts - SOUND_LEAD);
            }
            clock.when(tail - SOUND_LOW)
        });
        earliest([picture, sound])
    }
}

/// Gives back the pictures that others take the place of before a time.
fn drop_overtaken(cx: &mut Cx, video: &mut Line, target: Time) {
    while let Some(next) = video.frames.get(1)
        && is_shown_by(next.pts, target)
        && let Some(frame) = video.frames.pop_front()
    {
        cx.push(Output::Drop {
            slot: Slot::Video,
            frame: frame.id,
        });
    }
}

/// Whether the first picture that is there is on screen at a time: none that comes later takes its place before.
/// `None` while there is no picture.
fn is_on_screen(video: &Line, target: Time) -> Option<bool> {
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

fn show(cx: &mut Cx, video: &mut Line, frame: Waiting, at: Time) {
    let lasts = if frame.duration > Time::ZERO {
        frame.duration
    } else {
        SHORT
    };
    video.tail = Some(frame.pts + lasts);
    if video.presented > 0 {
        cx.tally.shown(cx.mono() - at);
    } else {
        cx.tally.shown(Time::ZERO);
    }
    video.presented += 1;
    cx.push(Output::Present {
        slot: Slot::Video,
        frame: frame.id,
        at,
        skip_until: Time::MIN,
    });
}

/// The earliest of the moments that are set.
pub(crate) fn earliest(moments: impl IntoIterator<Item = Option<Time>>) -> Option<Time> {
    moments.into_iter().flatten().min()
}
