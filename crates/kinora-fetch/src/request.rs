use std::fmt;

use bytes::Bytes;
use kinora_errors::Secret;
use kinora_media::{ByteRange, Header, RequestId};

/// The method of a request.
#[derive(Clone, Default)]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// HEAD: the answer ends with its head.
    Head,
    /// POST with a body; its media type is a header of the request.
    Post(Bytes),
}

/// The body may hold credentials, so it is not printed.
impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get => f.write_str("GET"),
            Self::Head => f.write_str("HEAD"),
            Self::Post(body) => write!(f, "POST of {} bytes", body.len()),
        }
    }
}

/// Who named a URL: decides what it may reach, and whether the user's credentials go there.
#[derive(Clone, Debug, Default)]
pub enum Initiator {
    /// The user: anything goes, and the URL's origin gets the credentials. Redirects are the word of the server that sends
    /// them.
    #[default]
    User,
    /// A playlist or a service's reply: never a file (unless it was one itself), never a private address when its own is
    /// public.
    Remote {
        /// Where it came from.
        found: Secret,
        /// What the user named, by which it was found: credentials go to the origin of that and to no other.
        source: Secret,
    },
}

impl Initiator {
    /// A playlist or a service's reply that the user named, and that came from where it was asked for.
    #[must_use]
    pub fn found_at(url: Secret) -> Self {
        Self::Remote {
            source: url.clone(),
            found: url,
        }
    }

    /// Who names what stands in a resource that this one named `asked`, and that came from `found`.
    #[must_use]
    pub fn within(&self, asked: &Secret, found: &Secret) -> Self {
        let scheme = found.expose().split_once("://").map(|(scheme, _)| scheme);
        if scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case("file")) {
            // The user's own playlist speaks for the user.
            return Self::User;
        }
        let source = match self {
            Self::User => asked,
            Self::Remote { source, .. } => source,
        };
        Self::Remote {
            found: found.clone(),
            source: source.clone(),
        }
    }
}

/// What a request is for; its retry rule and its place in a report.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// A call of a service's API. The service explains itself in the body of an error status: that is delivered too, its
    /// status in the head.
    Api,
    /// A playlist.
    Playlist,
    /// The time of day, in the body of the answer.
    Clock,
    /// The time of day, in the head of the answer: nothing else of it is wanted.
    Date,
    /// A decryption key.
    Key,
    /// A licence: content keys, as a server gives them.
    Licence,
    /// An init section.
    Init,
    /// A media segment of that media sequence number.
    Segment(u64),
    /// A progressive file.
    Media,
    /// A file of subtitles beside the media.
    Subtitle,
}

/// One request to the network.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// Identifies it; its events carry it.
    pub id: RequestId,
    /// What for.
    pub purpose: Purpose,
    /// `http:`, `https:`, `file:` or a bare path; may hold secrets.
    pub url: Secret,
    /// Which bytes.
    pub range: ByteRange,
    /// Headers beside those of the configuration.
    pub headers: Vec<Header>,
    /// How it asks.
    pub method: Method,
    /// Who named the URL.
    pub initiator: Initiator,
    /// Bytes that may be delivered before more is granted.
    pub credit: u64,
}

impl FetchRequest {
    /// A GET of a whole resource that the user named, without a bound of its own on the bytes in flight.
    #[must_use]
    pub fn get(id: RequestId, url: impl Into<String>) -> Self {
        Self {
            id,
            purpose: Purpose::Media,
            url: Secret::new(url),
            range: ByteRange::default(),
            headers: Vec::new(),
            method: Method::Get,
            initiator: Initiator::User,
            credit: u64::MAX,
        }
    }

    /// A call of a service's API: its refusals are read, not only their status.
    #[must_use]
    pub fn api(id: RequestId, url: impl Into<String>) -> Self {
        Self {
            purpose: Purpose::Api,
            ..Self::get(id, url)
        }
    }
}
