//! One track on its way: which sample comes next, and when it is presented.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{Packet, PacketFlags, Time, TrackInfo, TrackKind, bitstream};

use super::edits::Edit;
use super::fragment::Run;
use super::moov::TrackBox;
use super::sample_crypto::SampleState;
use super::tables::{Cursor, Sample};

/// Steps back through key frames until one is presented early enough: more than one or two are
/// needed in damaged files only.
const MAX_STEPS_BACK: u32 = 4;

/// Samples of fragments that a seek looks at: more than any sound fragments hold.
const MAX_LOOKS: u32 = 4_000_000;

/// A track with its place in the tables and fragments.
pub(crate) struct Track {
    pub(crate) described: TrackBox,
    cursor: Cursor,
    edit: usize,
    tables_done: bool,
    runs: VecDeque<Run>,
    /// Decoding time behind the last fragment.
    pub(crate) next_dts: i64,
    head: Option<Head>,
    /// Samples before this time are not given: a fragment is entered in its middle.
    skip_to: Option<i64>,
    /// Number of the sample entry that was told last.
    entry: u32,
    pending: Option<Pending>,
}

/// What a track has still to do to have a next sample: pages of its tables are not there yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pending {
    Start,
    Advance,
    Follow(Time),
}

/// The next sample of a track.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) sample: Sample,
    pub(crate) dts: Time,
    pub(crate) crypto: SampleState,
}

/// What there is for a time in the fragments at hand. Key frames as time and decoding time.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Found {
    /// The last key frame that is presented at or before the time.
    pub(crate) key: Option<(Time, i64)>,
    /// The first key frame.
    pub(crate) first: Option<(Time, i64)>,
    /// Something is presented after the time.
    pub(crate) reaches: bool,
}

impl Track {
    pub(crate) fn new(described: TrackBox) -> Self {
        let next_dts = i64::try_from(described.tables.total_duration()).unwrap_or(i64::MAX);
        let mut track = Self {
            described,
            cursor: Cursor::default(),
            edit: 0,
            tables_done: false,
            runs: VecDeque::new(),
            next_dts,
            head: None,
            skip_to: None,
            entry: 1,
            pending: None,
        };
        track.start();
        track
    }

    fn start(&mut self) {
        self.attempt(Pending::Start, |track| {
            if track.edit_at(0).media_start > 0 {
                track.enter_edit(0);
            }
            track.take_next();
        });
    }

    /// Does what changes the place in the tables. Where pages are missing nothing has changed, and it is pending.
    fn attempt(&mut self, what: Pending, act: impl FnOnce(&mut Self)) {
        let before = (self.cursor, self.edit, self.tables_done);
        self.pending = None;
        act(self);
        if self.described.tables.lack_pages() {
            (self.cursor, self.edit, self.tables_done) = before;
            self.head = None;
            self.pending = Some(what);
        }
    }

    /// From what time on the next sample is wanted that is not known for want of pages.
    pub(crate) fn pending_from(&self) -> Option<Time> {
        self.pending.map(|pending| match pending {
            // Pictures begin with the key frame before.
            Pending::Follow(time) if self.kind() != TrackKind::Video => time,
            _ => Time::MIN,
        })
    }

    /// What was done last met pages that are missing: it is to be done again.
    pub(crate) fn lacks_pages(&self) -> bool {
        self.described.tables.lack_pages()
    }

    /// Tries again what is pending.
    pub(crate) fn retry(&mut self) {
        match self.pending {
            Some(Pending::Start) => self.start(),
            Some(Pending::Advance) => self.advance(),
            Some(Pending::Follow(time)) => self.follow_now(time),
            None => {}
        }
    }

    /// Where vectors begin that are to be read before the first sample is given.
    pub(crate) fn vectors_begin(&self) -> Option<u64> {
        let far = self.described.far_vectors.as_ref();
        far.map(|far| far.range.start)
    }

    /// The vectors of its samples are at hand, or can not be had.
    pub(crate) fn vectors_came(&mut self, bytes: Option<&Bytes>) {
        self.described.vectors_came(bytes);
        let head = self.head.as_ref().map(|head| head.sample);
        let crypto = head.map(|sample| self.crypto(&sample));
        if let (Some(head), Some(crypto)) = (&mut self.head, crypto) {
            head.crypto = crypto;
        }
    }

