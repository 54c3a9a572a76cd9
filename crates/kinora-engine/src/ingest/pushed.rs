//! Tracks and packets as a transport gives them: what a protocol carries without a container (RTMP, RTP).

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_errors::{Fault, Secret, codes};
use kinora_fetch::{FetchEvent, Progress, RetryContext, Transfer};
use kinora_media::{ByteRange, MediaInfo, Packet, RequestId, Time, TrackId, TrackKind};

use super::{Buffer, Notice};
use crate::TimingMark;
use crate::cx::Cx;

/// One resource that comes as packets. What waits here is bounded by the credit of its request.
pub(crate) struct Pushed {
    transfer: Transfer,
    /// The request whose answer comes; another one begins with its tracks.
    answer: RequestId,
    waiting: VecDeque<Item>,
    clock: Clock,
    tracks: Vec<Track>,
    /// When the first packet of this answer that was passed over for the sake of video is decoded.
    skipped_from: Option<Time>,
}

/// A broadcast begins with a key frame, and its audio with that; audio alone plays where none comes for so long.
const MAX_KEY_FRAME_WAIT: Time = Time::from_millis(10_000);

/// What came and was not taken yet, in order.
enum Item {
    Tracks(Arc<MediaInfo>),
    Packet(Packet),
    Notice(Notice),
}

/// A track on its way through one answer after the other.
struct Track {
    id: TrackId,
    kind: TrackKind,
    /// Its packets are passed over until one that decoding can start at.
    awaits_key: bool,
    /// When the last of its packets that was taken is decoded.
    last: Option<Time>,
}

/// How the times of an answer lie on the presentation's timeline.
enum Clock {
    /// They are its times: an answer that begins anew repeats what was there.
    OnDemand,
    /// They begin anywhere: at zero here, and after an interruption where the packets before it ended.
    Live { offset: Option<Time>, end: Time },
}

impl Clock {
    /// The packet on the presentation's timeline.
    fn place(&mut self, mut packet: Packet) -> Packet {
        let Self::Live { offset, end } = self else {
            return packet;
        };
        let offset = *offset.get_or_insert(*end - packet.dts);
        packet.dts += offset;
        packet.pts += offset;
        *end = (*end).max(packet.dts + packet.duration);
        packet
    }
}

