//! Clients that are silent, slow, or take nothing: over real sockets, with short limits.

use std::time::Duration;

use axum::http::Request;
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::*;

/// Longer than anything here lasts, on a machine that does much else.
const BOUND: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);
/// More than sockets hold.
const FILM_LEN: usize = 24 << 20;

struct Stage {
    _dir: tempfile::TempDir,
    service: Running,
    film: String,
    small: String,
}

impl Stage {
    async fn new(limits: ServiceLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::now());
        let (service, key) = Running::start_with(&dir.path().join("data"), clock, limits).await;
        let key = key.unwrap();
        let film = vec![7; FILM_LEN];
        let renditions = [rendition("fd.mp4", Format::Mp4, RenditionEncryption::None)];
        let film = service.publish_as(&[("fd.mp4", &film)], &renditions).await;
        let small = service.publish().await;
        let film = service.play_url(&key, &film, "mp4").await;
        let small = service.play_url(&key, &small, "mp4").await;
        Self {
            _dir: dir,
            service,
            film,
            small,
        }
    }
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.service.address).await.unwrap()
    }
    /// Asks for the film and reads nothing of it.
    async fn stare(&self, from: &str) -> TcpStream {
        let mut stream = connect_from(from, self.service.address).await;
        let head = format!("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", self.film);
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.ready(Interest::READABLE).await.unwrap();
        stream
    }
    async fn get_small(&self) -> Reply {
        timeout(BOUND, self.service.get(&self.small, &[]))
            .await
            .unwrap()
    }
}

/// From another loopback address: another client, as limits see it.
async fn connect_from(from: &str, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(SocketAddr::new(from.parse().unwrap(), 0))
        .unwrap();
    SockRef::from(&socket)
        .set_recv_buffer_size(16 * 1024)
        .unwrap();
    socket.connect(address).await.unwrap()
}

/// Waits until the other side has closed; what it sent before that.
async fn closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut sent = Vec::new();
    let _ = timeout(BOUND, stream.read_to_end(&mut sent))
        .await
        .expect("it is closed in time");
    sent
}

/// A connection of HTTP/2, without TLS.
pub(super) struct H2 {
    send: SendRequest<Bytes>,
}

pub(super) struct Answer(ResponseFuture);

impl H2 {
    /// With that window for each stream; what comes is read, and no window is opened further by itself.
    pub(super) async fn connect(address: SocketAddr, window: u32) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap(), window).await
    }
    async fn over(stream: TcpStream, window: u32) -> Self {
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(window);
        let (send, connection) = builder.handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { send }
    }
    pub(super) async fn get(&mut self, uri: &str) -> Answer {
        let request = Request::get(uri).body(()).unwrap();
        self.send = self.send.clone().ready().await.unwrap();
        let (answer, _) = self.send.send_request(request, true).unwrap();
        Answer(answer)
    }
}

