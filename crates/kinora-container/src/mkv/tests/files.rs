//! Sound files of every shape.

use kinora_media::{
    ByteRange, CodecId, ColorRange, Disposition, Mirror, Rotation, Time, TrackId, TrackKind,
};

use super::super::id;
use super::build::*;
use super::*;

fn millis(packets: &[Packet], track: u32) -> Vec<i64> {
    let of_track = packets.iter().filter(|packet| packet.track.0 == track);
    of_track.map(|packet| packet.pts.as_millis()).collect()
}

#[test]
fn films_keep_the_contract() {
    for film in [
        Film::default(),
        Film {
            cues: false,
            ..Film::default()
        },
        Film::live(),
        Film {
            cues: false,
            size: 20_000,
            clusters: 24,
            ..Film::default()
        },
    ] {
        assert_demuxer(make, &film.bytes());
    }
}

#[test]
fn a_film_is_read_in_the_order_of_the_file() {
    let (info, packets, damage) = read(&Film::default().bytes());
    assert_eq!((info.container, damage), ("mkv", 0));
    assert_eq!(info.duration, Some(Time::from_millis(2_400)));
    assert!(info.seekable);
    let codecs: Vec<_> = info.tracks.iter().map(|track| track.codec).collect();
    assert_eq!(codecs, [CodecId::Vp9, CodecId::Opus]);
    assert_eq!(millis(&packets, 1)[..4], [0, 40, 80, 120]);
    assert_eq!(millis(&packets, 2)[..4], [0, 20, 40, 60]);
    assert_eq!(packets.len(), 12 * 15);
    let keys = |track| move |packet: &&Packet| packet.track.0 == track && packet.flags.key;
    assert_eq!(packets.iter().filter(keys(1)).count(), 12);
    assert_eq!(packets.iter().filter(keys(2)).count(), 120);
    let sound = packets.iter().find(|packet| packet.track.0 == 2).unwrap();
    assert_eq!(sound.duration, Time::from_millis(20));
}

#[test]
fn packets_are_views_into_the_bytes_that_came() {
    let bytes = Bytes::from(Film::default().bytes());
    let mut demuxer = make();
    demuxer.push(0, bytes.clone());
    let whole = bytes.as_ptr_range();
    let mut seen = 0;
    while let Ok(step) = demuxer.poll() {
        match step {
            Step::Packet(packet) => {
                assert!(whole.contains(&packet.data.as_ptr()));
                seen += 1;
            }
            Step::Info(_) => {}
            _ => break,
        }
    }
    assert_eq!(seen, 12 * 15);
}

#[test]
fn laced_frames_follow_one_another() {
    let lacings: [(u8, &[u8]); 3] = [
        (0x02, b"\x02\x02\x02"),
        (0x06, b"\x02\x82\xbf"),
        (0x04, b"\x02"),
    ];
    for (lacing, sizes) in lacings {
        // Opus of 20 ms.
        let laced = [sizes, b"\xfca\xfcb\xfcc"].concat();
        let blocks = [
            simple(2, 0, KEY | lacing, &laced),
            simple(2, 60, KEY | lacing, &laced),
        ];
        let bytes = file(&[
            info(Some(120.0)),
            master(id::TRACKS, &[audio(2, &[])]),
            cluster(1_000, &blocks),
        ]);
        let (_, packets, damage) = read(&bytes);
        assert_eq!(damage, 0);
        assert_eq!(millis(&packets, 2), [1000, 1020, 1040, 1060, 1080, 1100]);
        assert_eq!(packets[1].data, &b"\xfcb"[..]);
        assert_demuxer(make, &bytes);
    }
}

#[test]
fn groups_tell_durations_references_and_padding() {
    let group = |more: &[Vec<u8>], block: Vec<u8>| {
        master(id::BLOCK_GROUP, &[element(id::BLOCK, block), more.concat()])
    };
    let blocks = [
        group(&[uint(id::BLOCK_DURATION, 1500)], block(3, 0, 0, b"text")),
        group(&[], block(1, 0, 0, b"key")),
        group(
            &[element(id::REFERENCE_BLOCK, [0xd8])],
            block(1, 40, 0, b"no key"),
        ),
        group(
            &[element(id::DISCARD_PADDING, 5_000_000_i64.to_be_bytes())],
            block(2, -20, 0, b"\xfcs"),
        ),
    ];
    let tracks = [
        video(1, &[]),
        audio(2, &[]),
        track(3, 17, "S_TEXT/UTF8", &[]),
    ];
    let bytes = file(&[
        info(None),
        master(id::TRACKS, &tracks),
        cluster(500, &blocks),
    ]);
    let (info, packets, _) = read(&bytes);
    assert_eq!(info.tracks[2].kind(), TrackKind::Subtitle);
    let durations: Vec<_> = packets.iter().map(|p| p.duration.as_millis()).collect();
    assert_eq!(durations, [1500, 0, 0, 15]);
    let keys: Vec<_> = packets.iter().map(|packet| packet.flags.key).collect();
    assert_eq!(keys, [true, true, false, true]);
    assert_eq!(packets[3].pts, Time::from_millis(480));
}

