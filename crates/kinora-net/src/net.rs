//! The front door: requests in, events out.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use kinora_errors::Fault;
use kinora_media::RequestId;
use tokio::runtime::{Builder, Runtime};

use crate::file::{FileReader, InlineFiles, Job};
use crate::flow::Flow;
use crate::guard::Reach;
use crate::http::Client;
use crate::survey::Hop;
use crate::target::Target;
use crate::{
    FetchEvent, FetchRequest, Initiator, NetConfig, NetError, Reply, Resolve, SystemResolver,
};

/// Where events go. It may block: that holds the network back, never loses an event.
pub(crate) type Sink = dyn Fn(FetchEvent) + Send + Sync;

type Active = Mutex<HashMap<RequestId, Arc<Flow>>>;

fn lock(active: &Active) -> MutexGuard<'_, HashMap<RequestId, Arc<Flow>>> {
    active.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request's way back to whoever asked.
pub(crate) struct Ticket {
    pub(crate) id: RequestId,
    pub(crate) flow: Arc<Flow>,
    sink: Arc<Sink>,
    active: Arc<Active>,
}

impl Ticket {
    /// Tells an event unless the request was cancelled.
    pub(crate) fn tell(&self, event: FetchEvent) {
        if !self.flow.is_cancelled() {
            (self.sink)(event);
        }
    }
    /// Tells the last event.
    pub(crate) fn finish(&self, event: FetchEvent) {
        self.forget();
        #[cfg(feature = "tracing")]
        if !self.flow.is_cancelled() {
            crate::trace::ended(&event);
        }
        self.tell(event);
    }
    pub(crate) fn forget(&self) {
        let mut active = lock(&self.active);
        if active
            .get(&self.id)
            .is_some_and(|flow| Arc::ptr_eq(flow, &self.flow))
        {
            active.remove(&self.id);
        }
    }
}

/// The network and the files of this machine. Clones share everything; the last one dropped cancels
/// what is under way and waits for nothing.
#[derive(Clone)]
pub struct Net(Arc<Inner>);

struct Inner {
    client: Arc<Client>,
    sink: Arc<Sink>,
    active: Arc<Active>,
    runtime: OnceLock<Runtime>,
    files: OnceLock<FileReader>,
    /// Regular files that are read by [`Net::read_inline`].
    inline: Option<InlineFiles>,
    /// Held while one of the two above is started.
    starting: Mutex<()>,
    own_ids: AtomicU64,
}

impl Net {
    /// A network that tells `sink` what happens. `sink` is called on the network's threads; it may block
    /// to hold the network back, and must not panic. Nothing is started yet.
    pub fn new(config: NetConfig, sink: impl Fn(FetchEvent) + Send + Sync + 'static) -> Self {
        Self::build(config, Arc::new(SystemResolver), Arc::new(sink), None)
    }

    /// As [`Net::new`], for who has nothing to do until the bytes are there: regular files are read by
    /// [`Net::read_inline`], on the thread that calls it. That spares the way from thread to thread.
    pub fn with_inline_files(
        config: NetConfig,
        sink: impl Fn(FetchEvent) + Send + Sync + 'static,
    ) -> Self {
        let inline = Some(InlineFiles::default());
        Self::build(config, Arc::new(SystemResolver), Arc::new(sink), inline)
    }

    /// As [`Net::new`], with a resolver of one's own for names.
    pub fn with_resolver(
        config: NetConfig,
        resolver: impl Resolve,
        sink: impl Fn(FetchEvent) + Send + Sync + 'static,
    ) -> Self {
        Self::build(config, Arc::new(resolver), Arc::new(sink), None)
    }

    fn build(
        config: NetConfig,
        resolver: Arc<dyn Resolve>,
        sink: Arc<Sink>,
        inline: Option<InlineFiles>,
    ) -> Self {
        Self(Arc::new(Inner {
            client: Arc::new(Client::new(config, resolver)),
            sink,
            active: Arc::default(),
            runtime: OnceLock::new(),
            files: OnceLock::new(),
            inline,
            starting: Mutex::new(()),
            own_ids: AtomicU64::new(u64::MAX),
        }))
    }

    /// Starts a fetch and returns at once. Its end is exactly one `Done` or `Failed`, unless it is cancelled.
    pub fn fetch(&self, request: FetchRequest) {
        self.fetch_into(request, Arc::clone(&self.0.sink), self.0.inline.as_ref());
    }

    /// Lets a request deliver so many bytes more.
    pub fn grant(&self, id: RequestId, bytes: u64) {
        let flow = lock(&self.0.active).get(&id).map(Arc::clone);
        if let Some(flow) = flow {
            flow.grant(bytes);
            self.wake_files();
        }
    }

    /// The answer is not wanted any more. An event that is on its way to the sink may still come.
    pub fn cancel(&self, id: RequestId) {
        let flow = lock(&self.0.active).remove(&id);
        if let Some(flow) = flow {
            #[cfg(feature = "tracing")]
            crate::trace::cancelled(id);
            flow.cancel();
            self.wake_files();
        }
    }

