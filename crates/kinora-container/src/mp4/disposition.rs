//! For whom a track is meant.

use bytes::Bytes;
use kinora_media::{Disposition, TrackKind};

use super::boxes::{Reader, children, find};
use super::moov::TrackBox;

/// Boxes of a track's `udta` that are looked at.
const MAX_BOXES: usize = 64;

/// What a track's `udta` says of it, and whether the track is enabled (`tkhd`, 8.3.2.3).
pub(super) fn of_track(trak: &Bytes) -> Disposition {
    let mut found = Disposition {
        default: is_enabled(trak),
        ..Disposition::default()
    };
    let Some(udta) = find(trak, b"udta") else {
        return found;
    };
    for child in children(&udta).take(MAX_BOXES) {
        match &child.kind {
            b"kind" => {
                if let Some((scheme, value)) = kind(&child.body) {
                    by_kind(&mut found, &scheme, &value);
                }
            }
            b"tagc" => by_characteristic(&mut found, &child.body),
            _ => {}
        }
    }
    found
}

fn is_enabled(trak: &Bytes) -> bool {
    let flags = find(trak, b"tkhd").and_then(|tkhd| Reader::new(&tkhd).full_box().ok());
    flags.is_some_and(|(_, flags)| flags & 1 != 0)
}

/// A scheme and a value, each up to a zero (8.10.4).
fn kind(body: &[u8]) -> Option<(String, String)> {
    let mut parts = body.get(4..)?.split(|byte| *byte == 0);
    let mut text = || {
        parts
            .next()
            .map(|text| String::from_utf8_lossy(text).into_owned())
    };
    Some((text()?, text().unwrap_or_default()))
}

/// The roles of DASH (ISO/IEC 23009-1 5.8.5.5), and the kinds of tracks of HTML that "Sourcing In-band Media Resource Tracks" maps.
fn by_kind(found: &mut Disposition, scheme: &str, value: &str) {
    match (scheme, value) {
        ("urn:mpeg:dash:role:2011", "caption") | ("about:html-kind", "captions") => {
            found.hearing_impaired = true;
        }
        ("urn:mpeg:dash:role:2011", "description")
        | ("about:html-kind", "descriptions" | "main-desc") => found.visual_impaired = true,
        ("urn:mpeg:dash:role:2011" | "about:html-kind", "commentary") => found.comment = true,
        ("urn:mpeg:dash:role:2011", "forced-subtitle" | "forced_subtitle") => found.forced = true,
        _ => {}
    }
}

/// Characteristics of media, as Apple's tools write them (QuickTime File Format, "User data", `tagc`).
fn by_characteristic(found: &mut Disposition, body: &[u8]) {
    match body.strip_suffix(&[0]).unwrap_or(body) {
        b"public.subtitles.forced-only" => found.forced = true,
        b"public.accessibility.describes-video" => found.visual_impaired = true,
        b"public.accessibility.transcribes-spoken-dialog"
        | b"public.accessibility.describes-music-and-sound" => found.hearing_impaired = true,
        b"public.original-content" => found.original = true,
        b"public.auxiliary-content" => found.comment = true,
        _ => {}
    }
}

/// That a track is enabled tells something only where another one of its kind is not: most writers enable all.
pub(super) fn settle_defaults(tracks: &mut [TrackBox]) {
    let enabled = |kind: TrackKind, tracks: &[TrackBox]| {
        let of_kind = tracks.iter().filter(|track| track.info.kind() == kind);
        let (some, total) = of_kind.fold((0_usize, 0_usize), |(some, total), track| {
            let is_default = usize::from(track.info.disposition.default);
            (some.saturating_add(is_default), total.saturating_add(1))
        });
        some > 0 && some < total
    };
    for kind in [TrackKind::Video, TrackKind::Audio, TrackKind::Subtitle] {
        let tells = enabled(kind, tracks);
        for track in tracks.iter_mut().filter(|track| track.info.kind() == kind) {
            track.info.disposition.default &= tells;
            for other in &mut track.others {
                other.disposition = track.info.disposition;
            }
        }
    }
}
