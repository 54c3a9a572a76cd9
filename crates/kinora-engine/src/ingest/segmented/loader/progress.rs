//! What comes of a loader's requests.

use kinora_errors::{Coded, Fault, Secret};
use kinora_fetch::Progress;
use kinora_media::{RequestId, Time};
use kinora_protect::ContentKey;

use super::{Failure, Loader, LoaderEvent};
use crate::TimingMark;
use crate::cx::Cx;
use crate::ingest::hls;
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
            Progress::None => {}
            Progress::Head(info) => {
                cx.mark(TimingMark::Connect);
                let Some(request) = requests.entry(id) else {
                    return;
                };
                request.meter.began(cx.mono(), info.from_cache);
                let playlist = request.is_playlist() && !self.playlist.places_exactly();
                if let (true, Some(url)) = (playlist, info.final_url) {
                    self.url = Secret::new(url);
                }
            }
            Progress::Data(_, data) => {
                let Some(request) = requests.entry(id) else {
                    return;
                };
                let Resource::Segment(number) = request.resource else {
                    request.data.extend_from_slice(&data);
                    if request.is_too_long() {
                        self.too_long(cx, requests, id);
                    }
                    return;
                };
                request
                    .meter
                    .came(cx.mono(), !request.transfer.has_credit());
                cx.mark(TimingMark::FirstSegmentByte);
                if let Some(reader) = self.reader(number) {
                    reader.add(data);
                }
            }
            Progress::Done => {
                if let Some(request) = requests.remove(id) {
                    self.done(cx, requests, request);
                }
            }
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
            Resource::Clock(_) | Resource::Licence(_) => {}
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

    pub(super) fn key_is_here(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        url: Secret,
        data: &[u8],
    ) {
        // Its length is seen, never the key itself.
        let mut key = None;
        let length = cx.tape.try_see("key", || {
            let read = ContentKey::from_bytes(data).map_err(|error| error.fault())?;
            let length = read.expose().len();
            key = Some(read);
            Ok(length)
        });
        match length {
            Ok(length) => {
                let blank = || match length {
                    32 => ContentKey::of_256_bits([0; 32]),
                    _ => ContentKey::new([0; 16]),
                };
                cx.keys.uris.add(url, key.unwrap_or_else(blank));
            }
            Err(fault) => {
                let fault = fault.at_url(url.expose());
                let resource = Resource::Key(url);
                self.lacks(cx, requests, &resource, fault);
            }
        }
    }

    fn reader(&mut self, number: u64) -> Option<&mut SegmentReader> {
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
            Resource::Key(_) | Resource::Init(_) => self.lacks(cx, requests, resource, fault),
            Resource::Clock(_) | Resource::Licence(_) => {}
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
