//! Movie fragments: runs of samples that come with their data (ISO/IEC 14496-12 8.8).

use core::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{CodecId, TrackKind};

use super::boxes::{Reader, Short, children, find};
use super::moov::TrackBox;
use super::sample_crypto::{SampleCryptos, SampleState, Surroundings, auxiliary_range};
use super::table::Table;
use super::tables::{GROUP_BYTES, Sample};

/// What samples of a track are like where a fragment does not say (`trex`, 8.8.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Defaults {
    /// Number of the sample entry, from 1.
    pub(crate) entry: u32,
    pub(crate) duration: u32,
    pub(crate) size: u32,
    pub(crate) flags: u32,
}

impl Defaults {
    /// Those of a track in an `mvex`.
    pub(crate) fn find(mvex: &Bytes, track: u32) -> Self {
        children(mvex)
            .filter(|child| child.kind == *b"trex")
            .find_map(|child| match read_trex(&child.body) {
                Ok((id, defaults)) if id == track => Some(defaults),
                _ => None,
            })
            .unwrap_or_default()
    }
}

fn read_trex(trex: &Bytes) -> Result<(u32, Defaults), Short> {
    let mut reader = Reader::new(trex);
    reader.full_box()?;
    let id = reader.u32()?;
    let defaults = Defaults {
        entry: reader.u32()?,
        duration: reader.u32()?,
        size: reader.u32()?,
        flags: reader.u32()?,
    };
    Ok((id, defaults))
}

/// The fragment of one track.
pub(crate) struct TrackFragment {
    pub(crate) track: u32,
    /// What of the defaults the fragment itself sets.
    own: [Option<u32>; 4],
    /// Where data offsets count from; `None` when that is where the data before ended.
    base: Option<u64>,
    /// Decoding time of the first sample, in ticks (`tfdt`).
    pub(crate) start: Option<u64>,
    runs: Vec<Bytes>,
    /// Every sample of the fragment is missing on purpose.
    pub(crate) empty: bool,
}

mod tfhd_flag {
    pub(super) const BASE_DATA_OFFSET: u32 = 0x1;
    pub(super) const DESCRIPTION_INDEX: u32 = 0x2;
    pub(super) const DURATION: u32 = 0x8;
    pub(super) const SIZE: u32 = 0x10;
    pub(super) const FLAGS: u32 = 0x20;
    pub(super) const DURATION_IS_EMPTY: u32 = 0x1_0000;
    pub(super) const BASE_IS_MOOF: u32 = 0x2_0000;
}

mod trun_flag {
    pub(super) const DATA_OFFSET: u32 = 0x1;
    pub(super) const FIRST_FLAGS: u32 = 0x4;
    pub(super) const DURATION: u32 = 0x100;
    pub(super) const SIZE: u32 = 0x200;
    pub(super) const FLAGS: u32 = 0x400;
    pub(super) const COMPOSITION: u32 = 0x800;
}

/// Samples in a run whose number no table bounds: ten seconds of PCM are less.
const MAX_UNIFORM: u32 = 1 << 20;
/// `sample_is_non_sync_sample`, and `sample_depends_on` "others" (8.8.3.1).
const NOT_KEY: u32 = 0x0101_0000;

impl TrackFragment {
    /// Reads a `traf` of the `moof` that lies at an offset. The first of a `moof` counts from
    /// there, the next ones from the end of the data before (8.8.7.1).
    pub(crate) fn parse(traf: &Bytes, moof: u64, first: bool) -> Result<Self, Short> {
        let tfhd = find(traf, b"tfhd").ok_or(Short)?;
        let mut reader = Reader::new(&tfhd);
        let (_, flags) = reader.full_box()?;
        let track = reader.u32()?;
        let base = match flags {
            flags if flags & tfhd_flag::BASE_DATA_OFFSET != 0 => Some(reader.u64()?),
            flags if flags & tfhd_flag::BASE_IS_MOOF != 0 || first => Some(moof),
            _ => None,
        };
        let mut optional = |flag: u32| match flags & flag {
            0 => Ok(None),
            _ => reader.u32().map(Some),
        };
        let own = [
            optional(tfhd_flag::DESCRIPTION_INDEX)?,
            optional(tfhd_flag::DURATION)?,
            optional(tfhd_flag::SIZE)?,
            optional(tfhd_flag::FLAGS)?,
        ];
        Ok(Self {
            track,
            own,
            base,
            start: find(traf, b"tfdt").and_then(|tfdt| decode_time(&tfdt).ok()),
            runs: children(traf)
                .filter(|child| child.kind == *b"trun")
                .map(|child| child.body)
                .collect(),
            empty: flags & tfhd_flag::DURATION_IS_EMPTY != 0,
        })
    }

