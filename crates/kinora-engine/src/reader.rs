//! Packets without playing: the ingest of the player in the hands of whoever wants to probe, dump or transcode.

mod read_buffer;

use std::collections::vec_deque::Drain;
use std::sync::Arc;

use kinora_container::{DemuxError, SeekTo};
use kinora_errors::{Code, Coded, Fault, Secret};
use kinora_media::{KeyId, MediaInfo, Now, Packet, Time, TrackInfo};
use kinora_protect::ContentKey;

use self::read_buffer::ReadBuffer;
use crate::cx::{Cx, Renditions};
use crate::ingest::{Ingest, Notice, Sought};
use crate::resolve::{Resolve, Resolved};
use crate::session::Origin;
use crate::tape::Tape;
use crate::{
    Capabilities, Input, Locator, Output, PlayerConfig, SeekAccuracy, TrackOption, decrypt, recover,
};
use kinora_fetch::{Initiator, Reload, RetryContext};

/// Which renditions of a playlist are read, by their index in [`PacketReader::options`]. One that was named is read or
/// nothing is; others give way to the next as long as no packet was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RenditionChoice {
    /// The pictures; the best where none is named.
    pub video: Option<u32>,
    /// The sound, where it has playlists of its own; the playlist's default where none is named.
    pub audio: Option<u32>,
}

/// What a reader has.
#[derive(Clone, PartialEq, Debug)]
pub enum Read {
    /// The headers are read, or the tracks changed. Comes before the packets that it describes.
    Info(Arc<MediaInfo>),
    /// The next packet.
    Packet(Packet),
    /// All packets were given.
    End,
    /// Something must come in first: carry out the outputs.
    Pending,
}

/// Reads the packets of one source, a file or a playlist, as fast as they are asked for.
///
/// As the [`Engine`](crate::Engine) it has no hands: [`outputs`](Self::outputs) says what is to be fetched,
/// [`handle`](Self::handle) takes what came of it, [`read`](Self::read) gives packets.
pub struct PacketReader {
    cx: Cx,
    /// Finds the URL of a video id.
    resolve: Option<Resolve>,
    ingest: Ingest,
    buffer: ReadBuffer,
    info: Option<Arc<MediaInfo>>,
    state: State,
    /// Reported once the packets that came before it are given.
    noted: Option<Notice>,
}

enum State {
    Reading,
    /// The tries are spent; the next read tries again.
    Parked,
    Ended,
    Failed(Fault),
}

/// Whatever is there is enough: the buffer says when it is full.
const MAX: Time = Time::from_millis(1);

impl PacketReader {
    /// Opens a source for a host that can do so much: variants of other codecs are left aside. Of the settings those of the network and the place where a live stream begins count.
    #[must_use]
    pub fn open(
        config: PlayerConfig,
        capabilities: Capabilities,
        url: Secret,
        choice: RenditionChoice,
        now: Now,
    ) -> Self {
        Self::open_source(config, capabilities, Locator::Url { url }, choice, now)
    }

    /// The same of a source of any kind. Nobody is asked for a fresh credential: one that is refused is a failure.
    #[must_use]
    pub fn open_source(
        config: PlayerConfig,
        capabilities: Capabilities,
        source: Locator,
        choice: RenditionChoice,
        now: Now,
    ) -> Self {
        // What is random here only spreads retries.
        let entropy = now.unix_ms.unsigned_abs();
        let mut cx = Cx::new(config.normalised(), entropy, Tape::default());
        cx.now = now;
        cx.capabilities = capabilities;
        cx.renditions = Renditions::Fixed(choice);
        let mut reader = Self {
            cx,
            resolve: None,
            ingest: Ingest::Unknown,
            buffer: ReadBuffer::default(),
            info: None,
            state: State::Reading,
            noted: None,
        };
        match Origin::of(source) {
            Ok(Origin::Url(url, named_by)) => {
                reader.ingest = Ingest::open(&mut reader.cx, url, named_by);
            }
            Ok(Origin::Vid(source)) => {
                let mut call = Resolve::new(*source);
                if let Err(fault) = call.ask(&mut reader.cx) {
                    reader.state = State::Failed(fault);
                }
                reader.resolve = Some(call);
            }
            Err(fault) => reader.state = State::Failed(fault),
        }
        reader
    }

    /// What the service answers of a video id.
    fn resolved(&mut self, resolved: Resolved) {
        match resolved {
            Resolved::Pending => {}
            Resolved::Url(url) => self.ingest = Ingest::open(&mut self.cx, url, Initiator::User),
            Resolved::Failed(fault) => self.state = State::Failed(fault),
        }
    }

