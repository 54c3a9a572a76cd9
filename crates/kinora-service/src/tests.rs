//! A real service on a free port, asked over loopback.

mod acs3;
mod connections;
mod delivery;
mod gateway;
mod import;
mod library;
mod media;
mod nonces;
mod policies;
mod protection;
mod requests;
mod rights;
mod storage;
mod tamper;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kinora_cloud::sign::SignatureMethod;
use kinora_cloud::{HttpMethod, PlayAuth, UnixTime};
use kinora_errors::Secret;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::data_dir::Core;
use crate::domain::{
    AccessKey, Definition, Format, Rendition, RenditionEncryption, Video, VideoDetails, VideoId,
    VideoStatus,
};
use crate::{Clock, Library, ManualClock, Service, ServiceConfig, ServiceLimits};

static NONCE: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) library: Library,
    pub(crate) clock: Arc<ManualClock>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

pub(crate) fn config(dir: &Path, clock: &Arc<ManualClock>) -> ServiceConfig {
    let mut config = ServiceConfig::new(dir, SocketAddr::from(([127, 0, 0, 1], 0)));
    config.clock = clock.clone();
    config
}

impl Running {
    /// A service on a directory of its own, and its first key.
    pub(crate) async fn alone(clock: ManualClock) -> (tempfile::TempDir, Self, Triple) {
        let dir = tempfile::tempdir().unwrap();
        let (service, key) = Self::start(&dir.path().join("data"), Arc::new(clock)).await;
        (dir, service, key.unwrap())
    }
    pub(crate) async fn start(dir: &Path, clock: Arc<ManualClock>) -> (Self, Option<Triple>) {
        Self::start_with(dir, clock, ServiceLimits::default()).await
    }
    pub(crate) async fn start_with(
        dir: &Path,
        clock: Arc<ManualClock>,
        limits: ServiceLimits,
    ) -> (Self, Option<Triple>) {
        let mut config = config(dir, &clock);
        config.limits = limits;
        Self::start_as(config, clock).await
    }
    pub(crate) async fn start_as(
        config: ServiceConfig,
        clock: Arc<ManualClock>,
    ) -> (Self, Option<Triple>) {
        let service = Service::open(config).await.unwrap();
        let key = service.first_access_key().map(Triple::permanent);
        let (stop, stopped) = oneshot::channel();
        let (address, library) = (service.address(), service.library().clone());
        let task = tokio::spawn(async move {
            service
                .run(async {
                    let _ = stopped.await;
                })
                .await
                .unwrap();
        });
        (
            Self {
                address,
                library,
                clock,
                stop,
                task,
            },
            key,
        )
    }
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
    pub(crate) async fn get(&self, target: &str, headers: &[(&str, &str)]) -> Reply {
        ask(self.address, "GET", target, headers, b"").await
    }
    pub(crate) async fn call(&self, key: &Triple, params: &[(&str, &str)]) -> Reply {
        self.get(&format!("/?{}", self.signed("GET", key, params)), &[])
            .await
    }
    /// A signed query; a parameter given as empty is left out.
    pub(crate) fn signed(&self, method: &str, key: &Triple, params: &[(&str, &str)]) -> String {
        let nonce = format!("nonce-{}", NONCE.fetch_add(1, Ordering::Relaxed));
        let timestamp = UnixTime::from_millis(self.clock.unix_ms()).to_string();
        let mut all: BTreeMap<&str, &str> = BTreeMap::from([
            ("Format", "JSON"),
            ("Version", "2017-03-21"),
            ("AccessKeyId", &*key.id),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &*nonce),
            ("Timestamp", &*timestamp),
            ("SecurityToken", key.token.as_deref().unwrap_or_default()),
        ]);
        all.extend(params.iter().copied());
        all.retain(|_, value| !value.is_empty());
        let pairs: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, *value)).collect();
        let method = if method == "POST" {
            HttpMethod::Post
        } else {
            HttpMethod::Get
        };
        let by = all.get("SignatureMethod").copied().unwrap_or_default();
        let by = SignatureMethod::parse(by).unwrap_or_default();
        let signature = by.signature(&Secret::new(&*key.secret), method, &pairs);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .extend_pairs(&all)
            .append_pair("Signature", &signature);
        query.finish()
    }
    /// A video of one MP4 and one HLS rendition, without FFmpeg.
    pub(crate) async fn publish(&self) -> VideoId {
        let files: [(&str, &[u8]); 3] = [
            ("fd.mp4", &MP4),
            (
                "fd.m3u8",
                b"#EXTM3U\n#EXTINF:4,\nfd-00000.ts\n#EXT-X-ENDLIST\n",
            ),
            ("fd-00000.ts", b"segment"),
        ];
        let renditions = [
            rendition("fd.mp4", Format::Mp4, RenditionEncryption::None),
            rendition("fd.m3u8", Format::M3u8, RenditionEncryption::None),
        ];
        self.publish_as(&files, &renditions).await
    }
    /// A video of one HLS rendition with a key.
    pub(crate) async fn publish_encrypted(&self) -> VideoId {
        let files: [(&str, &[u8]); 3] = [
            ("fd.m3u8", b"#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"fd.key\"\n#EXTINF:4,\nfd-00000.ts\n#EXT-X-ENDLIST\n"),
            ("fd-00000.ts", b"segment"),
            ("fd.key", b"0123456789abcdef"),
        ];
        let renditions = [rendition("fd.m3u8", Format::M3u8, RenditionEncryption::Hls)];
        self.publish_as(&files, &renditions).await
    }
    pub(crate) async fn publish_as(
        &self,
        files: &[(&str, &[u8])],
        renditions: &[Rendition],
    ) -> VideoId {
        let core = &self.library.core;
        let id = Core::new_video_id().unwrap();
        let prepared = core.staging().join("prepared");
        std::fs::create_dir(&prepared).unwrap();
        for (name, content) in files {
            std::fs::write(prepared.join(name), content).unwrap();
        }
        let mut video = Video {
            id: id.clone(),
            title: "<Title> & more".into(),
            status: VideoStatus::Transcoding,
            duration_s: 4.0,
            size: 1000,
            cover: None,
            created_ms: 0,
            details: VideoDetails::default(),
        };
        core.videos.insert_video(&video).await.unwrap();
        core.objects.adopt(&id, &prepared).await.unwrap();
        video.status = VideoStatus::Normal;
        core.videos.finish_video(&video, renditions).await.unwrap();
        id
    }
    pub(crate) async fn play_auth(&self, key: &Triple, id: &VideoId) -> (Triple, String) {
        let reply = self
            .call(
                key,
                &[("Action", "GetVideoPlayAuth"), ("VideoId", id.as_str())],
            )
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        Triple::of_play_auth(&reply)
    }
    /// The path and query of the first URL that GetPlayInfo gives for a format.
    pub(crate) async fn play_url(&self, key: &Triple, id: &VideoId, format: &str) -> String {
        let reply = self
            .call(
                key,
                &[
                    ("Action", "GetPlayInfo"),
                    ("VideoId", id.as_str()),
                    ("Formats", format),
                ],
            )
            .await;
        let url = reply.json()["PlayInfoList"]["PlayInfo"][0]["PlayURL"]
            .as_str()
            .unwrap()
            .to_owned();
        target_of(&url)
    }
}

