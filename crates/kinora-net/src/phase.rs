//! The phase that a request waits in, reported to whoever shows it.

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use kinora_media::RequestId;

tokio::task_local! {
    /// The request that the task works for.
    static REQUEST: (PhaseWatch, RequestId);
}

/// The phases of a request in which it waits, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Phase {
    /// For the name lookup.
    Resolving,
    /// For a TCP connection.
    Connecting,
    /// For the end of the TLS handshake.
    TlsHandshake,
    /// For the head of the response.
    FirstByte,
}

/// What is waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Which wait.
    pub phase: Phase,
    /// Whom for: a name or an address, or the proxy's.
    pub host: String,
}

type Observer = dyn Fn(RequestId, Option<Waiting>) + Send + Sync;

/// Called when a request enters another phase, and with `None` when it waits no more: its response flows,
/// it failed, or it was cancelled. It is called on the network's threads and must not block.
#[derive(Clone, Default)]
pub struct PhaseWatch(Option<Arc<Observer>>);

/// It holds nothing of its own that a panic could leave half done.
impl UnwindSafe for PhaseWatch {}
impl RefUnwindSafe for PhaseWatch {}

impl PhaseWatch {
    /// An observer.
    pub fn new(observer: impl Fn(RequestId, Option<Waiting>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    fn emit(&self, id: RequestId, waiting: Option<Waiting>) {
        if let Some(observer) = &self.0 {
            observer(id, waiting);
        }
    }
}

impl fmt::Debug for PhaseWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "observed",
            None => "not observed",
        })
    }
}

/// Waits no more, however the request ends.
struct LeaveOnDrop<'a>(&'a PhaseWatch, RequestId);

impl Drop for LeaveOnDrop<'_> {
    fn drop(&mut self) {
        self.0.emit(self.1, None);
    }
}

/// Phases entered inside `work` are those of this request.
pub(crate) async fn observe<F: Future>(watch: &PhaseWatch, id: RequestId, work: F) -> F::Output {
    let _leave = LeaveOnDrop(watch, id);
    REQUEST.scope((watch.clone(), id), work).await
}

/// The request of this task enters a phase; without effect where the task serves none.
pub(crate) fn enter(phase: Phase, host: &str) {
    let waiting = Waiting {
        phase,
        host: host.to_owned(),
    };
    emit(Some(waiting));
}

/// What was waited for came.
pub(crate) fn leave() {
    emit(None);
}

fn emit(waiting: Option<Waiting>) {
    // Not every connection is made for a request.
    let _ = REQUEST.try_with(|(watch, id)| watch.emit(*id, waiting));
}
