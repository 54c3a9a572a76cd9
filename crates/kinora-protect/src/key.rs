use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ProtectError;

/// A content key of AES: usable, never printable, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey(Material);

#[derive(Clone, PartialEq, Eq)]
enum Material {
    Aes128([u8; 16]),
    Aes256([u8; 32]),
}

impl ContentKey {
    /// Takes the key itself, of AES-128.
    #[must_use]
    pub const fn new(key: [u8; 16]) -> Self {
        Self(Material::Aes128(key))
    }
    /// Takes the key itself, of AES-256.
    #[must_use]
    pub const fn of_256_bits(key: [u8; 32]) -> Self {
        Self(Material::Aes256(key))
    }
    /// Takes the body that a key server sent.
    ///
    /// # Errors
    /// When it has neither 16 nor 32 bytes.
    pub fn from_bytes(body: &[u8]) -> Result<Self, ProtectError> {
        match (body.try_into(), body.try_into()) {
            (Ok(key), _) => Ok(Self::new(key)),
            (_, Ok(key)) => Ok(Self::of_256_bits(key)),
            _ => Err(ProtectError::KeyLength {
                length: body.len(),
                wanted: 16,
            }),
        }
    }
    /// The bytes, for the one place that must use them.
    #[must_use]
    pub const fn expose(&self) -> &[u8] {
        match &self.0 {
            Material::Aes128(key) => key,
            Material::Aes256(key) => key,
        }
    }
    /// The key for a cipher that takes so many bytes.
    pub(crate) fn sized<const N: usize>(&self) -> Result<[u8; N], ProtectError> {
        let key = self.expose();
        key.try_into().map_err(|_| ProtectError::KeyLength {
            length: key.len(),
            wanted: N,
        })
    }
}

impl Drop for ContentKey {
    fn drop(&mut self) {
        match &mut self.0 {
            Material::Aes128(key) => key.zeroize(),
            Material::Aes256(key) => key.zeroize(),
        }
    }
}
impl ZeroizeOnDrop for ContentKey {}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
