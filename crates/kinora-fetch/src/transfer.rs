//! One resource that is asked for until it is there: asked again where it broke off, watched for
//! silence, never given more credit than there is room for.

mod answers;
mod failures;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use kinora_errors::{Fault, Secret};
use kinora_media::{ByteRange, Header, RequestId, ResponseInfo, Time};

use crate::recover::{self, RequestedRange};
use crate::{FetchRequest, Host, Initiator, Method, Purpose};

/// So much progress ends a row of failures: the next one is asked again at once.
const FORGIVEN_AFTER: u64 = 64 * 1024;
/// Media begin with so much under way: the first picture may need no more. Each time that is used up, twice as much comes.
const FIRST_WINDOW: u64 = 64 * 1024;

/// The resource that is wanted.
#[derive(Clone, Debug)]
pub struct RequestSpec {
    /// What for.
    pub purpose: Purpose,
    /// Where it is; may hold secrets.
    pub url: Secret,
    /// Which bytes of it.
    pub range: ByteRange,
    /// Who named the URL.
    pub initiator: Initiator,
}

/// Which transfers ask again at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reload {
    /// Those that wait for their next try, or for the user.
    Waiting,
    /// Those whose answer is under way as well: what it comes by is lost, as when a device joins another network.
    All,
}

/// What came of an event or of the time.
#[derive(Debug)]
pub enum Progress {
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
    /// The retries are spent; see [`Transfer::reload`].
    Parked(Fault),
    /// It is to be had at another place; see [`Transfer::renew`].
    Elsewhere(Fault),
    /// It failed for good.
    Failed(Fault),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Requested(RequestId),
    /// The pause before a retry.
    BackingOff {
        until: Time,
    },
    /// What was wanted of the whole is here; its end is reported next.
    Complete,
    Parked,
    Over,
}

/// How ranges are asked for. A server that refuses one way is asked the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum RangeMode {
    /// With a condition on the version where one is known.
    Conditional,
    /// Without a condition.
    Unconditional,
    /// Not at all: the whole is read, and what is there already passed over.
    Whole,
    /// Not at all: what was missed is gone, and each answer begins anew.
    Anew,
}

/// What the user was told of a row of failures.
#[derive(Clone, Copy, Debug, Default)]
struct Announced {
    /// So many tries are spent.
    tries: u32,
    /// The network is away: that it is back is told too.
    outage: bool,
}

/// One resource on its way.
#[derive(Clone, Debug)]
pub struct Transfer {
    spec: RequestSpec,
    /// JSON that is sent along.
    body: Option<Bytes>,
    /// Headers of the request's own: those that sign it.
    own_headers: Vec<Header>,
    id: RequestId,
    phase: Phase,
    /// Offset of the next byte that the owner gets.
    next: u64,
    /// Offset of the next byte that the network gives: less than `next` while ranges are ignored.
    wire: u64,
    mode: RangeMode,
    credit: u64,
    window: u64,
    max_window: u64,
    silent_since: Time,
    started: Time,
    /// Since when nothing comes, once something failed.
    outage_since: Option<Time>,
    /// Failures in a row, forgiven by progress.
    failures: u32,
    /// Failures in a row without a byte between them.
    without_progress: u32,
    /// Bytes since the last failure.
    progress: u64,
    /// The failure that a retry may mend.
    broken: Option<Fault>,
    announced: Announced,
    total_len: Option<u64>,
    /// The version of the resource that the bytes so far are of.
    validator: Option<String>,
    /// Bytes of that version came by an earlier transfer.
    bound: bool,
}

impl Transfer {
    /// Asks for it. At most `max_window` bytes are under way.
    #[must_use]
    pub fn start(host: &mut impl Host, spec: RequestSpec, max_window: u64) -> Self {
        let mut transfer = Self::new(host, spec, max_window);
        transfer.send_request(host);
        transfer
    }

    /// Asks for it with headers of its own. At most `max_window` bytes are under way.
    #[must_use]
    pub fn start_with(
        host: &mut impl Host,
        spec: RequestSpec,
        headers: Vec<Header>,
        max_window: u64,
    ) -> Self {
        let mut transfer = Self::new(host, spec, max_window);
        transfer.own_headers = headers;
        transfer.send_request(host);
        transfer
    }

