//! Which chapter plays.

use kinora_media::{Chapter, Time};

use super::Session;
use crate::Event;
use crate::cx::Cx;

/// The chapter that plays, and for how long it is known to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CurrentChapter {
    index: Option<u32>,
    /// While the position lies there it stays.
    stays: Option<(Time, Time)>,
}

impl CurrentChapter {
    fn holds_at(&self, position: Time) -> bool {
        self.stays
            .is_some_and(|(from, until)| (from..until).contains(&position))
    }

    /// That of a position: of those that it lies in the one that began last.
    fn at(chapters: &[Chapter], position: Time) -> Self {
        let end = |index: usize, it: &Chapter| it.end.unwrap_or_else(|| next(chapters, index, it));
        let holding = chapters
            .iter()
            .enumerate()
            .filter(|(index, it)| it.start <= position && position < end(*index, it));
        let found = holding.max_by_key(|(index, it)| (it.start, *index));
        let borders = chapters
            .iter()
            .flat_map(|it| [Some(it.start), it.end])
            .flatten();
        let from = borders.clone().filter(|border| *border <= position).max();
        let until = borders.filter(|border| *border > position).min();
        Self {
            index: found.and_then(|(index, _)| u32::try_from(index).ok()),
            stays: Some((from.unwrap_or(Time::MIN), until.unwrap_or(Time::MAX))),
        }
    }
}

/// Where a chapter ends that does not tell: where another begins after it.
fn next(chapters: &[Chapter], index: usize, chapter: &Chapter) -> Time {
    let starts = chapters.iter().skip(index + 1).map(|it| it.start);
    let later = starts.filter(|start| *start > chapter.start);
    later.min().unwrap_or(Time::MAX)
}

impl Session {
    /// The chapter that plays, by its place in the list.
    pub(crate) fn chapter(&self) -> Option<u32> {
        self.chapter.index
    }

    /// Chapters change with the picture that is out.
    pub(super) fn note_chapter(&mut self, cx: &mut Cx) {
        let Some(position) = self.out_position(cx.mono()) else {
            return;
        };
        let chapters = match self.info() {
            Some(info) if !info.chapters.is_empty() => &info.chapters,
            _ => return,
        };
        if self.chapter.holds_at(position) {
            return;
        }
        let before = self.chapter.index;
        self.chapter = CurrentChapter::at(chapters, position);
        let index = self.chapter.index;
        if index != before {
            cx.event(Event::ChapterChanged { index });
        }
    }

    pub(super) fn chapter_deadline(&self, cx: &Cx) -> Option<Time> {
        self.out_position(cx.mono())?;
        let (_, until) = self.chapter.stays?;
        self.clock.when(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapter(start: i64, end: Option<i64>) -> Chapter {
        Chapter {
            start: Time::from_millis(start),
            end: end.map(Time::from_millis),
            ..Chapter::default()
        }
    }

    #[test]
    fn the_innermost_chapter_plays_and_stays_until_a_border() {
        let chapters = [
            chapter(1_000, Some(9_000)),
            chapter(2_000, Some(4_000)),
            chapter(10_000, None),
            chapter(20_000, None),
        ];
        for (ms, index, until) in [
            (0, None, 1_000),
            (1_500, Some(0), 2_000),
            (2_000, Some(1), 4_000),
            (5_000, Some(0), 9_000),
            (9_500, None, 10_000),
            (15_000, Some(2), 20_000),
        ] {
            let position = Time::from_millis(ms);
            let current = CurrentChapter::at(&chapters, position);
            assert_eq!(current.index, index, "{ms}");
            assert!(current.holds_at(position), "{ms}");
            assert!(!current.holds_at(Time::from_millis(until)), "{ms}");
        }
        let last = CurrentChapter::at(&chapters, Time::from_millis(25_000));
        assert_eq!(last.index, Some(3));
        assert!(last.holds_at(Time::from_millis(1 << 40)));
    }
}
