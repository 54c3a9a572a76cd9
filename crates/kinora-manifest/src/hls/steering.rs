//! Content steering (RFC 8216bis 7): the steering manifest, and the variants of pathways that it makes of others. Those of DASH
//! are steered by the same manifest (ETSI TS 103 998 5.2): its pathways are service locations.

use core::time::Duration;
use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use super::error::{HlsError, HlsErrorKind};
use super::model::{MultivariantPlaylist, Rendition, Variant};

/// The pathway of what names none (RFC 8216bis 4.4.6.2).
pub const DEFAULT_PATHWAY: &str = ".";

/// Bytes of a steering manifest.
const MAX_BYTES: usize = 1 << 20;
/// Pathways, clones and the URIs in them.
const MAX_ENTRIES: usize = 256;
/// A playlist holds no more variants or renditions once pathways are cloned.
const MAX_RENDITIONS: usize = 10_000;
/// It is not asked for more often (RFC 8216bis 7.2: 300 s where the manifest says nothing).
const MIN_TTL: Duration = Duration::from_secs(10);
const DEFAULT_TTL: Duration = Duration::from_secs(300);
const MAX_TTL: Duration = Duration::from_secs(86_400);

/// What a steering server says: which pathway to prefer, and when it is asked again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SteeringManifest {
    /// It is asked again then.
    pub ttl: Duration,
    /// Where, if elsewhere; relative to where it was found.
    pub reload_uri: Option<String>,
    /// Pathways, the best first.
    pub priority: Vec<String>,
    /// Pathways that are as others, elsewhere.
    pub clones: Vec<PathwayClone>,
}

/// A pathway that is as another one, with other URIs (RFC 8216bis 7.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathwayClone {
    /// The pathway that it is made of.
    pub base: String,
    /// Its own name.
    pub id: String,
    /// The host that takes the place of that in the URIs.
    pub host: Option<String>,
    /// Query parameters that are set.
    pub params: Vec<(String, String)>,
    /// URIs of variants by their stable ids.
    pub variants: Vec<(String, String)>,
    /// URIs of renditions by their stable ids.
    pub renditions: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Raw {
    version: u64,
    #[serde(default)]
    ttl: Option<f64>,
    #[serde(default, rename = "RELOAD-URI")]
    reload_uri: Option<String>,
    // The second name is that of older steering servers of DASH.
    #[serde(
        default,
        rename = "PATHWAY-PRIORITY",
        alias = "SERVICE-LOCATION-PRIORITY"
    )]
    priority: Vec<String>,
    #[serde(default, rename = "PATHWAY-CLONES")]
    clones: Vec<RawClone>,
}

#[derive(Deserialize)]
struct RawClone {
    #[serde(rename = "BASE-ID")]
    base: String,
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "URI-REPLACEMENT")]
    replacement: RawReplacement,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawReplacement {
    #[serde(rename = "HOST")]
    host: Option<String>,
    #[serde(rename = "PARAMS")]
    params: BTreeMap<String, String>,
    #[serde(rename = "PER-VARIANT-URIS")]
    variants: BTreeMap<String, String>,
    #[serde(rename = "PER-RENDITION-URIS")]
    renditions: BTreeMap<String, String>,
}

impl SteeringManifest {
    /// Reads one.
    ///
    /// # Errors
    /// When it is no steering manifest of version 1, or exceeds the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, HlsError> {
        if bytes.len() > MAX_BYTES {
            return Err(HlsErrorKind::Limit("bytes").at(0));
        }
        let read: Result<Raw, _> = serde_json::from_slice(bytes);
        let raw = read
            .map_err(|error| HlsErrorKind::Steering.at(u32::try_from(error.line()).unwrap_or(0)))?;
        if raw.version != 1 {
            return Err(HlsErrorKind::Steering.at(0));
        }
        let of_clones = raw.clones.iter().map(|clone| {
            let it = &clone.replacement;
            let uris = it.variants.len().saturating_add(it.renditions.len());
            uris.saturating_add(it.params.len()).saturating_add(1)
        });
        let entries = of_clones.fold(raw.priority.len(), usize::saturating_add);
        if entries > MAX_ENTRIES {
            return Err(HlsErrorKind::Limit("entries").at(0));
        }
        Ok(Self {
            ttl: ttl(raw.ttl),
            reload_uri: raw.reload_uri,
            priority: raw.priority,
            clones: raw.clones.into_iter().map(clone).collect(),
        })
    }
}

