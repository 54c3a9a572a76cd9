//! What is held in memory while something plays for hours.

use bytes::Bytes;
use kinora_media::Time;

use super::{errors, is_first};
use crate::PlayerConfig;
use crate::sim::packager::fattened;
use crate::sim::{Film, Sim, mins, secs, sim};

/// The most that a player may hold, beside the frames of its decoders.
const MOST: u64 = 100_000_000;

/// Plays for so long; gives the most that was held in each quarter of the time.
fn held(sim: &mut Sim, span: Time) -> [u64; 4] {
    let mut quarters = [0; 4];
    for most in &mut quarters {
        let until = sim.now() + span.scale(0.25);
        while sim.now() < until {
            sim.run_for(secs(1));
            *most = sim.engine().stats().held_bytes.max(*most);
            let left = sim.net.open_requests();
            assert!(left <= 8, "{left} requests are open at {}", sim.now());
            // Nobody keeps them here.
            sim.events.clear();
            sim.net.asked.clear();
            sim.net.initiators.clear();
        }
    }
    quarters
}

/// Film of so many bytes a picture, ten of which are shown a second, in segments of 2 s for as long as an hour and a half.
pub(super) fn film(sim: &mut Sim, picture: usize) -> &'static str {
    let segments = Film::ts_segments().map(|it| Bytes::from(fattened(&it, picture)));
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    for number in 0..2_700 {
        if number % segments.len() == 0 {
            text += "#EXT-X-DISCONTINUITY\n";
        }
        text += &format!("#EXTINF:2,\n{number}.ts\n");
    }
    let list = Bytes::from(text + "#EXT-X-ENDLIST\n");
    sim.net.generate("http://films.test/", move |_, url| {
        if url.ends_with(".m3u8") {
            return Some(list.clone());
        }
        let number: usize = url.rsplit(['/', '.']).nth(1)?.parse().ok()?;
        segments.get(number % segments.len()).cloned()
    });
    sim.net.weather.bytes_per_second = 4_000_000;
    "http://films.test/film.m3u8"
}

#[test]
fn an_hour_of_full_hd_is_held_in_a_hundred_megabytes_and_no_more_at_its_end_than_at_its_beginning()
{
    let mut sim = sim(1);
    // 5 Mbit/s.
    let url = film(&mut sim, 62_500);
    sim.play(url);
    assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
    let quarters = held(&mut sim, mins(60));
    assert!(errors(&sim).is_empty());
    assert!(
        (sim.position() - mins(60)).abs() < secs(2),
        "{}",
        sim.position()
    );
    let [first, .., last] = quarters;
    assert!(first > 25_000_000, "50 s of it: {quarters:?}");
    assert!(quarters.iter().all(|most| *most < MOST), "{quarters:?}");
    assert!(last < first + first / 50, "{quarters:?}");
}

#[test]
fn what_is_kept_behind_the_position_counts_too() {
    let config = PlayerConfig {
        max_backward_buffer: std::time::Duration::from_secs(600),
        ..PlayerConfig::default()
    };
    let mut sim = Sim::new(2, config);
    // 24 Mbit/s.
    let url = film(&mut sim, 300_000);
    sim.net.weather.bytes_per_second = 20_000_000;
    sim.play(url);
    assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
    let quarters = held(&mut sim, mins(2));
    assert!(quarters[3] > MOST, "{quarters:?}");
    assert!(
        quarters.iter().all(|most| *most < 160_000_000),
        "{quarters:?}"
    );
}

/// The live playlist of a stream that has gone on for a day: 10,000 segments of 2 s, moving on by one each two seconds.
fn window(now: Time) -> Bytes {
    const SEGMENTS: i64 = 10_000;
    let first = now.max(Time::ZERO).as_millis() / 2_000;
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
        first / 4
    );
    for number in first..first + SEGMENTS {
        if number % 4 == 0 && number > first {
            text += "#EXT-X-DISCONTINUITY\n";
        }
        text += &format!("#EXTINF:2.000,\nsegments/{number:08}.ts\n");
    }
    text.into()
}

#[test]
fn a_live_playlist_of_ten_thousand_segments_is_followed_in_bounded_memory() {
    let mut sim = sim(3);
    let segments = Film::ts_segments();
    sim.net.generate("http://dvr.test/", move |now, url| {
        if url.ends_with(".m3u8") {
            return Some(window(now));
        }
        let number: usize = url.rsplit(['/', '.']).nth(1)?.parse().ok()?;
        segments.get(number % 4).cloned()
    });
    sim.net.weather.bytes_per_second = 2_000_000;
    sim.play("http://dvr.test/live.m3u8");
    assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
    let quarters = held(&mut sim, secs(40));
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.engine().stats().stalls, 0);
    assert!(
        (sim.position() - secs(20_000 - 6 + 40)).abs() < secs(8),
        "{}",
        sim.position()
    );
    assert!(
        quarters.iter().all(|most| *most < 4_000_000),
        "{quarters:?}"
    );
}
