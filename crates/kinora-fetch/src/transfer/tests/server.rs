//! A host, a server that fails as it is told to, and an owner that takes what comes.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kinora_errors::{Fault, Retry, codes};
use kinora_media::{Chunk, RequestId, ResponseInfo, Time};

use crate::{
    FetchEvent, FetchLimits, FetchNotice, FetchRequest, Host, Progress, RetryContext, Transfer,
};

pub(super) const SIZE: u64 = 300_000;
const PIECE: u64 = 30_000;

/// The resource; no two places of it look alike.
pub(super) fn film() -> Bytes {
    let words = 0..u32::try_from(SIZE / 4).unwrap();
    words.flat_map(u32::to_le_bytes).collect()
}

/// What happens in place of an answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Failure {
    Refused,
    Reset,
    Truncated,
    Silent,
    /// Fewer bytes than were asked for, in good order (RFC 9110 15.3.7).
    EndsEarly,
    /// It breaks, and parts are answered with the whole from then on.
    IgnoresRanges,
    /// It breaks, and the resource is another from then on.
    Replaced,
    Status(u16),
}

impl Failure {
    pub(super) const ALL: [Self; 8] = [
        Self::Refused,
        Self::Reset,
        Self::Truncated,
        Self::Silent,
        Self::EndsEarly,
        Self::IgnoresRanges,
        Self::Status(503),
        Self::Status(429),
    ];

    /// A status comes before bytes do, and only what has bytes left can end early.
    fn fits(self, event: &FetchEvent) -> bool {
        match self {
            Self::Refused | Self::Status(_) => matches!(event, FetchEvent::Head { .. }),
            Self::EndsEarly => matches!(event, FetchEvent::Chunk(_)),
            _ => true,
        }
    }

    fn fault(self) -> Fault {
        let (code, retry, status) = match self {
            Self::Refused => (codes::ERROR_NETWORK_COULD_NOT_CONNECT, Retry::Backoff, None),
            Self::Reset => (codes::ERROR_GENERAL_EIO, Retry::Now, None),
            Self::IgnoresRanges => (codes::ERROR_NETWORK_HTTP_RANGE, Retry::Now, Some(200)),
            Self::Status(401) => (
                codes::ERROR_NETWORK_HTTP_4XX,
                Retry::AfterRefresh,
                Some(401),
            ),
            Self::Status(status) => (codes::ERROR_NETWORK_HTTP_5XX, Retry::Backoff, Some(status)),
            _ => (codes::ERROR_NETWORK_UNKNOWN, Retry::Backoff, None),
        };
        Fault::new(code, "test")
            .retry_class(retry)
            .with(|context| context.http_status = status)
    }
}

pub(super) enum Sent {
    Fetch(FetchRequest),
    Grant(RequestId, u64),
    Cancel(RequestId),
}

#[derive(Default)]
pub(super) struct TestHost {
    pub(super) now: Time,
    pub(super) notices: Vec<FetchNotice>,
    sent: Vec<Sent>,
    requests: u64,
    received: u64,
}

impl Host for TestHost {
    fn now(&self) -> Time {
        self.now
    }
    fn limits(&self) -> FetchLimits {
        FetchLimits {
            timeout: Duration::from_secs(15),
            retries: 2,
        }
    }
    fn random(&mut self) -> u64 {
        1 << 63
    }
    fn next_request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }
    fn fetch(&mut self, request: FetchRequest) {
        self.sent.push(Sent::Fetch(request));
    }
    fn grant(&mut self, id: RequestId, bytes: u64) {
        self.sent.push(Sent::Grant(id, bytes));
    }
    fn cancel(&mut self, id: RequestId) {
        self.sent.push(Sent::Cancel(id));
    }
    fn received(&mut self, bytes: u64) {
        self.received += bytes;
    }
    fn notice(&mut self, notice: FetchNotice) {
        self.notices.push(notice);
    }
}

pub(super) struct Open {
    id: RequestId,
    next: u64,
    end: u64,
    credit: u64,
    head_sent: bool,
    hangs: bool,
}

pub(super) struct Server {
    plan: Box<dyn Fn(usize) -> Option<Failure>>,
    /// Nothing fails any more.
    pub(super) works: bool,
    ranges: bool,
    version: u32,
    /// Answers so far, those included that failed.
    pub(super) events: usize,
    pub(super) failed: u32,
    pub(super) asked: Vec<FetchRequest>,
    pub(super) open: Vec<Open>,
}

impl Server {
    fn take(&mut self, sent: Sent) {
        match sent {
            Sent::Fetch(request) => {
                self.open.push(Open {
                    id: request.id,
                    next: request.range.start,
                    end: request.range.end.unwrap_or(SIZE),
                    credit: request.credit,
                    head_sent: false,
                    hangs: false,
                });
                self.asked.push(request);
            }
            Sent::Grant(id, bytes) => {
                let mut open = self.open.iter_mut();
                open.find(|open| open.id == id).unwrap().credit += bytes;
            }
            Sent::Cancel(id) => self.open.retain(|open| open.id != id),
        }
    }

