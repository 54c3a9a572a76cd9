use aes::cipher::BlockCipherEncrypt;
use kinora_media::bitstream::nal_units;

use super::*;

const KEY: [u8; 16] = *b"sixteen byte key";
const IV: Iv = Iv([0x35; 16]);

fn decrypt(codec: CodecId, data: &[u8]) -> Vec<u8> {
    let data = Bytes::copy_from_slice(data);
    let clear = decrypt_sample_aes(codec, &ContentKey::new(KEY), IV, data);
    clear.unwrap().to_vec()
}

/// A chain by hand, over the blocks that begin at these places.
fn encrypt_at(data: &mut [u8], places: impl Iterator<Item = usize>) {
    let cipher = Aes128::new(&Array::from(KEY));
    let mut before = IV.0;
    for at in places {
        let mut block = [0; 16];
        for (n, byte) in block.iter_mut().enumerate() {
            *byte = data[at + n] ^ before[n];
        }
        let mut block = Array::from(block);
        cipher.encrypt_block(&mut block);
        before = block.into();
        data[at..at + 16].copy_from_slice(&before);
    }
}

/// Puts emulation prevention in (ITU-T H.264 7.4.1).
fn escape(unit: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::new();
    for byte in unit {
        if *byte <= 3 && escaped.ends_with(&[0, 0]) {
            escaped.push(3);
        }
        escaped.push(*byte);
    }
    escaped
}

/// As a packager does it, by the words of the format: encrypt while more than a block is left, then escape.
fn encrypt_unit(unit: &[u8]) -> Vec<u8> {
    if unit.len() <= 48 || !matches!(unit[0] & 31, 1 | 5) {
        return unit.to_vec();
    }
    let mut places = Vec::new();
    let (mut at, mut left) = (32, unit.len() - 32);
    while left > 0 {
        if left > 16 {
            places.push(at);
            (at, left) = (at + 16, left - 16);
        }
        let clear = left.min(144);
        (at, left) = (at + clear, left - clear);
    }
    let mut secret = unit.to_vec();
    encrypt_at(&mut secret, places.into_iter());
    escape(&secret)
}

/// A NAL unit of a length, itself with emulation prevention in it, that ends as units do.
fn unit(head: u8, len: usize) -> Vec<u8> {
    let mut unit: Vec<u8> = (0..len).map(|at| [9, 0, 0, 3, 1, 7, 8][at % 7]).collect();
    unit[0] = head;
    unit[len - 1] = 0x80;
    unit
}

#[test]
fn slices_of_every_length_come_back_with_their_own_emulation_prevention() {
    for len in (40..420).chain([4_000]) {
        let clear: Vec<Vec<u8>> = [0x65, 0x41].map(|head| unit(head, len)).into();
        let stream = |units: &[Vec<u8>]| {
            [
                &[0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 1, 2][..],
                &[0, 0, 1],
                &units[0],
                &[0, 0, 0, 1],
                &units[1],
                &[0, 0],
            ]
            .concat()
        };
        let secret: Vec<Vec<u8>> = clear.iter().map(|unit| encrypt_unit(unit)).collect();
        let (clear, secret) = (stream(&clear), stream(&secret));
        assert_eq!(clear == secret, len <= 48, "{len}");
        assert_eq!(decrypt(CodecId::H264, &secret), clear, "{len}");
    }
}

#[test]
fn units_that_are_no_slices_stay_as_they_are() {
    let stream = [
        &[0, 0, 0, 1][..],
        &unit(0x67, 300),
        &[0, 0, 1],
        &unit(6, 99),
    ]
    .concat();
    let data = Bytes::from(stream.clone());
    let place = data.as_ptr();
    let clear = decrypt_sample_aes(CodecId::H264, &ContentKey::new(KEY), IV, data).unwrap();
    assert_eq!((clear.as_ptr(), clear.as_ref()), (place, stream.as_slice()));
    assert_eq!(nal_units(&clear).count(), 2);
}

#[test]
fn frames_of_aac_are_clear_in_their_first_16_bytes_and_their_last_part_of_a_block() {
    for len in [0, 1, 16, 31, 32, 33, 48, 300] {
        let clear: Vec<u8> = (0..len).map(|at| at as u8).collect();
        let mut secret = clear.clone();
        let blocks = (len.max(16) - 16) / 16;
        encrypt_at(&mut secret, (0..blocks).map(|block| 16 + block * 16));
        assert_eq!(clear == secret, len < 32);
        assert_eq!(decrypt(CodecId::Aac, &secret), clear, "{len}");
    }
}

#[test]
fn each_frame_of_an_access_unit_of_eac3_begins_its_chain_anew() {
    let frame = |head: u8, words: u8| {
        let mut frame = vec![0x0b, 0x77, head, words - 1, 0x3f, 0x80, 0, 0];
        frame.extend((frame.len()..usize::from(words) * 2).map(|at| at as u8));
        frame
    };
    let frames = [frame(0, 100), frame(0x40, 55)];
    let clear = frames.concat();
    let secret = frames.map(|mut frame| {
        let blocks = (frame.len() - 16) / 16;
        encrypt_at(&mut frame, (0..blocks).map(|block| 16 + block * 16));
        frame
    });
    assert_ne!(secret.concat(), clear);
    assert_eq!(decrypt(CodecId::Eac3, &secret.concat()), clear);
}

#[test]
fn other_codecs_have_no_such_encryption() {
    let refused = decrypt_sample_aes(CodecId::H265, &ContentKey::new(KEY), IV, Bytes::new());
    let scheme = ProtectionScheme::SampleAes;
    assert_eq!(refused, Err(ProtectError::Scheme(scheme)));
    let long = ContentKey::of_256_bits([1; 32]);
    assert!(decrypt_sample_aes(CodecId::Aac, &long, IV, Bytes::new()).is_err());
}
