//! Media under common encryption, and keys that come late, in the simulator.

mod licences;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use kinora_container::{Demuxer as _, ProbingDemuxer, Step};
use kinora_errors::codes;
use kinora_media::{
    CryptPattern, Iv, KeyId, Packet, Protection, ProtectionScheme, SampleCrypto, SampleIv,
    SampleProtection, Subsamples, TrackKind,
};
use kinora_protect::{ContentKey, decrypt_sample};
use serde_json::Value;

use super::hls::{LIST, list, segment_url};
use super::pushed::packets;
use super::{URL, errors, is_completion, is_error, is_first};
use crate::sim::packager::sample_aes;
use crate::sim::{Film, Sim, mins, ms, secs, sim};
use crate::{Command, Event, PlayerConfig, replay};

const STREAM: &str = "rtmp://live.test/app/stream";
const FIRST: KeyId = KeyId([1; 16]);
const SECOND: KeyId = KeyId([2; 16]);

fn add_key(sim: &mut Sim, id: KeyId, key: [u8; 16]) {
    let key = ContentKey::new(key);
    sim.command(Command::AddKey { id, key });
}

fn is_required(id: KeyId) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::KeyRequired(wanted) if *wanted == id)
}

fn until_required(sim: &mut Sim, id: KeyId) {
    assert!(
        sim.run_until(secs(10), is_required(id)),
        "{:#?}",
        sim.events
    );
}

/// A film of 12 s whose video is encrypted: with one key, and with another one from the middle on.
fn serve_protected(sim: &mut Sim, scheme: ProtectionScheme) {
    let pattern = (scheme == ProtectionScheme::Cbcs).then_some(CryptPattern { crypt: 1, skip: 9 });
    let mut stream = packets(Film::mp4(), false);
    let mut info = (*stream.info).clone();
    let video = info
        .tracks
        .iter_mut()
        .find(|it| it.kind() == TrackKind::Video)
        .unwrap();
    let iv = Iv::from_sequence(9);
    video.protection = Some(Protection {
        default: Some(SampleProtection {
            key_id: FIRST,
            iv: SampleIv::Constant(iv),
            pattern,
        }),
        ..Protection::of_scheme(scheme)
    });
    let id = video.id;
    for packet in stream
        .packets
        .iter_mut()
        .filter(|packet| packet.track == id)
    {
        packet.crypto = Some(Arc::new(SampleCrypto {
            scheme,
            key_id: if packet.dts < secs(6) { FIRST } else { SECOND },
            iv,
            pattern,
            subsamples: Subsamples::default(),
        }));
    }
    stream.info = Arc::new(info);
    sim.net.serve_packets(STREAM, stream);
}

const SCHEMES: [ProtectionScheme; 2] = [ProtectionScheme::Cenc, ProtectionScheme::Cbcs];

#[test]
fn a_key_that_is_required_may_come_late() {
    for scheme in SCHEMES {
        let mut sim = sim(91);
        serve_protected(&mut sim, scheme);
        add_key(&mut sim, FIRST, [7; 16]);
        sim.play(STREAM);
        assert!(sim.run_until(secs(2), is_first), "{:#?}", sim.events);
        until_required(&mut sim, SECOND);
        // Later than what is there lasts.
        let asked = sim.now();
        sim.run_for(secs(8));
        assert!(sim.position() < secs(7), "{}", sim.position());
        add_key(&mut sim, SECOND, [8; 16]);
        assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
        let waited = sim.now() - asked;
        assert!(waited < secs(16), "{waited}");
        assert!(errors(&sim).is_empty());
        assert_eq!(
            (
                sim.count(is_required(SECOND)),
                sim.count(is_required(FIRST))
            ),
            (1, 0)
        );
        assert_eq!(sim.engine().stats().frames_shown, 120);
    }
}

#[test]
fn a_key_that_never_comes_ends_playback_with_its_id() {
    let mut sim = sim(92);
    serve_protected(&mut sim, ProtectionScheme::Cbcs);
    add_key(&mut sim, FIRST, [7; 16]);
    sim.play(STREAM);
    assert!(sim.run_until(secs(30), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED]);
    let text = format!("{:?}", sim.events.last());
    assert!(text.contains(&SECOND.to_string()), "{text}");
    assert!(
        sim.position() >= ms(5_800),
        "what is there plays first: {}",
        sim.position()
    );
    assert_eq!(sim.count(is_required(SECOND)), 1);
}

