//! Low latency (RFC 8216bis), in the simulator.

use kinora_media::Time;

use super::errors;
use super::recording::Recording;
use crate::sim::low_latency::{Hints, LowLatency};
use crate::sim::{Film, Sim, Weather, mins, ms, secs, sim};
use crate::{Command, Event, PlayerConfig};

fn live(seed: u64, origin: &LowLatency) -> Sim {
    let mut sim = sim(seed);
    sim.net.serve_origin(origin.clone());
    sim.play(&LowLatency::url());
    sim
}

/// How far playback is behind what is being made.
fn latency(sim: &Sim) -> Time {
    LowLatency::edge(sim.now()) - sim.position()
}

fn lists(sim: &Sim) -> usize {
    let asked = sim.net.asked.iter();
    asked.filter(|it| it.1.contains("list.m3u8")).count()
}

/// How often each part and segment was asked for, the most.
fn most_asked(sim: &Sim) -> usize {
    let media = |url: &&String| url.contains(".ts");
    let asked: Vec<&String> = sim.net.asked.iter().map(|it| &it.1).collect();
    let urls = asked.iter().copied().filter(|url| media(url));
    let times = urls.map(|url| asked.iter().filter(|it| **it == url).count());
    times.max().unwrap_or(0)
}

fn assert_plays(sim: &Sim, most: Time) {
    assert!(errors(sim).is_empty(), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().stalls, 0, "{:#?}", sim.events);
    let behind = latency(sim);
    assert!(behind < most, "{behind} behind");
}

#[test]
fn parts_play_near_to_the_edge_without_a_stall_or_a_storm() {
    let mut sim = live(1, &LowLatency::new());
    assert!(sim.run_until(secs(2), |it| matches!(it, Event::FirstFrame { .. })));
    assert!(sim.now() < ms(200), "{}", sim.now());
    sim.run_for(mins(1));
    // PART-HOLD-BACK is 1.5 s; to it comes the part that is being made, and the start.
    assert_plays(&sim, ms(2_500));
    assert!(latency(&sim) > ms(1_200), "{}", latency(&sim));
    let stats = sim.engine().stats();
    assert!(
        stats.frames_shown > 590 && stats.frames_dropped == 0,
        "{stats:?}"
    );
    // Two a second.
    assert!((115..=130).contains(&lists(&sim)), "{}", lists(&sim));
    assert_eq!(most_asked(&sim), 1, "each part comes once");
}

#[test]
fn each_habit_of_a_server_is_lived_with() {
    let usual = LowLatency::new();
    let habits = [
        (
            "no hints",
            LowLatency {
                hints: Hints::None,
                ..usual.clone()
            },
        ),
        (
            "ranges that grow",
            LowLatency {
                hints: Hints::Ranges,
                ..usual.clone()
            },
        ),
        (
            "hints that are not there",
            LowLatency {
                hints: Hints::Missing,
                ..usual.clone()
            },
        ),
        (
            "hints that never come",
            LowLatency {
                hints: Hints::Wrong,
                ..usual.clone()
            },
        ),
        (
            "delta updates",
            LowLatency {
                delta: Some(true),
                ..usual.clone()
            },
        ),
        (
            "a part that is missing",
            LowLatency {
                gap: Some((40, 1)),
                ..usual.clone()
            },
        ),
    ];
    for (habit, origin) in habits {
        let mut sim = live(2, &origin);
        sim.run_for(mins(1));
        assert!(errors(&sim).is_empty(), "{habit}: {:#?}", sim.events);
        // What is missing is a hole of half a second, which may be waited through.
        let holes = u64::from(origin.gap.is_some());
        assert!(sim.engine().stats().stalls <= holes, "{habit}");
        assert!(sim.stalled() < ms(700), "{habit}: {}", sim.stalled());
        assert!(latency(&sim) < ms(2_700), "{habit}: {}", latency(&sim));
        assert!(
            (115..=130).contains(&lists(&sim)),
            "{habit}: {}",
            lists(&sim)
        );
        assert!(most_asked(&sim) <= 2, "{habit}: {}", most_asked(&sim));
    }
}

