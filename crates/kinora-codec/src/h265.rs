//! H.265 by `rust_h265`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use kinora_media::bitstream::h265::HevcConfig;
use kinora_media::bitstream::{NalFraming, display_hints, is_without_picture};
use kinora_media::{
    CodecId, DisplayHints, Packet, PixelFormat, TrackInfo, VecPlanes, VideoFrame, VideoParams,
};
use rust_h265::{Frame, NalUnit, PixelData, parse_annex_b, parse_hvcc};

use crate::guard::guarded;
use crate::picture::PictureInfo;
use crate::{DecodeError, Decoder, Received};

const CODEC: CodecId = CodecId::H265;
/// Frames that may wait to be received before packets are refused.
const MAX_READY: usize = 16;

pub(crate) struct H265Decoder {
    inner: rust_h265::Decoder,
    framing: NalFraming,
    parameter_sets: Vec<u8>,
    /// Frames come in the order of their pts, so the earliest that waits belongs to the next.
    undecoded: BinaryHeap<Reverse<PictureInfo>>,
    ready: VecDeque<VideoFrame>,
    video: VideoParams,
    /// What the parameter set of the pictures that come now says.
    hints: DisplayHints,
    primed: bool,
    draining: bool,
}

fn fresh() -> rust_h265::Decoder {
    rust_h265::Decoder::new().with_display_order()
}

impl H265Decoder {
    pub(crate) fn open(track: &TrackInfo) -> Result<Self, DecodeError> {
        let video = track.video.unwrap_or_default();
        let (mut framing, mut parameter_sets) = (NalFraming::StartCodes, Vec::new());
        if !track.config.is_empty() {
            let config =
                HevcConfig::parse(&track.config).map_err(|error| DecodeError::BadConfig {
                    codec: CODEC,
                    what: error.to_string(),
                })?;
            framing = NalFraming::Lengths(usize::from(config.length_size));
            for unit in &config.units {
                parameter_sets.extend_from_slice(&[0, 0, 0, 1]);
                parameter_sets.extend_from_slice(unit);
            }
        }
        Ok(Self {
            inner: fresh(),
            framing,
            parameter_sets,
            undecoded: BinaryHeap::new(),
            ready: VecDeque::new(),
            video,
            hints: DisplayHints::default(),
            primed: false,
            draining: false,
        })
    }

    fn feed(&mut self, units: &[NalUnit<'_>]) -> Result<(), DecodeError> {
        for unit in units {
            let decoded = guarded(CODEC, || {
                let first = self.inner.decode_nal(unit);
                let more: Vec<Frame> = std::iter::from_fn(|| self.inner.next_output()).collect();
                first.map(|first| first.into_iter().chain(more).collect::<Vec<_>>())
            })?;
            let frames = decoded.map_err(|error| DecodeError::Corrupt {
                codec: CODEC,
                what: error.to_string(),
            })?;
            for frame in frames {
                self.keep(frame)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, frame: Frame) -> Result<(), DecodeError> {
        let Reverse(shown) = self.undecoded.pop().unwrap_or_default();
        let hints = self.video.shown(shown.hints);
        let format = match (frame.chroma_format_idc, frame.bit_depth) {
            (0, 8) => PixelFormat::Gray8,
            (0, 10) => PixelFormat::Gray10,
            (1, 8) => PixelFormat::I420,
            (1, 10) => PixelFormat::I420P10,
            (1, 12) => PixelFormat::I420P12,
            (2, 8) => PixelFormat::I422,
            (2, 10) => PixelFormat::I422P10,
            (3, 8) => PixelFormat::I444,
            (3, 10) => PixelFormat::I444P10,
            (chroma, bits) => {
                let detail = Some(format!("chroma format {chroma} of {bits} bits"));
                return Err(DecodeError::Unsupported {
                    codec: CODEC,
                    detail,
                });
            }
        };
        let stride = |plane| format.plane_size(plane, frame.width, frame.height).0;
        let strides = [stride(0), stride(1), stride(2)];
        let planes = [frame.y, frame.u, frame.v]
            .into_iter()
            .map(bytes)
            .zip(strides)
            .take(format.planes());
        self.ready.push_back(VideoFrame {
            pts: shown.pts,
            duration: shown.duration,
            width: frame.width,
            height: frame.height,
            format,
            color: hints.color.unwrap_or_default(),
            pixel_aspect: hints.pixel_aspect,
            rotation: self.video.rotation,
            mirror: self.video.mirror,
            buffer: Arc::new(VecPlanes {
                planes: planes.collect(),
            }),
        });
        Ok(())
    }
}

/// Samples above 8 bits become two bytes, little endian.
fn bytes(plane: PixelData) -> Vec<u8> {
    match plane {
        PixelData::U8(samples) => samples,
        PixelData::U16(samples) => samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect(),
    }
}

impl Decoder for H265Decoder {
    type Frame = VideoFrame;

    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        if self.ready.len() > MAX_READY {
            return Err(DecodeError::Full);
        }
        if !self.primed {
            self.primed = true;
            let sets = std::mem::take(&mut self.parameter_sets);
            let primed = self.feed(&parse_annex_b(&sets));
            self.parameter_sets = sets;
            primed?;
        }
        let reported = display_hints(CODEC, self.framing, &packet.data);
        self.hints = reported.unwrap_or(self.hints);
        if !is_without_picture(CODEC, self.framing, &packet.data) {
            self.undecoded.push(Reverse(PictureInfo {
                pts: packet.pts,
                duration: packet.duration,
                hints: self.hints,
            }));
        }
        let units = match self.framing {
            NalFraming::Lengths(size) => parse_hvcc(&packet.data, u8::try_from(size).unwrap_or(4)),
            NalFraming::StartCodes => parse_annex_b(&packet.data),
        };
        self.feed(&units)
    }

    fn receive(&mut self) -> Result<Received<VideoFrame>, DecodeError> {
        Ok(match self.ready.pop_front() {
            Some(frame) => Received::Frame(frame),
            None if self.draining => Received::End,
            None => Received::NeedPacket,
        })
    }

    fn drain(&mut self) {
        if self.draining {
            return;
        }
        self.draining = true;
        let rest = guarded(CODEC, || {
            let mut rest: Vec<Frame> = Vec::new();
            while let Some(frame) = self.inner.flush() {
                rest.push(frame);
            }
            rest.extend(std::iter::from_fn(|| self.inner.next_output()));
            rest
        });
        for frame in rest.unwrap_or_default() {
            // A frame of a format we have no name for was told when the first of its kind came.
            let _ = self.keep(frame);
        }
    }

    fn flush(&mut self) {
        self.inner = fresh();
        self.undecoded.clear();
        self.ready.clear();
        self.primed = false;
        self.draining = false;
    }

    fn name(&self) -> &str {
        "rust_h265"
    }
}
