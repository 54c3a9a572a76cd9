//! Thumbnails, tiled or not (DASH-IF IOP part 4, 6.2.6).

use kinora_media::Time;

use super::model::{AdaptationSet, Mpd, Period, Purpose, Representation};
use super::segments::{Segment, Window};
use crate::thumbnail::{Rect, Thumbnail};

impl Mpd {
    /// The sets of thumbnails, each with how many pictures lie in a row and in a column, by the period that holds them.
    pub fn thumbnail_sets(&self) -> impl Iterator<Item = (&Period, &AdaptationSet, (u32, u32))> {
        let sets = |period: &'_ Period| -> Vec<(usize, (u32, u32))> {
            let all = period.adaptation_sets.iter().enumerate();
            all.filter_map(|(at, set)| Some((at, tiles(&set.purpose)?)))
                .collect()
        };
        self.periods.iter().flat_map(move |period| {
            let found = sets(period).into_iter();
            found.filter_map(move |(at, tiles)| {
                Some((period, period.adaptation_sets.get(at)?, tiles))
            })
        })
    }

    /// The thumbnail for a time. Of several sizes it is the largest that is no wider than `max_width`, else the smallest.
    #[must_use]
    pub fn thumbnail(&self, time: Time, max_width: u32) -> Option<Thumbnail> {
        let holds =
            |period: &Period| period.start <= time && period.end().is_none_or(|end| time < end);
        let sets = self.thumbnail_sets().filter(|(period, ..)| holds(period));
        let all = sets.flat_map(|(period, set, tiles)| {
            let each = set.representations.iter();
            each.map(move |it| (period, it, tiles))
        });
        let width = |it: &Representation, (columns, _): (u32, u32)| {
            let (width, _) = it.resolution?;
            width.checked_div(columns)
        };
        let (period, it, tiles) = all.min_by_key(|(_, it, tiles)| {
            let width = width(it, *tiles).unwrap_or(u32::MAX);
            match width <= max_width {
                true => (false, max_width.saturating_sub(width)),
                false => (true, width),
            }
        })?;
        self.of_representation(period, it, tiles, time)
    }

    fn of_representation(
        &self,
        period: &Period,
        it: &Representation,
        tiles: (u32, u32),
        time: Time,
    ) -> Option<Thumbnail> {
        // A tick of the coarsest clock (`timescale` 1): the picture that holds the time comes first.
        let tick = Time::from_millis(1_000);
        let window = Window {
            from: time,
            until: time + tick,
        };
        let segments = it.segments(&it.base(&self.url), period, window, 2).ok()?;
        let segment = segments
            .into_iter()
            .find(|it| it.start <= time && time < it.end())?;
        // A picture that its period cuts short has its tiles at the same distances (DASH-IF IOP 6.2.6).
        let lasts = it.equal_duration().unwrap_or(segment.duration);
        tile(segment, lasts, it.resolution, tiles, time)
    }
}

fn tiles(purpose: &Purpose) -> Option<(u32, u32)> {
    match purpose {
        Purpose::Thumbnails { columns, rows } if *columns > 0 && *rows > 0 => {
            Some((*columns, *rows))
        }
        _ => None,
    }
}

/// The tile of a picture for a time: they follow each other row by row, and share its duration.
fn tile(
    segment: Segment,
    lasts: Time,
    resolution: Option<(u32, u32)>,
    (columns, rows): (u32, u32),
    time: Time,
) -> Option<Thumbnail> {
    let count = i64::from(columns.checked_mul(rows)?);
    let each = lasts.as_nanos().checked_div(count)?.max(1);
    let passed = (time - segment.start).as_nanos();
    let number = passed.checked_div(each)?.min(count.saturating_sub(1));
    let from = segment.start + Time::from_nanos(each.checked_mul(number)?);
    let number = u32::try_from(number).ok()?;
    let rect = |(width, height): (u32, u32)| {
        let (width, height) = (width.checked_div(columns)?, height.checked_div(rows)?);
        Some(Rect {
            x: number.checked_rem(columns)?.checked_mul(width)?,
            y: number.checked_div(columns)?.checked_mul(height)?,
            width,
            height,
        })
    };
    let is_whole = count == 1;
    Some(Thumbnail {
        url: segment.resource.url.clone(),
        range: segment.resource.range,
        rect: resolution.filter(|_| !is_whole).and_then(rect),
        from,
        to: (from + Time::from_nanos(each)).min(segment.end()),
    })
}

