//! Sound files made of chunks. RIFF, AIFF and CAF differ in how the head of a chunk is written and in how their
//! chunks are called; what is common is here: the walk over the chunks, the packets, seeks by arithmetic.

mod layout;

use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{ByteRange, MediaInfo, Packet, PacketFlags, Time, TrackId, TrackInfo};

pub(crate) use self::layout::{Blocks, Layout, PacketTable};
use self::layout::{Extent, Place};
use crate::audio_file::{AudioFile, Names};
use crate::container::{Lead, Opening};
use crate::framing::{Framing, samples_to_time, time_to_samples};
use crate::tags::is_stepped_over;
use crate::window::Window;
use crate::{ClockKind, DemuxError, SeekTo, Step};

/// A chunk that is looked into is no longer; longer ones are passed over.
const MAX_CHUNK: u64 = 16 << 20;

/// Four characters that name a chunk.
pub(crate) type ChunkId = [u8; 4];

/// The head of a chunk.
pub(crate) struct ChunkHead {
    pub(crate) id: ChunkId,
    /// Bytes of its body; `None`: it reaches to the end of the file.
    pub(crate) len: Option<u64>,
}

/// What is done with a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// It is read.
    Read,
    /// It holds the sound.
    Sound,
    /// It is passed over.
    Pass,
}

/// A kind of file made of chunks.
pub(crate) trait Form: Default + Send {
    /// Names in results and in errors.
    const NAMES: FormNames;
    /// Bytes before the first chunk.
    const HEAD: usize;
    /// Bytes of a chunk's head.
    const CHUNK_HEAD: usize;
    /// Bodies of chunks are filled up to multiples of so many bytes.
    const ALIGN: u64;

    /// Reads what stands before the first chunk: [`HEAD`](Self::HEAD) bytes.
    fn begin(&mut self, head: &[u8]);
    /// Reads a chunk's head: [`CHUNK_HEAD`](Self::CHUNK_HEAD) bytes.
    fn chunk(&self, head: &[u8]) -> Option<ChunkHead>;
    /// What to do with chunks of that name.
    fn role(id: ChunkId) -> Role;
    /// Reads a chunk. One that says nothing sensible says nothing.
    fn read(&mut self, id: ChunkId, body: &Bytes);
    /// The sound, of which the chunk holds so many bytes. `None` while chunks that must be known were not met.
    fn sound(&self, len: Option<u64>) -> Option<Sound>;
    /// The title, as far as it was met.
    fn title(&self) -> Option<String>;
}

/// How a form is called in results and in errors.
pub(crate) struct FormNames {
    pub(crate) container: &'static str,
    /// The reason where the sound's coding is not told.
    pub(crate) no_format: &'static str,
    /// The reason where frames within it do not follow one another.
    pub(crate) no_sync: &'static str,
}

/// What a chunk of sound holds.
pub(crate) struct Sound {
    pub(crate) track: TrackInfo,
    pub(crate) layout: Layout,
    /// Bytes at its start that are none.
    pub(crate) skip: u64,
}

/// Demultiplexes a file made of chunks.
pub(crate) struct Chunked<F> {
    form: F,
    window: Window,
    state: State,
    chunk: Option<SoundChunk>,
    total_len: Option<u64>,
    ended: bool,
    lead: Lead,
    jumped: bool,
}

/// Where the chunk with the sound lies.
#[derive(Clone, Copy)]
struct SoundChunk {
    begins: u64,
    len: Option<u64>,
}

enum State {
    /// Before the first chunk.
    Head,
    /// Before the head of a chunk.
    Chunk,
    /// Before the body of a chunk that is read.
    Body { id: ChunkId, len: u64 },
    /// Within a chunk that is passed over, to this offset.
    Pass { end: u64 },
    /// Bytes from an offset on are asked for.
    Asking { offset: u64, then: Then },
    /// Before the packets, of which is told first.
    Reporting(Box<Playing>),
    /// Among the packets.
    Playing(Box<Playing>),
    /// Among frames that tell their lengths themselves.
    Frames(Box<AudioFile>),
}

enum Then {
    Chunk,
    Play(Box<Playing>),
}

struct Playing {
    track: TrackInfo,
    layout: Layout,
    /// Where the sound begins.
    begins: u64,
    /// Its bytes, as its chunk tells.
    len: Option<u64>,
    place: Place,
}

