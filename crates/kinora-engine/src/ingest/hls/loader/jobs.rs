//! The requests of a loader: what is asked for, and what comes of it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_errors::{Coded, Fault, Retry, Secret, codes};
use kinora_media::{ByteRange, RequestId, Time};
use kinora_protect::ContentKey;

use super::{Loader, Offer};
use crate::cx::Cx;
use crate::ingest::hls::load::Load;
use crate::ingest::hls::plan::{Init, Playlist};
use crate::ingest::hls::read;
use crate::recover;
use crate::transfer::{Progress, Terms, Transfer, Want};
use crate::{InfoCode, Initiator, Purpose, TimingMark};

/// Bytes of a segment that may be under way or wait to be read.
const SEGMENT_WINDOW: u64 = 1 << 20;
/// Playlists, keys and init sections beyond that are refused.
const SMALL_LIMIT: u64 = 8 << 20;
/// Keys and init sections that are kept.
const MOST_KEYS: usize = 8;
const MOST_INITS: usize = 4;
/// What a request is for.
#[derive(Clone, Debug)]
pub(super) enum Task {
    Playlist,
    Key(Secret),
    Init(Arc<Init>),
    Segment(u64),
}

/// A request under way.
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) transfer: Transfer,
    data: BytesMut,
    pub(super) asked: Time,
}

impl Loader {
    pub(super) fn ask_playlist(&mut self, cx: &mut Cx) {
        self.asked_at = cx.mono();
        self.refresh_at = None;
        let url = self.asked.clone();
        self.ask(cx, Task::Playlist, url, ByteRange::default());
    }

    pub(super) fn ask(&mut self, cx: &mut Cx, task: Task, url: Secret, range: ByteRange) {
        let (purpose, window) = match &task {
            Task::Playlist => (Purpose::Playlist, SMALL_LIMIT),
            Task::Key(_) => (Purpose::Key, 4_096),
            Task::Init(_) => (Purpose::Init, SMALL_LIMIT),
            Task::Segment(number) => (Purpose::Segment(*number), SEGMENT_WINDOW),
        };
        // What names it: the playlist, and of the playlist itself its own address.
        let named_by = match task {
            Task::Playlist => &self.asked,
            _ => &self.url,
        };
        let initiator = match named_by.expose().split_once("://") {
            Some((scheme, _)) if !scheme.eq_ignore_ascii_case("file") => {
                Initiator::Remote(named_by.clone())
            }
            // The user's own playlist speaks for the user.
            _ => Initiator::User,
        };
        let transfer = Transfer::start(
            cx,
            Want {
                purpose,
                url,
                range,
                initiator,
            },
            window,
        );
        self.jobs.push(Job {
            task,
            transfer,
            data: BytesMut::new(),
            asked: cx.mono(),
        });
    }

    pub(super) fn want_key(&mut self, cx: &mut Cx, url: &Secret) {
        let coming = self.asks_for(|task| matches!(task, Task::Key(known) if known == url));
        if !coming && !self.keys.iter().any(|(known, _)| known == url) {
            self.ask(
                cx,
                Task::Key(url.clone()),
                url.clone(),
                ByteRange::default(),
            );
        }
    }

    pub(super) fn want_init(&mut self, cx: &mut Cx, init: Arc<Init>) {
        let coming = self.asks_for(|task| matches!(task, Task::Init(known) if *known == init));
        if !coming && !self.inits.iter().any(|(known, _)| *known == init) {
            let (url, range) = (init.url.clone(), init.range);
            self.ask(cx, Task::Init(init), url, range);
        }
    }

    /// Whether a request for it is under way.
    pub(super) fn asks_for(&self, is: impl Fn(&Task) -> bool) -> bool {
        self.jobs.iter().any(|job| is(&job.task))
    }

    pub(super) fn drop_jobs(&mut self, cx: &mut Cx, is: impl Fn(&Job) -> bool) {
        self.jobs.retain_mut(|job| {
            let drop = is(job);
            if drop {
                job.transfer.cancel(cx);
            }
            !drop
        });
    }

    /// The job of a request, if it is of this loader.
    fn job(&self, id: RequestId) -> Option<usize> {
        self.jobs.iter().position(|job| job.transfer.is(id))
    }

    pub(in crate::ingest::hls) fn owns(&self, id: RequestId) -> bool {
        self.job(id).is_some()
    }

    /// Lets the job's transfer take an input.
    pub(in crate::ingest::hls) fn route(
        &mut self,
        cx: &mut Cx,
        id: RequestId,
        terms: Terms,
        act: impl FnOnce(&mut Cx, &mut Transfer) -> Progress,
    ) {
        let Some(at) = self.job(id) else { return };
        if let Some(job) = self.jobs.get_mut(at) {
            let progress = act(cx, &mut job.transfer);
            self.take(cx, at, progress, terms);
        }
    }

    pub(in crate::ingest::hls) fn on_time(&mut self, cx: &mut Cx, terms: Terms) {
        for at in (0..self.jobs.len()).rev() {
            if let Some(job) = self.jobs.get_mut(at) {
                let progress = job.transfer.on_time(cx, terms);
                self.take(cx, at, progress, terms);
            }
        }
        if self.refresh_at.is_some_and(|at| at <= cx.mono()) {
            self.refresh(cx);
        }
    }

