//! A live stream over HTTP as servers of FLV send it: without a length, from the last key picture on, and then each tag as it
//! is made.

use std::sync::Arc;

use bytes::Bytes;
use kinora_container::{Demuxer as _, ProbingDemuxer, Step};
use kinora_media::{MediaInfo, RequestId, ResponseInfo, Time, TrackKind};

use super::{Net, Open};
use crate::FetchEvent;
use crate::sim::{Agenda, Film, Happening, ms};

/// How the film is broadcast again and again from the start of the simulation on, each picture unlike those of the round before.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Broadcast {
    /// How much faster the producer's clock is than ours.
    pub speed: f64,
    /// Each connection's timestamps begin at zero, as servers of that kind make it.
    pub rebased: bool,
    /// Nothing but the end of the connection ends the answer.
    pub ends_with_connection: bool,
    /// When the broadcast is over.
    pub until: Option<Time>,
    /// When whoever sends begins anew, its timestamps at zero.
    pub restarts: Option<Time>,
    /// How much a server keeps for whoever joins, beside the last group of pictures.
    pub kept: Time,
}

impl Default for Broadcast {
    fn default() -> Self {
        Self {
            speed: 1.0,
            rebased: false,
            ends_with_connection: false,
            until: None,
            restarts: None,
            kept: Time::ZERO,
        }
    }
}

/// What is broadcast, and how.
pub(super) struct OnAir {
    how: Broadcast,
    tags: Vec<Tag>,
    /// The configurations of picture and sound.
    heads: [Vec<u8>; 2],
}

/// A coded picture or a piece of sound of the film.
#[derive(Clone, Debug)]
struct Tag {
    video: bool,
    key: bool,
    dts: Time,
    shift: Time,
    data: Bytes,
}

/// One round of the film: as long as its sound, whose pieces of 64 ms do not fit into its 12 s of pictures. They are stretched.
const ROUND: Time = ms(188 * 64);
const STRETCH: f64 = 12.032 / 12.0;
const AUDIO_TAG: u8 = 8;
const VIDEO_TAG: u8 = 9;
/// AAC, of two channels as the specification has it always.
const AAC: u8 = 0xAF;

impl OnAir {
    fn new(how: Broadcast) -> Self {
        let mut demuxer = ProbingDemuxer::new();
        demuxer.push(0, Film::mp4());
        demuxer.finish();
        let mut on_air = Self {
            how,
            tags: Vec::new(),
            heads: Default::default(),
        };
        let mut video = None;
        loop {
            match demuxer.poll() {
                Ok(Step::Info(info)) => {
                    video = info
                        .tracks
                        .iter()
                        .find(|it| it.kind() == TrackKind::Video)
                        .map(|it| it.id);
                    on_air.heads = heads(&info);
                }
                Ok(Step::Packet(packet)) => on_air.tags.push(Tag {
                    video: Some(packet.track) == video,
                    key: packet.flags.key,
                    dts: packet.dts,
                    shift: packet.pts - packet.dts,
                    data: packet.data,
                }),
                Ok(Step::End) => break,
                other => panic!("the film can not be read: {other:?}"),
            }
        }
        for video in [false, true] {
            let of_track = |tag: &&mut Tag| tag.video == video;
            let begin = on_air
                .tags
                .iter_mut()
                .filter(of_track)
                .map(|tag| tag.dts)
                .min();
            let begin = begin.unwrap_or(Time::ZERO);
            let stretch = if video { STRETCH } else { 1.0 };
            for tag in on_air.tags.iter_mut().filter(of_track) {
                tag.dts = (tag.dts - begin).scale(stretch);
            }
        }
        on_air.tags.retain(|tag| tag.dts < ROUND);
        on_air.tags.sort_by_key(|tag| tag.dts);
        on_air
    }

    fn tag(&self, number: u64) -> (&Tag, Time) {
        let count = self.tags.len() as u64;
        let (round, place) = (number / count, usize::try_from(number % count).unwrap_or(0));
        let tag = &self.tags[place];
        let rounds = i64::try_from(round).unwrap_or(0);
        (tag, tag.dts + Time::from_nanos(ROUND.as_nanos() * rounds))
    }

    /// When a tag is made, on our clock.
    fn made(&self, number: u64) -> Time {
        self.tag(number).1.scale(1.0 / self.how.speed)
    }

    /// The tag that is made next.
    fn next_at(&self, now: Time) -> u64 {
        let media = now.max(Time::ZERO).scale(self.how.speed);
        let rounds = u64::try_from(media.as_nanos() / ROUND.as_nanos()).unwrap_or(0);
        let mut number = rounds.saturating_sub(1) * self.tags.len() as u64;
        while self.made(number) <= now {
            number += 1;
        }
        number
    }

    /// The tag that whoever joins gets first.
    fn first_for(&self, now: Time) -> u64 {
        let mut number = self.next_at(now - self.how.kept);
        while number > 0 {
            number -= 1;
            let (tag, _) = self.tag(number);
            if tag.video && tag.key {
                break;
            }
        }
        number
    }

    /// The timestamp of a tag, by the clock of whoever sends.
    fn stamp(&self, number: u64, base: Time) -> Time {
        let (_, at) = self.tag(number);
        match self.how.restarts {
            Some(restarts) if self.made(number) >= restarts => at - restarts.scale(self.how.speed),
            _ => at - base,
        }
    }

