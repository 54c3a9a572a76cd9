//! AAC-LC, HE-AAC v1 and v2 by `syom`.

use std::collections::VecDeque;

use bytes::Bytes;
use kinora_media::{AudioFrame, CodecId, Packet, TrackInfo};
use syom::DecodeOptions;

use crate::guard::guarded;
use crate::{DecodeError, Decoder, Received, decoder_config};

const CODEC: CodecId = CodecId::Aac;
/// Frames that may wait to be received before packets are refused.
const MAX_READY: usize = 16;

pub(crate) struct AacDecoder {
    inner: syom::Decoder,
    config: Bytes,
    ready: VecDeque<AudioFrame>,
    draining: bool,
}

/// The defaults are for speech: mixed to mono, two hours at most.
fn open(config: &[u8]) -> Result<syom::Decoder, DecodeError> {
    guarded(CODEC, || {
        syom::Decoder::from_asc(config, DecodeOptions::unbounded())
    })?
    .map_err(|error| DecodeError::BadConfig {
        codec: CODEC,
        what: error.to_string(),
    })
}

impl AacDecoder {
    /// `track.config` is the AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1), where there is one.
    pub(crate) fn open(track: &TrackInfo) -> Result<Self, DecodeError> {
        let config = decoder_config(track)?;
        Ok(Self {
            inner: open(&config)?,
            config,
            ready: VecDeque::new(),
            draining: false,
        })
    }
}

impl Decoder for AacDecoder {
    type Frame = AudioFrame;

    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        if self.ready.len() > MAX_READY {
            return Err(DecodeError::Full);
        }
        let before = self.ready.len();
        let ready = &mut self.ready;
        let decoded = guarded(CODEC, || {
            self.inner.decode_au(&packet.data, |frame| {
                let mut samples = Vec::with_capacity(frame.samples * frame.planar.len());
                for index in 0..frame.samples {
                    samples.extend(
                        frame
                            .planar
                            .iter()
                            .map(|plane| plane.get(index).copied().unwrap_or(0.0)),
                    );
                }
                let channels = u16::try_from(frame.planar.len()).unwrap_or(0);
                ready.push_back(AudioFrame {
                    pts: packet.pts,
                    sample_rate: frame.sample_rate,
                    channels,
                    samples,
                });
                Ok(())
            })
        })?;
        if let Err(error) = decoded {
            // It refuses everything after an error: the next packet begins anew.
            self.inner = open(&self.config)?;
            return Err(DecodeError::Corrupt {
                codec: CODEC,
                what: error.to_string(),
            });
        }
        // Every access unit has sound; one that is all filling or end marks is damaged.
        if self.ready.len() == before {
            return Err(DecodeError::Corrupt {
                codec: CODEC,
                what: "it holds no sound".into(),
            });
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<Received<AudioFrame>, DecodeError> {
        Ok(match self.ready.pop_front() {
            Some(frame) => Received::Frame(frame),
            None if self.draining => Received::End,
            None => Received::NeedPacket,
        })
    }

    fn drain(&mut self) {
        self.draining = true;
    }

    fn flush(&mut self) {
        if let Ok(fresh) = open(&self.config) {
            self.inner = fresh;
        }
        self.ready.clear();
        self.draining = false;
    }

    fn name(&self) -> &str {
        "syom"
    }
}
