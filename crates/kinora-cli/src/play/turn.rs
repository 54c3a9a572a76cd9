//! What a person or a signal wants next.

use std::sync::{Arc, Mutex, PoisonError};

/// Where to go from the file that plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    Next,
    Previous,
    Quit,
}

/// The turn that was asked for and not taken yet.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<Option<Turn>>>);

impl Turns {
    /// Asks; the end is not taken back.
    pub(crate) fn ask(&self, turn: Turn) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *asked != Some(Turn::Quit) {
            *asked = Some(turn);
        }
    }

    pub(crate) fn asked(&self) -> Option<Turn> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it: the file is left. The end stays asked for.
    pub(crate) fn take(&self) -> Option<Turn> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *asked {
            Some(Turn::Quit) => *asked,
            _ => asked.take(),
        }
    }
}

/// Which file follows; `None` at the end. A list that is `looped` begins again.
pub(crate) fn follows(at: usize, count: usize, turn: Option<Turn>, looped: bool) -> Option<usize> {
    match turn {
        Some(Turn::Quit) => None,
        Some(Turn::Previous) if at == 0 && looped => Some(count - 1),
        // Before the first one is the first one.
        Some(Turn::Previous) => Some(at.saturating_sub(1)),
        Some(Turn::Next) | None if at + 1 < count => Some(at + 1),
        Some(Turn::Next) | None if looped => Some(0),
        Some(Turn::Next) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_follow_each_other_and_a_loop_begins_again() {
        assert_eq!(follows(0, 2, None, false), Some(1));
        assert_eq!(follows(1, 2, Some(Turn::Next), false), None);
        assert_eq!(follows(1, 2, None, true), Some(0));
        assert_eq!(follows(0, 2, Some(Turn::Previous), false), Some(0));
        assert_eq!(follows(0, 3, Some(Turn::Previous), true), Some(2));
        assert_eq!(follows(0, 2, Some(Turn::Quit), true), None);
    }

    #[test]
    fn the_end_stays_asked_for() {
        let turns = Turns::default();
        turns.ask(Turn::Next);
        turns.ask(Turn::Quit);
        turns.ask(Turn::Previous);
        assert_eq!(
            (turns.take(), turns.asked()),
            (Some(Turn::Quit), Some(Turn::Quit))
        );
    }
}
