//! A proxy between a player and an HTTP server that fails as its script says, exact to the byte.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// A request that reached the proxy.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Counts from 0 since the script was set.
    pub number: usize,
    /// The request's head, with its final empty line.
    pub head: String,
}

impl Exchange {
    /// What follows the method.
    #[must_use]
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("/")
    }
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
    /// The first byte asked for; 0 without a `Range`.
    #[must_use]
    pub fn range_start(&self) -> u64 {
        let range = self
            .header("range")
            .and_then(|range| range.strip_prefix("bytes="));
        range
            .and_then(|range| range.split('-').next()?.parse().ok())
            .unwrap_or(0)
    }
}

pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// What is done to an exchange. Counts of bytes are of the answer's body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// As if the proxy were not there.
    Pass,
    /// The request is taken and never answered.
    Mute,
    /// The connection is reset instead of an answer.
    Reset,
    /// So many bytes, then the end of the connection.
    Truncate(u64),
    /// So many bytes, then silence.
    Stall(u64),
    /// So many bytes, then a reset.
    ResetAfter(u64),
    /// One byte of the body, by its offset in it, has its bits flipped.
    Flip(u64),
    /// The announced length is larger by so much than what comes.
    LieLength(u64),
    /// The server never sees the `Range`.
    IgnoreRange,
    /// The request is sent to the server twice; its second answer counts.
    Replay,
    /// An answer of the proxy's own: status line, header lines, body.
    Answer(&'static str, &'static str, Vec<u8>),
}

impl Act {
    /// An answer with this status and nothing to read.
    #[must_use]
    pub fn status(status: &'static str) -> Self {
        Self::Answer(status, "Content-Type: text/plain\r\n", status.into())
    }
    /// One of the faults of transport, by a number; the same number, the same fault.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        // SplitMix64: Steele, Lea and Flood 2014.
        let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let bytes = mixed >> 8 & 0x7FFF;
        match mixed % 8 {
            0 => Self::Reset,
            1 => Self::Truncate(bytes),
            2 => Self::ResetAfter(bytes),
            3 => Self::IgnoreRange,
            4 => Self::status("503 Service Unavailable"),
            _ => Self::Pass,
        }
    }
}

type Script = dyn Fn(&Exchange) -> Act + Send + Sync;

struct State {
    script: Arc<Script>,
    seen: Vec<Exchange>,
}

/// The proxy. Each connection carries one exchange.
pub struct Proxy {
    address: SocketAddr,
    upstream: SocketAddr,
    state: Arc<Mutex<State>>,
    closing: Arc<AtomicBool>,
    listener: Option<thread::JoinHandle<()>>,
}

