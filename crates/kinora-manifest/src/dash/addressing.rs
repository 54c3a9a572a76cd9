//! Where the segments of a representation are: `SegmentBase`, `SegmentList`, `SegmentTemplate` (ISO/IEC 23009-1 5.3.9),
//! each inherited attribute by attribute from the levels above.

use std::sync::Arc;

use kinora_media::{ByteRange, Time};

use super::error::DashError;
use super::reading::Reading;
use super::timeline::Timeline;
use super::values;
use super::xml::Element;

/// What `SegmentBase`, `SegmentList` and `SegmentTemplate` have in common.
#[derive(Clone, PartialEq, Debug)]
pub struct Addressing {
    /// Ticks per second of all that is counted in ticks here.
    pub timescale: u64,
    /// The media time at which the period begins, in ticks.
    pub presentation_time_offset: u64,
    /// So much earlier than whole a segment can be asked for.
    pub availability_time_offset: Option<Time>,
    /// A segment is whole once it can be asked for; not so where it is made while it is sent.
    pub availability_time_complete: bool,
    /// The number of the first segment.
    pub start_number: u64,
    /// The number of the last one.
    pub end_number: Option<u64>,
    /// What initializes the decoder, unless a template names it.
    pub initialization: Option<UrlRange>,
    /// The segments.
    pub segments: Segments,
}

impl Addressing {
    /// Its segments are listed one by one (`SegmentTimeline`): which of them are there does not follow from the time of day.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        match &self.segments {
            Segments::Whole { .. } => true,
            Segments::List { durations, .. } | Segments::Template { durations, .. } => {
                matches!(durations, Durations::Listed(timeline) if !timeline.is_open())
            }
        }
    }
}

/// How long segments are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Durations {
    /// All last so many ticks, but for the last one.
    Equal(u64),
    /// As listed.
    Listed(Arc<Timeline>),
    /// One segment, as long as the period.
    Period,
}

/// How segments are named.
#[derive(Clone, PartialEq, Debug)]
pub enum Segments {
    /// One resource (`SegmentBase`, or nothing but a `BaseURL`).
    Whole {
        /// Where its segment index (`sidx`) is.
        index: Option<UrlRange>,
    },
    /// One by one.
    List {
        /// The URLs.
        urls: Arc<[SegmentUrl]>,
        /// How long each is.
        durations: Durations,
    },
    /// By a pattern.
    Template {
        /// Of media segments.
        media: Arc<str>,
        /// Of the init section.
        initialization: Option<Arc<str>>,
        /// How long each is.
        durations: Durations,
    },
}

/// Where bytes are, relative to the base URL, which it is itself without a URL.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UrlRange {
    /// The URL.
    pub url: Option<Arc<str>>,
    /// Which of its bytes.
    pub range: ByteRange,
}

/// One `SegmentURL`.
pub type SegmentUrl = UrlRange;

/// The attributes of one kind at one level, with those inherited.
#[derive(Clone, Debug, Default)]
struct Level {
    timescale: Option<u64>,
    presentation_time_offset: Option<u64>,
    availability_time_offset: Option<Time>,
    availability_time_complete: Option<bool>,
    start_number: Option<u64>,
    end_number: Option<u64>,
    duration: Option<u64>,
    timeline: Option<Arc<Timeline>>,
    initialization: Option<UrlRange>,
    index: Option<UrlRange>,
    urls: Option<Arc<[SegmentUrl]>>,
    media: Option<Arc<str>>,
    initialization_template: Option<Arc<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Base,
    List,
    Template,
}

/// What the levels read so far say.
#[derive(Clone, Debug, Default)]
pub(super) struct Inherited {
    base: Level,
    list: Level,
    template: Level,
    /// The kind that the nearest level uses.
    kind: Option<Kind>,
}

