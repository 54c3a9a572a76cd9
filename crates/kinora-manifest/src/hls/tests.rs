use core::time::Duration;
use std::sync::Arc;

use kinora_errors::{Coded, codes};
use kinora_media::{ByteRange, Time};

use super::*;

fn read(text: &str) -> Result<Playlist, HlsError> {
    let url = Url::parse("https://h/a/b.m3u8?t=1&q=v%20w").unwrap();
    parse(
        text.as_bytes(),
        &url,
        &Variables::default(),
        &Limits::default(),
    )
}

fn media(text: &str) -> MediaPlaylist {
    match read(&format!("#EXTM3U\n{text}")).unwrap() {
        Playlist::Media(list) => list,
        Playlist::Multivariant(_) => panic!("a media playlist"),
    }
}

fn multivariant(text: &str) -> MultivariantPlaylist {
    match read(&format!("#EXTM3U\n{text}")).unwrap() {
        Playlist::Multivariant(list) => list,
        Playlist::Media(_) => panic!("a multivariant playlist"),
    }
}

fn reason(text: &str) -> (&'static str, u32) {
    let error = read(text).unwrap_err();
    assert_eq!(error.code(), codes::ERROR_DEMUXER_OPENURL);
    (error.reason(), error.line)
}

/// A live playlist of segments of 4 s.
fn live(sequence: u64, count: u64, more: &str) -> MediaPlaylist {
    let segments: String = (0..count)
        .map(|at| format!("#EXTINF:4,\n{}.ts\n", sequence + at))
        .collect();
    media(&format!(
        "#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n{more}{segments}"
    ))
}

#[test]
fn an_invalid_playlist_is_reported_with_its_line() {
    for text in [
        "",
        "\n\n",
        "<html>",
        "#EXTM3U8\n",
        "#EXTINF:1,\na.ts",
        "x\n#EXTM3U",
    ] {
        assert_eq!(reason(text), ("hls.missing_extm3u", 1), "{text:?}");
    }
    assert_eq!(reason("#EXTM3U\n#EXT-X-VERSION:3\nx.ts").0, "hls.empty");
    assert_eq!(reason("#EXTM3U\n\n#EXTINF:abc,\nx.ts"), ("hls.value", 3));
    assert_eq!(
        reason("#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:x\n"),
        ("hls.value", 3)
    );
    assert_eq!(
        reason("#EXTM3U\n#EXTINF:1,\na\n#EXT-X-KEY:URI=\"k\"\n"),
        ("hls.attribute.missing", 4)
    );
    assert_eq!(
        reason("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,IV=0x+1\n#EXTINF:1,\na"),
        ("hls.value", 2)
    );
    let map = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"m\"\n#EXTINF:1,\na";
    assert_eq!(reason(map), ("hls.map.iv", 3));
}

#[test]
fn a_byte_order_mark_line_ends_blanks_and_stray_lines_do_not_matter() {
    let text = "\u{feff}#EXTM3U \r\n\r\n# comment\r\n#EXT-X-TARGETDURATION:10\r\nstray\r\n#EXTINF:9.009 tvg=\"x\",A, b\r\n  a.ts  \r\n#EXT-X-NEW:1\r\n#EXT-X-ENDLIST";
    let Playlist::Media(list) = read(text).unwrap() else {
        panic!()
    };
    let [segment] = list.segments.as_slice() else {
        panic!("{list:?}")
    };
    assert_eq!(
        (segment.uri.as_str(), segment.title.as_str()),
        ("a.ts", "A, b")
    );
    assert_eq!(segment.duration, Time::from_micros(9_009_000));
    assert!(list.ended && !list.is_live());
    assert_eq!(list.resolve("../c.ts").unwrap().as_str(), "https://h/c.ts");
}

#[test]
fn byte_ranges_without_an_offset_follow_the_one_before_of_the_same_file() {
    let list = media(
        "#EXTINF:1,\n#EXT-X-BYTERANGE:10@5\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:7\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:3\nb\n#EXTINF:1,\nb\n",
    );
    let ranges: Vec<ByteRange> = list.segments.iter().map(|segment| segment.range).collect();
    assert_eq!(
        ranges,
        [
            ByteRange::of(5, 10),
            ByteRange::of(15, 7),
            ByteRange::of(0, 3),
            ByteRange::default()
        ]
    );
}

