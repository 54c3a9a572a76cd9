//! What the gateway can do, once a request is known to be genuine and allowed.

use std::ops::RangeInclusive;

use kinora_cloud::{PlayAuth, UnixTime, VideoMeta, sts, vod};
use kinora_errors::Secret;
use serde_json::{Value, json};

use super::Call;
use super::assume_role::{assume_role, role_name};
use super::caller::SESSION_PREFIX;
use crate::crypto::{MasterKey, hex, random};
use crate::delivery::{media_path, sign_path};
use crate::domain::{
    ACCOUNT_ID, ACTION_ASSUME_ROLE, ACTION_GET_PLAY_INFO, ACTION_GET_VIDEO_INFO,
    ACTION_GET_VIDEO_PLAY_AUTH, AUTH_INFO_TIMEOUT_S, Definition, Encryption, Format, Lineage,
    Params, PlayFilter, Refusal, Rendition, Resource, Scope, Session, Video, VideoId, VideoStatus,
    Why, check_auth_info, issue_auth_info, pick_renditions,
};

/// Seconds that a media URL lives, if AuthTimeout does not say.
const URL_TIMEOUT_S: i64 = 3600;
const URL_TIMEOUT_RANGE_S: RangeInclusive<i64> = 1..=2_592_000;
/// The triple in a play credential outlives its so that lateness is told as such.
const PLAY_SESSION_MARGIN_S: i64 = 3600;
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
    pub(super) async fn run(self, call: &Call<'_>) -> Result<Value, Refusal> {
        match self {
            Self::GetPlayInfo => get_play_info(call).await,
            Self::GetVideoPlayAuth => get_video_play_auth(call).await,
            Self::GetVideoInfo => get_video_info(call).await,
            Self::AssumeRole => assume_role(call).await,
        }
    }
}

async fn find_video(call: &Call<'_>) -> Result<Video, Refusal> {
    let given = call.params.required("VideoId")?;
    let id = VideoId::parse(given);
    if let Some(only) = call.caller.only_video()
        && id.as_ref() != Some(only)
    {
        return Err(Why::ForbiddenRam.because("This credential is for another video."));
    }
    let not_found = || {
        Why::VideoNotFound.because(
            "There is no video with this VideoId. Check the id and the region or endpoint.",
        )
    };
    let id = id.ok_or_else(not_found)?;
    call.shared
        .core
        .videos
        .video(&id)
        .await?
        .ok_or_else(not_found)
}

fn must_be_normal(video: &Video) -> Result<(), Refusal> {
    if video.status == VideoStatus::Normal {
        return Ok(());
    }
    Err(Why::IllegalStatus.because(format!(
        "The video's status is {}; it can be played when it is Normal.",
        video.status.as_str()
    )))
}

