//! What a URL's scheme leads to.

mod response;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

pub use self::response::ResponseSink;
pub(crate) use self::response::{Active, Sink};
use crate::target::scheme_of;
use crate::{FetchRequest, Initiator, NetError};

/// Brings what URLs of its schemes name: bytes (HTTP, files), or tracks and packets where a protocol carries media
/// without a container (RTMP).
pub trait Transport: Send + Sync + 'static {
    /// The schemes of the URLs that it opens, in lower case and without the colon.
    fn schemes(&self) -> &[&str];

    /// Begins to answer a request and returns at once: whatever waits does so on a thread or task of its own, and ends soon
    /// after the response [`is_cancelled`](ResponseSink::is_cancelled).
    fn open(&self, request: FetchRequest, response: ResponseSink);
}

/// Transports that an application adds to those of the network, asked in the order of their addition and before ours:
/// one for `https` takes the place of the built-in one.
#[derive(Clone, Default)]
pub struct Transports(Vec<Arc<dyn Transport>>);

/// It holds nothing of its own that a panic could leave half done.
impl UnwindSafe for Transports {}
impl RefUnwindSafe for Transports {}

impl Transports {
    /// Adds a transport behind those that are there.
    pub fn add(&mut self, transport: impl Transport) {
        self.0.push(Arc::new(transport));
    }

    /// Adds others behind those that are there.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(crate) fn add_shared(&mut self, transport: Arc<dyn Transport>) {
        self.0.push(transport);
    }

    /// The transport that opens what a request names, if whoever named it may use it.
    pub(crate) fn find(&self, request: &FetchRequest) -> Result<&Arc<dyn Transport>, NetError> {
        let url = request.url.expose();
        let (scheme, transport) = self.of(url)?;
        if let Initiator::Remote { found, .. } = &request.initiator
            && !is_web(&scheme)
            && !self.is_of(transport, found.expose())
        {
            return Err(match scheme.as_str() {
                FILE => NetError::ForbiddenFile,
                _ => NetError::ForbiddenScheme(scheme),
            });
        }
        Ok(transport)
    }

    /// Whether a URL is opened by that transport.
    fn is_of(&self, transport: &Arc<dyn Transport>, url: &str) -> bool {
        self.of(url)
            .is_ok_and(|(_, other)| Arc::ptr_eq(transport, other))
    }

    fn of(&self, url: &str) -> Result<(String, &Arc<dyn Transport>), NetError> {
        if url.trim().is_empty() {
            return Err(NetError::EmptyUrl);
        }
        let scheme = scheme_of(url).unwrap_or_else(|| FILE.to_owned());
        if let Some(transport) = self.by_scheme(&scheme) {
            return Ok((scheme, transport));
        }
        // `a:b.mp4` is a valid name of a file.
        let is_path = !url.contains("://") && std::path::Path::new(url).exists();
        match self.by_scheme(FILE).filter(|_| is_path) {
            Some(files) => Ok((FILE.to_owned(), files)),
            None => Err(NetError::UnsupportedScheme(scheme)),
        }
    }

    fn by_scheme(&self, scheme: &str) -> Option<&Arc<dyn Transport>> {
        self.0
            .iter()
            .find(|transport| transport.schemes().contains(&scheme))
    }
}

/// The scheme of files; bare paths are of it too.
pub(crate) const FILE: &str = "file";

/// The web may be named by anybody: its transport looks at the addresses.
fn is_web(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

impl fmt::Debug for Transports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes = self.0.iter().map(|transport| transport.schemes());
        f.debug_list().entries(schemes).finish()
    }
}
