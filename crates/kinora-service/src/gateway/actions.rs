//! What the gateway can do, once a request is known to be genuine and allowed.

use std::ops::RangeInclusive;

use kinora_cloud::{UnixTime, sts, vod};
use serde_json::{Value, json};

use super::Call;
use super::assume_role::{assume_role, role_name};
use crate::domain::{
    ACTION_ASSUME_ROLE, ACTION_GET_PLAY_INFO, ACTION_GET_VIDEO_INFO, ACTION_GET_VIDEO_PLAY_AUTH,
    AUTH_INFO_TIMEOUT_S, ApiError, ApiErrorCode, Format, Params, PlayAuthClaims, PlayFilter,
    Rendition, RenditionEncryption, Resource, Video, VideoId, VideoStatus, check_auth_info,
    issue_play_auth, media_path, parse_definition, pick_renditions, rounded, sign_path,
};

/// Lifetime of a media URL in seconds, where AuthTimeout does not say.
const URL_TIMEOUT_S: i64 = 3600;
const URL_TIMEOUT_RANGE_S: RangeInclusive<i64> = 1..=2_592_000;
const MAX_TEXT_LEN: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    GetPlayInfo,
    GetVideoPlayAuth,
    GetVideoInfo,
    AssumeRole,
}

impl Action {
    pub(super) fn find(version: &str, name: &str) -> Option<Self> {
        match (version, name) {
            (vod::VERSION, "GetPlayInfo") => Some(Self::GetPlayInfo),
            (vod::VERSION, "GetVideoPlayAuth") => Some(Self::GetVideoPlayAuth),
            (vod::VERSION, "GetVideoInfo") => Some(Self::GetVideoInfo),
            (sts::VERSION, "AssumeRole") => Some(Self::AssumeRole),
            _ => None,
        }
    }
    pub(super) fn permission(self) -> &'static str {
        match self {
            Self::GetPlayInfo => ACTION_GET_PLAY_INFO,
            Self::GetVideoPlayAuth => ACTION_GET_VIDEO_PLAY_AUTH,
            Self::GetVideoInfo => ACTION_GET_VIDEO_INFO,
            Self::AssumeRole => ACTION_ASSUME_ROLE,
        }
    }
    /// What it is done to. Of an id that can not exist nothing is left to ask about.
    pub(super) fn resource(self, region: &str, params: &Params) -> Resource {
        let given = |name| params.get(name).unwrap_or_default();
        match self {
            Self::GetPlayInfo | Self::GetVideoPlayAuth | Self::GetVideoInfo => {
                let id = VideoId::parse(given("VideoId"));
                Resource::video(region, id.as_ref().map_or("", VideoId::as_str))
            }
            Self::AssumeRole => Resource::role(role_name(given("RoleArn")).unwrap_or_default()),
        }
    }
    pub(super) async fn run(self, call: &Call<'_>) -> Result<Value, ApiError> {
        match self {
            Self::GetPlayInfo => get_play_info(call).await,
            Self::GetVideoPlayAuth => get_video_play_auth(call).await,
            Self::GetVideoInfo => get_video_info(call).await,
            Self::AssumeRole => assume_role(call).await,
        }
    }
}

async fn find_video(call: &Call<'_>) -> Result<Video, ApiError> {
    let given = call.params.required("VideoId")?;
    let id = VideoId::parse(given);
    if let Some(only) = call.caller.only_video()
        && id.as_ref() != Some(only)
    {
        return Err(ApiErrorCode::ForbiddenRam.because("This credential is for another video."));
    }
    let not_found = || {
        ApiErrorCode::VideoNotFound.because(
            "There is no video with this VideoId. Check the id and the region or endpoint.",
        )
    };
    let id = id.ok_or_else(not_found)?;
    call.state
        .core
        .videos
        .video(&id)
        .await?
        .ok_or_else(not_found)
}

fn check_playable(video: &Video) -> Result<(), ApiError> {
    if video.status == VideoStatus::Normal {
        return Ok(());
    }
    Err(ApiErrorCode::IllegalStatus.because(format!(
        "The video's status is {}; it can be played when it is Normal.",
        video.status.as_str()
    )))
}

pub(super) fn seconds(
    call: &Call<'_>,
    name: &'static str,
    default: i64,
    range: &RangeInclusive<i64>,
) -> Result<i64, ApiError> {
    let Some(text) = call.params.get(name) else {
        return Ok(default);
    };
    // Rust reads a sign as well.
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .filter(|seconds| range.contains(seconds))
        .ok_or_else(|| {
            ApiError::invalid(
                name,
                format!(
                    "it must be a whole number of seconds from {} to {}.",
                    range.start(),
                    range.end()
                ),
            )
        })
}

