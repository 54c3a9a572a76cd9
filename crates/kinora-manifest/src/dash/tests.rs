use super::*;
use kinora_media::{ByteRange, Time};

const fn ms(millis: i64) -> Time {
    Time::from_millis(millis)
}

fn url() -> Url {
    Url::parse("https://host.test/a/m.mpd?t=1").unwrap()
}

fn read(text: &str) -> Result<Mpd, DashError> {
    parse(text.as_bytes(), &url(), &Limits::default())
}

/// One static period of so many milliseconds with a set of video.
fn vod(millis: i64, inside: &str) -> Mpd {
    let seconds = millis as f64 / 1_000.0;
    let text = format!(
        "<MPD mediaPresentationDuration='PT{seconds}S'><Period><AdaptationSet mimeType='video/mp4'>{inside}</AdaptationSet></Period></MPD>"
    );
    read(&text).unwrap()
}

fn first(mpd: &Mpd) -> (&Period, &Representation) {
    let period = &mpd.periods[0];
    (period, &period.adaptation_sets[0].representations[0])
}

fn segments(mpd: &Mpd) -> Vec<Segment> {
    let (period, it) = first(mpd);
    it.segments(&it.base(&mpd.url), period, Window::ALL, 1_000)
        .unwrap()
}

fn names(mpd: &Mpd) -> Vec<String> {
    let segments = segments(mpd);
    let name = |it: &Segment| {
        it.resource
            .url
            .path_segments()
            .unwrap()
            .next_back()
            .unwrap()
            .to_owned()
    };
    segments.iter().map(name).collect()
}

fn times(mpd: &Mpd) -> Vec<(i64, i64)> {
    let segments = segments(mpd);
    segments
        .iter()
        .map(|it| (it.start.as_millis(), it.duration.as_millis()))
        .collect()
}

#[test]
fn a_template_by_number_names_segments_of_one_duration_the_last_one_shorter() {
    let mpd = vod(
        10_500,
        "<SegmentTemplate timescale='1000' duration='4000' startNumber='5' initialization='$RepresentationID$/i.mp4' media='$RepresentationID$/$Number%03d$.m4s'/>\
         <Representation id='v' bandwidth='1'/>",
    );
    assert_eq!(names(&mpd), ["005.m4s", "006.m4s", "007.m4s"]);
    assert_eq!(times(&mpd), [(0, 4_000), (4_000, 4_000), (8_000, 2_500)]);
    let (_, it) = first(&mpd);
    let init = it.initialization(&it.base(&mpd.url)).unwrap().unwrap();
    assert_eq!(init.url.as_str(), "https://host.test/a/v/i.mp4");
}

#[test]
fn a_template_by_time_follows_its_timeline() {
    let mpd = vod(
        9_000,
        "<SegmentTemplate timescale='1000' presentationTimeOffset='500' media='$Time$.m4s'><SegmentTimeline>\
         <S t='500' d='2000' r='1'/><S d='1000' r='-1'/><S t='6500' d='3000'/></SegmentTimeline></SegmentTemplate>\
         <Representation id='v' bandwidth='1'/>",
    );
    let wanted = ["500.m4s", "2500.m4s", "4500.m4s", "5500.m4s", "6500.m4s"];
    assert_eq!(names(&mpd), wanted);
    assert_eq!(times(&mpd)[4], (6_000, 3_000));
    let (period, it) = first(&mpd);
    assert_eq!(it.timestamp_offset(period), ms(-500));
}

#[test]
fn an_open_run_ends_with_the_period() {
    let mpd = vod(
        5_000,
        "<SegmentTemplate media='$Number$'><SegmentTimeline><S d='2' r='-1'/></SegmentTimeline></SegmentTemplate><Representation id='v'/>",
    );
    assert_eq!(names(&mpd), ["1", "2", "3"]);
}

#[test]
fn a_list_has_its_urls_and_ranges() {
    let mpd = vod(
        5_000,
        "<Representation id='v'><BaseURL>all.mp4</BaseURL><SegmentList duration='2'><Initialization range='0-99'/>\
         <SegmentURL mediaRange='100-199'/><SegmentURL media='b.mp4'/></SegmentList></Representation>",
    );
    let segments = segments(&mpd);
    assert_eq!(names(&mpd), ["all.mp4", "b.mp4"]);
    assert_eq!(segments[0].resource.range, ByteRange::of(100, 100));
    let (_, it) = first(&mpd);
    let init = it.initialization(&it.base(&mpd.url)).unwrap().unwrap();
    assert_eq!(
        (init.url.path(), init.range),
        ("/a/all.mp4", ByteRange::of(0, 100))
    );
}

