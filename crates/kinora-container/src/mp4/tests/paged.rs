//! Long indexes, which are read in pieces.

use bytes::Bytes;
use kinora_media::{ByteRange, Packet, Time, TrackId};
use kinora_test_support::corpus_files;

use super::build::{TrackSpec, audio, fast_start, video};
use super::{damage_every_file, make};
use crate::contract::assert_demuxer;
use crate::mp4::Mp4Demuxer;
use crate::{Demuxer, SeekMode, SeekTo, Step};

fn in_pieces() -> Box<dyn Demuxer> {
    Box::new(Mp4Demuxer::in_pieces())
}

/// A server's resource, and what was asked of it.
struct Remote {
    bytes: Bytes,
    at: usize,
    /// No more comes of the current request.
    until: usize,
    requests: Vec<ByteRange>,
    read: usize,
}

impl Remote {
    fn new(bytes: Vec<u8>) -> Self {
        let bytes = Bytes::from(bytes);
        Self {
            at: 0,
            until: bytes.len(),
            bytes,
            requests: Vec::new(),
            read: 0,
        }
    }

    /// The next packet, with bytes as they come from a network.
    fn packet(&mut self, demuxer: &mut dyn Demuxer) -> Option<Packet> {
        loop {
            match demuxer.poll().unwrap() {
                Step::Info(_) => continue,
                Step::Pending => panic!("it waits for nobody"),
                Step::Packet(packet) => return Some(packet),
                Step::End => return None,
                Step::Want(range) => {
                    let goes_on = range.start as usize == self.at && self.at < self.until;
                    self.at = range.start as usize;
                    if !goes_on {
                        self.requests.push(range);
                        self.until = range.end.map_or(self.bytes.len(), |end| end as usize);
                    }
                }
                Step::NeedMore if self.at >= self.until => self.until = self.bytes.len(),
                Step::NeedMore => {}
            }
            let end = (self.at + 1400).min(self.until).min(self.bytes.len());
            match self.at < end {
                true => demuxer.push(self.at as u64, self.bytes.slice(self.at..end)),
                false => demuxer.finish(),
            }
            self.read += end - self.at;
            self.at = end;
        }
    }
}

/// A film of so many seconds, with pictures out of order and two blocks of audio to a picture.
fn film(seconds: usize) -> [TrackSpec; 2] {
    let pictures = seconds * 25;
    let video = TrackSpec {
        composition: (0..pictures).map(|n| [40, 120, 0, 0][n % 4]).collect(),
        keys: Some((0..pictures as u32).step_by(100).map(|n| n + 1).collect()),
        edits: vec![(seconds as u32 * 1000, 40)],
        ..video(1, pictures)
    };
    let audio = TrackSpec {
        delta: 20,
        ..audio(2, pictures * 2)
    };
    [video, audio]
}

/// A film whose media need not be read for its index to be long.
fn long_film() -> Vec<u8> {
    fast_start(&film(1800))
}

#[test]
fn the_first_packet_of_a_long_film_needs_little_of_its_index() {
    let bytes = long_film();
    let index = bytes.windows(4).position(|kind| kind == b"mdat").unwrap();
    assert!(index > 1_400_000, "{index}");
    let mut remote = Remote::new(bytes);
    let mut demuxer = Mp4Demuxer::new();
    demuxer.set_len(remote.bytes.len() as u64);
    demuxer.allow_random_access();
    let first = remote.packet(&mut demuxer).unwrap();
    assert!(first.flags.key);
    assert!(remote.read < 80_000, "{} bytes", remote.read);
    assert!(remote.requests.len() < 14, "{:?}", remote.requests);
    let open: Vec<_> = remote.requests.iter().map(|r| r.end.is_none()).collect();
    let index = open.iter().position(|open| *open).unwrap();
    assert_eq!(index, open.len() - 1, "the media come last: {open:?}");
}

#[test]
fn pictures_come_from_the_middle_before_the_index_of_the_audio_is_read() {
    let mut remote = Remote::new(long_film());
    let mut demuxer = Mp4Demuxer::new();
    demuxer.set_len(remote.bytes.len() as u64);
    demuxer.allow_random_access();
    remote.packet(&mut demuxer).unwrap();
    (remote.read, remote.requests) = (0, Vec::new());
    let time = Time::from_millis(1_234_500);
    let mode = SeekMode::Exact;
    demuxer.seek(SeekTo { time, mode }).unwrap();
    let first = remote.packet(&mut demuxer).unwrap();
    assert_eq!(first.track, TrackId(1));
    assert_eq!(first.pts, Time::from_millis(1_232_000));
    let before = remote.requests.len();
    let mut pictures = 1;
    let audio = loop {
        let packet = remote.packet(&mut demuxer).unwrap();
        if packet.track == TrackId(2) {
            break packet;
        }
        pictures += 1;
    };
    assert!(audio.pts <= time && time < audio.pts + Time::from_millis(140));
    // Four seconds between key pictures, and one that the audio may lag behind.
    assert!(pictures > 60, "{pictures}");
    assert!(before <= 4, "{:?}", remote.requests);
}

#[test]
fn an_index_in_pieces_gives_what_it_gives_whole() {
    for (name, bytes) in corpus_files("media/mp4") {
        if bytes.len() > 20_000_000 {
            continue;
        }
        println!("{name}");
        for target in [None, Some(0), Some(700), Some(2100), Some(1 << 40)] {
            let read = |mut demuxer: Box<dyn Demuxer>| {
                demuxer.set_len(bytes.len() as u64);
                let mut remote = Remote::new(bytes.clone());
                let first = remote.packet(&mut *demuxer);
                let mut packets: Vec<_> = first.into_iter().collect();
                if let Some(target) = target {
                    let time = Time::from_millis(target);
                    let mode = SeekMode::Before;
                    demuxer.seek(SeekTo { time, mode }).unwrap();
                    packets.clear();
                }
                packets.extend(core::iter::from_fn(|| remote.packet(&mut *demuxer)));
                // The tracks may be interleaved otherwise, and `sdtp` is not read in pieces.
                packets.sort_by_key(|packet| packet.track.0);
                for packet in &mut packets {
                    packet.flags.disposable = false;
                }
                packets
            };
            let (whole, pieces) = (read(make()), read(in_pieces()));
            assert_eq!(whole.len(), pieces.len(), "{target:?}");
            for (one, other) in whole.iter().zip(&pieces) {
                let seen = |packet: &Packet| (packet.track, packet.pts, packet.dts, packet.flags);
                assert_eq!(seen(one), seen(other), "{target:?}");
                assert!(one == other, "{target:?}");
            }
        }
    }
}

#[test]
fn an_index_in_pieces_keeps_the_contract() {
    for (name, bytes) in corpus_files("media/mp4") {
        if bytes.len() < 1_000_000 {
            println!("{name}");
            assert_demuxer(in_pieces, &bytes);
        }
    }
    assert_demuxer(in_pieces, &fast_start(&film(20)));
}

#[test]
fn a_damaged_index_in_pieces_ends_without_a_panic() {
    damage_every_file(in_pieces, 40, 0x1357_9bdf_2468_ace1);
}
