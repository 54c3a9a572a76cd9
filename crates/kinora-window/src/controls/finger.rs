//! Fingers: one takes hold of a part as a press of the mouse does; on the bare picture a tap shows the controls or hides them, a second one
//! there goes 10 s back, on, or holds.

use kinora_media::Time;

use super::{Action, Controls, DOUBLE, Effect, Input};

/// A finger that moved so far, at a scale of one, does not tap.
const STILL: f32 = 12.0;
/// What a double tap at the side of the picture skips.
const SKIP: Time = Time::from_millis(10_000);

/// What a finger does.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Finger {
    Down(f32, f32),
    Moved(f32, f32),
    Up,
    /// The system took it for something else.
    Lost,
}

/// A finger on the bare picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Held {
    from: (f32, f32),
    seen: bool,
}

/// A tap on the bare picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Tap {
    when: Time,
    third: Third,
}

/// Which third of the window a finger is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Third {
    Left,
    Middle,
    Right,
}

impl Controls {
    pub(super) fn touched(&mut self, now: Time, finger: Finger) -> Vec<Effect> {
        match finger {
            Finger::Down(x, y) => self.finger_down(now, (x, y)),
            Finger::Moved(x, y) => self.finger_moved(now, (x, y)),
            Finger::Up => self.finger_up(now),
            Finger::Lost => {
                (self.held, self.drag, self.pointer) = (None, None, None);
                Vec::new()
            }
        }
    }

    fn finger_down(&mut self, now: Time, at: (f32, f32)) -> Vec<Effect> {
        let seen = self.are_seen(now);
        self.pointer = Some(at);
        match self.press_part(at, seen) {
            Some(mut effects) => {
                self.moved = Some(now);
                effects.extend(self.ask_thumbnail());
                effects
            }
            None => {
                self.held = Some(Held { from: at, seen });
                Vec::new()
            }
        }
    }

    fn finger_moved(&mut self, now: Time, at: (f32, f32)) -> Vec<Effect> {
        if self.drag.is_some() {
            return self.moved_to(now, at);
        }
        let still = STILL * self.scale;
        self.held = self.held.filter(|held| {
            let (x, y) = (at.0 - held.from.0, at.1 - held.from.1);
            x.hypot(y) <= still
        });
        Vec::new()
    }

    fn finger_up(&mut self, now: Time) -> Vec<Effect> {
        self.pointer = None;
        match self.held.take() {
            Some(held) => self.tap(now, held),
            None => self.handle(now, Input::Release),
        }
    }

    fn tap(&mut self, now: Time, held: Held) -> Vec<Effect> {
        let third = self.third(held.from.0);
        let last = self.tapped.replace(Tap { when: now, third });
        if last.is_some_and(|last| last.third == third && now - last.when < DOUBLE) {
            let action = match third {
                Third::Left => Action::SeekBy(Time::ZERO - SKIP),
                Third::Middle => Action::PauseOrPlay,
                Third::Right => Action::SeekBy(SKIP),
            };
            return vec![Effect::Want(action)];
        }
        self.moved = (!held.seen).then_some(now);
        Vec::new()
    }

    fn third(&self, x: f32) -> Third {
        #[allow(clippy::cast_precision_loss, reason = "a side of a window")]
        let width = self.size.0 as f32;
        match () {
            () if x < width / 3.0 => Third::Left,
            () if x < width * 2.0 / 3.0 => Third::Middle,
            () => Third::Right,
        }
    }
}
