//! Everything that can go wrong between a URL and its bytes, with its number and reason.

use std::io;
use std::time::Duration;

use kinora_errors::{Code, Coded, Fault, Origin, Retry, codes};
use kinora_media::ByteRange;
use thiserror::Error;

use crate::proxy::{ProxyError, ProxyFailure};

/// A failed fetch. The texts name no secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NetError {
    /// Nothing was named.
    #[error("the source URL is empty")]
    EmptyUrl,
    /// The URL breaks the rules of URLs.
    #[error("the URL can not be read: {0}")]
    MalformedUrl(String),
    /// No such protocol here.
    #[error("the protocol `{0}` is not supported; http, https, file and bare paths are")]
    UnsupportedScheme(String),
    /// A header that would break out of its line or frame the message.
    #[error(
        "the header `{0}` can not be sent: it frames the message, or holds a character that is not allowed"
    )]
    BadHeader(String),
    /// A proxy of the environment that can not be used.
    #[error("the environment variable {variable} can not be used")]
    BadProxy {
        /// Which variable names it.
        variable: &'static str,
        /// Why.
        #[source]
        source: ProxyError,
    },
    /// A remote playlist named a file.
    #[error("a remote playlist or server may not open local files")]
    ForbiddenFile,
    /// A remote playlist named what only a user may open.
    #[error("a playlist or server may not open `{0}:` URLs of another source")]
    ForbiddenScheme(String),
    /// A public playlist named a private address.
    #[error("a public playlist or server may not reach the private address of `{0}`")]
    ForbiddenAddress(String),
    /// The name does not exist.
    #[error("the name `{0}` does not exist")]
    DnsNotFound(String),
    /// The name server could not be reached or did not answer sensibly.
    #[error("the name `{host}` can not be resolved")]
    DnsFailed {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// The name server did not answer.
    #[error("the name server did not answer for `{0}` in time")]
    DnsTimeout(String),
    /// The name has no address of the wanted family.
    #[error("`{0}` has no address of the chosen IP family")]
    DnsNoAddress(String),
    /// Nobody listens.
    #[error("{0} refused the connection")]
    Refused(String),
    /// No route to it.
    #[error("{peer} can not be reached")]
    Unreachable {
        /// The address.
        peer: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The connection was not set up in time.
    #[error("{0} did not accept a connection in time")]
    ConnectTimeout(String),
    /// The proxy made no connection.
    #[error("the proxy {peer} {failure}")]
    Proxy {
        /// Where it is.
        peer: String,
        /// What it did.
        failure: ProxyFailure,
    },
    /// No connection to the proxy.
    #[error("the proxy {peer} can not be reached")]
    ProxyUnreachable {
        /// Where it is.
        peer: String,
        /// Why.
        #[source]
        source: Box<NetError>,
    },
    /// The TLS handshake failed.
    #[error("the TLS handshake with `{host}` failed")]
    Tls {
        /// Which part.
        kind: TlsFailure,
        /// The server's name.
        host: String,
        /// What TLS said.
        #[source]
        source: io::Error,
    },
    /// The TLS handshake was not finished in time.
    #[error("`{0}` did not finish the TLS handshake in time")]
    TlsTimeout(String),
    /// The extra certificates are unusable.
    #[error("the additional CA certificates can not be read: {0}")]
    BadCaCertificates(String),
    /// No response head came in time.
    #[error("the server sent no answer in time")]
    FirstByteTimeout,
    /// The body stopped flowing.
    #[error("the server stopped sending after {received} bytes")]
    Stalled {
        /// Bytes that came.
        received: u64,
    },
    /// The answer was cut off.
    #[error("the answer ended after {received} bytes{}", expected.map(|n| format!(" of {n}")).unwrap_or_default())]
    Truncated {
        /// Bytes that came.
        received: u64,
        /// Bytes that were announced.
        expected: Option<u64>,
    },
    /// The connection was torn down.
    #[error("the connection was reset")]
    Reset(#[source] io::Error),
    /// The connection was closed before the head.
    #[error("the server closed the connection without an answer")]
    NoReply,
    /// The answer is not HTTP.
    #[error("the answer breaks the rules of HTTP")]
    Malformed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A content coding that was not requested and is not known.
    #[error("the server sent the body in the coding `{0}`, which was not asked for")]
    ContentEncoding(String),
    /// A compressed body that is no such thing, or an attack.
    #[error("the compressed body can not be used: {0}")]
    BadCoding(&'static str),
    /// A status that is no success.
    #[error("the server answered {status}")]
    Status {
        /// The status.
        status: u16,
        /// After how long the server wants to be asked again (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// The range was not honoured.
    #[error("the request for {asked} was not honoured: {why}")]
    Range {
        /// How.
        kind: RangeFailure,
        /// HTTP status; `None` for a file.
        status: Option<u16>,
        /// The requested range.
        asked: ByteRange,
        /// How long the resource is, as a 416 says.
        total: Option<u64>,
        /// How, as a sentence.
        why: String,
    },
    /// Redirects without a good end.
    #[error("{kind}")]
    Redirect {
        /// How.
        kind: RedirectFailure,
        /// HTTP status of the last one.
        status: u16,
    },
    /// A whole answer was wanted in a time that it did not keep.
    #[error("the answer was not complete in time")]
    TotalTimeout,
    /// A whole answer was wanted that is larger than was allowed.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// A whole answer was wanted of what comes as packets.
    #[error("the resource comes as tracks and packets, not as bytes")]
    NotBytes,
    /// The file could not be opened or read.
    #[error("{}", file_message(source))]
    File {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A pipe, a socket, a device.
    #[error("the path names neither a regular file nor a block device")]
    NotAFile,
    /// What was read from a pipe long ago is wanted again.
    #[error(
        "byte {0} of the pipe was read and let go: only a file can be read from any place; write it to one"
    )]
    PipeGone(u64),
    /// The file shrank while it was read.
    #[error("the file ended at byte {0}, earlier than its size said")]
    FileShrank(u64),
    /// The application's source gave an error instead of bytes.
    #[error("the application's source can not be read at byte {offset}")]
    BitStreamRead {
        /// Where.
        offset: u64,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The application's source did not seek.
    #[error("the application's source can not seek to byte {offset}")]
    BitStreamSeek {
        /// Where to.
        offset: u64,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// What was read long ago from a source that can not seek is wanted again.
    #[error(
        "byte {0} of the application's source was read and let go, and the source can not seek"
    )]
    BitStreamGone(u64),
    /// A thread or the runtime could not be started.
    #[error("the network could not be started")]
    Start(#[source] io::Error),
}

/// Which part of TLS failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsFailure {
    /// The certificate's time is over.
    Expired,
    /// Its time has not come (or this clock is wrong).
    NotYetValid,
    /// It is for another name.
    WrongHost,
    /// Nobody trusted signed it.
    UnknownCa,
    /// It was revoked.
    Revoked,
    /// Something else is wrong with it.
    Certificate,
    /// The handshake itself.
    Handshake,
}

/// How a range went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RangeFailure {
    /// 200 where 206 was due.
    Ignored,
    /// Another range than the requested one, or none named.
    Mismatch,
    /// 416, or past the end of a file.
    Unsatisfiable,
}

/// How redirects went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RedirectFailure {
    /// A URL that was visited before.
    #[error("the redirects go in a circle")]
    Loop,
    /// More than the limit.
    #[error("there are too many redirects")]
    TooMany,
    /// From https to http.
    #[error("a redirect leads from https to http")]
    Downgrade,
    /// No or no usable Location.
    #[error("a redirect names no usable place")]
    NoLocation,
    /// A POST that would go on to another server.
    #[error("a redirect would carry the request's body to another server")]
    CrossOriginBody,
}

fn file_message(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "there is no such file",
        io::ErrorKind::PermissionDenied => "this user may not read the file",
        io::ErrorKind::IsADirectory => "the path names a directory; name a file in it",
        io::ErrorKind::NotADirectory => "a part of the path is a file, not a directory",
        _ => "the file can not be read",
    }
}

