//! Demuxers that work beside the engine.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use kinora_container::{
    DemuxError, Demuxer, Demuxers, ForeignDemuxers, ProbingDemuxer, SeekTo, Step,
};
use kinora_errors::codes;
use serde_json::Value;

use super::errors;
use crate::sim::{Film, Sim, ms, secs};
use crate::{Event, State, TapeSink, replay};

const URL: &str = "http://films.test/film";

/// How long a demuxer takes.
#[derive(Clone, Copy)]
enum Pace {
    /// Each result comes with that poll.
    Slow(u32),
    /// Nothing comes any more after so many results.
    StuckAfter(u32),
}

/// One of ours that takes its time.
struct Unhurried {
    inner: ProbingDemuxer,
    pace: Pace,
    polls: u32,
}

impl Demuxer for Unhurried {
    fn push(&mut self, offset: u64, data: Bytes) {
        self.inner.push(offset, data);
    }
    fn finish(&mut self) {
        self.inner.finish();
    }
    fn set_len(&mut self, total_len: u64) {
        self.inner.set_len(total_len);
    }
    fn poll(&mut self) -> Result<Step, DemuxError> {
        self.polls += 1;
        let is_ready = match self.pace {
            Pace::Slow(nth) => self.polls.is_multiple_of(nth),
            Pace::StuckAfter(count) => self.polls <= count,
        };
        match is_ready {
            true => self.inner.poll(),
            false => Ok(Step::Pending),
        }
    }
    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        self.inner.seek(target)
    }
}

impl ForeignDemuxers for Pace {
    fn open(&self) -> Box<dyn Demuxer> {
        Box::new(Unhurried {
            inner: ProbingDemuxer::new(),
            pace: *self,
            polls: 0,
        })
    }
}

/// A session that is read at that pace, and what is written of it.
fn session(pace: Pace) -> (Sim, Arc<Mutex<Vec<Value>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    let sink: TapeSink = Box::new(move |line: &Value| written.lock().unwrap().push(line.clone()));
    let mut sim = Sim::reading_by(7, Demuxers::Foreign(Arc::new(pace)), sink);
    sim.net.serve(URL, Film::mp4());
    sim.play(URL);
    (sim, lines)
}

#[test]
fn a_demuxer_that_takes_its_time_is_asked_again_and_the_film_plays_to_its_end() {
    let (mut sim, lines) = session(Pace::Slow(3));
    sim.run_for(secs(60));
    assert_eq!(sim.state(), State::Completion);
    assert!(errors(&sim).is_empty());
    // It is asked again soon, not all the time.
    assert!(sim.steps < 20_000, "{} steps", sim.steps);
    let lines = lines.lock().unwrap().clone();
    let pending = serde_json::json!({ "fact": ["demux", { "ok": "b" }] });
    assert!(
        lines.contains(&pending),
        "a recording tells that it was awaited"
    );
    assert_eq!(replay(lines.into_iter()).unwrap().difference, None);
}

#[test]
fn a_seek_does_not_wait_for_what_was_awaited_before() {
    let (mut sim, _) = session(Pace::Slow(4));
    sim.run_for(ms(1_500));
    sim.command(crate::Command::Seek {
        target: secs(8),
        accuracy: crate::SeekAccuracy::Exact,
    });
    sim.run_for(secs(2));
    assert!(sim.position() >= secs(8), "{:?}", sim.position());
}

#[test]
fn a_demuxer_that_never_comes_back_is_given_up() {
    let (mut sim, lines) = session(Pace::StuckAfter(3));
    sim.run_for(secs(60));
    assert_eq!(sim.state(), State::Error);
    assert_eq!(errors(&sim), [codes::ERROR_DEMUXER_OPENSTREAM]);
    let is_stuck =
        |event: &Event| matches!(event, Event::Error(fault) if fault.reason() == "container.stuck");
    assert!(
        sim.events
            .iter()
            .any(|(at, event)| is_stuck(event) && *at < secs(25))
    );
    let lines = lines.lock().unwrap().clone();
    assert_eq!(replay(lines.into_iter()).unwrap().difference, None);
}
