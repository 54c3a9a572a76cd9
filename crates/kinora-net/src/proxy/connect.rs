//! Connections through a proxy.

use kinora_media::is_public_address;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::ProxyProtocol;
use super::{Proxy, ProxyFailure, SocksTarget, socks, tunnel};
use crate::NetError;
use crate::connect::authority;
use crate::guard::AddressSpace;
use crate::http::Client;
use crate::pool::Destination;

impl Client {
    /// A connection to a destination through its proxy, and whether a public server counts as being at its other end.
    pub(crate) async fn connect_through(
        &self,
        proxy: &Proxy,
        destination: &Destination,
        address_space: AddressSpace,
    ) -> Result<(TcpStream, bool), NetError> {
        let dialled = self
            .resolve_and_dial(&proxy.host, proxy.port, AddressSpace::Any)
            .await;
        let mut stream = dialled.map_err(|error| proxy.unreachable(error))?;
        let public = self
            .negotiate(proxy, destination, address_space, &mut stream)
            .await?;
        Ok((stream, public))
    }

    /// Opens the tunnel to a destination on a connection to the proxy, within the connection timeout. Returns whether the
    /// server's address counts as public.
    pub(crate) async fn negotiate(
        &self,
        proxy: &Proxy,
        destination: &Destination,
        address_space: AddressSpace,
        stream: &mut TcpStream,
    ) -> Result<bool, NetError> {
        // An address that the proxy resolves counts as public.
        let mut resolved = None;
        // One limit for all of its answers together.
        let limit = self.timeouts().connect;
        let opened = match proxy.protocol {
            ProxyProtocol::Http if !destination.tls => return Ok(true),
            ProxyProtocol::Http => {
                let target = authority(&destination.host, destination.port);
                timeout(limit, tunnel::open(proxy, stream, &target)).await
            }
            ProxyProtocol::Socks5 | ProxyProtocol::Socks5Hostname => {
                resolved = self
                    .socks_address(proxy, destination, address_space)
                    .await?;
                let target =
                    resolved.map_or(SocksTarget::Name(&destination.host), SocksTarget::Address);
                let credential = proxy.credential.as_ref();
                timeout(
                    limit,
                    socks::open(stream, credential, target, destination.port),
                )
                .await
            }
        };
        opened
            .unwrap_or(Err(ProxyFailure::Timeout))
            .map_err(|failure| proxy.failed(failure))?;
        let public = resolved.is_none_or(is_public_address);
        if resolved.is_some() {
            self.hosts.record(&destination.host, public);
        }
        Ok(public)
    }

    /// The address to request from a SOCKS proxy, where it does not resolve the name itself.
    async fn socks_address(
        &self,
        proxy: &Proxy,
        destination: &Destination,
        address_space: AddressSpace,
    ) -> Result<Option<std::net::IpAddr>, NetError> {
        if let Ok(ip) = destination.host.parse() {
            return Ok(Some(ip));
        }
        if proxy.resolves_names() {
            return Ok(None);
        }
        let mut addresses = self.addresses(&destination.host).await?;
        address_space.retain_allowed(&destination.host, &mut addresses)?;
        // One try only, so of the family that every proxy can reach.
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
