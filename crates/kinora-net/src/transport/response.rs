use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use bytes::Bytes;
use kinora_errors::{Fault, codes};
use kinora_media::{Chunk, MediaInfo, Packet, RequestId, ResponseInfo};

use crate::FetchEvent;
use crate::flow::FlowControl;

/// Where events go. It may block: that holds the network back, never loses an event.
pub(crate) type Sink = dyn Fn(FetchEvent) + Send + Sync;

/// The requests in progress.
#[derive(Default)]
pub(crate) struct Active(Mutex<HashMap<RequestId, Arc<FlowControl>>>);

impl Active {
    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, Arc<FlowControl>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn get(&self, id: RequestId) -> Option<Arc<FlowControl>> {
        self.lock().get(&id).map(Arc::clone)
    }
    pub(crate) fn cancel(&self, id: RequestId) {
        let flow = self.lock().remove(&id);
        if let Some(flow) = flow {
            #[cfg(feature = "tracing")]
            crate::trace::request_cancelled(id);
            flow.cancel();
        }
    }
    pub(crate) fn cancel_all(&self) {
        let flows = std::mem::take(&mut *self.lock());
        flows.values().for_each(|flow| flow.cancel());
    }
    fn forget(&self, id: RequestId, flow: &Arc<FlowControl>) {
        let mut active = self.lock();
        if active
            .get(&id)
            .is_some_and(|known| Arc::ptr_eq(known, flow))
        {
            active.remove(&id);
        }
    }
}

/// Where a transport delivers the response to a request: a head, then bytes; or tracks, then packets; then one end.
///
/// Nothing is delivered without credit, which the client grants: [`send`](Self::send) and
/// [`send_packet`](Self::send_packet) wait for it, their blocking twins on the caller's thread. Once the client has cancelled
/// the request nothing more is delivered. A response that is dropped without an end fails.
pub struct ResponseSink {
    id: RequestId,
    flow: Arc<FlowControl>,
    sink: Arc<Sink>,
    active: Arc<Active>,
    ended: bool,
}

impl ResponseSink {
    /// Begins to answer a request; another one of that id is cancelled.
    pub(crate) fn begin(id: RequestId, credit: u64, sink: Arc<Sink>, active: Arc<Active>) -> Self {
        let flow = Arc::new(FlowControl::new(credit));
        let before = active.lock().insert(id, Arc::clone(&flow));
        if let Some(before) = before {
            before.cancel();
        }
        Self {
            id,
            flow,
            sink,
            active,
            ended: false,
        }
    }

    /// The request that is answered.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Nobody waits for the answer any more.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.flow.is_cancelled()
    }

    /// Waits until nobody waits for the answer any more.
    pub async fn cancelled(&self) {
        poll_fn(|context| self.flow.poll_cancelled(context)).await;
    }

    /// The answer begins. Bytes follow, the first at `info.offset`.
    pub fn head(&self, info: ResponseInfo) {
        self.emit(FetchEvent::Head { id: self.id, info });
    }

    /// The answer begins, or its tracks change: packets of these tracks follow. `live`: they come as they are made, and end
    /// when the broadcast does.
    pub fn tracks(&self, info: Arc<MediaInfo>, live: bool) {
        let id = self.id;
        self.emit(FetchEvent::Tracks { id, info, live });
    }

    /// The name that the server has for this session, for whoever asks its operator for help.
    pub fn trace_id(&self, trace_id: impl Into<String>) {
        let (id, trace_id) = (self.id, trace_id.into());
        self.emit(FetchEvent::TraceId { id, trace_id });
    }

    /// Delivers bytes of the resource from an offset on, as credit allows. `false`: nobody waits for them any more.
    pub async fn send(&self, offset: u64, mut data: Bytes) -> bool {
        let mut offset = offset;
        while !data.is_empty() {
            let Some(taken) = self.credit(data.len() as u64).await else {
                return false;
            };
            // `taken` is at most the length.
            let piece = data.split_to(usize::try_from(taken).unwrap_or(0));
            self.chunk(offset, piece);
            offset = offset.saturating_add(taken);
        }
        !self.is_cancelled()
    }

    /// The same on a thread that may wait.
    pub fn blocking_send(&self, offset: u64, data: Bytes) -> bool {
        block_on(self.send(offset, data))
    }

    /// Delivers a packet once there is any credit. `false`: nobody waits for it any more.
    pub async fn send_packet(&self, packet: Packet) -> bool {
        let cost = FetchEvent::cost_of(&packet);
        if self.credit(cost).await.is_none() {
            return false;
        }
        let id = self.id;
        self.emit(FetchEvent::Packet { id, packet });
        true
    }

    /// The same on a thread that may wait.
    pub fn blocking_send_packet(&self, packet: Packet) -> bool {
        block_on(self.send_packet(packet))
    }

    /// The answer is complete.
    pub fn finish(mut self) {
        self.end(FetchEvent::Done { id: self.id });
    }

    /// The request failed.
    pub fn fail(mut self, fault: Fault) {
        self.end(FetchEvent::Failed { id: self.id, fault });
    }

    /// Takes credit for at least one of so many bytes; `None` when the request was cancelled.
    pub(crate) async fn credit(&self, wanted: u64) -> Option<u64> {
        poll_fn(|context| self.flow.poll_take(context, wanted)).await
    }
    pub(crate) fn blocking_credit(&self, wanted: u64) -> Option<u64> {
        block_on(self.credit(wanted))
    }
    pub(crate) fn poll_cancelled(&self, context: &Context<'_>) -> Poll<()> {
        self.flow.poll_cancelled(context)
    }
    pub(crate) fn poll_credit(&self, context: &Context<'_>, wanted: u64) -> Poll<Option<u64>> {
        self.flow.poll_take(context, wanted)
    }
    /// Takes what there is, up to so many bytes.
    pub(crate) fn try_credit(&self, wanted: u64) -> u64 {
        self.flow.try_take(wanted)
    }
    /// Gives back credit that was not used.
    pub(crate) fn return_credit(&self, bytes: u64) {
        if bytes > 0 {
            self.flow.grant(bytes);
        }
    }

    /// Delivers bytes whose credit was taken.
    pub(crate) fn chunk(&self, offset: u64, data: Bytes) {
        self.emit(FetchEvent::Chunk(Chunk {
            id: self.id,
            offset,
            data,
        }));
    }

    fn emit(&self, event: FetchEvent) {
        if !self.flow.is_cancelled() {
            (self.sink)(event);
        }
    }

    fn end(&mut self, event: FetchEvent) {
        self.ended = true;
        self.active.forget(self.id, &self.flow);
        #[cfg(feature = "tracing")]
        if !self.is_cancelled() {
            crate::trace::request_ended(&event);
        }
        self.emit(event);
    }
}

impl Drop for ResponseSink {
    fn drop(&mut self) {
        if !self.ended {
            let fault = abandoned();
            self.end(FetchEvent::Failed { id: self.id, fault });
        }
    }
}

fn abandoned() -> Fault {
    Fault::new(codes::ERROR_UNKNOWN, "transport.abandoned").because(
        "the transport let go of the request without an end: it, or an application's source behind it, panicked",
    )
}

/// Waits on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    // Mostly there is credit, and no waker is needed.
    if let Poll::Ready(ready) = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        return ready;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(ready) => return ready,
            Poll::Pending => thread::park(),
        }
    }
}
