//! The alternative renditions of audio (RFC 8216 4.3.4.1), and which of them plays.

use kinora_errors::{Fault, Secret};
use kinora_manifest::select::{self, AudioCandidate, AudioPreference};
use kinora_media::{Packet, Time, TrackKind};

use super::index::{AlternativeRendition, Variant};
use super::lane::LaneRole;
use crate::TrackOption;

/// The renditions of audio beside the variants.
#[derive(Default)]
pub(super) struct AudioRenditions {
    list: Vec<AlternativeRendition>,
    /// The group that the variant names.
    group: Option<String>,
    /// Among all renditions.
    current: Option<usize>,
    failed: Vec<usize>,
    /// Where the packets given so far end: another rendition goes on from there.
    pub(super) given_until: Option<Time>,
    /// The choice took effect and was not reported yet; its place in the group.
    pub(super) changed: Option<usize>,
}

impl AudioRenditions {
    pub(super) fn new(list: Vec<AlternativeRendition>) -> Self {
        Self {
            list,
            ..Self::default()
        }
    }

    fn group(&self) -> impl DoubleEndedIterator<Item = (usize, &AlternativeRendition)> {
        let of_group = |(_, rendition): &(usize, &AlternativeRendition)| {
            self.group.as_ref() == Some(&rendition.group)
        };
        self.list.iter().enumerate().filter(of_group)
    }

    fn playing(&self) -> Option<&AlternativeRendition> {
        self.list.get(self.current?)
    }

    /// Which one plays, and where its segments are, if it has any of its own.
    pub(super) fn source(&self) -> Option<(usize, Secret)> {
        Some((self.current?, self.playing()?.url.clone()?))
    }