    /// Reads what a player would begin with, where renditions were not named: the one that it would choose before it knows
    /// the network.
    #[must_use]
    pub fn as_playing_begins(mut self) -> Self {
        self.cx.renditions = Renditions::First;
        self
    }

    /// Reads key pictures alone, of the least rendition that holds nothing else (EXT-X-I-FRAME-STREAM-INF): after each seek one,
    /// and nothing beyond it is asked for. Opening a source without any fails with `ERROR_DEMUXER_NO_VALID_STREAM`,
    /// `thumbnail.none`.
    #[must_use]
    pub fn of_key_pictures(mut self) -> Self {
        self.cx.renditions = Renditions::KeyPictures;
        self
    }

    /// For what time the key picture of a time stands: from its own to that of the next one; `None`: that is not known.
    #[must_use]
    pub fn key_picture_span(&self, time: Time) -> Option<(Time, Time)> {
        let from = self.ingest.key_border(time, false)? + Time::from_nanos(1);
        let end = || self.info.as_ref()?.duration;
        let to = self.ingest.key_border(time, true).or_else(end)?;
        Some((from, to))
    }

    /// Gives a content key: packets that are encrypted with it are decrypted from now on. Others are given as they are.
    pub fn add_key(&mut self, id: KeyId, key: ContentKey) {
        self.cx.keys.ids.add(id, key);
    }

    /// Whether packets of a track come in the clear.
    ///
    /// # Errors
    /// `ERROR_TBDRM_DEMUXER_UNIMPLEMENTED` when they are encrypted and their key was not given.
    pub fn check_track(&self, track: &TrackInfo) -> Result<(), Fault> {
        match &track.protection {
            Some(protection) if !decrypt::can_open(track, &self.cx.keys) => {
                Err(decrypt::locked(protection))
            }
            _ => Ok(()),
        }
    }

    /// The same of a packet: it may be encrypted with another key than its track says.
    ///
    /// # Errors
    /// As for [`check_track`](Self::check_track).
    pub fn check_packet(packet: &Packet) -> Result<(), Fault> {
        match &packet.crypto {
            Some(crypto) => Err(decrypt::key_missing(crypto.key_id)),
            None => Ok(()),
        }
    }

