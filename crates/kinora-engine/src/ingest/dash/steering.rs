//! Content steering (ETSI TS 103 998): a server says which service locations are preferred.

use kinora_errors::{Coded, Fault, Secret};
use kinora_manifest::dash::Mpd;
use kinora_manifest::hls::SteeringManifest;
use kinora_media::Time;

use super::MpdReader;
use crate::ingest::base::{Base, malformed};
use crate::ingest::segmented::index::{Steered, SteeringServer};

/// Who steers, where he may be asked.
pub(super) fn server(mpd: &Mpd, base: &Base) -> Option<SteeringServer> {
    let steering = mpd.steering.as_ref()?;
    let first = steering.default_service_locations.first();
    Some(SteeringServer {
        url: base.resolve(&steering.url).ok()?,
        pathway: first.cloned().unwrap_or_default(),
        before_start: steering.query_before_start,
    })
}

impl MpdReader {
    /// Reads what he says, found at `url`.
    pub(in crate::ingest) fn steer(&mut self, text: &[u8], url: &Secret) -> Result<Steered, Fault> {
        let located = |error: kinora_manifest::hls::HlsError| error.fault().at_url(url.expose());
        let manifest = SteeringManifest::parse(text).map_err(located)?;
        let found = Base::new(url.expose());
        let found = found.ok_or_else(|| malformed("its own URL can not be read", url))?;
        let next = manifest.reload_uri.map(|uri| found.resolve(&uri));
        let next = next.transpose()?;
        self.places
            .steer(manifest.priority.clone(), manifest.clones);
        Ok(Steered {
            ttl: Time::from(manifest.ttl),
            url: next,
            priority: manifest.priority,
            variants: Vec::new(),
            audio: Vec::new(),
        })
    }

    /// The service location that is preferred now.
    pub(in crate::ingest) fn pathway(&self, now: Time) -> Option<String> {
        self.places.preferred(now).map(str::to_owned)
    }
}
