use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ProtectError;

/// A content key of AES-128: usable, never printable, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey([u8; 16]);

impl ContentKey {
    /// Takes the key itself.
    #[must_use]
    pub const fn new(key: [u8; 16]) -> Self {
        Self(key)
    }
    /// Takes the body that a key server sent.
    ///
    /// # Errors
    /// When it has not exactly 16 bytes.
    pub fn from_bytes(body: &[u8]) -> Result<Self, ProtectError> {
        let length = body.len();
        body.try_into()
            .map(Self)
            .map_err(|_| ProtectError::KeyLength { length })
    }
    /// The bytes, for the one place that must use them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Drop for ContentKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
impl ZeroizeOnDrop for ContentKey {}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
