//! Where URLs begin (ISO/IEC 23009-1 5.6): each level of the manifest may name several alternatives.

use std::sync::Arc;

use kinora_media::Time;
use url::Url;

use super::values;
use super::xml::Element;

/// Alternatives of one representation that are told apart.
const MAX_ALTERNATIVES: usize = 32;

/// A longer URL is none that a server takes: each segment would carry it.
pub(super) const MAX_URL: usize = 8_192;

/// One `BaseURL` element.
#[derive(Clone, PartialEq, Eq, Debug)]
struct BaseUrl {
    text: Arc<str>,
    service_location: Option<Arc<str>>,
    /// The least comes first (ETSI TS 103 285 10.8.2.1).
    priority: u32,
    /// Among those of one priority it is taken so often (10.8.2.1).
    weight: Option<u32>,
    availability_time_offset: Option<Time>,
    availability_time_complete: Option<bool>,
}

/// The `BaseURL` elements that count at one place of the manifest: its own and those of the levels above it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BaseUrls(Option<Arc<Level>>);

#[derive(PartialEq, Eq, Debug)]
struct Level {
    above: BaseUrls,
    own: Vec<BaseUrl>,
}

/// A base that is complete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    /// The URL.
    pub url: Url,
    /// A name for steering, for alternatives of one place.
    pub service_location: Option<Arc<str>>,
    /// The least comes first (`dvb:priority`).
    pub priority: u32,
    /// Among those of one priority it is to be taken so often, where the author says so (`dvb:weight`).
    pub weight: Option<u32>,
}

impl Base {
    fn of_manifest(mpd: &Url) -> Self {
        Self {
            url: mpd.clone(),
            service_location: None,
            priority: 1,
            weight: None,
        }
    }

    /// The place that it is at: bases of one place fail together.
    #[must_use]
    pub fn place(&self) -> &str {
        match &self.service_location {
            Some(name) => name,
            None => self.url.as_str(),
        }
    }
}

impl BaseUrls {
    /// With those of an element below.
    pub(super) fn below(&self, element: &Element) -> Self {
        let own: Vec<BaseUrl> = element.all("BaseURL").map(read).collect();
        match own.is_empty() {
            true => self.clone(),
            false => Self(Some(Arc::new(Level {
                above: self.clone(),
                own,
            }))),
        }
    }

    /// No level has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The complete URLs, the preferred one first; there is always one. `mpd`: where the manifest was found.
    #[must_use]
    pub fn resolve(&self, mpd: &Url) -> Vec<Base> {
        let mut all = self.unfold(mpd);
        if all.is_empty() {
            all.push(Base::of_manifest(mpd));
        }
        all.sort_by_key(|base| base.priority);
        all
    }

    fn unfold(&self, mpd: &Url) -> Vec<Base> {
        let Some(level) = &self.0 else {
            return Vec::new();
        };
        let mut above = level.above.unfold(mpd);
        if above.is_empty() {
            above.push(Base::of_manifest(mpd));
        }
        let mut all: Vec<Base> = Vec::new();
        for own in &level.own {
            for base in &above {
                if own.text.len() > MAX_URL {
                    continue;
                }
                let Ok(url) = base.url.join(&own.text) else {
                    continue;
                };
                // An absolute one is the same below each of those above it.
                let known = all.iter().any(|it| it.url == url);
                if !known && all.len() < MAX_ALTERNATIVES {
                    // One that is absolute is elsewhere.
                    let is_below = url.origin() == base.url.origin();
                    let inherited = base.service_location.clone().filter(|_| is_below);
                    all.push(Base {
                        url,
                        service_location: own.service_location.clone().or(inherited),
                        priority: own.priority.max(base.priority),
                        weight: own.weight.or(base.weight),
                    });
                }
            }
        }
        all
    }

    /// So much earlier than whole its segments can be asked for, as the nearest level says.
    #[must_use]
    pub fn availability_time_offset(&self) -> Option<Time> {
        self.nearest(|base| base.availability_time_offset)
    }

    /// Whether segments are whole once they can be asked for.
    pub(super) fn availability_time_complete(&self) -> Option<bool> {
        self.nearest(|base| base.availability_time_complete)
    }

    fn nearest<T>(&self, of: impl Fn(&BaseUrl) -> Option<T>) -> Option<T> {
        let mut at = self;
        while let Some(level) = &at.0 {
            if let Some(found) = level.own.iter().find_map(&of) {
                return Some(found);
            }
            at = &level.above;
        }
        None
    }
}

fn read(element: &Element) -> BaseUrl {
    let (priority, weight) = (element.foreign("priority"), element.foreign("weight"));
    BaseUrl {
        text: Arc::from(element.content()),
        service_location: element.attribute("serviceLocation").cloned(),
        priority: priority.and_then(|it| it.parse().ok()).unwrap_or(1),
        weight: weight.and_then(|it| it.parse().ok()),
        availability_time_offset: values::seconds(element, "availabilityTimeOffset"),
        availability_time_complete: values::flag(element, "availabilityTimeComplete"),
    }
}
