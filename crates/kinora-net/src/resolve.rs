//! Names to addresses.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::{IpFamily, NetError};

/// A lookup under way.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses, the preferred first. An error of kind `NotFound` says that the name does not exist.
    fn resolve(&self, host: &str) -> Resolving;
}

impl<R: Resolve + ?Sized> Resolve for Arc<R> {
    fn resolve(&self, host: &str) -> Resolving {
        (**self).resolve(host)
    }
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> Resolving {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            found
                .map(|addresses| addresses.map(|address| address.ip()).collect())
                .map_err(classify)
        })
    }
}

/// The standard library gives getaddrinfo's error (RFC 3493 6.4) as text only; these are
/// the texts of glibc, musl and macOS for EAI_NONAME and EAI_NODATA.
fn classify(error: io::Error) -> io::Error {
    const NO_SUCH_NAME: [&str; 5] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
        "nodename nor servname provided",
    ];
    let text = error.to_string();
    if NO_SUCH_NAME.iter().any(|known| text.contains(known)) {
        return io::Error::new(io::ErrorKind::NotFound, error);
    }
    error
}

/// Looks a name up within its limit and keeps the addresses of the chosen family.
pub(crate) async fn lookup(
    resolver: &Arc<dyn Resolve>,
    host: &str,
    limit: std::time::Duration,
    family: IpFamily,
) -> Result<Vec<IpAddr>, NetError> {
    let found = tokio::time::timeout(limit, resolver.resolve(host))
        .await
        .map_err(|_| NetError::DnsTimeout(host.to_owned()))?;
    let mut addresses = found.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => NetError::DnsNotFound(host.to_owned()),
        io::ErrorKind::TimedOut => NetError::DnsTimeout(host.to_owned()),
        _ => NetError::DnsFailed {
            host: host.to_owned(),
            source,
        },
    })?;
    keep_family(&mut addresses, family);
    #[cfg(feature = "tracing")]
    crate::trace::resolved(host, &addresses);
    if addresses.is_empty() {
        return Err(NetError::DnsNoAddress(host.to_owned()));
    }
    Ok(addresses)
}

pub(crate) fn keep_family(addresses: &mut Vec<IpAddr>, family: IpFamily) {
    addresses.retain(|ip| match family {
        IpFamily::Any => true,
        IpFamily::V4 => ip.is_ipv4(),
        IpFamily::V6 => ip.is_ipv6(),
    });
}