#[test]
fn an_indexed_file_names_its_index() {
    let mpd = vod(
        5_000,
        "<Representation id='v'><BaseURL>v.mp4</BaseURL><SegmentBase indexRange='800-899'><Initialization range='0-799'/></SegmentBase></Representation>",
    );
    let (_, it) = first(&mpd);
    let index = it.index(&it.base(&mpd.url)).unwrap().unwrap();
    assert_eq!(
        (index.url.path(), index.range),
        ("/a/v.mp4", ByteRange::of(800, 100))
    );
    assert_eq!(times(&mpd), [(0, 5_000)]);
}

#[test]
fn periods_begin_where_those_before_them_end() {
    let of = |attributes: &str| {
        format!(
            "<Period {attributes}><AdaptationSet mimeType='video/mp4'><Representation id='v'><BaseURL>v</BaseURL></Representation></AdaptationSet></Period>"
        )
    };
    let text = [
        of("start='PT10S'"),
        of("start='PT20S' duration='PT10S'"),
        of("duration='PT10S'"),
    ];
    let mpd = read(&format!("<MPD>{}</MPD>", text.concat())).unwrap();
    let places: Vec<_> = mpd
        .periods
        .iter()
        .map(|it| (it.start.as_millis(), it.duration.map(Time::as_millis)))
        .collect();
    assert_eq!(
        places,
        [
            (10_000, Some(10_000)),
            (20_000, Some(10_000)),
            (30_000, Some(10_000))
        ]
    );
    assert_eq!(mpd.total_duration(), Some(ms(40_000)));
}

#[test]
fn segments_of_a_period_lie_within_it() {
    let mpd = read(
        "<MPD><Period duration='PT4S'><AdaptationSet mimeType='video/mp4'><SegmentTemplate media='a$Number$' duration='2'/>\
         <Representation id='v'/></AdaptationSet></Period>\
         <Period duration='PT3S'><AdaptationSet mimeType='video/mp4'><SegmentTemplate media='b$Time$' presentationTimeOffset='7'>\
         <SegmentTimeline><S t='4' d='2' r='9'/></SegmentTimeline></SegmentTemplate><Representation id='v'/></AdaptationSet></Period></MPD>",
    )
    .unwrap();
    let period = &mpd.periods[1];
    let it = &period.adaptation_sets[0].representations[0];
    let segments = it.segments(&url(), period, Window::ALL, 100).unwrap();
    let places: Vec<_> = segments
        .iter()
        .map(|it| (it.resource.url.path().to_owned(), it.start.as_millis()))
        .collect();
    assert_eq!(
        places,
        [("/a/b6".to_owned(), 3_000), ("/a/b8".to_owned(), 5_000)]
    );
}

#[test]
fn alternatives_of_each_level_are_combined_and_the_preferred_one_comes_first() {
    let mpd = read(
        "<MPD xmlns:dvb='d'><BaseURL serviceLocation='x' dvb:priority='2'>https://x.test/</BaseURL><BaseURL serviceLocation='y'>https://y.test/</BaseURL>\
         <Period><BaseURL>p/</BaseURL><AdaptationSet mimeType='audio/mp4'><Representation id='a'>\
         <BaseURL>a.mp4</BaseURL><BaseURL>https://z.test/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>",
    )
    .unwrap();
    let (_, it) = first(&mpd);
    let bases = it.base_urls.resolve(&mpd.url);
    let urls: Vec<_> = bases.iter().map(|it| it.url.as_str()).collect();
    // The absolute one stands below both of the upper ones; its priority is that of the one found first.
    assert_eq!(
        urls,
        [
            "https://y.test/p/a.mp4",
            "https://x.test/p/a.mp4",
            "https://z.test/a.mp4"
        ]
    );
    assert_eq!(bases[0].service_location.as_deref(), Some("y"));
}

