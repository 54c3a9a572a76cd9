//! The variants of a presentation, and which of them may be played.

use kinora_manifest::select::{self, Candidate};
use kinora_media::{CodecId, Time, TrackKind};

use super::index::Variant;
use crate::TrackOption;
use crate::abr::Situation;
use crate::cx::Cx;

/// What the network is taken to carry before anything was measured, bits a second.
const DEFAULT_BANDWIDTH: u64 = 2_000_000;

/// Who says which variant plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Selection {
    /// The network, among those that are eligible.
    #[default]
    Adaptive,
    /// The user.
    Manual,
}

/// The variants, by rising bandwidth.
#[derive(Default)]
pub(super) struct Variants {
    list: Vec<Variant>,
    /// Those that may be chosen without being named.
    eligible: Vec<usize>,
    failed: Vec<usize>,
    /// No wider and higher ones are chosen than this one.
    most: Option<(u32, u32)>,
    /// Those that were there from the beginning; others came with pathways.
    listed: usize,
    /// The pathway whose variants are played, where there is somebody who steers.
    pub(super) pathway: Option<String>,
    pub(super) current: usize,
    pub(super) selection: Selection,
}

impl Variants {
    pub(super) fn new(cx: &Cx, list: Vec<Variant>) -> Self {
        Self {
            eligible: eligible(cx, &list),
            listed: list.len(),
            list,
            ..Self::default()
        }
    }

    /// Variants of pathways that were not there before.
    pub(super) fn add(&mut self, cx: &Cx, added: Vec<Variant>) {
        if added.is_empty() {
            return;
        }
        self.list.extend(added);
        self.eligible = eligible(cx, &self.list);
    }

    pub(super) fn has_pathway(&self, id: &str) -> bool {
        let mut all = self.list.iter();
        all.any(|variant| variant.pathway.as_deref() == Some(id))
    }

    /// The pathways, each once.
    pub(super) fn pathways(&self) -> Vec<String> {
        let mut all = Vec::<String>::new();
        for pathway in self.list.iter().filter_map(|it| it.pathway.as_ref()) {
            if !all.contains(pathway) {
                all.push(pathway.clone());
            }
        }
        all
    }

    /// What is the same as a variant in the pathway that is played: by its name across pathways, else the nearest by
    /// bandwidth.
    pub(super) fn counterpart(&self, index: usize) -> Option<usize> {
        let of = self.get(index)?;
        let is_same = |at: &usize| {
            let stable_id = self.get(*at).and_then(|it| it.stable_id.as_ref());
            stable_id.is_some() && stable_id == of.stable_id.as_ref()
        };
        let distance = |at: &usize| self.bandwidth(*at).abs_diff(of.bandwidth);
        let same = self.choices().find(is_same);
        same.or_else(|| self.choices().min_by_key(distance))
    }

