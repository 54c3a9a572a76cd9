//! Sound with playlists of its own, in the simulator.

use bytes::Bytes;
use kinora_errors::{Secret, codes};
use kinora_media::{Time, TrackKind};

use super::{errors, is_completion, is_first, is_seek_end};
use crate::sim::{Film, NetFault, Sim, mins, ms, secs, sim};
use crate::{Command, Credential, Event, PlayerConfig, SeekAccuracy, TrackChoice};

pub(super) const MASTER: &str = "http://films.test/v1/master.m3u8";
const SEGMENTS: usize = 20;

/// The media playlist of so many segments of 2 s, whose clock begins anew every four.
pub(super) fn media(count: usize, name: impl Fn(usize) -> String) -> String {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    for number in 0..count {
        if number % 4 == 0 {
            text += "#EXT-X-DISCONTINUITY\n";
        }
        text += &format!("#EXTINF:2,\n{}\n", name(number));
    }
    text + "#EXT-X-ENDLIST\n"
}

/// 40 s in two qualities without sound, and their sound in two languages.
pub(super) fn serve_sound(sim: &mut Sim, version: &str) -> String {
    let place = format!("http://films.test/{version}");
    let mut text = "#EXTM3U\n".to_owned();
    for (name, language, default) in [("English", "en", "YES"), ("Français", "fr", "NO")] {
        text += &format!(
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"s\",NAME=\"{name}\",LANGUAGE=\"{language}\",DEFAULT={default},\
             AUTOSELECT=YES,URI=\"{language}/list.m3u8\"\n"
        );
    }
    for (name, bandwidth) in [("low", 40_000), ("high", 400_000)] {
        text += &format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION=64x48,AUDIO=\"s\"\n{name}/list.m3u8\n"
        );
    }
    let url = format!("{place}/master.m3u8");
    sim.net.serve(&url, text);
    serve_folder(sim, &format!("{place}/en"), &Film::sound_segments());
    serve_folder(sim, &format!("{place}/fr"), &Film::sound_segments());
    serve_folder(sim, &format!("{place}/low"), &Film::picture_segments());
    serve_folder(sim, &format!("{place}/high"), &Film::picture_segments());
    url
}

/// A media playlist and its segments.
fn serve_folder(sim: &mut Sim, folder: &str, data: &[Bytes; 4]) {
    let list = media(SEGMENTS, |number| format!("{number}.ts"));
    sim.net.serve(&format!("{folder}/list.m3u8"), list);
    for number in 0..SEGMENTS {
        let url = format!("{folder}/{number}.ts");
        sim.net.serve(&url, data[number % 4].clone());
    }
}

const GROUPS: &str = "http://films.test/v1/groups.m3u8";

/// The better pictures have better sound, in a group of its own.
fn film_with_two_groups(seed: u64) -> Sim {
    let mut sim = film(seed);
    let mut text = "#EXTM3U\n".to_owned();
    for (group, suffix) in [("s", ""), ("h", "-high")] {
        for (name, language, default) in [("English", "en", "YES"), ("Français", "fr", "NO")] {
            text += &format!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"{name}\",DEFAULT={default},\
                 AUTOSELECT=YES,URI=\"{language}{suffix}/list.m3u8\"\n"
            );
        }
    }
    text += "#EXT-X-STREAM-INF:BANDWIDTH=20000,AUDIO=\"s\"\nlow/list.m3u8\n";
    text += "#EXT-X-STREAM-INF:BANDWIDTH=1000000,AUDIO=\"h\"\nhigh/list.m3u8\n";
    sim.net.serve(GROUPS, text);
    for folder in ["en-high", "fr-high"] {
        let folder = format!("http://films.test/v1/{folder}");
        serve_folder(&mut sim, &folder, &Film::sound_segments());
    }
    sim
}

fn film(seed: u64) -> Sim {
    let mut sim = sim(seed);
    serve_sound(&mut sim, "v1");
    sim
}

/// How often a segment of that folder was asked for.
fn asked(sim: &Sim, folder: &str) -> usize {
    let part = format!("/{folder}/");
    let is = |asked: &&(Time, String, u64)| asked.1.contains(&part) && asked.1.ends_with(".ts");
    sim.net.asked.iter().filter(is).count()
}

fn recovered(sim: &Sim) -> usize {
    sim.count(|event| matches!(event, Event::Recovered(_)))
}

fn plays_on(sim: &mut Sim, time: Time) {
    let from = sim.position();
    sim.run_for(time);
    let off = (sim.position() - from - time).abs();
    assert!(off < ms(700), "off by {off}: {:#?}", sim.events);
}

