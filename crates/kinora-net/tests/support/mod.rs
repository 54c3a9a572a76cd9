//! A scripted server on loopback and a probe that collects the events of a fetch.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs
)]

pub mod tls;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use kinora_errors::Fault;
use kinora_media::{RequestId, ResponseInfo};
use kinora_net::{FetchEvent, FetchRequest, Net, NetConfig, Resolve};

/// Longer than any honest answer on loopback takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Either a plain or a TLS stream.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One accepted connection.
pub struct Peer<'a> {
    pub stream: Box<dyn Stream>,
    pub number: usize,
    log: &'a Mutex<Vec<String>>,
}

impl Peer<'_> {
    /// The head of the next request, logged; `None` when the client has gone.
    pub fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        let head = String::from_utf8(head).unwrap();
        self.log.lock().unwrap().push(head.clone());
        Some(head)
    }
    /// Sends; a client that has gone is no error here.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
        let _ = self.stream.flush();
    }
    /// A whole response with a length.
    pub fn reply(&mut self, status: &str, headers: &str, body: &[u8]) {
        self.say(format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        ));
        self.say(body);
    }
    /// Keeps silent until the client goes.
    pub fn mute(&mut self) {
        let mut byte = [0];
        while matches!(self.stream.read(&mut byte), Ok(1)) {}
    }
}

