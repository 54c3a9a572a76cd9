//! The border with Python: faults become exceptions, panics faults, and what waits does so without the interpreter's lock.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kinora::{Lang, ReportStyle, codes};
use pyo3::prelude::*;

/// What failed, as an exception holds it.
#[pyclass(frozen, module = "kinora._kinora")]
pub(crate) struct Fault(kinora::Fault);

#[pymethods]
impl Fault {
    /// All of it for a machine.
    fn json(&self) -> String {
        serde_json::json!(self.0).to_string()
    }
    /// All of it for a person, in `en` or `zh`.
    #[pyo3(signature = (language = "en"))]
    fn report(&self, language: &str) -> String {
        let lang = if language.starts_with("zh") {
            Lang::Zh
        } else {
            Lang::En
        };
        self.0.report(lang, ReportStyle::Plain)
    }
}

impl From<&kinora::Fault> for Fault {
    fn from(fault: &kinora::Fault) -> Self {
        Self(fault.clone())
    }
}

/// Runs what may wait or compute, with the interpreter free for others.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, kinora::Fault> + Send,
) -> PyResult<T> {
    let outcome = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    let result = outcome.unwrap_or_else(|_| Err(panicked()));
    result.map_err(|fault| raised(py, &fault))
}

/// The same for what can not fail.
pub(crate) fn done<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    run(py, || Ok(work()))
}

fn panicked() -> kinora::Fault {
    kinora::Fault::new(codes::ERROR_UNKNOWN_ERROR, "python.panic")
        .because("the library panicked; this is a bug of Kinora")
}

/// The exception of a fault, of the class of its group.
pub(crate) fn raised(py: Python<'_>, fault: &kinora::Fault) -> PyErr {
    let made = py
        .import("kinora._errors")
        .and_then(|errors| errors.call_method1("of_fault", (Fault::from(fault),)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}