impl Proxy {
    /// In front of `upstream`, passing everything.
    #[must_use]
    pub fn before(upstream: SocketAddr) -> Self {
        let state = State {
            script: Arc::new(|_| Act::Pass),
            seen: Vec::new(),
        };
        let mut proxy = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            upstream,
            state: Arc::new(Mutex::new(state)),
            closing: Arc::default(),
            listener: None,
        };
        proxy.open();
        proxy
    }

    /// Does this from now on.
    pub fn script(&self, script: impl Fn(&Exchange) -> Act + Send + Sync + 'static) {
        let mut state = lock(&self.state);
        state.script = Arc::new(script);
        state.seen.clear();
    }
    /// The fault is mended.
    pub fn mend(&self) {
        self.script(|_| Act::Pass);
    }
    /// What reached the proxy since the script was set.
    #[must_use]
    pub fn seen(&self) -> Vec<Exchange> {
        lock(&self.state).seen.clone()
    }
    /// `127.0.0.1:port`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Nobody listens on the port any more: connections are refused.
    pub fn close(&mut self) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        self.closing.store(true, Ordering::Release);
        // Wakes `accept`.
        let _ = TcpStream::connect(self.address);
        let _ = listener.join();
    }

    /// Listens, on the same port as before.
    pub fn open(&mut self) {
        let listener = TcpListener::bind(self.address).expect("a port on loopback");
        self.address = listener.local_addr().expect("an address");
        self.closing.store(false, Ordering::Release);
        let (upstream, state) = (self.upstream, Arc::clone(&self.state));
        let closing = Arc::clone(&self.closing);
        self.listener = Some(thread::spawn(move || {
            for stream in listener.incoming() {
                if closing.load(Ordering::Acquire) {
                    return;
                }
                let (Ok(stream), state) = (stream, Arc::clone(&state)) else {
                    continue;
                };
                thread::spawn(move || exchange(stream, upstream, &state));
            }
        }));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request and what becomes of it. Either side may go at any moment; that is no error here.
fn exchange(mut client: TcpStream, upstream: SocketAddr, state: &Mutex<State>) -> Option<()> {
    client.set_nodelay(true).ok()?;
    let head = read_head(&mut client)?;
    let (script, exchange) = {
        let mut state = lock(state);
        let exchange = Exchange {
            number: state.seen.len(),
            head,
        };
        state.seen.push(exchange.clone());
        (Arc::clone(&state.script), exchange)
    };
    let act = script(&exchange);
    match &act {
        Act::Mute => return linger(client),
        Act::Reset => return reset(client),
        Act::Answer(status, headers, body) => {
            let head = format!(
                "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            client.write_all(head.as_bytes()).ok()?;
            return client.write_all(body).ok();
        }
        Act::Replay => {
            let mut first = ask(upstream, &exchange.head)?;
            let _ = first.read_to_end(&mut Vec::new());
        }
        _ => {}
    }
    let asked = match act {
        Act::IgnoreRange => without(&exchange.head, "range"),
        _ => exchange.head,
    };
    let mut server = ask(upstream, &asked)?;
    let head = answer_head(&read_head(&mut server)?, &act);
    client.write_all(head.as_bytes()).ok()?;
    relay(&mut server, client, &act)
}

/// Sends a request to the server, on a connection of its own.
pub(crate) fn ask(upstream: SocketAddr, head: &str) -> Option<TcpStream> {
    let mut server = TcpStream::connect(upstream).ok()?;
    server.set_read_timeout(Some(crate::PATIENCE)).ok()?;
    let head = without(head, "connection").replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(head.as_bytes()).ok()?;
    Some(server)
}

fn answer_head(head: &str, act: &Act) -> String {
    let mut reported = without(head, "connection").replacen("\r\n", "\r\nConnection: close\r\n", 1);
    if let (Act::LieLength(more), Some(length)) = (act, header(head, "content-length")) {
        let length: u64 = length.parse().unwrap_or(0);
        reported = without(&reported, "content-length").replacen(
            "\r\n",
            &format!("\r\nContent-Length: {}\r\n", length + more),
            1,
        );
    }
    reported
}

/// The head without a header.
fn without(head: &str, name: &str) -> String {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let kept = lines.filter(|line| {
        !line
            .split_once(':')
            .is_some_and(|(known, _)| known.eq_ignore_ascii_case(name))
    });
    std::iter::once(first)
        .chain(kept)
        .collect::<Vec<_>>()
        .join("\r\n")
}

/// Up to the empty line.
pub(crate) fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        // Byte by byte: what follows the head belongs to the body.
        match stream.read(&mut byte) {
            Ok(1) if head.len() < 64 * 1024 => head.push(byte[0]),
            _ => return None,
        }
    }
    String::from_utf8(head).ok()
}

/// The body, up to where the fault is.
fn relay(server: &mut TcpStream, mut client: TcpStream, act: &Act) -> Option<()> {
    let limit = match act {
        Act::Truncate(bytes) | Act::Stall(bytes) | Act::ResetAfter(bytes) => *bytes,
        _ => u64::MAX,
    };
    let mut buffer = [0; 16 * 1024];
    let mut sent = 0;
    while sent < limit {
        let room = usize::try_from(limit - sent)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let got = server.read(&mut buffer[..room]).unwrap_or(0);
        if got == 0 {
            break;
        }
        if let Act::Flip(at) = act
            && let Some(byte) = at
                .checked_sub(sent)
                .and_then(|at| buffer[..got].get_mut(usize::try_from(at).ok()?))
        {
            *byte = !*byte;
        }
        client.write_all(&buffer[..got]).ok()?;
        sent += got as u64;
    }
    match act {
        Act::Stall(_) => linger(client),
        // What the client has not read yet is lost with it, as on a real line.
        Act::ResetAfter(_) => reset(client),
        _ => client.shutdown(Shutdown::Write).ok(),
    }
}

/// Keeps silent until the client goes.
fn linger(mut client: TcpStream) -> Option<()> {
    let mut byte = [0];
    while matches!(client.read(&mut byte), Ok(1)) {}
    Some(())
}

/// RST instead of FIN (RFC 9293 3.6).
fn reset(client: TcpStream) -> Option<()> {
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).ok()
}
