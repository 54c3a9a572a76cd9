//! The body of a response: delivered as credit allows, watched for stalls.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};

use crate::coding::ContentDecoder;
use crate::{NetError, ResponseSink, message};

/// A slower body counts as stalled.
const MIN_BYTES_PER_SECOND: f64 = 1.0;

/// Reads one body from its connection into the sink.
pub(crate) struct BodyReader<'a> {
    pub(crate) sink: &'a ResponseSink,
    pub(crate) offset: u64,
    pub(crate) length: Option<u64>,
    pub(crate) stop_at_length: bool,
    pub(crate) is_coded: bool,
    pub(crate) stall: Duration,
}

/// Bytes that came within the stall timeout.
struct ThroughputWatch {
    since: Instant,
    bytes: u64,
    window: Duration,
}

impl ThroughputWatch {
    fn new(window: Duration, since: Instant) -> Self {
        Self {
            since,
            bytes: 0,
            window,
        }
    }
    /// Counts bytes; true when a whole window brought too few.
    fn is_too_slow(&mut self, bytes: usize, now: Instant) -> bool {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let spent = now.saturating_duration_since(self.since);
        if spent < self.window {
            return false;
        }
        let is_too_slow = (self.bytes as f64) < MIN_BYTES_PER_SECOND * spent.as_secs_f64();
        *self = Self::new(self.window, now);
        is_too_slow
    }
}

impl BodyReader<'_> {
    /// True when the body was read to its end, so that its connection can be reused.
    pub(crate) async fn run(
        self,
        mut body: Incoming,
        mut decoder: ContentDecoder,
    ) -> Result<bool, NetError> {
        let (mut wire_bytes, mut received) = (0u64, 0u64);
        let mut watch = ThroughputWatch::new(self.stall, Instant::now());
        if self.stop_at_length && self.length == Some(0) {
            return Ok(false);
        }
        loop {
            let frame = timeout(self.stall, body.frame())
                .await
                .map_err(|_| NetError::Stalled { received })?;
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| self.read_error(wire_bytes, error))?;
            // Trailers are of no use here.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if watch.is_too_slow(data.len(), Instant::now()) {
                return Err(NetError::Stalled { received });
            }
            wire_bytes = wire_bytes.saturating_add(data.len() as u64);
            let mut waited = false;
            if decoder.is_identity() {
                waited = self.deliver(data, &mut received).await;
            } else {
                for plain in decoder.decode(&data) {
                    waited |= self.deliver(plain?.into(), &mut received).await;
                }
            }
            if waited {
                // The silence was ours.
                watch = ThroughputWatch::new(self.stall, Instant::now());
            }
            if self.stop_at_length && self.length == Some(received) {
                return Ok(false);
            }
        }
        match self.length {
            Some(expected) if !self.stop_at_length && wire_bytes < expected => {
                Err(NetError::Truncated {
                    received: wire_bytes,
                    expected: Some(expected),
                })
            }
            _ => {
                self.deliver(decoder.finish()?.into(), &mut received).await;
                Ok(true)
            }
        }
    }

    /// Bytes that may still be delivered. Of a compressed body `length` counts what comes over the wire.
    fn remaining(&self, received: u64) -> usize {
        let length = self
            .length
            .filter(|_| self.stop_at_length || !self.is_coded);
        let left = length.map_or(u64::MAX, |length| length.saturating_sub(received));
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// Delivers as much as is allowed at a time; true when it had to wait.
    async fn deliver(&self, mut data: Bytes, received: &mut u64) -> bool {
        data.truncate(self.remaining(*received));
        let mut waited = false;
        while !data.is_empty() {
            let wanted = data.len() as u64;
            let mut taken = self.sink.try_credit(wanted);
            if taken == 0 {
                waited = true;
                let Some(granted) = self.sink.credit(wanted).await else {
                    return waited;
                };
                taken = granted;
            }
            // `taken` is at most the length.
            let piece = data.split_to(usize::try_from(taken).unwrap_or(0));
            let offset = self.offset.saturating_add(*received);
            *received += taken;
            self.sink.chunk(offset, piece);
        }
        waited
    }

    fn read_error(&self, received: u64, error: hyper::Error) -> NetError {
        let kind = message::io_cause(&error).map(io::Error::kind);
        match kind {
            Some(io::ErrorKind::UnexpectedEof) => NetError::Truncated {
                received,
                expected: self.length,
            },
            None if error.is_incomplete_message() => NetError::Truncated {
                received,
                expected: self.length,
            },
            _ => match message::failure("", error) {
                NetError::NoReply => NetError::Truncated {
                    received,
                    expected: self.length,
                },
                other => other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a body that sends `bytes` every `every` counts as silent within a minute.
    fn is_too_slow(bytes: usize, every: Duration) -> bool {
        let start = Instant::now();
        let mut watch = ThroughputWatch::new(Duration::from_secs(15), start);
        (1..)
            .map(|index| every * index)
            .take_while(|at| *at <= Duration::from_secs(60))
            .any(|at| watch.is_too_slow(bytes, start + at))
    }

    #[test]
    fn less_than_a_byte_a_second_is_silence() {
        assert!(is_too_slow(1, Duration::from_secs(2)));
        assert!(is_too_slow(4, Duration::from_secs(5)));
        assert!(!is_too_slow(1, Duration::from_millis(900)));
        assert!(!is_too_slow(1500, Duration::from_secs(14)));
    }
}
