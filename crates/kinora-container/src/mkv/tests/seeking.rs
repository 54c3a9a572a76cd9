//! Where seeks read, and how little.

use kinora_media::Time;

use super::super::id;
use super::build::*;
use super::*;
use crate::{DemuxError, SeekMode, SeekTo};

/// Reads what is wanted in pieces of 16 KiB until a packet comes; gives it, and how much was asked and read.
struct Reading {
    demuxer: MkvDemuxer,
    bytes: Bytes,
    at: usize,
    requests: usize,
    read: usize,
}

impl Reading {
    fn of(bytes: Vec<u8>, known_len: bool) -> Self {
        let mut demuxer = MkvDemuxer::new();
        if known_len {
            demuxer.set_len(bytes.len() as u64);
        }
        let bytes = Bytes::from(bytes);
        Self {
            demuxer,
            bytes,
            at: 0,
            requests: 0,
            read: 0,
        }
    }

    fn packet(&mut self) -> Option<Packet> {
        loop {
            match self.demuxer.poll().unwrap() {
                Step::Packet(packet) => return Some(packet),
                Step::End => return None,
                Step::Info(_) => continue,
                Step::NeedMore | Step::Pending => {}
                Step::Want(range) => {
                    self.at = range.start as usize;
                    self.requests += 1;
                }
            }
            let end = (self.at + 16 * 1024).min(self.bytes.len());
            if self.at >= end {
                self.demuxer.finish();
                continue;
            }
            let piece = self.bytes.slice(self.at..end);
            self.read += piece.len();
            self.demuxer.push(self.at as u64, piece);
            self.at = end;
        }
    }

    fn seek(&mut self, ms: i64) -> Packet {
        (self.requests, self.read) = (0, 0);
        let time = Time::from_millis(ms);
        let mode = SeekMode::Before;
        self.demuxer.seek(SeekTo { time, mode }).unwrap();
        self.packet().unwrap()
    }
}

/// Six megabytes in clusters of 200 ms.
const LONG: Film = Film {
    clusters: 60,
    pictures: 5,
    size: 20_000,
    cues: true,
    endless: false,
};

#[test]
fn a_seek_by_cues_reads_the_index_and_one_cluster() {
    let mut reading = Reading::of(LONG.bytes(), true);
    reading.packet().unwrap();
    let found = reading.seek(7_650);
    assert_eq!(
        (found.pts, found.flags.key),
        (Time::from_millis(7_600), true)
    );
    assert_eq!(reading.requests, 2);
    assert!(reading.read <= 64 * 1024, "{} bytes", reading.read);
    // The index is known now.
    let found = reading.seek(1_199);
    assert_eq!(found.pts, Time::from_millis(1_000));
    assert_eq!(reading.requests, 1);
    assert!(reading.read <= 32 * 1024, "{} bytes", reading.read);
}

#[test]
fn without_cues_clusters_are_looked_at() {
    let film = Film {
        cues: false,
        ..LONG
    };
    for film in [
        film,
        Film {
            endless: true,
            ..film
        },
    ] {
        let mut reading = Reading::of(film.bytes(), true);
        reading.packet().unwrap();
        for ms in [11_999, 30, 7_650, 4_000] {
            let found = reading.seek(ms);
            assert_eq!(found.pts.as_millis(), ms / 200 * 200, "seek to {ms} ms");
            assert!(reading.requests <= 12, "{} requests", reading.requests);
            assert!(reading.read < 3_000_000, "{} bytes", reading.read);
        }
    }
}

#[test]
fn cues_that_lead_nowhere_are_not_believed() {
    for off in [3, 1_000, 10_000_000] {
        let mut reading = Reading::of(LONG.with_cues_off(off), true);
        reading.packet().unwrap();
        for ms in [7_650, 210] {
            let found = reading.seek(ms);
            assert_eq!(found.pts.as_millis(), ms / 200 * 200, "{off} bytes off");
        }
    }
}

