//! Which addresses and names lie in the public internet: the one table that the playlists' policy and the network's
//! guard judge by.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether the whole internet can reach an address: none of the loopback, private, link-local, shared, multicast and
/// reserved ranges (RFC 6890), in whatever form IPv6 carries it.
///
/// ```
/// use kinora_media::is_public_address;
///
/// assert!(is_public_address("1.1.1.1".parse()?));
/// assert!(!is_public_address("::ffff:127.0.0.1".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether a name never leaves the machine (RFC 6761 6.3): `localhost` and all below it.
#[must_use]
pub fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    // Addresses behind a carrier's NAT (RFC 6598), benchmarks within one network (RFC 2544), protocol assignments.
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (18..20).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    !(a == 0
        || a >= 224
        || shared
        || benchmark
        || protocol
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Unspecified, loopback, and the old IPv4-compatible form, which nobody routes (RFC 4291 2.5.5.1).
        [0, 0, 0, 0, 0, 0, _, _] => false,
        // IPv4-mapped, NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // NAT64 of the network's own (RFC 8215), documentation (RFC 3849).
        [0x64, 0xff9b, 1, ..] | [0x2001, 0xdb8, ..] => false,
        // Unique local (RFC 4193), link-local, site-local, multicast.
        [first, ..] => {
            first & 0xfe00 != 0xfc00
                && first & 0xffc0 != 0xfe80
                && first & 0xffc0 != 0xfec0
                && first < 0xff00
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_public_or_not_in_every_disguise() {
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
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
            "::101:101",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:c0a8:101::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public_address(private.parse().unwrap()), "{private}");
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
            assert!(is_public_address(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn names_of_the_machine_itself_are_known_in_every_spelling() {
        for name in ["localhost", "LOCALHOST.", "a.localhost"] {
            assert!(is_local_name(name), "{name}");
        }
        for name in ["localhost.example.com", "mylocalhost", ""] {
            assert!(!is_local_name(name), "{name}");
        }
    }
}
