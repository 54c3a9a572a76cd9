//! The playlists of other players' test suites, with the facts that those suites assert. Skipped without the corpus.
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
use kinora_manifest::hls::{
    self, LatencyMode, Limits, LiveState, MediaPlaylist, MultivariantPlaylist, Playlist,
    RenditionKind, Segment, Variables, Variant,
};
use serde_json::{Value, json};
use url::Url;

fn playlists() -> Option<PathBuf> {
    kinora_test_support::corpus().map(|root| root.join("playlists"))
}

fn load(root: &Path, file: &str, url: &str) -> Result<Playlist, hls::HlsError> {
    let bytes = std::fs::read(root.join(file)).unwrap();
    hls::parse(
        &bytes,
        &Url::parse(url).unwrap(),
        &Variables::default(),
        &Limits::default(),
    )
}

fn index(root: &Path, suite: &str) -> Vec<Value> {
    let Ok(text) = std::fs::read(root.join(suite).join("index.json")) else {
        return Vec::new();
    };
    let Value::Array(rows) = serde_json::from_slice(&text).unwrap() else {
        panic!("{suite} has no list");
    };
    rows.into_iter()
        .filter(|row| {
            row["file"]
                .as_str()
                .is_some_and(|file| file.ends_with(".m3u8"))
        })
        .collect()
}

/// Files that are refused although they begin as a playlist does, each with the reason.
const REFUSED: &[(&str, &str)] = &[
    (
        "064_returns_an_error_when_duplicate_Variables",
        "hls.variable.duplicate",
    ),
    ("multiple_session_data_playlist", "hls.empty"),
    ("189_fails_on_AES-128", "hls.map.iv"),
    // Its URL has the query in that suite only.
    (
        "255_parse_variables_in_media_playlist",
        "hls.variable.undefined",
    ),
    ("003_parses_tags_with_no_attributes", "hls.empty"),
    ("007_parses_tags_with_attributes", "hls.empty"),
    ("encryptedMapTagWithNoIvFails", "hls.map.iv"),
    (
        "queryParamSubstitution_missingQueryParam_throws",
        "hls.variable.undefined",
    ),
    ("012_rejects_invalid_tags", "hls.empty"),
    (
        "duplicateVariableAndQueryParamName_throws",
        "hls.variable.duplicate",
    ),
    ("withDuplicateVariableName", "hls.variable.duplicate"),
];

/// The reason to expect, if any.
fn expected_reason(root: &Path, file: &str) -> Option<&'static str> {
    if !String::from_utf8_lossy(&std::fs::read(root.join(file)).unwrap()).contains("#EXTM3U") {
        return Some("hls.missing_extm3u");
    }
    REFUSED
        .iter()
        .find(|(part, _)| file.contains(part))
        .map(|(_, reason)| *reason)
}

#[test]
fn the_playlists_of_other_players_are_read() {
    let Some(root) = playlists() else {
        return;
    };
    let mut wrong = Vec::new();
    let mut count = 0;
    for suite in SUITES {
        let rows = index(&root, suite);
        let before = wrong.len();
        for row in &rows {
            let file = row["file"].as_str().unwrap();
            let seen = load(&root, file, url_of(row, file)).err();
            let expected = expected_reason(&root, file);
            // That one needs a parent that gives the variable too.
            if seen.as_ref().map(Coded::reason) != expected
                && !file.contains("duplicateVariableAndImportName")
            {
                wrong.push(format!("{file}: {seen:?}, expected {expected:?}"));
            }
        }
        println!(
            "{suite}: {} of {} as expected",
            rows.len() - (wrong.len() - before),
            rows.len()
        );
        count += rows.len();
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const SUITES: [&str; 7] = [
    "media3",
    "hls.js",
    "globocom-m3u8",
    "m3u8-rs",
    "grafov-m3u8",
    "videojs-m3u8-parser",
    "shaka",
];

/// The address that the suite gives the playlist.
fn url_of<'a>(row: &'a Value, file: &str) -> &'a str {
    if file.contains("parseMultivariantPlaylist_with") && file.contains("_throws") {
        return "http://example.com/?path=appended/path&codecs=mp4a.40.5";
    }
    row["uri"]
        .as_str()
        .unwrap_or("https://example.com/test.m3u8")
}

