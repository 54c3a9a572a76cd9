//! How tracks are protected: scheme, defaults and what key systems need (ISO/IEC 14496-12 8.12, ISO/IEC 23001-7 8).

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kinora_media::{
    CryptPattern, Iv, KeyId, KeySystemHeader, Protection, ProtectionScheme, SampleIv,
    SampleProtection,
};

use super::boxes::{FourCc, Reader, Short, children, find};

/// More key systems than any packager addresses.
const MAX_KEY_SYSTEMS: usize = 16;
/// What a key system needs is a few hundred bytes.
const MAX_KEY_SYSTEM_LEN: usize = 64 * 1024;
/// Keys that one header of a key system may name.
const MAX_KEY_IDS: usize = 256;

/// The boxes of PIFF (Protected Interoperable File Format 1.1, 5.3), which common encryption took over under names of its own.
mod piff {
    /// `pssh`.
    pub(super) const HEADER: [u8; 16] =
        *b"\xd0\x8a\x4f\x18\x10\xf3\x4a\x82\xb6\xc8\x32\xd8\xab\xa1\x83\xd3";
    /// `tenc`.
    pub(super) const TRACK: [u8; 16] =
        *b"\x89\x74\xdb\xce\x7b\xe7\x4c\x51\x84\xf9\x71\x48\xf9\x88\x25\x54";
    /// `senc`.
    pub(super) const SAMPLES: [u8; 16] =
        *b"\xa2\x39\x4f\x52\x5a\x9b\x4f\x14\xa2\x44\x6c\x42\x7c\x64\x8d\xf4";
}

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
    let schi = find(sinf, b"schi").unwrap_or_default();
    if let Some((scheme, default)) = piff_track_encryption(&schi) {
        let protection = Protection {
            default,
            ..Protection::of_scheme(scheme)
        };
        return (original, protection);
    }
    let scheme = fourcc.map_or(unknown, ProtectionScheme::from_fourcc);
    let tenc = find(&schi, b"tenc").map(|tenc| track_encryption(&tenc));
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

/// What a `schi` of PIFF says (5.3.3). Its algorithm is the scheme: counter mode as in `cenc`, or chains as in `cbc1`.
fn piff_track_encryption(schi: &Bytes) -> Option<(ProtectionScheme, Option<SampleProtection>)> {
    let body = children(schi).find_map(|child| child.of_uuid(&piff::TRACK))?;
    let mut reader = Reader::new(&body);
    reader.full_box().ok()?;
    piff_algorithm(&mut reader).ok()
}

/// The fields in which PIFF tells algorithm, vector and key.
fn piff_algorithm(
    reader: &mut Reader,
) -> Result<(ProtectionScheme, Option<SampleProtection>), Short> {
    let [_, _, algorithm] = reader.take()?;
    let iv_len = reader.u8()?;
    let key_id = KeyId(reader.take()?);
    let scheme = match algorithm {
        0 => return Ok((ProtectionScheme::Cenc, None)),
        1 => ProtectionScheme::Cenc,
        2 => ProtectionScheme::Cbc1,
        _ => return Err(Short),
    };
    if !matches!(iv_len, 8 | 16) {
        return Err(Short);
    }
    let iv = SampleIv::PerSample(iv_len);
    let pattern = None;
    Ok((
        scheme,
        Some(SampleProtection {
            key_id,
            iv,
            pattern,
        }),
    ))
}

/// The vectors of samples (`senc`, 23001-7 7.2), under its own name or that of PIFF.
pub(crate) struct SampleEncryption {
    pub(crate) flags: u32,
    pub(crate) count: u32,
    pub(crate) entries: Bytes,
    /// What holds instead of the default of the track; PIFF alone says so here (5.3.2).
    pub(crate) own: Option<Option<SampleProtection>>,
}

/// PIFF: the box says algorithm, vector and key itself.
const OVERRIDES_TRACK: u32 = 1;

impl SampleEncryption {
    /// That of a `stbl` or `traf`.
    pub(crate) fn find(holder: &Bytes) -> Option<Self> {
        let of_piff = || children(holder).find_map(|child| child.of_uuid(&piff::SAMPLES));
        match find(holder, b"senc") {
            Some(senc) => Self::read(&senc, false).ok(),
            None => Self::read(&of_piff()?, true).ok(),
        }
    }

    fn read(body: &Bytes, is_piff: bool) -> Result<Self, Short> {
        let mut reader = Reader::new(body);
        let (_, flags) = reader.full_box()?;
        let own = match is_piff && flags & OVERRIDES_TRACK != 0 {
            true => Some(piff_algorithm(&mut reader)?.1),
            false => None,
        };
        Ok(Self {
            flags,
            count: reader.u32()?,
            entries: reader.rest(),
            own,
        })
    }
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

/// The `pssh` boxes of a `moov` or `moof`.
pub(crate) fn key_systems(holder: &Bytes) -> Arc<[KeySystemHeader]> {
    children(holder)
        .filter(|child| child.body.len() <= MAX_KEY_SYSTEM_LEN)
        .filter_map(|child| match child.of_uuid(&piff::HEADER) {
            Some(body) => Some(body),
            None => Some(child.body).filter(|_| child.kind == *b"pssh"),
        })
        .filter_map(|body| key_system(&body).ok())
        .take(MAX_KEY_SYSTEMS)
        .collect()
}

/// Keys rotate: what a fragment says of key systems joins what is known. `true`: something is new. The oldest give way.
pub(crate) fn join_key_systems(protection: &mut Protection, new: &[KeySystemHeader]) -> bool {
    let known = &protection.key_systems;
    let mut all: Vec<_> = known.to_vec();
    all.extend(new.iter().filter(|header| !known.contains(header)).cloned());
    if all.len() == known.len() {
        return false;
    }
    let old = all.len().saturating_sub(MAX_KEY_SYSTEMS);
    protection.key_systems = all.drain(..).skip(old).collect();
    true
}

/// A `pssh` (23001-7 8.1).
fn key_system(pssh: &Bytes) -> Result<KeySystemHeader, Short> {
    let mut reader = Reader::new(pssh);
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
    let len = pssh.len().saturating_add(8);
    let mut data = BytesMut::with_capacity(len);
    data.put_u32(u32::try_from(len).map_err(|_| Short)?);
    data.put_slice(b"pssh");
    data.put_slice(pssh);
    Ok(KeySystemHeader {
        system_id,
        key_ids,
        data: data.freeze(),
    })
}
