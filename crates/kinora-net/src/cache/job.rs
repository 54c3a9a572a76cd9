//! One request: answered by what is kept, by the network, or by both in turn.

mod exchange;

use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use kinora_cache::{CacheError, Entry, EntryId};
use kinora_errors::{Coded as _, Fault};
use kinora_fetch::FetchRequest;
use kinora_media::ResponseInfo;

use self::exchange::{Condition, Exchange};
use super::CacheNotice;
use super::actor::Desk;
use crate::ResponseSink;
use crate::target::web_url;

/// Media that the server says nothing of are used until they are evicted: what changes under its name is rare, and a seek
/// would have to wait for each answer.
const USUALLY_FRESH: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// A playlist is so long used without asking where the server says nothing of it (RFC 9111 4.2.2).
const PLAYLIST_FRESH: Duration = Duration::from_secs(5 * 60);

/// A request and its answer so far.
pub(super) struct Job {
    request: FetchRequest,
    response: ResponseSink,
    id: Option<EntryId>,
    /// What is kept of it, if that may be used.
    entry: Option<Box<dyn Entry>>,
    /// The next byte that is given.
    at: u64,
    /// The head was given: what it said of the resource.
    told: Option<Told>,
    /// Bytes that were read and are not given yet.
    held: Bytes,
    /// What is kept was found damaged: what comes now takes its place.
    rewrites: bool,
    exchange: Option<Exchange>,
}

/// What the head said that later bytes must agree with.
struct Told {
    total_len: Option<u64>,
    validator: Option<String>,
    /// Where it was found after redirects.
    final_url: Option<String>,
}

/// What comes next.
pub(super) enum Step {
    Wait,
    Finish,
    Fail(Box<Fault>),
    Cancelled,
}

impl Job {
    pub(super) fn new(request: FetchRequest, response: ResponseSink, desk: &Desk) -> Self {
        let id = desk.cache.0.key.id_of(request.url.expose());
        let id = id.filter(|_| !desk.is_live(&request));
        Self {
            at: request.range.start,
            request,
            response,
            id,
            entry: None,
            told: None,
            held: Bytes::new(),
            rewrites: false,
            exchange: None,
        }
    }

    /// Looks at what is kept.
    pub(super) fn begin(&mut self, desk: &mut Desk) -> Step {
        let Some(id) = self.id else {
            return self.ask(desk, Condition::Plain);
        };
        self.entry = match desk.cache.store().open(id) {
            Ok(entry) => entry,
            Err(error) => {
                lost(desk, error);
                None
            }
        };
        let Some(meta) = self.entry.as_ref().map(|entry| entry.meta()) else {
            return self.ask(desk, Condition::Plain);
        };
        let bound = self.bound_to();
        let is_other = bound.is_some() && bound != meta.validator.as_deref();
        if is_other || self.at > 0 && self.at >= meta.total_len {
            self.entry = None;
            return self.ask(desk, Condition::Plain);
        }
        let usually = match meta.is_playlist {
            true => PLAYLIST_FRESH,
            false => USUALLY_FRESH,
        };
        if meta.is_fresh(SystemTime::now(), usually) {
            return self.go_on(desk);
        }
        self.ask(desk, Condition::IfChanged)
    }

    /// The version that the requester has bytes of.
    fn bound_to(&self) -> Option<&str> {
        self.request
            .headers
            .first()
            .map(|header| header.value.as_str())
    }

    /// Gives what is kept, or asks for what is not.
    fn go_on(&mut self, desk: &mut Desk) -> Step {
        loop {
            if self.end().is_some_and(|end| self.at >= end) && self.told.is_some() {
                return Step::Finish;
            }
            if !self.can_use_entry(desk) {
                return self.ask(desk, Condition::Plain);
            }
            let Some(entry) = &mut self.entry else {
                return Step::Finish;
            };
            if self.held.is_empty() {
                if entry.covered_until(self.at) == self.at {
                    return self.ask(desk, Condition::IfUnchanged);
                }
                // Before the head: what can not be read is none of its answer.
                if !self.read(desk) {
                    continue;
                }
            }
            if self.told.is_none() {
                self.tell_of_entry(desk);
            }
            if let Some(step) = self.give(desk) {
                return step;
            }
        }
    }

