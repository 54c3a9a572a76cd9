//! Multivariant playlists: renditions with absolute URLs, and those that a steering server adds to them.

use std::sync::Arc;

use kinora_errors::{Coded, Fault, Secret};
use kinora_manifest::hls::{self, RenditionKind, SteeringManifest};
use kinora_media::Time;

use super::keys::session_keys;
use super::metadata::session_data;
use super::{PlaylistReader, malformed};
use crate::ingest::base::Base;
use crate::ingest::segmented::index::{
    AlternativeRendition, CaptionGroup, CaptionRendition, Manifest, SegmentsNamed, SessionFacts,
    Steered, SteeringServer, TextRendition, Variant,
};

pub(super) fn multivariant(
    list: &hls::MultivariantPlaylist,
    base: &Base,
) -> Result<Manifest, Fault> {
    let variants = variants(&list.variants, base)?;
    if variants.is_empty() {
        let url = Secret::new(base.url().as_str());
        return Err(malformed("the playlist names no rendition", &url));
    }
    let values = session_data(list, base);
    // What may not be fetched is none: nothing that plays depends on it.
    let key_pictures = self::variants(&list.i_frame_variants, base).unwrap_or_default();
    Ok(Manifest::Multivariant {
        variants,
        audio: alternatives(&list.renditions, RenditionKind::Audio, base)?,
        angles: alternatives(&list.renditions, RenditionKind::Video, base)?,
        text: text_renditions(list, base),
        captions: caption_renditions(list),
        named: SegmentsNamed::InPlaylists,
        session: SessionFacts {
            keys: session_keys(list, base),
            data: values.len(),
            values,
            steering: steering(list, base),
        },
        key_pictures,
    })
}

/// Variants by rising bandwidth.
fn variants(list: &[hls::Variant], base: &Base) -> Result<Vec<Variant>, Fault> {
    let variant = |variant: &hls::Variant| {
        Ok(Variant {
            url: base.resolve(&variant.uri)?,
            bandwidth: variant.bandwidth,
            size: variant.resolution,
            name: variant.name.clone(),
            codecs: variant.codecs.clone(),
            audio_group: variant.audio.clone(),
            text_group: variant.subtitles.clone(),
            video_group: variant.video.clone(),
            captions: match variant.closed_captions.as_deref() {
                None => CaptionGroup::Untold,
                Some("NONE") => CaptionGroup::None,
                Some(group) => CaptionGroup::Named(group.to_owned()),
            },
            pathway: Some(variant.pathway().to_owned()),
            stable_id: variant.stable_id.clone(),
        })
    };
    let variants = list.iter().map(variant);
    let mut variants = variants.collect::<Result<Vec<_>, Fault>>()?;
    variants.sort_by_key(|variant| variant.bandwidth);
    Ok(variants)
}

fn alternatives(
    list: &[hls::Rendition],
    kind: RenditionKind,
    base: &Base,
) -> Result<Vec<AlternativeRendition>, Fault> {
    let rendition = |rendition: &hls::Rendition| {
        Ok(AlternativeRendition {
            group: rendition.group.clone(),
            name: rendition.name.clone(),
            language: rendition.language.clone(),
            url: rendition
                .uri
                .as_deref()
                .map(|uri| base.resolve(uri))
                .transpose()?,
            default: rendition.default,
            autoselect: rendition.autoselect,
        })
    };
    let of_kind = list.iter().filter(|it| it.kind == kind);
    of_kind.map(rendition).collect()
}

/// The captions within the pictures.
fn caption_renditions(list: &hls::MultivariantPlaylist) -> Vec<CaptionRendition> {
    let captions = list.renditions.iter();
    let captions = captions.filter(|it| it.kind == RenditionKind::ClosedCaptions);
    let rendition = |rendition: &hls::Rendition| {
        Some(CaptionRendition {
            group: rendition.group.clone(),
            name: rendition.name.clone(),
            language: rendition.language.clone(),
            instream_id: rendition.instream_id.clone()?,
            default: rendition.default,
            autoselect: rendition.autoselect,
        })
    };
    captions.filter_map(rendition).collect()
}

/// The renditions of subtitles. One without a URL that may be asked for is none: nothing that plays depends on it.
fn text_renditions(list: &hls::MultivariantPlaylist, base: &Base) -> Vec<TextRendition> {
    let text = list.renditions.iter();
    let text = text.filter(|rendition| rendition.kind == RenditionKind::Subtitles);
    let rendition = |rendition: &hls::Rendition| {
        Some(TextRendition {
            group: rendition.group.clone(),
            name: rendition.name.clone(),
            language: rendition.language.clone(),
            url: base.resolve(rendition.uri.as_deref()?).ok()?,
            default: rendition.default,
            autoselect: rendition.autoselect,
            forced: rendition.forced,
        })
    };
    text.filter_map(rendition).collect()
}

/// Without a name in the tag the first variant's pathway is the one to begin with (RFC 8216bis 4.4.6.6).
fn steering(list: &hls::MultivariantPlaylist, base: &Base) -> Option<SteeringServer> {
    let steering = list.steering.as_ref()?;
    let first = list.variants.first().map(hls::Variant::pathway);
    let pathway = steering.pathway.as_deref().or(first)?;
    Some(SteeringServer {
        url: base.resolve(&steering.server_uri).ok()?,
        pathway: pathway.to_owned(),
    })
}

impl PlaylistReader {
    /// Reads what a steering server says, found at `url`.
    pub(in crate::ingest) fn steer(&mut self, text: &[u8], url: &Secret) -> Result<Steered, Fault> {
        let located = |error: hls::HlsError| error.fault().at_url(url.expose());
        let manifest = SteeringManifest::parse(text).map_err(located)?;
        let Some(steered) = &mut self.steered else {
            return Err(malformed("the playlist names nobody who steers it", url));
        };
        let (list, base) = Arc::make_mut(steered);
        let (known_variants, known_renditions) = (list.variants.len(), list.renditions.len());
        for clone in &manifest.clones {
            clone.add_to(list);
        }
        let added = list.variants.get(known_variants..).unwrap_or_default();
        let added_audio = list.renditions.get(known_renditions..).unwrap_or_default();
        let found = Base::new(url.expose());
        Ok(Steered {
            ttl: Time::from(manifest.ttl),
            url: match (&manifest.reload_uri, found) {
                (Some(uri), Some(found)) => Some(found.resolve(uri)?),
                _ => None,
            },
            priority: manifest.priority,
            variants: variants(added, base)?,
            audio: alternatives(added_audio, RenditionKind::Audio, base)?,
        })
    }
}
