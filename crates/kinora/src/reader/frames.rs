//! One track on its way through its decoder, as fast as the machine can.

use std::collections::VecDeque;
use std::sync::Arc;

use kinora_codec::{DecodeError, DecoderOptions};
use kinora_container::{SeekMode, SeekTo};
use kinora_engine::{PacketReader, is_shown_by, same_decoder};
use kinora_errors::{Coded, Fault, codes};
use kinora_media::{MediaInfo, Packet, Time, TrackInfo, TrackKind};

use super::{MediaReader, ReadOptions};
use crate::backends::{Backends, DecoderChoice};
use crate::decoder::{AnyDecoder, AnyFrame};
use crate::source::Source;

/// A picture is overtaken by one that is decoded at most so many packets later: codecs reorder no more than 16.
const LOOK_AHEAD: usize = 32;
/// A packet and the track that it is of.
type Own = (Packet, Arc<TrackInfo>);

/// One track on its way through its decoder.
pub(super) struct Frames {
    pub(super) packets: MediaReader,
    kind: TrackKind,
    /// The track that the decoder is open for.
    pub(super) track: Arc<TrackInfo>,
    /// The track that packets are of now, and the tracks that it was found among.
    following: (Arc<TrackInfo>, Arc<MediaInfo>),
    backends: Backends,
    decoding: DecoderOptions,
    pub(super) decoder: AnyDecoder,
    state: Feeding,
    ahead: VecDeque<Own>,
    /// Pictures that nothing refers to are passed over where another takes their place before that time.
    pub(super) overtaken_by: Option<Time>,
    pub(super) damaged: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Feeding {
    Packets,
    /// The track changed: the decoder gives what it holds, then another is opened.
    Changing,
    /// No packet follows.
    Draining,
    Over,
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
        let opened = backends.open(&track, decoding, None);
        let decoder = opened.map_err(|fault| packets.placed(fault))?.decoder;
        Ok(Self {
            packets,
            kind,
            following: (Arc::clone(&track), info),
            track,
            backends,
            decoding,
            decoder,
            state: Feeding::Packets,
            ahead: VecDeque::new(),
            overtaken_by: None,
            damaged: 0,
        })
    }

    pub(super) fn seek(&mut self, time: Time) -> Result<(), Fault> {
        let mode = SeekMode::Before;
        self.packets.seek(SeekTo { time, mode })?;
        self.decoder.flush();
        self.ahead.clear();
        self.overtaken_by = None;
        self.state = Feeding::Packets;
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<AnyFrame>, Fault> {
        loop {
            if self.state == Feeding::Over {
                return Ok(None);
            }
            match (self.decoder.receive(), self.state) {
                (Ok(Some(frame)), _) => return Ok(Some(frame)),
                (Ok(None), Feeding::Packets) => {
                    if let Some(frame) = self.feed()? {
                        return Ok(Some(frame));
                    }
                }
                (Ok(None), Feeding::Changing) => self.reopen()?,
                (Ok(None), Feeding::Draining | Feeding::Over) => self.state = Feeding::Over,
                (Err(error), _) => self.tolerate(&error)?,
            }
        }
    }

    /// Gives the decoder a packet; a frame where it must be taken first.
    fn feed(&mut self) -> Result<Option<AnyFrame>, Fault> {
        let Some((packet, track)) = self.next_packet()? else {
            self.decoder.drain();
            self.state = Feeding::Draining;
            return Ok(None);
        };
        if !same_decoder(&self.track, &track) {
            self.ahead.push_front((packet, track));
            self.decoder.drain();
            self.state = Feeding::Changing;
            return Ok(None);
        }
        let Err(error) = self.decoder.send(&packet) else {
            return Ok(None);
        };
        if error != DecodeError::Full {
            self.tolerate(&error)?;
            return Ok(None);
        }
        self.ahead.push_front((packet, track));
        match self.decoder.receive() {
            Ok(Some(frame)) => Ok(Some(frame)),
            Ok(None) => {
                let stuck = DecodeError::Broken {
                    codec: self.track.codec,
                    what: "it takes no packet and gives no frame".into(),
                };
                Err(self.packets.placed(stuck.fault()))
            }
            Err(error) => self.tolerate(&error).map(|()| None),
        }
    }

    fn reopen(&mut self) -> Result<(), Fault> {
        if let Some((_, track)) = self.ahead.front() {
            let opened = self.backends.open(track, self.decoding, None);
            self.decoder = opened.map_err(|fault| self.packets.placed(fault))?.decoder;
            self.track = Arc::clone(track);
        }
        self.state = Feeding::Packets;
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

    /// A damaged packet is counted; a failed decoder ends it.
    fn tolerate(&mut self, error: &DecodeError) -> Result<(), Fault> {
        self.damaged += 1;
        match error {
            DecodeError::Corrupt { .. } => Ok(()),
            _ => Err(self.packets.placed(error.fault())),
        }
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
