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

use super::client::Budget;
use super::front::Front;
use super::limits::Limits;
use super::pulse::{Awaited, Order, Pulse, millis};
use super::streams::StreamExecutor;
use super::tally::{Hit, Tally};

/// Octets that the system keeps beyond what is on its way. It bounds what a peer that does not read costs, and makes
/// the progress of one that reads slowly visible in small steps.
const UNSENT: u32 = 128 * 1024;
/// What an HTTP/2 client may take to read that its connection is being closed.
const FAREWELL: Duration = Duration::from_secs(1);

/// A socket that tells when octets move.
struct Wire {
    stream: TcpStream,
    pulse: Arc<Pulse>,
}

impl Wire {
    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.pulse.stuck(),
            Poll::Ready(Ok(1..)) => self.pulse.sent(),
            Poll::Ready(_) => {}
        }
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.pulse.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
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

impl Drop for Wire {
    fn drop(&mut self) {
        // What a peer does not take the system would keep for minutes.
        if self.pulse.stuck_since().is_some() {
            let _ = self.stream.set_zero_linger();
        }
    }
}

/// How a connection ended, where it was not the client who ended it.
enum End {
    Done,
    Broken(Box<dyn std::error::Error + Send + Sync>),
    Overdue(Awaited),
    ToldToLeave,
}

/// Serves a connection until it ends, its time is over, or it must leave.
pub(super) async fn serve(
    stream: TcpStream,
    front: Front,
    builder: Builder<StreamExecutor>,
    limits: Arc<Limits>,
    tally: Arc<Tally>,
) {
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
    let (pulse, budget) = (front.pulse().clone(), front.budget().clone());
    let wire = Wire {
        stream,
        pulse: pulse.clone(),
    };
    let end = watched(wire, front, &builder, &pulse, &limits, &budget).await;
    match end {
        End::Overdue(Awaited::FirstByte) => tally.count(Hit::FirstByte),
        End::Overdue(Awaited::Head) => tally.count(Hit::Head),
        End::Overdue(Awaited::Taking) => tally.count(Hit::WriteStall),
        End::Broken(cause) => tracing::debug!(%cause, "a connection broke off"),
        End::Overdue(Awaited::NextRequest | Awaited::Answer) | End::ToldToLeave | End::Done => {}
    }
}

async fn watched(
    wire: Wire,
    front: Front,
    builder: &Builder<StreamExecutor>,
    pulse: &Pulse,
    limits: &Limits,
    budget: &Budget,
) -> End {
    let mut connection = pin!(builder.serve_connection(TokioIo::new(wire), front));
    let ticks = &pulse.ticks;
    let mut alarm = pin!(sleep(Duration::ZERO));
    let mut told = pin!(pulse.told.notified());
    let mut farewell = None;
    poll_fn(|context| {
        while told.as_mut().poll(context).is_ready() {
            told.set(pulse.told.notified());
            match pulse.order() {
                Order::Leave => return Poll::Ready(End::ToldToLeave),
                Order::Finish => connection.as_mut().graceful_shutdown(),
            }
        }
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(ended.map_or_else(End::Broken, |()| End::Done));
            }
            let (at, awaited) = match farewell {
                Some(at) if !pulse.is_busy() => (at, Awaited::NextRequest),
                _ => pulse.deadline(limits, budget.is_used_up()),
            };
            if at <= ticks.now() {
                if awaited != Awaited::NextRequest || farewell.is_some() {
                    return Poll::Ready(End::Overdue(awaited));
                }
                // An idle HTTP/2 client is told, so that it asks nothing more here (RFC 9113 6.8).
                connection.as_mut().graceful_shutdown();
                farewell = Some(ticks.now().saturating_add(millis(FAREWELL)));
                continue;
            }
            // A deadline that moved away is looked at when the earlier one is there; one that others may bring nearer, in between.
            let wait = match awaited {
                Awaited::Taking => ticks.until(at).min(limits.short_stall()),
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
