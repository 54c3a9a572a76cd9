//! What every demuxer promises, held against real bytes: however they arrive, the packets are
//! the same; whatever is missing, nothing panics and nothing goes on for ever.
//!
//! For tests; built with them or with the feature `contract`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use kinora_media::{MediaInfo, Packet, Time, TrackKind};

use crate::{DemuxError, Demuxer, SeekMode, SeekTo, Step};

/// Files longer than this are not read byte by byte.
const BYTEWISE_LIMIT: usize = 256 * 1024;
/// Packets that may come out otherwise at the end of a file that is cut: what was not complete.
const CUT_PACKETS: usize = 2;

/// So often in a row a demuxer may have come to no result. Those that work beside their driver wait a moment each time.
const PATIENCE: usize = 1_000;

/// Runs the whole suite on the bytes of a valid file.
///
/// # Panics
/// When a promise is broken; the message names it.
pub fn assert_demuxer(make: impl Fn() -> Box<dyn Demuxer>, bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let whole = Drive::whole(&bytes).run(&mut *make());
    assert_eq!(whole.error, None, "a valid file is read to its end");
    assert!(!whole.packets.is_empty(), "a valid file has packets");
    assert_info_first(&whole);
    same_packets(&make, &bytes, &whole);
    cut_short(&make, &bytes, &whole);
    if whole.info.as_ref().is_some_and(|info| info.seekable) {
        seeks(&make, &bytes, &whole);
    }
}

/// Drives a demuxer over bytes that may be damaged: nothing panics, nothing goes on for ever.
///
/// # Panics
/// When the demuxer asks for bytes without end.
pub fn assert_survives(make: impl Fn() -> Box<dyn Demuxer>, bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    Drive::whole(&bytes).run(&mut *make());
    let mut random = Drive::whole(&bytes);
    random.chunks = Chunks::Random(bytes.len() as u64 | 1);
    random.known_len = false;
    let mut demuxer = make();
    random.run(&mut *demuxer);
    for (ms, mode) in [(700, SeekMode::Before), (i64::MAX, SeekMode::Nearest)] {
        let time = Time::from_millis(ms);
        if demuxer.seek(SeekTo { time, mode }).is_ok() {
            random.run(&mut *demuxer);
        }
    }
}

fn same_packets(make: &impl Fn() -> Box<dyn Demuxer>, bytes: &Bytes, whole: &Outcome) {
    let step = match bytes.len() <= BYTEWISE_LIMIT {
        true => 1,
        false => 997,
    };
    let mut ways = vec![("in small pieces", Chunks::Fixed(step), true)];
    ways.push((
        "in small pieces, its length unknown",
        Chunks::Fixed(step),
        false,
    ));
    for seed in 1..=4 {
        ways.push(("in random pieces", Chunks::Random(seed), seed % 2 == 0));
    }
    for (name, chunks, known_len) in ways {
        let mut drive = Drive::whole(bytes);
        (drive.chunks, drive.known_len) = (chunks, known_len);
        drive.rude = matches!(chunks, Chunks::Random(_));
        let outcome = drive.run(&mut *make());
        assert_eq!(outcome.error, None, "read {name}");
        assert_same(&outcome, whole, name);
        assert_info_first(&outcome);
    }
    let reads = bytes.len() / 4096 + 2;
    for failing in [0, 1, 2, reads / 2, reads - 1] {
        let mut drive = Drive::whole(bytes);
        (drive.chunks, drive.failing_read) = (Chunks::Fixed(4096), Some(failing));
        let outcome = drive.run(&mut *make());
        assert_eq!(outcome.error, None, "read on after read {failing} failed");
        assert_same(&outcome, whole, "after a failed read");
    }
}

fn assert_same(outcome: &Outcome, whole: &Outcome, name: &str) {
    for (index, (one, other)) in outcome.packets.iter().zip(&whole.packets).enumerate() {
        assert_eq!(one, other, "packet {index} read {name}");
    }
    let (count, expected) = (outcome.packets.len(), whole.packets.len());
    assert_eq!(count, expected, "number of packets read {name}");
}

/// The tracks are reported before any packet, and every packet is of a reported track.
fn assert_info_first(outcome: &Outcome) {
    assert!(
        !outcome.packet_before_info,
        "the headers come before packets"
    );
    if let Some(info) = &outcome.info {
        for packet in &outcome.packets {
            let known = info.tracks.iter().any(|track| track.id.0 == packet.track);
            assert!(known, "track {} was reported", packet.track);
        }
    }
}

