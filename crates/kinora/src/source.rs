//! What an application can ask for.

use kinora_cloud::{VidAuth, VidSts};
use kinora_engine::Locator;
use kinora_errors::{Code, Fault, Secret};
use kinora_net::{BitStreamSource, BitStreams};

/// What to play or read. Text is taken for a URL or a path.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Source {
    /// A URL or a path.
    Url {
        /// The address; may hold secrets, shown masked only.
        url: Secret,
    },
    /// A video id with a play credential (PlayAuth).
    VidAuth(Box<VidAuth>),
    /// A video id with an STS triple.
    VidSts(Box<VidSts>),
    /// Bytes that the application reads itself.
    BitStream(BitStreamSource),
}

impl Source {
    /// Where the engine finds it.
    pub(crate) fn locate(self, bit_streams: &BitStreams) -> Locator {
        match self {
            Self::Url { url } => Locator::Url { url },
            Self::VidAuth(source) => Locator::VidAuth(source),
            Self::VidSts(source) => Locator::VidSts(source),
            Self::BitStream(source) => Locator::Url {
                url: Secret::new(bit_streams.mount(source)),
            },
        }
    }

    /// The URL of what needs no service to be found.
    pub(crate) fn url(self, bit_streams: &BitStreams) -> Result<Secret, Fault> {
        match self.locate(bit_streams) {
            Locator::Url { url } => Ok(url),
            // EINVAL
            _ => Err(Fault::new(Code::from_errno(22), "source.unresolved").because(
                "a reader opens URLs, paths and bit streams: ask the service for the URL of a video with `play_info` first",
            )),
        }
    }
}

impl From<&str> for Source {
    fn from(url: &str) -> Self {
        Self::Url {
            url: Secret::new(url),
        }
    }
}

impl From<String> for Source {
    fn from(url: String) -> Self {
        Self::Url {
            url: Secret::new(url),
        }
    }
}

impl From<&String> for Source {
    fn from(url: &String) -> Self {
        url.as_str().into()
    }
}

impl From<BitStreamSource> for Source {
    fn from(source: BitStreamSource) -> Self {
        Self::BitStream(source)
    }
}
