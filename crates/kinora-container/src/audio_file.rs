//! Audio files that are nothing but frames: ADTS, LOAS, MPEG audio, (E-)AC-3, DTS.

pub(crate) mod vbr;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use kinora_media::{
    ByteRange, Chapter, CodecId, MediaInfo, Packet, PacketFlags, Time, TrackId, TrackInfo,
};

use self::vbr::VbrHeader;
use crate::container::{Lead, Opening, Purpose};
use crate::framing::latm::Latm;
use crate::framing::{Format, Frame, Framing, Look, Splitter, samples_to_time, time_to_samples};
use crate::tags::{
    TAG_HEAD, TITLE_SEARCH, Tag, chapters, is_stepped_over, is_trailing_tag, leading_tag, title,
    transport_timestamp,
};
use crate::window::Window;
use crate::{ClockKind, DemuxError, SeekTo, Step};

/// Behind this much that is no frame the file is given up.
const MAX_SEARCH: u64 = 1 << 20;
/// No frame is longer.
const MAX_FRAME: usize = 64 << 10;
/// The index of known places has one entry for so much time.
const INDEX_STEP: Time = Time::from_millis(1000);
/// Frames before the target of a seek that fill what the codec carries over from frame to
/// frame (layer III's bit reservoir, the overlap of transforms).
const PRE_ROLL: u64 = 4;
/// Frames looked at to estimate the bit rate.
const ESTIMATE_FRAMES: usize = 64;

/// Names of an audio file's container in results and in errors.
pub(crate) struct Names {
    pub(crate) container: &'static str,
    pub(crate) no_sync: &'static str,
}

/// Demultiplexes an audio file.
pub(crate) struct AudioFile {
    names: Names,
    framing: Framing,
    window: Window,
    splitter: Splitter,
    state: State,
    total_len: Option<u64>,
    ended: bool,
    damage: u64,
    title: Option<String>,
    chapters: Vec<Chapter>,
    purpose: Purpose,
    /// The time of the first frame, where a segment of packed audio tells it by its tag.
    begins: Option<Time>,
    /// Samples before the window's start.
    samples: u64,
    /// What the file is, once a frame was seen.
    file: Option<File>,
    index: Vec<(u64, u64)>,
    jumped: bool,
    /// So many bytes must be there before it is worth to look again.
    need: usize,
    /// For AAC in LATM: what unwraps it, and frames that came out of one wrapper.
    latm: Option<Latm>,
    unwrapped: VecDeque<Bytes>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before the first frame, where tags may be; so much junk was passed.
    Start { passed: u64 },
    /// Within a tag that ends at this offset.
    Tag { end: u64 },
    /// Among frames; in junk or not.
    Frames { in_junk: bool },
    /// Bytes from an offset on are asked for.
    Asking { offset: u64, then: Then },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// Before the first frame.
    Start,
    Frames,
}

/// What is known since the first frame.
struct File {
    format: Format,
    /// Where the first frame with sound lies.
    first: u64,
    samples_per_frame: u64,
    bytes_per_second: f64,
    vbr: Option<VbrHeader>,
    duration: Option<Time>,
}

impl AudioFile {
    pub(crate) fn new(framing: Framing, names: Names, opening: Opening) -> Self {
        let Opening { purpose, lead, .. } = opening;
        let behind_tag = lead != Lead::default();
        let mut window = Window::default();
        window.restart(lead.begins);
        Self {
            names,
            framing,
            window,
            splitter: Splitter::new(framing),
            state: State::Start { passed: 0 },
            total_len: None,
            ended: false,
            damage: 0,
            title: behind_tag.then(|| lead.title.unwrap_or_default()),
            chapters: lead.chapters,
            purpose,
            begins: lead.time.filter(|_| purpose == Purpose::Segment),
            samples: 0,
            file: None,
            index: Vec::new(),
            jumped: false,
            need: 0,
            latm: (framing == Framing::Loas).then(Latm::default),
            unwrapped: VecDeque::new(),
        }
    }

    pub(crate) fn push(&mut self, offset: u64, data: Bytes) {
        self.window.push(offset, data);
    }

    pub(crate) fn finish(&mut self) {
        self.ended = true;
        self.total_len = self.total_len.or(Some(self.window.end()));
    }

    pub(crate) fn set_len(&mut self, total_len: u64) {
        self.total_len = Some(total_len);
    }

