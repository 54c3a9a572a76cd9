//! `kinora serve` as its operator sees it: what it logs, and what it withstands.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kinora::Secret;
use kinora_cloud::{HttpMethod, UnixTime, sign};
use kinora_faults::canary::{Canary, leaks};

const BOUND: Duration = Duration::from_secs(30);

/// A running service on a directory of its own.
struct Server {
    child: Child,
    address: SocketAddr,
    key: (String, String),
    stderr: Option<ChildStderr>,
}

impl Server {
    fn start(data: &Path, args: &str, level: &str) -> Self {
        Self::start_in(data, args, level, "")
    }
    /// Started by a shell that first does something else.
    fn start_in(data: &Path, args: &str, level: &str, first: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_kinora");
        let line =
            format!("{first} exec {program} serve --listen 127.0.0.1:0 {args} --data \"$0\"");
        let mut child = Command::new("sh")
            .args(["-c", &line])
            .arg(data)
            .env("KINORA_LOG", level)
            .env("LANG", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reported = String::new();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
        while !reported.ends_with("ready\n") {
            assert!(lines.read_line(&mut reported).unwrap() > 0, "{reported}");
        }
        let value = |mark: &str| {
            // A key is shown at the first start only.
            let rest = reported.split(mark).nth(1).unwrap_or_default();
            rest.lines().next().unwrap_or_default().to_owned()
        };
        Self {
            address: value("http://").parse().unwrap(),
            key: (value("KEY_ID="), value("KEY_SECRET=")),
            stderr: child.stderr.take(),
            child,
        }
    }
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream
    }
    /// One request on a connection of its own: the whole answer, none where the connection was refused.
    fn ask(&self, request_line: &[u8], headers: &str) -> String {
        let mut stream = self.connect();
        let rest = format!(" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n");
        let _ = stream.write_all(&[request_line, rest.as_bytes()].concat());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
    fn get(&self, target: &str) -> String {
        self.ask(format!("GET {target}").as_bytes(), "")
    }
    fn signed(&self, secret: &str, nonce: u32, more: &[(&str, &str)]) -> String {
        self.signed_by(&(self.key.0.clone(), secret.to_owned()), nonce, more)
    }
    /// Signed with that key; a parameter that is given takes the place of the usual one.
    fn signed_by(&self, key: &(String, String), nonce: u32, more: &[(&str, &str)]) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = UnixTime(i64::try_from(since.as_secs()).unwrap()).to_string();
        let nonce = nonce.to_string();
        let mut pairs = vec![
            ("Format", "JSON"),
            ("Version", "2017-03-21"),
            ("AccessKeyId", key.0.as_str()),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &nonce),
            ("Timestamp", &now),
        ];
        pairs.retain(|(name, _)| more.iter().all(|(given, _)| given != name));
        pairs.extend(more);
        let signature = sign::signature(&Secret::new(key.1.as_str()), HttpMethod::Get, &pairs);
        let all = pairs
            .iter()
            .copied()
            .chain([("Signature", signature.as_str())]);
        let each = all.map(|(name, value)| format!("{name}={}", sign::encode(value)));
        format!("/?{}", each.collect::<Vec<_>>().join("&"))
    }
    /// The path and signature of a film, imported now.
    fn film(&self, room: &Path, data: &Path) -> String {
        let imported = Command::new(env!("CARGO_BIN_EXE_kinora"))
            .arg("import")
            .arg(kinora_faults::clips::long_film(room))
            .arg("--data")
            .arg(data)
            .output()
            .unwrap();
        assert!(imported.status.success());
        let reported = String::from_utf8(imported.stdout).unwrap();
        let video = reported.split_whitespace().last().unwrap();
        let play = [
            ("Action", "GetPlayInfo"),
            ("VideoId", video),
            ("Formats", "mp4"),
        ];
        let answer = self.get(&self.signed(&self.key.1, 0, &play));
        let path = answer
            .split("/media/")
            .nth(1)
            .unwrap_or_else(|| panic!("{answer}"));
        format!("/media/{}", path.split('"').next().unwrap())
    }
    fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }
    /// Stops it by the signal that service managers send; everything that it logged.
    fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        let mut log = String::new();
        if let Some(mut stderr) = self.stderr.take() {
            stderr.read_to_string(&mut log).unwrap();
        }
        assert!(self.child.wait().unwrap().success());
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn request_id(answer: &str) -> &str {
    let rest = answer
        .split("x-request-id: ")
        .nth(1)
        .unwrap_or_else(|| panic!("{answer}"));
    rest.lines().next().unwrap()
}

