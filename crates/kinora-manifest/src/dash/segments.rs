//! From what a manifest says of segments to the segments themselves, with their URLs and places on the timeline.

use kinora_media::Time;
use url::Url;

use super::addressing::{Addressing, Durations, Segments, UrlRange};
use super::base_url::MAX_URL;
use super::error::{DashError, DashErrorKind};
use super::model::{Period, Representation, Resource};
use super::template::{self, Values};
use super::timeline::Entry;
use super::values;

/// A stretch of the presentation's timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// What ends before that is not there any more.
    pub from: Time,
    /// What begins later is not there yet.
    pub until: Time,
}

impl Window {
    /// All of it.
    pub const ALL: Self = Self {
        from: Time::MIN,
        until: Time::MAX,
    };
}

/// One segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Its number in the period; those of one representation follow one another.
    pub number: u64,
    /// Where it begins on the presentation's timeline. The first one may begin before its period, what lies before that is
    /// not to be shown.
    pub start: Time,
    /// How long it is.
    pub duration: Time,
    /// Where it is.
    pub resource: Resource,
}

impl Segment {
    /// Where it ends.
    #[must_use]
    pub fn end(&self) -> Time {
        self.start + self.duration
    }
}

/// A period of unknown end is taken to be that long where all of its segments are wanted.
const OPEN_PERIOD: Time = Time::from_millis(24 * 3_600_000);

impl Representation {
    /// What is added to times of the media to get those of the presentation (5.3.9.2.2).
    #[must_use]
    pub fn timestamp_offset(&self, period: &Period) -> Time {
        period.start
            - self
                .addressing
                .ticks(i128::from(self.addressing.presentation_time_offset))
    }

    /// The best of its base URLs. `mpd`: where the manifest was found.
    #[must_use]
    pub fn base(&self, mpd: &Url) -> Url {
        let bases = self.base_urls.resolve(mpd);
        bases
            .into_iter()
            .next()
            .map_or_else(|| mpd.clone(), |base| base.url)
    }

    /// What initializes its decoder, where that is a resource of its own.
    ///
    /// # Errors
    /// When its URL can not be resolved.
    pub fn initialization(&self, base: &Url) -> Result<Option<Resource>, DashError> {
        if let Segments::Template {
            initialization: Some(template),
            ..
        } = &self.addressing.segments
        {
            let url = template::expand(template, self.values(None, None));
            return self
                .place(
                    base,
                    &UrlRange {
                        url: Some(url.into()),
                        ..UrlRange::default()
                    },
                )
                .map(Some);
        }
        let initialization = self.addressing.initialization.as_ref();
        initialization.map(|it| self.place(base, it)).transpose()
    }

    /// Where its segment index (`sidx`) is, which says where its segments are.
    ///
    /// # Errors
    /// When its URL can not be resolved.
    pub fn index(&self, base: &Url) -> Result<Option<Resource>, DashError> {
        match &self.addressing.segments {
            Segments::Whole { index: Some(index) } => self.place(base, index).map(Some),
            _ => Ok(None),
        }
    }

    /// All of its base URL, which its segment index has segments of.
    ///
    /// # Errors
    /// When its URL can not be resolved.
    pub fn whole(&self, base: &Url) -> Result<Resource, DashError> {
        self.place(base, &UrlRange::default())
    }

    /// Its segments in a window, no more than `max`; of one resource with an index that one segment, whole.
    ///
    /// # Errors
    /// When a URL can not be resolved.
    pub fn segments(
        &self,
        base: &Url,
        period: &Period,
        window: Window,
        max: usize,
    ) -> Result<Vec<Segment>, DashError> {
        self.within(base, (period, period.duration), window, max)
    }

    /// The same, where the period is taken to be of that duration.
    pub(super) fn within(
        &self,
        base: &Url,
        (period, duration): (&Period, Option<Time>),
        window: Window,
        max: usize,
    ) -> Result<Vec<Segment>, DashError> {
        let addressing = &self.addressing;
        let offset = self.timestamp_offset(period);
        let entries = self.entries(offset, duration, window, max);
        let segment = |entry: Entry| {
            let number = addressing.start_number.saturating_add(entry.number);
            let resource = match &addressing.segments {
                Segments::Whole { .. } => self.place(base, &UrlRange::default())?,
                Segments::List { urls, .. } => {
                    let at = usize::try_from(entry.number).ok();
                    let url = at.and_then(|at| urls.get(at)).cloned().unwrap_or_default();
                    self.place(base, &url)?
                }
                Segments::Template { media, .. } => {
                    let url = template::expand(media, self.values(Some(number), Some(entry.time)));
                    let url = Some(url.into());
                    self.place(
                        base,
                        &UrlRange {
                            url,
                            ..UrlRange::default()
                        },
                    )?
                }
            };
            let start = addressing.ticks(i128::from(entry.time)) + offset;
            let end = i128::from(entry.time).saturating_add(i128::from(entry.duration));
            Ok(Segment {
                number,
                start,
                duration: addressing.ticks(end) + offset - start,
                resource,
            })
        };
        entries.into_iter().map(segment).collect()
    }

    /// A resource of it, with what requests for it carry.
    fn place(&self, base: &Url, at: &UrlRange) -> Result<Resource, DashError> {
        let mut resource = place(base, at)?;
        if let Some(query) = &self.query {
            query.add_to(&mut resource.url);
        }
        Ok(resource)
    }

