//! Native FLAC (RFC 9639): metadata blocks, then frames, which tell neither their length nor, for sure, their start.

mod frames;
mod metadata;
mod seek;

use std::sync::Arc;

use bytes::Bytes;
use kinora_media::bitstream::flac::StreamInfo;
use kinora_media::{ByteRange, Chapter, MediaInfo, Packet, PacketFlags, Time, TrackId, TrackInfo};

use self::frames::{Found, Frame, Splitter};
use self::metadata::{BlockHead, MAX_READ, SeekPoint, kind};
use self::seek::{Known, Search};
use crate::audio_file::demux_by_inner;
use crate::comments::Comments;
use crate::container::{Access, Container, Opening, Signature};
use crate::framing::{samples_to_time, time_to_samples};
use crate::tags::{TAG_HEAD, Tag, is_stepped_over, leading_tag};
use crate::window::Window;
use crate::{ClockKind, DemuxError, SeekTo, Step};

pub(crate) const CONTAINER: Container = Container {
    name: "flac",
    title: "FLAC",
    media_types: &["flac"],
    extensions: &["flac"],
    signatures: &[Signature::Magic(b"fLaC")],
    access: Access::Demuxer(|opening| Box::new(FlacDemuxer::open(opening))),
};

const MAGIC: &[u8] = b"fLaC";

/// Demultiplexes native FLAC. A packet is a frame; STREAMINFO is the track's configuration.
pub struct FlacDemuxer(Flac);

demux_by_inner!(FlacDemuxer);

impl FlacDemuxer {
    fn open(opening: Opening) -> Self {
        Self(Flac::new(opening))
    }
}

struct Flac {
    window: Window,
    state: State,
    total_len: Option<u64>,
    ended: bool,
    title: Option<String>,
    chapters: Vec<Chapter>,
    points: Vec<SeekPoint>,
    stream: Option<Stream>,
    splitter: Splitter,
    damage: u64,
    jumped: bool,
}

#[derive(Clone, Copy)]
enum State {
    /// Before the magic number, where tags may stand.
    Start,
    /// Before a metadata block.
    Block,
    /// Before the body of one that is read.
    Body(BlockHead),
    /// Within what is passed over, to this offset.
    Pass { end: u64, then: Then },
    /// Bytes from an offset on are asked for.
    Asking { offset: u64, then: Then },
    /// Among frames.
    Frames,
    /// Among frames of a place that a seek tries.
    Searching(Search),
}

#[derive(Clone, Copy)]
enum Then {
    Start,
    Block,
    Frames,
    Searching(Search),
}

impl From<Then> for State {
    fn from(then: Then) -> Self {
        match then {
            Then::Start => Self::Start,
            Then::Block => Self::Block,
            Then::Frames => Self::Frames,
            Then::Searching(search) => Self::Searching(search),
        }
    }
}

/// What is known since STREAMINFO.
struct Stream {
    info: StreamInfo,
    config: Bytes,
    /// Where the first frame lies, and the sample that it begins with.
    first: Option<Known>,
    /// Places of frames that were seen, one a second.
    index: Vec<Known>,
    /// Samples that lie before this one are passed over: a seek wants later ones.
    wanted: u64,
    reported: bool,
}

