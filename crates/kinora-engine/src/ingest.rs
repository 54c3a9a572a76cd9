//! Bytes in, packets out: from a single file, or from the segments that a manifest names. Or packets in, where a transport
//! gives them.

mod base;
pub use base::{base_of, named_within};
mod dash;
mod hls;
mod manifest_reader;
mod pace;
mod progressive;
mod pushed;
mod segmented;
mod timeline;

use std::sync::Arc;

use kinora_container::SeekTo;
use kinora_errors::{Fault, Secret};
use kinora_media::{CodecId, MediaInfo, Now, Packet, RequestId, Time, TimedEvent, TrackId};
use kinora_subtitle::Update;

use crate::cx::Cx;
use crate::interstitials::ScheduledInterstitial;
use crate::pipelines::Sources;
use crate::subtitles::Announced;
use crate::{ByRole, Role, SeekAccuracy, TrackChoice, TrackOption};
use kinora_fetch::{FetchEvent, Initiator, Progress, Reload, RetryContext};

pub(crate) use self::segmented::index::LatencyGoal;
pub(crate) use progressive::Progressive;
pub(crate) use pushed::Pushed;
pub(crate) use segmented::{Segmented, is_audio_rendition};

/// What the session must know of the ingest.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The headers are read, or the tracks changed.
    Info(Arc<MediaInfo>),
    /// The rendition of that index plays from here on.
    Switched(u32),
    /// Events of the content, in no order.
    Events(Vec<TimedEvent>),
    /// The text rendition of that index is read from here on, or none.
    Text(Option<u32>),
    /// The text rendition that was read can not be had any more.
    TextFailed(u32, Fault),
    /// It brought cues.
    Cues(Vec<Update>),
    /// What the playlist wants to be played in between, all of it.
    Interstitials(Vec<ScheduledInterstitial>),
    /// All packets were given.
    Ended,
    /// Nothing more will come.
    Failed(Fault),
    /// The tries are spent; `reload` resumes.
    Parked(Fault),
    /// The credential must be renewed.
    Expired(Fault),
}

impl Notice {
    /// What the session must know of a transfer's progress, where that is not for the ingest alone.
    fn of(progress: Progress) -> Option<Self> {
        match progress {
            Progress::Expired(fault) => Some(Self::Expired(fault)),
            Progress::Parked(fault) => Some(Self::Parked(fault)),
            Progress::Elsewhere(fault) | Progress::Failed(fault) => Some(Self::Failed(fault)),
            Progress::None | Progress::Head(_) | Progress::Data(..) | Progress::Done => None,
        }
    }
}

/// Where the packets go: the pipelines of a player, or the hands of whoever reads without playing.
pub(crate) trait Buffer {
    fn push(&mut self, packet: Packet);
    /// Enough is there: no more is asked for.
    fn is_full(&self, position: Time, most: Time) -> bool;
    /// How much is there ahead of a position.
    fn ahead(&self, position: Time) -> Time;
    /// The same of one role alone.
    fn ahead_of(&self, role: Role, position: Time) -> Time;
    /// What takes the packets of a track.
    fn role_of(&self, track: TrackId) -> Option<Role>;
    /// Whether the roles come from one resource or from several.
    fn set_sources(&mut self, sources: Sources);
    /// Takes back of each role what is decoded at its time or later. `false`: a decoder has some of it, nothing is changed.
    fn cut(&mut self, from: ByRole<Option<Time>>) -> bool;
}

/// How a seek outside the buffer goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sought {
    /// Packets from the key frame before the target come next.
    Direct,
    /// Packets from the start come; those before the target's key frame are passed over.
    FromStart,
}

/// What a choice of a rendition makes worthless of what is buffered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rebuffer {
    None,
    /// Nothing more: what lay behind the next border was taken back already, and comes anew.
    Behind,
    /// The audio; the video stays.
    Audio,
    All,
}

