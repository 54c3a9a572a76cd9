use serde::{Deserialize, Serialize};

use crate::error::{CloudError, CloudErrorKind, brief};
use crate::service_code::{CloudService, classify, without_code};
use crate::{Definition, SecretUrl, wire};

/// The reply of GetPlayInfo.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PlayInfo {
    /// The id of the call.
    #[serde(deserialize_with = "wire::text")]
    pub request_id: String,
    /// The video.
    pub video_base: VideoBase,
    /// Its renditions.
    pub play_info_list: PlayInfoList,
}

/// What is known of a video.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VideoBase {
    /// The video.
    #[serde(deserialize_with = "wire::text")]
    pub video_id: String,
    /// Its title.
    #[serde(deserialize_with = "wire::text")]
    pub title: String,
    /// `Normal` when it can be played.
    #[serde(deserialize_with = "wire::text")]
    pub status: String,
    /// Seconds.
    #[serde(deserialize_with = "wire::real")]
    pub duration: f64,
    /// Its cover picture.
    #[serde(
        rename = "CoverURL",
        deserialize_with = "wire::url",
        serialize_with = "wire::expose_url"
    )]
    pub cover_url: SecretUrl,
    /// `video` or `audio`.
    #[serde(deserialize_with = "wire::text")]
    pub media_type: String,
    /// When it was created.
    #[serde(deserialize_with = "wire::text")]
    pub creation_time: String,
    /// `FastTranscode` or `NoTranscode`.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub transcode_mode: String,
    /// Its bullet comments (danmu).
    #[serde(
        rename = "DanMuURL",
        deserialize_with = "wire::url",
        serialize_with = "wire::expose_url",
        skip_serializing_if = "SecretUrl::is_empty"
    )]
    pub danmu_url: SecretUrl,
    /// Its thumbnail sprites.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_list: Option<ThumbnailList>,
}

/// A list in the services' form.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ThumbnailList {
    /// The items.
    #[serde(deserialize_with = "wire::list")]
    pub thumbnail: Vec<Thumbnail>,
}

/// One file of thumbnail sprites.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Thumbnail {
    /// Its WebVTT file.
    #[serde(
        rename = "URL",
        deserialize_with = "wire::url",
        serialize_with = "wire::expose_url"
    )]
    pub url: SecretUrl,
}

/// A list in the services' form.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PlayInfoList {
    /// The items.
    #[serde(deserialize_with = "wire::list")]
    pub play_info: Vec<PlayInfoEntry>,
}

/// One rendition that can be played.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PlayInfoEntry {
    /// Where it is; may hold a signature.
    #[serde(
        rename = "PlayURL",
        deserialize_with = "wire::url",
        serialize_with = "wire::expose_url"
    )]
    pub play_url: SecretUrl,
    /// `mp4`, `m3u8`, `mp3`, `mpd`, `flv`.
    #[serde(deserialize_with = "wire::text")]
    pub format: String,
    /// `FD` … `4K`, `SQ`, `HQ`, `AUTO`.
    #[serde(deserialize_with = "wire::text")]
    pub definition: String,
    /// The transcoding's own name.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub specification: String,
    /// kbit/s.
    #[serde(deserialize_with = "wire::real")]
    pub bitrate: f64,
    /// Frames per second.
    #[serde(deserialize_with = "wire::real")]
    pub fps: f64,
    /// Seconds.
    #[serde(deserialize_with = "wire::real")]
    pub duration: f64,
    /// Bytes.
    #[serde(deserialize_with = "wire::whole")]
    pub size: u64,
    /// Pixels.
    #[serde(deserialize_with = "wire::whole")]
    pub width: u64,
    /// Pixels.
    #[serde(deserialize_with = "wire::whole")]
    pub height: u64,
    /// 1 when encrypted.
    #[serde(deserialize_with = "wire::whole")]
    pub encrypt: u64,
    /// `AliyunVoDEncryption` or `HLSEncryption`.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub encrypt_type: String,
    /// `video` or `audio`.
    #[serde(deserialize_with = "wire::text")]
    pub stream_type: String,
    /// `Normal` or `Invisible`.
    #[serde(deserialize_with = "wire::text")]
    pub status: String,
    /// `0` ordinary, `1.0`, `2.0`: how it was made smaller.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub narrow_band_type: String,
    /// The job that made it.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub job_id: String,
    /// The watermark in it.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub watermark_id: String,
    /// When it was made.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub creation_time: String,
    /// When it was changed.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub modification_time: String,
}

