//! What comes in for the manifests and the lanes.

use kinora_errors::{Fault, Secret};
use kinora_fetch::{FetchEvent, Progress, Reload, RetryContext};
use kinora_media::{ByteRange, RequestId, ResponseInfo, Time};

use super::lane::{Lane, LaneRole};
use super::requests::{LaneId, MAX_SMALL_BYTES, Request, Resource};
use super::text::TextRenditions;
use super::{ROOT, Segmented, places};
use crate::cx::Cx;
use crate::ingest::{Notice, hls};

impl Segmented {
    /// Whether an answer of the network is for it.
    pub(crate) fn awaits(&self, id: RequestId) -> bool {
        self.requests.awaits(id)
    }

    /// The network answers a request.
    pub(crate) fn on_fetch(&mut self, cx: &mut Cx, event: FetchEvent, context: RetryContext) {
        let id = event.id();
        if !self.requests.awaits(id) {
            return;
        }
        let context = self.terms_of(id, context);
        let progress = self
            .requests
            .act(cx, id, |cx, transfer| transfer.on_event(cx, event, context));
        if let Some((owner, id, progress)) = progress {
            self.progressed(cx, owner, id, progress);
        }
    }

    fn progressed(&mut self, cx: &mut Cx, owner: LaneId, id: RequestId, progress: Progress) {
        if owner == ROOT {
            return self.root_progressed(cx, id, progress);
        }
        if let Progress::Elsewhere(fault) = progress {
            return self.go_elsewhere(cx, owner, id, fault);
        }
        if let Some(loader) = self.text.loader(owner) {
            return loader.progressed(cx, &mut self.requests, id, progress);
        }
        let mut lanes = self.lanes.iter_mut().chain(&mut self.incoming);
        if let Some(lane) = lanes.find(|lane| lane.loader.id() == owner) {
            let loader = &mut lane.loader;
            loader.progressed(cx, &mut self.requests, id, progress);
        }
    }

    fn root_progressed(&mut self, cx: &mut Cx, id: RequestId, progress: Progress) {
        match self.requests.get(id).map(|it| &it.resource) {
            Some(Resource::Clock(_)) => return self.clock_progressed(cx, id, progress),
            Some(Resource::Licence(_)) => return self.licence_progressed(cx, id, progress),
            Some(Resource::Steering) => return self.steering_progressed(cx, id, progress),
            Some(Resource::Key(url)) => {
                let url = url.clone();
                return self.session_key_progressed(cx, id, url, progress);
            }
            _ => {}
        }
        match progress {
            Progress::None => {}
            Progress::Head(info) => {
                self.root.clock = clock_of(&info, cx);
                if let Some(url) = info.final_url {
                    self.root.found = Secret::new(url);
                }
            }
            Progress::Data(_, data) => {
                let Some(request) = self.requests.entry(id) else {
                    return;
                };
                request.data.extend_from_slice(&data);
                request.transfer.grant(cx);
                if request.data.len() as u64 > MAX_SMALL_BYTES {
                    self.requests.cancel(cx, ROOT, Request::is_playlist);
                    let fault = hls::malformed("the playlist has no end", &self.root.found);
                    self.notices.push_back(Notice::Failed(fault));
                }
            }
            Progress::Done => {
                if let Some(request) = self.requests.remove(id) {
                    self.opened(cx, &request.data);
                }
            }
            Progress::Parked(fault) | Progress::Failed(fault) if self.follows_manifest() => {
                self.requests.cancel(cx, ROOT, Request::is_playlist);
                cx.recovered(fault);
                self.refresh_failed(cx);
            }
            other => {
                if let Progress::Failed(_) = other {
                    self.requests.remove(id);
                }
                self.notices.extend(Notice::of(other));
            }
        }
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx, context: RetryContext) {
        let lanes = self.lanes.iter().chain(&self.incoming);
        let lanes: Vec<&Lane> = lanes.collect();
        let terms = |request: &Request| places::terms(&lanes, request, context);
        for (owner, id, progress) in self.requests.on_time(cx, terms) {
            self.progressed(cx, owner, id, progress);
        }
        self.clock_is_due(cx);
        self.ask_clock_again_if_due(cx);
        self.refresh_if_due(cx);
        self.go_ahead_if_due(cx);
        self.steer_if_due(cx);
        for lane in self.lanes.iter_mut().chain(&mut self.incoming) {
            lane.loader.on_time(cx, &mut self.requests);
        }
        self.text.on_time(cx, &mut self.requests);
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        let lanes = self.lanes.iter().chain(&self.incoming);
        let playlists = lanes.filter_map(|lane| lane.loader.deadline()).min();
        let of_lanes = crate::present::earliest([self.requests.deadline(cx), playlists]);
        let clock = [self.root.clock_due, self.root.clock_again];
        let root = crate::present::earliest(clock.into_iter().chain([self.refresh_due()]));
        let text = self.text.deadline();
        let sound = self.sound_goes_ahead_at(cx);
        crate::present::earliest([of_lanes, root, text, self.steering_due(), sound])
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx, which: Reload) -> bool {
        let asked = self.requests.reload(cx, which);
        let Self {
            requests,
            lanes,
            incoming,
            ..
        } = self;
        let all = lanes.iter_mut().chain(incoming);
        all.fold(asked, |asked, lane| {
            lane.loader.reload(cx, requests) | asked
        })
    }

    /// A request was refused because its address is too old.
    pub(super) fn expired(&mut self, fault: Fault) {
        // While the list of renditions comes anew, so do the addresses.
        if !self.requests.any(ROOT, Request::is_playlist) {
            self.notices.push_back(Notice::Expired(fault));
        }
    }

    /// The manifest is to be found at another URL now; segments that it names keep theirs.
    pub(crate) fn renew(&mut self, cx: &mut Cx, url: &Secret) {
        self.root.asked = url.clone();
        if let Some(id) = self.requests.ids(ROOT, Request::is_playlist).first() {
            return self.requests.renew(cx, *id, url.clone());
        }
        self.root.found = url.clone();
        let main = self
            .lanes
            .iter_mut()
            .find(|lane| lane.role == LaneRole::Main);
        match main {
            Some(Lane { loader, .. }) if self.variants.is_empty() => {
                let named_by = self.root.named_by.clone();
                loader.renew(cx, &mut self.requests, url, named_by);
            }
            // The list of renditions comes first: it says where theirs are now.
            Some(_) => {
                let place = (url.clone(), ByteRange::default());
                let (resource, named_by) = (Resource::Playlist, self.root.named_by.clone());
                self.requests.start(cx, ROOT, resource, place, named_by);
            }
            None => {}
        }
    }

    pub(crate) fn close(&mut self, cx: &mut Cx) {
        self.requests.cancel_all(cx);
        self.lanes.clear();
        self.incoming = None;
        self.text = TextRenditions::default();
    }
}

/// What the server's time of day is ahead of ours, if it told.
pub(in crate::ingest) fn clock_of(info: &ResponseInfo, cx: &Cx) -> Option<Time> {
    let date = info.server_date_ms?;
    Some(Time::from_millis(date) - Time::from_millis(cx.now.unix_ms))
}
