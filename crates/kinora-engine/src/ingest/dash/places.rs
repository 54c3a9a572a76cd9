//! Which of several places that have the same is taken (ISO/IEC 23009-1 5.6.4): the one of the least priority, by weight
//! among those of one (ETSI TS 103 285 10.8.2.1), and another one when it fails (10.8.2.3).

use std::sync::Arc;

use kinora_errors::Secret;
use kinora_manifest::dash::{Base, BaseUrls, Location};
use kinora_manifest::hls::PathwayClone;
use kinora_media::Time;
use url::Url;

use super::MpdReader;

/// A place that failed is taken again after so long, should the others fail meanwhile.
const PENALTY: Time = Time::from_millis(60_000);
/// So many places that failed are remembered.
const MAX_LEFT: usize = 64;

/// The places that failed, the lot by which players are spread over the others, and what somebody who steers said of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// Until when each is not taken.
    left: Vec<(Arc<str>, Time)>,
    lot: u64,
    /// Service locations, the best first.
    order: Vec<String>,
    /// Those that are as others, elsewhere.
    clones: Arc<[PathwayClone]>,
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
            lot,
            ..Self::default()
        }
    }

    /// Service locations are preferred in that order until somebody says otherwise; the least that is known of them.
    pub(super) fn prefer(&mut self, order: Vec<String>) {
        self.order = order;
    }

    /// Somebody who steers says which are preferred; he knows by now what failed.
    pub(super) fn steer(&mut self, order: Vec<String>, clones: Vec<PathwayClone>) {
        self.left.clear();
        self.order = order;
        self.clones = clones.into();
    }

    /// The service location that is preferred now.
    pub(super) fn preferred(&self, now: Time) -> Option<&str> {
        let is_left = |name: &str| {
            let mut left = self.left.iter();
            left.any(|(place, until)| **place == *name && *until > now)
        };
        let mut order = self.order.iter().map(String::as_str);
        let first = order.clone().next();
        order.find(|name| !is_left(name)).or(first)
    }

    /// How early a service location comes in what was said of them; those that were not named come last.
    fn rank(&self, name: Option<&str>) -> usize {
        let at = self.order.iter().position(|it| Some(it.as_str()) == name);
        at.unwrap_or(self.order.len())
    }

    /// Of the places of a manifest the one that is preferred.
    pub(super) fn location<'a>(&self, all: &'a [Location]) -> Option<&'a Location> {
        let rank = |it: &&Location| self.rank(it.service_location.as_deref());
        all.iter().min_by_key(rank)
    }

    /// All bases that are the same, and what they are cloned to.
    pub(super) fn all(&self, bases: &BaseUrls, mpd: &Url) -> Vec<Base> {
        let mut all = bases.resolve(mpd);
        for clone in self.clones.iter() {
            let is_base = |it: &&Base| it.service_location.as_deref() == Some(clone.base.as_str());
            let cloned = all.iter().find(is_base).map(|base| Base {
                url: clone.elsewhere(base.url.clone()),
                service_location: Some(clone.id.as_str().into()),
                ..base.clone()
            });
            let known = |id: &Base| id.service_location.as_deref() == Some(clone.id.as_str());
            if let Some(cloned) = cloned.filter(|_| !all.iter().any(known)) {
                all.push(cloned);
            }
        }
        all
    }

    fn is_left(&self, base: &Base, now: Time) -> bool {
        let mut left = self.left.iter();
        left.any(|(place, until)| **place == *base.place() && *until > now)
    }

    /// The base to take of those that are the same. Where all failed, the first one.
    pub(super) fn choose(&self, bases: &BaseUrls, mpd: &Url, now: Time) -> Chosen {
        let all = self.all(bases, mpd);
        let usable: Vec<&Base> = all.iter().filter(|it| !self.is_left(it, now)).collect();
        let rank = |base: &Base| self.rank(base.service_location.as_deref());
        let best = usable.iter().map(|base| rank(base)).min();
        let of_best = |base: &&Base| Some(rank(base)) == best;
        let preferred: Vec<&Base> = usable.iter().copied().filter(of_best).collect();
        let chosen = self.draw(&preferred).or(all.first());
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
        let all = self.all(bases, mpd);
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