fn os_code(source: &io::Error) -> Code {
    Code::from_errno(source.raw_os_error().unwrap_or(0))
}

const fn status_code(status: u16) -> Code {
    match status {
        400 => codes::ERROR_NETWORK_HTTP_400,
        403 => codes::ERROR_NETWORK_HTTP_403,
        404 => codes::ERROR_NETWORK_HTTP_404,
        416 => codes::ERROR_NETWORK_HTTP_RANGE,
        401..=499 => codes::ERROR_NETWORK_HTTP_4XX,
        500..=599 => codes::ERROR_NETWORK_HTTP_5XX,
        _ => codes::ERROR_NETWORK_UNKNOWN,
    }
}

#[allow(
    clippy::match_overlapping_arm,
    reason = "the ranges are what is left over"
)]
const fn status_reason(status: u16) -> &'static str {
    match status {
        400 => "http.400",
        401 => "http.401",
        403 => "http.403",
        404 => "http.404",
        408 => "http.408",
        410 => "http.410",
        416 => "http.range.unsatisfiable",
        429 => "http.429",
        500 => "http.500",
        502 => "http.502",
        503 => "http.503",
        504 => "http.504",
        400..=499 => "http.4xx",
        500..=599 => "http.5xx",
        _ => "http.status",
    }
}