#[test]
fn what_is_not_understood_is_left_out_and_told() {
    let mpd = read(
        "<MPD><Period duration='PT1S'><AdaptationSet mimeType='video/mp4'><Representation id='v'><BaseURL>v</BaseURL></Representation>\
         <Representation id='e'><EssentialProperty schemeIdUri='urn:x'/><BaseURL>e</BaseURL></Representation>\
         <Representation id='d' dependencyId='v'><BaseURL>d</BaseURL></Representation><Representation id='n'/></AdaptationSet>\
         <AdaptationSet mimeType='audio/mp4'><EssentialProperty schemeIdUri='urn:y'/><Representation id='a'><BaseURL>a</BaseURL></Representation></AdaptationSet>\
         </Period><Period xlink:href='https://ads.test/p?key=secret' xlink:actuate='onLoad'/>\
         <Period xlink:href='urn:mpeg:dash:resolve-to-zero:2013'/></MPD>",
    )
    .unwrap();
    let sets = &mpd.periods[0].adaptation_sets;
    assert_eq!(
        (sets.len(), sets[0].representations.len(), mpd.periods.len()),
        (1, 1, 2)
    );
    assert_eq!(mpd.ignored.len(), 5);
    let told: Vec<String> = mpd.ignored.iter().map(ToString::to_string).collect();
    assert!(told.iter().all(|it| !it.contains("secret")), "{told:?}");
    assert!(
        mpd.ignored
            .contains(&Ignored::EssentialProperty("urn:y".into()))
    );
    assert!(mpd.ignored.contains(&Ignored::Dependency("d".into())));
}

#[test]
fn a_manifest_that_is_all_remote_says_so() {
    let kind = |text: &str| read(text).map(|_| ()).map_err(|it| it.kind);
    assert_eq!(
        kind("<MPD><Period xlink:href='https://x.test/p'/></MPD>"),
        Err(DashErrorKind::Remote)
    );
    assert_eq!(kind("<MPD><Period/></MPD>"), Err(DashErrorKind::Nothing));
    assert_eq!(kind("<html/>"), Err(DashErrorKind::Root("MPD")));
}

#[test]
fn sets_say_what_they_hold_and_what_they_are_for() {
    let set = |text: &str| {
        let mpd = read(&format!("<MPD><Period>{text}</Period></MPD>")).unwrap();
        mpd.periods[0].adaptation_sets[0].clone()
    };
    let one = |attributes: &str, inside: &str| {
        set(&format!(
            "<AdaptationSet {attributes}>{inside}<Representation id='r' {attributes}><BaseURL>u</BaseURL></Representation></AdaptationSet>"
        ))
    };
    assert_eq!(
        one("mimeType='application/mp4' codecs='stpp.ttml.im1t'", "").content_type,
        ContentType::Text
    );
    assert_eq!(
        one("mimeType='text/vtt'", "").content_type,
        ContentType::Text
    );
    assert_eq!(
        one("codecs='mp4a.40.2' contentType='audio'", "").content_type,
        ContentType::Audio
    );
    let tiles = one(
        "mimeType='image/jpeg'",
        "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/thumbnail_tile' value='10x2'/>",
    );
    assert_eq!(
        (tiles.content_type, tiles.purpose),
        (
            ContentType::Image,
            Purpose::Thumbnails {
                columns: 10,
                rows: 2
            }
        )
    );
    let trick = one(
        "mimeType='video/mp4'",
        "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' value='1 2'/>",
    );
    assert_eq!(
        trick.purpose,
        Purpose::TrickMode(vec!["1".to_owned(), "2".to_owned()])
    );
    let role = one(
        "mimeType='audio/mp4' lang='de'",
        "<Role schemeIdUri='urn:mpeg:dash:role:2011' value='main'/><Label>Deutsch</Label>",
    );
    assert!(role.has_role("main") && !role.has_role("dub"));
    assert_eq!(
        (role.language.as_deref(), role.label()),
        (Some("de"), Some("Deutsch"))
    );
}