#[test]
fn sound_is_heard_earlier_by_the_delay_of_its_codec() {
    let delayed = audio(1, &[uint(id::CODEC_DELAY, 6_500_000)]);
    let bytes = file(&[
        master(id::TRACKS, &[delayed]),
        cluster(
            0,
            &[simple(1, 0, KEY, b"\xfca"), simple(1, 21, KEY, b"\xfcb")],
        ),
    ]);
    let (info, packets, _) = read(&bytes);
    assert_eq!(packets[0].pts, Time::from_micros(-6_500));
    assert_eq!(packets[1].pts, Time::from_micros(14_500));
    assert_eq!(info.tracks[0].audio.unwrap().encoder_delay, 312);
}

#[test]
fn what_a_track_says_of_itself_is_told() {
    let color = [
        uint(id::MATRIX_COEFFICIENTS, 9),
        uint(id::TRANSFER_CHARACTERISTICS, 16),
        uint(id::PRIMARIES, 9),
        uint(id::RANGE, 2),
    ];
    let picture = [
        uint(id::PIXEL_WIDTH, 720),
        uint(id::PIXEL_HEIGHT, 576),
        uint(id::DISPLAY_WIDTH, 1024),
        uint(id::DISPLAY_HEIGHT, 576),
        master(id::COLOUR, &color),
        master(
            id::PROJECTION,
            &[
                float(id::PROJECTION_POSE_YAW, 180.0),
                float(id::PROJECTION_POSE_ROLL, -90.0),
            ],
        ),
    ];
    let more = [
        master(id::VIDEO, &picture),
        uint(id::DEFAULT_DURATION, 40_000_000),
    ];
    let subtitle = [
        text(id::LANGUAGE, "chi"),
        text(id::LANGUAGE_BCP47, "zh-Hant"),
        text(id::NAME, "Signs"),
        uint(id::FLAG_DEFAULT, 0),
        uint(id::FLAG_FORCED, 1),
    ];
    let tracks = [
        track(1, 1, "V_VP8", &more),
        track(2, 17, "S_HDMV/PGS", &subtitle),
        track(3, 2, "A_VORBIS", &[text(id::LANGUAGE, "und")]),
    ];
    let bytes = file(&[
        master(id::TRACKS, &tracks),
        cluster(0, &[simple(1, 0, KEY, b"a")]),
    ]);
    let (info, packets, _) = read(&bytes);
    let shown = info.tracks[0].video.unwrap();
    assert_eq!(shown.pixel_aspect, Some((64, 45)));
    assert_eq!((shown.color.matrix, shown.color.transfer), (9, 16));
    assert_eq!(shown.color.range, ColorRange::Full);
    assert_eq!(shown.rotation, Rotation::Cw270);
    assert_eq!(shown.mirror, Mirror::Horizontal);
    assert_eq!(shown.frame_rate, Some(25.0));
    assert_eq!(info.tracks[0].language.as_deref(), Some("eng"));
    assert_eq!(packets[0].duration, Time::from_millis(40));
    let subtitle = &info.tracks[1];
    assert_eq!((subtitle.id, subtitle.codec), (TrackId(2), CodecId::Pgs));
    assert_eq!(subtitle.language.as_deref(), Some("zh-Hant"));
    assert_eq!(subtitle.title.as_deref(), Some("Signs"));
    let forced = Disposition {
        forced: true,
        ..Disposition::default()
    };
    assert_eq!(subtitle.disposition, forced);
    assert_eq!(info.tracks[2].language, None);
}

