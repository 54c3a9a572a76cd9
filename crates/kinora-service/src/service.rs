use std::fs::File;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kinora_errors::Secret;
use tokio::net::TcpListener;
use tracing::warn;

use crate::clock::{Clock, SystemClock};
use crate::context::{AppState, ServiceLimits, open_files};
use crate::domain::AccessKey;
use crate::error::ServiceError;
use crate::library::Library;
use crate::server;
use crate::store::Nonces;

/// What the database has to end what it began, when the service stops: another process may hold it.
const CLOSING: Duration = Duration::from_secs(1);

/// How a service is set up.
#[derive(Clone)]
pub struct ServiceConfig {
    /// The directory that holds everything; made where there is none.
    pub data_dir: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address that clients see, where it differs: `https://media.example.com`. Otherwise the Host that a
    /// client asked for stands in the media URLs.
    pub public_url: Option<url::Url>,
    /// The region that play credentials name.
    pub region: String,
    /// How long requests in flight may take to end when the service stops.
    pub stop_grace: Duration,
    /// What clients may take.
    pub limits: ServiceLimits,
    /// The proxies that stand before the service: what they say in `X-Forwarded-For` of their clients is
    /// believed, for the log, for the limits that each client has and for the addresses in policies. Anybody else
    /// counts by its own address.
    pub trusted_proxies: Vec<IpAddr>,
    /// The service's time.
    pub clock: Arc<dyn Clock>,
}

impl ServiceConfig {
    /// The usual set-up.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen,
            public_url: None,
            region: "cn-shanghai".to_owned(),
            stop_grace: Duration::from_secs(5),
            limits: ServiceLimits::default(),
            trusted_proxies: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// A service that has its directory and its port, ready to run.
pub struct Service {
    library: Library,
    listener: TcpListener,
    address: SocketAddr,
    first_key: Option<AccessKey>,
    nonces: Nonces,
    public_url: Option<url::Url>,
    region: String,
    stop_grace: Duration,
    limits: ServiceLimits,
    trusted_proxies: Vec<IpAddr>,
    _lock: File,
}

impl Service {
    /// Opens the directory, removes what killed imports left, and takes the port. Connections made from now on
    /// are answered once [`Service::run`] runs.
    ///
    /// # Errors
    /// The directory cannot be used, another service runs on it, or the port is taken.
    pub async fn open(config: ServiceConfig) -> Result<Self, ServiceError> {
        let library = Library::create(&config.data_dir, config.clock).await?;
        let lock = library.lock()?;
        library.sweep().await;
        let nonces = library.nonces();
        let listener = server::listen(config.listen).await?;
        let address = listener
            .local_addr()
            .map_err(|source| ServiceError::Listen {
                address: config.listen,
                source,
            })?;
        // Last, so that a key is made only when somebody can be shown it.
        let first_key = library.first_access_key().await?;
        Ok(Self {
            library,
            listener,
            address,
            first_key,
            nonces,
            public_url: config.public_url,
            region: config.region,
            stop_grace: config.stop_grace,
            limits: config.limits.fitted(open_files()),
            trusted_proxies: config.trusted_proxies,
            _lock: lock,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its endpoint as a client names it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.address),
        }
    }

    /// The first access key, if it was made just now: the only time that its secret can be shown.
    #[must_use]
    pub fn first_access_key(&self) -> Option<&AccessKey> {
        self.first_key.as_ref()
    }

    /// The operator's hand on the same directory.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// Answers requests until `shutdown` is done; then lets those in flight end, within the grace.
    ///
    /// # Errors
    /// The port can no longer be used.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServiceError> {
        let state = AppState {
            core: self.library.core.clone(),
            nonces: self.nonces,
            address: self.address,
            public_url: self.public_url,
            region: self.region,
            url_key: Secret::new(self.library.core.master.derive("url-auth", "media")),
            limits: Arc::new(self.limits),
        };
        server::run(
            self.listener,
            Arc::new(state),
            &self.trusted_proxies,
            shutdown,
            self.stop_grace,
        )
        .await;
        let closed = tokio::time::timeout(CLOSING, self.library.close()).await;
        if closed.is_err() {
            warn!(
                "another process holds the database: it is left as a kill would leave it, which it withstands"
            );
        }
        Ok(())
    }
}