fn cut_short(make: &impl Fn() -> Box<dyn Demuxer>, bytes: &Bytes, whole: &Outcome) {
    let mut random = Random(0x5eed);
    let len = bytes.len();
    let places = (0..32.min(len))
        .chain((1..8).filter_map(|back| len.checked_sub(back)))
        .chain((0..24).map(|_| random.below(len)));
    for place in places.collect::<Vec<_>>() {
        for known_len in [true, false] {
            let mut drive = Drive::whole(bytes);
            drive.bytes = bytes.slice(..place);
            drive.known_len = known_len;
            let outcome = drive.run(&mut *make());
            assert_begins_like(&outcome, whole, place);
        }
        // The length was promised, the bytes do not come.
        let mut drive = Drive::whole(bytes);
        drive.bytes = bytes.slice(..place);
        drive.told_len = Some(len as u64);
        let outcome = drive.run(&mut *make());
        assert_begins_like(&outcome, whole, place);
    }
}

/// Every track of a cut file begins like that of the whole one.
fn assert_begins_like(outcome: &Outcome, whole: &Outcome, place: usize) {
    let expected = by_track(&whole.packets);
    for (track, packets) in by_track(&outcome.packets) {
        let expected = expected.get(&track).map_or(&[][..], Vec::as_slice);
        let sure = packets.len().saturating_sub(CUT_PACKETS);
        for (index, (one, other)) in packets.iter().zip(expected).take(sure).enumerate() {
            assert_eq!(
                (one.pts, one.digest),
                (other.pts, other.digest),
                "packet {index} of track {track} of a file cut at {place}"
            );
        }
    }
}

fn seeks(make: &impl Fn() -> Box<dyn Demuxer>, bytes: &Bytes, whole: &Outcome) {
    let expected = by_track(&whole.packets);
    let shown = || whole.packets.iter().filter(|packet| !packet.decode_only);
    let (Some(first), Some(last)) = (
        shown().map(|packet| packet.pts).min(),
        shown().map(|packet| packet.pts).max(),
    ) else {
        return;
    };
    for (numerator, mode) in [
        (0, SeekMode::Before),
        (1, SeekMode::Before),
        (2, SeekMode::Nearest),
        (3, SeekMode::Before),
        (4, SeekMode::Nearest),
        (3, SeekMode::Exact),
    ] {
        let time = first + (last - first).scale(f64::from(numerator) / 4.0);
        // Once all is read, and once right behind the headers.
        for packets_before in [usize::MAX, 1] {
            let mut demuxer = make();
            let mut drive = Drive::whole(bytes);
            drive.chunks = Chunks::Fixed(16 * 1024);
            drive.stop_after = packets_before;
            drive.run(&mut *demuxer);
            let sought = demuxer.seek(SeekTo { time, mode });
            assert_eq!(sought, Ok(()), "seek to {time:?}");
            drive.stop_after = usize::MAX;
            let outcome = drive.run(&mut *demuxer);
            assert_eq!(outcome.error, None, "reads on after a seek to {time:?}");
            assert_arrived(&outcome, &expected, time, mode);
        }
    }
}

fn assert_arrived(
    outcome: &Outcome,
    expected: &BTreeMap<u32, Vec<Seen>>,
    time: Time,
    mode: SeekMode,
) {
    let lead = outcome.info.as_ref().and_then(|info| {
        let lead = info
            .first(TrackKind::Video)
            .or(info.first(TrackKind::Audio))?;
        Some(lead.id.0)
    });
    for (track, packets) in by_track(&outcome.packets) {
        let all = expected.get(&track).map_or(&[][..], Vec::as_slice);
        let tail = all.len().checked_sub(packets.len());
        let tail = tail.and_then(|from| all.get(from..)).unwrap_or_default();
        let digests = |packets: &[Seen]| packets.iter().map(|p| p.digest).collect::<Vec<_>>();
        assert_eq!(
            digests(&packets),
            digests(tail),
            "track {track} goes on to its end after a seek to {time:?}"
        );
        if lead != Some(track) {
            continue;
        }
        let Some(begin) = packets.first() else {
            continue;
        };
        assert!(begin.key, "a seek to {time:?} arrives at a key frame");
        let earlier = all.iter().any(|packet| packet.key && packet.pts <= time);
        if earlier && mode != SeekMode::Nearest {
            let late = begin.pts - time;
            assert!(
                late < Time::from_millis(50),
                "a seek to {time:?} arrives at {:?}",
                begin.pts
            );
        }
    }
}

fn by_track(packets: &[Seen]) -> BTreeMap<u32, Vec<Seen>> {
    let mut tracks: BTreeMap<u32, Vec<Seen>> = BTreeMap::new();
    for packet in packets {
        tracks.entry(packet.track).or_default().push(packet.clone());
    }
    tracks
}

/// What is compared of a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    track: u32,
    pts: Time,
    dts: Time,
    key: bool,
    decode_only: bool,
    len: usize,
    digest: u32,
}

