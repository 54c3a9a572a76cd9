//! Captions within pictures as `ffmpeg` encodes them, with what cameras and encoders write before their slices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use kinora::{Event, FIRST_CAPTIONS, Player, SeekAccuracy, Time, TrackKind};
use kinora_test_support::ffmpeg_in;

const LIMIT: Duration = Duration::from_secs(20);

/// How a codec names its units.
#[derive(Clone, Copy)]
struct Coding {
    name: &'static str,
    encoder: &'static str,
    type_of: fn(&[u8]) -> u8,
    delimiter: u8,
    /// The first and the last type of slices.
    slices: [u8; 2],
    /// The head of a unit of supplemental information.
    sei: &'static [u8],
}

const H264: Coding = Coding {
    name: "h264",
    encoder: "libx264 -x264-params aud=1:log=0",
    type_of: |unit| unit[0] & 0x1f,
    delimiter: 9,
    slices: [1, 5],
    sei: &[6],
};
const H265: Coding = Coding {
    name: "hevc",
    encoder: "libx265 -x265-params aud=1:log-level=none",
    type_of: |unit| unit[0] >> 1 & 0x3f,
    delimiter: 35,
    slices: [0, 31],
    sei: &[0x4e, 1],
};

/// Each byte of line 21 has an odd number of ones (ANSI/CTA-608 4.1).
fn odd(byte: u8) -> u8 {
    byte | u8::from(byte.count_ones().is_multiple_of(2)) << 7
}

/// Triplets of the first field: each command twice, as is the rule.
fn line_21(pairs: &[[u8; 2]]) -> Vec<u8> {
    let triplets = pairs.iter().flat_map(|[one, two]| {
        let times = 1 + usize::from((0x10..0x20).contains(one));
        std::iter::repeat_n([0xfc, odd(*one), odd(*two)], times)
    });
    triplets.flatten().collect()
}

/// With the picture of 1 s "HI" appears, with that of 2 s it goes.
fn words(picture: usize) -> Vec<u8> {
    match picture {
        25 => line_21(&[
            [0x14, 0x20],
            [0x14, 0x2e],
            [0x14, 0x70],
            *b"HI",
            [0x14, 0x2f],
        ]),
        50 => line_21(&[[0x14, 0x2c]]),
        _ => vec![0xfc, 0x80, 0x80],
    }
}

/// The same of the first service of CEA-708: a window with the text is defined, and deleted.
fn windows(picture: usize) -> Vec<u8> {
    // Packets of the caption channel (CTA-708 5): sequence and length, then a block of service 1.
    let packet: &[u8] = match picture {
        25 => &[
            0x06, 0x2a, 0x98, 0x38, 50, 50, 0x30, 31, 0x11, b'H', b'I', 0x03,
        ],
        50 => &[0x42, 0x22, 0x8c, 0xff],
        _ => &[],
    };
    let pairs = packet.as_chunks::<2>().0.iter().enumerate();
    let mut triplets: Vec<u8> = pairs
        .flat_map(|(at, [one, two])| [if at == 0 { 0xff } else { 0xfe }, *one, *two])
        .collect();
    if triplets.is_empty() {
        triplets.extend([0xfa, 0, 0]);
    }
    triplets
}

/// A unit of supplemental information with triplets (ATSC A/53-4 6.2.3).
fn sei(coding: Coding, triplets: &[u8]) -> Vec<u8> {
    let count = u8::try_from(triplets.len() / 3).unwrap();
    let head = [0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x40 | count, 0xff];
    let payload = [&head[..], triplets, &[0xff]].concat();
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, 0, 1], coding.sei, &[4, length], &payload, &[0x80]].concat()
}

/// An elementary stream of three seconds whose pictures say so.
fn captioned(dir: &Path, coding: Coding, says: fn(usize) -> Vec<u8>) -> PathBuf {
    let (name, encoder) = (coding.name, coding.encoder);
    ffmpeg_in(
        dir,
        &format!(
            "-f lavfi -i testsrc=size=160x90:rate=25:duration=3 -pix_fmt yuv420p -c:v {encoder} -bf 0 -g 25 -f {name} plain.{name}"
        ),
    );
    let plain = std::fs::read(dir.join(format!("plain.{name}"))).unwrap();
    let mut stream = Vec::new();
    let (mut pictures, mut said) = (0, true);
    for unit in units(&plain) {
        let kind = (coding.type_of)(unit);
        if kind == coding.delimiter {
            said = false;
        } else if !said && (coding.slices[0]..=coding.slices[1]).contains(&kind) {
            stream.extend(sei(coding, &says(pictures)));
            said = true;
            pictures += 1;
        }
        stream.extend([0, 0, 0, 1]);
        stream.extend_from_slice(unit);
    }
    assert_eq!(pictures, 75, "{name}");
    let file = dir.join(format!("words.{name}"));
    std::fs::write(&file, stream).unwrap();
    file
}