    /// Sends JSON and asks for what is answered. At most `max_window` bytes are under way.
    #[must_use]
    pub fn post_json(
        host: &mut impl Host,
        spec: RequestSpec,
        body: impl Into<Bytes>,
        max_window: u64,
    ) -> Self {
        let mut transfer = Self::new(host, spec, max_window);
        transfer.body = Some(body.into());
        transfer.send_request(host);
        transfer
    }

    /// Asks for other bytes of the same resource, and of the version that was read so far.
    #[must_use]
    pub fn elsewhere(&self, host: &mut impl Host, range: ByteRange) -> Self {
        let spec = RequestSpec {
            range,
            ..self.spec.clone()
        };
        let mut other = Self::new(host, spec, self.max_window);
        if self.is_bound() {
            other.bound = true;
            other.total_len = self.total_len;
            other.validator.clone_from(&self.validator);
        }
        other.send_request(host);
        other
    }

    fn new(host: &impl Host, spec: RequestSpec, max_window: u64) -> Self {
        let window = match spec.purpose {
            Purpose::Media => max_window.min(FIRST_WINDOW),
            _ => max_window,
        };
        Self {
            id: RequestId(0),
            phase: Phase::Over,
            next: spec.range.start,
            wire: spec.range.start,
            spec,
            body: None,
            own_headers: Vec::new(),
            mode: RangeMode::Conditional,
            credit: 0,
            window,
            max_window,
            silent_since: host.now(),
            started: host.now(),
            outage_since: None,
            failures: 0,
            without_progress: 0,
            progress: 0,
            broken: None,
            announced: Announced::default(),
            total_len: None,
            validator: None,
            bound: false,
        }
    }

    fn send_request(&mut self, host: &mut impl Host) {
        let id = host.next_request();
        self.id = id;
        if self.begins_anew() {
            self.next = self.spec.range.start;
            (self.total_len, self.validator) = (None, None);
        }
        let range = self.range();
        self.wire = range.start;
        self.credit = self.window;
        self.silent_since = host.now();
        self.phase = Phase::Requested(id);
        host.fetch(FetchRequest {
            id,
            purpose: self.spec.purpose,
            url: self.spec.url.clone(),
            range,
            headers: self.headers(),
            method: match (&self.body, self.spec.purpose) {
                (Some(body), _) => Method::Post(body.clone()),
                (None, Purpose::Date) => Method::Head,
                (None, _) => Method::Get,
            },
            initiator: self.spec.initiator.clone(),
            credit: self.window,
        });
    }

    /// The bytes that are asked for next.
    fn range(&self) -> ByteRange {
        match self.mode {
            RangeMode::Whole | RangeMode::Anew => ByteRange::default(),
            RangeMode::Conditional | RangeMode::Unconditional => ByteRange {
                start: self.next,
                end: self.spec.range.end,
            },
        }
    }

    fn requested_range(&self) -> RequestedRange {
        match self.version() {
            Some(_) => RequestedRange::PartIfUnchanged,
            None if self.range().is_whole() => RequestedRange::Whole,
            None => RequestedRange::Part,
        }
    }

    /// Bytes that go on where others ended are wanted of the same version only (RFC 9110 13.1.5).
    fn headers(&self) -> Vec<Header> {
        let header = |name: &str, value: &str| Header {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let condition = self.version().map(|version| header("If-Range", version));
        let body = self.body.as_ref();
        let kind = body.map(|_| header("Content-Type", "application/json"));
        let added = condition.into_iter().chain(kind);
        added.chain(self.own_headers.iter().cloned()).collect()
    }

    /// The version that is a condition of the next bytes.
    fn version(&self) -> Option<&str> {
        let conditional = self.mode == RangeMode::Conditional && self.next > 0 && self.is_bound();
        self.validator.as_deref().filter(|_| conditional)
    }

    /// What comes can not be asked for from its middle, as that of a broadcast: an answer that breaks off is followed by one
    /// that begins anew, its first byte at offset 0 again.
    pub fn begin_anew(&mut self) {
        self.mode = RangeMode::Anew;
    }

    /// What breaks off is asked for from where it broke off, as is usual.
    pub fn go_on(&mut self) {
        if self.begins_anew() {
            self.mode = RangeMode::Conditional;
        }
    }

    /// The next answer does not go on with this one; see [`begin_anew`](Self::begin_anew).
    #[must_use]
    pub fn begins_anew(&self) -> bool {
        self.mode == RangeMode::Anew
    }

    /// The request that was made last.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Whether an event of that request is for it.
    #[must_use]
    pub fn is(&self, id: RequestId) -> bool {
        self.phase == Phase::Requested(id)
    }

    /// It waits for the user; see [`reload`](Self::reload).
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.phase == Phase::Parked
    }