impl Inherited {
    /// With what an element below says.
    pub(super) fn below(
        &self,
        element: &Element,
        reading: &mut Reading,
    ) -> Result<Self, DashError> {
        let mut out = self.clone();
        // Where a level has several kinds, the last one of these counts.
        for (name, kind) in [
            ("SegmentList", Kind::List),
            ("SegmentTemplate", Kind::Template),
            ("SegmentBase", Kind::Base),
        ] {
            let Some(child) = element.child(name) else {
                continue;
            };
            let level = match kind {
                Kind::Base => &mut out.base,
                Kind::List => &mut out.list,
                Kind::Template => &mut out.template,
            };
            level.read(child, reading)?;
            out.kind = Some(kind);
        }
        Ok(out)
    }

    /// The addressing of a representation; `None` where no level says anything.
    pub(super) fn addressing(&self) -> Option<Addressing> {
        let kind = self.kind?;
        let level = match kind {
            Kind::Base => &self.base,
            Kind::List => &self.list,
            Kind::Template => &self.template,
        };
        let segments = match kind {
            Kind::Base => Segments::Whole {
                index: level.index.clone(),
            },
            Kind::List => Segments::List {
                urls: level.urls.clone().unwrap_or_default(),
                durations: level.durations(),
            },
            Kind::Template => match level.media.clone() {
                Some(media) => Segments::Template {
                    media,
                    initialization: level.initialization_template.clone(),
                    durations: level.durations(),
                },
                None => Segments::Whole { index: None },
            },
        };
        Some(Addressing {
            timescale: level.timescale.unwrap_or(1),
            presentation_time_offset: level.presentation_time_offset.unwrap_or(0),
            availability_time_offset: level.availability_time_offset,
            availability_time_complete: level.availability_time_complete.unwrap_or(true),
            start_number: level.start_number.unwrap_or(1),
            end_number: level.end_number,
            initialization: level.initialization.clone(),
            segments,
        })
    }
}

impl Level {
    fn read(&mut self, element: &Element, reading: &mut Reading) -> Result<(), DashError> {
        fn set<T>(of: &mut Option<T>, value: Option<T>) {
            if value.is_some() {
                *of = value;
            }
        }
        let timescale = values::number(element, "timescale").filter(|it| *it > 0);
        set(&mut self.timescale, timescale);
        set(
            &mut self.presentation_time_offset,
            values::number(element, "presentationTimeOffset"),
        );
        set(
            &mut self.availability_time_offset,
            values::seconds(element, "availabilityTimeOffset"),
        );
        set(
            &mut self.availability_time_complete,
            values::flag(element, "availabilityTimeComplete"),
        );
        set(
            &mut self.start_number,
            values::number(element, "startNumber"),
        );
        set(&mut self.end_number, values::number(element, "endNumber"));
        let duration = values::number(element, "duration").filter(|it| *it > 0);
        if duration.is_some() {
            (self.duration, self.timeline) = (duration, None);
        }
        if let Some(timeline) = element.child("SegmentTimeline") {
            self.timeline = Some(Arc::new(Timeline::read(timeline, reading)?));
        }
        set(&mut self.media, element.attribute("media").cloned());
        set(
            &mut self.initialization_template,
            element.attribute("initialization").cloned(),
        );
        let place = |name: &str| {
            element
                .child(name)
                .map(|it| url_range(it, "sourceURL", "range"))
        };
        set(&mut self.initialization, place("Initialization"));
        set(&mut self.index, place("RepresentationIndex"));
        let range = element.attribute("indexRange");
        let index = range.and_then(|range| values::byte_range(range));
        set(
            &mut self.index,
            index.map(|range| UrlRange { url: None, range }),
        );
        let mut urls = element.all("SegmentURL").peekable();
        if urls.peek().is_some() {
            let urls = urls.map(|it| url_range(it, "media", "mediaRange"));
            self.urls = Some(urls.collect());
        }
        Ok(())
    }

    fn durations(&self) -> Durations {
        match (&self.timeline, self.duration) {
            (Some(timeline), _) => Durations::Listed(Arc::clone(timeline)),
            (None, Some(duration)) => Durations::Equal(duration),
            (None, None) => Durations::Period,
        }
    }
}

fn url_range(element: &Element, url: &str, range: &str) -> UrlRange {
    let range = element.attribute(range);
    UrlRange {
        url: element.attribute(url).cloned(),
        range: range
            .and_then(|it| values::byte_range(it))
            .unwrap_or_default(),
    }
}
