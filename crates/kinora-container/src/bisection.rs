//! Finding a time where no index tells it: between two known places the next one to look at is interpolated, so that an
//! even bit rate takes one look; interpolation that keeps missing on one side gives way to halving.

use kinora_media::Time;

use crate::DemuxError;

/// Places that are looked at in all before the best one known must do.
const MAX_LOOKS: u32 = 12;
/// After so many guesses interpolation gives way to halving.
const MAX_GUESSES: u32 = 4;

/// The length of a resource in which times are looked for, once its headers were reported.
pub(crate) fn searchable_len(reported: bool, total_len: Option<u64>) -> Result<u64, DemuxError> {
    match (reported, total_len) {
        (false, _) => Err(DemuxError::NotSeekable("its headers are not read yet")),
        (true, None) => Err(DemuxError::NotSeekable("its length is not known")),
        (true, Some(len)) => Ok(len),
    }
}

/// A place in the resource and the time there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) time: Time,
}

/// How exact a search is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Margins {
    /// A place at most this long before the wanted time is near enough.
    pub(crate) near: Time,
    /// So much earlier than wanted it is aimed: bit rates are not even.
    pub(crate) aim: Time,
}

/// A search between two places.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Bisection {
    /// The best place that is known before the wanted time.
    pub(crate) low: Place,
    /// One behind it.
    pub(crate) high: Place,
    margins: Margins,
    looks: u32,
    /// Those since it was last begun.
    guesses: u32,
}

impl Bisection {
    pub(crate) fn new(low: Place, high: Place, margins: Margins) -> Self {
        Self {
            low,
            high,
            margins,
            looks: 0,
            guesses: 0,
        }
    }

    /// Another time is looked for, between these; the looks count on.
    pub(crate) fn again(&mut self, low: Place, high: Place) {
        (self.low, self.high) = (low, high);
        self.guesses = 0;
    }

    /// Where to look next.
    pub(crate) fn look(&mut self, wanted: Time) -> u64 {
        let offset = self.guess(wanted);
        self.looks = self.looks.saturating_add(1);
        self.guesses = self.guesses.saturating_add(1);
        offset
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn guess(&self, wanted: Time) -> u64 {
        if wanted <= self.low.time || self.looks >= MAX_LOOKS {
            return self.low.offset;
        }
        let bytes = self.high.offset.saturating_sub(self.low.offset);
        let span = (self.high.time - self.low.time).as_nanos();
        let into = (wanted - self.margins.aim - self.low.time).as_nanos();
        let share = i128::from(bytes)
            .saturating_mul(into.into())
            .checked_div(span.into())
            .unwrap_or(0);
        let share = match self.guesses > MAX_GUESSES {
            true => bytes / 2,
            false => u64::try_from(share.max(0)).unwrap_or(u64::MAX).min(bytes),
        };
        self.low.offset.saturating_add(share)
    }

    /// The first time at a place is known. Returns whether another place must be looked at; else it is the best one.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub(crate) fn landed(&mut self, place: Place, wanted: Time) -> bool {
        let is_early = place.time <= wanted;
        let is_lowest = place.offset <= self.low.offset;
        let is_near = self.looks >= MAX_LOOKS || wanted - place.time <= self.margins.near;
        match is_early || is_lowest {
            true => self.low = place,
            false => self.high = place,
        }
        !(is_lowest || is_early && is_near)
    }

    /// Nothing has a time from an offset on. Returns whether there is another place to look at.
    pub(crate) fn nothing_from(&mut self, offset: u64) -> bool {
        let is_higher = offset > self.low.offset;
        if is_higher {
            self.high.offset = offset;
        }
        is_higher
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGINS: Margins = Margins {
        near: Time::from_millis(2_000),
        aim: Time::from_millis(500),
    };

    fn place(offset: u64, ms: i64) -> Place {
        let time = Time::from_millis(ms);
        Place { offset, time }
    }

    /// How many looks a search takes in a resource that has that time at each offset, and the time it arrives at.
    fn search(time_at: impl Fn(u64) -> i64, wanted: i64) -> (u32, i64) {
        const LEN: u64 = 1_000_000;
        let wanted_time = Time::from_millis(wanted);
        let end = place(LEN, time_at(LEN));
        let mut search = Bisection::new(place(0, time_at(0)), end, MARGINS);
        loop {
            let offset = search.look(wanted_time);
            if !search.landed(place(offset, time_at(offset)), wanted_time) {
                return (search.looks, search.low.time.as_millis());
            }
        }
    }

    #[test]
    fn an_even_rate_takes_one_look_and_an_uneven_one_ends() {
        let even = |offset: u64| i64::try_from(offset / 10).unwrap();
        assert_eq!(search(even, 60_000), (1, 59_500));
        assert_eq!(search(even, 0), (1, 0));
        // All of the time lies in the last thousandth of the bytes, or in the first.
        let late = |offset: u64| i64::try_from(offset.saturating_sub(999_000) * 100).unwrap();
        let early = |offset: u64| i64::try_from(offset.min(1_000) * 100).unwrap();
        for wanted in [1, 50_000, 99_999] {
            for (looks, found) in [search(late, wanted), search(early, wanted)] {
                assert!(looks <= MAX_LOOKS + 1, "{wanted}");
                assert!(found <= wanted, "{wanted}: {found}");
            }
        }
        assert_eq!(search(|_| 0, 60_000), (1, 0), "there is no clock");
    }

    #[test]
    fn what_has_no_time_bounds_the_search() {
        let mut search = Bisection::new(place(0, 0), place(1_000, 10_000), MARGINS);
        assert!(search.nothing_from(500));
        assert!(search.look(Time::from_millis(9_000)) <= 500);
        assert!(!search.nothing_from(0));
    }
}
