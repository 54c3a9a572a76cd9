//! Looking an error up by whatever a user types.

use kinora_errors::{Lang, ReportStyle, explain};

use crate::Work;

pub(crate) fn lookup(data: &[u8]) -> Work {
    let query = String::from_utf8_lossy(data);
    let answer = explain::look_up(&query);
    let found = answer.matches.len().saturating_add(answer.nearest.len());
    assert!(found <= 200, "an answer is short");
    let text = explain::render(&answer, Lang::Zh, ReportStyle::Plain);
    let json = explain::json(&answer).to_string();
    Work {
        steps: found as u64,
        bytes: data.len() as u64,
        out: text.len().saturating_add(json.len()) as u64,
    }
}
