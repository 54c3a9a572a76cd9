//! `MPD` and `Period` (ISO/IEC 23009-1 5.3.1, 5.3.2).

use kinora_errors::mask_url;
use kinora_media::Time;
use url::Url;

use super::Limits;
use super::adaptation_set::Above;
use super::addressing::Inherited;
use super::base_url::BaseUrls;
use super::error::{DashError, DashErrorKind};
use super::model::{
    AdaptationSet, ContentSteering, Event, EventStream, Ignored, Location, Mpd, PatchLocation,
    Period, PresentationType, ServiceDescription, UtcScheme, UtcTiming,
};
use super::reading::Reading;
use super::url_query::UrlQuery;
use super::values;
use super::xml::Element;

/// Elements with that reference are removed (5.5.2).
const RESOLVE_TO_ZERO: &str = "urn:mpeg:dash:resolve-to-zero:2013";
const CHAINING: &str = "urn:mpeg:dash:chaining:2016";

/// A manifest of its root element.
pub(super) fn read(root: &Element, url: &Url, limits: &Limits) -> Result<Mpd, DashError> {
    if &*root.name != "MPD" {
        return Err(DashErrorKind::Root("MPD").at(root.line));
    }
    let mut reading = Reading::new(limits, url);
    let kind = match root.attribute("type").map(|it| &**it) {
        Some("dynamic") => PresentationType::Dynamic,
        _ => PresentationType::Static,
    };
    let duration = values::duration(root, "mediaPresentationDuration");
    let periods = periods(root, duration, &mut reading)?;
    let playable = |it: &Period| {
        it.adaptation_sets
            .iter()
            .any(|it| !it.representations.is_empty())
    };
    if kind == PresentationType::Static && !periods.iter().any(playable) {
        let remote = |it: &Ignored| matches!(it, Ignored::Xlink(_));
        let kind = match reading.ignored.iter().any(remote) {
            true => DashErrorKind::Remote,
            false => DashErrorKind::Nothing,
        };
        return Err(kind.at(0));
    }
    let chaining = root.all("SupplementalProperty").find(|it| {
        it.attribute("schemeIdUri")
            .is_some_and(|scheme| &**scheme == CHAINING)
    });
    Ok(Mpd {
        url: url.clone(),
        id: values::text(root, "id"),
        kind,
        profiles: profiles(root),
        duration,
        availability_start: values::date(root, "availabilityStartTime"),
        availability_end: values::date(root, "availabilityEndTime"),
        publish_time: values::date(root, "publishTime"),
        minimum_update_period: values::duration(root, "minimumUpdatePeriod"),
        min_buffer_time: values::duration(root, "minBufferTime"),
        time_shift_buffer_depth: values::duration(root, "timeShiftBufferDepth"),
        suggested_presentation_delay: values::duration(root, "suggestedPresentationDelay"),
        max_segment_duration: values::duration(root, "maxSegmentDuration"),
        locations: locations(root, url),
        patch_locations: patch_locations(root, url),
        utc_timings: root.all("UTCTiming").map(utc_timing).collect(),
        service_descriptions: root.all("ServiceDescription").map(service).collect(),
        steering: root.child("ContentSteering").map(steering),
        next: chaining.and_then(|it| values::text(it, "value")),
        periods,
        ignored: reading.ignored,
    })
}

fn profiles(root: &Element) -> Vec<String> {
    let text = root.attribute("profiles").map_or("", |it| it);
    let profiles = text.split(',').map(|it| it.trim().to_owned());
    profiles.filter(|it| !it.is_empty()).collect()
}

fn locations(root: &Element, url: &Url) -> Vec<Location> {
    let locations = root.all("Location").filter_map(|it| {
        Some(Location {
            url: url.join(it.content()).ok()?,
            service_location: values::text(it, "serviceLocation"),
        })
    });
    locations.collect()
}

fn patch_locations(root: &Element, url: &Url) -> Vec<PatchLocation> {
    let locations = root.all("PatchLocation").filter_map(|it| {
        Some(PatchLocation {
            url: url.join(it.content()).ok()?,
            ttl: values::seconds(it, "ttl"),
        })
    });
    locations.collect()
}

fn utc_timing(element: &Element) -> UtcTiming {
    let scheme = element.attribute("schemeIdUri").map_or("", |it| it);
    // Versions of 2012 and 2014 mean the same.
    let name = scheme
        .strip_prefix("urn:mpeg:dash:utc:")
        .unwrap_or_default();
    UtcTiming {
        scheme: match name.split(':').next() {
            Some("direct") => UtcScheme::Direct,
            Some("http-head") => UtcScheme::HttpHead,
            Some("http-xsdate") => UtcScheme::HttpXsDate,
            Some("http-iso") => UtcScheme::HttpIso,
            Some("http-ntp") => UtcScheme::HttpNtp,
            _ => UtcScheme::Other,
        },
        value: values::text(element, "value").unwrap_or_default(),
    }
}

