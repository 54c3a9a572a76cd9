//! `AdaptationSet` and `Representation` (ISO/IEC 23009-1 5.3.3, 5.3.5), with what they inherit.

use std::sync::Arc;

use super::addressing::{Addressing, Inherited, Segments};
use super::base_url::BaseUrls;
use super::descriptors;
use super::error::DashError;
use super::model::{
    AdaptationSet, ContentComponent, ContentProtection, ContentType, Descriptor, Ignored,
    Representation,
};
use super::reading::Reading;
use super::url_query::UrlQuery;
use super::values;
use super::xml::Element;

/// What the levels above an adaptation set say to it.
pub(super) struct Above<'a> {
    pub(super) base_urls: BaseUrls,
    pub(super) addressing: Inherited,
    /// `ContentProtection` elements that may be referred to.
    pub(super) protection: Vec<&'a Element>,
    pub(super) query: Option<UrlQuery>,
}

/// The attributes and elements that a representation inherits from its set (5.3.7).
#[derive(Clone, Debug, Default)]
struct Common {
    mime_type: Arc<str>,
    codecs: Arc<str>,
    supplemental_codecs: Option<Arc<str>>,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<f64>,
    sampling_rate: Option<u32>,
    channels: Option<u32>,
    protection: Arc<[ContentProtection]>,
    inband_events: Arc<[Descriptor]>,
}

impl Common {
    fn below(&self, element: &Element, shared: &[&Element]) -> Self {
        let mut out = self.clone();
        out.mime_type = values::inherited(element, "mimeType", &self.mime_type);
        out.codecs = values::inherited(element, "codecs", &self.codecs);
        let supplemental = element.foreign("supplementalCodecs").cloned();
        out.supplemental_codecs = supplemental.or(out.supplemental_codecs);
        out.width = values::number(element, "width").or(out.width);
        out.height = values::number(element, "height").or(out.height);
        let rate = element.attribute("frameRate");
        out.frame_rate = rate.and_then(|it| values::ratio(it)).or(out.frame_rate);
        // Two rates are one that changes: the first.
        let rate = values::words(element, "audioSamplingRate");
        let rate = rate.first().and_then(|it| it.parse().ok());
        out.sampling_rate = rate.or(out.sampling_rate);
        out.channels = descriptors::channels(element).or(out.channels);
        let own = element.all("ContentProtection");
        let own = own.map(|it| descriptors::protection(it, shared));
        out.protection = joined(&self.protection, own.collect());
        let events = descriptors::all(element, "InbandEventStream");
        out.inband_events = joined(&self.inband_events, events);
        out
    }
}

/// What is inherited and what is added; shared where nothing is.
fn joined<T: Clone>(above: &Arc<[T]>, own: Vec<T>) -> Arc<[T]> {
    match own.is_empty() {
        true => Arc::clone(above),
        false => above.iter().cloned().chain(own).collect(),
    }
}

impl AdaptationSet {
    /// Reads one; `None` where nothing of it can be played.
    pub(super) fn read(
        element: &Element,
        above: &Above<'_>,
        reading: &mut Reading,
    ) -> Result<Option<Self>, DashError> {
        let mut shared = above.protection.clone();
        shared.extend(element.all("ContentProtection"));
        let common = Common::default().below(element, &shared);
        let level = Above {
            base_urls: above.base_urls.below(element),
            addressing: above.addressing.below(element, reading)?,
            protection: shared,
            query: UrlQuery::below(above.query.as_ref(), element, &reading.url),
        };
        let essential = descriptors::all(element, "EssentialProperty");
        if let Some(unknown) = descriptors::unknown(&essential) {
            reading.ignore(Ignored::EssentialProperty(unknown.scheme.clone()));
            return Ok(None);
        }
        let supplemental = descriptors::all(element, "SupplementalProperty");
        let mut representations = Vec::new();
        let mut purpose = descriptors::purpose(&essential);
        for child in element.all("Representation") {
            reading.count_representation(child.line)?;
            let Some(representation) = read_representation(child, &level, &common, reading)? else {
                continue;
            };
            let own = descriptors::all(child, "EssentialProperty");
            purpose = purpose.or_else(|| descriptors::purpose(&own));
            representations.push(representation);
        }
        representations.sort_by_key(|it: &Representation| it.bandwidth);
        let purpose = purpose.or_else(|| descriptors::purpose(&supplemental));
        let components: Vec<_> = element.all("ContentComponent").map(component).collect();
        Ok(Some(Self {
            id: values::text(element, "id"),
            content_type: content_type(element, &common, &components, &representations),
            purpose: purpose.unwrap_or_default(),
            language: element.attribute("lang").cloned(),
            labels: labels(element),
            group: values::number(element, "group"),
            selection_priority: values::number(element, "selectionPriority").unwrap_or(1),
            roles: descriptors::all(element, "Role"),
            accessibility: descriptors::all(element, "Accessibility"),
            switches_to: descriptors::switches_to(&supplemental),
            supplemental,
            essential,
            components,
            representations,
        }))
    }
}