impl<F: Form> Chunked<F> {
    pub(crate) fn open(opening: Opening) -> Self {
        let mut window = Window::default();
        window.restart(opening.lead.begins);
        Self {
            form: F::default(),
            window,
            state: State::Head,
            chunk: None,
            total_len: None,
            ended: false,
            lead: opening.lead,
            jumped: false,
        }
    }

    pub(crate) fn push(&mut self, offset: u64, data: Bytes) {
        match &mut self.state {
            State::Frames(frames) => push_until(frames, self.chunk, offset, data),
            _ => self.window.push(offset, data),
        }
    }

    pub(crate) fn finish(&mut self) {
        self.ended = true;
        if let State::Frames(frames) = &mut self.state {
            return frames.finish();
        }
        self.total_len = self.total_len.or(Some(self.window.end()));
    }

    pub(crate) fn set_len(&mut self, total_len: u64) {
        self.total_len = Some(total_len);
        if let State::Frames(frames) = &mut self.state {
            let end = self.chunk.and_then(|chunk| chunk.end());
            frames.set_len(end.map_or(total_len, |end| end.min(total_len)));
        }
    }

    pub(crate) fn damage(&self) -> u64 {
        match &self.state {
            State::Frames(frames) => frames.damage(),
            _ => 0,
        }
    }

    pub(crate) fn clock(&self) -> ClockKind {
        ClockKind::OwnStart
    }

