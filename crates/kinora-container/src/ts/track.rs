//! One elementary stream: from payload to packets.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_media::bitstream::aac::AudioSpecificConfig;
use kinora_media::{
    AudioParams, Iv, KeyId, Packet, PacketFlags, Protection, ProtectionScheme, SampleCrypto,
    Subsamples, Time, TrackId, TrackInfo, TrackKind,
};

use super::audio::AudioSplitter;
use super::lpcm;
use super::marks::Mark;
use super::opus;
use super::packet::TsPacket;
use super::pes::{PesHeader, PesRead, read_pes};
use super::psi::{Carriage, Stream};
use super::section::SectionReader;
use super::sink::{Out, Sink, to_time};
use super::video::{AccessUnit, VideoSplitter};
use crate::framing::{Frame, Framing};

/// A PES packet that is delivered as one packet can not be longer.
const MAX_PES: usize = 16 << 20;

/// One elementary stream of the program.
pub(super) struct Track {
    pub(super) stream: Stream,
    info: TrackInfo,
    /// How its packets are encrypted: their headers are clear, so that they are found.
    crypto: Option<Arc<SampleCrypto>>,
    payload: Payload,
    pes: Pes,
    continuity: Option<u8>,
    /// The last transport packet had stuffing.
    stuffed: bool,
    /// What comes next is of the resource that goes on with the one before.
    at_border: bool,
    /// Its parameters are known.
    ready: bool,
}

enum Payload {
    Video(Box<VideoSplitter>, VideoTimes),
    Audio(Box<AudioSplitter>),
    Pes {
        content: Content,
        partial: BytesMut,
        header: Option<PesHeader>,
    },
    Sections(SectionReader),
}

/// What PES packets hold that are delivered whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    /// One packet each.
    Packet,
    /// Several access units of Opus.
    Opus,
    /// PCM behind a header.
    Lpcm,
    /// Nobody said what.
    Untold,
}

/// Where in a PES packet the stream is.
enum Pes {
    /// Between packets, or in one that is passed over.
    Outside,
    /// The header is not whole yet.
    Header { bytes: Vec<u8>, random_access: bool },
    /// So many bytes of payload are left, if the packet tells.
    Body { left: Option<usize> },
}

/// Times of pictures that have none of their own.
#[derive(Default)]
struct VideoTimes {
    last: Option<(Time, Time)>,
    /// From one picture to the next, in decoding order.
    step: Time,
}

/// Key and vector are told beside the stream: by the playlist (RFC 8216 4.3.2.4).
fn sample_aes() -> Arc<SampleCrypto> {
    Arc::new(SampleCrypto {
        scheme: ProtectionScheme::SampleAes,
        key_id: KeyId::default(),
        iv: Iv::default(),
        pattern: None,
        subsamples: Subsamples::default(),
    })
}

impl Track {
    pub(super) fn new(stream: Stream) -> Self {
        let mut info = TrackInfo::new(TrackId(stream.pid.into()), stream.codec);
        info.codec_tag = format!("0x{:02x}", stream.stream_type);
        info.language.clone_from(&stream.language);
        info.codec_string = stream.media_type.map(str::to_owned);
        if let Some(pages) = stream.pages {
            info.config = Bytes::copy_from_slice(&pages);
        }
        info.protection = stream
            .sample_aes
            .then(|| Protection::of_scheme(ProtectionScheme::SampleAes));
        match stream.codec.kind() {
            TrackKind::Audio => info.audio = Some(AudioParams::default()),
            TrackKind::Video => info.video = Some(kinora_media::VideoParams::default()),
            _ => {}
        }
        let payload = match stream.carriage {
            Carriage::Video => Payload::Video(
                Box::new(VideoSplitter::new(stream.codec)),
                VideoTimes::default(),
            ),
            Carriage::Audio(framing) => Payload::Audio(Box::new(AudioSplitter::new(framing))),
            Carriage::Opus => {
                info.config = opus::head(stream.channels);
                info.audio = Some(AudioParams {
                    sample_rate: 48_000,
                    channels: stream.channels,
                    ..AudioParams::default()
                });
                Payload::pes(Content::Opus)
            }
            Carriage::Lpcm => Payload::pes(Content::Lpcm),
            Carriage::Untold => Payload::pes(Content::Untold),
            Carriage::Pes => Payload::pes(Content::Packet),
            Carriage::Sections => Payload::Sections(SectionReader::default()),
        };
        Self {
            ready: !matches!(
                stream.carriage,
                Carriage::Video | Carriage::Audio(_) | Carriage::Lpcm | Carriage::Untold
            ),
            crypto: stream.sample_aes.then(sample_aes),
            stream,
            info,
            payload,
            pes: Pes::Outside,
            continuity: None,
            stuffed: false,
            at_border: false,
        }
    }