    pub(crate) fn kind(&self) -> TrackKind {
        self.described.info.kind()
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// There are samples in the movie box itself.
    pub(crate) fn has_table_samples(&self) -> bool {
        self.described.tables.sample_count() > 0
    }

    /// When the samples of the movie box end.
    pub(crate) fn tables_end(&self) -> Time {
        self.edit_at(0)
            .present(self.described.clock, self.tables_ticks())
    }
    pub(crate) fn tables_ticks(&self) -> i64 {
        i64::try_from(self.described.tables.total_duration()).unwrap_or(i64::MAX)
    }

    /// The track as another sample entry describes it, when that is not the one told last.
    pub(crate) fn switch_to(&mut self, entry: u32) -> Option<TrackInfo> {
        if entry == self.entry || self.described.others.is_empty() {
            return None;
        }
        let mut info = match entry.checked_sub(2) {
            None => self.described.info.clone(),
            Some(other) => {
                let other = usize::try_from(other).ok()?;
                self.described.others.get(other)?.clone()
            }
        };
        info.id = self.described.info.id;
        self.entry = entry;
        Some(info)
    }

    /// Fragments are at hand.
    pub(crate) fn has_runs(&self) -> bool {
        !self.runs.is_empty()
    }

    fn edit_at(&self, index: usize) -> Edit {
        self.described
            .edits
            .get(index)
            .copied()
            .unwrap_or(Edit::WHOLE)
    }
    fn current_edit(&self) -> Edit {
        self.edit_at(self.edit)
    }

    /// Adds a fragment's run of samples. While a seek is under way none of them is taken out.
    pub(crate) fn add_run(&mut self, run: Run, seeking: bool) {
        self.runs.push_back(run);
        if self.head.is_none() && !seeking {
            self.advance();
        }
    }

    /// Forgets all fragments at hand.
    pub(crate) fn forget_runs(&mut self) {
        self.runs.clear();
        self.skip_to = None;
        if self.tables_done {
            self.head = None;
        }
    }

    /// Moves on to the next sample.
    pub(crate) fn advance(&mut self) {
        self.attempt(Pending::Advance, Self::take_next);
    }

    fn take_next(&mut self) {
        self.head = self.next_sample().map(|sample| Head {
            sample,
            crypto: self.crypto(&sample),
            dts: self
                .current_edit()
                .present(self.described.clock, self.due(&sample)),
        });
    }

    /// When a sample must be decoded, in ticks: never after anything that comes later is shown.
    fn due(&self, sample: &Sample) -> i64 {
        sample
            .dts
            .saturating_add(i64::from(self.described.dts_shift))
            .min(sample.pts())
    }

    /// How the sample that was taken out last is encrypted.
    fn crypto(&self, sample: &Sample) -> SampleState {
        if self.described.protection(sample.entry).is_none() {
            return SampleState::Clear;
        }
        match (self.tables_done, &self.described.cryptos, self.runs.front()) {
            (false, Some(cryptos), _) => cryptos.of(sample),
            (true, _, Some(run)) => run.crypto(sample),
            _ => SampleState::Clear,
        }
    }

    fn next_sample(&mut self) -> Option<Sample> {
        while !self.tables_done {
            let edit = self.current_edit();
            match self.described.tables.next(&mut self.cursor) {
                Some(sample) if edit.media_end.is_none_or(|end| self.due(&sample) < end) => {
                    return Some(sample);
                }
                _ => self.next_edit(),
            }
        }
        loop {
            let run = self.runs.front_mut()?;
            if self.skip_to.is_some_and(|to| run.end_dts() < to) {
                self.runs.pop_front();
                continue;
            }
            match run.next() {
                Some(sample) if self.skip_to.is_some_and(|to| sample.dts < to) => {}
                Some(sample) => {
                    self.skip_to = None;
                    return Some(sample);
                }
                None => {
                    self.runs.pop_front();
                }
            }
        }
    }

    fn next_edit(&mut self) {
        let next = self.edit.saturating_add(1);
        match next < self.described.edits.len() {
            true => self.enter_edit(next),
            // Fragments go on in the time of the first edit.
            false => (self.tables_done, self.edit) = (true, 0),
        }
    }

    /// Goes to the sample where decoding for an edit begins.
    fn enter_edit(&mut self, edit: usize) {
        self.edit = edit;
        let start = self.decode_start(self.edit_at(edit).media_start);
        match self.described.tables.cursor_at(start) {
            Some(cursor) => self.cursor = cursor,
            None => self.tables_done = true,
        }
    }

    /// The sample to begin with so that a moment of the media is decoded.
    fn decode_start(&self, media: i64) -> u64 {
        let tables = &self.described.tables;
        if self.kind() != TrackKind::Video {
            // Decoders of sound need some frames before those that count.
            let before = media.saturating_sub(i64::from(self.described.clock.hz()));
            return tables.key_at_or_before(tables.sample_at(before));
        }
        self.key_for(media)
    }

    /// The last key sample that is presented at or before a moment.
    fn key_for(&self, media: i64) -> u64 {
        let tables = &self.described.tables;
        let shift = i64::from(self.described.dts_shift);
        let mut key = tables.key_at_or_before(tables.sample_at(media.saturating_sub(shift)));
        for _ in 0..MAX_STEPS_BACK {
            match self.pts_of(key) {
                Some(pts) if pts > media && key > 0 => {
                    key = tables.key_at_or_before(key.saturating_sub(1));
                }
                _ => break,
            }
        }
        key
    }

    fn pts_of(&self, sample: u64) -> Option<i64> {
        let tables = &self.described.tables;
        let mut cursor = tables.cursor_at(sample)?;
        tables.next(&mut cursor).map(|sample| sample.pts())
    }

    /// Goes to the key sample for a time within the tables; gives when it is presented. With
    /// `nearest` it may be the one behind the time.
    pub(crate) fn seek(&mut self, time: Time, nearest: bool) -> Option<Time> {
        let clock = self.described.clock;
        let last = self
            .described
            .edits
            .iter()
            .rposition(|edit| edit.start <= time);
        let index = last.unwrap_or(0);
        let edit = self.edit_at(index);
        let media = edit.media_at(clock, time.max(edit.start));
        let mut key = match self.begins_with(index, time) {
            true => 0,
            false => self.key_for(media),
        };
        let behind = self.described.tables.key_after(key).filter(|_| nearest);
        if let Some((behind, pts)) = behind.and_then(|key| Some((key, self.pts_of(key)?)))
            && let Some(before) = self.pts_of(key)
            && pts.saturating_sub(media) < media.saturating_sub(before)
            && edit.media_end.is_none_or(|end| pts < end)
        {
            key = behind;
        }
        let pts = self.pts_of(key)?;
        self.cursor = self.described.tables.cursor_at(key)?;
        self.edit = index;
        self.tables_done = false;
        self.advance();
        Some(edit.present(clock, pts).max(edit.start))
    }

    /// Whether sound is wanted from its very start: what an encoder puts before that is the decoder's run-up.
    fn begins_with(&self, edit: usize, time: Time) -> bool {
        self.kind() == TrackKind::Audio && edit == 0 && time <= self.edit_at(edit).start
    }

    /// Goes to where this track must begin so that it is complete from a time on: at once, or when that time is reached
    /// where pages of its tables would be waited for.
    pub(crate) fn follow(&mut self, time: Time) {
        match self.described.tables.is_paged() {
            true => (self.head, self.pending) = (None, Some(Pending::Follow(time))),
            false => self.follow_now(time),
        }
    }

    fn follow_now(&mut self, time: Time) {
        self.attempt(Pending::Follow(time), |track| track.go_to(time));
    }

    fn go_to(&mut self, time: Time) {
        let index = self
            .described
            .edits
            .iter()
            .rposition(|edit| edit.start <= time);
        let index = index.unwrap_or(0);
        let edit = self.edit_at(index);
        let media = edit.media_at(self.described.clock, time.max(edit.start));
        let start = match self.kind() {
            TrackKind::Video => self.key_for(media),
            _ if self.begins_with(index, time) => 0,
            _ => {
                let tables = &self.described.tables;
                tables.key_at_or_before(tables.sample_at(media))
            }
        };
        self.edit = index;
        match self.described.tables.cursor_at(start) {
            Some(cursor) => (self.cursor, self.tables_done) = (cursor, false),
            None => self.tables_done = true,
        }
        self.take_next();
    }

    /// Goes behind all samples of the movie box.
    pub(crate) fn leave_tables(&mut self) {
        self.tables_done = true;
        self.edit = 0;
        self.head = None;
        self.pending = None;
    }

    /// Looks for a time in the fragments at hand.
    pub(crate) fn look_in_runs(&self, time: Time) -> Found {
        let (clock, edit) = (self.described.clock, self.edit_at(0));
        let mut found = Found::default();
        let mut fuel = MAX_LOOKS;
        for run in &self.runs {
            let mut walk = run.clone();
            while let Some(sample) = walk.next()
                && let Some(left) = fuel.checked_sub(1)
            {
                fuel = left;
                let pts = edit.present(clock, sample.pts());
                let end = sample.pts().saturating_add(i64::from(sample.duration));
                found.reaches |= edit.present(clock, end) > time;
                if sample.key {
                    let key = (pts, sample.dts);
                    found.first.get_or_insert(key);
                    found.key = Some(key).filter(|_| pts <= time).or(found.key);
                }
            }
        }
        found
    }

    /// Leaves out the samples of fragments that are decoded before that.
    pub(crate) fn skip_runs_to(&mut self, dts: i64) {
        self.skip_to = Some(dts);
        self.advance();
    }

    /// Leaves out the samples of fragments that end before a time.
    pub(crate) fn skip_runs_before(&mut self, time: Time) {
        let ticks = self.edit_at(0).media_at(self.described.clock, time);
        let (mut begin, mut fuel) = (i64::MIN, MAX_LOOKS);
        for run in &self.runs {
            let mut walk = run.clone();
            while let Some(sample) = walk.next()
                && let Some(left) = fuel.checked_sub(1)
            {
                fuel = left;
                if sample.dts <= ticks && sample.key {
                    begin = sample.dts;
                }
            }
        }
        self.skip_runs_to(begin);
    }

    /// The current sample lies outside the file: passes over what surely does so with it.
    pub(crate) fn skip_outside(&mut self) {
        match self.tables_done {
            false => {
                let before = self.cursor;
                self.described.tables.skip_chunk(&mut self.cursor);
                if self.described.tables.lack_pages() {
                    self.cursor = before;
                }
            }
            true => {
                if let Some(run) = self.runs.front_mut() {
                    run.skip_rest();
                }
            }
        }
        self.advance();
    }

    /// Few files say which samples are disposable (`sdtp`); the samples themselves do.
    fn is_unreferenced(&self, data: &[u8]) -> bool {
        let info = &self.described.info;
        info.protection.is_none() && bitstream::is_unreferenced(info.codec, &info.config, data)
    }

    /// The packet of the current sample.
    pub(crate) fn packet(&self, head: &Head, data: Bytes) -> Packet {
        let (clock, edit, sample) = (self.described.clock, self.current_edit(), &head.sample);
        let pts = sample.pts();
        let end = pts.saturating_add(i64::from(sample.duration));
        let before = end <= edit.media_start && pts < edit.media_start;
        let behind = edit.media_end.is_some_and(|last| pts >= last);
        Packet {
            track: self.described.info.id,
            pts: edit.present(clock, pts),
            dts: head.dts,
            duration: clock.to_time(i64::from(sample.duration)),
            flags: PacketFlags {
                key: sample.key,
                decode_only: before || behind,
                discontinuity: false,
                disposable: sample.disposable || self.is_unreferenced(&data),
            },
            data,
            crypto: match &head.crypto {
                SampleState::Encrypted(crypto) => Some(Arc::clone(crypto)),
                SampleState::Clear | SampleState::Unknown => None,
            },
        }
    }
}