    /// Where `saio` says that the vectors of its samples lie; `moof` is where that of the fragment does.
    pub(crate) fn vectors(&self, track: &TrackBox, traf: &Bytes, moof: u64) -> Option<Range<u64>> {
        let [entry, ..] = self.own;
        let protection = track.protection(entry.unwrap_or(track.defaults.entry))?;
        auxiliary_range(traf, protection.scheme, self.base.unwrap_or(moof))
    }

    /// How its samples are encrypted; `around` are the bytes in which their vectors lie, of a `moof` that lies at an offset.
    pub(crate) fn cryptos(
        &self,
        track: &TrackBox,
        traf: &Bytes,
        around: Surroundings<'_>,
        moof: u64,
    ) -> Option<Arc<SampleCryptos>> {
        let [entry, ..] = self.own;
        let protection = track.protection(entry.unwrap_or(track.defaults.entry))?;
        let base = self.base.unwrap_or(moof);
        SampleCryptos::parse(traf, protection, &track.groups, around, base).map(Arc::new)
    }

    /// The runs of samples. `dts` is the time of the first where no `tfdt` tells it, `data_end`
    /// the end of the data before; both are moved on behind what is read.
    pub(crate) fn runs(self, track: &TrackBox, dts: &mut i64, data_end: &mut u64) -> Vec<Run> {
        let [entry, duration, size, flags] = self.own;
        let trex = track.defaults;
        let defaults = Defaults {
            entry: entry.unwrap_or(trex.entry),
            duration: duration.unwrap_or(trex.duration),
            size: size.unwrap_or(trex.size),
            flags: flags.unwrap_or(trex.flags),
        };
        if let Some(start) = self.start {
            // Encoder delay may put the first sample before zero, which the field can not say
            // (8.8.12): writers wrap it.
            *dts = start.cast_signed();
        }
        let base = self.base.unwrap_or(*data_end);
        let (mut offset, mut number) = (base, 0u32);
        let mut runs = Vec::new();
        for body in &self.runs {
            let Ok(mut run) = Run::parse(body, defaults, base, offset, *dts) else {
                continue;
            };
            run.suit(track);
            run.first_number = number;
            number = number.saturating_add(run.count);
            let (end, end_dts) = run.find_end();
            (offset, *dts) = (end, end_dts);
            (run.end_dts, *data_end) = (end_dts, end);
            runs.push(run);
        }
        runs
    }
}

fn decode_time(tfdt: &Bytes) -> Result<u64, Short> {
    let mut reader = Reader::new(tfdt);
    let (version, _) = reader.full_box()?;
    reader.sized(version)
}

/// A run of samples that lie one behind the other (8.8.8), walked where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    table: Table,
    flags: u32,
    defaults: Defaults,
    first_flags: Option<u32>,
    count: u32,
    /// Decoding can start with each sample.
    all_keys: bool,
    /// Samples that go into one packet: more than one for uncompressed sound.
    group: u32,
    next: u32,
    offset: u64,
    dts: i64,
    end_dts: i64,
    /// Number of the first sample in the fragment.
    first_number: u32,
    /// How samples are encrypted, where the scheme is known.
    pub(crate) cryptos: Option<Arc<SampleCryptos>>,
}

