//! Which subtitles are shown where nobody chose any.

use core::cmp::Reverse;

use kinora_media::{LanguageFit, language_fit};

/// Subtitles to choose from: a rendition of a group, a track of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TextCandidate<'a> {
    /// Their name for people.
    pub name: &'a str,
    /// BCP 47 or ISO 639-2.
    pub language: Option<&'a str>,
    /// To be shown where the user has no preference.
    pub default: bool,
    /// May be taken without being named.
    pub autoselect: bool,
    /// To be shown also where nobody asked for subtitles: translations of foreign speech and signs.
    pub forced: bool,
}

/// What is preferred of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TextPreference<'a> {
    /// The language that is wanted; `None`: whatever their author says.
    pub language: Option<&'a str>,
    /// The language of the sound.
    pub audio: Option<&'a str>,
}

/// Index of the subtitles to show: those in the wanted language; where none is named, those that their author calls the
/// default; else those that are forced, in the language of the sound (RFC 8216 4.3.4.1, RFC 9559 5.1.4.1.5.7). `None`: none.
#[must_use]
pub fn text(group: &[TextCandidate<'_>], preference: TextPreference<'_>) -> Option<usize> {
    let spoken = |wanted: &str, one: &TextCandidate<'_>| {
        let fit = one.language.map(|has| language_fit(wanted, has));
        fit.filter(|fit| *fit != LanguageFit::None)
    };
    let all = || group.iter().enumerate();
    let chosen = match preference.language {
        Some(wanted) => all()
            .filter(|(_, one)| !one.forced)
            .filter_map(|(at, one)| Some((at, one, spoken(wanted, one)?)))
            .max_by_key(|(at, one, fit)| (*fit, one.default, one.autoselect, Reverse(*at)))
            .map(|(at, ..)| at),
        None => group.iter().position(|one| one.default && !one.forced),
    };
    let fits_the_sound = |one: &TextCandidate<'_>| match (preference.audio, one.language) {
        (Some(audio), Some(_)) => spoken(audio, one).is_some(),
        // Nobody says what is spoken.
        _ => true,
    };
    chosen.or_else(|| {
        group
            .iter()
            .position(|one| one.forced && fits_the_sound(one))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(language: &'a str, flags: &str) -> TextCandidate<'a> {
        TextCandidate {
            name: language,
            language: Some(language),
            default: flags.contains('d'),
            autoselect: flags.contains('a'),
            forced: flags.contains('f'),
        }
    }

    fn chosen(
        group: &[TextCandidate<'_>],
        language: Option<&str>,
        audio: Option<&str>,
    ) -> Option<usize> {
        text(group, TextPreference { language, audio })
    }

    #[test]
    fn the_wanted_language_comes_before_the_default_and_nothing_in_its_place() {
        let group = [of("en", "d"), of("fr-CA", ""), of("fr", "a"), of("fr", "d")];
        assert_eq!(chosen(&group, None, None), Some(0));
        assert_eq!(chosen(&group, Some("fra"), None), Some(3));
        assert_eq!(chosen(&group, Some("fr-CA"), None), Some(1));
        assert_eq!(chosen(&group, Some("de"), None), None);
        assert_eq!(chosen(&group[1..2], None, None), None);
    }

    #[test]
    fn forced_ones_are_shown_in_the_language_of_the_sound_where_no_others_are() {
        let group = [of("en", "f"), of("de", "f"), of("de", "")];
        assert_eq!(chosen(&group, None, Some("ger")), Some(1));
        assert_eq!(chosen(&group, None, Some("fr")), None);
        assert_eq!(chosen(&group, None, None), Some(0));
        assert_eq!(chosen(&group, Some("de"), Some("en")), Some(2));
        assert_eq!(chosen(&group, Some("fr"), Some("en")), Some(0));
        assert_eq!(chosen(&[], Some("fr"), None), None);
    }
}