#[test]
fn separate_sound_plays_in_step_with_the_pictures_to_the_end() {
    let mut sim = film(1);
    sim.play(MASTER);
    assert!(sim.run_until(secs(2), is_first));
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    let stats = sim.engine().stats();
    assert!(stats.frames_shown >= 396, "{stats:?}");
    assert_eq!(stats.stalls, 0, "{stats:?}");
    assert!(stats.av_offset_max_us <= 50_000, "{stats:?}");
    assert!((sim.now() - secs(40)).abs() < ms(700), "{}", sim.now());
    assert_eq!((asked(&sim, "en"), asked(&sim, "fr")), (20, 0));
}

#[test]
fn without_pictures_only_the_sound_beside_them_is_fetched() {
    let config = PlayerConfig {
        disable_video: true,
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(3, config);
    serve_sound(&mut sim, "v1");
    sim.play(MASTER);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    assert_eq!((asked(&sim, "en"), asked(&sim, "fr")), (20, 0));
    assert_eq!((asked(&sim, "low"), asked(&sim, "high")), (0, 0));
    assert!(!sim.net.asked.iter().any(|asked| asked.1.contains("/low/")));
    assert!((sim.now() - secs(40)).abs() < ms(700), "{}", sim.now());
}

#[test]
fn without_pictures_a_variant_of_sound_alone_is_played() {
    let config = PlayerConfig {
        disable_video: true,
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(4, config);
    serve_sound(&mut sim, "v1");
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=40000,RESOLUTION=64x48,CODECS=\"avc1.42c01e,mp4a.40.2\"\n\
        low/list.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=9000,CODECS=\"mp4a.40.2\"\nfr/list.m3u8\n";
    sim.net.serve(MASTER, text);
    sim.play(MASTER);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert_eq!((asked(&sim, "fr"), asked(&sim, "low")), (20, 0));
}

#[test]
fn without_sound_only_the_pictures_are_fetched() {
    let config = PlayerConfig {
        disable_audio: true,
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(5, config);
    serve_sound(&mut sim, "v1");
    sim.play(MASTER);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert_eq!((asked(&sim, "en"), asked(&sim, "fr")), (0, 0));
    assert_eq!(asked(&sim, "low") + asked(&sim, "high"), 20);
}

#[test]
fn a_seek_moves_sound_and_pictures_alike() {
    let mut sim = film(2);
    sim.net.weather.bytes_per_second = 20_000;
    sim.play(MASTER);
    assert!(sim.run_until(secs(3), is_first));
    sim.seek(ms(30_550), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(5), is_seek_end), "{:#?}", sim.events);
    let before = sim.shown.last().map(|shown| ms(30_550) - shown.1);
    assert!(before.is_some_and(|before| before < ms(100)), "{before:?}");
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let stats = sim.engine().stats();
    assert!(stats.av_offset_max_us <= 50_000, "{stats:?}");
}

#[test]
fn other_pictures_keep_the_sound() {
    let mut sim = film(3);
    sim.play(MASTER);
    sim.run_for(secs(4));
    sim.command(Command::SelectTrack(TrackChoice::Index(3)));
    sim.run_for(secs(4));
    sim.command(Command::SelectTrack(TrackChoice::Index(0)));
    plays_on(&mut sim, secs(6));
    assert!(asked(&sim, "low") > 0);
    let tracks = sim.engine().tracks().unwrap();
    let selected: Vec<u32> = tracks
        .iter()
        .filter(|track| track.selected)
        .map(|track| track.index)
        .collect();
    assert_eq!(selected, [0, 3]);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
}

#[test]
fn pictures_that_adapt_do_not_touch_the_sound() {
    let mut sim = film(4);
    sim.net.weather.bytes_per_second = 1_000_000;
    sim.play(MASTER);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert_eq!(asked(&sim, "en"), SEGMENTS, "each once");
    assert_eq!(recovered(&sim), 0);
}

#[test]
fn renditions_of_the_sound_are_tracks_with_their_names() {
    let mut sim = film(5);
    sim.play(MASTER);
    sim.run_for(secs(2));
    let tracks = sim.engine().tracks().unwrap();
    let sounds: Vec<(u32, &str, bool)> = tracks
        .iter()
        .filter(|track| track.kind == TrackKind::Audio)
        .map(|track| (track.index, track.label.as_str(), track.selected))
        .collect();
    assert_eq!(
        sounds,
        [(2, "English (en)", true), (3, "Français (fr)", false)]
    );
}

#[test]
fn another_language_plays_from_here_and_the_pictures_are_not_loaded_again() {
    let mut sim = film(6);
    sim.play(MASTER);
    sim.run_for(secs(8));
    let pictures = asked(&sim, "high") + asked(&sim, "low");
    sim.command(Command::SelectTrack(TrackChoice::Index(3)));
    plays_on(&mut sim, secs(6));
    assert_eq!(
        sim.count(|event| matches!(event, Event::TrackChanged { index: 3 })),
        1
    );
    assert!(asked(&sim, "fr") > 0);
    let again = asked(&sim, "high") + asked(&sim, "low");
    assert!(
        again <= SEGMENTS && again >= pictures,
        "{pictures} then {again}"
    );
    let tracks = sim.engine().tracks().unwrap();
    let fr = tracks.iter().find(|track| track.index == 3).unwrap();
    assert!(fr.selected, "{tracks:?}");
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    let stats = sim.engine().stats();
    assert!(stats.av_offset_max_us <= 50_000, "{stats:?}");
}

#[test]
fn the_language_stays_when_other_pictures_bring_sound_of_another_group() {
    for fails in [false, true] {
        let mut sim = film_with_two_groups(10);
        sim.net.weather.bytes_per_second = 20_000;
        sim.play(GROUPS);
        assert!(sim.run_until(secs(2), is_first));
        sim.command(Command::SelectTrack(TrackChoice::Index(3)));
        sim.run_for(secs(3));
        match fails {
            true => {
                let missing = NetFault::Status(404);
                sim.net.fault(sim.now(), mins(5), "/high/", missing);
            }
            false => sim.command(Command::SelectTrack(TrackChoice::Index(0))),
        }
        assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
        let counts = ["high", "low", "fr-high", "fr", "en"].map(|folder| asked(&sim, folder));
        let [high, low, fr_high, fr, en] = counts;
        assert!(high > 0 && low > 0 && fr_high > 0 && fr > 0, "{counts:?}");
        assert_eq!(en, 0, "{counts:?}");
        assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
        let stats = sim.engine().stats();
        assert!(stats.frames_shown >= 396, "{stats:?}");
        assert!(stats.av_offset_max_us <= 50_000, "{stats:?}");
        assert!((sim.now() - secs(40)).abs() < secs(2), "{}", sim.now());
    }
}

#[test]
fn sound_that_fails_gives_way_to_another_rendition_of_its_group() {
    let mut sim = film(7);
    sim.net
        .fault(secs(2), mins(5), "/en/", NetFault::Status(404));
    sim.net.weather.bytes_per_second = 20_000;
    sim.play(MASTER);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    assert_eq!(recovered(&sim), 1);
    assert!(asked(&sim, "en") >= 1 && asked(&sim, "fr") >= 1);
    assert!(asked(&sim, "en") + asked(&sim, "fr") <= SEGMENTS + 2);
    assert!((sim.now() - secs(40)).abs() < secs(2), "{}", sim.now());
}

#[test]
fn without_any_audio_the_video_plays_on_and_it_is_reported() {
    for from in [Time::ZERO, secs(3)] {
        let mut sim = film(8);
        for folder in ["/en/", "/fr/"] {
            sim.net.fault(from, mins(5), folder, NetFault::Status(404));
        }
        sim.net.weather.bytes_per_second = 20_000;
        sim.play(MASTER);
        assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
        assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
        assert_eq!(recovered(&sim), 2, "{:#?}", sim.events);
        let stats = sim.engine().stats();
        assert!(stats.frames_shown >= 396, "from {from}: {stats:?}");
        assert!((sim.now() - secs(40)).abs() < secs(2), "{}", sim.now());
    }
}

#[test]
fn an_expired_address_is_renewed_for_sound_and_pictures() {
    let mut sim = film(9);
    serve_sound(&mut sim, "v2");
    sim.net.weather.bytes_per_second = 20_000;
    sim.net
        .fault(secs(3), mins(5), "/v1/", NetFault::Status(403));
    sim.play(MASTER);
    let is_expired = |event: &Event| matches!(event, Event::CredentialExpired(_));
    assert!(sim.run_until(secs(10), is_expired), "{:#?}", sim.events);
    let fresh = Secret::new("http://films.test/v2/master.m3u8");
    sim.command(Command::Refresh(Credential::Url(fresh)));
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.count(is_expired), 1, "{:#?}", sim.events);
    let mended = |event: &Event| matches!(event, Event::Recovered(fault) if fault.code() == codes::ERROR_NETWORK_HTTP_403);
    assert!(sim.count(mended) >= 1);
    assert!(sim.engine().stats().frames_shown >= 396);
}