#[test]
fn keys_hold_until_the_next_of_their_format_and_none_ends_them() {
    let list = media(
        "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-KEY:METHOD=AES-128,URI=\"k1\",IV=0xA\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd\",KEYFORMAT=\"f\"\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"8@4\"\n#EXTINF:1,\na\n#EXT-X-KEY:METHOD=AES-128,URI=\"k2\"\n#EXTINF:1,\nb\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\nc\n",
    );
    let [a, b, c] = list.segments.as_slice() else {
        panic!()
    };
    let mut iv = [0; 16];
    iv[15] = 10;
    assert_eq!((a.sequence, a.keys.len(), a.keys[0].iv), (7, 2, Some(iv)));
    assert_eq!(
        (a.keys[0].format.as_str(), a.keys[1].method.as_str()),
        ("identity", "SAMPLE-AES")
    );
    let uris: Vec<_> = b.keys.iter().filter_map(|key| key.uri.as_deref()).collect();
    assert_eq!(uris, ["skd", "k2"]);
    assert!(c.keys.is_empty());
    let map = a.map.as_ref().unwrap();
    assert_eq!(
        (map.uri.as_str(), map.range, map.keys.len()),
        ("i.mp4", ByteRange::of(4, 8), 2)
    );
}

#[test]
fn discontinuities_dates_and_gaps_are_counted_through() {
    let list = media(
        "#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:10Z\n#EXTINF:2.5,\na\n#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:1,\nb\n#EXTINF:1,\nc\n",
    );
    let seen: Vec<_> = list
        .segments
        .iter()
        .map(|one| {
            (
                one.discontinuity_sequence,
                one.discontinuity,
                one.gap,
                one.program_date_ms,
            )
        })
        .collect();
    let wanted = [
        (3, false, false, Some(10_000)),
        (4, true, true, Some(12_500)),
        (4, false, false, Some(13_500)),
    ];
    assert_eq!(seen, wanted);
    assert_eq!(list.duration(), Time::from_millis(4500));
    assert_eq!(
        (
            list.index_at(Time::from_millis(2500)),
            list.index_at(Time::from_millis(9000))
        ),
        (Some(1), Some(2))
    );
}

#[test]
fn variables_come_from_the_playlist_its_url_and_its_parent() {
    let url = Url::parse("https://h/a?q=v%20w").unwrap();
    let parent = multivariant(
        "#EXT-X-DEFINE:NAME=\"p\",VALUE=\"up\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"{$p}\"\n{$p}.m3u8",
    );
    assert_eq!(
        (
            parent.variants[0].uri.as_str(),
            parent.variants[0].codecs.as_str()
        ),
        ("up.m3u8", "up")
    );
    let text = "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"p\"\n#EXT-X-DEFINE:QUERYPARAM=\"q\"\n#EXTINF:1,\n{$p}/{$q}/{$x}.ts";
    let list = parse(text.as_bytes(), &url, &parent.variables, &Limits::default()).unwrap();
    let Playlist::Media(list) = list else {
        panic!()
    };
    assert_eq!(list.segments[0].uri, "up/v w/{$x}.ts");
    assert_eq!(
        reason("#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"none\"\n#EXTINF:1,\na"),
        ("hls.variable.undefined", 2)
    );
    let twice = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"t\",VALUE=\"1\"\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\n#EXTINF:1,\na";
    assert_eq!(reason(twice), ("hls.variable.duplicate", 3));
}