    fn step(&mut self) -> Option<FetchEvent> {
        let ready = |open: &Open| {
            !open.hangs && (!open.head_sent || open.credit > 0 || open.next == open.end)
        };
        let at = self.open.iter().position(ready)?;
        let event = self.answer(at);
        let number = self.events;
        self.events += 1;
        let failure = (self.plan)(number).filter(|failure| !self.works && failure.fits(&event));
        Some(match failure {
            Some(failure) => {
                self.failed += 1;
                return self.fail(at, failure);
            }
            None => event,
        })
        .inspect(|event| self.sent(at, event))
    }

    /// What comes next if nothing fails.
    fn answer(&self, at: usize) -> FetchEvent {
        let open = &self.open[at];
        let id = open.id;
        if !open.head_sent && open.next > 0 && !self.ranges {
            let fault = Failure::IgnoresRanges.fault();
            return FetchEvent::Failed { id, fault };
        }
        if !open.head_sent {
            let info = ResponseInfo {
                status: Some(200),
                total_len: Some(SIZE),
                offset: open.next,
                validator: Some(format!("\"{}\"", self.version)),
                ..ResponseInfo::default()
            };
            return FetchEvent::Head { id, info };
        }
        let size = PIECE.min(open.credit).min(open.end - open.next);
        if size == 0 {
            return FetchEvent::Done { id };
        }
        let within = |at: u64| usize::try_from(at).unwrap();
        FetchEvent::Chunk(Chunk {
            id,
            offset: open.next,
            data: film().slice(within(open.next)..within(open.next + size)),
        })
    }

    fn sent(&mut self, at: usize, event: &FetchEvent) {
        let open = &mut self.open[at];
        match event {
            FetchEvent::Head { .. } => open.head_sent = true,
            FetchEvent::Chunk(chunk) => {
                open.next += chunk.data.len() as u64;
                open.credit -= chunk.data.len() as u64;
            }
            FetchEvent::Done { .. } | FetchEvent::Failed { .. } => drop(self.open.remove(at)),
            FetchEvent::Tracks { .. } | FetchEvent::Packet { .. } | FetchEvent::TraceId { .. } => {
                panic!("bytes only: {event:?}")
            }
        }
    }

    fn fail(&mut self, at: usize, failure: Failure) -> Option<FetchEvent> {
        if failure == Failure::Silent {
            self.open[at].hangs = true;
            return None;
        }
        let id = self.open.remove(at).id;
        match failure {
            Failure::EndsEarly => return Some(FetchEvent::Done { id }),
            Failure::IgnoresRanges => self.ranges = false,
            Failure::Replaced => self.version += 1,
            _ => {}
        }
        let broken = match failure {
            Failure::IgnoresRanges | Failure::Replaced => Failure::Truncated,
            failure => failure,
        };
        Some(FetchEvent::Failed {
            id,
            fault: broken.fault(),
        })
    }
}

/// What the owner of a transfer has of it.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) transfer: Transfer,
    pub(super) bytes: BytesMut,
    start: u64,
    pub(super) end: Option<Result<(), Fault>>,
    pub(super) expired: bool,
}

impl Owner {
    pub(super) fn new(transfer: Transfer, start: u64) -> Self {
        Self {
            transfer,
            bytes: BytesMut::new(),
            start,
            end: None,
            expired: false,
        }
    }

    /// Whether it goes on by itself.
    fn take(&mut self, host: &mut TestHost, progress: Progress) -> bool {
        match progress {
            Progress::Head(_) if self.transfer.begins_anew() => self.bytes.clear(),
            Progress::None | Progress::Head(_) => {}
            Progress::Data(offset, data) => {
                assert_eq!(offset, self.start + self.bytes.len() as u64);
                self.bytes.extend_from_slice(&data);
                self.transfer.grant(host);
            }
            Progress::Done => self.end = Some(Ok(())),
            Progress::Failed(fault) => self.end = Some(Err(fault)),
            Progress::Expired(_) => self.expired = true,
            Progress::Parked(_) | Progress::Elsewhere(_) => return false,
        }
        self.end.is_none() && !self.expired
    }
}

pub(super) struct World {
    pub(super) host: TestHost,
    pub(super) server: Server,
}

impl World {
    /// A server whose n-th answer is as `plan` says.
    pub(super) fn new(plan: impl Fn(usize) -> Option<Failure> + 'static) -> Self {
        Self {
            host: TestHost::default(),
            server: Server {
                plan: Box::new(plan),
                works: false,
                ranges: true,
                version: 1,
                events: 0,
                failed: 0,
                asked: Vec::new(),
                open: Vec::new(),
            },
        }
    }

    /// Gives the server what was sent.
    pub(super) fn deliver(&mut self) {
        for sent in std::mem::take(&mut self.host.sent) {
            self.server.take(sent);
        }
    }

    /// Goes on until the transfer ends or needs its owner. Time passes only when nothing else happens.
    pub(super) fn run(&mut self, owner: &mut Owner, context: RetryContext) {
        owner.expired = false;
        for _ in 0..10_000 {
            self.deliver();
            let progress = match self.server.step() {
                Some(event) => {
                    assert!(owner.transfer.is(event.id()), "a late answer");
                    owner.transfer.on_event(&mut self.host, event, context)
                }
                None => {
                    let due = owner.transfer.deadline(&self.host);
                    self.host.now = self.host.now.max(due.expect("nothing is awaited"));
                    owner.transfer.on_time(&mut self.host, context)
                }
            };
            if !owner.take(&mut self.host, progress) {
                return self.deliver();
            }
        }
        panic!("it goes on for ever: {owner:?}");
    }
}
