//! Where playback of a media playlist begins, and how far it stays from the end of one that grows.

use kinora_media::Time;

use super::model::{MediaPlaylist, Start};

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
    /// Index of the segment.
    pub index: usize,
    /// How far into it the point lies.
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
        let end = list.trailing_parts.iter().fold(total, |end, part| {
            end.saturating_add(part.duration.as_nanos())
        });
        let edge = end.saturating_sub(hold_back(list, mode).as_nanos()).max(0);
        named.map_or(edge, |start| from_named(start).min(edge))
    } else {
        named.map_or(0, from_named)
    };
    let index = list.index_at(Time::from_nanos(at))?;
    let segments = list.segments.iter().take(index);
    let before = segments.fold(0_i64, |sum, segment| {
        sum.saturating_add(segment.duration.as_nanos())
    });
    Some(StartPoint {
        index,
        offset: Time::from_nanos(at.saturating_sub(before)),
        precise: named.is_some_and(|start| start.precise),
    })
}