#[test]
fn variants_renditions_and_the_rest_of_a_multivariant_playlist_are_read() {
    let list = multivariant(
        "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-START:TIME-OFFSET=-12.5,PRECISE=YES\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"En, UK\",LANGUAGE=\"en\",DEFAULT=YES,CHANNELS=\"6/JOC\",URI=\"en.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"De\",LANGUAGE=\"de\",URI=\"de.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=IMAGE,GROUP-ID=\"i\"\n\
         #EXT-X-STREAM-INF: BANDWIDTH = 1280000 ,AVERAGE-BANDWIDTH=1000000,CODECS=\"avc1.4d401f,mp4a.40.2\",RESOLUTION=640x360,FRAME-RATE=29.97,AUDIO=\"a\"\nlow.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,AUDIO=\"a\"\n# note\nhigh.m3u8\n\
         #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,URI=\"i.m3u8\"\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-SESSION-DATA:DATA-ID=\"d\",VALUE=\"v\"\n",
    );
    let low = &list.variants[0];
    assert_eq!(
        (low.bandwidth, low.average_bandwidth, low.resolution),
        (1_280_000, Some(1_000_000), Some((640, 360)))
    );
    assert_eq!(
        (low.uri.as_str(), low.codecs.as_str()),
        ("low.m3u8", "avc1.4d401f,mp4a.40.2")
    );
    assert_eq!(
        (
            list.variants.len(),
            list.i_frame_variants.len(),
            list.renditions.len()
        ),
        (2, 1, 2)
    );
    assert_eq!(
        (
            list.renditions[0].name.as_str(),
            list.renditions[0].channels
        ),
        ("En, UK", Some(6))
    );
    assert_eq!((list.session_keys.len(), list.session_data.len()), (1, 1));
    assert_eq!(list.start.unwrap().offset, Time::from_millis(-12_500));
}

#[test]
fn parts_hints_and_reports_of_low_latency_playlists_are_read() {
    let list = live(
        266,
        2,
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,CAN-SKIP-UNTIL=24\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-PART:DURATION=0.5,URI=\"p1\",INDEPENDENT=YES,BYTERANGE=\"5@1\"\n#EXT-X-PART:DURATION=0.5,URI=\"p1\",BYTERANGE=\"5\"\n",
    );
    assert_eq!(list.segments[0].parts.len(), 2);
    assert_eq!(list.segments[0].parts[1].range, ByteRange::of(6, 5));
    assert!(list.server_control.can_block_reload && list.segments[0].parts[0].independent);
    assert_eq!(
        list.server_control.part_hold_back,
        Some(Time::from_millis(1500))
    );
    let tail = media(
        "#EXTINF:1,\na\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-PART:DURATION=1,URI=\"p\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"q\",BYTERANGE-START=4\n#EXT-X-RENDITION-REPORT:URI=\"../r\"\n",
    );
    assert_eq!(
        (tail.trailing_parts().len(), tail.preload_hints[0].range),
        (1, ByteRange::from(4))
    );
    let report = &tail.rendition_reports[0];
    assert_eq!((report.last_sequence, report.last_part), (Some(1), Some(0)));
}

#[test]
fn a_live_playlist_grows_stands_still_restarts_and_ends() {
    let mut state = LiveState::new(live(10, 5, ""), LatencyMode::Segments);
    assert_eq!(state.reload_delay(), Some(Duration::from_secs(4)));
    assert_eq!(
        state.update(live(11, 5, "")).unwrap(),
        Update::Grown { from: 15 }
    );
    assert_eq!(state.update(live(11, 5, "")).unwrap(), Update::Unchanged);
    assert_eq!(state.update(live(10, 5, "")).unwrap(), Update::Unchanged);
    assert_eq!(
        (state.unchanged_count(), state.playlist().media_sequence),
        (2, 11)
    );
    assert_eq!(state.reload_delay(), Some(Duration::from_secs(2)));
    assert_eq!(stale_after(state.playlist()), Duration::from_secs(14));
    assert_eq!(
        state.update(live(40, 5, "")).unwrap(),
        Update::Gap { from: 40 }
    );
    assert_eq!(state.update(live(0, 5, "")).unwrap(), Update::Restarted);
    assert_eq!(state.playlist().media_sequence, 0);
    assert_eq!(
        state.update(live(0, 5, "#EXT-X-ENDLIST\n")).unwrap(),
        Update::Grown { from: 5 }
    );
    assert!(state.has_ended() && state.reload_delay().is_none());
}

