//! Reading a file's packets without playing it: for probing, dumping and decoding as fast as
//! the machine can.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;
use kinora_codec::DecoderOptions;
use kinora_container::{Demuxer, ProbingDemuxer, SeekTo, Step};
use kinora_errors::{Code, Coded, Fault, codes};
use kinora_media::{ByteRange, MediaInfo, Packet, RequestId, Time, TrackInfo, VideoFrame};
use kinora_net::{FetchRequest, Net, NetConfig, NetEvent};

use crate::backends::{Backends, DecoderChoice};
use crate::decoder::{AnyDecoder, AnyFrame};

/// How much is read of a file at once.
const FILE_CHUNK: usize = 256 * 1024;
/// How much may be on its way from the network before it is used: little while headers are read, more the more is read.
const FIRST_CREDIT: u64 = 64 * 1024;
const NET_CREDIT: u64 = 1024 * 1024;

/// Reads the packets of one file or URL in the order of the file.
///
/// ```no_run
/// # fn main() -> Result<(), kinora::Fault> {
/// let mut reader = kinora::MediaReader::open("film.mp4", &kinora::NetConfig::default())?;
/// println!("{:?}", reader.info().duration);
/// while let Some(packet) = reader.next_packet()? {
///     println!("{:?} {} bytes", packet.pts, packet.data.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct MediaReader {
    source: Box<dyn ByteSource>,
    demuxer: ProbingDemuxer,
    info: Arc<MediaInfo>,
    /// Packets that were read before they were asked for.
    waiting: VecDeque<Packet>,
    offset: u64,
    bytes_read: u64,
    url: String,
}

/// What a look at the file finds.
enum Found {
    Info,
    Packet(Packet),
    End,
}

/// Where bytes come from, one place after the other.
trait ByteSource {
    /// Some bytes from an offset on; empty at the end.
    fn read_at(&mut self, offset: u64) -> Result<Bytes, Fault>;
    /// How long it is, where known.
    fn total_len(&self) -> Option<u64>;
}

impl MediaReader {
    /// Opens a path or a URL and reads its headers.
    ///
    /// # Errors
    /// What the network or the file system said, or why the bytes are no media
    /// (`ERROR_DEMUXER_OPENSTREAM`, `ERROR_DEMUXER_NO_VALID_STREAM`).
    pub fn open(url: &str, net: &NetConfig) -> Result<Self, Fault> {
        let source = open_source(url, net)?;
        let mut reader = Self {
            source,
            demuxer: ProbingDemuxer::new(),
            info: Arc::new(MediaInfo::default()),
            waiting: VecDeque::new(),
            offset: 0,
            bytes_read: 0,
            url: url.to_owned(),
        };
        match reader.step()? {
            Some(packet) => reader.waiting.push_back(packet),
            None if reader.info.tracks.is_empty() => {
                return Err(Fault::new(
                    codes::ERROR_DEMUXER_NO_VALID_STREAM,
                    "container.no_tracks",
                )
                .at_url(url));
            }
            None => {}
        }
        Ok(reader)
    }

    /// What the headers say.
    #[must_use]
    pub fn info(&self) -> &Arc<MediaInfo> {
        &self.info
    }
    /// How long the file is in bytes, where known.
    #[must_use]
    pub fn total_len(&self) -> Option<u64> {
        self.source.total_len()
    }
    /// How many bytes were read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
    /// Places of damage that were passed over.
    #[must_use]
    pub fn damage(&self) -> u64 {
        self.demuxer.damage()
    }

    /// The next packet; `None` at the end.
    ///
    /// # Errors
    /// As for [`MediaReader::open`].
    pub fn next_packet(&mut self) -> Result<Option<Packet>, Fault> {
        match self.waiting.pop_front() {
            Some(packet) => Ok(Some(packet)),
            None => self.step(),
        }
    }

    /// Goes to a time.
    ///
    /// # Errors
    /// Why the file can not be sought.
    pub fn seek(&mut self, target: SeekTo) -> Result<(), Fault> {
        self.waiting.clear();
        self.demuxer
            .seek(target)
            .map_err(|error| error.fault().at_url(&self.url))
    }

    /// The duration, looked for at the end of the file where the headers do not tell it. The packets come as if nothing
    /// had been asked.
    ///
    /// # Errors
    /// As for [`MediaReader::open`].
    pub fn find_duration(&mut self) -> Result<Option<Time>, Fault> {
        if self.info.duration.is_none() && self.demuxer.find_duration() {
            match self.look()? {
                Found::Packet(packet) => self.waiting.push_back(packet),
                Found::Info | Found::End => {}
            }
        }
        Ok(self.info.duration)
    }