fn ttl(seconds: Option<f64>) -> Duration {
    let seconds = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.unwrap_or(DEFAULT_TTL).clamp(MIN_TTL, MAX_TTL)
}

fn clone(raw: RawClone) -> PathwayClone {
    let it = raw.replacement;
    PathwayClone {
        base: raw.base,
        id: raw.id,
        host: it.host,
        params: it.params.into_iter().collect(),
        variants: it.variants.into_iter().collect(),
        renditions: it.renditions.into_iter().collect(),
    }
}

impl Variant {
    /// The pathway that it belongs to.
    #[must_use]
    pub fn pathway(&self) -> &str {
        self.pathway.as_deref().unwrap_or(DEFAULT_PATHWAY)
    }
}

impl PathwayClone {
    /// Adds the pathway to a playlist, unless that has it or lacks its base. Groups that its variants name are cloned with
    /// them, under names of their own.
    pub fn add_to(&self, list: &mut MultivariantPlaylist) {
        let has = |id: &str| list.variants.iter().any(|variant| variant.pathway() == id);
        if has(&self.id) || !has(&self.base) {
            return;
        }
        let based = list.variants.iter().filter(|it| it.pathway() == self.base);
        let variants: Vec<Variant> = based.map(|it| self.variant(list, it)).collect();
        let names = |variant: &Variant| {
            [&variant.audio, &variant.video, &variant.subtitles].map(Clone::clone)
        };
        let groups: Vec<String> = list
            .variants
            .iter()
            .filter(|it| it.pathway() == self.base)
            .flat_map(names)
            .flatten()
            .collect();
        let cloned = list
            .renditions
            .iter()
            .filter(|it| groups.contains(&it.group));
        let renditions: Vec<Rendition> = cloned.map(|it| self.rendition(list, it)).collect();
        let variants_after = list.variants.len().saturating_add(variants.len());
        let renditions_after = list.renditions.len().saturating_add(renditions.len());
        if variants_after.max(renditions_after) > MAX_RENDITIONS {
            return;
        }
        list.variants.extend(variants);
        list.renditions.extend(renditions);
    }

    fn variant(&self, list: &MultivariantPlaylist, of: &Variant) -> Variant {
        let group = |group: &Option<String>| group.as_ref().map(|group| self.group(group));
        Variant {
            uri: self.uri(
                list,
                &of.uri,
                named(&self.variants, of.stable_id.as_deref()),
            ),
            pathway: Some(self.id.clone()),
            audio: group(&of.audio),
            video: group(&of.video),
            subtitles: group(&of.subtitles),
            ..of.clone()
        }
    }

    fn rendition(&self, list: &MultivariantPlaylist, of: &Rendition) -> Rendition {
        let own = named(&self.renditions, of.stable_id.as_deref());
        Rendition {
            uri: of.uri.as_ref().map(|uri| self.uri(list, uri, own)),
            group: self.group(&of.group),
            ..of.clone()
        }
    }

    fn group(&self, of: &str) -> String {
        format!("{of}@{}", self.id)
    }

    /// A URI in this pathway: its own, or that of the base with another host and parameters.
    fn uri(&self, list: &MultivariantPlaylist, uri: &str, own: Option<&str>) -> String {
        if let Some(own) = own {
            return own.to_owned();
        }
        match list.resolve(uri) {
            Ok(url) => self.elsewhere(url).into(),
            Err(_) => uri.to_owned(),
        }
    }

    /// A URL of the base in this pathway: with another host and parameters.
    #[must_use]
    pub fn elsewhere(&self, mut url: Url) -> Url {
        if let Some(host) = &self.host {
            // One that is no host leaves the URL as it is.
            let _ = set_host(&mut url, host);
        }
        for (name, value) in &self.params {
            set_param(&mut url, name, value);
        }
        url
    }
}

fn named<'a>(uris: &'a [(String, String)], id: Option<&str>) -> Option<&'a str> {
    let of_id = uris.iter().find(|(at, _)| Some(at.as_str()) == id);
    of_id.map(|(_, uri)| uri.as_str())
}

