//! How single samples are encrypted: `senc`, `saiz` with `saio`, and sample groups `seig` (ISO/IEC 23001-7 6 and 7).

use core::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{
    Iv, Protection, ProtectionScheme, SampleCrypto, SampleIv, SampleProtection, Subsamples,
};

use super::boxes::{FourCc, Reader, Short, children};
use super::protection::{SampleEncryption, sample_protection};
use super::table::Table;
use super::tables::Sample;

/// Entries of a `sgpd` that are read: keys rotate a few times an hour.
const MAX_GROUPS: usize = 4096;
/// Group numbers above that are those of the fragment itself (14496-12 8.9.4).
const OF_FRAGMENT: u32 = 0x1_0000;
/// Vectors that lie among the media have no more bytes.
const MAX_VECTORS: u64 = 4 << 20;
/// `senc`: entries tell their subsamples.
const HAS_SUBSAMPLES: u32 = 2;

/// Entries of a `senc` that hold nothing.
const MAX_BARE_ENTRIES: u32 = 1 << 16;
const SUBSAMPLE_LEN: usize = 6;

/// The entries of a `seig` description, in their order; `None`: samples of the group are clear.
pub(crate) type Descriptions = Arc<[Option<SampleProtection>]>;

/// The bytes around a `stbl` or `traf`, and where they lie in the file.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) bytes: &'a Bytes,
    pub(crate) start: u64,
}

/// What a `stbl` or `traf` says of the encryption of its samples.
#[derive(Clone, Debug)]
pub(crate) struct SampleCryptos {
    scheme: ProtectionScheme,
    default: Option<SampleProtection>,
    /// From the sample of that number on, other than by default.
    groups: Vec<(u32, Option<SampleProtection>)>,
    auxiliary: Auxiliary,
}

/// A vector and subsamples for each sample, read where they lie.
#[derive(Clone, Debug)]
enum Auxiliary {
    /// All entries have so many bytes.
    Uniform { entries: Bytes, len: usize },
    /// Where each entry begins, and where the last one ends.
    Varied { entries: Bytes, bounds: Vec<u32> },
    /// Where each entry begins, and its length: they lie apart.
    Scattered {
        entries: Bytes,
        places: Vec<(u32, u8)>,
    },
}

/// How one sample is encrypted.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum SampleState {
    Clear,
    Encrypted(Arc<SampleCrypto>),
    /// It is encrypted, and its vector is missing or makes no sense.
    Unknown,
}

impl SampleCryptos {
    /// Reads what a `stbl` or `traf` says. `shared` are the groups that the track describes for all of its
    /// fragments; `base` is what `saio` counts from. `None`: the scheme is not known.
    pub(crate) fn parse(
        holder: &Bytes,
        protection: &Protection,
        shared: &Descriptions,
        around: Surroundings<'_>,
        base: u64,
    ) -> Option<Self> {
        if let ProtectionScheme::Other(_) = protection.scheme {
            return None;
        }
        let senc = SampleEncryption::find(holder);
        let own = senc.as_ref().and_then(|senc| senc.own);
        let default = own.unwrap_or(protection.default);
        let mut cryptos = Self {
            scheme: protection.scheme,
            default,
            groups: groups(holder, shared, default),
            auxiliary: Auxiliary::Uniform {
                entries: Bytes::new(),
                len: 0,
            },
        };
        let found = senc
            .and_then(|senc| cryptos.read_senc(senc))
            .or_else(|| Auxiliary::elsewhere(holder, protection.scheme, around, base));
        if let Some(found) = found {
            cryptos.auxiliary = found;
        }
        Some(cryptos)
    }

    fn protection_of(&self, sample: u32) -> Option<SampleProtection> {
        let behind = self.groups.partition_point(|(first, _)| *first <= sample);
        let group = behind.checked_sub(1).and_then(|at| self.groups.get(at));
        group.map_or(self.default, |(_, protection)| *protection)
    }

    /// How a sample is encrypted.
    pub(crate) fn of(&self, sample: &Sample) -> SampleState {
        let Some(protection) = self.protection_of(sample.number) else {
            return SampleState::Clear;
        };
        match self.crypto(sample, protection) {
            Ok(crypto) => SampleState::Encrypted(Arc::new(crypto)),
            Err(Short) => SampleState::Unknown,
        }
    }

