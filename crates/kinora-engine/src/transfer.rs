//! One resource that is asked for until it is there: asked again where it broke off, watched for
//! silence, never given more credit than there is room.

use bytes::Bytes;
use kinora_errors::{Fault, Retry, Secret, codes};
use kinora_media::{ByteRange, Chunk, Header, RequestId, ResponseInfo, Time};

use crate::cx::Cx;
use crate::recover::{self, Case, Verdict};
use crate::{Fetch, InfoCode, Initiator, Output, Purpose};

/// So much progress ends a row of failures: the next one is asked again at once.
const FORGIVEN_AFTER: u64 = 64 * 1024;
/// Media begin with so much under way: the first picture may need no more. Each time that is used up, twice as much comes.
const FIRST_WINDOW: u64 = 64 * 1024;
/// Ranges are given up only when no more than that must be read again.
const MOST_READ_AGAIN: u64 = 32 << 20;

/// What is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    pub(crate) purpose: Purpose,
    pub(crate) url: Secret,
    pub(crate) range: ByteRange,
    pub(crate) initiator: Initiator,
}

/// What the session lends to the decision about a failure.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) prepared: bool,
    pub(crate) refreshable: bool,
    pub(crate) live: bool,
}

/// What came of an input.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Nothing for the owner to do.
    None,
    /// The response began.
    Head(ResponseInfo),
    /// The next bytes, at their offset in the resource.
    Data(u64, Bytes),
    /// All bytes came.
    Done,
    /// The credential must be renewed; see [`Transfer::renew`].
    Expired(Fault),
    /// The tries are spent; see [`Transfer::reload`].
    Parked(Fault),
    /// It failed for good.
    Failed(Fault),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Asked(RequestId),
    Waiting {
        until: Time,
    },
    /// What was wanted of the whole is here; its end is told next.
    Complete,
    Parked,
    Over,
}

/// One resource on its way.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    want: Want,
    phase: Phase,
    /// Offset of the next byte that the owner gets.
    next: u64,
    /// Offset of the next byte that the network gives: less than `next` while ranges are ignored.
    wire: u64,
    whole: bool,
    /// Conditions are not sent: they were refused.
    plain: bool,
    credit: u64,
    window: u64,
    widest: u64,
    quiet_since: Time,
    started: Time,
    failures: u32,
    fruitless: u32,
    progress: u64,
    broken: Option<Fault>,
    total_len: Option<u64>,
    /// The version of the resource that the bytes so far are of.
    validator: Option<String>,
    /// Bytes of that version came by an earlier transfer.
    bound: bool,
}

impl Transfer {
    /// Asks for it. At most `widest` bytes are under way.
    pub(crate) fn start(cx: &mut Cx, want: Want, widest: u64) -> Self {
        let mut transfer = Self::new(cx, want, widest);
        transfer.ask(cx);
        transfer
    }

    /// Asks for other bytes of the same resource, and of the version that was read so far.
    pub(crate) fn elsewhere(&self, cx: &mut Cx, range: ByteRange) -> Self {
        let want = Want {
            range,
            ..self.want.clone()
        };
        let mut other = Self::new(cx, want, self.widest);
        if self.is_bound() {
            other.bound = true;
            other.total_len = self.total_len;
            other.validator.clone_from(&self.validator);
        }
        other.ask(cx);
        other
    }

    fn new(cx: &Cx, want: Want, widest: u64) -> Self {
        let window = match want.purpose {
            Purpose::Media => widest.min(FIRST_WINDOW),
            _ => widest,
        };
        Self {
            phase: Phase::Over,
            next: want.range.start,
            wire: want.range.start,
            want,
            whole: false,
            plain: false,
            credit: 0,
            window,
            widest,
            quiet_since: cx.mono(),
            started: cx.mono(),
            failures: 0,
            fruitless: 0,
            progress: 0,
            broken: None,
            total_len: None,
            validator: None,
            bound: false,
        }
    }

    fn ask(&mut self, cx: &mut Cx) {
        let id = cx.next_request();
        let start = if self.whole { 0 } else { self.next };
        self.wire = start;
        self.credit = self.window;
        self.quiet_since = cx.mono();
        self.phase = Phase::Asked(id);
        let end = if self.whole {
            None
        } else {
            self.want.range.end
        };
        cx.push(Output::Fetch(Box::new(Fetch {
            id,
            purpose: self.want.purpose,
            url: self.want.url.clone(),
            range: ByteRange { start, end },
            headers: self.condition(start),
            initiator: self.want.initiator.clone(),
            credit: self.window,
        })));
    }

