//! A list of assets on its way (X-ASSET-LIST).

use bytes::BytesMut;
use kinora_errors::{Coded as _, Fault, Secret};
use kinora_fetch::{FetchEvent, Initiator, Progress, Purpose, RequestSpec, RetryContext, Transfer};
use kinora_manifest::hls::{AssetList, ListedAsset};
use kinora_media::{ByteRange, RequestId, Time};
use serde::{Deserialize, Serialize};
use url::Url;

use super::ScheduledInterstitial;
use crate::cx::Cx;
use crate::ingest::named_within;
use crate::metadata::Asset;
use crate::tape;

/// Bytes that may be under way at a time.
const WINDOW: u64 = 64 << 10;
/// No list is longer; what it says is bounded by its reader.
const MAX_BYTES: usize = 256 << 10;

/// Where an asset is, and who says so.
#[derive(Clone, Debug)]
pub(super) struct AssetPlace {
    pub(super) url: Secret,
    pub(super) named_by: Initiator,
    /// How long it is said to be.
    pub(super) duration: Option<Time>,
}

impl AssetPlace {
    /// Where the asset of an interstitial is, or the list of its assets. The presentation is named to who chooses them (RFC
    /// 8216bis D.2: `_HLS_primary_id`).
    pub(super) fn of(it: &ScheduledInterstitial, presentation: u64) -> Self {
        let (Asset::Playlist(url) | Asset::List(url)) = &it.interstitial.asset;
        Self {
            url: with_session(url, presentation),
            named_by: it.named_by.clone(),
            duration: None,
        }
    }
}

fn with_session(url: &Secret, presentation: u64) -> Secret {
    let Ok(mut parsed) = Url::parse(url.expose()) else {
        return url.clone();
    };
    if !matches!(parsed.scheme(), "http" | "https") {
        return url.clone();
    }
    let name = format!("{presentation:016x}");
    parsed
        .query_pairs_mut()
        .append_pair("_HLS_primary_id", &name);
    Secret::new(parsed.as_str())
}

/// What a list says, as a recording has it: places, and lengths in ns.
#[derive(Serialize, Deserialize)]
struct Places(Vec<(tape::Place, Option<i64>)>);

/// What came of it.
pub(super) enum Listed {
    /// Not yet known.
    Pending,
    Assets(Vec<AssetPlace>),
    Failed(Fault),
}

/// A list that is asked for.
pub(super) struct ListDownload {
    transfer: Transfer,
    asked: Secret,
    found: Secret,
    named_by: Initiator,
    body: BytesMut,
}

impl ListDownload {
    pub(super) fn start(cx: &mut Cx, place: AssetPlace) -> Self {
        let AssetPlace { url, named_by, .. } = place;
        let spec = RequestSpec {
            purpose: Purpose::Playlist,
            url: url.clone(),
            range: ByteRange::default(),
            initiator: named_by.clone(),
        };
        Self {
            transfer: Transfer::start(cx, spec, WINDOW),
            asked: url.clone(),
            found: url,
            named_by,
            body: BytesMut::new(),
        }
    }

    pub(super) fn awaits(&self, id: RequestId) -> bool {
        self.transfer.is(id)
    }

    pub(super) fn on_event(&mut self, cx: &mut Cx, event: FetchEvent) -> Listed {
        let progress = self.transfer.on_event(cx, event, RetryContext::default());
        self.take(cx, progress)
    }

    pub(super) fn on_time(&mut self, cx: &mut Cx) -> Listed {
        let progress = self.transfer.on_time(cx, RetryContext::default());
        self.take(cx, progress)
    }

    pub(super) fn deadline(&self, cx: &Cx) -> Option<Time> {
        self.transfer.deadline(cx)
    }

    pub(super) fn cancel(&mut self, cx: &mut Cx) {
        self.transfer.cancel(cx);
    }

    fn take(&mut self, cx: &mut Cx, progress: Progress) -> Listed {
        match progress {
            Progress::None => {}
            Progress::Head(info) => {
                if let Some(url) = info.final_url {
                    self.found = Secret::new(url);
                }
            }
            Progress::Data(_, data) => {
                // One byte too many, and the reader says so.
                let room = (MAX_BYTES + 1).saturating_sub(self.body.len());
                self.body
                    .extend_from_slice(data.get(..room).unwrap_or(&data));
                if self.body.len() > MAX_BYTES {
                    self.transfer.cancel(cx);
                    return self.read(cx);
                }
                self.transfer.grant(cx);
            }
            Progress::Done => return self.read(cx),
            Progress::Expired(fault)
            | Progress::Parked(fault)
            | Progress::Elsewhere(fault)
            | Progress::Failed(fault) => {
                self.transfer.cancel(cx);
                return Listed::Failed(fault);
            }
        }
        Listed::Pending
    }

    fn read(&self, cx: &Cx) -> Listed {
        let read = cx.tape.try_see("assets", || {
            let list = AssetList::parse(&self.body)
                .map_err(|error| error.fault().at_url(self.found.expose()))?;
            let place = |asset: &ListedAsset| {
                let url = named_within(&self.found, &asset.uri)?;
                Ok((tape::Place(url), asset.duration.map(Time::as_nanos)))
            };
            let places = list.0.iter().map(place);
            places.collect::<Result<_, Fault>>().map(Places)
        });
        let named_by = self.named_by.within(&self.asked, &self.found);
        let place = |(tape::Place(url), duration): (tape::Place, Option<i64>)| AssetPlace {
            url,
            named_by: named_by.clone(),
            duration: duration.map(Time::from_nanos),
        };
        match read {
            Ok(Places(places)) => Listed::Assets(places.into_iter().map(place).collect()),
            Err(fault) => Listed::Failed(fault),
        }
    }
}
