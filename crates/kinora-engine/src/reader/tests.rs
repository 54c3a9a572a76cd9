mod sample_aes;
mod world;

use bytes::Bytes;
use kinora_container::{Demuxer, ProbingDemuxer, SeekMode, Step};
use kinora_errors::codes;
use kinora_media::TrackKind;
use kinora_protect::{ContentKey, HlsDecryptor, Iv, SegmentCipher, encrypt_segment};

use self::world::{AT, Parts, World};
use super::*;
use crate::sim::{Film, ms, secs};

fn demuxed(data: &Bytes) -> Vec<Packet> {
    let mut demuxer = ProbingDemuxer::new();
    demuxer.set_len(data.len() as u64);
    let mut packets = Vec::new();
    demuxer.push(0, data.clone());
    demuxer.finish();
    loop {
        match demuxer.poll().unwrap() {
            Step::Packet(packet) => packets.push(packet),
            Step::Want(range) => {
                demuxer.push(
                    range.start,
                    data.slice(usize::try_from(range.start).unwrap()..),
                );
            }
            Step::End => return packets,
            Step::Info(_) | Step::NeedMore | Step::Pending => {}
        }
    }
}

fn list(segments: &[String], more: &str) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{more}");
    for segment in segments {
        text += &format!("#EXTINF:2,\n{segment}\n");
    }
    text
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}.ts")).collect()
}

fn put_segments(world: &mut World, prefix: &str, segments: &[Bytes]) {
    for (name, data) in names(prefix, segments.len()).iter().zip(segments) {
        world.put(name, data.clone());
    }
}

/// A multivariant playlist: `low`, `high`, and sound apart in `en` and `fr`.
fn master(world: &mut World) {
    let text = "#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en\",DEFAULT=YES,URI=\"en.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"fr\",URI=\"fr.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=9000000,AUDIO=\"a\"\nhigh.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=300000,AUDIO=\"a\"\nlow.m3u8\n";
    world.put("master.m3u8", text);
    for name in ["low", "high"] {
        let segments = list(&names(name, 4), "") + "#EXT-X-ENDLIST\n";
        world.put(&format!("{name}.m3u8"), segments);
        put_segments(world, name, &Film::picture_segments());
    }
    for name in ["en", "fr"] {
        let segments = list(&names(name, 4), "") + "#EXT-X-ENDLIST\n";
        world.put(&format!("{name}.m3u8"), segments);
        put_segments(world, name, &Film::sound_segments());
    }
}

fn asked(world: &World, part: &str) -> usize {
    let urls = world.asked.iter();
    urls.filter(|(url, _)| url.contains(part)).count()
}

#[test]
fn a_file_gives_the_packets_that_its_demuxer_finds() {
    for (name, data) in [
        ("film.mp4", Film::mp4()),
        ("behind.mp4", Film::mp4_index_behind()),
        ("film.ts", Film::ts()),
    ] {
        for parts in [Parts::Given, Parts::Ignored, Parts::Refused(501)] {
            let mut world = World::new();
            world.parts = parts;
            world.put(name, data.clone());
            let mut reader = world.open(name, RenditionChoice::default());
            let packets = world.packets(&mut reader).unwrap();
            assert!(packets == demuxed(&data), "{name}, {parts:?}");
        }
    }
}

#[test]
fn a_duration_is_found_at_the_end_without_losing_a_packet() {
    let [data, ..] = Film::ts_segments();
    assert!(data.len() < 64 << 10, "it comes at once");
    for piece in [3_000, 1 << 20] {
        let mut world = World::new();
        world.piece = piece;
        world.put("short.ts", data.clone());
        let mut reader = world.open("short.ts", RenditionChoice::default());
        let mut packets = Vec::new();
        while packets.is_empty() {
            if let Read::Packet(packet) = world.next(&mut reader).unwrap() {
                packets.push(packet);
            }
        }
        assert!(reader.find_duration());
        packets.extend(std::iter::from_fn(|| reader.ready()));
        let Ok(Read::Info(info)) = world.next(&mut reader) else {
            panic!("the duration comes next")
        };
        let off = info.duration.unwrap() - secs(2);
        assert!(off.abs() < ms(200), "{info:?}");
        packets.extend(world.packets(&mut reader).unwrap());
        assert!(packets == demuxed(&data), "{piece}");
    }
}

