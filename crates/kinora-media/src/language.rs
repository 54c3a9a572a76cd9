//! Tags of languages: BCP 47, and the codes of ISO 639-2 that containers use in their place.

/// How well a tag fits what is wanted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LanguageFit {
    /// Another language, or none that is known.
    None,
    /// The same language, of which one of both says more: `en` and `en-GB`.
    Related,
    /// The same.
    Exact,
}

/// How well a tag fits the one that is wanted. Codes of ISO 639-2 and of ISO 639-1 are the same language: `eng`, `en`.
///
/// ```
/// use kinora_media::{LanguageFit, language_fit};
/// assert_eq!(language_fit("de", "ger"), LanguageFit::Exact);
/// assert_eq!(language_fit("en", "en-GB"), LanguageFit::Related);
/// assert_eq!(language_fit("zh-Hans", "zh-Hant"), LanguageFit::None);
/// ```
#[must_use]
pub fn language_fit(wanted: &str, has: &str) -> LanguageFit {
    let (mut wanted, mut has) = (Subtags::of(wanted), Subtags::of(has));
    if wanted.primary != has.primary || wanted.is_unknown() {
        return LanguageFit::None;
    }
    loop {
        match (wanted.rest.next(), has.rest.next()) {
            (None, None) => return LanguageFit::Exact,
            (None, Some(_)) | (Some(_), None) => return LanguageFit::Related,
            (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => {}
            _ => return LanguageFit::None,
        }
    }
}

/// A tag taken apart.
struct Subtags<'a> {
    primary: String,
    rest: std::str::Split<'a, [char; 2]>,
}

impl<'a> Subtags<'a> {
    fn of(tag: &'a str) -> Self {
        let mut rest = tag.trim().split(['-', '_']);
        let primary = rest.next().unwrap_or_default().to_ascii_lowercase();
        let primary = shortest(&primary).map_or(primary, str::to_owned);
        Self { primary, rest }
    }

    /// `und` and the like name no language.
    fn is_unknown(&self) -> bool {
        matches!(self.primary.as_str(), "" | "und" | "mul" | "mis" | "zxx")
    }
}

/// The code of two letters that BCP 47 has for one of three (RFC 5646 2.2.1: the shortest is the one to use).
fn shortest(code: &str) -> Option<&'static str> {
    if code.len() != 3 {
        return None;
    }
    let mut all = ISO_639.split_ascii_whitespace();
    let names = |entry: &&str| entry.split('/').skip(1).any(|it| it == code);
    all.find(names).and_then(|entry| entry.get(..2))
}

/// ISO 639-1, and for each the terminological and bibliographic codes of ISO 639-2.
const ISO_639: &str = "aa/aar ab/abk ae/ave af/afr ak/aka am/amh an/arg ar/ara as/asm av/ava ay/aym az/aze ba/bak be/bel \
    bg/bul bi/bis bm/bam bn/ben bo/bod/tib br/bre bs/bos ca/cat ce/che ch/cha co/cos cr/cre cs/ces/cze cu/chu cv/chv \
    cy/cym/wel da/dan de/deu/ger dv/div dz/dzo ee/ewe el/ell/gre en/eng eo/epo es/spa et/est eu/eus/baq fa/fas/per ff/ful \
    fi/fin fj/fij fo/fao fr/fra/fre fy/fry ga/gle gd/gla gl/glg gn/grn gu/guj gv/glv ha/hau he/heb hi/hin ho/hmo hr/hrv \
    ht/hat hu/hun hy/hye/arm hz/her ia/ina id/ind ie/ile ig/ibo ii/iii ik/ipk io/ido is/isl/ice it/ita iu/iku ja/jpn \
    jv/jav ka/kat/geo kg/kon ki/kik kj/kua kk/kaz kl/kal km/khm kn/kan ko/kor kr/kau ks/kas ku/kur kv/kom kw/cor ky/kir \
    la/lat lb/ltz lg/lug li/lim ln/lin lo/lao lt/lit lu/lub lv/lav mg/mlg mh/mah mi/mri/mao mk/mkd/mac ml/mal mn/mon \
    mr/mar ms/msa/may mt/mlt my/mya/bur na/nau nb/nob nd/nde ne/nep ng/ndo nl/nld/dut nn/nno no/nor nr/nbl nv/nav ny/nya \
    oc/oci oj/oji om/orm or/ori os/oss pa/pan pi/pli pl/pol ps/pus pt/por qu/que rm/roh rn/run ro/ron/rum ru/rus rw/kin \
    sa/san sc/srd sd/snd se/sme sg/sag si/sin sk/slk/slo sl/slv sm/smo sn/sna so/som sq/sqi/alb sr/srp ss/ssw st/sot \
    su/sun sv/swe sw/swa ta/tam te/tel tg/tgk th/tha ti/tir tk/tuk tl/tgl tn/tsn to/ton tr/tur ts/tso tt/tat tw/twi \
    ty/tah ug/uig uk/ukr ur/urd uz/uzb ve/ven vi/vie vo/vol wa/wln wo/wol xh/xho yi/yid yo/yor za/zha zh/zho/chi zu/zul";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_two_and_of_three_letters_are_one_language() {
        for (wanted, has) in [
            ("en", "eng"),
            ("chi", "zho"),
            ("ZH", "chi"),
            ("fre", "FR"),
            ("pt-br", "por-BR"),
            ("haw", "haw"),
        ] {
            assert_eq!(
                language_fit(wanted, has),
                LanguageFit::Exact,
                "{wanted} {has}"
            );
        }
    }

    #[test]
    fn a_tag_that_says_more_is_related_and_one_that_says_something_else_is_not() {
        assert_eq!(language_fit("en-US", "en"), LanguageFit::Related);
        assert_eq!(language_fit("zh", "zh-Hant-TW"), LanguageFit::Related);
        assert_eq!(language_fit("en-US", "en-GB"), LanguageFit::None);
        assert_eq!(language_fit("en", "de"), LanguageFit::None);
        assert_eq!(language_fit("und", "und"), LanguageFit::None);
        assert_eq!(language_fit("", ""), LanguageFit::None);
        assert_eq!(
            language_fit("en", "enm"),
            LanguageFit::None,
            "Middle English"
        );
    }
}