#[test]
fn a_session_under_encryption_runs_the_same_again_without_its_keys() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    let sink = Box::new(move |line: &Value| into.lock().unwrap().push(line.clone()));
    let mut sim = Sim::recorded(93, PlayerConfig::default(), sink);
    serve_protected(&mut sim, ProtectionScheme::Cbcs);
    add_key(&mut sim, FIRST, [0xab; 16]);
    sim.play(STREAM);
    until_required(&mut sim, SECOND);
    sim.run_for(secs(3));
    add_key(&mut sim, SECOND, [0xcd; 16]);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    let reported = sim.events.len();
    drop(sim);
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    let text: String = lines.iter().map(Value::to_string).collect();
    for key in ["abababab", "cdcdcdcd", "171,171,171", "205,205,205"] {
        assert!(!text.contains(key), "a key is written down");
    }
    let again = replay(lines.into_iter()).unwrap();
    assert_eq!((again.difference, again.events.len()), (None, reported));
}

#[test]
fn a_session_of_encrypted_samples_in_a_transport_stream_runs_the_same_again() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    let sink = Box::new(move |line: &Value| into.lock().unwrap().push(line.clone()));
    let mut sim = Sim::recorded(99, PlayerConfig::default(), sink);
    let key = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/key\"\n";
    sim.net.serve(LIST, list(4, key));
    for (number, data) in Film::ts_segments().iter().enumerate() {
        let vector = Iv::from_sequence(number as u64);
        let data = sample_aes(data, [7; 16], vector, true);
        sim.net.serve(&segment_url(number), data);
    }
    sim.net.serve("http://films.test/key", vec![7; 16]);
    sim.play(LIST);
    assert!(sim.run_until(mins(1), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.engine().stats().frames_shown, 80);
    let reported = sim.events.len();
    drop(sim);
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    let again = replay(lines.into_iter()).unwrap();
    assert_eq!((again.difference, again.events.len()), (None, reported));
}

/// What takes the place of a box, by its kind and its body.
type Rewrite<'a> = &'a mut dyn FnMut([u8; 4], &[u8]) -> Vec<u8>;

/// The boxes of a piece of MP4, each as `map` gives it back.
fn rewrite(data: &[u8], map: Rewrite<'_>) -> Vec<u8> {
    let (mut rewritten, mut rest) = (Vec::new(), data);
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let len = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        rewritten.extend(map(head[4..].try_into().unwrap(), &rest[8..len]));
        rest = &rest[len..];
    }
    rewritten
}

fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 8).unwrap();
    [&len.to_be_bytes()[..], &kind, body].concat()
}

/// An init section whose video is declared to be encrypted by `cenc`.
fn protected_init(data: &[u8]) -> Vec<u8> {
    rewrite(data, &mut |kind, body| match &kind {
        b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" => boxed(kind, &protected_init(body)),
        b"stsd" => boxed(kind, &[&body[..8], &protected_init(&body[8..])].concat()),
        b"avc1" => {
            let scheme = [&[0; 4][..], b"cenc", &[0, 1, 0, 0]].concat();
            let defaults = [&[0, 0, 0, 0, 0, 0, 1, 8][..], &FIRST.0].concat();
            let information = [
                boxed(*b"frma", b"avc1"),
                boxed(*b"schm", &scheme),
                boxed(*b"schi", &boxed(*b"tenc", &defaults)),
            ];
            let sinf = boxed(*b"sinf", &information.concat());
            boxed(*b"encv", &[body, &sinf].concat())
        }
        _ => boxed(kind, body),
    })
}

/// Vectors of a sample: its number.
fn vector(sample: u8) -> [u8; 8] {
    [sample; 8]
}

/// The content of the key of an id.
fn content(id: KeyId) -> ContentKey {
    ContentKey::new([id.0[0] + 6; 16])
}

/// All samples of a fragment are encrypted with another key than the track names (`seig`, ISO/IEC 23001-7 6).
fn rotation(id: KeyId, samples: u32) -> Vec<u8> {
    let numbers = |all: &[u32]| -> Vec<u8> { all.iter().flat_map(|it| it.to_be_bytes()).collect() };
    let entry = [&[0, 0, 1, 8][..], &id.0].concat();
    let sgpd = [
        &numbers(&[1 << 24])[..],
        b"seig",
        &numbers(&[20, 1]),
        &entry,
    ]
    .concat();
    let sbgp = [
        &numbers(&[0])[..],
        b"seig",
        &numbers(&[1, samples, 0x1_0001]),
    ]
    .concat();
    [boxed(*b"sgpd", &sgpd), boxed(*b"sbgp", &sbgp)].concat()
}

