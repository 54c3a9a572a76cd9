//! The cache's thread: it has the requests, reads what is kept, and asks the network for what is not.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::thread;

use kinora_fetch::{FetchEvent, FetchRequest, Initiator, Method, Purpose};
use kinora_media::RequestId;

use super::job::{Job, Step};
use super::writer::Writer;
use super::{Alive, HttpCache};
use crate::transport::{Active, Sink};
use crate::{NetError, ResponseSink, Transport};

/// So many live playlists are known at a time.
const MAX_LIVE: usize = 64;

/// Puts a cache before a transport.
pub(crate) struct CachingTransport {
    cache: HttpCache,
    inner: Arc<dyn Transport>,
    thread: Mutex<Option<Sender<Message>>>,
}

/// What reaches the cache's thread.
pub(super) enum Message {
    Open(Box<(FetchRequest, ResponseSink)>),
    /// What the network answers.
    Fetch(FetchEvent),
    /// Credit was granted, or a request was cancelled.
    Woken,
    Close,
}

impl CachingTransport {
    pub(crate) fn new(cache: HttpCache, inner: Arc<dyn Transport>) -> Self {
        let thread = Mutex::default();
        Self {
            cache,
            inner,
            thread,
        }
    }

    fn start(&self) -> io::Result<Sender<Message>> {
        let (sender, inbox) = channel();
        let actor = Actor::new(self.cache.clone(), Arc::clone(&self.inner), sender.clone());
        let named = thread::Builder::new().name("kinora-cache".into());
        named.spawn(move || actor.run(&inbox))?;
        Ok(sender)
    }
}

impl Transport for CachingTransport {
    fn schemes(&self) -> &[&str] {
        self.inner.schemes()
    }

    fn open(&self, request: FetchRequest, response: ResponseSink) {
        if !may_be_kept(&request) {
            return self.inner.open(request, response);
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            match self.start() {
                Ok(sender) => *thread = Some(sender),
                Err(error) => {
                    let fault = NetError::Start(error).into_fault();
                    return response.fail(fault.at_url(request.url.expose()));
                }
            }
        }
        if let Some(sender) = &*thread {
            // A thread that a panic ended leaves the response without an end, which fails it.
            let _ = sender.send(Message::Open(Box::new((request, response))));
        }
    }
}

impl Drop for CachingTransport {
    fn drop(&mut self) {
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = thread.take() {
            let _ = sender.send(Message::Close);
        }
    }
}

/// Keys and what services say are secret; a header that is not known here may change what is answered.
fn may_be_kept(request: &FetchRequest) -> bool {
    let purpose = match request.purpose {
        Purpose::Playlist
        | Purpose::Init
        | Purpose::Segment(_)
        | Purpose::Media
        | Purpose::Subtitle => true,
        Purpose::Api | Purpose::Key | Purpose::Licence | Purpose::Clock | Purpose::Date => false,
    };
    let known = |name: &str| name.eq_ignore_ascii_case("if-range");
    purpose
        && matches!(request.method, Method::Get)
        && !request.range.is_empty()
        && request.headers.iter().all(|header| known(&header.name))
}

/// Wakes the thread, once for all that happens until it looks.
struct Bell {
    inbox: Sender<Message>,
    rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // The thread may have ended.
            let _ = self.inbox.send(Message::Woken);
        }
    }
}

struct Actor {
    jobs: HashMap<RequestId, Job>,
    desk: Desk,
    bell: Arc<Bell>,
    _alive: Alive,
}

/// What a request works with.
pub(super) struct Desk {
    pub(super) cache: HttpCache,
    pub(super) writer: Writer,
    pub(super) waker: Waker,
    inner: Arc<dyn Transport>,
    active: Arc<Active>,
    sink: Arc<Sink>,
    /// Live playlists: nothing that they name is kept.
    live: VecDeque<String>,
}

impl Desk {
    /// Asks the network.
    pub(super) fn fetch(&self, request: FetchRequest) {
        let (sink, active) = (Arc::clone(&self.sink), Arc::clone(&self.active));
        let response = ResponseSink::begin(request.id, request.credit, sink, active);
        self.inner.open(request, response);
    }

    pub(super) fn grant(&self, id: RequestId, bytes: u64) {
        if let Some(flow) = self.active.get(id) {
            flow.grant(bytes);
        }
    }

    pub(super) fn cancel(&self, id: RequestId) {
        self.active.cancel(id);
    }

    /// A playlist that came from there is live.
    pub(super) fn note_live(&mut self, url: &str) {
        if !self.live.iter().any(|known| known == url) {
            self.live.truncate(MAX_LIVE - 1);
            self.live.push_front(url.to_owned());
        }
    }

    /// Whether it is a live playlist that is asked for, or what one names.
    pub(super) fn is_live(&self, request: &FetchRequest) -> bool {
        let found = match &request.initiator {
            Initiator::Remote { found, .. } => Some(found.expose()),
            Initiator::User => None,
        };
        let is_named = |url: &String| Some(url.as_str()) == found || url == request.url.expose();
        self.live.iter().any(is_named)
    }
}

impl Actor {
    fn new(cache: HttpCache, inner: Arc<dyn Transport>, inbox: Sender<Message>) -> Self {
        let bell = Arc::new(Bell {
            inbox: inbox.clone(),
            rung: AtomicBool::new(false),
        });
        let sink = move |event| drop(inbox.send(Message::Fetch(event)));
        Self {
            jobs: HashMap::new(),
            _alive: cache.alive(),
            desk: Desk {
                writer: Writer::new(cache.clone()),
                cache,
                waker: Waker::from(Arc::clone(&bell)),
                inner,
                active: Arc::default(),
                sink: Arc::new(sink),
                live: VecDeque::new(),
            },
            bell,
        }
    }

    fn run(mut self, inbox: &Receiver<Message>) {
        while let Ok(message) = inbox.recv() {
            match message {
                Message::Open(asked) => self.open(*asked),
                Message::Fetch(event) => self.on_fetch(event),
                Message::Woken => self.wake(),
                Message::Close => break,
            }
        }
        self.desk.active.cancel_all();
        for (_, job) in self.jobs.drain() {
            job.abandon(&mut self.desk);
        }
    }

    fn open(&mut self, (request, response): (FetchRequest, ResponseSink)) {
        let id = request.id;
        if let Some(before) = self.jobs.remove(&id) {
            before.abandon(&mut self.desk);
        }
        let mut job = Job::new(request, response, &self.desk);
        let step = job.begin(&mut self.desk);
        self.settle(id, job, step);
    }

    fn on_fetch(&mut self, event: FetchEvent) {
        let id = event.id();
        if let Some(mut job) = self.jobs.remove(&id) {
            let step = job.on_fetch(&mut self.desk, event);
            self.settle(id, job, step);
        }
    }

    fn wake(&mut self) {
        // Before looking: what happens from now on rings again.
        self.bell.rung.store(false, Ordering::Release);
        let ids: Vec<RequestId> = self.jobs.keys().copied().collect();
        for id in ids {
            if let Some(mut job) = self.jobs.remove(&id) {
                let step = job.wake(&mut self.desk);
                self.settle(id, job, step);
            }
        }
    }

    /// Keeps a request that goes on; ends one that does not.
    fn settle(&mut self, id: RequestId, job: Job, step: Step) {
        match step {
            Step::Wait => drop(self.jobs.insert(id, job)),
            Step::Finish => job.finish(&mut self.desk),
            Step::Fail(fault) => job.fail(&mut self.desk, *fault),
            Step::Cancelled => job.abandon(&mut self.desk),
        }
    }
}