const fn status_retry(status: u16) -> Retry {
    match status {
        408 | 429 | 500..=599 => Retry::Backoff,
        // Without a Range header the same request may succeed.
        416 => Retry::Now,
        401 | 403 | 410 => Retry::AfterRefresh,
        _ => Retry::Never,
    }
}

impl TlsFailure {
    const fn reason(self) -> &'static str {
        match self {
            Self::Expired => "tls.expired",
            Self::NotYetValid => "tls.not_yet_valid",
            Self::WrongHost => "tls.wrong_host",
            Self::UnknownCa => "tls.unknown_ca",
            Self::Revoked => "tls.revoked",
            Self::Certificate => "tls.certificate",
            Self::Handshake => "tls.handshake",
        }
    }
}

impl RangeFailure {
    const fn reason(self) -> &'static str {
        match self {
            Self::Ignored => "http.range.ignored",
            Self::Mismatch => "http.range.mismatch",
            Self::Unsatisfiable => "http.range.unsatisfiable",
        }
    }
}

impl RedirectFailure {
    const fn reason(self) -> &'static str {
        match self {
            Self::Loop => "http.redirect_loop",
            Self::TooMany => "http.redirect_limit",
            Self::Downgrade => "http.redirect_downgrade",
            Self::NoLocation => "http.redirect_location",
            Self::CrossOriginBody => "http.redirect_body",
        }
    }
}