    /// Bytes that go on where others ended are wanted of the same version only (RFC 9110 13.1.5).
    fn condition(&self, start: u64) -> Vec<Header> {
        let version = self.validator.as_ref();
        let version = version.filter(|_| self.is_conditional(start));
        let header = |value: &String| Header {
            name: "If-Range".to_owned(),
            value: value.clone(),
        };
        version.map(header).into_iter().collect()
    }

    fn is_conditional(&self, start: u64) -> bool {
        self.validator.is_some() && start > 0 && self.is_bound() && !self.plain
    }

    pub(crate) fn is(&self, id: RequestId) -> bool {
        self.phase == Phase::Asked(id)
    }
    pub(crate) fn is_parked(&self) -> bool {
        self.phase == Phase::Parked
    }
    pub(crate) fn is_active(&self) -> bool {
        matches!(
            self.phase,
            Phase::Asked(_) | Phase::Waiting { .. } | Phase::Complete
        )
    }
    /// Where it is asked for.
    pub(crate) fn url(&self) -> &Secret {
        &self.want.url
    }
    /// Offset of the byte that comes next.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Gives it to another owner; this one is over.
    pub(crate) fn take(&mut self) -> Self {
        let taken = self.clone();
        self.phase = Phase::Over;
        taken
    }

    /// Its owner has bytes: those of another version do not fit them.
    fn is_bound(&self) -> bool {
        self.bound || self.received() > 0
    }

    /// Bytes that its owner got.
    pub(crate) fn received(&self) -> u64 {
        self.next - self.want.range.start
    }

    /// Bytes that its owner gets in all, once that is known.
    pub(crate) fn expected(&self) -> Option<u64> {
        let ends = [self.want.range.end, self.total_len];
        let end = ends.into_iter().flatten().min()?;
        end.checked_sub(self.want.range.start)
    }

    /// The answer is not wanted any more.
    pub(crate) fn cancel(&mut self, cx: &mut Cx) {
        if let Phase::Asked(id) = self.phase {
            cx.push(Output::Cancel(id));
        }
        self.phase = Phase::Over;
    }

    /// There is room: lets more bytes come once half of the window is used up.
    pub(crate) fn grant(&mut self, cx: &mut Cx) {
        let Phase::Asked(id) = self.phase else { return };
        if self.credit > self.window / 2 {
            return;
        }
        if self.credit == 0 {
            // The silence was ours until now.
            self.quiet_since = cx.mono();
        }
        self.window = self.window.saturating_mul(2).min(self.widest);
        let bytes = self.window - self.credit;
        self.credit = self.window;
        cx.push(Output::Grant { id, bytes });
    }

    pub(crate) fn deadline(&self, cx: &Cx) -> Option<Time> {
        match self.phase {
            Phase::Asked(_) if self.credit > 0 => {
                Some(self.quiet_since + Time::from(cx.config.network_timeout))
            }
            Phase::Waiting { until } => Some(until),
            Phase::Complete => Some(self.quiet_since),
            _ => None,
        }
    }

    pub(crate) fn on_head(&mut self, cx: &mut Cx, info: ResponseInfo, terms: Terms) -> Progress {
        self.quiet_since = cx.mono();
        if info.offset != self.wire && info.offset != self.next {
            let fault = Fault::new(codes::ERROR_NETWORK_HTTP_RANGE, "http.range.mismatch")
                .because("the answer begins at another byte than was asked for")
                .retry_class(Retry::Now);
            return self.drop_and_fail(cx, fault, terms);
        }
        self.wire = info.offset;
        if !self.is_bound() {
            // Nothing of an older version is here.
            (self.total_len, self.validator) = (None, None);
        }
        if let Some(fault) = self.changed(&info) {
            self.cancel(cx);
            if self.want.purpose == Purpose::Playlist {
                // It is there, only newer: its owner asks for it anew.
                return Progress::Failed(self.located(cx, fault.retry_class(Retry::Backoff)));
            }
            return self.on_failed(cx, fault, terms);
        }
        self.validator = self.validator.take().or_else(|| info.validator.clone());
        self.total_len = self.total_len.or(info.total_len);
        Progress::Head(info)
    }

