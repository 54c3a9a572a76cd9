//! The readers on real clips and real servers; the clips are made by `ffmpeg`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod server;
#[path = "../examples/transcode.rs"]
mod transcode;

use std::path::{Path, PathBuf};
use std::time::Duration;

use kinora::{
    AudioReader, DecoderChoice, Event, Fault, MediaReader, NetConfig, Player, ReadOptions,
    RenditionChoice, Secret, SeekAccuracy, Source, Time, TrackKind, VideoReader, codes,
};
use kinora_test_support::ffmpeg_in;
use server::{Parts, Server};

const LIMIT: Duration = Duration::from_secs(20);
const CHOICES: [DecoderChoice; 2] = [DecoderChoice::Rust, DecoderChoice::Ffmpeg];

/// Four seconds of pictures with B-frames, and a tone.
fn clip(dir: &Path) -> PathBuf {
    ffmpeg_in(
        dir,
        "-f lavfi -i testsrc=size=192x108:rate=25:duration=4 -f lavfi -i sine=frequency=440:duration=4:sample_rate=48000 \
         -c:v libx264 -bf 3 -g 30 -pix_fmt yuv420p -c:a aac -ac 2 clip.mp4",
    );
    dir.join("clip.mp4")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Packets of pictures and of sound.
fn counted(reader: &mut MediaReader) -> Result<[usize; 2], Fault> {
    let mut counts = [0; 2];
    while let Some(packet) = reader.next_packet()? {
        match reader.info().track(packet.track).map(|it| it.kind()) {
            Some(TrackKind::Video) => counts[0] += 1,
            Some(TrackKind::Audio) => counts[1] += 1,
            _ => {}
        }
    }
    Ok(counts)
}

fn counts(url: &str) -> Result<[usize; 2], Fault> {
    counted(&mut MediaReader::open(url, NetConfig::default())?)
}

fn pictures(url: &str, choice: DecoderChoice) -> VideoReader {
    VideoReader::open(url, NetConfig::default(), choice, 2).unwrap()
}

fn times(reader: &mut VideoReader) -> Vec<Time> {
    std::iter::from_fn(|| reader.next_frame().unwrap().map(|frame| frame.pts)).collect()
}

/// The first picture that a player shows, or why there is none.
fn first_picture(url: &str) -> Result<Time, Fault> {
    let player = Player::builder().build().unwrap();
    player.open(url);
    player.prepare();
    awaited(&player, |event| match event {
        Event::FirstFrame { pts } => Some(*pts),
        _ => None,
    })
}

fn awaited<T>(player: &Player, is: impl Fn(&Event) -> Option<T>) -> Result<T, Fault> {
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Error(fault)) => return Err(fault),
            Ok(event) => {
                if let Some(found) = is(&event) {
                    return Ok(found);
                }
            }
            Err(none) => panic!("{none:?} within {LIMIT:?}"),
        }
    }
}

#[test]
fn readers_go_to_other_threads() {
    fn is_send<T: Send + 'static>() {}
    is_send::<MediaReader>();
    is_send::<VideoReader>();
    is_send::<AudioReader>();
    is_send::<ReadOptions>();
}

#[test]
fn a_server_that_gives_no_parts_is_read_as_it_is_played() {
    let dir = tempfile::tempdir().unwrap();
    let behind = clip(dir.path());
    ffmpeg_in(
        dir.path(),
        "-i clip.mp4 -c copy -movflags +faststart front.mp4",
    );
    ffmpeg_in(dir.path(), "-i clip.mp4 -c copy clip.ts");
    for file in [
        behind,
        dir.path().join("front.mp4"),
        dir.path().join("clip.ts"),
    ] {
        let expected = counts(&text(&file)).unwrap();
        assert_eq!(expected[0], 100, "{file:?}");
        for parts in [
            Parts::Given,
            Parts::Ignored,
            Parts::Refused(501),
            Parts::Refused(416),
            Parts::Refused(400),
            Parts::Refused(403),
            Parts::Refused(406),
        ] {
            let server = Server::start(parts);
            let url = server.put_file(&file);
            first_picture(&url).unwrap();
            assert_eq!(counts(&url).unwrap(), expected, "{file:?}, {parts:?}");
            let mut reader = pictures(&url, DecoderChoice::Auto);
            reader.seek(Time::from_millis(2_345)).unwrap();
            let shown = reader.next_frame().unwrap().unwrap().pts - first_picture(&url).unwrap();
            assert_eq!(shown.as_millis() / 40 * 40, 2_320, "{file:?}, {parts:?}");
        }
    }
}

