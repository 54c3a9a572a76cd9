use std::time::Duration;

use kinora_media::Header;

use crate::{HttpCache, PhaseWatch, ProxyConfig, Transports};

/// Which addresses of a name are tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IpFamily {
    /// Both, IPv6 first where a name has it (RFC 8305).
    #[default]
    Any,
    /// Only IPv4.
    V4,
    /// Only IPv6.
    V6,
}

/// How requests are made. Every wait of the network has its own limit here; one that is not set follows
/// [`Net::set_timeout`](crate::Net::set_timeout) (in a player: `PlayerConfig::network_timeout`).
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Longest name lookup; 5 s if nothing is set.
    pub dns_timeout: Option<Duration>,
    /// Longest TCP connection set-up, over all addresses of a name; 8 s if nothing is set.
    pub connect_timeout: Option<Duration>,
    /// Longest TLS handshake; 8 s if nothing is set.
    pub tls_timeout: Option<Duration>,
    /// Longest wait from the request to the head of its answer; 10 s if nothing is set.
    pub first_byte_timeout: Option<Duration>,
    /// Longest silence within a body; less than one byte a second over it counts as silence. 15 s if nothing is set.
    pub stall_timeout: Option<Duration>,
    /// Headers sent with every request. Those that carry credentials go only to the host
    /// they were meant for.
    pub headers: Vec<Header>,
    /// `Referer`.
    pub referer: Option<String>,
    /// `User-Agent`.
    pub user_agent: String,
    /// Which requests go through which proxy.
    pub proxy: ProxyConfig,
    /// Certificates in PEM that are trusted beside the system's.
    pub extra_ca_pem: Vec<u8>,
    /// Which addresses are tried.
    pub ip_family: IpFamily,
    /// Cookies that servers set go with later requests to them, as long as this network lives (in a player: as long as it
    /// does). They are never written down.
    pub keep_cookies: bool,
    /// Most redirects that one request follows.
    pub redirect_limit: u32,
    /// Called with the phase that each request waits in.
    pub watch: PhaseWatch,
    /// What further schemes lead to.
    pub transports: Transports,
    /// Where what the web gives is kept, and looked for first.
    pub cache: Option<HttpCache>,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            dns_timeout: None,
            connect_timeout: None,
            tls_timeout: None,
            first_byte_timeout: None,
            stall_timeout: None,
            headers: Vec::new(),
            referer: None,
            user_agent: concat!("kinora/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: ProxyConfig::default(),
            extra_ca_pem: Vec::new(),
            ip_family: IpFamily::Any,
            keep_cookies: true,
            redirect_limit: 20,
            watch: PhaseWatch::default(),
            transports: Transports::default(),
            cache: None,
        }
    }
}

/// A longer timeout than this holds for the phases before the response too.
const USUAL_TIMEOUT: Duration = Duration::from_secs(15);

/// The timeouts of a request, phase by phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// Name lookup.
    pub dns: Duration,
    /// TCP connection set-up.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// From the request to the head of its answer.
    pub first_byte: Duration,
    /// Silence within a body.
    pub stall: Duration,
}

impl NetConfig {
    /// The waits that hold where the user allows that much silence, or says nothing of it. What is set here is the limit;
    /// short steps are given up sooner than a silent server, unless more patience is asked for than is usual.
    #[must_use]
    pub fn timeouts(&self, silence: Option<Duration>) -> Timeouts {
        let step = |own: Option<Duration>, usual: Duration| {
            own.unwrap_or(match silence {
                Some(limit) if limit > USUAL_TIMEOUT => limit,
                Some(limit) => usual.min(limit),
                None => usual,
            })
        };
        let answer = |own: Option<Duration>, usual| own.or(silence).unwrap_or(usual);
        Timeouts {
            dns: step(self.dns_timeout, Duration::from_secs(5)),
            connect: step(self.connect_timeout, Duration::from_secs(8)),
            tls: step(self.tls_timeout, Duration::from_secs(8)),
            first_byte: answer(self.first_byte_timeout, Duration::from_secs(10)),
            stall: answer(self.stall_timeout, Duration::from_secs(15)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_users_limit_rules_what_is_not_set() {
        let unset = NetConfig::default();
        let short = unset.timeouts(Some(secs(3)));
        assert_eq!(
            (short.dns, short.first_byte, short.stall),
            (secs(3), secs(3), secs(3))
        );
        let usual = unset.timeouts(Some(secs(12)));
        assert_eq!(
            (usual.connect, usual.first_byte, usual.stall),
            (secs(8), secs(12), secs(12))
        );
        let patient = unset.timeouts(Some(secs(40)));
        assert_eq!(
            (patient.dns, patient.tls, patient.first_byte),
            (secs(40), secs(40), secs(40))
        );
        let nothing = unset.timeouts(None);
        assert_eq!(
            (nothing.dns, nothing.first_byte, nothing.stall),
            (secs(5), secs(10), secs(15))
        );
    }

    #[test]
    fn what_is_set_is_the_limit() {
        let set = NetConfig {
            first_byte_timeout: Some(secs(2)),
            connect_timeout: Some(secs(30)),
            ..NetConfig::default()
        };
        let timeouts = set.timeouts(Some(secs(20)));
        assert_eq!((timeouts.first_byte, timeouts.connect), (secs(2), secs(30)));
        assert_eq!(timeouts.stall, secs(20));
    }
}
