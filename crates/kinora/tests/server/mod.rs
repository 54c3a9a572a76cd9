//! A web server on loopback, good or bad at ranges, for the readers and the player alike.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How a part of a resource is answered.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Parts {
    /// As RFC 9110 14 wants it.
    Given,
    /// With the whole.
    Ignored,
    /// With that status.
    Refused(u16),
}

/// What a resource is at its n-th request.
type Resource = Box<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

#[derive(Default)]
struct Shared {
    resources: HashMap<String, Resource>,
    asked: HashMap<String, usize>,
    /// A resource is said to be so long, whatever it is.
    announced: Option<u64>,
    /// Bodies of answers come so fast, bytes a second.
    rate: Option<u32>,
}

/// Serves until the test ends.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    pub(crate) fn start(parts: Parts) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Mutex<Shared>>::default();
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = Arc::clone(&served);
                thread::spawn(move || {
                    // A client that goes away in the middle is no fault of the test.
                    let _ = serve(&stream, parts, &served);
                });
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    pub(crate) fn put(
        &self,
        name: &str,
        resource: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
    ) {
        let mut shared = self.shared.lock().unwrap();
        shared
            .resources
            .insert(format!("/{name}"), Box::new(resource));
    }

    pub(crate) fn put_file(&self, file: &Path) -> String {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let data = std::fs::read(file).unwrap();
        self.put(&name, move |_| data.clone());
        self.url(&name)
    }

    /// All files of a folder.
    pub(crate) fn put_folder(&self, folder: &Path) {
        for file in std::fs::read_dir(folder).unwrap() {
            self.put_file(&file.unwrap().path());
        }
    }

    /// From now on bodies of answers come so fast, bytes a second; as fast as they can with none.
    #[allow(dead_code, reason = "not every test that has a server slows it down")]
    pub(crate) fn set_rate(&self, bytes_per_second: Option<u32>) {
        self.shared.lock().unwrap().rate = bytes_per_second;
    }

    pub(crate) fn announce(&self, len: u64) {
        self.shared.lock().unwrap().announced = Some(len);
    }
}

fn serve(stream: &TcpStream, parts: Parts, shared: &Mutex<Shared>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut out = stream;
    loop {
        let Some((path, range)) = request(&mut lines)? else {
            return Ok(());
        };
        let (data, announced) = {
            let mut shared = shared.lock().unwrap();
            let Shared {
                resources,
                asked,
                announced,
                ..
            } = &mut *shared;
            let count = asked.entry(path.clone()).or_default();
            *count += 1;
            (resources.get(&path).map(|it| it(*count - 1)), *announced)
        };
        let Some(data) = data else {
            out.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
            continue;
        };
        let total = announced.unwrap_or(data.len() as u64);
        match (range, parts) {
            (Some((first, last)), Parts::Given) => {
                let last = last.unwrap_or(u64::MAX).min(total - 1);
                let len = last + 1 - first;
                write!(
                    out,
                    "HTTP/1.1 206 Partial Content\r\nContent-Length: {len}\r\n"
                )?;
                write!(out, "Content-Range: bytes {first}-{last}/{total}\r\n\r\n")?;
                let place = |at: u64| usize::try_from(at).unwrap();
                send(out, &data[place(first)..=place(last)], shared)?;
            }
            (Some(_), Parts::Refused(status)) => {
                write!(out, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n")?;
            }
            _ => {
                write!(out, "HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n")?;
                send(out, &data, shared)?;
                if (data.len() as u64) < total {
                    // The rest would take all day.
                    return Ok(());
                }
            }
        }
    }
}

/// The first byte, and the last one where it is named.
type Range = (u64, Option<u64>);

/// The path of the next request, and the range that it asks for; `None`: there is none.
fn request(lines: &mut impl BufRead) -> std::io::Result<Option<(String, Option<Range>)>> {
    let mut request = String::new();
    if lines.read_line(&mut request)? == 0 {
        return Ok(None);
    }
    let target = request.split_whitespace().nth(1);
    let path = target.and_then(|target| target.split('?').next());
    let path = path.unwrap_or_default();
    let (mut range, mut body) = (None, 0);
    loop {
        let mut header = String::new();
        lines.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("range") {
            range = bytes_of(value.trim());
        } else if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse().unwrap();
        }
    }
    lines.read_exact(&mut vec![0; body])?;
    Ok(Some((path.to_owned(), range)))
}

/// A body, as fast as it may come.
fn send(mut out: &TcpStream, body: &[u8], shared: &Mutex<Shared>) -> std::io::Result<()> {
    for piece in body.chunks(2_048) {
        out.write_all(piece)?;
        let rate = shared.lock().unwrap().rate;
        if let Some(rate) = rate {
            thread::sleep(Duration::from_secs(1) * u32::try_from(piece.len()).unwrap() / rate);
        }
    }
    Ok(())
}

fn bytes_of(range: &str) -> Option<Range> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()))
}