#[test]
fn packets_are_there_before_they_are_asked_for_and_within_a_bound() {
    let mut world = World::new();
    world.piece = 1 << 20;
    world.put("film.mp4", Film::mp4());
    let mut reader = world.open("film.mp4", RenditionChoice::default());
    assert!(matches!(world.next(&mut reader), Ok(Read::Info(_))));
    let mut packets = Vec::new();
    let mut most = 0;
    while let Ok(Read::Packet(packet)) = world.next(&mut reader) {
        let before = packets.len();
        packets.push(packet);
        packets.extend(std::iter::from_fn(|| reader.ready()));
        most = most.max(packets.len() - before);
    }
    assert!((2..=32).contains(&most), "{most}");
    assert!(packets == demuxed(&Film::mp4()));
}

#[test]
fn what_came_before_a_failure_is_given_first() {
    let mut world = World::new();
    let segments = Film::ts_segments();
    put_segments(&mut world, "s", &segments[..2]);
    // One that is missing is a gap; so many in a row are a failure.
    world.piece = 1 << 20;
    world.put("list.m3u8", list(&names("s", 7), "") + "#EXT-X-ENDLIST\n");
    let mut reader = world.open("list.m3u8", RenditionChoice::default());
    let mut pictures = 0;
    let fault = loop {
        match world.next(&mut reader) {
            Ok(Read::Packet(packet)) => {
                let info = reader.info.as_ref().unwrap();
                let kind = info.track(packet.track).unwrap().kind();
                pictures += usize::from(kind == TrackKind::Video);
            }
            Ok(Read::Info(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.code(), codes::ERROR_NETWORK_HTTP_404);
    assert_eq!(pictures, 40, "all of both segments");
}

#[test]
fn tracks_are_reported_between_the_packets_that_they_are_of() {
    let mut world = World::new();
    world.piece = 1 << 20;
    put_segments(&mut world, "s", &Film::ts_segments()[..1]);
    put_segments(&mut world, "p", &Film::picture_segments()[..1]);
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ns0.ts\n#EXT-X-DISCONTINUITY\n\
        #EXTINF:2,\np0.ts\n#EXT-X-ENDLIST\n";
    world.put("list.m3u8", text);
    let mut reader = world.open("list.m3u8", RenditionChoice::default());
    // How many tracks are reported, and the packets that follow.
    let mut parts: Vec<(usize, usize)> = Vec::new();
    loop {
        match world.next(&mut reader).unwrap() {
            Read::Info(info) => parts.push((info.tracks.len(), 0)),
            Read::Packet(_) => parts.last_mut().unwrap().1 += 1,
            Read::End => break,
            Read::Pending => {}
        }
    }
    let sizes = [&Film::ts_segments()[0], &Film::picture_segments()[0]].map(|it| demuxed(it).len());
    assert_eq!(parts, [(2, sizes[0]), (1, sizes[1])]);
}

#[test]
fn segments_come_as_one_on_the_timeline_of_the_playlist() {
    let mut world = World::new();
    put_segments(&mut world, "s", &Film::ts_segments());
    world.put("list.m3u8", list(&names("s", 4), "") + "#EXT-X-ENDLIST\n");
    let [pictures, sound] = world.all("list.m3u8");
    assert_eq!(pictures.len(), 80);
    assert!(sound.len() > 100, "{}", sound.len());
    let mut times: Vec<i64> = pictures.iter().map(|it| it.pts.as_millis()).collect();
    times.sort_unstable();
    assert_eq!((times[0], times[79]), (0, 7_900));
}

#[test]
fn what_the_border_of_segments_cuts_comes_whole() {
    let read = |segments: &[Bytes]| {
        let mut world = World::new();
        put_segments(&mut world, "s", segments);
        world.put("list.m3u8", list(&names("s", 4), "") + "#EXT-X-ENDLIST\n");
        world.all("list.m3u8")
    };
    let whole = read(&Film::ts_segments());
    for packets in [1, 2, 7] {
        assert!(
            read(&Film::ts_cut_within_pictures(packets)) == whole,
            "{packets}"
        );
    }
}

#[test]
fn an_encrypted_playlist_comes_decrypted() {
    let mut world = World::new();
    let key = ContentKey::new([7; 16]);
    for (number, data) in Film::ts_segments().into_iter().enumerate() {
        let vector = Iv::from_sequence(number as u64);
        world.put(
            &format!("s{number}.ts"),
            encrypt_segment(&key, vector, data.as_ref().into()).unwrap(),
        );
    }
    world.put("key", vec![7; 16]);
    let head = "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n";
    world.put("list.m3u8", list(&names("s", 4), head) + "#EXT-X-ENDLIST\n");
    let [pictures, _] = world.all("list.m3u8");
    assert_eq!(pictures.len(), 80);
}

#[test]
fn keys_of_32_bytes_decrypt_by_aes_256_and_none_else() {
    let mut world = World::new();
    let key = ContentKey::of_256_bits([7; 32]);
    for (number, data) in Film::ts_segments().into_iter().enumerate() {
        let vector = Iv::from_sequence(number as u64);
        // The keystream hides what it uncovers.
        let mut cipher = HlsDecryptor::new(SegmentCipher::Aes256Ctr, &key, vector).unwrap();
        let hidden: Vec<u8> = cipher.push(data).flatten().collect();
        world.put(&format!("s{number}.ts"), hidden);
    }
    world.put("key", vec![7; 32]);
    let head = "#EXT-X-KEY:METHOD=AES-256-CTR,URI=\"key\"\n";
    world.put("list.m3u8", list(&names("s", 4), head) + "#EXT-X-ENDLIST\n");
    let [pictures, _] = world.all("list.m3u8");
    assert_eq!(pictures.len(), 80);
    let head = "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n";
    world.put("list.m3u8", list(&names("s", 4), head) + "#EXT-X-ENDLIST\n");
    let mut reader = world.open("list.m3u8", RenditionChoice::default());
    let refused = world.packets(&mut reader).unwrap_err();
    assert_eq!(refused.reason(), "hls.key.length");
    let causes = refused.causes();
    assert!(
        format!("{causes:?}").contains("32 bytes instead of 16"),
        "{causes:?}"
    );
}

#[test]
fn fragments_with_their_init_section_come_as_one() {
    let mut world = World::new();
    let (init, segments) = Film::fmp4();
    world.put("init.mp4", init);
    put_segments(&mut world, "f", &segments);
    let head = "#EXT-X-MAP:URI=\"init.mp4\"\n";
    world.put("list.m3u8", list(&names("f", 3), head) + "#EXT-X-ENDLIST\n");
    let [pictures, _] = world.all("list.m3u8");
    assert_eq!(pictures.len(), 60);
}

#[test]
fn parts_of_one_file_are_read_from_servers_of_every_kind() {
    let whole = Film::ts();
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    let mut at = 0;
    for segment in Film::ts_segments() {
        text += &format!(
            "#EXTINF:2,\n#EXT-X-BYTERANGE:{}@{at}\nall.ts\n",
            segment.len()
        );
        at += segment.len();
    }
    for parts in [Parts::Given, Parts::Ignored, Parts::Refused(403)] {
        let mut world = World::new();
        world.parts = parts;
        world.put("all.ts", whole.clone());
        world.put("list.m3u8", text.clone() + "#EXT-X-ENDLIST\n");
        let [pictures, _] = world.all("list.m3u8");
        assert_eq!(pictures.len(), 80, "{parts:?}");
    }
}

#[test]
fn pictures_and_sound_of_different_playlists_come_in_step_and_whole() {
    // Whichever of them comes late: nothing of the other is lost.
    for slow in ["\0", "en", "high"] {
        let mut world = World::new();
        world.slow = slow;
        master(&mut world);
        let mut reader = world.open("master.m3u8", RenditionChoice::default());
        let packets = world.packets(&mut reader).unwrap();
        let info = reader.info.clone().unwrap();
        let kind = |packet: &Packet| info.track(packet.track).unwrap().kind();
        let pictures = packets.iter().filter(|it| kind(it) == TrackKind::Video);
        assert_eq!(pictures.count(), 80, "{slow:?}");
        let alone = Film::sound_segments()
            .iter()
            .map(|it| demuxed(it).len())
            .sum::<usize>();
        let sound = packets.iter().filter(|it| kind(it) == TrackKind::Audio);
        assert_eq!(sound.count(), alone, "{slow:?}");
        assert!(packets.is_sorted_by_key(|packet| packet.dts), "{slow:?}");
        let begins = packets.iter().filter(|it| kind(it) == TrackKind::Video);
        let begins = begins.map(|packet| packet.pts).min();
        assert_eq!(begins, Some(Time::ZERO), "{slow:?}");
    }
}

#[test]
fn the_best_rendition_is_read_or_the_one_that_was_named() {
    for (video, expected) in [(None, "high0"), (Some(1), "high0"), (Some(0), "low0")] {
        let mut world = World::new();
        master(&mut world);
        let choice = RenditionChoice { video, audio: None };
        let mut reader = world.open("master.m3u8", choice);
        world.packets(&mut reader).unwrap();
        assert_eq!(asked(&world, expected), 1, "{video:?}");
        assert_eq!(asked(&world, "low0") + asked(&world, "high0"), 1);
        assert_eq!(reader.options().unwrap().len(), 4);
    }
    let mut world = World::new();
    master(&mut world);
    let choice = RenditionChoice {
        video: None,
        audio: Some(3),
    };
    let mut reader = world.open("master.m3u8", choice);
    world.packets(&mut reader).unwrap();
    assert_eq!((asked(&world, "en0"), asked(&world, "fr0")), (0, 1));
}

#[test]
fn a_rendition_that_is_not_there_is_refused() {
    let choices = [(Some(2), None), (None, Some(0)), (None, Some(4))];
    for (video, audio) in choices {
        let mut world = World::new();
        master(&mut world);
        let mut reader = world.open("master.m3u8", RenditionChoice { video, audio });
        let fault = world.packets(&mut reader).unwrap_err();
        assert_eq!(
            (fault.code(), fault.reason()),
            (Code::from_errno(22), "rendition.unknown")
        );
    }
}

#[test]
fn a_rendition_gives_way_only_if_nobody_named_it_and_nothing_was_read() {
    let mut world = World::new();
    master(&mut world);
    world.files.remove(&format!("{AT}high0.ts"));
    assert_eq!(
        world.all("master.m3u8")[0].len(),
        80,
        "the lesser one is read"
    );

    let named = RenditionChoice {
        video: Some(1),
        audio: None,
    };
    let mut reader = world.open("master.m3u8", named);
    assert!(world.packets(&mut reader).is_ok(), "what is left is read");
    assert_eq!(reader.damage(), 1, "and the loss is reported");

    let mut world = World::new();
    master(&mut world);
    world.files.remove(&format!("{AT}high2.ts"));
    let mut reader = world.open("master.m3u8", RenditionChoice::default());
    assert!(world.packets(&mut reader).is_ok());
    assert_eq!(reader.damage(), 1);

    for number in 0..4 {
        world.files.remove(&format!("{AT}high{number}.ts"));
    }
    let mut reader = world.open("master.m3u8", named);
    let fault = world.packets(&mut reader).unwrap_err();
    assert_eq!(fault.code(), codes::ERROR_NETWORK_HTTP_404);
    assert_eq!(fault.context().segment, Some(3));
    let again = world.next(&mut reader).unwrap_err();
    assert_eq!(again.code(), fault.code(), "it is reported until a seek");
}

#[test]
fn a_live_stream_is_read_from_where_a_player_begins_until_it_ends() {
    let mut world = World::new();
    put_segments(&mut world, "s", &Film::ts_segments());
    let text = |first: usize, last: usize| {
        let head = format!("#EXT-X-MEDIA-SEQUENCE:{first}\n");
        list(&names("s", 4)[first..last], &head)
    };
    world.put_from(Time::ZERO, "live.m3u8", text(0, 3));
    world.put_from(secs(2), "live.m3u8", text(1, 4));
    world.put_from(secs(6), "live.m3u8", text(1, 4) + "#EXT-X-ENDLIST\n");
    let config = PlayerConfig {
        live_start_index: -2,
        ..PlayerConfig::default()
    };
    let url = Secret::new(format!("{AT}live.m3u8"));
    let mut reader = PacketReader::open(
        config,
        Capabilities::default(),
        url,
        RenditionChoice::default(),
        world.now,
    );
    assert!(matches!(world.next(&mut reader), Ok(Read::Info(_))));
    assert!(reader.is_live());
    let to = SeekTo {
        time: secs(1),
        mode: SeekMode::Before,
    };
    let refused = reader.seek(world.now, to).unwrap_err();
    assert_eq!(refused.reason(), "container.not_seekable");
    let packets = world.packets(&mut reader).unwrap();
    let video = reader
        .info
        .as_ref()
        .unwrap()
        .first(TrackKind::Video)
        .unwrap()
        .id;
    let pictures = packets.iter().filter(|packet| packet.track == video);
    assert_eq!(pictures.count(), 60, "the segments 1 to 3");
    assert!(world.now.mono >= secs(6), "{:?}", world.now);
}

#[test]
fn a_live_stream_that_stands_still_is_reported_and_tried_again() {
    let mut world = World::new();
    put_segments(&mut world, "s", &Film::ts_segments());
    world.put("live.m3u8", list(&names("s", 3), ""));
    let mut reader = world.open("live.m3u8", RenditionChoice::default());
    let fault = world.packets(&mut reader).unwrap_err();
    assert_eq!(fault.code(), codes::ERROR_LOADING_TIMEOUT);
    world.put_from(
        world.now.mono,
        "live.m3u8",
        list(&names("s", 4), "") + "#EXT-X-ENDLIST\n",
    );
    assert!(world.packets(&mut reader).unwrap().len() > 20);
}

#[test]
fn a_seek_leads_to_the_key_frame_before_the_time() {
    for (name, parts) in [
        ("film.mp4", Parts::Given),
        ("film.ts", Parts::Given),
        ("list.m3u8", Parts::Given),
        // Without ranges it is read from the start, and nothing before the key frame is given.
        ("film.ts", Parts::Ignored),
        ("film.mp4", Parts::Refused(406)),
    ] {
        let mut world = World::new();
        world.parts = parts;
        world.put("film.mp4", Film::mp4());
        world.put("film.ts", Film::ts());
        put_segments(&mut world, "s", &Film::ts_segments());
        world.put("list.m3u8", list(&names("s", 4), "") + "#EXT-X-ENDLIST\n");
        let mut reader = world.open(name, RenditionChoice::default());
        world.packets(&mut reader).unwrap();
        let to = SeekTo {
            time: ms(5_450),
            mode: SeekMode::Before,
        };
        reader.seek(world.now, to).unwrap();
        let packets = world.packets(&mut reader).unwrap();
        let video = reader
            .info
            .as_ref()
            .unwrap()
            .first(TrackKind::Video)
            .unwrap()
            .id;
        let first = packets.iter().find(|packet| packet.track == video).unwrap();
        assert!(first.flags.key, "{name}, {parts:?}");
        let before = ms(5_450) - first.pts;
        assert!(
            (Time::ZERO..ms(1_500)).contains(&before),
            "{name}, {parts:?}: {}",
            first.pts
        );
    }
}

#[test]
fn what_can_not_be_read_is_reported_as_a_player_reports_it() {
    let mut world = World::new();
    world.put("text.mp4", "no media at all");
    world.put(
        "empty.m3u8",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n",
    );
    for (name, code) in [
        ("absent.mp4", codes::ERROR_NETWORK_HTTP_404),
        ("text.mp4", codes::ERROR_DEMUXER_OPENSTREAM),
        ("empty.m3u8", codes::ERROR_DEMUXER_OPENURL),
    ] {
        let mut reader = world.open(name, RenditionChoice::default());
        let fault = world.packets(&mut reader).unwrap_err();
        assert_eq!(fault.code(), code, "{name}");
    }
    let nothing = Secret::new("");
    let config = PlayerConfig::default();
    let mut reader = PacketReader::open(
        config,
        Capabilities::default(),
        nothing,
        RenditionChoice::default(),
        world.now,
    );
    let fault = reader.read(world.now).unwrap_err();
    assert_eq!(fault.code(), codes::ERROR_DATASOURCE_EMPTYURL);
}