#[test]
fn an_update_gets_back_what_it_left_out_or_says_that_it_cannot() {
    let whole = live(
        10,
        5,
        "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00Z\n#EXT-X-DISCONTINUITY\n",
    );
    let mut state = LiveState::new(whole, LatencyMode::Segments);
    assert_eq!(
        state
            .update(live(11, 2, "#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n"))
            .unwrap(),
        Update::Grown { from: 15 }
    );
    let list = state.playlist();
    let numbers: Vec<u64> = list.segments.iter().map(|one| one.sequence).collect();
    assert_eq!((numbers, list.skipped), ((11..17).collect(), 0));
    assert_eq!(list.segments[0].program_date_ms, Some(4000));
    assert!(
        list.segments
            .iter()
            .all(|one| one.discontinuity_sequence == 1)
    );
    let error = state
        .update(live(40, 1, "#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n"))
        .unwrap_err();
    assert_eq!(error.reason(), "hls.skip");
    let error = state
        .update(live(
            12,
            1,
            &format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={}\n", u64::MAX),
        ))
        .unwrap_err();
    assert_eq!(error.reason(), "hls.skip");
}

/// Where it begins: the segment, milliseconds into it, whether that is meant to be exact.
fn begins(list: &MediaPlaylist, mode: LatencyMode) -> Option<(usize, i64, bool)> {
    let point = start_point(list, None, mode)?;
    Some((point.index, point.offset.as_millis(), point.precise))
}

#[test]
fn live_begins_three_targets_from_its_end_and_vod_at_its_start() {
    let begin = |count, more: &str| begins(&live(0, count, more), LatencyMode::Segments);
    assert_eq!(begin(10, ""), Some((7, 0, false)));
    assert_eq!(begin(2, ""), Some((0, 0, false)));
    assert_eq!(
        begin(10, "#EXT-X-SERVER-CONTROL:HOLD-BACK=13\n"),
        Some((6, 3_000, false))
    );
    assert_eq!(
        begin(10, "#EXT-X-START:TIME-OFFSET=-20\n"),
        Some((5, 0, false))
    );
    assert_eq!(
        begin(10, "#EXT-X-START:TIME-OFFSET=-1\n"),
        Some((7, 0, false))
    );
    assert_eq!(begin(10, "#EXT-X-ENDLIST\n"), Some((0, 0, false)));
    assert_eq!(
        begin(
            10,
            "#EXT-X-ENDLIST\n#EXT-X-START:TIME-OFFSET=9,PRECISE=YES\n"
        ),
        Some((2, 1_000, true))
    );
    assert_eq!(
        begin(10, "#EXT-X-ENDLIST\n#EXT-X-START:TIME-OFFSET=-99\n"),
        Some((0, 0, false))
    );
    assert_eq!(begin(0, ""), None);
}

#[test]
fn the_start_of_the_multivariant_playlist_counts_where_the_media_playlist_has_none() {
    let start = |seconds: i64| Start {
        offset: Time::from_millis(seconds * 1_000),
        precise: false,
    };
    let at = |more: &str, inherited| {
        let list = live(0, 10, &format!("#EXT-X-ENDLIST\n{more}"));
        start_point(&list, inherited, LatencyMode::Segments).map(|point| point.index)
    };
    assert_eq!(at("", Some(start(9))), Some(2));
    assert_eq!(at("#EXT-X-START:TIME-OFFSET=17\n", Some(start(9))), Some(4));
}

#[test]
fn who_loads_parts_stays_nearer_to_the_edge_and_asks_more_often() {
    let list = live(
        0,
        10,
        "#EXT-X-SERVER-CONTROL:HOLD-BACK=16,PART-HOLD-BACK=1.5\n#EXT-X-PART-INF:PART-TARGET=0.5\n",
    );
    let (parts, segments) = (LatencyMode::Parts, LatencyMode::Segments);
    assert_eq!(begins(&list, segments), Some((6, 0, false)));
    assert_eq!(begins(&list, parts), Some((9, 2_500, true)));
    let grown = Update::Grown { from: 0 };
    let delay = |mode| reload_delay(&list, grown, mode).as_millis();
    assert_eq!((delay(segments), delay(parts)), (4_000, 500));
    // Without attributes three target durations, three part durations.
    let plain = live(0, 10, "#EXT-X-PART-INF:PART-TARGET=0.5\n");
    let kept = |mode| hold_back(&plain, mode).as_millis();
    assert_eq!((kept(segments), kept(parts)), (12_000, 1_500));
}

