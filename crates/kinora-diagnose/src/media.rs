//! What is in a file or a segment: tracks, key frames, times, and who can decode them.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use kinora::{MediaReader, decoder_for};
use kinora_container::{
    ClockKind, Demuxer as _, ProbingDemuxer, SeekMode, SeekTo, Step as Demuxed,
};
use kinora_errors::{Coded as _, Fault, codes};
use kinora_media::{MediaInfo, Packet, Time, TrackInfo, TrackKind};

use crate::check::{Check, CheckKind};
use crate::run::Run;

impl Run<'_> {
    /// A file that is played as it is: its headers, its beginning, middle and end.
    pub(crate) fn media(&mut self, url: &str) {
        let check = Check::new(CheckKind::Media).fact("place", "first");
        let mut reader = match MediaReader::open(url, &self.options.net) {
            Ok(reader) => reader,
            Err(fault) => return self.add(check.failed(fault)),
        };
        let info = Arc::clone(reader.info());
        let first = first_video_packet(&mut reader);
        self.add(placed(described(check, &info), &info, first, url));
        let middle = info
            .duration
            .filter(|_| info.seekable)
            .map(|all| all.scale(0.5));
        // The last second holds a picture in any film.
        let last = info
            .duration
            .filter(|_| info.seekable)
            .map(|all| all - Time::from_millis(1_000));
        for (place, time) in [("middle", middle), ("last", last)] {
            let Some(time) = time.filter(|time| *time > Time::ZERO) else {
                continue;
            };
            let check = Check::new(CheckKind::Media)
                .fact("place", place)
                .fact("time", time);
            let mode = SeekMode::Before;
            let since = Instant::now();
            let packet = reader
                .seek(SeekTo { time, mode })
                .and_then(|()| first_video_packet(&mut reader));
            self.add(placed(check.took(since.elapsed()), &info, packet, url));
        }
        self.codecs(&info, url);
    }

    /// A decoder for every track.
    pub(crate) fn codecs(&mut self, info: &MediaInfo, url: &str) {
        for track in &info.tracks {
            if !matches!(track.kind(), TrackKind::Video | TrackKind::Audio) {
                continue;
            }
            let check = Check::new(CheckKind::Codec).fact("codec", describe(track));
            let check = match decoder_for(track, self.options.decoders) {
                Ok(name) => check.fact("decoder", name),
                Err(fault) => check.failed(fault.at_url(url)),
            };
            self.add(check);
        }
    }
}

/// So many packets of other tracks may come before a picture.
const MAX_PACKETS_BEFORE: usize = 4_096;

/// The first picture from here on; the first packet where there are no pictures.
fn first_video_packet(reader: &mut MediaReader) -> Result<Option<Packet>, Fault> {
    let info = Arc::clone(reader.info());
    let is_video = |packet: &Packet| {
        let track = info.track(packet.track);
        track.is_some_and(|track| track.kind() == TrackKind::Video)
    };
    let first = reader.next_packet()?;
    let has_video = info
        .tracks
        .iter()
        .any(|track| track.kind() == TrackKind::Video);
    if !has_video || first.as_ref().is_none_or(is_video) {
        return Ok(first);
    }
    for _ in 0..MAX_PACKETS_BEFORE {
        match reader.next_packet()? {
            Some(packet) if is_video(&packet) => return Ok(Some(packet)),
            Some(_) => {}
            None => break,
        }
    }
    Ok(first)
}

/// A packet of a place that must have one.
fn placed(
    check: Check,
    info: &MediaInfo,
    packet: Result<Option<Packet>, Fault>,
    url: &str,
) -> Check {
    match packet {
        Ok(Some(packet)) => check
            .maybe("track", info.track(packet.track).map(|track| track.codec))
            .fact("pts", packet.pts)
            .fact("key_frame", yes_or_no(packet.flags.key)),
        Ok(None) => check.failed(
            Fault::new(codes::ERROR_DEMUXER_NO_VALID_STREAM, "container.no_packet").at_url(url),
        ),
        Err(fault) => check.failed(fault),
    }
}

/// What a segment holds.
pub(crate) struct Held {
    pub(crate) info: Arc<MediaInfo>,
    pub(crate) packets: u64,
    /// The first of its pictures, or of its sounds where it has no pictures.
    pub(crate) first: Option<Packet>,
    /// Its times are the stream's, as it has them itself: those of packed audio begin anew in each segment.
    pub(crate) is_timed: bool,
}

/// Reads a segment, behind its init section where it has one.
pub(crate) fn held(init: Option<Bytes>, segment: Bytes) -> Result<Held, Fault> {
    let mut demuxer = ProbingDemuxer::for_segments();
    let mut offset = 0;
    for part in init.into_iter().chain([segment]) {
        let len = part.len() as u64;
        demuxer.push(offset, part);
        offset += len;
    }
    demuxer.set_len(offset);
    demuxer.finish();
    let mut held = Held {
        info: Arc::default(),
        packets: 0,
        first: None,
        is_timed: false,
    };
    // Each turn hands out something or ends: all bytes are there.
    loop {
        match demuxer.poll().map_err(|error| error.fault())? {
            Demuxed::Info(info) => held.info = info,
            Demuxed::Packet(packet) => {
                held.packets += 1;
                let is_video = |packet: &Packet| {
                    let track = held.info.track(packet.track);
                    track.is_some_and(|track| track.kind() == TrackKind::Video)
                };
                let better = match &held.first {
                    None => true,
                    Some(first) => !is_video(first) && is_video(&packet),
                };
                if better {
                    held.first = Some(packet);
                }
            }
            Demuxed::Want(_) | Demuxed::NeedMore | Demuxed::Pending | Demuxed::End => {
                held.is_timed = demuxer.clock() != ClockKind::OwnStart;
                return Ok(held);
            }
        }
    }
}

fn described(check: Check, info: &MediaInfo) -> Check {
    let check = check
        .fact("container", info.container)
        .maybe("duration", info.duration);
    info.tracks
        .iter()
        .fold(check, |check, track| check.fact("track", describe(track)))
}

pub(crate) fn describe(track: &TrackInfo) -> String {
    let name = track
        .codec_string
        .clone()
        .unwrap_or_else(|| track.codec.to_string());
    match (&track.video, &track.audio) {
        (Some(video), _) => format!("{name} {}x{}", video.width, video.height),
        (_, Some(audio)) => format!(
            "{name} {} Hz, {} channels",
            audio.sample_rate, audio.channels
        ),
        _ => name,
    }
}

pub(crate) const fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}
