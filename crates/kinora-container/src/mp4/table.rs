//! Tables of entries of one size, read where they lie; long ones page by page.

use core::cell::Cell;
use core::ops::Range;

use bytes::Bytes;

/// Entries of one size, big endian. Their count never exceeds their bytes.
#[derive(Clone, Default, Debug)]
pub(crate) struct Table {
    entry_len: usize,
    count: usize,
    data: Data,
}

#[derive(Clone, Debug)]
enum Data {
    Whole(Bytes),
    Paged(Pages),
}

impl Default for Data {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

/// Entries that are fetched when somebody looks at them. Who meets one that is not there yet gets nothing, as at the end of
/// the table: [`Table::missing`] tells the two apart.
#[derive(Clone, Debug)]
struct Pages {
    /// Where the first entry lies in the resource.
    start: u64,
    entries_per_page: usize,
    pages: Vec<Option<Bytes>>,
    /// The first page that was looked at in vain.
    missed: Cell<Option<usize>>,
}

/// How a table is being walked through, and up to which entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Walk {
    On(usize),
    Back(usize),
}

impl Pages {
    fn page(&self, number: usize) -> Option<&Bytes> {
        let page = self.pages.get(number)?.as_ref();
        if page.is_none() && self.missed.get().is_none() {
            self.missed.set(Some(number));
        }
        page
    }

    fn loaded(&self) -> usize {
        self.pages.iter().filter(|page| page.is_some()).count()
    }
}

impl Table {
    /// The rest of a body as a table that claims `count` entries.
    pub(crate) fn new(data: Bytes, entry_len: usize, count: u32) -> Self {
        let count = fitting(data.len(), entry_len, count);
        Self {
            entry_len,
            count,
            data: Data::Whole(data),
        }
    }