#[test]
fn no_server_is_read_for_ten_gigabytes_to_find_an_index() {
    let server = Server::start(Parts::Ignored);
    let mut head = b"\0\0\0\x14ftypisom\0\0\x02\0isom\0\0\0\x01mdat".to_vec();
    head.extend_from_slice(&10_000_000_000u64.to_be_bytes());
    head.resize(4 << 20, 0);
    server.put("huge.mp4", move |_| head.clone());
    server.announce(10_000_100_000);
    let fault = MediaReader::open(server.url("huge.mp4"), NetConfig::default())
        .err()
        .unwrap();
    assert_eq!(fault.code(), codes::ERROR_NETWORK_HTTP_RANGE);
    let reported = fault.causes().iter().any(|cause| cause.0.contains("MiB"));
    assert!(reported, "{fault:?}");
}

/// The clip as playlists of every kind: the name of each, and how many renditions it has.
fn playlists(dir: &Path) -> Vec<(&'static str, usize)> {
    clip(dir);
    let plain = "-c copy -f hls -hls_time 1 -hls_list_size 0";
    ffmpeg_in(
        dir,
        &format!("-i clip.mp4 {plain} -hls_segment_filename t%d.ts plain.m3u8"),
    );
    ffmpeg_in(
        dir,
        &format!(
            "-i clip.mp4 {plain} -hls_flags single_file -hls_segment_filename one.ts parts.m3u8"
        ),
    );
    ffmpeg_in(
        dir,
        &format!(
            "-i clip.mp4 {plain} -hls_segment_type fmp4 -hls_fmp4_init_filename i.mp4 -hls_segment_filename f%d.m4s fragments.m3u8"
        ),
    );
    std::fs::write(dir.join("clip.key"), [7; 16]).unwrap();
    std::fs::write(dir.join("key.txt"), "clip.key\nclip.key\n").unwrap();
    ffmpeg_in(
        dir,
        &format!(
            "-i clip.mp4 {plain} -hls_key_info_file key.txt -hls_segment_filename e%d.ts encrypted.m3u8"
        ),
    );
    ffmpeg_in(
        dir,
        &format!("-i clip.mp4 -map 0:v {plain} -hls_segment_filename v%d.ts pictures.m3u8"),
    );
    ffmpeg_in(
        dir,
        &format!("-i clip.mp4 -map 0:a {plain} -hls_segment_filename a%d.ts sound.m3u8"),
    );
    let master = "#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"tone\",DEFAULT=YES,URI=\"sound.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"a\"\npictures.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO=\"a\"\nabsent.m3u8\n";
    std::fs::write(dir.join("master.m3u8"), master).unwrap();
    vec![
        ("plain.m3u8", 0),
        ("parts.m3u8", 0),
        ("fragments.m3u8", 0),
        ("encrypted.m3u8", 0),
        ("master.m3u8", 2),
    ]
}

#[test]
fn playlists_of_every_kind_give_the_video_and_the_audio_of_the_clip() {
    let dir = tempfile::tempdir().unwrap();
    let lists = playlists(dir.path());
    let clip = text(&dir.path().join("clip.mp4"));
    let server = Server::start(Parts::Given);
    server.put_folder(dir.path());
    let [_, sounds] = counts(&clip).unwrap();
    for (name, renditions) in lists {
        for url in [text(&dir.path().join(name)), server.url(name)] {
            let mut reader = MediaReader::open(&url, NetConfig::default()).unwrap();
            assert_eq!(reader.renditions().unwrap().len(), renditions, "{url}");
            let found = counted(&mut reader).unwrap();
            assert_eq!((found[0], reader.damage()), (100, 0), "{url}");
            assert!(found[1].abs_diff(sounds) <= 1, "{url}: {found:?}, {sounds}");
            let duration = reader.info().duration.unwrap();
            assert!(
                (duration - Time::from_millis(4_000)).abs() < Time::from_millis(100),
                "{url}: {duration}"
            );

            let (mut of_clip, mut of_list) = (
                pictures(&clip, DecoderChoice::Auto),
                pictures(&url, DecoderChoice::Auto),
            );
            for number in 0..100 {
                let a = of_clip.next_frame().unwrap().unwrap();
                let b = of_list.next_frame().unwrap().unwrap();
                assert!(
                    (0..3).all(|plane| a.rows(plane).eq(b.rows(plane))),
                    "{url}, picture {number}"
                );
            }
            assert!(of_list.next_frame().unwrap().is_none(), "{url}");

            let mut sound =
                AudioReader::open(&url, NetConfig::default(), DecoderChoice::Auto).unwrap();
            let mut samples = 0;
            while let Some(frame) = sound.next_frame().unwrap() {
                assert_eq!((frame.sample_rate, frame.channels), (48_000, 2));
                samples += frame.len();
            }
            assert!(samples.abs_diff(4 * 48_000) < 4_096, "{url}: {samples}");
        }
    }
}

