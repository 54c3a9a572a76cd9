//! The thread on which libavformat reads.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kinora_container::{DemuxError, SeekTo};
use kinora_media::bitstream::{h264, h265, nal_units};
use kinora_media::{CodecId, Packet, PacketFlags, Time, TrackKind};

use super::exchange::{Exchange, Given, Interrupted};
use super::input::{Input, OpenError};
use super::packet::RawPacket;
use super::reorder::{Reorder, USUAL_DELAY};
use super::tracks::{Described, Stream, describe, stream_count};
use crate::library::Ffmpeg;
use crate::raw::Status;

/// So many reads in a row may fail before a file is given up.
const MAX_FAILURES: u32 = 64;

/// How the packets of a stream come to their times.
#[derive(Default)]
struct Timing {
    /// Where a packet without one goes on.
    end: Time,
    order: Order,
}

#[derive(Default)]
enum Order {
    /// None came yet.
    #[default]
    Unknown,
    /// They have them.
    Told,
    /// By what they hold.
    Found(Box<Reorder>),
}

/// Why the thread leaves off.
enum Stop {
    /// There is a seek, or nobody waits any more.
    Interrupted,
    Failed(DemuxError),
}

impl From<Interrupted> for Stop {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// Reads until nobody takes the packets any more.
pub(super) fn run(exchange: &Arc<Exchange>, ffmpeg: &Arc<Ffmpeg>) {
    let mut worker = match Worker::open(exchange, ffmpeg) {
        Ok(worker) => worker,
        Err(Stop::Failed(error)) => return fail(exchange, error),
        Err(Stop::Interrupted) => return,
    };
    while !exchange.is_dropped() {
        match worker.turn() {
            Ok(()) | Err(Stop::Interrupted) => {}
            Err(Stop::Failed(error)) => return fail(exchange, error),
        }
    }
}

/// The last that is given.
pub(super) fn fail(exchange: &Exchange, error: DemuxError) {
    // Who is gone needs no word.
    let _ = exchange.give(Given::Failed(error));
}

struct Worker<'a> {
    exchange: &'a Arc<Exchange>,
    ffmpeg: &'a Arc<Ffmpeg>,
    input: Input,
    described: Described,
    /// By the stream's number.
    timings: Vec<Timing>,
    failures: u32,
}

impl<'a> Worker<'a> {
    fn open(exchange: &'a Arc<Exchange>, ffmpeg: &'a Arc<Ffmpeg>) -> Result<Self, Stop> {
        let input = Input::open(ffmpeg, exchange).map_err(|error| refused(ffmpeg, error))?;
        let described = describe(&input);
        let kinds = [TrackKind::Video, TrackKind::Audio];
        let playable = |kind: &TrackKind| described.info.first(*kind).is_some();
        // Formats without a header have their streams when their packets come.
        if !kinds.iter().any(playable) && !described.streams.is_empty() {
            return Err(Stop::Failed(DemuxError::NoTracks));
        }
        let mut worker = Self {
            exchange,
            ffmpeg,
            input,
            described,
            timings: Vec::new(),
            failures: 0,
        };
        if !worker.described.streams.is_empty() {
            worker.tell()?;
        }
        Ok(worker)
    }

    /// Tells what is known of the file.
    fn tell(&mut self) -> Result<(), Stop> {
        let count = self.described.streams.len();
        self.timings.resize_with(count, Timing::default);
        let info = Arc::new(self.described.info.clone());
        Ok(self.exchange.give(Given::Info(info))?)
    }

