use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Host;

use super::policy::clip;

/// Which pages may show the media, judged by the Referer header.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RefererRule {
    /// Hosts whose pages may. Empty: every host that is not denied.
    pub allow: Vec<HostPattern>,
    /// Hosts whose pages may not, also when allowed above.
    pub deny: Vec<HostPattern>,
    /// Whether a request without Referer passes: players outside the web send none.
    pub allow_empty: bool,
}

impl Default for RefererRule {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            deny: Vec::new(),
            allow_empty: true,
        }
    }
}

impl RefererRule {
    /// Whether a request with that Referer passes. One that is no web page's is refused as soon as there is any
    /// rule: it says nothing that a rule could be asked about.
    #[must_use]
    pub fn passes(&self, referer: Option<&str>) -> bool {
        if *self == Self::default() {
            return true;
        }
        let Some(referer) = referer.map(str::trim).filter(|referer| !referer.is_empty()) else {
            return self.allow_empty;
        };
        let Some(host) = host_of(referer) else {
            return false;
        };
        let one_matches = |list: &[HostPattern]| list.iter().any(|pattern| pattern.matches(&host));
        !one_matches(&self.deny) && (self.allow.is_empty() || one_matches(&self.allow))
    }
}

/// The host of a web page's address.
fn host_of(referer: &str) -> Option<Host> {
    let url = url::Url::parse(referer).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    plain(url.host()?.to_owned())
}

/// One spelling for each host. Names are in small letters and Punycode by now; a dot at the end is the root's, and
/// an IPv4 address within IPv6 is the address itself.
fn plain(host: Host) -> Option<Host> {
    match host {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            let whole = name.split('.').all(|label| !label.is_empty());
            whole.then(|| Host::Domain(name.to_owned()))
        }
        Host::Ipv4(_) => Some(host),
        Host::Ipv6(address) => Some(match IpAddr::V6(address).to_canonical() {
            IpAddr::V4(address) => Host::Ipv4(address),
            IpAddr::V6(address) => Host::Ipv6(address),
        }),
    }
}

/// Hosts of a referer rule: `example.com`, `*.example.com` (every name below it, not itself), `192.0.2.1`,
/// `[2001:db8::1]`, or `*` for all. Scheme, port and path are no part of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum HostPattern {
    /// Every host.
    Any,
    /// That host.
    Exactly(Host),
    /// Every name below that one.
    Below(String),
}

impl HostPattern {
    fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Exactly(only), host) => only == host,
            (Self::Below(parent), Host::Domain(name)) => name
                .strip_suffix(parent.as_str())
                .is_some_and(|head| head.ends_with('.')),
            (Self::Below(_), _) => false,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exactly(host) => write!(f, "{host}"),
            Self::Below(parent) => write!(f, "*.{parent}"),
        }
    }
}

/// A text that names no hosts.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} names no host: write example.com, *.example.com, 192.0.2.1 or [2001:db8::1]")]
pub struct InvalidHostPattern(String);

impl FromStr for HostPattern {
    type Err = InvalidHostPattern;