    fn crypto(&self, sample: &Sample, protection: SampleProtection) -> Result<SampleCrypto, Short> {
        let mut entry = Reader::new(&self.auxiliary.entry(sample.number));
        let iv = match protection.iv {
            SampleIv::Constant(iv) => iv,
            SampleIv::PerSample(len) => Iv::from_wire(&entry.bytes(len.into())?).ok_or(Short)?,
        };
        let subsamples = match entry.left() {
            0 => Subsamples::default(),
            _ => {
                let count = usize::from(entry.u16()?);
                Subsamples::from_wire(entry.bytes(count.saturating_mul(SUBSAMPLE_LEN))?)
            }
        };
        if subsamples.total_len() > u64::from(sample.size) {
            return Err(Short);
        }
        Ok(SampleCrypto {
            scheme: self.scheme,
            key_id: protection.key_id,
            iv,
            pattern: protection.pattern,
            subsamples,
        })
    }

    /// A `senc` (23001-7 7.2). Its count never exceeds its bytes.
    fn read_senc(&self, senc: SampleEncryption) -> Option<Auxiliary> {
        let SampleEncryption {
            flags,
            count,
            entries,
            ..
        } = senc;
        if flags & HAS_SUBSAMPLES == 0 && self.groups.is_empty() {
            let len = iv_len(self.default);
            return Some(Auxiliary::Uniform { entries, len });
        }
        let mut walk = Reader::new(&entries);
        let (mut bounds, mut bare) = (vec![0], 0u32);
        for sample in 0..count {
            let before = walk.left();
            if self.pass_entry(&mut walk, sample, flags).is_err() {
                break;
            }
            // Those behind are of no use either: who needs no vector needs no entry.
            bare = bare.saturating_add(u32::from(walk.left() == before));
            if bare > MAX_BARE_ENTRIES {
                break;
            }
            bounds.push(u32::try_from(entries.len().saturating_sub(walk.left())).ok()?);
        }
        Some(Auxiliary::Varied { entries, bounds })
    }

    fn pass_entry(&self, walk: &mut Reader, sample: u32, flags: u32) -> Result<(), Short> {
        walk.skip(iv_len(self.protection_of(sample)))?;
        if flags & HAS_SUBSAMPLES != 0 {
            let count = usize::from(walk.u16()?);
            walk.skip(count.saturating_mul(SUBSAMPLE_LEN))?;
        }
        Ok(())
    }
}

/// Bytes of the vector that lies with each sample.
fn iv_len(protection: Option<SampleProtection>) -> usize {
    match protection.map(|protection| protection.iv) {
        Some(SampleIv::PerSample(len)) => usize::from(len),
        Some(SampleIv::Constant(_)) | None => 0,
    }
}

impl Auxiliary {
    /// The entry of a sample; empty where there is none.
    fn entry(&self, sample: u32) -> Bytes {
        let at = usize::try_from(sample).unwrap_or(usize::MAX);
        let (entries, from, to) = match self {
            Self::Uniform { entries, len } => {
                let from = at.saturating_mul(*len);
                (entries, from, from.saturating_add(*len))
            }
            Self::Varied { entries, bounds } => {
                let bound = |at: usize| {
                    let bound = bounds.get(at).copied();
                    bound.and_then(|bound| usize::try_from(bound).ok())
                };
                let (Some(from), Some(to)) = (bound(at), bound(at.saturating_add(1))) else {
                    return Bytes::new();
                };
                (entries, from, to)
            }
            Self::Scattered { entries, places } => {
                let place = places.get(at).copied();
                let Some((Ok(from), len)) = place.map(|(from, len)| (usize::try_from(from), len))
                else {
                    return Bytes::new();
                };
                (entries, from, from.saturating_add(len.into()))
            }
        };
        match from <= to && to <= entries.len() {
            true => entries.slice(from..to),
            false => Bytes::new(),
        }
    }

    /// The same by sizes (`saiz`) and places (`saio`; 14496-12 8.7.8 and 8.7.9), where they lie within the bytes around.
    fn elsewhere(
        holder: &Bytes,
        scheme: ProtectionScheme,
        around: Surroundings<'_>,
        base: u64,
    ) -> Option<Self> {
        let place = |offset: u64| {
            let from = offset.checked_add(base)?.checked_sub(around.start)?;
            let from = usize::try_from(from).ok()?;
            (from <= around.bytes.len()).then_some(from)
        };
        let offsets = offsets(holder, scheme)?;
        let sizes = Sizes::find(holder, scheme)?;
        if let [only] = offsets.as_slice() {
            return sizes.one_after_the_other(around.bytes.slice(place(*only)?..));
        }
        let mut places = Vec::new();
        for (offset, count) in offsets.into_iter().zip(run_lengths(holder)) {
            // What lies outside, and all behind it, is not known.
            let Some(mut at) = place(offset) else { break };
            for _ in 0..count {
                // No two entries lie at one place: there are no more than bytes.
                let len = sizes.of(places.len())?;
                if places.len() >= around.bytes.len() || at >= around.bytes.len() {
                    break;
                }
                places.push((u32::try_from(at).ok()?, len));
                at = at.saturating_add(len.into());
            }
        }
        Some(Self::Scattered {
            entries: around.bytes.clone(),
            places,
        })
    }
}

