use url::Url;

use super::attributes::{self, Attributes};
use super::error::{HlsError, HlsErrorKind};
use super::lines::{self, Lines};
use super::media;
use super::model::{
    MultivariantPlaylist, Rendition, RenditionKind, SessionData, Steering, Variant,
};
use super::variables::{Scope, Variables};
use super::{Limits, model::Key};

pub(super) fn parse(
    lines: Lines<'_>,
    url: &Url,
    imports: &Variables,
    limits: &Limits,
) -> Result<MultivariantPlaylist, HlsError> {
    let mut list = MultivariantPlaylist {
        base: url.clone(),
        variables: Variables::default(),
        variants: Vec::new(),
        i_frame_variants: Vec::new(),
        renditions: Vec::new(),
        session_keys: Vec::new(),
        session_data: Vec::new(),
        start: None,
        independent_segments: false,
        steering: None,
    };
    let mut scope = Scope::default();
    // RFC 8216 4.3.4.2: the URI line follows its tag.
    let mut waiting: Option<Variant> = None;
    let mut entries = 0_usize;
    for line in lines {
        let (number, line) = line?;
        if line.starts_with('#') {
            if let Some((tag, value)) = lines::tag(line) {
                read_tag(
                    &mut list,
                    &mut scope,
                    &mut waiting,
                    tag,
                    value,
                    number,
                    imports,
                )?;
                entries = entries.saturating_add(1);
            }
        } else if let Some(mut variant) = waiting.take() {
            variant.uri = scope.put_into(line, number)?.into_owned();
            list.variants.push(variant);
        }
        if entries > limits.entries {
            return Err(HlsErrorKind::Limit("entries").at(number));
        }
    }
    if list.variants.is_empty() && list.i_frame_variants.is_empty() && list.renditions.is_empty() {
        return Err(HlsErrorKind::Nothing.at(0));
    }
    list.variables = scope.into_variables();
    Ok(list)
}

fn read_tag(
    list: &mut MultivariantPlaylist,
    scope: &mut Scope,
    waiting: &mut Option<Variant>,
    tag: &str,
    value: &str,
    line: u32,
    imports: &Variables,
) -> Result<(), HlsError> {
    if tag == "-X-DEFINE" {
        return media::define(scope, imports, &list.base, value, line);
    }
    let with = |tag| Attributes::new(tag, line, value, scope);
    match tag {
        "-X-STREAM-INF" => *waiting = Some(variant(&with("EXT-X-STREAM-INF"))?),
        "-X-I-FRAME-STREAM-INF" => {
            let attributes = with("EXT-X-I-FRAME-STREAM-INF");
            let mut variant = variant(&attributes)?;
            variant.uri = attributes.required("URI")?;
            list.i_frame_variants.push(variant);
        }
        "-X-MEDIA" => {
            if let Some(rendition) = rendition(&with("EXT-X-MEDIA"))? {
                list.renditions.push(rendition);
            }
        }
        "-X-SESSION-KEY" => {
            let key: Option<Key> = media::key(&with("EXT-X-SESSION-KEY"))?;
            list.session_keys.extend(key);
        }
        "-X-SESSION-DATA" => {
            let data = session_data(&with("EXT-X-SESSION-DATA"))?;
            list.session_data.push(data);
        }
        "-X-START" => list.start = media::start(&with("EXT-X-START"))?,
        "-X-INDEPENDENT-SEGMENTS" => list.independent_segments = true,
        "-X-CONTENT-STEERING" => {
            let attributes = with("EXT-X-CONTENT-STEERING");
            let steering = Steering {
                server_uri: attributes.required("SERVER-URI")?,
                pathway: attributes.string("PATHWAY-ID")?,
            };
            list.steering = Some(steering);
        }
        _ => {}
    }
    Ok(())
}

fn variant(attributes: &Attributes<'_>) -> Result<Variant, HlsError> {
    Ok(Variant {
        uri: String::new(),
        bandwidth: attributes.integer("BANDWIDTH")?.unwrap_or(0),
        average_bandwidth: attributes.integer("AVERAGE-BANDWIDTH")?,
        codecs: attributes.string("CODECS")?.unwrap_or_default(),
        resolution: attributes
            .text("RESOLUTION")?
            .and_then(|text| attributes::resolution(&text)),
        frame_rate: attributes.real("FRAME-RATE")?,
        video_range: attributes.string("VIDEO-RANGE")?,
        score: attributes.real("SCORE")?,
        audio: attributes.string("AUDIO")?,
        video: attributes.string("VIDEO")?,
        subtitles: attributes.string("SUBTITLES")?,
        closed_captions: attributes.string("CLOSED-CAPTIONS")?,
        name: attributes.string("NAME")?,
        stable_id: attributes.string("STABLE-VARIANT-ID")?,
        pathway: attributes.string("PATHWAY-ID")?,
    })
}

/// An alternative; types of later versions, such as images, are passed over.
fn rendition(attributes: &Attributes<'_>) -> Result<Option<Rendition>, HlsError> {
    let kind = match attributes.raw("TYPE") {
        Some("AUDIO") => RenditionKind::Audio,
        Some("VIDEO") => RenditionKind::Video,
        Some("SUBTITLES") => RenditionKind::Subtitles,
        Some("CLOSED-CAPTIONS") => RenditionKind::ClosedCaptions,
        _ => return Ok(None),
    };
    let channels = attributes.text("CHANNELS")?;
    let channels =
        channels.and_then(|text| attributes::integer(text.split('/').next().unwrap_or_default()));
    Ok(Some(Rendition {
        kind,
        group: attributes.string("GROUP-ID")?.unwrap_or_default(),
        name: attributes.string("NAME")?.unwrap_or_default(),
        uri: attributes.string("URI")?.filter(|uri| !uri.is_empty()),
        language: attributes.string("LANGUAGE")?,
        assoc_language: attributes.string("ASSOC-LANGUAGE")?,
        default: attributes.is_yes("DEFAULT"),
        autoselect: attributes.is_yes("AUTOSELECT"),
        forced: attributes.is_yes("FORCED"),
        instream_id: attributes.string("INSTREAM-ID")?,
        characteristics: attributes.string("CHARACTERISTICS")?,
        channels,
        sample_rate: attributes.integer("SAMPLE-RATE")?,
        bit_depth: attributes.integer("BIT-DEPTH")?,
        stable_id: attributes.string("STABLE-RENDITION-ID")?,
    }))
}

fn session_data(attributes: &Attributes<'_>) -> Result<SessionData, HlsError> {
    Ok(SessionData {
        id: attributes.string("DATA-ID")?.unwrap_or_default(),
        value: attributes.string("VALUE")?,
        uri: attributes.string("URI")?,
        language: attributes.string("LANGUAGE")?,
    })
}