    pub(super) fn info(&self) -> &TrackInfo {
        &self.info
    }

    /// Whether what must be known of it is: of data nothing must, unless they may be sound.
    pub(super) fn is_ready(&self) -> bool {
        let untold = Content::Untold;
        let may_be_sound =
            matches!(self.payload, Payload::Pes { content, .. } if content == untold);
        self.ready || !(self.carries_timeline() || may_be_sound)
    }

    fn carries_timeline(&self) -> bool {
        matches!(self.info.kind(), TrackKind::Video | TrackKind::Audio)
    }

    /// Takes a transport packet of this PID.
    pub(super) fn push(&mut self, packet: &TsPacket<'_>, sink: &mut Sink) {
        let Some(payload) = packet.payload else {
            return;
        };
        if packet.scrambled {
            // Nothing is known of the inside, and nothing will be.
            let scrambled = || Protection::of_scheme(ProtectionScheme::Scrambled);
            self.info.protection.get_or_insert_with(scrambled);
            self.ready = true;
            return;
        }
        self.stuffed = packet.stuffed;
        if std::mem::take(&mut self.at_border) {
            self.cross_border(packet, sink);
        } else if self.is_repeated(packet, sink) {
            return;
        }
        if let Payload::Sections(reader) = &mut self.payload {
            let sections = reader.push(payload, packet.unit_start, &mut sink.damage);
            for section in sections {
                sink.data(self.info.id, None, section);
            }
            return;
        }
        if packet.unit_start {
            self.end_pes(sink);
            self.pes = Pes::Header {
                bytes: Vec::new(),
                random_access: packet.random_access,
            };
        }
        self.push_pes(payload, sink);
        if packet.unit_start {
            self.drain(false, sink);
        }
    }

    /// Follows the continuity counter (ISO/IEC 13818-1 2.4.3.3). A packet may be sent twice.
    fn is_repeated(&mut self, packet: &TsPacket<'_>, sink: &mut Sink) -> bool {
        let before = self.continuity.replace(packet.continuity);
        let Some(before) = before.filter(|_| !packet.discontinuity) else {
            return false;
        };
        if packet.continuity == before {
            return true;
        }
        if packet.continuity != before.wrapping_add(1) & 0x0f {
            sink.damaged();
            self.lost();
        }
        false
    }

    /// Takes the counter of the first packet behind a border. Packagers may count anew in each resource, so that only the
    /// rest of a PES packet has to fit.
    fn cross_border(&mut self, packet: &TsPacket<'_>, sink: &mut Sink) {
        let before = self.continuity.replace(packet.continuity);
        if matches!(self.payload, Payload::Sections(_)) {
            return;
        }
        let fits = before.is_some_and(|before| packet.continuity == before.wrapping_add(1) & 0x0f);
        let goes_on = match (packet.unit_start, &self.pes) {
            (true, Pes::Outside) => true,
            (true, pes) => !pes.lacks_rest(),
            (false, Pes::Outside) => false,
            (false, _) => fits,
        };
        if !goes_on {
            sink.damaged();
            self.drop_partial();
        }
    }

    /// Packets are missing.
    fn lost(&mut self) {
        match &mut self.payload {
            // A picture with a hole is still of use to a decoder, and others refer to it.
            Payload::Video(..) => {}
            Payload::Audio(splitter) => splitter.lost(),
            Payload::Pes { partial, .. } => {
                partial.clear();
                self.pes = Pes::Outside;
            }
            Payload::Sections(reader) => reader.lost(),
        }
        if let Pes::Body { left } = &mut self.pes {
            *left = None;
        }
    }