#[test]
fn a_rendition_that_was_named_is_read_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    playlists(dir.path());
    let url = text(&dir.path().join("master.m3u8"));
    let open = |video| {
        let options = ReadOptions {
            rendition: RenditionChoice {
                video: Some(video),
                audio: None,
            },
            ..ReadOptions::default()
        };
        MediaReader::open(&url, options)
            .map(drop)
            .map_err(|fault| fault.code())
    };
    assert_eq!(open(1), Ok(()));
    assert_eq!(open(0), Err(codes::ERROR_GENERAL_ENOENT));
    assert_eq!(open(2), Err(kinora::Code::from_errno(22)));
}

#[test]
fn a_live_stream_is_read_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    playlists(dir.path());
    let server = Server::start(Parts::Given);
    server.put_folder(dir.path());
    let list = std::fs::read_to_string(dir.path().join("plain.m3u8")).unwrap();
    let open = list.replace("#EXT-X-ENDLIST\n", "");
    let first: String = open
        .split_inclusive('\n')
        .take_while(|line| !line.starts_with("t2.ts"))
        .collect();
    let first = first.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    // The fourth look finds it ended.
    server.put("live.m3u8", move |count| match count {
        0 | 1 => first.clone().into(),
        2 => open.clone().into(),
        _ => list.clone().into(),
    });
    let mut reader = MediaReader::open(server.url("live.m3u8"), NetConfig::default()).unwrap();
    assert!(reader.is_live());
    assert_eq!(reader.info().duration, None);
    assert_eq!(counted(&mut reader).unwrap()[0], 100);
    assert!(!reader.is_live());
}

/// Clips whose pictures lie on the timeline in unlike ways.
fn timelines(dir: &Path) -> Vec<PathBuf> {
    clip(dir);
    ffmpeg_in(dir, "-i clip.mp4 -c copy clip.ts");
    // An edit list cuts into a group of pictures.
    ffmpeg_in(dir, "-ss 0.52 -i clip.mp4 -c copy edited.mp4");
    // Gaps of up to a second, and no two distances alike.
    let gaps =
        "-vf select='not(mod(n\\,7))+not(mod(n\\,3))-between(n\\,30\\,54)' -fps_mode passthrough";
    ffmpeg_in(
        dir,
        &format!("-i clip.mp4 {gaps} -an -c:v libx264 -bf 3 -g 30 -enc_time_base 1:1000 gaps.mp4"),
    );
    // Key frames only at the start: all before the target must be decoded.
    ffmpeg_in(
        dir,
        "-i clip.mp4 -an -c:v libx264 -bf 3 -b_strategy 0 -g 999 -r 23.976 long.mp4",
    );
    let plain = "-c copy -f hls -hls_time 1 -hls_list_size 0";
    ffmpeg_in(
        dir,
        &format!("-i clip.mp4 {plain} -hls_segment_filename t%d.ts plain.m3u8"),
    );
    let names = [
        "clip.mp4",
        "clip.ts",
        "edited.mp4",
        "gaps.mp4",
        "long.mp4",
        "plain.m3u8",
    ];
    names.map(|name| dir.join(name)).into()
}

