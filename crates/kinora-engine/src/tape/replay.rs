//! A recorded session, run again.

use std::collections::VecDeque;

use kinora_media::{Now, Time};
use serde::Deserialize;
use serde_json::Value;

use super::facts::reported;
use super::inputs::Noted;
use super::{OLDEST_VERSION, Tape, VERSION};
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

/// More facts than one input makes a session look at.
const MAX_FACTS: usize = 1 << 18;

/// Runs a recording again: the same inputs at the same times, the same facts of the content. A recording that was cut
/// off runs to where it ends. Of its lines no more is kept than one input brings.
///
/// # Errors
/// When the lines are no recording.
pub fn replay(mut lines: impl Iterator<Item = Value>) -> Result<Replay, ReplayError> {
    let header = lines.next().ok_or(ReplayError::NotARecording)?;
    let header: Header = serde_json::from_value(header).map_err(|_| ReplayError::NotARecording)?;
    let entropy = header.entropy.parse().ok();
    let is_known = (OLDEST_VERSION..=VERSION).contains(&header.kinora_session);
    let entropy = entropy.filter(|_| is_known);
    let entropy = entropy.ok_or(ReplayError::NotARecording)?;
    let mut run = Run::new(header.config, entropy);
    // What an input leads to is written behind it.
    let mut input = None;
    for (number, line) in (2..).zip(lines) {
        match serde_json::from_value(line).map_err(|_| ReplayError::Line(number))? {
            Line::In {
                at,
                unix_ms,
                input: next,
            } => {
                let mono = Time::from_nanos(at);
                let next = (Now { mono, unix_ms }, Input::from(next));
                let before = input.replace(next);
                if before.is_some_and(|(now, input)| !run.goes_on(now, input)) {
                    return Ok(run.replay);
                }
            }
            Line::Fact { fact } if run.tape.left() < MAX_FACTS => run.tape.add(fact),
            Line::Fact { .. } => return Err(ReplayError::Line(number)),
            Line::Event { event } => run.events.recorded(event),
        }
    }
    if input.is_none_or(|(now, input)| run.goes_on(now, input)) {
        run.replay.difference = run.events.differ(run.tape.left());
    }
    Ok(run.replay)
}

/// A session that is run again.
struct Run {
    engine: Engine,
    tape: Tape,
    replay: Replay,
    first: Option<Time>,
    events: Told,
}

impl Run {
    fn new(config: PlayerConfig, entropy: u64) -> Self {
        let tape = Tape::reading(VecDeque::new());
        Self {
            engine: Engine::with_tape(config, entropy, tape.clone()),
            tape,
            replay: Replay {
                inputs: 0,
                events: Vec::new(),
                span: Time::ZERO,
                difference: None,
            },
            first: None,
            events: Told::default(),
        }
    }

    /// Gives the engine an input. `false`: it looked for what was not recorded, and the rest means nothing.
    fn goes_on(&mut self, now: Now, input: Input) -> bool {
        let first = *self.first.get_or_insert(now.mono);
        let replay = &mut self.replay;
        replay.inputs += 1;
        replay.span = now.mono - first;
        for output in self.engine.handle(now, input) {
            if let Output::Event(event) = output {
                self.events.again(reported(&event));
                replay.events.push((replay.span, event));
            }
        }
        let lost = self.tape.lost();
        if let Some(what) = lost {
            replay.difference = Some(format!(
                "input {} looks for another {what} than was recorded",
                replay.inputs
            ));
        }
        lost.is_none()
    }
}

/// What was reported then and now, compared as it comes.
#[derive(Default)]
struct Told {
    recorded: VecDeque<String>,
    again: VecDeque<String>,
    /// Pairs that were compared.
    alike: usize,
    difference: Option<String>,
}

impl Told {
    fn recorded(&mut self, event: String) {
        self.recorded.push_back(event);
        self.compare();
    }

    fn again(&mut self, event: String) {
        self.again.push_back(event);
        self.compare();
    }

    fn compare(&mut self) {
        while !self.recorded.is_empty()
            && let Some(again) = self.again.pop_front()
            && let Some(recorded) = self.recorded.pop_front()
        {
            if again != recorded && self.difference.is_none() {
                let number = self.alike;
                self.difference = Some(format!("event {number} is {again} and was {recorded}"));
            }
            self.alike += 1;
        }
    }

    /// The first thing that differs, at the end; so many facts were not looked at.
    fn differ(&mut self, left: usize) -> Option<String> {
        if let Some(difference) = self.difference.take() {
            return Some(difference);
        }
        let (again, recorded) = (self.again.len(), self.recorded.len());
        if again != recorded {
            let alike = self.alike;
            return Some(format!(
                "{} events instead of {}",
                alike + again,
                alike + recorded
            ));
        }
        (left > 0).then(|| format!("{left} facts were not looked at"))
    }
}
