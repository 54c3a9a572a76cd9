//! The entry type: requests in, events out.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use kinora_errors::Fault;
use kinora_media::RequestId;

use crate::cache::CachingTransport;
use crate::file::FileTransport;
use crate::http_transport::HttpTransport;
use crate::inspect::Exchange;
use crate::transport::{Active, Sink};
use crate::{
    FetchEvent, FetchRequest, NetConfig, NetError, Resolve, Response, ResponseSink, SystemResolver,
    Transports,
};

/// The network and the files of this machine, and what an application adds to them. Clones share everything; the last one
/// dropped cancels what is under way and waits for nothing.
#[derive(Clone)]
pub struct Net(Arc<Inner>);

struct Inner {
    /// What each scheme leads to.
    transports: Transports,
    http: Arc<HttpTransport>,
    files: Arc<FileTransport>,
    sink: Arc<Sink>,
    active: Arc<Active>,
    internal_ids: AtomicU64,
}

impl Net {
    /// A network that reports to `sink` what happens. `sink` is called on the network's threads; it may block
    /// to hold the network back, and must not panic. Nothing is started yet.
    pub fn new(config: NetConfig, sink: impl Fn(FetchEvent) + Send + Sync + 'static) -> Self {
        Self::with_resolver(config, SystemResolver, sink)
    }

    /// As [`Net::new`], for who has nothing to do until the bytes are there: regular files are read by
    /// [`Net::read_inline`], on the thread that calls it. That spares switching threads.
    pub fn with_inline_files(
        config: NetConfig,
        sink: impl Fn(FetchEvent) + Send + Sync + 'static,
    ) -> Self {
        Self::build(config, SystemResolver, FileTransport::inline(), sink)
    }

    /// As [`Net::new`], with a resolver of one's own for names.
    pub fn with_resolver(
        config: NetConfig,
        resolver: impl Resolve,
        sink: impl Fn(FetchEvent) + Send + Sync + 'static,
    ) -> Self {
        Self::build(config, resolver, FileTransport::default(), sink)
    }

    fn build(
        config: NetConfig,
        resolver: impl Resolve,
        files: FileTransport,
        sink: impl Fn(FetchEvent) + Send + Sync + 'static,
    ) -> Self {
        let (mut transports, cache) = (config.transports.clone(), config.cache.clone());
        let (files, http) = (
            Arc::new(files),
            Arc::new(HttpTransport::new(config, Arc::new(resolver))),
        );
        transports.add_shared(Arc::clone(&files) as _);
        transports.add_shared(match cache {
            Some(cache) => Arc::new(CachingTransport::new(cache, Arc::clone(&http) as _)),
            None => Arc::clone(&http) as _,
        });
        Self(Arc::new(Inner {
            transports,
            http,
            files,
            sink: Arc::new(sink),
            active: Arc::default(),
            internal_ids: AtomicU64::new(u64::MAX),
        }))
    }

    /// How long a server may send nothing where the configuration sets no limit of its own ([`NetConfig::timeouts`]); from the
    /// next step of each request on.
    pub fn set_timeout(&self, silence: Duration) {
        self.0.http.set_timeout(silence);
    }

    /// The machine has joined another network: requests that begin from now on take no connection that was made before.
    pub fn forget_connections(&self) {
        self.0.http.forget_connections();
    }

    /// Starts a fetch and returns at once. Its end is exactly one `Done` or `Failed`, unless it is cancelled.
    pub fn fetch(&self, request: FetchRequest) {
        self.fetch_into(request, Arc::clone(&self.0.sink));
    }

    /// Lets a request deliver so many bytes more.
    pub fn grant(&self, id: RequestId, bytes: u64) {
        if let Some(flow) = self.0.active.get(id) {
            flow.grant(bytes);
        }
    }

    /// Cancels a request. An event that is on its way to the sink may still come.
    pub fn cancel(&self, id: RequestId) {
        self.0.active.cancel(id);
    }

    /// Reads the next piece of each requested file, as far as its credit goes, and reports it before it returns.
    /// `false`: no piece could be read, what comes next comes from elsewhere. Only after [`Net::with_inline_files`]; pipes are
    /// not waited for here.
    pub fn read_inline(&self) -> bool {
        self.0.files.read_inline()
    }

