//! What comes of a loader's requests.

use bytes::Bytes;
use kinora_errors::{Fault, Secret};
use kinora_fetch::Progress;
use kinora_media::{RequestId, Time};

use super::{Failure, Loader, LoaderEvent};
use crate::TimingMark;
use crate::cx::Cx;
use crate::ingest::hls;
use crate::ingest::segmented::decryption::add_key;
use crate::ingest::segmented::index::Segment;
use crate::ingest::segmented::requests::{Request, Requests, Resource};
use crate::ingest::segmented::segment_reader::SegmentReader;
use crate::recover::segments::Failed;

impl Loader {
    /// Takes what came of one of its requests.
    pub(in crate::ingest::segmented) fn progressed(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        id: RequestId,
        progress: Progress,
    ) {
        match progress {
            Progress::None => self.part_waits(cx, requests, id),
            Progress::Head(info) => {
                cx.mark(TimingMark::Connect);
                let Some(request) = requests.entry(id) else {
                    return;
                };
                request.meter.began(cx.mono(), info.from_cache);
                let waited = request.meter.latency();
                let number = request.number().filter(|_| request.transfer.was_missing());
                let playlist = request.is_playlist() && !self.playlist.places_exactly();
                if let (true, Some(url)) = (playlist, info.final_url) {
                    self.url = Secret::new(url);
                }
                if number.is_some_and(|number| self.is_just_due(number)) {
                    self.events.push_back(LoaderEvent::ClockIsFast(waited));
                }
            }
            Progress::Data(_, data) => {
                let Some(request) = requests.entry(id) else {
                    return;
                };
                if request.number().is_none() {
                    request.data.extend_from_slice(&data);
                    if request.is_too_long() {
                        self.too_long(cx, requests, id);
                    }
                    return;
                }
                self.media_came(cx, requests, id, data);
            }
            Progress::Done => {
                if let Some(request) = requests.remove(id) {
                    self.done(cx, requests, request);
                }
            }
            // A part that is not named yet is asked for again when it is.
            Progress::Expired(fault) | Progress::Parked(fault)
                if self.drop_hint(cx, requests, id, &fault) => {}
            Progress::Expired(fault) => self.expired(cx, requests, id, fault),
            Progress::Parked(fault) => self.events.push_back(LoaderEvent::Parked(fault)),
            Progress::Elsewhere(fault) | Progress::Failed(fault) => {
                if let Some(request) = requests.remove(id) {
                    self.request_failed(cx, requests, &request.resource, fault);
                }
            }
        }
    }

    fn done(&mut self, cx: &mut Cx, requests: &mut Requests, request: Request) {
        let (data, received) = (request.data, request.transfer.received());
        match request.resource {
            Resource::Playlist => self.playlist_is_here(cx, requests, &data),
            Resource::Key(url) => self.key_is_here(cx, requests, url, &data),
            Resource::Init(init) => self.inits.add(init, data.freeze()),
            // The presentation's.
            Resource::Steering | Resource::Clock(_) | Resource::Licence(_) => {}
            Resource::Part(id) => {
                let download = request.meter.download(cx.mono(), received);
                self.part_is_here(id, download);
                self.go_on(cx, requests);
            }
            Resource::Segment(number) => {
                if let Some(reader) = self.reader(number) {
                    reader.complete();
                }
                let download = request.meter.download(cx.mono(), received);
                // The rendition of the next one may be another.
                self.events.push_back(LoaderEvent::Downloaded(download));
            }
        }
    }

    /// Bytes of a segment or of a part of one.
    fn media_came(&mut self, cx: &mut Cx, requests: &mut Requests, id: RequestId, data: Bytes) {
        let Some(request) = requests.entry(id) else {
            return;
        };
        let hinted = request.resource.part().is_some_and(|id| self.is_hinted(id));
        if hinted && request.transfer.received() == data.len() as u64 {
            // Until now it was being made.
            request.meter.began(cx.mono(), false);
        }
        let held = !request.transfer.has_credit();
        let number = request.number();
        let mut readers = self.readers.iter();
        let reader = readers.find(|reader| Some(reader.segment.number) == number);
        match reader.is_some_and(|reader| reader.segment.made_while_sent) {
            true => request.meter.came_as_made(cx.mono(), held, &data),
            false => request.meter.came(cx.mono(), held),
        }
        cx.mark(TimingMark::FirstSegmentByte);
        match request.resource {
            Resource::Part(id) => {
                self.part_came(id, &data);
                self.read_parts(cx, requests);
            }
            Resource::Segment(number) => {
                if let Some(reader) = self.reader(number) {
                    reader.add(data);
                }
            }
            _ => {}
        }
    }

