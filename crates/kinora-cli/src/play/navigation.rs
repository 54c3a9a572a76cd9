//! Navigation in the list of files, by a person or a signal.

use std::sync::{Arc, Mutex, PoisonError};

/// Where to go from the file that plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Navigation {
    Next,
    Previous,
    Quit,
}

/// The navigation that was requested and not done yet.
#[derive(Clone, Default)]
pub(crate) struct PendingNavigation(Arc<Mutex<Option<Navigation>>>);

impl PendingNavigation {
    /// Requests it; quitting is not taken back.
    pub(crate) fn request(&self, to: Navigation) {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *pending != Some(Navigation::Quit) {
            *pending = Some(to);
        }
    }

    pub(crate) fn pending(&self) -> Option<Navigation> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it: the file is left. Quitting stays pending.
    pub(crate) fn take(&self) -> Option<Navigation> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *pending {
            Some(Navigation::Quit) => *pending,
            _ => pending.take(),
        }
    }
}

/// The index of the next file; `None` at the end. A list that is `looped` begins again.
pub(crate) fn next_index(
    at: usize,
    count: usize,
    navigation: Option<Navigation>,
    looped: bool,
) -> Option<usize> {
    match navigation {
        Some(Navigation::Quit) => None,
        Some(Navigation::Previous) if at == 0 && looped => Some(count - 1),
        // Before the first one is the first one.
        Some(Navigation::Previous) => Some(at.saturating_sub(1)),
        Some(Navigation::Next) | None if at + 1 < count => Some(at + 1),
        Some(Navigation::Next) | None if looped => Some(0),
        Some(Navigation::Next) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_follow_each_other_and_a_loop_begins_again() {
        assert_eq!(next_index(0, 2, None, false), Some(1));
        assert_eq!(next_index(1, 2, Some(Navigation::Next), false), None);
        assert_eq!(next_index(1, 2, None, true), Some(0));
        assert_eq!(next_index(0, 2, Some(Navigation::Previous), false), Some(0));
        assert_eq!(next_index(0, 3, Some(Navigation::Previous), true), Some(2));
        assert_eq!(next_index(0, 2, Some(Navigation::Quit), true), None);
    }

    #[test]
    fn quitting_stays_pending() {
        let navigation = PendingNavigation::default();
        navigation.request(Navigation::Next);
        navigation.request(Navigation::Quit);
        navigation.request(Navigation::Previous);
        assert_eq!(
            (navigation.take(), navigation.pending()),
            (Some(Navigation::Quit), Some(Navigation::Quit))
        );
    }
}
