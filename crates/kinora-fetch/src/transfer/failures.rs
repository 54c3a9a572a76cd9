//! What is done when the network fails, as [`recover`] decides.

use kinora_errors::{Fault, codes};
use kinora_media::Time;

use super::{Announced, Phase, Progress, RangeMode, Transfer};
use crate::recover::{self, Attempt, MAX_READ_AGAIN, Recovery};
use crate::{FetchNotice, Host, Purpose, RetryContext};

impl Transfer {
    /// The request failed.
    pub fn on_failed(
        &mut self,
        host: &mut impl Host,
        fault: Fault,
        context: RetryContext,
    ) -> Progress {
        if self.is_all_here(&fault) {
            let fault = self.located(host, fault);
            host.notice(FetchNotice::CompleteDespite(fault));
            return self.on_done(host);
        }
        self.on_refused(host, fault, context)
    }

    /// It failed, though all of the answer may have come: its owner can not use it.
    pub fn on_refused(
        &mut self,
        host: &mut impl Host,
        fault: Fault,
        context: RetryContext,
    ) -> Progress {
        self.failures += 1;
        // A service's answers are no progress: it is asked again because they can not be used.
        if self.progress > 0 && self.spec.purpose != Purpose::Api {
            self.without_progress = 0;
            self.announced.tries = 0;
            self.outage_since = None;
        }
        self.without_progress += 1;
        self.progress = 0;
        let fault = self.located(host, fault);
        let attempt = self.attempt(host);
        let tries = recover::tries_of(&fault, &attempt, context);
        match recover::decide(&fault, &attempt, context) {
            Recovery::Retry { after } => self.again(host, fault, after, tries),
            Recovery::RetryUnconditional => {
                self.mode = RangeMode::Unconditional;
                self.again(host, fault, Time::ZERO, tries);
            }
            Recovery::RetryWhole => {
                self.mode = RangeMode::Whole;
                self.again(host, fault, Time::ZERO, tries);
            }
            Recovery::Refresh => {
                self.phase = Phase::Parked;
                self.broken = Some(fault.clone());
                return Progress::Expired(fault);
            }
            Recovery::Park => {
                self.phase = Phase::Parked;
                self.announced.outage = true;
                self.broken = Some(fault.clone());
                return Progress::Parked(fault);
            }
            Recovery::Elsewhere => {
                self.phase = Phase::Parked;
                self.broken = Some(fault.clone());
                return Progress::Elsewhere(fault);
            }
            Recovery::GiveUp => {
                self.phase = Phase::Over;
                return Progress::Failed(self.out_of_reach(fault));
            }
        }
        Progress::None
    }

    fn attempt(&mut self, host: &mut impl Host) -> Attempt {
        let timeout = Time::from(host.limits().timeout);
        // What was silence for want of room is none of the network's.
        let earliest = host.now() - timeout;
        let since = *self
            .outage_since
            .get_or_insert(self.silent_since.max(earliest));
        let gone = (host.now() - since).as_nanos().max(0);
        let windows = gone / timeout.as_nanos().max(1);
        Attempt {
            purpose: self.spec.purpose,
            failures: self.failures,
            without_progress: self.without_progress,
            retries: host.limits().retries,
            windows: u32::try_from(windows).unwrap_or(u32::MAX),
            range: self.requested_range(),
            offset: self.next,
            jitter: (host.random() >> 11) as f64 / (1u64 << 53) as f64,
        }
    }

    /// Says why it is not read through, where the server gives no part of it.
    fn out_of_reach(&self, fault: Fault) -> Fault {
        if fault.code() != codes::ERROR_NETWORK_HTTP_RANGE || self.next <= MAX_READ_AGAIN {
            return fault;
        }
        fault.because(format!(
            "what is wanted lies {} MiB into the resource: no more than {} MiB are read only to come there",
            self.next >> 20,
            MAX_READ_AGAIN >> 20
        ))
    }

    /// Only the end of the answer is missing: all the bytes came, or a 416 says that no more are there.
    fn is_all_here(&self, fault: &Fault) -> bool {
        let stated = fault.context().resource_len;
        let end = [self.spec.range.end, stated.or(self.total_len)];
        let end = end.into_iter().flatten().min();
        self.next > self.spec.range.start && end == Some(self.next)
    }

    /// Asks again after a pause. Each try that is spent is told of once.
    fn again(
        &mut self,
        host: &mut impl Host,
        fault: Fault,
        after: Time,
        (attempt, retries): (u32, u32),
    ) {
        if attempt > self.announced.tries {
            self.announced = Announced {
                tries: attempt,
                outage: true,
            };
            host.notice(FetchNotice::Retrying {
                attempt,
                retries,
                fault: fault.clone(),
            });
        }
        self.broken = Some(fault);
        // A call must be signed anew first, which its owner does when the wait is over.
        if after == Time::ZERO && self.spec.purpose != Purpose::Api {
            return self.send_request(host);
        }
        self.phase = Phase::BackingOff {
            until: host.now() + after,
        };
    }

    pub(super) fn drop_and_fail(
        &mut self,
        host: &mut impl Host,
        fault: Fault,
        context: RetryContext,
    ) -> Progress {
        self.cancel(host);
        self.on_failed(host, fault, context)
    }

    /// The moment that [`deadline`](Self::deadline) named may have come.
    pub fn on_time(&mut self, host: &mut impl Host, context: RetryContext) -> Progress {
        if self.deadline(host).is_none_or(|at| at > host.now()) {
            return Progress::None;
        }
        match self.phase {
            Phase::BackingOff { .. } => self.send_request(host),
            Phase::Complete => return self.on_done(host),
            Phase::Requested(_) => return self.drop_and_fail(host, recover::silent(), context),
            Phase::Parked | Phase::Over => {}
        }
        Progress::None
    }

    pub(super) fn located(&self, host: &impl Host, fault: Fault) -> Fault {
        let segment = match self.spec.purpose {
            Purpose::Segment(number) => Some(number),
            _ => None,
        };
        let elapsed = u64::try_from((host.now() - self.started).as_millis()).ok();
        fault.at_url(self.spec.url.expose()).with(|context| {
            context.segment = context.segment.or(segment);
            context.bytes = context.bytes.or(Some((self.next, self.spec.range.end)));
            context.attempts = Some(self.failures);
            context.elapsed_ms = context.elapsed_ms.or(elapsed);
        })
    }
}
