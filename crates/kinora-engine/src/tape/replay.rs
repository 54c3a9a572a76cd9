//! A recorded session, run again.

use std::collections::VecDeque;

use kinora_media::{Now, Time};
use serde::Deserialize;
use serde_json::Value;

use super::facts::reported;
use super::inputs::Noted;
use super::{Tape, VERSION};
use crate::{Engine, Event, Input, Output, PlayerConfig};

/// Why lines are no recording.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The first line is not that of a recording, or of another version of it.
    #[error("this is no recorded session of a version that can be read here")]
    NotARecording,
    /// A line cannot be read.
    #[error("line {0} of the recording cannot be read")]
    Line(usize),
}

/// What came of running a session again.
#[derive(Debug)]
pub struct Replay {
    /// Inputs that the engine was given.
    pub inputs: u64,
    /// What was reported to the application, and when.
    pub events: Vec<(Time, Event)>,
    /// How long the session was.
    pub span: Time,
    /// The first thing that was not as recorded; nothing for a session that ran the same again.
    pub difference: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    kinora_session: u64,
    entropy: String,
    config: PlayerConfig,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    In {
        at: i64,
        unix_ms: i64,
        #[serde(rename = "in")]
        input: Noted,
    },
    Fact {
        fact: (String, Value),
    },
    Event {
        event: String,
    },
}

/// Runs a recording again: the same inputs at the same times, the same facts of the content. A recording that was cut
/// off runs to where it ends.
///
/// # Errors
/// When the lines are no recording.
pub fn replay(mut lines: impl Iterator<Item = Value>) -> Result<Replay, ReplayError> {
    let header = lines.next().ok_or(ReplayError::NotARecording)?;
    let header: Header = serde_json::from_value(header).map_err(|_| ReplayError::NotARecording)?;
    let entropy = header.entropy.parse().ok();
    let entropy = entropy.filter(|_| header.kinora_session == VERSION);
    let entropy = entropy.ok_or(ReplayError::NotARecording)?;
    let (mut inputs, mut facts, mut reported) = (Vec::new(), VecDeque::new(), Vec::new());
    for (number, line) in (2..).zip(lines) {
        match serde_json::from_value(line).map_err(|_| ReplayError::Line(number))? {
            Line::In { at, unix_ms, input } => {
                let mono = Time::from_nanos(at);
                inputs.push((Now { mono, unix_ms }, Input::from(input)));
            }
            Line::Fact { fact } => facts.push_back(fact),
            Line::Event { event } => reported.push(event),
        }
    }
    Ok(run(header.config, entropy, inputs, facts, &reported))
}

fn run(
    config: PlayerConfig,
    entropy: u64,
    inputs: Vec<(Now, Input)>,
    facts: VecDeque<(String, Value)>,
    recorded: &[String],
) -> Replay {
    let tape = Tape::reading(facts);
    let mut engine = Engine::with_tape(config, entropy, tape.clone());
    let mut replay = Replay {
        inputs: 0,
        events: Vec::new(),
        span: Time::ZERO,
        difference: None,
    };
    let first = inputs.first().map_or(Time::ZERO, |(now, _)| now.mono);
    for (now, input) in inputs {
        replay.inputs += 1;
        replay.span = now.mono - first;
        for output in engine.handle(now, input) {
            if let Output::Event(event) = output {
                replay.events.push((now.mono - first, event));
            }
        }
        if let Some(what) = tape.lost() {
            let inputs = replay.inputs;
            replay.difference = Some(format!(
                "input {inputs} looks for another {what} than was recorded"
            ));
            return replay;
        }
    }
    replay.difference = differs(&replay.events, recorded, tape.left());
    replay
}

fn differs(events: &[(Time, Event)], recorded: &[String], left: usize) -> Option<String> {
    let again: Vec<String> = events.iter().map(|(_, event)| reported(event)).collect();
    let pairs = again.iter().zip(recorded).enumerate();
    let first = pairs
        .into_iter()
        .find(|(_, (again, recorded))| again != recorded);
    if let Some((number, (again, recorded))) = first {
        return Some(format!("event {number} is {again} and was {recorded}"));
    }
    if again.len() != recorded.len() {
        return Some(format!(
            "{} events instead of {}",
            again.len(),
            recorded.len()
        ));
    }
    (left > 0).then(|| format!("{left} facts were not looked at"))
}
