//! Decryption of single samples by common encryption (ISO/IEC 23001-7 9 and 10).

use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit};
use bytes::Bytes;
use cbc::cipher::array::Array;
use cbc::cipher::{Block, BlockModeDecrypt, KeyIvInit};
use ctr::cipher::StreamCipher;
use kinora_media::{CryptPattern, ProtectionScheme, SampleCrypto, Subsamples};

use crate::hls::own;
use crate::{ContentKey, ProtectError};

/// Bytes 8 to 15 of the counter block count, and wrap without a carry (23001-7 9.3).
type Ctr = ctr::Ctr64BE<Aes128>;
pub(crate) type Cbc = cbc::Decryptor<Aes128>;

/// Whether samples of that scheme can be decrypted here, given their key.
#[must_use]
pub const fn can_decrypt(scheme: ProtectionScheme) -> bool {
    matches!(
        scheme,
        ProtectionScheme::Cenc
            | ProtectionScheme::Cens
            | ProtectionScheme::Cbc1
            | ProtectionScheme::Cbcs
    )
}

/// Decrypts the payload of a packet: where it lies when nobody else holds it, else in one copy.
///
/// # Errors
/// When the scheme is none of common encryption, the key none of AES-128, or the subsamples are longer than the payload.
pub fn decrypt_sample(
    key: &ContentKey,
    crypto: &SampleCrypto,
    data: Bytes,
) -> Result<Bytes, ProtectError> {
    let (key, iv) = (Array::from(key.sized::<16>()?), Array::from(crypto.iv.0));
    let mut data = own(data);
    let (subsamples, pattern) = (&crypto.subsamples, pattern(crypto));
    match crypto.scheme {
        // One keystream over all protected ranges (10.1); a last part of a block belongs to them.
        ProtectionScheme::Cenc => {
            let mut cipher = Ctr::new(&key, &iv);
            for_each_range(&mut data, subsamples, |range| cipher.apply_keystream(range))?;
        }
        ProtectionScheme::Cens => {
            let mut cipher = Ctr::new(&key, &iv);
            for_each_range(&mut data, subsamples, |range| {
                for_each_run(range, pattern, |blocks| {
                    cipher.apply_keystream(blocks.as_flattened_mut());
                });
            })?;
        }
        // One chain over all protected ranges (10.2).
        ProtectionScheme::Cbc1 => {
            let mut cipher = Cbc::new(&key, &iv);
            for_each_range(&mut data, subsamples, |range| {
                for_each_run(range, None, |blocks| decrypt_blocks(&mut cipher, blocks));
            })?;
        }
        // Each range begins with the vector (10.4.2).
        ProtectionScheme::Cbcs => {
            let block_cipher = Aes128::new(&key);
            for_each_range(&mut data, subsamples, |range| {
                let mut cipher = Cbc::inner_iv_init(block_cipher.clone(), &iv);
                for_each_run(range, pattern, |blocks| decrypt_blocks(&mut cipher, blocks));
            })?;
        }
        other => return Err(ProtectError::Scheme(other)),
    }
    Ok(data.freeze())
}

/// Samples without subsamples are encrypted in all their blocks (9.7).
fn pattern(crypto: &SampleCrypto) -> Option<CryptPattern> {
    crypto.pattern.filter(|_| !crypto.subsamples.is_empty())
}

/// Runs over the protected ranges of a sample, in order.
fn for_each_range(
    data: &mut [u8],
    subsamples: &Subsamples,
    mut act: impl FnMut(&mut [u8]),
) -> Result<(), ProtectError> {
    if subsamples.is_empty() {
        act(data);
        return Ok(());
    }
    let mut rest = data;
    for part in subsamples.iter() {
        let protected = usize::try_from(part.protected).unwrap_or(usize::MAX);
        let (range, behind) = rest
            .split_at_mut_checked(part.clear.into())
            .and_then(|(_, behind)| behind.split_at_mut_checked(protected))
            .ok_or(ProtectError::Subsamples)?;
        act(range);
        rest = behind;
    }
    Ok(())
}

/// Runs over the encrypted blocks of a range; what is no whole block at its end is clear (9.6).
fn for_each_run(
    range: &mut [u8],
    pattern: Option<CryptPattern>,
    mut act: impl FnMut(&mut [[u8; 16]]),
) {
    let (blocks, _) = range.as_chunks_mut();
    let Some(pattern) = pattern else {
        return act(blocks);
    };
    let crypt = usize::from(pattern.crypt);
    let stride = crypt.saturating_add(pattern.skip.into()).max(1);
    for run in blocks.chunks_mut(stride) {
        let encrypted = crypt.min(run.len());
        if let Some(run) = run.get_mut(..encrypted) {
            act(run);
        }
    }
}

pub(crate) fn decrypt_blocks(cipher: &mut Cbc, blocks: &mut [[u8; 16]]) {
    let blocks: &mut [Block<Aes128>] = Array::cast_slice_from_core_mut(blocks);
    cipher.decrypt_blocks(blocks);
}

#[cfg(test)]
mod tests;