    /// Takes what came from outside; commands and what decoders say are passed over.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.cx.now = now;
        let received = self.cx.tally.bytes;
        if let Some(call) = &mut self.resolve
            && let Some(resolved) = call.input(&mut self.cx, &input)
        {
            // What a service says of the media is none of them.
            self.cx.tally.bytes = received;
            return self.resolved(resolved);
        }
        let terms = RetryContext {
            prepared: self.info.is_some(),
            refreshable: false,
            live: self.ingest.is_live(),
            elsewhere: None,
        };
        let Self { cx, ingest, .. } = self;
        match input {
            Input::Fetch(event) => ingest.on_fetch(cx, event, terms),
            Input::Timeout => ingest.on_time(cx, terms),
            _ => {}
        }
    }

    /// What it has now.
    ///
    /// # Errors
    /// What a player would report of the source. After `ERROR_LOADING_TIMEOUT` the next call tries again; after any other
    /// the same is reported until a seek.
    pub fn read(&mut self, now: Now) -> Result<Read, Fault> {
        self.cx.now = now;
        if let State::Parked = self.state {
            self.state = State::Reading;
            self.ingest.reload(&mut self.cx, Reload::Waiting);
        }
        loop {
            if let Some(packet) = self.ready() {
                return Ok(Read::Packet(packet));
            }
            match &self.state {
                State::Failed(fault) => return Err(fault.clone()),
                State::Ended => return Ok(Read::End),
                State::Reading | State::Parked => {}
            }
            let (cx, buffer) = (&mut self.cx, &mut self.buffer);
            let notice = self.noted.take();
            match notice.or_else(|| self.ingest.poll(cx, buffer, Time::ZERO, MAX)) {
                Some(notice) => {
                    if let Some(packet) = self.before(&notice) {
                        self.noted = Some(notice);
                        return Ok(Read::Packet(packet));
                    }
                    if let Some(info) = self.noticed(notice)? {
                        return Ok(Read::Info(info));
                    }
                }
                None if self.buffer.is_empty() => return Ok(Read::Pending),
                None => {
                    // Of one resource there is a packet, of the other not yet.
                    let packet = self.take(false);
                    return Ok(packet.map_or(Read::Pending, Read::Packet));
                }
            }
        }
    }

    /// The next of the packets that are there already: for these [`read`](Self::read) needs neither time nor outputs.
    pub fn ready(&mut self) -> Option<Packet> {
        self.take(self.is_over())
    }

    fn take(&mut self, over: bool) -> Option<Packet> {
        let packet = self.buffer.take(over)?;
        Some(decrypt::decrypted(&self.cx.keys, packet))
    }

    /// A packet that came before what is reported.
    fn before(&mut self, notice: &Notice) -> Option<Packet> {
        match notice {
            // After that even those are given that waited for others.
            Notice::Ended | Notice::Failed(_) => None,
            _ => self.ready(),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.state, State::Ended | State::Failed(_))
    }

    fn noticed(&mut self, notice: Notice) -> Result<Option<Arc<MediaInfo>>, Fault> {
        match notice {
            Notice::Info(info) => {
                self.buffer.follow(&info);
                self.info = Some(Arc::clone(&info));
                return Ok(Some(info));
            }
            Notice::Ended if self.info.is_none() => {
                self.state = State::Failed(crate::session::nothing_in_it());
            }
            Notice::Ended => self.state = State::Ended,
            Notice::Switched(_)
            | Notice::Events(_)
            | Notice::Text(_)
            | Notice::TextFailed(..)
            | Notice::Cues(_)
            | Notice::Interstitials(_) => {}
            // The packets that came before are given first.
            Notice::Failed(fault) => self.state = State::Failed(fault),
            Notice::Parked(fault) => {
                self.state = State::Parked;
                return Err(recover::parked(&fault));
            }
            Notice::Expired(fault) => {
                self.state = State::Parked;
                return Err(fault);
            }
        }
        Ok(None)
    }

    /// Goes to a time: packets from a key frame at or before it come next.
    ///
    /// # Errors
    /// `ERROR_DEMUXER_OPENSTREAM` when the stream is live, or nothing was read yet.
    pub fn seek(&mut self, now: Now, target: SeekTo) -> Result<(), Fault> {
        self.cx.now = now;
        let refuse = |why| Err(DemuxError::NotSeekable(why).fault());
        if self.info.is_none() {
            return refuse("its headers are not read yet");
        }
        if self.ingest.is_live() {
            return refuse("it is live");
        }
        let target = SeekTo {
            time: target.time.max(self.ingest.first_time()),
            ..target
        };
        self.buffer.clear();
        self.state = State::Reading;
        let sought = self.ingest.seek(&mut self.cx, target, SeekAccuracy::Exact);
        if sought == Sought::FromStart {
            self.buffer.pass_over(target.time);
        }
        Ok(())
    }

    /// Looks for the duration where only the end of the source tells it, and for titles of chapters that lie elsewhere: [`read`](Self::read) gives it with another
    /// [`Read::Info`] then, after the packets that are [`ready`](Self::ready), and after that the packets as if nothing had
    /// been asked. `false`: it is known, or can not be found.
    pub fn find_duration(&mut self) -> bool {
        self.ingest.find_duration()
    }

    /// What is to be carried out, in order.
    pub fn outputs(&mut self) -> Drain<'_, Output> {
        self.cx.out.drain(..)
    }

    /// When, on the clock of `Now::mono`, [`Input::Timeout`] is wanted if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let of_call = self
            .resolve
            .as_ref()
            .and_then(|call| call.deadline(&self.cx));
        let of_source = self.ingest.deadline(&self.cx);
        of_call.into_iter().chain(of_source).min()
    }

    /// The renditions of a playlist, where there are several.
    #[must_use]
    pub fn options(&self) -> Option<Arc<[TrackOption]>> {
        self.ingest.options()
    }

    /// The source is a playlist.
    #[must_use]
    pub fn is_playlist(&self) -> bool {
        matches!(self.ingest, Ingest::Segmented(_))
    }

    /// The source is live: new packets come as they are made.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.ingest.is_live()
    }

    /// Bytes of the source, where it is one resource and that is known.
    #[must_use]
    pub fn total_len(&self) -> Option<u64> {
        self.ingest.total_len()
    }

    /// Bytes received so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.cx.tally.bytes
    }

    /// Places of damage that were passed over.
    #[must_use]
    pub fn damage(&self) -> u64 {
        self.ingest.damage() + self.cx.tally.damage
    }
}

/// A rendition was named that the source has not.
pub(crate) fn unknown_rendition(index: Option<u32>) -> Fault {
    // EINVAL
    Fault::new(Code::from_errno(22), "rendition.unknown").because(format!(
        "the source has no rendition {} of that kind; kinora probe lists them",
        index.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests;
