//! What is asked of the network, and what comes of it.

use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use kinora_cache::Meta;
use kinora_errors::{Fault, Retry, codes};
use kinora_fetch::{FetchEvent, FetchRequest, Purpose};
use kinora_media::{ByteRange, Freshness, Header, ResponseInfo};

use super::{Job, Step, normal};
use crate::cache::actor::Desk;
use crate::cache::playlist;
use crate::cache::writer::Slot;

/// So many bytes of a response are under way between the network and the cache.
const WINDOW: u64 = 4 << 20;

/// A request to the network.
pub(super) struct Exchange {
    condition: Condition,
    /// Where it was asked to begin.
    from: u64,
    /// Credit that it has.
    credit: u64,
    keeping: Keeping,
}

/// On what condition the network is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Condition {
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

impl Job {
    /// Asks the network for what comes next.
    pub(super) fn ask(&mut self, desk: &mut Desk, condition: Condition) -> Step {
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
    pub(in crate::cache) fn wake(&mut self, desk: &mut Desk) -> Step {
        match self.exchange {
            Some(_) => self.pump(desk),
            None => self.go_on(desk),
        }
    }

    /// Lets the network bring what may be given.
    pub(super) fn pump(&mut self, desk: &Desk) -> Step {
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

    pub(in crate::cache) fn on_fetch(&mut self, desk: &mut Desk, event: FetchEvent) -> Step {
        if self.exchange.is_none() {
            return Step::Wait;
        }
        match event {
            FetchEvent::Head { info, .. } => self.on_head(desk, info),
            FetchEvent::Chunk(chunk) => self.on_chunk(desk, chunk.offset, chunk.data),
            FetchEvent::Done { .. } => self.on_done(desk),
            FetchEvent::Failed { fault, .. } => self.on_failed(desk, fault),
            // The web gives bytes.
            FetchEvent::Tracks { .. } | FetchEvent::Packet { .. } | FetchEvent::TraceId { .. } => {
                Step::Wait
            }
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
    pub(super) fn close_exchange(&mut self, desk: &mut Desk, whole: bool) -> Option<Exchange> {
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
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}
