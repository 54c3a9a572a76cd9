use kinora_errors::Fault;
use kinora_media::{Chunk, RequestId, ResponseInfo};

/// What the network answers: a head, chunks in order, then one end.
#[derive(Clone, Debug)]
pub enum FetchEvent {
    /// A response begins.
    Head {
        /// The request that is answered.
        id: RequestId,
        /// What the resource says of itself.
        info: ResponseInfo,
    },
    /// Bytes of a response.
    Chunk(Chunk),
    /// A response is complete.
    Done {
        /// The request that is answered.
        id: RequestId,
    },
    /// A request failed.
    Failed {
        /// Which.
        id: RequestId,
        /// How.
        fault: Fault,
    },
}

impl FetchEvent {
    /// The request that is answered.
    #[must_use]
    pub const fn id(&self) -> RequestId {
        match self {
            Self::Head { id, .. } | Self::Done { id } | Self::Failed { id, .. } => *id,
            Self::Chunk(chunk) => chunk.id,
        }
    }
}
