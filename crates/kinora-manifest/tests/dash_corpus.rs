//! The MPDs of other players' test suites, with the facts that those suites assert. Skipped without the corpus.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::{Path, PathBuf};

use kinora_errors::Coded;
use kinora_manifest::dash::{self, ContentType, DashError, Limits, Mpd, Window};
use kinora_media::Time;
use serde_json::{Value, json};
use url::Url;

const SUITES: [&str; 5] = [
    "media3",
    "dash-mpd-rs",
    "dash.js",
    "shaka",
    "videojs-mpd-parser",
];

fn playlists() -> Option<PathBuf> {
    kinora_test_support::corpus().map(|root| root.join("playlists"))
}

fn load(root: &Path, file: &str) -> Result<Mpd, DashError> {
    let bytes = std::fs::read(root.join(file)).unwrap();
    let url = Url::parse("https://example.com/test.mpd").unwrap();
    dash::parse(&bytes, &url, &Limits::default())
}

fn index(root: &Path, suite: &str) -> Vec<Value> {
    let Ok(text) = std::fs::read(root.join(suite).join("index.json")) else {
        return Vec::new();
    };
    let Value::Array(rows) = serde_json::from_slice(&text).unwrap() else {
        panic!("{suite} has no list");
    };
    let is_mpd = |row: &Value| {
        row["file"]
            .as_str()
            .is_some_and(|file| file.ends_with(".mpd"))
    };
    rows.into_iter().filter(is_mpd).collect()
}

/// Files that are refused, each with the reason.
const REFUSED: &[(&str, &str)] = &[
    ("incomplete", "dash.xml"),
    // Placeholders of that suite stand where the periods have their content.
    ("000_calculates_Period_times_when_missing", "dash.empty"),
    ("107_two_linked_periods", "dash.empty"),
    ("015_empty_Period", "dash.empty"),
];

#[test]
fn the_manifests_of_other_players_are_read() {
    let Some(root) = playlists() else {
        return;
    };
    let (mut wrong, mut count) = (Vec::new(), 0);
    for suite in SUITES {
        for row in index(&root, suite) {
            let file = row["file"].as_str().unwrap();
            let seen = load(&root, file).err();
            let expected = REFUSED.iter().find(|(part, _)| file.contains(part));
            if seen.as_ref().map(Coded::reason) != expected.map(|(_, reason)| *reason) {
                wrong.push(format!("{file}: {seen:?}, expected {expected:?}"));
            }
            count += 1;
        }
    }
    println!("{} of {count} as expected", count - wrong.len());
    assert!(count > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Facts that do not hold here, on purpose: sets with essential properties that are not known are left out.
const OTHERWISE: &[(&str, &str)] = &[("essential_supplemental_properties", "")];

#[test]
fn the_facts_of_media3_hold() {
    let Some(root) = playlists() else {
        return;
    };
    let (mut held, mut passed_over, mut broken) = (0, 0, Vec::new());
    for row in index(&root, "media3") {
        let file = row["file"].as_str().unwrap();
        let Ok(mpd) = load(&root, file) else {
            continue;
        };
        let tests = row["tests"].as_array().into_iter().flatten();
        let tests = tests.filter(|it| {
            it["test"]
                .as_str()
                .is_some_and(|it| it.contains("ParserTest"))
        });
        for fact in tests.flat_map(|it| it["facts"].as_array().into_iter().flatten()) {
            let path = fact[0].as_str().unwrap();
            let named = |(part, name): &(&str, &str)| file.contains(part) && path.contains(name);
            let Some(seen) = value_of(&mpd, path).filter(|_| !OTHERWISE.iter().any(named)) else {
                passed_over += 1;
                continue;
            };
            let wanted = match &fact[2] {
                unset if unset == "unset" => &Value::Null,
                wanted => wanted,
            };
            let same = match (seen.as_f64(), wanted.as_f64()) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-6,
                _ => seen == *wanted,
            };
            match same != (fact[1] == "!=") {
                true => held += 1,
                false => broken.push(format!("{file}: {fact}, seen {seen}")),
            }
        }
    }
    println!("facts of media3: {held} hold, {passed_over} speak of what is not in this model");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(held >= 20, "{held}");
}

/// `name[3].rest` as 3 and `rest`.
fn item<'a>(path: &'a str, name: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = path
        .strip_prefix(name)?
        .strip_prefix('[')?
        .split_once(']')?;
    Some((number.parse().ok()?, rest.trim_start_matches('.')))
}

fn millis(time: Option<Time>) -> Value {
    json!(time.map(Time::as_millis))
}

