//! Where a playlist or manifest is, and what it may name from there.

use kinora_errors::{Coded, Fault, Secret, codes};
use kinora_manifest::{data_url, policy};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

/// A playlist that is readable and yet of no use.
pub(in crate::ingest) fn malformed(what: &str, url: &Secret) -> Fault {
    Fault::new(codes::ERROR_DEMUXER_OPENURL, "hls.playlist.malformed")
        .because(what)
        .at_url(url.expose())
}

/// Characters of a path that mean something else in a URL.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'%')
    .add(b'?')
    .add(b'#')
    .add(b'"')
    .add(b'<')
    .add(b'>');
/// Stands for the folder that a relative path is relative to, which only the file system knows.
const HERE: &str = "file:///.here./";

/// What a resource names that was found at a URL or a path: relative to that, and only where it may.
///
/// # Errors
/// What [`policy::may_fetch`] says of it; `ERROR_DEMUXER_OPENURL` when it is no URI.
pub fn named_within(found: &Secret, uri: &str) -> Result<Secret, Fault> {
    let base = Base::new(found.expose());
    let base = base.ok_or_else(|| malformed("its own URL can not be read", found))?;
    base.resolve(uri)
}

/// Where something was found, as a URL that what it names can be relative to; of a path too. What is relative to that goes through
/// [`named_within`] before it is asked for.
#[must_use]
pub fn base_of(found: &Secret) -> Option<Url> {
    Base::new(found.expose()).map(|base| base.0)
}

/// Where a playlist is, as a URL.
#[derive(Clone, Debug)]
pub(in crate::ingest) struct Base(Url);

impl Base {
    pub(in crate::ingest) fn new(text: &str) -> Option<Self> {
        if let Ok(url) = Url::parse(text)
            && !url.cannot_be_a_base()
        {
            return Some(Self(url));
        }
        let path = utf8_percent_encode(text, PATH);
        let url = if text.starts_with('/') {
            format!("file://{path}")
        } else {
            format!("{HERE}{path}")
        };
        Url::parse(&url).ok().map(Self)
    }

    pub(in crate::ingest) fn url(&self) -> &Url {
        &self.0
    }

    /// A URI of the playlist, if the playlist may name it.
    pub(in crate::ingest) fn resolve(&self, uri: &str) -> Result<Secret, Fault> {
        let url = self.0.join(uri).map_err(|_| {
            malformed(
                "it names something that is no URI",
                &Secret::new(self.0.as_str()),
            )
        })?;
        self.allow(&url)
    }

    /// The URI of a key, which may be what it leads to (RFC 2397).
    pub(in crate::ingest) fn resolve_key(&self, uri: &str) -> Result<Secret, Fault> {
        match data_url::is_data_url(uri) {
            true => Ok(Secret::new(uri)),
            false => self.resolve(uri),
        }
    }

    /// A URL that the playlist names, if it may.
    pub(in crate::ingest) fn allow(&self, url: &Url) -> Result<Secret, Fault> {
        policy::may_fetch(&self.0, url).map_err(|error| error.fault().at_url(url.as_str()))?;
        let text = url.as_str();
        Ok(match text.strip_prefix(HERE) {
            Some(path) => Secret::new(percent_decode_str(path).decode_utf8_lossy()),
            None => Secret::new(text),
        })
    }
}
