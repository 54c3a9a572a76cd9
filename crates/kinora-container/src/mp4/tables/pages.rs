//! Tables that are fetched page by page, as they are walked through.

use core::ops::Range;

use bytes::Bytes;

use super::super::boxes::{Reader, Short};
use super::super::outline::{LongTable, Paging};
use super::super::table::{Table, Walk};
use super::{Offsets, RunPlace, SampleTables, Sizes, run};

impl SampleTables {
    /// Takes a table of which only the place is known.
    pub(super) fn read_long(&mut self, long: &LongTable, paging: Paging) -> Result<(), Short> {
        let mut reader = Reader::new(&long.head);
        reader.full_box()?;
        if long.kind == *b"stsz" {
            reader.skip(4)?;
        }
        let count = reader.u32()?;
        let table = |entry_len| {
            let head = long.head.len().saturating_sub(reader.left());
            let start = long.start.saturating_add(head as u64);
            let len = long.len.saturating_sub(head as u64);
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            Table::paged(start, len, entry_len, count, paging.page)
        };
        match &long.kind {
            b"ctts" => self.ctts = table(8),
            b"stsc" => self.stsc = table(12),
            b"stco" => self.offsets = Offsets::Narrow(table(4)),
            b"co64" => self.offsets = Offsets::Wide(table(8)),
            b"stsz" => self.sizes = Sizes::Words(table(4)),
            // What else there is only helps: the samples tell it too.
            _ => return Ok(()),
        }
        self.paged = true;
        Ok(())
    }

    /// Some tables are read page by page: a walk may end where a page is missing.
    pub(crate) fn is_paged(&self) -> bool {
        self.paged
    }

    fn tables(&self) -> [&Table; 4] {
        let none = &self.stps;
        let sizes = match &self.sizes {
            Sizes::Words(table) => table,
            _ => none,
        };
        let (Offsets::Narrow(offsets) | Offsets::Wide(offsets)) = &self.offsets;
        [&self.stsc, &self.ctts, sizes, offsets]
    }

    fn tables_mut(&mut self) -> impl Iterator<Item = &mut Table> {
        let sizes = match &mut self.sizes {
            Sizes::Words(table) => Some(table),
            _ => None,
        };
        let (Offsets::Narrow(offsets) | Offsets::Wide(offsets)) = &mut self.offsets;
        [
            Some(&mut self.stsc),
            Some(&mut self.ctts),
            sizes,
            Some(offsets),
        ]
        .into_iter()
        .flatten()
    }

    /// What was asked for last met a page that is missing: what it gave means nothing.
    pub(crate) fn lack_pages(&self) -> bool {
        self.paged && self.tables().into_iter().any(Table::is_missing)
    }

    /// Where the missing pages of one of the tables lie in the resource.
    pub(crate) fn missing(&self, ahead: usize) -> Option<Range<u64>> {
        let [stsc, ctts, sizes, offsets] = self.tables();
        [stsc, ctts]
            .into_iter()
            .find_map(|runs| runs.missing(ahead, self.walk_of_runs(runs)))
            .or_else(|| sizes.missing(ahead, Walk::On(0)))
            .or_else(|| offsets.missing(ahead, Walk::On(0)))
    }

    /// Runs are counted from one end of their table; where the sample lies that is looked for is guessed by proportion.
    fn walk_of_runs(&self, runs: &Table) -> Walk {
        let sought = self.sought.get();
        let guess = (runs.len() as u64)
            .saturating_mul(sought)
            .checked_div(self.sizes.len());
        let guess = guess.and_then(|guess| usize::try_from(guess).ok());
        let guess = guess.unwrap_or(0);
        // It may be a little off.
        let slack = runs.len() / 64;
        match self.counts_from_end(runs, sought) {
            true => Walk::Back(guess.saturating_sub(slack)),
            false => Walk::On(guess.saturating_add(slack)),
        }
    }

    /// From its nearer end less of a table has to be fetched. All runs together are as many as the samples (8.6.1.3, 8.7.4).
    pub(super) fn counts_from_end(&self, runs: &Table, sample: u64) -> bool {
        runs.is_paged() && sample > self.sizes.len() / 2
    }

    /// Takes all pages that can be read now.
    pub(crate) fn fill(&mut self, read: impl Fn(Range<u64>) -> Option<Bytes>) {
        self.tables_mut().for_each(|table| table.fill(&read));
    }

    /// The resource ends before the pages that are missing.
    pub(crate) fn end_at_missing(&mut self) {
        self.tables_mut().for_each(Table::end_at_missing);
    }

    /// Chunk of the sample so many before the end; see [`SampleTables::chunk_of`].
    pub(super) fn chunk_before_end(&self, mut before: u64) -> Option<(usize, usize, u32, u32)> {
        let mut end = self.offsets.len() as u64;
        for (run, _) in self.stsc.entries_back() {
            let first = u64::from(self.stsc.u32(run, 0)?.checked_sub(1)?);
            let per_chunk = self.stsc.u32(run, 1)?;
            let chunks = end.saturating_sub(first);
            let samples = chunks.saturating_mul(u64::from(per_chunk));
            if let Some(index) = samples.checked_sub(before) {
                return self.chunk_in_run(run, index);
            }
            before = before.saturating_sub(samples);
            end = first;
        }
        None
    }
}

/// The place of the sample so many before the end of a table of runs.
pub(super) fn run_before_end(table: &Table, mut before: u64) -> RunPlace {
    for (index, entry) in table.entries_back() {
        let (count, value) = run(entry);
        if before <= u64::from(count) {
            return RunPlace {
                next: index.saturating_add(1),
                left: u32::try_from(before).unwrap_or(u32::MAX),
                value,
            };
        }
        before = before.saturating_sub(u64::from(count));
    }
    RunPlace::default()
}