fn labels(element: &Element) -> Vec<String> {
    let elements = element.all("Label").map(|it| it.content().to_owned());
    let labels = elements.filter(|it| !it.is_empty());
    labels.chain(values::text(element, "label")).collect()
}

fn component(element: &Element) -> ContentComponent {
    let word = element.attribute("contentType").map(|it| &**it);
    ContentComponent {
        id: values::text(element, "id"),
        content_type: descriptors::content_type(word, "", ""),
        language: element.attribute("lang").cloned(),
    }
}

/// What a set holds: as it says, else by the types and codecs of what is in it.
fn content_type(
    element: &Element,
    common: &Common,
    components: &[ContentComponent],
    representations: &[Representation],
) -> ContentType {
    let word = element.attribute("contentType").map(|it| &**it);
    let of = |mime: &str, codecs: &str| descriptors::content_type(word, mime, codecs);
    let of_components = || {
        let has = |kind| components.iter().any(|it| it.content_type == Some(kind));
        let kinds = [ContentType::Video, ContentType::Audio, ContentType::Text];
        kinds.into_iter().find(|kind| has(*kind))
    };
    let mut of_each = representations
        .iter()
        .map(|it| of(&it.mime_type, &it.codecs));
    of(&common.mime_type, &common.codecs)
        .or_else(|| of_each.find_map(|it| it))
        .or_else(of_components)
        .unwrap_or(ContentType::Other)
}

fn read_representation(
    element: &Element,
    level: &Above<'_>,
    common: &Common,
    reading: &mut Reading,
) -> Result<Option<Representation>, DashError> {
    let id = element.attribute("id").cloned().unwrap_or_default();
    let essential = descriptors::all(element, "EssentialProperty");
    if let Some(unknown) = descriptors::unknown(&essential) {
        reading.ignore(Ignored::EssentialProperty(unknown.scheme.clone()));
        return Ok(None);
    }
    if element.attribute("dependencyId").is_some() {
        reading.ignore(Ignored::Dependency(id));
        return Ok(None);
    }
    let base_urls = level.base_urls.below(element);
    let addressing = level.addressing.below(element, reading)?.addressing();
    let Some(mut addressing) = addressing.or_else(|| (!base_urls.is_empty()).then(whole)) else {
        reading.ignore(Ignored::NoSegments(id));
        return Ok(None);
    };
    let common = common.below(element, &level.protection);
    let offset = addressing.availability_time_offset;
    addressing.availability_time_offset = offset.or_else(|| base_urls.availability_time_offset());
    addressing.availability_time_complete &= base_urls.availability_time_complete().unwrap_or(true);
    Ok(Some(Representation {
        id,
        bandwidth: values::number(element, "bandwidth").unwrap_or(0),
        mime_type: common.mime_type,
        codecs: common.codecs,
        supplemental_codecs: common.supplemental_codecs,
        resolution: common.width.zip(common.height),
        frame_rate: common.frame_rate,
        sampling_rate: common.sampling_rate,
        channels: common.channels,
        quality_ranking: values::number(element, "qualityRanking"),
        protection: common.protection,
        inband_events: common.inband_events,
        base_urls,
        addressing,
        query: UrlQuery::below(level.query.as_ref(), element, &reading.url),
    }))
}

/// Nothing but a URL: one resource, which is one segment.
fn whole() -> Addressing {
    Addressing {
        timescale: 1,
        presentation_time_offset: 0,
        availability_time_offset: None,
        availability_time_complete: true,
        start_number: 1,
        end_number: None,
        initialization: None,
        segments: Segments::Whole { index: None },
    }
}