    fn from_str(text: &str) -> Result<Self, InvalidHostPattern> {
        let bad = || InvalidHostPattern(clip(text));
        if text == "*" {
            return Ok(Self::Any);
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(parent) => (true, parent),
            None => (false, text),
        };
        let host = match name.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => Host::Ipv6(address),
            _ => Host::parse(name).map_err(|_| bad())?,
        };
        match plain(host).ok_or_else(bad)? {
            Host::Domain(name) if name.contains('*') => Err(bad()),
            Host::Domain(name) if below => Ok(Self::Below(name)),
            _ if below => Err(bad()),
            host => Ok(Self::Exactly(host)),
        }
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl TryFrom<String> for HostPattern {
    type Error = InvalidHostPattern;
    fn try_from(text: String) -> Result<Self, InvalidHostPattern> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(patterns: &[&str]) -> Vec<HostPattern> {
        let parse = |text: &&str| text.parse().unwrap();
        patterns.iter().map(parse).collect()
    }

    fn denying(patterns: &[&str]) -> RefererRule {
        RefererRule {
            deny: hosts(patterns),
            ..RefererRule::default()
        }
    }

    #[test]
    fn referer_rules_judge_the_host_not_the_text() {
        let rule = RefererRule {
            allow: hosts(&["*.example.com", "example.com"]),
            deny: hosts(&["bad.example.com"]),
            allow_empty: false,
        };
        assert!(rule.passes(Some("https://www.example.com/page")));
        assert!(rule.passes(Some("https://EXAMPLE.com/")));
        assert!(!rule.passes(Some("https://bad.example.com/")));
        assert!(!rule.passes(Some("https://evil.test/?example.com")));
        assert!(!rule.passes(Some("https://notexample.com/")));
        assert!(!rule.passes(Some("https://example.com@evil.test/")));
        assert!(!rule.passes(None));
        assert!(!rule.passes(Some("garbage")));
        assert!(RefererRule::default().passes(None));
        assert!(RefererRule::default().passes(Some("https://any.test/")));
        assert!(RefererRule::default().passes(Some("garbage")));
    }

    #[test]
    fn a_denied_host_is_denied_in_every_spelling() {
        let rule = denying(&[
            "bad.example.com",
            "münchen.example",
            "192.0.2.1",
            "2001:db8::1",
        ]);
        for denied in [
            "https://bad.example.com",
            "https://bad.example.com./",
            "http://BAD.Example.COM:8443/x?y#z",
            "https://user:pass@bad.example.com/",
            "https://good.test@bad.example.com/",
            "https:bad.example.com",
            "https:\\\\bad.example.com\\x",
            "https://bad%2eexample.com/",
            "https://bad.example.com%2e/",
            "https://ｂad.example.com/",
            "https://bad。example.com/",
            " https://bad.example.com/ ",
            "HTTPS://bad.example.com/",
            "https://ba\td.example.com/",
            "https://xn--mnchen-3ya.example/",
            "https://MÜNCHEN.example/",
            "https://mu\u{308}nchen.example./",
            "http://192.0.2.1/",
            "http://192.0.2.1./",
            "http://192.0.513/",
            "http://0xc0000201/",
            "http://3221225985/",
            "http://[::ffff:192.0.2.1]/",
            "http://[::ffff:c000:201]:80/",
            "http://[2001:DB8:0:0::1]/",
            "http://[2001:db8::0.0.0.1]/",
        ] {
            assert!(!rule.passes(Some(denied)), "{denied}");
        }
        for passing in [
            "https://example.com/",
            "https://notbad.example.com/",
            "https://x.bad.example.com/",
            "https://bad.example.com.test/",
            "http://192.0.2.11/",
            "http://[2001:db8::2]/",
        ] {
            assert!(rule.passes(Some(passing)), "{passing}");
        }
        assert!(rule.passes(None) && rule.passes(Some("  ")));
    }

    #[test]
    fn what_is_no_web_page_is_refused_as_soon_as_there_is_a_rule() {
        let allowing = RefererRule {
            allow: hosts(&["*"]),
            ..RefererRule::default()
        };
        let needing = RefererRule {
            allow_empty: false,
            ..RefererRule::default()
        };
        for rule in [denying(&["bad.example.com"]), allowing, needing] {
            for other in [
                "x:",
                "about:blank",
                "null",
                "bad.example.com",
                "//bad.example.com/",
                "https://",
                "https://./",
                "https://bad.example.com../",
                "https://.bad.example.com/",
                "https://bad..example.com/",
                "ftp://good.test/",
                "file:///x",
                "data:text/html,x",
                "blob:https://good.test/1",
                "android-app://good.test/",
                "https://[::1/",
                "https://good.test:99999/",
                "?",
            ] {
                assert!(!rule.passes(Some(other)), "{other}");
            }
            assert!(rule.passes(Some("https://good.test/")));
        }
    }

    #[test]
    fn below_means_below() {
        let rule = denying(&["*.Example.com."]);
        assert!(!rule.passes(Some("https://a.example.com")));
        assert!(!rule.passes(Some("https://a.b.example.com./")));
        assert!(rule.passes(Some("https://example.com")));
        assert!(rule.passes(Some("https://anexample.com")));
    }

    #[test]
    fn a_pattern_that_names_no_host_is_refused_when_it_is_given() {
        for bad in [
            "",
            ".",
            "*.",
            "**",
            "*.*",
            "*.*.example.com",
            "bad.*.com",
            "*example.com",
            ".example.com",
            "example..com",
            "example.com..",
            "https://example.com",
            "example.com/",
            "example.com:443",
            "user@example.com",
            "exam ple.com",
            "*.192.0.2.1",
            "*.[::1]",
            "[::1",
            "192.0.2.0/24",
            "300.0.0.1",
            "xn--",
        ] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad}");
        }
        for (given, kept) in [
            ("Example.COM.", "example.com"),
            ("*.MÜNCHEN.example", "*.xn--mnchen-3ya.example"),
            ("2001:DB8::1", "[2001:db8::1]"),
            ("[::ffff:192.0.2.1]", "192.0.2.1"),
            ("*", "*"),
        ] {
            let pattern: HostPattern = given.parse().unwrap();
            assert_eq!(pattern.to_string(), kept);
            assert_eq!(kept.parse(), Ok(pattern));
        }
    }

    #[test]
    fn rules_of_earlier_versions_are_read() {
        let row = r#"{"allow":["*.example.com","Example.com"],"deny":["bad.example.com"],"allow_empty":false}"#;
        let rule: RefererRule = serde_json::from_str(row).unwrap();
        assert!(rule.passes(Some("https://www.example.com/")));
        assert!(!rule.passes(Some("https://bad.example.com./")));
        let broken = row.replace("bad.example.com", "https://bad.example.com/");
        assert!(serde_json::from_str::<RefererRule>(&broken).is_err());
    }
}
