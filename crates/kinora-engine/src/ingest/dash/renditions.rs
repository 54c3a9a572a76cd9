//! The renditions that a presentation is played by: what they are called in one period finds them in the others.

use std::sync::Arc;

use kinora_errors::Secret;
use kinora_manifest::dash::{AdaptationSet, ContentType, Mpd, Period, Purpose, Representation};
use kinora_manifest::select::Candidate;
use kinora_media::{CodecId, TrackKind};

use crate::ingest::segmented::index::{
    AlternativeRendition, CaptionGroup, CaptionRendition, TextRendition, Variant,
};

/// Sets that a player presents only when told to.
const SPECIAL: [&str; 5] = ["alternate", "commentary", "sign", "emergency", "easyreader"];
/// What the groups of audio renditions are called, with the number of their tier behind.
const AUDIO_GROUP: &str = "audio";
/// The group of all text renditions.
const TEXT_GROUP: &str = "text";
/// The group of all captions.
const CAPTION_GROUP: &str = "captions";
/// Captions within the pictures (SCTE 214-1 7.2): of line 21, and of digital television.
const LINE_21: &str = "urn:scte:dash:cc:cea-608:2015";
const CEA_708: &str = "urn:scte:dash:cc:cea-708:2015";
/// Four channels of the one, 63 services of the other.
const MAX_CAPTIONS: usize = 67;
/// The sound of a rendition of pictures has no more than that part of their rate, unless there is none of less.
const SOUND_SHARE: u64 = 4;
/// Encodings of one language that are told apart.
const MAX_TIERS: usize = 8;

/// What a rendition is known by.
#[derive(Clone, Debug)]
pub(super) struct Rendition {
    content: ContentType,
    id: Arc<str>,
    bandwidth: u64,
    codecs: Arc<str>,
    resolution: Option<(u32, u32)>,
    language: Option<Arc<str>>,
    label: Option<String>,
    role: Option<Arc<str>>,
    /// Of sound: how many encodings of its language have a lower rate.
    tier: usize,
}

impl Rendition {
    fn of(set: &AdaptationSet, it: &Representation) -> Self {
        Self {
            content: set.content_type,
            id: it.id.clone(),
            bandwidth: it.bandwidth,
            codecs: it.codecs.clone(),
            resolution: it.resolution,
            language: set.language.clone(),
            label: set.label().map(str::to_owned),
            role: role(set).cloned(),
            tier: 0,
        }
    }

    /// Its representation in a period: that of its name, else the one that is most like it.
    pub(super) fn find<'a>(&self, period: &'a Period) -> Option<&'a Representation> {
        let sets = period.adaptation_sets.iter();
        let sets = sets.filter(|it| it.content_type == self.content && it.purpose == Purpose::Main);
        // Words in another language are no substitute.
        let sets =
            sets.filter(|it| self.content != ContentType::Text || it.language == self.language);
        let all = sets.flat_map(|set| set.representations.iter().map(move |it| (set, it)));
        let family = |codecs: &str| codecs.split('.').next().unwrap_or_default().to_owned();
        let best = all.min_by_key(|(set, it)| {
            (
                set.language != self.language,
                role(set) != self.role.as_ref(),
                it.id != self.id,
                family(&it.codecs) != family(&self.codecs),
                it.bandwidth.abs_diff(self.bandwidth),
            )
        });
        best.map(|(_, it)| it)
    }

    pub(super) fn variant(&self, manifest: &Secret, audio: &[Self], has_captions: bool) -> Variant {
        Variant {
            pathway: None,
            stable_id: None,
            url: manifest.clone(),
            bandwidth: self.bandwidth,
            size: self.resolution,
            name: None,
            codecs: self.codecs.to_string(),
            audio_group: self.tier_of_sound(audio).map(audio_group),
            text_group: Some(TEXT_GROUP.to_owned()),
            video_group: None,
            captions: match has_captions {
                true => CaptionGroup::Named(CAPTION_GROUP.to_owned()),
                false => CaptionGroup::Untold,
            },
        }
    }

    /// The tier of sound that goes with these pictures: by the set that is preferred, which comes first in each.
    fn tier_of_sound(&self, audio: &[Self]) -> Option<usize> {
        let least = audio.first()?.tier;
        let of_first = |tier: usize| audio.iter().find(|it| it.tier == tier);
        let tiers = (least..MAX_TIERS).map_while(of_first);
        let most = self.bandwidth / SOUND_SHARE;
        let fit = tiers.filter(|it| it.bandwidth <= most).last();
        Some(fit.map_or(least, |it| it.tier))
    }

    pub(super) fn audio_rendition(&self, manifest: &Secret) -> AlternativeRendition {
        AlternativeRendition {
            group: audio_group(self.tier),
            rate: Some(self.bandwidth).filter(|rate| *rate > 0),
            name: self.label.clone().unwrap_or_default(),
            language: self.language.as_deref().map(str::to_owned),
            url: Some(manifest.clone()),
            default: self.role.as_deref() == Some("main"),
            autoselect: false,
        }
    }

    pub(super) fn text_rendition(&self, manifest: &Secret) -> TextRendition {
        let role = self.role.as_deref();
        TextRendition {
            group: TEXT_GROUP.to_owned(),
            name: self.label.clone().unwrap_or_default(),
            language: self.language.as_deref().map(str::to_owned),
            url: manifest.clone(),
            default: role == Some("main"),
            autoselect: false,
            // ISO/IEC 23009-1 5.8.5.5; the underscore is DVB's.
            forced: matches!(role, Some("forced-subtitle" | "forced_subtitle")),
        }
    }
}