#[test]
fn chapters_titles_and_attached_files_are_told() {
    let atom = |start: u64, title: &str, more: &[Vec<u8>]| {
        let display = master(id::CHAPTER_DISPLAY, &[text(id::CHAP_STRING, title)]);
        let start = uint(id::CHAPTER_TIME_START, start * 1_000_000);
        master(id::CHAPTER_ATOM, &[start, display, more.concat()])
    };
    let end = [uint(id::CHAPTER_TIME_END, 2_000_000_000)];
    let hidden = [uint(id::CHAPTER_FLAG_HIDDEN, 1)];
    let inner = [atom(100, "Inner", &[])];
    let atoms = [
        atom(0, "First", &inner),
        atom(500, "Hidden", &hidden),
        atom(1_000, "Second", &end),
    ];
    let font = [
        text(id::FILE_NAME, "sans.ttf"),
        text(id::FILE_MEDIA_TYPE, "font/ttf"),
        element(id::FILE_DATA, b"the font"),
    ];
    let title = [text(id::TAG_NAME, "TITLE"), text(id::TAG_STRING, "A film")];
    let bytes = file(&[
        master(id::TRACKS, &[audio(1, &[])]),
        master(
            id::CHAPTERS,
            &[master(
                id::EDITION_ENTRY,
                &[uint(id::EDITION_FLAG_ORDERED, 1), atoms.concat()],
            )],
        ),
        master(id::ATTACHMENTS, &[master(id::ATTACHED_FILE, &font)]),
        master(
            id::TAGS,
            &[master(id::TAG, &[master(id::SIMPLE_TAG, &title)])],
        ),
        cluster(0, &[simple(1, 0, KEY, b"\xfca")]),
    ]);
    let (info, packets, damage) = read(&bytes);
    assert_eq!((packets.len(), damage), (1, 0));
    assert_eq!(info.title.as_deref(), Some("A film"));
    let chapters: Vec<_> = info
        .chapters
        .iter()
        .map(|it| (it.start.as_millis(), it.level, it.title.as_deref()))
        .collect();
    assert_eq!(
        chapters,
        [
            (0, 0, Some("First")),
            (100, 1, Some("Inner")),
            (1_000, 0, Some("Second"))
        ]
    );
    assert!(info.ordered_chapters);
    assert_eq!(info.chapters[2].end, Some(Time::from_millis(2_000)));
    let [file] = &info.attachments[..] else {
        panic!("{:?}", info.attachments);
    };
    assert_eq!((&*file.name, &*file.media_type), ("sans.ttf", "font/ttf"));
    let ByteRange { start, end } = file.range;
    let range = start as usize..end.unwrap() as usize;
    assert_eq!(&bytes[range], b"the font");
}

#[test]
fn stripped_headers_and_folded_frames_are_restored() {
    use std::io::Write as _;
    let compression = |more: &[Vec<u8>]| {
        let step = master(id::CONTENT_COMPRESSION, more);
        master(
            id::CONTENT_ENCODINGS,
            &[master(id::CONTENT_ENCODING, &[step])],
        )
    };
    let strip = compression(&[
        uint(id::CONTENT_COMP_ALGO, 3),
        element(id::CONTENT_COMP_SETTINGS, b"\xfc"),
    ]);
    let mut folded = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    folded.write_all(&b"picture ".repeat(40)).unwrap();
    let tracks = [
        audio(1, &[strip]),
        track(2, 17, "S_VOBSUB", &[compression(&[])]),
        track(
            3,
            17,
            "S_VOBSUB",
            &[compression(&[uint(id::CONTENT_COMP_ALGO, 1)])],
        ),
    ];
    let blocks = [
        simple(1, 0, KEY, b"a"),
        simple(2, 0, KEY, &folded.finish().unwrap()),
        simple(2, 10, KEY, b"no zlib"),
        simple(3, 20, KEY, b"BZh"),
    ];
    let bytes = file(&[master(id::TRACKS, &tracks), cluster(0, &blocks)]);
    let (info, packets, damage) = read(&bytes);
    assert_eq!(packets[0].data, &b"\xfca"[..]);
    assert_eq!(packets[1].data, b"picture ".repeat(40));
    assert_eq!(damage, 1);
    assert_eq!(info.tracks[1].codec, CodecId::VobSub);
    assert_eq!(info.tracks[2].codec, CodecId::UnknownSubtitle);
    assert_eq!(info.tracks[2].codec_tag, "S_VOBSUB in bzip2");
}

#[test]
fn invisible_frames_are_decoded_and_not_shown() {
    let blocks = [simple(1, 0, KEY | 8, b"alt"), simple(1, 40, 1, b"p")];
    let bytes = file(&[master(id::TRACKS, &[video(1, &[])]), cluster(0, &blocks)]);
    let (_, packets, _) = read(&bytes);
    assert!(packets[0].flags.decode_only && !packets[1].flags.decode_only);
    assert!(!packets[0].flags.disposable && packets[1].flags.disposable);
}

#[test]
fn another_segment_goes_on_where_the_first_one_ended() {
    let film = Film {
        clusters: 2,
        ..Film::live()
    };
    let bytes = [film.bytes(), film.bytes()].concat();
    let (_, packets, damage) = read(&bytes);
    assert_eq!(damage, 0);
    let expected: Vec<i64> = (0..20).map(|index| index * 40).collect();
    assert_eq!(millis(&packets, 1), expected);
}

#[test]
fn tracks_behind_the_clusters_are_asked_for() {
    let tracks = master(id::TRACKS, &[audio(1, &[])]);
    let clusters = cluster(0, &[simple(1, 0, KEY, b"\xfca")]);
    let seek_head = |position| {
        let seek = [
            element(id::SEEK_ID, id::TRACKS.0.to_be_bytes()),
            uint(id::SEEK_POSITION, position),
        ];
        master(id::SEEK_HEAD, &[master(id::SEEK, &seek)])
    };
    let position = seek_head(0).len() + clusters.len();
    let bytes = file(&[seek_head(position as u64), clusters, tracks]);
    assert_demuxer(make, &bytes);
}