    fn begin(&self, stamp: Time) -> Vec<u8> {
        let mut bytes = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
        let [video, audio] = &self.heads;
        bytes.extend(tag(
            VIDEO_TAG,
            stamp,
            &[&[0x17, 0, 0, 0, 0], &video[..]].concat(),
        ));
        bytes.extend(tag(AUDIO_TAG, stamp, &[&[AAC, 0], &audio[..]].concat()));
        bytes
    }

    fn bytes(&self, number: u64, base: Time) -> Vec<u8> {
        let (made, _) = self.tag(number);
        let stamp = self.stamp(number, base);
        if !made.video {
            return tag(AUDIO_TAG, stamp, &[&[AAC, 1], &made.data[..]].concat());
        }
        let kind = if made.key { 0x17 } else { 0x27 };
        let [_, shift @ ..] = i32::try_from(made.shift.as_millis())
            .unwrap_or(0)
            .to_be_bytes();
        // Filler data of the number (ISO/IEC 14496-10 7.3.2.7): no picture is like another.
        let mut filler = vec![0, 0, 0, 10, 12];
        filler.extend(number.to_be_bytes().map(|byte| byte | 0x80));
        filler.push(0x80);
        tag(
            VIDEO_TAG,
            stamp,
            &[&[kind, 1], &shift[..], &made.data[..], &filler[..]].concat(),
        )
    }
}

/// The configurations of picture and sound.
fn heads(info: &MediaInfo) -> [Vec<u8>; 2] {
    let config = |kind| {
        let track = info.tracks.iter().find(|track| track.kind() == kind);
        track.map_or_else(Vec::new, |track| track.config.to_vec())
    };
    [config(TrackKind::Video), config(TrackKind::Audio)]
}

/// Adobe Flash Video File Format Specification 10.1, E.4.1.
fn tag(kind: u8, stamp: Time, body: &[u8]) -> Vec<u8> {
    let [_, size @ ..] = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let [high, stamp @ ..] = u32::try_from(stamp.as_millis()).unwrap_or(0).to_be_bytes();
    let whole = u32::try_from(body.len() + 11).unwrap_or(0).to_be_bytes();
    [
        &[kind],
        &size[..],
        &stamp[..],
        &[high, 0, 0, 0],
        body,
        &whole[..],
    ]
    .concat()
}

/// How far the answer to one request is.
pub(super) struct Joined {
    next: u64,
    base: Time,
    pending: Bytes,
}

impl Net {
    /// A live stream is to be had there.
    pub fn broadcast(&mut self, url: &str, broadcast: Broadcast) {
        self.broadcasts
            .insert(url.to_owned(), Arc::new(OnAir::new(broadcast)));
    }

    pub(super) fn broadcast_step(
        &mut self,
        agenda: &mut Agenda,
        now: Time,
        id: RequestId,
        url: &str,
    ) -> Option<FetchEvent> {
        let on_air = Arc::clone(self.broadcasts.get(url)?);
        let how = on_air.how;
        let over = how.until.is_some_and(|until| now >= until);
        let open = self.open.get_mut(&id)?;
        if !open.head_sent && over {
            return self.fail(id, super::status(404));
        }
        if !open.head_sent && open.start > 0 {
            return self.fail(id, super::range_ignored());
        }
        if !open.head_sent {
            open.head_sent = true;
            let next = on_air.first_for(now);
            let base = match how.rebased {
                true => on_air.tag(next).1,
                false => Time::ZERO,
            };
            open.joined = Some(Joined {
                next,
                base,
                pending: on_air.begin(on_air.stamp(next, base)).into(),
            });
            agenda.add(now, Happening::Transfer(id));
            let info = ResponseInfo {
                status: Some(200),
                ends_with_connection: how.ends_with_connection,
                final_url: Some(url.to_owned()),
                ..ResponseInfo::default()
            };
            return Some(FetchEvent::Head { id, info });
        }
        let rate = self.weather.bytes_per_second.max(1);
        let step = send(&on_air, open, now)?;
        match step {
            Sent::Bytes(data) => {
                let offset = open.at;
                open.at += data.len() as u64;
                open.credit -= data.len() as u64;
                let micros = data.len() as u64 * 1_000_000 / rate;
                let carried = Time::from_micros(i64::try_from(micros).unwrap_or(0));
                agenda.add(now + carried, Happening::Transfer(id));
                Some(FetchEvent::Chunk(kinora_media::Chunk { id, offset, data }))
            }
            Sent::Later(at) => {
                agenda.add(at, Happening::Transfer(id));
                None
            }
            Sent::Over => {
                self.open.remove(&id);
                Some(FetchEvent::Done { id })
            }
        }
    }
}

enum Sent {
    Bytes(Bytes),
    Later(Time),
    Over,
}

/// What is there of a broadcast for a request. `None`: it has no credit.
fn send(on_air: &OnAir, open: &mut Open, now: Time) -> Option<Sent> {
    let joined = open.joined.as_mut()?;
    if joined.pending.is_empty() {
        let made = on_air.made(joined.next);
        if on_air.how.until.is_some_and(|until| made >= until) {
            return Some(Sent::Over);
        }
        if made > now {
            return Some(Sent::Later(made));
        }
        joined.pending = on_air.bytes(joined.next, joined.base).into();
        joined.next += 1;
    }
    let room = usize::try_from(open.credit).unwrap_or(usize::MAX);
    if room == 0 {
        open.scheduled = false;
        return None;
    }
    let len = joined.pending.len().min(room);
    Some(Sent::Bytes(joined.pending.split_to(len)))
}