/// The first role of a set.
fn role(set: &AdaptationSet) -> Option<&Arc<str>> {
    set.roles.first().and_then(|it| it.value.as_ref())
}

/// The sets of one content that play in the first period that has any; special ones only where there are no others.
fn main_sets(mpd: &Mpd, content: ContentType) -> Vec<&AdaptationSet> {
    let of = |period: &'_ Period, special: bool| -> Vec<usize> {
        let is = |set: &AdaptationSet| {
            let fits = set.content_type == content && set.purpose == Purpose::Main;
            let special_role = SPECIAL.iter().any(|it| set.has_role(it));
            fits && !set.representations.is_empty() && (special || !special_role)
        };
        let sets = period.adaptation_sets.iter().enumerate();
        sets.filter(|(_, set)| is(set)).map(|(at, _)| at).collect()
    };
    for special in [false, true] {
        for period in &mpd.periods {
            let found = of(period, special || content != ContentType::Video);
            if !found.is_empty() {
                let sets = found.into_iter();
                return sets
                    .filter_map(|at| period.adaptation_sets.get(at))
                    .collect();
            }
        }
    }
    Vec::new()
}

/// Those that adaptation chooses among, by rising bandwidth: of video; where there is none, or it is not wanted, of audio.
pub(super) fn main_renditions(mpd: &Mpd, sound_alone: bool) -> Vec<Rendition> {
    let mut sets = main_sets(mpd, ContentType::Video);
    let audio = main_sets(mpd, ContentType::Audio);
    if sets.is_empty() || sound_alone && !audio.is_empty() {
        // Other languages are no other qualities.
        sets = audio;
        let main = sets
            .iter()
            .position(|set| set.has_role("main"))
            .unwrap_or(0);
        sets = sets.get(main).into_iter().copied().collect();
    }
    let all = sets.into_iter();
    let all = all.flat_map(|set| set.representations.iter().map(|it| Rendition::of(set, it)));
    let mut all: Vec<Rendition> = all.collect();
    all.sort_by_key(|it| it.bandwidth);
    all
}

/// Those of audio beside video; of sets that differ by nothing but the codec, those that can be decoded. The encodings of a set
/// lie in tiers of rising rate, each a group with one encoding of each set: which tier is heard depends on the pictures, as it
/// does where a playlist names groups (RFC 8216 4.3.4.2).
pub(super) fn audio_renditions(mpd: &Mpd, can_decode: &dyn Fn(CodecId) -> bool) -> Vec<Rendition> {
    if main_sets(mpd, ContentType::Video).is_empty() {
        return Vec::new();
    }
    let decodes = |it: &Representation| {
        let candidate = Candidate {
            codecs: &it.codecs,
            ..Candidate::default()
        };
        let mut audio = candidate
            .codec_ids()
            .filter(|id| id.kind() == TrackKind::Audio);
        audio.all(can_decode)
    };
    let mut sets = main_sets(mpd, ContentType::Audio);
    sets.sort_by_key(|set| core::cmp::Reverse(set.selection_priority));
    let playable = sets
        .iter()
        .any(|set| set.representations.iter().any(decodes));
    let encodings = sets.into_iter().map(|set| {
        let all = set.representations.iter();
        let fit = all.filter(|it| !playable || decodes(it)).take(MAX_TIERS);
        fit.map(|it| Rendition::of(set, it)).collect::<Vec<_>>()
    });
    let encodings: Vec<Vec<Rendition>> = encodings.filter(|it| !it.is_empty()).collect();
    let tiers = encodings.iter().map(Vec::len).max().unwrap_or(0);
    let tier = |tier: usize| {
        let nearest = move |set: &Vec<Rendition>| set.get(tier).or(set.last()).cloned();
        let of_tier = encodings.iter().filter_map(nearest);
        of_tier.map(move |it| Rendition { tier, ..it })
    };
    (0..tiers).flat_map(tier).collect()
}

fn audio_group(tier: usize) -> String {
    format!("{AUDIO_GROUP}{tier}")
}

/// Those of text, one a set.
pub(super) fn text_renditions(mpd: &Mpd) -> Vec<Rendition> {
    let sets = main_sets(mpd, ContentType::Text).into_iter();
    let first = |set: &AdaptationSet| set.representations.first().map(|it| Rendition::of(set, it));
    sets.filter_map(first).collect()
}

/// The captions within the pictures that the first set of video names.
pub(super) fn caption_renditions(mpd: &Mpd) -> Vec<CaptionRendition> {
    let sets = main_sets(mpd, ContentType::Video);
    let named = sets.first().into_iter().flat_map(|set| &set.accessibility);
    let parts = named.flat_map(|it| {
        let value = it.value.as_deref().unwrap_or_default();
        value
            .split(';')
            .filter_map(|part| caption(&it.scheme, part))
    });
    parts.take(MAX_CAPTIONS).collect()
}

/// `CC1=eng`, `1=lang:eng,er:1`.
fn caption(scheme: &str, part: &str) -> Option<CaptionRendition> {
    let (name, about) = part.split_once('=')?;
    let (instream_id, language) = match scheme {
        LINE_21 => (name.to_owned(), Some(about)),
        CEA_708 => {
            let mut settings = about.split(',');
            let language = settings.find_map(|it| it.strip_prefix("lang:"));
            (format!("SERVICE{name}"), language)
        }
        _ => return None,
    };
    Some(CaptionRendition {
        group: CAPTION_GROUP.to_owned(),
        name: String::new(),
        language: language.map(str::to_owned),
        instream_id,
        default: false,
        autoselect: false,
    })
}
