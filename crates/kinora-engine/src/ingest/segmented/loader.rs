//! Reads one media playlist: keys, init sections and segments in their order, refreshed while live.

mod in_flight;
mod renewal;
mod requests;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use kinora_errors::{Coded, Fault, Secret, codes};
use kinora_manifest::hls::Variables;
use kinora_media::{MediaInfo, Packet, Time};
use kinora_protect::ContentKey;

use super::ROUNDING;
use super::index::{Init, Key, Segment, SegmentIndex};
use super::segment_reader::{
    CarriedDemuxer, PreviousSegment, ReadStep, SegmentReader, TimestampOffsets,
};
use crate::cx::Cx;
use crate::{Initiator, TimingMark};

pub(super) use self::in_flight::SegmentInFlight;
pub(super) use self::requests::named_in;
use self::requests::{PendingRequest, Resource};

/// Segments that are there or on their way, beside the one that is read.
const MAX_READERS: usize = 2;
/// So many damaged segments in a row are passed over.
const MAX_DAMAGED: u32 = 3;

/// What the loader has for its owner.
pub(super) enum LoaderEvent {
    Packet(Packet),
    Info(Arc<MediaInfo>),
    /// All segments were given.
    Ended,
    /// Nothing more can be given by this rendition, from this segment on.
    Failed(Fault),
    Parked(Fault),
    Expired(Fault),
    /// A segment came whole: its bytes, and how long they took.
    Measured {
        bytes: u64,
        took: Time,
    },
}

/// Where reading begins once the playlist is there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum StartPosition {
    /// At the start, or near the live edge.
    Default,
    /// At the segment that holds a time.
    At(Time),
}

/// A media playlist and its segments.
pub(super) struct Loader {
    /// Where the playlist is asked for, each time anew.
    asked: Secret,
    /// Who named it.
    named_by: Initiator,
    /// Where its newest version came from: what it names is relative to that.
    pub(super) url: Secret,
    pub(super) plan: Option<SegmentIndex>,
    like: Option<SegmentIndex>,
    variables: Variables,
    from: StartPosition,
    next: u64,
    /// The segment of which the last packet was.
    current_segment: Option<u64>,
    /// The segment that was read last.
    previous: Option<PreviousSegment>,
    carried: Option<CarriedDemuxer>,
    /// Something is missing before the segment that is asked for next.
    behind_hole: bool,
    readers: VecDeque<SegmentReader>,
    requests: Vec<PendingRequest>,
    keys: VecDeque<(Secret, ContentKey)>,
    inits: VecDeque<(Arc<Init>, Bytes)>,
    events: VecDeque<LoaderEvent>,
    refresh_at: Option<Time>,
    asked_at: Time,
    changed_at: Time,
    discontinuity: Option<u64>,
    damaged: u32,
    over: bool,
    ended: bool,
    /// A fresh playlist will say where refused requests go on.
    renewing: bool,
}

impl Loader {
    /// `like`: the playlist of another rendition of the same stream, whose timeline it shares.
    pub(super) fn new(
        url: Secret,
        from: StartPosition,
        like: Option<SegmentIndex>,
        variables: Variables,
    ) -> Self {
        Self {
            asked: url.clone(),
            named_by: Initiator::User,
            url,
            plan: None,
            like,
            variables,
            from,
            next: 0,
            current_segment: None,
            previous: None,
            carried: None,
            behind_hole: false,
            readers: VecDeque::new(),
            requests: Vec::new(),
            keys: VecDeque::new(),
            inits: VecDeque::new(),
            events: VecDeque::new(),
            refresh_at: None,
            asked_at: Time::ZERO,
            changed_at: Time::ZERO,
            discontinuity: None,
            damaged: 0,
            over: false,
            ended: false,
            renewing: false,
        }
    }

    /// Another playlist named it, which came from there.
    pub(super) fn named_in(mut self, playlist: &Secret) -> Self {
        self.named_by = named_in(playlist);
        self
    }

    /// Its newest version came from there, by a redirect.
    pub(super) fn redirected(mut self, url: Secret) -> Self {
        self.url = url;
        self
    }

    /// Goes on behind a segment that nobody has. `false`: too many in a row are lost.
    pub(super) fn pass_over(&mut self, cx: &mut Cx, number: u64) -> bool {
        self.damaged += 1;
        cx.tally.damage += 1;
        if self.damaged > MAX_DAMAGED {
            return false;
        }
        self.next = self.next.max(number + 1);
        self.over = false;
        true
    }

    /// Asks for the playlist.
    pub(super) fn open(&mut self, cx: &mut Cx) {
        self.changed_at = cx.mono();
        self.ask_playlist(cx);
    }

