//! One file, read through while it plays; other places of it are asked for by range.

mod broadcast;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use kinora_container::sniff::sniff;
use kinora_container::{ProbingDemuxer, SeekTo, Sniff, Step};
use kinora_errors::{Fault, Secret, codes};
use kinora_media::{ByteRange, Chunk, MediaInfo, RequestId, ResponseInfo, Time};

use self::broadcast::{Broadcast, closed};
use super::segmented::clock_of;
use super::{Buffer, Notice, Sought};
use crate::cx::{Cx, Renditions};
use crate::tape::TapedDemuxer;
use crate::{Initiator, Purpose, TimingMark};
use kinora_fetch::recover::is_gone;
use kinora_fetch::{Progress, Reload, RequestSpec, RetryContext, Transfer};

/// Bytes that may be under way or wait for the demuxer: for playing, and for reading as fast as can be.
const WINDOW: u64 = 256 << 10;
const WIDE_WINDOW: u64 = 1 << 20;
/// A file's end up to that is asked for whole when headers are looked for in it: the index mostly ends the file.
const SHORT_END: u64 = 512 << 10;
/// So many bytes are rather read and passed over than asked anew from behind them.
const SHORT_WAY: u64 = 64 * 1024;

/// A demuxer that works beside the engine is asked so soon again, and given up when it came to no result for so long.
const ASK_AGAIN: Time = Time::from_millis(5);
const PATIENCE: Time = Time::from_millis(20_000);

/// Whether the duration is looked for, where only the end of the resource tells it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Unasked,
    Looking,
    Settled,
}

/// A single resource and its demuxer.
pub(crate) struct Progressive {
    url: Secret,
    named_by: Initiator,
    demuxer: TapedDemuxer,
    transfer: Transfer,
    /// The demuxer waits for the byte at that offset.
    wanted: Option<u64>,
    total_len: Option<u64>,
    headers: bool,
    length: Length,
    /// Other places of it can be asked for.
    ranges: bool,
    /// The demuxer was told that nothing follows.
    finished: bool,
    over: bool,
    notices: VecDeque<Notice>,
    final_url: Option<Secret>,
    /// What the server's time of day was ahead of ours.
    clock: Option<Time>,
    content: Content,
    /// Since when the demuxer has come to no result, and when it is asked again.
    pending: Option<Pending>,
    /// It has neither a length nor parts that could be asked for: it may be a broadcast.
    broadcast: Option<Broadcast>,
}

#[derive(Clone, Copy)]
struct Pending {
    since: Time,
    again: Time,
}

/// What the first bytes say that it is.
enum Content {
    /// They do not say yet: these are they.
    Unknown(BytesMut),
    /// A playlist, which begins so: this is no single file.
    Playlist(Bytes),
    Media,
}

fn probing(cx: &Cx) -> TapedDemuxer {
    TapedDemuxer::new(&cx.tape, || {
        let probing = ProbingDemuxer::with_demuxers(cx.capabilities.demuxers());
        Box::new(probing.with_program(cx.config.program))
    })
}

impl Progressive {
    pub(crate) fn start(cx: &mut Cx, url: Secret, named_by: Initiator) -> Self {
        let transfer = Self::ask(cx, &url, &named_by);
        Self {
            url,
            named_by,
            demuxer: probing(cx),
            transfer,
            wanted: None,
            total_len: None,
            headers: false,
            length: Length::Unasked,
            ranges: false,
            finished: false,
            over: false,
            notices: VecDeque::new(),
            final_url: None,
            clock: None,
            content: Content::Unknown(BytesMut::new()),
            pending: None,
            broadcast: None,
        }
    }

    /// It comes as it is made, as far as can be told from how it comes.
    pub(crate) fn is_live(&self) -> bool {
        self.broadcast.as_ref().is_some_and(Broadcast::is_live)
    }

    /// What it turned out to be the beginning of: a playlist's transfer, its first bytes and its URL, and what the server's
    /// clock is ahead.
    pub(crate) fn take_playlist(&mut self) -> Option<(Transfer, Bytes, Secret, Option<Time>)> {
        let Content::Playlist(data) = &mut self.content else {
            return None;
        };
        let data = std::mem::take(data);
        let url = self.final_url.take().unwrap_or_else(|| self.url.clone());
        self.transfer.go_on();
        Some((self.transfer.take(), data, url, self.clock))
    }
    /// Whether an answer of the network is for it.
    pub(crate) fn awaits(&self, id: RequestId) -> bool {
        self.transfer.is(id)
    }
    /// Who named it.
    pub(crate) fn named_by(&self) -> Initiator {
        self.named_by.clone()
    }
    /// Its transfer, if that request is its own.
    pub(crate) fn take_transfer(&mut self, id: RequestId) -> Option<Transfer> {
        self.transfer.is(id).then(|| self.transfer.take())
    }
    pub(crate) fn is_playlist(&self) -> bool {
        matches!(self.content, Content::Playlist(_))
    }

