//! All requests of a presentation, by their ids: whatever comes in finds its owner in one step.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use kinora_errors::Secret;
use kinora_fetch::{Initiator, Progress, Purpose, Reload, RequestSpec, RetryContext, Transfer};
use kinora_media::{ByteRange, KeyId, RequestId, Time};

use super::bursts::Bursts;
use super::index::{Init, Key, PartId, Segment};
use kinora_protect::clear_key;

use crate::abr::Download;
use crate::cx::Cx;
use crate::ingest::manifest_reader::ClockSource;

/// Bytes of a segment that may be under way or wait to be read.
const SEGMENT_WINDOW: u64 = 1 << 20;
/// Manifests, keys and init sections beyond that are refused.
pub(super) const MAX_SMALL_BYTES: u64 = 8 << 20;
const KEY_WINDOW: u64 = 4_096;
const LICENCE_WINDOW: u64 = 256 * 1024;

/// Whose request it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct LaneId(pub(super) u32);

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Resource {
    /// The playlist of a rendition; of the presentation, where it is the root's.
    Playlist,
    Key(Secret),
    Init(Arc<Init>),
    Segment(u64),
    /// What time it is, by the manifest's word.
    Clock(ClockSource),
    /// Content keys of these ids.
    Licence(Arc<[KeyId]>),
    /// What a steering server says.
    Steering,
    /// A part of a segment, and where it was hinted at without an end those behind it.
    Part(PartId),
}

impl Resource {
    fn window(&self) -> u64 {
        match self {
            Self::Playlist | Self::Init(_) | Self::Steering => MAX_SMALL_BYTES,
            Self::Key(_) | Self::Clock(_) => KEY_WINDOW,
            Self::Licence(_) => LICENCE_WINDOW,
            Self::Segment(_) | Self::Part(_) => SEGMENT_WINDOW,
        }
    }

    /// Whether a segment can not be read without it.
    pub(super) fn is_needed_by(&self, segment: &Segment) -> bool {
        match self {
            Self::Key(of) => {
                let is =
                    |key: &Arc<Key>| matches!(key.as_ref(), Key::Identity(key) if key.url == *of);
                segment.keys().any(is)
            }
            Self::Init(of) => segment.init.as_ref() == Some(of),
            Self::Playlist
            | Self::Segment(_)
            | Self::Part(_)
            | Self::Steering
            | Self::Clock(_)
            | Self::Licence(_) => false,
        }
    }

    pub(super) fn part(&self) -> Option<PartId> {
        match self {
            Self::Part(id) => Some(*id),
            _ => None,
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Playlist | Self::Steering => Purpose::Playlist,
            Self::Key(_) => Purpose::Key,
            Self::Init(_) => Purpose::Init,
            Self::Segment(number) => Purpose::Segment(*number),
            Self::Licence(_) => Purpose::Licence,
            Self::Clock(ClockSource::Body) => Purpose::Clock,
            Self::Clock(ClockSource::Head) => Purpose::Date,
            Self::Part(id) => Purpose::Segment(id.number),
        }
    }
}

/// A request under way.
pub(super) struct Request {
    pub(super) owner: LaneId,
    pub(super) resource: Resource,
    pub(super) transfer: Transfer,
    /// What came of it, but for segments, which are read as they come.
    pub(super) data: BytesMut,
    pub(super) meter: Meter,
}

/// When the bytes of a response came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    asked_at: Time,
    began: Option<Time>,
    last: Time,
    transfer: Time,
    /// Nothing more could come for want of room.
    held: bool,
    /// Some of it came from a cache.
    from_cache: bool,
    /// It is made while it is sent.
    bursts: Option<Bursts>,
}

impl Meter {
    fn new(asked_at: Time) -> Self {
        Self {
            asked_at,
            began: None,
            last: asked_at,
            transfer: Time::ZERO,
            held: false,
            from_cache: false,
            bursts: None,
        }
    }

    /// The response's head is here, perhaps that of another try.
    pub(super) fn began(&mut self, now: Time, from_cache: bool) {
        self.began.get_or_insert(now);
        self.last = now;
        self.held = false;
        self.from_cache |= from_cache;
    }

    /// Bytes are here; whether there is room for more.
    pub(super) fn came(&mut self, now: Time, held: bool) {
        if !self.held {
            self.transfer += now - self.last;
        }
        (self.last, self.held) = (now, held);
    }

