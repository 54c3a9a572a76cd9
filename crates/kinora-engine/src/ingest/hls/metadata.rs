//! What playlists tell the application: date ranges (RFC 8216 4.3.2.7) and session data (4.3.4.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_manifest::hls;

use crate::SessionData;
use crate::ingest::base::Base;
use crate::ingest::segmented::index::NamedRange;
use crate::metadata::Interstitial;

/// Date ranges that are told and remembered; more are passed over.
const MAX_RANGES: usize = 4_096;
/// Values for the application.
const MAX_DATA: usize = 1_024;

/// The date ranges of a presentation, by their ids; its renditions name the same.
#[derive(Clone, Debug, Default)]
pub(super) struct DateRanges {
    known: BTreeMap<String, NamedRange>,
    keys: u64,
}

impl DateRanges {
    /// The date ranges of a playlist, those that were known under the keys that they had.
    pub(super) fn read(&mut self, list: &hls::MediaPlaylist, base: &Base) -> Vec<NamedRange> {
        let mut known = BTreeMap::new();
        for range in list.date_ranges.iter().take(MAX_RANGES) {
            let Some(start_ms) = range.start_ms else {
                continue;
            };
            let before = self.known.get(&range.id);
            let said = before.and_then(|before| before.said.as_ref());
            let end_ms = end_of(range, start_ms, list);
            let is_same = said.is_some_and(|said| **said == *range)
                && before.is_some_and(|before| before.end_ms == end_ms);
            let named = match before.filter(|_| is_same) {
                Some(before) => before.clone(),
                None => NamedRange {
                    key: match before {
                        Some(before) => before.key,
                        None => {
                            self.keys += 1;
                            self.keys
                        }
                    },
                    version: before.map_or(0, |before| before.version + 1),
                    start_ms,
                    end_ms,
                    interstitial: Interstitial::of(range, |uri| base.resolve(uri).ok()),
                    said: Some(Arc::new(range.clone())),
                },
            };
            known.insert(range.id.clone(), named);
        }
        self.known = known;
        self.known.values().cloned().collect()
    }
}

/// Its end: named, by its length, or where the next one of its class begins.
fn end_of(range: &hls::DateRange, start_ms: i64, list: &hls::MediaPlaylist) -> Option<i64> {
    let length = range.duration.or(range.planned_duration);
    let by_length = || start_ms.checked_add(length?.as_millis());
    let next = || {
        let others = list.date_ranges.iter();
        let of_class = others.filter(|it| range.end_on_next && it.class == range.class);
        of_class
            .filter_map(|it| it.start_ms)
            .filter(|it| *it > start_ms)
            .min()
    };
    range.end_ms.or_else(by_length).or_else(next)
}

/// Values for the application. One that names both a value and a place, or neither, is none (RFC 8216 4.3.4.4).
pub(super) fn session_data(list: &hls::MultivariantPlaylist, base: &Base) -> Vec<SessionData> {
    let data = list.session_data.iter().take(MAX_DATA);
    let named = data.filter(|it| it.value.is_some() != it.uri.is_some());
    let value = |it: &hls::SessionData| {
        Some(SessionData {
            id: it.id.clone(),
            value: it.value.clone(),
            url: match &it.uri {
                Some(uri) => Some(base.resolve(uri).ok()?),
                None => None,
            },
            language: it.language.clone(),
        })
    };
    named.filter_map(value).collect()
}