#[cfg(test)]
mod tests {
    use kinora_media::ByteRange;
    use url::Url;

    use super::*;
    use crate::dash::{Limits, parse};

    fn mpd(sets: &str) -> Mpd {
        let text = format!(
            "<MPD type='static'><Period duration='PT100S'><AdaptationSet mimeType='video/mp4'><SegmentTemplate media='$Number$' duration='10'/>\
             <Representation id='v'/></AdaptationSet>{sets}</Period></MPD>"
        );
        let url = Url::parse("https://films.test/a/film.mpd").unwrap();
        parse(text.as_bytes(), &url, &Limits::default()).unwrap()
    }

    fn set(representations: &str) -> String {
        format!(
            "<AdaptationSet mimeType='image/jpeg'><EssentialProperty schemeIdUri='http://dashif.org/guidelines/thumbnail_tile' value='4x2'/>\
             <SegmentTemplate media='$RepresentationID$/$Number$.jpg' duration='40' startNumber='1'/>{representations}</AdaptationSet>"
        )
    }

    const SMALL: &str = "<Representation id='s' width='640' height='180' bandwidth='1'/>";
    const LARGE: &str = "<Representation id='l' width='1280' height='360' bandwidth='2'/>";

    #[test]
    fn a_time_leads_to_a_tile_of_a_picture() {
        let mpd = mpd(&set(SMALL));
        let at = |seconds: i64| mpd.thumbnail(Time::from_millis(seconds * 1_000), 200);
        // Each of 8 tiles is 5 s; the second picture begins at 40 s.
        let found = at(66).unwrap();
        assert_eq!(found.url.as_str(), "https://films.test/a/s/2.jpg");
        assert_eq!(found.range, ByteRange::default());
        let rect = Rect {
            x: 160,
            y: 90,
            width: 160,
            height: 90,
        };
        assert_eq!(found.rect, Some(rect));
        let (from, to) = (found.from.as_millis(), found.to.as_millis());
        assert_eq!((from, to), (65_000, 70_000));
        assert_eq!(at(0).unwrap().from, Time::ZERO);
        assert_eq!(at(100), None);
        assert_eq!(at(-1), None);
    }

    #[test]
    fn the_last_picture_ends_with_its_period() {
        let mpd = mpd(&set(SMALL));
        let found = mpd.thumbnail(Time::from_millis(99_999), 200).unwrap();
        assert_eq!(found.url.path(), "/a/s/3.jpg");
        // The third picture has 20 of its 40 s, and so four of its eight tiles.
        let (from, to) = (found.from.as_millis(), found.to.as_millis());
        assert_eq!((from, to), (95_000, 100_000));
    }

    #[test]
    fn of_several_sizes_the_one_that_fits_is_taken() {
        let mpd = mpd(&set(&format!("{SMALL}{LARGE}")));
        let width = |max| {
            let found = mpd.thumbnail(Time::ZERO, max).unwrap();
            found.rect.unwrap().width
        };
        assert_eq!(
            [100, 160, 319, 320, 5_000].map(width),
            [160, 160, 160, 320, 320]
        );
    }

    #[test]
    fn pictures_that_are_no_tiles_of_anything_are_none() {
        for tiles in ["0x2", "4x0", "4294967295x4294967295", "x", ""] {
            let mpd = mpd(&set(SMALL).replace("4x2", tiles));
            assert_eq!(mpd.thumbnail(Time::ZERO, 200), None, "{tiles}");
        }
        assert_eq!(mpd("").thumbnail(Time::ZERO, 200), None);
        let whole = mpd(&set(SMALL).replace("4x2", "1x1"));
        let found = whole.thumbnail(Time::ZERO, 200).unwrap();
        assert_eq!(found.rect, None);
    }
}