    /// A variant plays, which names a group; the rendition that played goes on in that group, one of the wanted language
    /// begins. `false`: its segments are the same.
    pub(super) fn follow(&mut self, group: Option<&str>, language: Option<&str>) -> bool {
        if self.group.as_deref() == group && self.current.is_some() {
            return false;
        }
        let before = self.playing().cloned();
        self.group = group.map(str::to_owned);
        let (places, candidates): (Vec<usize>, Vec<AudioCandidate<'_>>) = self
            .group()
            .filter(|(at, _)| !self.failed.contains(at))
            .map(|(at, rendition)| (at, rendition.candidate()))
            .unzip();
        let preference = AudioPreference {
            name: before.as_ref().map(|before| before.name.as_str()),
            language: match &before {
                Some(before) => before.language.as_deref(),
                None => language,
            },
        };
        let chosen = select::audio(&candidates, preference);
        self.current = chosen.and_then(|chosen| places.get(chosen).copied());
        let url = |rendition: &AlternativeRendition| {
            rendition.url.as_ref().map(|url| url.expose().to_owned())
        };
        self.playing().and_then(url) != before.as_ref().and_then(url)
    }

    /// All renditions were refused and the user tries again.
    pub(super) fn forgive(&mut self, language: Option<&str>) -> bool {
        let refused = !self.failed.is_empty() && self.current.is_none();
        self.failed.clear();
        let group = self.group.clone();
        refused && self.follow(group.as_deref(), language)
    }

    /// The language of the one that plays.
    pub(super) fn language(&self) -> Option<&str> {
        self.playing()?.language.as_deref()
    }

    /// How many renditions a group has at most.
    pub(super) fn most(&self) -> usize {
        let size =
            |of: &AlternativeRendition| self.list.iter().filter(|it| it.group == of.group).count();
        self.list.iter().map(size).max().unwrap_or(0)
    }

    fn others(&self) -> impl Iterator<Item = usize> {
        let group = self.group().map(|(at, _)| at);
        group.filter(|at| self.current != Some(*at) && !self.failed.contains(at))
    }

    /// Another rendition of the group may be tried.
    pub(super) fn has_other(&self) -> bool {
        self.others().next().is_some()
    }

    /// Another rendition of the group goes on where this one fails; none where there is no other.
    pub(super) fn current_failed(&mut self) {
        let other = self.others().next();
        self.failed.extend(self.current);
        self.current = other;
        self.changed = self.place();
    }

    /// A packet of the lane for audio, under an id of its own; `None` when another rendition gave it before.
    pub(super) fn take(&mut self, mut packet: Packet) -> Option<Packet> {
        if self.given_until.is_some_and(|until| packet.pts < until) {
            return None;
        }
        self.given_until = Some(packet.pts + packet.duration.max(Time::from_micros(1)));
        packet.track = LaneRole::Audio.track_id(packet.track);
        Some(packet)
    }

    /// Which of its group is current.
    fn place(&self) -> Option<usize> {
        self.group().position(|(at, _)| self.current == Some(at))
    }

    /// What can be chosen, counted from `first` on; nothing when there is but one.
    pub(super) fn options(&self, first: usize) -> Vec<TrackOption> {
        let option =
            |(place, (at, rendition)): (usize, (usize, &AlternativeRendition))| TrackOption {
                index: u32::try_from(first + place).unwrap_or(u32::MAX),
                kind: TrackKind::Audio,
                label: rendition.label(),
                size: None,
                bitrate: None,
                selected: self.current == Some(at),
            };
        let options: Vec<TrackOption> = self.group().enumerate().map(option).collect();
        if options.len() < 2 {
            return Vec::new();
        }
        options
    }

    /// How many renditions the group has.
    pub(super) fn count(&self) -> usize {
        self.group().count()
    }

    /// Takes the rendition of that place in the group. `false`: there is none, or it plays.
    pub(super) fn select(&mut self, place: usize) -> bool {
        let at = self.group().nth(place).map(|(at, _)| at);
        let Some(at) = at.filter(|at| self.current != Some(*at)) else {
            return false;
        };
        self.current = Some(at);
        self.failed.retain(|failed| *failed != at);
        self.changed = Some(place);
        true
    }

    /// The same renditions at other URLs; those that were added later keep theirs.
    pub(super) fn renew(&mut self, list: Vec<AlternativeRendition>) {
        if list.len() <= self.list.len() {
            self.list.splice(0..list.len(), list);
        }
    }

    /// Renditions of pathways that were not there before.
    pub(super) fn add(&mut self, added: Vec<AlternativeRendition>) {
        self.list.extend(added);
    }
}

/// The renditions of sound alone of a presentation: variants that hold nothing else, or else the rendition beside the variants
/// that is played where nobody chose another; all as they are, where sound lies with the pictures only.
pub(super) fn alone(
    variants: Vec<Variant>,
    audio: Vec<AlternativeRendition>,
) -> (Vec<Variant>, Vec<AlternativeRendition>) {
    let without_group = |variant: &Variant| Variant {
        audio_group: None,
        ..variant.clone()
    };
    let heard: Vec<Variant> = variants
        .iter()
        .filter(|variant| variant.candidate().is_audio_only())
        .map(without_group)
        .collect();
    if !heard.is_empty() {
        return (heard, Vec::new());
    }
    let beside = variants.iter().find_map(|variant| {
        let group = variant.audio_group.as_ref()?;
        let of_group = audio.iter().filter(|it| it.group == *group);
        let (urls, candidates): (Vec<_>, Vec<_>) = of_group
            .filter_map(|it| Some((it.url.clone()?, it.candidate())))
            .unzip();
        let chosen = select::audio(&candidates, AudioPreference::default())?;
        Some(Variant {
            url: urls.get(chosen)?.clone(),
            size: None,
            codecs: String::new(),
            ..without_group(variant)
        })
    });
    match beside {
        Some(beside) => (vec![beside], Vec::new()),
        None => (variants, audio),
    }
}

/// No rendition of audio is left: the video plays on.
pub(super) fn without(fault: Fault) -> Fault {
    fault.because("no other rendition of the sound can be had: the pictures play on")
}
