//! Signals that end the program: what it does is ended in order first.

use std::future::{Future, poll_fn};
use std::io;
use std::task::Poll;

use tokio::signal::unix::{SignalKind, signal};

use crate::report::Failure;

/// Listens from now on, inside a runtime, and tells the first of these signals that comes.
pub(crate) fn first_of(
    kinds: &[SignalKind],
) -> Result<impl Future<Output = SignalKind> + Send + 'static, Failure> {
    let listening = kinds.iter().map(|kind| Ok((*kind, signal(*kind)?)));
    let mut signals = listening
        .collect::<io::Result<Vec<_>>>()
        .map_err(|error| Failure::io("signals", &error))?;
    Ok(poll_fn(move |context| {
        let come = signals
            .iter_mut()
            .find_map(|(kind, signal)| signal.poll_recv(context).is_ready().then_some(*kind));
        come.map_or(Poll::Pending, Poll::Ready)
    }))
}