impl Flac {
    fn new(opening: Opening) -> Self {
        let mut window = Window::default();
        window.restart(opening.lead.begins);
        Self {
            window,
            state: State::Start,
            total_len: None,
            ended: false,
            title: opening.lead.title.filter(|title| !title.is_empty()),
            chapters: opening.lead.chapters,
            points: Vec::new(),
            stream: None,
            splitter: Splitter::default(),
            damage: 0,
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
                State::Block => self.block()?,
                State::Body(head) => self.body(head)?,
                State::Pass { end, then } => self.pass(end, then),
                State::Asking { offset, then } => self.ask(offset, then),
                State::Frames => self.frame()?,
                State::Searching(search) => self.search(search)?,
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// More bytes of the headers, of which there must be some.
    fn wait_for_header(&self) -> Result<Option<Step>, DemuxError> {
        match self.ended {
            true => Err(DemuxError::TruncatedHeader {
                at: self.window.end(),
            }),
            false => Ok(Some(Step::NeedMore)),
        }
    }

    fn malformed(&self, reason: &'static str, what: &str) -> DemuxError {
        DemuxError::Malformed {
            container: CONTAINER.name,
            offset: self.window.start(),
            reason,
            what: what.to_owned(),
        }
    }

    fn start(&mut self) -> Result<Option<Step>, DemuxError> {
        let begins = self.window.start();
        let head = self.window.peek(TAG_HEAD);
        if head.starts_with(MAGIC) {
            self.window.skip(MAGIC.len());
            self.state = State::Block;
            return Ok(None);
        }
        match leading_tag(head) {
            Tag::Bytes(len) => {
                let (end, then) = (begins.saturating_add(len), Then::Start);
                self.state = State::Pass { end, then };
                Ok(None)
            }
            _ if head.len() < TAG_HEAD => self.wait_for_header(),
            _ => Err(self.malformed("flac.no_magic", "it does not begin with `fLaC`")),
        }
    }

    fn block(&mut self) -> Result<Option<Step>, DemuxError> {
        let Some(head) = self.window.peek(BlockHead::LEN).first_chunk() else {
            return self.wait_for_header();
        };
        let head = BlockHead::parse(*head);
        self.window.skip(BlockHead::LEN);
        self.state = State::Body(head);
        Ok(None)
    }

    fn body(&mut self, head: BlockHead) -> Result<Option<Step>, DemuxError> {
        let begins = self.window.start();
        let read = match head.kind {
            kind::STREAMINFO | kind::SEEKTABLE | kind::VORBIS_COMMENT => head.len.min(MAX_READ),
            _ => 0,
        };
        if self.window.len() < read {
            return self.wait_for_header();
        }
        let body = self.window.take(read);
        match head.kind {
            kind::STREAMINFO if self.stream.is_none() => {
                let info = StreamInfo::parse(&body)
                    .map_err(|error| self.malformed("flac.streaminfo", &error.to_string()))?;
                let config = body.slice(..StreamInfo::LEN.min(body.len()));
                self.stream = Some(Stream::new(info, config));
            }
            kind::SEEKTABLE => self.points = metadata::seek_table(&body),
            kind::VORBIS_COMMENT => {
                let comments = Comments::parse(&body);
                self.title = comments.title.or(self.title.take());
                self.chapters = comments.chapters;
            }
            _ => {}
        }
        if head.is_last && self.stream.is_none() {
            return Err(self.malformed("flac.streaminfo", "it has no STREAMINFO block"));
        }
        self.state = State::Pass {
            end: begins.saturating_add(head.len as u64),
            then: match head.is_last {
                true => Then::Frames,
                false => Then::Block,
            },
        };
        Ok(None)
    }

    fn pass(&mut self, end: u64, then: Then) -> Option<Step> {
        let left = end.saturating_sub(self.window.start());
        if (self.window.len() as u64) < left && is_stepped_over(left, end, self.total_len) {
            self.state = State::Asking { offset: end, then };
            return None;
        }
        self.window
            .skip(usize::try_from(left).unwrap_or(usize::MAX));
        if self.window.start() < end && !self.ended {
            return Some(Step::NeedMore);
        }
        self.state = then.into();
        None
    }

    fn ask(&mut self, offset: u64, then: Then) -> Option<Step> {
        self.window.restart(offset);
        self.splitter.restart();
        self.ended = self.total_len.is_some_and(|len| offset >= len);
        self.state = then.into();
        (!self.ended).then(|| Step::Want(ByteRange::from(offset)))
    }

    fn report(&self, stream: &Stream) -> Step {
        let rate = stream.info.sample_rate;
        let mut track = TrackInfo::new(TrackId(0), kinora_media::CodecId::Flac);
        track.config = stream.config.clone();
        track.codec_string = Some("flac".to_owned());
        track.audio = Some(stream.info.params());
        track.duration = stream
            .info
            .samples
            .map(|samples| samples_to_time(samples, rate));
        Step::Info(Arc::new(MediaInfo {
            container: CONTAINER.name,
            duration: track.duration,
            tracks: vec![track],
            seekable: self.total_len.is_some(),
            title: self.title.clone(),
            chapters: self.chapters.clone(),
            ..MediaInfo::default()
        }))
    }

    fn frame(&mut self) -> Result<Option<Step>, DemuxError> {
        let (at, ended) = (self.window.start(), self.ended);
        if self.window.len() == 0 && !ended {
            return Ok(Some(Step::NeedMore));
        }
        if let Some(stream) = &mut self.stream
            && !std::mem::replace(&mut stream.reported, true)
        {
            return Ok(self.stream.as_ref().map(|stream| self.report(stream)));
        }
        let Some(stream) = &mut self.stream else {
            return Err(self.malformed("flac.streaminfo", "it has no STREAMINFO block"));
        };
        match self.splitter.look(&mut self.window, &stream.info, ended) {
            Found::Frame(frame) => {
                let is_wanted = stream.meet(&frame, at);
                let sample = stream.sample(&frame);
                let rate = stream.info.sample_rate;
                let data = self.window.take(frame.len);
                Ok(is_wanted.then(|| Step::Packet(self.packet(sample, &frame, rate, data))))
            }
            Found::Junk { len, is_damage } => {
                self.damage = self.damage.saturating_add(u64::from(is_damage));
                self.window.skip(len);
                Ok(None)
            }
            Found::NeedMore => Ok(Some(Step::NeedMore)),
            Found::End => Ok(Some(Step::End)),
            Found::Lost => Err(self.malformed("flac.no_sync", "no frame is followed by another")),
        }
    }

    fn packet(&mut self, sample: u64, frame: &Frame, rate: u32, data: Bytes) -> Packet {
        let pts = samples_to_time(sample, rate);
        Packet {
            track: TrackId(0),
            pts,
            dts: pts,
            duration: samples_to_time(frame.header.block_size.into(), rate),
            flags: PacketFlags {
                key: true,
                discontinuity: std::mem::take(&mut self.jumped),
                ..PacketFlags::default()
            },
            data,
            crypto: None,
        }
    }

    fn seek(&mut self, target: SeekTo) -> Result<(), DemuxError> {
        let stream = self.stream.as_mut().filter(|stream| stream.first.is_some());
        let Some(stream) = stream else {
            return Err(DemuxError::NotSeekable("its headers are not read yet"));
        };
        let wanted = time_to_samples(target.time.max(Time::ZERO), stream.info.sample_rate);
        let last = stream
            .info
            .samples
            .map_or(u64::MAX, |samples| samples.saturating_sub(1));
        stream.wanted = wanted.min(last);
        self.jumped = true;
        let search = stream.search(&self.points, self.total_len);
        self.go_on(search);
        Ok(())
    }

    /// Tries the next place, or reads on from the best one.
    fn go_on(&mut self, search: Search) {
        self.state = match search.next() {
            Some(offset) => State::Asking {
                offset,
                then: Then::Searching(search),
            },
            None => State::Asking {
                offset: search.from.offset,
                then: Then::Frames,
            },
        };
    }

    /// Looks which frame lies at the place that was tried.
    fn search(&mut self, mut search: Search) -> Result<Option<Step>, DemuxError> {
        let Some(stream) = &mut self.stream else {
            return Ok(Some(Step::End));
        };
        let at = self.window.start();
        let sample = match self
            .splitter
            .look(&mut self.window, &stream.info, self.ended)
        {
            Found::NeedMore => return Ok(Some(Step::NeedMore)),
            Found::Junk { len, .. } => {
                self.window.skip(len);
                return Ok(None);
            }
            Found::Frame(frame) => stream.sample(&frame),
            Found::End | Found::Lost => u64::MAX,
        };
        if search.is_near(sample) {
            self.state = State::Frames;
            return Ok(None);
        }
        search.tried(Known { sample, offset: at });
        self.go_on(search);
        Ok(None)
    }
}

impl Stream {
    fn new(info: StreamInfo, config: Bytes) -> Self {
        Self {
            info,
            config,
            first: None,
            index: Vec::new(),
            wanted: 0,
            reported: false,
        }
    }

    /// The sample that a frame begins with. Where nothing tells how many the whole has, it was cut out of something,
    /// and its first frame is the beginning.
    fn sample(&self, frame: &Frame) -> u64 {
        let begins = match self.info.samples {
            Some(_) => 0,
            None => self.first.map_or(0, |first| first.sample),
        };
        frame.sample(&self.info).saturating_sub(begins)
    }

    /// Remembers a frame's place, and says whether it is wanted.
    fn meet(&mut self, frame: &Frame, at: u64) -> bool {
        self.first.get_or_insert(Known {
            sample: frame.sample(&self.info),
            offset: at,
        });
        let sample = self.sample(frame);
        let next = match self.index.last() {
            Some(last) => last.sample.saturating_add(self.info.sample_rate.into()),
            None => 0,
        };
        if sample >= next {
            self.index.push(Known { sample, offset: at });
        }
        sample.saturating_add(frame.header.block_size.into()) > self.wanted
    }
}

#[cfg(test)]
mod tests;
