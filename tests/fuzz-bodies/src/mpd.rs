//! DASH manifests: read, unfolded into segments at several times of day, followed and patched.

use kinora_manifest::dash::{Document, Limits, LiveState, Mpd, Window};
use kinora_manifest::policy::may_fetch;
use kinora_media::Time;
use url::Url;

use crate::Work;

/// Representations whose segments are looked at, and segments of each.
const LOOKED_AT: usize = 16;
const SEGMENTS: usize = 200;

/// An MPD; behind a zero byte, a patch to it.
pub(crate) fn dash(data: &[u8]) -> Work {
    let mut work = Work {
        bytes: data.len() as u64,
        ..Work::default()
    };
    let Ok(url) = Url::parse("https://cdn.example.com/live/a.mpd?token=x") else {
        return work;
    };
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let limits = Limits::default();
    let document = match Document::parse(text, &limits) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.to_string().len() < 1_000, "an error is a sentence");
            work.steps = 1;
            return work;
        }
    };
    let Ok(mpd) = document.mpd(&url) else {
        work.steps = 1;
        return work;
    };
    work.steps = unfold(&mpd);
    let patch = parts
        .next()
        .and_then(|it| Document::parse(it, &limits).ok());
    let patched = patch.and_then(|patch| document.patched(&patch).ok());
    let next = patched.and_then(|it| it.mpd(&url).ok());
    let mut state = LiveState::new(mpd);
    if let Some(next) = next {
        let _ = state.update(next);
        work.steps = work.steps.saturating_add(unfold(state.mpd()));
    }
    work
}

/// So many segments.
fn unfold(mpd: &Mpd) -> u64 {
    let mut count = 0_u64;
    let periods = mpd.periods.iter();
    let sets = periods.flat_map(|it| it.adaptation_sets.iter().map(move |set| (it, set)));
    let all = sets.flat_map(|(period, set)| set.representations.iter().map(move |it| (period, it)));
    for (period, it) in all.take(LOOKED_AT) {
        let base = it.base(&mpd.url);
        let _ = (it.initialization(&base), it.index(&base));
        let times = [Time::ZERO, Time::from_millis(1_700_000_000_000), Time::MAX];
        for now in times {
            if let Ok(segments) = it.available(mpd, &base, period, now, SEGMENTS) {
                assert!(segments.len() <= SEGMENTS, "no more than asked for");
                count = count.saturating_add(segments.len() as u64);
            }
        }
        let segments = it.segments(&base, period, Window::ALL, SEGMENTS);
        for segment in segments.iter().flatten() {
            if may_fetch(&mpd.url, &segment.resource.url).is_ok() {
                let scheme = segment.resource.url.scheme();
                assert!(
                    matches!(scheme, "http" | "https"),
                    "{scheme} was let through"
                );
            }
        }
    }
    let _ = (
        mpd.presentation_delay(),
        mpd.clocks(),
        mpd.update_delay(),
        mpd.has_ended(Time::ZERO),
    );
    count
}
