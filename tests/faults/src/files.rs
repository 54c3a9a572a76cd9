//! An honest HTTP server of files, with ranges (RFC 9110 14): what the proxy's faults are done to.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use crate::proxy::{header, read_head};

/// Serves the files of one directory until the program ends; one request a connection.
pub struct FileServer {
    address: SocketAddr,
}

impl FileServer {
    /// Serves what lies in `dir`.
    ///
    /// # Panics
    /// When loopback gives no port.
    #[must_use]
    pub fn start(dir: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("an address");
        let dir = dir.to_owned();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let dir = dir.clone();
                thread::spawn(move || serve(stream, &dir));
            }
        });
        Self { address }
    }
    /// `127.0.0.1:port`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn serve(mut client: TcpStream, dir: &Path) -> Option<()> {
    let head = read_head(&mut client)?;
    let name = head
        .split(' ')
        .nth(1)?
        .trim_start_matches('/')
        .split('?')
        .next()?;
    let path: PathBuf = dir.join(name);
    let Ok(mut file) = File::open(path) else {
        return client
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            .ok();
    };
    let len = file.metadata().ok()?.len();
    let range = header(&head, "range").and_then(|range| {
        let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((
            start.parse::<u64>().ok()?,
            end.parse::<u64>().unwrap_or(len - 1).min(len - 1),
        ))
    });
    let reported = match range {
        Some((start, _)) if start >= len => {
            let reported = format!(
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{len}\r\nContent-Length: 0\r\n\r\n"
            );
            return client.write_all(reported.as_bytes()).ok();
        }
        Some((start, end)) => format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{end}/{len}\r\nContent-Length: {}\r\n\r\n",
            end + 1 - start
        ),
        None => format!("HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: {len}\r\n\r\n"),
    };
    client.write_all(reported.as_bytes()).ok()?;
    let (start, end) = range.unwrap_or((0, len - 1));
    file.seek(SeekFrom::Start(start)).ok()?;
    std::io::copy(&mut file.take(end + 1 - start), &mut client).ok()?;
    Some(())
}