impl Pushed {
    /// Goes on with a request whose answer turned out to be tracks.
    pub(crate) fn adopt(
        transfer: Transfer,
        answer: RequestId,
        info: Arc<MediaInfo>,
        live: bool,
    ) -> Self {
        let clock = match live {
            true => Clock::Live {
                offset: None,
                end: Time::ZERO,
            },
            false => Clock::OnDemand,
        };
        let mut pushed = Self {
            transfer,
            answer,
            waiting: VecDeque::new(),
            clock,
            tracks: Vec::new(),
            skipped_from: None,
        };
        pushed.follow(info);
        pushed
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.clock, Clock::Live { .. })
    }

    pub(crate) fn poll(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
        most: Time,
    ) -> Option<Notice> {
        loop {
            if matches!(self.waiting.front(), Some(Item::Packet(_)))
                && buffer.is_full(position, most)
            {
                return None;
            }
            match self.waiting.pop_front() {
                Some(Item::Packet(packet)) => {
                    if packet.flags.key {
                        cx.mark(TimingMark::FirstKeyFrame);
                    }
                    buffer.push(packet);
                }
                Some(Item::Tracks(info)) => {
                    cx.mark(TimingMark::Headers);
                    return Some(Notice::Info(info));
                }
                Some(Item::Notice(notice)) => return Some(notice),
                None => {
                    if !buffer.is_full(position, most) {
                        self.transfer.grant(cx);
                    }
                    return None;
                }
            }
        }
    }

    pub(crate) fn on_event(&mut self, cx: &mut Cx, event: FetchEvent, context: RetryContext) {
        if !self.transfer.is(event.id()) {
            return;
        }
        match event {
            FetchEvent::Tracks { id, info, live } => {
                self.transfer.on_tracks(cx);
                if self.answer != id {
                    self.answer = id;
                    self.begin_anew(live);
                }
                self.follow(info);
            }
            FetchEvent::Packet { packet, .. } => {
                self.transfer.on_packet(cx, &packet);
                cx.mark(TimingMark::FirstSegmentByte);
                if let Some(packet) = self.wanted(packet) {
                    self.waiting.push_back(Item::Packet(packet));
                }
            }
            event => {
                let progress = self.transfer.on_event(cx, event, context);
                self.take(cx, progress);
            }
        }
    }

    /// Another answer begins where the one before broke off.
    fn begin_anew(&mut self, live: bool) {
        match &mut self.clock {
            Clock::Live { offset, .. } if live => *offset = None,
            // It is no broadcast, or none any more: its times count.
            clock => *clock = Clock::OnDemand,
        }
        for track in &mut self.tracks {
            track.awaits_key |= live;
        }
        self.skipped_from = None;
    }

    /// The tracks that packets are of from now on.
    fn follow(&mut self, info: Arc<MediaInfo>) {
        let known = std::mem::take(&mut self.tracks);
        let track = |track: &kinora_media::TrackInfo| {
            let before = known.iter().find(|known| known.id == track.id);
            Track {
                id: track.id,
                kind: track.kind(),
                awaits_key: before.map_or(track.kind() == TrackKind::Video, |it| it.awaits_key),
                last: before.and_then(|known| known.last),
            }
        };
        self.tracks = info.tracks.iter().map(track).collect();
        self.waiting.push_back(Item::Tracks(info));
    }

    /// A packet as it is played; none that came before, and none that can not be decoded.
    fn wanted(&mut self, packet: Packet) -> Option<Packet> {
        let track = self.tracks.iter_mut().find(|it| it.id == packet.track)?;
        track.awaits_key &= !packet.flags.key;
        if track.awaits_key || self.awaits_video(&packet) {
            return None;
        }
        let track = self.tracks.iter_mut().find(|it| it.id == packet.track)?;
        let packet = self.clock.place(packet);
        if matches!(self.clock, Clock::OnDemand) && track.last >= Some(packet.dts) {
            return None;
        }
        track.last = Some(packet.dts);
        Some(packet)
    }

    /// Whether a packet of a broadcast comes before the key frame that the answer begins with.
    fn awaits_video(&mut self, packet: &Packet) -> bool {
        let awaits = |track: &Track| track.kind == TrackKind::Video && track.awaits_key;
        if !self.is_live() || !self.tracks.iter().any(awaits) {
            return false;
        }
        let from = *self.skipped_from.get_or_insert(packet.dts);
        packet.dts - from < MAX_KEY_FRAME_WAIT
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx, context: RetryContext) {
        let progress = self.transfer.on_time(cx, context);
        self.take(cx, progress);
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        self.transfer.deadline(cx)
    }

    fn take(&mut self, cx: &mut Cx, progress: Progress) {
        let notice = match progress {
            Progress::Data(..) => {
                self.transfer.cancel(cx);
                let fault = bytes_among_packets().at_url(self.transfer.url().expose());
                Some(Notice::Failed(fault))
            }
            Progress::Done => Some(Notice::Ended),
            other => Notice::of(other),
        };
        self.waiting.extend(notice.map(Item::Notice));
    }

    /// From the start again: only what was made into a file can be sought in.
    pub(crate) fn restart(&mut self, cx: &mut Cx) {
        self.waiting.clear();
        for track in &mut self.tracks {
            track.last = None;
        }
        self.transfer.cancel(cx);
        self.transfer = self.transfer.elsewhere(cx, ByteRange::default());
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx) -> bool {
        self.transfer.reload(cx)
    }

    pub(crate) fn renew(&mut self, cx: &mut Cx, url: Secret) {
        self.transfer.renew(cx, url);
    }

    pub(crate) fn close(&mut self, cx: &mut Cx) {
        self.transfer.cancel(cx);
        self.waiting.clear();
    }
}

fn bytes_among_packets() -> Fault {
    Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "transport.mixed")
        .because("the transport gave bytes where it had announced tracks and packets")
}
