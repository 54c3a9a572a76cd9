//! Navigation in the list of files, by a person or a signal.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where to go from the file that plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Navigation {
    Next,
    Previous,
    Quit,
}

/// The navigation that was requested and not done yet.
#[derive(Clone, Default)]
pub(crate) struct PendingNavigation(Arc<Mutex<Pending>>);

#[derive(Default)]
struct Pending {
    to: Option<Navigation>,
    /// What is to be played in place of all files.
    opened: Option<Vec<OsString>>,
}

impl PendingNavigation {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests it; quitting is not taken back.
    pub(crate) fn request(&self, to: Navigation) {
        let mut pending = self.lock();
        if pending.to != Some(Navigation::Quit) {
            pending.to = Some(to);
        }
    }

    /// Requests other files in place of all.
    pub(crate) fn open(&self, sources: Vec<OsString>) {
        self.lock().opened = Some(sources);
    }

    /// The file that plays is to be left.
    pub(crate) fn is_pending(&self) -> bool {
        let pending = self.lock();
        pending.to.is_some() || pending.opened.is_some()
    }

    /// Takes what is to be played in place of all files; nothing is, where playing ends.
    pub(crate) fn take_opened(&self) -> Option<Vec<OsString>> {
        let mut pending = self.lock();
        let opened = pending.opened.take();
        opened.filter(|_| pending.to != Some(Navigation::Quit))
    }

    /// Takes it: the file is left. Quitting stays pending.
    pub(crate) fn take(&self) -> Option<Navigation> {
        let mut pending = self.lock();
        match pending.to {
            Some(Navigation::Quit) => pending.to,
            _ => pending.to.take(),
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
            (navigation.take(), navigation.take()),
            (Some(Navigation::Quit), Some(Navigation::Quit))
        );
        navigation.open(vec!["a.mp4".into()]);
        assert!(navigation.is_pending() && navigation.take_opened().is_none());
    }

    #[test]
    fn what_is_opened_is_taken_once() {
        let navigation = PendingNavigation::default();
        assert!(!navigation.is_pending());
        navigation.open(vec!["a.mp4".into()]);
        navigation.open(vec!["b.mp4".into(), "c.mp4".into()]);
        assert!(navigation.is_pending());
        let opened = navigation.take_opened().unwrap_or_default();
        assert_eq!(opened, ["b.mp4", "c.mp4"]);
        assert!(!navigation.is_pending() && navigation.take_opened().is_none());
    }
}
