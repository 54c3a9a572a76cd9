//! Where playback of a media playlist begins, and how far it stays from the end of one that grows.

use kinora_media::Time;

use super::model::{MediaPlaylist, Part, Segment, Start};

/// How near to the live edge a client plays.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum LatencyMode {
    /// It loads whole segments.
    #[default]
    Segments,
    /// It loads parts (RFC 8216bis 4.4.4.9).
    Parts,
}

/// Where to begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StartPoint {
    /// Index of the segment; one past the last is [`MediaPlaylist::growing`].
    pub index: usize,
    /// The part of it to begin with: the first, except where parts are loaded.
    pub part: usize,
    /// How far into the segment the point lies.
    pub offset: Time,
    /// What lies before the point in its segment is not to be shown (RFC 8216 4.3.5.2).
    pub precise: bool,
}

/// The distance from the end of the playlist that is kept: HOLD-BACK, three target durations when the server names none;
/// with parts PART-HOLD-BACK, three part durations (RFC 8216bis 4.4.3.8).
#[must_use]
pub fn hold_back(list: &MediaPlaylist, mode: LatencyMode) -> Time {
    let control = &list.server_control;
    let thrice = |time: Time| Time::from_nanos(time.as_nanos().saturating_mul(3));
    match (mode, list.part_target) {
        (LatencyMode::Parts, Some(target)) => {
            control.part_hold_back.unwrap_or_else(|| thrice(target))
        }
        _ => control
            .hold_back
            .unwrap_or_else(|| thrice(list.target_duration)),
    }
}

/// Where to begin. VOD begins at its first segment or at EXT-X-START; live at its hold-back from the end, or at an
/// EXT-X-START that lies before it (RFC 8216 4.3.5.2, 6.3.3). `inherited`: the EXT-X-START of the multivariant playlist,
/// which counts where the playlist has none of its own.
#[must_use]
pub fn start_point(
    list: &MediaPlaylist,
    inherited: Option<Start>,
    mode: LatencyMode,
) -> Option<StartPoint> {
    let total = list.duration().as_nanos();
    let named = list.start.or(inherited);
    let from_named = |start: Start| {
        let offset = start.offset.as_nanos();
        let at = match offset < 0 {
            true => total.saturating_add(offset),
            false => offset,
        };
        at.clamp(0, total)
    };
    let at = if list.is_live() {
        // The end of the playlist is that of its last part.
        let growing = list.growing.as_deref();
        let end = growing.map_or(total, |growing| {
            total.saturating_add(growing.duration.as_nanos())
        });
        let edge = end.saturating_sub(hold_back(list, mode).as_nanos()).max(0);
        named.map_or(edge, |start| from_named(start).min(edge))
    } else {
        named.map_or(0, from_named)
    };
    let by_parts = mode == LatencyMode::Parts && list.is_live();
    let within = |segment: &&Segment| {
        by_parts && (at >= total || list.segments.is_empty()) && !segment.parts.is_empty()
    };
    let index = match list.growing.as_deref().filter(within) {
        Some(_) => list.segments.len(),
        None => list.index_at(Time::from_nanos(at))?,
    };
    let segments = list.segments.iter().take(index);
    let before = segments.fold(0_i64, |sum, segment| {
        sum.saturating_add(segment.duration.as_nanos())
    });
    let offset = Time::from_nanos(at.saturating_sub(before));
    let parts = list.segments.get(index).or(list.growing.as_deref());
    let parts = parts.filter(|_| by_parts).map_or(&[][..], |it| &it.parts);
    Some(StartPoint {
        index,
        part: independent_part(parts, offset),
        offset,
        // Who loads parts begins where it is to play.
        precise: by_parts || named.is_some_and(|start| start.precise),
    })
}

/// The last part that can be decoded by itself and begins no later than that.
fn independent_part(parts: &[Part], offset: Time) -> usize {
    let mut start = 0_i64;
    let mut found = 0;
    for (at, part) in parts.iter().enumerate() {
        if start > offset.as_nanos() {
            break;
        }
        if part.independent && !part.gap {
            found = at;
        }
        start = start.saturating_add(part.duration.as_nanos());
    }
    found
}
