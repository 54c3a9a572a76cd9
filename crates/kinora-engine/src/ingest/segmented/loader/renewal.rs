//! A playlist that moved: requests that were refused go on by its new version.

use kinora_errors::{Fault, Secret};
use kinora_fetch::Initiator;
use kinora_media::RequestId;

use super::{Loader, LoaderEvent};
use crate::cx::Cx;
use crate::ingest::segmented::index::Segment;
use crate::ingest::segmented::requests::{Request, Requests, Resource};

impl Loader {
    /// The playlist moved: what waits for a fresh credential goes on with the URLs that it names.
    pub(in crate::ingest::segmented) fn renew(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        url: &Secret,
        named_by: Initiator,
    ) {
        (self.asked, self.url) = (url.clone(), url.clone());
        self.named_by = named_by;
        self.refresh.renews = true;
        // They are mended together with what was reported.
        self.events
            .retain(|event| !matches!(event, LoaderEvent::Expired(_)));
        requests.cancel(cx, self.id, |request| request.is_playlist());
        self.ask_playlist(cx, requests);
    }

    /// Requests that were refused are made again by the newest playlist.
    pub(super) fn revive(&mut self, cx: &mut Cx, requests: &mut Requests) {
        self.revive_parts(cx, requests);
        let Some(index) = &self.index else { return };
        let waits = |it: &Request| it.transfer.is_parked() || it.transfer.is_backing_off();
        for id in requests.ids(self.id, |it| it.is_segment() && waits(it)) {
            let number = match requests.entry(id).map(|request| &request.resource) {
                Some(Resource::Segment(number)) => *number,
                _ => continue,
            };
            if let Some(segment) = index.segment(number) {
                requests.renew(cx, id, segment.url.clone());
            }
        }
        // Keys and init sections are asked for by their new URLs together with the segment.
        for reader in &mut self.readers {
            if let Some(segment) = index.segment(reader.segment.number) {
                reader.segment = segment.clone();
            }
        }
        let wanted: Vec<Segment> = self.readers.iter().map(|it| it.segment.clone()).collect();
        let is_wanted =
            |it: &Request| it.is_segment() || wanted.iter().any(|of| it.resource.is_needed_by(of));
        requests.cancel(cx, self.id, |it| {
            it.transfer.is_parked() || !it.is_playlist() && !is_wanted(it)
        });
        for segment in wanted {
            self.ask_for_needs(cx, requests, &segment);
        }
    }

    /// A request was refused because its address is too old.
    pub(super) fn expired(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        id: RequestId,
        fault: Fault,
    ) {
        let Some(request) = requests.entry(id) else {
            return;
        };
        let index = self.index.as_ref();
        let newest = match &request.resource {
            Resource::Segment(number) => index
                .and_then(|index| index.segment(*number))
                .map(|segment| segment.url.clone()),
            Resource::Part(id) => index
                .and_then(|index| index.segment(id.number)?.parts.list().get(id.part))
                .map(|part| part.url.clone()),
            _ => None,
        };
        // It was asked for before the newest playlist came.
        if let Some(url) = newest.filter(|url| url.expose() != request.transfer.url().expose()) {
            return requests.renew(cx, id, url);
        }
        let awaited = self.refresh.renews && !request.is_playlist();
        if !awaited {
            self.events.push_back(LoaderEvent::Expired(fault));
        }
    }
}
