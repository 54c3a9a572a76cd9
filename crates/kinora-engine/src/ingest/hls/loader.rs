//! Reads one media playlist: keys, init sections and segments in their order, refreshed while live.

mod renewal;
mod under_way;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_errors::{Coded, Fault, Retry, Secret, codes};
use kinora_manifest::hls::Variables;
use kinora_media::{ByteRange, MediaInfo, Packet, RequestId, Time};

use kinora_protect::ContentKey;

use super::ROUNDING;
use super::load::{Given, Load, Timeline};
use super::plan::{Init, Key, Plan, Playlist, Segment};
use super::read;
use crate::cx::Cx;
use crate::transfer::{Progress, Terms, Transfer, Want};
use crate::{InfoCode, Initiator, Purpose, TimingMark};

pub(super) use under_way::UnderWay;

/// Bytes of a segment that may be under way or wait to be read.
const SEGMENT_WINDOW: u64 = 1 << 20;
/// Playlists, keys and init sections beyond that are refused.
const SMALL_LIMIT: u64 = 8 << 20;
/// Segments that are there or on their way, beside the one that is read.
const AHEAD: usize = 2;
/// So many damaged segments in a row are passed over.
const MOST_DAMAGED: u32 = 3;

/// What a request is for.
#[derive(Clone, Debug)]
enum Task {
    Playlist,
    Key(Secret),
    Init(Arc<Init>),
    Segment(u64),
}

struct Job {
    task: Task,
    transfer: Transfer,
    data: BytesMut,
    asked: Time,
}

/// What the loader has for its owner.
pub(super) enum Offer {
    Packet(Packet),
    Info(Arc<MediaInfo>),
    /// All segments were given.
    Ended,
    /// Nothing more can be given by this rendition, from this segment on.
    Failed(Fault),
    Parked(Fault),
    Expired(Fault),
    /// A segment came whole: its bytes, and how long they took.
    Measured {
        bytes: u64,
        took: Time,
    },
}

/// Where reading begins once the playlist is there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum From {
    /// At the start, or near the live edge.
    Start,
    /// At the segment that holds a time.
    Time(Time),
}

/// A media playlist and its segments.
pub(super) struct Loader {
    pub(super) url: Secret,
    pub(super) plan: Option<Plan>,
    like: Option<Plan>,
    variables: Variables,
    from: From,
    next: u64,
    /// The segment of which the last packet was.
    given: Option<u64>,
    loads: VecDeque<Load>,
    jobs: Vec<Job>,
    keys: VecDeque<(Secret, ContentKey)>,
    inits: VecDeque<(Arc<Init>, Bytes)>,
    offers: VecDeque<Offer>,
    refresh_at: Option<Time>,
    asked_at: Time,
    changed_at: Time,
    discontinuity: Option<u64>,
    damaged: u32,
    over: bool,
    ended: bool,
    /// A fresh playlist will say where refused requests go on.
    renewing: bool,
}

impl Loader {
    /// `like`: the playlist of another rendition of the same stream, whose timeline it shares.
    pub(super) fn new(url: Secret, from: From, like: Option<Plan>, variables: Variables) -> Self {
        Self {
            url,
            plan: None,
            like,
            variables,
            from,
            next: 0,
            given: None,
            loads: VecDeque::new(),
            jobs: Vec::new(),
            keys: VecDeque::new(),
            inits: VecDeque::new(),
            offers: VecDeque::new(),
            refresh_at: None,
            asked_at: Time::ZERO,
            changed_at: Time::ZERO,
            discontinuity: None,
            damaged: 0,
            over: false,
            ended: false,
            renewing: false,
        }
    }

    /// Asks for the playlist.
    pub(super) fn open(&mut self, cx: &mut Cx) {
        self.changed_at = cx.mono();
        self.ask_playlist(cx);
    }

    fn ask_playlist(&mut self, cx: &mut Cx) {
        self.asked_at = cx.mono();
        self.refresh_at = None;
        let url = self.url.clone();
        self.ask(cx, Task::Playlist, url, ByteRange::default());
    }