#[test]
fn protection_tells_key_system_and_licence() {
    let mpd = vod(
        1_000,
        "<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' value='cenc' cenc:default_KID='9eb4050d-e44b-4802-932e-27d75083e266'/>\
         <ContentProtection schemeIdUri='urn:uuid:E2719D58-A985-B3C9-781A-B030AF78D30E'><dashif:Laurl>https://l.test/key</dashif:Laurl><cenc:pssh> AAEC </cenc:pssh></ContentProtection>\
         <Representation id='v'><BaseURL>v</BaseURL></Representation>",
    );
    let (_, it) = first(&mpd);
    let [common, clear_key] = &it.protection[..] else {
        panic!("two")
    };
    assert_eq!(common.default_kid.map(|it| it[0]), Some(0x9e));
    assert_eq!(
        &*clear_key.scheme,
        "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e"
    );
    assert_eq!(clear_key.licence_url.as_deref(), Some("https://l.test/key"));
    assert_eq!(&*clear_key.pssh[0], [0, 1, 2]);
}

#[test]
fn events_lie_on_the_timeline_of_the_presentation() {
    let mpd = read(
        "<MPD><Period start='PT10S'><EventStream schemeIdUri='urn:e' value='1' timescale='1000' presentationTimeOffset='500'>\
         <Event presentationTime='1500' duration='250' id='7'>hi</Event></EventStream>\
         <AdaptationSet mimeType='video/mp4'><Representation id='v'><BaseURL>v</BaseURL></Representation></AdaptationSet></Period></MPD>",
    )
    .unwrap();
    let event = &mpd.periods[0].event_streams[0].events[0];
    assert_eq!(
        (event.id, event.start, event.duration),
        (Some(7), ms(11_000), Some(ms(250)))
    );
    assert_eq!(event.message, "hi");
}

#[test]
fn events_that_lie_elsewhere_are_told_and_those_in_their_place_count() {
    let of = |events: &str| {
        read(&format!(
            "<MPD><Period><EventStream schemeIdUri='urn:e' xlink:href='https://ads.test/e?k=s'>{events}</EventStream>\
             <AdaptationSet mimeType='video/mp4'><Representation id='v'><BaseURL>v</BaseURL></Representation></AdaptationSet></Period></MPD>"
        ))
        .unwrap()
    };
    let (none, one) = (of(""), of("<Event presentationTime='1'/>"));
    assert!(none.periods[0].event_streams.is_empty());
    assert_eq!(one.periods[0].event_streams[0].events.len(), 1);
    for mpd in [none, one] {
        assert_eq!(
            mpd.ignored,
            [Ignored::Xlink("https://ads.test/e?k=***".into())]
        );
    }
}

/// A live manifest that began in 1970, so times of day are places on its timeline.
fn live(attributes: &str, inside: &str) -> Mpd {
    read(&format!(
        "<MPD type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z' {attributes}><Period id='p' start='PT0S'>\
         <AdaptationSet mimeType='video/mp4'>{inside}<Representation id='v'/></AdaptationSet></Period></MPD>"
    ))
    .unwrap()
}

fn there(mpd: &Mpd, now: Time) -> Vec<u64> {
    let (period, it) = first(mpd);
    let segments = it.available(mpd, &url(), period, now, 100).unwrap();
    segments.iter().map(|it| it.number).collect()
}

#[test]
fn segments_are_there_from_their_end_until_the_buffer_has_passed() {
    let template = "<SegmentTemplate media='$Number$' duration='2' startNumber='0'/>";
    let mpd = live("timeShiftBufferDepth='PT6S'", template);
    assert_eq!(there(&mpd, ms(1_999)), [0u64; 0]);
    assert_eq!(there(&mpd, ms(2_000)), [0]);
    assert_eq!(there(&mpd, ms(20_500)), [7, 8, 9]);
    let all = live("", template);
    assert_eq!(
        there(&all, ms(2_000_500)).len(),
        100,
        "no more than asked for"
    );
    assert_eq!(there(&all, ms(2_000_500)).last(), Some(&999));
}

#[test]
fn segments_in_the_making_are_there_earlier() {
    let template = "<SegmentTemplate media='$Number$' duration='2' startNumber='0' availabilityTimeOffset='1.5' availabilityTimeComplete='false'/>";
    let mpd = live("", template);
    assert_eq!(there(&mpd, ms(500)), [0]);
    assert!(!first(&mpd).1.addressing.availability_time_complete);
}

