//! Addresses that failed lately though they could be connected to: of the addresses of a name they are tried last.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long an address counts as failed: then it may be well again.
const REMEMBERED: Duration = Duration::from_secs(60);
/// So many are remembered.
const MAX: usize = 64;

/// Whoever accepts connections and does not answer them wins every race that only looks at connecting (RFC 8305 5). The next
/// race leaves the first steps to the others.
#[derive(Default)]
pub(crate) struct FailedAddresses(Mutex<VecDeque<(IpAddr, Instant)>>);

impl FailedAddresses {
    /// A request to that address failed.
    pub(crate) fn note(&self, address: IpAddr, now: Instant) {
        let mut failed = self.lock();
        failed.retain(|(known, _)| *known != address);
        failed.truncate(MAX - 1);
        failed.push_front((address, now));
    }

    /// It answers.
    pub(crate) fn forgive(&self, address: IpAddr) {
        self.lock().retain(|(known, _)| *known != address);
    }

    /// Puts those that failed behind the others, the one that failed last at the end; else the order stays.
    pub(crate) fn put_last(&self, addresses: &mut [IpAddr], now: Instant) {
        let failed = self.lock();
        addresses.sort_by_key(|address| {
            let of_it = failed.iter().find(|(known, _)| known == address);
            of_it
                .map(|(_, at)| *at)
                .filter(|at| now.saturating_duration_since(*at) < REMEMBERED)
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(IpAddr, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn what_failed_comes_last_until_it_answers_or_a_minute_has_passed() {
        let failed = FailedAddresses::default();
        let now = Instant::now();
        let order = |at| {
            let mut addresses = [ip(1), ip(2), ip(3)];
            failed.put_last(&mut addresses, at);
            addresses
        };
        assert_eq!(order(now), [ip(1), ip(2), ip(3)]);
        failed.note(ip(1), now);
        failed.note(ip(2), now + Duration::from_secs(1));
        assert_eq!(order(now), [ip(3), ip(1), ip(2)], "the last one last");
        failed.note(ip(1), now + Duration::from_secs(2));
        assert_eq!(order(now), [ip(3), ip(2), ip(1)]);
        failed.forgive(ip(2));
        assert_eq!(order(now), [ip(2), ip(3), ip(1)]);
        let later = now + REMEMBERED + Duration::from_secs(3);
        assert_eq!(order(later), [ip(1), ip(2), ip(3)]);
    }

    #[test]
    fn no_more_are_remembered_than_the_bound() {
        let failed = FailedAddresses::default();
        for number in 0..200 {
            failed.note(ip(number), Instant::now());
        }
        assert_eq!(failed.lock().len(), MAX);
    }
}
