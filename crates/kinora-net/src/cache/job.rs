//! One request: answered by what is kept, by the network, or by both in turn.

use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use kinora_cache::{CacheError, Entry, EntryId, Meta};
use kinora_errors::{Coded as _, Fault, Retry, codes};
use kinora_fetch::{FetchEvent, FetchRequest, Purpose};
use kinora_media::{ByteRange, Freshness, Header, ResponseInfo};

use super::actor::Desk;
use super::writer::Slot;
use super::{CacheNotice, playlist};
use crate::ResponseSink;
use crate::target::web_url;

/// So many bytes of a response are under way between the network and the cache.
const WINDOW: u64 = 4 << 20;
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

/// A request to the network.
struct Exchange {
    condition: Condition,
    /// Where it was asked to begin.
    from: u64,
    /// Credit that it has.
    credit: u64,
    keeping: Keeping,
}

/// On what condition the network is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Condition {
    /// As we were asked.
    Plain,
    /// If the server holds the version that is kept still.
    IfUnchanged,
    /// If it holds another one.
    IfChanged,
}

/// What becomes of the bytes beside being given.
enum Keeping {
    /// They are not kept.
    Nothing,
    /// What begins the resource decides; that is known of it.
    Undecided(Box<Meta>),
    /// They are written as they come.
    Stretch(Slot),
    /// A playlist, or a resource of unknown length: it is kept once it is whole.
    Whole(Box<Meta>, BytesMut),
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

    /// Asks the network for what comes next.
    fn ask(&mut self, desk: &mut Desk, condition: Condition) -> Step {
        let mut condition = condition;
        let meta = self.entry.as_ref().map(|entry| entry.meta());
        let mut range = ByteRange {
            start: self.at,
            end: self.request.range.end,
        };
        let mut headers = self.request.headers.clone();
        match (condition, meta.and_then(|meta| meta.validator.clone())) {
            (Condition::Plain, _) => match self.told.as_ref().map(|told| &told.validator) {
                None => {}
                // What goes on where other bytes ended is of their version.
                Some(Some(version)) => headers = vec![header("If-Range", version)],
                // Nothing can prove that: who asked gets less than that, and asks for the rest.
                Some(None) => {
                    self.drop_entry(desk);
                    return Step::Finish;
                }
            },
            (Condition::IfUnchanged, Some(version)) => {
                let missing = self
                    .entry
                    .as_ref()
                    .and_then(|entry| entry.next_from(self.at));
                range.end = [range.end, missing].into_iter().flatten().min();
                headers = vec![header("If-Range", &version)];
            }
            (Condition::IfChanged, Some(version)) => {
                let name = match version.starts_with('"') {
                    true => "If-None-Match",
                    false => "If-Modified-Since",
                };
                headers.push(header(name, &version));
            }
            (_, None) => condition = Condition::Plain,
        }
        let request = FetchRequest {
            range,
            headers,
            credit: 0,
            ..self.request.clone()
        };
        desk.fetch(request);
        self.exchange = Some(Exchange {
            condition,
            from: self.at,
            credit: 0,
            keeping: Keeping::Nothing,
        });
        self.pump(desk)
    }

    /// Credit was granted, or the request was cancelled.
    pub(super) fn wake(&mut self, desk: &mut Desk) -> Step {
        match self.exchange {
            Some(_) => self.pump(desk),
            None => self.go_on(desk),
        }
    }

    /// Lets the network bring what may be given.
    fn pump(&mut self, desk: &Desk) -> Step {
        let Some(exchange) = &mut self.exchange else {
            return Step::Wait;
        };
        if exchange.credit > WINDOW / 2 {
            return match self
                .response
                .poll_cancelled(&Context::from_waker(&desk.waker))
            {
                Poll::Ready(()) => Step::Cancelled,
                Poll::Pending => Step::Wait,
            };
        }
        let wanted = WINDOW.saturating_sub(exchange.credit);
        match self
            .response
            .poll_credit(&Context::from_waker(&desk.waker), wanted)
        {
            Poll::Pending => Step::Wait,
            Poll::Ready(None) => Step::Cancelled,
            Poll::Ready(Some(credit)) => {
                exchange.credit = exchange.credit.saturating_add(credit);
                desk.grant(self.request.id, credit);
                // So that a grant, or a cancellation, wakes us.
                self.pump(desk)
            }
        }
    }

