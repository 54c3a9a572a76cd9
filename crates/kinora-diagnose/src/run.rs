//! From a source to its verdict.

use std::time::Duration;

use kinora::{DecoderChoice, NetConfig, Source, VidSource};
use kinora_errors::mask_url;
use kinora_errors::{Fault, Secret};
use kinora_media::{ByteRange, RequestId};
use kinora_net::{FetchRequest, Initiator, Net, Reply};
use serde::Serialize;

use crate::check::{Check, CheckStatus};
use crate::verdict::{self, Verdict};

/// How much is tried.
#[derive(Clone, Debug)]
pub struct Options {
    /// As the player would use the network.
    pub net: NetConfig,
    /// As the player would choose decoders.
    pub decoders: DecoderChoice,
    /// How long it is played.
    pub play_for: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            net: NetConfig::default(),
            decoders: DecoderChoice::Auto,
            play_for: Duration::from_secs(10),
        }
    }
}

/// Everything that was found out. Nothing in it is secret.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// The source, its secrets masked.
    pub source: String,
    /// What was looked at, in order.
    pub checks: Vec<Check>,
    /// What it comes to.
    pub verdict: Verdict,
}

/// No resource that is read whole is longer: a playlist, a segment.
const MAX_RESOURCE_LEN: usize = 32 << 20;
/// How long such a resource may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the steps share.
pub(crate) struct Run<'a> {
    pub(crate) options: &'a Options,
    pub(crate) net: Net,
    checks: Vec<Check>,
    /// The stream that is looked at: credentials go to its origin and to no other.
    pub(crate) stream: Secret,
    report: &'a mut dyn FnMut(&Check),
}

impl Run<'_> {
    pub(crate) fn add(&mut self, check: Check) {
        (self.report)(&check);
        self.checks.push(check);
    }
    /// Whether something has failed so far.
    pub(crate) fn has_failed(&self) -> bool {
        self.checks
            .iter()
            .any(|check| check.status == CheckStatus::Bad)
    }
    /// A whole resource that `from` names, a playlist of the stream, or the user.
    pub(crate) fn fetch(
        &self,
        url: &str,
        range: ByteRange,
        from: Option<&str>,
    ) -> Result<Reply, Fault> {
        let mut request = FetchRequest::get(RequestId(0), url);
        request.range = range;
        if let Some(from) = from {
            request.initiator = Initiator::Remote {
                found: Secret::new(from),
                source: self.stream.clone(),
            };
        }
        self.net.get(request, MAX_RESOURCE_LEN, PATIENCE)
    }
}

/// Looks at everything between here and a picture. `report` hears of each check as it is done; every wait has a limit.
pub fn diagnose(source: &Source, options: &Options, mut report: impl FnMut(&Check)) -> Diagnosis {
    let mut run = Run {
        options,
        net: Net::new(options.net.clone(), |_| {}),
        checks: Vec::new(),
        stream: Secret::new(""),
        report: &mut report,
    };
    let shown = match source {
        Source::Url { url } => {
            run.resource(url.expose());
            mask_url(url.expose())
        }
        Source::VidAuth(auth) => {
            run.video(&VidSource::Auth((**auth).clone()));
            format!("vid:{}", auth.vid)
        }
        Source::VidSts(sts) => {
            run.video(&VidSource::Sts((**sts).clone()));
            format!("vid:{}", sts.vid)
        }
        // Of a kind without steps of its own: playing it is the proof.
        _ => String::new(),
    };
    run.play(source);
    let checks = run.checks;
    Diagnosis {
        verdict: verdict::of(&checks),
        source: shown,
        checks,
    }
}
