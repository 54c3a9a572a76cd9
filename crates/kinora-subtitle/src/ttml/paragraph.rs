//! A `p`: what its text is at each time.

use kinora_media::Time;

use super::look::Look;
use super::timing::Interval;
use crate::text::{Mark, Spans, is_blank};
use crate::{Cue, Layout};

/// Stretches of text with one look and one interval.
const MAX_RUNS: usize = 500;
/// Times at which the text changes.
const MAX_CHANGES: usize = 64;

pub(super) struct Paragraph {
    id: Option<String>,
    interval: Interval,
    layout: Layout,
    runs: Vec<Run>,
    /// The last character was a blank, or there is none yet.
    after_blank: bool,
}

struct Run {
    text: String,
    mark: Mark,
    interval: Interval,
}

impl Paragraph {
    pub(super) fn new(id: Option<&str>, interval: Interval, look: &Look) -> Self {
        Self {
            id: id.map(str::to_owned),
            interval,
            layout: look.layout(),
            runs: Vec::new(),
            after_blank: true,
        }
    }

    /// Blanks are one, and none beside the end of a line, unless they are to be kept (`xml:space`).
    pub(super) fn push(&mut self, text: &str, preserve: bool, mark: Mark, interval: Interval) {
        let text = if preserve {
            if text == "\n" {
                self.trim_end();
            }
            self.after_blank = text.ends_with('\n');
            text.to_owned()
        } else {
            self.collapse(text)
        };
        if text.is_empty() {
            return;
        }
        let is_full = self.runs.len() >= MAX_RUNS;
        match self.runs.last_mut() {
            Some(last) if last.mark == mark && last.interval == interval => {
                last.text.push_str(&text)
            }
            _ if is_full => {}
            _ => self.runs.push(Run {
                text,
                mark,
                interval,
            }),
        }
    }

    fn collapse(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for letter in text.chars() {
            match is_blank(letter) {
                true if self.after_blank => {}
                true => out.push(' '),
                false => out.push(letter),
            }
            self.after_blank = is_blank(letter);
        }
        out
    }

    fn trim_end(&mut self) {
        if let Some(last) = self.runs.last_mut() {
            let end = last.text.trim_end_matches(' ').len();
            last.text.truncate(end);
        }
    }

    /// One cue, or one for each stretch of time between two changes.
    pub(super) fn cues(self) -> Vec<Cue> {
        let own = self.interval;
        let within = |time: Time| (own.start < time && time < own.end).then_some(time);
        let runs = self.runs.iter();
        let mut changes: Vec<Time> = runs
            .flat_map(|run| [run.interval.start, run.interval.end])
            .filter_map(within)
            .collect();
        changes.sort_unstable();
        changes.dedup();
        changes.truncate(MAX_CHANGES);
        let starts = core::iter::once(own.start).chain(changes.iter().copied());
        let ends = changes.iter().copied().chain(core::iter::once(own.end));
        let cues = starts.zip(ends).map(|(start, end)| self.cue(start, end));
        cues.filter(|cue| !cue.spans.is_empty()).collect()
    }

    fn cue(&self, start: Time, end: Time) -> Cue {
        let mut spans = Spans::default();
        for run in self.runs.iter().filter(|run| run.interval.contains(start)) {
            spans.push(&run.text, &run.mark);
        }
        Cue {
            id: self.id.clone(),
            start,
            end,
            spans: spans.finish(),
            layout: self.layout.clone(),
            ..Cue::default()
        }
    }
}
