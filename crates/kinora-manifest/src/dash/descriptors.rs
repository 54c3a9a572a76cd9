//! Descriptors (ISO/IEC 23009-1 5.8): which properties are known, and what they mean.

use super::model::{ContentProtection, ContentType, Descriptor, Purpose};
use super::url_query;
use super::xml::Element;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

const TRICK_MODE: &str = "http://dashif.org/guidelines/trickmode";
const TILES: [&str; 2] = [
    "http://dashif.org/guidelines/thumbnail_tile",
    "http://dashif.org/thumbnail_tile",
];
const SWITCHING: &str = "urn:mpeg:dash:adaptation-set-switching:2016";
/// Essential properties that change nothing for who can decode the codec: colour, its volume, and frame packing aside.
const HARMLESS: [&str; 3] = [
    "urn:mpeg:mpegB:cicp:",
    "http://dashif.org/metadata/hdr",
    "urn:dvb:dash:hdr-dmi",
];

pub(super) fn descriptor(element: &Element) -> Descriptor {
    Descriptor {
        scheme: element
            .attribute("schemeIdUri")
            .cloned()
            .unwrap_or_default(),
        value: element.attribute("value").cloned(),
        id: element.attribute("id").cloned(),
    }
}

pub(super) fn all(element: &Element, name: &str) -> Vec<Descriptor> {
    element.all(name).map(descriptor).collect()
}

/// The first essential property that is not known.
pub(super) fn unknown(essential: &[Descriptor]) -> Option<&Descriptor> {
    essential.iter().find(|it| {
        let scheme = &*it.scheme;
        let known = scheme == TRICK_MODE || scheme == SWITCHING || TILES.contains(&scheme);
        let known = known || url_query::is_scheme(scheme);
        !known && !HARMLESS.iter().any(|start| scheme.starts_with(start))
    })
}

/// What a set with these properties is for.
pub(super) fn purpose(properties: &[Descriptor]) -> Option<Purpose> {
    properties.iter().find_map(|it| {
        let value = it.value.as_deref().unwrap_or_default();
        if &*it.scheme == TRICK_MODE {
            let ids = value.split_whitespace().map(str::to_owned);
            return Some(Purpose::TrickMode(ids.collect()));
        }
        let (columns, rows) = value
            .split_once('x')
            .filter(|_| TILES.contains(&&*it.scheme))?;
        Some(Purpose::Thumbnails {
            columns: columns.trim().parse().ok()?,
            rows: rows.trim().parse().ok()?,
        })
    })
}

/// The ids of the sets that a set may be switched with.
pub(super) fn switches_to(supplemental: &[Descriptor]) -> Vec<String> {
    let values = supplemental.iter().filter(|it| &*it.scheme == SWITCHING);
    let ids = values
        .filter_map(|it| it.value.as_deref())
        .flat_map(|it| it.split(','));
    ids.map(|id| id.trim().to_owned()).collect()
}

/// Channels (5.8.5.4), as far as the scheme counts them.
pub(super) fn channels(element: &Element) -> Option<u32> {
    element.all("AudioChannelConfiguration").find_map(|it| {
        let (scheme, value) = (it.attribute("schemeIdUri")?, it.attribute("value")?);
        match &**scheme {
            "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
            | "urn:mpeg:dash:outputChannelPositionList:2012" => value.trim().parse().ok(),
            "urn:mpeg:mpegB:cicp:ChannelConfiguration" => cicp_channels(value.trim().parse().ok()?),
            "tag:dolby.com,2014:dash:audio_channel_configuration:2011"
            | "urn:dolby:dash:audio_channel_configuration:2011" => {
                dolby_channels(u32::from_str_radix(value.trim(), 16).ok()?)
            }
            "tag:dts.com,2014:dash:audio_channel_configuration:2012"
            | "urn:dts:dash:audio_channel_configuration:2012" => value.trim().parse().ok(),
            _ => None,
        }
    })
}

