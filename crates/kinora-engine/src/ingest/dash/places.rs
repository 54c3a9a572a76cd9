//! Which of several places that have the same is taken (ISO/IEC 23009-1 5.6.4): the one of the least priority, by weight
//! among those of one (ETSI TS 103 285 10.8.2.1), and another one when it fails (10.8.2.3).

use std::sync::Arc;

use kinora_errors::Secret;
use kinora_manifest::dash::{Base, BaseUrls};
use kinora_media::Time;
use url::Url;

use super::MpdReader;

/// A place that failed is taken again after so long, should the others fail meanwhile.
const PENALTY: Time = Time::from_millis(60_000);
/// So many places that failed are remembered.
const MAX_LEFT: usize = 64;

/// The places that failed, and the lot by which players are spread over the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// Until when each is not taken.
    left: Vec<(Arc<str>, Time)>,
    lot: u64,
}

/// The base that is taken.
pub(super) struct Chosen {
    pub(super) url: Url,
    /// Another place has the same.
    pub(super) elsewhere: bool,
}

impl Places {
    pub(super) fn drawn(lot: u64) -> Self {
        Self {
            left: Vec::new(),
            lot,
        }
    }

    fn is_left(&self, base: &Base, now: Time) -> bool {
        let mut left = self.left.iter();
        left.any(|(place, until)| **place == *base.place() && *until > now)
    }

    /// The base to take of those that are the same. Where all failed, the first one.
    pub(super) fn choose(&self, bases: &BaseUrls, mpd: &Url, now: Time) -> Chosen {
        let all = bases.resolve(mpd);
        let usable: Vec<&Base> = all.iter().filter(|it| !self.is_left(it, now)).collect();
        let chosen = self.draw(&usable).or(all.first());
        Chosen {
            url: chosen.map_or_else(|| mpd.clone(), |base| base.url.clone()),
            elsewhere: chosen
                .is_some_and(|chosen| usable.iter().any(|other| other.place() != chosen.place())),
        }
    }

    /// One of those of the least priority: by weight where the author names any, else the first.
    fn draw<'a>(&self, usable: &[&'a Base]) -> Option<&'a Base> {
        let first = *usable.first()?;
        let equals = usable.iter().filter(|it| it.priority == first.priority);
        if equals.clone().all(|it| it.weight.is_none()) {
            return Some(first);
        }
        let weight = |base: &Base| u64::from(base.weight.unwrap_or(1));
        let total: u64 = equals.clone().map(|it| weight(it)).sum();
        let mut at = self.lot.checked_rem(total)?;
        for base in equals {
            match at.checked_sub(weight(base)) {
                Some(rest) => at = rest,
                None => return Some(base),
            }
        }
        Some(first)
    }

    /// What is at that URL is not to be had there. `false`: nor at another place.
    fn leave(&mut self, bases: &BaseUrls, mpd: &Url, url: &str, now: Time) -> bool {
        let all = bases.resolve(mpd);
        // The longest: one base may lie below another.
        let held = all.iter().filter(|base| url.starts_with(folder(&base.url)));
        let Some(held) = held.max_by_key(|base| folder(&base.url).len()) else {
            return false;
        };
        if !self.is_left(held, now) {
            self.left.retain(|(place, _)| **place != *held.place());
            if self.left.len() >= MAX_LEFT {
                self.left.remove(0);
            }
            self.left.push((Arc::from(held.place()), now + PENALTY));
        }
        all.iter().any(|base| !self.is_left(base, now))
    }
}

/// What URLs that are relative to a base begin with.
fn folder(base: &Url) -> &str {
    let text = base.as_str();
    let path = text.split(['?', '#']).next().unwrap_or(text);
    path.rfind('/')
        .and_then(|at| path.get(..=at))
        .unwrap_or(path)
}

impl MpdReader {
    /// Leaves the place of a URL that a rendition named. `false`: no other place has the same.
    pub(in crate::ingest) fn leave_place(
        &mut self,
        rendition: &Self,
        url: &Secret,
        now: Time,
    ) -> bool {
        let known = self.presentation.as_ref().zip(rendition.rendition.as_ref());
        let Some((known, rendition)) = known else {
            return false;
        };
        let mpd = known.mpd();
        let periods = mpd.periods.iter();
        let mut bases = periods.filter_map(|period| Some(&rendition.find(period)?.base_urls));
        let places = &mut self.places;
        bases.any(|bases| places.leave(bases, &mpd.url, url.expose(), now))
    }
}
