mod borders;
mod contract;
mod corpus;
mod damage;
pub(crate) mod muxer;
mod seeking;
mod streams;
mod timing;
mod untold;

use bytes::Bytes;
use kinora_media::{CodecId, Packet, Time};

use super::*;
use crate::test_files::{infos, steps};
use muxer::*;

/// All that a demuxer gives for bytes that come in chunks of some size.
fn run(demuxer: &mut TsDemuxer, bytes: &[u8], chunk: usize) -> Result<Vec<Step>, DemuxError> {
    steps(demuxer, bytes, chunk)
}

fn demux(bytes: &[u8]) -> Vec<Step> {
    run(&mut TsDemuxer::default(), bytes, 4096).unwrap()
}

fn packets(steps: &[Step], pid: u16) -> Vec<&Packet> {
    let packets = steps.iter().filter_map(|step| match step {
        Step::Packet(packet) if packet.track.0 == u32::from(pid) => Some(packet),
        _ => None,
    });
    packets.collect()
}

fn ms(packets: &[&Packet]) -> Vec<i64> {
    packets
        .iter()
        .map(|packet| (packet.pts.as_micros() + 500).div_euclid(1000))
        .collect()
}

fn ticks(count: i64) -> Time {
    kinora_media::Timebase::MPEG.to_time(count)
}
