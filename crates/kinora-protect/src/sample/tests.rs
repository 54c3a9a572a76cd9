use aes::cipher::{BlockCipherEncrypt, KeyInit};
use cbc::cipher::BlockModeEncrypt;
use kinora_media::{Iv, KeyId};

use super::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// The key of NIST SP 800-38A F.2 and F.5, and its four blocks of plain text.
const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const CLEAR: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                     30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

fn key() -> ContentKey {
    ContentKey::from_bytes(&hex(KEY)).unwrap()
}

fn crypto(scheme: ProtectionScheme, iv: &str) -> SampleCrypto {
    SampleCrypto {
        scheme,
        key_id: KeyId::default(),
        iv: Iv(hex(iv).try_into().unwrap()),
        pattern: None,
        subsamples: Subsamples::default(),
    }
}

fn subsamples(parts: &[(u16, u32)]) -> Subsamples {
    let entry = |(clear, protected): &(u16, u32)| {
        [&clear.to_be_bytes()[..], &protected.to_be_bytes()].concat()
    };
    Subsamples::from_wire(parts.iter().flat_map(entry).collect())
}

fn decrypt(crypto: &SampleCrypto, data: &[u8]) -> Vec<u8> {
    let data = Bytes::copy_from_slice(data);
    decrypt_sample(&key(), crypto, data).unwrap().to_vec()
}

/// A counter by hand: what the scheme says, in other words than the code under test.
fn keystream(iv: [u8; 16], len: usize) -> Vec<u8> {
    let cipher = Aes128::new(&Array::from(key().sized::<16>().unwrap()));
    let (nonce, counter) = iv.split_at(8);
    let counter = u64::from_be_bytes(counter.try_into().unwrap());
    let mut stream = Vec::new();
    for number in 0..(len as u64).div_ceil(16) {
        let block = [nonce, &counter.wrapping_add(number).to_be_bytes()].concat();
        let mut block = Array::from(<[u8; 16]>::try_from(block).unwrap());
        cipher.encrypt_block(&mut block);
        stream.extend_from_slice(&block);
    }
    stream.truncate(len);
    stream
}

fn xor(data: &[u8], stream: &[u8]) -> Vec<u8> {
    data.iter().zip(stream).map(|(a, b)| a ^ b).collect()
}

fn chained(iv: [u8; 16], clear: &[u8]) -> Vec<u8> {
    let mut data = clear.to_vec();
    let mut cipher =
        cbc::Encryptor::<Aes128>::new(&Array::from(key().sized::<16>().unwrap()), &Array::from(iv));
    let (blocks, _) = data.as_chunks_mut::<16>();
    cipher.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    data
}

