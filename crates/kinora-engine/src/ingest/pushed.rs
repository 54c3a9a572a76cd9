//! Tracks and packets as a transport gives them: what a protocol carries without a container (RTMP, RTP).

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_errors::{Fault, Secret, codes};
use kinora_fetch::{FetchEvent, Progress, Reload, RetryContext, Transfer};
use kinora_media::{ByteRange, MediaInfo, Packet, RequestId, Time};

use super::timeline::Timeline;
use super::{Buffer, Notice};
use crate::TimingMark;
use crate::cx::Cx;

/// One resource that comes as packets. What waits here is bounded by the credit of its request.
pub(crate) struct Pushed {
    transfer: Transfer,
    /// The request whose answer comes; another one begins with its tracks.
    answer: RequestId,
    waiting: VecDeque<Item>,
    timeline: Timeline,
}

/// What came and was not taken yet, in order.
enum Item {
    Tracks(Arc<MediaInfo>),
    Packet(Packet),
    Notice(Notice),
}

impl Pushed {
    /// Goes on with a request whose answer turned out to be tracks.
    pub(crate) fn adopt(
        transfer: Transfer,
        answer: RequestId,
        info: Arc<MediaInfo>,
        live: bool,
    ) -> Self {
        let timeline = match live {
            true => Timeline::broadcast(),
            false => Timeline::on_demand(),
        };
        let mut pushed = Self {
            transfer,
            answer,
            waiting: VecDeque::new(),
            timeline,
        };
        pushed.follow(info);
        pushed
    }

    pub(crate) fn is_live(&self) -> bool {
        self.timeline.is_live()
    }

    /// Bytes of packets that wait.
    pub(crate) fn held_bytes(&self) -> usize {
        let len = |item: &Item| match item {
            Item::Packet(packet) => packet.data.len(),
            Item::Tracks(_) | Item::Notice(_) => 0,
        };
        self.waiting.iter().map(len).sum()
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
                    self.timeline.begin_anew(live);
                }
                self.follow(info);
            }
            FetchEvent::Packet { packet, .. } => {
                self.transfer.on_packet(cx, &packet);
                cx.mark(TimingMark::FirstSegmentByte);
                let placed = self.timeline.place(&cx.tape, packet, true);
                self.waiting.extend(placed.map(Item::Packet));
            }
            event => {
                let progress = self.transfer.on_event(cx, event, context);
                self.take(cx, progress);
            }
        }
    }

    /// The tracks that packets are of from now on.
    fn follow(&mut self, info: Arc<MediaInfo>) {
        self.timeline.follow(&info);
        self.waiting.push_back(Item::Tracks(info));
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
        self.timeline.rewind();
        self.transfer.cancel(cx);
        self.transfer = self.transfer.elsewhere(cx, ByteRange::default());
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx, which: Reload) -> bool {
        self.transfer.reload(cx, which)
    }

    pub(crate) fn renew(&mut self, cx: &mut Cx, url: Secret) {
        self.transfer.renew(cx, url);
    }

    /// Whether an answer of the network is for it.
    pub(crate) fn awaits(&self, id: RequestId) -> bool {
        self.transfer.is(id)
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