/// ISO/IEC 23091-3 table 5.
fn cicp_channels(configuration: usize) -> Option<u32> {
    const CHANNELS: [u32; 21] = [
        0, 1, 2, 3, 4, 5, 6, 8, 2, 3, 4, 7, 8, 24, 8, 12, 10, 12, 14, 12, 14,
    ];
    CHANNELS.get(configuration).copied().filter(|it| *it > 0)
}

/// ETSI TS 103 190-1 annex E: a bit for each place; some places are pairs.
fn dolby_channels(bits: u32) -> Option<u32> {
    const PAIRS: u32 = 0x0660;
    let bits = bits & 0xffff;
    let pairs = (bits & PAIRS).count_ones();
    Some(bits.count_ones().saturating_add(pairs)).filter(|it| *it > 0)
}

/// The longest beginning of a list of codecs that is looked at.
const MAX_SAMPLE_ENTRY: usize = 16;

/// What content of that type is, by the words that name it.
pub(super) fn content_type(word: Option<&str>, mime: &str, codecs: &str) -> Option<ContentType> {
    // Subtitles in MP4 are `application/mp4`, or what the packager took for it.
    // Their names are short, whatever follows.
    let (codec, _) = codecs.split_at(codecs.floor_char_boundary(MAX_SAMPLE_ENTRY));
    let codec = codec.split(['.', ',']).next().unwrap_or_default().trim();
    if matches!(codec, "stpp" | "wvtt" | "tx3g" | "c608" | "c708") {
        return Some(ContentType::Text);
    }
    let word = word.unwrap_or_else(|| mime.split('/').next().unwrap_or_default());
    Some(match word {
        "video" => ContentType::Video,
        "audio" => ContentType::Audio,
        "text" => ContentType::Text,
        "image" => ContentType::Image,
        "application" if mime.contains("ttml") || mime.contains("vtt") => ContentType::Text,
        "" | "application" => return None,
        _ => ContentType::Other,
    })
}

/// `ContentProtection` (5.8.4.1); `shared`: those of the levels above that it may refer to.
pub(super) fn protection(element: &Element, shared: &[&Element]) -> ContentProtection {
    let refers = element.attribute("ref");
    let target = refers.and_then(|id| {
        let is = |it: &&&Element| it.attribute("refId") == Some(id);
        shared.iter().find(is).copied()
    });
    let own = read_protection(element);
    let Some(target) = target.map(read_protection) else {
        return own;
    };
    ContentProtection {
        scheme: own.scheme,
        value: own.value.or(target.value),
        default_kid: own.default_kid.or(target.default_kid),
        pssh: match own.pssh.is_empty() {
            true => target.pssh,
            false => own.pssh,
        },
        licence_url: own.licence_url.or(target.licence_url),
    }
}

fn read_protection(element: &Element) -> ContentProtection {
    let scheme = element.attribute("schemeIdUri").map_or("", |it| it);
    let pssh = element.all("pssh").filter_map(|it| {
        let text: String = it.text.split_whitespace().collect();
        STANDARD.decode(text).ok().map(Arc::from)
    });
    let is_licence = |it: &&Element| it.name.eq_ignore_ascii_case("laurl");
    let licence = element.children.iter().find(is_licence);
    let licence_url = licence.and_then(|it| match it.content() {
        "" => it.foreign("licenseUrl").cloned(),
        url => Some(Arc::from(url)),
    });
    ContentProtection {
        scheme: Arc::from(scheme.to_ascii_lowercase()),
        value: element.attribute("value").cloned(),
        default_kid: element.foreign("default_KID").and_then(|it| key_id(it)),
        pssh: pssh.collect(),
        licence_url,
    }
}

/// The first of the ids that are named, as UUIDs.
fn key_id(text: &str) -> Option<[u8; 16]> {
    let first = text.split_whitespace().next()?;
    let digits: String = first.chars().filter(|it| *it != '-').collect();
    let valid = digits.len() == 32 && digits.bytes().all(|it| it.is_ascii_hexdigit());
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| valid)?;
    Some(number.to_be_bytes())
}