fn list<T>(
    call: &Call<'_>,
    name: &'static str,
    parse: fn(&str) -> Option<T>,
    known: &str,
) -> Result<Vec<T>, ApiError> {
    let Some(text) = call.params.get(name) else {
        return Ok(Vec::new());
    };
    text.split(',')
        .map(|word| {
            parse(word.trim()).ok_or_else(|| {
                ApiError::invalid(
                    name,
                    format!("it must be a comma-separated list of {known}."),
                )
            })
        })
        .collect()
}

/// The parts of PlayConfig that are understood here.
#[derive(Default)]
struct RequestedPlayConfig {
    encryption: Option<RenditionEncryption>,
    hls_uri_token: Option<String>,
}

fn play_config(call: &Call<'_>) -> Result<RequestedPlayConfig, ApiError> {
    const NAME: &str = "PlayConfig";
    let Some(text) = call.params.get(NAME) else {
        return Ok(RequestedPlayConfig::default());
    };
    let Ok(Value::Object(config)) = serde_json::from_str(text) else {
        return Err(ApiError::invalid(NAME, "it must be a JSON object."));
    };
    let preview = config
        .get("PreviewTime")
        .is_some_and(|time| !matches!(time.to_string().trim_matches('"'), "" | "0" | "null"));
    if preview {
        return Err(ApiError::invalid(
            NAME,
            "PreviewTime is not offered by this service.",
        ));
    }
    let word = |name: &str| {
        config
            .get(name)
            .and_then(Value::as_str)
            .filter(|word| !word.is_empty())
    };
    let encryption = word("EncryptType")
        .map(|word| {
            RenditionEncryption::parse(word).ok_or_else(|| {
                ApiError::invalid(
                    NAME,
                    "EncryptType must be Unencrypted, HLSEncryption or AliyunVoDEncryption.",
                )
            })
        })
        .transpose()?;
    let hls_uri_token = word("MtsHlsUriToken").map(str::to_owned);
    if hls_uri_token
        .as_ref()
        .is_some_and(|token| token.len() > MAX_TEXT_LEN)
    {
        return Err(ApiError::invalid(
            NAME,
            format!("MtsHlsUriToken is longer than {MAX_TEXT_LEN} octets."),
        ));
    }
    Ok(RequestedPlayConfig {
        encryption,
        hls_uri_token,
    })
}

fn play_filter(
    call: &Call<'_>,
    encryption: Option<RenditionEncryption>,
) -> Result<PlayFilter, ApiError> {
    let (mut video, mut audio) = (true, true);
    if let Some(kinds) = call.params.get("StreamType") {
        let kinds: Vec<&str> = kinds.split(',').map(str::trim).collect();
        if kinds.iter().any(|kind| !["video", "audio"].contains(kind)) {
            return Err(ApiError::invalid(
                "StreamType",
                "it must be video, audio, or both with a comma between.",
            ));
        }
        (video, audio) = (kinds.contains(&"video"), kinds.contains(&"audio"));
    }
    let multiple = match call.params.get("ResultType") {
        None | Some("Single") => false,
        Some("Multiple") => true,
        Some(_) => {
            return Err(ApiError::invalid(
                "ResultType",
                "it must be Single or Multiple.",
            ));
        }
    };
    if call
        .params
        .get("OutputType")
        .is_some_and(|kind| !["oss", "cdn"].contains(&kind))
    {
        return Err(ApiError::invalid("OutputType", "it must be cdn or oss."));
    }
    Ok(PlayFilter {
        formats: list(call, "Formats", Format::parse, "mp4, m3u8, mp3, mpd, flv")?,
        definitions: list(
            call,
            "Definition",
            parse_definition,
            "FD, LD, SD, HD, OD, 2K, 4K, SQ, HQ, AUTO",
        )?,
        video,
        audio,
        encryption,
        multiple,
    })
}

fn media_url(
    call: &Call<'_>,
    id: &VideoId,
    file: &str,
    until_s: i64,
    token: Option<&str>,
) -> String {
    let path = media_path(id, file);
    let mut url = format!(
        "{}{path}?auth_key={}",
        call.base_url,
        sign_path(&call.state.url_key, &path, until_s)
    );
    if let Some(token) = token {
        url.push('&');
        url.push_str(
            &url::form_urlencoded::Serializer::new(String::new())
                .append_pair("MtsHlsUriToken", token)
                .finish(),
        );
    }
    url
}

fn cover_url(call: &Call<'_>, video: &Video, until_s: i64) -> String {
    video
        .cover
        .as_ref()
        .map(|cover| media_url(call, &video.id, cover, until_s, None))
        .unwrap_or_default()
}