/// A segment with its video samples encrypted, the first of which has that number.
fn protected_segment(data: &[u8], samples: &[Packet], first: u8, id: KeyId) -> Vec<u8> {
    let count = u32::try_from(samples.len()).unwrap();
    let numbers = first..first + u8::try_from(samples.len()).unwrap();
    let mut entries = vec![0; 4];
    entries.extend(count.to_be_bytes());
    entries.extend(numbers.clone().flat_map(vector));
    let rotation = match id == FIRST {
        true => Vec::new(),
        false => rotation(id, count),
    };
    let senc = [boxed(*b"senc", &entries), rotation].concat();
    let (mut hidden, mut end) = (data.to_vec(), 0);
    for (number, sample) in numbers.zip(samples) {
        let crypto = SampleCrypto {
            scheme: ProtectionScheme::Cenc,
            key_id: id,
            iv: Iv::from_wire(&vector(number)).unwrap(),
            pattern: None,
            subsamples: Subsamples::default(),
        };
        // The keystream hides what it uncovers.
        let cipher = decrypt_sample(&content(id), &crypto, sample.data.clone());
        let mut places = data[end..].windows(sample.data.len());
        let begin = end + places.position(|bytes| *bytes == sample.data).unwrap();
        end = begin + sample.data.len();
        hidden[begin..end].copy_from_slice(&cipher.unwrap());
    }
    let grown = u32::try_from(senc.len()).unwrap();
    let mut is_first = true;
    rewrite(&hidden, &mut |kind, body| match &kind {
        b"moof" => {
            let with_vectors = rewrite(body, &mut |kind, body| {
                let mut body = rewrite_if(kind == *b"traf", body, grown);
                if kind == *b"traf" && std::mem::take(&mut is_first) {
                    body.extend(&senc);
                }
                boxed(kind, &body)
            });
            boxed(kind, &with_vectors)
        }
        _ => boxed(kind, body),
    })
}

/// A fragment of a track whose data lies further behind (`data_offset` of `trun`).
fn rewrite_if(is_track: bool, body: &[u8], grown: u32) -> Vec<u8> {
    if !is_track {
        return body.to_vec();
    }
    rewrite(body, &mut |kind, body| {
        let mut body = body.to_vec();
        if kind == *b"trun" {
            let offset = u32::from_be_bytes(body[8..12].try_into().unwrap()) + grown;
            body[8..12].copy_from_slice(&offset.to_be_bytes());
        }
        boxed(kind, &body)
    })
}

/// The packets of a file's first track.
fn video_of(data: Vec<u8>) -> Vec<Packet> {
    let mut demuxer = ProbingDemuxer::new();
    demuxer.set_len(data.len() as u64);
    demuxer.push(0, Bytes::from(data));
    demuxer.finish();
    let mut packets = Vec::new();
    loop {
        match demuxer.poll().unwrap() {
            Step::Packet(packet) if packet.track.0 == 1 => packets.push(packet),
            Step::End => return packets,
            _ => {}
        }
    }
}

/// An init section and segments of 2 s whose video is encrypted.
fn protected_parts() -> (Vec<u8>, Vec<Vec<u8>>) {
    parts_with_keys([FIRST; 3])
}

/// The same, with a key for each segment.
fn parts_with_keys(keys: [KeyId; 3]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (init, segments) = Film::fmp4();
    let mut first = 0;
    let protected = segments.iter().zip(keys).map(|(segment, key)| {
        let samples = video_of([&init[..], segment].concat());
        let begin = first;
        first += u8::try_from(samples.len()).unwrap();
        protected_segment(segment, &samples, begin, key)
    });
    (protected_init(&init), protected.collect())
}

/// A film of 6 s in fragments: in the clear, and with its video encrypted.
fn fragments() -> [Vec<u8>; 2] {
    let (init, segments) = Film::fmp4();
    let (protected_init, protected) = protected_parts();
    [
        [&init[..], &segments.concat()].concat(),
        [protected_init, protected.concat()].concat(),
    ]
}

/// A playlist of encrypted fragments, with these tags about their keys.
fn serve_fragments(sim: &mut Sim, keys: &str) {
    let (init, segments) = protected_parts();
    let head = format!("{keys}#EXT-X-MAP:URI=\"init.mp4\"\n");
    sim.net.serve(LIST, list(3, &head));
    sim.net.serve("http://films.test/vod/init.mp4", init);
    for (number, data) in segments.into_iter().enumerate() {
        sim.net.serve(&segment_url(number), data);
    }
}

