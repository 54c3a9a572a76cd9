//! Demuxers in bytes a second: `cargo bench -p kinora-container`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use kinora_container::{Demuxer, ProbingDemuxer, Step};

/// As much as a network read brings.
const CHUNK: usize = 64 * 1024;

fn main() {
    divan::main();
}

#[divan::bench]
fn mp4(bencher: Bencher<'_, '_>) {
    run(bencher, movie(6_000, 3_000));
}

#[divan::bench]
fn mp4_of_small_samples(bencher: Bencher<'_, '_>) {
    run(bencher, movie(100_000, 60));
}

#[divan::bench]
fn mkv(bencher: Bencher<'_, '_>) {
    run(bencher, clusters(240, 3_000));
}

#[divan::bench]
fn mkv_of_small_blocks(bencher: Bencher<'_, '_>) {
    run(bencher, clusters(4_000, 60));
}

#[divan::bench]
fn ts(bencher: Bencher<'_, '_>) {
    run(bencher, stream(400));
}

#[divan::bench]
fn adts(bencher: Bencher<'_, '_>) {
    let tone = include_bytes!("../../../tests/conformance/fixtures/tone.aac");
    run(bencher, tone.repeat(2_000));
}

#[divan::bench]
fn mp3(bencher: Bencher<'_, '_>) {
    let tone = include_bytes!("../../../tests/conformance/fixtures/tone.mp3");
    // Without its table of places, which would tell the length of one clip.
    let frames = tone
        .windows(2)
        .position(|pair| pair == [0xff, 0xf3])
        .unwrap();
    let frame = &tone[frames..];
    let second = 2 + frame[2..]
        .windows(2)
        .position(|pair| pair == [0xff, 0xf3])
        .unwrap();
    run(bencher, frame[second..].repeat(2_000));
}

fn run(bencher: Bencher<'_, '_>, file: Vec<u8>) {
    let bytes = Bytes::from(file);
    assert!(packets(&bytes) > 1_000, "the file is read whole");
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench(|| packets(divan::black_box(&bytes)));
}

fn packets(bytes: &Bytes) -> usize {
    let mut demuxer = ProbingDemuxer::new();
    demuxer.set_len(bytes.len() as u64);
    let (mut at, mut count) = (0, 0);
    loop {
        match demuxer.poll().unwrap() {
            Step::Packet(packet) => {
                divan::black_box(packet);
                count += 1;
            }
            Step::End => return count,
            Step::Info(_) => {}
            step => {
                if let Step::Want(range) = step {
                    at = usize::try_from(range.start).unwrap();
                }
                let end = (at + CHUNK).min(bytes.len());
                match at < end {
                    true => demuxer.push(at as u64, bytes.slice(at..end)),
                    false => demuxer.finish(),
                }
                at = end;
            }
        }
    }
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).unwrap();
    [&size.to_be_bytes()[..], kind, body].concat()
}

fn table(kind: &[u8; 4], words: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let body: Vec<u8> = words.into_iter().flat_map(u32::to_be_bytes).collect();
    boxed(kind, &body)
}

/// One track of VP9 whose samples lie ten to a chunk behind the index.
fn movie(count: u32, size: u32) -> Vec<u8> {
    let head = |first_chunk: u32| {
        let mut entry = vec![0; 78];
        (entry[25], entry[27]) = (64, 48);
        let entry = boxed(b"vp09", &entry);
        let stsd = boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &entry].concat());
        let chunks = count / 10;
        let places = (0..chunks).map(|chunk| first_chunk + chunk * size * 10);
        let stbl = [
            stsd,
            table(b"stts", [0, 1, count, 40]),
            table(b"stsc", [0, 1, 1, 10, 1]),
            table(
                b"stsz",
                [0, 0, count].into_iter().chain((0..count).map(|_| size)),
            ),
            table(
                b"stss",
                [0, count / 50]
                    .into_iter()
                    .chain((0..count / 50).map(|at| at * 50 + 1)),
            ),
            table(b"stco", [0, chunks].into_iter().chain(places)),
        ];
        let hdlr = boxed(b"hdlr", &[&[0; 8][..], b"vide", &[0; 13]].concat());
        let minf = boxed(b"minf", &boxed(b"stbl", &stbl.concat()));
        let mdhd = table(b"mdhd", [0, 0, 0, 1000, count * 40, 0x55c4_0000]);
        let mdia = boxed(b"mdia", &[mdhd, hdlr, minf].concat());
        let tkhd = table(
            b"tkhd",
            [7, 0, 0, 1, 0, count * 40].into_iter().chain([0; 15]),
        );
        let mvhd = table(
            b"mvhd",
            [0, 0, 0, 1000, count * 40].into_iter().chain([0; 20]),
        );
        let moov = [mvhd, boxed(b"trak", &[tkhd, mdia].concat())].concat();
        [boxed(b"ftyp", b"isom\0\0\0\0"), boxed(b"moov", &moov)].concat()
    };
    let media_at = u32::try_from(head(0).len() + 8).unwrap();
    let media = vec![0x55; usize::try_from(count * size).unwrap()];
    [head(media_at), boxed(b"mdat", &media)].concat()
}

fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    let size = (body.len() as u64 | 1 << 56).to_be_bytes();
    [id, &size, body].concat()
}

/// One track of VP9 in clusters of 25 pictures.
fn clusters(count: u64, size: usize) -> Vec<u8> {
    let entry = [
        element(b"\xd7", &[1]),
        element(b"\x83", &[1]),
        element(b"\x86", b"V_VP9"),
    ];
    let entry = element(b"\xae", &entry.concat());
    let mut body = element(b"\x16\x54\xae\x6b", &entry);
    let picture = vec![0x55; size];
    for number in 0..count {
        let mut cluster = element(b"\xe7", &(number * 1_000).to_be_bytes());
        for ticks in (0..1_000i16).step_by(40) {
            let [high, low] = ticks.to_be_bytes();
            let flags = if ticks == 0 { 0x80 } else { 0 };
            let block = [&[0x81, high, low, flags], &picture[..]].concat();
            cluster.extend(element(b"\xa3", &block));
        }
        body.extend(element(b"\x1f\x43\xb6\x75", &cluster));
    }
    let ebml = element(b"\x1a\x45\xdf\xa3", b"");
    [ebml, element(b"\x18\x53\x80\x67", &body)].concat()
}

/// A clip again and again, its continuity counters going on; its clock begins anew each time, as in spliced programmes.
fn stream(times: usize) -> Vec<u8> {
    let mut bytes = include_bytes!("../../../tests/conformance/fixtures/film.ts").repeat(times);
    let mut next = vec![0u8; 8192];
    for packet in bytes.chunks_exact_mut(188) {
        let pid = usize::from(packet[1] & 0x1f) << 8 | usize::from(packet[2]);
        if packet[3] & 0x10 != 0 {
            packet[3] = packet[3] & 0xf0 | next[pid];
            next[pid] = (next[pid] + 1) & 15;
        }
    }
    bytes
}