    fn push_pes(&mut self, payload: &[u8], sink: &mut Sink) {
        match &mut self.pes {
            Pes::Outside => {}
            Pes::Body { .. } => self.push_body(payload, sink),
            Pes::Header {
                bytes,
                random_access,
            } => {
                let random_access = *random_access;
                let mut joined = std::mem::take(bytes);
                let data = if joined.is_empty() {
                    payload
                } else {
                    joined.extend_from_slice(payload);
                    &joined
                };
                match read_pes(data) {
                    PesRead::Header(header) => {
                        self.begin_pes(&header, random_access, sink);
                        self.push_body(data.get(header.len..).unwrap_or_default(), sink);
                    }
                    PesRead::Short => {
                        let bytes = data.to_vec();
                        self.pes = Pes::Header {
                            bytes,
                            random_access,
                        };
                    }
                    PesRead::Not => self.pes = Pes::Outside,
                }
            }
        }
    }

    fn begin_pes(&mut self, header: &PesHeader, random_access: bool, sink: &mut Sink) {
        self.pes = Pes::Body {
            left: header.payload_len,
        };
        let times = if self.carries_timeline() {
            let reordered = self.info.kind() == TrackKind::Video;
            sink.stamp(self.stream.pid, header, reordered)
        } else {
            None
        };
        let mark = Mark {
            times,
            random_access,
        };
        match &mut self.payload {
            Payload::Video(splitter, _) => splitter.mark(mark),
            Payload::Audio(splitter) => splitter.mark(mark),
            Payload::Pes { header: kept, .. } => *kept = Some(*header),
            Payload::Sections(_) => {}
        }
    }

    fn push_body(&mut self, payload: &[u8], sink: &mut Sink) {
        let Pes::Body { left } = &mut self.pes else {
            return;
        };
        let payload = match left {
            Some(left) => {
                let part = payload.get(..*left).unwrap_or(payload);
                *left = left.saturating_sub(part.len());
                part
            }
            None => payload,
        };
        let complete = *left == Some(0);
        match &mut self.payload {
            Payload::Video(splitter, _) => {
                if splitter.push(payload) {
                    self.drain(false, sink);
                }
            }
            Payload::Audio(splitter) => {
                splitter.push(payload);
                self.drain(false, sink);
            }
            Payload::Pes { partial, .. } => {
                if partial.len().saturating_add(payload.len()) > MAX_PES {
                    partial.clear();
                    self.pes = Pes::Outside;
                    return sink.damaged();
                }
                partial.extend_from_slice(payload);
                if complete {
                    self.end_pes(sink);
                }
            }
            Payload::Sections(_) => {}
        }
    }

    /// The PES packet at hand ends.
    fn end_pes(&mut self, sink: &mut Sink) {
        let open = matches!(self.pes, Pes::Body { .. });
        self.pes = Pes::Outside;
        let Payload::Pes {
            content,
            partial,
            header,
        } = &mut self.payload
        else {
            return;
        };
        let (content, header) = (*content, header.take());
        let data = partial.split().freeze();
        if !open || data.is_empty() {
            return;
        }
        let pts = header.and_then(|header| header.pts);
        match content {
            Content::Packet => sink.data(self.info.id, pts, data),
            Content::Opus => opus::split(self.info.id, pts, data, sink),
            Content::Lpcm => self.give_lpcm(pts, data, sink),
            Content::Untold => self.tell(header, data, sink),
        }
    }

    fn give_lpcm(&mut self, pts: Option<u64>, data: Bytes, sink: &mut Sink) {
        let Some((header, samples)) = lpcm::split(data) else {
            return sink.damaged();
        };
        let params = Some(header.params());
        if !self.ready || self.info.audio != params {
            self.info.audio = params;
            self.info.config = header.config();
            if self.ready {
                sink.out.push_back(Out::Info);
            }
            self.ready = true;
        }
        sink.data(self.info.id, pts, samples);
    }

