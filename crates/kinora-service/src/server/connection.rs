//! One connection: its socket, watched while it is served.

use std::future::{Future as _, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::Builder;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::activity::{Activity, Awaited, CloseMode, millis};
use super::request_service::RequestService;
use super::streams::StreamExecutor;
use crate::context::{Budget, LimitCounters, LimitHit, ServiceLimits};

/// Octets that the system keeps beyond what is on its way. It bounds what a peer that does not read costs, and makes
/// the progress of one that reads slowly visible in small steps.
const MAX_UNSENT: u32 = 128 * 1024;
/// What an HTTP/2 client may take to read that its connection is being closed.
const GOAWAY_LIMIT: Duration = Duration::from_secs(1);

/// A socket that notes when octets move.
struct TrackedStream {
    stream: TcpStream,
    activity: Arc<Activity>,
}

impl TrackedStream {
    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.activity.stalled(),
            Poll::Ready(Ok(1..)) => self.activity.sent(),
            Poll::Ready(_) => {}
        }
        written
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.activity.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TrackedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(written)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.note(written)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for TrackedStream {
    fn drop(&mut self) {
        // What a peer does not take the system would keep for minutes.
        if self.activity.stalled_since().is_some() {
            let _ = self.stream.set_zero_linger();
        }
    }
}

/// How a connection ended, where it was not the client who ended it.
enum ConnectionEnd {
    Done,
    Broken(Box<dyn std::error::Error + Send + Sync>),
    TimedOut(Awaited),
    ClosedByServer,
}

/// Serves a connection until it ends, its time is over, or it must leave.
pub(super) async fn serve(
    stream: TcpStream,
    service: RequestService,
    builder: Builder<StreamExecutor>,
    limits: Arc<ServiceLimits>,
    counters: Arc<LimitCounters>,
) {
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT);
    let (activity, budget) = (service.activity().clone(), service.budget().clone());
    let stream = TrackedStream {
        stream,
        activity: activity.clone(),
    };
    let end = drive(stream, service, &builder, &activity, &limits, &budget).await;
    match end {
        ConnectionEnd::TimedOut(Awaited::FirstByte) => counters.count(LimitHit::FirstByte),
        ConnectionEnd::TimedOut(Awaited::Head) => counters.count(LimitHit::Head),
        ConnectionEnd::TimedOut(Awaited::WriteProgress) => counters.count(LimitHit::WriteStall),
        ConnectionEnd::Broken(cause) => tracing::debug!(%cause, "a connection broke off"),
        ConnectionEnd::TimedOut(Awaited::NextRequest | Awaited::Answer)
        | ConnectionEnd::ClosedByServer
        | ConnectionEnd::Done => {}
    }
}

async fn drive(
    stream: TrackedStream,
    service: RequestService,
    builder: &Builder<StreamExecutor>,
    activity: &Activity,
    limits: &ServiceLimits,
    budget: &Budget,
) -> ConnectionEnd {
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ticks = &activity.ticks;
    let mut alarm = pin!(sleep(Duration::ZERO));
    let mut close_requested = pin!(activity.close_requested.notified());
    let mut goaway_until = None;
    poll_fn(|context| {
        while close_requested.as_mut().poll(context).is_ready() {
            close_requested.set(activity.close_requested.notified());
            match activity.close_mode() {
                CloseMode::Immediate => return Poll::Ready(ConnectionEnd::ClosedByServer),
                CloseMode::Graceful => connection.as_mut().graceful_shutdown(),
            }
        }
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(
                    ended.map_or_else(ConnectionEnd::Broken, |()| ConnectionEnd::Done),
                );
            }
            let (at, awaited) = match goaway_until {
                Some(at) if !activity.is_busy() => (at, Awaited::NextRequest),
                _ => activity.deadline(limits, budget.is_used_up()),
            };
            if at <= ticks.now() {
                if awaited != Awaited::NextRequest || goaway_until.is_some() {
                    return Poll::Ready(ConnectionEnd::TimedOut(awaited));
                }
                // An idle HTTP/2 client is close_requested, so that it asks nothing more here (RFC 9113 6.8).
                connection.as_mut().graceful_shutdown();
                goaway_until = Some(ticks.now().saturating_add(millis(GOAWAY_LIMIT)));
                continue;
            }
            // A deadline that moved away is looked at when the earlier one is there; one that others may bring nearer, in between.
            let wait = match awaited {
                Awaited::WriteProgress => ticks.until(at).min(limits.short_stall()),
                _ => ticks.until(at),
            };
            let at = Instant::now() + wait;
            if at < alarm.deadline() || alarm.is_elapsed() {
                alarm.as_mut().reset(at);
            }
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}
