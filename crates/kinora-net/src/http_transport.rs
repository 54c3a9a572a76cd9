//! HTTP and HTTPS as a transport, on a runtime that the first request starts.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use kinora_errors::Fault;
use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;

use crate::http::Client;
use crate::inspect::Exchange;
use crate::net::get_or_start;
use crate::target::web_url;
use crate::{FetchRequest, NetConfig, NetError, Resolve, ResponseSink, Transport};

/// What `http:` and `https:` lead to.
pub(crate) struct HttpTransport {
    client: Arc<Client>,
    runtime: OnceLock<Started>,
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
        Ok(runtime
            .handle
            .block_on(async move { client.inspect(target).await }))
    }

    fn runtime(&self) -> io::Result<&Started> {
        get_or_start(&self.runtime, &self.starting, Started::start)
    }
}

/// A runtime on a thread of its own, until it is dropped. One that starts its threads itself panics where it gets none.
struct Started {
    handle: Handle,
    end: Arc<Notify>,
}

impl Started {
    fn start() -> io::Result<Self> {
        has_files_left()?;
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(8)
            .thread_name("kinora-net")
            .enable_all()
            .build()?;
        let (handle, end) = (runtime.handle().clone(), Arc::new(Notify::new()));
        let ends = Arc::clone(&end);
        let run = move || {
            runtime.block_on(ends.notified());
            runtime.shutdown_background();
        };
        thread::Builder::new()
            .name("kinora-net".into())
            .spawn(run)?;
        Ok(Self { handle, end })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.end.notify_one();
    }
}

/// What a runtime opens can be opened: where it can not, building one may panic (`tokio::signal`).
fn has_files_left() -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::net::UnixStream;
        let needed = [
            UnixStream::pair()?,
            UnixStream::pair()?,
            UnixStream::pair()?,
        ];
        drop(needed);
    }
    Ok(())
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
                runtime.handle.spawn(client.run(url, request, response));
            }
            Err(error) => response.fail(error.into_fault().at_url(request.url.expose())),
        }
    }
}