impl NetError {
    /// What may make the same request succeed.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Status { status, .. } => status_retry(*status),
            Self::DnsNotFound(_)
            | Self::DnsFailed { .. }
            | Self::DnsTimeout(_)
            | Self::Refused(_)
            | Self::Unreachable { .. }
            | Self::ConnectTimeout(_)
            | Self::TlsTimeout(_)
            | Self::FirstByteTimeout
            | Self::Stalled { .. }
            | Self::Truncated { .. }
            | Self::NoReply
            | Self::TotalTimeout => Retry::Backoff,
            Self::Reset(_) | Self::Range { .. } | Self::FileShrank(_) => Retry::Now,
            Self::Malformed(_) => Retry::Backoff,
            Self::File { source } => match source.raw_os_error() {
                Some(5) => Retry::Now,
                Some(1 | 13) => Retry::AfterUser,
                _ => Retry::Never,
            },
            Self::BitStreamRead { source, .. } | Self::BitStreamSeek { source, .. } => {
                match source.kind() {
                    io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Retry::Backoff,
                    _ => Retry::Never,
                }
            }
            Self::Proxy { failure, .. } if failure.is_transient() => Retry::Backoff,
            Self::ProxyUnreachable { source, .. } => source.retry(),
            Self::Tls { .. }
            | Self::Proxy { .. }
            | Self::BadProxy { .. }
            | Self::BadCaCertificates(_)
            | Self::Start(_) => Retry::AfterUser,
            _ => Retry::Never,
        }
    }

    /// Who can mend it, where the number leaves that open.
    const fn origin(&self) -> Option<Origin> {
        match self {
            // A handshake that fails is the server's matter: mostly its certificate.
            Self::Tls { .. } | Self::TlsTimeout(_) => Some(Origin::Service),
            Self::BadCaCertificates(_) | Self::BadProxy { .. } => Some(Origin::Caller),
            _ => None,
        }
    }

    /// It tells of the machine at the other end, not of what was asked for.
    pub(crate) const fn is_of_peer(&self) -> bool {
        matches!(
            self,
            Self::NoReply
                | Self::Reset(_)
                | Self::FirstByteTimeout
                | Self::Stalled { .. }
                | Self::Truncated { .. }
                | Self::TlsTimeout(_)
                | Self::Tls { .. }
        )
    }

    /// A reused connection may have been closed by the server while it lay idle.
    pub(crate) const fn may_be_stale(&self) -> bool {
        matches!(self, Self::NoReply | Self::Reset(_))
    }

    /// The fault with what this error alone knows.
    pub(crate) fn into_fault(self) -> Fault {
        let mut fault = self.fault().retry_class(self.retry());
        if let Some(origin) = self.origin() {
            fault = fault.with_origin(origin);
        }
        match self {
            Self::Status {
                status,
                retry_after,
            } => fault.with(|context| {
                context.http_status = Some(status);
                context.retry_after_ms =
                    retry_after.and_then(|wait| u64::try_from(wait.as_millis()).ok());
            }),
            Self::Redirect { status, .. } => {
                fault.with(|context| context.http_status = Some(status))
            }
            Self::Range {
                status,
                asked,
                total,
                ..
            } => fault.with(|context| {
                context.http_status = status;
                context.resource_len = total;
                context.bytes = Some((asked.start, asked.end));
            }),
            Self::BadProxy { variable, .. } => {
                fault.with(|context| context.variable = Some(variable.to_owned()))
            }
            _ => fault,
        }
    }
}

