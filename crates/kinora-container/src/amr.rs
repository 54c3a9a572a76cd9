//! Files of AMR speech (RFC 4867 5): a magic number, then frames of 20 ms, each behind a byte that tells its size.

use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{
    AudioParams, ByteRange, CodecId, MediaInfo, Packet, PacketFlags, Time, TrackId, TrackInfo,
};

use crate::audio_file::demux_by_inner;
use crate::container::{Access, Container, Opening, Signature};
use crate::window::Window;
use crate::{ClockKind, DemuxError, SeekTo, Step};

pub(crate) const CONTAINER: Container = Container {
    name: "amr",
    title: "AMR speech",
    media_types: &["amr", "audio/3gpp"],
    extensions: &["amr", "awb"],
    signatures: &[Signature::Magic(NARROW.magic), Signature::Magic(WIDE.magic)],
    access: Access::Demuxer(|opening| Box::new(AmrDemuxer::open(opening))),
};

/// Every frame lasts so long.
const FRAME: Time = Time::from_millis(20);
/// The index of known places has an entry for so many frames.
const INDEX_STEP: u64 = 50;
/// Frames looked at to estimate the bit rate.
const ESTIMATE_FRAMES: usize = 64;

/// Narrow-band or wide-band.
struct Band {
    magic: &'static [u8],
    codec: CodecId,
    rate: u32,
    /// Bytes of a frame by its type, the first byte included; 0 for what is reserved.
    frame_lens: [u8; 16],
}

/// 3GPP TS 26.101: eight modes, comfort noise, no data.
const NARROW: Band = Band {
    magic: b"#!AMR\n",
    codec: CodecId::AmrNb,
    rate: 8_000,
    frame_lens: [13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1],
};

/// 3GPP TS 26.201: nine modes, comfort noise, lost speech, no data.
const WIDE: Band = Band {
    magic: b"#!AMR-WB\n",
    codec: CodecId::AmrWb,
    rate: 16_000,
    frame_lens: [18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1],
};

impl Band {
    /// Bytes of the frame that begins with this byte (RFC 4867 5.3); `None` where none does.
    fn frame_len(&self, first: u8) -> Option<usize> {
        const PADDING: u8 = 0b1000_0011;
        let len = *self.frame_lens.get(usize::from(first >> 3 & 15))?;
        (first & PADDING == 0 && len > 0).then(|| len.into())
    }
}

/// Demultiplexes a file of AMR speech. Packets keep the byte that tells their mode.
pub struct AmrDemuxer(Speech);

demux_by_inner!(AmrDemuxer);

impl AmrDemuxer {
    fn open(opening: Opening) -> Self {
        Self(Speech::new(opening))
    }
}

struct Speech {
    window: Window,
    state: State,
    total_len: Option<u64>,
    ended: bool,
    damage: u64,
    title: Option<String>,
    /// Frames before the window's start.
    frames: u64,
    /// Frames before this one are passed over: a seek wants a later one.
    wanted: u64,
    /// Frames and bytes before places that are known.
    index: Vec<(u64, u64)>,
    jumped: bool,
}

