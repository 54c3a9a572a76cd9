use bytes::Bytes;
use kinora_container::{ClockKind, Demuxer, EventMessage, SeekTo, Step};
use kinora_errors::{Coded, Fault};

use super::Tape;
use super::events::NotedMessage;
use super::facts::{Clock, Stepped};

/// A demuxer that is looked at through the tape; while a session is replayed there is none behind it.
pub(crate) struct TapedDemuxer {
    tape: Tape,
    inner: Option<Box<dyn Demuxer>>,
}

impl TapedDemuxer {
    pub(crate) fn new(tape: &Tape, make: impl FnOnce() -> Box<dyn Demuxer>) -> Self {
        Self {
            inner: (!tape.is_reading()).then(make),
            tape: tape.clone(),
        }
    }
    pub(crate) fn push(&mut self, offset: u64, data: Bytes) {
        if let Some(inner) = &mut self.inner {
            inner.push(offset, data);
        }
    }
    pub(crate) fn finish(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.finish();
        }
    }
    /// Another resource goes on with this one; see [`Demuxer::pause`].
    pub(crate) fn pause(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.pause();
        }
    }
    /// What is pushed next is the resource that follows; see [`Demuxer::next_resource`].
    pub(crate) fn next_resource(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.next_resource();
        }
    }

    /// What the times of its packets count from; see [`Demuxer::clock`].
    pub(crate) fn clock(&self) -> ClockKind {
        let clock = self
            .inner
            .as_ref()
            .map_or(ClockKind::default(), |inner| inner.clock());
        self.tape.see("clock", || Clock::from(clock)).into()
    }
    /// Bytes of other places can be had; see [`Demuxer::allow_random_access`].
    pub(crate) fn allow_random_access(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.allow_random_access();
        }
    }
    pub(crate) fn set_len(&mut self, total_len: u64) {
        if let Some(inner) = &mut self.inner {
            inner.set_len(total_len);
        }
    }

    pub(crate) fn poll(&mut self) -> Result<Step, Fault> {
        let inner = &mut self.inner;
        let mut look = || match inner {
            Some(inner) => inner.poll().map_err(|error| error.fault()),
            None => Ok(Step::End),
        };
        if self.tape.is_off() {
            return look();
        }
        // The packet itself goes on; only its size is written.
        let mut step = None;
        let seen = self.tape.try_see("demux", || {
            let looked = look()?;
            let noted = Stepped::from(&looked);
            step = Some(looked);
            Ok(noted)
        })?;
        Ok(step.unwrap_or_else(|| seen.into()))
    }

    /// The messages that were met; see [`Demuxer::take_events`].
    pub(crate) fn take_events(&mut self) -> Vec<EventMessage> {
        let met = self.inner.as_mut().map(|inner| inner.take_events());
        let met = met.unwrap_or_default();
        if self.tape.is_off() {
            return met;
        }
        let noted = || (!met.is_empty()).then(|| met.iter().map(NotedMessage::from).collect());
        let seen: Option<Vec<NotedMessage>> = self.tape.see_some("events", noted);
        match met.is_empty() {
            true => seen.into_iter().flatten().map(Into::into).collect(),
            false => met,
        }
    }

    /// Whether the duration is looked for now; see [`Demuxer::find_duration`].
    pub(crate) fn find_duration(&mut self) -> bool {
        let inner = &mut self.inner;
        self.tape.see("duration", || match inner {
            Some(inner) => inner.find_duration(),
            None => false,
        })
    }

    /// Whether there is more damage than there was.
    pub(crate) fn is_damaged_since(&self, before: u64) -> bool {
        self.tape.see("damaged", || self.damage() > before)
    }

    /// Places of damage that were passed over.
    pub(crate) fn damage(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.damage())
    }

    /// Whether the time can be found.
    pub(crate) fn seek(&mut self, target: SeekTo) -> bool {
        let inner = &mut self.inner;
        self.tape.see("seek", || match inner {
            Some(inner) => inner.seek(target).is_ok(),
            None => false,
        })
    }
}