/// Where the auxiliary information of the samples of a `stbl` or `traf` lies in the file, where `saio` alone tells it.
pub(crate) fn auxiliary_range(
    holder: &Bytes,
    scheme: ProtectionScheme,
    base: u64,
) -> Option<Range<u64>> {
    if SampleEncryption::find(holder).is_some() {
        return None;
    }
    let offsets = offsets(holder, scheme)?;
    let sizes = Sizes::find(holder, scheme)?;
    let counts: Vec<usize> = match offsets.len() {
        1 => vec![usize::MAX],
        _ => run_lengths(holder)
            .map(|count| usize::try_from(count).unwrap_or(usize::MAX))
            .collect(),
    };
    let mut first = 0;
    let stretches = offsets.iter().zip(counts).map(|(offset, count)| {
        let begin = base.saturating_add(*offset);
        let len = sizes.total(first, count);
        first = first.saturating_add(count);
        begin..begin.saturating_add(len)
    });
    let all = stretches.reduce(|one, other| one.start.min(other.start)..one.end.max(other.end))?;
    let len = all.end.checked_sub(all.start)?;
    (1..=MAX_VECTORS).contains(&len).then_some(all)
}

/// Vectors of the samples of a `stbl` that lie among the media.
#[derive(Debug)]
pub(crate) struct FarVectors {
    stbl: Bytes,
    /// Where they lie in the file.
    pub(crate) range: Range<u64>,
}

impl FarVectors {
    /// `None`: they lie in the movie box, or there are none.
    pub(crate) fn find(
        stbl: &Bytes,
        scheme: ProtectionScheme,
        around: Surroundings<'_>,
    ) -> Option<Self> {
        let range = auxiliary_range(stbl, scheme, 0)?;
        let end = around.start.saturating_add(around.bytes.len() as u64);
        let is_within = around.start <= range.start && range.end <= end;
        (!is_within).then(|| Self {
            stbl: stbl.clone(),
            range,
        })
    }

    /// They are at hand.
    pub(crate) fn read(
        self,
        bytes: &Bytes,
        protection: &Protection,
        shared: &Descriptions,
    ) -> Option<SampleCryptos> {
        let start = self.range.start;
        SampleCryptos::parse(
            &self.stbl,
            protection,
            shared,
            Surroundings { bytes, start },
            0,
        )
    }
}

/// How many bytes the entries have (`saiz`).
enum Sizes {
    Uniform { len: u8, count: u32 },
    Varied(Table),
}

impl Sizes {
    fn find(holder: &Bytes, scheme: ProtectionScheme) -> Option<Self> {
        let mut reader = children(holder)
            .filter(|child| child.kind == *b"saiz")
            .find_map(|child| typed(&child.body, scheme))?;
        let len = reader.u8().ok()?;
        let count = reader.u32().ok()?;
        Some(match len {
            0 => Self::Varied(Table::new(reader.rest(), 1, count)),
            len => Self::Uniform { len, count },
        })
    }

    fn of(&self, sample: usize) -> Option<u8> {
        match self {
            Self::Uniform { len, count } => (u32::try_from(sample).ok()? < *count).then_some(*len),
            Self::Varied(sizes) => sizes.entry(sample)?.first().copied(),
        }
    }

    /// Bytes of so many entries, as far as there are such.
    fn total(&self, first: usize, count: usize) -> u64 {
        match self {
            Self::Uniform { len, count: all } => {
                let all = usize::try_from(*all).unwrap_or(usize::MAX);
                let there = count.min(all.saturating_sub(first));
                u64::try_from(there)
                    .unwrap_or(u64::MAX)
                    .saturating_mul((*len).into())
            }
            Self::Varied(sizes) => {
                let sizes = sizes.entries().skip(first).take(count);
                sizes
                    .map(|size| size.first().copied().map_or(0, u64::from))
                    .sum()
            }
        }
    }

    fn one_after_the_other(&self, entries: Bytes) -> Option<Auxiliary> {
        let sizes = match self {
            Self::Uniform { len, .. } => {
                let len = usize::from(*len);
                return Some(Auxiliary::Uniform { entries, len });
            }
            Self::Varied(sizes) => sizes,
        };
        let mut end = 0u32;
        let bounds = sizes.entries().map(|size| {
            end = end.saturating_add(size.first().copied().unwrap_or(0).into());
            end
        });
        let bounds = core::iter::once(0).chain(bounds).collect();
        Some(Auxiliary::Varied { entries, bounds })
    }
}

