//! What a manifest says beside its segments: values for the application, keys that will be needed, stretches of time.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_errors::Secret;
use kinora_fetch::Progress;
use kinora_media::{ByteRange, RequestId, Time};

use super::decryption::add_key;
use super::index::{NamedRange, SegmentIndex, SessionFacts};
use super::lane::LaneRole;
use super::requests::Resource;
use super::{ROOT, Segmented};
use crate::Event;
use crate::cx::Cx;
use crate::ingest::Notice;
use crate::interstitials::ScheduledInterstitial;
use crate::metadata::{DateRange, Interstitial, SessionData};

/// The versions of stretches of time that were told, by their keys.
pub(super) type ToldRanges = BTreeMap<u64, u64>;
/// What was told of what is played in between: its key, its place, what it says.
pub(super) type ToldInterstitials = Vec<(u64, Time, Interstitial)>;

impl Segmented {
    /// A multivariant playlist is here: for the first time, or under another URL.
    pub(super) fn take_session(&mut self, cx: &mut Cx, facts: SessionFacts) {
        if facts.data > 0 && self.variants.is_empty() {
            let mut values = facts.values;
            // A recording has none of them.
            values.resize(facts.data, SessionData::default());
            cx.event(Event::SessionData(values.into()));
        }
        for key in facts.keys {
            let resource = Resource::Key(key.url.clone());
            let comes = self.requests.any(ROOT, |it| it.resource == resource);
            if !comes && cx.keys.uris.get(&key.url).is_none() {
                let place = (key.url, ByteRange::default());
                let named_by = self.root.names();
                self.requests.start(cx, ROOT, resource, place, named_by);
            }
        }
    }

    /// What came of a key that the playlist names for all segments. Where it can not be had, whoever needs it asks again,
    /// and tells.
    pub(super) fn session_key_progressed(
        &mut self,
        cx: &mut Cx,
        id: RequestId,
        url: Secret,
        progress: Progress,
    ) {
        match progress {
            Progress::None | Progress::Head(_) => {}
            Progress::Data(_, data) => {
                if let Some(request) = self.requests.entry(id) {
                    request.data.extend_from_slice(&data);
                    if request.is_too_long() {
                        self.session_key_failed(cx, url);
                    }
                }
            }
            Progress::Done => {
                let came = self.requests.remove(id);
                let added = came.is_some_and(|it| add_key(cx, url, &it.data).is_ok());
                if !added {
                    self.ask_for_missing(cx);
                }
            }
            Progress::Expired(_)
            | Progress::Parked(_)
            | Progress::Elsewhere(_)
            | Progress::Failed(_) => {
                self.session_key_failed(cx, url);
            }
        }
    }

    fn session_key_failed(&mut self, cx: &mut Cx, url: Secret) {
        let resource = Resource::Key(url);
        self.requests.cancel(cx, ROOT, |it| it.resource == resource);
        self.ask_for_missing(cx);
    }

    fn ask_for_missing(&mut self, cx: &mut Cx) {
        for lane in self.lanes.iter_mut().chain(&mut self.incoming) {
            lane.loader.ask_for_missing(cx, &mut self.requests);
        }
    }

    /// Tells the stretches of time that are new, or of which something else is said now.
    pub(super) fn tell_date_ranges(&mut self, cx: &mut Cx) {
        let lane = self.lanes.iter().find(|lane| lane.role == LaneRole::Main);
        let Some(index) = lane.and_then(|lane| lane.loader.index.as_ref()) else {
            return;
        };
        let mut told = ToldRanges::new();
        for range in &index.date_ranges {
            let known = self.told.get(&range.key) == Some(&range.version);
            let placed = placed(index, range);
            if let Some(event) = placed.as_ref().filter(|_| !known) {
                cx.event(Event::DateRange(Arc::new(event.clone())));
            }
            if placed.is_some() {
                told.insert(range.key, range.version);
            }
        }
        self.told = told;
        self.tell_interstitials();
    }

    /// Tells what is to be played in between, where that is another than was told.
    fn tell_interstitials(&mut self) {
        let lane = self.lanes.iter().find(|lane| lane.role == LaneRole::Main);
        let Some((lane, index)) = lane.and_then(|it| Some((it, it.loader.index.as_ref()?))) else {
            return;
        };
        let scheduled = |range: &NamedRange| {
            let interstitial = range.interstitial.clone()?;
            let start = index.time_of_date(range.start_ms)?;
            let border = index.border_near(start).filter(|_| interstitial.snaps_out);
            Some(ScheduledInterstitial {
                key: range.key,
                id: range.said.as_ref().map_or("", |said| &said.id).into(),
                start: border.unwrap_or(start),
                interstitial,
                named_by: lane.loader.names(),
            })
        };
        let all: Vec<_> = index.date_ranges.iter().filter_map(scheduled).collect();
        let place = |it: &ScheduledInterstitial| (it.key, it.start, it.interstitial.clone());
        let told: ToldInterstitials = all.iter().map(place).collect();
        if self.told_interstitials != told {
            self.told_interstitials = told;
            self.notices.push_back(Notice::Interstitials(all));
        }
    }

    /// Where playback begins that begins where the playlist says.
    pub(crate) fn begins_at(&self) -> Option<Time> {
        self.lane(LaneRole::Main)?.loader.begins_at()
    }

    /// The border between segments that is next to a time.
    pub(crate) fn border_near(&self, time: Time) -> Time {
        let border = self.index().and_then(|index| index.border_near(time));
        border.unwrap_or(time)
    }

    /// The date of a time, ms since 1970, where the playlist tells dates.
    pub(crate) fn date_of(&self, time: Time) -> Option<i64> {
        self.index()?.date_of_time(time)
    }
}

/// A stretch of time on the timeline. `None`: the playlist tells no dates.
fn placed(index: &SegmentIndex, range: &NamedRange) -> Option<DateRange> {
    let start = index.time_of_date(range.start_ms)?;
    let end = range.end_ms.and_then(|end| index.time_of_date(end));
    let said = range.said.as_deref();
    let attributes = said.map_or(&[][..], |said| &said.custom);
    let secret = |(name, value): &(String, String)| (name.clone(), Secret::new(value.as_str()));
    Some(DateRange {
        id: said.map(|said| said.id.clone()).unwrap_or_default(),
        class: said.and_then(|said| said.class.clone()),
        start,
        end: end.map(|end| end.max(start)),
        start_ms: range.start_ms,
        attributes: attributes.iter().map(secret).collect(),
        interstitial: range.interstitial.clone(),
    })
}