    /// A table of `len` bytes at an offset of the resource that claims `count` entries, in pages of about `page_len` bytes.
    pub(crate) fn paged(
        start: u64,
        len: usize,
        entry_len: usize,
        count: u32,
        page_len: usize,
    ) -> Self {
        let count = fitting(len, entry_len, count);
        let entries_per_page = page_len.checked_div(entry_len).unwrap_or(1).max(1);
        Self {
            entry_len,
            count,
            data: Data::Paged(Pages {
                start,
                entries_per_page,
                pages: vec![None; count.div_ceil(entries_per_page)],
                missed: Cell::new(None),
            }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn is_paged(&self) -> bool {
        matches!(self.data, Data::Paged(_))
    }

    /// The entry of that number.
    pub(crate) fn entry(&self, index: usize) -> Option<&[u8]> {
        if index >= self.count {
            return None;
        }
        let (data, index) = match &self.data {
            Data::Whole(data) => (data, index),
            Data::Paged(pages) => (
                pages.page(index.checked_div(pages.entries_per_page)?)?,
                index.checked_rem(pages.entries_per_page)?,
            ),
        };
        let start = index.checked_mul(self.entry_len)?;
        data.get(start..start.checked_add(self.entry_len)?)
    }

    /// The `word`th 32-bit number of an entry.
    pub(crate) fn u32(&self, index: usize, word: usize) -> Option<u32> {
        let start = word.checked_mul(4)?;
        self.entry(index)?
            .get(start..)?
            .first_chunk()
            .map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub(crate) fn u64(&self, index: usize) -> Option<u64> {
        self.entry(index)?
            .first_chunk()
            .map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// All entries, up to the first that is missing.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        let pages = match &self.data {
            Data::Whole(_) => 1,
            Data::Paged(pages) => pages.pages.len(),
        };
        let page = |number| match &self.data {
            Data::Whole(data) => data.get(..self.count.saturating_mul(self.entry_len)),
            Data::Paged(pages) => pages.page(number).map(Bytes::as_ref),
        };
        (0..pages)
            .map_while(page)
            .flat_map(|page| page.chunks_exact(self.entry_len.max(1)))
    }

    /// Where the entries lie that somebody looked at in vain, and those that a walk is going to look at next: at least `ahead`
    /// bytes, and as much as is there already, so that a table is read in few pieces.
    pub(crate) fn missing(&self, ahead: usize, walk: Walk) -> Option<Range<u64>> {
        let Data::Paged(pages) = &self.data else {
            return None;
        };
        let missed = pages.missed.get()?;
        let per_page = pages.entries_per_page;
        let page_len = per_page.saturating_mul(self.entry_len).max(1);
        let least = ahead.div_ceil(page_len).max(pages.loaded()).max(1);
        let is_absent = |page: &&Option<Bytes>| page.is_none();
        let (first, count) = match walk {
            Walk::On(until) => {
                let on = until.checked_div(per_page)?.saturating_sub(missed);
                let absent = pages.pages.get(missed..)?.iter().take_while(is_absent);
                (missed, on.saturating_add(1).max(least).min(absent.count()))
            }
            Walk::Back(until) => {
                let back = missed.saturating_sub(until.checked_div(per_page)?);
                let absent = pages
                    .pages
                    .get(..=missed)?
                    .iter()
                    .rev()
                    .take_while(is_absent);
                let count = back.saturating_add(1).max(least).min(absent.count());
                (missed.saturating_add(1).saturating_sub(count), count)
            }
        };
        let begin = first.saturating_mul(per_page);
        let end = first.saturating_add(count).saturating_mul(per_page);
        Some(self.offset_of(pages, begin)..self.offset_of(pages, end.min(self.count)))
    }

    /// All entries with their numbers from the last on, down to the first that is missing.
    pub(crate) fn entries_back(&self) -> impl Iterator<Item = (usize, &[u8])> {
        (0..self.count)
            .rev()
            .map_while(|index| Some((index, self.entry(index)?)))
    }

    fn offset_of(&self, pages: &Pages, entry: usize) -> u64 {
        let bytes = entry.saturating_mul(self.entry_len);
        pages.start.saturating_add(bytes as u64)
    }

    /// Whether somebody looked at an entry that is not there yet.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(&self.data, Data::Paged(pages) if pages.missed.get().is_some())
    }

    /// Takes the pages that lie whole within bytes of the resource.
    pub(crate) fn fill(&mut self, read: impl Fn(Range<u64>) -> Option<Bytes>) {
        let (entry_len, count) = (self.entry_len, self.count);
        let Data::Paged(pages) = &mut self.data else {
            return;
        };
        pages.missed.set(None);
        let (start, per_page) = (pages.start, pages.entries_per_page);
        let offset = |entry: usize| start.saturating_add(entry.saturating_mul(entry_len) as u64);
        for (number, page) in pages.pages.iter_mut().enumerate() {
            let begin = number.saturating_mul(per_page);
            let end = begin.saturating_add(per_page).min(count);
            if page.is_none() {
                *page = read(offset(begin)..offset(end));
            }
        }
    }

    /// The resource ends before the entries do that are missing: there are none behind it.
    pub(crate) fn end_at_missing(&mut self) {
        let Data::Paged(pages) = &mut self.data else {
            return;
        };
        if let Some(first) = pages.missed.take() {
            pages.pages.truncate(first);
            self.count = first.saturating_mul(pages.entries_per_page).min(self.count);
        }
    }
}

fn fitting(len: usize, entry_len: usize, count: u32) -> usize {
    let fits = len.checked_div(entry_len).unwrap_or(0);
    usize::try_from(count).unwrap_or(usize::MAX).min(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty numbers from byte 100 on, four in a page.
    fn table() -> (Table, Bytes) {
        let bytes: Vec<u8> = (0..20u32).flat_map(u32::to_be_bytes).collect();
        (Table::paged(100, 80, 4, 20, 16), Bytes::from(bytes))
    }

    fn fill(table: &mut Table, bytes: &Bytes, range: Range<u64>) {
        table.fill(|page| {
            let within = range.start <= page.start && page.end <= range.end;
            let at = |offset: u64| offset as usize - 100;
            within.then(|| bytes.slice(at(page.start)..at(page.end)))
        });
    }

    #[test]
    fn what_was_looked_at_in_vain_is_missing_and_nothing_else() {
        let (mut table, bytes) = table();
        assert_eq!((table.len(), table.is_missing()), (20, false));
        assert_eq!((table.u32(20, 0), table.is_missing()), (None, false));
        assert_eq!(table.u32(6, 0), None);
        assert_eq!(table.missing(1, Walk::On(0)), Some(116..132));
        assert_eq!(table.missing(17, Walk::On(0)), Some(116..148));
        assert_eq!(table.missing(1, Walk::On(19)), Some(116..180));
        assert_eq!(table.missing(1, Walk::Back(5)), Some(116..132));
        assert_eq!(table.missing(1, Walk::Back(3)), Some(100..132));
        fill(&mut table, &bytes, 116..148);
        assert!(!table.is_missing());
        assert_eq!((table.u32(6, 0), table.u32(11, 0)), (Some(6), Some(11)));
        assert_eq!(table.u32(12, 0), None);
        let as_much_as_is_there = Some(148..180);
        assert_eq!(table.missing(1, Walk::On(0)), as_much_as_is_there);
    }

    #[test]
    fn a_walk_ends_before_the_first_page_that_is_missing() {
        let (mut table, bytes) = table();
        fill(&mut table, &bytes, 100..116);
        assert_eq!(table.entries().count(), 4);
        assert_eq!(table.missing(1, Walk::On(0)), Some(116..132));
        fill(&mut table, &bytes, 132..180);
        assert_eq!(table.entries_back().count(), 12);
        assert_eq!(table.missing(1, Walk::Back(0)), Some(116..132));
        fill(&mut table, &bytes, 100..180);
        assert_eq!(table.entries().count(), 20);
        let numbers: Vec<_> = table.entries_back().map(|(number, _)| number).collect();
        assert_eq!(numbers, (0..20).rev().collect::<Vec<_>>());
        assert!(!table.is_missing());
    }

    #[test]
    fn a_resource_that_ends_early_ends_the_table() {
        let (mut table, bytes) = table();
        fill(&mut table, &bytes, 100..140);
        assert_eq!(table.u32(9, 0), None);
        table.end_at_missing();
        assert_eq!((table.len(), table.is_missing()), (8, false));
    }
}