    /// Goes elsewhere if that is wanted, and reads a packet.
    fn turn(&mut self) -> Result<(), Stop> {
        if let Some(target) = self.exchange.take_seek() {
            self.seek(target)?;
        }
        let packet = RawPacket::new(self.ffmpeg).map_err(|status| self.gave_up(status))?;
        let read = self.input.read(packet.as_ptr());
        if self.exchange.is_interrupted() {
            return Err(Stop::Interrupted);
        }
        match read {
            Ok(()) => self.give(packet),
            Err(Status::END) => {
                if self.described.streams.is_empty() {
                    return Err(Stop::Failed(DemuxError::NoTracks));
                }
                self.give_last()?;
                self.exchange.give(Given::End)?;
                self.exchange.rest();
                Ok(())
            }
            Err(status) => {
                self.failures += 1;
                if status != Status::AGAIN {
                    self.exchange.add_damage();
                }
                match self.failures >= MAX_FAILURES {
                    true => Err(self.gave_up(status)),
                    false => Ok(()),
                }
            }
        }
    }

    fn give(&mut self, raw: RawPacket) -> Result<(), Stop> {
        self.failures = 0;
        if stream_count(&self.input) > self.described.streams.len() {
            let start = self.described.start;
            self.described = describe(&self.input);
            // Times that were given count from it.
            if !self.timings.is_empty() {
                self.described.start = start;
            }
            self.tell()?;
        }
        let index = usize::try_from(raw.stream()).unwrap_or(usize::MAX);
        if let Some(config) = raw.new_config()
            && self.described.configure(index, config)
        {
            self.tell()?;
        }
        if let Some(palette) = raw.new_palette()
            && self.described.recolour(index, palette)
        {
            self.tell()?;
        }
        let found = self.described.streams.get(index).and_then(Option::as_ref);
        let (Some(stream), Some(timing)) = (found, self.timings.get_mut(index)) else {
            return Ok(());
        };
        if let Order::Unknown = timing.order {
            // In a program stream only the first picture of a PES packet has times (ISO/IEC 13818-1 2.4.3.7).
            let in_part = self.described.info.container == "mpeg";
            let is_untold = in_part || raw.pts().is_none() && raw.dts().is_some();
            let found = is_untold.then(|| Reorder::of(&stream.info, &stream.parameter_sets));
            timing.order = found
                .flatten()
                .map_or(Order::Told, |it| Order::Found(Box::new(it)));
        }
        let orders = matches!(timing.order, Order::Found(_));
        let packet = packet(raw, stream, self.described.start, &mut timing.end, orders);
        let Order::Found(reorder) = &mut timing.order else {
            return Ok(self.exchange.give(Given::Packet(packet))?);
        };
        reorder.push(packet);
        while let Some(packet) = reorder.pop() {
            self.exchange.give(Given::Packet(packet))?;
        }
        Ok(())
    }

    /// Gives what waited for what follows: nothing does.
    fn give_last(&mut self) -> Result<(), Stop> {
        for timing in &mut self.timings {
            if let Order::Found(reorder) = &mut timing.order {
                reorder.finish();
                while let Some(packet) = reorder.pop() {
                    self.exchange.give(Given::Packet(packet))?;
                }
            }
        }
        Ok(())
    }

    /// Packets come from elsewhere.
    fn moved(&mut self, to: Time) {
        for timing in &mut self.timings {
            timing.end = to;
            if let Order::Found(reorder) = &mut timing.order {
                reorder.clear();
            }
        }
    }

    /// To a key frame at or before a time; where libavformat finds none, to the start.
    fn seek(&mut self, target: SeekTo) -> Result<(), Stop> {
        let lead = self.described.lead();
        if let Some((index, stream)) = lead {
            // The container finds key frames by when they are decoded; what is shown before them needs the one before.
            let timing = usize::try_from(index)
                .ok()
                .and_then(|at| self.timings.get(at));
            let delay = match timing.map(|timing| &timing.order) {
                Some(Order::Found(reorder)) => reorder.delay(),
                Some(Order::Told) => Time::ZERO,
                Some(Order::Unknown) | None => USUAL_DELAY,
            };
            let time = (target.time - delay).max(Time::ZERO) + self.described.start;
            let sought = self.input.seek(index, stream.base.value(time));
            if self.exchange.is_interrupted() {
                return Err(Stop::Interrupted);
            }
            if sought.is_ok() {
                self.moved(target.time);
                return Ok(());
            }
        }
        match Input::open(self.ffmpeg, self.exchange) {
            Ok(input) => self.input = input,
            // Elsewhere again: the one that is open does.
            Err(_) if self.exchange.is_interrupted() => return Err(Stop::Interrupted),
            Err(error) => return Err(refused(self.ffmpeg, error)),
        }
        self.moved(Time::ZERO);
        Ok(())
    }

