//! Files for tests, and their packets.

use bytes::Bytes;
use kinora_media::{MediaInfo, Packet};

use crate::{DemuxError, Demuxer, SeekTo, Step};

/// ADTS frames of silence: LC, 44.1 kHz, stereo, `len` bytes each.
pub(crate) fn adts(frames: usize, len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..frames {
        out.extend([0xff, 0xf1, 0x50, 0x80 | (len >> 11) as u8]);
        out.extend([(len >> 3) as u8, (len << 5) as u8 | 0x1f, 0xfc]);
        out.resize(out.len() + len - 7, 0x21);
    }
    out
}

/// MPEG-1 layer III frames, 128 kbit/s, 44.1 kHz: 417 bytes each.
pub(crate) fn mp3(frames: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..frames {
        out.extend([0xff, 0xfb, 0x90, 0x64]);
        out.resize(out.len() + 413, 0);
    }
    out
}

/// AC-3 frames, 48 kHz, stereo: 768 bytes each.
pub(crate) fn ac3(frames: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..frames {
        out.extend([0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43, 0xe0]);
        out.resize(out.len() + 760, 0x21);
    }
    out
}

pub(crate) fn id3(payload: usize) -> Vec<u8> {
    let size = [payload >> 21, payload >> 14, payload >> 7, payload].map(|part| part as u8 & 0x7f);
    let mut out = b"ID3\x04\0\0".to_vec();
    out.extend(size);
    out.resize(out.len() + payload, 0);
    out
}

/// A file of the corpus that is fuzzed, made by FFmpeg.
macro_rules! seed {
    ($path:literal) => {
        &include_bytes!(concat!("../../../../fuzz/corpus/", $path))[..]
    };
}
pub(crate) use seed;

/// All of a file in pieces of 1,000 bytes, its length known.
pub(crate) fn read(
    demuxer: &mut dyn Demuxer,
    bytes: &[u8],
) -> Result<(MediaInfo, Vec<Packet>), DemuxError> {
    demuxer.set_len(bytes.len() as u64);
    read_on(demuxer, bytes)
}

/// What follows from where a demuxer stands.
pub(crate) fn read_on(
    demuxer: &mut dyn Demuxer,
    bytes: &[u8],
) -> Result<(MediaInfo, Vec<Packet>), DemuxError> {
    let (mut info, mut packets, mut at) = (MediaInfo::default(), Vec::new(), 0);
    loop {
        match demuxer.poll()? {
            Step::Info(told) => info = MediaInfo::clone(&told),
            Step::Packet(packet) => packets.push(packet),
            Step::End => return Ok((info, packets)),
            step => {
                if let Step::Want(range) = step {
                    at = usize::try_from(range.start).unwrap_or(bytes.len());
                }
                let end = (at + 1000).min(bytes.len());
                if at >= end {
                    demuxer.finish();
                    continue;
                }
                demuxer.push(at as u64, Bytes::copy_from_slice(&bytes[at..end]));
                at = end;
            }
        }
    }
}

/// All steps of a demuxer for bytes that come in pieces of some size, its length unknown.
pub(crate) fn steps(
    demuxer: &mut dyn Demuxer,
    bytes: &[u8],
    piece: usize,
) -> Result<Vec<Step>, DemuxError> {
    let bytes = Bytes::copy_from_slice(bytes);
    let (mut steps, mut at) = (Vec::new(), 0);
    // Whatever is asked of it, it comes to an end.
    for _ in 0..bytes.len() * 4 + 10_000 {
        match demuxer.poll()? {
            Step::NeedMore if at < bytes.len() => {
                let end = (at + piece).min(bytes.len());
                demuxer.push(at as u64, bytes.slice(at..end));
                at = end;
            }
            Step::NeedMore => demuxer.finish(),
            Step::Want(range) => at = range.start as usize,
            Step::End => return Ok(steps),
            step => steps.push(step),
        }
    }
    panic!("it does not come to an end");
}

/// What a seek right behind the headers gives, in how many requests.
pub(crate) fn sought(
    demuxer: &mut dyn Demuxer,
    bytes: &[u8],
    target: SeekTo,
) -> (Vec<Packet>, usize) {
    let bytes = Bytes::copy_from_slice(bytes);
    demuxer.set_len(bytes.len() as u64);
    let (mut at, mut requests, mut asked) = (0, 0, false);
    let mut found = Vec::new();
    loop {
        match demuxer.poll().unwrap() {
            Step::Info(_) if !asked => {
                asked = true;
                demuxer.seek(target).unwrap();
            }
            Step::Info(_) => {}
            Step::Packet(packet) => found.push(packet),
            Step::NeedMore if at < bytes.len() => {
                let end = (at + 10_000).min(bytes.len());
                demuxer.push(at as u64, bytes.slice(at..end));
                at = end;
            }
            Step::NeedMore => demuxer.finish(),
            Step::Want(range) => {
                at = range.start as usize;
                requests += 1;
                assert!(requests < 20);
            }
            Step::Pending => {}
            Step::End => return (found, requests),
        }
    }
}

/// The headers among steps.
pub(crate) fn infos(steps: &[Step]) -> Vec<&MediaInfo> {
    let infos = steps.iter().filter_map(|step| match step {
        Step::Info(info) => Some(&**info),
        _ => None,
    });
    infos.collect()
}

/// The packets among steps.
pub(crate) fn packets(steps: &[Step]) -> Vec<&Packet> {
    let packets = steps.iter().filter_map(|step| match step {
        Step::Packet(packet) => Some(packet),
        _ => None,
    });
    packets.collect()
}

/// Bytes of all packets together.
pub(crate) fn total(packets: &[Packet]) -> usize {
    packets.iter().map(|packet| packet.data.len()).sum()
}
