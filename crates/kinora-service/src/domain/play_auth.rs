//! Play credentials (PlayAuth): what `GetVideoPlayAuth` returns.

use kinora_cloud::{PlayAuth, UnixTime, VideoMeta};
use kinora_errors::Secret;

use super::{ACCOUNT_ID, Lineage, Scope, Session, Video, issue_auth_info, rounded};
use crate::crypto::MasterKey;

/// The session of a play credential outlives it, so that a late request is answered with the right code.
const PLAY_SESSION_MARGIN_S: i64 = 3600;

/// What a play credential holds beside the video.
pub(crate) struct PlayAuthClaims<'a> {
    /// Whose right to let play it hands on.
    pub(crate) lineage: Lineage,
    pub(crate) caller: &'a str,
    pub(crate) region: &'a str,
    pub(crate) host: &'a str,
    pub(crate) cover: String,
}

/// Issues a play credential: a temporary key for GetPlayInfo of that video, and the AuthInfo that binds it.
pub(crate) fn issue_play_auth(
    master: &MasterKey,
    video: &Video,
    expires: UnixTime,
    claims: PlayAuthClaims<'_>,
) -> std::io::Result<PlayAuth> {
    let session = Session {
        key_id: Session::new_key_id()?,
        expires_ms: expires
            .after(PLAY_SESSION_MARGIN_S)
            .seconds()
            .saturating_mul(1000),
        lineage: claims.lineage,
        // The AuthInfo binds it to the video, and says so in its own words when it does not fit.
        scope: Scope::Play {
            video: video.id.clone(),
            until_ms: expires.seconds().saturating_mul(1000),
        },
    };
    let info = issue_auth_info(master, &video.id, expires, claims.caller, claims.host);
    Ok(PlayAuth {
        access_key_secret: Session::secret(master, &session.key_id),
        security_token: Secret::new(session.token(master)),
        access_key_id: session.key_id,
        region: claims.region.to_owned(),
        customer_id: ACCOUNT_ID.to_owned(),
        play_domain: claims.host.to_owned(),
        auth_info: info.to_json(),
        video_meta: VideoMeta {
            video_id: video.id.to_string(),
            title: video.title.clone(),
            cover_url: claims.cover,
            duration: rounded(video.duration_s, 4),
            status: video.status.as_str().to_owned(),
        },
    })
}
