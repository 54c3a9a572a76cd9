//! Parameters that requests for segments carry (ISO/IEC 23009-1 annex I): of the manifest's own URL, or named by it.

use std::sync::Arc;

use url::Url;

use super::base_url::MAX_URL;
use super::values;
use super::xml::Element;

/// `UrlQueryInfo` (I.2), and `ExtUrlQueryInfo` (I.3), which says what requests it is for.
pub(super) const SCHEMES: [&str; 2] =
    ["urn:mpeg:dash:urlparam:2014", "urn:mpeg:dash:urlparam:2016"];

/// The parameters that are added to the URLs of a representation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UrlQuery {
    text: Arc<str>,
    /// Only URLs of that origin get them.
    only: Option<Url>,
}

impl UrlQuery {
    /// What the first of the properties of an element says, those that are essential before others; else what holds above.
    pub(super) fn below(above: Option<&Self>, element: &Element, mpd: &Url) -> Option<Self> {
        let named = ["EssentialProperty", "SupplementalProperty"];
        let mut all = named.into_iter().flat_map(|name| element.all(name));
        let named = all.find(|it| is_scheme(it.attribute("schemeIdUri").map_or("", |it| it)));
        match named {
            Some(property) => Self::read(property, mpd),
            None => above.cloned(),
        }
    }

    fn read(property: &Element, mpd: &Url) -> Option<Self> {
        let extended = property.child("ExtUrlQueryInfo");
        let info = extended.or_else(|| property.child("UrlQueryInfo"))?;
        let wanted = values::words(info, "includeInRequests");
        let of_segments = wanted.is_empty() || wanted.iter().any(|it| it == "segment");
        if extended.is_some() && !of_segments {
            return None;
        }
        // I.2.3.2: what stands for `$querypart$`.
        let own = values::flag(info, "useMPDUrlQuery").unwrap_or(false);
        let of_mpd = mpd.query().filter(|_| own);
        let named = info.attribute("queryString").map(|it| &**it);
        let parts = [of_mpd, named].into_iter().flatten();
        let parts: Vec<&str> = parts.filter(|it| !it.is_empty()).collect();
        let template = info.attribute("queryTemplate").map_or("", |it| it);
        let text = expand(template, &parts.join("&"));
        let same = extended.and_then(|it| values::flag(it, "sameOriginOnly"));
        (!text.is_empty() && text.len() <= MAX_URL).then(|| Self {
            text: text.into(),
            only: same.unwrap_or(false).then(|| mpd.clone()),
        })
    }

    /// Adds them to a URL behind the parameters that it has.
    pub(super) fn add_to(&self, url: &mut Url) {
        if self
            .only
            .as_ref()
            .is_some_and(|only| only.origin() != url.origin())
        {
            return;
        }
        let query = match url.query().filter(|it| !it.is_empty()) {
            Some(query) => format!("{query}&{}", self.text),
            None => self.text.to_string(),
        };
        url.set_query(Some(&query));
    }
}

pub(super) fn is_scheme(scheme: &str) -> bool {
    SCHEMES.contains(&scheme)
}

/// A template with the parameters in the place of `$querypart$` and `$query:name$` (I.2.3.3).
fn expand(template: &str, query: &str) -> String {
    let mut out = String::new();
    // Between the first and the second dollar sign stands a name, and so on.
    for (at, part) in template.split('$').enumerate() {
        match at % 2 == 1 {
            false => out.push_str(part),
            true if part.is_empty() => out.push('$'),
            true if part == "querypart" => out.push_str(query),
            true => {
                let name = part.strip_prefix("query:");
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                if let Some((_, value)) = pairs.find(|(key, _)| Some(*key) == name) {
                    out.push_str(value);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::dash::{Limits, Window, parse};
    use url::Url;

    /// The URLs of the init section and of the first segment.
    fn urls(property: &str, of_set: &str) -> [String; 2] {
        let text = format!(
            "<MPD type='static'><Period duration='PT4S'><AdaptationSet mimeType='video/mp4'>{of_set}\
             <SegmentTemplate duration='2' initialization='i?x=1' media='$Number$.m4s'/><Representation id='v' bandwidth='1'>{property}</Representation>\
             </AdaptationSet></Period></MPD>"
        );
        let url = Url::parse("https://a.test/film.mpd?token=t%2F1&user=u").unwrap();
        let mpd = parse(text.as_bytes(), &url, &Limits::default()).unwrap();
        let period = &mpd.periods[0];
        let it = &period.adaptation_sets[0].representations[0];
        let base = it.base(&url);
        let init = it.initialization(&base).unwrap().unwrap();
        let segments = it.segments(&base, period, Window::ALL, 1).unwrap();
        [init.url.to_string(), segments[0].resource.url.to_string()]
    }

    fn property(kind: &str, year: u32, attributes: &str) -> String {
        let name = if year == 2014 {
            "UrlQueryInfo"
        } else {
            "ExtUrlQueryInfo"
        };
        format!(
            "<{kind} schemeIdUri='urn:mpeg:dash:urlparam:{year}'><up:{name} xmlns:up='urn:mpeg:dash:schema:urlparam:{year}' {attributes}/></{kind}>"
        )
    }

    #[test]
    fn parameters_of_the_manifests_url_and_its_own_go_with_segments() {
        let of = |attributes: &str| urls(&property("EssentialProperty", 2014, attributes), "");
        assert_eq!(
            of("queryTemplate='$querypart$' useMPDUrlQuery='true' queryString='a=b'"),
            [
                "https://a.test/i?x=1&token=t%2F1&user=u&a=b",
                "https://a.test/1.m4s?token=t%2F1&user=u&a=b"
            ]
        );
        let one = of("queryTemplate='auth=$query:token$&amp;cost=$$' useMPDUrlQuery='true'");
        assert_eq!(one[1], "https://a.test/1.m4s?auth=t%2F1&cost=$");
        assert_eq!(of("queryTemplate='$querypart$'")[1], "https://a.test/1.m4s");
    }

    #[test]
    fn the_nearest_level_counts_and_other_requests_and_origins_get_none() {
        let set = property(
            "SupplementalProperty",
            2014,
            "queryTemplate='$querypart$' queryString='of=set'",
        );
        assert_eq!(urls("", &set)[1], "https://a.test/1.m4s?of=set");
        let own = property("EssentialProperty", 2014, "queryTemplate='of=own'");
        assert_eq!(urls(&own, &set)[1], "https://a.test/1.m4s?of=own");
        let other =
            "queryTemplate='$querypart$' useMPDUrlQuery='true' includeInRequests='steering mpd'";
        let other = property("EssentialProperty", 2016, other);
        assert_eq!(urls(&other, "")[1], "https://a.test/1.m4s");
        let same = "queryTemplate='$querypart$' useMPDUrlQuery='true' sameOriginOnly='true'";
        let same = property("EssentialProperty", 2016, same);
        assert_eq!(
            urls(&same, "")[1],
            "https://a.test/1.m4s?token=t%2F1&user=u"
        );
        let elsewhere = urls(&format!("<BaseURL>https://b.test/</BaseURL>{same}"), "");
        assert_eq!(elsewhere[1], "https://b.test/1.m4s");
    }
}
