//! The playlist of a rendition: its newest version, and when it is asked for again.

use kinora_errors::{Fault, Retry, Secret, codes};
use kinora_manifest::hls::Directives;
use kinora_media::{ByteRange, Time};

use super::{Loader, LoaderEvent, StartPosition};
use crate::cx::Cx;
use crate::ingest::hls;
use crate::ingest::manifest_reader::{IndexSource, ManifestReader};
use crate::ingest::segmented::index::{Change, Manifest, PartId, SegmentIndex};
use crate::ingest::segmented::requests::{Requests, Resource};
use crate::recover::segments::Failed;
use crate::{InfoCode, PlayerConfig, TimingMark};

/// A playlist is not asked for again sooner.
const MIN_PAUSE: Time = Time::from_millis(100);

/// One that could not be had is not asked for again sooner.
const MIN_RETRY: Time = Time::from_millis(1_000);

/// When the playlist is asked for again.
#[derive(Default)]
pub(super) struct Refresh {
    due: Option<Time>,
    asked_at: Time,
    grown_at: Time,
    /// When its newest version came.
    read_at: Time,
    /// What it was asked for with.
    directives: Directives,
    /// It is asked for without directives.
    plain: Plain,
    /// How often directives were refused.
    refusals: u32,
    /// Its next version will say where refused requests go on.
    pub(super) renews: bool,
}

/// Whether delivery directives are left out of a request.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Plain {
    #[default]
    No,
    /// Of the next one: the last one with any was refused, or its answer was of no use.
    Once,
    /// A server that took none twice is not asked again.
    Always,
}

impl Refresh {
    pub(super) fn due(&self) -> Option<Time> {
        self.due
    }

    /// Leaves directives out of the next load. `false`: they were left out already.
    fn plain_next(&mut self) -> bool {
        if self.plain != Plain::No {
            return false;
        }
        self.refusals += 1;
        self.plain = match self.refusals {
            1 => Plain::Once,
            _ => Plain::Always,
        };
        true
    }
}

impl Loader {
    /// Asks for the playlist for the first time.
    pub(in crate::ingest::segmented) fn open(&mut self, cx: &mut Cx, requests: &mut Requests) {
        self.refresh.grown_at = cx.mono();
        self.ask_playlist(cx, requests);
    }

    /// Begins with a playlist that is here already, found at a URL.
    pub(in crate::ingest::segmented) fn open_with(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        index: SegmentIndex,
        found: Secret,
    ) {
        self.url = found;
        self.indexed(cx, requests, index, Change::Grown);
    }

    pub(super) fn ask_playlist(&mut self, cx: &mut Cx, requests: &mut Requests) {
        self.refresh.asked_at = cx.mono();
        self.refresh.due = None;
        let (url, range) = match self.playlist.source(cx) {
            Ok(IndexSource::Playlist) => {
                self.refresh.directives = self.directives(cx);
                let url = hls::directed(&self.asked, &self.refresh.directives);
                (url, ByteRange::default())
            }
            Ok(IndexSource::Bytes {
                url,
                range,
                elsewhere,
            }) => {
                self.elsewhere = elsewhere;
                (url, range)
            }
            Ok(IndexSource::Known(manifest)) => {
                return self.described(cx, requests, Ok(*manifest));
            }
            Err(fault) => return self.described(cx, requests, Err(fault)),
        };
        self.ask(cx, requests, Resource::Playlist, url, range);
    }

    /// What the next load asks for beyond the playlist as it is (RFC 8216bis 6.2.5).
    fn directives(&mut self, cx: &Cx) -> Directives {
        // Renewed URLs are wanted of all segments.
        if self.refresh.plain != Plain::No || self.refresh.renews {
            return Directives::default();
        }
        let Some(index) = &self.index else {
            return self.directives_by_report();
        };
        let age = cx.mono() - self.refresh.read_at;
        let skip = index.delivery.skip.filter(|(_, within)| age <= *within);
        Directives {
            wait_for: index.delivery.wait_for,
            skip: skip.map(|(skip, _)| skip),
        }
    }

