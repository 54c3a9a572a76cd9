//! What a loader asks for: segments in their order, and what each of them needs.

use std::sync::Arc;

use kinora_errors::{Coded, Fault, Secret, codes};
use kinora_manifest::data_url;
use kinora_media::{ByteRange, Time};

use super::{Loader, MAX_READERS, Phase};
use crate::cx::Cx;
use crate::ingest::segmented::ROOT;
use crate::ingest::segmented::index::{IdentityKey, Key, Segment};
use crate::ingest::segmented::requests::{Requests, Resource};
use crate::ingest::segmented::segment_reader::{Join, References, SegmentReader};
use crate::recover::segments::Failed;

impl Loader {
    /// Leaves out what ends before a time, and was not asked for.
    pub(in crate::ingest::segmented) fn leave_out_until(&mut self, time: Time) {
        let by_parts = self.reads_parts();
        let Some(index) = self.index.as_ref().filter(|_| !by_parts) else {
            return;
        };
        let is_late = |it: &Segment| it.end() < time;
        if index.segment(self.next).is_none_or(|next| !is_late(next)) {
            return;
        }
        let later = index.segments.iter().find(|it| !is_late(it));
        let later = later.or(index.segments.last()).map(|it| it.number);
        if let Some(later) = later.filter(|later| *later > self.next) {
            self.next = later;
            self.references = References::Missing;
        }
    }

    /// Asks for what is wanted next.
    pub(super) fn go_on(&mut self, cx: &mut Cx, requests: &mut Requests) {
        self.read_parts(cx, requests);
        while let Phase::Running = self.phase
            && !self.reads_parts()
            && self.readers.len() < MAX_READERS
            && !requests.any(self.id, |request| request.is_segment())
        {
            let index = self.index.as_ref();
            let Some(segment) = index.and_then(|index| index.segment(self.next)).cloned() else {
                return;
            };
            if segment.gap {
                self.next += 1;
                self.references = References::Missing;
                cx.recovered(named_gap(&segment));
                continue;
            }
            let foreign = segment.keys().find_map(|key| match key.as_ref() {
                Key::Foreign(error) => Some(error.fault()),
                Key::Named(error) if !cx.keys.ids.has_any() => Some(error.fault()),
                Key::Identity(_) | Key::Named(_) => None,
            });
            if let Some(fault) = foreign {
                let fault = fault.at_url(self.url.expose());
                return self.fail(cx, requests, Failed::Description, self.next, fault);
            }
            self.ask_for_needs(cx, requests, &segment);
            // A key that the playlist holds itself may be none.
            if !matches!(self.phase, Phase::Running) {
                return;
            }
            self.next += 1;
            let first_part = self.first_part(&segment);
            if first_part.is_none() {
                self.segment_asked_at = cx.mono();
                let (url, range) = (segment.url.clone(), segment.range);
                self.ask(cx, requests, Resource::Segment(segment.number), url, range);
            }
            let before = self.discontinuity.replace(segment.discontinuity);
            let join = match before.is_some_and(|before| before != segment.discontinuity) {
                true => Join::Discontinuity,
                false => Join::Seamless,
            };
            let segment = match first_part {
                Some(first) => self.read_by_parts(segment, first),
                None => segment,
            };
            let references = std::mem::take(&mut self.references);
            let reader = SegmentReader::new(segment, join, references, cx.tape.clone());
            self.readers.push_back(reader.carrying(self.carries));
            if self.one_at_a_time {
                self.drain();
            }
            self.read_parts(cx, requests);
        }
    }

    /// Asks for the key and the init section of a segment.
    pub(super) fn ask_for_needs(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        segment: &Segment,
    ) {
        for key in segment.keys() {
            if let Key::Identity(IdentityKey { url, .. }) = key.as_ref()
                && cx.keys.uris.get(url).is_none()
            {
                if data_url::is_data_url(url.expose()) {
                    self.key_is_named(cx, requests, url.clone());
                    continue;
                }
                let (resource, url) = (Resource::Key(url.clone()), url.clone());
                self.ask_once(cx, requests, resource, url, ByteRange::default());
            }
        }
        if let Some(init) = &segment.init
            && !self.inits.has(init)
        {
            let resource = Resource::Init(Arc::clone(init));
            self.ask_once(cx, requests, resource, init.url.clone(), init.range);
        }
    }

    /// The playlist itself holds a key (RFC 2397).
    fn key_is_named(&mut self, cx: &mut Cx, requests: &mut Requests, url: Secret) {
        match data_url::decode(url.expose()) {
            Some(data) => self.key_is_here(cx, requests, url, &data),
            // Without the content nothing is known of it but what was seen.
            None if cx.tape.is_reading() => self.key_is_here(cx, requests, url, &[]),
            None => {
                let fault = Fault::new(codes::ERROR_DEMUXER_OPENURL, "hls.key.malformed").because(
                    "the key in the playlist can not be read: its `data:` URL is malformed",
                );
                self.lacks(cx, requests, &Resource::Key(url), fault);
            }
        }
    }

    /// Asks for what a segment needs, unless that is on its way.
    pub(super) fn ask_once(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        resource: Resource,
        url: Secret,
        range: ByteRange,
    ) {
        // A key that the presentation names as a whole may be on its way already.
        let comes = |owner| requests.any(owner, |request| request.resource == resource);
        if !comes(self.id) && !comes(ROOT) {
            self.ask(cx, requests, resource, url, range);
        }
    }

    pub(super) fn ask(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        resource: Resource,
        url: Secret,
        range: ByteRange,
    ) {
        let initiator = match resource {
            Resource::Playlist => self.named_by.clone(),
            _ => self.names(),
        };
        requests.start(cx, self.id, resource, (url, range), initiator);
    }
}

fn named_gap(segment: &Segment) -> Fault {
    Fault::new(codes::ERROR_NETWORK_HTTP_404, "hls.segment.gap")
        .because("the playlist says that the segment is missing")
        .with(|context| context.segment = Some(segment.number))
}
