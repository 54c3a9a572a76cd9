use aes::Aes128;
use bytes::{Buf, Bytes, BytesMut};
use cbc::cipher::array::Array;
use cbc::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

use crate::{ContentKey, Iv, ProtectError};

const BLOCK: usize = 16;

/// How the segments of a playlist are encrypted: the METHOD of its key (RFC 8216 4.3.2.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// Not at all.
    Clear,
    /// Whole segments by AES-128 in CBC mode.
    Aes128,
}

impl Scheme {
    /// Reads a METHOD.
    ///
    /// # Errors
    /// When it is SAMPLE-AES, the vendor's private scheme, or unknown: such a segment must not be played as clear.
    pub fn of_method(method: &str) -> Result<Self, ProtectError> {
        match method {
            "NONE" => Ok(Self::Clear),
            "AES-128" => Ok(Self::Aes128),
            vendor if vendor.eq_ignore_ascii_case("AliyunVoDEncryption") => {
                Err(ProtectError::Vendor)
            }
            other => {
                let plain = |letter: &char| letter.is_ascii_graphic();
                Err(ProtectError::Unsupported(
                    other.chars().filter(plain).take(40).collect(),
                ))
            }
        }
    }
}

/// Decrypts one segment, fed in pieces of any size.
pub struct HlsDecryptor {
    cipher: cbc::Decryptor<Aes128>,
    /// Ciphertext kept back: never more than the block that may turn out to be the last one.
    held: [u8; BLOCK],
    held_len: usize,
    total: u64,
}

/// What one piece gave: at most two runs of clear bytes, in order.
pub type Pieces = core::iter::Flatten<core::array::IntoIter<Option<Bytes>, 2>>;

impl HlsDecryptor {
    /// Begins a segment.
    #[must_use]
    pub fn new(key: &ContentKey, iv: Iv) -> Self {
        Self {
            cipher: cbc::Decryptor::new(&Array::from(*key.expose()), &Array::from(iv.0)),
            held: [0; BLOCK],
            held_len: 0,
            total: 0,
        }
    }

    /// Takes the next bytes. They are decrypted where they lie when nobody else holds them; otherwise copied once.
    /// A block that may be the last is kept back until more comes.
    pub fn push(&mut self, mut chunk: Bytes) -> Pieces {
        self.total = self.total.saturating_add(chunk.len() as u64);
        let first = self.complete_held(&mut chunk);
        let rest = self.decrypt_whole_blocks(chunk);
        [first, rest].into_iter().flatten()
    }

    /// Ends the segment: the last block without its padding (PKCS #7, RFC 5652 6.3).
    ///
    /// # Errors
    /// When the segment was cut, or its padding shows that the key or the IV is wrong.
    pub fn finish(mut self) -> Result<Bytes, ProtectError> {
        if self.held_len != BLOCK {
            return Err(ProtectError::Truncated { length: self.total });
        }
        let block = self.decrypt_block();
        let pad = block.last().copied().unwrap_or(0);
        let keep = BLOCK
            .checked_sub(usize::from(pad))
            .filter(|keep| *keep < BLOCK)
            .ok_or(ProtectError::WrongKey)?;
        let (clear, padding) = block.split_at(keep);
        if padding.iter().any(|byte| *byte != pad) {
            return Err(ProtectError::WrongKey);
        }
        Ok(Bytes::copy_from_slice(clear))
    }

    /// Fills the held block from the chunk; decrypts it when more follows.
    fn complete_held(&mut self, chunk: &mut Bytes) -> Option<Bytes> {
        if self.held_len == 0 {
            return None;
        }
        let space = self.held.get_mut(self.held_len..).unwrap_or_default();
        let taken = space.len().min(chunk.len());
        if let (Some(to), Some(from)) = (space.get_mut(..taken), chunk.get(..taken)) {
            to.copy_from_slice(from);
        }
        self.held_len = self.held_len.saturating_add(taken);
        chunk.advance(taken);
        if chunk.is_empty() {
            return None;
        }
        self.held_len = 0;
        Some(Bytes::copy_from_slice(&self.decrypt_block()))
    }

    fn decrypt_block(&mut self) -> [u8; BLOCK] {
        let mut block: Block<Aes128> = Array::from(self.held);
        self.cipher.decrypt_block(&mut block);
        block.into()
    }

    /// Decrypts all blocks but what may be the last one, which is held.
    fn decrypt_whole_blocks(&mut self, mut chunk: Bytes) -> Option<Bytes> {
        if chunk.is_empty() {
            return None;
        }
        let tail_len = match chunk.len() % BLOCK {
            0 => BLOCK,
            rest => rest,
        };
        let body_len = chunk.len().saturating_sub(tail_len);
        if let (Some(to), Some(from)) = (self.held.get_mut(..tail_len), chunk.get(body_len..)) {
            to.copy_from_slice(from);
            self.held_len = tail_len;
        }
        chunk.truncate(body_len);
        if chunk.is_empty() {
            return None;
        }
        let mut body = chunk
            .try_into_mut()
            .unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
        let (blocks, _) = Array::slice_as_chunks_mut(&mut body);
        self.cipher.decrypt_blocks(blocks);
        Some(body.freeze())
    }
}

/// Decrypts one whole resource, an init section: see [`HlsDecryptor`].
///
/// # Errors
/// As for [`HlsDecryptor::finish`].
pub fn decrypt_segment(key: &ContentKey, iv: Iv, data: Bytes) -> Result<Bytes, ProtectError> {
    let mut clear = BytesMut::with_capacity(data.len());
    let mut decryptor = HlsDecryptor::new(key, iv);
    for piece in decryptor.push(data) {
        clear.extend_from_slice(&piece);
    }
    clear.extend_from_slice(&decryptor.finish()?);
    Ok(clear.freeze())
}

/// Encrypts one whole segment in place, padding appended (PKCS #7, RFC 5652 6.3).
#[must_use]
pub fn encrypt_segment(key: &ContentKey, iv: Iv, mut clear: BytesMut) -> Bytes {
    let pad = BLOCK.saturating_sub(clear.len() % BLOCK);
    let len = clear.len().saturating_add(pad);
    clear.resize(len, u8::try_from(pad).unwrap_or(0));
    let mut cipher = cbc::Encryptor::<Aes128>::new(&Array::from(*key.expose()), &Array::from(iv.0));
    let (blocks, _) = Array::slice_as_chunks_mut(&mut clear);
    cipher.encrypt_blocks(blocks);
    clear.freeze()
}

#[cfg(test)]
mod tests;
