use std::fmt;

use bytes::Bytes;
use kinora_errors::{Fault, Secret};
use kinora_media::{ByteRange, Chunk, Header, RequestId, ResponseInfo};

/// How a resource is asked for.
#[derive(Clone, Default)]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// POST with a body; its media type is a header of the request.
    Post(Bytes),
}

/// The body may hold credentials, so it is not printed.
impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get => f.write_str("GET"),
            Self::Post(body) => write!(f, "POST of {} bytes", body.len()),
        }
    }
}

/// Who named the URL: decides what it may reach.
#[derive(Clone, Debug, Default)]
pub enum Initiator {
    /// The user: anything goes. Redirects are the word of the server that sends them.
    #[default]
    User,
    /// A playlist or a reply that came from that URL: never a file (unless it was one itself),
    /// never a private address when its own is public.
    Remote {
        /// Where it came from; may hold secrets.
        origin_url: Secret,
    },
}

/// One question to the network.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// Names it; its answers carry it.
    pub id: RequestId,
    /// `http:`, `https:`, `file:` or a bare path.
    pub url: Secret,
    /// Which bytes.
    pub range: ByteRange,
    /// Headers beside those of the configuration.
    pub headers: Vec<Header>,
    /// GET or POST.
    pub method: Method,
    /// Bytes that may be delivered before more is granted.
    pub credit: u64,
    /// Who named the URL.
    pub initiator: Initiator,
    /// Deliver the body of an error status too, with its status in the head, instead of failing:
    /// for services that explain themselves there.
    pub keep_error_body: bool,
}

impl FetchRequest {
    /// A GET of a whole resource that the user named, without a bound of its own on the bytes in flight.
    #[must_use]
    pub fn get(id: RequestId, url: impl Into<String>) -> Self {
        Self {
            id,
            url: Secret::new(url),
            range: ByteRange::default(),
            headers: Vec::new(),
            method: Method::Get,
            credit: u64::MAX,
            initiator: Initiator::User,
            keep_error_body: false,
        }
    }
}

/// What comes back: a head, chunks in order, then one end.
pub enum NetEvent {
    /// A response begins.
    Head {
        /// The request it answers.
        id: RequestId,
        /// What the resource says of itself.
        info: ResponseInfo,
    },
    /// Bytes.
    Chunk(Chunk),
    /// All bytes came.
    Done {
        /// The request that is answered.
        id: RequestId,
    },
    /// The request failed.
    Failed {
        /// Which.
        id: RequestId,
        /// How.
        fault: Fault,
    },
}

/// A whole small answer, as [`crate::Net::get`] gives it.
#[derive(Clone, PartialEq, Default)]
pub struct Reply {
    /// What the resource says of itself.
    pub info: ResponseInfo,
    /// Its bytes.
    pub body: Bytes,
}

/// Neither its URL nor its bytes are printed: both may hold credentials.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} bytes", self.info.status, self.body.len())
    }
}
