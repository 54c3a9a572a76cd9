//! Other places that have the same segments: a lane goes on there when a request of it is refused.

use kinora_errors::Fault;
use kinora_fetch::recover::RETRIES_BEFORE_ELSEWHERE;
use kinora_fetch::{Progress, RetryContext};
use kinora_media::RequestId;

use super::Segmented;
use super::lane::Lane;
use super::requests::{LaneId, Request};
use crate::cx::Cx;

/// How often a request is made again depends on whether another place has the same. A clock that does not answer gives way at
/// once: to the next, or until all are asked again.
pub(super) fn terms(lanes: &[&Lane], request: &Request, context: RetryContext) -> RetryContext {
    let lane = lanes.iter().find(|it| it.loader.id() == request.owner);
    let has_elsewhere = lane.is_some_and(|lane| lane.loader.has_elsewhere(request));
    let elsewhere = match request.is_clock() {
        true => Some(0),
        false => has_elsewhere.then_some(RETRIES_BEFORE_ELSEWHERE),
    };
    RetryContext {
        elsewhere,
        ..context
    }
}

impl Segmented {
    pub(super) fn terms_of(&self, id: RequestId, context: RetryContext) -> RetryContext {
        let lanes: Vec<&Lane> = self.lanes.iter().chain(&self.incoming).collect();
        match self.requests.get(id) {
            Some(request) => terms(&lanes, request, context),
            None => context,
        }
    }

    /// A place does not give what a lane asked it for: all lanes leave it.
    pub(super) fn go_elsewhere(&mut self, cx: &mut Cx, owner: LaneId, id: RequestId, fault: Fault) {
        let url = self.requests.get(id).map(|it| it.transfer.url().clone());
        let lanes = self.lanes.iter_mut().chain(&mut self.incoming);
        let mut loaders = lanes
            .map(|lane| &mut lane.loader)
            .chain(self.text.reading());
        let loader = loaders.find(|loader| loader.id() == owner);
        let (Some(url), Some(loader)) = (url, loader) else {
            return;
        };
        let root = &mut self.root.playlist;
        if !root.leave_place(cx, loader.manifest(), &url) {
            let failed = Progress::Failed(fault);
            return loader.progressed(cx, &mut self.requests, id, failed);
        }
        cx.recovered(fault);
        self.follow_root(cx);
    }

    /// All lanes make their index anew, by what the manifest's reader knows now.
    pub(super) fn follow_root(&mut self, cx: &mut Cx) {
        let lanes = self.lanes.iter_mut().chain(&mut self.incoming);
        let loaders = lanes
            .map(|lane| &mut lane.loader)
            .chain(self.text.reading());
        for loader in loaders {
            loader.manifest_changed(cx, &mut self.requests, &self.root.playlist);
        }
    }
}
