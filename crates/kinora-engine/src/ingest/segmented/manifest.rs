//! A manifest that names the segments of all renditions, asked for again as it changes.

use kinora_errors::{Fault, Retry, codes};
use kinora_media::{ByteRange, Time};

use super::index::{ManifestRefresh, SegmentsNamed};
use super::requests::{Request, Resource};
use super::{ROOT, Segmented};
use crate::InfoCode;
use crate::cx::Cx;

/// After a failure it is asked for again that much later.
const RETRY: Time = Time::from_millis(2_000);

impl Segmented {
    /// It plays and goes on, by one manifest for all of its renditions.
    pub(super) fn follows_manifest(&self) -> bool {
        self.is_live() && self.root.playlist.places_exactly()
    }

    /// Notes when the manifest is asked for again, and tells what of its first version is left out.
    pub(super) fn refresh_later(&mut self, cx: &mut Cx, named: SegmentsNamed) {
        let (refresh, ignored) = match named {
            SegmentsNamed::InPlaylists => (None, Vec::new()),
            SegmentsNamed::Here {
                refresh,
                ignored,
                events,
            } => {
                for of_period in events {
                    self.events_came(cx, of_period);
                }
                (refresh, ignored)
            }
        };
        for what in ignored.iter().filter(|_| self.variants.is_empty()) {
            // Asked again it says the same.
            let fault =
                Fault::new(codes::ERROR_DEMUXER_OPENURL, "dash.ignored").retry_class(Retry::Never);
            cx.recovered(fault.because(what).at_url(self.root.found.expose()));
        }
        self.root.refresh = refresh.map(|ManifestRefresh { after, url }| (cx.mono() + after, url));
    }

    /// Its newest version could not be had or read: whole, where it was found first, it may be there later.
    pub(super) fn refresh_failed(&mut self, cx: &mut Cx) {
        cx.info(
            InfoCode::NetworkRetry,
            "the manifest is asked for again later",
        );
        self.root.refresh = Some((cx.mono() + RETRY, None));
    }

    pub(super) fn refresh_if_due(&mut self, cx: &mut Cx) {
        let Some((_, url)) = self.root.refresh.take_if(|(at, _)| *at <= cx.mono()) else {
            return;
        };
        if self.requests.any(ROOT, Request::is_playlist) {
            return;
        }
        let named_by = match url {
            Some(_) => self.root.names(),
            None => self.root.named_by.clone(),
        };
        let url = url.unwrap_or_else(|| self.root.asked.clone());
        self.root.found = url.clone();
        let place = (url, ByteRange::default());
        self.requests
            .start(cx, ROOT, Resource::Playlist, place, named_by);
    }

    pub(super) fn refresh_due(&self) -> Option<Time> {
        self.root.refresh.as_ref().map(|(at, _)| *at)
    }
}
