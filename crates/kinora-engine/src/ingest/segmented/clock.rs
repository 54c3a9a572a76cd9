//! A clock that the manifest names is asked before anything is played by it; again, where none told anything or segments are
//! not there when they are to be.

use kinora_errors::Fault;
use kinora_fetch::Progress;
use kinora_media::{ByteRange, RequestId, Time};

use super::index::Manifest;
use super::requests::{Request, Resource};
use super::{ROOT, Segmented, clock_of};
use crate::InfoCode;
use crate::cx::Cx;
use crate::ingest::manifest_reader::{ClockAnswer, ClockQuestion, ClockSource};

/// All clocks together are waited for so long; then what the manifest's own answer says will do.
const PATIENCE: Time = Time::from_millis(2_000);

impl Segmented {
    pub(super) fn ask_clock(&mut self, cx: &mut Cx) {
        // A newer manifest may come while one is asked again.
        if self.requests.any(ROOT, Request::is_clock) {
            return;
        }
        let due = *self.root.clock_due.get_or_insert(cx.mono() + PATIENCE);
        match self.root.playlist.clock(cx).filter(|_| due > cx.mono()) {
            Some(ClockQuestion { url, source }) => {
                let place = (url, ByteRange::default());
                let named_by = self.root.names();
                self.requests
                    .start(cx, ROOT, Resource::Clock(source), place, named_by);
            }
            None => self.clock_told(cx, ClockAnswer::Missing),
        }
    }

    fn clock_told(&mut self, cx: &mut Cx, answer: ClockAnswer<'_>) {
        self.requests.cancel(cx, ROOT, Request::is_clock);
        let read = self.root.playlist.clock_told(cx, answer);
        let is_last = !matches!(read, Ok(Manifest::Partial));
        self.described(cx, read);
        if is_last {
            self.ask_clock_later(cx, false);
        }
    }

    fn ask_clock_later(&mut self, cx: &Cx, doubt: bool) {
        let again = self.root.playlist.clock_again_after(cx, doubt);
        self.root.clock_again = again.map(|after| cx.mono() + after);
    }

    /// What is to be there by the clock is not.
    pub(super) fn doubt_clock(&mut self, cx: &mut Cx) {
        if self.root.clock_again.is_none() {
            self.ask_clock_later(cx, true);
        }
    }

    /// None told anything, or what one told is in doubt.
    pub(super) fn ask_clock_again_if_due(&mut self, cx: &mut Cx) {
        let again = self.root.clock_again.take_if(|at| *at <= cx.mono());
        if again.is_some() {
            self.root.playlist.ask_clocks_again();
            self.ask_clock(cx);
        }
    }

    pub(super) fn clock_progressed(&mut self, cx: &mut Cx, id: RequestId, progress: Progress) {
        let Some(request) = self.requests.entry(id) else {
            return;
        };
        match progress {
            Progress::None => {}
            Progress::Head(info) => {
                if request.resource == Resource::Clock(ClockSource::Head) {
                    let ahead = clock_of(&info, cx);
                    self.clock_told(cx, ClockAnswer::Head(ahead));
                }
            }
            Progress::Data(_, data) => {
                request.data.extend_from_slice(&data);
                if request.is_too_long() {
                    self.clock_told(cx, ClockAnswer::Missing);
                }
            }
            Progress::Done => {
                let text = std::mem::take(&mut request.data);
                self.clock_told(cx, ClockAnswer::Body(&text));
            }
            Progress::Expired(fault)
            | Progress::Parked(fault)
            | Progress::Elsewhere(fault)
            | Progress::Failed(fault) => self.clock_failed(cx, fault),
        }
    }

    fn clock_failed(&mut self, cx: &mut Cx, fault: Fault) {
        cx.recovered(fault);
        self.clock_told(cx, ClockAnswer::Missing);
    }

    /// It takes too long.
    pub(super) fn clock_is_due(&mut self, cx: &mut Cx) {
        if self.root.clock_due.take_if(|at| *at <= cx.mono()).is_none() {
            return;
        }
        if self.requests.any(ROOT, Request::is_clock) {
            cx.info(
                InfoCode::NetworkRetry,
                "the clock that the manifest names does not answer: that of the manifest's server is taken",
            );
            // None of those that are left is waited for.
            self.root.clock_due = Some(cx.mono());
            self.clock_told(cx, ClockAnswer::Missing);
        }
    }
}
