//! Events of the content as they are written down: when they are and how long their messages, not what they say.

use kinora_container::{EventMessage, EventStart};
use kinora_media::{Time, TimedEvent};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::facts::blank;

/// Scheme, value, id, start, duration and the message's bytes.
#[derive(Serialize, Deserialize)]
struct Noted(String, String, Option<u64>, i64, Option<i64>, usize);

impl From<&TimedEvent> for Noted {
    fn from(event: &TimedEvent) -> Self {
        Self(
            event.scheme.clone(),
            event.value.clone(),
            event.id,
            event.start.as_nanos(),
            event.duration.map(Time::as_nanos),
            event.data.len(),
        )
    }
}

impl From<Noted> for TimedEvent {
    fn from(Noted(scheme, value, id, start, duration, len): Noted) -> Self {
        Self {
            scheme,
            value,
            id,
            start: Time::from_nanos(start),
            duration: duration.map(Time::from_nanos),
            data: blank(len),
        }
    }
}

pub(crate) fn serialize<S: Serializer>(
    events: &[TimedEvent],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(events.iter().map(Noted::from))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<TimedEvent>, D::Error> {
    let noted = Vec::<Noted>::deserialize(deserializer)?;
    Ok(noted.into_iter().map(TimedEvent::from).collect())
}

/// A message that lies in media; whether its start counts from its segment.
#[derive(Serialize, Deserialize)]
pub(super) struct NotedMessage(Noted, bool);

impl From<&EventMessage> for NotedMessage {
    fn from(message: &EventMessage) -> Self {
        let (start, relative) = match message.start {
            EventStart::Media(time) => (time, false),
            EventStart::Segment(delta) => (delta, true),
        };
        let mut noted = Noted::from(&message.event);
        noted.3 = start.as_nanos();
        Self(noted, relative)
    }
}

impl From<NotedMessage> for EventMessage {
    fn from(NotedMessage(noted, relative): NotedMessage) -> Self {
        let event = TimedEvent::from(noted);
        Self {
            start: match relative {
                true => EventStart::Segment(event.start),
                false => EventStart::Media(event.start),
            },
            event: TimedEvent {
                start: Time::ZERO,
                ..event
            },
        }
    }
}
