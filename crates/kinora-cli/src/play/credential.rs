//! From `vid:ID` and its options to a source, and a fresh credential when one expires.

use kinora::{Credential, Secret, Source, VidAuth, VidOptions, VidSts};

use crate::args::VidArgs;
use crate::report::Failure;
use crate::source::secret;

pub(crate) fn source(given: &str, args: &VidArgs) -> Result<Source, Failure> {
    let Some(video_id) = given.strip_prefix("vid:") else {
        return Ok(Source::Url { url: Secret::new(given) });
    };
    let options = VidOptions {
        endpoint: args.endpoint.clone(),
        region: args.region.clone(),
        quality: args.quality.clone(),
        force_quality: args.force_quality,
        formats: args.formats.clone(),
    };
    if let Some(play_auth) = &args.play_auth {
        return Ok(Source::VidAuth(Box::new(VidAuth::new(video_id, secret(play_auth)?, options))));
    }
    match (&args.access_key_id, &args.access_key_secret, &args.security_token) {
        (Some(id), Some(key), Some(token)) => {
            Ok(Source::VidSts(Box::new(VidSts::new(video_id, id.clone(), secret(key)?, secret(token)?, options))))
        }
        _ => Err(Failure::Usage(
            "a video id needs a credential: KINORA_PLAY_AUTH (or --play-auth), or the STS triple \
             KINORA_ACCESS_KEY_ID, KINORA_ACCESS_KEY_SECRET, KINORA_SECURITY_TOKEN"
                .into(),
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
        return Err(Failure::Usage(format!("the --refresh-command gave no credential ({})", output.status)));
    }
    Ok(Credential::PlayAuth(Secret::new(text.trim())))
}
