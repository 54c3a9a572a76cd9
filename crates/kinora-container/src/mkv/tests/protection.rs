//! WebM whose frames are encrypted.

use kinora_media::{Iv, KeyId, ProtectionScheme, SampleIv, Subsample};

use super::super::id;
use super::build::*;
use super::*;

const KEY_ID: [u8; 16] = *b"sixteen bytes id";

fn encryption() -> Vec<u8> {
    let aes = master(
        id::CONTENT_ENC_AES_SETTINGS,
        &[uint(id::AES_SETTINGS_CIPHER_MODE, 1)],
    );
    let settings = [
        uint(id::CONTENT_ENC_ALGO, 5),
        element(id::CONTENT_ENC_KEY_ID, KEY_ID),
        aes,
    ];
    let encoding = [
        uint(id::CONTENT_ENCODING_TYPE, 1),
        master(id::CONTENT_ENCRYPTION, &settings),
    ];
    master(
        id::CONTENT_ENCODINGS,
        &[master(id::CONTENT_ENCODING, &encoding)],
    )
}

pub(super) fn film() -> Vec<u8> {
    let blocks = [
        simple(1, 0, KEY, b"\x00clear"),
        simple(1, 40, 0, b"\x01vector 8whole frame"),
        simple(1, 80, 0, b"\x03vector 8\x01\0\0\0\x04headrest"),
        simple(1, 120, 0, b"\x03vector 8\x01\0\0\0\x40headrest"),
        simple(1, 160, 0, b"\x01short"),
    ];
    let tracks = master(id::TRACKS, &[video(1, &[encryption()])]);
    file(&[info(None), tracks, cluster(0, &blocks)])
}

#[test]
fn frames_tell_how_they_are_encrypted() {
    let (info, packets, damage) = read(&film());
    let protection = info.tracks[0].protection.as_ref().unwrap();
    assert_eq!(protection.scheme, ProtectionScheme::Cenc);
    let default = protection.default.unwrap();
    assert_eq!(default.key_id, KeyId(KEY_ID));
    assert_eq!(default.iv, SampleIv::PerSample(8));
    let data: Vec<_> = packets.iter().map(|packet| &*packet.data).collect();
    let expected: [&[u8]; 3] = [b"clear", b"whole frame", b"headrest"];
    assert_eq!(data, expected);
    assert_eq!(packets[0].crypto, None);
    let whole = packets[1].crypto.as_ref().unwrap();
    assert_eq!(whole.iv, Iv::from_wire(b"vector 8").unwrap());
    assert!(whole.subsamples.is_empty());
    let parts = packets[2].crypto.as_ref().unwrap().subsamples.iter();
    let expected = Subsample {
        clear: 4,
        protected: 4,
    };
    assert_eq!(parts.collect::<Vec<_>>(), [expected]);
    // Partitions past the end, and no vector: who decrypts could only make noise of them.
    assert_eq!(damage, 2);
}

#[test]
fn an_unknown_cipher_is_named() {
    let bytes = film();
    let mode = [0x47, 0xe8, 1, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0];
    let at = bytes.windows(mode.len()).position(|window| window == mode);
    let mut bytes = bytes.clone();
    bytes[at.unwrap() + mode.len()] = 2;
    let (info, packets, _) = read(&bytes);
    let scheme = info.tracks[0].protection.as_ref().unwrap().scheme;
    assert_eq!(scheme, ProtectionScheme::Other(*b"aes "));
    assert_eq!(packets[0].data, &b"\0clear"[..]);
}