    /// Its URL, where other places of it can be asked for.
    pub(crate) fn resource(&self) -> Option<&Secret> {
        self.ranges.then_some(&self.url)
    }

    fn ask(cx: &mut Cx, url: &Secret, named_by: &Initiator) -> Transfer {
        let want = RequestSpec {
            purpose: Purpose::Media,
            url: url.clone(),
            range: ByteRange::default(),
            initiator: named_by.clone(),
        };
        let window = match cx.renditions {
            Renditions::Adaptive | Renditions::First | Renditions::KeyPictures => WINDOW,
            Renditions::Fixed(_) => WIDE_WINDOW,
        };
        Transfer::start(cx, want, window)
    }

    pub(crate) fn poll(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
        most: Time,
    ) -> Option<Notice> {
        if let Some(notice) = self.notices.pop_front() {
            return Some(notice);
        }
        loop {
            let full = buffer.is_full(position, most);
            // Before the first picture is out less than the whole buffer is wanted, and nothing else.
            if full && most >= cx.max_buffer() {
                self.look_for_length();
            }
            if let Some(broadcast) = self.broadcast.as_mut().filter(|_| full) {
                broadcast.pace.held();
            }
            if self.over || full && self.length != Length::Looking {
                self.pending = None;
                return self.notices.pop_front();
            }
            let step = self.demuxer.poll();
            if !matches!(step, Ok(Step::Pending)) {
                self.pending = None;
            }
            match step {
                Ok(Step::Packet(packet)) => {
                    self.length_found();
                    let placed = match &mut self.broadcast {
                        Some(broadcast) => broadcast.place(cx, packet),
                        None => Some(packet),
                    };
                    let Some(packet) = placed else { continue };
                    if packet.flags.key {
                        cx.mark(TimingMark::FirstKeyFrame);
                    }
                    buffer.push(packet);
                }
                Ok(Step::Info(info)) => {
                    self.headers = true;
                    self.length_found();
                    self.follow_broadcast(&info);
                    cx.mark(TimingMark::Headers);
                    return Some(Notice::Info(info));
                }
                Ok(Step::NeedMore) => {
                    if !self.read_on(cx) {
                        return self.end();
                    }
                    return None;
                }
                Ok(Step::Want(range)) => {
                    if !self.read_from(cx, range) {
                        return None;
                    }
                }
                Ok(Step::Pending) => return self.await_demuxer(cx),
                Ok(Step::End) if self.look_for_length() => {}
                Ok(Step::End) => return self.end(),
                Err(fault) => {
                    self.over = true;
                    self.transfer.cancel(cx);
                    return Some(Notice::Failed(fault.at_url(self.url.expose())));
                }
            }
        }
    }

