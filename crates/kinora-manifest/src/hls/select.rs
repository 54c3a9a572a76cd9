//! What to begin with: the variant, the sound that goes with it, the segment.

use kinora_media::Time;

use super::model::{MediaPlaylist, MultivariantPlaylist, Rendition, RenditionKind, Variant};

/// What bounds the first choice.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Wish {
    /// The line's speed as far as it is known, bit/s.
    pub bandwidth_bps: Option<u64>,
    /// No larger pictures than the screen shows, where there are such.
    pub max_size: Option<(u32, u32)>,
}

/// Index of the variant to begin with: the best that the line and the screen bear among those that `can_play`, the
/// lowest when none does; the author's first where nothing is known of the line (RFC 8216 6.3.1).
#[must_use]
pub fn initial(
    list: &MultivariantPlaylist,
    wish: &Wish,
    can_play: impl Fn(&Variant) -> bool,
) -> Option<usize> {
    let playable = |at: &usize| list.variants.get(*at).is_some_and(&can_play);
    let all: Vec<usize> = (0..list.variants.len()).filter(playable).collect();
    let of = |at: usize| list.variants.get(at);
    let fits = |at: &usize| match (
        wish.max_size,
        of(*at).and_then(|variant| variant.resolution),
    ) {
        (Some((width, height)), Some(size)) => size.0 <= width && size.1 <= height,
        _ => true,
    };
    let fitting: Vec<usize> = all.iter().copied().filter(fits).collect();
    let pool = if fitting.is_empty() { &all } else { &fitting };
    let rate = |at: &usize| of(*at).map_or(0, |variant| variant.bandwidth);
    let Some(line) = wish.bandwidth_bps else {
        return pool.first().copied();
    };
    // A quarter in reserve: estimates are noisy.
    let bearable = line.saturating_sub(line.checked_div(4).unwrap_or(0));
    let best = pool
        .iter()
        .copied()
        .filter(|at| rate(at) <= bearable)
        .max_by_key(rate);
    best.or_else(|| pool.iter().copied().min_by_key(rate))
}

/// The sound of a variant: in that language, else the default, else the first. `None`: it is inside the variant.
#[must_use]
pub fn audio<'a>(
    list: &'a MultivariantPlaylist,
    variant: &'a Variant,
    language: Option<&str>,
) -> Option<&'a Rendition> {
    let group = variant.audio.as_deref()?;
    let mut all = list.group(RenditionKind::Audio, group);
    let wanted = language.and_then(|wanted| {
        let mut group = list.group(RenditionKind::Audio, group);
        group.find(|one| {
            one.language
                .as_deref()
                .is_some_and(|has| has.eq_ignore_ascii_case(wanted))
        })
    });
    let chosen = wanted
        .or_else(|| {
            list.group(RenditionKind::Audio, group)
                .find(|one| one.default)
        })
        .or_else(|| all.next());
    chosen.filter(|one| one.uri.is_some())
}

/// Index of the segment to begin with, and how far into it. VOD begins at the start or at EXT-X-START; live at its
/// hold-back from the end, three target durations when the server names none (RFC 8216 6.3.3).
#[must_use]
pub fn start(list: &MediaPlaylist) -> Option<(usize, Time)> {
    let total = list.duration().as_nanos();
    let named = list.start.map(|start| start.offset.as_nanos());
    let from_named = |offset: i64| {
        let at = if offset < 0 {
            total.saturating_add(offset)
        } else {
            offset
        };
        at.clamp(0, total)
    };
    let at = if list.is_live() {
        let three = list.target_duration.as_nanos().saturating_mul(3);
        let back = list.server_control.hold_back.map_or(three, Time::as_nanos);
        let edge = total.saturating_sub(back).max(0);
        named.map_or(edge, |offset| from_named(offset).min(edge))
    } else {
        named.map_or(0, from_named)
    };
    let index = list.index_at(Time::from_nanos(at))?;
    let before = list
        .segments
        .iter()
        .take(index)
        .fold(0_i64, |sum, segment| {
            sum.saturating_add(segment.duration.as_nanos())
        });
    Some((index, Time::from_nanos(at.saturating_sub(before))))
}