impl Seen {
    fn new(packet: &Packet) -> Self {
        Self {
            track: packet.track.0,
            pts: packet.pts,
            dts: packet.dts,
            key: packet.flags.key,
            decode_only: packet.flags.decode_only,
            len: packet.data.len(),
            digest: crc32fast::hash(&packet.data),
        }
    }
}

#[derive(Default)]
struct Outcome {
    info: Option<Arc<MediaInfo>>,
    packets: Vec<Seen>,
    packet_before_info: bool,
    error: Option<DemuxError>,
}

#[derive(Clone, Copy)]
enum Chunks {
    Whole,
    Fixed(usize),
    Random(u64),
}

/// One way to bring bytes to a demuxer.
struct Drive {
    bytes: Bytes,
    chunks: Chunks,
    known_len: bool,
    told_len: Option<u64>,
    /// Also brings bytes that nobody asked for.
    rude: bool,
    failing_read: Option<usize>,
    stop_after: usize,
    info: Option<Arc<MediaInfo>>,
    /// Where the next bytes are read.
    at: usize,
}

impl Drive {
    fn whole(bytes: &Bytes) -> Self {
        Self {
            bytes: bytes.clone(),
            chunks: Chunks::Whole,
            known_len: true,
            told_len: None,
            rude: false,
            failing_read: None,
            stop_after: usize::MAX,
            info: None,
            at: 0,
        }
    }

    fn run(&mut self, demuxer: &mut dyn Demuxer) -> Outcome {
        let mut outcome = Outcome {
            info: self.info.clone(),
            ..Outcome::default()
        };
        let seed = match self.chunks {
            Chunks::Random(seed) => seed,
            _ => 1,
        };
        let (mut random, mut reads, mut pending) = (Random(seed), 0usize, 0usize);
        if self.known_len {
            demuxer.set_len(self.told_len.unwrap_or(self.bytes.len() as u64));
        }
        // Sound demuxers read a byte a few times at most.
        let limit = self.bytes.len().saturating_mul(16).saturating_add(100_000);
        while outcome.packets.len() < self.stop_after {
            let step = match demuxer.poll() {
                Ok(step) => step,
                Err(error) => {
                    outcome.error = Some(error);
                    break;
                }
            };
            if step != Step::Pending {
                pending = 0;
            }
            match step {
                Step::Info(info) => {
                    self.info = Some(Arc::clone(&info));
                    outcome.info = Some(info);
                }
                Step::Packet(packet) => {
                    outcome.packet_before_info |= outcome.info.is_none();
                    outcome.packets.push(Seen::new(&packet));
                    assert!(outcome.packets.len() <= limit, "packets come without end");
                }
                Step::Pending => {
                    pending += 1;
                    assert!(pending <= PATIENCE, "it comes to no result");
                    continue;
                }
                Step::End => {
                    assert_eq!(demuxer.poll(), Ok(Step::End), "the end is final");
                    break;
                }
                wanting => {
                    if let Step::Want(range) = wanting {
                        self.at = usize::try_from(range.start).unwrap_or(usize::MAX);
                    }
                    assert!(reads <= limit, "bytes are wanted without end");
                    if self.failing_read == Some(reads) {
                        assert_patient(demuxer);
                    }
                    reads += 1;
                    self.feed(demuxer, &mut random);
                }
            }
        }
        outcome
    }

    fn feed(&mut self, demuxer: &mut dyn Demuxer, random: &mut Random) {
        let left = self.bytes.len().saturating_sub(self.at);
        if left == 0 {
            demuxer.finish();
            return;
        }
        let count = match self.chunks {
            Chunks::Whole => left,
            Chunks::Fixed(count) => count.min(left),
            Chunks::Random(_) => {
                let limit = 1 << random.below(16);
                random.below(limit).saturating_add(1).min(left)
            }
        };
        if self.rude {
            let stray = self.at.saturating_add(count).saturating_add(1_000_000);
            demuxer.push(stray as u64, Bytes::from_static(b"stray"));
            demuxer.push(self.at as u64, Bytes::new());
        }
        let end = self.at.saturating_add(count);
        demuxer.push(self.at as u64, self.bytes.slice(self.at..end));
        self.at = end;
        if end == self.bytes.len() && self.rude {
            demuxer.finish();
        }
    }
}

/// While no bytes come, the demuxer goes on asking for the same ones.
fn assert_patient(demuxer: &mut dyn Demuxer) {
    for _ in 0..3 {
        let step = demuxer.poll();
        let patient = matches!(step, Ok(Step::NeedMore | Step::Want(_)));
        assert!(patient, "without bytes nothing happens, but came {step:?}");
    }
}

/// Marsaglia's xorshift: the same numbers from the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.0 % limit).unwrap_or(0)
    }
}
