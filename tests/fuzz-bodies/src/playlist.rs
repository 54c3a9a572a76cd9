//! HLS playlists: read, resolved, judged, begun and refreshed with themselves.

use kinora_errors::Secret;
use kinora_manifest::hls::{
    self, AssetList, Directives, Interstitial, LatencyMode, Limits, LiveState, MediaPlaylist,
    MultivariantPlaylist, PathwayClone, Playlist, SteeringManifest, Variables,
};
use kinora_manifest::policy::may_fetch;
use kinora_media::Time;
use url::Url;

use crate::Work;

/// URIs that are resolved of one list: each may be as long as the list.
const RESOLVED: usize = 64;

pub(crate) fn hls(data: &[u8]) -> Work {
    // What begins otherwise may be what steers.
    let _ = SteeringManifest::parse(data);
    // Or what lists the assets of an interstitial.
    let _ = AssetList::parse(data);
    let mut work = Work {
        bytes: data.len() as u64,
        ..Work::default()
    };
    let Ok(url) = Url::parse("https://cdn.example.com/live/a.m3u8?token=x&n=1") else {
        return work;
    };
    match hls::parse(data, &url, &Variables::default(), &Limits::default()) {
        Err(error) => {
            assert!(error.to_string().len() < 1_000, "an error is a sentence");
            work.steps = 1;
        }
        Ok(Playlist::Media(list)) => work.steps = media(list, &url),
        Ok(Playlist::Multivariant(list)) => work.steps = multivariant(list, &url),
    }
    work
}

fn media(list: MediaPlaylist, url: &Url) -> u64 {
    let count = list.segments.len() as u64;
    assert!(
        list.duration() >= Time::ZERO,
        "no list lasts less than nothing"
    );
    for time in [
        Time::ZERO,
        Time::from_millis(5_000),
        Time::from_millis(i64::MAX),
    ] {
        let _ = list.index_at(time);
    }
    for segment in list.segments.iter().take(RESOLVED) {
        judge(url, list.resolve(&segment.uri).ok());
        for key in segment.keys.iter() {
            let uri = key.uri.as_deref().unwrap_or_default();
            judge(url, list.resolve(uri).ok());
        }
    }
    if let Some(start) = hls::start_point(&list, None, LatencyMode::Parts) {
        assert!(
            list.segments.get(start.index).is_some() || list.growing.is_some(),
            "the start is one of the segments"
        );
    }
    for range in list.date_ranges.iter().take(RESOLVED) {
        let _ = Interstitial::of(range, |uri| Some(Secret::new(uri)));
    }
    for mode in [LatencyMode::Segments, LatencyMode::Parts] {
        let mut state = LiveState::new(list.clone(), mode);
        let _ = state.update(list.clone());
        let _ = state.reload_delay();
        let directives = Directives {
            wait_for: state.wait_for(),
            skip: state.skip().map(|(skip, _)| skip),
        };
        let mut asked = url.clone();
        directives.put_into(&mut asked);
    }
    count
}

fn multivariant(mut list: MultivariantPlaylist, url: &Url) -> u64 {
    clone_pathway(&mut list);
    for variant in list.variants.iter().take(RESOLVED) {
        judge(url, list.resolve(&variant.uri).ok());
    }
    let count = list.variants.len().saturating_add(list.renditions.len());
    count as u64
}

/// The first pathway as a server for steering clones it, under a name that may be there.
fn clone_pathway(list: &mut MultivariantPlaylist) {
    let Some(first) = list.variants.first() else {
        return;
    };
    let clone = PathwayClone {
        base: first.pathway().to_owned(),
        id: first.name.clone().unwrap_or_else(|| "C".to_owned()),
        host: first.stable_id.clone(),
        params: vec![("token".to_owned(), first.codecs.clone())],
        variants: Vec::new(),
        renditions: Vec::new(),
    };
    clone.add_to(list);
}

/// Nothing that a public list names is a file or a machine of the private network.
fn judge(origin: &Url, target: Option<Url>) {
    let Some(target) = target else { return };
    if may_fetch(origin, &target).is_ok() {
        assert!(
            matches!(target.scheme(), "http" | "https"),
            "{} was let through",
            target.scheme()
        );
    }
}
