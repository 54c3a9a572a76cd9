use std::sync::Arc;

use kinora_errors::Fault;
use kinora_media::{Chunk, MediaInfo, Packet, RequestId, ResponseInfo};

/// What the network answers: a head, then chunks in order; or tracks, then their packets in the order of decoding; then one
/// end.
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
    /// A response begins that carries media without a container, or its tracks change.
    Tracks {
        /// The request that is answered.
        id: RequestId,
        /// The tracks that packets are of from now on.
        info: Arc<MediaInfo>,
        /// They come as they are made: their clock begins anywhere, and nothing before now can be had.
        live: bool,
    },
    /// A packet of one of the tracks. It takes credit as [`FetchEvent::cost_of`] says.
    Packet {
        /// The request that is answered.
        id: RequestId,
        /// The packet.
        packet: Packet,
    },
    /// The server's own name of the session that a response belongs to: whoever asks its operator for help gives it. It may
    /// come at any time before the end.
    TraceId {
        /// The request that is answered.
        id: RequestId,
        /// The name, as the server writes it.
        trace_id: String,
    },
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
            Self::Head { id, .. }
            | Self::Tracks { id, .. }
            | Self::Packet { id, .. }
            | Self::TraceId { id, .. }
            | Self::Done { id }
            | Self::Failed { id, .. } => *id,
            Self::Chunk(chunk) => chunk.id,
        }
    }

    /// Credit that a packet takes: its bytes, and what it costs to hold any. One may be delivered as long as there is any
    /// credit; one that is larger takes all of it.
    #[must_use]
    pub fn cost_of(packet: &Packet) -> u64 {
        PACKET_OVERHEAD + packet.data.len() as u64
    }
}

/// An empty packet is held in so many bytes.
const PACKET_OVERHEAD: u64 = 128;
