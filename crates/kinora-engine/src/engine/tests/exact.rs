//! An exact seek shows the picture that is on screen at its time, whatever the source.

use kinora_media::Time;

use super::{URL, is_first, is_seek_end, served};
use crate::sim::{Damage, Film, Sim, ms, secs, sim};
use crate::{Command, Event, Role, SeekAccuracy};

pub(super) const LIST: &str = "http://films.test/vod/list.m3u8";

/// Ten pictures a second: the one that is on screen at a time.
fn on_screen(target: Time, pictures: i64) -> Time {
    ms(100 * (target.as_millis() / 100).clamp(0, pictures - 1))
}

/// Seeks; gives the picture that is shown then.
pub(super) fn shown_at(sim: &mut Sim, target: Time) -> Time {
    let (before, ends) = (sim.shown.len(), sim.count(is_seek_end));
    sim.seek(target, SeekAccuracy::Exact);
    // It may be answered at once.
    assert!(
        sim.count(is_seek_end) > ends || sim.run_until(secs(10), is_seek_end),
        "{target}: {:#?}",
        sim.events
    );
    let pts = sim.events.iter().rev().find_map(|(_, event)| match event {
        Event::SeekEnd { pts, .. } => Some(*pts),
        _ => None,
    });
    assert_eq!(sim.shown.len(), before + 1, "one picture, for {target}");
    let shown = sim.shown[before].1;
    assert_eq!(pts, Some(shown));
    shown
}

pub(super) fn vod(extinf: &str) -> Sim {
    vod_by(sim(3), extinf)
}

/// A playlist of segments that are said to be so long.
pub(super) fn vod_by(mut sim: Sim, extinf: &str) -> Sim {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n".to_owned();
    for (number, data) in Film::ts_segments().into_iter().enumerate() {
        let url = format!("http://films.test/vod/{number}.ts");
        sim.net.serve(&url, data);
        text += &format!("#EXTINF:{extinf},\n{number}.ts\n");
    }
    sim.net.serve(LIST, text + "#EXT-X-ENDLIST\n");
    sim
}

const TIMES: [i64; 18] = [
    0, 1, 99, 100, 101, 950, 999, 1_000, 1_001, 3_333, 4_999, 5_000, 5_050, 7_350, 7_399, 7_400,
    7_850, 7_899,
];

#[test]
fn the_picture_on_screen_is_shown_and_the_position_is_the_time_asked_for() {
    for index_behind in [false, true] {
        let mut sim = sim(1);
        sim.net.serve(
            URL,
            match index_behind {
                true => Film::mp4_index_behind(),
                false => Film::mp4(),
            },
        );
        sim.open(URL);
        assert!(sim.run_until(secs(2), is_first));
        for time in TIMES.map(ms) {
            assert_eq!(shown_at(&mut sim, time), on_screen(time, 120), "{time}");
            assert_eq!(sim.position(), time);
        }
        for time in TIMES.map(ms).into_iter().rev() {
            assert_eq!(shown_at(&mut sim, time), on_screen(time, 120), "{time}");
        }
    }
}

#[test]
fn the_same_holds_in_a_transport_stream_and_in_playlists() {
    let mut ts = sim(2);
    ts.net.serve(URL, Film::ts());
    ts.open(URL);
    let mut playlist = vod("2");
    playlist.open(LIST);
    for mut sim in [ts, playlist] {
        assert!(sim.run_until(secs(2), is_first));
        let begins = sim.shown[0].1;
        for time in TIMES.map(ms) {
            let shown = shown_at(&mut sim, time + begins);
            let off = shown - begins - on_screen(time, 80);
            // A clock of 90 kHz, and one that the playlist rounds.
            assert!(off.abs() < ms(1), "{time}: {shown}");
        }
    }
}

