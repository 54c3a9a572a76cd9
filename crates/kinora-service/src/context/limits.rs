use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are none of connections and answers: the database and its log, standard streams, the listening socket,
/// the runtime's own, and some to spare.
const RESERVED_FILES: u64 = 64;
/// A service that cannot have this many connections is none.
const MIN_CONNECTIONS: usize = 4;

/// What the clients of a service may take of its time, sockets, files and memory. Every wait for a client has a
/// limit, and what a client leaves lying has a bound.
///
/// The defaults suit a small machine; the numbers of connections and requests are lowered further where the process
/// may not open as many files ([`raise_open_files`]).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceLimits {
    /// Connections in all. Beyond, the connection that has been without a request for longest gives way to the new
    /// one; where all are at work, the one whose answer has not moved for longest, if that is a quarter of
    /// [`ServiceLimits::write_stall`] or more; where there is none such, the new one is closed at once.
    pub connections: usize,
    /// Connections of one client: of one IPv4 address, or one IPv6 network of 64 bits. Beyond, the same
    /// rule holds among its own, so that a client that opens many is only in its own way.
    pub connections_per_client: usize,
    /// HTTP/2 streams that one connection may have open at once.
    pub streams_per_connection: u32,
    /// Requests being answered, in all; each may hold a file open. One more is answered with 503.
    pub requests: usize,
    /// Requests of one client being answered. One more is answered with 503.
    pub requests_per_client: usize,
    /// Octets held in memory for clients, in all: of media that was read and not yet taken, of playlists, of
    /// the bodies of requests. An answer that needs more waits.
    pub bytes_in_flight: usize,
    /// Octets held in memory for one client.
    pub bytes_in_flight_per_client: usize,
    /// From the connection to its first octet.
    pub first_byte: Duration,
    /// From the first octet of a request to the end of its header block.
    pub head: Duration,
    /// From the header block to the end of the body.
    pub body: Duration,
    /// How long the gateway may work on an answer.
    pub answer: Duration,
    /// How long an answer may lie without one octet of it being taken: on a socket whose peer does not read, as on
    /// an HTTP/2 stream whose window is shut. Then the connection, or only that stream, is ended; after a quarter of it
    /// already, where all requests or all octets in flight are used up. A player that pauses longer than this asks anew for
    /// what it lacks.
    pub write_stall: Duration,
    /// How long a connection may be without a request after its last one.
    pub idle: Duration,
    /// How often nonces are forgotten with which no replay can pass any more.
    pub nonce_purge: Duration,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_client: 512,
            streams_per_connection: 100,
            requests: 4096,
            requests_per_client: 512,
            bytes_in_flight: 32 * 1024 * 1024,
            bytes_in_flight_per_client: 4 * 1024 * 1024,
            first_byte: Duration::from_secs(10),
            head: Duration::from_secs(15),
            body: Duration::from_secs(15),
            answer: Duration::from_secs(30),
            write_stall: Duration::from_secs(60),
            idle: Duration::from_secs(75),
            nonce_purge: Duration::from_secs(30),
        }
    }
}

impl ServiceLimits {
    /// [`ServiceLimits::write_stall`] where others wait for what lies.
    pub(crate) fn short_stall(&self) -> Duration {
        self.write_stall / 4
    }
    /// Lowered to what a process can hold that may open so many files: a socket for each connection and a file for
    /// each request. No client gets more than half of what is there.
    pub(crate) fn fitted(mut self, open_files: u64) -> Self {
        let half = usize::try_from(open_files.saturating_sub(RESERVED_FILES) / 2);
        let most = half.unwrap_or(usize::MAX).max(MIN_CONNECTIONS);
        for (all, of_one) in [
            (&mut self.connections, &mut self.connections_per_client),
            (&mut self.requests, &mut self.requests_per_client),
        ] {
            if *all > most {
                *all = most;
                *of_one = (*of_one).min(most / 2);
            }
        }
        self
    }
}

/// How many files this process may open.
pub(crate) fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Lets this process open as many files as its user may (`RLIMIT_NOFILE` up to its hard limit), and says how many
/// that are. For a program that runs a [`Service`](crate::Service) to call at its start; where the system refuses, the limit
/// stays as it is.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                maximum: limit.maximum,
            },
        );
    }
    open_files()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_files_fit_into_what_the_process_may_open() {
        let few = ServiceLimits::default().fitted(256);
        assert_eq!((few.connections, few.requests), (96, 96));
        assert_eq!(
            (few.connections_per_client, few.requests_per_client),
            (48, 48)
        );
        assert!(few.connections as u64 + few.requests as u64 + RESERVED_FILES <= 256);
        assert_eq!(
            ServiceLimits::default().fitted(1_000_000),
            ServiceLimits::default()
        );
        assert_eq!(
            ServiceLimits::default().fitted(0).connections,
            MIN_CONNECTIONS
        );
    }
}
