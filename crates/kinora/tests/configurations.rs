//! A track whose configuration changes on the way: readers and players open another decoder, and lose nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use kinora::{
    DecoderChoice, Event, MediaReader, NetConfig, Packet, Player, SeekAccuracy, Time, TrackInfo,
    VideoFrame, VideoReader,
};
use kinora_test_support::ffmpeg_in;

const LIMIT: Duration = Duration::from_secs(20);
const CHOICES: [DecoderChoice; 2] = [DecoderChoice::Rust, DecoderChoice::Ffmpeg];
/// Pictures of each half; 25 a second.
const HALF: usize = 25;
const SMALL: (u32, u32) = (192, 108);
const LARGE: (u32, u32) = (320, 180);

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(body.len() + 8).unwrap();
    [&size.to_be_bytes(), &kind[..], &body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A clip of one size: its track and packets.
fn half(dir: &Path, (width, height): (u32, u32)) -> (TrackInfo, Vec<Packet>) {
    let name = format!("{width}.mp4");
    ffmpeg_in(
        dir,
        &format!(
            "-f lavfi -i testsrc2=size={width}x{height}:rate=25:duration=1 -c:v libx264 -bf 0 -g 10 -pix_fmt yuv420p {name}"
        ),
    );
    let path = dir.join(name).display().to_string();
    let mut reader = MediaReader::open(path, NetConfig::default()).unwrap();
    let track = reader.info().tracks[0].clone();
    let packets: Vec<_> = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
    assert_eq!(packets.len(), HALF);
    (track, packets)
}

/// A visual sample entry (ISO/IEC 14496-12 12.1.3).
fn sample_entry(track: &TrackInfo) -> Vec<u8> {
    let video = track.video.unwrap();
    let parts: [&[u8]; 6] = [
        &[0, 0, 0, 0, 0, 0, 0, 1],
        &[0; 16],
        &words(&[
            video.width << 16 | video.height,
            0x0048_0000,
            0x0048_0000,
            0,
        ]),
        &[0, 1],
        &[0; 32],
        &[0, 24, 0xFF, 0xFF],
    ];
    let config = boxed(b"avcC", &[&track.config]);
    boxed(b"avc1", &[&parts.concat(), &config])
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}

/// The tables of two chunks of samples, each with an entry of its own (ISO/IEC 14496-12 8.5 to 8.7).
fn sample_table(halves: &[(TrackInfo, Vec<Packet>)], packets: &[&Packet], first: u32) -> Vec<u8> {
    let (count, half) = (number(packets.len()), number(HALF));
    let size = |packet: &&Packet| number(packet.data.len());
    let sizes: Vec<u32> = packets.iter().map(size).collect();
    let second = first + sizes[..HALF].iter().sum::<u32>();
    let numbered = (1..).zip(packets);
    let keys = numbered.filter_map(|(number, packet)| packet.flags.key.then_some(number));
    let keys: Vec<u32> = keys.collect();
    let entries = halves.iter().flat_map(|(track, _)| sample_entry(track));
    let entries: Vec<u8> = entries.collect();
    boxed(
        b"stbl",
        &[
            &boxed(b"stsd", &[&words(&[0, 2]), &entries]),
            &boxed(b"stts", &[&words(&[0, 1, count, 1])]),
            &boxed(b"stsc", &[&words(&[0, 2, 1, half, 1, 2, half, 2])]),
            &boxed(b"stsz", &[&words(&[0, 0, count]), &words(&sizes)]),
            &boxed(b"stco", &[&words(&[0, 2, first, second])]),
            &boxed(b"stss", &[&words(&[0, number(keys.len())]), &words(&keys)]),
        ],
    )
}

/// One track in an MP4 with two sample entries, a chunk of samples of each.
fn two_entries(dir: &Path) -> PathBuf {
    let halves = [half(dir, SMALL), half(dir, LARGE)];
    let packets: Vec<&Packet> = halves.iter().flat_map(|(_, packets)| packets).collect();
    let duration = number(packets.len());
    let ftyp = boxed(b"ftyp", &[b"isom", &words(&[512]), b"isomavc1"]);
    let stbl = sample_table(&halves, &packets, number(ftyp.len() + 8));
    let dref = boxed(
        b"dref",
        &[&words(&[0, 1]), &boxed(b"url ", &[&words(&[1])])],
    );
    let vmhd = boxed(b"vmhd", &[&words(&[1, 0, 0])]);
    let minf = boxed(b"minf", &[&vmhd, &boxed(b"dinf", &[&dref]), &stbl]);
    let hdlr = boxed(b"hdlr", &[&words(&[0, 0]), b"vide", &[0; 13]]);
    let mdhd = boxed(b"mdhd", &[&words(&[0, 0, 0, 25, duration, 0x55C4_0000])]);
    let matrix = words(&[0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000]);
    let sizes = words(&[LARGE.0 << 16, LARGE.1 << 16]);
    let about = words(&[7, 0, 0, 1, 0, duration, 0, 0, 0, 0]);
    let tkhd = boxed(b"tkhd", &[&about, &matrix, &sizes]);
    let trak = boxed(b"trak", &[&tkhd, &boxed(b"mdia", &[&mdhd, &hdlr, &minf])]);
    let about = words(&[0, 0, 0, 25, duration, 0x0001_0000, 0x0100_0000, 0, 0]);
    let mvhd = boxed(b"mvhd", &[&about, &matrix, &[0; 24], &words(&[2])]);
    let samples: Vec<u8> = packets.iter().flat_map(|it| it.data.to_vec()).collect();
    let file = [
        ftyp,
        boxed(b"mdat", &[&samples]),
        boxed(b"moov", &[&mvhd, &trak]),
    ];
    let path = dir.join("two.mp4");
    std::fs::write(&path, file.concat()).unwrap();
    path
}

fn size(frame: &VideoFrame) -> (u32, u32) {
    (frame.width, frame.height)
}

fn open(path: &Path, choice: DecoderChoice) -> VideoReader {
    let path = path.display().to_string();
    VideoReader::open(path, NetConfig::default(), choice, 2).unwrap()
}

fn frames(reader: &mut VideoReader) -> Vec<VideoFrame> {
    std::iter::from_fn(|| reader.next_frame().unwrap()).collect()
}

fn luma(frame: &VideoFrame) -> Vec<u8> {
    frame.rows(0).flatten().copied().collect()
}

#[test]
fn a_reader_gives_every_picture_of_both_sample_entries_in_its_own_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_entries(dir.path());
    for choice in CHOICES {
        let mut reader = open(&path, choice);
        let first = reader.status().track.video.unwrap();
        assert_eq!((first.width, first.height), SMALL);
        let all = frames(&mut reader);
        assert_eq!(reader.status().damaged, 0, "{choice:?}");
        let last = reader.status().track.video.unwrap();
        assert_eq!((last.width, last.height), LARGE);
        let sizes: Vec<_> = all.iter().map(size).collect();
        assert_eq!(sizes, [[SMALL; HALF], [LARGE; HALF]].concat(), "{choice:?}");
        for (half, (width, _)) in all.chunks(HALF).zip([SMALL, LARGE]) {
            let mut alone = open(&dir.path().join(format!("{width}.mp4")), choice);
            let alone = frames(&mut alone);
            assert!(
                half.iter().map(luma).eq(alone.iter().map(luma)),
                "{choice:?}"
            );
        }
    }
}

