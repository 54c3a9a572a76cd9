//! Manifests that change, and patches to them.

use super::*;

const PATCH: &str = "http://films.test/vod/patch.mpp";

/// A live film that is told by a timeline: `made` segments of 2 s are listed.
fn listed(start: &str, version: i64, made: u32) -> String {
    format!(
        "<MPD id='m' type='dynamic' availabilityStartTime='{start}' publishTime='{}' minimumUpdatePeriod='PT2S'>\
         <PatchLocation ttl='60'>patch.mpp</PatchLocation><Period id='p' start='PT0S'>\
         <AdaptationSet id='1' mimeType='video/mp2t' contentType='video'><SegmentTemplate timescale='1' startNumber='0' media='$Number$.ts'>\
         <SegmentTimeline><S t='0' d='2' r='{}'/></SegmentTimeline></SegmentTemplate><Representation id='v' bandwidth='100000'/></AdaptationSet></Period></MPD>",
        published(version),
        made - 1
    )
}

fn published(version: i64) -> String {
    time_text(1_767_225_600_000 + version * 1_000)
}

/// From one version to the next: `made` segments are listed then.
fn patch(from: i64, made: u32) -> String {
    format!(
        "<?xml version='1.0'?><Patch xmlns='urn:mpeg:dash:schema:mpd-patch:2020' mpdId='m' originalPublishTime='{}' publishTime='{}'>\
         <replace sel=\"/MPD/@publishTime\">{}</replace>\
         <replace sel=\"/MPD/Period[@id='p']/AdaptationSet[@id='1']/SegmentTemplate/SegmentTimeline/S[1]/@r\">{}</replace></Patch>",
        published(from),
        published(from + 1),
        published(from + 1),
        made - 1
    )
}

/// The manifest, and every 2 s a patch that makes the next version of the one before.
fn serve_patched(sim: &mut Sim) {
    serve_live(sim, "", LIVE);
    let start = time_text(sim.now_unix_ms() - 60_000);
    sim.net.serve(MPD, listed(&start, 0, 30));
    for version in 0..30 {
        let from = secs(i64::from(version) * 2 + 2);
        sim.net
            .serve_from(from, PATCH, patch(version.into(), 31 + version));
    }
}

#[test]
fn a_live_stream_goes_on_by_patches_alone() {
    let mut sim = sim(50);
    serve_patched(&mut sim);
    sim.play(MPD);
    sim.run_for(secs(40));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    let stats = sim.engine().stats();
    assert!(stats.frames_shown > 330, "{stats:?}");
    assert!(asked_of(&sim, "patch.mpp") >= 15, "{:?}", sim.net.asked);
}

#[test]
fn a_patch_that_does_not_fit_leads_back_to_the_whole_manifest() {
    let mut sim = sim(51);
    serve_patched(&mut sim);
    let start = time_text(sim.now_unix_ms() - 60_000);
    sim.net
        .serve_from(secs(10), PATCH, "<Patch mpdId='another'/>");
    for version in 0..40 {
        let from = secs(10 + version * 2);
        let made = u32::try_from(35 + version).unwrap();
        sim.net
            .serve_from(from, MPD, listed(&start, 100 + version, made));
    }
    sim.play(MPD);
    sim.run_for(secs(40));
    assert!(errors(&sim).is_empty(), "{:#?}", sim.events);
    assert!(asked_of(&sim, "film.mpd") >= 2);
    let told = sim.count(|event| {
        matches!(event, Event::Recovered(fault) if fault.code() == codes::ERROR_DEMUXER_OPENURL)
    });
    assert!(told >= 1, "{:#?}", sim.events);
    let stats = sim.engine().stats();
    assert!(stats.frames_shown > 300, "{stats:?}");
}

#[test]
fn a_session_of_patches_runs_the_same_again() {
    runs_again(52, |sim| {
        serve_patched(sim);
        sim.play(MPD);
        sim.run_for(secs(20));
        assert!(asked_of(sim, "patch.mpp") >= 5);
    });
}

#[test]
fn sessions_of_every_kind_of_manifest_run_the_same_again() {
    runs_again(53, |sim| {
        serve_ladder(sim);
        sim.play(MPD);
        assert!(sim.run_until(secs(40), is_completion));
    });
    runs_again(54, |sim| {
        let it = serve_indexed(sim);
        sim.net.serve(MPD, vod(&period("duration='PT6S'", &it)));
        sim.play(MPD);
        assert!(sim.run_until(secs(3), is_first));
        sim.seek(secs(4), SeekAccuracy::Exact);
        assert!(sim.run_until(secs(40), is_completion));
    });
    runs_again(55, |sim| {
        serve_live(sim, "minimumUpdatePeriod='PT5S'", LIVE);
        sim.play(MPD);
        sim.run_for(secs(20));
    });
}
