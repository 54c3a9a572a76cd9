//! Reading a source without playing it: for probing, dumping and decoding as fast as the machine can.

mod decoded;
mod frames;
mod options;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use kinora_container::SeekTo;
use kinora_engine::{Capabilities, Input, Output, PacketReader, Read, TrackOption};
use kinora_errors::{Fault, Secret, codes};
use kinora_media::{MediaInfo, Packet, Time, TrackInfo};
use kinora_net::{BitStreams, FetchEvent, Net};

use crate::clock::SystemClock;
use crate::source::Source;

pub use self::decoded::{AudioReader, VideoReader};
pub use self::frames::ReaderStatus;
pub use self::options::ReadOptions;

/// Nothing is awaited longer than that: the network and the reader have limits of their own, far below.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// Reads the packets of a file, a URL, an HLS playlist or a bit stream, in the order of their decoding.
///
/// Of a playlist with several renditions the best is read, or the one that [`ReadOptions::rendition`] names; packets come
/// decrypted and on the presentation's timeline. A live stream is read from where a player would begin until it ends.
/// A server without ranges is read all the same, as far as a player would.
///
/// ```no_run
/// # fn main() -> Result<(), kinora::Fault> {
/// let mut reader = kinora::MediaReader::open("film.mp4", kinora::NetConfig::default())?;
/// println!("{:?}", reader.info().duration);
/// while let Some(packet) = reader.next_packet()? {
///     println!("{:?} {} bytes", packet.pts, packet.data.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct MediaReader {
    reader: PacketReader,
    clock: SystemClock,
    net: Net,
    events: Receiver<FetchEvent>,
    info: Arc<MediaInfo>,
    /// Packets that were read before they were asked for.
    waiting: VecDeque<Packet>,
    url: Secret,
}

/// What a look at the source finds.
enum Found {
    Info,
    Packet(Packet),
    End,
}

impl MediaReader {
    /// Opens a path, a URL or a bit stream and reads its headers. `options` may also be a [`NetConfig`](kinora_net::NetConfig) alone.
    ///
    /// # Errors
    /// What a player would tell of the source: what the network or the file system said, or why the bytes are no media
    /// (`ERROR_DEMUXER_OPENSTREAM`, `ERROR_DEMUXER_NO_VALID_STREAM`). `ERROR_GENERAL_EINVAL` when a rendition is named that
    /// the source has not, and for a source that only a service can find.
    pub fn open(source: impl Into<Source>, options: impl Into<ReadOptions>) -> Result<Self, Fault> {
        Self::open_for(source.into(), options.into(), Capabilities::default())
    }

    /// As [`open`](Self::open), for who can decode no more than that: variants of other codecs are left aside.
    fn open_for(
        source: Source,
        options: ReadOptions,
        capabilities: Capabilities,
    ) -> Result<Self, Fault> {
        Self::open_as(source, options, capabilities, |reader| reader)
    }

    /// The same, of key pictures alone where the source is a playlist that has them by themselves: one after each seek.
    pub(crate) fn open_key_pictures(
        source: Source,
        options: ReadOptions,
        capabilities: Capabilities,
    ) -> Result<Self, Fault> {
        Self::open_as(source, options, capabilities, PacketReader::of_key_pictures)
    }

