//! A name server on loopback that answers as configured, and the resolver that asks it: DNS on the wire (RFC 1035).

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use kinora_net::{Resolve, Resolving};

/// How queries are answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Every name has this address.
    Address(Ipv4Addr),
    /// No name exists.
    NxDomain,
    /// The server has failed.
    ServFail,
    /// Queries are taken and never answered.
    Silence,
}

const HEADER: usize = 12;
const A_RECORD: [u8; 4] = [0, 1, 0, 1];

/// The name server.
#[derive(Clone)]
pub struct NameServer {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
}

impl NameServer {
    /// Answers from now on.
    #[must_use]
    pub fn start(answer: Answer) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port on loopback");
        let address = socket.local_addr().expect("an address");
        let server = Self {
            address,
            answer: Arc::new(Mutex::new(answer)),
        };
        let answer = Arc::clone(&server.answer);
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((len, from)) = socket.recv_from(&mut query) {
                let now = *answer.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(reply) = reply(&query[..len], now) {
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        server
    }
    /// Answers otherwise.
    pub fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

/// RFC 1035 4.1: header, the question again, the answer.
fn reply(query: &[u8], answer: Answer) -> Option<Vec<u8>> {
    let (id, question) = (query.get(..2)?, query.get(HEADER..)?);
    let (rcode, count) = match answer {
        Answer::Silence => return None,
        Answer::Address(_) => (0, 1),
        Answer::ServFail => (2, 0),
        Answer::NxDomain => (3, 0),
    };
    let mut reported = [
        id,
        &[0x81, 0x80 | rcode, 0, 1, 0, count, 0, 0, 0, 0],
        question,
    ]
    .concat();
    if let Answer::Address(ip) = answer {
        // The question's name again, by a pointer; 60 seconds; four bytes.
        reported.extend([0xC0, 12]);
        reported.extend(A_RECORD);
        reported.extend([0, 0, 0, 60, 0, 4]);
        reported.extend(ip.octets());
    }
    Some(reported)
}

impl Resolve for NameServer {
    fn resolve(&self, host: &str) -> Resolving {
        let (host, server) = (host.to_owned(), self.address);
        Box::pin(async move {
            let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
            socket.send_to(&query(&host), server).await?;
            let mut reply = [0; 512];
            let len = socket.recv(&mut reply).await?;
            read(&reply[..len])
        })
    }
}

fn query(host: &str) -> Vec<u8> {
    let mut asked = vec![0x4B, 0x49, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in host.split('.') {
        asked.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        asked.extend(label.bytes());
    }
    asked.push(0);
    asked.extend(A_RECORD);
    asked
}

fn read(reply: &[u8]) -> io::Result<Vec<IpAddr>> {
    let bad = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the name server's answer is cut off",
        )
    };
    match reply.get(3).ok_or_else(bad)? & 0x0F {
        0 => {
            let last: [u8; 4] = reply.last_chunk().copied().ok_or_else(bad)?;
            Ok(vec![IpAddr::V4(Ipv4Addr::from(last))])
        }
        3 => Err(io::Error::new(io::ErrorKind::NotFound, "NXDOMAIN")),
        rcode => Err(io::Error::other(format!(
            "the name server answered RCODE {rcode}"
        ))),
    }
}
