//! What is asked without a player.

use std::time::Duration;

use kinora::{Code, MediaReader, explain as table, json, settings};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::border::Job;

/// The version of the library.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The name of a number.
#[napi]
pub fn code_name(number: u32) -> String {
    Code::from_number(number).name()
}

/// What a number, a name or words mean, as JSON.
#[napi]
pub fn explain(query: String) -> String {
    table::json(&table::look_up(&query)).to_string()
}

/// What a source holds, as JSON.
#[napi]
pub fn probe(url: String, options: String) -> AsyncTask<Job<String>> {
    Job::promise(move || {
        let reader = MediaReader::open(url, settings::read_options(&options)?)?;
        Ok(json::media_info(reader.info()).to_string())
    })
}

/// Why a source does not play, and who must act, as JSON.
#[napi]
pub fn diagnose(source: String, network: String, seconds: f64) -> AsyncTask<Job<String>> {
    Job::promise(move || {
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
#[napi]
#[allow(clippy::panic, reason = "that is what it is for")]
pub fn panic_for_tests() -> AsyncTask<Job<()>> {
    Job::promise(|| panic!("of the test"))
}
