//! From `vid:ID` and its options to a source, and a fresh credential when one expires.

use kinora::{Credential, PlayOptions, Quality, Secret, Source, VidAuth, VidSts};

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

/// Runs the user's command and takes what it prints as the new credential.
pub(crate) fn refresh(command: &str) -> Result<Credential, Failure> {
    let output = std::process::Command::new("sh")
        .args(["-c", command])
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| Failure::io("--refresh-command", &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || text.trim().is_empty() {
        let status = output.status;
        return Err(Failure::usage(
            format!("the --refresh-command gave no credential ({status})"),
            format!("--refresh-command 没有给出凭证（{status}）"),
        ));
    }
    Ok(Credential::PlayAuth(Secret::new(text.trim())))
}