/// What stands between start codes.
fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let codes = stream.windows(3).enumerate();
    let starts: Vec<usize> = codes
        .filter(|(_, code)| *code == [0, 0, 1])
        .map(|(at, _)| at + 3)
        .collect();
    let ends = starts.clone().into_iter().skip(1).map(|start| start - 3);
    let ends = ends.chain([stream.len()]);
    let units: Vec<_> = starts.into_iter().zip(ends).collect();
    units.into_iter().map(|(start, end)| {
        let unit = &stream[start..end];
        unit.strip_suffix(&[0]).unwrap_or(unit)
    })
}

/// Plays a file with its captions, or its first track of text; what was shown, from when on, and when it went, in milliseconds.
fn told(file: &Path) -> (Vec<(i64, String)>, usize) {
    let player = Player::builder().autoplay(true).build().unwrap();
    player.open(file.display().to_string());
    let (mut shown, mut hidden, mut chosen) = (Vec::new(), 0, false);
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Prepared(_) | Event::TracksReady(_)) if !chosen => {
                let tracks = player.tracks().unwrap_or_else(|| [].into());
                let mut text = tracks.iter().filter(|it| it.kind == TrackKind::Subtitle);
                if let Some(track) = text.next() {
                    player.select_subtitle(track.index, true);
                    // They were found when some of them had been passed already, on a slow machine all.
                    player.seek(Time::ZERO, SeekAccuracy::Exact);
                    chosen = true;
                }
            }
            Ok(Event::SubtitleShown { track, cue, .. }) => {
                assert!(!(8..FIRST_CAPTIONS).contains(&track), "{track}");
                shown.push((cue.start.as_millis(), cue.text()));
            }
            Ok(Event::SubtitleHidden { .. }) => hidden += 1,
            Ok(Event::Completion) => break,
            Ok(Event::Error(fault)) => panic!("{fault}"),
            Ok(Event::CommandRefused { command, refusal }) => panic!("{command:?}: {refusal:?}"),
            Ok(_) => {}
            Err(_) => panic!("no event within {LIMIT:?}"),
        }
    }
    player.release(LIMIT).unwrap();
    (shown, hidden)
}

#[track_caller]
fn says_hi(file: &Path) {
    let (shown, hidden) = told(file);
    let name = file.display();
    assert!(!shown.is_empty(), "{name}");
    assert_eq!(shown.len(), hidden, "{name}");
    for (at, text) in shown {
        assert_eq!(text, "HI", "{name}");
        // A transport stream of ffmpeg's begins its clock later, which is taken off.
        assert!((1_000..=1_040).contains(&at), "{name}: {at}");
    }
}

#[test]
fn captions_are_found_in_pictures_of_each_codec_and_container() {
    let dir = tempfile::tempdir().unwrap();
    for (coding, says) in [H264, H265]
        .into_iter()
        .flat_map(|it| [(it, words as fn(usize) -> Vec<u8>), (it, windows)])
    {
        let name = coding.name;
        captioned(dir.path(), coding, says);
        // Units with their lengths in MP4 and Matroska, with start codes in a transport stream.
        let files = [
            ("end.mp4", ""),
            ("fast.mp4", "-movflags +faststart"),
            ("a.mov", ""),
            ("a.mkv", ""),
            ("a.ts", ""),
        ];
        for (file, options) in files {
            ffmpeg_in(
                dir.path(),
                &format!("-r 25 -i words.{name} -c copy {options} {file}"),
            );
        }
        // They take as long as they last: side by side.
        std::thread::scope(|scope| {
            for (file, _) in files {
                let file = dir.path().join(file);
                scope.spawn(move || says_hi(&file));
            }
        });
    }
}

#[test]
fn captions_in_a_track_of_their_own_are_read() {
    let dir = tempfile::tempdir().unwrap();
    captioned(dir.path(), H264, words);
    ffmpeg_in(dir.path(), "-r 25 -i words.h264 -c copy words.ts");
    for file in ["track.mov", "track.mp4"] {
        // A track of `c608` (QuickTime File Format, "Closed captioning media").
        ffmpeg_in(
            dir.path(),
            &format!(
                "-f lavfi -i movie=words.ts[out0+subcc] -map 0:v -c:v libx264 -map 0:s -c:s copy -tag:s c608 -f mov {file}"
            ),
        );
        says_hi(&dir.path().join(file));
    }
}