#[test]
fn a_rendition_beside_one_that_is_followed_shares_its_discontinuities() {
    let whole = "#EXT-X-DISCONTINUITY-SEQUENCE:7\n";
    let state = LiveState::new(live(10, 5, whole), LatencyMode::Segments);
    let beside = state.alongside(live(12, 5, ""));
    let numbers = beside.playlist().segments.iter();
    assert!(
        numbers
            .map(|one| one.discontinuity_sequence)
            .all(|it| it == 7)
    );
}

#[test]
fn a_restart_inherits_nothing_though_its_numbers_were_there_before() {
    let mut state = LiveState::new(
        live(10, 10, "#EXT-X-DISCONTINUITY\n"),
        LatencyMode::Segments,
    );
    assert_eq!(state.update(live(10, 3, "")).unwrap(), Update::Restarted);
    assert_eq!(state.playlist().segments[0].discontinuity_sequence, 0);
}

#[test]
fn the_key_of_a_segment_is_one_that_can_be_used() {
    let encrypted = |keys: &str| media(&format!("{keys}#EXTINF:4,\na.ts\n"));
    let drm =
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"d\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n";
    let list = encrypted(&format!("{drm}#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n"));
    assert_eq!(
        list.segments[0].encryption(),
        Encryption::Identity {
            method: "AES-128",
            uri: "k",
            iv: None
        }
    );
    let list = encrypted(drm);
    assert!(matches!(
        list.segments[0].encryption(),
        Encryption::Other([key]) if key.method == "SAMPLE-AES"
    ));
    let list = encrypted("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://asset\"\n");
    assert!(matches!(
        list.segments[0].encryption(),
        Encryption::Other([_])
    ));
    assert_eq!(encrypted("").segments[0].encryption(), Encryption::None);
}

#[test]
fn limits_hold() {
    let url = Url::parse("https://h/").unwrap();
    let with = |text: &str, limits: Limits| {
        parse(text.as_bytes(), &url, &Variables::default(), &limits)
            .unwrap_err()
            .kind
    };
    let long = format!("#EXTM3U\n{}", "#EXTINF:1,\na\n".repeat(50));
    let small = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    assert_eq!(
        with(&long, small(|limits| limits.bytes = 100)),
        HlsErrorKind::Limit("bytes")
    );
    assert_eq!(
        with(&long, small(|limits| limits.lines = 20)),
        HlsErrorKind::Limit("lines")
    );
    assert_eq!(
        with(&long, small(|limits| limits.entries = 20)),
        HlsErrorKind::Limit("entries")
    );
    let line = format!("#EXTM3U\n#EXTINF:1,{}\na", "x".repeat(300 << 10));
    assert_eq!(
        with(&line, Limits::default()),
        HlsErrorKind::Limit("bytes in a line")
    );
    let value = "y".repeat(60 << 10);
    let bomb = format!(
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"{value}\"\n#EXTINF:1,\n{}",
        "{$v}".repeat(1000)
    );
    assert_eq!(
        with(&bomb, Limits::default()),
        HlsErrorKind::Limit("bytes in a line")
    );
}

#[test]
fn hostile_playlists_of_a_mebibyte_stay_small_and_quick() {
    let url = Url::parse("https://h/").unwrap();
    let go = |text: &str| {
        parse(
            text.as_bytes(),
            &url,
            &Variables::default(),
            &Limits::default(),
        )
    };
    let fill = |line: &str| line.repeat((1 << 20) / line.len());
    let value = "y".repeat(60 << 10);
    let bomb = format!(
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"{value}\"\n{}",
        fill("#EXTINF:1,\n{$v}\n")
    );
    assert_eq!(
        go(&bomb).unwrap_err().kind,
        HlsErrorKind::Limit("bytes from variables")
    );
    let long: String = (0..8)
        .map(|at| {
            format!(
                "#EXT-X-KEY:METHOD=A,KEYFORMAT=\"{at}\",URI=\"{}\"\n",
                "k".repeat(1000)
            )
        })
        .collect();
    let keys = format!(
        "#EXTM3U\n{long}{}",
        fill("#EXT-X-KEY:METHOD=A\n#EXTINF:1,\na\n")
    );
    let Playlist::Media(list) = go(&keys).unwrap() else {
        panic!()
    };
    let (a, b) = (&list.segments[5].keys, &list.segments[6].keys);
    assert_eq!((a.len(), b.len()), (8, 8));
    // Long keys are shared, not copied: 30,000 segments cost what they themselves hold.
    assert!(Arc::ptr_eq(&a[0], &b[0]));
    let open = format!(
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"1\"\n#EXTINF:1,\n{}",
        "{$".repeat(30_000)
    );
    assert!(go(&open).is_ok());
}