const VIDEO: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn each_request_has_its_line_under_its_id_in_text_and_in_json() {
    for args in ["", "--log-format json"] {
        let room = tempfile::tempdir().unwrap();
        let server = Server::start(&room.path().join("data"), args, "info");
        let info = [("Action", "GetVideoInfo"), ("VideoId", VIDEO)];
        let known = server.get(&server.signed(&server.key.1, 1, &info));
        let denied = server.get(&format!("/media/{VIDEO}/fd.mp4?auth_key=1-2-3-4"));
        let proxied = server.ask(b"GET /nothing", "X-Forwarded-For: 192.0.2.7\r\n");
        let key = server.key.0.clone();
        let log = server.stop();
        let line = |answer: &str| {
            let mut lines = log.lines().filter(|line| line.contains(request_id(answer)));
            let line = lines.next().unwrap_or_else(|| panic!("{log}"));
            assert_eq!(lines.next(), None);
            line
        };
        for (line, words) in [
            (
                line(&known),
                &[
                    "127.0.0.1",
                    "GetVideoInfo",
                    &key,
                    "404",
                    "InvalidVideo.NotFound",
                    "duration_ms",
                ][..],
            ),
            (
                line(&denied),
                &[
                    "127.0.0.1",
                    "/media/0123456789abcdef0123456789abcdef/fd.mp4",
                    "403",
                    "denied by req auth",
                ],
            ),
            // Nobody said that this proxy may be believed.
            (line(&proxied), &["127.0.0.1", "/nothing", "404"]),
        ] {
            for word in words {
                assert!(line.contains(word), "{word}: {line}");
            }
        }
        for word in ["listening", "stopping", "stopped"] {
            assert!(log.contains(word), "{log}");
        }
        if !args.is_empty() {
            for line in log.lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(line["level"].is_string() && line["message"].is_string());
            }
            let line: serde_json::Value = serde_json::from_str(line(&known)).unwrap();
            assert_eq!(line["span"]["action"], "GetVideoInfo");
            assert_eq!(line["status"], 404);
        }
    }
}

#[test]
fn a_trusted_proxy_names_the_client() {
    let room = tempfile::tempdir().unwrap();
    let server = Server::start(
        &room.path().join("data"),
        "--trusted-proxy 127.0.0.1",
        "info",
    );
    server.ask(b"GET /nothing", "X-Forwarded-For: 1.2.3.4, 192.0.2.7\r\n");
    let log = server.stop();
    assert!(
        log.contains("client=192.0.2.7") && !log.contains("1.2.3.4"),
        "{log}"
    );
}

#[test]
fn an_internal_failure_is_logged_with_its_cause_and_hidden_from_the_client() {
    let room = tempfile::tempdir().unwrap();
    let data = room.path().join("data");
    // Also where only errors are logged, they have the request's id.
    let server = Server::start(&data, "", "error");
    let path = server.film(room.path(), &data);
    assert!(server.get(&path).starts_with("HTTP/1.1 200 "));
    // A link to itself (ELOOP).
    let media = data.join(path.split('?').next().unwrap().trim_start_matches('/'));
    std::fs::remove_file(&media).unwrap();
    std::os::unix::fs::symlink(&media, &media).unwrap();
    let media = server.get(&path);
    for (name, len) in [("kinora.db", 8192), ("kinora.db-wal", 0)] {
        std::fs::write(data.join(name), vec![b'x'; len]).unwrap();
    }
    let info = [("Action", "GetVideoInfo"), ("VideoId", VIDEO)];
    let asked = server.get(&server.signed(&server.key.1, 1, &info));
    let log = server.stop();
    for (answer, word, origin) in [
        (asked, "InternalError", "cause=the database failed: "),
        (
            media,
            "the media could not be read",
            "cause=Too many levels of symbolic links",
        ),
    ] {
        assert!(
            answer.starts_with("HTTP/1.1 500 ") && answer.contains(word),
            "{answer}"
        );
        assert!(!answer.contains("database") && !answer.contains("symbolic"));
        let id = request_id(&answer);
        let mut lines = log.lines().filter(|line| line.contains(id));
        let cause = lines.next().unwrap_or_else(|| panic!("{log}"));
        assert!(cause.contains(origin), "{cause}");
        assert!(lines.next().unwrap().contains("status=500"), "{log}");
    }
}

