//! What will be played in between, read ahead of its time: the list of its assets, the playlists of the first and its first
//! segment. Nothing of it is decoded or shown before it is on.

use std::collections::VecDeque;

use kinora_errors::Fault;
use kinora_fetch::FetchEvent;
use kinora_media::{RequestId, Time};

use super::ScheduledInterstitial;
use super::asset_list::{AssetPlace, ListDownload, Listed};
use crate::cx::Cx;
use crate::metadata::Asset;
use crate::present::Begin;
use crate::session::{Origin, Session, Wishes};
use crate::{Input, LoopMode};

/// So long before its time it is read.
pub(crate) const LEAD: Time = Time::from_millis(10_000);

/// An asset that is read and not played yet: as far as it comes without being decoded, which is its first segment.
pub(super) struct AssetAhead(Box<Session>);

impl AssetAhead {
    pub(super) fn open(cx: &mut Cx, place: AssetPlace) -> Self {
        let wishes = Wishes {
            looped: LoopMode::Off,
            autoplay: false,
            speed: 1.0,
        };
        let origin = Origin::Url(place.url, place.named_by);
        Self(Box::new(Session::open(cx, origin, Begin::First, wishes)))
    }

    pub(super) fn awaits(&self, id: RequestId) -> bool {
        self.0.awaits(id)
    }

    pub(super) fn input(&mut self, cx: &mut Cx, input: Input) {
        self.0.input(cx, input);
    }

    pub(super) fn reconnect(&mut self, cx: &mut Cx) {
        self.0.reconnect(cx);
    }

    pub(super) fn deadline(&self, cx: &Cx) -> Option<Time> {
        self.0.reading_deadline(cx)
    }

    /// It is on.
    pub(super) fn begin(mut self, cx: &mut Cx, wishes: Wishes) -> Box<Session> {
        self.0.follow_audio_delay(cx);
        self.0.begin_read_ahead(cx, wishes);
        self.0
    }

    pub(super) fn close(self, cx: &mut Cx) {
        self.0.leave(cx);
    }
}

/// What is known of the assets so far.
pub(super) enum Assets {
    Listing(Box<ListDownload>),
    /// They are known; the first of them is read.
    Known(VecDeque<AssetPlace>, Option<AssetAhead>),
    Failed(Fault),
}

/// An interstitial that is read ahead.
pub(crate) struct Preload {
    key: u64,
    assets: Assets,
}

impl Preload {
    /// `presentation` names the presentation to who chooses assets.
    pub(crate) fn begin(cx: &mut Cx, of: &ScheduledInterstitial, presentation: u64) -> Self {
        let place = AssetPlace::of(of, presentation);
        let mut preload = Self {
            key: of.key,
            assets: Assets::Known(VecDeque::new(), None),
        };
        match of.interstitial.asset {
            Asset::Playlist(_) => preload.listed(cx, Listed::Assets(vec![place])),
            Asset::List(_) => {
                preload.assets = Assets::Listing(Box::new(ListDownload::start(cx, place)));
            }
        }
        preload
    }

    pub(crate) fn is_of(&self, interstitial: &ScheduledInterstitial) -> bool {
        self.key == interstitial.key
    }

    pub(super) fn into_assets(self) -> Assets {
        self.assets
    }

    fn listed(&mut self, cx: &mut Cx, listed: Listed) {
        self.assets = match listed {
            Listed::Pending => return,
            Listed::Assets(assets) => {
                let first = assets.first().cloned();
                Assets::Known(
                    assets.into(),
                    first.map(|place| AssetAhead::open(cx, place)),
                )
            }
            Listed::Failed(fault) => Assets::Failed(fault),
        };
    }

    pub(crate) fn awaits(&self, id: RequestId) -> bool {
        match &self.assets {
            Assets::Listing(list) => list.awaits(id),
            Assets::Known(_, Some(first)) => first.awaits(id),
            Assets::Known(_, None) | Assets::Failed(_) => false,
        }
    }

    /// The network answers one of its requests.
    pub(crate) fn on_fetch(&mut self, cx: &mut Cx, event: FetchEvent) {
        match &mut self.assets {
            Assets::Listing(list) => {
                let listed = list.on_event(cx, event);
                self.listed(cx, listed);
            }
            Assets::Known(_, Some(first)) => first.input(cx, Input::Fetch(event)),
            Assets::Known(_, None) | Assets::Failed(_) => {}
        }
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx) {
        match &mut self.assets {
            Assets::Listing(list) => {
                let listed = list.on_time(cx);
                self.listed(cx, listed);
            }
            Assets::Known(_, Some(first)) => first.input(cx, Input::Timeout),
            Assets::Known(_, None) | Assets::Failed(_) => {}
        }
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        match &self.assets {
            Assets::Listing(list) => list.deadline(cx),
            Assets::Known(_, Some(first)) => first.deadline(cx),
            Assets::Known(_, None) | Assets::Failed(_) => None,
        }
    }

    /// It is not wanted any more.
    pub(crate) fn close(self, cx: &mut Cx) {
        match self.assets {
            Assets::Listing(mut list) => list.cancel(cx),
            Assets::Known(_, Some(first)) => first.close(cx),
            Assets::Known(_, None) | Assets::Failed(_) => {}
        }
    }
}