    fn take(&mut self, cx: &mut Cx, at: usize, progress: Progress, terms: Terms) {
        match progress {
            Progress::None => {}
            Progress::Head(info) => {
                cx.mark(TimingMark::Connect);
                let playlist = self
                    .jobs
                    .get(at)
                    .is_some_and(|job| matches!(job.task, Task::Playlist));
                if let (true, Some(url)) = (playlist, info.final_url) {
                    self.url = Secret::new(url);
                }
            }
            Progress::Data(_, data) => self.data(cx, at, data),
            Progress::Done => self.done(cx, at),
            Progress::Expired(fault) => self.expired(cx, at, fault),
            Progress::Parked(fault) => self.offers.push_back(Offer::Parked(fault)),
            Progress::Failed(fault) => self.failed(cx, at, fault, terms),
        }
    }

    fn data(&mut self, cx: &mut Cx, at: usize, data: Bytes) {
        let Some(job) = self.jobs.get_mut(at) else {
            return;
        };
        match job.task {
            Task::Segment(number) => {
                cx.mark(TimingMark::FirstSegmentByte);
                if let Some(load) = self.load(number) {
                    load.add(data);
                }
            }
            _ => job.data.extend_from_slice(&data),
        }
    }

    fn done(&mut self, cx: &mut Cx, at: usize) {
        let job = self.jobs.remove(at);
        match job.task {
            Task::Playlist => match read::playlist(cx, &job.data, &self.url, &self.variables) {
                Ok(Playlist::Media(plan)) => self.playlist_came(cx, plan),
                Ok(Playlist::Multivariant { .. }) => {
                    self.fail(read::malformed(
                        "a multivariant playlist stands where a media playlist is due",
                        &self.url,
                    ));
                }
                Err(fault) => self.fail(fault),
            },
            Task::Key(url) => self.key_came(cx, url, &job.data),
            Task::Init(init) => {
                self.inits.push_back((init, job.data.freeze()));
                self.inits.keep_last(MOST_INITS);
            }
            Task::Segment(number) => {
                if let Some(load) = self.load(number) {
                    load.complete();
                }
                self.offers.push_back(Offer::Measured {
                    bytes: job.transfer.received(),
                    took: cx.mono() - job.asked,
                });
                self.go_on(cx);
            }
        }
    }

    fn key_came(&mut self, cx: &mut Cx, url: Secret, data: &[u8]) {
        // Its length is seen, never the key itself.
        let mut key = ContentKey::new([0; 16]);
        let read = cx.tape.try_see("key", || {
            key = ContentKey::from_bytes(data).map_err(|error| error.fault())?;
            Ok(())
        });
        match read {
            Ok(()) => {
                self.keys.push_back((url, key));
                self.keys.keep_last(MOST_KEYS);
            }
            Err(fault) => self.fail(fault.at_url(url.expose())),
        }
    }

    fn load(&mut self, number: u64) -> Option<&mut Load> {
        let mut loads = self.loads.iter_mut();
        loads.find(|load| load.segment.number == number)
    }

    /// A request failed for good.
    fn failed(&mut self, cx: &mut Cx, at: usize, fault: Fault, terms: Terms) {
        let job = self.jobs.remove(at);
        match job.task {
            // A live stream goes on without a segment that is gone.
            Task::Segment(number) if terms.live => {
                self.loads.retain(|load| load.segment.number != number);
                cx.recovered(fault);
            }
            Task::Segment(number) => {
                self.loads.retain(|load| load.segment.number < number);
                // What was given of it must not come twice.
                self.next = if self.given == Some(number) {
                    number + 1
                } else {
                    number
                };
                self.fail(fault);
            }
            Task::Playlist if self.is_live() && recover::may_come_back(&fault) => {
                cx.info(
                    InfoCode::NetworkRetry,
                    "the playlist is asked for again later",
                );
                self.refresh_at = Some(cx.mono() + self.target());
            }
            _ => self.fail(fault),
        }
    }

    fn refresh(&mut self, cx: &mut Cx) {
        let target = self.target();
        let patience = Time::from(cx.config.network_timeout).max(target.scale(3.0));
        if cx.mono() - self.changed_at > patience {
            self.changed_at = cx.mono();
            let fault = Fault::new(codes::ERROR_NETWORK_CONNECT_TIMEOUT, "hls.playlist.stale")
                .because("the live playlist has not changed for a long time")
                .retry_class(Retry::Backoff)
                .at_url(self.url.expose());
            self.refresh_at = None;
            return self.offers.push_back(Offer::Parked(fault));
        }
        self.ask_playlist(cx);
    }

    fn target(&self) -> Time {
        self.plan.as_ref().map_or(Time::ZERO, |plan| plan.target)
    }

    pub(in crate::ingest::hls) fn reload(&mut self, cx: &mut Cx) -> bool {
        let mut asks = false;
        for job in &mut self.jobs {
            asks |= job.transfer.reload(cx);
        }
        if self.is_live()
            && self.refresh_at.is_none()
            && !self.asks_for(|task| matches!(task, Task::Playlist))
        {
            self.ask_playlist(cx);
            asks = true;
        }
        asks
    }

    pub(in crate::ingest::hls) fn deadline(&self, cx: &Cx) -> Option<Time> {
        let jobs = self
            .jobs
            .iter()
            .filter_map(|job| job.transfer.deadline(cx))
            .min();
        crate::present::earliest([jobs, self.refresh_at])
    }
}

trait Bounded {
    fn keep_last(&mut self, most: usize);
}

impl<T> Bounded for VecDeque<T> {
    fn keep_last(&mut self, most: usize) {
        while self.len() > most {
            self.pop_front();
        }
    }
}