/// A server whose connections are served by a script.
pub struct Server {
    pub address: SocketAddr,
    pub log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(script: impl Fn(Peer<'_>) + Send + Sync + 'static) -> Self {
        Self::wrapped(|stream| Some(Box::new(stream)), script)
    }
    pub fn wrapped(
        wrap: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync + 'static,
        script: impl Fn(Peer<'_>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (shared, both) = (Arc::clone(&log), Arc::new((wrap, script)));
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (both, log) = (Arc::clone(&both), Arc::clone(&shared));
                thread::spawn(move || {
                    if let Some(stream) = stream.ok().and_then(&both.0) {
                        both.1(Peer {
                            stream,
                            number,
                            log: &log,
                        });
                    }
                });
            }
        });
        Self { address, log }
    }
    /// Every request gets the same answer.
    pub fn replying(status: &'static str, headers: &'static str, body: &'static [u8]) -> Self {
        Self::start(move |mut peer| {
            while peer.head().is_some() {
                peer.reply(status, headers, body);
            }
        })
    }
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
    pub fn requests(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

/// A network and what it told.
pub struct Probe {
    pub net: Net,
    pub events: Receiver<FetchEvent>,
    next: std::cell::Cell<u64>,
}

/// What became of a fetch.
pub struct Outcome {
    pub info: Option<ResponseInfo>,
    pub body: Vec<u8>,
    pub first_offset: Option<u64>,
    pub result: Result<(), Fault>,
}

impl Outcome {
    pub fn fault(&self) -> &Fault {
        match &self.result {
            Err(fault) => fault,
            Ok(()) => panic!("the fetch succeeded with {} bytes", self.body.len()),
        }
    }
    /// Number and reason.
    pub fn failed(&self) -> (u32, &'static str) {
        (self.fault().code().number(), self.fault().reason())
    }
}

/// A limit that a test can wait for.
pub const SHORT: Duration = Duration::from_millis(300);

/// Limits that no honest answer reaches.
pub fn patient() -> NetConfig {
    NetConfig {
        connect_timeout: Some(PATIENCE),
        tls_timeout: Some(PATIENCE),
        first_byte_timeout: Some(PATIENCE),
        stall_timeout: Some(PATIENCE),
        dns_timeout: Some(PATIENCE),
        ..NetConfig::default()
    }
}

impl Probe {
    pub fn new(config: NetConfig) -> Self {
        let (sender, events) = channel();
        let sender = Mutex::new(sender);
        let net = Net::new(config, move |event| {
            let _ = sender.lock().unwrap().send(event);
        });
        Self::around(net, events)
    }
    /// Regular files are read by whoever calls `read_inline`.
    pub fn inline(config: NetConfig) -> Self {
        let (sender, events) = channel();
        let sender = Mutex::new(sender);
        let net = Net::with_inline_files(config, move |event| {
            let _ = sender.lock().unwrap().send(event);
        });
        Self::around(net, events)
    }
    pub fn resolving(config: NetConfig, resolver: impl Resolve) -> Self {
        let (sender, events) = channel();
        let sender = Mutex::new(sender);
        let net = Net::with_resolver(config, resolver, move |event| {
            let _ = sender.lock().unwrap().send(event);
        });
        Self::around(net, events)
    }
    fn around(net: Net, events: Receiver<FetchEvent>) -> Self {
        Self {
            net,
            events,
            next: std::cell::Cell::new(1),
        }
    }
    pub fn request(&self, url: impl Into<String>) -> FetchRequest {
        let id = self.next.get();
        self.next.set(id + 1);
        FetchRequest::get(RequestId(id), url)
    }
    pub fn get(&self, url: impl Into<String>) -> Outcome {
        self.fetch(self.request(url))
    }
    pub fn fetch(&self, request: FetchRequest) -> Outcome {
        let id = request.id;
        self.net.fetch(request);
        self.outcome(id)
    }
    /// Collects events until the end of that request.
    pub fn outcome(&self, wanted: RequestId) -> Outcome {
        let mut outcome = Outcome {
            info: None,
            body: Vec::new(),
            first_offset: None,
            result: Ok(()),
        };
        loop {
            match self.events.recv_timeout(PATIENCE).unwrap() {
                FetchEvent::Head { id, info } if id == wanted => outcome.info = Some(info),
                FetchEvent::Chunk(chunk) if chunk.id == wanted => {
                    assert!(outcome.info.is_some(), "a chunk came before its head");
                    let first = *outcome.first_offset.get_or_insert(chunk.offset);
                    assert_eq!(chunk.offset, first + outcome.body.len() as u64);
                    outcome.body.extend_from_slice(&chunk.data);
                }
                FetchEvent::Done { id } if id == wanted => return outcome,
                FetchEvent::Failed { id, fault } if id == wanted => {
                    outcome.result = Err(fault);
                    return outcome;
                }
                _ => {}
            }
        }
    }
}

/// Body bytes whose place shows in their value.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

/// A server that honours ranges as RFC 9110 14 says.
pub fn range_server(body: Vec<u8>) -> Server {
    Server::start(move |mut peer| {
        while let Some(head) = peer.head() {
            let range = head
                .lines()
                .find_map(|line| line.strip_prefix("range: bytes="))
                .map(|range| range.split_once('-').unwrap());
            let Some((first, last)) = range else {
                peer.reply("200 OK", "Accept-Ranges: bytes\r\n", &body);
                continue;
            };
            let first: usize = first.parse().unwrap();
            let last = last.parse().unwrap_or(usize::MAX).min(body.len() - 1);
            if first > last {
                let total = format!("Content-Range: bytes */{}\r\n", body.len());
                peer.reply("416 Range Not Satisfiable", &total, b"");
                continue;
            }
            let range = format!("Content-Range: bytes {first}-{last}/{}\r\n", body.len());
            peer.reply("206 Partial Content", &range, &body[first..=last]);
        }
    })
}

/// An address on loopback where connections are neither taken nor refused: its queue is full.
pub struct BlackHole {
    pub address: SocketAddr,
    _held: (
        tokio::runtime::Runtime,
        tokio::net::TcpListener,
        Vec<TcpStream>,
    ),
}

impl BlackHole {
    pub fn at(address: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(address.parse().unwrap()).unwrap();
            socket.listen(1).unwrap()
        });
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(150)) {
            waiting.push(stream);
            assert!(waiting.len() < 64, "the queue never fills");
        }
        Self {
            address,
            _held: (runtime, listener, waiting),
        }
    }
}
