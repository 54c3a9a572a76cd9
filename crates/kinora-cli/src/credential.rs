//! From `vid:ID` and its options to a source.

use kinora::{PlayOptions, Quality, Secret, Source, VidAuth, VidSts};

use crate::args::VidArgs;
use crate::report::Failure;
use crate::source::secret;

pub(crate) fn source(given: &str, args: &VidArgs) -> Result<Source, Failure> {
    let Some(vid) = given.strip_prefix("vid:") else {
        return Ok(Source::Url {
            url: Secret::new(given),
        });
    };
    let (vid, endpoint) = (vid.to_owned(), args.endpoint.clone());
    let quality = Quality {
        definition: args.quality,
        forced: args.force_quality,
    };
    let options = PlayOptions {
        formats: args.formats.clone().unwrap_or_default(),
        ..PlayOptions::default()
    };
    if let Some(play_auth) = &args.play_auth {
        let (play_auth, region) = (secret(play_auth)?, args.region.clone().unwrap_or_default());
        let source = VidAuth {
            vid,
            play_auth,
            region,
            endpoint,
            quality,
            options,
        };
        return Ok(Source::VidAuth(Box::new(source)));
    }
    match (
        &args.access_key_id,
        &args.access_key_secret,
        &args.security_token,
    ) {
        (Some(id), Some(key), Some(token)) => Ok(Source::VidSts(Box::new(VidSts {
            vid,
            access_key_id: id.clone(),
            access_key_secret: secret(key)?,
            security_token: secret(token)?,
            region: args.region.clone().unwrap_or_default(),
            endpoint,
            quality,
            options,
        }))),
        _ => Err(Failure::usage(
            "a video id needs a credential: KINORA_PLAY_AUTH (or --play-auth), or the STS triple \
             KINORA_ACCESS_KEY_ID, KINORA_ACCESS_KEY_SECRET, KINORA_SECURITY_TOKEN",
            "按 ID 播放需要凭证：KINORA_PLAY_AUTH（或 --play-auth），或 STS 三项 \
             KINORA_ACCESS_KEY_ID、KINORA_ACCESS_KEY_SECRET、KINORA_SECURITY_TOKEN",
        )),
    }
}
