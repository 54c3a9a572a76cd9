//! Events of the content: those that the manifest names, and those that segments bring.

use std::collections::VecDeque;

use kinora_media::{Packet, Time, TimedEvent};

use super::Segmented;
use super::index::PeriodEvents;
use crate::cx::Cx;
use crate::ingest::Notice;

/// So many are told from those that come again.
const MAX_SEEN: usize = 4_096;
/// What tells that the manifest is out of date is not obeyed more often.
const MIN_RELOAD: Time = Time::from_millis(200);

/// What makes two events one (ISO/IEC 23009-1 5.10.3.3.4): scheme, value and id within a period; without an id, their start.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Identity {
    period: u64,
    scheme: String,
    value: String,
    id: Result<u64, Time>,
}

/// The events that came before.
#[derive(Debug, Default)]
pub(super) struct SeenEvents {
    ids: VecDeque<Identity>,
}

impl SeenEvents {
    fn is_new(&mut self, period: u64, event: &TimedEvent) -> bool {
        let identity = Identity {
            period,
            scheme: event.scheme.clone(),
            value: event.value.clone(),
            id: event.id.ok_or(event.start),
        };
        // What comes again came lately.
        if self.ids.iter().rev().any(|known| *known == identity) {
            return false;
        }
        if self.ids.len() >= MAX_SEEN {
            self.ids.pop_front();
        }
        self.ids.push_back(identity);
        true
    }
}

/// It says that the manifest is out of date, or how it goes on (5.10.4).
fn ends_manifest(event: &TimedEvent) -> bool {
    event.scheme == "urn:mpeg:dash:event:2012" && matches!(event.value.as_str(), "1" | "2" | "3")
}

impl Segmented {
    pub(super) fn events_came(&mut self, cx: &Cx, of_period: PeriodEvents) {
        let PeriodEvents { period, events } = of_period;
        let seen = &mut self.seen_events;
        let new = events.into_iter().filter(|it| seen.is_new(period, it));
        let (of_manifest, others): (Vec<_>, Vec<_>) = new.partition(ends_manifest);
        if !of_manifest.is_empty() && self.root.playlist.places_exactly() {
            let (due, url) = self.root.refresh.take().unwrap_or((Time::MAX, None));
            let soon = due.min(cx.mono() + MIN_RELOAD);
            self.root.refresh = Some((soon, url));
        }
        if !others.is_empty() {
            self.notices.push_back(Notice::Events(others));
        }
    }

    /// Timed ID3 of a transport stream.
    pub(super) fn tag_came(&mut self, cx: &Cx, tag: Packet) {
        let event = TimedEvent {
            scheme: TimedEvent::ID3.to_owned(),
            start: tag.pts,
            data: tag.data,
            ..TimedEvent::default()
        };
        let events = vec![event];
        self.events_came(cx, PeriodEvents { period: 0, events });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: Option<u64>, start: i64) -> TimedEvent {
        TimedEvent {
            id,
            start: Time::from_millis(start),
            ..TimedEvent::default()
        }
    }

    #[test]
    fn what_has_an_id_is_known_by_it_and_what_has_none_by_its_start() {
        let mut seen = SeenEvents::default();
        assert!(seen.is_new(0, &event(Some(1), 0)));
        assert!(!seen.is_new(0, &event(Some(1), 5)), "announced anew");
        assert!(seen.is_new(1, &event(Some(1), 0)), "of another period");
        assert!(seen.is_new(0, &event(None, 0)));
        assert!(!seen.is_new(0, &event(None, 0)));
        assert!(seen.is_new(0, &event(None, 5)));
    }

    #[test]
    fn no_more_than_a_bound_are_remembered() {
        let mut seen = SeenEvents::default();
        for id in 0..10_000 {
            assert!(seen.is_new(0, &event(Some(id), 0)));
        }
        assert_eq!(seen.ids.len(), MAX_SEEN);
    }
}
