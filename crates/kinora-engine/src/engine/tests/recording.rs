//! A session that is written down, and run again.

use std::sync::{Arc, Mutex};

use crate::{TapeSink, replay};

/// The lines of a session.
pub(super) struct Recording(Arc<Mutex<Vec<String>>>);

impl Recording {
    /// Nothing yet, and where the session writes.
    pub(super) fn begin() -> (Self, TapeSink) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&lines);
        let sink = Box::new(move |line: &serde_json::Value| {
            into.lock().unwrap().push(line.to_string());
        });
        (Self(lines), sink)
    }

    /// What was written so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// What was written runs the same again, with so many events.
    #[track_caller]
    pub(super) fn runs_again(&self, events: usize) {
        let lines = self.lines();
        let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
        let again = replay(lines).unwrap();
        assert_eq!(again.difference, None);
        assert_eq!(again.events.len(), events);
    }
}