/// The times to seek to: those of pictures, a little off them, and between them.
fn targets(pictures: &[Time]) -> Vec<Time> {
    let mut targets = vec![
        Time::from_millis(-100),
        Time::ZERO,
        Time::from_millis(60_000),
    ];
    for at in [
        0,
        1,
        2,
        pictures.len() / 3,
        pictures.len() / 2,
        pictures.len() - 2,
        pictures.len() - 1,
    ] {
        let pts = pictures[at];
        let next = pictures
            .get(at + 1)
            .map_or(pts + Time::from_millis(30), |next| *next);
        targets.extend([
            pts,
            pts - Time::from_micros(10),
            pts + (next - pts).scale(0.9),
        ]);
    }
    targets
}

fn on_screen(pictures: &[Time], target: Time) -> Time {
    let shown = pictures.iter().rev().find(|pts| **pts <= target);
    *shown.unwrap_or(&pictures[0])
}

#[test]
fn a_reader_that_seeks_gives_the_frame_on_screen_and_all_that_follow() {
    let dir = tempfile::tempdir().unwrap();
    for file in timelines(dir.path()) {
        for choice in CHOICES {
            let mut reader = pictures(&text(&file), choice);
            let all = times(&mut reader);
            assert!(all.len() > 20 && all.is_sorted(), "{file:?}");
            for target in targets(&all) {
                reader.seek(target).unwrap();
                let shown = on_screen(&all, target);
                let first = reader.next_frame().unwrap().map(|frame| frame.pts);
                assert_eq!(first, Some(shown), "{file:?}, {choice:?}, {target:?}");
                let rest = all.iter().filter(|pts| **pts > shown).take(3);
                for expected in rest {
                    let next = reader.next_frame().unwrap().map(|frame| frame.pts);
                    assert_eq!(next, Some(*expected), "{file:?}, {choice:?}, {target:?}");
                }
            }
        }
    }
}

#[test]
fn a_player_that_seeks_exactly_shows_the_frame_on_screen() {
    let dir = tempfile::tempdir().unwrap();
    for file in timelines(dir.path()) {
        for choice in CHOICES {
            let url = text(&file);
            let all = times(&mut pictures(&url, choice));
            let player = Player::builder().decoders(choice).build().unwrap();
            player.open(&url);
            player.prepare();
            awaited(&player, |event| {
                matches!(event, Event::FirstFrame { .. }).then_some(())
            })
            .unwrap();
            for target in targets(&all) {
                player.seek(target, SeekAccuracy::Exact);
                let (asked, shown) = awaited(&player, |event| match event {
                    Event::SeekEnd { target, pts } => Some((*target, *pts)),
                    _ => None,
                })
                .unwrap();
                assert_eq!(
                    shown,
                    on_screen(&all, asked),
                    "{file:?}, {choice:?}, {target:?}"
                );
                assert_eq!(player.position(), asked.max(Time::ZERO), "{file:?}");
            }
            player.release(LIMIT).unwrap();
        }
    }
}

#[test]
fn a_seek_before_the_start_of_playing_shows_the_frame_on_screen() {
    let dir = tempfile::tempdir().unwrap();
    for file in timelines(dir.path()) {
        let url = text(&file);
        let all = times(&mut pictures(&url, DecoderChoice::Auto));
        let target = all[all.len() / 2] + Time::from_millis(7);
        let player = Player::builder().build().unwrap();
        player.set_source(Source::Url {
            url: Secret::new(url),
        });
        player.seek(target, SeekAccuracy::Exact);
        player.prepare();
        let shown = awaited(&player, |event| match event {
            Event::FirstFrame { pts } => Some(*pts),
            _ => None,
        });
        assert_eq!(shown.unwrap(), on_screen(&all, target), "{file:?}");
    }
}

#[test]
fn audio_after_a_seek_begins_with_the_requested_sample() {
    let dir = tempfile::tempdir().unwrap();
    clip(dir.path());
    ffmpeg_in(dir.path(), "-i clip.mp4 -c copy clip.ts");
    for name in ["clip.mp4", "clip.ts"] {
        let url = text(&dir.path().join(name));
        let open = || AudioReader::open(&url, NetConfig::default(), DecoderChoice::Auto).unwrap();
        let mut reader = open();
        let begins = reader.next_frame().unwrap().unwrap().pts;
        for ms in [0, 7, 1_234, 2_500, 3_900] {
            let target = begins + Time::from_millis(ms);
            reader.seek(target).unwrap();
            let frame = reader.next_frame().unwrap().unwrap();
            let off = frame.pts - target;
            // Times of sound may be rounded to a tick of the container.
            assert!(
                off.abs() < Time::from_millis(1),
                "{name}: {off:?} off {target:?}"
            );
            let from_start = samples_at(&mut open(), target, 256);
            let differs = frame
                .samples
                .iter()
                .zip(&from_start)
                .any(|(a, b)| (a - b).abs() > 0.02);
            assert!(!differs, "{name}, {target:?}");
        }
        reader.seek(begins + Time::from_millis(60_000)).unwrap();
        assert!(
            reader.next_frame().unwrap().is_none(),
            "{name}: nothing sounds behind the end"
        );
    }
}