    /// The first packet of a stream of which nothing was said shows what it is.
    fn tell(&mut self, header: Option<PesHeader>, data: Bytes, sink: &mut Sink) {
        let Some(framing) = framing_of(&data) else {
            self.payload = Payload::pes(Content::Packet);
            self.ready = true;
            return sink.data(self.info.id, header.and_then(|header| header.pts), data);
        };
        let mut splitter = Box::new(AudioSplitter::new(framing));
        let times = header.and_then(|header| sink.stamp(self.stream.pid, &header, false));
        splitter.mark(Mark {
            times,
            random_access: true,
        });
        splitter.push(&data);
        self.payload = Payload::Audio(splitter);
        self.info.codec = framing.codec();
        self.info.audio = Some(AudioParams::default());
        self.drain(false, sink);
    }

    /// Gives the packets that are whole; with `ended` all.
    fn drain(&mut self, ended: bool, sink: &mut Sink) {
        match &mut self.payload {
            Payload::Video(..) => self.drain_video(ended, sink),
            Payload::Audio(_) => self.drain_audio(ended, sink),
            Payload::Pes { .. } | Payload::Sections(_) => {}
        }
    }

    fn drain_video(&mut self, ended: bool, sink: &mut Sink) {
        loop {
            let Payload::Video(splitter, times) = &mut self.payload else {
                return;
            };
            let unit = match splitter.next(ended) {
                Ok(unit) => unit,
                Err(_too_long) => return sink.damaged(),
            };
            if let Some(parameters) = splitter.pictures().parameters()
                && (!self.ready || self.info.video != Some(parameters.video))
            {
                self.info.video = Some(parameters.video);
                self.info.codec_string.clone_from(&parameters.codec_string);
                self.info.codec = parameters.codec.unwrap_or(self.info.codec);
                if self.ready {
                    sink.out.push_back(Out::Info);
                }
                self.ready = true;
            }
            let Some(unit) = unit else { return };
            let frame_rate = self.info.video.and_then(|video| video.frame_rate);
            if let Some(mut packet) = times.packet(self.info.id, unit, frame_rate) {
                packet.crypto.clone_from(&self.crypto);
                sink.out.push_back(Out::Packet(packet));
            }
        }
    }

    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn drain_audio(&mut self, ended: bool, sink: &mut Sink) {
        let Payload::Audio(splitter) = &mut self.payload else {
            return;
        };
        while let Some(frame) = splitter.next(ended, &mut sink.damage) {
            if let Some(format) = splitter.format() {
                let params = Some(format.params());
                if !self.ready || self.info.audio != params || self.info.codec != format.codec {
                    self.info.audio = params;
                    self.info.codec = format.codec;
                    if let Some(config) = splitter.config() {
                        self.info.codec_string = AudioSpecificConfig::parse(&config)
                            .ok()
                            .map(|config| config.codec_string());
                        self.info.config = config;
                    }
                    if self.ready {
                        sink.out.push_back(Out::Info);
                    }
                    self.ready = true;
                }
            }
            let pts = to_time(frame.stamp) + frame.after;
            sink.out.push_back(Out::Packet(Packet {
                track: self.info.id,
                pts,
                dts: pts,
                duration: frame.duration,
                flags: PacketFlags {
                    key: true,
                    discontinuity: frame.stamp.jumped,
                    ..PacketFlags::default()
                },
                data: frame.data,
                crypto: self.crypto.clone(),
            }));
        }
    }

    /// Bytes that wait to become packets.
    pub(super) fn held(&self) -> usize {
        match &self.payload {
            Payload::Video(splitter, _) => splitter.held(),
            Payload::Pes { partial, .. } => partial.len(),
            // Bounded by the longest frame and by the longest section.
            Payload::Audio(_) | Payload::Sections(_) => 0,
        }
    }

    /// No payload follows: gives what is left.
    pub(super) fn finish(&mut self, sink: &mut Sink) {
        // A packet that tells its length and is cut short is not given.
        let whole = !matches!(self.pes, Pes::Body { left: Some(1..) });
        if whole {
            self.end_pes(sink);
        }
        self.drain(true, sink);
        self.forget();
    }

