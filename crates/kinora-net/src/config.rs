use std::time::Duration;

use kinora_media::Header;

use crate::{PhaseWatch, ProxyConfig, Transports};

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

/// How requests are made. Every wait of the network has its own limit here.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Longest name lookup.
    pub dns_timeout: Duration,
    /// Longest TCP connection set-up, over all addresses of a name.
    pub connect_timeout: Duration,
    /// Longest TLS handshake.
    pub tls_timeout: Duration,
    /// Longest wait from the request to the head of its answer.
    pub first_byte_timeout: Duration,
    /// Longest silence within a body; less than one byte a second over it counts as silence.
    pub stall_timeout: Duration,
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
    /// Most redirects that one request follows.
    pub redirect_limit: u32,
    /// Who is told what requests wait for.
    pub watch: PhaseWatch,
    /// What further schemes lead to.
    pub transports: Transports,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            dns_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(8),
            tls_timeout: Duration::from_secs(8),
            first_byte_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(15),
            headers: Vec::new(),
            referer: None,
            user_agent: concat!("kinora/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: ProxyConfig::default(),
            extra_ca_pem: Vec::new(),
            ip_family: IpFamily::Any,
            redirect_limit: 20,
            watch: PhaseWatch::default(),
            transports: Transports::default(),
        }
    }
}