#[test]
fn a_reader_that_seeks_over_the_change_has_the_right_decoder() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_entries(dir.path());
    for choice in CHOICES {
        let mut reader = open(&path, choice);
        for (ms, expected) in [
            (1_500, LARGE),
            (300, SMALL),
            (960, SMALL),
            (1_000, LARGE),
            (0, SMALL),
        ] {
            reader.seek(Time::from_millis(ms)).unwrap();
            let shown = reader.next_frame().unwrap().unwrap();
            assert_eq!(
                (shown.pts.as_millis(), size(&shown)),
                (ms / 40 * 40, expected)
            );
        }
        let rest = frames(&mut reader);
        assert_eq!(rest.len(), 2 * HALF - 1, "{choice:?}");
        assert_eq!(reader.status().damaged, 0);
    }
}

fn until<T>(player: &Player, is: impl Fn(&Event) -> Option<T>) -> T {
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Error(fault)) => panic!("{fault}"),
            Ok(Event::Recovered(fault)) => panic!("{fault}"),
            Ok(event) => {
                if let Some(found) = is(&event) {
                    return found;
                }
            }
            Err(none) => panic!("{none:?} within {LIMIT:?}"),
        }
    }
}

#[test]
fn a_player_shows_both_sample_entries_and_seeks_over_the_change() {
    let dir = tempfile::tempdir().unwrap();
    let path = two_entries(dir.path()).display().to_string();
    let size_of = |event: &Event| match event {
        Event::VideoSize { width, height } => Some((*width, *height)),
        _ => None,
    };
    for choice in CHOICES {
        let player = Player::builder()
            .decoders(choice)
            .autoplay(true)
            .build()
            .unwrap();
        player.open(&path);
        assert_eq!(until(&player, size_of), SMALL);
        assert_eq!(until(&player, size_of), LARGE);
        until(&player, |event| {
            matches!(event, Event::Completion).then_some(())
        });
        let stats = player.stats();
        assert_eq!(stats.corrupt_packets, 0, "{choice:?}");
        assert_eq!(stats.frames_shown + stats.frames_dropped, 50, "{choice:?}");
        player.pause();
        for (ms, expected) in [(300, SMALL), (1_500, LARGE), (960, SMALL)] {
            player.seek(Time::from_millis(ms), SeekAccuracy::Exact);
            let pts = until(&player, |event| match event {
                Event::SeekEnd { pts, .. } => Some(*pts),
                _ => None,
            });
            assert_eq!(pts.as_millis(), ms / 40 * 40, "{choice:?}");
            let shown = player.snapshot().unwrap();
            assert_eq!(size(&shown), expected, "{choice:?}");
        }
    }
}
