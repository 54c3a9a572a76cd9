//! The sample tables of a track (ISO/IEC 14496-12 8.5 to 8.7), walked where they lie.

mod pages;

use core::cell::Cell;

use bytes::Bytes;

use super::boxes::{FourCc, Reader, Short, children};
use super::outline::{LongTable, Paging};
use super::table::Table;

/// Where one sample lies and when it is due, in ticks of its track.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) offset: u64,
    pub(crate) size: u32,
    pub(crate) dts: i64,
    /// Composition time minus decoding time.
    pub(crate) cts: i32,
    pub(crate) duration: u32,
    pub(crate) key: bool,
    pub(crate) disposable: bool,
    /// Number of its sample entry, from 1.
    pub(crate) entry: u32,
    /// Its own number in its table or fragment, from 0.
    pub(crate) number: u32,
}

impl Sample {
    pub(crate) fn pts(&self) -> i64 {
        self.dts.saturating_add(i64::from(self.cts))
    }
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.size))
    }
}

/// Uncompressed sound has a "sample" for every instant: several go into one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Grouping {
    /// Samples of the table that share one coded frame; 1 for PCM.
    pub(crate) samples_per_frame: u32,
    pub(crate) bytes_per_frame: u32,
    /// Each frame is a packet of its own.
    pub(crate) is_single: bool,
}

/// Bytes in one packet of grouped sound: some hundredths of a second.
pub(crate) const GROUP_BYTES: u32 = 8192;

/// So many pictures may be presented in another order than they are decoded in: more than any
/// codec keeps.
const MAX_REORDERED: u64 = 32;

#[derive(Clone, Debug)]
enum Sizes {
    Fixed {
        size: u32,
        count: u32,
    },
    Words(Table),
    Halves(Table),
    Bytes(Table),
    /// Two in a byte, the first in the high bits; `count` of them.
    Nibbles {
        table: Table,
        count: usize,
    },
}

impl Sizes {
    fn len(&self) -> u64 {
        let count = match self {
            Self::Fixed { count, .. } => return u64::from(*count),
            Self::Words(table) | Self::Halves(table) | Self::Bytes(table) => table.len(),
            Self::Nibbles { count, .. } => *count,
        };
        count as u64
    }

