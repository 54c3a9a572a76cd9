//! H.264 by `rust_h264`.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_media::bitstream::h264::{AvcConfig, Sps};
use kinora_media::bitstream::{NalFraming, display_hints};
use kinora_media::{
    CodecId, DisplayHints, Packet, PixelFormat, TrackInfo, VecPlanes, VideoFrame, VideoParams,
};
use rust_h264::decoder::{ChromaFormat, Frame, OrderedDecoder};
use rust_h264::nal::{NalUnit, parse_annex_b, parse_avcc};

use crate::guard::guarded;
use crate::picture::PictureInfo;
use crate::{DecodeError, Decoder, Received};

/// Pictures that are held back where the stream does not say how many it needs.
const MAX_DEPTH: usize = 16;

pub(crate) struct H264Decoder {
    inner: OrderedDecoder<PictureInfo>,
    framing: NalFraming,
    /// Parameter sets of the container, with start codes.
    parameter_sets: Vec<u8>,
    depth: usize,
    ready: VecDeque<VideoFrame>,
    video: VideoParams,
    /// What the parameter set of the pictures that come now says.
    hints: DisplayHints,
    primed: bool,
    draining: bool,
}

const CODEC: CodecId = CodecId::H264;

impl H264Decoder {
    pub(crate) fn open(track: &TrackInfo) -> Result<Self, DecodeError> {
        let video = track.video.unwrap_or_default();
        let (mut parameter_sets, mut depth) = (Vec::new(), MAX_DEPTH);
        let mut framing = NalFraming::StartCodes;
        if !track.config.is_empty() {
            let config =
                AvcConfig::parse(&track.config).map_err(|error| DecodeError::BadConfig {
                    codec: CODEC,
                    what: error.to_string(),
                })?;
            framing = NalFraming::Lengths(usize::from(config.length_size));
            if let Some(sps) = config.sps.first().and_then(|sps| Sps::parse(sps).ok()) {
                depth = usize::try_from(sps.reorder_depth())
                    .unwrap_or(MAX_DEPTH)
                    .min(MAX_DEPTH);
            }
            for unit in config.sps.iter().chain(&config.pps) {
                parameter_sets.extend_from_slice(&[0, 0, 0, 1]);
                parameter_sets.extend_from_slice(unit);
            }
        }
        Ok(Self {
            inner: OrderedDecoder::with_max_depth(depth),
            framing,
            parameter_sets,
            depth,
            ready: VecDeque::new(),
            video,
            hints: DisplayHints::default(),
            primed: false,
            draining: false,
        })
    }

    fn feed(&mut self, units: &[NalUnit<'_>], shown: PictureInfo) -> Result<(), DecodeError> {
        for unit in units {
            let decoded = guarded(CODEC, || self.inner.decode_nal_with_meta(unit, shown))?;
            let frames = decoded.map_err(|error| DecodeError::Corrupt {
                codec: CODEC,
                what: error.to_string(),
            })?;
            for (frame, shown) in frames {
                self.keep(frame, shown);
            }
        }
        Ok(())
    }

    fn keep(&mut self, frame: Frame, shown: PictureInfo) {
        let hints = self.video.shown(shown.hints);
        let format = match (frame.chroma_format, frame.bit_depth) {
            (ChromaFormat::Yuv420, 8) => PixelFormat::I420,
            (ChromaFormat::Yuv420, _) => PixelFormat::I420P10,
            (ChromaFormat::Yuv422, 8) => PixelFormat::I422,
            (ChromaFormat::Yuv422, _) => PixelFormat::I422P10,
        };
        let stride = |plane| format.plane_size(plane, frame.width, frame.height).0;
        let strides = [stride(0), stride(1), stride(2)];
        let planes = [frame.y, frame.u, frame.v]
            .into_iter()
            .zip(strides)
            .collect();
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
            buffer: Arc::new(VecPlanes { planes }),
        });
    }
}

impl Decoder for H264Decoder {
    type Frame = VideoFrame;

    fn send(&mut self, packet: &Packet) -> Result<(), DecodeError> {
        if self.ready.len() > MAX_DEPTH {
            return Err(DecodeError::Full);
        }
        let reported = display_hints(CODEC, self.framing, &packet.data);
        self.hints = reported.unwrap_or(self.hints);
        let shown = PictureInfo {
            pts: packet.pts,
            duration: packet.duration,
            hints: self.hints,
        };
        if !self.primed {
            self.primed = true;
            let sets = std::mem::take(&mut self.parameter_sets);
            let primed = self.feed(&parse_annex_b(&sets), shown);
            self.parameter_sets = sets;
            primed?;
        }
        let units = match self.framing {
            NalFraming::Lengths(size) => parse_avcc(&packet.data, size),
            NalFraming::StartCodes => parse_annex_b(&packet.data),
        };
        self.feed(&units, shown)
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
        if let Ok(frames) = guarded(CODEC, || self.inner.flush_with_meta()) {
            for (frame, shown) in frames {
                self.keep(frame, shown);
            }
        }
    }

    fn flush(&mut self) {
        self.inner = OrderedDecoder::with_max_depth(self.depth);
        self.ready.clear();
        self.primed = false;
        self.draining = false;
    }

    fn name(&self) -> &str {
        "rust_h264"
    }
}