#[test]
fn ranges_of_a_segment_that_grows_come_by_one_request() {
    let origin = LowLatency {
        hints: Hints::Ranges,
        ..LowLatency::new()
    };
    let mut sim = live(3, &origin);
    sim.run_for(mins(1));
    assert_plays(&sim, ms(2_700));
    let media = sim
        .net
        .asked
        .iter()
        .filter(|it| it.1.ends_with(".ts"))
        .count();
    assert!(media <= 40, "{media} for thirty segments");
}

#[test]
fn delta_updates_are_asked_for_and_one_that_does_not_fit_is_answered_by_the_whole() {
    let skips = |sim: &Sim| {
        let asked = sim.net.asked.iter();
        asked.filter(|it| it.1.contains("_HLS_skip=YES")).count()
    };
    let fits = LowLatency {
        delta: Some(true),
        ..LowLatency::new()
    };
    let mut sim = live(4, &fits);
    sim.run_for(secs(30));
    assert_plays(&sim, ms(2_500));
    assert!(skips(&sim) > 50, "{}", skips(&sim));
    let unfit = LowLatency {
        delta: Some(false),
        ..LowLatency::new()
    };
    let mut sim = live(4, &unfit);
    sim.run_for(secs(30));
    assert_plays(&sim, ms(3_000));
    assert!(lists(&sim) < 140, "{}", lists(&sim));
}

#[test]
fn a_server_that_does_not_block_though_it_says_so_is_not_hammered() {
    let origin = LowLatency {
        blocks: false,
        ..LowLatency::new()
    };
    let mut sim = live(5, &origin);
    sim.run_for(secs(30));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert!(lists(&sim) < 130, "{}", lists(&sim));
    assert!(latency(&sim) < ms(3_000), "{}", latency(&sim));
}

#[test]
fn a_server_that_refuses_directives_is_asked_without() {
    let origin = LowLatency {
        takes_directives: false,
        ..LowLatency::new()
    };
    let mut sim = live(6, &origin);
    sim.run_for(secs(30));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    let directed = sim
        .net
        .asked
        .iter()
        .filter(|it| it.1.contains("_HLS_"))
        .count();
    assert_eq!(directed, 2);
    assert!(lists(&sim) < 130, "{}", lists(&sim));
    assert!(latency(&sim) < ms(3_500), "{}", latency(&sim));
}

#[test]
fn a_part_that_can_not_be_had_is_read_with_its_segment_and_nothing_comes_twice() {
    let origin = LowLatency {
        lost_part: Some((35, 2)),
        ..LowLatency::new()
    };
    let mut sim = live(7, &origin);
    sim.run_for(mins(1));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert!(sim.net.asked.iter().any(|it| it.1.ends_with("/35.ts")));
    let back: Vec<_> = sim
        .shown
        .windows(2)
        .filter(|two| two[1].1 <= two[0].1)
        .collect();
    assert!(back.is_empty(), "{back:?}");
    assert!(latency(&sim) < ms(3_500), "{}", latency(&sim));
}

#[test]
fn an_origin_that_begins_anew_is_played_on() {
    let origin = LowLatency {
        restarts: Some(secs(20)),
        ..LowLatency::new()
    };
    let mut sim = live(8, &origin);
    sim.run_for(secs(40));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    let last = sim.shown.last().map(|shown| shown.0);
    assert!(last.is_some_and(|at| at > secs(39)), "{last:?}");
    assert!(sim.shown.len() > 340, "{}", sim.shown.len());
}

#[test]
fn after_a_pause_it_catches_up_with_the_edge() {
    let mut sim = live(9, &LowLatency::new());
    sim.run_for(secs(10));
    sim.command(Command::Pause);
    sim.run_for(secs(4));
    sim.command(Command::Start);
    sim.run_for(secs(40));
    assert_plays(&sim, ms(3_200));
}

#[test]
fn a_slow_network_costs_latency_and_no_storm() {
    let mut sim = sim(10);
    sim.net.serve_origin(LowLatency::new());
    sim.net.weather = Weather {
        latency: ms(300),
        bytes_per_second: 60_000,
    };
    sim.play(&LowLatency::url());
    sim.run_for(mins(1));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert!(lists(&sim) < 130, "{}", lists(&sim));
    assert!(latency(&sim) < ms(4_000), "{}", latency(&sim));
}