/// How a rendition is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncryptType {
    /// Not at all.
    None,
    /// HLS AES-128 (RFC 8216 4.3.2.4).
    Hls,
    /// The vendor's private scheme, which is not public.
    Vendor,
}

impl PlayInfoEntry {
    /// How it is encrypted.
    #[must_use]
    pub fn encryption(&self) -> EncryptType {
        if self.encrypt == 0 {
            return EncryptType::None;
        }
        if self.encrypt_type.eq_ignore_ascii_case("HLSEncryption") {
            EncryptType::Hls
        } else {
            EncryptType::Vendor
        }
    }
    /// Its definition, where the name is a known one.
    #[must_use]
    pub fn definition(&self) -> Option<Definition> {
        Definition::parse(&self.definition)
    }
}

/// Members of an error reply; a good one has them too, except `Code`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Envelope {
    #[serde(deserialize_with = "wire::text")]
    request_id: String,
    #[serde(deserialize_with = "wire::text")]
    code: String,
    #[serde(deserialize_with = "wire::text")]
    message: String,
}

/// Reads a reply in the documented order of checks: empty, JSON, `Code`, form.
pub(crate) fn parse_reply<T: serde::de::DeserializeOwned>(
    service: CloudService,
    status: u16,
    body: &[u8],
) -> Result<T, CloudError> {
    let at = |kind: CloudErrorKind, id: &str, code: &str| {
        CloudError::from(kind).replied(status, id, code)
    };
    if body.trim_ascii().is_empty() {
        return Err(at(CloudErrorKind::NoResponse, "", ""));
    }
    let wrong = |why: String| at(CloudErrorKind::WrongJson(why), "", "");
    // The members are read where they lie: a tree of values would take a hundred times the memory of a hostile body.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(wrong(
            match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
                Ok(_) => "no object".to_owned(),
                Err(error) => looks_like(body, &error),
            },
        ));
    }
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| {
        wrong(match error.is_data() {
            true => brief(&error.to_string()),
            false => looks_like(body, &error),
        })
    })?;
    let refused = |classification| {
        let message = brief(&envelope.message);
        at(
            CloudErrorKind::Refused {
                classification,
                message,
            },
            &envelope.request_id,
            &envelope.code,
        )
    };
    if !envelope.code.is_empty() {
        return Err(refused(classify(service, &envelope.code)));
    }
    if status >= 400 {
        return Err(refused(without_code(service, status)));
    }
    serde_json::from_slice(body).map_err(|error| {
        let why = brief(&error.to_string());
        at(CloudErrorKind::WrongJson(why), &envelope.request_id, "")
    })
}

fn looks_like(body: &[u8], error: &serde_json::Error) -> String {
    let start = body.trim_ascii_start();
    let head: Vec<u8> = start.iter().take(14).map(u8::to_ascii_lowercase).collect();
    if head.starts_with(b"<!doctype html") || head.starts_with(b"<html") {
        return "it is an HTML page, as a login page or a proxy sends it".to_owned();
    }
    if head.starts_with(b"<") {
        return "it is XML".to_owned();
    }
    format!("line {}, column {}", error.line(), error.column())
}

/// Reads the reply of GetPlayInfo.
///
/// # Errors
/// In this order: an empty body, no JSON, a `Code` of the service, no rendition list, a video that is not ready.
pub fn parse_play_info(status: u16, body: &[u8]) -> Result<PlayInfo, CloudError> {
    /// The members without which a reply is none.
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Reply {
        #[serde(default, deserialize_with = "wire::text")]
        request_id: String,
        #[serde(default)]
        video_base: VideoBase,
        play_info_list: PlayInfoList,
    }
    let reply: Reply = parse_reply(CloudService::Vod, status, body)?;
    let base = &reply.video_base;
    if !base.status.is_empty() && !base.status.eq_ignore_ascii_case("Normal") {
        let kind = CloudErrorKind::Status(brief(&base.status));
        let error = CloudError::from(kind).replied(status, &reply.request_id, "");
        return Err(error.for_video(&base.video_id));
    }
    Ok(PlayInfo {
        request_id: reply.request_id,
        video_base: reply.video_base,
        play_info_list: reply.play_info_list,
    })
}

#[cfg(test)]
mod tests;
