//! Names are resolved over HTTP (HTTPDNS) instead of by the system, whose answers on some networks are slow, stale or forged.
//! The server is asked by its address; it answers a GET of `/d?host=NAME` with addresses, one a line or separated by `;`. What it
//! says is kept for a minute; where it fails the system's resolver is asked, so that its outage is none of the player's.
//!
//! ```sh
//! cargo run --example httpdns -- 203.0.113.53:80 https://example.com/film.m3u8
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kinora::{Event, IpFamily, NetConfig, Player, Resolve, Resolving, SystemResolver};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// How long an answer is believed.
const KEPT: Duration = Duration::from_secs(60);
/// How long the server may take. The player limits each lookup as well (`NetConfig::dns_timeout`).
const LIMIT: Duration = Duration::from_secs(2);
/// A longer answer is none.
const MAX_ANSWER: u64 = 4 * 1024;
/// Names that are kept.
const MAX_NAMES: usize = 256;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, url] = args.as_slice() else {
        return Err("httpdns SERVER:PORT URL".into());
    };
    let player = Player::builder()
        .resolver(HttpDns::new(server.parse()?))
        // Several addresses are raced (RFC 8305): one that is dead costs a quarter of a second.
        .network(NetConfig {
            ip_family: IpFamily::Any,
            ..NetConfig::default()
        })
        .autoplay(true)
        .build()?;
    player.open(url.as_str());
    loop {
        match player.next_event(Duration::from_secs(60))? {
            Event::FirstFrame { pts } => writeln!(io::stdout(), "first picture at {pts}")?,
            Event::Error(fault) => return Err(fault.into()),
            Event::Completion => return Ok(()),
            _ => {}
        }
    }
}

/// A resolver that asks a server over HTTP.
struct HttpDns {
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    known: Mutex<HashMap<String, (Instant, Vec<IpAddr>)>>,
}

impl HttpDns {
    fn new(server: SocketAddr) -> Self {
        let known = Mutex::default();
        Self {
            shared: Arc::new(Shared { server, known }),
        }
    }
}

impl Resolve for HttpDns {
    fn resolve(&self, host: &str) -> Resolving {
        let (shared, host) = (Arc::clone(&self.shared), host.to_owned());
        if let Some(known) = shared.known(&host) {
            return Box::pin(async move { Ok(known) });
        }
        let asked = ask_on_a_thread(shared, host.clone());
        Box::pin(async move {
            match asked.await {
                Ok(addresses) if !addresses.is_empty() => Ok(addresses),
                _ => SystemResolver.resolve(&host).await,
            }
        })
    }
}

/// The question blocks, which the network's thread must not.
fn ask_on_a_thread(
    shared: Arc<Shared>,
    host: String,
) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send {
    let (answered, answer) = mpsc::sync_channel(1);
    let waker = Arc::new(Mutex::new(None::<std::task::Waker>));
    let wake = Arc::clone(&waker);
    thread::spawn(move || {
        let found = shared.ask(&host);
        if let Ok(addresses) = &found {
            shared.keep(host, addresses.clone());
        }
        // Nobody may wait any more.
        let _ = answered.send(found);
        if let Some(waker) = wake.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    });
    std::future::poll_fn(move |context| {
        // Registered before it is looked: an answer in between wakes.
        *waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        match answer.try_recv() {
            Ok(found) => std::task::Poll::Ready(found),
            Err(mpsc::TryRecvError::Empty) => std::task::Poll::Pending,
            Err(mpsc::TryRecvError::Disconnected) => {
                std::task::Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
        }
    })
}

impl Shared {
    fn known(&self, host: &str) -> Option<Vec<IpAddr>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, addresses) = known.get(host)?;
        (at.elapsed() < KEPT).then(|| addresses.clone())
    }

    fn keep(&self, host: String, addresses: Vec<IpAddr>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_NAMES {
            known.clear();
        }
        known.insert(host, (Instant::now(), addresses));
    }

    fn ask(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        // A host comes from a URL, where it has no character that means something in another.
        if !host
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_'))
        {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut stream = TcpStream::connect_timeout(&self.server, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        let server = self.server;
        write!(
            stream,
            "GET /d?host={host} HTTP/1.0\r\nHost: {server}\r\nAccept: text/plain\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
        addresses(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// The addresses in an answer with status 200.
fn addresses(answer: &str) -> Option<Vec<IpAddr>> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?;
    if status != "200" {
        return None;
    }
    let items = body.split(|it: char| it == ';' || it.is_whitespace());
    Some(items.filter_map(|it| it.parse().ok()).collect())
}
