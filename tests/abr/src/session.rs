use std::sync::OnceLock;

use kinora_engine::Event;
use kinora_engine::abr::{Predictive, Rule};
use kinora_engine::sim::rules::{Bola, HlsJs, Throughput};
use kinora_engine::sim::{Ladder, Sim, mins};
use kinora_media::Time;

use crate::Network;

/// The ladder of Pensieve's authors (Mao et al., SIGCOMM 2017), bits a second.
pub const BITRATES: [u64; 6] = [300_000, 750_000, 1_200_000, 1_850_000, 2_850_000, 4_300_000];
/// How long a segment lasts.
pub const SEGMENT_SECONDS: u64 = 4;
/// Four minutes.
const SEGMENTS: usize = 60;

/// A rule of adaptation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RuleKind {
    /// The engine's own.
    Kinora,
    /// By the buffer.
    Bola,
    /// By the throughput.
    Throughput,
    /// By both, as hls.js does.
    HlsJs,
}

impl RuleKind {
    /// All of them, the engine's own first.
    pub const ALL: [Self; 4] = [Self::Kinora, Self::Bola, Self::Throughput, Self::HlsJs];

    /// What the table calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kinora => "Kinora",
            Self::Bola => "BOLA",
            Self::Throughput => "throughput",
            Self::HlsJs => "hls.js",
        }
    }

    fn rule(self) -> Box<dyn Rule> {
        match self {
            Self::Kinora => Box::<Predictive>::default(),
            Self::Bola => Box::<Bola>::default(),
            Self::Throughput => Box::<Throughput>::default(),
            Self::HlsJs => Box::<HlsJs>::default(),
        }
    }
}

/// What a session was worth.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    /// From the request to the first picture, seconds.
    pub startup: f64,
    /// Stalls after it, seconds.
    pub stalled: f64,
    /// Share of the time after the first picture that stalled.
    pub stall_ratio: f64,
    /// Mean bitrate of what was shown, bits a second.
    pub bitrate: f64,
    /// Changes of the rendition.
    pub switches: f64,
    /// Quality of experience a segment, in Mbit/s: its bitrate, less the change from the one before, less 4.3 for each
    /// second of stall (Pensieve's linear QoE).
    pub qoe_linear: f64,
    /// The same with the logarithm of the bitrate above the lowest one; 2.66 for each second of stall.
    pub qoe_log: f64,
}

fn ladder() -> &'static Ladder {
    static LADDER: OnceLock<Ladder> = OnceLock::new();
    LADDER.get_or_init(|| Ladder::new(&BITRATES, SEGMENTS, 2))
}

/// Plays four minutes on a network.
///
/// # Errors
/// What happened instead of the end.
pub fn play(network: &Network, rule: RuleKind) -> Result<Score, String> {
    let mut sim = Sim::with_abr_rule(network.seed, rule.rule());
    let url = ladder().serve(&mut sim);
    sim.net.weather.latency = network.latency;
    sim.net.forecast = network
        .rates
        .iter()
        .map(|(at, bits)| (*at, bits / 8))
        .collect();
    sim.play(url);
    if !sim.run_until(mins(60), |event| matches!(event, Event::Completion)) {
        return Err(format!(
            "{network:?} with {rule:?}: {:?}",
            sim.events.last()
        ));
    }
    let first = sim.when(|event| matches!(event, Event::FirstFrame { .. }));
    let first = first.ok_or("no first picture")?;
    let stalled = sim.stalled().as_secs_f64();
    let played = ladder().played(&sim);
    let mbits = |rung: &usize| BITRATES.get(*rung).map_or(0.0, |bits| *bits as f64 / 1e6);
    let least = mbits(&0);
    let linear: Vec<f64> = played.iter().map(mbits).collect();
    let log: Vec<f64> = linear.iter().map(|rate| (rate / least).ln()).collect();
    let changes = |of: &[f64]| {
        of.windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .sum::<f64>()
    };
    let count = played.len() as f64;
    let qoe =
        |of: &[f64], cost: f64| (of.iter().sum::<f64>() - changes(of) - cost * stalled) / count;
    let lasted = (sim.now() - first).max(Time::from_millis(1)).as_secs_f64();
    Ok(Score {
        startup: first.as_secs_f64(),
        stalled,
        stall_ratio: stalled / lasted,
        bitrate: linear.iter().sum::<f64>() / count * 1e6,
        switches: played.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64,
        qoe_linear: qoe(&linear, 4.3),
        qoe_log: qoe(&log, 2.66),
    })
}