    /// The playlist's text is here already.
    pub(super) fn playlist_came(&mut self, cx: &mut Cx, plan: SegmentIndex) {
        cx.mark(TimingMark::Playlist);
        let mut plan = plan;
        let first_time = self.plan.is_none();
        match (&self.plan, self.like.take()) {
            (Some(older), _) => plan.follow(older),
            // Renditions of a live stream number their segments alike (RFC 8216 6.2.4).
            (None, Some(like)) if !plan.ended => plan.follow(&like),
            (None, Some(like)) => plan.drift_like(&like),
            _ => {}
        }
        let changed = self.plan.as_ref().is_none_or(|older| {
            older.next_number() != plan.next_number() || older.ended != plan.ended
        });
        if changed {
            self.changed_at = cx.mono();
        }
        if !plan.ended {
            // RFC 8216 6.3.4: a target duration after the last request; half of it when nothing is new.
            let wait = if changed {
                plan.target
            } else {
                plan.target.scale(0.5)
            };
            self.refresh_at = Some((self.asked_at + wait).max(cx.mono() + Time::from_millis(100)));
        }
        if first_time {
            let begin = match self.from {
                StartPosition::Default if plan.ended => plan.segments.first(),
                StartPosition::Default => plan.live_start(cx.config.live_start_index),
                StartPosition::At(time) => plan.at(time),
            };
            self.next = begin.map_or(0, |segment| segment.number);
        } else if let Some(first) = plan.segments.first() {
            // Segments that fell out of the playlist are lost.
            self.next = self.next.max(first.number);
        }
        self.plan = Some(plan);
        if std::mem::take(&mut self.renewing) {
            self.revive(cx);
        }
        self.go_on(cx);
    }

