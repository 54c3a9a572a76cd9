use kinora_engine::sim::{Dice, ms, secs};
use kinora_media::Time;

/// How long the networks are described; after that they go on as they were.
const SECONDS: u64 = 400;

/// What kind of network it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NetworkKind {
    /// A fixed line: one rate, a tenth of noise.
    Steady,
    /// Radio: the rate wanders by half seconds, fades and comes back.
    Mobile,
    /// Bursts and pauses, of a shared Wi-Fi.
    Bursty,
    /// Falls to a fraction, for tens of seconds, and outages of seconds.
    Drops,
    /// A satellite: hundreds of milliseconds to each answer.
    HighLatency,
}

impl NetworkKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Steady,
        Self::Mobile,
        Self::Bursty,
        Self::Drops,
        Self::HighLatency,
    ];

    /// What the table calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Mobile => "LTE-like",
            Self::Bursty => "bursty",
            Self::Drops => "drops",
            Self::HighLatency => "high RTT",
        }
    }
}

/// One network.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its kind.
    pub kind: NetworkKind,
    /// What it is drawn from.
    pub seed: u64,
    /// From a request to its answer.
    pub latency: Time,
    /// Bits a second from a time on.
    pub rates: Vec<(Time, u64)>,
}

impl Network {
    /// So many networks of each kind.
    #[must_use]
    pub fn all(of_each: u64, first_seed: u64) -> Vec<Self> {
        let seeds = first_seed..first_seed + of_each;
        let kinds = NetworkKind::ALL.into_iter();
        kinds
            .flat_map(|kind| seeds.clone().map(move |seed| Self::new(kind, seed)))
            .collect()
    }

    /// The network of a seed.
    #[must_use]
    pub fn new(kind: NetworkKind, seed: u64) -> Self {
        let mut dice = Dice::new(seed.wrapping_mul(31).wrapping_add(kind as u64));
        let (latency, rates) = match kind {
            NetworkKind::Steady => (20 + dice.below(60), steady(&mut dice)),
            NetworkKind::Mobile => (40 + dice.below(60), mobile(&mut dice)),
            NetworkKind::Bursty => (20 + dice.below(60), bursty(&mut dice)),
            NetworkKind::Drops => (20 + dice.below(60), drops(&mut dice)),
            NetworkKind::HighLatency => (300 + dice.below(500), mobile(&mut dice)),
        };
        Self {
            kind,
            seed,
            latency: millis(latency),
            rates,
        }
    }

    /// What it carries within a time, in bits a second.
    #[must_use]
    pub fn mean(&self, within: Time) -> f64 {
        let ends = self
            .rates
            .iter()
            .skip(1)
            .map(|(at, _)| *at)
            .chain([Time::MAX]);
        let bits = self.rates.iter().zip(ends).map(|((from, rate), to)| {
            let lasts = to.min(within) - (*from).min(within);
            lasts.as_secs_f64() * *rate as f64
        });
        bits.sum::<f64>() / within.as_secs_f64()
    }
}

fn millis(of: u64) -> Time {
    ms(i64::try_from(of).unwrap_or(0))
}

/// Steps of half a second; `next` gives the rate of each.
fn by_half_seconds(mut next: impl FnMut() -> u64) -> Vec<(Time, u64)> {
    (0..SECONDS * 2)
        .map(|n| (millis(n * 500), next()))
        .collect()
}

fn steady(dice: &mut Dice) -> Vec<(Time, u64)> {
    let middle = 500_000 + dice.below(6_000_000);
    by_half_seconds(|| middle * (90 + dice.below(21)) / 100)
}

/// A walk in the logarithm of the rate that is drawn back to its middle, and now and then a fade.
fn mobile(dice: &mut Dice) -> Vec<(Time, u64)> {
    let middle = (700_000 + dice.below(4_000_000)) as f64;
    let (mut off, mut fade) = (0.0_f64, 0);
    by_half_seconds(|| {
        off = off * 0.95 + (dice.below(1_000) as f64 / 1_000.0 - 0.5) * 0.6;
        if fade == 0 && dice.below(60) == 0 {
            fade = 4 + dice.below(12);
        }
        fade = fade.saturating_sub(1);
        let depth = if fade > 0 { 0.25 } else { 1.0 };
        (middle * off.exp() * depth).max(30_000.0) as u64
    })
}

fn bursty(dice: &mut Dice) -> Vec<(Time, u64)> {
    let high = 2_000_000 + dice.below(8_000_000);
    let low = 100_000 + dice.below(600_000);
    let (mut left, mut is_high) = (0, false);
    by_half_seconds(|| {
        if left == 0 {
            is_high = !is_high;
            left = 1 + dice.below(if is_high { 10 } else { 6 });
        }
        left -= 1;
        if is_high { high } else { low }
    })
}

fn drops(dice: &mut Dice) -> Vec<(Time, u64)> {
    let full = 2_500_000 + dice.below(6_000_000);
    let mut rates = vec![(Time::ZERO, full)];
    let mut at = 0;
    while at < SECONDS {
        at += 15 + dice.below(40);
        let (depth, lasts) = match dice.below(3) {
            0 => (0, 3 + dice.below(8)),
            1 => (5, 10 + dice.below(30)),
            _ => (3, 10 + dice.below(40)),
        };
        let low = full.checked_div(depth).unwrap_or(1_000);
        rates.push((secs(i64::try_from(at).unwrap_or(0)), low));
        at += lasts;
        rates.push((secs(i64::try_from(at).unwrap_or(0)), full));
    }
    rates
}
