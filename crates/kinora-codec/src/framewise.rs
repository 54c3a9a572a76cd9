//! Sound whose packets give one frame each: what all such decoders have in common.

use kinora_media::{AudioFrame, Packet};

use crate::{DecodeError, Decoder, Received};

/// Decodes a packet by itself, or by what the packets before it left.
pub(crate) trait Framewise: Send {
    /// A name for people.
    const NAME: &'static str;
    /// The packet's sound; `None` where the codec needs one more packet first.
    fn decode(&mut self, packet: &Packet) -> Result<Option<AudioFrame>, DecodeError>;
    /// Forgets the packets before.
    fn reset(&mut self);
}

/// A [`Decoder`] around it: the frame waits until it is received.
pub(crate) struct FramewiseDecoder<D> {
    inner: D,
    ready: Option<AudioFrame>,
    draining: bool,
}

impl<D: Framewise> FramewiseDecoder<D> {
    pub(crate) const fn new(inner: D) -> Self {
        Self {
            inner,
            ready: None,
            draining: false,
        }
    }
}

impl<D: Framewise> Decoder for FramewiseDecoder<D> {
    type Frame = AudioFrame;

    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        if self.ready.is_some() {
            return Err(DecodeError::Full);
        }
        self.ready = self.inner.decode(packet)?;
        Ok(())
    }

    fn receive(&mut self) -> Result<Received<AudioFrame>, DecodeError> {
        Ok(match self.ready.take() {
            Some(frame) => Received::Frame(frame),
            None if self.draining => Received::End,
            None => Received::NeedPacket,
        })
    }

    fn drain(&mut self) {
        self.draining = true;
    }

    fn flush(&mut self) {
        self.inner.reset();
        self.ready = None;
        self.draining = false;
    }

    fn name(&self) -> &str {
        D::NAME
    }
}