    pub(super) fn is_live(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| !plan.ended)
    }

    /// The number of the next segment that is not yet given whole, and when it begins.
    pub(super) fn frontier(&self) -> Option<Time> {
        let number = self
            .readers
            .front()
            .map_or(self.next, |reader| reader.segment.number);
        let plan = self.plan.as_ref()?;
        plan.segment(number)
            .map(|segment| segment.start)
            .or_else(|| plan.segments.last().map(Segment::end))
    }

    /// Where another rendition goes on in its place; where it was to begin itself, if it never came to that.
    pub(super) fn resumes(&self) -> StartPosition {
        self.frontier()
            .map_or(self.from, |time| StartPosition::At(time + ROUNDING))
    }
    /// The playlist that tells where segments lie, its own or one of the same stream.
    pub(super) fn timeline(&self) -> Option<SegmentIndex> {
        self.plan.clone().or_else(|| self.like.clone())
    }

    /// When the segment after those under way begins: a place to change the rendition.
    pub(super) fn border(&self) -> Option<Time> {
        let plan = self.plan.as_ref()?;
        plan.segment(self.next).map(|segment| segment.start)
    }

    /// No segment beyond those under way is asked for.
    pub(super) fn stop_after_readers(&mut self) {
        self.over = true;
    }
    pub(super) fn has_readers(&self) -> bool {
        !self.readers.is_empty()
    }
    /// Asks for what is wanted next.
    fn go_on(&mut self, cx: &mut Cx) {
        while !self.over
            && self.readers.len() < MAX_READERS
            && !self.asks_for(|resource| matches!(resource, Resource::Segment(_)))
        {
            let Some(segment) = self
                .plan
                .as_ref()
                .and_then(|plan| plan.segment(self.next))
                .cloned()
            else {
                return;
            };
            self.next += 1;
            if segment.gap {
                let fault = Fault::new(codes::ERROR_NETWORK_HTTP_404, "hls.segment.gap")
                    .because("the playlist says that the segment is missing")
                    .with(|context| context.segment = Some(segment.number));
                cx.recovered(fault);
                self.behind_hole = true;
                continue;
            }
            if let Some(key) = segment.key.clone() {
                match key.as_ref() {
                    Key::Foreign(error) => {
                        return self.fail(error.fault().at_url(self.url.expose()));
                    }
                    Key::Aes128 { url, .. } => self.want_key(cx, url),
                }
            }
            if let Some(init) = segment.init.clone() {
                self.want_init(cx, init);
            }
            self.ask(
                cx,
                Resource::Segment(segment.number),
                segment.url.clone(),
                segment.range,
            );
            let jump = self
                .discontinuity
                .is_some_and(|known| known != segment.discontinuity);
            self.discontinuity = Some(segment.discontinuity);
            let mut reader = SegmentReader::new(segment, jump, cx.tape.clone());
            reader.behind_hole = std::mem::take(&mut self.behind_hole);
            self.readers.push_back(reader);
        }
    }

    /// The next thing it has; `None` while bytes are missing.
    pub(super) fn poll(
        &mut self,
        cx: &mut Cx,
        timeline: &mut TimestampOffsets,
    ) -> Option<LoaderEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            self.go_on(cx);
            let Some(reader) = self.readers.front_mut() else {
                return self.end();
            };
            if let Some(Key::Aes128 { url, iv }) = reader.needs_key().map(Arc::as_ref) {
                let (_, key) = self.keys.iter().find(|(known, _)| known == url)?;
                let iv = *iv;
                reader.unlock(key, iv);
            }
            let init = match &reader.segment.init {
                Some(wanted) => Some(
                    self.inits
                        .iter()
                        .find(|(known, _)| known == wanted)
                        .map(|(_, data)| data)?,
                ),
                None => None,
            };
            reader.inherit(&mut self.carried);
            match reader.give(init, timeline, self.previous) {
                Ok(ReadStep::Packet(packet)) => {
                    self.damaged = 0;
                    if reader.lacks_reference(&packet) {
                        cx.tally.dropped += 1;
                        continue;
                    }
                    self.current_segment = Some(reader.segment.number);
                    return Some(LoaderEvent::Packet(packet));
                }
                Ok(ReadStep::Info(info)) => return Some(LoaderEvent::Info(info)),
                Ok(ReadStep::NeedData) => {
                    self.grant(cx);
                    return None;
                }
                Ok(ReadStep::End) => {
                    cx.tally.damage += reader.damage();
                    self.passed();
                }
                Err(fault) => self.segment_is_damaged(cx, fault),
            }
        }
    }

    /// The segment at hand is through: the plan moves to where it began and ended.
    fn passed(&mut self) {
        let Some(mut reader) = self.readers.pop_front() else {
            return;
        };
        self.previous = reader.passed();
        self.carried = reader.bequeath();
        let (Some(plan), Some(previous)) = (&mut self.plan, self.previous) else {
            return;
        };
        plan.settle(previous.number, previous.start, previous.end);
    }

    fn end(&mut self) -> Option<LoaderEvent> {
        let plan = self.plan.as_ref()?;
        if self.ended || self.over || !plan.ended || plan.segment(self.next).is_some() {
            return None;
        }
        self.ended = true;
        Some(LoaderEvent::Ended)
    }

    fn grant(&mut self, cx: &mut Cx) {
        let Some(number) = self.readers.front().map(|reader| reader.segment.number) else {
            return;
        };
        for request in &mut self.requests {
            if matches!(request.resource, Resource::Segment(of) if of == number) {
                request.transfer.grant(cx);
            }
        }
    }

    /// Nothing was there to be read up to the end.
    pub(super) fn is_last(&self, number: u64) -> bool {
        let plan = self.plan.as_ref();
        plan.is_none_or(|plan| plan.segment(number + 1).is_none())
    }

    /// One damaged segment is passed over; a row of them is a fault of the stream.
    fn segment_is_damaged(&mut self, cx: &mut Cx, fault: Fault) {
        let Some(reader) = self.readers.pop_front() else {
            return;
        };
        self.damaged += 1;
        match self.readers.front_mut() {
            Some(next) => next.behind_hole = true,
            None => self.behind_hole = true,
        }
        cx.tally.damage += 1;
        let number = reader.segment.number;
        self.cancel_requests(
            cx,
            |request| matches!(request.resource, Resource::Segment(of) if of == number),
        );
        let hopeless = reader.segment.key.is_some() || self.damaged > MAX_DAMAGED;
        if hopeless || self.is_last(number) {
            self.over = true;
            return self.events.push_back(LoaderEvent::Failed(fault));
        }
        cx.recovered(fault);
    }

    fn fail(&mut self, fault: Fault) {
        self.over = true;
        self.events.push_back(LoaderEvent::Failed(fault));
    }

    /// Goes to a time; what was under way is not wanted any more.
    pub(super) fn seek(&mut self, cx: &mut Cx, time: Time) {
        self.cancel_requests(cx, |request| {
            matches!(request.resource, Resource::Segment(_))
        });
        self.readers.clear();
        self.events.clear();
        self.over = false;
        self.ended = false;
        self.discontinuity = None;
        self.current_segment = None;
        self.previous = None;
        self.carried = None;
        self.behind_hole = false;
        self.from = StartPosition::At(time);
        if let Some(segment) = self.plan.as_ref().and_then(|plan| plan.at(time)) {
            self.next = segment.number;
        }
        // A playlist that was refused is asked for once more: the user tries again.
        if self.plan.is_none() && !self.asks_for(|resource| matches!(resource, Resource::Playlist))
        {
            self.ask_playlist(cx);
        }
        self.go_on(cx);
    }

    /// Begins with the segment before the one that is given. `false`: there is none.
    pub(super) fn step_back(&mut self, cx: &mut Cx) -> bool {
        let number = self
            .current_segment
            .and_then(|current_segment| current_segment.checked_sub(1));
        let plan = self.plan.as_ref();
        let earlier = number.and_then(|number| plan?.segment(number));
        let Some(start) = earlier.filter(|it| !it.gap).map(|it| it.start) else {
            return false;
        };
        self.seek(cx, start);
        true
    }

    pub(super) fn close(&mut self, cx: &mut Cx) {
        self.cancel_requests(cx, |_| true);
        self.readers.clear();
        self.over = true;
        self.refresh_at = None;
    }
}
