//! The border with JavaScript: what waits runs on a thread of the pool, faults become errors, panics faults.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kinora::{Fault, Lang, ReportStyle, codes};
use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi::{Env, Error, Status, Task};

/// Runs what may fail.
pub(crate) fn run<T>(work: impl FnOnce() -> Result<T, Fault>) -> napi::Result<T> {
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()));
    outcome.map_err(|fault| raised(&fault))
}

fn panicked() -> Fault {
    Fault::new(codes::ERROR_UNKNOWN_ERROR, "node.panic")
        .because("the library panicked; this is a bug of Kinora")
}

/// An error whose message is what [`told`] says.
fn raised(fault: &Fault) -> Error {
    Error::new(Status::GenericFailure, told(fault).to_string())
}

/// All of a fault, for machines and for people in both languages.
pub(crate) fn told(fault: &Fault) -> serde_json::Value {
    let report = |lang| fault.report(lang, ReportStyle::Plain);
    serde_json::json!({ "fault": fault, "en": report(Lang::En), "zh": report(Lang::Zh) })
}

type Work<T> = Box<dyn FnOnce() -> Result<T, Fault> + Send>;

/// What waits, or computes for long.
pub struct Job<T>(Option<Work<T>>);

impl<T: Send + 'static> Job<T>
where
    Self: Task,
{
    /// A promise of what the work gives.
    pub(crate) fn promise(
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> AsyncTask<Self> {
        AsyncTask::new(Self(Some(Box::new(work))))
    }
}

impl<T: Send + ToNapiValue + TypeName + 'static> Task for Job<T> {
    type Output = T;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<T> {
        // It is asked once.
        let work = self.0.take();
        run(|| work.map_or_else(|| Err(panicked()), |work| work()))
    }
    fn resolve(&mut self, _: Env, output: T) -> napi::Result<T> {
        Ok(output)
    }
}
