//! What has to go when there is too much, or it is too old.

use std::time::{Duration, SystemTime};

/// How much is kept, and how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes in all.
    pub max_size: u64,
    /// What was not used for so long is removed.
    pub max_age: Duration,
    /// Bytes that stay free on the disk.
    pub min_free: u64,
}

/// 20 GB for 30 days, however little is left free.
impl Default for Limits {
    fn default() -> Self {
        Self {
            max_size: 20_000_000_000,
            max_age: Duration::from_secs(30 * 24 * 60 * 60),
            min_free: 0,
        }
    }
}

/// What is known of an entry when room is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Candidate {
    pub(crate) len: u64,
    pub(crate) used: SystemTime,
}

/// More entries make directories slow.
const MAX_ENTRIES: usize = 65_536;

/// The indexes of those that go. `free`: bytes that are free on the disk, where that is known.
pub(crate) fn victims(
    candidates: &[Candidate],
    limits: Limits,
    now: SystemTime,
    free: Option<u64>,
) -> Vec<usize> {
    // A time in the future is that of a clock that was wrong: it counts as now.
    let is_old = |it: &Candidate| {
        now.duration_since(it.used)
            .is_ok_and(|age| age >= limits.max_age)
    };
    let (mut gone, mut kept): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    for (index, candidate) in candidates.iter().enumerate() {
        match is_old(candidate) {
            true => gone.push(index),
            false => kept.push((candidate.used, index, candidate.len)),
        }
    }
    kept.sort_unstable();
    let freed = gone
        .iter()
        .filter_map(|index| candidates.get(*index))
        .map(|it| it.len);
    let freed = freed.fold(0, u64::saturating_add);
    let size = kept
        .iter()
        .map(|(_, _, len)| *len)
        .fold(0, u64::saturating_add);
    // A little more than must be, so that not every stretch that is added makes others go.
    let target = limits.max_size - limits.max_size / 16;
    let over = if size > limits.max_size {
        size.saturating_sub(target)
    } else {
        0
    };
    let missing = free.map_or(0, |free| {
        limits.min_free.saturating_sub(free.saturating_add(freed))
    });
    let mut needed = over.max(missing);
    let mut surplus = kept.len().saturating_sub(MAX_ENTRIES);
    for (_, index, len) in kept {
        if needed == 0 && surplus == 0 {
            break;
        }
        gone.push(index);
        needed = needed.saturating_sub(len);
        surplus = surplus.saturating_sub(1);
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn day(day: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(day * 86_400)
    }

    fn entries(all: &[(u64, u64)]) -> Vec<Candidate> {
        all.iter()
            .map(|(len, used)| Candidate {
                len: *len,
                used: day(*used),
            })
            .collect()
    }

    fn limits(max_size: u64, min_free: u64) -> Limits {
        Limits {
            max_size,
            min_free,
            ..Limits::default()
        }
    }

    #[test]
    fn what_was_not_used_for_too_long_goes_however_little_there_is() {
        let all = entries(&[(10, 70), (10, 69), (10, 99), (10, 200)]);
        let gone = victims(&all, limits(1_000, 0), day(100), None);
        assert_eq!(gone, [0, 1], "the clock of the last was wrong");
    }

    #[test]
    fn what_was_used_longest_ago_goes_until_the_size_is_kept() {
        let all = entries(&[(40, 95), (40, 91), (40, 93)]);
        assert!(victims(&all, limits(120, 0), day(100), None).is_empty());
        assert_eq!(victims(&all, limits(119, 0), day(100), None), [1]);
        assert_eq!(victims(&all, limits(60, 0), day(100), None), [1, 2]);
        assert_eq!(victims(&all, limits(0, 0), day(100), None), [1, 2, 0]);
    }

    #[test]
    fn as_much_stays_free_on_the_disk_as_is_asked_for() {
        let all = entries(&[(40, 60), (40, 91), (40, 93)]);
        // The first is too old anyway, and what it frees counts.
        assert_eq!(victims(&all, limits(1_000, 100), day(100), Some(60)), [0]);
        assert_eq!(
            victims(&all, limits(1_000, 100), day(100), Some(59)),
            [0, 1]
        );
        assert_eq!(
            victims(&all, limits(1_000, 100), day(100), Some(0)),
            [0, 1, 2]
        );
        assert_eq!(victims(&all, limits(1_000, 100), day(100), None), [0]);
    }

    #[test]
    fn there_are_never_too_many() {
        let all = vec![
            Candidate {
                len: 0,
                used: day(1)
            };
            MAX_ENTRIES + 3
        ];
        assert_eq!(victims(&all, limits(1, 0), day(2), None).len(), 3);
    }
}
