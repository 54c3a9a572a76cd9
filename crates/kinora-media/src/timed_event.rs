use bytes::Bytes;

use crate::Time;

/// A message of the content for the application, and the time that it is for: an event of a DASH manifest or of its segments
/// (ISO/IEC 23009-1 5.10), or timed ID3.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TimedEvent {
    /// What it means: a URI (`schemeIdUri`).
    pub scheme: String,
    /// The same, within the scheme; empty where it names none.
    pub value: String,
    /// Events of one scheme, value and id are one.
    pub id: Option<u64>,
    /// When it begins, on the presentation's timeline.
    pub start: Time,
    /// How long it lasts; `None`: that is not known.
    pub duration: Option<Time>,
    /// The message.
    pub data: Bytes,
}

impl TimedEvent {
    /// The scheme of ID3 tags ("Carriage of ID3 Timed Metadata in CMAF", 2).
    pub const ID3: &'static str = "https://aomedia.org/emsg/ID3";

    /// Until when it holds; one that does not say how long is over as it begins.
    #[must_use]
    pub fn end(&self) -> Time {
        self.start + self.duration.unwrap_or(Time::ZERO)
    }
}