    /// The first load of a rendition beside one that told how far it is: no older copy is wanted (RFC 8216bis 4.4.5.4).
    fn directives_by_report(&self) -> Directives {
        let path = |url: &Secret| url.expose().split('?').next().map(str::to_owned);
        let reports = self.reference.iter().flat_map(|it| {
            let waits = it.delivery.wait_for.is_some();
            it.delivery.reports.iter().filter(move |_| waits)
        });
        let mut reports = reports.filter(|report| path(&report.url) == path(&self.asked));
        Directives {
            wait_for: reports.next().map(|report| report.last),
            skip: None,
        }
    }

    /// A load with directives was refused: the next one is without. `false`: it had none.
    pub(super) fn asks_plainly_next(&mut self, cx: &mut Cx, fault: &Fault) -> bool {
        if self.refresh.directives.is_empty() || !self.refresh.plain_next() {
            return false;
        }
        cx.recovered(fault.clone());
        self.refresh.due = Some(cx.mono() + MIN_PAUSE);
        true
    }

    /// The manifest that names its segments has changed, or moved.
    pub(in crate::ingest::segmented) fn manifest_changed(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        manifest: &ManifestReader,
    ) {
        self.playlist.follow(manifest);
        if requests.any(self.id, |it| it.transfer.is_parked()) {
            self.refresh.renews = true;
            self.events
                .retain(|event| !matches!(event, LoaderEvent::Expired(_)));
        }
        // What was refused is asked for by what the manifest says now.
        requests.cancel(cx, self.id, |it| {
            it.is_playlist() && it.transfer.is_parked()
        });
        if !requests.any(self.id, |it| it.is_playlist()) {
            self.ask_playlist(cx, requests);
        }
    }

    pub(super) fn playlist_is_here(&mut self, cx: &mut Cx, requests: &mut Requests, text: &[u8]) {
        let read = self.playlist.read(cx, text, &self.url, None);
        self.described(cx, requests, read);
    }

    fn described(&mut self, cx: &mut Cx, requests: &mut Requests, read: Result<Manifest, Fault>) {
        let fault = match read {
            Ok(Manifest::Media { index, change }) => {
                return self.indexed(cx, requests, index, change);
            }
            Ok(Manifest::Partial) => return self.ask_playlist(cx, requests),
            Ok(Manifest::Unfit) if self.refresh.directives.skip.is_some() => {
                self.refresh.plain = Plain::Once;
                return self.ask_playlist(cx, requests);
            }
            Ok(Manifest::Unfit) => hls::malformed(
                "the server leaves out segments though the whole playlist was asked for",
                &self.url,
            ),
            Ok(Manifest::Multivariant { .. }) => hls::malformed(
                "a multivariant playlist stands where a media playlist is due",
                &self.url,
            ),
            Err(fault) => fault,
        };
        self.fail(cx, requests, Failed::Description, self.next, fault);
    }

    /// Takes the newest version of the index.
    fn indexed(
        &mut self,
        cx: &mut Cx,
        requests: &mut Requests,
        mut index: SegmentIndex,
        change: Change,
    ) {
        cx.mark(TimingMark::Playlist);
        match (&self.index, self.reference.take()) {
            (Some(older), _) if change == Change::Restarted => {
                index.restart_from(older, self.end_of_given().unwrap_or_default());
            }
            (Some(older), _) => index.continue_from(older),
            // Renditions of a live stream number their segments alike (RFC 8216 6.2.4).
            (None, Some(reference)) if index.is_live() => index.continue_from(&reference),
            (None, Some(reference)) => index.align_to(&reference),
            (None, None) => {}
        }
        if change != Change::Unchanged {
            self.refresh.grown_at = cx.mono();
        }
        self.refresh.read_at = cx.mono();
        if self.refresh.plain == Plain::Once {
            self.refresh.plain = Plain::No;
        }
        self.refresh.due = self.next_load(cx, &index);
        let before = self.index.as_ref().filter(|it| !it.segments.is_empty());
        match (before, change) {
            (None, _) => self.begin(&index, &cx.config),
            (Some(_), Change::Restarted) => {
                self.drop_from(cx, requests, 0);
                self.lost_joint();
                self.given = None;
                self.start = StartPosition::Default;
                self.begin(&index, &cx.config);
            }
            // Segments that fell out of the playlist are lost.
            (Some(_), _) => {
                let first = index.segments.first().map_or(0, |first| first.number);
                self.next = self.next.max(first);
            }
        }
        self.elsewhere = index.elsewhere;
        self.index = Some(index);
        self.is_renewed = true;
        self.ask_for_init_hint(cx, requests);
        if std::mem::take(&mut self.refresh.renews) {
            self.revive(cx, requests);
        }
        self.go_on(cx, requests);
    }