    /// The variant by which the application knows one: it was told of those that were there from the beginning.
    pub(super) fn told_as(&self, index: usize) -> usize {
        if index < self.listed {
            return index;
        }
        let bandwidth = self.bandwidth(index);
        let listed = 0..self.listed;
        let nearest = listed.min_by_key(|at| self.bandwidth(*at).abs_diff(bandwidth));
        nearest.unwrap_or(0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are to choose from.
    pub(super) fn len(&self) -> usize {
        self.listed
    }

    pub(super) fn get(&self, index: usize) -> Option<&Variant> {
        self.list.get(index)
    }

    pub(super) fn bandwidth(&self, index: usize) -> u64 {
        self.get(index).map_or(0, |variant| variant.bandwidth)
    }

    /// The same variants at other URLs.
    pub(super) fn renew(&mut self, list: Vec<Variant>) {
        if list.len() == self.listed {
            self.list.splice(0..self.listed, list);
        }
    }

    /// Those that may be chosen and have not failed.
    fn choices(&self) -> impl DoubleEndedIterator<Item = usize> {
        let eligible = self.eligible.iter().copied();
        let of_pathway = |index: &usize| match &self.pathway {
            Some(pathway) => self.get(*index).and_then(|it| it.pathway.as_ref()) == Some(pathway),
            None => true,
        };
        let fits = |index: &usize| match (self.most, self.get(*index).and_then(|it| it.size)) {
            (Some((width, height)), Some(size)) => size.0 <= width && size.1 <= height,
            _ => true,
        };
        eligible
            .filter(move |index| !self.failed.contains(index) && of_pathway(index) && fits(index))
    }

    /// Of those that fill the area in which pictures are seen the smallest is the largest that is chosen.
    fn fit(&mut self, viewport: Option<(u32, u32)>) {
        let eligible = self.eligible.iter().filter(|it| !self.failed.contains(it));
        let sizes = eligible.filter_map(|index| self.get(*index)?.size);
        let fills = |(width, height): &(u32, u32)| {
            viewport.is_some_and(|(in_width, in_height)| *width >= in_width || *height >= in_height)
        };
        let filling = sizes.filter(fills);
        self.most = filling.min_by_key(|(width, height)| u64::from(*width) * u64::from(*height));
    }

    /// The one to begin with while it may change: a modest one.
    pub(super) fn initial(&mut self, cx: &Cx) -> usize {
        self.fit(cx.viewport);
        let choices: Vec<usize> = self.choices().collect();
        let candidates = candidates(&self.list);
        let learnt = cx.abr.bandwidth().or(cx.config.default_bandwidth);
        select::initial(&candidates, &choices, learnt.unwrap_or(DEFAULT_BANDWIDTH)).unwrap_or(0)
    }

    /// The one to read where it may not change and none was named: the best.
    pub(super) fn best(&self) -> usize {
        self.choices().next_back().unwrap_or(0)
    }

    /// The one of the least rate.
    pub(super) fn least(&self) -> usize {
        self.choices().next().unwrap_or(0)
    }

    /// The one for the segments that come next, if it is another one.
    pub(super) fn adapted(&mut self, cx: &mut Cx, buffered: Time, segment: Time) -> Option<usize> {
        self.fit(cx.viewport);
        let choices: Vec<usize> = self.choices().collect();
        let bitrates: Vec<u64> = choices.iter().map(|index| self.bandwidth(*index)).collect();
        let of_pathway = self
            .counterpart(self.current)
            .filter(|_| self.pathway.is_some());
        let current = of_pathway.unwrap_or(self.current);
        let current = choices.iter().rposition(|index| *index <= current)?;
        let chosen = cx.abr.choose(&Situation {
            bitrates: &bitrates,
            current,
            buffered,
            max_buffer: cx.max_buffer(),
            segment,
        });
        let chosen = choices.get(chosen).copied();
        chosen.filter(|chosen| *chosen != self.current)
    }

    /// Those of lower bandwidth that may be chosen, the best first.
    pub(super) fn lesser(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.choices().rev().filter(|index| *index < self.current)
    }

    /// The one to go on with where the current one fails: the next lower one, else a higher one; of those that are not
    /// eligible only where no other is left.
    pub(super) fn alternative(&self) -> Option<usize> {
        let all = (0..self.list.len()).filter(|index| !self.failed.contains(index));
        self.eligible_alternative().or_else(|| self.nearest(all))
    }

    /// The same, of those that are eligible.
    pub(super) fn eligible_alternative(&self) -> Option<usize> {
        self.nearest(self.choices())
    }

    fn nearest(&self, indices: impl Iterator<Item = usize>) -> Option<usize> {
        let others: Vec<usize> = indices.filter(|index| *index != self.current).collect();
        let lower = others.iter().rfind(|index| **index < self.current);
        lower.or(others.first()).copied()
    }

    pub(super) fn current_failed(&mut self) {
        self.failed.push(self.current);
    }

    /// No decoder takes the current one, which is of that codec: nor does one take others that name it.
    pub(super) fn codec_failed(&mut self, codec: CodecId) {
        let of_codec = |index: &usize| {
            let named = self.list.get(*index).map(Variant::candidate);
            *index == self.current || named.and_then(|it| it.video_codec()) == Some(codec)
        };
        let failed: Vec<usize> = (0..self.list.len()).filter(of_codec).collect();
        self.failed.extend(failed);
        self.eligible.retain(|index| !self.failed.contains(index));
    }

    /// The user tries again.
    pub(super) fn forgive(&mut self) {
        self.failed.clear();
    }

    pub(super) fn options(&self) -> impl Iterator<Item = TrackOption> {
        let option = |(index, variant): (usize, &Variant)| TrackOption {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            kind: TrackKind::Video,
            label: variant.label(),
            size: variant.size,
            bitrate: Some(variant.bandwidth),
            selected: index == self.current,
        };
        self.list.iter().take(self.listed).enumerate().map(option)
    }
}

fn eligible(cx: &Cx, list: &[Variant]) -> Vec<usize> {
    let capabilities = &cx.capabilities;
    cx.tape.see("eligible", || {
        select::eligible(&candidates(list), |codec| capabilities.can_decode(codec))
    })
}

fn candidates(list: &[Variant]) -> Vec<Candidate<'_>> {
    list.iter().map(Variant::candidate).collect()
}