    /// The same, of a segment that is made while it is sent.
    pub(super) fn came_as_made(&mut self, now: Time, held: bool, data: &[u8]) {
        let counts = self
            .bursts
            .get_or_insert_default()
            .came(now - self.last, data);
        if counts && !self.held {
            self.transfer += now - self.last;
        }
        (self.last, self.held) = (now, held);
    }

    /// Of so many bytes that came those whose time is known.
    pub(super) fn timed(&self, received: u64) -> u64 {
        self.bursts.map_or(received, |bursts| bursts.bytes())
    }

    /// From the request to its first byte, as far as it is known.
    pub(super) fn latency(&self) -> Time {
        self.began.unwrap_or(self.last) - self.asked_at
    }

    /// How long bytes could come; `None` before the first one, and while none can come for want of room.
    pub(super) fn active(&self, now: Time) -> Option<Time> {
        let made = self.bursts.is_none_or(|bursts| !bursts.is_between());
        let moves = self.began.is_some() && !self.held && made;
        moves.then(|| self.transfer + (now - self.last))
    }

    /// All bytes are here; `None` where that says nothing of the network: a cache gave some of them, or each came as soon as
    /// it was made.
    pub(super) fn download(mut self, now: Time, bytes: u64) -> Option<Download> {
        let bytes = match self.bursts {
            Some(bursts) => Some(bursts.bytes()).filter(|bytes| *bytes > 0)?,
            None => {
                self.came(now, false);
                bytes
            }
        };
        (!self.from_cache).then(|| Download {
            bytes,
            latency: self.bursts.is_none().then(|| self.latency()),
            transfer: self.transfer,
        })
    }
}

impl Request {
    pub(super) fn is_segment(&self) -> bool {
        matches!(self.resource, Resource::Segment(_))
    }
    pub(super) fn is_part(&self) -> bool {
        matches!(self.resource, Resource::Part(_))
    }
    pub(super) fn is_playlist(&self) -> bool {
        matches!(self.resource, Resource::Playlist)
    }
    pub(super) fn is_licence(&self) -> bool {
        matches!(self.resource, Resource::Licence(_))
    }
    pub(super) fn is_clock(&self) -> bool {
        matches!(self.resource, Resource::Clock(_))
    }
    /// All that was granted came, and it goes on.
    pub(super) fn is_too_long(&self) -> bool {
        let whole = self.transfer.expected() == Some(self.data.len() as u64);
        !whole && self.data.len() as u64 >= self.resource.window()
    }
    pub(super) fn is_of(&self, number: u64) -> bool {
        self.number() == Some(number)
    }
    /// The segment of which it brings media.
    pub(super) fn number(&self) -> Option<u64> {
        match self.resource {
            Resource::Segment(number) => Some(number),
            Resource::Part(id) => Some(id.number),
            Resource::Playlist
            | Resource::Steering
            | Resource::Key(_)
            | Resource::Init(_)
            | Resource::Clock(_)
            | Resource::Licence(_) => None,
        }
    }
}

/// The requests under way. Each is kept under the id by which it was asked for last.
#[derive(Default)]
pub(super) struct Requests {
    table: BTreeMap<RequestId, Request>,
}

impl Requests {
    pub(super) fn start(
        &mut self,
        cx: &mut Cx,
        owner: LaneId,
        resource: Resource,
        (url, range): (Secret, ByteRange),
        initiator: Initiator,
    ) {
        let spec = RequestSpec {
            purpose: resource.purpose(),
            url,
            range,
            initiator,
        };
        let window = resource.window();
        let transfer = match &resource {
            Resource::Licence(ids) => {
                Transfer::post_json(cx, spec, clear_key::request(ids), window)
            }
            _ => Transfer::start(cx, spec, window),
        };
        self.adopt(owner, resource, transfer, BytesMut::new(), cx.mono());
    }

    /// Takes over a transfer that has begun.
    pub(super) fn adopt(
        &mut self,
        owner: LaneId,
        resource: Resource,
        transfer: Transfer,
        data: BytesMut,
        asked_at: Time,
    ) {
        let request = Request {
            owner,
            resource,
            transfer,
            data,
            meter: Meter::new(asked_at),
        };
        self.table.insert(request.transfer.id(), request);
    }

    pub(super) fn of(&self, owner: LaneId) -> impl Iterator<Item = &Request> {
        self.table.values().filter(move |it| it.owner == owner)
    }

    pub(super) fn any(&self, owner: LaneId, is: impl Fn(&Request) -> bool) -> bool {
        self.of(owner).any(is)
    }

