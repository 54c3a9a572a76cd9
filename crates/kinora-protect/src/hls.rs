use aes::{Aes128, Aes256};
use bytes::{Buf, Bytes, BytesMut};
use cbc::cipher::array::Array;
use cbc::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use ctr::cipher::StreamCipher;

use crate::{ContentKey, Iv, ProtectError};

const BLOCK: usize = 16;

/// How the segments of a playlist are encrypted: the METHOD of its key (RFC 8216 4.3.2.4; its second edition 4.4.4.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// Not at all.
    Clear,
    /// Whole segments.
    Segments(SegmentCipher),
    /// Samples within segments, by the names of the method; the segment says how.
    Samples(SampleMethod),
}

/// By which cipher whole segments are encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SegmentCipher {
    /// `AES-128`: AES-128 in CBC mode, padded.
    #[default]
    Aes128,
    /// `AES-256`: the same with a key of 32 bytes. No RFC has it; packagers and other players do.
    Aes256,
    /// `AES-256-CTR`: AES-256 in counter mode, of which the last eight bytes count; not padded.
    Aes256Ctr,
}

/// Which METHOD says that samples are encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SampleMethod {
    /// `SAMPLE-AES`: in MPEG-TS as [`decrypt_sample_aes`](crate::decrypt_sample_aes) undoes it, in MP4 `cbcs`.
    SampleAes,
    /// `SAMPLE-AES-CTR`: in MP4 `cenc`.
    SampleAesCtr,
}

impl Scheme {
    const KNOWN: [(&str, Self); 6] = [
        ("NONE", Self::Clear),
        ("AES-128", Self::Segments(SegmentCipher::Aes128)),
        ("AES-256", Self::Segments(SegmentCipher::Aes256)),
        ("AES-256-CTR", Self::Segments(SegmentCipher::Aes256Ctr)),
        ("SAMPLE-AES", Self::Samples(SampleMethod::SampleAes)),
        ("SAMPLE-AES-CTR", Self::Samples(SampleMethod::SampleAesCtr)),
    ];

    /// Reads a METHOD.
    ///
    /// # Errors
    /// When it is the vendor's private scheme, or unknown: such a segment must not be played as clear.
    pub fn of_method(method: &str) -> Result<Self, ProtectError> {
        if let Some((_, scheme)) = Self::KNOWN.iter().find(|(name, _)| *name == method) {
            return Ok(*scheme);
        }
        if method.eq_ignore_ascii_case("AliyunVoDEncryption") {
            return Err(ProtectError::Vendor);
        }
        let plain = |letter: &char| letter.is_ascii_graphic();
        let name = method.chars().filter(plain).take(40).collect();
        Err(ProtectError::Unsupported(name))
    }

    /// Its METHOD.
    #[must_use]
    pub fn method(self) -> &'static str {
        let known = Self::KNOWN.iter().find(|(_, scheme)| *scheme == self);
        known.map_or("NONE", |(name, _)| name)
    }
}

/// Decrypts one segment, fed in pieces of any size.
pub struct HlsDecryptor {
    cipher: Cipher,
    /// Ciphertext kept back: never more than the block that may turn out to be the last one.
    held: [u8; BLOCK],
    held_len: usize,
    total: u64,
}

enum Cipher {
    Cbc128(cbc::Decryptor<Aes128>),
    Cbc256(cbc::Decryptor<Aes256>),
    Ctr256(Box<ctr::Ctr64BE<Aes256>>),
}

impl Cipher {
    fn new(cipher: SegmentCipher, key: &ContentKey, iv: Iv) -> Result<Self, ProtectError> {
        let iv = Array::from(iv.0);
        let aes256 = || key.sized::<32>().map(Array::from);
        Ok(match cipher {
            SegmentCipher::Aes128 => Self::Cbc128(KeyIvInit::new(&key.sized::<16>()?.into(), &iv)),
            SegmentCipher::Aes256 => Self::Cbc256(KeyIvInit::new(&aes256()?, &iv)),
            SegmentCipher::Aes256Ctr => Self::Ctr256(Box::new(KeyIvInit::new(&aes256()?, &iv))),
        })
    }

