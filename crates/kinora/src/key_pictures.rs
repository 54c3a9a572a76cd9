//! Thumbnails of an HLS presentation from its I-frame playlists (EXT-X-I-FRAME-STREAM-INF).

use std::sync::Arc;

use kinora_codec::DecoderOptions;
use kinora_container::{SeekMode, SeekTo};
use kinora_engine::PacketReader;
use kinora_errors::{Coded as _, Fault, codes};
use kinora_media::{Packet, Time, TrackKind};
use kinora_net::NetConfig;
use kinora_output::RgbImage;

use crate::backends::{Backends, DecoderChoice};
use crate::decoder::AnyFrame;
use crate::reader::{MediaReader, ReadOptions};
use crate::thumbnails::SpriteThumbnail;
use crate::track_decoder::{Decoded, TrackDecoder};

/// So many thumbnails are kept: who drags a slider goes to and fro.
const KEPT: usize = 64;

/// The key pictures of a presentation, each fetched and decoded when it is asked for.
pub(crate) struct KeyPictures {
    reader: MediaReader,
    decoder: TrackDecoder,
    /// Those that were used last behind.
    kept: Vec<SpriteThumbnail>,
}

impl KeyPictures {
    /// Opens a playlist. `None`: it has no key pictures by themselves.
    pub(crate) fn open(url: &str, network: NetConfig) -> Result<Option<Self>, Fault> {
        let backends = Backends::new(DecoderChoice::default());
        backends.load_early();
        let options = ReadOptions::from(network);
        let opened = MediaReader::open_key_pictures(url.into(), options, backends.capabilities());
        let reader = match opened {
            Err(fault) if fault.code() == codes::ERROR_DEMUXER_NO_VALID_STREAM => return Ok(None),
            opened => opened?,
        };
        let decoder = TrackDecoder::new(backends, Box::new(|_| DecoderOptions::default()));
        Ok(Some(Self {
            reader,
            decoder,
            kept: Vec::new(),
        }))
    }

    /// The key picture of a time; `None`: none comes of it.
    pub(crate) fn at(&mut self, time: Time) -> Result<Option<SpriteThumbnail>, Fault> {
        let last = self.reader.info().duration.unwrap_or(Time::MAX);
        let time = time.clamp(Time::ZERO, last);
        let is_it = |it: &SpriteThumbnail| it.from <= time && time < it.to;
        if let Some(at) = self.kept.iter().position(is_it) {
            let known = self.kept.remove(at);
            self.kept.push(known.clone());
            return Ok(Some(known));
        }
        self.reader.seek(SeekTo {
            time,
            mode: SeekMode::Before,
        })?;
        let Some(packet) = self.next_picture()? else {
            return Ok(None);
        };
        // Where it is not known where the next one begins, this one stands for what was asked for.
        let instant = (packet.pts, packet.pts.max(time) + Time::from_nanos(1));
        let (from, to) = self.reader.key_picture_span(time).unwrap_or(instant);
        let Some(image) = self.decode(&packet)? else {
            return Ok(None);
        };
        let thumbnail = SpriteThumbnail { image, from, to };
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push(thumbnail.clone());
        Ok(Some(thumbnail))
    }

    fn next_picture(&mut self) -> Result<Option<Packet>, Fault> {
        while let Some(packet) = self.reader.next_packet()? {
            let info = self.reader.info();
            let video = info.first(TrackKind::Video);
            if video.is_some_and(|video| video.id == packet.track) && packet.flags.key {
                PacketReader::check_packet(&packet)?;
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }

    /// Decodes a picture that needs no other.
    fn decode(&mut self, packet: &Packet) -> Result<Option<RgbImage>, Fault> {
        let info = self.reader.info();
        let Some(track) = info.first(TrackKind::Video).cloned() else {
            return Ok(None);
        };
        let track = Arc::new(track);
        if !self.decoder.takes(&track) {
            self.decoder.configure(track);
        }
        let (mut sent, mut image) = (false, None);
        loop {
            match self.decoder.receive() {
                Decoded::Frame(AnyFrame::Video(frame)) => {
                    let upright = RgbImage::upright(&frame).map_err(|error| error.fault())?;
                    image.get_or_insert(upright);
                }
                Decoded::NeedPacket if !sent => sent = self.decoder.send(packet),
                Decoded::NeedPacket => self.decoder.drain(),
                Decoded::Frame(_) | Decoded::Opened { .. } => {}
                Decoded::Damaged(fault) | Decoded::GivenUp(fault) => {
                    self.decoder.flush();
                    return Err(fault);
                }
                Decoded::Drained => break,
            }
        }
        self.decoder.flush();
        match image {
            Some(image) => Ok(Some(image)),
            None => Err(Fault::new(codes::ERROR_DECODE_VIDEO, "picture.undecodable")),
        }
    }
}
