//! How tracks are protected: scheme, defaults and what key systems need (ISO/IEC 14496-12 8.12, ISO/IEC 23001-7 8).

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kinora_media::{
    CryptPattern, Iv, KeyId, KeySystemHeader, Protection, ProtectionScheme, SampleIv,
    SampleProtection,
};

use super::boxes::{Child, FourCc, Reader, Short, children, find, find_path};

/// More key systems than any packager addresses.
const MAX_KEY_SYSTEMS: usize = 16;
/// What a key system needs is a few hundred bytes.
const MAX_KEY_SYSTEM_LEN: usize = 64 * 1024;
/// Keys that one header of a key system may name.
const MAX_KEY_IDS: usize = 256;

/// Whether a sample entry of that name stands for a protected one (14496-12 8.12).
pub(crate) fn is_protected_entry(kind: FourCc) -> bool {
    matches!(
        &kind,
        b"encv" | b"enca" | b"enct" | b"encs" | b"encm" | b"drms" | b"drmi"
    )
}

/// What a protected entry was before, and how it is protected, from the boxes behind its fields.
pub(crate) fn of_entry(kind: FourCc, boxes: &Bytes) -> (FourCc, Protection) {
    let unknown = ProtectionScheme::Other(kind);
    let mut found = None;
    for sinf in children(boxes).filter(|child| child.kind == *b"sinf") {
        let (original, protection) = scheme_info(&sinf.body, unknown);
        let is_known = !matches!(protection.scheme, ProtectionScheme::Other(_));
        // An entry may be readable by several schemes: the first that is known here counts.
        if found.is_none() || is_known {
            found = Some((original.unwrap_or(kind), protection));
        }
        if is_known {
            break;
        }
    }
    found.unwrap_or_else(|| (kind, Protection::of_scheme(unknown)))
}

/// A `sinf` (14496-12 8.12.1).
fn scheme_info(sinf: &Bytes, unknown: ProtectionScheme) -> (Option<FourCc>, Protection) {
    let original = find(sinf, b"frma").and_then(|frma| frma.first_chunk::<4>().copied());
    let fourcc = find(sinf, b"schm").and_then(|schm| {
        let mut reader = Reader::new(&schm);
        reader.full_box().ok()?;
        reader.take::<4>().ok()
    });
    let scheme = fourcc.map_or(unknown, ProtectionScheme::from_fourcc);
    let tenc = find_path(sinf, &[b"schi", b"tenc"]).map(|tenc| track_encryption(&tenc));
    let protection = match (tenc, fourcc) {
        (Some(Ok(default)), _) => Protection {
            default,
            ..Protection::of_scheme(scheme)
        },
        // Nobody can tell what is encrypted with which key.
        (_, Some(fourcc)) => Protection::of_scheme(ProtectionScheme::Other(fourcc)),
        (_, None) => Protection::of_scheme(unknown),
    };
    (original, protection)
}

/// A `tenc` (23001-7 8.2). `None`: samples are clear unless their group says otherwise.
fn track_encryption(tenc: &Bytes) -> Result<Option<SampleProtection>, Short> {
    let mut reader = Reader::new(tenc);
    let (version, _) = reader.full_box()?;
    sample_protection(&mut reader, version > 0)
}

/// The fields that `tenc` and `seig` have alike (23001-7 6 and 8.2).
pub(crate) fn sample_protection(
    reader: &mut Reader,
    has_pattern: bool,
) -> Result<Option<SampleProtection>, Short> {
    reader.skip(1)?;
    let blocks = reader.u8()?;
    let is_protected = reader.u8()? == 1;
    let iv_len = reader.u8()?;
    let key_id = KeyId(reader.take()?);
    if !is_protected {
        return Ok(None);
    }
    let iv = match iv_len {
        0 => {
            let len = usize::from(reader.u8()?);
            SampleIv::Constant(Iv::from_wire(&reader.bytes(len)?).ok_or(Short)?)
        }
        8 | 16 => SampleIv::PerSample(iv_len),
        _ => return Err(Short),
    };
    let pattern = CryptPattern {
        crypt: blocks >> 4,
        skip: blocks & 15,
    };
    Ok(Some(SampleProtection {
        key_id,
        iv,
        pattern: Some(pattern).filter(|pattern| has_pattern && pattern.crypt > 0),
    }))
}

/// The `pssh` boxes of a `moov`.
pub(crate) fn key_systems(moov: &Bytes) -> Arc<[KeySystemHeader]> {
    children(moov)
        .filter(|child| child.kind == *b"pssh" && child.body.len() <= MAX_KEY_SYSTEM_LEN)
        .filter_map(|child| key_system(&child).ok())
        .take(MAX_KEY_SYSTEMS)
        .collect()
}

/// A `pssh` (23001-7 8.1).
fn key_system(pssh: &Child) -> Result<KeySystemHeader, Short> {
    let mut reader = Reader::new(&pssh.body);
    let (version, _) = reader.full_box()?;
    let system_id = reader.take()?;
    let mut key_ids = Vec::new();
    if version > 0 {
        for _ in 0..reader.u32()? {
            let key_id = KeyId(reader.take()?);
            if key_ids.len() < MAX_KEY_IDS {
                key_ids.push(key_id);
            }
        }
    }
    let len = pssh.body.len().saturating_add(8);
    let mut data = BytesMut::with_capacity(len);
    data.put_u32(u32::try_from(len).map_err(|_| Short)?);
    data.put_slice(&pssh.kind);
    data.put_slice(&pssh.body);
    Ok(KeySystemHeader {
        system_id,
        key_ids,
        data: data.freeze(),
    })
}
