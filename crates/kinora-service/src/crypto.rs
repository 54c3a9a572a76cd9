//! The service's own keys: all derived from one that lies in its database.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Octets of the tag that seals a token.
const TAG_LEN: usize = 32;

/// The key that all others come from. It is never printed.
#[derive(Clone)]
pub(crate) struct MasterKey(Vec<u8>);

impl MasterKey {
    pub(crate) fn from_bytes(key: Vec<u8>) -> Self {
        Self(key)
    }
    fn tag(&self, purpose: &str, message: &[u8]) -> [u8; TAG_LEN] {
        // HMAC takes a key of any length; the error arm cannot be reached.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return [0; TAG_LEN];
        };
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
    /// A secret for one purpose and name, as printable text.
    pub(crate) fn derive(&self, purpose: &str, name: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.tag(purpose, name.as_bytes()))
    }
    /// Opaque text that only this service can make and open. What is inside can be read, not changed.
    pub(crate) fn seal(&self, purpose: &str, content: &[u8]) -> String {
        let mut sealed = content.to_vec();
        sealed.extend_from_slice(&self.tag(purpose, content));
        URL_SAFE_NO_PAD.encode(sealed)
    }
    /// What was sealed; nothing for text that this service did not make.
    pub(crate) fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let tag = bytes.split_off(bytes.len().checked_sub(TAG_LEN)?);
        same(&self.tag(purpose, &bytes), &tag).then_some(bytes)
    }
}

/// Equality in a time that does not depend on where the two differ.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Octets that nobody can guess.
pub(crate) fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(bytes)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_token_opens_only_whole_and_for_its_purpose() {
        let key = MasterKey::from_bytes(vec![7; 32]);
        let sealed = key.seal("session", b"content");
        assert_eq!(
            key.open("session", &sealed).as_deref(),
            Some(&b"content"[..])
        );
        assert_eq!(key.open("other", &sealed), None);
        for cut in 0..sealed.len() {
            assert_eq!(key.open("session", &sealed[..cut]), None);
        }
        let other = MasterKey::from_bytes(vec![8; 32]);
        assert_eq!(other.open("session", &sealed), None);
    }
}
