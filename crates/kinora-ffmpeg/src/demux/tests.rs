use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use kinora_container::contract::{assert_demuxer, assert_survives};
use kinora_container::{Demuxers, ProbingDemuxer, SeekMode};
use kinora_errors::Coded;
use kinora_media::{CodecId, MediaInfo, Mirror, Packet, Rotation, Time, TrackKind};
use kinora_test_support::ffmpeg_in;

use super::*;
use crate::tests::load;

fn make() -> Box<dyn Demuxer> {
    FfmpegDemuxers::new(load).open()
}

/// Two seconds of pictures and sound by these words of FFmpeg.
fn file(name: &str, words: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let source = "-f lavfi -i testsrc=s=64x48:r=10:d=2 -f lavfi -i sine=r=44100:d=2";
    ffmpeg_in(folder.path(), &format!("{source} -bitexact {words} {name}"));
    std::fs::read(folder.path().join(name)).unwrap()
}

/// All of it, fed in pieces.
fn read(demuxer: &mut dyn Demuxer, bytes: &[u8]) -> Result<(MediaInfo, Vec<Packet>), DemuxError> {
    let bytes = Bytes::copy_from_slice(bytes);
    demuxer.set_len(bytes.len() as u64);
    let (mut info, mut packets, mut at) = (MediaInfo::default(), Vec::new(), 0);
    loop {
        let wanted = match demuxer.poll()? {
            Step::Info(told) => {
                info = MediaInfo::clone(&told);
                continue;
            }
            Step::Packet(packet) => {
                packets.push(packet);
                continue;
            }
            Step::Pending => continue,
            Step::End => return Ok((info, packets)),
            Step::NeedMore => at,
            Step::Want(range) => usize::try_from(range.start).unwrap(),
        };
        at = (wanted + 10_000).min(bytes.len());
        match wanted < bytes.len() {
            true => demuxer.push(wanted as u64, bytes.slice(wanted..at)),
            false => demuxer.finish(),
        }
    }
}

#[test]
fn files_of_many_kinds_keep_the_contract() {
    for (name, words) in [
        ("a.avi", "-c:v mpeg4 -g 5 -c:a libmp3lame -b:a 32k"),
        ("c.wmv", "-c:v wmv2 -g 5 -c:a wmav2 -b:a 32k"),
        ("d.nut", "-c:v libx264 -g 5 -bf 2 -c:a aac -b:a 32k"),
    ] {
        println!("{name}");
        assert_demuxer(make, &file(name, &format!("-t 1 {words}")));
    }
}

#[test]
fn files_without_an_index_are_read() {
    for (name, words, codecs) in [
        ("a.rm", "-c:v rv10 -c:a ac3 -b:a 32k", ["rv10", "ac3"]),
        (
            "b.mpg",
            "-c:v mpeg2video -r 25 -c:a mp2 -b:a 64k",
            ["mpeg2video", "mp2"],
        ),
        ("c.dv", "-target pal-dv", ["dvvideo", "pcm"]),
        ("d.swf", "-an -c:v flv", ["flv1", ""]),
        (
            "e.mxf",
            "-c:v mpeg2video -r 25 -g 5 -c:a pcm_s16le -ar 48000",
            ["mpeg2video", "pcm"],
        ),
    ] {
        let (info, packets) = read(&mut *make(), &file(name, words)).unwrap();
        let mut found: Vec<&str> = info.tracks.iter().map(|track| track.codec.name()).collect();
        found.resize(2, "");
        assert_eq!(found, codecs, "{name}");
        assert!(packets.len() > 15, "{name}: {}", packets.len());
        assert!(
            packets[0].pts.abs() < Time::from_millis(100),
            "{name}: {:?}",
            packets[0].pts
        );
    }
}

