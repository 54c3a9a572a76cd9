//! The events that a manifest names (ISO/IEC 23009-1 5.10.2).

use kinora_manifest::dash::{EventStream, Mpd, Period};
use kinora_media::TimedEvent;

use super::index::discontinuity_of;
use crate::ingest::segmented::index::PeriodEvents;

/// So many of one version of the manifest, the last ones.
const MAX_EVENTS: usize = 2_048;

pub(super) fn of(mpd: &Mpd) -> Vec<PeriodEvents> {
    let mut room = MAX_EVENTS;
    let mut all: Vec<PeriodEvents> = Vec::new();
    for period in mpd.periods.iter().rev() {
        let streams = period.event_streams.iter().rev();
        let events =
            streams.flat_map(|stream| stream.events.iter().rev().map(move |it| (stream, it)));
        let events: Vec<_> = events
            .take(room)
            .map(|(stream, event)| timed(stream, event))
            .collect();
        room = room.saturating_sub(events.len());
        if !events.is_empty() {
            all.push(of_period(period, events));
        }
    }
    all
}

fn of_period(period: &Period, events: Vec<TimedEvent>) -> PeriodEvents {
    PeriodEvents {
        period: discontinuity_of(period),
        events,
    }
}

fn timed(stream: &EventStream, event: &kinora_manifest::dash::Event) -> TimedEvent {
    TimedEvent {
        scheme: stream.scheme.clone(),
        value: stream.value.clone(),
        id: event.id,
        start: event.start,
        duration: event.duration,
        data: event.message.clone().into(),
    }
}