    fn step(&mut self) -> Result<Option<Packet>, Fault> {
        loop {
            match self.look()? {
                Found::Info => {}
                Found::Packet(packet) => return Ok(Some(packet)),
                Found::End => return Ok(None),
            }
        }
    }

    /// Reads until the demuxer has something.
    fn look(&mut self) -> Result<Found, Fault> {
        loop {
            match self
                .demuxer
                .poll()
                .map_err(|error| error.fault().at_url(&self.url))?
            {
                Step::Info(info) => {
                    self.info = info;
                    return Ok(Found::Info);
                }
                Step::Packet(packet) => return Ok(Found::Packet(packet)),
                Step::NeedMore => self.feed()?,
                Step::Want(ByteRange { start, .. }) => {
                    self.offset = start;
                    self.feed()?;
                }
                Step::End => return Ok(Found::End),
            }
        }
    }

    fn feed(&mut self) -> Result<(), Fault> {
        let data = self.source.read_at(self.offset)?;
        if let Some(len) = self.source.total_len() {
            self.demuxer.set_len(len);
        }
        if data.is_empty() {
            self.demuxer.finish();
            return Ok(());
        }
        let len = data.len() as u64;
        self.demuxer.push(self.offset, data);
        self.offset += len;
        self.bytes_read += len;
        Ok(())
    }
}

fn open_source(url: &str, net: &NetConfig) -> Result<Box<dyn ByteSource>, Fault> {
    if url.is_empty() {
        return Err(Fault::new(codes::ERROR_DATASOURCE_EMPTYURL, "url.empty"));
    }
    if url.contains("://") {
        return Ok(Box::new(NetSource::new(url, net)));
    }
    Ok(Box::new(FileSource::open(url)?))
}

struct FileSource {
    file: File,
    len: u64,
    position: u64,
    path: String,
}

impl FileSource {
    fn open(path: &str) -> Result<Self, Fault> {
        let failed = |error: std::io::Error| file_fault(&error, path);
        // Looked at before it is opened: opening a pipe waits for somebody to write to it.
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return Err(Fault::new(Code::from_errno(21), "file.directory")
                .because("this is a directory; name a file in it")
                .at_url(path));
        }
        if !metadata.is_file() {
            return Err(Fault::new(Code::from_errno(29), "file.not_regular")
                .because("the path names no regular file, so it can not be read from any place")
                .at_url(path));
        }
        Ok(Self {
            file: File::open(path).map_err(failed)?,
            len: metadata.len(),
            position: 0,
            path: path.to_owned(),
        })
    }
}

impl ByteSource for FileSource {
    fn read_at(&mut self, offset: u64) -> Result<Bytes, Fault> {
        let mut chunk = Vec::with_capacity(FILE_CHUNK);
        let mut read = || {
            if offset != self.position {
                self.file.seek(SeekFrom::Start(offset))?;
            }
            self.file
                .by_ref()
                .take(FILE_CHUNK as u64)
                .read_to_end(&mut chunk)
        };
        let count = read().map_err(|error| file_fault(&error, &self.path))?;
        self.position = offset + count as u64;
        Ok(chunk.into())
    }

    fn total_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

fn file_fault(error: &std::io::Error, path: &str) -> Fault {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "file.not_found",
        std::io::ErrorKind::PermissionDenied => "file.permission",
        std::io::ErrorKind::IsADirectory => "file.directory",
        _ => "file.read",
    };
    Fault::new(Code::from_errno(error.raw_os_error().unwrap_or(0)), reason)
        .cause(error)
        .at_url(path)
}

struct NetSource {
    net: Net,
    events: Receiver<NetEvent>,
    url: String,
    request: RequestId,
    next: Option<u64>,
    len: Option<u64>,
    credit: u64,
}

impl NetSource {
    fn new(url: &str, config: &NetConfig) -> Self {
        let (sender, events) = channel();
        let net = Net::new(config.clone(), move |event| {
            let _ = sender.send(event);
        });
        Self {
            net,
            events,
            url: url.to_owned(),
            request: RequestId(0),
            next: None,
            len: None,
            credit: FIRST_CREDIT,
        }
    }

    fn ask(&mut self, offset: u64) {
        self.net.cancel(self.request);
        self.request = RequestId(self.request.0 + 1);
        let mut request = FetchRequest::get(self.request, self.url.as_str());
        request.range = ByteRange::from(offset);
        request.credit = self.credit;
        self.net.fetch(request);
        self.next = Some(offset);
    }
}

