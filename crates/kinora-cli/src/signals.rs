//! Signals that end the program: what it does is ended in order first.

use std::future::{Future, poll_fn};
use std::io;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::report::Failure;

/// Signals that are listened to.
pub(crate) struct Signals(Vec<(SignalKind, Signal)>);

impl Signals {
    /// Listens from now on, inside a runtime. Those that whoever started the program had ignored stay ignored, as
    /// `nohup` wants it.
    pub(crate) fn listen(kinds: &[SignalKind]) -> Result<Self, Failure> {
        let ignored = ignored();
        let heard = |kind: &&SignalKind| ignored >> (kind.as_raw_value() - 1) & 1 == 0;
        let listening = kinds
            .iter()
            .filter(heard)
            .map(|kind| Ok((*kind, signal(*kind)?)));
        let signals = listening
            .collect::<io::Result<Vec<_>>>()
            .map_err(|error| Failure::io("signals", &error))?;
        Ok(Self(signals))
    }

    /// The next that comes.
    pub(crate) async fn next(&mut self) -> SignalKind {
        poll_fn(|context| {
            let come = self
                .0
                .iter_mut()
                .find_map(|(kind, signal)| signal.poll_recv(context).is_ready().then_some(*kind));
            come.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// Listens from now on, inside a runtime, and gives the first of these signals that comes.
pub(crate) fn first_of(
    kinds: &[SignalKind],
) -> Result<impl Future<Output = SignalKind> + Send + 'static, Failure> {
    let mut signals = Signals::listen(kinds)?;
    Ok(async move { signals.next().await })
}

/// The signals that are ignored, one bit each, from the lowest; none where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