    fn ask(&mut self, cx: &mut Cx, task: Task, url: Secret, range: ByteRange) {
        let (purpose, window) = match &task {
            Task::Playlist => (Purpose::Playlist, SMALL_LIMIT),
            Task::Key(_) => (Purpose::Key, 4_096),
            Task::Init(_) => (Purpose::Init, SMALL_LIMIT),
            Task::Segment(number) => (Purpose::Segment(*number), SEGMENT_WINDOW),
        };
        let initiator = match self.url.expose().split_once("://") {
            Some((scheme, _)) if !scheme.eq_ignore_ascii_case("file") => {
                Initiator::Remote(self.url.clone())
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

    /// The playlist's text is here already.
    pub(super) fn playlist_came(&mut self, cx: &mut Cx, plan: Plan) {
        cx.mark(TimingMark::Playlist);
        let mut plan = plan;
        let first_time = self.plan.is_none();
        match (&self.plan, self.like.take()) {
            (Some(older), _) => plan.follow(older),
            // Renditions of a live stream number their segments alike (RFC 8216 6.2.4).
            (None, Some(like)) if !plan.ended => plan.follow(&like),
            _ => {}
        }
        let changed = self.plan.as_ref().is_none_or(|older| {
            older.next_number() != plan.next_number() || older.ended != plan.ended
        });
        if changed {
            self.changed_at = cx.mono();
        }
        if !plan.ended {
            // RFC 8216 6.3.4: a target duration after the last request; half of it when nothing is new.
            let wait = if changed {
                plan.target
            } else {
                plan.target.scale(0.5)
            };
            self.refresh_at = Some((self.asked_at + wait).max(cx.mono() + Time::from_millis(100)));
        }
        if first_time {
            let begin = match self.from {
                From::Start if plan.ended => plan.segments.first(),
                From::Start => plan.live_start(cx.config.live_start_index),
                From::Time(time) => plan.at(time),
            };
            self.next = begin.map_or(0, |segment| segment.number);
        } else if let Some(first) = plan.segments.first() {
            // Segments that fell out of the playlist are lost.
            self.next = self.next.max(first.number);
        }
        self.plan = Some(plan);
        if std::mem::take(&mut self.renewing) {
            self.revive(cx);
        }
        self.go_on(cx);
    }

    pub(super) fn is_live(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| !plan.ended)
    }

    /// The number of the next segment that is not yet given whole, and when it begins.
    pub(super) fn frontier(&self) -> Option<Time> {
        let number = self
            .loads
            .front()
            .map_or(self.next, |load| load.segment.number);
        let plan = self.plan.as_ref()?;
        plan.segment(number)
            .map(|segment| segment.start)
            .or_else(|| plan.segments.last().map(Segment::end))
    }

    /// Where another rendition goes on in its place; where it was to begin itself, if it never came to that.
    pub(super) fn resumes(&self) -> From {
        self.frontier()
            .map_or(self.from, |time| From::Time(time + ROUNDING))
    }
    /// The playlist that tells where segments lie, its own or one of the same stream.
    pub(super) fn timeline(&self) -> Option<Plan> {
        self.plan.clone().or_else(|| self.like.clone())
    }

    /// When the segment after those under way begins: a place to change the rendition.
    pub(super) fn border(&self) -> Option<Time> {
        let plan = self.plan.as_ref()?;
        plan.segment(self.next).map(|segment| segment.start)
    }

    /// No segment beyond those under way is asked for.
    pub(super) fn stop_after_loads(&mut self) {
        self.over = true;
    }
    pub(super) fn has_loads(&self) -> bool {
        !self.loads.is_empty()
    }
    /// Asks for what is wanted next.
    fn go_on(&mut self, cx: &mut Cx) {
        while !self.over
            && self.loads.len() < AHEAD
            && !self
                .jobs
                .iter()
                .any(|job| matches!(job.task, Task::Segment(_)))
        {
            let Some(segment) = self
                .plan
                .as_ref()
                .and_then(|plan| plan.segment(self.next))
                .cloned()
            else {
                return;
            };
            self.next += 1;
            if segment.gap {
                let fault = Fault::new(codes::ERROR_NETWORK_HTTP_404, "hls.segment.gap")
                    .because("the playlist says that the segment is missing")
                    .with(|context| context.segment = Some(segment.number));
                cx.recovered(fault);
                continue;
            }
            if let Some(key) = segment.key.clone() {
                match key.as_ref() {
                    Key::Foreign(error) => {
                        return self.fail(error.fault().at_url(self.url.expose()));
                    }
                    Key::Aes128 { url, .. } => self.want_key(cx, url),
                }
            }
            if let Some(init) = segment.init.clone() {
                self.want_init(cx, init);
            }
            self.ask(
                cx,
                Task::Segment(segment.number),
                segment.url.clone(),
                segment.range,
            );
            let jump = self
                .discontinuity
                .is_some_and(|known| known != segment.discontinuity);
            self.discontinuity = Some(segment.discontinuity);
            self.loads
                .push_back(Load::new(segment, jump, cx.tape.clone()));
        }
    }

    fn want_key(&mut self, cx: &mut Cx, url: &Secret) {
        let coming = self
            .jobs
            .iter()
            .any(|job| matches!(&job.task, Task::Key(known) if known == url));
        if !coming && !self.keys.iter().any(|(known, _)| known == url) {
            self.ask(
                cx,
                Task::Key(url.clone()),
                url.clone(),
                ByteRange::default(),
            );
        }
    }

    fn want_init(&mut self, cx: &mut Cx, init: Arc<Init>) {
        let coming = self
            .jobs
            .iter()
            .any(|job| matches!(&job.task, Task::Init(known) if *known == init));
        if !coming && !self.inits.iter().any(|(known, _)| *known == init) {
            let (url, range) = (init.url.clone(), init.range);
            self.ask(cx, Task::Init(init), url, range);
        }
    }

    /// The next thing it has; `None` while bytes are missing.
    pub(super) fn poll(&mut self, cx: &mut Cx, timeline: &mut Timeline) -> Option<Offer> {
        loop {
            if let Some(offer) = self.offers.pop_front() {
                return Some(offer);
            }
            self.go_on(cx);
            let Some(load) = self.loads.front_mut() else {
                return self.end();
            };
            if let Some(Key::Aes128 { url, iv }) = load.needs_key().map(Arc::as_ref) {
                let (_, key) = self.keys.iter().find(|(known, _)| known == url)?;
                let iv = *iv;
                load.unlock(key, iv);
            }
            let init = match &load.segment.init {
                Some(wanted) => Some(
                    self.inits
                        .iter()
                        .find(|(known, _)| known == wanted)
                        .map(|(_, data)| data)?,
                ),
                None => None,
            };
            match load.give(init, timeline) {
                Ok(Given::Packet(packet)) => {
                    self.damaged = 0;
                    self.given = Some(load.segment.number);
                    return Some(Offer::Packet(packet));
                }
                Ok(Given::Info(info)) => return Some(Offer::Info(info)),
                Ok(Given::Starved) => {
                    self.grant(cx);
                    return None;
                }
                Ok(Given::Over) => {
                    self.loads.pop_front();
                }
                Err(fault) => self.segment_is_damaged(cx, fault),
            }
        }
    }

    fn end(&mut self) -> Option<Offer> {
        let plan = self.plan.as_ref()?;
        if self.ended || self.over || !plan.ended || plan.segment(self.next).is_some() {
            return None;
        }
        self.ended = true;
        Some(Offer::Ended)
    }

    fn grant(&mut self, cx: &mut Cx) {
        let Some(number) = self.loads.front().map(|load| load.segment.number) else {
            return;
        };
        for job in &mut self.jobs {
            if matches!(job.task, Task::Segment(of) if of == number) {
                job.transfer.grant(cx);
            }
        }
    }

    /// One damaged segment is passed over; a row of them is a fault of the stream.
    fn segment_is_damaged(&mut self, cx: &mut Cx, fault: Fault) {
        let Some(load) = self.loads.pop_front() else {
            return;
        };
        self.damaged += 1;
        let number = load.segment.number;
        self.drop_jobs(
            cx,
            |task| matches!(task, Task::Segment(of) if *of == number),
        );
        let hopeless = load.segment.key.is_some() || self.damaged > MOST_DAMAGED;
        if hopeless
            || self
                .plan
                .as_ref()
                .is_some_and(|plan| plan.segment(number + 1).is_none())
        {
            self.over = true;
            return self.offers.push_back(Offer::Failed(fault));
        }
        cx.recovered(fault);
    }

    fn drop_jobs(&mut self, cx: &mut Cx, is: impl Fn(&Task) -> bool) {
        self.jobs.retain_mut(|job| {
            let drop = is(&job.task);
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

    pub(super) fn owns(&self, id: RequestId) -> bool {
        self.job(id).is_some()
    }

    /// Lets the job's transfer take an input.
    pub(super) fn route(
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

    pub(super) fn on_time(&mut self, cx: &mut Cx, terms: Terms) {
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

    fn refresh(&mut self, cx: &mut Cx) {
        let target = self.plan.as_ref().map_or(Time::ZERO, |plan| plan.target);
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
                if let Some(load) = self
                    .loads
                    .iter_mut()
                    .find(|load| load.segment.number == number)
                {
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
            Task::Key(url) => {
                // Its length is seen, never the key itself.
                let mut key = ContentKey::new([0; 16]);
                let read = cx.tape.try_see("key", || {
                    key = ContentKey::from_bytes(&job.data).map_err(|error| error.fault())?;
                    Ok(())
                });
                match read {
                    Ok(()) => {
                        self.keys.push_back((url, key));
                        self.keys.keep_last(8);
                    }
                    Err(fault) => self.fail(fault.at_url(url.expose())),
                }
            }
            Task::Init(init) => {
                self.inits.push_back((init, job.data.freeze()));
                self.inits.keep_last(4);
            }
            Task::Segment(number) => {
                let took = cx.mono() - job.asked;
                let bytes = job.transfer.received();
                if let Some(load) = self
                    .loads
                    .iter_mut()
                    .find(|load| load.segment.number == number)
                {
                    load.complete();
                }
                self.offers.push_back(Offer::Measured { bytes, took });
                self.go_on(cx);
            }
        }
    }

    fn fail(&mut self, fault: Fault) {
        self.over = true;
        self.offers.push_back(Offer::Failed(fault));
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
            Task::Playlist if self.plan.is_some() && fault.retry() != Retry::Never => {
                cx.info(
                    InfoCode::NetworkRetry,
                    "the playlist is asked for again later",
                );
                self.refresh_at =
                    Some(cx.mono() + self.plan.as_ref().map_or(Time::ZERO, |plan| plan.target));
            }
            _ => self.fail(fault),
        }
    }

    /// Goes to a time; what was under way is not wanted any more.
    pub(super) fn seek(&mut self, cx: &mut Cx, time: Time) {
        self.drop_jobs(cx, |task| matches!(task, Task::Segment(_)));
        self.loads.clear();
        self.offers.clear();
        self.over = false;
        self.ended = false;
        self.discontinuity = None;
        self.from = From::Time(time);
        if let Some(segment) = self.plan.as_ref().and_then(|plan| plan.at(time)) {
            self.next = segment.number;
        }
        // A playlist that was refused is asked for once more: the user tries again.
        let comes = |job: &Job| matches!(job.task, Task::Playlist);
        if self.plan.is_none() && !self.jobs.iter().any(comes) {
            self.ask_playlist(cx);
        }
        self.go_on(cx);
    }

    pub(super) fn reload(&mut self, cx: &mut Cx) {
        for job in &mut self.jobs {
            job.transfer.reload(cx);
        }
        if self.is_live()
            && self.refresh_at.is_none()
            && !self
                .jobs
                .iter()
                .any(|job| matches!(job.task, Task::Playlist))
        {
            self.ask_playlist(cx);
        }
    }

    pub(super) fn close(&mut self, cx: &mut Cx) {
        self.drop_jobs(cx, |_| true);
        self.loads.clear();
        self.over = true;
        self.refresh_at = None;
    }

    pub(super) fn deadline(&self, cx: &Cx) -> Option<Time> {
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
