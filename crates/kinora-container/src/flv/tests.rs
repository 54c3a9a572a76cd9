mod contract;
mod damage;
pub(crate) mod muxer;
mod seeking;
mod tracks;

use bytes::Bytes;
use kinora_media::{CodecId, MediaInfo, Packet, Time};

use super::FlvDemuxer;
use crate::{DemuxError, Demuxer, SeekMode, SeekTo, Step};
use muxer::*;

/// All that a demuxer gives for bytes that come in pieces of some size.
fn run(bytes: &[u8], piece: usize) -> Result<Vec<Step>, DemuxError> {
    read_on(&mut FlvDemuxer::new(), bytes, piece)
}

fn read_on(demuxer: &mut FlvDemuxer, bytes: &[u8], piece: usize) -> Result<Vec<Step>, DemuxError> {
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

fn demux(bytes: &[u8]) -> Vec<Step> {
    run(bytes, 4096).unwrap()
}

fn infos(steps: &[Step]) -> Vec<&MediaInfo> {
    let infos = steps.iter().filter_map(|step| match step {
        Step::Info(info) => Some(&**info),
        _ => None,
    });
    infos.collect()
}

fn packets(steps: &[Step]) -> Vec<&Packet> {
    let packets = steps.iter().filter_map(|step| match step {
        Step::Packet(packet) => Some(packet),
        _ => None,
    });
    packets.collect()
}

fn of(steps: &[Step], track: u32) -> Vec<&Packet> {
    let mut packets = packets(steps);
    packets.retain(|packet| packet.track.0 == track);
    packets
}

fn ms(packets: &[&Packet]) -> Vec<i64> {
    packets
        .iter()
        .map(|packet| packet.pts.as_millis())
        .collect()
}
