//! One track on its way through its decoder, as fast as the machine can.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_codec::DecoderOptions;
use kinora_container::{SeekMode, SeekTo};
use kinora_engine::{PacketReader, is_shown_by};
use kinora_errors::{Fault, codes};
use kinora_media::{MediaInfo, Packet, Time, TrackInfo, TrackKind};

use super::{MediaReader, ReadOptions};
use crate::backends::{Backends, DecoderChoice};
use crate::decoder::AnyFrame;
use crate::source::Source;
use crate::track_decoder::{Decoded, TrackDecoder};

/// A picture is overtaken by one that is decoded at most so many packets later: codecs reorder no more than 16.
const LOOK_AHEAD: usize = 32;
/// A packet and the track that it is of.
type Own = (Packet, Arc<TrackInfo>);

/// What a reader decodes, and how that goes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReaderStatus<'a> {
    /// The decoder's name.
    pub decoder: &'a str,
    /// The track that is decoded. It may change on the way, and with it the decoder.
    pub track: &'a TrackInfo,
    /// What the source is, as [`MediaReader::info`] tells it.
    pub info: &'a Arc<MediaInfo>,
    /// Packets that could not be decoded.
    pub damaged: u64,
}

/// One track on its way through its decoder.
pub(super) struct Frames {
    packets: MediaReader,
    kind: TrackKind,
    /// The track that packets are of now, and the tracks that it was found among.
    following: (Arc<TrackInfo>, Arc<MediaInfo>),
    decoder: TrackDecoder,
    /// The name of the decoder, and the track that it is opened for.
    opened: (String, Arc<TrackInfo>),
    /// All of it was given.
    is_over: bool,
    ahead: VecDeque<Own>,
    /// Pictures that nothing refers to are passed over where another takes their place before that time.
    pub(super) overtaken_by: Option<Time>,
    damaged: u64,
}

impl Frames {
    pub(super) fn open(
        source: Source,
        options: ReadOptions,
        kind: TrackKind,
        choice: DecoderChoice,
        decoding: DecoderOptions,
    ) -> Result<Self, Fault> {
        let backends = Backends::new(choice);
        backends.load_early();
        let packets = MediaReader::open_for(source, options, backends.capabilities())?;
        let info = Arc::clone(packets.info());
        let track = chosen(&packets, kind).map_err(|fault| packets.placed(fault))?;
        let mut decoder = TrackDecoder::new(backends, Box::new(move |_| decoding));
        decoder.configure(Arc::clone(&track));
        let mut opened = Self {
            packets,
            kind,
            following: (Arc::clone(&track), info),
            decoder,
            opened: (String::new(), track),
            is_over: false,
            ahead: VecDeque::new(),
            overtaken_by: None,
            damaged: 0,
        };
        let first = opened.decoder.receive();
        opened.take(first)?;
        Ok(opened)
    }

    pub(super) fn status(&self) -> ReaderStatus<'_> {
        ReaderStatus {
            decoder: &self.opened.0,
            track: &self.opened.1,
            info: self.packets.info(),
            damaged: self.damaged,
        }
    }

    pub(super) fn seek(&mut self, time: Time) -> Result<(), Fault> {
        let mode = SeekMode::Before;
        self.packets.seek(SeekTo { time, mode })?;
        self.decoder.flush();
        self.ahead.clear();
        self.overtaken_by = None;
        self.is_over = false;
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<AnyFrame>, Fault> {
        while !self.is_over {
            let decoded = self.decoder.receive();
            if let Some(frame) = self.take(decoded)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// Does what must be done about what the decoder says.
    fn take(&mut self, decoded: Decoded) -> Result<Option<AnyFrame>, Fault> {
        match decoded {
            Decoded::Frame(frame) => return Ok(Some(frame)),
            Decoded::NeedPacket => self.feed()?,
            Decoded::Opened { decoder, track, .. } => self.opened = (decoder, track),
            Decoded::Damaged(_) => self.damaged += 1,
            Decoded::GivenUp(fault) => return Err(self.packets.placed(fault)),
            Decoded::Drained => self.is_over = true,
        }
        Ok(None)
    }

    /// Gives the decoder a packet; what it does not take now comes next time.
    fn feed(&mut self) -> Result<(), Fault> {
        let Some((packet, track)) = self.next_packet()? else {
            self.decoder.drain();
            return Ok(());
        };
        if !self.decoder.takes(&track) {
            self.decoder.configure(Arc::clone(&track));
            self.ahead.push_front((packet, track));
        } else if !self.decoder.send(&packet) {
            self.ahead.push_front((packet, track));
        }
        Ok(())
    }

    /// The next packet of the track that leads to a frame.
    fn next_packet(&mut self) -> Result<Option<Own>, Fault> {
        loop {
            let Some((packet, track)) = self.pull()? else {
                return Ok(None);
            };
            if !packet.flags.disposable {
                return Ok(Some((packet, track)));
            }
            if packet.flags.decode_only || self.is_overtaken(&packet)? {
                continue;
            }
            return Ok(Some((packet, track)));
        }
    }

    fn pull(&mut self) -> Result<Option<Own>, Fault> {
        match self.ahead.pop_front() {
            Some(own) => Ok(Some(own)),
            None => self.read(),
        }
    }

    /// Whether another picture takes the place of one before the time that is looked for.
    fn is_overtaken(&mut self, packet: &Packet) -> Result<bool, Fault> {
        let Some(target) = self.overtaken_by else {
            return Ok(false);
        };
        let shown_by = |packet: &Packet| is_shown_by(packet.pts, target);
        if !shown_by(packet) {
            self.overtaken_by = None;
            return Ok(false);
        }
        while self.ahead.len() < LOOK_AHEAD {
            let Some(own) = self.read()? else { break };
            self.ahead.push_back(own);
        }
        Ok(self.ahead.iter().any(|(other, _)| {
            !other.flags.decode_only && other.pts > packet.pts && shown_by(other)
        }))
    }

    /// The next packet of the kind, as the source gives it.
    fn read(&mut self) -> Result<Option<Own>, Fault> {
        while let Some(packet) = self.packets.next_packet()? {
            let info = self.packets.info();
            if !Arc::ptr_eq(info, &self.following.1) {
                // A playlist may go on with other tracks; without one of the kind nothing comes.
                if let Ok(track) = chosen(&self.packets, self.kind) {
                    self.following.0 = track;
                }
                self.following.1 = Arc::clone(info);
            }
            if packet.track == self.following.0.id {
                let clear = PacketReader::check_packet(&packet);
                clear.map_err(|fault| self.packets.placed(fault))?;
                return Ok(Some((packet, Arc::clone(&self.following.0))));
            }
        }
        Ok(None)
    }
}

/// The first track of a kind that can be read.
fn chosen(packets: &MediaReader, kind: TrackKind) -> Result<Arc<TrackInfo>, Fault> {
    let info = packets.info();
    let mut refused = None;
    for track in info.tracks.iter().filter(|track| track.kind() == kind) {
        match packets.check_track(track) {
            Ok(()) => return Ok(Arc::new(track.clone())),
            Err(fault) => refused = refused.or(Some(fault)),
        }
    }
    let reason = match kind {
        TrackKind::Audio => "container.no_audio",
        _ => "container.no_video",
    };
    let none = || Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, reason);
    Err(refused.unwrap_or_else(none))
}
