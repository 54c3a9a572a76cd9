//! Events, waited for by threads or by an event loop of Python's.

use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream as _;
use kinora::json;
use pyo3::exceptions::{PyRuntimeError, PyStopAsyncIteration};
use pyo3::prelude::*;

use crate::border::Fault;

/// An event as the native half gives it.
#[pyclass(frozen, module = "kinora._kinora")]
pub(crate) struct Event(kinora::Event);

impl Event {
    pub(crate) const fn new(event: kinora::Event) -> Self {
        Self(event)
    }
}

#[pymethods]
impl Event {
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name()
    }
    /// Its name and fields.
    fn json(&self) -> String {
        serde_json::Value::Object(json::event(&self.0)).to_string()
    }
    /// What failed, in events that tell of it.
    #[getter]
    fn fault(&self) -> Option<Fault> {
        self.0.fault().map(Fault::from)
    }
}

/// The events of a player for an event loop.
#[pyclass(frozen, module = "kinora._kinora")]
pub(crate) struct EventStream(Mutex<kinora::EventStream>);

impl EventStream {
    pub(crate) const fn new(stream: kinora::EventStream) -> Self {
        Self(Mutex::new(stream))
    }
}

#[pymethods]
impl EventStream {
    /// The next event; `None` where there is none yet: then `wake` is called once it is worth asking again, on a thread that is
    /// none of the player's. At the end `StopAsyncIteration`.
    fn poll(&self, wake: Py<PyAny>) -> PyResult<Option<Event>> {
        let waker = Waker::from(Arc::new(Callback {
            function: Mutex::new(Some(wake)),
            caller: caller()?,
        }));
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match Pin::new(&mut *stream).poll_next(&mut Context::from_waker(&waker)) {
            Poll::Ready(Some(event)) => Ok(Some(Event(event))),
            Poll::Ready(None) => Err(PyStopAsyncIteration::new_err(())),
            Poll::Pending => Ok(None),
        }
    }
}

/// A function of Python's that is called once. The engine's thread only passes it on: it never waits for the interpreter.
struct Callback {
    function: Mutex<Option<Py<PyAny>>>,
    caller: Sender<Py<PyAny>>,
}

impl Wake for Callback {
    fn wake(self: Arc<Self>) {
        let mut function = self.function.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = function.take() {
            // The thread lives as long as the process.
            let _ = self.caller.send(function);
        }
    }
}

/// The way to the thread that calls such functions: one for the process.
fn caller() -> PyResult<Sender<Py<PyAny>>> {
    static CALLER: OnceLock<Sender<Py<PyAny>>> = OnceLock::new();
    if let Some(caller) = CALLER.get() {
        return Ok(caller.clone());
    }
    let (sender, functions) = channel();
    std::thread::Builder::new()
        .name("kinora-python".into())
        .spawn(move || call_all(&functions))
        .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    // Where two came at once one thread has nothing to do, and ends.
    Ok(CALLER.get_or_init(|| sender).clone())
}

fn call_all(functions: &Receiver<Py<PyAny>>) {
    for function in functions {
        // An interpreter that ends needs no calls any more.
        Python::try_attach(|py| {
            if let Err(error) = function.call0(py) {
                error.write_unraisable(py, None);
            }
        });
    }
}
