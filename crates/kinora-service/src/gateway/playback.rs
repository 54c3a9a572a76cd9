//! What a player asks for: where a video can be played from, and the credential for that.

use std::ops::RangeInclusive;

use kinora_cloud::UnixTime;
use serde_json::{Value, json};

use super::call::{Call, URL_TIMEOUT_S};
use super::sts::no_random_number;
use crate::domain::{
    AUTH_INFO_TIMEOUT_S, ApiError, ApiErrorCode, Format, PlayAuthClaims, PlayFilter, Rendition,
    RenditionEncryption, Video, VideoStatus, check_auth_info, issue_play_auth, parse_definition,
    pick_renditions, rounded,
};

const URL_TIMEOUT_RANGE_S: RangeInclusive<i64> = 1..=2_592_000;
const MAX_TEXT_LEN: usize = 512;

fn check_playable(video: &Video) -> Result<(), ApiError> {
    if video.status == VideoStatus::Normal {
        return Ok(());
    }
    Err(ApiErrorCode::IllegalStatus.because(format!(
        "The video's status is {}; it can be played when it is Normal.",
        video.status.as_str()
    )))
}

/// The parts of PlayConfig that are understood here.
#[derive(Default)]
struct RequestedPlayConfig {
    encryption: Option<RenditionEncryption>,
    hls_uri_token: Option<String>,
}

fn play_config(call: &Call<'_>) -> Result<RequestedPlayConfig, ApiError> {
    const NAME: &str = "PlayConfig";
    let Some(text) = call.get(NAME) else {
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
    if let Some(kinds) = call.get("StreamType") {
        let kinds: Vec<&str> = kinds.split(',').map(str::trim).collect();
        if kinds.iter().any(|kind| !["video", "audio"].contains(kind)) {
            return Err(ApiError::invalid(
                "StreamType",
                "it must be video, audio, or both with a comma between.",
            ));
        }
        (video, audio) = (kinds.contains(&"video"), kinds.contains(&"audio"));
    }
    let multiple = match call.get("ResultType") {
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
        .get("OutputType")
        .is_some_and(|kind| !["oss", "cdn"].contains(&kind))
    {
        return Err(ApiError::invalid("OutputType", "it must be cdn or oss."));
    }
    Ok(PlayFilter {
        formats: call.list("Formats", Format::parse, "mp4, m3u8, mp3, mpd, flv")?,
        definitions: call.list(
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

fn play_info(
    call: &Call<'_>,
    video: &Video,
    rendition: &Rendition,
    until_s: i64,
    token: Option<&str>,
) -> Value {
    let playlist_token = token.filter(|_| rendition.format == Format::M3u8);
    let mut info = json!({
        "PlayURL": call.media_url(&video.id, &rendition.file, until_s, playlist_token),
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

pub(super) async fn get_play_info(call: &Call<'_>) -> Result<Value, ApiError> {
    let video_id = call.required("VideoId")?;
    match call.get("AuthInfo") {
        Some(info) => check_auth_info(info, &call.state.core.master, video_id, call.now_ms)?,
        None if call.caller.only_video().is_some() => return Err(ApiError::missing("AuthInfo")),
        None => {}
    }
    call.caller.check_not_expired(call.now_ms)?;
    let config = play_config(call)?;
    let filter = play_filter(call, config.encryption)?;
    let timeout_s = call.seconds("AuthTimeout", URL_TIMEOUT_S, &URL_TIMEOUT_RANGE_S)?;
    let video = call.find_video().await?;
    check_playable(&video)?;
    let renditions = pick_renditions(call.state.core.videos.renditions(&video.id).await?, &filter)?;
    let until_s = call.url_expiry_s(timeout_s, video.duration_s);
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
            "CoverURL": call.cover_url(&video, until_s),
            "MediaType": media_type,
            "CreationTime": UnixTime::from_millis(video.created_ms).to_string(),
            "TranscodeMode": "FastTranscode",
            "ThumbnailList": { "Thumbnail": [] },
        },
        "PlayInfoList": { "PlayInfo": infos },
    }))
}

pub(super) async fn get_video_play_auth(call: &Call<'_>) -> Result<Value, ApiError> {
    let timeout_s = call.seconds(
        "AuthInfoTimeout",
        *AUTH_INFO_TIMEOUT_S.start(),
        &AUTH_INFO_TIMEOUT_S,
    )?;
    let video = call.find_video().await?;
    check_playable(&video)?;
    let asked_ms = call.now_ms.saturating_add(timeout_s.saturating_mul(1000));
    let expires = UnixTime::from_millis(call.caller.end_ms(asked_ms));
    let host = call.base_url.split_once("://").map_or("", |(_, host)| host);
    let cover = call.cover_url(&video, expires.after(URL_TIMEOUT_S).seconds());
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
