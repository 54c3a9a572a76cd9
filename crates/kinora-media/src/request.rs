use core::fmt;

use bytes::Bytes;

/// Identifies one request to the network: its responses carry it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// A range of bytes, `start..end`; without `end` to the end of the resource.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, serde::Serialize, serde::Deserialize,
)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: Option<u64>,
}

impl ByteRange {
    /// Everything from an offset on.
    #[must_use]
    pub const fn from(start: u64) -> Self {
        Self { start, end: None }
    }
    /// `length` bytes from an offset on.
    #[must_use]
    pub const fn of(start: u64, length: u64) -> Self {
        Self {
            start,
            end: Some(start.saturating_add(length)),
        }
    }
    /// The whole resource: no Range header is sent.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.start == 0 && self.end.is_none()
    }
    /// How many bytes, where the end is known.
    #[must_use]
    pub const fn len(self) -> Option<u64> {
        match self.end {
            Some(end) => Some(end.saturating_sub(self.start)),
            None => None,
        }
    }
    /// A range with a known end that holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        matches!(self.len(), Some(0))
    }
}

/// As in a Range header (RFC 9110 14.2), whose end is inclusive.
impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            Some(end) => write!(f, "bytes={}-{}", self.start, end.saturating_sub(1)),
            None => write!(f, "bytes={}-", self.start),
        }
    }
}

/// One header of a request. Its value may be a credential, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// Field name.
    pub name: String,
    /// Field value.
    pub value: String,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ***", self.name)
    }
}

/// Bytes that answer a request, in order.
#[derive(Clone, PartialEq, Debug)]
pub struct Chunk {
    /// The request they answer.
    pub id: RequestId,
    /// Where they lie in the resource.
    pub offset: u64,
    /// The bytes.
    pub data: Bytes,
}

/// What a resource says of itself before its bytes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ResponseInfo {
    /// HTTP status; `None` for files.
    pub status: Option<u16>,
    /// Length of the whole resource where known (Content-Range's total, Content-Length, a file's size).
    pub total_len: Option<u64>,
    /// Offset of the first byte that will come.
    pub offset: u64,
    /// Ranges of it can be asked for (`Accept-Ranges`, a 206, a regular file).
    pub ranges: bool,
    /// Media type without parameters, lower case.
    pub content_type: Option<String>,
    /// Where it was found after redirects, secrets included: never print it unmasked.
    pub final_url: Option<String>,
    /// The server's `Date`, milliseconds since 1970.
    pub server_date_ms: Option<i64>,
    /// Only the end of the connection ends it (RFC 9112 6.3): one that breaks off looks the same.
    pub ends_with_connection: bool,
    /// Names this version of the resource, as `If-Range` takes it: a strong `ETag`, else `Last-Modified`.
    pub validator: Option<String>,
    /// How long it may be used again without asking.
    pub freshness: Freshness,
    /// Some of it comes from a cache: how fast it comes says nothing of the network.
    pub from_cache: bool,
}

/// How long a response may be kept and used again, by the word of the server (RFC 9111 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub enum Freshness {
    /// It does not say.
    #[default]
    Unsaid,
    /// It is not to be kept (`no-store`, `Vary: *`).
    NoStore,
    /// For so long; then it is asked for again, if it changed.
    For {
        /// Seconds from the response on; 0: always ask.
        seconds: u64,
        /// It may be used beyond that where the server can not be reached (RFC 9111 4.2.4: not with `must-revalidate`).
        stale_if_error: bool,
    },
}