#[test]
fn what_a_timeline_lists_is_there_whatever_the_clock_says() {
    let mpd = live(
        "timeShiftBufferDepth='PT2S'",
        "<SegmentTemplate media='$Time$'><SegmentTimeline><S t='100' d='2' r='2'/></SegmentTimeline></SegmentTemplate>",
    );
    assert_eq!(there(&mpd, ms(110_000)), [1, 2, 3]);
    let open = live(
        "",
        "<SegmentTemplate media='$Time$'><SegmentTimeline><S t='100' d='2' r='-1'/></SegmentTimeline></SegmentTemplate>",
    );
    assert_eq!(
        there(&open, ms(105_900)),
        [1, 2],
        "the third is in the making"
    );
}

#[test]
fn the_delay_is_the_authors_and_no_more_than_what_stays() {
    let template = "<SegmentTemplate media='$Number$' duration='2'/>";
    let delay = |attributes: &str| live(attributes, template).presentation_delay();
    assert_eq!(delay(""), ms(6_000));
    assert_eq!(delay("minBufferTime='PT8S'"), ms(8_000));
    assert_eq!(delay("suggestedPresentationDelay='PT3S'"), ms(3_000));
    assert_eq!(
        delay("suggestedPresentationDelay='PT30S' timeShiftBufferDepth='PT10S'"),
        ms(10_000)
    );
}

#[test]
fn clocks_are_those_that_can_be_read() {
    let mpd = read(
        "<MPD type='dynamic'><UTCTiming schemeIdUri='urn:mpeg:dash:utc:ntp:2014' value='n.test'/>\
         <UTCTiming schemeIdUri='urn:mpeg:dash:utc:http-xsdate:2014' value='/time'/>\
         <UTCTiming schemeIdUri='urn:mpeg:dash:utc:http-head:2014' value='https://t.test/'/>\
         <UTCTiming schemeIdUri='urn:mpeg:dash:utc:direct:2014' value='1970-01-01T00:00:05Z'/></MPD>",
    )
    .unwrap();
    let time = Url::parse("https://host.test/time").unwrap();
    let head = Url::parse("https://t.test/").unwrap();
    assert_eq!(
        mpd.clocks(),
        [Clock::Body(time), Clock::Head(head), Clock::Said(ms(5_000))]
    );
    assert_eq!(utc_time(b"1970-01-01T00:00:01.5Z\n"), Some(ms(1_500)));
    assert_eq!(utc_time(b"<html>"), None);
}

#[test]
fn a_period_that_does_not_say_when_it_begins_stays_where_it_was() {
    let version = |periods: &str, published: u32| {
        read(&format!(
            "<MPD type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z' publishTime='1970-01-01T00:00:{published:02}Z'>{periods}</MPD>"
        ))
        .unwrap()
    };
    let mut state = LiveState::new(version(
        "<Period id='a' start='PT0S' duration='PT60S'/><Period id='b' duration='PT10S'/><Period id='c'/>",
        1,
    ));
    assert_eq!(
        state.update(version(
            "<Period id='b' duration='PT10S'/><Period id='c'/>",
            2
        )),
        Update::Changed
    );
    let starts: Vec<_> = state
        .mpd()
        .periods
        .iter()
        .map(|it| it.start.as_millis())
        .collect();
    assert_eq!(starts, [60_000, 70_000]);
    // A cache gives an older one.
    assert_eq!(
        state.update(version("<Period id='a' start='PT0S'/>", 1)),
        Update::Unchanged
    );
    assert_eq!(state.mpd().periods.len(), 2);
    let moved = read("<MPD type='dynamic' availabilityStartTime='1970-01-02T00:00:00Z'><Period id='a' start='PT0S'/></MPD>").unwrap();
    assert_eq!(state.update(moved), Update::Restarted);
}

fn document(text: &str) -> Document {
    Document::parse(text.as_bytes(), &Limits::default()).unwrap()
}

const PATCHED: &str = "<MPD id='m' type='dynamic' publishTime='2020-01-01T00:00:00Z' minimumUpdatePeriod='PT2S'><Period id='1' start='PT0S'>\
     <AdaptationSet id='a/]' mimeType='video/mp4'><SegmentTemplate media='$Time$'><SegmentTimeline><S t='0' d='2'/></SegmentTimeline></SegmentTemplate>\
     <Representation id='v'/></AdaptationSet><AdaptationSet id='b' mimeType='audio/mp4'><BaseURL>a</BaseURL><Representation id='a'/></AdaptationSet></Period></MPD>";

