//! Low latency (RFC 8216bis): parts, hints, and what the next load asks the server for.

use std::sync::Arc;

use kinora_errors::{Fault, Secret};
use kinora_manifest::hls::{self, Directives, Encryption, LatencyMode, LiveState, Position};
use kinora_media::Time;
use kinora_protect::Scheme;
use url::Url;

use super::init_section;
use crate::ingest::base::Base;
use crate::ingest::segmented::index::{
    Delivery, Init, Part, PartHint, PartId, Parts, RenditionReport,
};

/// So many segments at the end have parts; older ones need none (RFC 8216bis 6.2.2).
pub(super) const MAX_WITH_PARTS: usize = 8;
/// Reports beyond are passed over: no presentation has so many renditions.
const MAX_REPORTS: usize = 256;

/// Parts are loaded where there are any and can be decrypted one by one.
pub(super) fn latency_mode(list: &hls::MediaPlaylist) -> LatencyMode {
    let has_parts = list.part_target.is_some_and(|target| target > Time::ZERO);
    let mut segments = list.segments.iter().chain(list.growing.as_deref());
    match has_parts && !segments.any(is_sealed) {
        true => LatencyMode::Parts,
        false => LatencyMode::Segments,
    }
}

/// It is encrypted as a whole, in one chain of blocks (AES-128): its parts say nothing by themselves.
pub(super) fn is_sealed(segment: &hls::Segment) -> bool {
    let Encryption::Identity { method, .. } = segment.encryption() else {
        return false;
    };
    matches!(Scheme::of_method(method), Ok(Scheme::Segments(_)))
}

/// The parts of a segment, where they are all of it.
pub(super) fn parts(
    segment: &hls::Segment,
    list: &hls::MediaPlaylist,
    base: &Base,
) -> Result<Parts, Fault> {
    let all = segment.parts.iter();
    let duration = all
        .clone()
        .fold(Time::ZERO, |sum, part| sum + part.duration);
    // RFC 8216bis 6.2.2 takes them away once they are old, in some playlists one by one.
    let target = list.part_target.unwrap_or_default();
    let is_whole = (duration - segment.duration).abs() < target.scale(0.5);
    if segment.parts.is_empty() || !is_whole || is_sealed(segment) {
        return Ok(Parts::None);
    }
    let part = |part: &hls::Part| {
        Ok(Part {
            url: base.resolve(&part.uri)?,
            range: part.range,
            duration: part.duration,
            gap: part.gap,
        })
    };
    let parts = all.map(part).collect::<Result<_, Fault>>()?;
    Ok(match segment.uri.is_empty() {
        true => Parts::Growing(parts),
        false => Parts::Complete(parts),
    })
}

/// How the next version is asked for.
pub(super) fn delivery(live: &LiveState, base: &Base) -> Delivery {
    let list = live.playlist();
    let by_parts = live.mode() == LatencyMode::Parts && !live.has_ended();
    let report = |report: &hls::RenditionReport| {
        Some(RenditionReport {
            url: base.resolve(&report.uri).ok()?,
            last: Position {
                sequence: report.last_sequence?,
                part: report.last_part,
            },
        })
    };
    let reports = list.rendition_reports.iter().take(MAX_REPORTS);
    Delivery {
        wait_for: live.wait_for(),
        skip: live.skip().map(|(skip, within)| (skip, Time::from(within))),
        part_hint: part_hint(live, base).filter(|_| by_parts),
        init_hint: init_hint(list, base).filter(|_| by_parts),
        reports: reports.filter_map(report).collect(),
    }
}

fn part_hint(live: &LiveState, base: &Base) -> Option<PartHint> {
    let list = live.playlist();
    let mut hints = list.preload_hints.iter();
    let hint = hints.find(|hint| !hint.is_map)?;
    let next = live.next_position();
    Some(PartHint {
        id: PartId {
            number: next.sequence,
            part: usize::try_from(next.part?).ok()?,
        },
        url: base.resolve(&hint.uri).ok()?,
        range: hint.range,
    })
}

fn init_hint(list: &hls::MediaPlaylist, base: &Base) -> Option<Arc<Init>> {
    let hint = list.preload_hints.iter().find(|hint| hint.is_map)?;
    let last = list.growing.as_deref().or(list.segments.last())?;
    let map = hls::Map {
        uri: hint.uri.clone(),
        range: hint.range,
        // The key in force, unless another comes with it.
        keys: last.keys.clone(),
    };
    init_section(&map, last.sequence, base).ok()
}

/// A URL with directives; a path of a file takes none.
pub(in crate::ingest) fn directed(url: &Secret, directives: &Directives) -> Secret {
    let parsed = Url::parse(url.expose());
    match parsed {
        Ok(mut parsed) if !directives.is_empty() && matches!(parsed.scheme(), "http" | "https") => {
            directives.put_into(&mut parsed);
            Secret::new(parsed.as_str())
        }
        _ => url.clone(),
    }
}