enum State {
    /// Before the magic number.
    Start,
    /// Before the first frame, which was not told of yet.
    Reported(&'static Band),
    /// Among frames; in junk or not.
    Frames { band: &'static Band, in_junk: bool },
    /// Bytes from an offset on are asked for.
    Asking { band: &'static Band, offset: u64 },
}

impl Speech {
    fn new(opening: Opening) -> Self {
        let mut window = Window::default();
        window.restart(opening.lead.begins);
        Self {
            window,
            state: State::Start,
            total_len: None,
            ended: false,
            damage: 0,
            title: opening.lead.title.filter(|title| !title.is_empty()),
            frames: 0,
            wanted: 0,
            index: Vec::new(),
            jumped: false,
        }
    }

    fn push(&mut self, offset: u64, data: Bytes) {
        self.window.push(offset, data);
    }

    fn finish(&mut self) {
        self.ended = true;
        self.total_len = self.total_len.or(Some(self.window.end()));
    }

    fn set_len(&mut self, total_len: u64) {
        self.total_len = Some(total_len);
    }

    fn damage(&self) -> u64 {
        self.damage
    }

    fn clock(&self) -> ClockKind {
        ClockKind::OwnStart
    }

    fn poll(&mut self) -> Result<Step, DemuxError> {
        loop {
            let step = match self.state {
                State::Start => self.start()?,
                State::Reported(band) => self.report(band),
                State::Frames { band, in_junk } => self.frame(band, in_junk),
                State::Asking { band, offset } => Some(self.ask(band, offset)),
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    fn start(&mut self) -> Result<Option<Step>, DemuxError> {
        let head = self.window.peek(WIDE.magic.len());
        let band = [&NARROW, &WIDE]
            .into_iter()
            .find(|band| head.starts_with(band.magic));
        let Some(band) = band else {
            let is_short = head.len() < WIDE.magic.len();
            return match is_short && !self.ended {
                true => Ok(Some(Step::NeedMore)),
                false => Err(DemuxError::Malformed {
                    container: CONTAINER.name,
                    offset: self.window.start(),
                    reason: "amr.no_magic",
                    what: "it does not begin with AMR's magic number".to_owned(),
                }),
            };
        };
        self.window.skip(band.magic.len());
        self.state = State::Reported(band);
        Ok(None)
    }

    fn report(&mut self, band: &'static Band) -> Option<Step> {
        if self.window.len() == 0 && !self.ended {
            return Some(Step::NeedMore);
        }
        let mut track = TrackInfo::new(TrackId(0), band.codec);
        track.audio = Some(AudioParams {
            sample_rate: band.rate,
            channels: 1,
            ..AudioParams::default()
        });
        let begins = self.window.start();
        let sound = self.total_len.map(|len| len.saturating_sub(begins));
        track.duration = sound.and_then(|bytes| self.estimate(band, bytes));
        self.state = State::Frames {
            band,
            in_junk: false,
        };
        Some(Step::Info(Arc::new(MediaInfo {
            container: CONTAINER.name,
            duration: track.duration,
            tracks: vec![track],
            seekable: self.total_len.is_some(),
            title: self.title.clone(),
            ..MediaInfo::default()
        })))
    }

    /// How long so many bytes last, from the frames at hand: exact where the mode stays the same.
    fn estimate(&self, band: &Band, bytes: u64) -> Option<Time> {
        let mut rest = self.window.front();
        let (mut frames, mut len) = (0u64, 0u64);
        while let Some(first) = rest.first()
            && frames < ESTIMATE_FRAMES as u64
            && let Some(frame) = band.frame_len(*first)
        {
            frames = frames.saturating_add(1);
            len = len.saturating_add(frame as u64);
            rest = rest.get(frame..).unwrap_or_default();
        }
        let frames = bytes.saturating_mul(frames).checked_div(len)?;
        Some(time_of(frames))
    }

    fn ask(&mut self, band: &'static Band, offset: u64) -> Step {
        self.ended = false;
        self.window.restart(offset);
        self.state = State::Frames {
            band,
            in_junk: false,
        };
        Step::Want(ByteRange::from(offset))
    }

    fn frame(&mut self, band: &'static Band, in_junk: bool) -> Option<Step> {
        let Some(first) = self.window.front().first() else {
            return Some(match self.ended {
                true => Step::End,
                false => Step::NeedMore,
            });
        };
        let Some(len) = band.frame_len(*first) else {
            if !in_junk {
                self.damage = self.damage.saturating_add(1);
                self.state = State::Frames {
                    band,
                    in_junk: true,
                };
            }
            self.window.skip(1);
            return None;
        };
        if self.window.len() < len {
            return Some(match self.ended {
                true => Step::End,
                false => Step::NeedMore,
            });
        }
        self.state = State::Frames {
            band,
            in_junk: false,
        };
        self.note();
        let pts = time_of(self.frames);
        let is_wanted = self.frames >= self.wanted;
        self.frames = self.frames.saturating_add(1);
        if !is_wanted {
            self.window.skip(len);
            return None;
        }
        Some(Step::Packet(Packet {
            track: TrackId(0),
            pts,
            dts: pts,
            duration: FRAME,
            flags: PacketFlags {
                key: true,
                discontinuity: std::mem::take(&mut self.jumped),
                ..PacketFlags::default()
            },
            data: self.window.take(len),
            crypto: None,
        }))
    }

    /// Remembers where this frame lies, once a second.
    fn note(&mut self) {
        let next = match self.index.last() {
            Some((frames, _)) => frames.saturating_add(INDEX_STEP),
            None => 0,
        };
        if self.frames >= next {
            self.index.push((self.frames, self.window.start()));
        }
    }

    /// Goes to the last known place before the time and passes over what lies between: frames tell neither their
    /// time nor, after a jump, where they begin.
    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        let (State::Frames { band, .. } | State::Asking { band, .. }) = self.state else {
            return Err(DemuxError::NotSeekable("its headers are not read yet"));
        };
        let wanted = target
            .time
            .max(Time::ZERO)
            .as_nanos()
            .checked_div(FRAME.as_nanos());
        self.wanted = wanted
            .and_then(|frame| u64::try_from(frame).ok())
            .unwrap_or(0);
        let known = self
            .index
            .iter()
            .rev()
            .find(|(frames, _)| *frames <= self.wanted);
        let Some(&(frames, offset)) = known else {
            return match self.frames {
                0 => Ok(()),
                _ => Err(DemuxError::NotSeekable("no frame of it is known")),
            };
        };
        self.frames = frames;
        self.jumped = true;
        self.state = State::Asking { band, offset };
        Ok(())
    }
}

fn time_of(frames: u64) -> Time {
    let nanos = u64::try_from(FRAME.as_nanos())
        .unwrap_or(0)
        .saturating_mul(frames);
    Time::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
