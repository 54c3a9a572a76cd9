//! A video by its id: the credential, the service, and what the service gives.

use kinora::VidSource;
use kinora_cloud::AuthInfo;
use kinora_cloud::{Endpoint, PlayAuth, UnixTime};
use kinora_errors::Coded as _;

use crate::check::{Check, CheckKind};
use crate::route::ServerRole;
use crate::run::Run;

/// No more renditions are looked at.
const MAX_RENDITIONS: usize = 8;

impl Run<'_> {
    pub(crate) fn video(&mut self, source: &VidSource) {
        let Some(endpoint) = self.credential(source) else {
            return;
        };
        if self.follow(&endpoint, ServerRole::Gateway).is_none() {
            return;
        }
        let check = Check::new(CheckKind::PlayInfo);
        let info = match kinora::play_info(source, &self.options.net) {
            Ok(info) => info,
            Err(fault) => return self.add(check.failed(fault)),
        };
        let entries = info.play_info_list.play_info;
        let mut check = check
            .fact("title", &info.video_base.title)
            .fact("status", &info.video_base.status);
        for entry in &entries {
            let quality = format!(
                "{} {} {}x{} {} kbit/s",
                entry.definition, entry.format, entry.width, entry.height, entry.bitrate
            );
            check = check.fact("offered", quality);
        }
        self.add(check);
        // In the order of the service; one that fails is reported, the others are looked at all the same.
        for entry in entries.iter().take(MAX_RENDITIONS) {
            let rendition = Check::new(CheckKind::Rendition)
                .fact("definition", &entry.definition)
                .fact("format", &entry.format)
                .url("url", entry.play_url.expose());
            self.add(rendition);
            self.resource(entry.play_url.expose());
        }
    }

    /// What the credential says of itself; the endpoint that it leads to.
    fn credential(&mut self, source: &VidSource) -> Option<String> {
        let check = Check::new(CheckKind::Credential).fact("video", source.vid());
        let (check, region, given) = match source {
            VidSource::Sts(sts) => (
                check.fact("kind", "STS"),
                sts.region.clone(),
                sts.endpoint.clone(),
            ),
            VidSource::Auth(auth) => {
                let check = check.fact("kind", "PlayAuth");
                let decoded = match PlayAuth::decode(auth.play_auth.expose()) {
                    Ok(decoded) => decoded,
                    Err(error) => {
                        self.add(check.failed(error.for_video(source.vid()).fault()));
                        return None;
                    }
                };
                let info = AuthInfo::parse(decoded.auth_info.expose()).unwrap_or_default();
                let check = check
                    .fact("issued_for", &info.media_id)
                    .fact("expires", &info.expire_time)
                    .fact("region", &decoded.region);
                let now = UnixTime::from_millis(crate::route::unix_ms());
                if let Err(error) = decoded.check(source.vid(), now) {
                    self.add(check.failed(error.for_video(source.vid()).fault()));
                    return None;
                }
                let region = match auth.region.is_empty() {
                    true => decoded.region,
                    false => auth.region.clone(),
                };
                (check, region, auth.endpoint.clone())
            }
        };
        let endpoint = match given {
            Some(given) => Endpoint::parse(&given),
            None => Endpoint::of_region("vod", &region),
        };
        match endpoint {
            Ok(endpoint) => {
                self.add(check.url("endpoint", endpoint.as_str()));
                Some(endpoint.as_str().to_owned())
            }
            Err(error) => {
                self.add(check.failed(error.fault()));
                None
            }
        }
    }
}