#[test]
fn renditions_are_changed_at_the_edge_by_what_the_reports_say() {
    let config = PlayerConfig {
        default_bandwidth: Some(50_000),
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(11, config);
    sim.net.serve_origin(LowLatency::new());
    let base = LowLatency::BASE;
    let list = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=40000\na/list.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nb/list.m3u8\n";
    sim.net.serve(&format!("{base}main.m3u8"), list);
    sim.play(&format!("{base}main.m3u8"));
    sim.run_for(mins(1));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    let first = sim.net.asked.iter().find(|it| it.1.contains("/b/list"));
    let first = first
        .map(|it| it.1.clone())
        .expect("the better one is taken");
    assert!(
        first.contains("_HLS_msn=") && first.contains("_HLS_part=3"),
        "{first}"
    );
    assert_plays(&sim, ms(4_000));
    let shown: Vec<Time> = sim.shown.iter().map(|shown| shown.1).collect();
    assert!(shown.is_sorted(), "pictures go on");
}

#[test]
fn a_recorded_session_by_parts_runs_the_same_again() {
    let (recording, sink) = Recording::begin();
    let mut sim = Sim::recorded(12, PlayerConfig::default(), sink);
    sim.net.serve_origin(LowLatency {
        delta: Some(true),
        lost_part: Some((35, 2)),
        ..LowLatency::new()
    });
    sim.play(&LowLatency::url());
    sim.run_for(secs(20));
    let reported = sim.events.len();
    drop(sim);
    recording.runs_again(reported);
}

#[test]
fn an_init_section_that_is_hinted_at_is_there_before_it_is_named_and_may_be_missing() {
    let (init, segments) = Film::fmp4();
    let url = |name: &str| format!("{}{name}", LowLatency::BASE);
    let list = |hint: &str| {
        let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=5\n".to_owned();
        text += "#EXT-X-MAP:URI=\"init.mp4\"\n";
        for number in 0..3 {
            text += &format!("#EXTINF:2,\n{number}.m4s\n");
        }
        text + &format!("#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"{hint}\"\n")
    };
    let mut sim = sim(13);
    sim.net.serve(&url("init.mp4"), init.clone());
    sim.net.serve(&url("next.mp4"), init);
    for (number, data) in segments.into_iter().enumerate() {
        sim.net.serve(&url(&format!("{number}.m4s")), data);
    }
    sim.net.serve(&url("list.m3u8"), list("next.mp4"));
    sim.net
        .serve_from(secs(2), &url("list.m3u8"), list("missing.mp4"));
    sim.play(&url("list.m3u8"));
    sim.run_for(secs(5));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert!(sim.position() > secs(4), "{}", sim.position());
    let asked = |name: &str| {
        let all = sim.net.asked.iter();
        all.filter(|it| it.1.ends_with(name)).count()
    };
    assert_eq!((asked("init.mp4"), asked("next.mp4")), (1, 1));
    assert!(
        (1..=8).contains(&asked("missing.mp4")),
        "{}",
        asked("missing.mp4")
    );
}

#[test]
fn segments_that_are_encrypted_as_a_whole_are_waited_for_and_play() {
    for hints in [Hints::Parts, Hints::Ranges, Hints::None] {
        let origin = LowLatency {
            key: Some([7; 16]),
            hints,
            ..LowLatency::new()
        };
        let mut sim = live(20, &origin);
        sim.run_for(mins(1));
        // Packagers do not agree what the chain of blocks means for parts: none is asked for.
        assert_plays(&sim, ms(10_000));
        let stats = sim.engine().stats();
        assert!(stats.frames_shown > 500, "{stats:?}");
        assert_eq!((stats.corrupt_packets, most_asked(&sim)), (0, 1));
        let is_part = |url: &str| url.ends_with(".ts") && url.matches('.').count() > 2;
        assert!(!sim.net.asked.iter().any(|it| is_part(&it.1)));
    }
}