    pub(super) fn on_fetch(&mut self, desk: &mut Desk, event: FetchEvent) -> Step {
        if self.exchange.is_none() {
            return Step::Wait;
        }
        match event {
            FetchEvent::Head { info, .. } => self.on_head(desk, info),
            FetchEvent::Chunk(chunk) => self.on_chunk(desk, chunk.offset, chunk.data),
            FetchEvent::Done { .. } => self.on_done(desk),
            FetchEvent::Failed { fault, .. } => self.on_failed(desk, fault),
            // The web gives bytes.
            FetchEvent::Tracks { .. } | FetchEvent::Packet { .. } => Step::Wait,
        }
    }

    fn on_head(&mut self, desk: &mut Desk, info: ResponseInfo) -> Step {
        if let Some(told) = &self.told {
            let same = told.validator == info.validator && told.total_len == info.total_len;
            if !same || info.offset != self.at {
                return self.changed(desk);
            }
        }
        let found = Meta {
            total_len: info.total_len.unwrap_or(0),
            validator: info.validator.clone(),
            content_type: info.content_type.clone(),
            ranges: info.ranges,
            freshness: info.freshness,
            is_playlist: false,
            ..Meta::default()
        };
        let meta = found.at(self.request.url.expose(), SystemTime::now());
        if self
            .entry
            .as_ref()
            .is_some_and(|entry| !entry.meta().is_version_of(&meta))
        {
            self.entry = None;
        }
        let keeping = self.keeping(desk, &info, meta);
        if let Some(exchange) = &mut self.exchange {
            exchange.keeping = keeping;
        }
        if self.told.is_none() {
            self.at = info.offset;
            let from_cache = self.entry.is_some();
            self.head(ResponseInfo { from_cache, ..info });
        }
        Step::Wait
    }

    /// What becomes of a response that begins so.
    fn keeping(&self, desk: &mut Desk, info: &ResponseInfo, meta: Meta) -> Keeping {
        let Some(id) = self.id else {
            return Keeping::Nothing;
        };
        if info.freshness == Freshness::NoStore {
            desk.writer.remove(id);
            return Keeping::Nothing;
        }
        if info.offset == 0 && self.told.is_none() {
            return Keeping::Undecided(Box::new(meta));
        }
        // Bytes of several responses are one resource only by a validator (RFC 9111 3.4).
        match meta.validator.is_some() && info.total_len.is_some() {
            true => Keeping::Stretch(desk.writer.begin(id, meta, self.rewrites)),
            false => Keeping::Nothing,
        }
    }

    fn on_chunk(&mut self, desk: &mut Desk, offset: u64, data: Bytes) -> Step {
        let len = data.len() as u64;
        self.keep(desk, offset, &data);
        if let Some(exchange) = &mut self.exchange {
            exchange.credit = exchange.credit.saturating_sub(len);
        }
        self.at = offset.saturating_add(len);
        self.response.chunk(offset, data);
        self.pump(desk)
    }

    fn keep(&mut self, desk: &mut Desk, offset: u64, data: &Bytes) {
        let (Some(exchange), Some(id)) = (&mut self.exchange, self.id) else {
            return;
        };
        if let Keeping::Undecided(meta) = &mut exchange.keeping {
            let mut meta = std::mem::take(meta);
            meta.is_playlist = self.request.purpose == Purpose::Playlist || playlist::begins(data);
            let unknown = meta.total_len == 0;
            exchange.keeping = match meta.is_playlist || unknown {
                true => Keeping::Whole(meta, BytesMut::new()),
                false => Keeping::Stretch(desk.writer.begin(id, *meta, self.rewrites)),
            };
        }
        match &mut exchange.keeping {
            Keeping::Stretch(slot) => desk.writer.data(*slot, offset, data),
            Keeping::Whole(_, body) => {
                body.extend_from_slice(data);
                if body.len() as u64 > playlist::MAX_LEN {
                    exchange.keeping = Keeping::Nothing;
                }
            }
            Keeping::Nothing | Keeping::Undecided(_) => {}
        }
    }

