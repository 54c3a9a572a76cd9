//! Hosts that are asked without a proxy: `no_proxy`, as curl reads it.

use std::net::IpAddr;

/// Hosts that are asked without a proxy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NoProxy {
    everything: bool,
    rules: Vec<Rule>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    hosts: Hosts,
    /// Of every port, where none is named.
    port: Option<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Hosts {
    /// The name and all below it, in lower case, without dots at its ends.
    Domain(String),
    /// Addresses that have so many bits in common with this one.
    Network(IpAddr, u8),
}

impl NoProxy {
    /// Reads a list with commas or blanks between: names (which stand for all below them too; a leading dot or `*.` makes no
    /// difference), addresses, networks as `10.0.0.0/8`, each with `:port` where only that one is meant; `*` is
    /// everything. Addresses fit hosts that are written as addresses: names are not looked up. What can not be
    /// read fits nothing.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let entries = list
            .split([',', ' ', '\t'])
            .filter(|entry| !entry.is_empty());
        let (all, named): (Vec<_>, Vec<_>) = entries.partition(|entry| *entry == "*");
        Self {
            everything: !all.is_empty(),
            rules: named.into_iter().filter_map(rule).collect(),
        }
    }

    /// `no_proxy`, else `NO_PROXY`, as `variable` looks it up.
    #[must_use]
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let list = variable("no_proxy").or_else(|| variable("NO_PROXY"));
        Self::parse(&list.unwrap_or_default())
    }

    /// Whether a host is asked without a proxy; an IPv6 address comes without brackets.
    pub(super) fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = host.parse().ok();
        self.everything
            || self.rules.iter().any(|rule| {
                rule.port.is_none_or(|wanted| wanted == port) && rule.hosts.hold(&host, address)
            })
    }
}

impl Hosts {
    fn hold(&self, host: &str, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::Domain(domain), None) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            (Self::Network(network, bits), Some(address)) => {
                alike(*network, address).is_some_and(|common| common >= *bits)
            }
            _ => false,
        }
    }
}

/// How many leading bits two addresses of one family share.
fn alike(a: IpAddr, b: IpAddr) -> Option<u8> {
    let common = match (a.to_canonical(), b.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => return None,
    };
    u8::try_from(common).ok()
}

fn rule(entry: &str) -> Option<Rule> {
    if let Some(hosts) = network(entry) {
        return Some(Rule { hosts, port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if let Some(hosts) = network(host) {
        return Some(Rule { hosts, port });
    }
    let name = host.strip_prefix('*').unwrap_or(host);
    let name = name.trim_matches('.').to_ascii_lowercase();
    let sound = !name.is_empty() && !name.contains(['/', ':', '[', ']', '*']);
    sound.then_some(Rule {
        hosts: Hosts::Domain(name),
        port,
    })
}

/// An address, or a network with the length of its prefix (RFC 4632 3.1).
fn network(text: &str) -> Option<Hosts> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let bare = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(address).parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some(Hosts::Network(address, bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_all_below_them_and_nothing_beside() {
        for list in [
            "example.com",
            ".example.com",
            "*.example.com",
            "EXAMPLE.com.",
            "x, example.com",
        ] {
            let exempt = NoProxy::parse(list);
            for host in ["example.com", "a.b.example.com", "A.Example.COM."] {
                assert!(exempt.covers(host, 80), "{list}: {host}");
            }
            for host in ["badexample.com", "example.com.evil.org", "com", "10.0.0.1"] {
                assert!(!exempt.covers(host, 80), "{list}: {host}");
            }
        }
    }

    #[test]
    fn addresses_and_networks_fit_hosts_that_are_addresses() {
        let exempt = NoProxy::parse("10.0.0.0/8 192.168.1.5,[::1],fe80::/10,172.16.0.0/99");
        for host in ["10.255.0.1", "192.168.1.5", "::1", "fe80::7", "febf::1"] {
            assert!(exempt.covers(host, 1), "{host}");
        }
        for host in [
            "11.0.0.1",
            "192.168.1.6",
            "::2",
            "fec0::1",
            "172.16.0.1",
            "a.10.0.0.1.x",
        ] {
            assert!(!exempt.covers(host, 1), "{host}");
        }
        assert!(NoProxy::parse("0.0.0.0/0").covers("8.8.8.8", 1));
        assert!(NoProxy::parse("10.0.0.0/8").covers("::ffff:10.1.1.1", 1));
    }

    #[test]
    fn a_port_narrows_a_rule() {
        let exempt = NoProxy::parse("lan:8080,127.0.0.1:9,[::1]:9");
        assert!(exempt.covers("nas.lan", 8080) && !exempt.covers("nas.lan", 80));
        assert!(exempt.covers("127.0.0.1", 9) && !exempt.covers("127.0.0.1", 10));
        assert!(exempt.covers("::1", 9) && !exempt.covers("::1", 10));
    }

    #[test]
    fn a_star_is_everything_and_an_empty_list_nothing() {
        assert!(NoProxy::parse("a, *").covers("anything", 1));
        for list in ["", " , ", ".", "/8", "a:port"] {
            assert_eq!(NoProxy::parse(list), NoProxy::default(), "{list}");
        }
    }
}
