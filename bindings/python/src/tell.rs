//! What is asked without a player.

use std::time::Duration;

use kinora::{Code, MediaReader, explain as table, json, settings};
use pyo3::prelude::*;

use crate::border;

/// The version of the library.
#[pyfunction]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The name of a number.
#[pyfunction]
pub(crate) fn code_name(number: u32) -> String {
    Code::from_number(number).name()
}

/// What a number, a name or words mean, as JSON.
#[pyfunction]
pub(crate) fn explain(query: &str) -> String {
    table::json(&table::look_up(query)).to_string()
}

/// What a source holds, as JSON.
#[pyfunction]
pub(crate) fn probe(py: Python<'_>, url: String, options: String) -> PyResult<String> {
    border::run(py, || {
        let reader = MediaReader::open(url, settings::read_options(&options)?)?;
        Ok(json::media_info(reader.info()).to_string())
    })
}

/// Why a source does not play, and who must act, as JSON.
#[pyfunction]
pub(crate) fn diagnose(
    py: Python<'_>,
    source: String,
    network: String,
    seconds: f64,
) -> PyResult<String> {
    border::run(py, || {
        let options = kinora_diagnose::Options {
            net: settings::network(&network)?,
            play_for: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
            ..kinora_diagnose::Options::default()
        };
        let source = settings::source(&source)?;
        let diagnosis = kinora_diagnose::diagnose(&source, &options, |_| {});
        Ok(serde_json::json!(diagnosis).to_string())
    })
}

/// Panics, as a bug would: how the tests see what becomes of one.
#[pyfunction]
#[pyo3(name = "_panic_for_tests")]
#[allow(clippy::panic, reason = "that is what it is for")]
pub(crate) fn panic_for_tests(py: Python<'_>) -> PyResult<()> {
    border::done(py, || panic!("of the test"))
}