    /// Whether all that is wanted is there, or what is missing can be asked for of the same version.
    fn can_use_entry(&mut self, desk: &mut Desk) -> bool {
        let (at, end) = (self.at, self.end());
        let Some(entry) = &mut self.entry else {
            return false;
        };
        if let Err(error) = entry.refresh() {
            lost(desk, error);
            self.entry = None;
            return false;
        }
        let meta = entry.meta();
        let can_fill = meta.ranges && meta.validator.is_some();
        let is_whole = end.is_some_and(|end| entry.covered_until(at) >= end);
        if !(can_fill || is_whole) {
            self.entry = None;
        }
        self.entry.is_some()
    }

    /// One past the last byte that is given, where that is known.
    fn end(&self) -> Option<u64> {
        let total = self.told.as_ref().and_then(|told| told.total_len);
        let total = total.or_else(|| self.entry.as_ref().map(|entry| entry.meta().total_len));
        [self.request.range.end, total].into_iter().flatten().min()
    }

    /// The head, by what is known of the entry.
    fn tell_of_entry(&mut self, desk: &Desk) {
        let end = self.end().unwrap_or(u64::MAX);
        let Some(entry) = &self.entry else { return };
        let meta = entry.meta();
        let covered = entry.covered_until(self.at);
        let is_complete = self.at == 0 && covered >= meta.total_len;
        let info = ResponseInfo {
            status: Some(if self.request.range.is_whole() {
                200
            } else {
                206
            }),
            total_len: Some(meta.total_len),
            offset: self.at,
            ranges: meta.ranges || is_complete,
            content_type: meta.content_type.clone(),
            // Where it was found after redirects is not kept: that may be signed.
            final_url: Some(normal(self.request.url.expose())),
            server_date_ms: None,
            validator: meta.validator.clone(),
            freshness: meta.freshness,
            from_cache: true,
            ends_with_connection: false,
        };
        let bytes = covered.min(end).saturating_sub(self.at);
        if bytes > 0 {
            desk.cache.tell(CacheNotice::Hit { bytes });
        }
        self.head(info);
    }

    fn head(&mut self, info: ResponseInfo) {
        self.told = Some(Told {
            total_len: info.total_len,
            validator: info.validator.clone(),
            final_url: info.final_url.clone(),
        });
        self.response.head(info);
    }

    /// Reads the next stretch of what is kept. `false`: it can not be read, and is not kept any more.
    fn read(&mut self, desk: &Desk) -> bool {
        let read = self.entry.as_mut().map(|entry| entry.read(self.at));
        match read {
            Some(Ok(bytes)) => self.held = bytes,
            Some(Err(error)) => {
                match error {
                    CacheError::Damaged { .. } => self.rewrites = true,
                    _ => self.entry = None,
                }
                lost(desk, error);
            }
            None => {}
        }
        !self.held.is_empty()
    }

    /// Gives what was read, as credit allows; a step where that does not go on at once.
    fn give(&mut self, desk: &Desk) -> Option<Step> {
        let left = self
            .end()
            .map_or(u64::MAX, |end| end.saturating_sub(self.at));
        let wanted = left.min(self.held.len() as u64);
        match self
            .response
            .poll_credit(&Context::from_waker(&desk.waker), wanted)
        {
            Poll::Pending => Some(Step::Wait),
            Poll::Ready(None) => Some(Step::Cancelled),
            Poll::Ready(Some(credit)) => {
                // No more than the length of what is held.
                let piece = self.held.split_to(usize::try_from(credit).unwrap_or(0));
                self.response.chunk(self.at, piece);
                self.at = self.at.saturating_add(credit);
                desk.cache.count(credit);
                None
            }
        }
    }

    pub(super) fn finish(mut self, desk: &mut Desk) {
        self.close_exchange(desk, false);
        self.response.finish();
    }

    pub(super) fn fail(mut self, desk: &mut Desk, fault: Fault) {
        self.close_exchange(desk, false);
        self.response.fail(fault);
    }

    /// Nobody waits for it any more: what came is kept.
    pub(super) fn abandon(mut self, desk: &mut Desk) {
        desk.cancel(self.request.id);
        self.close_exchange(desk, false);
    }
}

/// A URL as the network tells of it.
fn normal(url: &str) -> String {
    web_url(url).map_or_else(|_| url.to_owned(), String::from)
}

/// What is kept can not be used: the network is asked instead.
fn lost(desk: &Desk, error: CacheError) {
    let fault = error.fault().mark_recovered();
    desk.cache.tell(CacheNotice::Recovered(fault));
}
