//! A real service on loopback with one real video, behind a proxy.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kinora::{Secret, Source, VidAuth, VidSts};
use kinora_cloud::sts::AssumeRole;
use kinora_cloud::{Credentials, Endpoint, UnixTime};
use kinora_media::RequestId;
use kinora_net::{FetchRequest, Net, NetConfig};
use kinora_service::{
    AccessKey, Clock, ImportOptions, Library, ManualClock, Policy, RamRole, Service, ServiceConfig,
    SystemClock, TrustPolicy, VideoId,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::proxy::Proxy;
use crate::{PATIENCE, clips};

/// A data directory with one video and one key, made once for all tests of a program.
struct Template {
    dir: TempDir,
    video: VideoId,
    key: AccessKey,
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("room");
        let film = clips::film(dir.path());
        let runtime = Runtime::new().expect("a runtime");
        let (video, key) = runtime.block_on(async {
            let library = Library::create(&dir.path().join("data"), Arc::new(SystemClock))
                .await
                .expect("a library");
            let key = library.new_access_key(Policy::all()).await.expect("a key");
            let video = library
                .import(&film, ImportOptions::default(), |_| {})
                .await
                .expect("a video");
            library.close().await;
            (video, key)
        });
        Template { dir, video, key }
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("room");
    for entry in std::fs::read_dir(from).expect("the template") {
        let entry = entry.expect("the template");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("room");
        }
    }
}

/// The service, its clock and the proxy before it.
pub struct Stage {
    /// Everything that reaches the service through [`Stage::endpoint`] passes here.
    pub proxy: Proxy,
    /// The service's clock; stands still until it is moved.
    pub clock: Arc<ManualClock>,
    /// What the operator can do.
    pub library: Library,
    /// The video.
    pub video: VideoId,
    /// Where the service itself listens; the proxy passes no bodies of requests on.
    pub address: SocketAddr,
    /// A key that may do everything.
    pub key: AccessKey,
    runtime: Runtime,
    stop: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    dir: TempDir,
}

impl Stage {
    /// A fresh service whose clock agrees with this machine's.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Duration::ZERO)
    }

    /// A fresh service whose clock is behind by so much.
    #[must_use]
    pub fn at(behind: Duration) -> Self {
        let template = template();
        let dir = tempfile::tempdir().expect("room");
        copy(&template.dir.path().join("data"), &dir.path().join("data"));
        let behind = i64::try_from(behind.as_millis()).expect("a short time");
        let clock = Arc::new(ManualClock::at_ms(SystemClock.unix_ms() - behind));
        let runtime = Runtime::new().expect("a runtime");
        let mut config = ServiceConfig::new(
            dir.path().join("data"),
            SocketAddr::from(([127, 0, 0, 1], 0)),
        );
        config.clock = clock.clone();
        let service = runtime.block_on(Service::open(config)).expect("a service");
        let address = service.address();
        let (library, proxy) = (service.library().clone(), Proxy::before(service.address()));
        let (stop, stopped) = oneshot::channel();
        let task = runtime.spawn(async move {
            let end = async {
                let _ = stopped.await;
            };
            service
                .run(end)
                .await
                .expect("a service that stops cleanly");
        });
        Self {
            proxy,
            clock,
            library,
            video: template.video.clone(),
            address,
            key: template.key.clone(),
            runtime,
            stop: Some((stop, task)),
            dir,
        }
    }

    /// Runs what the operator does.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
    /// The service's database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.dir.path().join("data/kinora.db")
    }
    /// Where the service is asked, through the proxy.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.proxy.url("")
    }

    /// The video by a fresh play credential.
    #[must_use]
    pub fn auth(&self) -> VidAuth {
        let play_auth = self
            .run(self.library.play_auth(&self.video, 3_000))
            .expect("a credential");
        VidAuth {
            vid: self.video.to_string(),
            play_auth,
            endpoint: Some(self.endpoint()),
            ..VidAuth::default()
        }
    }
    /// The video by a key.
    #[must_use]
    pub fn by_key(&self, key: &AccessKey) -> VidSts {
        VidSts {
            vid: self.video.to_string(),
            access_key_id: key.id.clone(),
            access_key_secret: key.secret.clone(),
            endpoint: Some(self.endpoint()),
            ..VidSts::default()
        }
    }
    /// The video by a temporary key that may do `actions`: a role is made and assumed.
    ///
    /// # Panics
    /// When the service refuses.
    #[must_use]
    pub fn sts(&self, actions: &[&str], duration_s: u64) -> VidSts {
        let role = RamRole {
            name: "viewer".into(),
            policy: Policy::allowing(actions).expect("actions"),
            trust: TrustPolicy::account(),
        };
        self.run(self.library.put_role(&role)).expect("a role");
        let call = AssumeRole {
            role_arn: "acs:ram::1:role/viewer".into(),
            role_session_name: "test".into(),
            duration_s: Some(duration_s),
            policy: None,
        };
        let signer = Credentials {
            access_key_id: self.key.id.clone(),
            access_key_secret: self.key.secret.clone(),
            security_token: None,
        };
        let endpoint = Endpoint::parse(&self.endpoint()).expect("an endpoint");
        let now = UnixTime::from_millis(self.clock.unix_ms());
        let signed = call.request().sign(
            &endpoint,
            &signer,
            &format!("assume-{duration_s}-{}", actions.len()),
            now,
        );
        let mut request = FetchRequest::api(RequestId(0), signed.url.expose());
        request.headers = signed.headers;
        let reply = Net::new(NetConfig::default(), |_| {})
            .get(request, 1 << 16, PATIENCE)
            .expect("a reply");
        let session =
            kinora_cloud::sts::parse_assumed_role(reply.info.status.unwrap_or(200), &reply.body);
        let session = session.expect("a session").credentials;
        VidSts {
            access_key_id: session.access_key_id,
            access_key_secret: session.access_key_secret,
            security_token: session.security_token,
            ..self.by_key(&self.key)
        }
    }
    /// A signed URL of the video's file, through the proxy.
    ///
    /// # Panics
    /// When the service refuses.
    #[must_use]
    pub fn media_url(&self) -> Secret {
        let source = kinora_cloud::VidSource::Sts(VidSts {
            options: kinora::PlayOptions {
                formats: "mp4".into(),
                ..Default::default()
            },
            ..self.by_key(&self.key)
        });
        let now = UnixTime::from_millis(self.clock.unix_ms());
        let signed =
            kinora_cloud::get_play_info(&source, &format!("media-{}", self.clock.unix_ms()), now)
                .expect("a call");
        let request = FetchRequest::get(RequestId(0), signed.url.into_secret().expose());
        let reply = Net::new(NetConfig::default(), |_| {})
            .get(request, 1 << 20, PATIENCE)
            .expect("a reply");
        let info = kinora_cloud::parse_play_info(200, &reply.body).expect("play info");
        info.play_info_list.play_info[0]
            .play_url
            .clone()
            .into_secret()
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some((stop, task)) = self.stop.take() {
            let _ = stop.send(());
            let _ = self.runtime.block_on(task);
        }
    }
}

/// A source by a play credential.
#[must_use]
pub fn by_auth(source: VidAuth) -> Source {
    Source::VidAuth(Box::new(source))
}

/// A source by a key.
#[must_use]
pub fn by_sts(source: VidSts) -> Source {
    Source::VidSts(Box::new(source))
}
