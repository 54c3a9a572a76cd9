//! Who named what is asked for: that decides what a request may reach.

use super::is_first;
use super::sound::serve_sound;
use crate::Initiator;
use crate::sim::{Film, Sim, secs, sim};

/// What was asked for, each with the URL that named it; none: the user did.
fn named(sim: &Sim) -> Vec<(String, Option<String>)> {
    let by = |initiator: &Initiator| match initiator {
        Initiator::User => None,
        Initiator::Remote { found, .. } => Some(found.expose().to_owned()),
    };
    let asked = sim.net.asked.iter().zip(&sim.net.initiators);
    asked
        .map(|((_, url, _), initiator)| (url.clone(), by(initiator)))
        .collect()
}

#[test]
fn a_playlist_is_asked_for_in_the_name_of_the_one_that_names_it_and_a_segment_in_that_of_its_own() {
    let mut sim = sim(61);
    let master = serve_sound(&mut sim, "v1");
    sim.net.redirect("http://short.test/x", &master);
    sim.play("http://short.test/x");
    assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
    let named = named(&sim);
    assert_eq!(named[0], ("http://short.test/x".to_owned(), None));
    let (mut playlists, mut segments) = (0, 0);
    for (url, by) in &named[1..] {
        let folder = url.rsplit_once('/').unwrap().0;
        let expected = match url.ends_with(".m3u8") {
            true => {
                playlists += 1;
                master.clone()
            }
            false => {
                segments += 1;
                format!("{folder}/list.m3u8")
            }
        };
        assert_eq!(by.as_ref(), Some(&expected), "{url}");
    }
    assert!(playlists >= 2 && segments >= 2, "{named:?}");
}

#[test]
fn credentials_are_for_what_the_user_named_wherever_its_playlists_lead() {
    let mut sim = sim(62);
    let main = "http://films.test/main.m3u8";
    sim.net.serve(
        main,
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nhttp://other.test/list.m3u8\n",
    );
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXT-X-ENDLIST\n";
    sim.net.serve("http://other.test/list.m3u8", list);
    let [segment, ..] = Film::ts_segments();
    sim.net.serve("http://other.test/0.ts", segment);
    sim.net.redirect("http://short.test/x", main);
    for source in [main, "http://short.test/x"] {
        sim.net.initiators.clear();
        sim.play(source);
        assert!(sim.run_until(secs(5), is_first), "{:#?}", sim.events);
        let mut asked = sim.net.initiators.iter();
        assert!(matches!(asked.next(), Some(Initiator::User)));
        let of_user = |it: &Initiator| matches!(it, Initiator::Remote { source: named, .. } if named.expose() == source);
        assert!(asked.len() >= 2 && asked.all(of_user));
    }
}