    /// Whether an answer to that request is still wanted. One that waits for its next try wants none of the last.
    pub(super) fn awaits(&self, id: RequestId) -> bool {
        let request = self.table.get(&id);
        request.is_some_and(|request| request.transfer.is(id))
    }

    /// The request of that id, to be looked at.
    pub(super) fn get(&self, id: RequestId) -> Option<&Request> {
        self.table.get(&id)
    }

    /// The request of that id.
    pub(super) fn entry(&mut self, id: RequestId) -> Option<&mut Request> {
        self.table.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: RequestId) -> Option<Request> {
        self.table.remove(&id)
    }

    /// Lets the transfer of that id do something, upon which it may have another id; gives the id that it has then.
    pub(super) fn act(
        &mut self,
        cx: &mut Cx,
        id: RequestId,
        act: impl FnOnce(&mut Cx, &mut Transfer) -> Progress,
    ) -> Option<(LaneId, RequestId, Progress)> {
        let request = self.table.get_mut(&id)?;
        let (owner, progress) = (request.owner, act(cx, &mut request.transfer));
        let now = request.transfer.id();
        if now != id
            && let Some(request) = self.table.remove(&id)
        {
            self.table.insert(now, request);
        }
        Some((owner, now, progress))
    }

    /// The ids of a lane's requests that are as wanted.
    pub(super) fn ids(&self, owner: LaneId, is: impl Fn(&Request) -> bool) -> Vec<RequestId> {
        let all = self.table.iter();
        all.filter(|(_, it)| it.owner == owner && is(it))
            .map(|(id, _)| *id)
            .collect()
    }

    /// What was to happen at a time, and what came of it.
    pub(super) fn on_time(
        &mut self,
        cx: &mut Cx,
        context: impl Fn(&Request) -> RetryContext,
    ) -> Vec<(LaneId, RequestId, Progress)> {
        let all = self.table.iter();
        let due: Vec<_> = all.map(|(id, request)| (*id, context(request))).collect();
        due.into_iter()
            .filter_map(|(id, context)| {
                self.act(cx, id, |cx, transfer| transfer.on_time(cx, context))
            })
            .collect()
    }

    /// Asks again now for what waits for another try, or for all. `false`: nothing is asked for.
    pub(super) fn reload(&mut self, cx: &mut Cx, which: Reload) -> bool {
        let ids: Vec<RequestId> = self.table.keys().copied().collect();
        let mut asks = false;
        for id in ids {
            self.act(cx, id, |cx, transfer| {
                asks |= transfer.reload(cx, which);
                Progress::None
            });
        }
        asks
    }

    /// The resource is to be found at another URL now.
    pub(super) fn renew(&mut self, cx: &mut Cx, id: RequestId, url: Secret) {
        self.act(cx, id, |cx, transfer| {
            transfer.renew(cx, url);
            Progress::None
        });
    }

    /// Lets more bytes of a resource come.
    pub(super) fn grant(&mut self, cx: &mut Cx, owner: LaneId, of: &Resource) {
        let mut all = self.table.values_mut();
        if let Some(request) = all.find(|it| it.owner == owner && it.resource == *of) {
            request.transfer.grant(cx);
        }
    }

    pub(super) fn cancel(&mut self, cx: &mut Cx, owner: LaneId, is: impl Fn(&Request) -> bool) {
        self.table.retain(|_, request| {
            let cancelled = request.owner == owner && is(request);
            if cancelled {
                request.transfer.cancel(cx);
            }
            !cancelled
        });
    }

    pub(super) fn cancel_all(&mut self, cx: &mut Cx) {
        for (_, mut request) in std::mem::take(&mut self.table) {
            request.transfer.cancel(cx);
        }
    }

    pub(super) fn deadline(&self, cx: &Cx) -> Option<Time> {
        let all = self.table.values();
        all.filter_map(|it| it.transfer.deadline(cx)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cache_gave_says_nothing_of_the_network() {
        let at = Time::from_millis;
        let mut meter = Meter::new(at(0));
        meter.began(at(10), false);
        meter.came(at(20), false);
        let download = meter.download(at(30), 100).unwrap();
        assert_eq!(
            (download.latency, download.transfer),
            (Some(at(10)), at(20))
        );
        // It broke off, and the rest was cached.
        meter.began(at(40), true);
        assert_eq!(meter.download(at(50), 100), None);
    }
}