    fn get(&self, sample: u64) -> Option<u32> {
        let index = usize::try_from(sample).ok()?;
        match self {
            Self::Fixed { size, count } => (sample < u64::from(*count)).then_some(*size),
            Self::Words(table) => table.u32(index, 0),
            Self::Halves(table) => table
                .entry(index)?
                .first_chunk()
                .map(|half| u32::from(u16::from_be_bytes(*half))),
            Self::Bytes(table) => table.entry(index)?.first().map(|byte| u32::from(*byte)),
            Self::Nibbles { table, count } => {
                if index >= *count {
                    return None;
                }
                let byte = *table.entry(index / 2)?.first()?;
                Some(u32::from(if index % 2 == 0 {
                    byte >> 4
                } else {
                    byte & 15
                }))
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Offsets {
    Narrow(Table),
    Wide(Table),
}

impl Offsets {
    fn len(&self) -> usize {
        match self {
            Self::Narrow(table) | Self::Wide(table) => table.len(),
        }
    }
    fn get(&self, chunk: usize) -> Option<u64> {
        match self {
            Self::Narrow(table) => table.u32(chunk, 0).map(u64::from),
            Self::Wide(table) => table.u64(chunk),
        }
    }
}

/// The tables of one track.
#[derive(Clone, Debug)]
pub(crate) struct SampleTables {
    stts: Table,
    ctts: Table,
    sizes: Sizes,
    offsets: Offsets,
    stsc: Table,
    /// Numbers of the samples that decoding can start at; `None` when all are.
    stss: Option<Table>,
    /// Numbers of those that pictures shown before them refer across: QuickTime's "partial sync
    /// samples", as are the key frames of open groups elsewhere.
    stps: Table,
    sdtp: Table,
    pub(crate) grouping: Option<Grouping>,
    /// Some tables are read page by page.
    paged: bool,
    /// The sample that a walk was to begin at last.
    sought: Cell<u64>,
}

impl Default for SampleTables {
    fn default() -> Self {
        Self {
            stts: Table::default(),
            ctts: Table::default(),
            sizes: Sizes::Fixed { size: 0, count: 0 },
            offsets: Offsets::Narrow(Table::default()),
            stsc: Table::default(),
            stss: None,
            stps: Table::default(),
            sdtp: Table::default(),
            grouping: None,
            paged: false,
            sought: Cell::new(0),
        }
    }
}

/// A place in tables of runs: which run, and how much of it is left.
#[derive(Clone, Copy, Default, Debug)]
struct RunPlace {
    next: usize,
    left: u32,
    value: u32,
}

impl RunPlace {
    /// The value for the next sample; when the table is out, the last value or none.
    fn step(&mut self, table: &Table, count: u32) -> Option<u32> {
        while self.left == 0 {
            let (left, value) = (table.u32(self.next, 0)?, table.u32(self.next, 1)?);
            (self.left, self.value) = (left, value);
            self.next = self.next.saturating_add(1);
        }
        self.left = self.left.saturating_sub(count);
        Some(self.value)
    }
}

impl RunPlace {
    /// Passes over samples; gives the sum of their values.
    fn skip(&mut self, table: &Table, count: u32) -> i64 {
        let (mut count, mut sum) = (count, 0i64);
        while count > 0 {
            if self.left == 0
                && let Some((left, value)) = table.u32(self.next, 0).zip(table.u32(self.next, 1))
            {
                (self.left, self.value) = (left, value);
                self.next = self.next.saturating_add(1);
                continue;
            }
            let taken = match self.left {
                // The table is out: its last value goes on.
                0 => count,
                left => left.min(count),
            };
            sum = sum.saturating_add(total(u64::from(taken), self.value));
            self.left = self.left.saturating_sub(taken);
            count = count.saturating_sub(taken);
        }
        sum
    }
}

/// Where in the tables a walk is.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Cursor {
    /// Number of the next sample, from zero.
    sample: u64,
    next_chunk: usize,
    stsc: usize,
    left_in_chunk: u32,
    offset: u64,
    dts: i64,
    stts: RunPlace,
    ctts: RunPlace,
    stss: usize,
}

impl SampleTables {
    /// Reads an `stbl`, of which the long tables lie elsewhere. Missing tables are as empty ones.
    pub(crate) fn parse(stbl: &Bytes, long: &[LongTable], paging: Paging) -> Self {
        let mut tables = Self::default();
        for child in children(stbl) {
            // A table that is cut before its count is as one that is missing.
            let _ = tables.read_table(child.kind, &child.body);
        }
        for table in long {
            let _ = tables.read_long(table, paging);
        }
        let keys = tables.stss.map(|stss| merged(&stss, &tables.stps));
        // One without entries would forbid every start: who writes it has not looked for any.
        tables.stss = keys.filter(|keys| keys.len() > 0);
        tables
    }

    fn read_table(&mut self, kind: FourCc, body: &Bytes) -> Result<(), Short> {
        let mut reader = Reader::new(body);
        let table = |mut reader: Reader, entry_len| {
            let count = reader.u32()?;
            Ok(Table::new(reader.rest(), entry_len, count))
        };
        if !matches!(
            &kind,
            b"stts"
                | b"ctts"
                | b"stsc"
                | b"stco"
                | b"co64"
                | b"stss"
                | b"stps"
                | b"stsz"
                | b"stz2"
                | b"sdtp"
        ) {
            return Ok(());
        }
        reader.full_box()?;
        match &kind {
            b"stts" => self.stts = table(reader, 8)?,
            b"ctts" => self.ctts = table(reader, 8)?,
            b"stsc" => self.stsc = table(reader, 12)?,
            b"stco" => self.offsets = Offsets::Narrow(table(reader, 4)?),
            b"co64" => self.offsets = Offsets::Wide(table(reader, 8)?),
            b"stss" => self.stss = Some(table(reader, 4)?),
            b"stps" => self.stps = table(reader, 4)?,
            b"sdtp" => self.sdtp = Table::new(reader.rest(), 1, u32::MAX),
            b"stsz" => {
                let (size, count) = (reader.u32()?, reader.u32()?);
                self.sizes = match size {
                    0 => Sizes::Words(Table::new(reader.rest(), 4, count)),
                    size => Sizes::Fixed { size, count },
                };
            }
            _ => self.sizes = compact_sizes(reader)?,
        }
        Ok(())
    }

    /// How many samples there are.
    pub(crate) fn sample_count(&self) -> u64 {
        if self.offsets.len() == 0 {
            return 0;
        }
        self.sizes.len()
    }

    /// The one duration that all samples have.
    pub(crate) fn constant_duration(&self) -> Option<u32> {
        match self.stts.len() {
            1 => self.stts.u32(0, 1),
            // The last sample is often cut to fit.
            2 if self.stts.u32(1, 0)? == 1 => self.stts.u32(0, 1),
            _ => None,
        }
    }

    /// The size that all samples have.
    pub(crate) fn constant_size(&self) -> Option<u32> {
        match self.sizes {
            Sizes::Fixed { size, .. } => Some(size),
            _ => None,
        }
    }

    /// Ticks of all samples together.
    pub(crate) fn total_duration(&self) -> u64 {
        self.stts.entries().fold(0, |total, entry| {
            let (count, delta) = run(entry);
            total.saturating_add(u64::from(count).saturating_mul(u64::from(delta)))
        })
    }

    /// When the last sample of all has been presented. Decoding order differs by a few samples. Nothing where that
    /// would have to be fetched.
    pub(crate) fn composition_end(&self) -> Option<i64> {
        if self.paged {
            return None;
        }
        let first = self.sample_count().saturating_sub(MAX_REORDERED);
        let mut cursor = self.cursor_at(first)?;
        core::iter::from_fn(|| self.next(&mut cursor))
            .map(|sample| sample.pts().saturating_add(i64::from(sample.duration)))
            .max()
    }

    /// By how much decoding must be moved earlier so that nothing is due before it is decoded:
    /// composition offsets may be negative (8.6.1.3), and QuickTime writes them so in version 0.
    pub(crate) fn earliest_composition(&self) -> i32 {
        if self.ctts.is_paged() {
            // Of version 0, whose offsets are none of these by the book.
            return 0;
        }
        self.ctts
            .entries()
            .map(|entry| run(entry).1.cast_signed())
            .min()
            .unwrap_or(0)
            .min(0)
    }

    /// The next sample, or group of samples, of a walk.
    pub(crate) fn next(&self, cursor: &mut Cursor) -> Option<Sample> {
        let left = self.sample_count().saturating_sub(cursor.sample);
        if left == 0 {
            return None;
        }
        while cursor.left_in_chunk == 0 {
            self.enter_chunk(cursor)?;
        }
        let (count, size) = match self.grouping {
            None => (1, self.sizes.get(cursor.sample)?),
            Some(grouping) => {
                let left = u32::try_from(left).unwrap_or(u32::MAX);
                grouping.cut(left.min(cursor.left_in_chunk))
            }
        };
        let delta = cursor
            .stts
            .step(&self.stts, count)
            .unwrap_or(cursor.stts.value);
        let cts = cursor.ctts.step(&self.ctts, count).unwrap_or(0);
        let sample = Sample {
            offset: cursor.offset,
            size,
            dts: cursor.dts,
            cts: cts.cast_signed(),
            duration: delta.saturating_mul(count),
            key: self.is_key(cursor),
            disposable: self.is_disposable(cursor.sample),
            entry: self.stsc.u32(cursor.stsc, 2).unwrap_or(1),
            number: u32::try_from(cursor.sample).unwrap_or(u32::MAX),
        };
        cursor.sample = cursor.sample.saturating_add(u64::from(count));
        cursor.left_in_chunk = cursor.left_in_chunk.saturating_sub(count);
        cursor.offset = sample.end();
        cursor.dts = cursor.dts.saturating_add(i64::from(sample.duration));
        Some(sample)
    }

    fn enter_chunk(&self, cursor: &mut Cursor) -> Option<()> {
        let chunk = cursor.next_chunk;
        let number = u32::try_from(chunk).ok()?.checked_add(1)?;
        cursor.offset = self.offsets.get(chunk)?;
        while self
            .stsc
            .u32(cursor.stsc.saturating_add(1), 0)
            .is_some_and(|first| first <= number)
        {
            cursor.stsc = cursor.stsc.saturating_add(1);
        }
        cursor.left_in_chunk = self.stsc.u32(cursor.stsc, 1)?;
        cursor.next_chunk = chunk.saturating_add(1);
        Some(())
    }

    /// Passes over the rest of the chunk: it lies outside the file.
    pub(crate) fn skip_chunk(&self, cursor: &mut Cursor) {
        let left = cursor.left_in_chunk;
        let ticks = cursor.stts.skip(&self.stts, left);
        cursor.dts = cursor.dts.saturating_add(ticks);
        cursor.ctts.skip(&self.ctts, left);
        cursor.sample = cursor.sample.saturating_add(u64::from(left));
        cursor.left_in_chunk = 0;
    }

    fn is_key(&self, cursor: &mut Cursor) -> bool {
        let Some(stss) = &self.stss else {
            return true;
        };
        let number = cursor.sample.saturating_add(1);
        while let Some(key) = stss.u32(cursor.stss, 0) {
            if u64::from(key) >= number {
                return u64::from(key) == number;
            }
            cursor.stss = cursor.stss.saturating_add(1);
        }
        false
    }

    /// `sample_is_depended_on` is "no" (8.6.4).
    fn is_disposable(&self, sample: u64) -> bool {
        usize::try_from(sample)
            .ok()
            .and_then(|sample| self.sdtp.entry(sample)?.first().copied())
            .is_some_and(|entry| entry >> 2 & 3 == 2)
    }

    /// A walk that begins at a sample; `None` past the last.
    pub(crate) fn cursor_at(&self, sample: u64) -> Option<Cursor> {
        self.sought.set(sample);
        let (chunk, run, within, per_chunk) = self.chunk_of(sample)?;
        let first = sample.checked_sub(u64::from(within))?;
        // Packets of grouped sound are cut from the chunk's start on.
        let within = self
            .grouping
            .map_or(within, |grouping| grouping.boundary(within));
        let sample = first.checked_add(u64::from(within))?;
        let mut cursor = self.times_at(sample)?;
        cursor.next_chunk = chunk.checked_add(1)?;
        cursor.stsc = run;
        cursor.left_in_chunk = per_chunk.checked_sub(within)?;
        let before = match self.grouping {
            Some(grouping) => grouping.bytes_of(within),
            None => match self.constant_size() {
                Some(size) => u64::from(size).checked_mul(u64::from(within))?,
                None => (first..sample).try_fold(0u64, |sum, at| {
                    sum.checked_add(u64::from(self.sizes.get(at)?))
                })?,
            },
        };
        cursor.offset = self.offsets.get(chunk)?.checked_add(before)?;
        Some(cursor)
    }

    /// Chunk of a sample, its run of `stsc`, samples of the chunk before it, samples in the chunk.
    fn chunk_of(&self, sample: u64) -> Option<(usize, usize, u32, u32)> {
        if self.counts_from_end(&self.stsc, sample) {
            return self.chunk_before_end(self.sample_count().checked_sub(sample)?);
        }
        let mut left = sample;
        for run in 0..self.stsc.len() {
            let first = u64::from(self.stsc.u32(run, 0)?.checked_sub(1)?);
            let per_chunk = self.stsc.u32(run, 1)?;
            let end = match self.stsc.u32(run.saturating_add(1), 0) {
                Some(next) => u64::from(next.saturating_sub(1)),
                None => self.offsets.len() as u64,
            };
            let samples = end
                .saturating_sub(first)
                .saturating_mul(u64::from(per_chunk));
            if left < samples {
                return self.chunk_in_run(run, left);
            }
            left = left.saturating_sub(samples);
        }
        None
    }

    /// The chunk of a run's sample of that number.
    fn chunk_in_run(&self, run: usize, sample: u64) -> Option<(usize, usize, u32, u32)> {
        let first = u64::from(self.stsc.u32(run, 0)?.checked_sub(1)?);
        let per_chunk = self.stsc.u32(run, 1)?;
        let chunk = first.checked_add(sample.checked_div(u64::from(per_chunk))?)?;
        let within = sample.checked_rem(u64::from(per_chunk))?;
        Some((
            usize::try_from(chunk).ok()?,
            run,
            u32::try_from(within).ok()?,
            per_chunk,
        ))
    }

    /// The places in the tables of times and keys.
    fn times_at(&self, sample: u64) -> Option<Cursor> {
        if sample >= self.sample_count() {
            return None;
        }
        let mut cursor = Cursor {
            sample,
            ..Cursor::default()
        };
        (cursor.stts, cursor.dts) = run_at(&self.stts, sample);
        cursor.ctts = match self.counts_from_end(&self.ctts, sample) {
            true => pages::run_before_end(&self.ctts, self.sample_count().saturating_sub(sample)),
            false => run_at(&self.ctts, sample).0,
        };
        if let Some(stss) = &self.stss {
            cursor.stss = first_at_or_after(stss, sample.saturating_add(1));
        }
        Some(cursor)
    }

    /// The last sample that is decoded at or before a time.
    pub(crate) fn sample_at(&self, dts: i64) -> u64 {
        let last = self.sample_count().saturating_sub(1);
        let Ok(wanted) = u64::try_from(dts) else {
            return 0;
        };
        let (mut sample, mut time, mut delta) = (0u64, 0u64, 0u64);
        for entry in self.stts.entries() {
            let count = u64::from(run(entry).0);
            delta = u64::from(run(entry).1);
            let end = time.saturating_add(count.saturating_mul(delta));
            if wanted < end {
                break;
            }
            (sample, time) = (sample.saturating_add(count), end);
        }
        let more = wanted.saturating_sub(time).checked_div(delta).unwrap_or(0);
        // Behind the table's last run its last sample counts, as in a walk.
        sample.saturating_add(more).min(last)
    }

    /// The last key sample at or before a sample; the first key sample where there is none.
    pub(crate) fn key_at_or_before(&self, sample: u64) -> u64 {
        let Some(stss) = &self.stss else {
            return sample;
        };
        let behind = first_at_or_after(stss, sample.saturating_add(2));
        stss.u32(behind.saturating_sub(1), 0)
            .map_or(0, |number| u64::from(number).saturating_sub(1))
    }

    /// The first key sample behind a sample.
    pub(crate) fn key_after(&self, sample: u64) -> Option<u64> {
        let next = sample.checked_add(1)?;
        match &self.stss {
            None => (next < self.sample_count()).then_some(next),
            Some(stss) => {
                let number = stss.u32(first_at_or_after(stss, next.checked_add(1)?), 0)?;
                u64::from(number).checked_sub(1)
            }
        }
    }
}

impl Grouping {
    /// Coded frames in a packet.
    fn frames(self) -> u32 {
        if self.is_single {
            return 1;
        }
        GROUP_BYTES
            .checked_div(self.bytes_per_frame)
            .unwrap_or(1)
            .max(1)
    }

    /// How many of the samples left in a chunk make one packet, and its bytes.
    fn cut(self, left: u32) -> (u32, u32) {
        let per_frame = self.samples_per_frame.max(1);
        let there = left.checked_div(per_frame).unwrap_or(1).max(1);
        let frames = self.frames().min(there);
        (
            frames.saturating_mul(per_frame).min(left),
            frames.saturating_mul(self.bytes_per_frame),
        )
    }

    /// The last start of a packet at or before a sample of a chunk.
    fn boundary(self, sample: u32) -> u32 {
        let packet = self.frames().saturating_mul(self.samples_per_frame.max(1));
        sample.saturating_sub(sample.checked_rem(packet).unwrap_or(0))
    }

    fn bytes_of(self, samples: u32) -> u64 {
        u64::from(samples)
            .checked_div(u64::from(self.samples_per_frame))
            .unwrap_or(0)
            .saturating_mul(u64::from(self.bytes_per_frame))
    }
}

/// Two ascending tables of numbers as one.
fn merged(one: &Table, other: &Table) -> Table {
    if other.len() == 0 {
        return one.clone();
    }
    let mut numbers: Vec<&[u8]> = one.entries().chain(other.entries()).collect();
    // Big endian, so that bytes sort as their numbers do.
    numbers.sort_unstable();
    let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    Table::new(numbers.concat().into(), 4, count)
}

fn compact_sizes(mut reader: Reader) -> Result<Sizes, Short> {
    let (bits, count) = (reader.u32()? & 0xff, reader.u32()?);
    let rest = reader.rest();
    Ok(match bits {
        4 => {
            let table = Table::new(rest, 1, count.div_ceil(2));
            let fits = table.len().saturating_mul(2);
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(fits);
            Sizes::Nibbles { table, count }
        }
        8 => Sizes::Bytes(Table::new(rest, 1, count)),
        16 => Sizes::Halves(Table::new(rest, 2, count)),
        _ => Sizes::Fixed { size: 0, count: 0 },
    })
}

/// Count and value of an entry of a table of runs.
fn run(entry: &[u8]) -> (u32, u32) {
    let word = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes));
    (word(entry.first_chunk()), word(entry.last_chunk()))
}

/// The place of a sample in a table of runs, and the sum of all values before it.
fn run_at(table: &Table, sample: u64) -> (RunPlace, i64) {
    let (mut left, mut sum) = (sample, 0i64);
    let mut value = 0;
    for (index, entry) in table.entries().enumerate() {
        let (count, run_value) = run(entry);
        value = run_value;
        let taken = left.min(u64::from(count));
        sum = sum.saturating_add(total(taken, value));
        left = left.saturating_sub(taken);
        if taken < u64::from(count) {
            let place = RunPlace {
                next: index.saturating_add(1),
                left: count.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX)),
                value,
            };
            return (place, sum);
        }
    }
    let place = RunPlace {
        next: table.len(),
        left: 0,
        value,
    };
    (place, sum.saturating_add(total(left, value)))
}

fn total(count: u64, value: u32) -> i64 {
    i64::try_from(count.saturating_mul(u64::from(value))).unwrap_or(i64::MAX)
}

/// Index of the first number in an ascending table that is not smaller.
fn first_at_or_after(table: &Table, number: u64) -> usize {
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let middle = low.midpoint(high);
        match table.u32(middle, 0) {
            Some(value) if u64::from(value) < number => low = middle.saturating_add(1),
            _ => high = middle,
        }
    }
    low
}
