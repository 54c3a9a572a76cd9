//! HTTP and HTTPS as a transport, on a runtime that the first request starts.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use kinora_errors::Fault;
use tokio::runtime::{Builder, Runtime};

use crate::http::Client;
use crate::inspect::Exchange;
use crate::net::get_or_start;
use crate::target::web_url;
use crate::{FetchRequest, NetConfig, NetError, Resolve, ResponseSink, Transport};

/// What `http:` and `https:` lead to.
pub(crate) struct HttpTransport {
    client: Arc<Client>,
    runtime: OnceLock<Runtime>,
    /// Held while the runtime is started.
    starting: Mutex<()>,
}

impl HttpTransport {
    pub(crate) fn new(config: NetConfig, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            client: Arc::new(Client::new(config, resolver)),
            runtime: OnceLock::new(),
            starting: Mutex::new(()),
        }
    }

    pub(crate) fn set_timeout(&self, silence: Duration) {
        self.client.set_timeout(silence);
    }

    pub(crate) fn forget_connections(&self) {
        self.client.forget_connections();
    }

    /// See [`Net::survey`](crate::Net::survey).
    pub(crate) fn inspect(&self, url: &str) -> Result<Vec<Exchange>, Fault> {
        let refused = |error: NetError| error.into_fault().at_url(url);
        let target = web_url(url).map_err(refused)?;
        let runtime = self
            .runtime()
            .map_err(|error| refused(NetError::Start(error)))?;
        let client = Arc::clone(&self.client);
        Ok(runtime.block_on(async move { client.inspect(target).await }))
    }

    fn runtime(&self) -> io::Result<&Runtime> {
        get_or_start(&self.runtime, &self.starting, || {
            Builder::new_multi_thread()
                .worker_threads(1)
                .max_blocking_threads(8)
                .thread_name("kinora-net")
                .enable_all()
                .build()
        })
    }
}

impl Transport for HttpTransport {
    fn schemes(&self) -> &[&str] {
        &["http", "https"]
    }

    fn open(&self, request: FetchRequest, response: ResponseSink) {
        let url = web_url(request.url.expose());
        let ready = url.and_then(|url| Ok((url, self.runtime().map_err(NetError::Start)?)));
        match ready {
            Ok((url, runtime)) => {
                let client = Arc::clone(&self.client);
                runtime.spawn(client.run(url, request, response));
            }
            Err(error) => response.fail(error.into_fault().at_url(request.url.expose())),
        }
    }
}

impl Drop for HttpTransport {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