    pub(crate) fn poll(&mut self) -> Result<Step, DemuxError> {
        loop {
            let step = match &mut self.state {
                State::Head => self.head()?,
                State::Chunk => self.chunk()?,
                State::Body { id, len } => {
                    let (id, len) = (*id, *len);
                    self.body(id, len)?
                }
                State::Pass { end } => {
                    let end = *end;
                    self.pass(end)
                }
                State::Asking { .. } => self.ask(),
                State::Reporting(_) => self.report(),
                State::Playing(_) => Some(self.play()),
                State::Frames(frames) => return frames.poll(),
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    fn head(&mut self) -> Result<Option<Step>, DemuxError> {
        if self.window.len() < F::HEAD {
            return self.wait_for_header();
        }
        self.form.begin(self.window.peek(F::HEAD));
        self.window.skip(F::HEAD);
        self.state = State::Chunk;
        Ok(None)
    }

    fn wait_for_header(&self) -> Result<Option<Step>, DemuxError> {
        match self.ended {
            true => Err(DemuxError::TruncatedHeader {
                at: self.window.end(),
            }),
            false => Ok(Some(Step::NeedMore)),
        }
    }

    fn chunk(&mut self) -> Result<Option<Step>, DemuxError> {
        if let Some(chunk) = self.chunk
            && let Some(sound) = self.form.sound(chunk.len)
        {
            self.begin_sound(chunk, sound);
            return Ok(None);
        }
        let head = self.window.peek(F::CHUNK_HEAD);
        if head.len() < F::CHUNK_HEAD {
            return match self.chunk {
                Some(_) if self.ended => Err(self.no_format()),
                _ => self.wait_for_header(),
            };
        }
        let Some(ChunkHead { id, len }) = self.form.chunk(head) else {
            return Err(self.no_format());
        };
        self.window.skip(F::CHUNK_HEAD);
        let begins = self.window.start();
        let end = len.map(|len| begins.saturating_add(filled_up::<F>(len)));
        self.state = match (F::role(id), len) {
            (Role::Sound, len) if self.chunk.is_none() => {
                let chunk = SoundChunk { begins, len };
                self.chunk = Some(chunk);
                match self.form.sound(len) {
                    Some(sound) => {
                        self.begin_sound(chunk, sound);
                        return Ok(None);
                    }
                    None => State::Pass {
                        end: end.ok_or_else(|| self.no_format())?,
                    },
                }
            }
            (Role::Read, Some(len)) if len <= MAX_CHUNK => State::Body { id, len },
            _ => State::Pass {
                end: end.ok_or_else(|| self.no_format())?,
            },
        };
        Ok(None)
    }

    fn no_format(&self) -> DemuxError {
        DemuxError::Malformed {
            container: F::NAMES.container,
            offset: self.window.start(),
            reason: F::NAMES.no_format,
            what: "no chunk tells how its sound is coded".to_owned(),
        }
    }

    fn body(&mut self, id: ChunkId, len: u64) -> Result<Option<Step>, DemuxError> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if self.window.len() < len {
            return match self.chunk {
                Some(_) if self.ended => Err(self.no_format()),
                _ => self.wait_for_header(),
            };
        }
        let end = self.window.start();
        let body = self.window.take(len);
        self.form.read(id, &body);
        self.state = State::Pass {
            end: end.saturating_add(filled_up::<F>(body.len() as u64)),
        };
        Ok(None)
    }

    fn pass(&mut self, end: u64) -> Option<Step> {
        let left = end.saturating_sub(self.window.start());
        if (self.window.len() as u64) < left && is_stepped_over(left, end, self.total_len) {
            self.state = State::Asking {
                offset: end,
                then: Then::Chunk,
            };
            return None;
        }
        self.window
            .skip(usize::try_from(left).unwrap_or(usize::MAX));
        if self.window.start() < end && !self.ended {
            return Some(Step::NeedMore);
        }
        self.state = State::Chunk;
        None
    }

    fn ask(&mut self) -> Option<Step> {
        let before = std::mem::replace(&mut self.state, State::Chunk);
        let State::Asking { offset, then } = before else {
            self.state = before;
            return None;
        };
        self.window.restart(offset);
        let at_end = self.total_len.is_some_and(|len| offset >= len);
        self.ended = at_end;
        self.state = match then {
            Then::Chunk => State::Chunk,
            Then::Play(playing) => State::Playing(playing),
        };
        (!at_end).then(|| Step::Want(ByteRange::from(offset)))
    }

    /// The sound begins, here or, where chunks behind it were read first, elsewhere.
    fn begin_sound(&mut self, chunk: SoundChunk, sound: Sound) {
        let begins = chunk.begins.saturating_add(sound.skip);
        let len = chunk.len.map(|len| len.saturating_sub(sound.skip));
        if let Layout::Frames(framing) = sound.layout {
            return self.begin_frames(framing, SoundChunk { begins, len });
        }
        let playing = Playing {
            track: sound.track,
            layout: sound.layout,
            begins,
            len,
            place: Place::default(),
        };
        self.state = State::Reporting(Box::new(playing));
    }

    fn report(&mut self) -> Option<Step> {
        let before = std::mem::replace(&mut self.state, State::Chunk);
        let State::Reporting(playing) = before else {
            self.state = before;
            return None;
        };
        let info = playing.info(F::NAMES.container, self.total_len, self.title());
        self.go_to(playing.begins, playing);
        Some(Step::Info(Arc::new(info)))
    }

    /// Goes on at an offset, which may be that of bytes at hand.
    fn go_to(&mut self, offset: u64, playing: Box<Playing>) {
        let ahead = offset.checked_sub(self.window.start());
        let ahead = ahead.and_then(|ahead| usize::try_from(ahead).ok());
        self.state = match ahead.filter(|ahead| *ahead <= self.window.len()) {
            Some(ahead) => {
                self.window.skip(ahead);
                State::Playing(playing)
            }
            None => State::Asking {
                offset,
                then: Then::Play(playing),
            },
        };
    }

    fn begin_frames(&mut self, framing: Framing, chunk: SoundChunk) {
        let names = Names {
            container: F::NAMES.container,
            no_sync: F::NAMES.no_sync,
        };
        let lead = Lead {
            begins: chunk.begins,
            title: self.title(),
            ..Lead::default()
        };
        let opening = Opening {
            lead,
            ..Opening::default()
        };
        let mut frames = Box::new(AudioFile::new(framing, names, opening));
        let end = match (chunk.end(), self.total_len) {
            (Some(end), Some(len)) => Some(end.min(len)),
            (end, len) => end.or(len),
        };
        if let Some(end) = end {
            frames.set_len(end);
        }
        while let Some((offset, data)) = self.window.pop_chunk() {
            push_until(&mut frames, Some(chunk), offset, data);
        }
        if self.ended {
            frames.finish();
        }
        self.chunk = Some(chunk);
        self.state = State::Frames(frames);
    }

    fn title(&self) -> Option<String> {
        self.form.title().or_else(|| self.lead.title.clone())
    }

    fn play(&mut self) -> Step {
        let (total_len, ended, at) = (self.total_len, self.ended, self.window.start());
        let here = self.window.len() as u64;
        let State::Playing(playing) = &mut self.state else {
            return Step::NeedMore;
        };
        let left = playing.end(total_len).map(|end| end.saturating_sub(at));
        let left = match ended {
            true => Some(left.unwrap_or(here).min(here)),
            false => left,
        };
        let Some(extent) = playing.layout.next(&playing.place, left) else {
            return Step::End;
        };
        if here < extent.len {
            return Step::NeedMore;
        }
        let data = self
            .window
            .take(usize::try_from(extent.len).unwrap_or(usize::MAX));
        let mut packet = playing.packet(extent, data);
        packet.flags.discontinuity = std::mem::take(&mut self.jumped);
        Step::Packet(packet)
    }

    pub(crate) fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        let before = std::mem::replace(&mut self.state, State::Chunk);
        let mut playing = match before {
            State::Frames(mut frames) => {
                let sought = frames.seek(target);
                self.state = State::Frames(frames);
                return sought;
            }
            State::Playing(playing)
            | State::Asking {
                then: Then::Play(playing),
                ..
            } => playing,
            other => {
                self.state = other;
                return Err(DemuxError::NotSeekable("its headers are not read yet"));
            }
        };
        let time = target.time.max(Time::ZERO);
        let sample = time_to_samples(time, playing.rate());
        let len = playing.end(self.total_len);
        let len = len.map(|end| end.saturating_sub(playing.begins));
        playing.place = playing.layout.place_of(sample, len);
        self.jumped = true;
        let offset = playing.begins.saturating_add(playing.place.offset);
        self.state = State::Asking {
            offset,
            then: Then::Play(playing),
        };
        Ok(())
    }
}

/// The length of a chunk's body with what fills it up.
fn filled_up<F: Form>(len: u64) -> u64 {
    len.checked_next_multiple_of(F::ALIGN).unwrap_or(len)
}

impl SoundChunk {
    fn end(&self) -> Option<u64> {
        Some(self.begins.saturating_add(self.len?))
    }
}

/// What lies behind the chunk is no sound: the frames end where it does.
fn push_until(frames: &mut AudioFile, chunk: Option<SoundChunk>, offset: u64, mut data: Bytes) {
    let Some(end) = chunk.and_then(|chunk| chunk.end()) else {
        return frames.push(offset, data);
    };
    let left = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
    let reaches_end = data.len() >= left && offset <= end;
    data.truncate(left);
    frames.push(offset, data);
    if reaches_end && frames.window_end() == end {
        frames.finish();
    }
}

impl Playing {
    fn rate(&self) -> u32 {
        self.track.audio.map_or(0, |audio| audio.sample_rate)
    }

