//! Which proxy serves which destination, and connections through it.

mod address;
mod connect;
mod failure;
mod no_proxy;
mod socks;
mod tunnel;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::NetError;
use crate::pool::Destination;

pub(crate) use address::basic;
pub use address::{Proxy, ProxyError};
pub use failure::{ProxyFailure, SocksReply};
pub use no_proxy::NoProxy;
pub(crate) use socks::SocksTarget;

/// Which proxy serves `http:` and `https:`, and which hosts are connected to without one. By default there is none: the SDK
/// reads no environment by itself.
///
/// ```
/// use kinora_net::{NoProxy, Proxy, ProxyConfig};
///
/// let proxy = Proxy::parse("socks5h://proxy.example:1080")?;
/// let config = ProxyConfig::all(proxy).no_proxy(NoProxy::parse("localhost,.lan"));
/// # Ok::<(), kinora_net::ProxyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProxyConfig {
    http: ProxySetting,
    https: ProxySetting,
    no_proxy: NoProxy,
}

/// What was set for a scheme.
#[derive(Clone, Debug, Default)]
enum ProxySetting {
    #[default]
    Direct,
    Via(Proxy),
    /// Reported once it is needed: a file plays whatever the environment says.
    Unusable {
        variable: &'static str,
        why: ProxyError,
    },
}

impl ProxyConfig {
    /// One proxy for everything; none at all for `None`.
    #[must_use]
    pub fn all(proxy: Option<Proxy>) -> Self {
        let setting = proxy.map_or(ProxySetting::Direct, ProxySetting::Via);
        Self {
            http: setting.clone(),
            https: setting,
            no_proxy: NoProxy::default(),
        }
    }

    /// What the environment asks for, as curl reads it: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`, and the
    /// last three in capitals too. `variable` looks one up. A proxy that can not be used fails the first request
    /// that needs it, as `proxy.url`.
    #[must_use]
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&'static str]| {
            let mut set = names
                .iter()
                .filter_map(|name| Some((*name, variable(name)?)));
            set.next()
        };
        let of = |names: &[&'static str]| {
            // Set and empty means none, also where all_proxy names one.
            let set = first(names).or_else(|| first(&["all_proxy", "ALL_PROXY"]));
            set.map_or(
                ProxySetting::Direct,
                |(variable, text)| match Proxy::parse(&text) {
                    Ok(proxy) => proxy.map_or(ProxySetting::Direct, ProxySetting::Via),
                    Err(why) => ProxySetting::Unusable { variable, why },
                },
            )
        };
        Self {
            // Never HTTP_PROXY: under CGI that is what a client sent as `Proxy:` (CVE-2016-5385).
            http: of(&["http_proxy"]),
            https: of(&["https_proxy", "HTTPS_PROXY"]),
            no_proxy: NoProxy::from_env(&variable),
        }
    }

    /// Hosts that are connected to without a proxy.
    #[must_use]
    pub fn no_proxy(self, no_proxy: NoProxy) -> Self {
        Self { no_proxy, ..self }
    }

    /// The proxy for a destination, if there is one.
    pub(crate) fn proxy_for(&self, destination: &Destination) -> Result<Option<&Proxy>, NetError> {
        let setting = if destination.tls {
            &self.https
        } else {
            &self.http
        };
        match setting {
            ProxySetting::Direct => Ok(None),
            _ if self.no_proxy.matches(&destination.host, destination.port) => Ok(None),
            ProxySetting::Via(proxy) => Ok(Some(proxy)),
            ProxySetting::Unusable { variable, why } => Err(NetError::BadProxy {
                variable,
                source: why.clone(),
            }),
        }
    }
}

/// Reads that many bytes of a proxy's reply.
async fn read<const N: usize>(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<[u8; N], ProxyFailure> {
    let mut bytes = [0; N];
    stream
        .read_exact(&mut bytes)
        .await
        .map_err(|_| ProxyFailure::Closed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(url: &str) -> Destination {
        crate::http::destination_of(&url::Url::parse(url).unwrap())
    }

    fn from(variables: &[(&str, &str)]) -> ProxyConfig {
        ProxyConfig::from_env(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn via(config: &ProxyConfig, url: &str) -> Option<String> {
        let proxy = config.proxy_for(&destination(url)).unwrap();
        proxy.map(ToString::to_string)
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_proxy_stands_in() {
        let config = from(&[("http_proxy", "one:1"), ("ALL_PROXY", "socks5://all:2")]);
        assert_eq!(via(&config, "http://h/").unwrap(), "one:1");
        assert_eq!(via(&config, "https://h/").unwrap(), "all:2");
        let config = from(&[("HTTPS_PROXY", "big:1"), ("https_proxy", "small:2")]);
        assert_eq!(via(&config, "https://h/").unwrap(), "small:2");
        assert_eq!(via(&config, "http://h/"), None);
    }

    #[test]
    fn http_proxy_in_capitals_is_not_obeyed() {
        assert_eq!(via(&from(&[("HTTP_PROXY", "x:1")]), "http://h/"), None);
    }

    #[test]
    fn an_empty_variable_turns_the_proxy_off() {
        for off in ["", "none", "NONE"] {
            let config = from(&[("http_proxy", off), ("all_proxy", "x:1")]);
            assert_eq!(via(&config, "http://h/"), None);
        }
    }

    #[test]
    fn hosts_of_no_proxy_are_connected_to_directly() {
        let config = from(&[("all_proxy", "x:1"), ("NO_PROXY", "lan")]);
        assert_eq!(via(&config, "http://a.lan/"), None);
        assert!(via(&config, "http://a.lan.example/").is_some());
    }

    #[test]
    fn an_unusable_proxy_fails_what_needs_it_and_names_its_variable() {
        let config = from(&[
            ("https_proxy", "socks4://canary:pw@x:1"),
            ("no_proxy", "lan"),
        ]);
        assert_eq!(via(&config, "http://h/"), None);
        assert_eq!(via(&config, "https://a.lan/"), None);
        let error = config.proxy_for(&destination("https://h/")).unwrap_err();
        let fault = error.into_fault();
        assert_eq!(fault.reason(), "proxy.url");
        assert_eq!(fault.context().variable.as_deref(), Some("https_proxy"));
        assert_eq!(fault.origin(), Some(kinora_errors::Origin::Caller));
        let reported = fault.report(kinora_errors::Lang::En, kinora_errors::ReportStyle::Plain);
        assert!(
            reported.contains("https_proxy") && reported.contains("`socks4`"),
            "{reported}"
        );
        assert!(
            !format!("{reported}{config:?}").contains("canary"),
            "{reported}"
        );
    }
}