impl Run {
    fn parse(
        trun: &Bytes,
        defaults: Defaults,
        base: u64,
        offset: u64,
        dts: i64,
    ) -> Result<Self, Short> {
        let mut reader = Reader::new(trun);
        let (_, flags) = reader.full_box()?;
        let count = reader.u32()?;
        let offset = match flags & trun_flag::DATA_OFFSET {
            0 => offset,
            _ => base.saturating_add_signed(i64::from(reader.i32()?)),
        };
        let first_flags = match flags & trun_flag::FIRST_FLAGS {
            0 => None,
            _ => Some(reader.u32()?),
        };
        let fields = (flags & 0xf00).count_ones();
        let entry_len = usize::try_from(fields.saturating_mul(4)).unwrap_or(0);
        let table = Table::new(reader.rest(), entry_len, count);
        let count = match (entry_len, flags & trun_flag::SIZE, defaults.size) {
            // Samples without a byte, and no table that would bound their number.
            (0, _, 0) => 0,
            (0, _, _) => count.min(MAX_UNIFORM),
            _ => u32::try_from(table.len()).unwrap_or(u32::MAX),
        };
        Ok(Self {
            table,
            flags,
            defaults,
            first_flags,
            count,
            all_keys: false,
            group: 1,
            next: 0,
            offset,
            dts,
            end_dts: dts,
            first_number: 0,
            cryptos: None,
        })
    }

    /// What the kind of the track means for its samples.
    fn suit(&mut self, track: &TrackBox) {
        // Any frame of most sound can be decoded by itself, whatever the flags say; of MPEG-H and AC-4 only some can.
        let depends = matches!(track.info.codec, CodecId::MpegH | CodecId::Ac4);
        self.all_keys = track.info.kind() == TrackKind::Audio && !depends;
        let alike = self.table.len() == 0;
        if track.info.codec == CodecId::Pcm && alike && self.defaults.duration == 1 {
            self.group = GROUP_BYTES
                .checked_div(self.defaults.size)
                .unwrap_or(1)
                .max(1);
        }
    }

    /// Where the data ends and when the sample behind the last is due.
    fn find_end(&self) -> (u64, i64) {
        let mut walk = self.clone();
        if self.table.len() == 0 {
            let count = u64::from(self.count);
            let size = count.saturating_mul(u64::from(self.defaults.size));
            let ticks = count.saturating_mul(u64::from(self.defaults.duration));
            return (
                self.offset.saturating_add(size),
                self.dts.saturating_add_unsigned(ticks),
            );
        }
        while walk.next().is_some() {}
        (walk.offset, walk.dts)
    }

    /// Decoding time of the next sample, in ticks.
    pub(crate) fn start(&self) -> i64 {
        self.dts
    }

    /// Decoding time behind the last sample.
    pub(crate) fn end_dts(&self) -> i64 {
        self.end_dts
    }

    /// Decoding can start at some of its samples.
    pub(crate) fn has_key(&self) -> bool {
        let mut walk = self.clone();
        core::iter::from_fn(|| walk.next()).any(|sample| sample.key)
    }

    /// How one of its samples is encrypted.
    pub(crate) fn crypto(&self, sample: &Sample) -> SampleState {
        let cryptos = self.cryptos.as_ref();
        cryptos.map_or(SampleState::Clear, |known| known.of(sample))
    }

    /// Passes over all that is left.
    pub(crate) fn skip_rest(&mut self) {
        self.next = self.count;
    }

    /// The next sample.
    pub(crate) fn next(&mut self) -> Option<Sample> {
        if self.next >= self.count {
            return None;
        }
        let first = self.next == 0;
        let index = usize::try_from(self.next).ok()?;
        let mut word = 0usize;
        let mut field = |flag: u32| {
            if self.flags & flag == 0 {
                return None;
            }
            let value = self.table.u32(index, word);
            word = word.saturating_add(1);
            value
        };
        let duration = field(trun_flag::DURATION).unwrap_or(self.defaults.duration);
        let size = field(trun_flag::SIZE).unwrap_or(self.defaults.size);
        let flags = field(trun_flag::FLAGS);
        let composition = field(trun_flag::COMPOSITION).unwrap_or(0);
        let flags = match (flags, self.first_flags) {
            (_, Some(flags)) if first => flags,
            (flags, _) => flags.unwrap_or(self.defaults.flags),
        };
        let count = self.group.min(self.count.saturating_sub(self.next));
        let duration = duration.saturating_mul(count);
        let sample = Sample {
            offset: self.offset,
            size: size.saturating_mul(count),
            dts: self.dts,
            cts: composition.cast_signed(),
            duration,
            key: self.all_keys || flags & NOT_KEY == 0,
            disposable: flags >> 22 & 3 == 2,
            entry: self.defaults.entry,
            number: self.first_number.saturating_add(self.next),
        };
        self.next = self.next.saturating_add(count);
        self.offset = sample.end();
        self.dts = self.dts.saturating_add(i64::from(duration));
        Some(sample)
    }
}