/// The places that a `saio` names: one for all samples, or one for each run of them.
fn offsets(holder: &Bytes, scheme: ProtectionScheme) -> Option<Vec<u64>> {
    children(holder)
        .filter(|child| child.kind == *b"saio")
        .find_map(|child| {
            let mut reader = typed(&child.body, scheme)?;
            let count = reader.u32().ok()?;
            let version = child.body.first().copied()?;
            let places = (0..count).map_while(|_| reader.sized(version).ok());
            let places: Vec<u64> = places.collect();
            (!places.is_empty()).then_some(places)
        })
}

/// The samples of each run of a `traf` (8.8.8). Tables keep such entries beside the samples, where they are not looked for.
fn run_lengths(holder: &Bytes) -> impl Iterator<Item = u32> {
    children(holder)
        .filter(|child| child.kind == *b"trun")
        .map(|child| {
            let mut reader = Reader::new(&child.body);
            reader.full_box().and_then(|_| reader.u32()).unwrap_or(0)
        })
}

/// A `saiz` or `saio` behind its type, if that is none or the scheme.
fn typed(body: &Bytes, scheme: ProtectionScheme) -> Option<Reader> {
    let mut reader = Reader::new(body);
    let (_, flags) = reader.full_box().ok()?;
    if flags & 1 != 0 {
        let kind: FourCc = reader.take().ok()?;
        reader.skip(4).ok()?;
        if ProtectionScheme::from_fourcc(kind) != scheme {
            return None;
        }
    }
    Some(reader)
}

/// The `seig` groups that a `stbl` or `traf` describes (`sgpd`, 14496-12 8.9.3).
pub(crate) fn descriptions(holder: &Bytes) -> Descriptions {
    let read = children(holder)
        .filter(|child| child.kind == *b"sgpd")
        .find_map(|child| read_descriptions(&child.body).ok().flatten());
    read.unwrap_or_default().into()
}

fn read_descriptions(sgpd: &Bytes) -> Result<Option<Vec<Option<SampleProtection>>>, Short> {
    let mut reader = Reader::new(sgpd);
    let (version, _) = reader.full_box()?;
    if reader.take()? != *b"seig" {
        return Ok(None);
    }
    let len = match version {
        0 => None,
        _ => Some(reader.u32()?).filter(|len| *len > 0),
    };
    if version >= 2 {
        reader.skip(4)?;
    }
    let mut entries = Vec::new();
    for _ in 0..reader.u32()? {
        if entries.len() >= MAX_GROUPS {
            break;
        }
        entries.push(match (version, len) {
            (0, _) => sample_protection(&mut reader, true)?,
            (_, len) => {
                let len = len.map_or_else(|| reader.u32(), Ok)?;
                let entry = reader.bytes(usize::try_from(len).map_err(|_| Short)?)?;
                sample_protection(&mut Reader::new(&entry), true)?
            }
        });
    }
    Ok(Some(entries))
}

/// Which samples are in which `seig` group, in their order (`sbgp`, 14496-12 8.9.2). Samples of no group, and of groups
/// that are not described, are as the track says.
fn groups(
    holder: &Bytes,
    shared: &Descriptions,
    default: Option<SampleProtection>,
) -> Vec<(u32, Option<SampleProtection>)> {
    let own = descriptions(holder);
    let described = |number: u32| {
        let (list, number) = match number.checked_sub(OF_FRAGMENT) {
            Some(number) => (&own, number),
            None => (shared, number),
        };
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        list.get(at).copied()
    };
    let runs = children(holder)
        .filter(|child| child.kind == *b"sbgp")
        .find_map(|child| group_runs(&child.body).ok().flatten())
        .unwrap_or_default();
    let (mut groups, mut first) = (Vec::new(), 0u32);
    for run in 0..runs.len() {
        let (Some(count), Some(number)) = (runs.u32(run, 0), runs.u32(run, 1)) else {
            break;
        };
        groups.push((first, described(number).unwrap_or(default)));
        first = first.saturating_add(count);
    }
    if !groups.is_empty() {
        groups.push((first, default));
    }
    groups
}

fn group_runs(sbgp: &Bytes) -> Result<Option<Table>, Short> {
    let mut reader = Reader::new(sbgp);
    let (version, _) = reader.full_box()?;
    if reader.take()? != *b"seig" {
        return Ok(None);
    }
    if version > 0 {
        reader.skip(4)?;
    }
    let count = reader.u32()?;
    Ok(Some(Table::new(reader.rest(), 8, count)))
}