#[test]
fn damaged_playlists_and_their_updates_never_panic() {
    let whole = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXT-X-DISCONTINUITY-SEQUENCE:18446744073709551615\n#EXT-X-SKIP:SKIPPED-SEGMENTS=9\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k{$a}\",IV=0x0123\n#EXT-X-MAP:URI=\"m\",BYTERANGE=\"1@18446744073709551615\"\n#EXT-X-PROGRAM-DATE-TIME:2010-02-19T14:54:23.031+08:00\n#EXT-X-DISCONTINUITY\n#EXT-X-PART:DURATION=0.5,URI=\"p\",BYTERANGE=\"9\"\n#EXTINF:9.9,t\n#EXT-X-BYTERANGE:18446744073709551615@5\na{$a}.ts\n#EXTINF:1e300,\nb\n#EXT-X-DATERANGE:ID=\"d\",START-DATE=\"2010-02-19T14:54:23Z\",X-A=\"1\"\n#EXT-X-RENDITION-REPORT:URI=\"r\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1x1\nv\n";
    let url = Url::parse("https://h/").unwrap();
    let go = |bytes: &[u8]| parse(bytes, &url, &Variables::default(), &Limits::default());
    let mut state = LiveState::new(live(0, 3, ""), LatencyMode::Segments);
    let mut seed = 5_u32;
    for _ in 0..4000 {
        let mut bytes = whole.replace("1e300", "1").into_bytes();
        for _ in 0..3 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = 8 + (seed >> 8) as usize % (bytes.len() - 8);
            match seed & 3 {
                0 => bytes[at] = (seed >> 24) as u8,
                1 => bytes.truncate(at),
                2 => drop(bytes.splice(at..at, *b"\n#EXT-X-")),
                _ => drop(bytes.remove(at)),
            }
            if bytes.len() <= 8 {
                break;
            }
        }
        if let Ok(Playlist::Media(list)) = go(&bytes) {
            let _ = (begins(&list, LatencyMode::Parts), list.duration());
            let _ = state.update(list);
        }
    }
}

#[test]
fn an_error_stays_a_sentence_however_long_the_name_in_it() {
    let name = "\u{1b}v".repeat(100_000);
    let error = read(&format!(
        "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"{name}\"\n#EXT-X-TARGETDURATION:1\n"
    ));
    let text = error.unwrap_err().to_string();
    assert!(text.len() < 1_000, "{} bytes", text.len());
    assert!(!text.contains(char::is_control), "{text:?}");
}

/// A playlist with parts of a second: of its last segment and of the one that grows.
fn low_latency(more: &str, growing: usize) -> MediaPlaylist {
    let part = |name: String, independent: bool| {
        let independent = if independent { ",INDEPENDENT=YES" } else { "" };
        format!("#EXT-X-PART:DURATION=1,URI=\"{name}\"{independent}\n")
    };
    let last: String = (0..4)
        .map(|at| part(format!("3.{at}"), at == 0 || at == 2))
        .collect();
    let next: String = (0..growing)
        .map(|at| part(format!("4.{at}"), at == 0))
        .collect();
    let control = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3,CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES\n";
    media(&format!(
        "#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n{control}{more}#EXTINF:4,\n2\n{last}#EXTINF:4,\n3\n{next}"
    ))
}

