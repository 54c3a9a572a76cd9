//! A session written down, so that it can be run again elsewhere: what came in and when, and what the content meant,
//! without the content. URLs are numbered and masked; credentials, keys, titles and media are left out.
//!
//! A session depends on its content in a few places only: demuxers, playlists, keys, the service's reply. Each of
//! them looks through the tape. While a session is recorded, what it saw is written; while it is replayed, what was
//! written is seen again.

mod cues;
mod demuxer;
pub(crate) mod events;
mod facts;
mod inputs;
pub(crate) mod interstitials;
mod replay;
mod user_data;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kinora_errors::{Fault, Secret, mask_url};
use kinora_media::Now;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{Event, Input, PlayerConfig};

pub(crate) use cues::{NotedCaptions, NotedFile, NotedUpdates};
pub(crate) use demuxer::TapedDemuxer;
pub(crate) use facts::{Place, encryption, iv, place, places, protection};
pub use replay::{Replay, ReplayError, replay};
pub(crate) use user_data::NotedUserData;

/// The first line of a recording says so. 2: events by the names that they have everywhere. 3: the clock of a segment
/// is seen where its first packet is placed; playlists as segments on a timeline, and what can be decoded; roles, failures
/// of outputs, moments of the audio output's reports. 4: outputs that take frames ahead of time.
const VERSION: u64 = 4;
/// What a recording of that version holds means the same still.
const OLDEST_VERSION: u64 = 3;
/// Marks a URL until it is masked.
const URL: &str = "$url";

/// Takes the lines of a recording.
pub type TapeSink = Box<dyn FnMut(&Value) + Send>;

/// Nothing, a recording, or one that is seen again. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Tape(Option<Arc<Mutex<Reel>>>);

enum Reel {
    Writing {
        sink: TapeSink,
        /// The URLs met so far; their numbers stand for them.
        places: Vec<Secret>,
    },
    Reading {
        facts: VecDeque<(String, Value)>,
        /// The first thing that was looked for and is not there.
        lost: Option<&'static str>,
    },
}

impl Tape {
    /// A recording that goes to `sink`, and its first line.
    pub(crate) fn recording(sink: TapeSink, config: &PlayerConfig, entropy: u64) -> Self {
        let tape = Self(Some(Arc::new(Mutex::new(Reel::Writing {
            sink,
            places: Vec::new(),
        }))));
        tape.write(|| {
            json!({
                "kinora_session": VERSION,
                "entropy": entropy.to_string(),
                "config": config,
            })
        });
        tape
    }

    fn reading(facts: VecDeque<(String, Value)>) -> Self {
        let lost = None;
        Self(Some(Arc::new(Mutex::new(Reel::Reading { facts, lost }))))
    }

    /// One more fact that was written down.
    fn add(&self, fact: (String, Value)) {
        if let Some(Reel::Reading { facts, .. }) = self.reel().as_deref_mut() {
            facts.push_back(fact);
        }
    }