fn service(element: &Element) -> ServiceDescription {
    let latency = |name| {
        element
            .child("Latency")
            .and_then(|it| values::millis(it, name))
    };
    let rate = |name| {
        element
            .child("PlaybackRate")
            .and_then(|it| values::number(it, name))
    };
    ServiceDescription {
        id: values::text(element, "id"),
        target_latency: latency("target"),
        min_latency: latency("min"),
        max_latency: latency("max"),
        min_playback_rate: rate("min"),
        max_playback_rate: rate("max"),
    }
}

fn steering(element: &Element) -> ContentSteering {
    let default = element
        .attribute("defaultServiceLocation")
        .map_or("", |it| it);
    let default = default.split([',', ' ']).map(str::trim);
    let default = default.filter(|it| !it.is_empty()).map(str::to_owned);
    ContentSteering {
        url: element.content().to_owned(),
        default_service_locations: default.collect(),
        query_before_start: values::flag(element, "queryBeforeStart").unwrap_or(false),
    }
}

/// Whether an element stays: what is remote is not followed, and what stands in its place counts, if anything does.
fn stays(element: &Element, reading: &mut Reading) -> bool {
    let Some(href) = element.foreign("href") else {
        return true;
    };
    if &**href == RESOLVE_TO_ZERO {
        return false;
    }
    reading.ignore(Ignored::Xlink(mask_url(href)));
    !element.children.is_empty()
}

/// When periods begin and end (5.3.2.1).
fn periods(
    root: &Element,
    total: Option<Time>,
    reading: &mut Reading,
) -> Result<Vec<Period>, DashError> {
    let base_urls = BaseUrls::default().below(root);
    let elements = root
        .all("Period")
        .filter(|it| it.foreign("href").is_none_or(|it| &**it != RESOLVE_TO_ZERO));
    let elements: Vec<&Element> = elements.collect();
    let mut out: Vec<Period> = Vec::new();
    let mut next = Some(Time::ZERO);
    for (at, element) in elements.iter().enumerate() {
        let named = values::duration(element, "duration");
        let stays = stays(element, reading);
        // Without a place on the timeline it is early available: it has none yet.
        let Some(start) = values::duration(element, "start").or(next) else {
            continue;
        };
        let behind = elements.get(at.saturating_add(1));
        let behind = behind.and_then(|it| values::duration(it, "start"));
        let last = at.saturating_add(1) == elements.len();
        let rest = total.filter(|_| last).map(|total| total - start);
        let until = behind
            .map(|behind| behind - start)
            .filter(|it| *it >= Time::ZERO);
        let duration = match (named, until.or(rest)) {
            (Some(named), Some(room)) => Some(named.min(room)),
            (named, room) => named.or(room),
        };
        let duration = duration.map(|it| it.max(Time::ZERO));
        next = duration.map(|duration| start + duration);
        let mut period = Period {
            id: values::text(element, "id"),
            start,
            duration,
            is_anchored: at > 0 || element.attribute("start").is_some(),
            adaptation_sets: Vec::new(),
            event_streams: Vec::new(),
        };
        if stays {
            fill(&mut period, root, element, &base_urls, reading)?;
        }
        out.push(period);
    }
    Ok(out)
}

fn fill(
    period: &mut Period,
    root: &Element,
    element: &Element,
    base_urls: &BaseUrls,
    reading: &mut Reading,
) -> Result<(), DashError> {
    let shared = root
        .all("ContentProtection")
        .chain(element.all("ContentProtection"));
    let above = Above {
        base_urls: base_urls.below(element),
        addressing: Inherited::default().below(element, reading)?,
        protection: shared.collect(),
        query: UrlQuery::below(
            UrlQuery::below(None, root, &reading.url).as_ref(),
            element,
            &reading.url,
        ),
    };
    for child in element.all("AdaptationSet") {
        if stays(child, reading)
            && let Some(set) = AdaptationSet::read(child, &above, reading)?
        {
            period.adaptation_sets.push(set);
        }
    }
    let streams = element.all("EventStream").filter(|it| stays(it, reading));
    let streams = streams.map(|it| event_stream(it, period.start));
    period.event_streams = streams.collect();
    Ok(())
}

fn event_stream(element: &Element, period: Time) -> EventStream {
    let timescale: u64 = values::number(element, "timescale")
        .filter(|it| *it > 0)
        .unwrap_or(1);
    let offset: i128 = values::number(element, "presentationTimeOffset").unwrap_or(0);
    let event = |it: &Element| {
        let start: i128 = values::number(it, "presentationTime").unwrap_or(0);
        let length = values::number::<u64>(it, "duration");
        let message = values::text(it, "messageData");
        Event {
            id: values::number(it, "id"),
            start: period + values::ticks(start.saturating_sub(offset), timescale),
            duration: length.map(|it| values::ticks(i128::from(it), timescale)),
            message: message.unwrap_or_else(|| it.content().to_owned()),
        }
    };
    EventStream {
        scheme: values::text(element, "schemeIdUri").unwrap_or_default(),
        value: values::text(element, "value").unwrap_or_default(),
        events: element.all("Event").map(event).collect(),
    }
}