    /// When the playlist is loaded next: counted from the last request (RFC 8216 6.3.4). Who waits at the server asks
    /// at once.
    fn next_load(&self, cx: &Cx, index: &SegmentIndex) -> Option<Time> {
        let after = index.live_edge()?.reload_after;
        let waits = index.delivery.wait_for.is_some() && self.refresh.plain != Plain::Always;
        let (after, pause) = match after == Time::ZERO {
            true if waits => (MIN_PAUSE, Time::ZERO),
            // It is to be waited there and is not: it is asked as often as there is something new.
            true => (index.part_duration().unwrap_or(MIN_RETRY), MIN_PAUSE),
            false => (after, MIN_PAUSE),
        };
        let due = self.refresh.asked_at + after;
        Some(due.max(cx.mono() + pause))
    }

    /// Chooses the segment to begin with.
    fn begin(&mut self, index: &SegmentIndex, config: &PlayerConfig) {
        self.begin_with_part(None);
        let (number, discard_before) = match self.start {
            StartPosition::At(time) => (index.number_at(time), None),
            // Who sets where live playback starts knows better than the playlist.
            StartPosition::Default if index.is_live() && config.sets_live_start() => {
                let counted = index.counted(config.live_start_index);
                (counted.map(|it| it.number), None)
            }
            StartPosition::Default => {
                let start = index.start;
                self.begin_with_part(start.map(|start| PartId {
                    number: start.number,
                    part: start.part,
                }));
                let discard_before = start.and_then(|start| start.discard_before);
                (start.map(|start| start.number), discard_before)
            }
        };
        self.next = number.unwrap_or(0);
        self.discard_before = discard_before;
        let first = index.segment(self.next).map(|segment| segment.start);
        self.begins_at = discard_before.or(first);
    }

    /// Where what was given so far ends.
    fn end_of_given(&self) -> Option<Time> {
        let at_hand = self.readers.front().and_then(|reader| reader.placed());
        let read = at_hand.or(self.previous).map(|segment| segment.end);
        read.or_else(|| self.border())
    }

    pub(super) fn playlist_is_due(&mut self, cx: &mut Cx, requests: &mut Requests) {
        let live = self.index.as_ref().and_then(SegmentIndex::live_edge);
        let stale_after = live.map_or(Time::ZERO, |edge| edge.stale_after);
        let patience = Time::from(cx.config.network_timeout).max(stale_after);
        if cx.mono() - self.refresh.grown_at <= patience {
            return self.ask_playlist(cx, requests);
        }
        self.refresh.grown_at = cx.mono();
        self.refresh.due = None;
        let fault = Fault::new(codes::ERROR_NETWORK_CONNECT_TIMEOUT, "hls.playlist.stale")
            .because("the live playlist has not changed for a long time")
            .retry_class(Retry::Backoff)
            .at_url(self.url.expose());
        self.events.push_back(LoaderEvent::Parked(fault));
    }

    /// Its playlist could not be had; it may be there when it is due again.
    pub(in crate::ingest::segmented) fn reload_later(&mut self, cx: &mut Cx) {
        let live = self.index.as_ref().and_then(SegmentIndex::live_edge);
        let Some(edge) = live else { return };
        cx.info(
            InfoCode::NetworkRetry,
            "the playlist is asked for again later",
        );
        let after = edge.reload_after.max(MIN_RETRY);
        self.refresh.due = Some(cx.mono() + after);
    }
}