/// Facts that do not hold here, on purpose.
const OTHERWISE: &[(&str, &str)] = &[
    // A line that no EXTINF announces counts as a segment there; here, as in other players, it does not.
    ("withSkippedSegments_correctlyMergedSegments", "segments"),
    // An offset of zero and none are one here; there the hint with an offset but no length is dropped.
    ("withUnboundedPreloadHintTypePart", "trailingParts"),
];

#[derive(Default)]
struct Tally {
    held: usize,
    otherwise: usize,
    passed_over: usize,
    broken: Vec<String>,
}

#[test]
fn the_facts_of_media3_hold() {
    let Some(root) = playlists() else {
        return;
    };
    let mut tally = Tally::default();
    for row in index(&root, "media3") {
        let file = row["file"].as_str().unwrap();
        if file.contains(".previousPlaylistString") || !file.contains("ParserTest") {
            continue;
        }
        let url = url_of(&row, file);
        let Ok(list) = load(&root, file, url) else {
            assert!(
                expected_reason(&root, file).is_some() || file.contains("_throws"),
                "{file}"
            );
            continue;
        };
        let before = file.replace(".playlistString", ".previousPlaylistString");
        let previous = (before != file && root.join(&before).is_file())
            .then(|| load(&root, &before, url).unwrap());
        let list = merged(previous.as_ref(), list);
        for fact in row["facts"].as_array().into_iter().flatten() {
            weigh(&mut tally, file, fact, &list, previous.as_ref());
        }
    }
    let Tally {
        held,
        otherwise,
        passed_over,
        broken,
    } = tally;
    println!(
        "facts of media3: {held} hold, {} do not, {otherwise} are otherwise on purpose, {passed_over} speak of what is not in this model",
        broken.len()
    );
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(held > 40, "{held}");
}

fn merged(previous: Option<&Playlist>, list: Playlist) -> Playlist {
    match (list, previous) {
        (Playlist::Media(list), Some(Playlist::Media(old))) => {
            let mut state = LiveState::new(old.clone(), LatencyMode::Segments);
            state.update(list).unwrap();
            Playlist::Media(state.playlist().clone())
        }
        (list, _) => list,
    }
}

fn weigh(
    tally: &mut Tally,
    file: &str,
    fact: &Value,
    list: &Playlist,
    previous: Option<&Playlist>,
) {
    let (path, rule) = (fact[0].as_str().unwrap(), fact[1].as_str().unwrap());
    let wanted = if fact[2] == "unset" {
        &Value::Null
    } else {
        &fact[2]
    };
    let seen = match (path.strip_prefix("previousPlaylist."), previous) {
        (Some(path), Some(previous)) => value_of(previous, path),
        (Some(_), None) => None,
        // There, the start of a merged playlist stays that of its predecessor, and its segments begin later.
        (None, Some(_)) if path == "startTimeUs" => None,
        (None, _) => value_of(list, path),
    };
    let Some(seen) = seen else {
        tally.passed_over += 1;
        return;
    };
    if OTHERWISE
        .iter()
        .any(|(part, name)| file.contains(part) && path == *name)
    {
        tally.otherwise += 1;
        return;
    }
    let fine = if rule == "!=" {
        seen != *wanted
    } else {
        same(&seen, wanted)
    };
    if fine {
        tally.held += 1;
    } else {
        tally
            .broken
            .push(format!("{file}: {path} {rule} {wanted}, seen {seen}"));
    }
}

fn same(seen: &Value, wanted: &Value) -> bool {
    match (seen.as_f64(), wanted.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-6,
        _ => seen == wanted,
    }
}

fn value_of(list: &Playlist, path: &str) -> Option<Value> {
    match list {
        Playlist::Media(list) => of_media(list, path),
        Playlist::Multivariant(list) => of_multivariant(list, path),
    }
}

/// `name[3].rest` as 3 and `rest`.
fn item<'a>(path: &'a str, name: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = path
        .strip_prefix(name)?
        .strip_prefix('[')?
        .split_once(']')?;
    Some((number.parse().ok()?, rest.trim_start_matches('.')))
}

