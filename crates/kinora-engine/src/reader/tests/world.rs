//! A reader and a network without delay, for the tests.

use std::collections::HashMap;

use bytes::Bytes;
use kinora_errors::{Fault, Retry, Secret, codes};
use kinora_media::{ByteRange, Chunk, Now, Packet, RequestId, ResponseInfo, Time, TrackKind};

use crate::reader::{PacketReader, Read, RenditionChoice};
use crate::{Capabilities, FetchEvent, FetchRequest, Input, Output, PlayerConfig};

pub(super) const AT: &str = "http://films.test/";

/// How a part of a resource is answered.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Parts {
    Given,
    Ignored,
    Refused(u16),
}

pub(super) struct Open {
    url: String,
    at: u64,
    end: u64,
    credit: u64,
    reported: bool,
}

/// A reader and a network without delay; time passes only when nothing else happens.
pub(super) struct World {
    pub(super) files: HashMap<String, Vec<(Time, Bytes)>>,
    pub(super) parts: Parts,
    pub(super) open: Vec<(RequestId, Open)>,
    pub(super) asked: Vec<(String, ByteRange)>,
    pub(super) now: Now,
    /// Requests for these wait until nothing else is to be done.
    pub(super) slow: &'static str,
    /// Bytes that come at once.
    pub(super) piece: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            files: HashMap::new(),
            parts: Parts::Given,
            open: Vec::new(),
            asked: Vec::new(),
            now: Now::default(),
            slow: "\0",
            piece: 5_000,
        }
    }

    pub(super) fn put(&mut self, name: &str, data: impl Into<Bytes>) {
        self.put_from(Time::ZERO, name, data);
    }

    pub(super) fn put_from(&mut self, from: Time, name: &str, data: impl Into<Bytes>) {
        let versions = self.files.entry(format!("{AT}{name}")).or_default();
        versions.push((from, data.into()));
    }

    pub(super) fn open(&mut self, name: &str, choice: RenditionChoice) -> PacketReader {
        let url = Secret::new(format!("{AT}{name}"));
        PacketReader::open(
            PlayerConfig::default(),
            Capabilities::default(),
            url,
            choice,
            self.now,
        )
    }

    pub(super) fn data(&self, url: &str) -> Option<Bytes> {
        let mut versions = self.files.get(url)?.iter().rev();
        versions
            .find(|(from, _)| *from <= self.now.mono)
            .map(|(_, data)| data.clone())
    }

    pub(super) fn fetch(&mut self, fetch: FetchRequest) -> Option<FetchEvent> {
        let (id, url) = (fetch.id, fetch.url.expose().to_owned());
        self.asked.push((url.clone(), fetch.range));
        let refused = |status: u16, code, reason| {
            let fault = Fault::new(code, reason).retry_class(match status {
                403 => Retry::AfterRefresh,
                501 => Retry::Backoff,
                200 | 416 => Retry::Now,
                _ => Retry::Never,
            });
            let fault = fault.with(|context| context.http_status = Some(status));
            Some(FetchEvent::Failed { id, fault })
        };
        let Some(data) = self.data(&url) else {
            return refused(404, codes::ERROR_NETWORK_HTTP_404, "http.status");
        };
        let mut range = fetch.range;
        match self.parts {
            Parts::Given => {}
            Parts::Ignored if range.start > 0 => {
                return refused(200, codes::ERROR_NETWORK_HTTP_RANGE, "http.range.ignored");
            }
            Parts::Ignored => {}
            Parts::Refused(status) if !range.is_whole() => {
                return refused(status, codes::ERROR_NETWORK_HTTP_4XX, "http.status");
            }
            Parts::Refused(_) => range = ByteRange::default(),
        }
        let open = Open {
            url,
            at: range.start,
            end: range.end.unwrap_or(u64::MAX).min(data.len() as u64),
            credit: fetch.credit,
            reported: false,
        };
        self.open.push((id, open));
        None
    }

    /// What the network says next.
    pub(super) fn step(&mut self) -> Option<FetchEvent> {
        let ready = |slow: &str, open: &Open| {
            !open.url.contains(slow) && (open.credit > 0 || !open.reported || open.at == open.end)
        };
        let slow = self.slow;
        let at = self.open.iter().position(|(_, open)| ready(slow, open));
        let at = at.or_else(|| self.open.iter().position(|(_, open)| ready("\0", open)))?;
        let url = self.open[at].1.url.clone();
        let data = self.data(&url).unwrap();
        let (id, open) = &mut self.open[at];
        let id = *id;
        if !open.reported {
            open.reported = true;
            let info = ResponseInfo {
                status: Some(200),
                total_len: Some(data.len() as u64),
                offset: open.at,
                ranges: self.parts == Parts::Given,
                final_url: Some(url),
                ..ResponseInfo::default()
            };
            return Some(FetchEvent::Head { id, info });
        }
        if open.at == open.end {
            self.open.remove(at);
            return Some(FetchEvent::Done { id });
        }
        let size = (open.end - open.at).min(open.credit).min(self.piece);
        let offset = open.at;
        open.at += size;
        open.credit -= size;
        let place = |at: u64| usize::try_from(at).unwrap();
        let data = data.slice(place(offset)..place(offset + size));
        Some(FetchEvent::Chunk(Chunk { id, offset, data }))
    }

    /// The next thing that is no mere wait.
    pub(super) fn next(&mut self, reader: &mut PacketReader) -> Result<Read, Fault> {
        loop {
            let read = reader.read(self.now);
            let outputs: Vec<Output> = reader.outputs().collect();
            let mut answers = Vec::new();
            for output in outputs {
                match output {
                    Output::Fetch(fetch) => answers.extend(self.fetch(*fetch)),
                    Output::Grant { id, bytes } => {
                        let mut open = self.open.iter_mut();
                        if let Some((_, open)) = open.find(|(of, _)| *of == id) {
                            open.credit += bytes;
                        }
                    }
                    Output::Cancel(id) => self.open.retain(|(of, _)| *of != id),
                    _ => {}
                }
            }
            let answered = !answers.is_empty();
            for answer in answers {
                reader.handle(self.now, Input::Fetch(answer));
            }
            match read {
                Ok(Read::Pending) if answered => continue,
                Ok(Read::Pending) => {}
                other => return other,
            }
            let input = match self.step() {
                Some(event) => Input::Fetch(event),
                None => {
                    let at = reader.deadline().expect("nothing is awaited");
                    self.now.mono = self.now.mono.max(at) + Time::from_micros(1);
                    Input::Timeout
                }
            };
            reader.handle(self.now, input);
        }
    }

    pub(super) fn packets(&mut self, reader: &mut PacketReader) -> Result<Vec<Packet>, Fault> {
        let mut packets = Vec::new();
        loop {
            match self.next(reader)? {
                Read::Packet(packet) => packets.push(packet),
                Read::End => return Ok(packets),
                Read::Info(_) | Read::Pending => {}
            }
        }
    }

    /// All packets of a source, by kind.
    pub(super) fn all(&mut self, name: &str) -> [Vec<Packet>; 2] {
        let mut reader = self.open(name, RenditionChoice::default());
        let packets = self.packets(&mut reader).unwrap();
        let info = reader.info.clone().unwrap();
        let (pictures, sound) = packets
            .into_iter()
            .partition(|packet| info.track(packet.track).unwrap().kind() == TrackKind::Video);
        [pictures, sound]
    }
}