fn value_of(mpd: &Mpd, path: &str) -> Option<Value> {
    if let Some((at, rest)) = item(path, "periods") {
        let (set, rest) = item(rest, "adaptationSets").unwrap_or((usize::MAX, rest));
        let period = mpd.periods.get(at)?;
        if rest == "adaptationSets" {
            return Some(json!(period.adaptation_sets.len()));
        }
        let set = period.adaptation_sets.get(set)?;
        if let Some((at, rest)) = item(rest, "representations") {
            let it = set.representations.get(at)?;
            return match rest {
                "format.containerMimeType" => Some(json!(*it.mime_type)),
                "format.codecs" => Some(match &*it.codecs {
                    "" => Value::Null,
                    codecs => json!(codecs),
                }),
                _ => None,
            };
        }
        return match rest {
            "representations" => Some(json!(set.representations.len())),
            "supplementalProperties" => Some(json!(set.supplemental.len())),
            "essentialProperties" => Some(json!(set.essential.len())),
            "type" => Some(json!(match set.content_type {
                ContentType::Text => "C.TRACK_TYPE_TEXT",
                ContentType::Audio => "C.TRACK_TYPE_AUDIO",
                ContentType::Video => "C.TRACK_TYPE_VIDEO",
                _ => return None,
            })),
            _ => None,
        };
    }
    let service = mpd.service_descriptions.first();
    if let Some((at, rest)) = item(path, "locations") {
        let location = mpd.locations.get(at)?;
        return match rest {
            "url" => Some(json!(location.url.as_str())),
            // There, a location without a name is called by its URL.
            "serviceLocation" => Some(json!(
                location
                    .service_location
                    .as_deref()
                    .unwrap_or(location.url.as_str())
            )),
            _ => None,
        };
    }
    Some(match path {
        "periods.length" => json!(mpd.periods.len()),
        "locations" => json!(mpd.locations.len()),
        "serviceDescription" => service.map_or(Value::Null, |_| json!(true)),
        "serviceDescription.targetOffsetMs" => millis(service?.target_latency),
        "serviceDescription.minOffsetMs" => millis(service?.min_latency),
        "serviceDescription.maxOffsetMs" => millis(service?.max_latency),
        "serviceDescription.minPlaybackSpeed" => json!(service?.min_playback_rate),
        "serviceDescription.maxPlaybackSpeed" => json!(service?.max_playback_rate),
        _ => return None,
    })
}

#[test]
fn the_offsets_and_base_urls_of_media3_hold() {
    let Some(root) = playlists() else {
        return;
    };
    let mpd = |file: &str| load(&root, file).unwrap();
    let offsets = mpd("media3/mpd/sample_mpd_availabilityTimeOffset_segmentList.mpd");
    let offset = |period: usize, set: usize| {
        let set = &offsets.periods[period].adaptation_sets[set];
        set.representations[0]
            .addressing
            .availability_time_offset
            .map(Time::as_millis)
    };
    let seen = [
        offset(0, 0),
        offset(0, 1),
        offset(0, 2),
        offset(0, 3),
        offset(1, 0),
    ];
    assert_eq!(seen, [2_000, 3_210, 1_230, 100, 9_999].map(Some));

    let bases = mpd("media3/mpd/sample_mpd_multiple_baseUrls.mpd");
    let of = |set: usize| {
        let set = &bases.periods[0].adaptation_sets[set];
        set.representations[0].base_urls.resolve(&bases.url)
    };
    assert_eq!([of(0).len(), of(1).len(), of(2).len()], [6, 7, 1]);
    assert_eq!(of(0)[3].url.path(), "/baseUrl/a/files/audio");
    assert_eq!(of(0)[5].service_location.as_deref(), Some("c"));
}

#[test]
fn what_the_other_suites_assert_of_single_files_holds() {
    let Some(root) = playlists() else {
        return;
    };
    let mpd = |file: &str| load(&root, file).unwrap();
    let sets = |mpd: &Mpd| mpd.periods[0].adaptation_sets.len();
    let shaka = |name: &str| mpd(&format!("shaka/dash_parser_manifest_unit/{name}.mpd"));
    let gaps = shaka("070_counts_gaps");
    let starts: Vec<_> = gaps.periods.iter().map(|it| it.start.as_millis()).collect();
    assert_eq!(starts, [0, 31_000]);
    assert_eq!(
        sets(&shaka("024_skips_unrecognized_EssentialProperty_elements")),
        1
    );
    let service = shaka("056_with_PlaybackRate_and_Latency");
    assert_eq!(service.service_descriptions[0].max_playback_rate, Some(1.1));
    assert_eq!(
        shaka("058_parses_urn_mpeg_dash_chaining_2016")
            .next
            .as_deref(),
        Some("https://nextUrl")
    );
    let base = shaka("051_uses_the_correct_BaseURL_for_SegmentTimeline");
    let urls: Vec<_> = base.periods[0].adaptation_sets[0]
        .representations
        .iter()
        .map(|it| {
            let base_url = it.base(&base.url);
            let segments = it
                .segments(&base_url, &base.periods[0], Window::ALL, 10)
                .unwrap();
            segments[0].resource.url.to_string()
        })
        .collect();
    assert_eq!(
        urls,
        ["http://example.com/r0/1.mp4", "http://example.com/r1/1.mp4"]
    );

    let patterns = |name: &str| {
        let mpd = mpd(&format!(
            "shaka/dash_parser_segment_template_unit/{name}.mpd"
        ));
        let it = &mpd.periods[0].adaptation_sets[0].representations[0];
        let segments = it
            .segments(&mpd.url, &mpd.periods[0], Window::ALL, 10)
            .unwrap();
        let place = |it: &dash::Segment| (it.start.as_millis(), it.duration.as_millis());
        segments.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(
        patterns("011_respects_pE_pattern_entry_point"),
        [(0, 2_000), (2_000, 3_000)]
    );

    let live = mpd("dash-mpd-rs/dashif-live-atoinf.mpd");
    let mut all = live
        .periods
        .iter()
        .flat_map(|it| &it.adaptation_sets)
        .flat_map(|it| &it.representations);
    assert!(all.all(|it| it.addressing.availability_time_offset == Some(Time::MAX)));
    let patched = mpd("dash-mpd-rs/patch-location.mpd");
    assert_eq!(patched.patch_locations.len(), 1);
    assert_eq!(
        patched.patch_locations[0].ttl,
        Some(Time::from_millis(60_000))
    );
}
