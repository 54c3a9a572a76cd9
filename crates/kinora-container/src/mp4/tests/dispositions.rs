//! For whom tracks are meant.

use bytes::Bytes;
use kinora_media::Disposition;

use super::build::{TrackSpec, audio, boxed, fast_start, full};
use super::make;
use crate::Step;

fn with_udta(track: TrackSpec, boxes: &[Vec<u8>]) -> TrackSpec {
    TrackSpec {
        more_track: boxed(b"udta", boxes.concat()),
        ..track
    }
}

fn kind(scheme: &str, value: &str) -> Vec<u8> {
    let mut body = full(b"kind", 0, &[]);
    body.extend(format!("{scheme}\0{value}\0").bytes());
    let length = u32::try_from(body.len()).unwrap();
    body[..4].copy_from_slice(&length.to_be_bytes());
    body
}

fn dispositions(bytes: &[u8]) -> Vec<Disposition> {
    let mut demuxer = make();
    demuxer.push(0, Bytes::copy_from_slice(bytes));
    let Step::Info(info) = demuxer.poll().unwrap() else {
        panic!("the index comes first");
    };
    info.tracks.iter().map(|track| track.disposition).collect()
}

#[test]
fn roles_and_characteristics_say_for_whom_a_track_is() {
    let dash = "urn:mpeg:dash:role:2011";
    let tracks = [
        with_udta(audio(1, 3), &[kind(dash, "description")]),
        with_udta(
            audio(2, 3),
            &[
                kind(dash, "commentary"),
                kind("about:html-kind", "captions"),
                kind("urn:other", "description"),
            ],
        ),
        with_udta(
            audio(3, 3),
            &[boxed(b"tagc", b"public.subtitles.forced-only")],
        ),
        with_udta(audio(4, 3), &[boxed(b"kind", [0, 0]), boxed(b"tagc", [])]),
    ];
    let none = Disposition::default();
    let expected = [
        Disposition {
            visual_impaired: true,
            ..none
        },
        Disposition {
            comment: true,
            hearing_impaired: true,
            ..none
        },
        Disposition {
            forced: true,
            ..none
        },
        none,
    ];
    assert_eq!(dispositions(&fast_start(&tracks)), expected);
}

#[test]
fn an_enabled_track_is_the_default_where_another_one_is_not_enabled() {
    let mut bytes = fast_start(&[audio(1, 3), audio(2, 3)]);
    let default = |bytes: &[u8]| {
        let all = dispositions(bytes).into_iter();
        all.map(|it| it.default).collect::<Vec<_>>()
    };
    assert_eq!(default(&bytes), [false, false]);
    let tkhd = bytes.windows(4).position(|kind| kind == b"tkhd").unwrap();
    bytes[tkhd + 7] &= !1;
    assert_eq!(default(&bytes), [false, true]);
}
