use std::collections::VecDeque;

use kinora_media::Time;

use super::ms;
use crate::{AudioClock, Epoch};

/// A sound card: plays what is queued while it runs.
#[derive(Default)]
pub(super) struct Sink {
    blocks: VecDeque<(Time, Time)>,
    /// How much of the first block has sounded.
    inside: Time,
    running: bool,
    since: Time,
    rate: Option<f64>,
    epoch: Epoch,
    changed: bool,
    last_end: Option<Time>,
    /// All that there is for now was given.
    drained: bool,
}

impl Sink {
    fn rate(&self) -> f64 {
        self.rate.unwrap_or(1.0)
    }

    fn play_to(&mut self, now: Time) {
        if self.running {
            self.inside += (now - self.since).scale(self.rate());
        }
        self.since = now;
        while let Some((_, duration)) = self.blocks.front() {
            if self.inside < *duration {
                return;
            }
            self.inside -= *duration;
            self.blocks.pop_front();
        }
        self.inside = Time::ZERO;
    }

    pub(super) fn queue(&mut self, now: Time, pts: Time, duration: Time, skip_until: Time) {
        self.drained = false;
        self.play_to(now);
        let cut = (skip_until - pts).max(Time::ZERO).min(duration);
        if cut < duration {
            self.blocks.push_back((pts + cut, duration - cut));
            self.last_end = Some(pts + duration);
            self.changed = true;
        }
        let queued: Time = self
            .blocks
            .iter()
            .fold(Time::ZERO, |sum, block| sum + block.1);
        assert!(queued <= ms(1_000), "too much sound is queued: {queued:?}");
    }
    pub(super) fn run(&mut self, now: Time) {
        self.play_to(now);
        self.running = true;
        self.changed = true;
    }
    pub(super) fn hold(&mut self, now: Time) {
        self.play_to(now);
        self.running = false;
        self.changed = true;
    }
    pub(super) fn set_rate(&mut self, now: Time, rate: f64) {
        self.play_to(now);
        self.rate = Some(rate);
    }
    pub(super) fn flush(&mut self, now: Time, epoch: Epoch) {
        self.play_to(now);
        self.blocks.clear();
        self.inside = Time::ZERO;
        self.last_end = None;
        self.drained = false;
        self.epoch = epoch;
        self.changed = true;
    }
    pub(super) fn drain(&mut self) {
        assert!(!self.drained, "the last is reported twice");
        self.drained = true;
    }
    pub(super) fn is_on(&self) -> bool {
        self.running
    }
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub(super) fn report(&mut self, now: Time) -> Option<AudioClock> {
        self.play_to(now);
        let end = self.last_end?;
        let position = self
            .blocks
            .front()
            .map_or(end, |(pts, _)| *pts + self.inside);
        Some(AudioClock {
            epoch: self.epoch,
            at: now,
            position,
            queued: (end - position).max(Time::ZERO),
            running: self.running && !self.blocks.is_empty(),
        })
    }
}
