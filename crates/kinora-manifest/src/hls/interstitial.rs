//! Interstitials (RFC 8216bis appendix D): what is to be played between, by date ranges of their class.

use kinora_errors::Secret;
use kinora_media::Time;
use serde::Deserialize;

use super::attributes;
use super::error::{HlsError, HlsErrorKind};
use super::model::DateRange;

/// The class of their date ranges.
const CLASS: &str = "com.apple.hls.interstitial";
/// Bytes of a list of assets.
const MAX_LIST_BYTES: usize = 256 << 10;
/// Assets of one interstitial.
const MAX_ASSETS: usize = 64;

/// What an interstitial plays. The places may hold credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asset {
    /// A multivariant playlist (X-ASSET-URI).
    Playlist(Secret),
    /// A JSON list of what is played, in its order (X-ASSET-LIST).
    List(Secret),
}

/// An interstitial, as its date range says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interstitial {
    /// What is played.
    pub asset: Asset,
    /// Where the presentation goes on behind it.
    pub resumption: Resumption,
    /// It is cut off after so long (X-PLAYOUT-LIMIT).
    pub playout_limit: Option<Time>,
    /// It begins at the border of a segment (X-SNAP: `OUT`).
    pub snaps_out: bool,
    /// It ends at the border of a segment (X-SNAP: `IN`).
    pub snaps_in: bool,
    /// It may not be skipped, nor played faster (X-RESTRICT: `SKIP`).
    pub may_not_skip: bool,
    /// Nor may a seek lead past it (X-RESTRICT: `JUMP`).
    pub may_not_jump: bool,
    /// When it is played, if not where it lies.
    pub cue: InterstitialCue,
    /// It is played but once (CUE: `ONCE`).
    pub once: bool,
}

/// Where the presentation goes on behind an interstitial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resumption {
    /// So long behind where it was left (X-RESUME-OFFSET): zero inserts, the length of what is left out replaces.
    After(Time),
    /// As far on as the interstitial is long: what a live stream does.
    ByItsLength,
}

/// When an interstitial is played.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum InterstitialCue {
    /// Where its date range begins.
    #[default]
    InPlace,
    /// Before the presentation.
    Before,
    /// After it.
    After,
}

impl Interstitial {
    /// The interstitial of a date range; `resolve` makes places of its URIs. `None`: it is of another class, or names nothing to play or two things, which
    /// makes it none (appendix D.2).
    #[must_use]
    pub fn of(range: &DateRange, resolve: impl Fn(&str) -> Option<Secret>) -> Option<Self> {
        if range.class.as_deref() != Some(CLASS) {
            return None;
        }
        let value = |name: &str| {
            let found = range.custom.iter().find(|(at, _)| at == name);
            found.map(|(_, value)| value.as_str())
        };
        let asset = match (value("X-ASSET-URI"), value("X-ASSET-LIST")) {
            (Some(uri), None) => Asset::Playlist(resolve(uri)?),
            (None, Some(uri)) => Asset::List(resolve(uri)?),
            _ => return None,
        };
        let names = |list: Option<&str>, name: &str| {
            list.is_some_and(|list| list.split(',').any(|it| it.trim() == name))
        };
        let (snap, restrict) = (value("X-SNAP"), value("X-RESTRICT"));
        let cue = range.cue.as_deref();
        let offset = value("X-RESUME-OFFSET").and_then(attributes::seconds);
        let limit = value("X-PLAYOUT-LIMIT").and_then(attributes::seconds);
        Some(Self {
            asset,
            resumption: offset.map_or(Resumption::ByItsLength, Resumption::After),
            playout_limit: limit.filter(|limit| *limit > Time::ZERO),
            snaps_out: names(snap, "OUT"),
            snaps_in: names(snap, "IN"),
            may_not_skip: names(restrict, "SKIP"),
            may_not_jump: names(restrict, "JUMP"),
            cue: match (names(cue, "PRE"), names(cue, "POST")) {
                (true, _) => InterstitialCue::Before,
                (false, true) => InterstitialCue::After,
                (false, false) => InterstitialCue::InPlace,
            },
            once: names(cue, "ONCE"),
        })
    }
}

/// What X-ASSET-LIST leads to (appendix D.3): assets that are played one after the other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AssetList(pub Vec<ListedAsset>);

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedAsset {
    /// Where it is, relative to the list.
    pub uri: String,
    /// How long it is said to be.
    pub duration: Option<Time>,
}

#[derive(Deserialize)]
struct RawList {
    #[serde(rename = "ASSETS")]
    assets: Vec<RawAsset>,
}

#[derive(Deserialize)]
struct RawAsset {
    #[serde(rename = "URI")]
    uri: String,
    #[serde(rename = "DURATION")]
    duration: Option<f64>,
}