    fn decrypt_blocks(&mut self, blocks: &mut [Block<Aes128>]) {
        match self {
            Self::Cbc128(cipher) => cipher.decrypt_blocks(blocks),
            Self::Cbc256(cipher) => cipher.decrypt_blocks(blocks),
            Self::Ctr256(cipher) => {
                for block in blocks {
                    cipher.apply_keystream(block);
                }
            }
        }
    }
}

/// What one piece gave: at most two runs of clear bytes, in order.
pub type Pieces = core::iter::Flatten<core::array::IntoIter<Option<Bytes>, 2>>;

impl HlsDecryptor {
    /// Begins a segment.
    ///
    /// # Errors
    /// When the key is not as long as the cipher's.
    pub fn new(cipher: SegmentCipher, key: &ContentKey, iv: Iv) -> Result<Self, ProtectError> {
        Ok(Self {
            cipher: Cipher::new(cipher, key, iv)?,
            held: [0; BLOCK],
            held_len: 0,
            total: 0,
        })
    }

    /// Takes the next bytes. They are decrypted where they lie when nobody else holds them; otherwise copied once.
    /// A block that may be the last is kept back until more comes.
    pub fn push(&mut self, mut chunk: Bytes) -> Pieces {
        self.total = self.total.saturating_add(chunk.len() as u64);
        if let Cipher::Ctr256(cipher) = &mut self.cipher {
            let mut data = own(chunk);
            cipher.apply_keystream(&mut data);
            return [Some(data.freeze()), None].into_iter().flatten();
        }
        let first = self.complete_held(&mut chunk);
        let rest = self.decrypt_whole_blocks(chunk);
        [first, rest].into_iter().flatten()
    }

    /// Ends the segment: the last block without its padding (PKCS #7, RFC 5652 6.3).
    ///
    /// # Errors
    /// When the segment was cut, or its padding shows that the key or the IV is wrong.
    pub fn finish(mut self) -> Result<Bytes, ProtectError> {
        if let Cipher::Ctr256(_) = self.cipher {
            return Ok(Bytes::new());
        }
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
        self.cipher
            .decrypt_blocks(core::slice::from_mut(&mut block));
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
        let mut body = own(chunk);
        let (blocks, _) = Array::slice_as_chunks_mut(&mut body);
        self.cipher.decrypt_blocks(blocks);
        Some(body.freeze())
    }
}

/// The bytes to write to: where they lie when nobody else holds them, else a copy.
pub(crate) fn own(data: Bytes) -> BytesMut {
    data.try_into_mut()
        .unwrap_or_else(|shared| BytesMut::from(shared.as_ref()))
}

/// Decrypts one whole resource, an init section: see [`HlsDecryptor`].
///
/// # Errors
/// As for [`HlsDecryptor::new`] and [`HlsDecryptor::finish`].
pub fn decrypt_segment(
    cipher: SegmentCipher,
    key: &ContentKey,
    iv: Iv,
    data: Bytes,
) -> Result<Bytes, ProtectError> {
    let mut clear = BytesMut::with_capacity(data.len());
    let mut decryptor = HlsDecryptor::new(cipher, key, iv)?;
    for piece in decryptor.push(data) {
        clear.extend_from_slice(&piece);
    }
    clear.extend_from_slice(&decryptor.finish()?);
    Ok(clear.freeze())
}

/// Encrypts one whole segment in place by `AES-128`, padding appended (PKCS #7, RFC 5652 6.3).
///
/// # Errors
/// When the key is none of AES-128.
pub fn encrypt_segment(
    key: &ContentKey,
    iv: Iv,
    mut clear: BytesMut,
) -> Result<Bytes, ProtectError> {
    let key = key.sized::<16>()?;
    let pad = BLOCK.saturating_sub(clear.len() % BLOCK);
    let len = clear.len().saturating_add(pad);
    clear.resize(len, u8::try_from(pad).unwrap_or(0));
    let mut cipher = cbc::Encryptor::<Aes128>::new(&Array::from(key), &Array::from(iv.0));
    let (blocks, _) = Array::slice_as_chunks_mut(&mut clear);
    cipher.encrypt_blocks(blocks);
    Ok(clear.freeze())
}

#[cfg(test)]
mod tests;