#[test]
fn findings_at_startup_are_logged_in_the_format_of_the_log() {
    for args in ["", "--log-format json"] {
        let room = tempfile::tempdir().unwrap();
        let data = room.path().join("data");
        Server::start(&data, args, "info").stop();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
        let log = Server::start(&data, args, "info").stop();
        let mut reported = log
            .lines()
            .filter(|line| line.contains("could be read by others"));
        let line = reported.next().unwrap_or_else(|| panic!("{log}"));
        assert!(reported.next().is_none() && line.contains("WARN"), "{log}");
        let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert!(args.is_empty() || log.lines().all(is_json), "{log}");
    }
}

const LINK: &str = "canary-auth-key-7XqPw2";
const SESSION: &str = "canary-token-Zk39LmVt";
const SIGNATURE: &str = "canary-signature-Tt55";
const PLAY_AUTH: &str = "canary-play-auth-Uu81";
const AUTH_INFO: &str = "canary-auth-info-Oo42";
const HEADER: &str = "canary-header-Rr17Qq";
const BODY: &str = "canary-body-Gg80Nn3";
const ROLE: &str = "canary-role-Ee61Vb";
const METHOD: &str = "CANARY-METHOD-QQ77";
const PARAMETER: &str = "canary-parameter-Jj93Sd";
const VIDEO_ID: &str = "ca9a12bdca9a12bdca9a12bdca9a12bd";

