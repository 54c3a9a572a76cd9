//! Hosts that are connected to without a proxy: `no_proxy`, as curl reads it.

use std::net::IpAddr;

/// Hosts that are connected to without a proxy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NoProxy {
    everything: bool,
    rules: Vec<Rule>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    pattern: HostPattern,
    /// Of every port, where none is named.
    port: Option<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum HostPattern {
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

    /// Whether a host is connected to without a proxy; an IPv6 address comes without brackets.
    pub(super) fn matches(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = host.parse().ok();
        self.everything
            || self.rules.iter().any(|rule| {
                rule.port.is_none_or(|wanted| wanted == port)
                    && rule.pattern.match_host(&host, address)
            })
    }
}

impl HostPattern {
    fn match_host(&self, host: &str, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::Domain(domain), None) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            (Self::Network(network, bits), Some(address)) => {
                common_prefix_len(*network, address).is_some_and(|common| common >= *bits)
            }
            _ => false,
        }
    }
}

/// The leading bits that two addresses of one family share.
fn common_prefix_len(a: IpAddr, b: IpAddr) -> Option<u8> {
    let common = match (a.to_canonical(), b.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => return None,
    };
    u8::try_from(common).ok()
}

fn rule(entry: &str) -> Option<Rule> {
    if let Some(pattern) = network(entry) {
        return Some(Rule {
            pattern,
            port: None,
        });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if let Some(pattern) = network(host) {
        return Some(Rule { pattern, port });
    }
    let name = host.strip_prefix('*').unwrap_or(host);
    let name = name.trim_matches('.').to_ascii_lowercase();
    let valid = !name.is_empty() && !name.contains(['/', ':', '[', ']', '*']);
    valid.then_some(Rule {
        pattern: HostPattern::Domain(name),
        port,
    })
}

/// An address, or a network with the length of its prefix (RFC 4632 3.1).
fn network(text: &str) -> Option<HostPattern> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let bare = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(address).parse().ok()?;
    let max_bits = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(max_bits);
    (bits <= max_bits).then_some(HostPattern::Network(address, bits))
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
            let no_proxy = NoProxy::parse(list);
            for host in ["example.com", "a.b.example.com", "A.Example.COM."] {
                assert!(no_proxy.matches(host, 80), "{list}: {host}");
            }
            for host in ["badexample.com", "example.com.evil.org", "com", "10.0.0.1"] {
                assert!(!no_proxy.matches(host, 80), "{list}: {host}");
            }
        }
    }

    #[test]
    fn addresses_and_networks_fit_hosts_that_are_addresses() {
        let no_proxy = NoProxy::parse("10.0.0.0/8 192.168.1.5,[::1],fe80::/10,172.16.0.0/99");
        for host in ["10.255.0.1", "192.168.1.5", "::1", "fe80::7", "febf::1"] {
            assert!(no_proxy.matches(host, 1), "{host}");
        }
        for host in [
            "11.0.0.1",
            "192.168.1.6",
            "::2",
            "fec0::1",
            "172.16.0.1",
            "a.10.0.0.1.x",
        ] {
            assert!(!no_proxy.matches(host, 1), "{host}");
        }
        assert!(NoProxy::parse("0.0.0.0/0").matches("8.8.8.8", 1));
        assert!(NoProxy::parse("10.0.0.0/8").matches("::ffff:10.1.1.1", 1));
    }

    #[test]
    fn a_port_narrows_a_rule() {
        let no_proxy = NoProxy::parse("lan:8080,127.0.0.1:9,[::1]:9");
        assert!(no_proxy.matches("nas.lan", 8080) && !no_proxy.matches("nas.lan", 80));
        assert!(no_proxy.matches("127.0.0.1", 9) && !no_proxy.matches("127.0.0.1", 10));
        assert!(no_proxy.matches("::1", 9) && !no_proxy.matches("::1", 10));
    }

    #[test]
    fn a_star_is_everything_and_an_empty_list_nothing() {
        assert!(NoProxy::parse("a, *").matches("anything", 1));
        for list in ["", " , ", ".", "/8", "a:port"] {
            assert_eq!(NoProxy::parse(list), NoProxy::default(), "{list}");
        }
    }
}
