//! What a request may reach, by who named its URL.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use kinora_media::{is_local_name, is_public_address};
use url::{Host, Url};

use crate::NetError;

/// How far a request may go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Reach {
    /// Public addresses only: a public server named the URL.
    PublicWeb,
    /// Any web address: the user, a local file or a private server named it.
    AnyWeb,
}

impl Reach {
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
            Some(Host::Ipv4(ip)) => !is_public_address(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => !is_public_address(IpAddr::V6(ip)),
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

    pub(crate) fn reached(&self, host: &str, public: bool) {
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
            assert!(Reach::PublicWeb.check_host(&url).is_err(), "{url}");
            assert!(Reach::AnyWeb.check_host(&url).is_ok(), "{url}");
        }
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