    /// Where the sound ends, as far as that is known.
    fn end(&self, total_len: Option<u64>) -> Option<u64> {
        let end = self.len.map(|len| self.begins.saturating_add(len));
        match (end, total_len) {
            (Some(end), Some(len)) => Some(end.min(len)),
            (end, len) => end.or(len),
        }
    }

    fn info(
        &self,
        container: &'static str,
        total_len: Option<u64>,
        title: Option<String>,
    ) -> MediaInfo {
        let mut track = self.track.clone();
        let end = self.end(total_len);
        let len = end.map(|end| end.saturating_sub(self.begins));
        let samples = self.layout.samples(len);
        track.duration = samples.map(|samples| samples_to_time(samples, self.rate()));
        MediaInfo {
            container,
            duration: track.duration,
            tracks: vec![track],
            seekable: end.is_some(),
            title: title.filter(|title| !title.is_empty()),
            ..MediaInfo::default()
        }
    }

    fn packet(&mut self, extent: Extent, data: Bytes) -> Packet {
        let rate = self.rate();
        let pts = samples_to_time(self.place.sample, rate);
        self.place.pass(&extent);
        Packet {
            track: TrackId(0),
            pts,
            dts: pts,
            duration: samples_to_time(extent.samples, rate),
            flags: PacketFlags {
                key: true,
                ..PacketFlags::default()
            },
            data,
            crypto: None,
        }
    }
}

/// Lets a newtype around a [`Chunked`] be a demuxer.
macro_rules! demux_as_chunked {
    ($name:ident, $form:ty) => {
        crate::audio_file::demux_by_inner!($name);

        impl $name {
            fn open(opening: crate::container::Opening) -> Self {
                Self(crate::chunked::Chunked::<$form>::open(opening))
            }
        }
    };
}
pub(crate) use demux_as_chunked;
