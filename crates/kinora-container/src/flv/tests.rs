mod contract;
mod damage;
pub(crate) mod muxer;
mod seeking;
mod tracks;

use bytes::Bytes;
use kinora_media::{CodecId, Packet, Time};

use super::FlvDemuxer;
use crate::test_files::{infos, packets, steps};
use crate::{DemuxError, Demuxer, SeekMode, SeekTo, Step};
use muxer::*;

/// All that a demuxer gives for bytes that come in pieces of some size.
fn run(bytes: &[u8], piece: usize) -> Result<Vec<Step>, DemuxError> {
    steps(&mut FlvDemuxer::new(), bytes, piece)
}

fn demux(bytes: &[u8]) -> Vec<Step> {
    run(bytes, 4096).unwrap()
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