#[test]
fn a_patch_makes_the_next_version() {
    let patch = document(
        "<Patch mpdId='m' originalPublishTime='2020-01-01T00:00:00Z' publishTime='2020-01-01T00:00:02Z'>\
         <replace sel='/MPD/@publishTime'>2020-01-01T00:00:02Z</replace>\
         <add sel=\"/MPD/Period[@id='1']/AdaptationSet[@id='a/]']/SegmentTemplate/SegmentTimeline\"><S d='3' r='1'/></add>\
         <add sel='/MPD/Period[1]/AdaptationSet[1]/SegmentTemplate/SegmentTimeline/S[1]' pos='before'><S t='0' d='1'/></add>\
         <remove sel='/MPD/Period/AdaptationSet[@id=\"b\"]'/>\
         <add sel='/MPD/Period' type='@duration'>PT9S</add><remove sel='/MPD/@minimumUpdatePeriod'/></Patch>",
    );
    assert!(patch.is_patch());
    let mpd = document(PATCHED)
        .patched(&patch)
        .unwrap()
        .mpd(&url())
        .unwrap();
    assert_eq!(mpd.publish_time, Some(ms(1_577_836_802_000)));
    assert_eq!(
        (mpd.periods[0].duration, mpd.minimum_update_period),
        (Some(ms(9_000)), None)
    );
    assert_eq!(mpd.periods[0].adaptation_sets.len(), 1);
    let (period, it) = first(&mpd);
    let segments = it.segments(&url(), period, Window::ALL, 10).unwrap();
    let starts: Vec<_> = segments.iter().map(|it| it.start.as_millis()).collect();
    assert_eq!(starts, [0, 0, 2_000, 5_000]);
}

#[test]
fn a_patch_that_does_not_fit_is_refused() {
    let of = |patch: &str| {
        document(PATCHED)
            .patched(&document(patch))
            .map(|_| ())
            .map_err(|it| it.kind)
    };
    let misfit = |what| Err(DashErrorKind::Patch(what));
    assert_eq!(
        of("<Patch mpdId='other'/>"),
        misfit("it is for another one")
    );
    assert_eq!(
        of("<Patch originalPublishTime='2020-01-01T00:00:09Z'/>"),
        misfit("it is for another version")
    );
    assert_eq!(
        of("<Patch><remove sel='/MPD/Period[@id=\"9\"]'/></Patch>"),
        misfit("a selector finds nothing")
    );
    assert_eq!(
        of("<Patch><remove sel='//Period'/></Patch>"),
        misfit("a selector cannot be read")
    );
    assert_eq!(of("<MPD/>"), Err(DashErrorKind::Root("Patch")));
}

#[test]
fn hostile_numbers_end_in_bounded_lists() {
    let big = u64::MAX;
    for template in [
        format!(
            "<SegmentTemplate media='$Number$' duration='1' timescale='{big}' startNumber='{big}'/>"
        ),
        format!(
            "<SegmentTemplate media='$Number$' duration='{big}' presentationTimeOffset='{big}'/>"
        ),
        format!(
            "<SegmentTemplate media='$Time$'><SegmentTimeline><S t='{big}' d='{big}' r='-1'/><S d='1' r='9000000000000'/></SegmentTimeline></SegmentTemplate>"
        ),
        format!(
            "<SegmentTemplate media='$Time$' timescale='{big}'><SegmentTimeline><S d='1' r='-1'/></SegmentTimeline></SegmentTemplate>"
        ),
        "<SegmentList duration='1'/>".to_owned(),
    ] {
        for attributes in ["", "timeShiftBufferDepth='PT0S'"] {
            let mpd = live(attributes, &template);
            for now in [Time::MIN, Time::ZERO, ms(1_700_000_000_000), Time::MAX] {
                assert!(there(&mpd, now).len() <= 100, "{template}");
            }
        }
        let mpd = vod(i64::MAX, &format!("{template}<Representation id='v'/>"));
        assert!(segments(&mpd).len() <= 1_000, "{template}");
    }
}
