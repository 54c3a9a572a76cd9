//! Cuts the audio of one PID into frames.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use kinora_media::{CodecId, Time};

use super::blocks::BlockBuffer;
use super::clock::Stamp;
use super::marks::{Mark, Marks};
use crate::framing::latm::Latm;
use crate::framing::{Format, Framing, Look, Splitter, samples_to_time};

/// No frame is longer: DTS-HD's are the longest.
const MAX_FRAME: usize = 1 << 20;
/// Memory is asked for in pieces of this size.
const BLOCK: usize = 8 << 10;

/// A frame without its transport header.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct AudioFrame {
    pub(super) data: Bytes,
    /// When it sounds: a stamp of the stream, and how much later than that it is.
    pub(super) stamp: Stamp,
    pub(super) after: Time,
    pub(super) duration: Time,
}

/// Finds frames in the payload of one PID.
pub(super) struct AudioSplitter {
    splitter: Splitter,
    buffer: BlockBuffer,
    /// Place in the stream of the buffer's first byte.
    base: u64,
    /// So many bytes must be there before it is worth to look again.
    need: usize,
    marks: Marks,
    format: Option<Format>,
    /// The last time stamp and the samples since then.
    time: Option<(Stamp, u64)>,
    in_junk: bool,
    /// For AAC in LATM: what unwraps it.
    latm: Option<Latm>,
    /// Frames that came out of one wrapper.
    unwrapped: VecDeque<AudioFrame>,
}

impl AudioSplitter {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            splitter: Splitter::new(framing),
            buffer: BlockBuffer::new(BLOCK),
            base: 0,
            need: 0,
            marks: Marks::default(),
            format: None,
            time: None,
            in_junk: false,
            latm: (framing == Framing::Loas).then(Latm::default),
            unwrapped: VecDeque::new(),
        }
    }

    /// What the frames are, once one was seen.
    pub(super) fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    /// Decoder configuration, where the frames do not repeat it.
    pub(super) fn config(&self) -> Option<Bytes> {
        match &self.latm {
            Some(latm) => latm.config().map(|(_, bytes)| bytes.clone()),
            None => {
                let config = self.format?.aac_config?;
                Some(Bytes::copy_from_slice(&config))
            }
        }
    }

    /// A PES packet begins with the next bytes.
    pub(super) fn mark(&mut self, mark: Mark) {
        if mark.times.is_some() {
            let at = self.base.saturating_add(to_u64(self.buffer.len()));
            self.marks.push(at, mark);
        }
    }

    pub(super) fn push(&mut self, payload: &[u8]) {
        self.buffer.extend(payload);
    }

    /// Bytes are missing before those that come next: the frame at hand can not be completed.
    pub(super) fn lost(&mut self) {
        self.drop_front(self.buffer.len());
        self.splitter.lost();
        self.need = 0;
    }

    /// Forgets what is not whole, and the time.
    pub(super) fn clear(&mut self) {
        self.lost();
        self.marks.clear();
        self.unwrapped.clear();
        self.time = None;
        self.in_junk = true;
    }

    /// Whether what is left is the start of a frame.
    pub(super) fn is_cut(&self) -> bool {
        self.splitter.is_cut(&self.buffer)
    }

    /// The next frame that is whole. `damage` counts the places where there is none.
    pub(super) fn next(&mut self, ended: bool, damage: &mut u64) -> Option<AudioFrame> {
        if let Some(frame) = self.unwrapped.pop_front() {
            return Some(frame);
        }
        while !self.buffer.is_empty() && (ended || self.buffer.len() >= self.need) {
            match self.splitter.look(&self.buffer, ended) {
                Look::Frame(frame) => {
                    self.in_junk = false;
                    self.need = 0;
                    if self.latm.is_some() {
                        self.unwrap(frame.len, damage);
                        match self.unwrapped.pop_front() {
                            None => continue,
                            frame => return frame,
                        }
                    }
                    self.format = Some(frame.format);
                    let timed =
                        self.advance_time(self.base, frame.samples, frame.format.sample_rate);
                    let mut data = self.buffer.split_to(frame.len);
                    self.base = self.base.saturating_add(to_u64(data.len()));
                    data.advance(frame.skip.min(data.len()));
                    let Some((stamp, after, duration)) = timed else {
                        continue; // no time is known yet
                    };
                    return Some(AudioFrame {
                        data: data.freeze(),
                        stamp,
                        after,
                        duration,
                    });
                }
                Look::Need(count) if count <= MAX_FRAME => {
                    self.need = count;
                    return None;
                }
                Look::Need(_) => self.junk(1, damage),
                Look::Junk(count) => self.junk(count, damage),
            }
        }
        None
    }

    /// Takes the frames out of a LOAS frame.
    fn unwrap(&mut self, len: usize, damage: &mut u64) {
        let begin = self.base;
        let mut element = self.buffer.split_to(len);
        self.base = begin.saturating_add(to_u64(element.len()));
        element.advance(3.min(element.len()));
        let Some(latm) = &mut self.latm else { return };
        let Ok(frames) = latm.frames(&element) else {
            *damage = damage.saturating_add(1);
            return;
        };
        let Some((config, _)) = latm.config() else {
            return;
        };
        let format = Format {
            codec: CodecId::Aac,
            sample_rate: config.sample_rate,
            channels: config.output_channels(),
            aac_config: None,
        };
        let samples = config.frame_samples;
        self.format = Some(format);
        for data in frames {
            if let Some((stamp, after, duration)) =
                self.advance_time(begin, samples, format.sample_rate)
            {
                self.unwrapped.push_back(AudioFrame {
                    data,
                    stamp,
                    after,
                    duration,
                });
            }
        }
    }

    fn junk(&mut self, count: usize, damage: &mut u64) {
        if !self.in_junk && self.format.is_some() {
            *damage = damage.saturating_add(1);
        }
        self.in_junk = true;
        self.drop_front(count);
    }

    fn drop_front(&mut self, count: usize) {
        let count = count.min(self.buffer.len());
        self.buffer.advance(count);
        self.base = self.base.saturating_add(to_u64(count));
    }

    /// The time of the frame at the buffer's start: the stamp of the PES packet that it is the
    /// first to begin in, else where the frame before it ends.
    fn advance_time(
        &mut self,
        begin: u64,
        samples: u32,
        sample_rate: u32,
    ) -> Option<(Stamp, Time, Time)> {
        if let Some((pts, _)) = self.marks.take(begin).and_then(|mark| mark.times) {
            self.time = Some((pts, 0));
        }
        let (stamp, before) = self.time.as_mut()?;
        let after = samples_to_time(*before, sample_rate);
        *before = before.saturating_add(samples.into());
        let timed = (*stamp, after, samples_to_time(samples.into(), sample_rate));
        stamp.jumped = false;
        Some(timed)
    }
}

fn to_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
