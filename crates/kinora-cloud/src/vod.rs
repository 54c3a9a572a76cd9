//! Further calls of the VOD service; its version is 2017-03-21.

use kinora_errors::Secret;
use serde::{Deserialize, Serialize};

use crate::error::CloudError;
use crate::play_auth::VideoMeta;
use crate::play_info::parse_reply;
use crate::pop::PopRequest;
use crate::service_code::CloudService;
use crate::wire;

/// The service's version.
pub const VERSION: &str = "2017-03-21";

/// Asks for a play credential of that lifetime (100 to 3000 seconds; 100 when none is named).
#[must_use]
pub fn get_video_play_auth(vid: &str, auth_info_timeout_s: Option<u64>) -> PopRequest {
    PopRequest::new("GetVideoPlayAuth", VERSION)
        .param("VideoId", vid)
        .option(
            "AuthInfoTimeout",
            auth_info_timeout_s.map(|seconds| seconds.to_string()),
        )
}

/// Asks what is known of a video.
#[must_use]
pub fn get_video_info(vid: &str) -> PopRequest {
    PopRequest::new("GetVideoInfo", VERSION).param("VideoId", vid)
}

/// The reply of GetVideoPlayAuth.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VideoPlayAuth {
    /// The id of the call.
    #[serde(default, deserialize_with = "wire::text")]
    pub request_id: String,
    /// What is known of the video.
    #[serde(default)]
    pub video_meta: VideoMeta,
    /// The credential.
    #[serde(serialize_with = "wire::expose", deserialize_with = "wire::secret")]
    pub play_auth: Secret,
}

/// The reply of GetVideoInfo.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VideoInfo {
    /// The id of the call.
    #[serde(default, deserialize_with = "wire::text")]
    pub request_id: String,
    /// The video.
    pub video: VideoDetails,
}

/// What is known of a video.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VideoDetails {
    /// The video.
    #[serde(deserialize_with = "wire::text")]
    pub video_id: String,
    /// Its title.
    #[serde(deserialize_with = "wire::text")]
    pub title: String,
    /// Its description.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
    /// `Normal` when it can be played.
    #[serde(deserialize_with = "wire::text")]
    pub status: String,
    /// Seconds.
    #[serde(deserialize_with = "wire::real")]
    pub duration: f64,
    /// Bytes.
    #[serde(deserialize_with = "wire::whole")]
    pub size: u64,
    /// Its cover picture.
    #[serde(rename = "CoverURL", deserialize_with = "wire::text")]
    pub cover_url: String,
    /// When it was created.
    #[serde(deserialize_with = "wire::text")]
    pub creation_time: String,
    /// When it was changed.
    #[serde(
        deserialize_with = "wire::text",
        skip_serializing_if = "String::is_empty"
    )]
    pub modification_time: String,
}

/// Reads the reply of GetVideoPlayAuth.
///
/// # Errors
/// As [`crate::parse_play_info`].
pub fn parse_video_play_auth(status: u16, body: &[u8]) -> Result<VideoPlayAuth, CloudError> {
    parse_reply(CloudService::Vod, status, body)
}

/// Reads the reply of GetVideoInfo.
///
/// # Errors
/// As [`crate::parse_play_info`].
pub fn parse_video_info(status: u16, body: &[u8]) -> Result<VideoInfo, CloudError> {
    parse_reply(CloudService::Vod, status, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_as_they_are_written() {
        let body =
            br#"{"RequestId":"r","VideoMeta":{"VideoId":"v","Duration":"1.5"},"PlayAuth":"p4ss"}"#;
        let reply = parse_video_play_auth(200, body).unwrap();
        assert_eq!(reply.play_auth.expose(), "p4ss");
        assert!(!format!("{reply:?}").contains("p4ss"));
        let again = parse_video_play_auth(200, &serde_json::to_vec(&reply).unwrap()).unwrap();
        assert_eq!(again, reply);
        let info = parse_video_info(200, br#"{"Video":{"VideoId":"v","Size":"12"}}"#).unwrap();
        assert_eq!((info.video.video_id.as_str(), info.video.size), ("v", 12));
        assert!(parse_video_info(200, b"{}").is_err());
    }
}
