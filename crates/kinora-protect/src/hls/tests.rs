use kinora_errors::{Coded, codes};

use super::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn decrypt(key: &ContentKey, iv: Iv, pieces: &[Bytes]) -> Result<Vec<u8>, ProtectError> {
    let mut decryptor = HlsDecryptor::new(SegmentCipher::Aes128, key, iv)?;
    let mut out = Vec::new();
    for piece in pieces {
        decryptor
            .push(piece.clone())
            .for_each(|clear| out.extend_from_slice(&clear));
    }
    out.extend_from_slice(&decryptor.finish()?);
    Ok(out)
}

fn sample(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 % 251) as u8).collect()
}

/// NIST SP 800-38A F.2.1 (CBC-AES128).
#[test]
fn the_published_vector_is_encrypted_and_decrypted() {
    let key = ContentKey::from_bytes(&hex("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
    let iv = Iv(hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap());
    let clear = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    let wanted = hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
    let made = encrypt_segment(&key, iv, BytesMut::from(clear.as_slice())).unwrap();
    assert_eq!((&made[..32], made.len()), (wanted.as_slice(), 48));
    assert_eq!(
        decrypt_segment(SegmentCipher::Aes128, &key, iv, made.clone()).unwrap(),
        clear
    );
    assert_eq!(decrypt(&key, iv, &[made]).unwrap(), clear);
}

#[test]
fn every_length_comes_back_from_pieces_of_every_size() {
    let key = ContentKey::new([7; 16]);
    let iv = Iv::from_sequence(9);
    for len in [0, 1, 15, 16, 17, 31, 32, 33, 188, 1000] {
        let clear = sample(len);
        let secret = encrypt_segment(&key, iv, BytesMut::from(clear.as_slice())).unwrap();
        for size in [1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 2000] {
            let pieces: Vec<Bytes> = secret.chunks(size).map(Bytes::copy_from_slice).collect();
            assert_eq!(
                decrypt(&key, iv, &pieces).unwrap(),
                clear,
                "{len} by {size}"
            );
        }
    }
}

#[test]
fn a_buffer_of_ones_own_is_decrypted_where_it_lies() {
    let key = ContentKey::new([1; 16]);
    let iv = Iv::default();
    let secret = encrypt_segment(&key, iv, BytesMut::from(sample(4096).as_slice())).unwrap();
    let own = Bytes::from(secret.to_vec());
    let place = own.as_ptr();
    let clear: Vec<Bytes> = HlsDecryptor::new(SegmentCipher::Aes128, &key, iv)
        .unwrap()
        .push(own)
        .collect();
    assert_eq!(clear.len(), 1);
    assert_eq!(clear[0].as_ptr(), place);
    let kept = secret.clone();
    let copied: Vec<Bytes> = HlsDecryptor::new(SegmentCipher::Aes128, &key, iv)
        .unwrap()
        .push(secret)
        .collect();
    assert_ne!(copied[0].as_ptr(), kept.as_ptr());
    assert_eq!(copied, clear);
}

#[test]
fn a_wrong_key_a_truncated_segment_and_a_short_key_are_distinguished() {
    let key = ContentKey::new([1; 16]);
    let iv = Iv::default();
    let secret = encrypt_segment(&key, iv, BytesMut::from(sample(100).as_slice())).unwrap();
    let wrong = decrypt(
        &ContentKey::new([2; 16]),
        iv,
        core::slice::from_ref(&secret),
    )
    .unwrap_err();
    assert_eq!(
        (wrong.code(), wrong.reason()),
        (codes::ERROR_DEMUXER_OPENSTREAM, "hls.key.wrong")
    );
    for len in [0, 1, 15, 17, 111] {
        let cut = decrypt(&key, iv, &[secret.slice(..len)]).unwrap_err();
        assert_eq!(cut, ProtectError::Truncated { length: len as u64 });
    }
    let short = ContentKey::from_bytes(&[0; 15]).unwrap_err();
    assert_eq!(short.reason(), "hls.key.length");
    assert!(!format!("{:?}", ContentKey::new([0xab; 16])).contains("ab"));
}

#[test]
fn methods_that_cannot_be_read_are_never_played_as_clear() {
    assert_eq!(Scheme::of_method("NONE"), Ok(Scheme::Clear));
    for method in [
        "AES-128",
        "AES-256",
        "AES-256-CTR",
        "SAMPLE-AES",
        "SAMPLE-AES-CTR",
    ] {
        assert_eq!(Scheme::of_method(method).unwrap().method(), method);
    }
    for method in ["SAMPLE-AES-CENC", "AES-512", "", "none"] {
        let error = Scheme::of_method(method).unwrap_err();
        assert_eq!(
            error.code(),
            codes::ERROR_TBDRM_DEMUXER_UNIMPLEMENTED,
            "{method}"
        );
        assert_eq!(error.reason(), "hls.key.method");
    }
    assert_eq!(
        Scheme::of_method("AliyunVoDEncryption"),
        Err(ProtectError::Vendor)
    );
}

/// NIST SP 800-38A F.2.5 (CBC-AES256), with a block of padding behind it.
#[test]
fn a_key_of_32_bytes_decrypts_by_aes_256() {
    let key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
    let key = ContentKey::from_bytes(&hex(key)).unwrap();
    let iv = Iv(hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap());
    let clear = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    let mut secret = hex("f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d");
    let last = <[u8; 16]>::try_from(&secret[16..]).unwrap();
    let mut padding = cbc::cipher::array::Array::from([16; 16]);
    cbc::Encryptor::<Aes256>::new(&Array::from(key.sized::<32>().unwrap()), &Array::from(last))
        .encrypt_block(&mut padding);
    secret.extend_from_slice(&padding);
    let decrypted = decrypt_segment(SegmentCipher::Aes256, &key, iv, Bytes::from(secret));
    assert_eq!(decrypted.unwrap(), clear);
}

/// NIST SP 800-38A F.5.6 (CTR-AES256): no padding, and any length.
#[test]
fn a_counter_of_aes_256_decrypts_pieces_of_every_size() {
    let key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
    let key = ContentKey::from_bytes(&hex(key)).unwrap();
    let iv = Iv(hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap());
    let clear = &hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")[..27];
    let secret = &hex("601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5")[..27];
    for size in [1, 5, 16, 27] {
        let mut decryptor = HlsDecryptor::new(SegmentCipher::Aes256Ctr, &key, iv).unwrap();
        let pieces = secret.chunks(size).map(Bytes::copy_from_slice);
        let got: Vec<u8> = pieces
            .flat_map(|piece| decryptor.push(piece).collect::<Vec<_>>())
            .flatten()
            .collect();
        assert_eq!(
            (got.as_slice(), decryptor.finish()),
            (clear, Ok(Bytes::new()))
        );
    }
}

#[test]
fn a_key_of_the_other_length_is_refused() {
    let (short, long) = (ContentKey::new([1; 16]), ContentKey::of_256_bits([1; 32]));
    for (cipher, key, length, wanted) in [
        (SegmentCipher::Aes128, &long, 32, 16),
        (SegmentCipher::Aes256, &short, 16, 32),
        (SegmentCipher::Aes256Ctr, &short, 16, 32),
    ] {
        let refused = HlsDecryptor::new(cipher, key, Iv::default()).err();
        assert_eq!(refused, Some(ProtectError::KeyLength { length, wanted }));
    }
    assert!(!format!("{long:?}").contains('1'));
}
