//! What to play of a presentation that comes in several renditions, whichever manifest names them.

mod text;

use kinora_media::{CodecId, LanguageFit, TrackKind, language_fit};

pub use text::{TextCandidate, TextPreference, text};

/// What a manifest says of a variant before it is loaded.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Candidate<'a> {
    /// Peak bit/s; 0 when the author named none.
    pub bandwidth: u64,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// RFC 6381 names, comma separated; empty when the author named none.
    pub codecs: &'a str,
}

impl Candidate<'_> {
    /// The codecs that it names, as far as they have a name here.
    pub fn codec_ids(&self) -> impl Iterator<Item = CodecId> {
        self.codecs.split(',').filter_map(CodecId::from_rfc6381)
    }

    /// The codec of its video, if it names one.
    #[must_use]
    pub fn video_codec(&self) -> Option<CodecId> {
        self.codec_ids().find(|id| id.kind() == TrackKind::Video)
    }

    fn has_video(&self) -> bool {
        self.resolution.is_some() || self.video_codec().is_some()
    }

    /// It names codecs, and none of them is of video.
    #[must_use]
    pub fn is_audio_only(&self) -> bool {
        !self.has_video() && self.codec_ids().any(|id| id.kind() == TrackKind::Audio)
    }
}

/// Indices of the candidates that may be chosen without being named: those whose CODECS can all be decoded (RFC 8216
/// 4.3.4.2), with video where others have it. Where nothing is left, a rule does not count: that it can not be played is
/// for the decoder to say.
#[must_use]
pub fn eligible(candidates: &[Candidate<'_>], can_decode: impl Fn(CodecId) -> bool) -> Vec<usize> {
    let mut left: Vec<usize> = (0..candidates.len()).collect();
    let mut keep = |rule: &dyn Fn(&Candidate<'_>) -> bool| {
        let kept = left.iter().copied();
        let kept: Vec<usize> = kept
            .filter(|at| candidates.get(*at).is_some_and(rule))
            .collect();
        if !kept.is_empty() {
            left = kept;
        }
    };
    let plays = |id: &CodecId| matches!(id.kind(), TrackKind::Video | TrackKind::Audio);
    keep(&|one| one.codec_ids().filter(plays).all(&can_decode));
    if candidates.iter().any(Candidate::has_video) {
        keep(&|one| !one.is_audio_only());
    }
    left
}

/// The one of `eligible` to begin with: the best that a bandwidth carries, a quarter of it in reserve because
/// estimates are noisy; the least when none does.
#[must_use]
pub fn initial(
    candidates: &[Candidate<'_>],
    eligible: &[usize],
    bandwidth_bps: u64,
) -> Option<usize> {
    let rate = |at: &usize| candidates.get(*at).map_or(0, |one| one.bandwidth);
    let carried = bandwidth_bps.saturating_sub(bandwidth_bps.checked_div(4).unwrap_or(0));
    let best = eligible.iter().copied().filter(|at| rate(at) <= carried);
    best.max_by_key(rate)
        .or_else(|| eligible.iter().copied().min_by_key(rate))
}

/// An alternative rendition of audio, as its group lists it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AudioCandidate<'a> {
    /// Its name for people.
    pub name: &'a str,
    /// RFC 5646 tag.
    pub language: Option<&'a str>,
    /// To be taken where the user has no preference.
    pub default: bool,
}

/// What is preferred of a group: what played before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AudioPreference<'a> {
    /// The rendition of that name goes on.
    pub name: Option<&'a str>,
    /// Where there is none of that name: one in that language.
    pub language: Option<&'a str>,
}

/// Index in the group of the rendition to play: of the preferred name, else in the preferred language, else the
/// default, else the first (RFC 8216 4.3.4.1.1).
#[must_use]
pub fn audio(group: &[AudioCandidate<'_>], preference: AudioPreference<'_>) -> Option<usize> {
    let find = |is: &dyn Fn(&AudioCandidate<'_>) -> bool| group.iter().position(is);
    let named = |wanted: &str| find(&|one| one.name == wanted);
    let speaks = |wanted: &str| {
        let as_well_as = |fit: LanguageFit| {
            find(&|one| {
                one.language
                    .is_some_and(|has| language_fit(wanted, has) == fit)
            })
        };
        as_well_as(LanguageFit::Exact).or_else(|| as_well_as(LanguageFit::Related))
    };
    preference
        .name
        .and_then(named)
        .or_else(|| preference.language.and_then(speaks))
        .or_else(|| find(&|one| one.default))
        .or_else(|| (!group.is_empty()).then_some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bandwidth: u64, resolution: Option<(u32, u32)>, codecs: &str) -> Candidate<'_> {
        Candidate {
            bandwidth,
            resolution,
            codecs,
        }
    }

    const HD: Option<(u32, u32)> = Some((1_280, 720));
    const SD: Option<(u32, u32)> = Some((640, 360));

    #[test]
    fn a_variant_whose_codec_no_decoder_takes_is_left_aside() {
        let list = [
            of(1, SD, "avc1.4d401e,mp4a.40.2"),
            of(2, HD, "av01.0.05M.08,mp4a.40.2"),
            of(3, HD, ""),
            of(4, HD, "some.day,mp4a.40.2"),
        ];
        let without_av1 = |id| id != CodecId::Av1;
        assert_eq!(eligible(&list, without_av1), [0, 2, 3]);
        assert_eq!(eligible(&list, |_| true), [0, 1, 2, 3]);
        // Nothing is left of these: the decoder says why.
        assert_eq!(eligible(&list[1..2], without_av1), [0]);
    }

    #[test]
    fn audio_alone_is_no_choice_beside_video() {
        let list = [of(1, None, "mp4a.40.2"), of(2, SD, ""), of(3, None, "")];
        assert_eq!(eligible(&list, |_| true), [1, 2]);
        assert_eq!(eligible(&list[..1], |_| true), [0]);
        let radio = [of(1, None, "mp4a.40.5"), of(2, None, "mp4a.40.2")];
        assert_eq!(eligible(&radio, |_| true), [0, 1]);
    }

    #[test]
    fn the_first_is_the_best_that_the_bandwidth_carries() {
        let list = [of(1_280_000, SD, ""), of(5_000_000, HD, "")];
        let begin = |bandwidth| initial(&list, &[0, 1], bandwidth);
        assert_eq!(begin(8_000_000), Some(1));
        assert_eq!(begin(5_000_000), Some(0));
        assert_eq!(begin(100), Some(0));
        assert_eq!(initial(&list, &[1], 100), Some(1));
        assert_eq!(initial(&list, &[], 100), None);
    }

    #[test]
    fn audio_goes_on_by_name_then_by_language() {
        let one = |name, language, default| AudioCandidate {
            name,
            language: Some(language),
            default,
        };
        let group = [one("De", "de", false), one("En", "en", true)];
        let of = |name, language| audio(&group, AudioPreference { name, language });
        assert_eq!(of(None, None), Some(1));
        assert_eq!(of(Some("De"), None), Some(0));
        assert_eq!(of(Some("Deutsch"), Some("DE")), Some(0));
        assert_eq!(of(None, Some("fr")), Some(1));
        assert_eq!(audio(&[], AudioPreference::default()), None);
    }
}
