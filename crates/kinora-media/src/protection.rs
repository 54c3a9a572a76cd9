//! How coded media is protected: common encryption (ISO/IEC 23001-7) and its kin.
//!
//! Nothing here is secret: key ids, initialisation vectors and the boxes of key systems travel in the clear.

use core::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// Names a content key (`KID`, ISO/IEC 23001-7 8.2); no secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeyId(pub [u8; 16]);

impl KeyId {
    /// Reads 32 hexadecimal digits, with or without the dashes of a UUID.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        sixteen_from_hex(text).map(Self)
    }
}

/// 16 bytes from 32 hexadecimal digits; dashes between them are passed over.
#[must_use]
pub fn sixteen_from_hex(text: &str) -> Option<[u8; 16]> {
    let mut digits = text.chars().filter(|char| *char != '-');
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        let (high, low) = (digits.next()?.to_digit(16)?, digits.next()?.to_digit(16)?);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    digits.next().is_none().then_some(bytes)
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An initialisation vector; no secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Iv(pub [u8; 16]);

impl Iv {
    /// Of an HLS segment whose key names none: its media sequence number, big-endian (RFC 8216 5.2).
    #[must_use]
    pub fn from_sequence(number: u64) -> Self {
        Self(u128::from(number).to_be_bytes())
    }

    /// One of 8 or 16 bytes; the shorter one is followed by zeros (ISO/IEC 23001-7 9.2).
    #[must_use]
    pub fn from_wire(bytes: &[u8]) -> Option<Self> {
        if let Some(whole) = bytes.first_chunk::<16>().filter(|_| bytes.len() == 16) {
            return Some(Self(*whole));
        }
        let half: [u8; 8] = bytes.try_into().ok()?;
        let mut iv = [0; 16];
        if let Some(front) = iv.first_chunk_mut() {
            *front = half;
        }
        Some(Self(iv))
    }
}

/// By which scheme media is protected (ISO/IEC 23001-7 10, RFC 8216 4.3.2.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ProtectionScheme {
    /// `cenc`: AES-CTR, whole samples or subsamples.
    Cenc,
    /// `cens`: AES-CTR in a pattern.
    Cens,
    /// `cbc1`: AES-CBC, whole samples or subsamples.
    Cbc1,
    /// `cbcs`: AES-CBC in a pattern, mostly with a constant vector.
    Cbcs,
    /// SAMPLE-AES of HLS, as MPEG-TS and elementary streams carry it.
    SampleAes,
    /// Transport packets are scrambled (ISO/IEC 13818-1 2.4.3.3); by what, they do not tell.
    Scrambled,
    /// Something else, by the four characters of its container.
    Other([u8; 4]),
}

impl ProtectionScheme {
    /// The scheme of that name, as [`Display`](fmt::Display) gives it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "SAMPLE-AES" => Some(Self::SampleAes),
            "scrambled" => Some(Self::Scrambled),
            fourcc => <[u8; 4]>::try_from(fourcc.as_bytes())
                .ok()
                .map(Self::from_fourcc),
        }
    }

    /// The scheme of a `schm` box.
    #[must_use]
    pub const fn from_fourcc(fourcc: [u8; 4]) -> Self {
        match &fourcc {
            b"cenc" => Self::Cenc,
            b"cens" => Self::Cens,
            b"cbc1" => Self::Cbc1,
            b"cbcs" => Self::Cbcs,
            _ => Self::Other(fourcc),
        }
    }
}

impl fmt::Display for ProtectionScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cenc => f.write_str("cenc"),
            Self::Cens => f.write_str("cens"),
            Self::Cbc1 => f.write_str("cbc1"),
            Self::Cbcs => f.write_str("cbcs"),
            Self::SampleAes => f.write_str("SAMPLE-AES"),
            Self::Scrambled => f.write_str("scrambled"),
            Self::Other(fourcc) => write!(f, "{}", fourcc.escape_ascii()),
        }
    }
}

/// Of each protected range so many blocks of 16 bytes are encrypted, then so many are clear, and so on
/// (ISO/IEC 23001-7 9.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CryptPattern {
    /// Blocks that are encrypted; never 0.
    pub crypt: u8,
    /// Blocks that are clear.
    pub skip: u8,
}

/// Where the initialisation vector of a sample is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SampleIv {
    /// With each sample: 8 or 16 bytes.
    PerSample(u8),
    /// One for all of them.
    Constant(Iv),
}