    fn on_done(&mut self, desk: &mut Desk) -> Step {
        let Some(exchange) = self.close_exchange(desk, true) else {
            return Step::Wait;
        };
        let is_over = self.end().is_none_or(|end| self.at >= end);
        // What came less than it should is asked for by who wants it.
        let came_nothing = self.at == exchange.from;
        let can_go_on = self
            .told
            .as_ref()
            .is_some_and(|told| told.validator.is_some());
        match is_over || came_nothing || !can_go_on {
            true => Step::Finish,
            false => self.go_on(desk),
        }
    }

    /// The network has nothing more to say to this request.
    fn close_exchange(&mut self, desk: &mut Desk, whole: bool) -> Option<Exchange> {
        let mut exchange = self.exchange.take()?;
        self.response.return_credit(exchange.credit);
        match std::mem::replace(&mut exchange.keeping, Keeping::Nothing) {
            Keeping::Stretch(slot) => desk.writer.end(slot),
            Keeping::Whole(meta, body) if whole => self.keep_whole(desk, *meta, body.freeze()),
            _ => {}
        }
        Some(exchange)
    }

    fn keep_whole(&self, desk: &mut Desk, mut meta: Meta, body: Bytes) {
        let (Some(id), len) = (self.id, body.len() as u64) else {
            return;
        };
        // The whole was asked for, and came.
        let is_whole =
            self.request.range.end.is_none() && (meta.total_len == 0 || meta.total_len == len);
        if meta.is_playlist {
            let asked = normal(self.request.url.expose());
            let found = self.told.as_ref().and_then(|told| told.final_url.clone());
            let found = found.unwrap_or_else(|| asked.clone());
            let kind = playlist::kind(&body);
            if kind == playlist::Kind::Live {
                desk.note_live(&found);
            }
            // What it names is relative to where it was found, which is not kept.
            if kind != playlist::Kind::Fixed || found != asked {
                return desk.writer.remove(id);
            }
        }
        if is_whole {
            meta.total_len = len;
            desk.writer.whole(id, meta, body);
        }
    }

    fn on_failed(&mut self, desk: &mut Desk, fault: Fault) -> Step {
        let Some(exchange) = self.close_exchange(desk, false) else {
            return Step::Wait;
        };
        let status = fault.context().http_status;
        match (exchange.condition, status) {
            // RFC 9110 15.4.5: what is kept is the same still.
            (Condition::IfChanged, Some(304)) => {
                if let Some(id) = self.id {
                    desk.writer.renew(id);
                }
                return self.go_on(desk);
            }
            // RFC 5861 4: better old than nothing.
            (Condition::IfChanged, None | Some(500..)) if self.may_be_stale() => {
                return self.go_on(desk);
            }
            (Condition::IfUnchanged, Some(200 | 400 | 405 | 406 | 412 | 416 | 501)) => {
                self.drop_entry(desk);
                // Another version is there now, or the server knows no such conditions: as if nothing had been kept.
                if self.told.is_none() {
                    return self.ask(desk, Condition::Plain);
                }
            }
            (_, Some(404 | 410)) => self.drop_entry(desk),
            _ => {}
        }
        Step::Fail(Box::new(fault))
    }

    /// What is kept begins where it is wanted, and may be used though it is old.
    fn may_be_stale(&self) -> bool {
        let entry = self.entry.as_ref();
        entry.is_some_and(|entry| {
            entry.meta().is_usable_offline() && entry.covered_until(self.at) > self.at
        })
    }

    fn drop_entry(&mut self, desk: &mut Desk) {
        self.entry = None;
        if let Some(id) = self.id {
            desk.writer.remove(id);
        }
    }

    /// The server holds another version than the bytes that were given.
    fn changed(&mut self, desk: &mut Desk) -> Step {
        desk.cancel(self.request.id);
        self.close_exchange(desk, false);
        self.drop_entry(desk);
        let fault = Fault::new(codes::ERROR_NETWORK_HTTP_RANGE, "http.resource_changed")
            .because("the server holds another version of the resource than the one that is cached in part")
            .retry_class(Retry::Now);
        Step::Fail(Box::new(fault.at_url(self.request.url.expose())))
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

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// What is kept can not be used: the network is asked instead.
fn lost(desk: &Desk, error: CacheError) {
    let fault = error.fault().mark_recovered();
    desk.cache.tell(CacheNotice::Recovered(fault));
}
