//! Programs that are not ours, pointed at a service that is: see `tests/`.
#![forbid(unsafe_code)]