    /// Reads the next piece of each file that was asked for, as far as its credit goes, and tells it before it returns. `false`:
    /// no piece could be read, what comes next comes from elsewhere. Only after [`Net::with_inline_files`]; pipes are
    /// not waited for here.
    pub fn read_inline(&self) -> bool {
        let inline = self.0.inline.as_ref();
        inline.is_some_and(InlineFiles::go_on)
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
    ) -> Result<Reply, Fault> {
        let until = Instant::now() + limit;
        let id = RequestId(self.0.own_ids.fetch_sub(1, Ordering::Relaxed));
        let url = request.url.clone();
        request.id = id;
        request.credit = u64::try_from(max_bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let (sender, events) = mpsc::channel();
        // A receiver that is gone has its answer already.
        let sink = Arc::new(move |event| drop(sender.send(event)));
        self.fetch_into(request, sink, None);
        let mut reply = Reply::default();
        let mut body = BytesMut::new();
        let given_up = loop {
            match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(FetchEvent::Head { info, .. }) => reply.info = info,
                Ok(FetchEvent::Chunk(chunk)) if body.len() + chunk.data.len() > max_bytes => {
                    break NetError::TooLarge(max_bytes);
                }
                Ok(FetchEvent::Chunk(chunk)) => body.extend_from_slice(&chunk.data),
                Ok(FetchEvent::Done { .. }) => {
                    reply.body = body.freeze();
                    return Ok(reply);
                }
                Ok(FetchEvent::Failed { fault, .. }) => return Err(fault),
                Err(_) => break NetError::TotalTimeout,
            }
        };
        self.cancel(id);
        Err(given_up.into_fault().at_url(url.expose()))
    }

    /// Looks at the way to a web resource, stop by stop, up to its first bytes or to where it fails. Waits for it;
    /// every phase has the limit that requests have.
    ///
    /// # Errors
    /// When the URL is none of the web's.
    pub fn survey(&self, url: &str) -> Result<Vec<Hop>, Fault> {
        let refused = |error: NetError| error.into_fault().at_url(url);
        let target = match Target::parse(url).map_err(refused)? {
            Target::Web(target) => target,
            Target::File(_) => {
                return Err(refused(NetError::UnsupportedScheme("file".to_owned())));
            }
        };
        let runtime = self
            .runtime()
            .map_err(|error| refused(NetError::Start(error)))?;
        let client = Arc::clone(&self.0.client);
        Ok(runtime.block_on(async move { client.survey(target).await }))
    }

    /// Regular files are read `inline`, if it is given.
    fn fetch_into(&self, request: FetchRequest, sink: Arc<Sink>, inline: Option<&InlineFiles>) {
        #[cfg(feature = "tracing")]
        crate::trace::begun(&request);
        let flow = Arc::new(Flow::new(request.credit));
        let ticket = Ticket {
            id: request.id,
            flow: Arc::clone(&flow),
            sink,
            active: Arc::clone(&self.0.active),
        };
        if let Some(before) = lock(&self.0.active).insert(request.id, flow) {
            before.cancel();
        }
        let since = Instant::now();
        let (id, url) = (request.id, request.url.clone());
        if let Err((ticket, error)) = self.start(request, ticket, since, inline) {
            let fault = error.into_fault().at_url(url.expose());
            ticket.finish(FetchEvent::Failed { id, fault });
        }
    }

    fn start(
        &self,
        request: FetchRequest,
        ticket: Ticket,
        since: Instant,
        inline: Option<&InlineFiles>,
    ) -> Result<(), (Ticket, NetError)> {
        let target = match Target::parse(request.url.expose()) {
            Ok(target) => target,
            Err(error) => return Err((ticket, error)),
        };
        match target {
            Target::File(path) => {
                if !Reach::may_open_files(&request.initiator) {
                    return Err((ticket, NetError::ForbiddenFile));
                }
                // What a playlist names is a file that it came with.
                let pipes = matches!(request.initiator, Initiator::User);
                let job = Job::new(path, request.range, ticket, since, pipes);
                if let Some(inline) = inline.filter(|_| !job.is_of_a_pipe()) {
                    inline.submit(job);
                    return Ok(());
                }
                match self.files() {
                    Ok(files) => files.submit(job),
                    Err(error) => return Err((job.into_ticket(), NetError::Start(error))),
                }
            }
            Target::Web(url) => {
                let runtime = match self.runtime() {
                    Ok(runtime) => runtime,
                    Err(error) => return Err((ticket, NetError::Start(error))),
                };
                let client = Arc::clone(&self.0.client);
                runtime.spawn(client.run(url, request, ticket, since));
            }
        }
        Ok(())
    }

    fn runtime(&self) -> io::Result<&Runtime> {
        started(&self.0.runtime, &self.0.starting, || {
            Builder::new_multi_thread()
                .worker_threads(1)
                .max_blocking_threads(8)
                .thread_name("kinora-net")
                .enable_all()
                .build()
        })
    }

    fn files(&self) -> io::Result<&FileReader> {
        started(&self.0.files, &self.0.starting, FileReader::start)
    }

    fn wake_files(&self) {
        if let Some(files) = self.0.files.get() {
            files.wake();
        }
    }
}

/// Starts a part at its first use, once.
fn started<'a, T>(
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
        for flow in lock(&self.active).drain() {
            flow.1.cancel();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
