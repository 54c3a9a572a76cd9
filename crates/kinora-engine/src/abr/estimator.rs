//! What the network carries: moving averages of throughput and latency.

use super::Download;

/// A shorter transfer says little of the rate: so many seconds it is taken to last at least.
const MIN_TRANSFER: f64 = 0.02;
/// A download that came as it was made weighs as much as one of so many seconds at least.
const LEAST_OF_MADE: f64 = 0.5;
/// The averages weigh a download by the time it took; after so many seconds of transfer it counts half.
const FAST_HALF_LIFE: f64 = 4.0;
const SLOW_HALF_LIFE: f64 = 8.0;
/// The average of the latency weighs all downloads alike; after so many it counts half.
const LATENCY_HALF_LIFE: f64 = 3.0;

/// Estimates throughput and latency from the downloads so far. They are kept apart, so that small segments say something
/// too: their time is latency above all.
#[derive(Clone, Debug)]
pub struct Estimator {
    fast: MovingAverage,
    slow: MovingAverage,
    latency: MovingAverage,
}

impl Default for Estimator {
    fn default() -> Self {
        Self {
            fast: MovingAverage::new(FAST_HALF_LIFE),
            slow: MovingAverage::new(SLOW_HALF_LIFE),
            latency: MovingAverage::new(LATENCY_HALF_LIFE),
        }
    }
}

impl Estimator {
    /// A segment came.
    pub fn add(&mut self, download: &Download) {
        if download.bytes == 0 {
            return;
        }
        let seconds = download.transfer.as_secs_f64().max(MIN_TRANSFER);
        let rate = download.bytes as f64 * 8.0 / seconds;
        let weight = match download.latency {
            Some(_) => seconds,
            // Of what comes as it is made little is timed, however long it took.
            None => seconds.max(LEAST_OF_MADE),
        };
        self.fast.add(rate, weight);
        self.slow.add(rate, weight);
        if let Some(latency) = download.latency {
            self.latency.add(latency.as_secs_f64(), 1.0);
        }
    }

    /// The expected throughput in bits a second: the lower of a fast and a slow average, so that it falls fast and rises
    /// slowly, for a stall costs more than a lesser picture. `None` before anything came.
    #[must_use]
    pub fn throughput(&self) -> Option<f64> {
        Some(self.fast.value()?.min(self.slow.value()?))
    }

    /// The expected time from a request to its first byte, in seconds.
    #[must_use]
    pub fn latency(&self) -> f64 {
        self.latency.value().unwrap_or(0.0)
    }
}

/// An exponentially weighted moving average without the bias of its beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MovingAverage {
    /// What is left of a value after a unit of weight.
    decay: f64,
    sum: f64,
    weight: f64,
}

impl MovingAverage {
    pub(crate) fn new(half_life: f64) -> Self {
        Self {
            decay: 0.5_f64.powf(1.0 / half_life),
            sum: 0.0,
            weight: 0.0,
        }
    }

    pub(crate) fn add(&mut self, value: f64, weight: f64) {
        let kept = self.decay.powf(weight);
        self.sum = self.sum * kept + value * (1.0 - kept);
        self.weight = self.weight * kept + (1.0 - kept);
    }

    pub(crate) fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}
