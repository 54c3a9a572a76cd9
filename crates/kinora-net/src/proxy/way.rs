//! From a connection to a proxy to one that leads through it.

use kinora_media::is_public_address;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::Speech;
use super::{Proxy, ProxyFailure, SocksTarget, socks, tunnel};
use crate::NetError;
use crate::connect::authority;
use crate::guard::Reach;
use crate::http::Client;
use crate::pool::Place;

impl Client {
    /// A connection to a place through its proxy, and whether a public server counts as being at its other end.
    pub(crate) async fn through(
        &self,
        proxy: &Proxy,
        place: &Place,
        reach: Reach,
    ) -> Result<(TcpStream, bool), NetError> {
        let dialled = self.dial(&proxy.host, proxy.port, Reach::AnyWeb).await;
        let mut stream = dialled.map_err(|error| proxy.unreachable(error))?;
        let public = self.pass(proxy, place, reach, &mut stream).await?;
        Ok((stream, public))
    }

    /// Has the proxy at the other end of a connection lead it on to a place, within the time that a connection may take.
    pub(crate) async fn pass(
        &self,
        proxy: &Proxy,
        place: &Place,
        reach: Reach,
        stream: &mut TcpStream,
    ) -> Result<bool, NetError> {
        // What a proxy finds by itself counts as public.
        let mut found = None;
        // One limit for all of its answers together.
        let limit = self.timeouts().connect;
        let opened = match proxy.speech {
            Speech::Http if !place.tls => return Ok(true),
            Speech::Http => {
                let target = authority(&place.host, place.port);
                timeout(limit, tunnel::open(proxy, stream, &target)).await
            }
            Speech::Socks5 | Speech::Socks5Names => {
                found = self.literal_or_found(proxy, place, reach).await?;
                let target = found.map_or(SocksTarget::Name(&place.host), SocksTarget::Address);
                let credential = proxy.credential.as_ref();
                timeout(limit, socks::open(stream, credential, target, place.port)).await
            }
        };
        opened
            .unwrap_or(Err(ProxyFailure::Silent))
            .map_err(|failure| proxy.failed(failure))?;
        let public = found.is_none_or(is_public_address);
        if found.is_some() {
            self.hosts.reached(&place.host, public);
        }
        Ok(public)
    }

    /// The address to ask a SOCKS proxy for, where it is not to look the name up itself.
    async fn literal_or_found(
        &self,
        proxy: &Proxy,
        place: &Place,
        reach: Reach,
    ) -> Result<Option<std::net::IpAddr>, NetError> {
        if let Ok(ip) = place.host.parse() {
            return Ok(Some(ip));
        }
        if proxy.resolves_names() {
            return Ok(None);
        }
        let mut addresses = self.addresses(&place.host).await?;
        reach.admit(&place.host, &mut addresses)?;
        // One try only, so of the family that every proxy has a way to.
        let v4 = addresses.iter().find(|ip| ip.is_ipv4());
        Ok(v4.or(addresses.first()).copied())
    }
}

impl Proxy {
    pub(crate) fn failed(&self, failure: ProxyFailure) -> NetError {
        NetError::Proxy {
            peer: self.to_string(),
            failure,
        }
    }
    pub(crate) fn unreachable(&self, error: NetError) -> NetError {
        NetError::ProxyUnreachable {
            peer: self.to_string(),
            source: Box::new(error),
        }
    }
}