fn play_info(
    call: &Call<'_>,
    video: &Video,
    rendition: &Rendition,
    until_s: i64,
    token: Option<&str>,
) -> Value {
    let playlist_token = token.filter(|_| rendition.format == Format::M3u8);
    let mut info = json!({
        "PlayURL": media_url(call, &video.id, &rendition.file, until_s, playlist_token),
        "Format": rendition.format.as_str(),
        "Definition": rendition.definition.as_str(),
        "StreamType": if rendition.audio_only { "audio" } else { "video" },
        "Bitrate": rounded(rendition.bitrate_kbps, 3),
        "Fps": rounded(rendition.fps, 3),
        "Duration": rounded(rendition.duration_s, 4),
        "Size": rendition.size,
        "Width": rendition.width,
        "Height": rendition.height,
        "Encrypt": i32::from(rendition.encryption != RenditionEncryption::None),
        "Status": "Normal",
        "NarrowBandType": "0",
        "CreationTime": UnixTime::from_millis(video.created_ms).to_string(),
    });
    if let (Value::Object(members), true) =
        (&mut info, rendition.encryption != RenditionEncryption::None)
    {
        members.insert(
            "EncryptType".to_owned(),
            rendition.encryption.as_str().into(),
        );
    }
    info
}

async fn get_play_info(call: &Call<'_>) -> Result<Value, ApiError> {
    let video_id = call.params.required("VideoId")?;
    match call.params.get("AuthInfo") {
        Some(info) => check_auth_info(info, &call.state.core.master, video_id, call.now_ms)?,
        None if call.caller.only_video().is_some() => return Err(ApiError::missing("AuthInfo")),
        None => {}
    }
    call.caller.check_not_expired(call.now_ms)?;
    let config = play_config(call)?;
    let filter = play_filter(call, config.encryption)?;
    let timeout_s = seconds(call, "AuthTimeout", URL_TIMEOUT_S, &URL_TIMEOUT_RANGE_S)?;
    let video = find_video(call).await?;
    check_playable(&video)?;
    let renditions = pick_renditions(call.state.core.videos.renditions(&video.id).await?, &filter)?;
    let until_s = url_expiry_s(call, timeout_s, video.duration_s);
    let token = config.hls_uri_token.as_deref();
    let infos: Vec<Value> = renditions
        .iter()
        .map(|rendition| play_info(call, &video, rendition, until_s, token))
        .collect();
    let media_type = if renditions.iter().all(|rendition| rendition.audio_only) {
        "audio"
    } else {
        "video"
    };
    Ok(json!({
        "VideoBase": {
            "VideoId": video.id,
            "Title": video.title,
            "Status": video.status.as_str(),
            "Duration": rounded(video.duration_s, 4),
            "CoverURL": cover_url(call, &video, until_s),
            "MediaType": media_type,
            "CreationTime": UnixTime::from_millis(video.created_ms).to_string(),
            "TranscodeMode": "FastTranscode",
            "ThumbnailList": { "Thumbnail": [] },
        },
        "PlayInfoList": { "PlayInfo": infos },
    }))
}

/// When a media URL with that lifetime expires.
fn url_expiry_s(call: &Call<'_>, timeout_s: i64, duration_s: f64) -> i64 {
    let now_s = call.now_ms.div_euclid(1000);
    let asked_s = now_s.saturating_add(timeout_s);
    call.caller.url_expiry_s(asked_s, now_s, duration_s)
}

async fn get_video_info(call: &Call<'_>) -> Result<Value, ApiError> {
    let video = find_video(call).await?;
    let until_s = url_expiry_s(call, URL_TIMEOUT_S, video.duration_s);
    Ok(json!({
        "Video": {
            "VideoId": video.id,
            "Title": video.title,
            "Status": video.status.as_str(),
            "Duration": rounded(video.duration_s, 4),
            "Size": video.size,
            "CoverURL": cover_url(call, &video, until_s),
            "CreationTime": UnixTime::from_millis(video.created_ms).to_string(),
        }
    }))
}

pub(super) fn no_random_number() -> ApiError {
    ApiErrorCode::InternalError.because("The service could not draw a random number.")
}

async fn get_video_play_auth(call: &Call<'_>) -> Result<Value, ApiError> {
    let timeout_s = seconds(
        call,
        "AuthInfoTimeout",
        *AUTH_INFO_TIMEOUT_S.start(),
        &AUTH_INFO_TIMEOUT_S,
    )?;
    let video = find_video(call).await?;
    check_playable(&video)?;
    let asked_ms = call.now_ms.saturating_add(timeout_s.saturating_mul(1000));
    let expires = UnixTime::from_millis(call.caller.end_ms(asked_ms));
    let host = call.base_url.split_once("://").map_or("", |(_, host)| host);
    let cover = cover_url(call, &video, expires.after(URL_TIMEOUT_S).seconds());
    let claims = PlayAuthClaims {
        lineage: call.caller.lineage.clone(),
        caller: call.key_id,
        region: &call.state.region,
        host,
        cover,
    };
    let play_auth = issue_play_auth(&call.state.core.master, &video, expires, claims)
        .map_err(|_| no_random_number())?;
    let meta = play_auth.video_meta.clone();
    Ok(json!({ "PlayAuth": play_auth.encode().expose(), "VideoMeta": meta }))
}