#[test]
fn who_loads_parts_begins_with_one_that_can_be_decoded() {
    let begin = |growing| {
        let list = low_latency("#EXT-X-MEDIA-SEQUENCE:2\n", growing);
        let point = start_point(&list, None, LatencyMode::Parts).unwrap();
        (point.index, point.part, point.offset.as_millis())
    };
    // Three seconds from the end of the last part.
    assert_eq!(begin(0), (1, 0, 1_000));
    assert_eq!(begin(2), (1, 2, 3_000));
    assert_eq!(begin(3), (2, 0, 0));
}

#[test]
fn the_segment_that_grows_has_what_the_tags_before_it_say() {
    let list = media(
        "#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00Z\n\
         #EXTINF:4,\na\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"m\"\n#EXT-X-PART:DURATION=1,URI=\"p\"\n#EXT-X-PART:DURATION=0.5,URI=\"q\"\n",
    );
    let growing = list.growing.unwrap();
    assert_eq!((growing.sequence, growing.discontinuity_sequence), (8, 1));
    assert_eq!(growing.map.unwrap().uri, "m");
    assert_eq!(growing.program_date_ms, Some(4_000));
    assert_eq!(growing.duration, Time::from_millis(1_500));
}

#[test]
fn the_next_load_waits_for_the_next_part_unless_the_server_does_not() {
    let mut state = LiveState::new(
        low_latency("#EXT-X-MEDIA-SEQUENCE:2\n", 1),
        LatencyMode::Parts,
    );
    let position = |sequence, part| Some(Position { sequence, part });
    assert_eq!(state.wait_for(), position(4, Some(1)));
    assert_eq!(state.reload_delay(), Some(Duration::ZERO));
    assert_eq!(
        state.skip(),
        Some((Skip::SegmentsAndDateRanges, Duration::from_secs(12)))
    );
    let again = low_latency("#EXT-X-MEDIA-SEQUENCE:2\n", 1);
    assert_eq!(state.update(again).unwrap(), Update::Unchanged);
    assert_eq!(state.reload_delay(), Some(Duration::from_millis(500)));
    let grown = low_latency("#EXT-X-MEDIA-SEQUENCE:2\n", 2);
    assert_eq!(state.update(grown).unwrap(), Update::Grown { from: 4 });
    assert_eq!(state.reload_delay(), Some(Duration::ZERO));
    let whole = LiveState::new(low_latency("", 0), LatencyMode::Segments);
    assert_eq!(whole.wait_for(), None);
}

#[test]
fn an_update_goes_on_with_the_keys_dates_and_date_ranges_of_what_it_leaves_out() {
    let range =
        |id: &str| format!("#EXT-X-DATERANGE:ID=\"{id}\",START-DATE=\"1970-01-01T00:00:00Z\"\n");
    let begin = format!(
        "#EXT-X-MEDIA-SEQUENCE:2\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:00Z\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n{}{}",
        range("a"),
        range("b")
    );
    let mut state = LiveState::new(low_latency(&begin, 0), LatencyMode::Parts);
    let update = media(&format!(
        "#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-MEDIA-SEQUENCE:2\n\
         #EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES\n\
         #EXT-X-SKIP:SKIPPED-SEGMENTS=2,RECENTLY-REMOVED-DATERANGES=\"a\tx\"\n{}#EXTINF:4,\n4\n#EXT-X-PART:DURATION=1,URI=\"5.0\"\n",
        range("c")
    ));
    assert_eq!(state.update(update).unwrap(), Update::Grown { from: 4 });
    let list = state.playlist();
    let ids: Vec<&str> = list.date_ranges.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["b", "c"]);
    let growing = list.growing.as_deref().unwrap();
    for segment in list.segments.iter().chain([growing]) {
        assert_eq!(segment.keys.len(), 1, "{}", segment.sequence);
        let since = i64::try_from(segment.sequence - 2).unwrap() * 4_000;
        assert_eq!(segment.program_date_ms, Some(since));
    }
}

#[test]
fn a_target_duration_far_from_the_truth_does_not_stop_the_loads() {
    let list = media("#EXT-X-TARGETDURATION:3600\n#EXTINF:4,\na\n#EXTINF:3,\nb\n");
    let delay = reload_delay(&list, Update::Grown { from: 0 }, LatencyMode::Segments);
    assert_eq!(delay, Duration::from_secs(8));
    assert_eq!(stale_after(&list), Duration::from_secs(28));
}