#[test]
fn no_secret_that_is_sent_is_logged() {
    let room = tempfile::tempdir().unwrap();
    let server = Server::start(&room.path().join("data"), "", "trace");
    let secret = server.key.1.clone();
    let headers = format!(
        "Authorization: Bearer {HEADER}\r\nCookie: sid={HEADER}\r\nReferer: http://h/?{HEADER}\r\n"
    );
    let play = ("Action", "GetPlayInfo");
    let info = ("AuthInfo", AUTH_INFO);
    let arn = ("RoleArn", PLAY_AUTH);
    for target in [
        format!("/media/{VIDEO}/fd.mp4?auth_key={LINK}&MtsHlsUriToken={SESSION}"),
        format!(
            "/?Action=GetPlayInfo&Version=2017-03-21&AccessKeyId={secret}&Signature={SIGNATURE}&SecurityToken={SESSION}&PlayAuth={PLAY_AUTH}&AuthInfo={AUTH_INFO}&SignatureNonce=1&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0"
        ),
        server.signed(&format!("{secret}x"), 1, &[play, info]),
        server.signed(&secret, 2, &[play, info, ("VideoId", VIDEO)]),
        server.signed(&secret, 3, &[("Action", "AssumeRole"), arn]),
        format!("/?Action={secret}&Version=2017-03-21"),
        format!("/{secret}/x"),
    ] {
        let answer = server.ask(format!("GET {target}").as_bytes(), &headers);
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let length = format!("Content-Length: {}\r\n", BODY.len());
    server.ask(b"POST /", &format!("{length}\r\n{BODY}"));
    server.ask(format!("{METHOD} /").as_bytes(), "");
    secrets_where_none_belongs(&server, &room.path().join("data"));

    let log = server.stop();
    assert!(log.lines().count() > 8, "{log}");
    let canaries = [
        secret.as_str(),
        LINK,
        SESSION,
        SIGNATURE,
        PLAY_AUTH,
        AUTH_INFO,
        HEADER,
        BODY,
        ROLE,
        METHOD,
        PARAMETER,
        VIDEO_ID,
    ];
    let canaries = canaries.map(|text| Canary::new(text, text));
    let found = leaks(
        &canaries,
        &[("the log".to_owned(), log.clone().into_bytes())],
    );
    assert!(found.is_empty(), "{found:#?}\n{log}");
}

const ASSUME: (&str, &str) = ("Action", "AssumeRole");
const STS: (&str, &str) = ("Version", "2015-04-01");
const ME: (&str, &str) = ("RoleSessionName", "me");
const PLAYER: (&str, &str) = ("RoleArn", "acs:ram::1:role/player");
const OTHER: (&str, &str) = ("RoleArn", "acs:ram::1:role/canary-role-Ee61Vb");
const EFFECT: &str = r#"{"Version":"1","Statement":[{"Effect":"canary-parameter-Jj93Sd"}]}"#;
const ELEMENT: &str = r#"{"canary-parameter-Jj93Sd":"1"}"#;
/// Refused to whomever.
const REFUSED: [&[(&str, &str)]; 5] = [
    &[("Action", "GetPlayInfo"), ("VideoId", VIDEO_ID)],
    &[("Action", "GetVideoPlayAuth"), ("VideoId", VIDEO_ID)],
    &[ASSUME, STS, ME, OTHER],
    &[ASSUME, STS, ME, PLAYER, ("Policy", EFFECT)],
    &[ASSUME, STS, ME, PLAYER, ("Policy", ELEMENT)],
];
const PARAMETERS: &str = "Format Version AccessKeyId SignatureMethod SignatureVersion Timestamp \
    SecurityToken AuthInfo AuthTimeout AuthInfoTimeout StreamType ResultType OutputType Formats \
    Definition PlayConfig DurationSeconds RoleSessionName Action VideoId RoleArn Policy";

/// In every parameter, of requests that are refused for it or for want of a right.
fn secrets_where_none_belongs(server: &Server, data: &Path) {
    let powerless = powerless_key(data);
    let mut nonce = 100;
    let mut refused = |key: &(String, String), params: &[(&str, &str)]| {
        nonce += 1;
        let answer = server.get(&server.signed_by(key, nonce, params));
        assert!(answer.starts_with("HTTP/1.1 40"), "{params:?}: {answer}");
        answer
    };
    for params in REFUSED {
        refused(&server.key, params);
        let answer = refused(&powerless, params);
        assert!(answer.contains("may not do"), "{answer}");
    }
    for name in PARAMETERS.split(' ') {
        for params in REFUSED {
            let mut params = params.to_vec();
            params.retain(|(given, _)| *given != name);
            params.push((name, PARAMETER));
            refused(&server.key, &params);
        }
    }
}

fn powerless_key(data: &Path) -> (String, String) {
    let made = Command::new(env!("CARGO_BIN_EXE_kinora"))
        .args(["account", "new-key", "--lang", "en", "--policy"])
        .arg(r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    let value = |mark: &str| {
        let rest = made.split(mark).nth(1).unwrap();
        rest.lines().next().unwrap().to_owned()
    };
    (value("KEY_ID="), value("KEY_SECRET="))
}

#[test]
fn no_client_writes_a_line_of_the_log() {
    for args in ["", "--log-format json"] {
        let room = tempfile::tempdir().unwrap();
        let server = Server::start(&room.path().join("data"), args, "trace");
        let forged = "%0a2026-01-01T00:00:00Z%20%20INFO%20forged%1b[2J%c2%9b2J%e2%80%ae";
        server.get(&format!(
            "/?Action=a{forged}&AccessKeyId=KN{forged}&Version={forged}"
        ));
        server.get(&server.signed("wrong", 1, &[("Action", "GetPlayInfo\n\u{1b}[2J")]));
        server.get(&format!("/{forged}/{forged}"));
        server.ask(b"GET /\xc2\x9b2J\xe2\x80\xae\x7f", "");
        server.ask(b"GE\x1bT /", "");
        server.ask(b"GET /", "X-Forwarded-For: \x1b[2J\r\nHost: \x1b[2J\r\n");
        let log = server.stop();
        assert!(log.lines().count() > 5, "{log}");
        let odd = |letter: char| letter != '\n' && (letter.is_control() || letter == '\u{202e}');
        assert!(!log.contains(odd), "{log:?}");
        for line in log.lines() {
            let is_ours = match args.is_empty() {
                true => {
                    line.starts_with("20") && line.contains("Z ") && !line.contains(" INFO forged")
                }
                false => serde_json::from_str::<serde_json::Value>(line).is_ok(),
            };
            assert!(is_ours, "{line}");
        }
    }
}

#[test]
fn a_log_that_nobody_reads_does_not_hold_the_service_up() {
    let room = tempfile::tempdir().unwrap();
    let server = Server::start(&room.path().join("data"), "", "info");
    let mut stream = server.connect();
    let target = "n".repeat(30);
    // Some 300 octets each: the pipe holds 64 KiB, the queue 4,096 lines.
    for _ in 0..6000 {
        let head = format!("GET /{target} HTTP/1.1\r\nHost: h\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            stream.read_exact(&mut octet).unwrap();
            answer.push(octet[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 404"));
    }
    drop(stream);
    let log = server.stop();
    assert!(
        log.contains("lines of the log were lost"),
        "{} lines",
        log.lines().count()
    );

    // And where standard error is not even open.
    let server = Server::start_in(&room.path().join("other"), "", "info", "exec 2>&-;");
    assert!(server.get("/nothing").starts_with("HTTP/1.1 404"));
    server.stop();
}

#[test]
fn the_level_is_a_word_of_five_or_off() {
    let room = tempfile::tempdir().unwrap();
    let server = Server::start(&room.path().join("data"), "", "off");
    server.get("/");
    assert_eq!(server.stop(), "");
    // The command line counts more than the environment.
    let server = Server::start(&room.path().join("data"), "--log info", "off");
    server.get("/");
    assert!(server.stop().contains("refused"));
    for bad in ["loud", "3", "kinora=trace"] {
        let done = Command::new(env!("CARGO_BIN_EXE_kinora"))
            .args(["serve", "--lang", "en", "--listen", "127.0.0.1:0", "--data"])
            .arg(room.path().join("unused"))
            .env("KINORA_LOG", bad)
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(2), "{bad}");
        let reported = String::from_utf8_lossy(&done.stderr);
        assert!(
            reported.contains("off, error, warn, info, debug or trace"),
            "{reported}"
        );
    }
    assert!(!room.path().join("unused").exists());
}

#[test]
fn more_silent_sockets_than_the_service_may_have_files_do_not_silence_it() {
    let room = tempfile::tempdir().unwrap();
    let server = Server::start_in(&room.path().join("data"), "", "warn", "ulimit -n 256;");
    let silent: Vec<TcpStream> = (0..300).map(|_| server.connect()).collect();
    for _ in 0..20 {
        assert!(server.get("/nothing").starts_with("HTTP/1.1 404"));
    }
    drop(silent);
    let log = server.stop();
    assert!(
        log.contains("limit reached") && log.contains("connections"),
        "{log}"
    );

    // Only the soft limit is low: it is raised.
    let server = Server::start_in(&room.path().join("soft"), "", "info", "ulimit -S -n 256;");
    assert!(server.stop().contains("connections=4096"));
}

#[test]
fn thousands_of_shut_streams_take_little_memory() {
    let room = tempfile::tempdir().unwrap();
    let data = room.path().join("data");
    let server = Server::start(&data, "", "warn");
    let path = server.film(room.path(), &data);
    let before = server.resident_kb();
    let mut attackers: Vec<TcpStream> = (0..50).map(|_| server.connect()).collect();
    for attacker in &mut attackers {
        attacker.write_all(&shut_streams(&path, 100)).unwrap();
    }
    // A hundred heads of answers, of more than 40 octets each.
    let mut got = vec![0; 100 * 40];
    for attacker in &mut attackers {
        attacker.read_exact(&mut got).unwrap();
    }
    // It has its share of requests at work: one more is refused, and at once.
    assert!(server.get("/nothing").starts_with("HTTP/1.1 503"));
    let grown = server.resident_kb().saturating_sub(before);
    assert!(grown < 100_000, "{grown} kB more");
    drop(attackers);
    server.stop();
}

/// An HTTP/2 client's first octets (RFC 9113 3.4, 6.2, 6.5): each stream's window is one octet, and stays so.
fn shut_streams(path: &str, count: u32) -> Vec<u8> {
    let mut octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    octets.extend_from_slice(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1]);
    // RFC 7541 6: `:method: GET` and `:scheme: http` of the static table, two literals.
    let mut block = vec![0x82, 0x86];
    for (name, value) in [(4, path), (1, "h")] {
        block.extend_from_slice(&[name, u8::try_from(value.len()).unwrap()]);
        assert!(value.len() < 127);
        block.extend_from_slice(value.as_bytes());
    }
    for number in 0..count {
        let len = u32::try_from(block.len()).unwrap().to_be_bytes();
        octets.extend_from_slice(&len[1..]);
        octets.extend_from_slice(&[1, 5]);
        octets.extend_from_slice(&(number * 2 + 1).to_be_bytes());
        octets.extend_from_slice(&block);
    }
    octets
}