    /// The resource ends, and another one goes on. What the border cuts waits for its rest there; what is whole is given.
    pub(super) fn pause(&mut self, sink: &mut Sink) {
        let cut = self.is_cut();
        if cut {
            self.drain(false, sink);
        } else {
            self.end_pes(sink);
            self.drain(true, sink);
            self.drop_partial();
        }
        self.at_border = true;
    }

    /// Whether what was read last goes on behind the border, as far as can be told.
    fn is_cut(&self) -> bool {
        let within = match &self.pes {
            Pes::Outside => false,
            // What ends it is filled up with stuffing (ISO/IEC 13818-1 2.4.3.5), unless it fits by chance.
            Pes::Body { left: None } => !self.stuffed,
            pes => pes.lacks_rest(),
        };
        within || matches!(&self.payload, Payload::Audio(splitter) if splitter.is_cut())
    }

    /// What comes next is the resource that goes on.
    pub(super) fn go_on(&mut self) {
        if !self.at_border {
            self.forget();
        }
    }

    /// Forgets what is not whole: what comes next is from another place.
    pub(super) fn forget(&mut self) {
        self.continuity = None;
        self.at_border = false;
        self.drop_partial();
    }

    fn drop_partial(&mut self) {
        self.pes = Pes::Outside;
        match &mut self.payload {
            Payload::Video(splitter, times) => {
                splitter.clear();
                *times = VideoTimes::default();
            }
            Payload::Audio(splitter) => splitter.clear(),
            Payload::Pes { partial, .. } => partial.clear(),
            Payload::Sections(reader) => reader.lost(),
        }
    }
}

impl Pes {
    /// Whether more of the packet must come: its header is not whole, or the length that it tells is not reached.
    fn lacks_rest(&self) -> bool {
        match self {
            Self::Outside | Self::Body { left: None } => false,
            Self::Header { .. } => true,
            Self::Body { left: Some(left) } => *left > 0,
        }
    }
}

impl Payload {
    fn pes(content: Content) -> Self {
        Self::Pes {
            content,
            partial: BytesMut::new(),
            header: None,
        }
    }
}

/// The frames of sound that a payload consists of.
fn framing_of(data: &[u8]) -> Option<Framing> {
    let whole = |framing: &Framing| {
        let is_one = |(frame, _): (Frame, bool)| frame.len == data.len();
        framing.begins_with_two(data) == Some(true) || framing.header(data).is_ok_and(is_one)
    };
    [Framing::Adts, Framing::Loas, Framing::Ac3, Framing::Mpeg]
        .into_iter()
        .find(whole)
}

impl VideoTimes {
    /// An access unit with its times. `None` before any time is known.
    #[allow(clippy::arithmetic_side_effects)] // Time saturates
    fn packet(
        &mut self,
        track: TrackId,
        unit: AccessUnit,
        frame_rate: Option<f64>,
    ) -> Option<Packet> {
        let duration = frame_rate
            .filter(|rate| (1.0..=1000.0).contains(rate))
            .map_or(Time::ZERO, |rate| Time::from_secs_f64(1.0 / rate));
        let stamps = unit.mark.and_then(|mark| mark.times);
        let (pts, dts) = match (stamps, self.last) {
            (Some((pts, dts)), _) => (to_time(pts), to_time(dts)),
            // The second field of a frame is shown with the first.
            (None, Some(times)) if unit.picture.second_field => times,
            (None, Some((pts, dts))) => {
                let step = if self.step > Time::ZERO {
                    self.step
                } else {
                    duration
                };
                (pts + step, dts + step)
            }
            (None, None) => return None,
        };
        if let Some((_, before)) = self.last
            && dts > before
        {
            self.step = dts - before;
        }
        self.last = Some((pts, dts));
        Some(Packet {
            track,
            pts,
            dts,
            duration,
            flags: PacketFlags {
                key: unit.picture.key,
                discontinuity: stamps.is_some_and(|(_, dts)| dts.jumped),
                disposable: unit.picture.disposable,
                ..PacketFlags::default()
            },
            data: unit.data,
            crypto: None,
        })
    }
}
