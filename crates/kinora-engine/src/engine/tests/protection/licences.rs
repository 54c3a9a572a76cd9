//! Licences of ClearKey from a server that the manifest names, and keys that a playlist holds itself.

use super::*;
use crate::sim::NetFault;

const MPD: &str = "http://films.test/vod/film.mpd";
const SERVER: &str = "http://keys.test/licence";
/// `[1; 16]` and `[7; 16]` in base64url.
const KID: &str = "AQEBAQEBAQEBAQEBAQEBAQ";
const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBw";

/// A key that lies in the playlist.
const NAMED: &str = "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:application/octet-stream;base64,BwcHBwcHBwcHBwcHBwcHBw==\"\n";

fn licence(kid: &str) -> String {
    format!(
        "{{\"keys\":[{{\"kty\":\"oct\",\"kid\":\"{kid}\",\"k\":\"{KEY}\"}}],\"type\":\"temporary\"}}"
    )
}

/// A film whose pictures are encrypted; ClearKey gives their key at that URL.
fn serve_mpd(sim: &mut Sim, url: &str) {
    serve_mpd_of(sim, url, protected_parts());
}

fn serve_mpd_of(sim: &mut Sim, url: &str, (init, segments): (Vec<u8>, Vec<Vec<u8>>)) {
    sim.net.serve("http://films.test/vod/init.mp4", init);
    for (number, data) in segments.into_iter().enumerate() {
        let url = format!("http://films.test/vod/{number}.m4s");
        sim.net.serve(&url, data);
    }
    sim.net.serve(
        MPD,
        format!(
            "<MPD type='static'><Period duration='PT6S'><AdaptationSet mimeType='video/mp4'>\
             <ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' value='cenc'/>\
             <ContentProtection schemeIdUri='urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed'><ms:laurl>http://widevine.test/</ms:laurl></ContentProtection>\
             <ContentProtection schemeIdUri='urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e' value='ClearKey1.0'><dashif:Laurl licenseType='EME-1.0'>{url}</dashif:Laurl></ContentProtection>\
             <SegmentTemplate timescale='10' duration='20' startNumber='0' initialization='init.mp4' media='$Number$.m4s'/>\
             <Representation id='v' bandwidth='100000' codecs='avc1.64000a,mp4a.40.2'/></AdaptationSet></Period></MPD>"
        ),
    );
}

fn recovered(sim: &Sim) -> Vec<String> {
    let faults = sim.events.iter().filter_map(|(_, event)| match event {
        Event::Recovered(fault) => Some(format!("{fault:?}")),
        _ => None,
    });
    faults.collect()
}

#[test]
fn the_key_of_a_film_is_asked_for_once_and_its_pictures_show() {
    let mut sim = sim(100);
    serve_mpd(&mut sim, SERVER);
    sim.net.serve(SERVER, licence(KID));
    sim.play(MPD);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.engine().stats().frames_shown, 60);
    let asked = format!("{{\"kids\":[\"{KID}\"],\"type\":\"temporary\"}}");
    assert_eq!(sim.net.posted, [(SERVER.to_owned(), Bytes::from(asked))]);
    assert_eq!(sim.count(is_required(FIRST)), 0);
}

#[test]
fn a_key_that_the_application_gave_needs_no_licence() {
    let mut sim = sim(101);
    serve_mpd(&mut sim, SERVER);
    add_key(&mut sim, FIRST, [7; 16]);
    sim.play(MPD);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().frames_shown, 60);
    assert!(sim.net.posted.is_empty());
}

#[test]
fn what_is_wrong_with_a_licence_is_told_and_what_is_clear_plays_on() {
    for (answer, what) in [
        ("<html>sign in</html>".to_owned(), "line 1, column 1"),
        ("{\"keys\":[]}".to_owned(), "holds none of id 0101"),
        (
            licence("AgICAgICAgICAgICAgICAg"),
            "1 keys holds none of id 0101",
        ),
        (licence("AQEB"), "the id (`kid`) of its key 1"),
        ("x".repeat(300 * 1024), "bytes, which is too much"),
    ] {
        let mut sim = sim(102);
        serve_mpd(&mut sim, SERVER);
        sim.net.serve(SERVER, answer);
        sim.play(MPD);
        assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
        assert_eq!(sim.shown.len(), 0);
        let told = recovered(&sim);
        assert!(told.iter().any(|it| it.contains(what)), "{what}: {told:#?}");
        assert!(!told.iter().any(|it| it.contains(KEY)), "{told:#?}");
    }
}

