use std::fmt;
use std::sync::Arc;

use kinora_container::Demuxers;
use kinora_media::CodecId;

/// What the host can do: which codecs it decodes, which decides about the variants that may be chosen, and which demuxers
/// it has beside those of `kinora-container`.
#[derive(Clone)]
pub struct Capabilities {
    decodes: Arc<dyn Fn(CodecId) -> bool + Send + Sync>,
    demuxers: Demuxers,
    draws_cues: bool,
}

impl Capabilities {
    /// Those of decoders that are asked, for each codec that a manifest names, whether they take it.
    pub fn of_decoders(decodes: impl Fn(CodecId) -> bool + Send + Sync + 'static) -> Self {
        Self {
            decodes: Arc::new(decodes),
            demuxers: Demuxers::Own,
            draws_cues: false,
        }
    }

    /// The same with these demuxers for files.
    #[must_use]
    pub fn with_demuxers(mut self, demuxers: Demuxers) -> Self {
        self.demuxers = demuxers;
        self
    }

    /// The same where somebody draws cues as pictures: the fonts that a file brings along are wanted.
    #[must_use]
    pub fn drawing_cues(self, draws_cues: bool) -> Self {
        Self { draws_cues, ..self }
    }

    pub(crate) fn draws_cues(&self) -> bool {
        self.draws_cues
    }

    pub(crate) fn demuxers(&self) -> Demuxers {
        self.demuxers.clone()
    }

    pub(crate) fn can_decode(&self, codec: CodecId) -> bool {
        (self.decodes)(codec)
    }
}

impl Default for Capabilities {
    /// Everything may be tried.
    fn default() -> Self {
        Self::of_decoders(|_| true)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capabilities")
            .field("demuxers", &self.demuxers)
            .finish_non_exhaustive()
    }
}
