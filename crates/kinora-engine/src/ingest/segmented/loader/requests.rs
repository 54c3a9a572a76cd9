//! The requests of a loader: what is asked for, and what comes of it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_errors::{Coded, Fault, Retry, Secret, codes};
use kinora_media::{ByteRange, RequestId, Time};
use kinora_protect::ContentKey;

use super::{Loader, LoaderEvent};
use crate::cx::Cx;
use crate::ingest::hls;
use crate::ingest::segmented::index::{Init, Manifest};
use crate::ingest::segmented::segment_reader::SegmentReader;
use crate::recover;
use crate::transfer::{Progress, Terms, Transfer, Want};
use crate::{InfoCode, Initiator, Purpose, TimingMark};

/// Bytes of a segment that may be under way or wait to be read.
const SEGMENT_WINDOW: u64 = 1 << 20;
/// Playlists, keys and init sections beyond that are refused.
const SMALL_LIMIT: u64 = 8 << 20;
/// Keys and init sections that are kept.
const MAX_KEYS: usize = 8;
const MAX_INITS: usize = 4;
/// What a request is for.
#[derive(Clone, Debug)]
pub(super) enum Resource {
    Playlist,
    Key(Secret),
    Init(Arc<Init>),
    Segment(u64),
}

/// A request under way.
pub(super) struct PendingRequest {
    pub(super) resource: Resource,
    pub(super) transfer: Transfer,
    data: BytesMut,
    pub(super) asked: Time,
}

/// What a playlist names is asked for in its name; the user's own file speaks for the user.
pub(in crate::ingest::segmented) fn named_in(playlist: &Secret) -> Initiator {
    match playlist.expose().split_once("://") {
        Some((scheme, _)) if !scheme.eq_ignore_ascii_case("file") => {
            Initiator::Remote(playlist.clone())
        }
        _ => Initiator::User,
    }
}

impl Loader {
    pub(super) fn ask_playlist(&mut self, cx: &mut Cx) {
        self.asked_at = cx.mono();
        self.refresh_at = None;
        let url = self.asked.clone();
        self.ask(cx, Resource::Playlist, url, ByteRange::default());
    }