impl ByteSource for NetSource {
    fn read_at(&mut self, offset: u64) -> Result<Bytes, Fault> {
        if self.len.is_some_and(|len| offset >= len) {
            return Ok(Bytes::new());
        }
        if self.next != Some(offset) {
            self.ask(offset);
        }
        // Every wait of the network has its limit there, so one of these comes.
        while let Ok(event) = self.events.recv() {
            match event {
                NetEvent::Head { id, info } if id == self.request => {
                    self.len = info.total_len.or(self.len)
                }
                NetEvent::Chunk(chunk) if chunk.id == self.request => {
                    let count = chunk.data.len() as u64;
                    self.next = Some(chunk.offset + count);
                    let more = count.min(NET_CREDIT - self.credit);
                    self.credit += more;
                    self.net.grant(self.request, count + more);
                    return Ok(chunk.data);
                }
                NetEvent::Done { id } if id == self.request => {
                    self.next = None;
                    self.len = self.len.or(Some(offset));
                    return Ok(Bytes::new());
                }
                NetEvent::Failed { id, fault } if id == self.request => return Err(fault),
                _ => {}
            }
        }
        Ok(Bytes::new())
    }

    fn total_len(&self) -> Option<u64> {
        self.len
    }
}

/// Decodes the pictures of one video track as fast as the machine can, in presentation order.
pub struct VideoReader {
    reader: MediaReader,
    track: TrackInfo,
    decoder: AnyDecoder,
    state: Feeding,
    damaged: u64,
}

#[derive(PartialEq, Eq)]
enum Feeding {
    Packets,
    Draining,
}

impl VideoReader {
    /// Opens a path or URL and a decoder for its first video track. With more than one thread
    /// frames come later, but more of them in a second.
    ///
    /// # Errors
    /// As for [`MediaReader::open`]; `ERROR_DEMUXER_NO_VALID_STREAM` without a video track;
    /// `ERROR_CODEC_VIDEO_NOT_SUPPORT` without a decoder.
    pub fn open(
        url: &str,
        net: &NetConfig,
        choice: DecoderChoice,
        threads: usize,
    ) -> Result<Self, Fault> {
        let backends = Backends::new(choice);
        backends.load_early();
        let reader = MediaReader::open(url, net)?;
        let track = reader
            .info()
            .first(kinora_media::TrackKind::Video)
            .cloned()
            .ok_or_else(|| {
                Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "container.no_video").at_url(url)
            })?;
        let options = DecoderOptions {
            threads,
            low_delay: false,
        };
        let decoder = backends
            .open(&track, options, None)
            .map_err(|fault| fault.at_url(url))?
            .decoder;
        Ok(Self {
            reader,
            track,
            decoder,
            state: Feeding::Packets,
            damaged: 0,
        })
    }

    /// The decoder's name.
    #[must_use]
    pub fn decoder(&self) -> &str {
        self.decoder.name()
    }
    /// The track that is decoded.
    #[must_use]
    pub fn track(&self) -> &TrackInfo {
        &self.track
    }
    /// Packets that could not be decoded.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The next picture; `None` at the end.
    ///
    /// # Errors
    /// What the source said; `ERROR_CODEC_UNKNOWN` when the decoder itself failed.
    pub fn next_frame(&mut self) -> Result<Option<VideoFrame>, Fault> {
        loop {
            match self.decoder.receive() {
                Ok(Some(AnyFrame::Video(frame))) => return Ok(Some(frame)),
                Ok(_) if self.state == Feeding::Draining => return Ok(None),
                Ok(_) => self.feed()?,
                Err(error) => self.tolerate(&error)?,
            }
        }
    }

    fn feed(&mut self) -> Result<(), Fault> {
        while let Some(packet) = self.reader.next_packet()? {
            if packet.track != self.track.id {
                continue;
            }
            return match self.decoder.send(&packet) {
                Ok(()) => Ok(()),
                Err(kinora_codec::DecodeError::Full) => {
                    self.reader.waiting.push_front(packet);
                    Ok(())
                }
                Err(error) => self.tolerate(&error),
            };
        }
        self.decoder.drain();
        self.state = Feeding::Draining;
        Ok(())
    }

    /// A damaged packet is counted; a failed decoder ends it.
    fn tolerate(&mut self, error: &kinora_codec::DecodeError) -> Result<(), Fault> {
        self.damaged += 1;
        match error {
            kinora_codec::DecodeError::Corrupt { .. } => Ok(()),
            _ => Err(error.fault().at_url(&self.reader.url)),
        }
    }
}
