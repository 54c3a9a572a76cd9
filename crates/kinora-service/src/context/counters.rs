//! Which limits were hit, and how often: reported once a second at most, so that an attacker can not fill the log.

use std::sync::atomic::{AtomicU64, Ordering};

/// A limit that was hit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LimitHit {
    Connections,
    ClientConnections,
    Requests,
    ClientRequests,
    Bytes,
    FirstByte,
    Head,
    WriteStall,
    OpenFiles,
}

impl LimitHit {
    const ALL: [(Self, &'static str, &'static str); 9] = [
        (
            Self::Connections,
            "connections",
            "connections gave way to new ones, or were refused",
        ),
        (
            Self::ClientConnections,
            "connections_per_client",
            "connections gave way to new ones of the same client",
        ),
        (
            Self::Requests,
            "requests",
            "requests were answered with 503",
        ),
        (
            Self::ClientRequests,
            "requests_per_client",
            "requests of a client that has many were answered with 503",
        ),
        (
            Self::Bytes,
            "bytes_in_flight",
            "answers had to wait for memory",
        ),
        (
            Self::FirstByte,
            "first_byte",
            "connections that sent nothing were closed",
        ),
        (
            Self::Head,
            "head",
            "connections that did not end a request's head were closed",
        ),
        (
            Self::WriteStall,
            "write_stall",
            "answers that were not taken were ended",
        ),
        (
            Self::OpenFiles,
            "open_files",
            "connections could not be accepted for want of files",
        ),
    ];
}

/// How often each limit was hit since the last report.
#[derive(Default)]
pub(crate) struct LimitCounters([AtomicU64; LimitHit::ALL.len()]);

impl LimitCounters {
    pub(crate) fn count(&self, hit: LimitHit) {
        if let Some(count) = self.0.get(hit as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// Writes the limits that were hit into the log.
    pub(crate) fn report(&self) {
        for (hit, limit, what) in LimitHit::ALL {
            let count = self.0.get(hit as usize);
            let times = count.map_or(0, |count| count.swap(0, Ordering::Relaxed));
            if times > 0 {
                tracing::warn!(limit, times, "limit reached: {what}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_own_count() {
        for (at, (hit, ..)) in LimitHit::ALL.into_iter().enumerate() {
            assert_eq!(hit as usize, at);
        }
    }
}