    /// A whole small answer; waits for it. `request.id` and `request.credit` do not matter.
    ///
    /// # Errors
    /// The fault of the fetch; `net.too_large` above `max_bytes`, `net.total_timeout` after `limit`.
    pub fn get(
        &self,
        mut request: FetchRequest,
        max_bytes: usize,
        limit: Duration,
    ) -> Result<Response, Fault> {
        // A limit beyond all clocks is none.
        let until = Instant::now().checked_add(limit);
        let id = RequestId(self.0.internal_ids.fetch_sub(1, Ordering::Relaxed));
        let url = request.url.clone();
        request.id = id;
        request.credit = u64::try_from(max_bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let (sender, events) = mpsc::channel();
        // A receiver that is gone has its answer already.
        let sink = Arc::new(move |event| drop(sender.send(event)));
        self.fetch_into(request, sink);
        let mut response = Response::default();
        let mut body = BytesMut::new();
        let error = loop {
            match self.next_event(&events, until) {
                Ok(FetchEvent::Head { info, .. }) => response.info = info,
                Ok(FetchEvent::Chunk(chunk)) if body.len() + chunk.data.len() > max_bytes => {
                    break NetError::TooLarge(max_bytes);
                }
                Ok(FetchEvent::Chunk(chunk)) => body.extend_from_slice(&chunk.data),
                Ok(FetchEvent::Done { .. }) => {
                    response.body = body.freeze();
                    return Ok(response);
                }
                Ok(FetchEvent::Failed { fault, .. }) => return Err(fault),
                Ok(FetchEvent::Tracks { .. } | FetchEvent::Packet { .. }) => {
                    break NetError::NotBytes;
                }
                Ok(FetchEvent::TraceId { .. }) => {}
                Err(_) => break NetError::TotalTimeout,
            }
        };
        self.cancel(id);
        Err(error.into_fault().at_url(url.expose()))
    }

    /// What comes next for who waits here; files are read meanwhile where nobody else does.
    fn next_event(
        &self,
        events: &mpsc::Receiver<FetchEvent>,
        until: Option<Instant>,
    ) -> Result<FetchEvent, mpsc::RecvTimeoutError> {
        loop {
            match events.try_recv() {
                Err(mpsc::TryRecvError::Empty) if self.read_inline() => {}
                Err(_) => {
                    let left = |until: Instant| until.saturating_duration_since(Instant::now());
                    return events.recv_timeout(until.map_or(Duration::MAX, left));
                }
                Ok(event) => return Ok(event),
            }
        }
    }

    /// Requests the first bytes of a web resource and records every exchange of the redirect chain, up to the one that fails. Waits for it;
    /// every phase has the limit that requests have.
    ///
    /// # Errors
    /// When the URL is neither `http:` nor `https:`.
    pub fn inspect(&self, url: &str) -> Result<Vec<Exchange>, Fault> {
        self.0.http.inspect(url)
    }

    fn fetch_into(&self, request: FetchRequest, sink: Arc<Sink>) {
        #[cfg(feature = "tracing")]
        crate::trace::request_started(&request);
        let active = Arc::clone(&self.0.active);
        let response = ResponseSink::begin(request.id, request.credit, sink, active);
        match self.0.transports.find(&request) {
            Ok(transport) => transport.open(request, response),
            Err(error) => response.fail(error.into_fault().at_url(request.url.expose())),
        }
    }
}

/// Starts a part at its first use, once.
pub(crate) fn get_or_start<'a, T>(
    cell: &'a OnceLock<T>,
    starting: &Mutex<()>,
    start: impl FnOnce() -> io::Result<T>,
) -> io::Result<&'a T> {
    if let Some(part) = cell.get() {
        return Ok(part);
    }
    let _held = starting.lock().unwrap_or_else(PoisonError::into_inner);
    if cell.get().is_none() {
        let part = start()?;
        return Ok(cell.get_or_init(|| part));
    }
    cell.get().ok_or_else(|| io::ErrorKind::Other.into())
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.active.cancel_all();
    }
}