#[test]
fn a_licence_server_that_refuses_is_told_with_its_status() {
    let mut sim = sim(103);
    serve_mpd(&mut sim, SERVER);
    sim.net
        .fault(secs(0), mins(9), "keys.test", NetFault::Status(401));
    sim.play(MPD);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    let told = recovered(&sim);
    assert!(
        told.iter()
            .any(|it| it.contains("401") && it.contains("keys.test")),
        "{told:#?}"
    );
}

#[test]
fn a_manifest_may_not_have_a_licence_asked_for_at_a_file() {
    let mut sim = sim(104);
    serve_mpd(&mut sim, "file:///etc/passwd");
    sim.play(MPD);
    assert!(sim.run_until(secs(30), is_completion), "{:#?}", sim.events);
    assert!(sim.net.posted.is_empty());
}

#[test]
fn a_session_with_a_licence_runs_the_same_again_and_its_recording_holds_no_key() {
    runs_again(|sim| {
        serve_mpd(sim, SERVER);
        sim.net.serve(SERVER, licence(KID));
        sim.play(MPD);
    });
    runs_again(|sim| {
        serve_fragments(sim, NAMED);
        sim.play(LIST);
    });
}

fn runs_again(begin: impl FnOnce(&mut Sim)) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    let sink = Box::new(move |line: &Value| into.lock().unwrap().push(line.clone()));
    let mut sim = Sim::recorded(105, PlayerConfig::default(), sink);
    begin(&mut sim);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    let reported = sim.events.len();
    drop(sim);
    let lines = lines.lock().unwrap().clone();
    assert!(lines.iter().all(|line| !line.to_string().contains(KEY)));
    let again = replay(lines.into_iter()).unwrap();
    assert_eq!(again.difference, None);
    assert_eq!(again.events.len(), reported);
}

#[test]
fn a_playlist_may_hold_its_key_itself() {
    let key = NAMED;
    let mut plain = sim(106);
    serve_fragments(&mut plain, key);
    plain.play(LIST);
    assert!(
        plain.run_until(secs(20), is_completion),
        "{:#?}",
        plain.events
    );
    assert_eq!(plain.engine().stats().frames_shown, 60);
    let asked = plain.net.asked.iter();
    assert!(asked.clone().all(|it| !it.1.starts_with("data:")));
    for (wrong, reason) in [
        (
            key.replace("BwcHBwcHBwcHBwcHBwcHBw==", "BwcHBwc="),
            "hls.key.length",
        ),
        (key.replace("BwcH", "!"), "hls.key.malformed"),
    ] {
        let mut sim = sim(107);
        serve_fragments(&mut sim, &wrong);
        sim.play(LIST);
        assert!(sim.run_until(secs(20), is_error), "{:#?}", sim.events);
        let text = format!("{:?}", sim.events.last());
        assert!(text.contains(reason) && !text.contains("cHBw"), "{text}");
    }
}

/// A server that answers with the key that it is asked for: the content of [`SECOND`] is another one.
fn serve_rotating(sim: &mut Sim, second: &str) {
    serve_mpd_of(sim, SERVER, parts_with_keys([FIRST, SECOND, SECOND]));
    sim.net.serve(SERVER, licence(KID));
    sim.net.serve_from(secs(1), SERVER, second.to_owned());
    // What is there lasts until the other licence is served.
    sim.net.fault(ms(0), secs(1), "/1.m4s", NetFault::Silent);
}

#[test]
fn a_licence_is_asked_for_a_key_that_samples_alone_name() {
    let mut sim = sim(104);
    let second = licence("AgICAgICAgICAgICAgICAg").replace(KEY, "CAgICAgICAgICAgICAgICA");
    serve_rotating(&mut sim, &second);
    sim.play(MPD);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.engine().stats().frames_shown, 60);
    assert_eq!(sim.net.posted.len(), 2);
    assert_eq!(sim.count(is_required(SECOND)), 0);
}

#[test]
fn a_key_that_no_licence_holds_is_required_of_the_application() {
    let mut sim = sim(105);
    serve_rotating(&mut sim, "{\"keys\":[]}");
    sim.play(MPD);
    assert!(
        sim.run_until(secs(20), is_required(SECOND)),
        "{:#?}",
        sim.events
    );
    assert_eq!(sim.net.posted.len(), 2);
    add_key(&mut sim, SECOND, [8; 16]);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!((sim.shown.len(), sim.count(is_required(SECOND))), (60, 1));
}
