//! The names by which the ingest knows what it fetches with.

pub(crate) use kinora_fetch::{Progress, RequestSpec as Want, RetryContext as Terms, Transfer};