    /// Whether the answer is of another version than the bytes that came before.
    fn changed(&self, info: &ResponseInfo) -> Option<Fault> {
        let what = match (self.total_len, info.total_len) {
            (Some(before), Some(now)) if before != now => "has another length",
            _ => match (&self.validator, &info.validator) {
                (Some(before), Some(now)) if before != now => "is of another version",
                _ => return None,
            },
        };
        let fault = Fault::new(codes::ERROR_NETWORK_HTTP_RANGE, "http.resource_changed")
            .because(format!(
                "the resource {what} than before: it was replaced while it played"
            ))
            .retry_class(Retry::Never);
        Some(fault)
    }

    pub(crate) fn on_chunk(&mut self, cx: &mut Cx, chunk: Chunk) -> Progress {
        let len = chunk.data.len() as u64;
        cx.tally.bytes += len;
        self.credit = self.credit.saturating_sub(len);
        self.quiet_since = cx.mono();
        let end = chunk.offset.saturating_add(len);
        self.wire = end;
        if end <= self.next {
            // Read again only because ranges are ignored: no room is taken.
            self.grant(cx);
            return Progress::None;
        }
        let mut data = chunk.data;
        let within = |at: u64| usize::try_from(at.saturating_sub(chunk.offset)).unwrap_or(0);
        let wanted = self.want.range.end.filter(|_| self.whole);
        if let Some(last) = wanted.filter(|last| *last <= end) {
            // The whole is longer than what was wanted of it.
            data.truncate(within(last));
            self.cancel(cx);
            self.phase = Phase::Complete;
        }
        let known = within(self.next).min(data.len());
        let data = data.slice(known..);
        let offset = self.next.max(chunk.offset);
        self.next = offset + data.len() as u64;
        self.advanced(cx, data.len() as u64);
        Progress::Data(offset, data)
    }

    fn advanced(&mut self, cx: &mut Cx, bytes: u64) {
        self.progress += bytes;
        if self.progress >= FORGIVEN_AFTER {
            self.failures = 0;
        }
        // That a service answers does not say that it does what it was asked: its owner knows.
        if self.want.purpose != Purpose::Api {
            self.mended(cx);
        }
    }

    /// What failed before has succeeded now.
    pub(crate) fn mended(&mut self, cx: &mut Cx) {
        if let Some(fault) = self.broken.take() {
            cx.info(InfoCode::NetworkRetrySuccess, "the network is back");
            cx.recovered(fault);
        }
    }

    /// The answer is over. Where it brought less than was asked for, the rest is asked for (RFC 9110 15.3.7).
    pub(crate) fn on_done(&mut self, cx: &mut Cx) -> Progress {
        let rest = self.expected().is_some_and(|all| self.received() < all);
        if rest && matches!(self.phase, Phase::Asked(_)) && std::mem::take(&mut self.progress) > 0 {
            (self.failures, self.fruitless) = (0, 0);
            self.ask(cx);
            return Progress::None;
        }
        self.advanced(cx, 0);
        self.phase = Phase::Over;
        Progress::Done
    }

    pub(crate) fn on_failed(&mut self, cx: &mut Cx, fault: Fault, terms: Terms) -> Progress {
        if self.is_all_here(&fault) {
            cx.recovered(self.located(cx, fault));
            return self.on_done(cx);
        }
        self.on_refused(cx, fault, terms)
    }

    /// It failed, though all of the answer may have come: its owner can not use it.
    pub(crate) fn on_refused(&mut self, cx: &mut Cx, fault: Fault, terms: Terms) -> Progress {
        self.failures += 1;
        // A service's answers are no progress: it is asked again because they can not be used.
        if self.progress > 0 && self.want.purpose != Purpose::Api {
            self.fruitless = 0;
        }
        self.fruitless += 1;
        self.progress = 0;
        let fault = self.located(cx, fault);
        let jitter = (cx.random() >> 11) as f64 / (1u64 << 53) as f64;
        let verdict = recover::decide(
            &fault,
            Case {
                purpose: self.want.purpose,
                failures: self.failures,
                fruitless: self.fruitless,
                retries: cx.config.network_retry_count,
                prepared: terms.prepared,
                refreshable: terms.refreshable,
                live: terms.live,
                conditional: !self.whole && self.is_conditional(self.next),
                ranged: !ByteRange {
                    start: self.wire,
                    end: self.want.range.end,
                }
                .is_whole(),
                whole: self.whole || self.next > MOST_READ_AGAIN,
                jitter,
            },
        );
        match verdict {
            Verdict::Again { after } => self.again(cx, fault, after),
            Verdict::AgainPlain => {
                self.plain = true;
                self.again(cx, fault, Time::ZERO);
            }
            Verdict::AgainWhole => {
                self.whole = true;
                self.again(cx, fault, Time::ZERO);
            }
            Verdict::Refresh => {
                self.phase = Phase::Parked;
                self.broken = Some(fault.clone());
                return Progress::Expired(fault);
            }
            Verdict::Park => {
                self.phase = Phase::Parked;
                self.broken = Some(fault.clone());
                return Progress::Parked(fault);
            }
            Verdict::GiveUp => {
                self.phase = Phase::Over;
                return Progress::Failed(self.out_of_reach(fault));
            }
        }
        Progress::None
    }

