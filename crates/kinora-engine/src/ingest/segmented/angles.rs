//! The pictures from other sides (EXT-X-MEDIA of TYPE=VIDEO, RFC 8216 4.3.4.1): which of them takes the place of a variant's
//! own, and how another one does from the next border of segments on.

use kinora_errors::Secret;
use kinora_media::{Time, TrackKind};

use super::Segmented;
use super::index::{AlternativeRendition, Variant};
use crate::TrackOption;
use crate::cx::Cx;
use crate::ingest::{Buffer, Rebuffer};

/// The renditions of pictures beside those of the variants. Each group has the same ones, by their names, in the quality of
/// its variants.
#[derive(Default)]
pub(super) struct Angles {
    list: Vec<AlternativeRendition>,
    /// The name of the one that was chosen.
    chosen: Option<String>,
    /// The choice will take effect with the next lane; its place in the group.
    pub(super) changed: Option<usize>,
}

impl Angles {
    pub(super) fn new(list: Vec<AlternativeRendition>, chosen: Option<String>) -> Self {
        Self {
            list,
            chosen,
            changed: None,
        }
    }

    /// The same renditions at other URLs.
    pub(super) fn renew(&mut self, list: Vec<AlternativeRendition>) {
        self.list = list;
    }

    fn group<'a>(
        &'a self,
        variant: &'a Variant,
    ) -> impl Iterator<Item = &'a AlternativeRendition> + Clone {
        let group = variant.video_group.as_ref();
        let of_group = move |it: &&AlternativeRendition| Some(&it.group) == group;
        self.list.iter().filter(of_group)
    }

    /// What plays of a variant: what was chosen, else the default, else the variant's own pictures, else what may be taken
    /// without being chosen (RFC 8216 4.3.4.1.1).
    fn playing<'a>(&'a self, variant: &'a Variant) -> Option<&'a AlternativeRendition> {
        let find =
            |is: &dyn Fn(&AlternativeRendition) -> bool| self.group(variant).find(|it| is(it));
        find(&|it| Some(&it.name) == self.chosen.as_ref())
            .or_else(|| find(&|it| it.default))
            .or_else(|| find(&|it| it.url.is_none()))
            .or_else(|| find(&|it| it.autoselect))
    }

    /// Where the pictures of a variant are.
    pub(super) fn url(&self, variant: &Variant) -> Secret {
        let elsewhere = self.playing(variant).and_then(|it| it.url.clone());
        elsewhere.unwrap_or_else(|| variant.url.clone())
    }

    /// What can be chosen beside a variant, counted from `first` on; nothing where there is but one.
    pub(super) fn options(&self, variant: &Variant, first: usize) -> Vec<TrackOption> {
        let playing = self.playing(variant).map(|it| it.name.as_str());
        let option = |(place, it): (usize, &AlternativeRendition)| TrackOption {
            index: u32::try_from(first + place).unwrap_or(u32::MAX),
            kind: TrackKind::Video,
            label: it.label(),
            size: None,
            bitrate: None,
            selected: playing == Some(&it.name),
        };
        let options: Vec<_> = self.group(variant).enumerate().map(option).collect();
        match options.len() {
            0 | 1 => Vec::new(),
            _ => options,
        }
    }

    /// Takes the one of that place. `false`: there is none, or it plays.
    fn select(&mut self, variant: &Variant, place: usize) -> bool {
        let name = self.group(variant).nth(place).map(|it| it.name.clone());
        let playing = self.playing(variant).map(|it| it.name.clone());
        let is_other = name.is_some() && name != playing;
        if is_other {
            self.chosen = name;
            self.changed = Some(place);
        }
        is_other
    }
}

impl Segmented {
    /// The index of the first angle: they come behind all else, whose indices they do not change.
    pub(super) fn first_angle(&self) -> usize {
        self.first_text() + self.text.most()
    }

    /// Takes another angle from the next border of segments on.
    pub(super) fn select_angle(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
        place: usize,
    ) -> Rebuffer {
        let current = self.variants.current;
        let Some(variant) = self.variants.get(current) else {
            return Rebuffer::None;
        };
        if !self.angles.select(variant, place) {
            return Rebuffer::None;
        }
        self.drop_incoming(cx);
        if self.switch_behind(cx, buffer, position, current) {
            return Rebuffer::Behind;
        }
        self.incoming = self.open_variant(cx, current, self.start);
        Rebuffer::All
    }
}
