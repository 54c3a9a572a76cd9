//! What must hold after every step, whatever happens.

use std::collections::HashMap;

use kinora_media::{Now, Time};

use crate::{ByRole, Command, Engine, Epoch, Event, FrameId, Input, Output, Role, State};

/// The invariants.
#[derive(Default)]
pub(super) struct Watch {
    /// Frames in the pool.
    pool: HashMap<FrameId, (Role, Epoch, Time, Time)>,
    epochs: ByRole<Epoch>,
    state: State,
    position: Option<Time>,
    /// Since when the position has been the same, though it is to move.
    still_since: Option<Time>,
    /// Buffering was reported and has not ended.
    loading: bool,
    sought: bool,
    /// It is searched, or plays, at that speed.
    speed: f64,
    fatal_errors: u32,
    quiet: bool,
}

/// So long playback may stand still before buffering is reported; the promise is 500 ms from the last picture on.
const MAX_STILL: Time = Time::from_millis(600);
/// Frames of both pipelines that may wait at a time.
const MAX_FRAMES: usize = 128;

impl Watch {
    pub(super) fn commanded(&mut self, command: &Command) {
        match command {
            Command::Seek { .. }
            | Command::SelectTrack(_)
            | Command::Start
            | Command::SetAudioDelay(_) => {
                self.sought = true;
            }
            Command::SetSource(_) | Command::Prepare | Command::Reset | Command::Stop => {
                self.sought = true;
                self.fatal_errors = 0;
            }
            Command::SetSpeed(speed) => {
                self.speed = *speed;
                self.sought = true;
            }
            _ => {}
        }
    }

    pub(super) fn reported(&mut self, input: &Input) {
        if let Input::DecodeFailed { .. } = input {
            // A decoder that fails its way through is at work.
            self.still_since = None;
        }
        if let Input::FrameReady {
            role,
            epoch,
            frame,
            pts,
            duration,
            ..
        } = input
        {
            self.pool.insert(*frame, (*role, *epoch, *pts, *duration));
            assert!(
                self.pool.len() <= MAX_FRAMES,
                "frames pile up: {:?}",
                self.pool
                    .values()
                    .map(|frame| (frame.0, frame.1.0, frame.2))
                    .collect::<Vec<_>>()
            );
        }
    }

    pub(super) fn wanted(&mut self, output: &Output, now: Time) {
        match output {
            Output::Flush { role, epoch } => self.epochs[*role] = *epoch,
            Output::Present { role, frame, .. } => {
                let known = self.pool.get(frame);
                assert!(
                    known.is_some(),
                    "a frame is presented that is not there: {frame:?} at {now}"
                );
                assert_eq!(
                    known.map(|frame| frame.1),
                    Some(self.epochs[*role]),
                    "a frame of an old epoch is shown"
                );
            }
            Output::Close => self.quiet = true,
            Output::Fetch(_) => self.quiet = false,
            Output::Decode { .. } => assert!(!self.quiet, "work after the close"),
            Output::Event(event) => self.event(event),
            _ => {}
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::StateChanged { old, new } => {
                assert_eq!(
                    *old, self.state,
                    "a change begins in another state than the last ended in"
                );
                assert_ne!(old, new);
                self.state = *new;
            }
            Event::Error(_) if self.state == State::Error => {
                self.fatal_errors += 1;
                assert_eq!(self.fatal_errors, 1, "a fatal error is reported twice");
            }
            Event::LoadingBegin => self.loading = true,
            Event::LoadingEnd => self.loading = false,
            Event::LoopingStart
            | Event::RepeatStart { .. }
            | Event::SeekEnd { .. }
            | Event::InterstitialStart(_)
            | Event::InterstitialEnd { .. } => self.sought = true,
            _ => {}
        }
    }

    /// The frame leaves the pool.
    pub(super) fn release(&mut self, role: Role, frame: FrameId) -> (Time, Time) {
        let known = self.pool.remove(&frame);
        let Some((of, _, pts, duration)) = known else {
            panic!("a frame is given back twice: {frame:?}");
        };
        assert_eq!(of, role);
        (pts, duration)
    }

    pub(super) fn closed(&mut self) {
        self.pool.clear();
    }

    pub(super) fn after(&mut self, engine: &Engine, now: Now) {
        assert_eq!(
            engine.state(),
            self.state,
            "the state changed and it was not reported"
        );
        // What plays in between moves, and the presentation stands.
        let between = engine.interstitial(now).map(|it| it.position);
        let position = between.unwrap_or_else(|| engine.position(now));
        let sought = std::mem::take(&mut self.sought) || self.speed < 0.0;
        if let Some(before) = self.position.filter(|_| !sought) {
            assert!(
                position >= before,
                "the position went back from {before} to {position}"
            );
        }
        let is_still = self.position == Some(position) && !sought;
        self.position = Some(position);
        if self.state != State::Started || self.loading || !is_still {
            self.still_since = None;
            return;
        }
        let since = *self.still_since.get_or_insert(now.mono);
        assert!(
            now.mono - since <= MAX_STILL,
            "it stands still at {position} since {since} and it was not reported"
        );
    }
}
