use kinora_media::{Time, TimedEvent};

/// When an event message begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventStart {
    /// On the clock of the media.
    Media(Time),
    /// From the earliest time of its segment on.
    Segment(Time),
}

/// An event that lies in media, before it is known where that lies on the presentation's timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventMessage {
    /// When it begins.
    pub start: EventStart,
    /// The event, but for its start.
    pub event: TimedEvent,
}

impl EventMessage {
    /// The event on the timeline of the presentation. `offset`: what is added to times of the media; `segment`: where its
    /// segment begins.
    #[must_use]
    pub fn placed(self, offset: Time, segment: Time) -> TimedEvent {
        let start = match self.start {
            EventStart::Media(time) => time + offset,
            EventStart::Segment(delta) => segment + delta,
        };
        TimedEvent {
            start,
            ..self.event
        }
    }
}