/// Where packets come from.
pub(crate) enum Ingest {
    /// Its URL is not known yet.
    Unknown,
    /// One resource.
    Progressive(Box<Progressive>),
    /// Segments that a manifest names.
    Segmented(Box<Segmented>),
    /// Packets of a transport.
    Pushed(Box<Pushed>),
}

impl Ingest {
    pub(crate) fn open(cx: &mut Cx, url: Secret, named_by: Initiator) -> Self {
        Self::Progressive(Box::new(Progressive::start(cx, url, named_by)))
    }

    /// Gives packets to the buffer until something is to be reported, `most` is there ahead of the position or bytes are
    /// missing.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
        most: Time,
    ) -> Option<Notice> {
        match self {
            Self::Unknown => None,
            Self::Progressive(file) => file.poll(cx, buffer, position, most),
            Self::Segmented(segmented) => segmented.poll(cx, buffer, position, most),
            Self::Pushed(pushed) => pushed.poll(cx, buffer, position, most),
        }
    }

    /// The network answers one of its requests.
    pub(crate) fn on_fetch(&mut self, cx: &mut Cx, event: FetchEvent, terms: RetryContext) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => match event {
                FetchEvent::Tracks { id, info, live } => self.on_tracks(id, info, live),
                // Only what has given its tracks gives packets.
                FetchEvent::Packet { .. } | FetchEvent::TraceId { .. } => {}
                FetchEvent::Head { id, info } => file.on_head(cx, id, info, terms),
                FetchEvent::Chunk(chunk) => {
                    file.on_chunk(cx, chunk);
                    self.unfold();
                }
                FetchEvent::Done { id } => file.on_done(cx, id, terms),
                FetchEvent::Failed { id, fault } => file.on_failed(cx, id, fault, terms),
            },
            Self::Segmented(segmented) => segmented.on_fetch(cx, event, terms),
            Self::Pushed(pushed) => pushed.on_event(cx, event, terms),
        }
    }

    /// Whether an answer of the network is for it.
    pub(crate) fn awaits(&self, id: RequestId) -> bool {
        match self {
            Self::Unknown => false,
            Self::Progressive(file) => file.awaits(id),
            Self::Segmented(segmented) => segmented.awaits(id),
            Self::Pushed(pushed) => pushed.awaits(id),
        }
    }

    /// A resource that turned out to carry media without a container is taken as it comes.
    fn on_tracks(&mut self, id: RequestId, info: Arc<MediaInfo>, live: bool) {
        if let Self::Progressive(file) = self
            && let Some(transfer) = file.take_transfer(id)
        {
            *self = Self::Pushed(Box::new(Pushed::adopt(transfer, id, info, live)));
        }
    }

    /// A resource that turned out to be a playlist is read as one.
    fn unfold(&mut self) {
        let Self::Progressive(file) = self else {
            return;
        };
        if !file.is_playlist() {
            return;
        }
        let named_by = file.named_by();
        if let Some((transfer, data, url, clock)) = file.take_playlist() {
            let segmented = Segmented::adopt(transfer, &data, (url, named_by), clock);
            *self = Self::Segmented(Box::new(segmented));
        }
    }

    /// New segments may come.
    pub(crate) fn is_live(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Progressive(file) => file.is_live(),
            Self::Segmented(segmented) => segmented.is_live(),
            Self::Pushed(pushed) => pushed.is_live(),
        }
    }

    /// How far behind its edge a live presentation has to stay; `None` when it is not live.
    pub(crate) fn live_hold_back(&self) -> Option<Time> {
        match self {
            Self::Unknown => None,
            Self::Progressive(file) => file.is_live().then_some(Time::ZERO),
            Self::Segmented(segmented) => segmented.hold_back(),
            Self::Pushed(pushed) => pushed.is_live().then_some(Time::ZERO),
        }
    }

    /// The date of a time, ms since 1970, where it is told.
    pub(crate) fn date_of(&self, time: Time) -> Option<i64> {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => None,
            Self::Segmented(segmented) => segmented.date_of(time),
        }
    }

    /// Where playback begins that begins where the source says; `None`: that is not known yet, or where its media begin.
    pub(crate) fn begins_at(&self) -> Option<Time> {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => None,
            Self::Segmented(segmented) => segmented.begins_at(),
        }
    }

    /// The border between segments that is next to a time; the time itself where there are none.
    pub(crate) fn border_near(&self, time: Time) -> Time {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => time,
            Self::Segmented(segmented) => segmented.border_near(time),
        }
    }

    /// Key pictures are looked for from now on, one with each seek: of a rendition that holds nothing else, where there is one.
    pub(crate) fn begin_scan(&mut self, cx: &mut Cx) {
        if let Self::Segmented(segmented) = self {
            segmented.begin_scan(cx);
        }
    }

    /// What plays is read again, from where it is sought next.
    pub(crate) fn end_scan(&mut self, cx: &mut Cx) {
        if let Self::Segmented(segmented) = self {
            segmented.end_scan(cx);
        }
    }

    /// Where the key picture begins that follows the one of a time, or, going back, where that of the time ends before it.
    /// `None`: that is not known.
    pub(crate) fn key_border(&self, time: Time, forward: bool) -> Option<Time> {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => None,
            Self::Segmented(segmented) => segmented.key_border(time, forward),
        }
    }

    /// Whether it is read by parts of segments, near to its edge.
    /// What the author of a live presentation wants of latency.
    pub(crate) fn latency_goal(&self) -> Option<LatencyGoal> {
        match self {
            Self::Segmented(segmented) => segmented.latency_goal(),
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => None,
        }
    }

    /// How long ago what lies at a time of a live presentation happened, where that is told.
    pub(crate) fn latency_at(&self, now: Now, time: Time) -> Option<Time> {
        match self {
            Self::Segmented(segmented) => segmented.latency_at(now, time),
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => None,
        }
    }

    pub(crate) fn is_low_latency(&self) -> bool {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => false,
            Self::Segmented(segmented) => segmented.is_low_latency(),
        }
    }

    /// The earliest time that can be sought: a live stream that ended begins where its last playlist does.
    pub(crate) fn first_time(&self) -> Time {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => Time::ZERO,
            Self::Segmented(segmented) => segmented.first_time(),
        }
    }

    /// Bytes that came and are no packets of the pipelines yet. Of a single resource that is less than its window.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Unknown | Self::Progressive(_) => 0,
            Self::Segmented(segmented) => segmented.held_bytes(),
            Self::Pushed(pushed) => pushed.held_bytes(),
        }
    }

    /// Renditions to choose from, where there are several.
    pub(crate) fn options(&self) -> Option<Arc<[TrackOption]>> {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => None,
            Self::Segmented(segmented) => segmented.options(),
        }
    }

    /// Chooses a rendition; gives what must be loaded anew, which a seek does.
    pub(crate) fn select(
        &mut self,
        cx: &mut Cx,
        buffer: &mut dyn Buffer,
        position: Time,
        choice: TrackChoice,
    ) -> Rebuffer {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => Rebuffer::None,
            Self::Segmented(segmented) => segmented.select(cx, buffer, position, choice),
        }
    }

    /// What is said of captions within the pictures.
    pub(crate) fn captions(&self) -> Announced {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => Announced::Untold,
            Self::Segmented(segmented) => segmented.captions(),
        }
    }

    /// Whether an index means a rendition of text.
    pub(crate) fn has_text(&self, index: u32) -> bool {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => false,
            Self::Segmented(segmented) => segmented.text_place(index).is_some(),
        }
    }

    /// Reads the text rendition of that index from now on, or none.
    pub(crate) fn select_text(&mut self, cx: &mut Cx, index: Option<u32>) {
        if let Self::Segmented(segmented) = self {
            segmented.select_text(cx, index);
        }
    }

    /// What is buffered is played again from a time on.
    pub(crate) fn rewound(&mut self, cx: &mut Cx, target: Time) {
        if let Self::Segmented(segmented) = self {
            segmented.rewind_text(cx, target);
        }
    }

    /// No decoder takes the video of that codec that comes. `true`: other video comes once reading begins anew, which a seek
    /// does.
    pub(crate) fn decoder_failed(&mut self, cx: &mut Cx, codec: CodecId) -> bool {
        match self {
            Self::Unknown | Self::Progressive(_) | Self::Pushed(_) => false,
            Self::Segmented(segmented) => segmented.decoder_failed(cx, codec),
        }
    }

    /// The audio alone goes to a time, where it has segments of its own.
    pub(crate) fn seek_audio(&mut self, cx: &mut Cx, target: Time) {
        if let Self::Segmented(segmented) = self {
            segmented.seek_audio(cx, target);
        }
    }

    pub(crate) fn on_time(&mut self, cx: &mut Cx, terms: RetryContext) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.on_time(cx, terms),
            Self::Segmented(segmented) => segmented.on_time(cx, terms),
            Self::Pushed(pushed) => pushed.on_time(cx, terms),
        }
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        match self {
            Self::Unknown => None,
            Self::Progressive(file) => file.deadline(cx),
            Self::Segmented(segmented) => segmented.deadline(cx),
            Self::Pushed(pushed) => pushed.deadline(cx),
        }
    }

    /// Goes to a time. An exact seek begins no later than with the picture that is on screen then.
    pub(crate) fn seek(&mut self, cx: &mut Cx, target: SeekTo, accuracy: SeekAccuracy) -> Sought {
        match self {
            Self::Unknown => Sought::Direct,
            Self::Progressive(file) => file.seek(cx, target),
            Self::Segmented(segmented) => {
                segmented.seek(cx, target.time, accuracy);
                Sought::Direct
            }
            Self::Pushed(pushed) => {
                pushed.restart(cx);
                Sought::FromStart
            }
        }
    }

    /// Looks for the duration where only the end of the resource tells it; it comes with another [`Notice::Info`].
    /// `false`: it can not be found.
    pub(crate) fn find_duration(&mut self) -> bool {
        match self {
            Self::Progressive(file) => file.look_for_length(),
            Self::Unknown | Self::Segmented(_) | Self::Pushed(_) => false,
        }
    }

    /// Bytes of the resource, where it is one and that is known.
    pub(crate) fn total_len(&self) -> Option<u64> {
        match self {
            Self::Progressive(file) => file.total_len(),
            Self::Unknown | Self::Segmented(_) | Self::Pushed(_) => None,
        }
    }

    /// The URL of the resource, where it is one whose parts can be asked for.
    pub(crate) fn resource(&self) -> Option<&Secret> {
        match self {
            Self::Progressive(file) => file.resource(),
            Self::Unknown | Self::Segmented(_) | Self::Pushed(_) => None,
        }
    }

    /// Places of damage in a file that were passed over; segments are tallied as they end.
    pub(crate) fn damage(&self) -> u64 {
        match self {
            Self::Progressive(file) => file.damage(),
            Self::Unknown | Self::Segmented(_) | Self::Pushed(_) => 0,
        }
    }

    /// Asks again now for what waits for another try, or for all. `false`: nothing is asked for.
    pub(crate) fn reload(&mut self, cx: &mut Cx, which: Reload) -> bool {
        match self {
            Self::Unknown => false,
            Self::Progressive(file) => file.reload(cx, which),
            Self::Segmented(segmented) => segmented.reload(cx, which),
            Self::Pushed(pushed) => pushed.reload(cx, which),
        }
    }

    pub(crate) fn renew(&mut self, cx: &mut Cx, url: Secret) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.renew(cx, url),
            Self::Segmented(segmented) => segmented.renew(cx, &url),
            Self::Pushed(pushed) => pushed.renew(cx, url),
        }
    }

    pub(crate) fn close(&mut self, cx: &mut Cx) {
        match self {
            Self::Unknown => {}
            Self::Progressive(file) => file.close(cx),
            Self::Segmented(segmented) => segmented.close(cx),
            Self::Pushed(pushed) => pushed.close(cx),
        }
    }
}
