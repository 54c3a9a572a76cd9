//! `kinora-abr FILE [NETWORKS OF EACH KIND] [FIRST SEED]`: writes the comparison as Markdown, `-` to the standard output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kinora_abr::{BITRATES, Network, NetworkKind, RuleKind, SEGMENT_SECONDS, Score, play};

/// Networks of each kind, and the seed of the first: the rules were tuned on others.
const OF_EACH: u64 = 48;
const FIRST_SEED: u64 = 1_000;

type Results = Vec<(NetworkKind, RuleKind, Score)>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, or| words.get(at).and_then(|it| it.parse().ok()).unwrap_or(or);
    let (of_each, first_seed) = (number(1, OF_EACH), number(2, FIRST_SEED));
    let written = run(&Network::all(of_each, first_seed)).and_then(|results| {
        let text = document(&results, of_each);
        match words.first().map_or("-", String::as_str) {
            "-" => {
                print!("{text}");
                Ok(())
            }
            file => std::fs::write(file, text).map_err(|error| format!("{file}: {error}")),
        }
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

/// All networks with all rules, on all cores.
fn run(networks: &[Network]) -> Result<Results, String> {
    let jobs: Vec<(&Network, RuleKind)> = networks
        .iter()
        .flat_map(|network| RuleKind::ALL.map(|rule| (network, rule)))
        .collect();
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Ok(Results::new())));
    let is_watched = std::io::stderr().is_terminal();
    let work = || {
        while let Some((network, rule)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let score = play(network, *rule);
            let Ok(mut results) = results.lock() else {
                return;
            };
            match (&mut *results, score) {
                (Ok(list), Ok(score)) => {
                    list.push((network.kind, *rule, score));
                    if is_watched && list.len() % 10 == 0 {
                        eprint!("\r{} of {} sessions", list.len(), jobs.len());
                    }
                }
                (results, Err(what)) => *results = Err(what),
                (Err(_), Ok(_)) => {}
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    if is_watched {
        eprintln!();
    }
    results
        .into_inner()
        .map_err(|_| "a session broke off".to_owned())?
}

fn document(results: &Results, of_each: u64) -> String {
    let networks = of_each * NetworkKind::ALL.len() as u64;
    let rates: Vec<String> = BITRATES
        .iter()
        .map(|bits| format!("{}", bits / 1_000))
        .collect();
    let mut text = format!(
        "# Adaptation\n\n\
         Made by `cargo xtask abr`; do not edit. {networks} networks, drawn from seeds that the rule was not tuned on, \
         {of_each} of each kind; each plays four minutes in segments of {SEGMENT_SECONDS} s, in qualities of {} kbit/s, once with \
         each rule. All rules run in the same engine, with its buffer, its abandonment of segments and its start: what \
         differs is the choice alone. BOLA is BOLA-O with dash.js's utilities and levels, the throughput rule is dash.js's, \
         hls.js is its controller's rule; all three by what their authors publish (`kinora_engine::sim::rules`).\n\n\
         QoE is Pensieve's (Mao et al., SIGCOMM 2017), a segment: linear, the bitrate in Mbit/s, less its change, less 4.3 for a \
         second of stall; logarithmic, of the bitrate above the lowest one, less 2.66 for a second of stall.\n",
        rates.join(", ")
    );
    text += &table("All networks", results, |_| true);
    for kind in NetworkKind::ALL {
        text += &table(kind.name(), results, |of| of == kind);
    }
    text
}

fn table(title: &str, results: &Results, of: impl Fn(NetworkKind) -> bool) -> String {
    let mut text = format!(
        "\n## {title}\n\n\
         | rule | QoE, linear | QoE, logarithmic | stalled, % | mean bitrate, kbit/s | switches | first picture, s |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for rule in RuleKind::ALL {
        let own: Vec<&Score> = results
            .iter()
            .filter(|(kind, by, _)| of(*kind) && *by == rule)
            .map(|(_, _, score)| score)
            .collect();
        let mean = |field: fn(&Score) -> f64| {
            own.iter().map(|it| field(it)).sum::<f64>() / own.len().max(1) as f64
        };
        text += &format!(
            "| {} | {:.3} | {:.3} | {:.2} | {:.0} | {:.1} | {:.2} |\n",
            rule.name(),
            mean(|it| it.qoe_linear),
            mean(|it| it.qoe_log),
            mean(|it| it.stall_ratio) * 100.0,
            mean(|it| it.bitrate) / 1_000.0,
            mean(|it| it.switches),
            mean(|it| it.startup),
        );
    }
    text
}
