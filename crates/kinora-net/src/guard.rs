//! Which addresses a request may connect to, by who named its URL: what browsers call private network access.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use kinora_media::{is_local_name, is_public_address};
use url::{Host, Url};

use crate::NetError;

/// The IP address space that a request is restricted to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum AddressSpace {
    /// Public addresses only: a public server named the URL.
    Public,
    /// Any web address: the user, a local file or a private server named it.
    Any,
}

impl AddressSpace {
    /// The space that URLs of a server at such an address are restricted to.
    pub(crate) const fn from_peer(public: bool) -> Self {
        if public { Self::Public } else { Self::Any }
    }

    /// Refuses hosts that need no name lookup to be known as private.
    pub(crate) fn check_host(self, url: &Url) -> Result<(), NetError> {
        let private = match url.host() {
            Some(Host::Ipv4(ip)) => !is_public_address(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => !is_public_address(IpAddr::V6(ip)),
            Some(Host::Domain(name)) => is_local_name(name),
            None => false,
        };
        if self == Self::Public && private {
            return Err(forbidden(url.host_str().unwrap_or_default()));
        }
        Ok(())
    }

    /// Keeps the allowed addresses; an error when none is left.
    pub(crate) fn retain_allowed(
        self,
        host: &str,
        addresses: &mut Vec<IpAddr>,
    ) -> Result<(), NetError> {
        if self == Self::Public {
            addresses.retain(|ip| is_public_address(*ip));
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

/// Which hosts were reached at a public address. Once public, always public: a name that is rebound
/// to a private address later gains nothing by it.
#[derive(Default)]
pub(crate) struct KnownHosts(Mutex<HashMap<String, bool>>);

impl KnownHosts {
    /// A bound on memory; hosts past it are looked up again when asked for.
    const MAX: usize = 4096;

    pub(crate) fn record(&self, host: &str, public: bool) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hosts.get_mut(host) {
            *known |= public;
        } else if hosts.len() < Self::MAX {
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
            assert!(AddressSpace::Public.check_host(&url).is_err(), "{url}");
            assert!(AddressSpace::Any.check_host(&url).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_rebound_name_stays_public() {
        let hosts = KnownHosts::default();
        hosts.record("a", true);
        hosts.record("a", false);
        assert_eq!(hosts.is_public("a"), Some(true));
        assert_eq!(hosts.is_public("b"), None);
    }
}