#[test]
fn fragments_of_a_playlist_play_with_the_key_that_it_names() {
    let mut sim = sim(96);
    serve_fragments(&mut sim, "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"/key\"\n");
    sim.net.serve("http://films.test/key", vec![7; 16]);
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.engine().stats().frames_shown, 60);
}

const WIDEVINE: &str = "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64,AA==\",\
    KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"\n\
    #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://asset\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n";

#[test]
fn systems_whose_licences_are_not_to_be_had_are_named() {
    let mut sim = sim(97);
    serve_fragments(&mut sim, WIDEVINE);
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED]);
    let text = format!("{:?}", sim.events.last());
    assert!(text.contains("Widevine, FairPlay"), "{text}");
    assert!(text.contains("hls.key.system"), "{text}");
}

#[test]
fn keys_of_the_application_do_for_those_of_a_system() {
    let mut sim = sim(98);
    serve_fragments(&mut sim, WIDEVINE);
    add_key(&mut sim, FIRST, [7; 16]);
    sim.play(LIST);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!(sim.engine().stats().frames_shown, 60);
}

#[test]
fn fragments_under_common_encryption_play_as_they_do_in_the_clear() {
    let [clear, protected] = fragments();
    let mut sim = sim(94);
    sim.net.serve(URL, protected.clone());
    add_key(&mut sim, FIRST, [7; 16]);
    sim.play(URL);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert!(errors(&sim).is_empty());
    assert_eq!(sim.engine().stats().frames_shown, 60);
    let (locked, clear) = (video_of(protected), video_of(clear));
    assert_eq!((locked.len(), clear.len()), (60, 60));
    for (locked, clear) in locked.into_iter().zip(clear) {
        assert_ne!(locked.data, clear.data);
        let crypto = locked.crypto.unwrap();
        let open = decrypt_sample(&ContentKey::new([7; 16]), &crypto, locked.data);
        assert_eq!(open.unwrap(), clear.data);
    }
}

#[test]
fn fragments_whose_key_is_not_given_show_nothing() {
    let [_, protected] = fragments();
    let mut sim = sim(95);
    sim.net.serve(URL, protected);
    sim.play(URL);
    let ends = |event: &Event| is_error(event) || is_completion(event);
    assert!(sim.run_until(secs(20), ends), "{:#?}", sim.events);
    assert_eq!(sim.shown.len(), 0);
}

/// A film in fragments whose key rotates after two seconds.
fn rotating() -> Vec<u8> {
    let (init, segments) = parts_with_keys([FIRST, SECOND, SECOND]);
    [init, segments.concat()].concat()
}

#[test]
fn a_key_to_which_fragments_rotate_is_required_and_shows_no_picture_before_it_is_there() {
    let mut sim = sim(89);
    sim.net.serve(URL, rotating());
    add_key(&mut sim, FIRST, [7; 16]);
    sim.play(URL);
    until_required(&mut sim, SECOND);
    sim.run_for(secs(5));
    // The decoder keeps two back, to order them.
    assert_eq!(sim.shown.len(), 18, "{:?}", sim.shown);
    add_key(&mut sim, SECOND, [8; 16]);
    assert!(sim.run_until(secs(20), is_completion), "{:#?}", sim.events);
    assert_eq!((sim.shown.len(), sim.count(is_required(SECOND))), (60, 1));
    assert_eq!(sim.engine().stats().corrupt_packets, 0);
    assert!(errors(&sim).is_empty());
}

#[test]
fn a_key_to_which_fragments_rotate_and_that_nobody_has_ends_playback_with_its_id() {
    let mut sim = sim(88);
    sim.net.serve(URL, rotating());
    add_key(&mut sim, FIRST, [7; 16]);
    sim.play(URL);
    assert!(sim.run_until(secs(30), is_error), "{:#?}", sim.events);
    assert_eq!(errors(&sim), [codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED]);
    let text = format!("{:?}", sim.events.last());
    assert!(text.contains(&SECOND.to_string()), "{text}");
    assert_eq!(sim.shown.len(), 20, "{:?}", sim.shown);
    assert_eq!(sim.count(is_required(SECOND)), 1);

    sim.play(URL);
    sim.run_for(secs(5));
    assert_eq!(
        sim.count(is_required(SECOND)),
        2,
        "who tries again is asked"
    );
}