#[test]
fn a_playlist_that_rounds_its_durations_down_leads_to_the_same_picture() {
    // By the playlist 5.95 s lies in the segment that truly begins at 6 s.
    for extinf in ["1.96", "1.9"] {
        let mut sim = vod(extinf);
        sim.open(LIST);
        assert!(sim.run_until(secs(2), is_first));
        for time in [5_950, 3_990, 3_910, 1_990, 1_950].map(ms) {
            assert_eq!(
                shown_at(&mut sim, time).as_millis() / 10 * 10,
                on_screen(time, 80).as_millis(),
                "{extinf}, {time}"
            );
        }
    }
}

#[test]
fn behind_the_end_the_last_picture_is_shown_and_before_the_start_the_first() {
    let mut sim = served(4);
    sim.open(URL);
    assert!(sim.run_until(secs(2), is_first));
    for (asked, expected) in [
        (ms(11_999), ms(11_900)),
        (secs(12), ms(11_900)),
        (secs(99), ms(11_900)),
        (ms(-500), Time::ZERO),
    ] {
        assert_eq!(shown_at(&mut sim, asked), expected, "{asked}");
    }
}

#[test]
fn a_seek_before_the_headers_are_there_shows_the_picture_on_screen() {
    let mut sim = served(5);
    sim.open(URL);
    sim.seek(ms(6_575), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(2), is_seek_end));
    assert_eq!(sim.shown.last().map(|shown| shown.1), Some(ms(6_500)));
}

#[test]
fn playing_on_goes_from_the_time_asked_for() {
    let mut sim = served(6);
    sim.play(URL);
    sim.run_for(secs(2));
    sim.seek(ms(7_345), SeekAccuracy::Exact);
    assert!(sim.run_until(secs(2), is_seek_end));
    assert_eq!(sim.shown.last().map(|shown| shown.1), Some(ms(7_300)));
    let from = sim.shown.len();
    sim.run_for(secs(1));
    let next: Vec<Time> = sim.shown[from..]
        .iter()
        .map(|shown| shown.1)
        .take(3)
        .collect();
    assert_eq!(next, [ms(7_400), ms(7_500), ms(7_600)]);
    assert!(
        (sim.position() - ms(8_345)).abs() < ms(80),
        "{}",
        sim.position()
    );
    sim.command(Command::Pause);
}

#[test]
fn a_link_that_is_slow_shows_the_right_picture_too() {
    let mut sim = served(7);
    sim.net.weather.bytes_per_second = 12_000;
    sim.open(URL);
    assert!(sim.run_until(secs(20), is_first));
    for time in [9_999, 2_050, 8_001].map(ms) {
        assert_eq!(shown_at(&mut sim, time), on_screen(time, 120), "{time}");
    }
}

#[test]
fn what_is_decoded_for_others_is_not_reported() {
    let mut sim = served(8);
    sim.open(URL);
    assert!(sim.run_until(secs(2), is_first));
    for time in [3_720, 6_950, 2_000].map(ms) {
        let before = sim.ready.len();
        let shown = shown_at(&mut sim, time);
        sim.run_for(secs(1));
        let reported = &sim.ready[before..];
        let is_early = |(role, pts): &&(Role, Time)| match role {
            Role::Video => *pts < shown,
            Role::Audio | Role::Text => *pts + ms(50) < time,
        };
        assert_eq!(reported.iter().find(is_early), None, "{time}");
        for role in [Role::Video, Role::Audio] {
            assert!(reported.iter().any(|(of, _)| *of == role), "{role:?}");
        }
    }
}

#[test]
fn where_the_picture_on_screen_is_damaged_the_one_before_it_answers() {
    let mut sim = served(9);
    sim.open(URL);
    assert!(sim.run_until(secs(2), is_first));
    sim.break_decoder(Role::Video, Damage::EveryNth(3));
    for time in (1..12).map(|n| ms(n * 970)) {
        let shown = shown_at(&mut sim, time);
        // Pictures that nothing refers to are passed over: the one before may be four of them back.
        let before = time - shown;
        assert!(before >= Time::ZERO && before <= ms(500), "{time}: {shown}");
    }
}
