//! Sources as JSON.

use kinora::{Fault, Secret, Source, VidAuth, VidSts};

use crate::settings::{self, SourceSettings};

/// What an object describes.
pub(crate) fn of_json(json: &str) -> Result<Source, Fault> {
    Ok(match settings::source(json)? {
        SourceSettings::Url(it) => it.url.into(),
        SourceSettings::Auth(it) => Source::VidAuth(Box::new(VidAuth {
            vid: it.vid,
            play_auth: Secret::new(it.play_auth),
            region: it.region,
            endpoint: it.endpoint,
            ..VidAuth::default()
        })),
        SourceSettings::Sts(it) => Source::VidSts(Box::new(VidSts {
            vid: it.vid,
            access_key_id: it.access_key_id,
            access_key_secret: Secret::new(it.access_key_secret),
            security_token: Secret::new(it.security_token),
            region: it.region,
            endpoint: it.endpoint,
            ..VidSts::default()
        })),
    })
}