#[test]
fn key_frames_that_are_rare_are_looked_for_further_back() {
    // Only the very first picture is a key frame: the flags of the others are taken away.
    let film = Film {
        cues: false,
        clusters: 40,
        ..LONG
    };
    let mut bytes = film.bytes();
    let head = [0xa3, 1, 0, 0, 0, 0, 0, 0x4e, 0x24, 0x81, 0, 0, 0x80];
    let mut places: Vec<usize> = (0..bytes.len() - head.len())
        .filter(|at| bytes[*at..].starts_with(&head))
        .collect();
    assert_eq!(places.len(), 40);
    for at in places.drain(1..) {
        bytes[at + head.len() - 1] = 0;
    }
    let mut reading = Reading::of(bytes, true);
    reading.packet().unwrap();
    let found = reading.seek(7_000);
    assert_eq!((found.pts, found.flags.key), (Time::ZERO, true));
}

#[test]
fn a_seek_in_headers_alone_ends() {
    let bytes = file(&[master(id::TRACKS, &[audio(1, &[])])]);
    let mut reading = Reading::of(bytes, true);
    assert_eq!(reading.packet(), None);
    let target = SeekTo {
        time: Time::from_millis(700),
        mode: SeekMode::Before,
    };
    reading.demuxer.seek(target).unwrap();
    assert_eq!(reading.packet(), None);
}

#[test]
fn what_can_not_be_sought_says_so() {
    let mut reading = Reading::of(Film::live().bytes(), false);
    let target = SeekTo {
        time: Time::ZERO,
        mode: SeekMode::Before,
    };
    let early = reading.demuxer.seek(target);
    assert!(matches!(early, Err(DemuxError::NotSeekable(_))));
    reading.packet().unwrap();
    let unknown = reading.demuxer.seek(target);
    assert!(matches!(unknown, Err(DemuxError::NotSeekable(_))));
}

/// Reads a recording to its end once its duration was looked for behind the first packet: the duration that is told then, and
/// the times of its pictures.
fn measured(bytes: Vec<u8>) -> (Option<Time>, Vec<Time>, u64) {
    let mut reading = Reading::of(bytes, true);
    let first = reading.packet().unwrap();
    assert!(reading.demuxer.find_duration());
    assert!(!reading.demuxer.find_duration());
    let (mut told, mut times) = (None, vec![first.pts]);
    loop {
        match reading.demuxer.poll().unwrap() {
            Step::Info(info) => told = info.duration,
            Step::Packet(packet) => times.extend((packet.track.0 == 1).then_some(packet.pts)),
            Step::End => break,
            Step::Want(range) => reading.at = range.start as usize,
            Step::NeedMore | Step::Pending => {}
        }
        let end = (reading.at + 16 * 1024).min(reading.bytes.len());
        let piece = reading.bytes.slice(reading.at..end);
        match piece.is_empty() {
            true => reading.demuxer.finish(),
            false => reading.demuxer.push(reading.at as u64, piece),
        }
        reading.at = end;
    }
    (told, times, reading.demuxer.damage())
}

fn recording() -> Vec<u8> {
    let film = Film {
        endless: true,
        cues: false,
        ..LONG
    };
    film.bytes()
}

#[test]
fn the_duration_of_a_recording_is_found_at_its_end() {
    let (told, times, damage) = measured(recording());
    // The last packet is sound of 20 ms.
    assert_eq!(told, Some(Time::from_millis(12_000)));
    let expected: Vec<_> = (0..300).map(|n| Time::from_millis(n * 40)).collect();
    assert_eq!((times, damage), (expected, 0));
}

#[test]
fn what_is_cut_off_is_damage_once_though_the_end_is_read_twice() {
    let mut bytes = recording();
    bytes.truncate(bytes.len() - 5);
    let (told, times, damage) = measured(bytes);
    assert!(told.is_some_and(|told| told >= Time::from_millis(11_900)));
    assert_eq!((times.len(), damage), (300, 1));
}

#[test]
fn segments_are_read_in_one_order() {
    let bytes = LONG.bytes();
    let mut demuxer = MkvDemuxer::for_segments();
    let (mut packets, mut at) = (0, 0);
    loop {
        match demuxer.poll().unwrap() {
            Step::Packet(_) => packets += 1,
            Step::End => break,
            Step::Info(info) => assert!(!info.seekable),
            Step::Want(range) => panic!("{range} is wanted"),
            Step::Pending => panic!("it is one of ours"),
            Step::NeedMore if at == bytes.len() => demuxer.finish(),
            Step::NeedMore => {
                let end = (at + 100_000).min(bytes.len());
                demuxer.push(at as u64, Bytes::copy_from_slice(&bytes[at..end]));
                at = end;
            }
        }
    }
    assert_eq!(packets, 60 * 15);
}