    /// It waits for its next try.
    #[must_use]
    pub fn is_backing_off(&self) -> bool {
        matches!(self.phase, Phase::BackingOff { .. })
    }

    /// The server had not got it when it was asked last.
    #[must_use]
    pub fn was_missing(&self) -> bool {
        self.broken.as_ref().is_some_and(recover::is_gone)
    }

    /// It is neither over nor parked.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(
            self.phase,
            Phase::Requested(_) | Phase::BackingOff { .. } | Phase::Complete
        )
    }

    /// Where it is asked for.
    #[must_use]
    pub fn url(&self) -> &Secret {
        &self.spec.url
    }

    /// Offset of the byte that comes next.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Gives it to another owner; this one is over.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let taken = self.clone();
        self.phase = Phase::Over;
        taken
    }

    /// Its owner has bytes: those of another version do not fit them.
    fn is_bound(&self) -> bool {
        self.bound || self.received() > 0
    }

    /// Bytes that its owner got.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.next - self.spec.range.start
    }

    /// Bytes that its owner gets in all, once that is known.
    #[must_use]
    pub fn expected(&self) -> Option<u64> {
        let ends = [self.spec.range.end, self.total_len];
        let end = ends.into_iter().flatten().min()?;
        end.checked_sub(self.spec.range.start)
    }

    /// The answer is not wanted any more.
    pub fn cancel(&mut self, host: &mut impl Host) {
        if let Phase::Requested(id) = self.phase {
            host.cancel(id);
        }
        self.phase = Phase::Over;
    }

    /// There is room: lets more bytes come once half of the window is used up.
    pub fn grant(&mut self, host: &mut impl Host) {
        let Phase::Requested(id) = self.phase else {
            return;
        };
        if self.credit > self.window / 2 {
            return;
        }
        if self.credit == 0 {
            // The silence was ours until now.
            self.silent_since = host.now();
        }
        self.window = self.window.saturating_mul(2).min(self.max_window);
        let bytes = self.window - self.credit;
        self.credit = self.window;
        host.grant(id, bytes);
    }

    /// Whether more bytes may come before more is granted.
    #[must_use]
    pub fn has_credit(&self) -> bool {
        self.credit > 0
    }

    /// When [`on_time`](Self::on_time) has something to do, if no event comes before.
    #[must_use]
    pub fn deadline(&self, host: &impl Host) -> Option<Time> {
        match self.phase {
            Phase::Requested(_) if self.credit > 0 => {
                Some(self.silent_since + Time::from(host.limits().timeout))
            }
            Phase::BackingOff { until } => Some(until),
            Phase::Complete => Some(self.silent_since),
            _ => None,
        }
    }

    /// Asks again at once, from the byte that is next, if it is one of those. `false`: it is none.
    pub fn reload(&mut self, host: &mut impl Host, which: Reload) -> bool {
        (self.failures, self.without_progress) = (0, 0);
        self.announced.tries = 0;
        self.outage_since = None;
        let asks = match self.phase {
            Phase::BackingOff { .. } | Phase::Parked => true,
            Phase::Requested(id) if which == Reload::All => {
                host.cancel(id);
                true
            }
            Phase::Requested(_) | Phase::Complete | Phase::Over => false,
        };
        if asks {
            self.progress = 0;
            self.send_request(host);
        }
        asks
    }

    /// The next try begins anew, elsewhere, and with other headers of its own.
    pub fn restart_at(&mut self, url: Secret, headers: Vec<Header>) {
        self.spec.url = url;
        self.own_headers = headers;
        self.next = self.spec.range.start;
        (self.total_len, self.validator) = (None, None);
    }

    /// Goes on from the same byte with another URL of the same resource.
    pub fn renew(&mut self, host: &mut impl Host, url: Secret) {
        let path = |url: &Secret| url.expose().split('?').next().map(str::to_owned);
        if path(&url) != path(&self.spec.url) {
            // Another server may name the same version otherwise; its length is compared still.
            self.validator = None;
        }
        self.spec.url = url;
        self.reload(host, Reload::Waiting);
    }
}
