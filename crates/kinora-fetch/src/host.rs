use std::time::Duration;

use kinora_errors::Fault;
use kinora_media::{RequestId, Time};

use crate::FetchRequest;

/// What a user allows every request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchLimits {
    /// How long the network may be silent before a retry is spent.
    pub timeout: Duration,
    /// Retries after the first try.
    pub retries: u32,
}

/// What a transfer does that is worth reporting to the user.
#[derive(Clone, Debug)]
pub enum FetchNotice {
    /// A try is spent, and it is asked for again. Tries within one network timeout of an outage spend none.
    Retrying {
        /// Which try in a row without a byte between them it was.
        attempt: u32,
        /// Retries allowed.
        retries: u32,
        /// How it failed.
        fault: Fault,
    },
    /// What failed before has succeeded now.
    RetrySucceeded {
        /// How it had failed.
        fault: Fault,
        /// Its failures were told of: by [`Retrying`](Self::Retrying), or by its owner when it was parked.
        told: bool,
    },
    /// It failed after its last byte had come: nothing is missing.
    CompleteDespite(Fault),
}

/// What transfers need of their owner: time, limits, request ids, and where their outputs go.
pub trait Host {
    /// The time, on a clock that is never set.
    fn now(&self) -> Time;
    /// What the user allows.
    fn limits(&self) -> FetchLimits;
    /// A number that spreads the retries of many hosts.
    fn random(&mut self) -> u64;
    /// A name that no earlier request had.
    fn next_request(&mut self) -> RequestId;
    /// Asks the network.
    fn fetch(&mut self, request: FetchRequest);
    /// Lets a request deliver so many bytes more.
    fn grant(&mut self, id: RequestId, bytes: u64);
    /// Cancels a request.
    fn cancel(&mut self, id: RequestId);
    /// So many bytes came in.
    fn received(&mut self, bytes: u64);
    /// Reports something to the user.
    fn notice(&mut self, notice: FetchNotice);
}
