//! Searching: at many times the speed, forward or back, key pictures are shown one after the other, without sound (decision 40).
//! Each of them is gone to as a seek goes to one; the pace is the clock's, and a picture that comes late leaves out others.

use std::sync::Arc;

use kinora_media::{MediaInfo, Time};

use super::playback::{BufferingReason, Playback};
use super::{Session, Stage, Wishes};
use crate::cx::Cx;
use crate::present::Begin;
use crate::{Refusal, SCAN_SPEEDS, select};

/// No two pictures are shown within less.
const SHORTEST: Time = Time::from_millis(100);
/// Where it is not known where key pictures lie, one is looked for so often.
const USUAL: Time = Time::from_millis(250);

/// Who is there so much after a time is not before it.
const ROUNDING: Time = Time::from_micros(1);
/// A picture is not waited for longer: another one may come.
const PATIENCE: Time = Time::from_millis(5_000);

/// How far a search is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Scan {
    /// Thousandths of the natural speed; negative: back.
    rate: i32,
    /// Where it was, and when.
    from: Time,
    since: Time,
    /// Where the last picture was looked for.
    looked: Time,
    looked_at: Time,
    /// When the next picture is gone to; `None`: one is on its way.
    next: Option<Time>,
}

impl Scan {
    /// `None`: the speed is not one of searching.
    fn at(speed: f64, from: Time, since: Time) -> Option<Self> {
        Some(Self {
            rate: rate(speed)?,
            from,
            since,
            looked: from,
            looked_at: since,
            next: Some(since),
        })
    }

    fn is_forward(self) -> bool {
        self.rate > 0
    }

    /// Where it is.
    fn position(self, mono: Time) -> Time {
        let passed = (mono - self.since).max(Time::ZERO);
        self.from + passed.scale(f64::from(self.rate) / 1_000.0)
    }

    /// When it will be, or was, at a time.
    fn when(self, time: Time) -> Time {
        self.since + (time - self.from).scale(1_000.0 / f64::from(self.rate)) + ROUNDING
    }

    /// When something is to be done though nothing comes.
    pub(super) fn deadline(self) -> Time {
        self.next.unwrap_or(self.looked_at + PATIENCE)
    }
}