pub(super) fn seconds(
    call: &Call<'_>,
    name: &'static str,
    default: i64,
    range: &RangeInclusive<i64>,
) -> Result<i64, Refusal> {
    let Some(text) = call.params.get(name) else {
        return Ok(default);
    };
    // Rust reads a sign as well.
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .filter(|seconds| range.contains(seconds))
        .ok_or_else(|| {
            Refusal::invalid(
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
) -> Result<Vec<T>, Refusal> {
    let Some(text) = call.params.get(name) else {
        return Ok(Vec::new());
    };
    text.split(',')
        .map(|word| {
            parse(word.trim()).ok_or_else(|| {
                Refusal::invalid(
                    name,
                    format!("it must be a comma-separated list of {known}."),
                )
            })
        })
        .collect()
}

/// The parts of PlayConfig that are understood here.
#[derive(Default)]
struct PlayConfig {
    encryption: Option<Encryption>,
    hls_uri_token: Option<String>,
}

fn play_config(call: &Call<'_>) -> Result<PlayConfig, Refusal> {
    const NAME: &str = "PlayConfig";
    let Some(text) = call.params.get(NAME) else {
        return Ok(PlayConfig::default());
    };
    let Ok(Value::Object(config)) = serde_json::from_str(text) else {
        return Err(Refusal::invalid(NAME, "it must be a JSON object."));
    };
    let preview = config
        .get("PreviewTime")
        .is_some_and(|time| !matches!(time.to_string().trim_matches('"'), "" | "0" | "null"));
    if preview {
        return Err(Refusal::invalid(
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
            Encryption::parse(word).ok_or_else(|| {
                Refusal::invalid(
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
        return Err(Refusal::invalid(
            NAME,
            format!("MtsHlsUriToken is longer than {MAX_TEXT_LEN} octets."),
        ));
    }
    Ok(PlayConfig {
        encryption,
        hls_uri_token,
    })
}

fn play_filter(call: &Call<'_>, encryption: Option<Encryption>) -> Result<PlayFilter, Refusal> {
    let (mut video, mut audio) = (true, true);
    if let Some(kinds) = call.params.get("StreamType") {
        let kinds: Vec<&str> = kinds.split(',').map(str::trim).collect();
        if kinds.iter().any(|kind| !["video", "audio"].contains(kind)) {
            return Err(Refusal::invalid(
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
            return Err(Refusal::invalid(
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
        return Err(Refusal::invalid("OutputType", "it must be cdn or oss."));
    }
    Ok(PlayFilter {
        formats: list(call, "Formats", Format::parse, "mp4, m3u8, mp3, mpd, flv")?,
        definitions: list(
            call,
            "Definition",
            Definition::parse,
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
        sign_path(&call.shared.url_key, &path, until_s)
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

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
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
        "Encrypt": i32::from(rendition.encryption != Encryption::None),
        "Status": "Normal",
        "NarrowBandType": "0",
        "CreationTime": UnixTime::from_millis(video.created_ms).to_string(),
    });
    if let (Value::Object(members), true) = (&mut info, rendition.encryption != Encryption::None) {
        members.insert(
            "EncryptType".to_owned(),
            rendition.encryption.as_str().into(),
        );
    }
    info
}

async fn get_play_info(call: &Call<'_>) -> Result<Value, Refusal> {
    let video_id = call.params.required("VideoId")?;
    match call.params.get("AuthInfo") {
        Some(info) => check_auth_info(info, &call.shared.core.master, video_id, call.now_ms)?,
        None if call.caller.only_video().is_some() => return Err(Refusal::missing("AuthInfo")),
        None => {}
    }
    call.caller.must_live(call.now_ms)?;
    let config = play_config(call)?;
    let filter = play_filter(call, config.encryption)?;
    let timeout_s = seconds(call, "AuthTimeout", URL_TIMEOUT_S, &URL_TIMEOUT_RANGE_S)?;
    let video = find_video(call).await?;
    must_be_normal(&video)?;
    let renditions = pick_renditions(
        call.shared.core.videos.renditions(&video.id).await?,
        &filter,
    )?;
    let until_s = url_end_s(call, timeout_s, video.duration_s);
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

/// When a media URL dies that is to live so long.
fn url_end_s(call: &Call<'_>, timeout_s: i64, duration_s: f64) -> i64 {
    let now_s = call.now_ms.div_euclid(1000);
    let asked_s = now_s.saturating_add(timeout_s);
    call.caller.url_end_s(asked_s, now_s, duration_s)
}

async fn get_video_info(call: &Call<'_>) -> Result<Value, Refusal> {
    let video = find_video(call).await?;
    let until_s = url_end_s(call, URL_TIMEOUT_S, video.duration_s);
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

pub(super) fn session_key() -> std::io::Result<String> {
    random::<12>().map(|bytes| format!("{SESSION_PREFIX}{}", hex(&bytes)))
}

pub(super) fn no_random_number() -> Refusal {
    Why::InternalError.because("The service could not draw a random number.")
}

async fn get_video_play_auth(call: &Call<'_>) -> Result<Value, Refusal> {
    let timeout_s = seconds(
        call,
        "AuthInfoTimeout",
        *AUTH_INFO_TIMEOUT_S.start(),
        &AUTH_INFO_TIMEOUT_S,
    )?;
    let video = find_video(call).await?;
    must_be_normal(&video)?;
    let asked_ms = call.now_ms.saturating_add(timeout_s.saturating_mul(1000));
    let expires = UnixTime::from_millis(call.caller.end_ms(asked_ms));
    let host = call.base_url.split_once("://").map_or("", |(_, host)| host);
    let cover = cover_url(call, &video, expires.after(URL_TIMEOUT_S).seconds());
    let mint = Mint {
        lineage: call.caller.lineage.clone(),
        caller: call.key_id,
        region: &call.shared.region,
        host,
        cover,
    };
    let play_auth = mint_play_auth(&call.shared.core.master, &video, expires, mint)
        .map_err(|_| no_random_number())?;
    let meta = play_auth.video_meta.clone();
    Ok(json!({ "PlayAuth": play_auth.encode().expose(), "VideoMeta": meta }))
}

/// What a play credential says beside the video.
pub(crate) struct Mint<'a> {
    /// Whose right to let play it hands on.
    pub(crate) lineage: Lineage,
    pub(crate) caller: &'a str,
    pub(crate) region: &'a str,
    pub(crate) host: &'a str,
    pub(crate) cover: String,
}

/// Makes a play credential: a temporary key for GetPlayInfo of that video, and the AuthInfo that binds it.
pub(crate) fn mint_play_auth(
    master: &MasterKey,
    video: &Video,
    expires: UnixTime,
    mint: Mint<'_>,
) -> std::io::Result<PlayAuth> {
    let session = Session {
        key_id: session_key()?,
        expires_ms: expires
            .after(PLAY_SESSION_MARGIN_S)
            .seconds()
            .saturating_mul(1000),
        lineage: mint.lineage,
        // The AuthInfo binds it to the video, and says so in its own words when it does not fit.
        scope: Scope::Play {
            video: video.id.clone(),
            until_ms: expires.seconds().saturating_mul(1000),
        },
    };
    let info = issue_auth_info(master, &video.id, expires, mint.caller, mint.host);
    Ok(PlayAuth {
        access_key_secret: Session::secret(master, &session.key_id),
        security_token: Secret::new(session.token(master)),
        access_key_id: session.key_id,
        region: mint.region.to_owned(),
        customer_id: ACCOUNT_ID.to_owned(),
        play_domain: mint.host.to_owned(),
        auth_info: info.to_json(),
        video_meta: VideoMeta {
            video_id: video.id.to_string(),
            title: video.title.clone(),
            cover_url: mint.cover,
            duration: rounded(video.duration_s, 4),
            status: video.status.as_str().to_owned(),
        },
    })
}
