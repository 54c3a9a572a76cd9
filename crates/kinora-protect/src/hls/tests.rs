use kinora_errors::{Coded, codes};

use super::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn decrypt(key: &ContentKey, iv: Iv, pieces: &[Bytes]) -> Result<Vec<u8>, ProtectError> {
    let mut decryptor = HlsDecryptor::new(key, iv);
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
    let made = encrypt_segment(&key, iv, BytesMut::from(clear.as_slice()));
    assert_eq!((&made[..32], made.len()), (wanted.as_slice(), 48));
    assert_eq!(decrypt_segment(&key, iv, made.clone()).unwrap(), clear);
    assert_eq!(decrypt(&key, iv, &[made]).unwrap(), clear);
}

#[test]
fn every_length_comes_back_from_pieces_of_every_size() {
    let key = ContentKey::new([7; 16]);
    let iv = Iv::from_sequence(9);
    for len in [0, 1, 15, 16, 17, 31, 32, 33, 188, 1000] {
        let clear = sample(len);
        let secret = encrypt_segment(&key, iv, BytesMut::from(clear.as_slice()));
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
    let secret = encrypt_segment(&key, iv, BytesMut::from(sample(4096).as_slice()));
    let own = Bytes::from(secret.to_vec());
    let place = own.as_ptr();
    let clear: Vec<Bytes> = HlsDecryptor::new(&key, iv).push(own).collect();
    assert_eq!(clear.len(), 1);
    assert_eq!(clear[0].as_ptr(), place);
    let kept = secret.clone();
    let copied: Vec<Bytes> = HlsDecryptor::new(&key, iv).push(secret).collect();
    assert_ne!(copied[0].as_ptr(), kept.as_ptr());
    assert_eq!(copied, clear);
}

#[test]
fn a_wrong_key_a_truncated_segment_and_a_short_key_are_distinguished() {
    let key = ContentKey::new([1; 16]);
    let iv = Iv::default();
    let secret = encrypt_segment(&key, iv, BytesMut::from(sample(100).as_slice()));
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
    assert_eq!(Scheme::of_method("AES-128"), Ok(Scheme::Aes128));
    for method in ["SAMPLE-AES", "SAMPLE-AES-CTR", "AES-256", "", "none"] {
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