    /// Says why it is not read through, where the server gives no part of it.
    fn out_of_reach(&self, fault: Fault) -> Fault {
        if fault.code() != codes::ERROR_NETWORK_HTTP_RANGE || self.next <= MOST_READ_AGAIN {
            return fault;
        }
        fault.because(format!(
            "what is wanted lies {} MiB into the resource: no more than {} MiB are read only to come there",
            self.next >> 20,
            MOST_READ_AGAIN >> 20
        ))
    }

    /// Only the end of the answer is missing: all the bytes came, or a 416 says that no more are there.
    fn is_all_here(&self, fault: &Fault) -> bool {
        let told = fault.context().resource_len;
        let end = [self.want.range.end, told.or(self.total_len)];
        let end = end.into_iter().flatten().min();
        self.next > self.want.range.start && end == Some(self.next)
    }

    fn again(&mut self, cx: &mut Cx, fault: Fault, after: Time) {
        let text = format!(
            "try {} of {}: {fault}",
            self.fruitless, cx.config.network_retry_count
        );
        cx.info(InfoCode::NetworkRetry, text);
        self.broken = Some(fault);
        // A call must be signed anew first, which its owner does when the wait is over.
        if after == Time::ZERO && self.want.purpose != Purpose::Api {
            return self.ask(cx);
        }
        self.phase = Phase::Waiting {
            until: cx.mono() + after,
        };
    }

    fn drop_and_fail(&mut self, cx: &mut Cx, fault: Fault, terms: Terms) -> Progress {
        self.cancel(cx);
        self.on_failed(cx, fault, terms)
    }

    /// The moment that [`deadline`](Self::deadline) named may have come.
    pub(crate) fn on_time(&mut self, cx: &mut Cx, terms: Terms) -> Progress {
        if self.deadline(cx).is_none_or(|at| at > cx.mono()) {
            return Progress::None;
        }
        match self.phase {
            Phase::Waiting { .. } => self.ask(cx),
            Phase::Complete => return self.on_done(cx),
            Phase::Asked(_) => return self.drop_and_fail(cx, recover::silent(), terms),
            Phase::Parked | Phase::Over => {}
        }
        Progress::None
    }

    /// Tries a parked source again, and one that waits for its next try. `false`: it does neither.
    pub(crate) fn reload(&mut self, cx: &mut Cx) -> bool {
        (self.failures, self.fruitless) = (0, 0);
        let waits = matches!(self.phase, Phase::Waiting { .. } | Phase::Parked);
        if waits {
            self.ask(cx);
        }
        waits
    }

    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. })
    }

    /// The next try begins anew, elsewhere.
    pub(crate) fn restart_at(&mut self, url: Secret) {
        self.want.url = url;
        self.next = self.want.range.start;
        (self.total_len, self.validator) = (None, None);
    }

    /// Goes on from the same byte with another URL of the same resource.
    pub(crate) fn renew(&mut self, cx: &mut Cx, url: Secret) {
        let place = |url: &Secret| url.expose().split('?').next().map(str::to_owned);
        if place(&url) != place(&self.want.url) {
            // Another server may name the same version otherwise; its length is compared still.
            self.validator = None;
        }
        self.want.url = url;
        self.reload(cx);
    }

    fn located(&self, cx: &Cx, fault: Fault) -> Fault {
        let segment = match self.want.purpose {
            Purpose::Segment(number) => Some(number),
            _ => None,
        };
        let elapsed = u64::try_from((cx.mono() - self.started).as_millis()).ok();
        fault.at_url(self.want.url.expose()).with(|context| {
            context.segment = context.segment.or(segment);
            context.bytes = context.bytes.or(Some((self.next, self.want.range.end)));
            context.attempts = Some(self.failures);
            context.elapsed_ms = context.elapsed_ms.or(elapsed);
        })
    }
}
