//! A resource that may be a broadcast: it has neither a length nor parts that could be asked for.

use kinora_errors::{Fault, Retry, codes};
use kinora_media::{Packet, RequestId};

use crate::cx::Cx;
use crate::ingest::pace::Pace;
use crate::ingest::timeline::Timeline;

/// A resource of which each answer begins anew.
pub(super) struct Broadcast {
    pub(super) timeline: Timeline,
    pub(super) pace: Pace,
    /// The request whose answer is read.
    pub(super) answer: RequestId,
    /// Only the end of the connection ends the answer.
    pub(super) ends_with_connection: bool,
    /// The last one ended so: it broke off, or the broadcast is over.
    pub(super) ended: bool,
    /// Places of damage in the answers before.
    pub(super) damage: u64,
}

impl Broadcast {
    pub(super) fn new(answer: RequestId, ends_with_connection: bool) -> Self {
        Self {
            timeline: Timeline::broadcast_as_it_begins(),
            pace: Pace::default(),
            answer,
            ends_with_connection,
            ended: false,
            damage: 0,
        }
    }

    /// It comes as it is made.
    pub(super) fn is_live(&self) -> bool {
        self.pace.is_live()
    }

    /// A packet on the presentation's timeline, unless it was there before.
    pub(super) fn place(&mut self, cx: &Cx, packet: Packet) -> Option<Packet> {
        let live = self.is_live();
        let packet = self.timeline.place(&cx.tape, packet, live)?;
        // Subtitles may be sent long before their time.
        if self.timeline.is_leading(packet.track) {
            self.pace.came(cx.mono(), packet.dts + packet.duration);
        }
        Some(packet)
    }

    /// Whether it may go on though its answer ended: where no more than the end of the connection told so, and the answer had
    /// brought something new.
    pub(super) fn breaks_off(&mut self) -> bool {
        let breaks = self.ends_with_connection && self.is_live() && self.timeline.grows;
        self.ended |= breaks;
        breaks
    }
}

/// A live answer that ended as one does that breaks off.
pub(super) fn closed() -> Fault {
    Fault::new(codes::ERROR_NETWORK_UNKNOWN, "http.truncated")
        .because("the connection was closed, which alone does not end a live stream")
        .retry_class(Retry::Now)
}
