//! The decoder of a track whose configuration may change on the way, as players and readers use it.

use std::sync::Arc;

use kinora_codec::{DecodeError, DecoderOptions};
use kinora_engine::{DecoderFailures, DecoderRecovery, same_decoder};
use kinora_errors::{Coded, Fault};
use kinora_media::{Packet, Time, TrackInfo};

use crate::backends::Backends;
use crate::decoder::{AnyDecoder, AnyFrame};

/// What comes of packets, in order.
pub(crate) enum Decoded {
    /// A decoder was opened for the packets that follow.
    Opened {
        track: Arc<TrackInfo>,
        /// Its name.
        decoder: String,
        /// Why a better one is not used.
        fell_back: Option<Fault>,
    },
    Frame(AnyFrame),
    /// A packet was passed over.
    Damaged(Fault),
    /// No decoder takes the track: its packets are passed over until another one is configured.
    GivenUp(Fault),
    /// All that was held back has come.
    Drained,
    /// Nothing until another packet is sent.
    NeedPacket,
}

/// How the decoder of a track is to be opened.
pub(crate) type ChooseOptions = Box<dyn Fn(&TrackInfo) -> DecoderOptions + Send>;

/// Chooses decoders, opens another one where the track changes or one breaks, and counts failures in a row.
pub(crate) struct TrackDecoder {
    backends: Backends,
    options: ChooseOptions,
    open: Option<Open>,
    /// What is done once the decoder has given all that it holds back.
    then: Option<Then>,
    /// What came of the packet that was sent last, where that is no frame.
    outcome: Option<Decoded>,
    /// A packet was refused: a frame must be received first.
    is_full: bool,
}

struct Open {
    track: Arc<TrackInfo>,
    decoder: AnyDecoder,
    failures: DecoderFailures,
}

enum Then {
    Open(Arc<TrackInfo>),
    Drained,
}

impl TrackDecoder {
    /// Without a decoder until a track is configured.
    pub(crate) fn new(backends: Backends, options: ChooseOptions) -> Self {
        Self {
            backends,
            options,
            open: None,
            then: None,
            outcome: None,
            is_full: false,
        }
    }

    /// Whether packets of that track can be sent as it is.
    pub(crate) fn takes(&self, track: &Arc<TrackInfo>) -> bool {
        let open = self.open.as_ref().filter(|_| self.then.is_none());
        open.is_some_and(|open| same_decoder(&open.track, track))
    }

    /// Packets that follow are of that track. What the decoder holds back comes first, then [`Decoded::Opened`].
    pub(crate) fn configure(&mut self, track: Arc<TrackInfo>) {
        self.end_with(Then::Open(track));
    }

    /// No packet follows: what is held back comes, then [`Decoded::Drained`].
    pub(crate) fn drain(&mut self) {
        self.end_with(Then::Drained);
    }

    fn end_with(&mut self, then: Then) {
        if let Some(open) = &mut self.open {
            open.decoder.drain();
        }
        self.then = Some(then);
    }

    /// Gives a packet. `false`: what is there must be received first, and the packet sent again.
    pub(crate) fn send(&mut self, packet: &Packet) -> bool {
        if self.outcome.is_some() || self.then.is_some() {
            return false;
        }
        let Some(open) = &mut self.open else {
            return true;
        };
        match open.decoder.send(packet) {
            Ok(()) => true,
            Err(DecodeError::Full) => {
                self.is_full = true;
                false
            }
            Err(error) => {
                self.outcome = Some(self.failed(&error));
                true
            }
        }
    }

    /// The next of what came.
    pub(crate) fn receive(&mut self) -> Decoded {
        if let Some(outcome) = self.outcome.take() {
            return outcome;
        }
        let received = match &mut self.open {
            Some(open) => open.decoder.receive(),
            None => Ok(None),
        };
        match received {
            Ok(Some(frame)) => {
                self.is_full = false;
                if let Some(open) = &mut self.open {
                    open.failures.frame();
                }
                Decoded::Frame(frame)
            }
            Err(error) => self.failed(&error),
            Ok(None) => match self.then.take() {
                Some(Then::Open(track)) => self.reopen(track, DecoderFailures::default(), None),
                Some(Then::Drained) => {
                    self.flush();
                    Decoded::Drained
                }
                None => self.wait(),
            },
        }
    }

    /// Nothing comes until another packet is sent, which it must take then.
    fn wait(&mut self) -> Decoded {
        match (std::mem::take(&mut self.is_full), &self.open) {
            (true, Some(open)) => {
                let stuck = DecodeError::Broken {
                    codec: open.track.codec,
                    what: "it takes no packet and gives no frame".into(),
                };
                self.failed(&stuck)
            }
            _ => Decoded::NeedPacket,
        }
    }

    /// See [`AnyDecoder::hurry`].
    pub(crate) fn hurry(&mut self) -> Option<AnyFrame> {
        self.open.as_mut()?.decoder.hurry()
    }

    /// See [`kinora_codec::Decoder::discard_before`].
    pub(crate) fn discard_before(&mut self, time: Time) {
        if let Some(open) = &mut self.open {
            open.decoder.discard_before(time);
        }
    }

    /// Forgets all packets and frames, and the track that was to follow them.
    pub(crate) fn flush(&mut self) {
        if let Some(open) = &mut self.open {
            open.decoder.flush();
        }
        self.then = None;
        self.outcome = None;
        self.is_full = false;
    }

    fn failed(&mut self, error: &DecodeError) -> Decoded {
        self.is_full = false;
        let Some(open) = &mut self.open else {
            return Decoded::GivenUp(error.fault());
        };
        let is_followed = matches!(self.then, Some(Then::Open(_)));
        let broken = matches!(
            error,
            DecodeError::Broken { .. } | DecodeError::Unsupported { .. }
        );
        match open.failures.failed(broken) {
            DecoderRecovery::PassOver => Decoded::Damaged(error.fault()),
            // What it held back is lost; the next track has a decoder of its own.
            _ if is_followed => {
                self.open = None;
                Decoded::Damaged(error.fault())
            }
            DecoderRecovery::GiveUp => {
                self.open = None;
                Decoded::GivenUp(error.fault())
            }
            DecoderRecovery::OtherBackend => {
                let (track, failures) = (Arc::clone(&open.track), open.failures);
                let broken = (open.decoder.backend(), error.fault());
                self.reopen(track, failures, Some(broken))
            }
        }
    }

    /// Opens the best decoder; where one of a backend broke, one of another backend.
    fn reopen(
        &mut self,
        track: Arc<TrackInfo>,
        failures: DecoderFailures,
        broken: Option<(&'static str, Fault)>,
    ) -> Decoded {
        self.open = None;
        let (avoid, because) = broken.unzip();
        let options = (self.options)(&track);
        match self.backends.open(&track, options, avoid) {
            Ok(opened) => {
                let decoder = opened.decoder.name().to_owned();
                self.open = Some(Open {
                    track: Arc::clone(&track),
                    decoder: opened.decoder,
                    failures,
                });
                Decoded::Opened {
                    track,
                    decoder,
                    fell_back: because.or(opened.fell_back),
                }
            }
            Err(fault) => Decoded::GivenUp(because.unwrap_or(fault)),
        }
    }
}

#[cfg(test)]
mod tests;