    fn values(&self, number: Option<u64>, time: Option<u64>) -> Values<'_> {
        Values {
            representation: &self.id,
            bandwidth: self.bandwidth,
            number,
            time,
        }
    }

    /// Its segments in ticks of the media's clock.
    fn entries(
        &self,
        offset: Time,
        duration: Option<Time>,
        window: Window,
        max: usize,
    ) -> Vec<Entry> {
        let addressing = &self.addressing;
        let media = |time: Time| match time {
            Time::MIN => i128::MIN,
            Time::MAX => i128::MAX,
            time => values::to_ticks(time - offset, addressing.timescale),
        };
        let begin = i128::from(addressing.presentation_time_offset);
        let length = match duration {
            Some(duration) => addressing.to_ticks(duration),
            None if window.until == Time::MAX => addressing.to_ticks(OPEN_PERIOD),
            // The window ends it.
            None => i128::from(i64::MAX),
        };
        let end = begin.saturating_add(length);
        let (from, until) = (media(window.from).max(begin), media(window.until).min(end));
        let entries = match &addressing.segments {
            Segments::Whole { .. } => vec![one(begin, until)],
            Segments::List { urls, durations } => {
                let count = u64::try_from(urls.len()).unwrap_or(u64::MAX);
                let mut entries = addressing.by(durations, from, until, end, max);
                entries.retain(|entry| entry.number < count);
                entries
            }
            Segments::Template { durations, .. } => addressing.by(durations, from, until, end, max),
        };
        match addressing.end_number {
            Some(last) => {
                let last = last.saturating_sub(addressing.start_number);
                entries
                    .into_iter()
                    .filter(|entry| entry.number <= last)
                    .collect()
            }
            None => entries,
        }
    }

    /// The duration of each segment but the last, where they all have one.
    #[must_use]
    pub fn equal_duration(&self) -> Option<Time> {
        match &self.addressing.segments {
            Segments::List { durations, .. } | Segments::Template { durations, .. } => {
                match durations {
                    Durations::Equal(ticks) => Some(self.addressing.ticks(i128::from(*ticks))),
                    Durations::Listed(_) | Durations::Period => None,
                }
            }
            Segments::Whole { .. } => None,
        }
    }

    /// The duration of its longest segment.
    #[must_use]
    pub fn longest_segment(&self) -> Option<Time> {
        let addressing = &self.addressing;
        let ticks = match &addressing.segments {
            Segments::Whole { .. } => None,
            Segments::List { durations, .. } | Segments::Template { durations, .. } => {
                match durations {
                    Durations::Equal(duration) => Some(*duration),
                    Durations::Listed(timeline) => timeline.longest(),
                    Durations::Period => None,
                }
            }
        };
        ticks.map(|ticks| addressing.ticks(i128::from(ticks)))
    }
}

impl Addressing {
    /// Ticks as a time.
    fn ticks(&self, ticks: i128) -> Time {
        values::ticks(ticks, self.timescale)
    }

    fn to_ticks(&self, time: Time) -> i128 {
        values::to_ticks(time, self.timescale)
    }

    fn by(
        &self,
        durations: &Durations,
        from: i128,
        until: i128,
        end: i128,
        max: usize,
    ) -> Vec<Entry> {
        let begin = self.presentation_time_offset;
        match durations {
            Durations::Listed(timeline) => {
                timeline.entries(self.start_number, (from, until), end, max)
            }
            Durations::Equal(duration) => equal(begin, *duration, from, until, end, max),
            Durations::Period => vec![one(i128::from(begin), until)],
        }
    }
}

/// One segment from a time to another.
fn one(begin: i128, end: i128) -> Entry {
    let time = u64::try_from(begin).unwrap_or(0);
    Entry {
        number: 0,
        time,
        duration: u64::try_from(end.saturating_sub(begin)).unwrap_or(0),
    }
}

/// Segments of one duration (5.3.9.5.3). The last one ends with the period.
fn equal(begin: u64, duration: u64, from: i128, until: i128, end: i128, max: usize) -> Vec<Entry> {
    let nth = |time: i128| {
        let passed = time.saturating_sub(i128::from(begin)).max(0);
        let count = passed.checked_div(i128::from(duration)).unwrap_or(0);
        u64::try_from(count).unwrap_or(u64::MAX)
    };
    let entry = |number: u64| {
        let time = begin.checked_add(duration.checked_mul(number)?)?;
        let rest = end.saturating_sub(i128::from(time));
        let duration = i128::from(duration).min(rest);
        let duration = u64::try_from(duration).ok().filter(|it| *it > 0)?;
        (i128::from(time) < until).then_some(Entry {
            number,
            time,
            duration,
        })
    };
    (nth(from)..u64::MAX).map_while(entry).take(max).collect()
}

/// A resource below a base URL. What resolves to zero is the base itself.
fn place(base: &Url, at: &UrlRange) -> Result<Resource, DashError> {
    let url = match at.url.as_deref() {
        Some(url) if url.len() > MAX_URL => return Err(DashErrorKind::Uri.at(0)),
        Some(url) => base.join(url).map_err(|_| DashErrorKind::Uri.at(0))?,
        None => base.clone(),
    };
    Ok(Resource {
        url,
        range: at.range,
    })
}