fn of_media(list: &MediaPlaylist, path: &str) -> Option<Value> {
    let us = |time: Option<kinora_media::Time>| json!(time.map(kinora_media::Time::as_micros));
    if let Some((at, rest)) = item(path, "segments") {
        return of_segment(list, list.segments.get(at)?, at, rest);
    }
    let control = &list.server_control;
    let hint = list.preload_hints.iter().find(|hint| !hint.is_map);
    let report = list.rendition_reports.first();
    Some(match path {
        "segments" => json!(list.segments.len()),
        "renditionReports" => json!(list.rendition_reports.len()),
        "partTargetDurationUs" => us(list.part_target),
        "serverControl.canBlockReload" => json!(control.can_block_reload),
        "serverControl.partHoldBackUs" => us(control.part_hold_back),
        "serverControl.holdBackUs" => us(control.hold_back),
        "serverControl.skipUntilUs" => us(control.can_skip_until),
        "serverControl.canSkipDateRanges" => json!(control.can_skip_date_ranges),
        "preloadPart.url" => json!(hint?.uri),
        "preloadPart.byteRangeOffset" => json!(hint?.range.start),
        "preloadPart.byteRangeLength" => json!(hint?.range.len()),
        "report.lastMediaSequence" | "report0.lastMediaSequence" => json!(report?.last_sequence),
        "report.lastPartIndex" | "report0.lastPartIndex" => json!(report?.last_part),
        "startTimeUs" => json!(list.segments.first()?.program_date_ms? * 1000),
        // There, a hint with a length counts as a part.
        "trailingParts" => {
            let hinted = list
                .preload_hints
                .iter()
                .filter(|hint| !hint.is_map && hint.range.end.is_some());
            let open = list
                .preload_hints
                .iter()
                .filter(|hint| !hint.is_map && hint.range.is_whole());
            json!(list.trailing_parts().len() + hinted.count() + open.count())
        }
        _ => return None,
    })
}

fn of_segment(list: &MediaPlaylist, segment: &Segment, at: usize, path: &str) -> Option<Value> {
    let start: i64 = list.segments[..at]
        .iter()
        .map(|one| one.duration.as_micros())
        .sum();
    if let Some((part, rest)) = item(path, "parts") {
        let parts = &segment.parts;
        let before: i64 = parts[..part.min(parts.len())]
            .iter()
            .map(|one| one.duration.as_micros())
            .sum();
        return Some(match rest {
            "relativeStartTimeUs" => json!(start + before),
            "relativeDiscontinuitySequence" => {
                json!(segment.discontinuity_sequence - list.discontinuity_sequence)
            }
            _ => return None,
        });
    }
    Some(match path {
        "relativeStartTimeUs" => json!(start),
        "relativeDiscontinuitySequence" => {
            json!(segment.discontinuity_sequence - list.discontinuity_sequence)
        }
        "url" => json!(segment.uri),
        "initializationSegment.url" => json!(segment.map.as_ref()?.uri),
        "parts" => json!(segment.parts.len()),
        _ => return None,
    })
}

fn of_multivariant(list: &MultivariantPlaylist, path: &str) -> Option<Value> {
    let variants: Vec<&Variant> = list.variants.iter().chain(&list.i_frame_variants).collect();
    let kind = |kind| list.renditions.iter().filter(move |one| one.kind == kind);
    if let Some((at, rest)) = item(path, "variants") {
        let variant = variants.get(at)?;
        return Some(match rest {
            "format.bitrate" => json!(variant.average_bandwidth.unwrap_or(variant.bandwidth)),
            "format.selectionPriority" => json!(variant.score),
            "pathwayId" => json!(variant.pathway),
            "stableVariantId" => json!(variant.stable_id),
            _ => return None,
        });
    }
    if let Some((at, "format.channelCount")) = item(path, "audios") {
        return Some(json!(kind(RenditionKind::Audio).nth(at)?.channels));
    }
    if let Some((at, "stableRenditionId")) = item(path, "subtitles") {
        return Some(json!(kind(RenditionKind::Subtitles).nth(at)?.stable_id));
    }
    Some(match path {
        // There, variants of one URL are one.
        "variants" => {
            let mut urls: Vec<&str> = variants.iter().map(|one| one.uri.as_str()).collect();
            urls.sort_unstable();
            urls.dedup();
            json!(urls.len())
        }
        "contentSteeringInfo" => list.steering.as_ref().map_or(Value::Null, |_| json!(true)),
        "contentSteeringInfo.serverUri" => json!(
            list.resolve(&list.steering.as_ref()?.server_uri)
                .ok()?
                .as_str()
        ),
        "contentSteeringInfo.pathwayId" => json!(list.steering.as_ref()?.pathway),
        "variant.url" => json!(list.resolve(&variants.first()?.uri).ok()?.as_str()),
        "variant.format.codecs" => json!(variants.first()?.codecs),
        _ => return None,
    })
}
