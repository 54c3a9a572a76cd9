//! A server of one page and one script, which hears what the page tells.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

pub(crate) struct PageServer {
    address: SocketAddr,
    told: Receiver<Value>,
}

impl PageServer {
    pub(crate) fn start(page: &Path, script: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, told) = channel();
        let (page, script) = (page.to_owned(), script.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, page, script) = (sender.clone(), page.clone(), script.clone());
                thread::spawn(move || answer(stream, &page, &script, &sender));
            }
        });
        Self { address, told }
    }

    /// The page, with what is asked of it.
    pub(crate) fn url(&self, asked: &str) -> String {
        let escaped: String = asked.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("http://{}/?{escaped}", self.address)
    }

    /// What the page tells next.
    pub(crate) fn told(&self, patience: Duration) -> Option<Value> {
        self.told.recv_timeout(patience).ok()
    }
}

/// Answers one request.
fn answer(
    mut stream: TcpStream,
    page: &PathBuf,
    script: &PathBuf,
    told: &Sender<Value>,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let line = lines.next()?.ok()?;
    // A client that is not read to the end of its head may not read the answer.
    lines.map_while(Result::ok).find(String::is_empty)?;
    let target = line.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (kind, body) = match path {
        "/" => ("text/html; charset=utf-8", std::fs::read(page).ok()?),
        "/aliplayer-min.js" => (
            "text/javascript; charset=utf-8",
            std::fs::read(script).ok()?,
        ),
        "/told" => {
            let text = percent_decoded(query)?;
            let _ = told.send(serde_json::from_str(&text).ok()?);
            ("text/plain", Vec::new())
        }
        _ => ("text/plain", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        bytes.push(match first {
            b'%' => {
                let (digits, behind) = rest.split_at_checked(2)?;
                rest = behind;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            plain => *plain,
        });
    }
    String::from_utf8(bytes).ok()
}