/// How a sample is encrypted: for all samples of a track (`tenc`), or for a group of them (`seig`; ISO/IEC
/// 23001-7 6 and 8.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SampleProtection {
    /// Which key.
    pub key_id: KeyId,
    /// Which vector.
    pub iv: SampleIv,
    /// Which blocks; `None`: all.
    pub pattern: Option<CryptPattern>,
}

/// What one key system needs to get keys (`pssh`, ISO/IEC 23001-7 8.1); opaque here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySystemHeader {
    /// The key system's UUID.
    pub system_id: [u8; 16],
    /// The keys that it is about, where it names them.
    pub key_ids: Vec<KeyId>,
    /// The whole box, as key systems take it.
    pub data: Bytes,
}

/// How a track is protected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protection {
    /// The scheme.
    pub scheme: ProtectionScheme,
    /// What holds for samples that do not say otherwise; `None`: they are clear, or it is not known.
    pub default: Option<SampleProtection>,
    /// What key systems need.
    pub key_systems: Arc<[KeySystemHeader]>,
}

impl Protection {
    /// A track of which only the scheme is known.
    #[must_use]
    pub fn of_scheme(scheme: ProtectionScheme) -> Self {
        Self {
            scheme,
            default: None,
            key_systems: Arc::default(),
        }
    }

    /// The key of samples that do not name another.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        self.default.map(|default| default.key_id)
    }
}

/// A clear run of bytes and the protected one behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subsample {
    /// Bytes that are clear.
    pub clear: u16,
    /// Bytes that are protected.
    pub protected: u32,
}

/// The subsamples of a sample, read where they lie: six bytes each (ISO/IEC 23001-7 7.2). None at all: the whole
/// sample is protected.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subsamples(Bytes);

impl Subsamples {
    const ENTRY_LEN: usize = 6;

    /// Takes the entries as a container stores them; what is no whole entry at the end is left out.
    #[must_use]
    pub const fn from_wire(entries: Bytes) -> Self {
        Self(entries)
    }

    /// The whole sample is protected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len() < Self::ENTRY_LEN
    }

    /// In the order of the sample.
    pub fn iter(&self) -> impl Iterator<Item = Subsample> + '_ {
        let (entries, _) = self.0.as_chunks::<{ Self::ENTRY_LEN }>();
        entries.iter().map(|[a, b, c, d, e, f]| Subsample {
            clear: u16::from_be_bytes([*a, *b]),
            protected: u32::from_be_bytes([*c, *d, *e, *f]),
        })
    }

    /// Bytes of all of them together: those of the sample, in valid media.
    #[must_use]
    pub fn total_len(&self) -> u64 {
        let len = |part: Subsample| u64::from(part.clear).saturating_add(part.protected.into());
        self.iter()
            .fold(0, |total, part| total.saturating_add(len(part)))
    }
}

/// How the payload of one packet is encrypted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SampleCrypto {
    /// By which scheme.
    pub scheme: ProtectionScheme,
    /// With which key.
    pub key_id: KeyId,
    /// From which vector on.
    pub iv: Iv,
    /// Which blocks of the protected ranges; `None`: all.
    pub pattern: Option<CryptPattern>,
    /// Which ranges.
    pub subsamples: Subsamples,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_is_read_with_and_without_dashes() {
        let id = KeyId::from_hex("00112233-4455-6677-8899-aabbccddeeff").unwrap();
        assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(KeyId::from_hex(&id.to_string()), Some(id));
        for wrong in ["", "0011", "zz112233445566778899aabbccddeeff"] {
            assert_eq!(KeyId::from_hex(wrong), None, "{wrong}");
        }
        assert_eq!(KeyId::from_hex(&"0".repeat(33)), None);
        assert_eq!(KeyId::from_hex(&format!("{id}x")), None);
    }

    #[test]
    fn a_short_vector_is_followed_by_zeros() {
        let iv = Iv::from_wire(&[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        assert_eq!(iv.0, [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Iv::from_wire(&[9; 16]), Some(Iv([9; 16])));
        assert_eq!(Iv::from_wire(&[9; 12]), None);
    }

    #[test]
    fn the_iv_of_a_sequence_number_is_big_endian() {
        let iv = Iv::from_sequence(0x0102);
        assert_eq!(iv.0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn subsamples_are_read_where_they_lie() {
        let entries = Bytes::from_static(&[0, 5, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 7]);
        let subsamples = Subsamples::from_wire(entries);
        let all: Vec<_> = subsamples.iter().map(|s| (s.clear, s.protected)).collect();
        assert_eq!(all, [(5, 256), (256, 0)]);
        assert_eq!(subsamples.total_len(), 517);
        assert!(!subsamples.is_empty() && Subsamples::default().is_empty());
    }
}
