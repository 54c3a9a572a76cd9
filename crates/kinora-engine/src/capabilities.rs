use std::fmt;
use std::sync::Arc;

use kinora_media::CodecId;

/// What can be decoded here: it decides which variants may be chosen.
#[derive(Clone)]
pub struct Capabilities {
    decodes: Arc<dyn Fn(CodecId) -> bool + Send + Sync>,
}

impl Capabilities {
    /// Those of decoders that are asked, for each codec that a manifest names, whether they take it.
    pub fn of_decoders(decodes: impl Fn(CodecId) -> bool + Send + Sync + 'static) -> Self {
        Self {
            decodes: Arc::new(decodes),
        }
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
        f.debug_struct("Capabilities").finish_non_exhaustive()
    }
}