impl AssetList {
    /// Reads one. A list may be empty: then there is nothing to play.
    ///
    /// # Errors
    /// When it is no list of assets, is longer than 256 KiB, or names more than 64 assets.
    pub fn parse(bytes: &[u8]) -> Result<Self, HlsError> {
        if bytes.len() > MAX_LIST_BYTES {
            return Err(HlsErrorKind::Limit("bytes").at(0));
        }
        let read: Result<RawList, _> = serde_json::from_slice(bytes);
        let raw = read.map_err(|error| {
            HlsErrorKind::AssetList.at(u32::try_from(error.line()).unwrap_or(0))
        })?;
        if raw.assets.len() > MAX_ASSETS {
            return Err(HlsErrorKind::Limit("assets").at(0));
        }
        let asset = |raw: RawAsset| ListedAsset {
            uri: raw.uri,
            duration: raw.duration.and_then(length),
        };
        Ok(Self(raw.assets.into_iter().map(asset).collect()))
    }
}

/// Seconds as a length; `None`: they are none.
fn length(seconds: f64) -> Option<Time> {
    let length = core::time::Duration::try_from_secs_f64(seconds).ok()?;
    Some(Time::from(length)).filter(|length| *length > Time::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hls::{Limits, Playlist, Variables, parse};
    use url::Url;

    fn read(more: &str) -> Option<Interstitial> {
        let text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-DATERANGE:ID=\"ad\",START-DATE=\"1970-01-01T00:00:00Z\",{more}\n#EXTINF:4,\na\n"
        );
        let url = Url::parse("https://h/a").unwrap();
        match parse(
            text.as_bytes(),
            &url,
            &Variables::default(),
            &Limits::default(),
        ) {
            Ok(Playlist::Media(list)) => {
                Interstitial::of(&list.date_ranges[0], |uri| Some(Secret::new(uri)))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_interstitial_says_what_is_played_and_where_it_goes_on() {
        let class = format!("CLASS=\"{CLASS}\"");
        let ad = read(&format!(
            "{class},X-ASSET-URI=\"ad.m3u8\",X-RESUME-OFFSET=0,X-RESTRICT=\"SKIP,JUMP\",X-SNAP=\"OUT\",X-PLAYOUT-LIMIT=15,CUE=\"PRE,ONCE\""
        ))
        .unwrap();
        assert_eq!(ad.asset, Asset::Playlist(Secret::new("ad.m3u8")));
        assert_eq!(ad.resumption, Resumption::After(Time::ZERO));
        assert_eq!(ad.playout_limit, Some(Time::from_millis(15_000)));
        assert!(ad.may_not_skip && ad.may_not_jump && ad.snaps_out && !ad.snaps_in && ad.once);
        assert_eq!(ad.cue, InterstitialCue::Before);
        let list = read(&format!("{class},X-ASSET-LIST=\"ads.json\"")).unwrap();
        assert_eq!(list.resumption, Resumption::ByItsLength);
        assert_eq!(list.cue, InterstitialCue::InPlace);
        for none in [
            "CLASS=\"other\",X-ASSET-URI=\"a\"".to_owned(),
            class.clone(),
            format!("{class},X-ASSET-URI=\"a\",X-ASSET-LIST=\"b\""),
        ] {
            assert_eq!(read(&none), None, "{none}");
        }
    }

    #[test]
    fn a_list_names_its_assets_in_their_order() {
        let list = AssetList::parse(
            br#"{"ASSETS":[{"URI":"a.m3u8","DURATION":6.5},{"URI":"b.m3u8","X-NEW":{}},{"URI":"c","DURATION":-1}],"X":1}"#,
        );
        let list = list.unwrap().0;
        let told: Vec<_> = list
            .iter()
            .map(|it| (it.uri.as_str(), it.duration))
            .collect();
        let length = Some(Time::from_millis(6_500));
        assert_eq!(told, [("a.m3u8", length), ("b.m3u8", None), ("c", None)]);
        assert_eq!(
            AssetList::parse(br#"{"ASSETS":[]}"#),
            Ok(AssetList::default())
        );
    }

    #[test]
    fn a_list_that_is_none_or_has_too_much_is_refused() {
        let kind = |text: &[u8]| AssetList::parse(text).map_err(|error| error.kind);
        for none in [&b""[..], b"[]", b"{}", br#"{"ASSETS":[{"DURATION":1}]}"#] {
            assert_eq!(kind(none), Err(HlsErrorKind::AssetList));
        }
        let many = vec![r#"{"URI":"a"}"#; MAX_ASSETS + 1].join(",");
        let many = format!("{{\"ASSETS\":[{many}]}}");
        assert_eq!(kind(many.as_bytes()), Err(HlsErrorKind::Limit("assets")));
        assert_eq!(
            kind(&vec![b' '; MAX_LIST_BYTES + 1]),
            Err(HlsErrorKind::Limit("bytes"))
        );
    }
}