pub(crate) const MP4: [u8; 1000] = [7; 1000];

pub(crate) fn target_of(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}

pub(crate) fn rendition(file: &str, format: Format, encryption: RenditionEncryption) -> Rendition {
    Rendition {
        file: file.into(),
        format,
        definition: Definition::Fd,
        encryption,
        audio_only: false,
        bitrate_kbps: 500.0,
        fps: 25.0,
        duration_s: 4.0,
        size: 1000,
        width: 640,
        height: 360,
    }
}

#[derive(Clone)]
pub(crate) struct Triple {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl Triple {
    pub(crate) fn permanent(key: &AccessKey) -> Self {
        Self {
            id: key.id.clone(),
            secret: key.secret.expose().to_owned(),
            token: None,
        }
    }
    /// That of a play credential, and its AuthInfo.
    pub(crate) fn of_play_auth(reply: &Reply) -> (Self, String) {
        let reply = kinora_cloud::vod::parse_video_play_auth(reply.status, &reply.body).unwrap();
        let auth = PlayAuth::decode(reply.play_auth.expose()).unwrap();
        let triple = Self {
            id: auth.access_key_id,
            secret: auth.access_key_secret.expose().to_owned(),
            token: Some(auth.security_token.expose().to_owned()),
        };
        (triple, auth.auth_info.expose().to_owned())
    }
    pub(crate) fn of(json: &Value) -> Self {
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Self {
            id: text("AccessKeyId"),
            secret: text("AccessKeySecret"),
            token: Some(text("SecurityToken")),
        }
    }
}

/// A service on a directory of its own, its first key and a video that is published.
pub(crate) async fn with_a_video() -> (tempfile::TempDir, Running, Triple, VideoId) {
    let (dir, service, key) = Running::alone(ManualClock::now()).await;
    let id = service.publish().await;
    (dir, service, key, id)
}

/// The answer to AssumeRole for the role `player`.
pub(crate) async fn assume(service: &Running, key: &Triple, more: &[(&str, &str)]) -> Reply {
    let mut params = vec![
        ("Action", "AssumeRole"),
        ("Version", "2015-04-01"),
        ("RoleArn", "acs:ram::1:role/player"),
        ("RoleSessionName", "viewer"),
    ];
    params.extend(more);
    service.call(key, &params).await
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }
    pub(crate) fn code(&self) -> String {
        self.json()["Code"].as_str().unwrap_or_default().to_owned()
    }
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// One request on a connection of its own.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Reply {
        status,
        headers,
        body: answer[end + 4..].to_vec(),
    }
}
