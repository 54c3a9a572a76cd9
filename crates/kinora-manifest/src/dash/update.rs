//! A manifest that is asked for again and again (ISO/IEC 23009-1 5.4).

use kinora_media::Time;

use super::model::Mpd;

/// What the newest version brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    /// Other periods or segments, or the word that it has ended.
    Changed,
    /// Nothing, or an older version that came late.
    Unchanged,
    /// Times are counted from elsewhere: the packager began anew.
    Restarted,
}

/// A manifest and what its versions said before.
#[derive(Clone, PartialEq, Debug)]
pub struct LiveState {
    mpd: Mpd,
}

impl LiveState {
    /// Begins with the first version.
    #[must_use]
    pub fn new(mpd: Mpd) -> Self {
        Self { mpd }
    }

    /// The manifest as it is now.
    #[must_use]
    pub fn mpd(&self) -> &Mpd {
        &self.mpd
    }

    /// Takes a newer version. Periods are the same by their ids (5.4): one that does not say when it begins, because those
    /// before it are gone, begins when it did.
    pub fn update(&mut self, mut new: Mpd) -> Update {
        let old = &self.mpd;
        if new
            .publish_time
            .zip(old.publish_time)
            .is_some_and(|(new, old)| new < old)
        {
            return Update::Unchanged;
        }
        if new.availability_start != old.availability_start && new.is_dynamic() {
            self.mpd = new;
            return Update::Restarted;
        }
        anchor(old, &mut new);
        let same =
            new.periods == old.periods && new.kind == old.kind && new.duration == old.duration;
        self.mpd = new;
        match same {
            true => Update::Unchanged,
            false => Update::Changed,
        }
    }
}

/// Moves the periods of a version whose first one does not say when it begins to where they were.
fn anchor(old: &Mpd, new: &mut Mpd) {
    let Some(first) = new.periods.first().filter(|it| !it.is_anchored) else {
        return;
    };
    let known = first.id.as_deref().and_then(|id| old.period(id));
    let shift = known.map_or(Time::ZERO, |known| known.start - first.start);
    if shift == Time::ZERO {
        return;
    }
    let mut end = None;
    for period in &mut new.periods {
        // One that says it stays where it is, and so do those behind it.
        if end.is_some_and(|end| period.start != end) {
            break;
        }
        end = period.end();
        period.start += shift;
        for event in period
            .event_streams
            .iter_mut()
            .flat_map(|it| &mut it.events)
        {
            event.start += shift;
        }
    }
}