    fn gave_up(&self, status: Status) -> Stop {
        Stop::Failed(DemuxError::Library {
            container: self.input.name(),
            what: self.ffmpeg.error_text(status.0),
        })
    }
}

impl Described {
    /// The stream whose key frames a seek goes to.
    fn lead(&self) -> Option<(i32, &Stream)> {
        let of_kind = |kind| {
            let mut streams = self.streams.iter().enumerate();
            streams.find_map(|(index, stream)| {
                let stream = stream
                    .as_ref()
                    .filter(|stream| stream.info.kind() == kind)?;
                Some((i32::try_from(index).ok()?, stream))
            })
        };
        of_kind(TrackKind::Video).or_else(|| of_kind(TrackKind::Audio))
    }
}

fn refused(ffmpeg: &Ffmpeg, error: OpenError) -> Stop {
    Stop::Failed(match error {
        OpenError::Unknown => DemuxError::UnknownContainer("libavformat does not know them".into()),
        OpenError::Failed { format, status } => DemuxError::Library {
            container: format,
            what: ffmpeg.error_text(status.0),
        },
    })
}

fn samples(count: u32, rate: u32) -> Time {
    let nanos = u64::from(count) * 1_000_000_000;
    let nanos = nanos.checked_div(rate.into()).unwrap_or(0);
    Time::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// `orders`: of the stream only the times of decoding count, for its pictures are put in order.
fn packet(raw: RawPacket, stream: &Stream, start: Time, end: &mut Time, orders: bool) -> Packet {
    let time = |value: i64| stream.base.time(value) - start;
    let (pts, dts) = (raw.pts().map(time), raw.dts().map(time));
    let rate = stream.info.audio.map_or(0, |audio| audio.sample_rate);
    let duration = stream.base.time(raw.duration()) - samples(raw.cut_samples(), rate);
    let duration = duration.max(Time::ZERO);
    let pts = match orders {
        true => dts.or(pts),
        false => pts.or(dts),
    };
    let pts = pts.unwrap_or(*end);
    let flags = PacketFlags {
        key: raw.is_key(),
        decode_only: raw.is_discarded(),
        discontinuity: false,
        disposable: raw.is_disposable(),
    };
    *end = pts + duration;
    Packet {
        track: stream.info.id,
        pts,
        dts: dts.unwrap_or(pts),
        duration,
        flags,
        data: with_parameter_sets(raw, stream),
        crypto: None,
    }
}

/// The bytes; those of a key frame behind the parameter sets that it lacks.
fn with_parameter_sets(raw: RawPacket, stream: &Stream) -> Bytes {
    if stream.parameter_sets.is_empty() || !raw.is_key() {
        return raw.into_bytes();
    }
    let is_set = |unit: &[u8]| match stream.info.codec {
        CodecId::H264 => h264::nal_type_of(unit) == h264::nal_type::SPS,
        _ => h265::nal_type_of(unit) == h265::nal_type::SPS,
    };
    if nal_units(raw.as_ref()).any(is_set) {
        return raw.into_bytes();
    }
    let data = raw.as_ref();
    let mut whole = BytesMut::with_capacity(stream.parameter_sets.len() + data.len());
    whole.extend_from_slice(&stream.parameter_sets);
    whole.extend_from_slice(data);
    whole.freeze()
}