/// So many samples from a time on, without a seek.
fn samples_at(reader: &mut AudioReader, target: Time, count: usize) -> Vec<f32> {
    let mut samples = Vec::new();
    while samples.len() < count {
        let Some(frame) = reader.next_frame().unwrap() else {
            break;
        };
        let early = ((target - frame.pts).as_secs_f64() * f64::from(frame.sample_rate)).floor();
        let early = early.max(0.0) as usize * usize::from(frame.channels);
        samples.extend(frame.samples.iter().skip(early));
    }
    samples.truncate(count);
    samples
}

#[test]
fn what_can_not_be_read_is_reported_as_by_the_player() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("text.mp4"), "no media at all").unwrap();
    std::fs::write(
        dir.path().join("list.m3u8"),
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nabsent.ts\n#EXT-X-ENDLIST\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("nothing.m3u8"), "#EXTM3U\n").unwrap();
    let server = Server::start(Parts::Given);
    server.put_folder(dir.path());
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for url in [
        String::new(),
        text(dir.path()),
        text(&dir.path().join("absent.mp4")),
        text(&dir.path().join("text.mp4")),
        text(&dir.path().join("list.m3u8")),
        text(&dir.path().join("nothing.m3u8")),
        server.url("absent.mp4"),
        server.url("text.mp4"),
        server.url("list.m3u8"),
        format!("http://{closed}/film.mp4"),
        "gopher://example.com/film".to_owned(),
    ] {
        let played = first_picture(&url).unwrap_err();
        let read = MediaReader::open(&url, NetConfig::default())
            .err()
            .expect(&url);
        assert_eq!(
            (read.code(), read.reason()),
            (played.code(), played.reason()),
            "{url}"
        );
    }
}

#[test]
fn secrets_of_a_url_do_not_reach_an_error() {
    let server = Server::start(Parts::Given);
    let url = server.url("film.mp4?auth_key=1767225600-0-0-hush");
    let fault = MediaReader::open(&url, NetConfig::default()).err().unwrap();
    assert!(!format!("{fault:?} {fault}").contains("hush"), "{fault:?}");
}

#[test]
fn the_example_transcodes_from_a_time_on() {
    let dir = tempfile::tempdir().unwrap();
    playlists(dir.path());
    for source in ["clip.mp4", "master.m3u8"] {
        let source = text(&dir.path().join(source));
        let (y4m, wav) = (dir.path().join("out.y4m"), dir.path().join("out.wav"));
        transcode::transcode(&source, Time::from_millis(1_510), &y4m, &wav).unwrap();
        let frames = std::fs::read(&y4m).unwrap();
        let size = 192 * 108 * 3 / 2 + "FRAME\n".len();
        let head = frames.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        assert!(frames.starts_with(b"YUV4MPEG2 W192 H108 F25000:1000"));
        assert_eq!((frames.len() - head) % size, 0);
        let count = (frames.len() - head) / size;
        assert!((62..=63).contains(&count), "{source}: {count}");
        // The first picture is the one that is on screen at 1.51 s.
        let mut reader = pictures(&text(&dir.path().join("clip.mp4")), DecoderChoice::Auto);
        let shown = std::iter::from_fn(|| reader.next_frame().unwrap())
            .nth(37)
            .unwrap();
        let luma: Vec<u8> = shown.rows(0).flatten().copied().collect();
        assert!(frames[head + 6..].starts_with(&luma), "{source}");
        let samples = (std::fs::metadata(&wav).unwrap().len() - 44) / 4;
        assert!(
            samples.abs_diff(48_000 * 249 / 100) < 4_096,
            "{source}: {samples}"
        );
    }
}