    /// A part that is not named yet, or is there as part of its segment, is not asked for again and again.
    fn part_waits(&mut self, cx: &mut Cx, requests: &mut Requests, id: RequestId) {
        let request = requests.entry(id);
        let waiting = request.filter(|it| it.transfer.is_backing_off());
        let Some(part) = waiting.and_then(|it| it.resource.part()) else {
            return;
        };
        if self.is_hinted(part) {
            requests.cancel(cx, self.id, |it| it.resource == Resource::Part(part));
            self.hint_failed(part);
        }
        self.read_parts(cx, requests);
    }

    /// Gives up a request for a part that is not named yet. `false`: it is none.
    fn drop_hint(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        id: RequestId,
        fault: &Fault,
    ) -> bool {
        let resource = requests.entry(id).map(|request| request.resource.clone());
        if let Some(init) = resource.as_ref().filter(|it| self.is_hint_alone(it)) {
            requests.cancel(cx, self.id, |request| request.resource == *init);
            return true;
        }
        let part = resource.and_then(|resource| resource.part());
        let Some(part) = part.filter(|part| self.is_hinted(*part)) else {
            return false;
        };
        requests.cancel(cx, self.id, |request| {
            request.resource == Resource::Part(part)
        });
        self.part_failed(cx, part, fault.clone());
        true
    }

    pub(super) fn key_is_here(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        url: Secret,
        data: &[u8],
    ) {
        if let Err(fault) = add_key(cx, url.clone(), data) {
            let fault = fault.at_url(url.expose());
            self.lacks(cx, requests, &Resource::Key(url), fault);
        }
    }

    /// Asks for the keys and init sections that are missing.
    pub(in crate::ingest::segmented) fn ask_for_missing(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
    ) {
        let wanted: Vec<Segment> = self.readers.iter().map(|it| it.segment.clone()).collect();
        for segment in wanted {
            self.ask_for_needs(cx, requests, &segment);
        }
    }

    pub(super) fn reader(&mut self, number: u64) -> Option<&mut SegmentReader> {
        let mut readers = self.readers.iter_mut();
        readers.find(|reader| reader.segment.number == number)
    }

    /// A request failed for good.
    fn request_failed(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        resource: &Resource,
        fault: Fault,
    ) {
        match resource {
            Resource::Segment(number) => {
                self.fail(cx, requests, Failed::SegmentRequest, *number, fault);
            }
            Resource::Part(id) => {
                self.part_failed(cx, *id, fault);
                self.read_parts(cx, requests);
            }
            Resource::Playlist if self.asks_plainly_next(cx, &fault) => {}
            // The segments that are known are read meanwhile.
            Resource::Playlist if self.is_live() => {
                let failure = Failure {
                    failed: Failed::PlaylistRequest,
                    fault,
                    number: self.next,
                    last: false,
                };
                self.events.push_back(LoaderEvent::Failed(failure));
            }
            Resource::Playlist => {
                self.fail(cx, requests, Failed::PlaylistRequest, self.next, fault);
            }
            Resource::Clock(_) | Resource::Licence(_) => {}
            Resource::Key(_) | Resource::Init(_) | Resource::Steering => {
                self.lacks(cx, requests, resource, fault)
            }
        }
    }

    /// All that was granted came, and it has no end.
    fn too_long(&mut self, cx: &mut Cx, requests: &mut Requests, id: RequestId) {
        let Some(mut request) = requests.remove(id) else {
            return;
        };
        request.transfer.cancel(cx);
        let url = request.transfer.url();
        match request.resource {
            Resource::Playlist => {
                let fault = hls::malformed("the playlist has no end", url);
                self.fail(cx, requests, Failed::Description, self.next, fault);
            }
            ref resource => {
                let what = "it has no end: it is larger than a key or an init section may be";
                self.lacks(cx, requests, resource, hls::malformed(what, url));
            }
        }
    }

    /// Segments that need a key or an init section can not be read.
    pub(super) fn lacks(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        resource: &Resource,
        fault: Fault,
    ) {
        if self.is_hint_alone(resource) {
            return;
        }
        let mut readers = self.readers.iter();
        let first = readers.find(|reader| resource.is_needed_by(&reader.segment));
        let number = first.map_or(self.next, |reader| reader.segment.number);
        self.fail(cx, requests, Failed::Description, number, fault);
    }

    /// The moment that [`deadline`](Self::deadline) named may have come.
    pub(in crate::ingest::segmented) fn on_time(&mut self, cx: &mut Cx, requests: &mut Requests) {
        if self.refresh.due().is_some_and(|at| at <= cx.mono()) {
            self.playlist_is_due(cx, requests);
        }
    }

    /// Asks for a playlist that stands still. `false`: it does not.
    pub(in crate::ingest::segmented) fn reload(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
    ) -> bool {
        let rests = self.is_live()
            && self.refresh.due().is_none()
            && !requests.any(self.id, |request| request.is_playlist());
        if rests {
            self.ask_playlist(cx, requests);
        }
        rests
    }

    pub(in crate::ingest::segmented) fn deadline(&self) -> Option<Time> {
        self.refresh.due()
    }
}
