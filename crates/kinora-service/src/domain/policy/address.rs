use std::net::IpAddr;

/// Addresses that begin alike: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AddressRange {
    first: IpAddr,
    prefix_len: u32,
}

impl AddressRange {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix_len) = match text.split_once('/') {
            None => (text, None),
            Some((address, len)) => (address, Some(number(len)?)),
        };
        let first: IpAddr = address.parse().ok()?;
        // A mapped address (RFC 4291 2.5.5.2) is judged as the one that it stands for.
        if first.to_canonical() != first {
            return None;
        }
        let whole = if first.is_ipv4() { 32 } else { 128 };
        let prefix_len = prefix_len.unwrap_or(whole);
        (prefix_len <= whole).then_some(Self { first, prefix_len })
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 4),
            IpAddr::V6(address) => (address.to_bits(), 6),
        };
        let ((ours, family), (theirs, other)) = (bits(self.first), bits(address.to_canonical()));
        let differ = 128_u32.saturating_sub(self.prefix_len);
        family == other && (ours ^ theirs).checked_shr(differ).unwrap_or(0) == 0
    }
}

/// Digits, and no zero before them.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    text.parse().ok().filter(|_| plain && !padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        AddressRange::parse(range)
            .unwrap()
            .contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_holds_what_begins_like_it() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.9.9.9/8", "10.0.0.1", "9.255.255.255"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.128/25", "192.0.2.200", "192.0.2.127"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "::2"),
            ("::/0", "2001:db8::1", "127.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
        ] {
            assert!(contains(range, inside), "{range} {inside}");
            assert!(!contains(range, outside), "{range} {outside}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for bad in [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0",
            "010.0.0.1",
            "10.0.0.*",
            "::/129",
            "::ffff:10.0.0.1/104",
            "[::1]",
            "localhost",
            " 10.0.0.1",
        ] {
            assert_eq!(AddressRange::parse(bad), None, "{bad}");
        }
    }
}