#[test]
fn pictures_are_shown_in_their_order_where_the_container_does_not_tell_it() {
    let folder = tempfile::tempdir().unwrap();
    for coding in [
        "mpeg4 -bf 2 -g 12",
        "libx264 -bf 3 -g 12",
        "libx264 -bf 0",
        "mpeg2video -bf 2",
    ] {
        let source = "-f lavfi -i testsrc=s=64x48:r=25:d=1";
        ffmpeg_in(folder.path(), &format!("{source} -c:v {coding} a.mkv"));
        let filter = match coding.starts_with("libx264") {
            true => "-bsf:v h264_mp4toannexb",
            false => "",
        };
        ffmpeg_in(folder.path(), &format!("-i a.mkv -c copy {filter} a.avi"));
        let times = |demuxer: &mut dyn Demuxer, name| {
            let bytes = std::fs::read(folder.path().join(name)).unwrap();
            let (_, packets) = read(demuxer, &bytes).unwrap();
            let first = packets.iter().map(|it| it.pts).min().unwrap();
            let times = packets.iter().map(|it| (it.pts - first).as_millis());
            times.collect::<Vec<_>>()
        };
        let told = times(&mut ProbingDemuxer::new(), "a.mkv");
        assert_eq!(times(&mut *make(), "a.avi"), told, "{coding}");
    }
}

#[test]
fn damage_is_survived() {
    let mut random = 7u64;
    for (name, words) in [
        ("a.avi", "-c:v mpeg4 -g 5 -c:a libmp3lame -b:a 32k"),
        ("b.wmv", "-c:v wmv2 -c:a wmav2 -b:a 32k"),
        ("c.nut", "-c:v libx264 -bf 2 -c:a aac -b:a 32k"),
        ("d.rm", "-c:v rv10 -c:a ac3 -b:a 32k"),
        ("e.mxf", "-c:v mpeg2video -r 25 -c:a pcm_s16le -ar 48000"),
    ] {
        let whole = file(name, &format!("-t 1 {words}"));
        for _ in 0..10 {
            let mut bytes = whole.clone();
            for _ in 0..20 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let place = usize::try_from(random >> 33).unwrap() % bytes.len();
                bytes[place] ^= 1 << (random & 7);
            }
            assert_survives(make, &bytes);
        }
    }
}

#[test]
fn headers_say_what_the_streams_are() {
    let words = "-c:v libx264 -g 5 -bf 2 -c:a pcm_s16be -ar 48000 -metadata title=Film -metadata:s:a:0 language=deu";
    let (info, packets) = read(&mut *make(), &file("a.nut", words)).unwrap();
    assert_eq!(
        (info.container, info.title.as_deref()),
        ("nut", Some("Film"))
    );
    assert!((info.duration.unwrap() - Time::from_millis(2_000)).abs() < Time::from_millis(300));
    let video = info.first(TrackKind::Video).unwrap();
    assert_eq!(video.codec, CodecId::H264);
    let shown = video.video.unwrap();
    assert_eq!(
        (shown.width, shown.height, shown.frame_rate),
        (64, 48, Some(10.0))
    );
    let sound = info.first(TrackKind::Audio).unwrap();
    assert_eq!((sound.codec, &*sound.config), (CodecId::Pcm, &[0, 16][..]));
    assert_eq!(sound.language.as_deref(), Some("deu"));
    assert_eq!(sound.audio.unwrap().sample_rate, 48_000);
    let mut times: Vec<Time> = packets
        .iter()
        .filter(|it| it.track == video.id)
        .map(|it| it.pts)
        .collect();
    assert!(!times.is_sorted(), "pictures are reordered");
    times.sort();
    assert_eq!(times.len(), 20);
    let even = |pair: &[Time]| pair[1] - pair[0] == Time::from_millis(100);
    assert!(times.windows(2).all(even), "{times:?}");
}

