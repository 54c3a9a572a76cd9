//! Playlists in bytes a second: `cargo bench -p kinora-manifest`.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;

use divan::Bencher;
use divan::counter::BytesCount;
use kinora_manifest::hls::{self, LatencyMode, Limits, LiveState, Playlist, Variables};
use url::Url;

fn main() {
    divan::main();
}

/// A VOD of so many segments; a day of six-second segments has 14,400.
#[divan::bench(args = [10, 600, 14_400])]
fn vod(bencher: Bencher<'_, '_>, segments: usize) {
    let text = media(segments, "#EXT-X-ENDLIST\n");
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| read(divan::black_box(&text)));
}

/// What each reload of a live list costs: it is read and joined to the one before.
#[divan::bench]
fn live_update(bencher: Bencher<'_, '_>) {
    let text = media(10, "");
    let Playlist::Media(list) = read(&text) else {
        panic!("a media playlist");
    };
    let state = LiveState::new(list, LatencyMode::Segments);
    bencher
        .with_inputs(|| state.clone())
        .bench_values(|mut state| {
            let Playlist::Media(list) = read(&text) else {
                panic!("a media playlist");
            };
            state.update(list).unwrap()
        });
}

#[divan::bench]
fn multivariant(bencher: Bencher<'_, '_>) {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en\",LANGUAGE=\"en\",URI=\"en.m3u8\"\n",
    );
    for rung in 1..20 {
        let _ = writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={rung}00000,RESOLUTION={rung}0x{rung}0,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"a\"\n{rung}/a.m3u8"
        );
    }
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| read(divan::black_box(&text)));
}

fn read(text: &str) -> Playlist {
    let url = Url::parse("https://cdn.example.com/v/a.m3u8").unwrap();
    hls::parse(
        text.as_bytes(),
        &url,
        &Variables::default(),
        &Limits::default(),
    )
    .unwrap()
}

fn media(segments: usize, end: &str) -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n",
    );
    for segment in 0..segments {
        let _ = writeln!(text, "#EXTINF:6.006,\nsegment-{segment:06}.m4s");
    }
    text + end
}
