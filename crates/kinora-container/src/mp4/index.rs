//! Where fragments begin and when: from `sidx` (ISO/IEC 14496-12 8.16.3) and from those seen.

use bytes::Bytes;
use kinora_media::Time;

use super::boxes::Short;
use super::sidx;

/// Places that are remembered at most: a day of one-second fragments.
const MAX_PLACES: usize = 100_000;

/// The beginning of a fragment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FragmentStart {
    pub(crate) time: Time,
    pub(crate) offset: u64,
}

/// Known beginnings of fragments, in ascending order.
#[derive(Default)]
pub(crate) struct FragmentIndex {
    places: Vec<FragmentStart>,
    /// When the last segment that a `sidx` names ends.
    end: Option<Time>,
    /// How many segments are named, where the first begins and the last ends.
    named: u64,
    begin: u64,
    behind: u64,
}

impl FragmentIndex {
    /// Remembers a fragment that was met. Those before the last known one are known already.
    pub(crate) fn add(&mut self, place: FragmentStart) {
        let is_new = self
            .places
            .last()
            .is_none_or(|last| last.offset < place.offset);
        if is_new && self.places.len() < MAX_PLACES {
            self.places.push(place);
        }
    }

    /// Takes a list of all fragments, if it is in order; gives the last.
    pub(crate) fn replace(&mut self, mut places: Vec<FragmentStart>) -> Option<FragmentStart> {
        places.truncate(MAX_PLACES);
        // Several key frames of one fragment are listed one by one.
        places.dedup_by_key(|place| place.offset);
        let last = places.last().copied()?;
        if places.is_sorted_by_key(|place| place.offset) {
            self.places = places;
        }
        Some(last)
    }

    /// When the file of some length ends, if it has no other segments than those named. What
    /// is shorter than one of them, an index at the end, is none.
    pub(crate) fn duration(&self, len: Option<u64>) -> Option<Time> {
        let rest = len.map_or(0, |len| len.saturating_sub(self.behind));
        let bytes = self.behind.saturating_sub(self.begin);
        let mean = bytes.checked_div(self.named)?;
        self.end.filter(|_| rest < mean)
    }

    /// Fragments are known up to a time.
    pub(crate) fn reaches(&self, time: Time) -> bool {
        self.end.is_some_and(|end| end >= time)
            || self.places.last().is_some_and(|last| last.time >= time)
    }

    /// The last known beginning at or before a time.
    pub(crate) fn before(&self, time: Time) -> Option<FragmentStart> {
        // Times of damaged files may not ascend: the search then finds some place, no harm done.
        let behind = self.places.partition_point(|place| place.time <= time);
        self.places.get(behind.checked_sub(1)?).copied()
    }

    /// So many known beginnings before an offset, or as many as there are.
    pub(crate) fn earlier(&self, offset: u64, count: usize) -> Option<FragmentStart> {
        let before = self.places.partition_point(|place| place.offset < offset);
        let last = before.checked_sub(1)?;
        let index = last.saturating_sub(count.saturating_sub(1));
        self.places.get(index).copied()
    }

    pub(crate) fn first(&self) -> Option<FragmentStart> {
        self.places.first().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Takes a `sidx` whose box ends at an offset.
    pub(crate) fn read(&mut self, body: &Bytes, box_end: u64) -> Result<(), Short> {
        let references = sidx::read(body, box_end)?;
        let Some((first, last)) = references.first().zip(references.last()) else {
            return Ok(());
        };
        if self.named == 0 {
            self.begin = first.range.start;
        }
        for reference in &references {
            self.add(FragmentStart {
                time: reference.time,
                offset: reference.range.start,
            });
        }
        let count = u64::try_from(references.len()).unwrap_or(u64::MAX);
        self.named = self.named.saturating_add(count);
        self.behind = self.behind.max(last.range.end.unwrap_or(last.range.start));
        self.end = self.end.max(Some(last.time + last.duration));
        Ok(())
    }
}