    /// The demuxer has come to no result yet: it is asked again soon, though not for ever.
    fn await_demuxer(&mut self, cx: &mut Cx) -> Option<Notice> {
        let now = cx.now.mono;
        let since = self.pending.map_or(now, |pending| pending.since);
        if now - since < PATIENCE {
            let again = now + ASK_AGAIN;
            self.pending = Some(Pending { since, again });
            return None;
        }
        self.over = true;
        self.transfer.cancel(cx);
        let fault =
            Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "container.stuck").because(format!(
                "the demuxer came to no result in {} s",
                PATIENCE.as_millis() / 1_000
            ));
        Some(Notice::Failed(fault.at_url(self.url.expose())))
    }

    /// Nothing more urgent is to be read. Whether the demuxer looks for the duration now.
    pub(crate) fn look_for_length(&mut self) -> bool {
        if self.length != Length::Unasked || !self.headers || !self.ranges {
            return false;
        }
        let looks = self.demuxer.find_duration();
        self.length = match looks {
            true => Length::Looking,
            false => Length::Settled,
        };
        looks
    }

    /// What comes next is of the place that was left for it.
    fn length_found(&mut self) {
        if self.length == Length::Looking {
            self.length = Length::Settled;
        }
    }

    fn end(&mut self) -> Option<Notice> {
        self.over = true;
        Some(Notice::Ended)
    }

    /// The tracks of what may be a broadcast: one whose duration is known is none.
    fn follow_broadcast(&mut self, info: &MediaInfo) {
        let Some(broadcast) = &mut self.broadcast else {
            return;
        };
        if info.duration.is_some() && !broadcast.timeline.grows {
            self.broadcast = None;
            return self.transfer.go_on();
        }
        broadcast.timeline.follow(info);
    }

    /// The bytes that follow are wanted. `false`: there are none.
    fn read_on(&mut self, cx: &mut Cx) -> bool {
        if self.transfer.is_active() || self.transfer.is_parked() {
            self.transfer.grant(cx);
            return true;
        }
        if self.finished {
            return false;
        }
        let next = self.transfer.next();
        self.transfer = self.transfer.elsewhere(cx, ByteRange::from(next));
        true
    }

    /// Bytes from elsewhere are wanted. `true`: the demuxer can go on at once.
    fn read_from(&mut self, cx: &mut Cx, range: ByteRange) -> bool {
        let next = self.transfer.next();
        let near = next <= range.start && range.start - next <= SHORT_WAY;
        let coming = self.transfer.is_active() || self.transfer.is_parked();
        if coming && (near || self.wanted == Some(range.start)) {
            self.wanted = Some(range.start);
            self.transfer.grant(cx);
            return false;
        }
        if let Some(len) = self.total_len.filter(|len| range.start >= *len) {
            // At the end itself nothing follows, which is told once more to one that comes back there.
            let again = self.wanted.replace(range.start) == Some(range.start);
            let reported = std::mem::replace(&mut self.finished, true);
            self.demuxer.finish();
            if reported && (again || range.start > len) {
                // The file is shorter than its index says.
                self.over = true;
                self.notices
                    .push_back(Notice::Failed(self.too_short(range.start)));
            }
            return true;
        }
        self.transfer.cancel(cx);
        // A request that ends keeps its connection.
        let ends_soon = self
            .total_len
            .is_some_and(|len| len - range.start.min(len) <= SHORT_END);
        let range = match ends_soon && !self.headers {
            true => ByteRange::from(range.start),
            false => range,
        };
        self.wanted = Some(range.start);
        self.finished = false;
        self.transfer = self.transfer.elsewhere(cx, range);
        false
    }

    fn too_short(&self, offset: u64) -> Fault {
        Fault::new(codes::ERROR_DEMUXER_OPENSTREAM, "container.truncated")
            .because(format!(
                "its index names byte {offset}, which is behind the end of the file"
            ))
            .at_url(self.url.expose())
    }

    pub(crate) fn on_head(
        &mut self,
        cx: &mut Cx,
        id: RequestId,
        info: ResponseInfo,
        terms: RetryContext,
    ) {
        if !self.transfer.is(id) {
            return;
        }
        let progress = self.transfer.on_head(cx, info, terms);
        self.take(cx, progress);
    }

    pub(crate) fn on_chunk(&mut self, cx: &mut Cx, chunk: Chunk) {
        if self.transfer.is(chunk.id) {
            let progress = self.transfer.on_chunk(cx, chunk);
            self.take(cx, progress);
        }
    }

    pub(crate) fn on_done(&mut self, cx: &mut Cx, id: RequestId, terms: RetryContext) {
        if !self.transfer.is(id) {
            return;
        }
        let progress = match self.breaks_off() {
            true => self.transfer.on_failed(cx, closed(), terms),
            false => self.transfer.on_done(cx),
        };
        self.take(cx, progress);
    }

    /// Whether a broadcast whose answer ends may go on: where no more than the connection's end told it, and it had brought
    /// something new.
    fn breaks_off(&mut self) -> bool {
        self.broadcast.as_mut().is_some_and(Broadcast::breaks_off)
    }

    pub(crate) fn on_failed(
        &mut self,
        cx: &mut Cx,
        id: RequestId,
        fault: Fault,
        terms: RetryContext,
    ) {
        if !self.transfer.is(id) {
            return;
        }
        let ended = self.broadcast.as_ref().is_some_and(|it| it.ended);
        if ended && is_gone(&fault) {
            // The server has it no more: the end of the connection was that of the broadcast.
            self.transfer.cancel(cx);
            return self.take(cx, Progress::Done);
        }
        let progress = self.transfer.on_failed(cx, fault, terms);
        self.take(cx, progress);
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx, terms: RetryContext) {
        let progress = self.transfer.on_time(cx, terms);
        self.take(cx, progress);
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        let again = self.pending.map(|pending| pending.again);
        self.transfer.deadline(cx).into_iter().chain(again).min()
    }

    fn take(&mut self, cx: &mut Cx, progress: Progress) {
        match progress {
            Progress::None => {}
            Progress::Head(info) => {
                cx.mark(TimingMark::Connect);
                self.answered(cx, &info);
                self.clock = clock_of(&info, cx);
                self.final_url = info.final_url.map(Secret::new);
                self.ranges = info.ranges;
                if let Some(len) = info.total_len {
                    self.total_len = Some(len);
                    self.demuxer.set_len(len);
                }
                // Only a network makes it worth while: the index of a file is read as fast as it is looked through.
                if self.ranges && info.status.is_some() {
                    self.demuxer.allow_random_access();
                }
            }
            Progress::Data(offset, data) => {
                if self.begins_playlist(cx, offset, &data) {
                    return;
                }
                cx.mark(TimingMark::FirstSegmentByte);
                self.feed(offset, data);
            }
            Progress::Done => {
                // A range that was asked for may end before the file does.
                if self.total_len.is_none_or(|len| self.transfer.next() >= len) {
                    self.finished = true;
                    self.demuxer.finish();
                }
            }
            other => {
                self.over |= matches!(other, Progress::Failed(_));
                self.notices.extend(Notice::of(other));
            }
        }
    }

    /// An answer begins: a broadcast's with headers of its own.
    fn answered(&mut self, cx: &Cx, info: &ResponseInfo) {
        let id = self.transfer.id();
        let has_parts = info.total_len.is_some() || info.ranges;
        match &mut self.broadcast {
            Some(broadcast) => {
                broadcast.ends_with_connection = info.ends_with_connection;
                let anew = std::mem::replace(&mut broadcast.answer, id) != id;
                if !anew || !self.transfer.begins_anew() {
                    return;
                }
                broadcast.ended = false;
                broadcast.damage += self.demuxer.damage();
                broadcast.timeline.begin_anew(true);
                self.demuxer = probing(cx);
                self.content = Content::Unknown(BytesMut::new());
                (self.wanted, self.finished) = (None, false);
            }
            // Of files nothing is missed.
            None if info.status.is_some() && !has_parts && !self.headers => {
                self.broadcast = Some(Broadcast::new(id, info.ends_with_connection));
                self.transfer.begin_anew();
            }
            None => {}
        }
    }

    /// Looks for a playlist in the first bytes, as long as they may become one.
    fn begins_playlist(&mut self, cx: &Cx, offset: u64, data: &Bytes) -> bool {
        let Content::Unknown(begun) = &mut self.content else {
            return false;
        };
        if offset != begun.len() as u64 {
            self.content = Content::Media;
            return false;
        }
        begun.extend_from_slice(data);
        let is_playlist = cx.tape.see("playlist", || match sniff(begun) {
            Sniff::Known(kind) => Some(kind.is_playlist()),
            Sniff::Unknown => Some(false),
            Sniff::NeedMore => None,
        });
        match is_playlist {
            Some(true) => self.content = Content::Playlist(begun.split().freeze()),
            Some(false) => self.content = Content::Media,
            None => {}
        }
        is_playlist == Some(true)
    }

    fn feed(&mut self, offset: u64, data: Bytes) {
        let end = offset.saturating_add(data.len() as u64);
        match self.wanted {
            Some(wanted) if end <= wanted => {}
            Some(wanted) => {
                let skip = usize::try_from(wanted.saturating_sub(offset)).unwrap_or(0);
                self.wanted = None;
                self.demuxer.push(offset.max(wanted), data.slice(skip..));
            }
            None => self.demuxer.push(offset, data),
        }
    }

    pub(crate) fn total_len(&self) -> Option<u64> {
        self.total_len
    }

    pub(crate) fn damage(&self) -> u64 {
        let before = self.broadcast.as_ref().map_or(0, |it| it.damage);
        before + self.demuxer.damage()
    }

    pub(crate) fn seek(&mut self, cx: &mut Cx, target: SeekTo) -> Sought {
        self.over = false;
        self.length_found();
        self.wanted = None;
        self.pending = None;
        self.notices.clear();
        if self.demuxer.seek(target) {
            // Bytes of the old place that are on their way are not what follows now.
            self.finished = false;
            return Sought::Direct;
        }
        self.transfer.cancel(cx);
        self.demuxer = probing(cx);
        self.finished = false;
        // Its answer will tell again what it is.
        (self.broadcast, self.headers) = (None, false);
        self.transfer = Self::ask(cx, &self.url, &self.named_by);
        Sought::FromStart
    }

    pub(crate) fn reload(&mut self, cx: &mut Cx, which: Reload) -> bool {
        self.transfer.reload(cx, which)
    }

    pub(crate) fn renew(&mut self, cx: &mut Cx, url: Secret) {
        self.url = url.clone();
        self.transfer.renew(cx, url);
    }

    pub(crate) fn close(&mut self, cx: &mut Cx) {
        self.transfer.cancel(cx);
        self.over = true;
        self.pending = None;
    }
}
