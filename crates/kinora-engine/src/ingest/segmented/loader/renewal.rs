//! A playlist that moved: requests that were refused go on by its new version.

use kinora_errors::{Fault, Secret};

use super::{Loader, LoaderEvent, Resource};
use crate::Initiator;
use crate::cx::Cx;
use crate::ingest::segmented::index::{Key, Segment};

impl Loader {
    /// The playlist moved: what waits for a fresh credential goes on with the URLs that it names.
    pub(in crate::ingest::segmented) fn renew(
        &mut self,
        cx: &mut Cx,
        url: &Secret,
        named_by: Initiator,
    ) {
        (self.asked, self.url) = (url.clone(), url.clone());
        self.named_by = named_by;
        self.renewing = true;
        // They are mended together with what was told.
        self.events
            .retain(|event| !matches!(event, LoaderEvent::Expired(_)));
        self.cancel_requests(cx, |request| matches!(request.resource, Resource::Playlist));
        self.ask_playlist(cx);
    }

    /// Requests that were refused are made again by the newest playlist.
    pub(super) fn revive(&mut self, cx: &mut Cx) {
        let Some(plan) = &self.plan else { return };
        for request in self
            .requests
            .iter_mut()
            .filter(|request| request.transfer.is_parked())
        {
            if let Resource::Segment(number) = request.resource
                && let Some(segment) = plan.segment(number)
            {
                request.transfer.renew(cx, segment.url.clone());
            }
        }
        // Keys and init sections are asked for by their new URLs together with the segment.
        for reader in &mut self.readers {
            if let Some(segment) = plan.segment(reader.segment.number) {
                reader.segment = segment.clone();
            }
        }
        let wanted: Vec<Segment> = self
            .readers
            .iter()
            .map(|reader| reader.segment.clone())
            .collect();
        self.cancel_requests(cx, |request| request.transfer.is_parked());
        for segment in wanted {
            if let Some(Key::Aes128 { url, .. }) = segment.key.as_deref() {
                self.want_key(cx, url);
            }
            if let Some(init) = segment.init {
                self.want_init(cx, init);
            }
        }
    }

    /// A request was refused because its address is too old.
    pub(super) fn expired(&mut self, cx: &mut Cx, at: usize, fault: Fault) {
        let Some(request) = self.requests.get_mut(at) else {
            return;
        };
        let plan = self.plan.as_ref();
        let newest = match &request.resource {
            Resource::Segment(number) => plan
                .and_then(|plan| plan.segment(*number))
                .map(|it| &it.url),
            _ => None,
        };
        // It was asked for before the newest playlist came.
        if let Some(url) = newest.filter(|url| url.expose() != request.transfer.url().expose()) {
            return request.transfer.renew(cx, url.clone());
        }
        let awaited = self.renewing && !matches!(request.resource, Resource::Playlist);
        if !awaited {
            self.events.push_back(LoaderEvent::Expired(fault));
        }
    }
}