impl Answer {
    async fn begun(self) -> (u16, h2::RecvStream) {
        let answer = timeout(BOUND, self.0).await.unwrap().unwrap();
        (answer.status().as_u16(), answer.into_body())
    }
    pub(super) async fn whole(self) -> (u16, Vec<u8>) {
        let (status, mut body) = self.begun().await;
        let mut whole = Vec::new();
        while let Some(piece) = timeout(BOUND, body.data()).await.unwrap() {
            whole.extend_from_slice(&piece.unwrap());
        }
        (status, whole)
    }
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed_at_each_of_its_steps() {
    for (first_byte, head) in [(SHORT, BOUND), (BOUND, SHORT)] {
        let limits = ServiceLimits {
            first_byte,
            head,
            ..ServiceLimits::default()
        };
        let stage = Stage::new(limits).await;
        let begun: &[&[u8]] = match first_byte == SHORT {
            true => &[b""],
            false => &[
                b"G",
                b"PRI * HTTP/2.0\r\n",
                b"GET / HTTP/1.1\r\nHost: h\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            ],
        };
        for bytes in begun {
            let mut stream = stage.connect().await;
            stream.write_all(bytes).await.unwrap();
            let sent = closed(&mut stream).await;
            assert!(!sent.starts_with(b"HTTP/1.1 200"), "{bytes:?}");
        }
        stage.service.stop().await;
    }
}

#[tokio::test]
async fn a_head_that_comes_drop_by_drop_is_not_waited_for() {
    let limits = ServiceLimits {
        head: SHORT,
        ..ServiceLimits::default()
    };
    let stage = Stage::new(limits).await;
    let mut stream = stage.connect().await;
    let mut every = tokio::time::interval(SHORT / 10);
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    let dripping = async {
        while stream.write_all(b"x").await.is_ok() {
            every.tick().await;
        }
    };
    timeout(BOUND, dripping).await.unwrap();
    stage.service.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let limits = ServiceLimits {
        body: SHORT,
        ..ServiceLimits::default()
    };
    let stage = Stage::new(limits).await;
    let mut stream = stage.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nAction=";
    stream.write_all(head).await.unwrap();
    let answer = String::from_utf8(closed(&mut stream).await).unwrap();
    assert!(answer.contains("did not arrive in time"), "{answer}");
    stage.service.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_an_http2_client_gets_goaway() {
    let limits = ServiceLimits {
        idle: SHORT,
        ..ServiceLimits::default()
    };
    let stage = Stage::new(limits).await;
    let mut stream = stage.connect().await;
    let head = format!("HEAD {} HTTP/1.1\r\nHost: h\r\n\r\n", stage.small);
    // Kept alive from one request to the next.
    for _ in 0..2 {
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        let mut rest = Vec::new();
        while !rest.ends_with(b"\r\n\r\n") {
            rest.push(stream.read_u8().await.unwrap());
        }
    }
    assert!(closed(&mut stream).await.is_empty());

    let stream = stage.connect().await;
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    let ended = tokio::spawn(connection);
    let uri = format!("http://{}{}", stage.service.address, stage.small);
    let request = Request::head(uri).body(()).unwrap();
    let (answer, _) = send.send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    // GOAWAY without an error, then the end: not a connection that broke off.
    assert!(timeout(BOUND, ended).await.unwrap().unwrap().is_ok());
    stage.service.stop().await;
}

#[tokio::test]
async fn a_reader_that_never_reads_is_cut_off() {
    let limits = ServiceLimits {
        write_stall: SHORT,
        requests_per_client: 1,
        ..ServiceLimits::default()
    };
    let stage = Stage::new(limits).await;
    let stream = stage.stare("127.0.0.2").await;
    // Its own limit is used up, and no other's.
    let mut second = connect_from("127.0.0.2", stage.service.address).await;
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        stage.small
    );
    second.write_all(head.as_bytes()).await.unwrap();
    let answer = String::from_utf8(closed(&mut second).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        answer.contains("retry-after: 1") && answer.contains("<Code>ServiceUnAvailable</Code>")
    );
    assert_eq!(stage.get_small().await.status, 200);

    timeout(BOUND, stream.ready(Interest::ERROR))
        .await
        .expect("it is reset in time")
        .unwrap();
    let mut third = connect_from("127.0.0.2", stage.service.address).await;
    third.write_all(head.as_bytes()).await.unwrap();
    assert!(closed(&mut third).await.starts_with(b"HTTP/1.1 200 "));
    stage.service.stop().await;
}

#[tokio::test]
async fn a_reader_that_reads_slowly_gets_all() {
    let limits = ServiceLimits {
        write_stall: SHORT * 3,
        ..ServiceLimits::default()
    };
    let stage = Stage::new(limits).await;
    let mut stream = stage.stare("127.0.0.2").await;
    let mut every = tokio::time::interval(SHORT / 4);
    let mut piece = vec![0; 1 << 20];
    // Longer, all in all, than an answer may lie untaken.
    for at in 0..FILM_LEN >> 20 {
        every.tick().await;
        let read = timeout(BOUND, stream.read_exact(&mut piece)).await.unwrap();
        assert!(read.is_ok(), "cut off after {at} MiB");
    }
    stage.service.stop().await;
}

#[tokio::test]
async fn streams_whose_window_is_shut_are_reset_and_their_connection_lives() {
    let limits = ServiceLimits {
        write_stall: SHORT,
        ..ServiceLimits::default()
    };
    let stage = Stage::new(limits).await;
    let address = stage.service.address;
    for (window, target) in [
        (0, &stage.film),
        (1, &stage.film),
        (0, &stage.small),
        (1, &stage.small),
    ] {
        let mut h2 = H2::connect(address, window).await;
        let uri = format!("http://{address}{target}");
        let mut answers = Vec::new();
        for _ in 0..3 {
            answers.push(h2.get(&uri).await);
        }
        for answer in answers {
            let (status, mut body) = answer.begun().await;
            assert_eq!(status, 200);
            let ended = async {
                loop {
                    match body.data().await {
                        Some(Ok(_)) => {}
                        other => return other,
                    }
                }
            };
            let ended = timeout(BOUND, ended).await.expect("it is reset in time");
            let error = ended.expect("it is not sent whole").unwrap_err();
            assert_eq!(error.reason(), Some(h2::Reason::CANCEL), "window {window}");
        }
        let (status, _) = h2
            .get(&format!("http://{address}/nothing"))
            .await
            .whole()
            .await;
        assert_eq!(status, 404);
    }
    stage.service.stop().await;
}

#[tokio::test]
async fn http2_gets_media_whole() {
    let stage = Stage::new(ServiceLimits::default()).await;
    let address = stage.service.address;
    // Windows large enough for all, as the client here opens none.
    let mut h2 = H2::connect(address, 1 << 20).await;
    for _ in 0..3 {
        let (status, body) = h2
            .get(&format!("http://{address}{}", stage.small))
            .await
            .whole()
            .await;
        assert_eq!((status, &body[..]), (200, &MP4[..]));
    }
    stage.service.stop().await;
}

#[tokio::test]
async fn who_takes_nothing_uses_up_his_own_share_only() {
    let limits = ServiceLimits {
        bytes_in_flight: 512 * 1024,
        bytes_in_flight_per_client: 256 * 1024,
        ..ServiceLimits::default()
    };
    let stage = Stage::new(limits).await;
    let address = stage.service.address;
    let uri = format!("http://{address}{}", stage.film);
    let mut h2 = H2::over(connect_from("127.0.0.2", address).await, 1).await;
    let mut stalled = Vec::new();
    for _ in 0..50 {
        let (status, body) = h2.get(&uri).await.begun().await;
        assert_eq!(status, 200);
        stalled.push(body);
    }
    // 50 streams would hold 1.6 MB; another client's answer finds room, and at once.
    let small = timeout(
        Duration::from_secs(10),
        stage.service.get(&stage.small, &[]),
    )
    .await;
    assert_eq!(small.unwrap().body, MP4);
    stage.service.stop().await;
}

#[tokio::test]
async fn silent_sockets_give_way_to_who_asks() {
    for (connections, connections_per_client) in [(20, 20), (100, 10)] {
        let limits = ServiceLimits {
            connections,
            connections_per_client,
            ..ServiceLimits::default()
        };
        let stage = Stage::new(limits).await;
        let mut silent = Vec::new();
        for _ in 0..200 {
            silent.push(stage.connect().await);
        }
        for _ in 0..30 {
            assert_eq!(stage.get_small().await.body, MP4);
        }
        // The first ones left first, long before their time.
        assert!(closed(&mut silent[0]).await.is_empty());
        stage.service.stop().await;
    }
}

#[tokio::test]
async fn answers_that_lie_untaken_give_way_to_who_asks() {
    let limits = ServiceLimits {
        connections: 4,
        write_stall: BOUND,
        ..ServiceLimits::default()
    };
    let stage = Stage::new(limits).await;
    let mut staring = Vec::new();
    for _ in 0..4 {
        staring.push(stage.stare("127.0.0.2").await);
    }
    // None has lain for a quarter of the limit yet, so newcomers are closed; then one of them gives way.
    let served = async {
        let mut every = tokio::time::interval(SHORT);
        let mut refused = 0;
        loop {
            let mut stream = stage.connect().await;
            let head = format!(
                "GET {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                stage.small
            );
            let _ = stream.write_all(head.as_bytes()).await;
            if closed(&mut stream).await.starts_with(b"HTTP/1.1 200 ") {
                return refused;
            }
            refused += 1;
            every.tick().await;
        }
    };
    assert!(timeout(BOUND, served).await.unwrap() > 0);
    stage.service.stop().await;
}

#[tokio::test]
async fn streams_that_use_up_all_requests_give_way_long_before_their_time() {
    let limits = ServiceLimits {
        requests: 2,
        write_stall: BOUND / 2,
        ..ServiceLimits::default()
    };
    let stage = Stage::new(limits.clone()).await;
    let address = stage.service.address;
    let uri = format!("http://{address}{}", stage.film);
    let mut h2 = H2::over(connect_from("127.0.0.2", address).await, 1).await;
    let began = std::time::Instant::now();
    let stalled = [
        h2.get(&uri).await.begun().await,
        h2.get(&uri).await.begun().await,
    ];
    assert_eq!(stage.get_small().await.status, 503);
    let served = async {
        let mut every = tokio::time::interval(SHORT);
        while stage.get_small().await.status != 200 {
            every.tick().await;
        }
    };
    timeout(BOUND, served).await.unwrap();
    assert!(
        began.elapsed() < limits.write_stall,
        "{:?}",
        began.elapsed()
    );
    drop(stalled);
    stage.service.stop().await;
}

#[tokio::test]
async fn a_stop_ends_idle_connections_at_once_and_cuts_what_outlasts_the_grace() {
    for stares in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::now());
        let mut config = config(&dir.path().join("data"), &clock);
        config.stop_grace = if stares { SHORT } else { BOUND * 2 };
        let (service, key) = Running::start_as(config, clock).await;
        let film = vec![7; FILM_LEN];
        let renditions = [rendition("fd.mp4", Format::Mp4, RenditionEncryption::None)];
        let id = service.publish_as(&[("fd.mp4", &film)], &renditions).await;
        let film = service.play_url(&key.unwrap(), &id, "mp4").await;
        let mut stream = connect_from("127.0.0.2", service.address).await;
        let method = if stares { "GET" } else { "HEAD" };
        let head = format!("{method} {film} HTTP/1.1\r\nHost: h\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.ready(Interest::READABLE).await.unwrap();
        timeout(BOUND, service.stop())
            .await
            .expect("it stops in time");
        assert!(closed(&mut stream).await.len() < FILM_LEN);
    }
}
