mod broadcast;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use kinora_errors::{Retry, codes};
use kinora_media::{Chunk, MediaInfo, Packet, RequestId, ResponseInfo, Time};

use super::{Agenda, Dice, Happening, ms};
use crate::{FetchEvent, FetchRequest, Initiator};
pub use broadcast::Broadcast;
use broadcast::{Joined, OnAir};
use kinora_fetch::Method;

/// What is wrong with the network for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Connections are refused; those that are open go on.
    Refuses,
    /// Nothing is answered, nothing more arrives.
    Silent,
    /// Every answer has that status.
    Status(u16),
    /// Bodies break off after so many bytes.
    Truncates(u64),
    /// Open connections are reset.
    Resets,
    /// Ranges are answered with the whole.
    IgnoresRanges,
    /// Answers bring no more than so many bytes of what was asked for.
    Short(u64),
    /// Open connections are closed as if all had been sent.
    Closes,
}

/// How the network is when nothing is wrong.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Weather {
    /// From a request to its answer.
    pub latency: Time,
    /// Bytes a second, for each request.
    pub bytes_per_second: u64,
}

/// What a transport delivers as packets.
#[derive(Clone, Debug)]
pub struct Packets {
    /// Their tracks.
    pub info: Arc<MediaInfo>,
    /// In the order of decoding.
    pub packets: Vec<Packet>,
    /// They come as they are made, the first at the start of the simulation. Who asks later gets them from the key frame
    /// before on.
    pub live: bool,
    /// What the server calls the session.
    pub trace_id: Option<String>,
}

/// What an origin has to say of a URL.
#[derive(Clone, Debug)]
pub enum Reply {
    /// All of it.
    Whole(Bytes),
    /// It is being made: so much is there, and more then.
    Partial {
        /// What is there.
        data: Bytes,
        /// When there is more.
        more_at: Time,
    },
    /// It answers then.
    Later(Time),
    /// It answers with that status.
    Status(u16),
}

/// A server whose answers depend on the moment.
pub trait Origin {
    /// What it answers to a URL; `None`: it is not its own.
    fn answer(&self, now: Time, url: &str) -> Option<Reply>;
}
/// Makes a resource as it is at a moment.
type Generator = Box<dyn Fn(Time, &str) -> Option<Bytes> + Send>;

/// A network of resources.
pub struct Net {
    origins: Vec<Box<dyn Origin>>,
    /// By what their URLs begin with.
    generators: Vec<(String, Generator)>,
    packets: HashMap<String, Packets>,
    broadcasts: HashMap<String, Arc<OnAir>>,
    resources: HashMap<String, Vec<(Time, Bytes)>>,
    /// How it is.
    pub weather: Weather,
    /// From when on so many bytes a second come instead, in order.
    pub forecast: Vec<(Time, u64)>,
    /// All requests share the rate, as on one link; else each has it for itself.
    pub is_shared: bool,
    /// The link carries what was sent before until then.
    busy_until: Time,
    faults: Vec<(Time, Time, String, Fault)>,
    /// What goes wrong once, with the next URL that contains a text.
    once: Vec<(String, Fault)>,
    open: HashMap<RequestId, Open>,
    redirects: HashMap<String, String>,
    /// The `Date` of answers, in milliseconds since 1970.
    pub date_ms: Option<i64>,
    dice: Dice,
    /// URLs asked for, in order, with the first byte wanted.
    pub asked: Vec<(Time, String, u64)>,
    /// Who named each of them.
    pub initiators: Vec<Initiator>,
    /// What was sent along, and to which URL.
    pub posted: Vec<(String, Bytes)>,
}

struct Open {
    url: String,
    at: u64,
    end: Option<u64>,
    start: u64,
    if_range: Option<String>,
    credit: u64,
    /// What an origin answered.
    body: Option<Bytes>,
    head_sent: bool,
    scheduled: bool,
    /// Nothing comes of it any more.
    stranded: bool,
    /// What the server calls the session was told.
    named: bool,
    /// Of a broadcast.
    joined: Option<Joined>,
}

/// What there is of a resource.
enum Body {
    /// Its version, its bytes, and when there are more of them.
    There(Option<String>, Bytes, Option<Time>),
    /// Nothing: something happens in its place, or later.
    Instead(Option<FetchEvent>),
}