#[test]
fn pictures_lie_as_our_demuxer_says_that_they_do() {
    let plain = file("plain.mp4", "-an -c:v mpeg4");
    // The matrix of the track (ISO/IEC 14496-12 8.3.2): behind the header's times, numbers and volume.
    let head = plain.windows(4).position(|it| it == b"tkhd").unwrap();
    let place = head + 4 + 4 + 20 + 8 + 8;
    let one = 0x1_0000_i32;
    for (matrix, rotation, mirror) in [
        ([one, 0, 0, one], Rotation::None, Mirror::None),
        ([0, one, -one, 0], Rotation::Cw90, Mirror::None),
        ([-one, 0, 0, -one], Rotation::Cw180, Mirror::None),
        ([0, -one, one, 0], Rotation::Cw270, Mirror::None),
        ([-one, 0, 0, one], Rotation::None, Mirror::Horizontal),
        ([0, one, one, 0], Rotation::Cw90, Mirror::Horizontal),
    ] {
        let mut bytes = plain.clone();
        for (index, number) in [0, 1, 3, 4].into_iter().zip(matrix) {
            bytes[place + index * 4..][..4].copy_from_slice(&number.to_be_bytes());
        }
        for demuxer in [&mut *make(), &mut ProbingDemuxer::new() as &mut dyn Demuxer] {
            let (info, _) = read(demuxer, &bytes).unwrap();
            let video = info.first(TrackKind::Video).unwrap().video.unwrap();
            assert_eq!(
                (video.rotation, video.mirror),
                (rotation, mirror),
                "{matrix:?}"
            );
        }
    }
}

#[test]
fn the_library_is_asked_for_what_ours_do_not_know_and_for_nothing_else() {
    let avi = file("a.avi", "-c:v mpeg4 -an");
    let mp4 = file("a.mp4", "-c:v mpeg4 -an");
    let page = b"<!doctype html><title>404</title>".repeat(100);
    for (bytes, loads) in [(&avi, 1), (&mp4, 0), (&page, 0)] {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let demuxers = FfmpegDemuxers::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            load()
        });
        let mut demuxer = ProbingDemuxer::with_demuxers(Demuxers::Fallback(Arc::new(demuxers)));
        let outcome = read(&mut demuxer, bytes);
        assert_eq!(outcome.is_ok(), bytes != &page);
        assert_eq!(count.load(Ordering::Relaxed), loads);
    }
    let forced = Demuxers::Foreign(Arc::new(FfmpegDemuxers::new(load)));
    let (info, _) = read(&mut ProbingDemuxer::with_demuxers(forced), &mp4).unwrap();
    assert_eq!(info.container, "mp4");
}

#[test]
fn what_nobody_knows_is_told_as_ours_tell_it() {
    let noise: Vec<u8> = (0..300_000u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let fallback = Demuxers::Fallback(Arc::new(FfmpegDemuxers::new(load)));
    let error = read(&mut ProbingDemuxer::with_demuxers(fallback), &noise).unwrap_err();
    assert_eq!(error.reason(), "container.unknown");
    assert!(
        error.to_string().contains("begins with the bytes"),
        "{error}"
    );
}

#[test]
fn a_file_opens_no_other_one() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.avi");
    std::fs::write(&film, file("film.avi", "-c:v mpeg4 -an")).unwrap();
    let named = |path: &Path| path.display().to_string();
    let concat = format!("ffconcat version 1.0\nfile '{}'\n", named(&film));
    let playlist = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n",
        named(&film)
    );
    let session = format!(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=control:{}\n",
        named(&film)
    );
    for text in [concat, playlist, session] {
        let error = read(&mut *make(), text.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), "container.unknown", "{text}");
    }
}

#[test]
fn without_the_library_the_package_is_named() {
    let missing = || {
        Err(Arc::new(LoadError::NotBeside {
            library: "libavformat",
            file: "libavformat.so.59".to_owned(),
            major: 59,
        }))
    };
    let fallback = Demuxers::Fallback(Arc::new(FfmpegDemuxers::new(missing)));
    let avi = file("a.avi", "-c:v mpeg4 -an");
    let error = read(&mut ProbingDemuxer::with_demuxers(fallback), &avi).unwrap_err();
    assert_eq!(error.reason(), "container.needs_libavformat");
    let text = error.to_string();
    assert!(
        text.starts_with("it looks like AVI; ") && text.contains("libavformat59"),
        "{text}"
    );
}

