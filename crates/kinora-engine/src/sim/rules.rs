//! Rules of adaptation of other players, by what they publish, to compare the engine's own with. All of them run in the
//! same engine: what differs is the choice alone.

use crate::abr::{Download, MovingAverage, Rule, Situation};

/// The best rendition that a share of the measured throughput carries: dash.js's throughput rule, with its averages of
/// half-lives of 3 and 8 s and its safety factor of 0.9.
#[derive(Clone, Debug)]
pub struct Throughput {
    averages: Averages,
}

impl Default for Throughput {
    fn default() -> Self {
        Self {
            averages: Averages::new(3.0, 8.0),
        }
    }
}

impl Rule for Throughput {
    fn downloaded(&mut self, download: &Download) {
        self.averages.add(download);
    }
    fn choose(&mut self, situation: &Situation<'_>) -> usize {
        let Some(rate) = self.averages.lower() else {
            return situation.current;
        };
        best_within(situation.bitrates, rate * 0.9)
    }
    fn bandwidth(&self) -> Option<u64> {
        self.averages.lower().map(|bits| bits as u64)
    }
}

/// BOLA-O (Spiteri, Urgaonkar, Sitaraman, "BOLA: Near-Optimal Bitrate Adaptation for Online Videos", INFOCOM 2016), with
/// the utilities and buffer levels of dash.js; by the throughput until a segment is buffered.
#[derive(Clone, Debug, Default)]
pub struct Bola {
    throughput: Throughput,
}

impl Bola {
    /// Seconds that are buffered at least.
    const MIN_BUFFER: f64 = 10.0;
    const BUFFER_PER_RUNG: f64 = 2.0;
    const STABLE_BUFFER: f64 = 18.0;
}

impl Rule for Bola {
    fn downloaded(&mut self, download: &Download) {
        self.throughput.downloaded(download);
    }
    fn choose(&mut self, situation: &Situation<'_>) -> usize {
        let carried = self.throughput.choose(situation);
        let buffered = situation.buffered.as_secs_f64();
        if buffered < situation.segment.as_secs_f64() {
            return carried;
        }
        let rungs = situation.bitrates;
        let least = rungs.first().copied().unwrap_or(1) as f64;
        let utility = |bits: u64| (bits as f64 / least).ln() + 1.0;
        let target = Self::MIN_BUFFER + Self::BUFFER_PER_RUNG * rungs.len() as f64;
        let target = target.max(Self::STABLE_BUFFER);
        let top = rungs.last().copied().map_or(1.0, utility);
        let gp = (top - 1.0) / (target / Self::MIN_BUFFER - 1.0);
        let vp = Self::MIN_BUFFER / gp;
        let score = |bits: u64| (vp * (utility(bits) - 1.0 + gp) - buffered) / bits as f64;
        let scored = rungs
            .iter()
            .enumerate()
            .map(|(at, bits)| (at, score(*bits)));
        let best = scored.max_by(|one, other| one.1.total_cmp(&other.1));
        let wanted = best.map_or(0, |(at, _)| at);
        // BOLA-O: it rises no further than the network carries.
        match wanted > situation.current && wanted > carried {
            true => carried.max(situation.current),
            false => wanted,
        }
    }
    fn bandwidth(&self) -> Option<u64> {
        self.throughput.bandwidth()
    }
}

/// hls.js's controller: averages of half-lives of 3 and 9 s, 0.95 of them for staying and 0.7 for rising, and a segment
/// has to be there before the buffer runs dry, or at most 4 s later where none would.
#[derive(Clone, Debug)]
pub struct HlsJs {
    averages: Averages,
    latency: Option<f64>,
}

impl Default for HlsJs {
    fn default() -> Self {
        Self {
            averages: Averages::new(3.0, 9.0),
            latency: None,
        }
    }
}

impl HlsJs {
    const STAY: f64 = 0.95;
    const RISE: f64 = 0.7;
    const MAX_STARVATION: f64 = 4.0;

    fn best(&self, situation: &Situation<'_>, rate: f64, within: f64) -> Option<usize> {
        let segment = situation.segment.as_secs_f64();
        situation
            .bitrates
            .iter()
            .enumerate()
            .rposition(|(at, bits)| {
                let factor = if at > situation.current {
                    Self::RISE
                } else {
                    Self::STAY
                };
                let (bits, rate) = (*bits as f64, rate * factor);
                let takes = self.latency.unwrap_or(0.0) + bits * segment / rate;
                rate >= bits && takes < within
            })
    }
}

impl Rule for HlsJs {
    fn downloaded(&mut self, download: &Download) {
        self.averages.add(download);
        if let Some(latency) = download.latency.map(|it| it.as_secs_f64()) {
            let known = self.latency;
            self.latency = Some(known.map_or(latency, |known| (known + latency) / 2.0));
        }
    }
    fn choose(&mut self, situation: &Situation<'_>) -> usize {
        let Some(rate) = self.averages.lower() else {
            return situation.current;
        };
        let buffered = situation.buffered.as_secs_f64();
        let patience = situation.segment.as_secs_f64().min(Self::MAX_STARVATION);
        self.best(situation, rate, buffered)
            .or_else(|| self.best(situation, rate, buffered + patience))
            .unwrap_or(0)
    }
    fn bandwidth(&self) -> Option<u64> {
        self.averages.lower().map(|bits| bits as u64)
    }
}

fn best_within(bitrates: &[u64], rate: f64) -> usize {
    bitrates
        .iter()
        .rposition(|bits| *bits as f64 <= rate)
        .unwrap_or(0)
}

/// Two moving averages of the throughput, latency included, as these players measure it: weighed by the time that a
/// download took.
#[derive(Clone, Debug)]
struct Averages {
    fast: MovingAverage,
    slow: MovingAverage,
}

impl Averages {
    fn new(fast: f64, slow: f64) -> Self {
        Self {
            fast: MovingAverage::new(fast),
            slow: MovingAverage::new(slow),
        }
    }

    fn add(&mut self, download: &Download) {
        let seconds = (download.latency.unwrap_or_default() + download.transfer)
            .as_secs_f64()
            .max(0.05);
        let rate = download.bytes as f64 * 8.0 / seconds;
        self.fast.add(rate, seconds);
        self.slow.add(rate, seconds);
    }

    fn lower(&self) -> Option<f64> {
        Some(self.fast.value()?.min(self.slow.value()?))
    }
}
