//! Recordings of sessions, which people send in: run again whatever they say.

use kinora_engine::replay;
use serde_json::Value;

use crate::Work;

pub(crate) fn tape(data: &[u8]) -> Work {
    let lines = data.split(|byte| *byte == b'\n');
    // As the command line reads them: what is no JSON ends it.
    let lines = lines.map_while(|line| serde_json::from_slice::<Value>(line).ok());
    let mut work = Work {
        bytes: data.len() as u64,
        ..Work::default()
    };
    match replay(lines) {
        Ok(replay) => {
            work.steps = replay.inputs;
            work.out = replay.events.len() as u64;
            let said = replay.difference.map_or(0, |text| text.len());
            assert!(said < 10_000, "what differs is a sentence");
        }
        Err(error) => assert!(error.to_string().len() < 1_000, "an error is a sentence"),
    }
    work
}