const PIECE: u64 = 4 * 1024;

impl Net {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            origins: Vec::new(),
            generators: Vec::new(),
            packets: HashMap::new(),
            broadcasts: HashMap::new(),
            resources: HashMap::new(),
            weather: Weather {
                latency: ms(20),
                bytes_per_second: 1_000_000,
            },
            forecast: Vec::new(),
            is_shared: false,
            busy_until: Time::ZERO,
            faults: Vec::new(),
            once: Vec::new(),
            open: HashMap::new(),
            redirects: HashMap::new(),
            date_ms: None,
            dice: Dice::new(seed),
            asked: Vec::new(),
            initiators: Vec::new(),
            posted: Vec::new(),
        }
    }

    /// A resource is there from the start.
    pub fn serve(&mut self, url: &str, data: impl Into<Bytes>) {
        self.serve_from(Time::MIN, url, data);
    }

    /// A resource is there, or changes, from a moment on.
    pub fn serve_from(&mut self, from: Time, url: &str, data: impl Into<Bytes>) {
        self.resources
            .entry(url.to_owned())
            .or_default()
            .push((from, data.into()));
    }

    /// A server answers for its URLs.
    pub fn serve_origin(&mut self, origin: impl Origin + 'static) {
        self.origins.push(Box::new(origin));
    }

    /// Resources whose URLs begin with a text are made when they are asked for.
    pub fn generate(
        &mut self,
        prefix: &str,
        make: impl Fn(Time, &str) -> Option<Bytes> + Send + 'static,
    ) {
        self.generators.push((prefix.to_owned(), Box::new(make)));
    }

    /// A resource comes as packets.
    pub fn serve_packets(&mut self, url: &str, packets: Packets) {
        self.packets.insert(url.to_owned(), packets);
    }

    /// A URL leads on to another.
    pub fn redirect(&mut self, url: &str, to: &str) {
        self.redirects.insert(url.to_owned(), to.to_owned());
    }

    /// Something is wrong from one moment to another, with URLs that contain a text.
    pub fn fault(&mut self, from: Time, to: Time, part: &str, fault: Fault) {
        self.faults.push((from, to, part.to_owned(), fault));
    }

    /// The device leaves this network: nothing comes of what is open, and nothing says so.
    pub fn strand(&mut self) {
        for open in self.open.values_mut() {
            open.stranded = true;
        }
    }

    /// Something goes wrong once, with the next answer of a URL that contains a text.
    pub fn fault_once(&mut self, part: &str, fault: Fault) {
        self.once.push((part.to_owned(), fault));
    }

    /// The fault that happens now and not again, if one does.
    fn suffer_once(
        &mut self,
        agenda: &mut Agenda,
        now: Time,
        id: RequestId,
        url: &str,
    ) -> Option<Option<FetchEvent>> {
        let at = self
            .once
            .iter()
            .position(|(part, _)| url.contains(part.as_str()))?;
        let answer = self.suffer(agenda, id, now, self.once[at].1)?;
        self.once.remove(at);
        Some(answer)
    }

    fn faults<'a>(&'a self, now: Time, url: &'a str) -> impl Iterator<Item = (Time, Fault)> + 'a {
        self.faults
            .iter()
            .filter(move |(from, to, part, _)| {
                *from <= now && now < *to && url.contains(part.as_str())
            })
            .map(|(_, to, _, fault)| (*to, *fault))
    }

    /// What is there at the moment, and the name of that version.
    fn resource(&self, now: Time, url: &str) -> Option<(String, Bytes)> {
        let generator = self.generators.iter().find(|it| url.starts_with(&it.0));
        if let Some((_, make)) = generator {
            return make(now, url).map(|data| (format!("\"{}\"", data.len()), data));
        }
        // What is signed differs each time: without a query a resource answers to all.
        let (plain, _) = url.split_once('?').unwrap_or((url, ""));
        let versions = self
            .resources
            .get(url)
            .or_else(|| self.resources.get(plain))?;
        versions
            .iter()
            .rev()
            .find(|(from, _)| *from <= now)
            .map(|(from, data)| (format!("\"{}\"", from.as_micros()), data.clone()))
    }

    pub(super) fn fetch(&mut self, agenda: &mut Agenda, now: Time, fetch: FetchRequest) {
        let url = fetch.url.expose().to_owned();
        self.asked.push((now, url.clone(), fetch.range.start));
        self.initiators.push(fetch.initiator);
        if let Method::Post(body) = fetch.method {
            self.posted.push((url.clone(), body));
        }
        let mut headers = fetch.headers.into_iter();
        let if_range = headers.find(|header| header.name == "If-Range");
        let open = Open {
            url,
            at: fetch.range.start,
            start: fetch.range.start,
            end: fetch.range.end,
            if_range: if_range.map(|header| header.value),
            credit: fetch.credit,
            body: None,
            head_sent: false,
            scheduled: true,
            stranded: false,
            named: false,
            joined: None,
        };
        self.open.insert(fetch.id, open);
        let jitter = ms(i64::try_from(self.dice.below(5)).unwrap_or(0));
        agenda.add(
            now + self.weather.latency + jitter,
            Happening::Transfer(fetch.id),
        );
    }

    pub(super) fn grant(&mut self, agenda: &mut Agenda, now: Time, id: RequestId, bytes: u64) {
        if let Some(open) = self.open.get_mut(&id) {
            open.credit += bytes;
            if !open.scheduled {
                open.scheduled = true;
                agenda.add(now, Happening::Transfer(id));
            }
        }
    }

    pub(super) fn cancel(&mut self, id: RequestId) {
        self.open.remove(&id);
    }

    /// Requests that are open.
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.open.len()
    }

    pub(super) fn step(
        &mut self,
        agenda: &mut Agenda,
        now: Time,
        id: RequestId,
    ) -> Option<FetchEvent> {
        let open = self.open.get(&id).filter(|open| !open.stranded)?;
        let url = open.url.clone();
        if let Some(answer) = self.suffer_once(agenda, now, id, &url) {
            return answer;
        }
        let faults: Vec<(Time, Fault)> = self.faults(now, &url).collect();
        for (until, fault) in &faults {
            if let Some(answer) = self.suffer(agenda, id, *until, *fault) {
                return answer;
            }
        }
        if self.packets.contains_key(&url) {
            return self.packet(agenda, now, id, &url);
        }
        if self.broadcasts.contains_key(&url) {
            return self.broadcast_step(agenda, now, id, &url);
        }
        let ignores = faults
            .iter()
            .any(|(_, fault)| *fault == Fault::IgnoresRanges);
        let (version, data, more_at) = match self.body(agenda, now, id, &url) {
            Body::There(version, data, more_at) => (version, data, more_at),
            Body::Instead(answer) => return answer,
        };
        let total = data.len() as u64;
        let open = self.open.get_mut(&id)?;
        if !open.head_sent {
            let total = Some(total).filter(|_| more_at.is_none());
            return self.head(agenda, now, id, (total, version), ignores);
        }
        if let Some(at) = more_at.filter(|_| open.at >= total) {
            agenda.add(at, Happening::Transfer(id));
            return None;
        }
        let longest = faults.iter().find_map(|(_, fault)| match fault {
            Fault::Short(bytes) => Some(open.start + bytes),
            _ => None,
        });
        let end = open.end.unwrap_or(total).min(total);
        let end = end.min(longest.unwrap_or(end));
        if open.at >= end {
            self.open.remove(&id);
            return Some(FetchEvent::Done { id });
        }
        let size = PIECE.min(end - open.at).min(open.credit);
        if size == 0 {
            open.scheduled = false;
            return None;
        }
        let offset = open.at;
        open.at += size;
        open.credit -= size;
        let at = self.carried(now, size);
        agenda.add(at, Happening::Transfer(id));
        let slice = |from: u64, len: u64| {
            let (from, len) = (
                usize::try_from(from).unwrap_or(0),
                usize::try_from(len).unwrap_or(0),
            );
            data.slice(from..from + len)
        };
        Some(FetchEvent::Chunk(Chunk {
            id,
            offset,
            data: slice(offset, size),
        }))
    }

    /// What there is of a resource now.
    fn body(&mut self, agenda: &mut Agenda, now: Time, id: RequestId, url: &str) -> Body {
        match self.origin(now, id, url) {
            Some(Reply::Status(number)) => Body::Instead(self.fail(id, status(number))),
            Some(Reply::Later(at)) => {
                agenda.add(at, Happening::Transfer(id));
                Body::Instead(None)
            }
            Some(Reply::Whole(body)) => Body::There(None, body, None),
            Some(Reply::Partial { data, more_at }) => Body::There(None, data, Some(more_at)),
            None => {
                let place = self.redirects.get(url).map_or(url, String::as_str);
                match self.resource(now, place) {
                    Some((version, data)) => Body::There(Some(version), data, None),
                    None => Body::Instead(self.fail(id, status(404))),
                }
            }
        }
    }

    /// What an origin answers. What is whole stays as it is until it was delivered.
    fn origin(&mut self, now: Time, id: RequestId, url: &str) -> Option<Reply> {
        let open = self.open.get_mut(&id)?;
        if let Some(body) = &open.body {
            return Some(Reply::Whole(body.clone()));
        }
        let reply = self.origins.iter().find_map(|it| it.answer(now, url))?;
        if let Reply::Whole(body) = &reply {
            open.body = Some(body.clone());
        }
        Some(reply)
    }

    /// The same, where others may be on the way before them.
    fn carried(&mut self, now: Time, bytes: u64) -> Time {
        let from = match self.is_shared {
            true => now.max(self.busy_until),
            false => now,
        };
        self.busy_until = self.carried_by(from, bytes);
        self.busy_until
    }

    /// When so many bytes that set out now are there.
    fn carried_by(&self, now: Time, bytes: u64) -> Time {
        let (mut at, mut left) = (now, bytes as f64);
        let mut rate = self.weather.bytes_per_second;
        let past = self.forecast.partition_point(|(from, _)| *from <= now);
        let (known, changes) = self.forecast.split_at(past);
        if let Some((_, since)) = known.last() {
            rate = *since;
        }
        for (change, next) in changes {
            let carried = rate as f64 * (*change - at).as_secs_f64();
            if carried >= left {
                break;
            }
            left -= carried;
            (at, rate) = (*change, *next);
        }
        let micros = left * 1_000_000.0 / rate.max(1) as f64;
        at + Time::from_micros(micros as i64)
    }

    /// The tracks, then a packet at a time; `at` counts them.
    fn packet(
        &mut self,
        agenda: &mut Agenda,
        now: Time,
        id: RequestId,
        url: &str,
    ) -> Option<FetchEvent> {
        let served = self.packets.get(url)?;
        let open = self.open.get_mut(&id)?;
        let begin = served.packets.first().map_or(Time::ZERO, |first| first.dts);
        let made = |packet: &Packet| match served.live {
            true => packet.dts - begin,
            false => Time::MIN,
        };
        if !open.head_sent {
            open.head_sent = true;
            if served.live {
                let is_made_key = |it: &&Packet| it.flags.key && made(it) <= now;
                let key = served.packets.iter().rposition(|it| is_made_key(&it));
                open.start = key.unwrap_or(0) as u64;
                open.at = open.start;
            }
            agenda.add(now, Happening::Transfer(id));
            let (info, live) = (Arc::clone(&served.info), served.live);
            return Some(FetchEvent::Tracks { id, info, live });
        }
        if let Some(trace_id) = served.trace_id.as_ref().filter(|_| !open.named) {
            open.named = true;
            agenda.add(now, Happening::Transfer(id));
            let trace_id = trace_id.clone();
            return Some(FetchEvent::TraceId { id, trace_id });
        }
        let at = usize::try_from(open.at).unwrap_or(usize::MAX);
        let Some(packet) = served.packets.get(at) else {
            self.open.remove(&id);
            return Some(FetchEvent::Done { id });
        };
        if made(packet) > now {
            agenda.add(made(packet), Happening::Transfer(id));
            return None;
        }
        if open.credit == 0 {
            open.scheduled = false;
            return None;
        }
        let cost = FetchEvent::cost_of(packet);
        open.credit = open.credit.saturating_sub(cost);
        open.at += 1;
        let micros = cost * 1_000_000 / self.weather.bytes_per_second.max(1);
        let next = now + Time::from_micros(i64::try_from(micros).unwrap_or(0));
        agenda.add(next, Happening::Transfer(id));
        let packet = packet.clone();
        Some(FetchEvent::Packet { id, packet })
    }

    fn head(
        &mut self,
        agenda: &mut Agenda,
        now: Time,
        id: RequestId,
        (total, version): (Option<u64>, Option<String>),
        ignores: bool,
    ) -> Option<FetchEvent> {
        let open = self.open.get_mut(&id)?;
        let unlike = |wanted: &String| Some(wanted) != version.as_ref();
        let ignores = ignores || open.start > 0 && open.if_range.as_ref().is_some_and(unlike);
        if ignores && open.start > 0 {
            return self.fail(id, range_ignored());
        }
        if let Some(total) = total.filter(|total| open.start >= *total && *total > 0) {
            let reason = "http.range.unsatisfiable";
            let reported = range_fault(reason).with(|context| {
                context.http_status = Some(416);
                context.resource_len = Some(total);
            });
            return self.fail(id, reported);
        }
        open.head_sent = true;
        let info = ResponseInfo {
            status: Some(if open.start > 0 { 206 } else { 200 }),
            total_len: total,
            offset: open.start,
            ranges: !ignores,
            final_url: self.redirects.get(&open.url).or(Some(&open.url)).cloned(),
            server_date_ms: self.date_ms,
            validator: version,
            ..ResponseInfo::default()
        };
        agenda.add(now, Happening::Transfer(id));
        Some(FetchEvent::Head { id, info })
    }

    /// `Some` when the fault decides what happens now.
    fn suffer(
        &mut self,
        agenda: &mut Agenda,
        id: RequestId,
        until: Time,
        fault: Fault,
    ) -> Option<Option<FetchEvent>> {
        let open = self.open.get(&id)?;
        match fault {
            Fault::Silent => {
                agenda.add(until, Happening::Transfer(id));
                Some(None)
            }
            Fault::Refuses if !open.head_sent => Some(
                self.fail(
                    id,
                    kinora_errors::Fault::new(
                        codes::ERROR_NETWORK_COULD_NOT_CONNECT,
                        "tcp.refused",
                    )
                    .retry_class(Retry::Backoff),
                ),
            ),
            Fault::Status(number) if !open.head_sent => Some(self.fail(id, status(number))),
            Fault::Resets if open.head_sent => Some(
                self.fail(
                    id,
                    kinora_errors::Fault::new(codes::ERROR_GENERAL_EIO, "tcp.reset")
                        .retry_class(Retry::Now),
                ),
            ),
            Fault::Closes if open.head_sent => {
                self.open.remove(&id);
                Some(Some(FetchEvent::Done { id }))
            }
            Fault::Truncates(after) if open.head_sent && open.at - open.start >= after => Some(
                self.fail(
                    id,
                    kinora_errors::Fault::new(codes::ERROR_NETWORK_UNKNOWN, "http.truncated")
                        .retry_class(Retry::Backoff),
                ),
            ),
            _ => None,
        }
    }

    #[allow(clippy::unnecessary_wraps, reason = "what the callers return")]
    fn fail(&mut self, id: RequestId, fault: kinora_errors::Fault) -> Option<FetchEvent> {
        self.open.remove(&id);
        Some(FetchEvent::Failed { id, fault })
    }
}

fn range_fault(reason: &'static str) -> kinora_errors::Fault {
    kinora_errors::Fault::new(codes::ERROR_NETWORK_HTTP_RANGE, reason).retry_class(Retry::Now)
}

fn range_ignored() -> kinora_errors::Fault {
    range_fault("http.range.ignored").with(|context| context.http_status = Some(200))
}

fn status(status: u16) -> kinora_errors::Fault {
    let (code, retry) = match status {
        403 => (codes::ERROR_NETWORK_HTTP_403, Retry::AfterRefresh),
        404 => (codes::ERROR_NETWORK_HTTP_404, Retry::Never),
        408 | 429 => (codes::ERROR_NETWORK_HTTP_4XX, Retry::Backoff),
        400..=499 => (codes::ERROR_NETWORK_HTTP_4XX, Retry::Never),
        _ => (codes::ERROR_NETWORK_HTTP_5XX, Retry::Backoff),
    };
    kinora_errors::Fault::new(code, "http.status")
        .retry_class(retry)
        .with(|context| context.http_status = Some(status))
}
