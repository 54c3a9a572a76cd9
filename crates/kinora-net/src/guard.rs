//! What a request may reach, by who named its URL.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use url::{Host, Url};

use crate::target::Target;
use crate::{Initiator, NetError};

/// How far a request may go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Reach {
    /// Public addresses only: a public server named the URL.
    PublicWeb,
    /// Any web address: the user, a local file or a private server named it.
    AnyWeb,
}

impl Reach {
    /// A user may open any file, and so may a playlist that is a local file itself.
    pub(crate) fn may_open_files(initiator: &Initiator) -> bool {
        match initiator {
            Initiator::User => true,
            Initiator::Remote { origin_url: origin } => {
                matches!(Target::parse(origin.expose()), Ok(Target::File(_)))
            }
        }
    }

    /// What a server at such an address may lead to.
    pub(crate) const fn from_peer(public: bool) -> Self {
        if public {
            Self::PublicWeb
        } else {
            Self::AnyWeb
        }
    }

    /// Refuses hosts that need no name lookup to be known as private.
    pub(crate) fn check_host(self, url: &Url) -> Result<(), NetError> {
        let private = match url.host() {
            Some(Host::Ipv4(ip)) => !is_public(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => !is_public(IpAddr::V6(ip)),
            Some(Host::Domain(name)) => is_local_name(name),
            None => false,
        };
        if self == Self::PublicWeb && private {
            return Err(forbidden(url.host_str().unwrap_or_default()));
        }
        Ok(())
    }

    /// Keeps the addresses that may be reached; an error when none is left.
    pub(crate) fn admit(self, host: &str, addresses: &mut Vec<IpAddr>) -> Result<(), NetError> {
        if self == Self::PublicWeb {
            addresses.retain(|ip| is_public(*ip));
            if addresses.is_empty() {
                return Err(forbidden(host));
            }
        }
        Ok(())
    }
}

fn forbidden(host: &str) -> NetError {
    NetError::ForbiddenAddress(host.to_owned())
}

/// RFC 6761 6.3: these names never leave the machine.
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// An address that the whole internet can reach.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    // RFC 6598: addresses behind a carrier's NAT.
    let carrier = a == 100 && (64..128).contains(&b);
    // RFC 2544: benchmarks within one network.
    let benchmark = a == 198 && (18..20).contains(&b);
    !(a == 0
        || carrier
        || benchmark
        || a >= 224
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        // Unspecified, loopback, and the old IPv4-compatible form.
        [0, 0, 0, 0, 0, 0, _, _] => false,
        // IPv4-mapped, NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // Local NAT64 (RFC 8215), unique local, link-local, site-local, multicast.
        [0x64, 0xff9b, 1, ..] => false,
        [first, ..] => {
            first & 0xfe00 != 0xfc00
                && first & 0xffc0 != 0xfe80
                && first & 0xffc0 != 0xfec0
                && first < 0xff00
        }
    }
}

/// Which hosts were reached at a public address. Once public, always public: a name that is rebound
/// to a private address later gains nothing by it.
#[derive(Default)]
pub(crate) struct KnownHosts(Mutex<HashMap<String, bool>>);

impl KnownHosts {
    /// A bound on memory; hosts past it are looked up again when asked for.
    const MOST: usize = 4096;

    pub(crate) fn reached(&self, host: &str, public: bool) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hosts.get_mut(host) {
            *known |= public;
        } else if hosts.len() < Self::MOST {
            hosts.insert(host.to_owned(), public);
        }
    }

    pub(crate) fn is_public(&self, host: &str) -> Option<bool> {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(host).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_errors::Secret;

    #[test]
    fn addresses_are_public_or_not_in_every_disguise() {
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:c0a8:101::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "93.184.216.34",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn a_private_host_is_refused_however_it_is_spelt() {
        for url in [
            "http://localhost/",
            "http://a.LOCALHOST./",
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://0/",
        ] {
            let url = Url::parse(url).unwrap();
            assert!(Reach::PublicWeb.check_host(&url).is_err(), "{url}");
            assert!(Reach::AnyWeb.check_host(&url).is_ok(), "{url}");
        }
    }

    #[test]
    fn only_local_playlists_open_files() {
        let from = |url: &str| {
            Reach::may_open_files(&Initiator::Remote {
                origin_url: Secret::new(url),
            })
        };
        assert!(Reach::may_open_files(&Initiator::User));
        assert!(from("/videos/a.m3u8"));
        assert!(from("file:///videos/a.m3u8"));
        assert!(!from("http://127.0.0.1/a.m3u8"));
        assert!(!from("https://example.com/a.m3u8"));
        assert!(!from("gopher://x/"));
        assert!(!from(""));
    }

    #[test]
    fn a_rebound_name_stays_public() {
        let hosts = KnownHosts::default();
        hosts.reached("a", true);
        hosts.reached("a", false);
        assert_eq!(hosts.is_public("a"), Some(true));
        assert_eq!(hosts.is_public("b"), None);
    }
}