/// NIST SP 800-38A F.5.2 (CTR-AES128).
#[test]
fn the_published_vector_of_a_counter_is_decrypted() {
    let secret = "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff\
                  5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee";
    let crypto = crypto(ProtectionScheme::Cenc, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    assert_eq!(decrypt(&crypto, &hex(secret)), hex(CLEAR));
    // The last block may be a part of one.
    assert_eq!(decrypt(&crypto, &hex(secret)[..37]), hex(CLEAR)[..37]);
}

/// NIST SP 800-38A F.2.2 (CBC-AES128).
#[test]
fn the_published_vector_of_a_chain_is_decrypted() {
    let secret = "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
                  73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7";
    for scheme in [ProtectionScheme::Cbc1, ProtectionScheme::Cbcs] {
        let crypto = crypto(scheme, "000102030405060708090a0b0c0d0e0f");
        assert_eq!(decrypt(&crypto, &hex(secret)), hex(CLEAR), "{scheme}");
        // What is no whole block is clear.
        let cut = [&hex(secret)[..32], b"tail"].concat();
        assert_eq!(
            decrypt(&crypto, &cut),
            [&hex(CLEAR)[..32], b"tail"].concat()
        );
    }
}

#[test]
fn the_counter_of_the_last_eight_bytes_wraps_without_a_carry() {
    let crypto = crypto(ProtectionScheme::Cenc, "01020304050607ffffffffffffffffff");
    let clear: Vec<u8> = (0..80).collect();
    let secret = xor(&clear, &keystream(crypto.iv.0, 80));
    assert_eq!(decrypt(&crypto, &secret), clear);
}

#[test]
fn one_keystream_runs_over_the_protected_ranges() {
    let clear: Vec<u8> = (0..100).collect();
    let cipher = SampleCrypto {
        subsamples: subsamples(&[(5, 21), (10, 0), (4, 40)]),
        ..crypto(ProtectionScheme::Cenc, "00112233445566770000000000000000")
    };
    let mut secret = clear.clone();
    let stream = keystream(cipher.iv.0, 61);
    secret[5..26].copy_from_slice(&xor(&clear[5..26], &stream[..21]));
    secret[40..80].copy_from_slice(&xor(&clear[40..80], &stream[21..]));
    assert_eq!(decrypt(&cipher, &secret), clear);
}

#[test]
fn a_pattern_leaves_blocks_clear_and_each_range_begins_with_the_vector() {
    let iv = "a0b1c2d3e4f5a6b7c8d9eafb0c1d2e3f";
    let cipher = SampleCrypto {
        pattern: Some(CryptPattern { crypt: 2, skip: 3 }),
        subsamples: subsamples(&[(3, 16 * 8 + 5), (7, 16 * 6)]),
        ..crypto(ProtectionScheme::Cbcs, iv)
    };
    let clear: Vec<u8> = (0..3 + 133 + 7 + 96).map(|at| (at * 7) as u8).collect();
    let mut secret = clear.clone();
    // Blocks 0, 1, 5, 6 of the first range and 0, 1, 5 of the second, by the clause and not by the code.
    for (start, blocks) in [(3, &[0, 1, 5, 6][..]), (143, &[0, 1, 5])] {
        let places = blocks.iter().map(|block| start + block * 16);
        let picked: Vec<u8> = places
            .clone()
            .flat_map(|at| clear[at..at + 16].to_vec())
            .collect();
        let locked = chained(cipher.iv.0, &picked);
        for (at, block) in places.zip(locked.chunks(16)) {
            secret[at..at + 16].copy_from_slice(block);
        }
    }
    assert_ne!(secret, clear);
    assert_eq!(decrypt(&cipher, &secret), clear);
}

#[test]
fn a_counter_in_a_pattern_counts_encrypted_blocks_only() {
    let cipher = SampleCrypto {
        pattern: Some(CryptPattern { crypt: 1, skip: 1 }),
        subsamples: subsamples(&[(0, 32), (0, 40)]),
        ..crypto(ProtectionScheme::Cens, "00112233445566770000000000000000")
    };
    let clear: Vec<u8> = (0..72).collect();
    let stream = keystream(cipher.iv.0, 32);
    let mut secret = clear.clone();
    secret[..16].copy_from_slice(&xor(&clear[..16], &stream[..16]));
    secret[32..48].copy_from_slice(&xor(&clear[32..48], &stream[16..]));
    assert_eq!(decrypt(&cipher, &secret), clear);
}

#[test]
fn one_chain_runs_over_the_protected_ranges() {
    let cipher = SampleCrypto {
        subsamples: subsamples(&[(4, 16), (4, 32)]),
        ..crypto(ProtectionScheme::Cbc1, "000102030405060708090a0b0c0d0e0f")
    };
    let clear: Vec<u8> = (0..56).collect();
    let locked = chained(cipher.iv.0, &[&clear[4..20], &clear[24..56]].concat());
    let secret = [&clear[..4], &locked[..16], &clear[20..24], &locked[16..]].concat();
    assert_eq!(decrypt(&cipher, &secret), clear);
}

#[test]
fn what_is_held_by_nobody_else_is_decrypted_where_it_lies() {
    let crypto = crypto(ProtectionScheme::Cenc, "00112233445566770000000000000000");
    let own = Bytes::from(vec![1; 64]);
    let place = own.as_ptr();
    assert_eq!(
        decrypt_sample(&key(), &crypto, own).unwrap().as_ptr(),
        place
    );
    let shared = Bytes::from(vec![1; 64]);
    let clear = decrypt_sample(&key(), &crypto, shared.clone()).unwrap();
    assert_ne!(clear.as_ptr(), shared.as_ptr());
    assert_eq!(shared, vec![1; 64]);
}

#[test]
fn subsamples_that_are_too_long_and_other_schemes_are_refused() {
    let too_long = SampleCrypto {
        subsamples: subsamples(&[(4, 16), (4, u32::MAX)]),
        ..crypto(ProtectionScheme::Cbcs, "000102030405060708090a0b0c0d0e0f")
    };
    let data = || Bytes::from_static(&[0; 32]);
    assert_eq!(
        decrypt_sample(&key(), &too_long, data()),
        Err(ProtectError::Subsamples)
    );
    for scheme in [
        ProtectionScheme::SampleAes,
        ProtectionScheme::Scrambled,
        ProtectionScheme::Other(*b"piff"),
    ] {
        let crypto = crypto(scheme, "000102030405060708090a0b0c0d0e0f");
        let refused = decrypt_sample(&key(), &crypto, data()).unwrap_err();
        assert_eq!(refused, ProtectError::Scheme(scheme));
        assert!(!can_decrypt(scheme));
    }
}