#[test]
fn its_thread_ends_with_it_wherever_it_waits() {
    let avi = Bytes::from(file("a.avi", "-c:v mpeg4 -an"));
    // Before a byte, within the headers, with packets waiting.
    for given in [0, 100, avi.len()] {
        let (alive, ended) = channel::<()>();
        let demuxers = FfmpegDemuxers::new(move || {
            let _holds = &alive;
            load()
        });
        let mut demuxer = demuxers.open();
        drop(demuxers);
        demuxer.push(0, avi.slice(..given));
        let mut polls = 0;
        while demuxer.poll() == Ok(Step::Pending) {
            polls += 1;
            assert!(polls < 1_000);
        }
        drop(demuxer);
        let end = ended.recv_timeout(Duration::from_secs(20));
        assert_eq!(end, Err(RecvTimeoutError::Disconnected), "{given}");
    }
}

#[test]
fn a_seek_while_bytes_are_awaited_goes_on_elsewhere() {
    let avi = Bytes::from(file("a.avi", "-c:v mpeg4 -g 5 -c:a libmp3lame -b:a 32k"));
    let mut demuxer = make();
    demuxer.set_len(avi.len() as u64);
    let (mut at, mut packets) = (0, 0);
    // Up to where it waits for bytes in the midst of the film.
    let mut step = |demuxer: &mut Box<dyn Demuxer>, limit: usize| loop {
        match demuxer.poll().unwrap() {
            Step::Packet(packet) => break Some(packet),
            Step::Info(_) | Step::Pending => {}
            Step::End => break None,
            wanting => {
                if let Step::Want(range) = wanting {
                    at = usize::try_from(range.start).unwrap();
                }
                packets += 1;
                if packets > limit {
                    break None;
                }
                let end = (at + 2_000).min(avi.len());
                demuxer.push(at as u64, avi.slice(at..end));
                at = end;
            }
        }
    };
    let first = step(&mut demuxer, 100).unwrap();
    assert_eq!(first.pts, Time::ZERO);
    while step(&mut demuxer, 6).is_some() {}
    for millis in [1_700, 300] {
        let time = Time::from_millis(millis);
        let mode = SeekMode::Before;
        demuxer.seek(SeekTo { time, mode }).unwrap();
        let video = loop {
            let packet = step(&mut demuxer, 1_000).unwrap();
            if packet.track.0 == 0 {
                break packet;
            }
        };
        assert!(
            video.flags.key && video.pts <= time && time - video.pts < Time::from_millis(500),
            "{video:?}"
        );
    }
}

#[test]
fn samples_that_fill_up_the_last_packet_are_not_counted() {
    let (_, packets) = read(&mut *make(), &file("a.mka", "-vn -c:a libopus -t 0.5")).unwrap();
    let (last, others) = packets.split_last().unwrap();
    assert!(
        others
            .iter()
            .all(|packet| packet.duration == Time::from_millis(20))
    );
    assert!(
        last.duration > Time::ZERO && last.duration < Time::from_millis(20),
        "{:?}",
        last.duration
    );
}

#[test]
fn a_configuration_that_changes_midway_is_told_before_what_needs_it() {
    let film = |scale: &str| {
        file(
            "a.flv",
            &format!("-an -t 1 -vf scale={scale} -c:v libx264 -bf 0"),
        )
    };
    let (small, large) = (film("64:48"), film("96:64"));
    let config = |bytes: &[u8]| {
        read(&mut *make(), bytes).unwrap().0.tracks[0]
            .config
            .clone()
    };
    assert_ne!(config(&small), config(&large));
    // The tags of both, behind the header and the first length of one.
    let joined = [&small[..], &large[13..]].concat();
    assert_eq!(config(&joined), config(&large));
    assert_survives(make, &joined);
}