    fn reel(&self) -> Option<MutexGuard<'_, Reel>> {
        let reel = self.0.as_ref()?;
        Some(reel.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the content says: looked at, and written where there is a recording; or what was written.
    pub(crate) fn see<T>(&self, what: &'static str, look: impl FnOnce() -> T) -> T
    where
        T: Serialize + DeserializeOwned,
    {
        if self.0.is_none() {
            return look();
        }
        if let Some(seen) = self.seen(what) {
            return seen;
        }
        let fact = look();
        self.write(|| json!({ "fact": [what, fact] }));
        fact
    }

    /// The same for what may fail.
    pub(crate) fn try_see<T>(
        &self,
        what: &'static str,
        look: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<T, Fault>
    where
        T: Serialize + DeserializeOwned,
    {
        if self.0.is_none() {
            return look();
        }
        self.see(what, || facts::Outcome::from(look())).into()
    }

    /// What the content may say, written only where it says something: recordings that know nothing of it hold none.
    pub(crate) fn see_some<T>(
        &self,
        what: &'static str,
        look: impl FnOnce() -> Option<T>,
    ) -> Option<T>
    where
        T: Serialize + DeserializeOwned,
    {
        if let Some(Reel::Reading { facts, .. }) = self.reel().as_deref()
            && facts.front().is_none_or(|(kind, _)| kind != what)
        {
            return None;
        }
        if let Some(seen) = self.seen(what) {
            return Some(seen);
        }
        let fact = look()?;
        self.write(|| json!({ "fact": [what, fact] }));
        Some(fact)
    }

    /// The same for what is rarely there, and written only then: with the number of the look that found it.
    pub(crate) fn spot<T>(
        &self,
        what: &'static str,
        number: u64,
        look: impl FnOnce() -> Option<T>,
    ) -> Option<T>
    where
        T: Serialize + DeserializeOwned,
    {
        if self.is_reading() {
            return self.spotted(what, number);
        }
        let found = look()?;
        self.write(|| json!({ "fact": [what, [number, &found]] }));
        Some(found)
    }

    fn spotted<T: DeserializeOwned>(&self, what: &'static str, number: u64) -> Option<T> {
        let mut reel = self.reel()?;
        let Reel::Reading { facts, .. } = &mut *reel else {
            return None;
        };
        let is_it = |(kind, fact): &mut (String, Value)| kind == what && fact[0] == number;
        let (_, mut fact) = facts.pop_front_if(is_it)?;
        serde_json::from_value(fact[1].take()).ok()
    }

    fn seen<T: DeserializeOwned>(&self, what: &'static str) -> Option<T> {
        let mut reel = self.reel()?;
        let Reel::Reading { facts, lost } = &mut *reel else {
            return None;
        };
        let next = facts.pop_front().filter(|(kind, _)| kind == what);
        let seen = next.and_then(|(_, fact)| serde_json::from_value(fact).ok());
        if seen.is_none() {
            lost.get_or_insert(what);
        }
        seen
    }

    /// Neither written nor read.
    pub(crate) fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// Nothing is looked at any more: what is there was written down.
    pub(crate) fn is_reading(&self) -> bool {
        matches!(self.reel().as_deref(), Some(Reel::Reading { .. }))
    }

    /// What was looked for first and was not there.
    fn lost(&self) -> Option<&'static str> {
        match self.reel().as_deref() {
            Some(Reel::Reading { lost, .. }) => *lost,
            _ => None,
        }
    }

    /// Facts that were written and not looked for.
    fn left(&self) -> usize {
        match self.reel().as_deref() {
            Some(Reel::Reading { facts, .. }) => facts.len(),
            _ => 0,
        }
    }

    fn write(&self, line: impl FnOnce() -> Value) {
        let Some(mut reel) = self.reel() else { return };
        let Reel::Writing { sink, places } = &mut *reel else {
            return;
        };
        let mut line = line();
        mask(&mut line, places);
        sink(&line);
    }

    /// Writes what comes in.
    pub(crate) fn came_in(&self, now: Now, input: &Input) {
        if self.0.is_some() {
            self.write(|| {
                let input = inputs::Noted::from(input);
                json!({ "at": now.mono.as_nanos(), "unix_ms": now.unix_ms, "in": input })
            });
        }
    }

    /// Writes what is reported to the application.
    pub(crate) fn reported<'a>(&self, events: impl Iterator<Item = &'a Event>) {
        if self.0.is_some() {
            events.for_each(|event| self.write(|| json!({ "event": facts::reported(event) })));
        }
    }
}

/// Puts a number and a masked form in place of every URL.
fn mask(value: &mut Value, places: &mut Vec<Secret>) {
    match value {
        Value::String(text) if text.contains("://") => {
            *text = numbered(text, places);
        }
        Value::Array(values) => values.iter_mut().for_each(|value| mask(value, places)),
        Value::Object(map) => {
            if let Some(url) = url_of(map) {
                *value = Value::String(numbered(&url, places));
                return;
            }
            map.values_mut().for_each(|value| mask(value, places));
        }
        _ => {}
    }
}

fn url_of(map: &Map<String, Value>) -> Option<String> {
    map.get(URL)?.as_str().map(str::to_owned)
}

fn numbered(url: &str, places: &mut Vec<Secret>) -> String {
    let known = places.iter().position(|place| place.expose() == url);
    let number = known.unwrap_or_else(|| {
        places.push(Secret::new(url));
        places.len() - 1
    });
    format!("{}#{number}", mask_url(url))
}
