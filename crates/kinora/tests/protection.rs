//! Media under common encryption, as `ffmpeg` makes it, with and without its key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use kinora::{
    ContentKey, DecoderChoice, Event, Fault, KeyId, MediaReader, NetConfig, Packet, Player,
    ProtectionScheme, ReadOptions, VideoReader, codes,
};
use kinora_protect::{Iv, encrypt_segment};
use kinora_test_support::ffmpeg_in;

#[allow(dead_code, reason = "other tests use all of it")]
mod server;

use server::{Parts, Server};

const LIMIT: Duration = Duration::from_secs(20);
const KEY: [u8; 16] = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
];
const KEY_ID: KeyId = KeyId([0x5c; 16]);

/// A clip of two seconds in the clear, and encrypted.
fn clips(dir: &Path) -> (PathBuf, PathBuf) {
    ffmpeg_in(
        dir,
        "-f lavfi -i testsrc=size=192x108:rate=25:duration=2 -f lavfi -i sine=frequency=440:duration=2 \
         -c:v libx264 -bf 2 -g 25 -pix_fmt yuv420p -c:a aac clear.mp4",
    );
    let key: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    let encrypted = format!(
        "-i clear.mp4 -c copy -encryption_scheme cenc-aes-ctr -encryption_key {key} -encryption_kid {KEY_ID}"
    );
    ffmpeg_in(dir, &format!("{encrypted} encrypted.mp4"));
    (dir.join("clear.mp4"), dir.join("encrypted.mp4"))
}

fn options(id: KeyId) -> ReadOptions {
    ReadOptions {
        keys: vec![(id, ContentKey::new(KEY))],
        ..ReadOptions::default()
    }
}

fn packets(path: &Path, options: ReadOptions) -> Vec<Packet> {
    let mut reader = MediaReader::open(path.display().to_string(), options).unwrap();
    let mut packets: Vec<_> = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
    packets.sort_by_key(|packet| (packet.track, packet.dts));
    packets
}

fn payloads(packets: &[Packet]) -> Vec<&[u8]> {
    packets.iter().map(|packet| &packet.data[..]).collect()
}

#[test]
fn packets_are_decrypted_with_their_key_and_given_as_they_are_without() {
    let dir = tempfile::tempdir().unwrap();
    let (clear, path) = clips(dir.path());
    let clear = packets(&clear, ReadOptions::default());
    let locked = packets(&path, ReadOptions::default());
    for packet in &locked {
        let crypto = packet.crypto.as_ref().unwrap();
        assert_eq!(
            (crypto.scheme, crypto.key_id),
            (ProtectionScheme::Cenc, KEY_ID)
        );
    }
    assert_ne!(payloads(&locked), payloads(&clear), "{path:?}");
    let open = packets(&path, options(KEY_ID));
    assert!(open.iter().all(|packet| packet.crypto.is_none()));
    assert!(payloads(&open) == payloads(&clear), "{path:?}");
}

fn pictures(path: &Path, options: impl Into<ReadOptions>) -> Result<usize, Fault> {
    let path = path.display().to_string();
    let mut reader = VideoReader::open(&path, options, DecoderChoice::Rust, 1)?;
    let mut count = 0;
    while reader.next_frame()?.is_some() {
        count += 1;
    }
    assert_eq!(reader.status().damaged, 0);
    Ok(count)
}

#[test]
fn video_is_decoded_with_the_key_and_refused_without() {
    let dir = tempfile::tempdir().unwrap();
    let (_, path) = clips(dir.path());
    assert_eq!(pictures(&path, options(KEY_ID)).unwrap(), 50);
    let other = KeyId([1; 16]);
    for refused in [
        pictures(&path, NetConfig::default()),
        pictures(&path, options(other)),
    ] {
        assert_names_the_key(&refused.unwrap_err());
    }
}

fn assert_names_the_key(fault: &Fault) {
    assert_eq!(fault.code(), codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED);
    assert_eq!(fault.reason(), "container.encrypted");
    let text = fault.to_string();
    let causes = fault.causes_text();
    assert!((text + &causes).contains(&KEY_ID.to_string()), "{fault}");
}

