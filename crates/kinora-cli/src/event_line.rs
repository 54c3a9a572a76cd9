//! An event as a line for a person: its name, then the fields of its JSON, one by one.

use kinora::{Event, json};
use serde_json::Value;

/// The line.
pub(crate) fn line(event: &Event) -> String {
    let mut text = event.name().to_owned();
    let fault = match event {
        Event::CredentialExpired(fault) | Event::Recovered(fault) | Event::Error(fault) => fault,
        Event::SubtitleFailed { track, fault } => {
            text += &format!("  track {track}");
            fault
        }
        _ => {
            let fields = json::event(event).into_iter();
            let fields = fields.filter(|(name, _)| name != "event");
            text.extend(fields.map(|(name, value)| format!("  {name} {}", reported(&value))));
            return text;
        }
    };
    text + &format!("  {:?} {}", fault.code(), fault.reason())
}

fn reported(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        Value::Array(items) => items.iter().map(reported).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            let words: Vec<_> = known
                .map(|(name, value)| format!("{name} {}", reported(value)))
                .collect();
            format!("({})", words.join(" "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use kinora::{InfoCode, Time, TrackOption};
    use kinora_media::TrackKind;

    use super::*;

    #[test]
    fn people_and_machines_get_the_same_fields() {
        let option = TrackOption {
            index: 1,
            kind: TrackKind::Video,
            label: "HD".to_owned(),
            size: Some((1_280, 720)),
            bitrate: Some(2_000_000),
            selected: true,
        };
        for event in [
            Event::Completion,
            Event::TracksReady(std::sync::Arc::from([option])),
            Event::SeekEnd {
                target: Time::ZERO,
                pts: Time::from_millis(40),
            },
            Event::Info {
                code: InfoCode::NetworkRetry,
                text: "again".to_owned(),
            },
        ] {
            let (text, object) = (line(&event), json::event(&event));
            assert!(text.starts_with(event.name()));
            for (field, value) in object.iter().filter(|(field, _)| *field != "event") {
                assert!(text.contains(&reported(value)), "{field} of {text}");
            }
        }
    }
}