    /// Where the next pushed byte is expected.
    pub(crate) fn window_end(&self) -> u64 {
        self.window.end()
    }

    pub(crate) fn damage(&self) -> u64 {
        self.damage
    }

    pub(crate) fn clock(&self) -> ClockKind {
        match self.begins {
            Some(_) => ClockKind::Wrapping,
            None => ClockKind::OwnStart,
        }
    }

    pub(crate) fn poll(&mut self) -> Result<Step, DemuxError> {
        loop {
            let step = match self.state {
                State::Asking { offset, then } => Some(self.ask(offset, then)),
                State::Start { passed } => self.start(passed)?,
                State::Tag { end } => self.skip_tag(end),
                State::Frames { in_junk } => self.frame(in_junk),
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    fn ask(&mut self, offset: u64, then: Then) -> Step {
        self.ended = false;
        self.window.restart(offset);
        self.state = match then {
            Then::Start => State::Start { passed: 0 },
            Then::Frames => State::Frames { in_junk: true },
        };
        if self.total_len.is_some_and(|len| offset >= len) {
            self.ended = true;
            return Step::End;
        }
        Step::Want(ByteRange::from(offset))
    }

    /// Before the first frame.
    fn start(&mut self, passed: u64) -> Result<Option<Step>, DemuxError> {
        let begins = self.window.start();
        match leading_tag(self.window.peek(TAG_HEAD)) {
            Tag::Short if !self.ended => return Ok(Some(Step::NeedMore)),
            Tag::Bytes(len) => {
                self.state = State::Tag {
                    end: begins.saturating_add(len),
                };
                return Ok(None);
            }
            _ => {}
        }
        match self.look() {
            Looked::Frame(frame) => match self.unwrapped_frame(frame) {
                Some(frame) => self.first_frame(&frame).map(Some),
                None => {
                    self.window.skip(frame.len);
                    Ok(None)
                }
            },
            Looked::Junk(count) => {
                match self.free_format() {
                    Some(FreeFormat::Is(framing)) => {
                        self.framing = framing;
                        self.splitter = Splitter::new(framing);
                        return Ok(None);
                    }
                    Some(FreeFormat::NeedMore) => return Ok(Some(Step::NeedMore)),
                    None => {}
                }
                let passed = passed.saturating_add(to_u64(count));
                if passed > MAX_SEARCH {
                    return Err(self.no_frames());
                }
                self.window.skip(count);
                self.state = State::Start { passed };
                Ok(None)
            }
            Looked::NeedMore => Ok(Some(Step::NeedMore)),
            Looked::End => Err(self.no_frames()),
        }
    }

    fn no_frames(&self) -> DemuxError {
        DemuxError::Malformed {
            container: self.names.container,
            offset: self.window.start(),
            reason: self.names.no_sync,
            what: "no two frames follow one another".to_owned(),
        }
    }

    /// Whether frames of the free format begin here, whose length is told by where the next ones begin.
    fn free_format(&mut self) -> Option<FreeFormat> {
        let head = self.window.peek(vbr::FREE_FORMAT_SEARCH);
        if self.framing != Framing::Mpeg || !vbr::may_be_free_format(head) {
            return None;
        }
        match vbr::free_format(head) {
            Some(len) => Some(FreeFormat::Is(Framing::MpegFree { len })),
            None if head.len() < vbr::FREE_FORMAT_SEARCH && !self.ended => {
                Some(FreeFormat::NeedMore)
            }
            None => None,
        }
    }

    /// A frame that tells what it is. One in LATM does so by its configuration, which not every one repeats.
    fn unwrapped_frame(&mut self, frame: Frame) -> Option<Frame> {
        let Some(latm) = &mut self.latm else {
            return Some(frame);
        };
        let element = self.window.peek(frame.len).get(frame.skip..)?;
        latm.frames(element).ok()?;
        let (config, _) = latm.config()?;
        Some(Frame {
            format: Format {
                codec: CodecId::Aac,
                sample_rate: config.sample_rate,
                channels: config.output_channels(),
                aac_config: None,
            },
            samples: config.frame_samples,
            ..frame
        })
    }

    fn skip_tag(&mut self, end: u64) -> Option<Step> {
        if self.title.is_none() {
            let wanted = usize::try_from(end.saturating_sub(self.window.start()))
                .unwrap_or(usize::MAX)
                .min(TITLE_SEARCH);
            if self.window.len() < wanted && !self.ended {
                return Some(Step::NeedMore);
            }
            let tag = self.window.peek(wanted);
            self.title = Some(title(tag).unwrap_or_default());
            self.chapters = chapters(tag);
            if self.purpose == Purpose::Segment {
                self.begins = transport_timestamp(tag);
            }
        }
        let left = end.saturating_sub(self.window.start());
        let there = left.min(to_u64(self.window.len()));
        if there < left && is_stepped_over(left, end, self.total_len) {
            let then = match self.file {
                Some(_) => Then::Frames,
                None => Then::Start,
            };
            self.state = State::Asking { offset: end, then };
            return None;
        }
        self.window
            .skip(usize::try_from(there).unwrap_or(usize::MAX));
        if there < left && !self.ended {
            return Some(Step::NeedMore);
        }
        self.state = match self.file {
            Some(_) => State::Frames { in_junk: true },
            None => State::Start { passed: 0 },
        };
        None
    }

    /// Reports the tracks from the first frame, which stays in the window unless it holds a table
    /// instead of sound.
    fn first_frame(&mut self, frame: &Frame) -> Result<Step, DemuxError> {
        let begins = self.window.start();
        let vbr = match self.framing {
            Framing::Mpeg | Framing::MpegFree { .. } => vbr::parse(self.window.peek(frame.len)),
            _ => None,
        };
        if vbr.is_some() {
            self.window.skip(frame.len);
        }
        let first = self.window.start();
        let rate = frame.format.sample_rate;
        let audio_end = match vbr.as_ref().and_then(|vbr| vbr.bytes) {
            Some(bytes) => Some(begins.saturating_add(bytes)),
            None => self.total_len,
        };
        let audio_bytes = audio_end.map(|end| end.saturating_sub(first));
        let table_time = vbr
            .as_ref()
            .and_then(|vbr| vbr.frames)
            .map(|frames| samples_to_time(frames.saturating_mul(frame.samples.into()), rate));
        let mut bytes_per_second = self.estimate(frame);
        if let (Some(bytes), Some(time)) = (audio_bytes, table_time)
            && time > Time::ZERO
            && bytes > 0
        {
            bytes_per_second = as_f64(bytes) / time.as_secs_f64();
        }
        let estimated = audio_bytes
            .filter(|_| bytes_per_second > 0.0)
            .map(|bytes| Time::from_secs_f64(as_f64(bytes) / bytes_per_second));
        self.file = Some(File {
            format: frame.format,
            first,
            samples_per_frame: u64::from(frame.samples.max(1)),
            bytes_per_second,
            duration: table_time.or(estimated),
            vbr,
        });
        self.state = State::Frames { in_junk: false };
        Ok(Step::Info(Arc::new(self.info())))
    }

    /// Bytes a second, from the frames at hand.
    fn estimate(&mut self, first: &Frame) -> f64 {
        let framing = self.framing;
        let (mut at, mut samples) = (0usize, 0u64);
        let data = self.window.front();
        for _ in 0..ESTIMATE_FRAMES {
            let Some(Ok((frame, _))) = data.get(at..).map(|data| framing.header(data)) else {
                break;
            };
            at = at.saturating_add(frame.len);
            samples = samples.saturating_add(frame.samples.into());
        }
        if samples == 0 {
            (at, samples) = (first.len, u64::from(first.samples.max(1)));
        }
        as_f64(to_u64(at)) * f64::from(first.format.sample_rate) / as_f64(samples)
    }

    fn info(&self) -> MediaInfo {
        let mut info = MediaInfo {
            container: self.names.container,
            title: self.title.clone().filter(|title| !title.is_empty()),
            chapters: self.chapters.clone(),
            ..MediaInfo::default()
        };
        let Some(file) = &self.file else {
            return info;
        };
        let mut track = TrackInfo::new(TrackId(0), file.format.codec);
        let mut params = file.format.params();
        if let Some(vbr) = &file.vbr {
            params.encoder_delay = vbr.delay;
            params.encoder_padding = vbr.padding;
        }
        track.audio = Some(params);
        track.duration = file.duration;
        if let Some(config) = file.format.aac_config {
            track.config = Bytes::copy_from_slice(&config);
            track.codec_string = Some(format!("mp4a.40.{}", config[0] >> 3));
        }
        if let Some((config, bytes)) = self.latm.as_ref().and_then(Latm::config) {
            track.config = bytes.clone();
            track.codec_string = Some(config.codec_string());
        }
        let bits = file.bytes_per_second * 8.0;
        track.bitrate = (1.0..1e9).contains(&bits).then(|| round_to_u32(bits));
        info.duration = file.duration;
        info.seekable = self.total_len.is_some();
        info.tracks.push(track);
        info
    }

    /// The next packet.
    fn frame(&mut self, in_junk: bool) -> Option<Step> {
        if let Some(data) = self.unwrapped.pop_front() {
            return self.unwrapped_packet(data).map(Step::Packet);
        }
        match self.look() {
            Looked::Frame(frame) => {
                self.state = State::Frames { in_junk: false };
                if self.latm.is_some() {
                    self.unwrap(&frame);
                    return None;
                }
                Some(Step::Packet(self.packet(&frame)))
            }
            Looked::Junk(count) => {
                if let Tag::Bytes(len) = leading_tag(self.window.peek(TAG_HEAD)) {
                    let end = self.window.start().saturating_add(len);
                    self.state = State::Tag { end };
                    return None;
                }
                if !in_junk && !is_trailing_tag(self.window.peek(16)) {
                    self.damage = self.damage.saturating_add(1);
                }
                self.state = State::Frames { in_junk: true };
                self.window.skip(count);
                None
            }
            Looked::NeedMore => Some(Step::NeedMore),
            Looked::End => Some(Step::End),
        }
    }

    fn packet(&mut self, frame: &Frame) -> Packet {
        let rate = frame.format.sample_rate;
        self.note(samples_to_time(self.samples, rate));
        let mut data = self.window.take(frame.len);
        data.advance(frame.skip.min(data.len()));
        self.give(data, frame.samples.into(), rate)
    }

    /// Takes the frames out of a LOAS frame.
    fn unwrap(&mut self, frame: &Frame) {
        if let Some(file) = &self.file {
            self.note(samples_to_time(self.samples, file.format.sample_rate));
        }
        let mut element = self.window.take(frame.len);
        element.advance(frame.skip.min(element.len()));
        let frames = self.latm.as_mut().map(|latm| latm.frames(&element));
        match frames {
            Some(Ok(frames)) => self.unwrapped.extend(frames),
            _ => self.damage = self.damage.saturating_add(1),
        }
    }

    fn unwrapped_packet(&mut self, data: Bytes) -> Option<Packet> {
        let file = self.file.as_ref()?;
        let (samples, rate) = (file.samples_per_frame, file.format.sample_rate);
        Some(self.give(data, samples, rate))
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn give(&mut self, data: Bytes, samples: u64, rate: u32) -> Packet {
        let pts = self.begins.unwrap_or_default() + samples_to_time(self.samples, rate);
        self.samples = self.samples.saturating_add(samples);
        Packet {
            track: TrackId(0),
            pts,
            dts: pts,
            duration: samples_to_time(samples, rate),
            flags: PacketFlags {
                key: true,
                discontinuity: std::mem::take(&mut self.jumped),
                ..PacketFlags::default()
            },
            data,
            crypto: None,
        }
    }

    /// Remembers where this time lies, once a second, as long as the way here was unbroken.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn note(&mut self, pts: Time) {
        let Some(file) = &self.file else { return };
        let rate = file.format.sample_rate;
        let next = match self.index.last() {
            Some((samples, _)) => samples_to_time(*samples, rate) + INDEX_STEP,
            None => Time::ZERO,
        };
        // A seek that was estimated leaves the count of samples inexact.
        let exact = pts < next + INDEX_STEP;
        if pts >= next && exact {
            self.index.push((self.samples, self.window.start()));
        }
    }

    fn look(&mut self) -> Looked {
        let available = self.window.len();
        if available < self.need && !self.ended {
            return Looked::NeedMore;
        }
        self.need = 0;
        let mut wanted = 16;
        loop {
            if available == 0 && self.ended {
                return Looked::End;
            }
            let data = self.window.peek(wanted);
            let ended = self.ended && data.len() == available;
            match self.splitter.look(data, ended) {
                Look::Frame(frame) if frame.len <= data.len() => return Looked::Frame(frame),
                Look::Frame(frame) => wanted = frame.len,
                Look::Junk(count) => return Looked::Junk(count),
                Look::Need(count) if count > MAX_FRAME => return Looked::Junk(1),
                Look::Need(count) if data.len() == available => {
                    self.need = count;
                    return Looked::NeedMore;
                }
                Look::Need(count) => wanted = count.max(wanted.saturating_add(1)),
            }
        }
    }

    /// Goes to a known place before the time, else to where the table or the bit rate says.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    pub(crate) fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        let Some(file) = &self.file else {
            return Err(DemuxError::NotSeekable("its headers are not read yet"));
        };
        if self.total_len.is_none() && self.index.is_empty() {
            return Err(DemuxError::NotSeekable("its length is not known"));
        }
        let rate = file.format.sample_rate;
        let time = (target.time - self.begins.unwrap_or_default()).max(Time::ZERO);
        let wanted = time_to_samples(time, rate)
            .saturating_sub(PRE_ROLL.saturating_mul(file.samples_per_frame));
        let known = self.index.iter().rev().find(|(at, _)| *at <= wanted);
        let reach = self.index.last().map_or(0, |(at, _)| *at);
        let exact = known.filter(|_| {
            wanted <= reach.saturating_add(u64::from(rate)) || self.total_len.is_none()
        });
        let (samples, offset) = match exact {
            Some(known) => *known,
            None => self.estimated_place(file, wanted),
        };
        self.samples = samples;
        self.unwrapped.clear();
        self.splitter.lost();
        self.need = 0;
        self.jumped = true;
        self.state = State::Asking {
            offset,
            then: Then::Frames,
        };
        Ok(())
    }

    /// Samples and offset of a place near the one wanted.
    fn estimated_place(&self, file: &File, wanted: u64) -> (u64, u64) {
        let rate = file.format.sample_rate;
        let frame = file.samples_per_frame;
        let samples = wanted.saturating_sub(wanted.checked_rem(frame).unwrap_or(0));
        let time = samples_to_time(samples, rate);
        let end = self.total_len.unwrap_or(u64::MAX);
        let by_table = file
            .vbr
            .as_ref()
            .and_then(|vbr| vbr.place(time, file.duration?, end.saturating_sub(file.first)));
        let bytes =
            by_table.unwrap_or_else(|| floor_to_u64(time.as_secs_f64() * file.bytes_per_second));
        // An estimate that overshoots still leaves the last frames.
        let tail = floor_to_u64(
            samples_to_time(frame.saturating_mul(PRE_ROLL), rate).as_secs_f64()
                * file.bytes_per_second,
        );
        let latest = end.saturating_sub(tail).max(file.first);
        (samples, file.first.saturating_add(bytes).min(latest))
    }
}

/// Whether frames are of the free format.
enum FreeFormat {
    Is(Framing),
    NeedMore,
}

/// What lies at the start of the window.
enum Looked {
    Frame(Frame),
    Junk(usize),
    NeedMore,
    End,
}

fn to_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[allow(clippy::cast_precision_loss)] // byte counts stay below 2^53
fn as_f64(value: u64) -> f64 {
    value as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
pub(crate) fn floor_to_u64(value: f64) -> u64 {
    value.floor() as u64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
fn round_to_u32(value: f64) -> u32 {
    value.round() as u32
}

/// Lets a newtype around an [`AudioFile`] be a demuxer.
macro_rules! demux_as_audio_file {
    ($name:ident, $framing:expr, $names:expr) => {
        crate::audio_file::demux_by_inner!($name);

        impl $name {
            fn open(opening: crate::container::Opening) -> Self {
                Self(crate::audio_file::AudioFile::new($framing, $names, opening))
            }
        }
    };
}
pub(crate) use demux_as_audio_file;

/// Lets a newtype be the demuxer that it holds.
macro_rules! demux_by_inner {
    ($name:ident) => {
        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl $name {
            /// A demuxer at the start of a resource.
            #[must_use]
            pub fn new() -> Self {
                Self::open(crate::container::Opening::default())
            }
        }

        impl crate::Demuxer for $name {
            fn push(&mut self, offset: u64, data: bytes::Bytes) {
                self.0.push(offset, data);
            }
            fn finish(&mut self) {
                self.0.finish();
            }
            fn set_len(&mut self, total_len: u64) {
                self.0.set_len(total_len);
            }
            fn poll(&mut self) -> Result<crate::Step, crate::DemuxError> {
                self.0.poll()
            }
            fn seek(&mut self, target: crate::SeekTo) -> Result<(), crate::DemuxError> {
                self.0.seek(target)
            }
            fn damage(&self) -> u64 {
                self.0.damage()
            }
            fn clock(&self) -> crate::ClockKind {
                self.0.clock()
            }
        }
    };
}
pub(crate) use demux_by_inner;