    fn open_as(
        source: Source,
        options: ReadOptions,
        capabilities: Capabilities,
        prepare: fn(PacketReader) -> PacketReader,
    ) -> Result<Self, Fault> {
        let bit_streams = BitStreams::default();
        let url = source.url(&bit_streams)?;
        let (sender, events) = channel();
        let mut network = options.network.clone();
        network.transports.add(bit_streams);
        let net = Net::with_inline_files(network, move |event| {
            // A reader that is gone needs no answer.
            let _ = sender.send(event);
        });
        let clock = SystemClock::new();
        let (config, choice) = (options.player_config(), options.rendition);
        let capabilities = capabilities.with_demuxers(options.demuxers.demuxers());
        let reader = PacketReader::open(config, capabilities, url.clone(), choice, clock.now());
        let mut opened = Self {
            reader: prepare(reader),
            clock,
            net,
            events,
            info: Arc::default(),
            waiting: VecDeque::new(),
            url,
        };
        for (id, key) in options.keys {
            opened.reader.add_key(id, key);
        }
        if let Some(packet) = opened.step()? {
            opened.waiting.push_back(packet);
        }
        if opened.info.tracks.is_empty() {
            let fault = Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "container.no_tracks");
            return Err(opened.placed(fault));
        }
        Ok(opened)
    }

    /// What the headers say, as of the last packet that was read: the tracks of a playlist may change on the way.
    #[must_use]
    pub fn info(&self) -> &Arc<MediaInfo> {
        &self.info
    }
    /// Whether packets of a track come in the clear.
    ///
    /// # Errors
    /// `ERROR_TBDRM_DEMUXER_UNIMPLEMENTED` when they are encrypted and their key is not among [`ReadOptions::keys`].
    pub fn check_track(&self, track: &TrackInfo) -> Result<(), Fault> {
        self.reader.check_track(track)
    }
    /// What a playlist lets choose among, for [`ReadOptions::rendition`]: empty where there is but one, `None` where the
    /// source is no playlist.
    #[must_use]
    pub fn renditions(&self) -> Option<Arc<[TrackOption]>> {
        let is_playlist = self.reader.is_playlist();
        is_playlist.then(|| self.reader.options().unwrap_or_default())
    }
    /// Whether the source is live: packets come as they are made, and it can not be sought in.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.reader.is_live()
    }
    /// How long the file is in bytes, where known.
    #[must_use]
    pub fn total_len(&self) -> Option<u64> {
        self.reader.total_len()
    }
    /// How many bytes were read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.reader.bytes_read()
    }
    /// Places of damage that were passed over.
    #[must_use]
    pub fn damage(&self) -> u64 {
        self.reader.damage()
    }

    /// The next packet; `None` at the end.
    ///
    /// # Errors
    /// As for [`MediaReader::open`]. After `ERROR_LOADING_TIMEOUT` the next call tries again.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, Fault> {
        let there = self.waiting.pop_front();
        match there.or_else(|| self.reader.ready()) {
            Some(packet) => Ok(Some(packet)),
            None => self.step(),
        }
    }

    /// Goes to a time: packets from a key frame at or before it come next, where there is one.
    ///
    /// # Errors
    /// `ERROR_DEMUXER_OPENSTREAM` when the source is live.
    pub fn seek(&mut self, target: SeekTo) -> Result<(), Fault> {
        self.waiting.clear();
        let sought = self.reader.seek(self.clock.now(), target);
        sought.map_err(|fault| self.placed(fault))
    }

    /// For what time the key picture of a time stands.
    pub(crate) fn key_picture_span(&self, time: Time) -> Option<(Time, Time)> {
        self.reader.key_picture_span(time)
    }

    /// The duration, looked for at the end of the file where the headers do not tell it and the server can be asked for
    /// it alone. The packets come as if nothing had been asked.
    ///
    /// # Errors
    /// As for [`MediaReader::open`].
    pub fn find_duration(&mut self) -> Result<Option<Time>, Fault> {
        if self.reader.find_duration() {
            while let Some(packet) = self.reader.ready() {
                self.waiting.push_back(packet);
            }
            match self.look()? {
                Found::Packet(packet) => self.waiting.push_back(packet),
                Found::Info | Found::End => {}
            }
        }
        Ok(self.info.duration)
    }

    /// Names the source in a fault that names no place.
    fn placed(&self, fault: Fault) -> Fault {
        match fault.context().url {
            Some(_) => fault,
            None => fault.at_url(self.url.expose()),
        }
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

    /// Reads until there is something.
    fn look(&mut self) -> Result<Found, Fault> {
        loop {
            let read = self.reader.read(self.clock.now());
            carry_out(&mut self.reader, &self.net);
            match read.map_err(|fault| self.placed(fault))? {
                Read::Info(info) => {
                    self.info = info;
                    return Ok(Found::Info);
                }
                Read::Packet(packet) => return Ok(Found::Packet(packet)),
                Read::End => return Ok(Found::End),
                Read::Pending => self.wait()?,
            }
        }
    }

    /// Takes what comes next from the network, or the time that passes.
    fn wait(&mut self) -> Result<(), Fault> {
        let now = self.clock.mono();
        let limit = match self.reader.deadline() {
            Some(at) => (at - now).to_duration().min(MAX_WAIT),
            None => MAX_WAIT,
        };
        let input = match self.event(limit) {
            Ok(event) => Input::Fetch(event),
            Err(RecvTimeoutError::Timeout) if limit < MAX_WAIT => Input::Timeout,
            Err(_) => return Err(self.placed(silent())),
        };
        self.reader.handle(self.clock.now(), input);
        Ok(())
    }

    /// What the network says; what a file says is read here, a piece after the other.
    fn event(&self, limit: Duration) -> Result<FetchEvent, RecvTimeoutError> {
        loop {
            match self.events.try_recv() {
                Ok(event) => return Ok(event),
                Err(_) if self.net.read_inline() => {}
                Err(_) => return self.events.recv_timeout(limit),
            }
        }
    }
}

fn silent() -> Fault {
    Fault::new(codes::ERROR_LOADING_TIMEOUT, "reader.silent")
        .because("nothing came from the source and nothing was awaited any more")
}

/// Does what a reader asks of the network. What was mended needs nobody's attention here; there are no decoders and no outputs.
pub(crate) fn carry_out(reader: &mut PacketReader, net: &Net) {
    for output in reader.outputs() {
        match output {
            Output::Fetch(request) => net.fetch(*request),
            Output::Grant { id, bytes } => net.grant(id, bytes),
            Output::Cancel(id) => net.cancel(id),
            _ => {}
        }
    }
}