/// A host, with a port where it names one.
fn set_host(url: &mut Url, host: &str) -> Option<()> {
    let authority = Url::parse(&format!("{}://{host}/", url.scheme())).ok()?;
    url.set_host(authority.host_str()).ok()?;
    url.set_port(authority.port()).ok()
}

/// Sets a query parameter; others keep their spelling, which may be signed.
pub fn set_param(url: &mut Url, name: &str, value: &str) {
    let of_name = |pair: &&str| pair.split('=').next() != Some(name);
    let query = url.query().unwrap_or_default();
    let others: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter(of_name)
        .map(str::to_owned)
        .collect();
    url.set_query(
        Some(&others.join("&"))
            .filter(|it| !it.is_empty())
            .map(String::as_str),
    );
    url.query_pairs_mut().append_pair(name, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hls::{Limits, Playlist, Variables, parse};

    const MANIFEST: &str = r#"{"VERSION":1,"TTL":60,"RELOAD-URI":"next?x","PATHWAY-PRIORITY":["C","A"],
        "PATHWAY-CLONES":[{"BASE-ID":"A","ID":"C","URI-REPLACEMENT":{"HOST":"c.test:8443","PARAMS":{"token":"t 1"},
        "PER-VARIANT-URIS":{"v2":"https://own.test/2"}}}]}"#;

    fn playlist() -> MultivariantPlaylist {
        let text = "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\",PATHWAY-ID=\"A\"\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"a.m3u8\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"A\",AUDIO=\"a\"\n1.m3u8?sig=a%2Fb&token=old\n\
            #EXT-X-STREAM-INF:BANDWIDTH=2,PATHWAY-ID=\"A\",STABLE-VARIANT-ID=\"v2\"\n2.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"B\"\nhttps://b.test/1.m3u8\n";
        let url = Url::parse("https://a.test/x/main.m3u8").unwrap();
        match parse(
            text.as_bytes(),
            &url,
            &Variables::default(),
            &Limits::default(),
        ) {
            Ok(Playlist::Multivariant(list)) => list,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pathway_is_cloned_with_its_groups_under_another_host() {
        let manifest = SteeringManifest::parse(MANIFEST.as_bytes()).unwrap();
        assert_eq!(manifest.ttl, Duration::from_secs(60));
        assert_eq!(manifest.priority, ["C", "A"]);
        let mut list = playlist();
        for _ in 0..2 {
            manifest.clones[0].add_to(&mut list);
        }
        let of_c: Vec<&Variant> = list
            .variants
            .iter()
            .filter(|it| it.pathway() == "C")
            .collect();
        let [first, second] = of_c[..] else {
            panic!("{of_c:?}")
        };
        assert_eq!(
            first.uri,
            "https://c.test:8443/x/1.m3u8?sig=a%2Fb&token=t+1"
        );
        assert_eq!(second.uri, "https://own.test/2");
        let group = first.audio.as_deref().unwrap();
        let sound = list
            .group(crate::hls::RenditionKind::Audio, group)
            .next()
            .unwrap();
        assert_eq!(
            sound.uri.as_deref(),
            Some("https://c.test:8443/x/a.m3u8?token=t+1")
        );
    }

    #[test]
    fn what_is_no_steering_manifest_is_refused_and_its_numbers_are_bounded() {
        for text in [
            "",
            "[]",
            "{\"VERSION\":2}",
            "{}",
            "{\"VERSION\":1,\"TTL\":\"x\"}",
        ] {
            let error = SteeringManifest::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind, HlsErrorKind::Steering, "{text}");
        }
        let ttl = |text: &str| {
            SteeringManifest::parse(text.as_bytes())
                .unwrap()
                .ttl
                .as_secs()
        };
        assert_eq!(ttl("{\"VERSION\":1}"), 300);
        assert_eq!(ttl("{\"VERSION\":1,\"TTL\":-5}"), 300);
        assert_eq!(ttl("{\"VERSION\":1,\"TTL\":0.001}"), 10);
        assert_eq!(ttl("{\"VERSION\":1,\"TTL\":1e300}"), 300);
        let many = format!(
            "{{\"VERSION\":1,\"PATHWAY-PRIORITY\":[{}\"x\"]}}",
            "\"x\",".repeat(300)
        );
        let error = SteeringManifest::parse(many.as_bytes()).unwrap_err();
        assert_eq!(error.kind, HlsErrorKind::Limit("entries"));
    }
}
