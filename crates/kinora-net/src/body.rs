//! The body of a response: delivered as credit allows, watched for silence.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::coding::Decoder;
use crate::{NetError, ResponseSink, response};

/// Bytes that must come in a second for a body to count as flowing.
const SLOWEST: f64 = 1.0;

/// Moves one body from its connection to the sink.
pub(crate) struct Pump<'a> {
    pub(crate) sink: &'a ResponseSink,
    pub(crate) offset: u64,
    pub(crate) length: Option<u64>,
    pub(crate) cut: bool,
    pub(crate) is_coded: bool,
    pub(crate) stall: Duration,
}

/// Bytes that came in the window that is watched.
struct Watch {
    since: Instant,
    bytes: u64,
    window: Duration,
}

impl Watch {
    fn new(window: Duration, since: Instant) -> Self {
        Self {
            since,
            bytes: 0,
            window,
        }
    }
    /// Counts; true when a whole window brought too little.
    fn starves(&mut self, bytes: usize, now: Instant) -> bool {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let spent = now.saturating_duration_since(self.since);
        if spent < self.window {
            return false;
        }
        let starves = (self.bytes as f64) < SLOWEST * spent.as_secs_f64();
        *self = Self::new(self.window, now);
        starves
    }
}

impl Pump<'_> {
    /// True when the body was read to its end, so that its connection may serve again.
    pub(crate) async fn run(
        self,
        mut body: Incoming,
        mut decoder: Decoder,
    ) -> Result<bool, NetError> {
        let (mut wire, mut received) = (0u64, 0u64);
        let mut watch = Watch::new(self.stall, Instant::now());
        if self.cut && self.length == Some(0) {
            return Ok(false);
        }
        loop {
            let frame = timeout_at(Instant::now() + self.stall, body.frame())
                .await
                .map_err(|_| NetError::Stalled { received })?;
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| self.broken(wire, error))?;
            // Trailers are of no use here.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if watch.starves(data.len(), Instant::now()) {
                return Err(NetError::Stalled { received });
            }
            wire = wire.saturating_add(data.len() as u64);
            let mut waited = false;
            if decoder.is_identity() {
                waited = self.hand_over(data, &mut received).await;
            } else {
                for plain in decoder.decode(&data) {
                    waited |= self.hand_over(plain?.into(), &mut received).await;
                }
            }
            if waited {
                // The silence was ours.
                watch = Watch::new(self.stall, Instant::now());
            }
            if self.cut && self.length == Some(received) {
                return Ok(false);
            }
        }
        match self.length {
            Some(expected) if !self.cut && wire < expected => Err(NetError::Truncated {
                received: wire,
                expected: Some(expected),
            }),
            _ => {
                self.hand_over(decoder.finish()?.into(), &mut received)
                    .await;
                Ok(true)
            }
        }
    }

    /// Bytes that may still be delivered. Of a compressed body `length` counts what comes over the wire.
    fn left(&self, received: u64) -> usize {
        let length = self.length.filter(|_| self.cut || !self.is_coded);
        let left = length.map_or(u64::MAX, |length| length.saturating_sub(received));
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// Delivers as much as is allowed at a time; true when it had to wait.
    async fn hand_over(&self, mut data: Bytes, received: &mut u64) -> bool {
        data.truncate(self.left(*received));
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

    fn broken(&self, received: u64, error: hyper::Error) -> NetError {
        let kind = response::io_cause(&error).map(io::Error::kind);
        match kind {
            Some(io::ErrorKind::UnexpectedEof) => NetError::Truncated {
                received,
                expected: self.length,
            },
            None if error.is_incomplete_message() => NetError::Truncated {
                received,
                expected: self.length,
            },
            _ => match response::failure("", error) {
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
    fn starves(bytes: usize, every: Duration) -> bool {
        let start = Instant::now();
        let mut watch = Watch::new(Duration::from_secs(15), start);
        (1..)
            .map(|index| every * index)
            .take_while(|at| *at <= Duration::from_secs(60))
            .any(|at| watch.starves(bytes, start + at))
    }

    #[test]
    fn less_than_a_byte_a_second_is_silence() {
        assert!(starves(1, Duration::from_secs(2)));
        assert!(starves(4, Duration::from_secs(5)));
        assert!(!starves(1, Duration::from_millis(900)));
        assert!(!starves(1500, Duration::from_secs(14)));
    }
}
