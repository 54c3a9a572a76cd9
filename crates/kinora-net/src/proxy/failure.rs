//! How a proxy fails, with the stable reason of each.

use thiserror::Error;

/// What a proxy did; reads on after "the proxy host:port".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ProxyFailure {
    /// It did not answer in time.
    #[error("did not answer in time")]
    Timeout,
    /// It closed the connection within its answer, or before.
    #[error("closed the connection before the way was open")]
    Closed,
    /// It does not speak what it was said to.
    #[error("does not speak as {0} asks for")]
    Protocol(&'static str),
    /// 407, or the refusal of RFC 1929.
    #[error("wants another user name and password")]
    Auth,
    /// The answer to CONNECT.
    #[error("answered {0} to the request for a connection")]
    Refused(u16),
    /// The reply of a SOCKS proxy.
    #[error("{0}")]
    Socks(SocksReply),
}

/// What a SOCKS proxy says for having made no connection (RFC 1928 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SocksReply {
    /// 1.
    #[error("failed inside")]
    Failure,
    /// 2.
    #[error("does not allow this connection by its rules")]
    NotAllowed,
    /// 3.
    #[error("has no way to the network of the server")]
    NetworkUnreachable,
    /// 4; also where it knows no such name.
    #[error("can not reach the server, or does not know its name")]
    HostUnreachable,
    /// 5.
    #[error("was refused by the server")]
    Refused,
    /// 6.
    #[error("got no answer from the server in time")]
    TtlExpired,
    /// 7.
    #[error("makes no connections for others")]
    Command,
    /// 8.
    #[error("does not take this kind of address")]
    AddressType,
    /// A number that the protocol does not know.
    #[error("refused with the unknown number {0}")]
    Unknown(u8),
}

impl SocksReply {
    pub(super) const fn of(reply: u8) -> Self {
        match reply {
            1 => Self::Failure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::Refused,
            6 => Self::TtlExpired,
            7 => Self::Command,
            8 => Self::AddressType,
            unknown => Self::Unknown(unknown),
        }
    }
}

impl ProxyFailure {
    /// The stable reason.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Timeout => "proxy.timeout",
            Self::Closed => "proxy.closed",
            Self::Protocol(_) => "proxy.protocol",
            Self::Auth => "proxy.auth",
            Self::Refused(_) => "proxy.refused",
            Self::Socks(reply) => match reply {
                SocksReply::Failure => "socks.failure",
                SocksReply::NotAllowed => "socks.not_allowed",
                SocksReply::NetworkUnreachable => "socks.network_unreachable",
                SocksReply::HostUnreachable => "socks.host_unreachable",
                SocksReply::Refused => "socks.refused",
                SocksReply::TtlExpired => "socks.ttl_expired",
                SocksReply::Command => "socks.command",
                SocksReply::AddressType => "socks.address_type",
                SocksReply::Unknown(_) => "socks.reply",
            },
        }
    }

    /// A retry may succeed; else somebody must change the proxy or its setting.
    pub(crate) const fn is_transient(self) -> bool {
        match self {
            Self::Timeout | Self::Closed => true,
            Self::Protocol(_) | Self::Auth => false,
            // 502 to 504 speak of the server behind it.
            Self::Refused(status) => matches!(status, 500..=599),
            Self::Socks(reply) => !matches!(
                reply,
                SocksReply::NotAllowed | SocksReply::Command | SocksReply::AddressType
            ),
        }
    }
}
