//! Kinora for Node.js: the native half of the package `kinora`, whose other half is `index.js`.
//!
//! Here a call becomes one of the SDK, what waits becomes a promise, and a fault an error whose message is JSON, of which `index.js`
//! makes one of its classes. `index.d.ts` says what the package is.
#![allow(
    unreachable_pub,
    reason = "what JavaScript reaches is registered, and not named from here"
)]
#![cfg_attr(
    test,
    allow(dead_code, reason = "as a test it registers nothing with Node")
)]

mod border;
mod events;
mod player;
mod reader;
mod tell;
