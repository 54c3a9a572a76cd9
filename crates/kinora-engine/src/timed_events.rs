//! Events of the content that wait for their time.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_media::{Time, TimedEvent};

use crate::Event;
use crate::cx::Cx;

/// So many are kept; the earliest go first.
const MAX_EVENTS: usize = 4_096;
/// Bytes of messages that are kept.
const MAX_BYTES: usize = 8 << 20;

#[derive(Debug)]
struct Entry {
    event: Arc<TimedEvent>,
    told: bool,
}

/// The events of a session, by their start.
#[derive(Debug, Default)]
pub(crate) struct TimedEvents {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Where playback began, or went on after a seek.
    begins: Option<Time>,
}

impl TimedEvents {
    /// Takes new ones.
    pub(crate) fn add(&mut self, events: Vec<TimedEvent>) {
        for event in events {
            let at = self
                .entries
                .partition_point(|it| it.event.start <= event.start);
            self.bytes += event.data.len();
            let event = Arc::new(event);
            self.entries.insert(at, Entry { event, told: false });
        }
        while self.entries.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(first) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= first.event.data.len();
        }
    }

    /// Playback goes on from another place: what begins or lasts there is told again.
    pub(crate) fn jump(&mut self) {
        self.begins = None;
        for entry in &mut self.entries {
            entry.told = false;
        }
    }

    /// Tells what begins, where playback is at that time.
    pub(crate) fn tell(&mut self, cx: &mut Cx, at: Time) {
        let begins = *self.begins.get_or_insert(at);
        let begun = self.entries.partition_point(|it| it.event.start <= at);
        for entry in self.entries.range_mut(..begun).filter(|it| !it.told) {
            entry.told = true;
            // What was over before playback began is not of it.
            if entry.event.start >= begins || entry.event.end() > begins {
                cx.event(Event::Timed(Arc::clone(&entry.event)));
            }
        }
    }

    /// When the next one begins after that time.
    pub(crate) fn next_after(&self, at: Time) -> Option<Time> {
        let begun = self.entries.partition_point(|it| it.event.start <= at);
        let waits = self.entries.range(begun..).find(|it| !it.told);
        waits.map(|it| it.event.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Output, PlayerConfig};

    fn event(start: i64, duration: Option<i64>) -> TimedEvent {
        TimedEvent {
            start: Time::from_millis(start),
            duration: duration.map(Time::from_millis),
            ..TimedEvent::default()
        }
    }

    fn told(events: &mut TimedEvents, at: i64) -> Vec<i64> {
        let mut cx = Cx::new(PlayerConfig::default(), 1, crate::tape::Tape::default());
        events.tell(&mut cx, Time::from_millis(at));
        let told = cx.out.into_iter().map(|output| match output {
            Output::Event(Event::Timed(event)) => event.start.as_millis(),
            other => panic!("{other:?}"),
        });
        told.collect()
    }

    #[test]
    fn each_is_told_once_when_its_time_has_come() {
        let mut events = TimedEvents::default();
        events.add(vec![event(3_000, None), event(1_000, Some(500))]);
        assert!(told(&mut events, 0).is_empty());
        assert!(told(&mut events, 999).is_empty());
        assert_eq!(
            events.next_after(Time::ZERO),
            Some(Time::from_millis(1_000))
        );
        assert_eq!(told(&mut events, 1_000), [1_000]);
        assert!(told(&mut events, 2_999).is_empty());
        assert_eq!(told(&mut events, 3_500), [3_000]);
        assert_eq!(events.next_after(Time::from_millis(3_500)), None);
    }

    #[test]
    fn what_is_over_before_playback_begins_is_not_told_and_what_lasts_is() {
        let mut events = TimedEvents::default();
        events.add(vec![
            event(0, None),
            event(1_000, Some(2_000)),
            event(2_000, Some(60_000)),
        ]);
        assert_eq!(told(&mut events, 10_000), [2_000]);
    }

    #[test]
    fn after_a_jump_what_begins_or_lasts_there_is_told_again() {
        let mut events = TimedEvents::default();
        events.add(vec![
            event(1_000, None),
            event(2_000, Some(5_000)),
            event(4_000, None),
        ]);
        assert!(told(&mut events, 0).is_empty());
        assert_eq!(told(&mut events, 5_000), [1_000, 2_000, 4_000]);
        events.jump();
        assert_eq!(told(&mut events, 3_000), [2_000]);
        assert_eq!(told(&mut events, 4_000), [4_000]);
        events.add(vec![event(3_500, None), event(2_900, None)]);
        assert_eq!(told(&mut events, 4_100), [3_500], "it came late");
    }

    #[test]
    fn a_flood_of_events_pushes_the_earliest_out() {
        let mut events = TimedEvents::default();
        for start in 0..10_000 {
            events.add(vec![event(start, None)]);
        }
        assert_eq!(events.entries.len(), MAX_EVENTS);
        let large = TimedEvent {
            data: vec![0; 5 << 20].into(),
            ..event(20_000, None)
        };
        events.add(vec![large.clone(), large]);
        assert_eq!(events.entries.len(), 1);
        assert!(events.bytes <= MAX_BYTES);
    }
}