impl Coded for NetError {
    fn code(&self) -> Code {
        match self {
            Self::EmptyUrl => codes::ERROR_DATASOURCE_EMPTYURL,
            Self::UnsupportedScheme(_)
            | Self::ForbiddenFile
            | Self::ForbiddenScheme(_)
            | Self::NotBytes => codes::ERROR_NETWORK_UNSUPPORTED,
            Self::DnsNotFound(_)
            | Self::DnsFailed { .. }
            | Self::DnsTimeout(_)
            | Self::DnsNoAddress(_) => codes::ERROR_NETWORK_RESOLVE,
            Self::ProxyUnreachable { source, .. } => source.code(),
            Self::Proxy { failure, .. } => match failure {
                ProxyFailure::Timeout => codes::ERROR_NETWORK_CONNECT_TIMEOUT,
                _ => codes::ERROR_NETWORK_COULD_NOT_CONNECT,
            },
            Self::Refused(_) | Self::Unreachable { .. } | Self::ForbiddenAddress(_) => {
                codes::ERROR_NETWORK_COULD_NOT_CONNECT
            }
            Self::ConnectTimeout(_)
            | Self::FirstByteTimeout
            | Self::Stalled { .. }
            | Self::TotalTimeout => codes::ERROR_NETWORK_CONNECT_TIMEOUT,
            Self::Reset(_) | Self::FileShrank(_) => codes::ERROR_GENERAL_EIO,
            Self::Status { status, .. } => status_code(*status),
            Self::Range { .. } => codes::ERROR_NETWORK_HTTP_RANGE,
            Self::File { source } | Self::Start(source) => os_code(source),
            // What a callback says without a number of the system is a failure to read (EIO).
            Self::BitStreamRead { source, .. } | Self::BitStreamSeek { source, .. } => {
                Code::from_errno(source.raw_os_error().unwrap_or(match source.kind() {
                    io::ErrorKind::NotFound => 2,
                    io::ErrorKind::PermissionDenied => 13,
                    _ => 5,
                }))
            }
            // ESPIPE: such a path can not be read from a given place.
            Self::NotAFile | Self::PipeGone(_) | Self::BitStreamGone(_) => Code::from_errno(29),
            Self::MalformedUrl(_)
            | Self::BadHeader(_)
            | Self::BadProxy { .. }
            | Self::Tls { .. }
            | Self::TlsTimeout(_)
            | Self::BadCaCertificates(_)
            | Self::Truncated { .. }
            | Self::NoReply
            | Self::Malformed(_)
            | Self::ContentEncoding(_)
            | Self::BadCoding(_)
            | Self::Redirect { .. }
            | Self::TooLarge(_) => codes::ERROR_NETWORK_UNKNOWN,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::EmptyUrl => "url.empty",
            Self::MalformedUrl(_) => "url.malformed",
            Self::UnsupportedScheme(_) => "url.scheme",
            Self::BadHeader(_) => "request.header",
            Self::BadProxy { .. } => "proxy.url",
            Self::ForbiddenFile => "guard.file",
            Self::ForbiddenScheme(_) => "guard.scheme",
            Self::ForbiddenAddress(_) => "guard.private_address",
            Self::DnsNotFound(_) => "dns.nxdomain",
            Self::DnsFailed { .. } => "dns.failed",
            Self::DnsTimeout(_) => "dns.timeout",
            Self::DnsNoAddress(_) => "dns.no_address",
            Self::Refused(_) => "tcp.refused",
            Self::Unreachable { .. } => "tcp.unreachable",
            Self::ConnectTimeout(_) => "tcp.timeout",
            Self::Proxy { failure, .. } => failure.reason(),
            Self::ProxyUnreachable { .. } => "proxy.unreachable",
            Self::Tls { kind, .. } => kind.reason(),
            Self::TlsTimeout(_) => "tls.timeout",
            Self::BadCaCertificates(_) => "tls.ca_file",
            Self::FirstByteTimeout => "http.first_byte_timeout",
            Self::Stalled { .. } => "net.stalled",
            Self::Truncated { .. } => "http.truncated",
            Self::Reset(_) => "tcp.reset",
            Self::NoReply => "http.no_reply",
            Self::Malformed(_) => "http.malformed",
            Self::ContentEncoding(_) | Self::BadCoding(_) => "http.content_encoding",
            Self::Status { status, .. } => status_reason(*status),
            Self::Range { kind, .. } => kind.reason(),
            Self::Redirect { kind, .. } => kind.reason(),
            Self::TotalTimeout => "net.total_timeout",
            Self::TooLarge(_) => "net.too_large",
            Self::NotBytes => "net.not_bytes",
            Self::File { source } => match source.kind() {
                io::ErrorKind::NotFound => "file.not_found",
                io::ErrorKind::PermissionDenied => "file.permission",
                io::ErrorKind::IsADirectory => "file.directory",
                _ => "file.io",
            },
            Self::NotAFile => "file.not_regular",
            Self::PipeGone(_) => "file.pipe_gone",
            Self::FileShrank(_) => "file.truncated",
            Self::BitStreamRead { .. } => "bit_stream.read",
            Self::BitStreamSeek { .. } => "bit_stream.seek",
            Self::BitStreamGone(_) => "bit_stream.gone",
            Self::Start(_) => "net.start",
        }
    }
}
