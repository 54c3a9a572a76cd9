//! SHOUTcast servers begin their answer with `ICY 200 OK`, where HTTP names its version.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const ICY: &[u8] = b"ICY ";
/// Such a body ends with its connection.
const HTTP: &[u8] = b"HTTP/1.0 ";

/// A stream whose first bytes are read as HTTP if they are ICY's; all others pass as they are.
pub(crate) struct IcyAsHttp<S> {
    stream: S,
    beginning: Beginning,
}

enum Beginning {
    /// So many bytes of `ICY` came.
    Matches(usize),
    /// These go before what the stream gives.
    Given(&'static [u8]),
}

impl<S> IcyAsHttp<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            beginning: Beginning::Matches(0),
        }
    }
}

impl<S: AsyncRead + Unpin> IcyAsHttp<S> {
    /// Reads until the beginning is known. `true`: bytes that belong to no ICY were put into the buffer.
    fn poll_beginning(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        while let Beginning::Matches(known) = self.beginning {
            let mut byte = [0];
            let mut one = ReadBuf::new(&mut byte);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut one))?;
            let came = one.filled().first().copied();
            if came.is_some() && came == ICY.get(known).copied() {
                self.beginning = match known + 1 == ICY.len() {
                    true => Beginning::Given(HTTP),
                    false => Beginning::Matches(known + 1),
                };
                continue;
            }
            // No ICY: what looked like it goes on as it came. One byte more than that always fits.
            self.beginning = Beginning::Given(ICY.get(..known).unwrap_or_default());
            self.give(buffer);
            if let Some(byte) = came {
                buffer.put_slice(&[byte]);
            }
            return Poll::Ready(Ok(true));
        }
        Poll::Ready(Ok(false))
    }

    /// What goes before, as much as fits.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        if let Beginning::Given(before) = &mut self.beginning {
            let (now, later) = before.split_at(before.len().min(buffer.remaining()));
            buffer.put_slice(now);
            *before = later;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for IcyAsHttp<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() <= ICY.len() && matches!(self.beginning, Beginning::Matches(_)) {
            // Too small to hold what may have to be given back: no reader of heads has such a buffer.
            self.beginning = Beginning::Given(&[]);
        }
        if ready!(self.poll_beginning(cx, buffer))? {
            return Poll::Ready(Ok(()));
        }
        if matches!(self.beginning, Beginning::Given(before) if !before.is_empty()) {
            self.give(buffer);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for IcyAsHttp<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