    pub(super) fn ask(&mut self, cx: &mut Cx, resource: Resource, url: Secret, range: ByteRange) {
        let (purpose, window) = match &resource {
            Resource::Playlist => (Purpose::Playlist, SMALL_LIMIT),
            Resource::Key(_) => (Purpose::Key, 4_096),
            Resource::Init(_) => (Purpose::Init, SMALL_LIMIT),
            Resource::Segment(number) => (Purpose::Segment(*number), SEGMENT_WINDOW),
        };
        let initiator = match &resource {
            Resource::Playlist => self.named_by.clone(),
            _ => named_in(&self.url),
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
        self.requests.push(PendingRequest {
            resource,
            transfer,
            data: BytesMut::new(),
            asked: cx.mono(),
        });
    }

    pub(super) fn want_key(&mut self, cx: &mut Cx, url: &Secret) {
        let coming =
            self.asks_for(|resource| matches!(resource, Resource::Key(known) if known == url));
        if !coming && !self.keys.iter().any(|(known, _)| known == url) {
            self.ask(
                cx,
                Resource::Key(url.clone()),
                url.clone(),
                ByteRange::default(),
            );
        }
    }

    pub(super) fn want_init(&mut self, cx: &mut Cx, init: Arc<Init>) {
        let coming =
            self.asks_for(|resource| matches!(resource, Resource::Init(known) if *known == init));
        if !coming && !self.inits.iter().any(|(known, _)| *known == init) {
            let (url, range) = (init.url.clone(), init.range);
            self.ask(cx, Resource::Init(init), url, range);
        }
    }

    /// Whether a request for it is under way.
    pub(super) fn asks_for(&self, is: impl Fn(&Resource) -> bool) -> bool {
        self.requests.iter().any(|request| is(&request.resource))
    }

    pub(super) fn cancel_requests(&mut self, cx: &mut Cx, is: impl Fn(&PendingRequest) -> bool) {
        self.requests.retain_mut(|request| {
            let drop = is(request);
            if drop {
                request.transfer.cancel(cx);
            }
            !drop
        });
    }

    /// The request of a request, if it is of this loader.
    fn request(&self, id: RequestId) -> Option<usize> {
        self.requests
            .iter()
            .position(|request| request.transfer.is(id))
    }

    pub(in crate::ingest::segmented) fn owns(&self, id: RequestId) -> bool {
        self.request(id).is_some()
    }

    /// Lets the request's transfer take an input.
    pub(in crate::ingest::segmented) fn route(
        &mut self,
        cx: &mut Cx,
        id: RequestId,
        terms: Terms,
        act: impl FnOnce(&mut Cx, &mut Transfer) -> Progress,
    ) {
        let Some(at) = self.request(id) else { return };
        if let Some(request) = self.requests.get_mut(at) {
            let progress = act(cx, &mut request.transfer);
            self.take(cx, at, progress, terms);
        }
    }

    pub(in crate::ingest::segmented) fn on_time(&mut self, cx: &mut Cx, terms: Terms) {
        for at in (0..self.requests.len()).rev() {
            if let Some(request) = self.requests.get_mut(at) {
                let progress = request.transfer.on_time(cx, terms);
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
                    .requests
                    .get(at)
                    .is_some_and(|request| matches!(request.resource, Resource::Playlist));
                if let (true, Some(url)) = (playlist, info.final_url) {
                    self.url = Secret::new(url);
                }
            }
            Progress::Data(_, data) => self.data(cx, at, data),
            Progress::Done => self.done(cx, at),
            Progress::Expired(fault) => self.expired(cx, at, fault),
            Progress::Parked(fault) => self.events.push_back(LoaderEvent::Parked(fault)),
            Progress::Failed(fault) => self.failed(cx, at, fault, terms),
        }
    }

    fn data(&mut self, cx: &mut Cx, at: usize, data: Bytes) {
        let Some(request) = self.requests.get_mut(at) else {
            return;
        };
        match request.resource {
            Resource::Segment(number) => {
                cx.mark(TimingMark::FirstSegmentByte);
                if let Some(reader) = self.reader(number) {
                    reader.add(data);
                }
            }
            _ => request.data.extend_from_slice(&data),
        }
    }

    fn done(&mut self, cx: &mut Cx, at: usize) {
        let request = self.requests.remove(at);
        match request.resource {
            Resource::Playlist => {
                match hls::playlist(cx, &request.data, &self.url, &self.variables) {
                    Ok(Manifest::Media(plan)) => self.playlist_came(cx, plan),
                    Ok(Manifest::Multivariant { .. }) => {
                        self.fail(hls::malformed(
                            "a multivariant playlist stands where a media playlist is due",
                            &self.url,
                        ));
                    }
                    Err(fault) => self.fail(fault),
                }
            }
            Resource::Key(url) => self.key_came(cx, url, &request.data),
            Resource::Init(init) => {
                self.inits.push_back((init, request.data.freeze()));
                self.inits.keep_last(MAX_INITS);
            }
            Resource::Segment(number) => {
                if let Some(reader) = self.reader(number) {
                    reader.complete();
                }
                self.events.push_back(LoaderEvent::Measured {
                    bytes: request.transfer.received(),
                    took: cx.mono() - request.asked,
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
                self.keys.keep_last(MAX_KEYS);
            }
            Err(fault) => self.fail(fault.at_url(url.expose())),
        }
    }

    fn reader(&mut self, number: u64) -> Option<&mut SegmentReader> {
        let mut readers = self.readers.iter_mut();
        readers.find(|reader| reader.segment.number == number)
    }

    /// A request failed for good.
    fn failed(&mut self, cx: &mut Cx, at: usize, fault: Fault, terms: Terms) {
        let request = self.requests.remove(at);
        match request.resource {
            // A live stream goes on without a segment that is gone.
            Resource::Segment(number) if terms.live => {
                self.readers
                    .retain(|reader| reader.segment.number != number);
                cx.recovered(fault);
            }
            Resource::Segment(number) => {
                self.readers.retain(|reader| reader.segment.number < number);
                // What was given of it must not come twice.
                self.next = if self.current_segment == Some(number) {
                    number + 1
                } else {
                    number
                };
                self.fail(fault);
            }
            Resource::Playlist if self.is_live() && recover::may_come_back(&fault) => {
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
            return self.events.push_back(LoaderEvent::Parked(fault));
        }
        self.ask_playlist(cx);
    }

    fn target(&self) -> Time {
        self.plan.as_ref().map_or(Time::ZERO, |plan| plan.target)
    }

    pub(in crate::ingest::segmented) fn reload(&mut self, cx: &mut Cx) -> bool {
        let mut asks = false;
        for request in &mut self.requests {
            asks |= request.transfer.reload(cx);
        }
        if self.is_live()
            && self.refresh_at.is_none()
            && !self.asks_for(|resource| matches!(resource, Resource::Playlist))
        {
            self.ask_playlist(cx);
            asks = true;
        }
        asks
    }

    pub(in crate::ingest::segmented) fn deadline(&self, cx: &Cx) -> Option<Time> {
        let requests = self
            .requests
            .iter()
            .filter_map(|request| request.transfer.deadline(cx))
            .min();
        crate::present::earliest([requests, self.refresh_at])
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