/// The speed in thousandths, if it is one of searching.
fn rate(speed: f64) -> Option<i32> {
    if !SCAN_SPEEDS.contains(&speed.abs()) {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
    Some((speed * 1_000.0).round() as i32)
}

impl Session {
    /// Whether it can be searched.
    pub(crate) fn check_scan(&self) -> Result<(), Refusal> {
        if self.is_live() {
            return Err(Refusal::Live);
        }
        match self.media.is_some() && !self.pipelines.video.is_on() {
            true => Err(Refusal::NoPictures),
            false => Ok(()),
        }
    }

    /// Where a search is; `None`: it plays.
    pub(super) fn scan_position(&self, mono: Time) -> Option<Time> {
        let Stage::Started(Playback::Scanning(scan)) = self.stage else {
            return None;
        };
        let duration = self.info().and_then(|info| info.duration);
        let position = scan.position(mono).max(self.ingest.first_time());
        Some(position.min(duration.unwrap_or(Time::MAX)))
    }

    pub(crate) fn is_scanning(&self) -> bool {
        matches!(self.stage, Stage::Started(Playback::Scanning(_)))
    }

    /// Begins or ends searching, as the speed wants it.
    pub(super) fn follow_speed(&mut self, cx: &mut Cx, wishes: Wishes) {
        let Stage::Started(playback) = self.stage else {
            return;
        };
        match (playback, rate(wishes.speed)) {
            (Playback::Scanning(scan), None) => self.end_scan(cx, scan),
            (Playback::Scanning(scan), Some(rate)) if scan.rate != rate => {
                let at = self.position(cx.mono());
                self.scan_from(cx, wishes, at);
            }
            (Playback::Scanning(_), Some(_)) | (_, None) => {}
            // What it begins with is shown first.
            (_, Some(_)) if self.awaited.is_pending() || self.check_scan().is_err() => {}
            (_, Some(_)) => {
                let at = self.position(cx.mono());
                playback.leave(cx);
                self.hold_clock(cx);
                self.ingest.begin_scan(cx);
                for pipeline in self.pipelines.iter_mut() {
                    pipeline.queue.clear();
                }
                self.scan_from(cx, wishes, at);
            }
        }
    }

    fn scan_from(&mut self, cx: &Cx, wishes: Wishes, at: Time) {
        if let Some(scan) = Scan::at(wishes.speed, at, cx.mono()) {
            self.stage = Stage::Started(Playback::Scanning(scan));
        }
    }

    /// The pictures that come are of that track; what else there is stays as it is known.
    pub(super) fn follow_key_pictures(&mut self, cx: &mut Cx, info: &Arc<MediaInfo>) {
        let selection = select::select(info, &cx.config, &cx.keys, &self.preferred);
        let Some(track) = selection.video else { return };
        let video = &mut self.pipelines.video;
        video.follow(Arc::clone(&track));
        if video.queue.is_drained() {
            video.configure(cx, &track);
        }
    }

    /// Shows the next key picture, if it is time for it. `true`: look again.
    pub(super) fn scan_on(&mut self, cx: &mut Cx, scan: Scan, wishes: Wishes) -> bool {
        let (mono, at) = (cx.mono(), scan.position(cx.mono()));
        let end = self.info().and_then(|info| info.duration);
        if let Some(end) = end.filter(|end| scan.is_forward() && at >= *end) {
            self.leave_scan(cx);
            self.clock.set(end, mono);
            return !self.awaits_postlude(cx) && self.finish(cx, true, wishes);
        }
        if !scan.is_forward() && at <= self.ingest.first_time() {
            self.pause(cx);
            return true;
        }
        let is_out = self.pipelines.video.presented > 0;
        let is_late = mono >= scan.looked_at + PATIENCE;
        let is_answered = is_out || is_late || self.supply.is_over();
        let scan = match scan.next {
            Some(due) if due <= mono => {
                self.look_at(cx, at);
                Scan {
                    looked: at,
                    looked_at: mono,
                    next: None,
                    ..scan
                }
            }
            None if is_answered => Scan {
                next: Some(self.next_look(mono, scan)),
                ..scan
            },
            _ => return false,
        };
        self.stage = Stage::Started(Playback::Scanning(scan));
        // What was gone to is to be read.
        scan.next.is_none()
    }

    /// When the next key picture is gone to: once the search has come to it.
    fn next_look(&self, mono: Time, scan: Scan) -> Time {
        let border = self.ingest.key_border(scan.looked, scan.is_forward());
        let due = border.map_or(mono + USUAL, |border| scan.when(border));
        due.max(mono + SHORTEST)
    }

    /// Goes to the key picture of a time; nothing else is read.
    fn look_at(&mut self, cx: &mut Cx, at: Time) {
        self.jump(cx, Begin::KeyFrame(at), |session, cx, target| {
            let video = &mut session.pipelines.video;
            if video.queue.key_before(target).is_some() {
                return video.queue.rewind_to_key(target);
            }
            for pipeline in session.pipelines.iter_mut() {
                pipeline.queue.clear();
            }
            session.seek_in_ingest(cx, target);
        });
    }

    /// What is read is what plays again, from wherever it is gone to next.
    pub(super) fn leave_scan(&mut self, cx: &mut Cx) {
        if !self.is_scanning() {
            return;
        }
        self.ingest.end_scan(cx);
        self.stage = Stage::Started(Playback::buffering(cx.mono(), BufferingReason::Seek));
        for pipeline in self.pipelines.iter_mut() {
            pipeline.queue.clear();
        }
        if let Some(info) = self.info().cloned() {
            let selection = select::select(&info, &cx.config, &cx.keys, &self.preferred);
            self.follow(cx, &selection);
        }
    }

    /// Goes on where the search has come to.
    pub(super) fn end_scan(&mut self, cx: &mut Cx, scan: Scan) {
        let end = self.info().and_then(|info| info.duration);
        let at = scan.position(cx.mono()).min(end.unwrap_or(Time::MAX));
        let at = at.max(self.ingest.first_time());
        self.leave_scan(cx);
        self.timed.jump();
        self.go_to(cx, Begin::Exact(at));
    }
}