/// Plays to the end; gives how many pictures were shown.
fn play(path: &Path, keys: &[(KeyId, ContentKey)]) -> Result<u64, Fault> {
    let builder = Player::builder().autoplay(true);
    let builder = keys
        .iter()
        .fold(builder, |builder, (id, key)| builder.key(*id, key.clone()));
    let player = builder.build().unwrap();
    player.open(path.display().to_string());
    player.prepare();
    loop {
        match player.next_event(LIMIT) {
            Ok(Event::Error(fault)) => return Err(fault),
            Ok(Event::Completion) => return Ok(player.output_stats().shown),
            Ok(_) => {}
            Err(none) => panic!("{none:?} within {LIMIT:?}"),
        }
    }
}

#[test]
fn an_encrypted_file_plays_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let (_, path) = clips(dir.path());
    let shown = play(&path, &[(KEY_ID, ContentKey::new(KEY))]).unwrap();
    assert!(shown >= 45, "{shown} pictures of {path:?}");
    assert_names_the_key(&play(&path, &[]).unwrap_err());
}

/// RFC 8216 4.3.2.5: the key that stands before `EXT-X-MAP` encrypts the init section too.
#[test]
fn an_init_section_is_decrypted_with_the_key_that_stands_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (clear, _) = clips(dir.path());
    ffmpeg_in(
        dir.path(),
        "-i clear.mp4 -c copy -f hls -hls_time 1 -hls_playlist_type vod -hls_segment_type fmp4 \
         -hls_fmp4_init_filename init.mp4 -hls_segment_filename s%d.m4s list.m3u8",
    );
    let (key, iv) = (ContentKey::new(KEY), Iv([9; 16]));
    let file = |name: &str| dir.path().join(name);
    for name in ["init.mp4", "s0.m4s", "s1.m4s"] {
        let data = std::fs::read(file(name)).unwrap();
        let encrypted = encrypt_segment(&key, iv, data.as_slice().into()).unwrap();
        std::fs::write(file(name), encrypted).unwrap();
    }
    std::fs::write(file("key"), KEY).unwrap();
    let list = std::fs::read_to_string(file("list.m3u8")).unwrap();
    let vector: String = iv.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"key\",IV=0x{vector}\n#EXT-X-MAP");
    std::fs::write(file("list.m3u8"), list.replace("#EXT-X-MAP", &tag)).unwrap();
    assert_eq!(
        pictures(&file("list.m3u8"), NetConfig::default()).unwrap(),
        50
    );
    let read = packets(&file("list.m3u8"), ReadOptions::default());
    let clear = packets(&clear, ReadOptions::default());
    assert!(payloads(&read) == payloads(&clear));
}

/// A DASH presentation of the encrypted clip, whose keys that server gives.
fn presentation(dir: &Path, server: &Server) -> String {
    clips(dir);
    let key: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    ffmpeg_in(
        dir,
        &format!(
            "-i clear.mp4 -c copy -movflags faststart -encryption_scheme cenc-aes-ctr \
             -encryption_key {key} -encryption_kid {KEY_ID} film.mp4"
        ),
    );
    server.put_file(&dir.join("film.mp4"));
    let licences = server.url("licence");
    let manifest = format!(
        "<MPD type='static'><Period duration='PT2S'><AdaptationSet mimeType='video/mp4'>\
         <ContentProtection schemeIdUri='urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e'><Laurl>{licences}</Laurl></ContentProtection>\
         <Representation id='v' codecs='avc1.64000a,mp4a.40.2'><BaseURL>film.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"
    );
    server.put("film.mpd", move |_| manifest.clone().into_bytes());
    server.url("film.mpd")
}

#[test]
fn a_licence_comes_from_the_server_that_the_manifest_names() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(Parts::Given);
    let url = presentation(dir.path(), &server);
    // `KEY_ID` and `KEY` in base64url.
    let licence =
        r#"{"keys":[{"kty":"oct","kid":"XFxcXFxcXFxcXFxcXFxcXA","k":"ABEiM0RVZneImaq7zN3u_w"}]}"#;
    server.put("licence", |_| licence.into());
    let shown = play(Path::new(&url), &[]).unwrap();
    assert!(shown >= 45, "{shown} pictures");
}

#[test]
fn a_licence_that_is_none_is_why_nothing_plays() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(Parts::Given);
    let url = presentation(dir.path(), &server);
    server.put("licence", |_| b"<html>sign in</html>".to_vec());
    let fault = play(Path::new(&url), &[]).unwrap_err();
    assert_eq!(fault.code(), codes::ERROR_SERVER_WRONG_JSON);
    assert_eq!(fault.reason(), "clearkey.licence");
    let causes = fault.causes_text();
    assert!(causes.contains("line 1, column 1"), "{causes}");
}
