//! Events as promises, without a thread that waits: the engine's wakes Node's event loop.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream as _;
use kinora::{Event, EventStream, NoEvent, Player, json};
use napi::bindgen_prelude::{Either3, Null, Object};
use napi::{Env, JsDeferred};

use crate::border::told;

type Deferred = JsDeferred<(), fn(Env) -> napi::Result<()>>;

/// One that waits: a promise that is kept when it is worth asking again. It keeps the process alive meanwhile. Each has a stream of
/// its own, which has one place among those that the queue wakes.
struct Waiting {
    promise: Mutex<Option<Deferred>>,
    stream: Mutex<Option<EventStream>>,
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        if let Some(promise) = lock(&self.promise).take() {
            promise.resolve(|_| Ok(()));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An event as JSON; null: none can come any more; a promise: ask again when it is kept.
pub(crate) type Polled<'env> = Either3<String, Null, Object<'env>>;

/// The next event of a player.
pub(crate) fn poll<'env>(env: &'env Env, player: &Player) -> napi::Result<Polled<'env>> {
    match player.try_next_event() {
        Ok(event) => return Ok(Either3::A(event_json(&event))),
        Err(NoEvent::Released) => return Ok(Either3::B(Null)),
        Err(NoEvent::NotYet) => {}
    }
    let (promise, object) = env.create_deferred()?;
    let waiting = Arc::new(Waiting {
        promise: Mutex::new(Some(promise)),
        stream: Mutex::default(),
    });
    let mut stream = player.event_stream();
    let waker = Waker::from(Arc::clone(&waiting));
    match Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker)) {
        Poll::Pending => {
            *lock(&waiting.stream) = Some(stream);
            Ok(Either3::C(object))
        }
        // It came in between: nobody waits for the promise.
        Poll::Ready(event) => {
            waker.wake();
            Ok(event.map_or(Either3::B(Null), |event| Either3::A(event_json(&event))))
        }
    }
}

fn event_json(event: &Event) -> String {
    let mut object = json::event(event);
    if let Some(fault) = event.fault() {
        object.insert("told".to_owned(), told(fault));
    }
    serde_json::Value::Object(object).to_string()
}
