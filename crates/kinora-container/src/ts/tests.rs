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
use kinora_media::{CodecId, MediaInfo, Packet, Time};

use super::*;
use muxer::*;

/// All that a demuxer gives for bytes that come in chunks of some size.
fn run(demuxer: &mut TsDemuxer, bytes: &[u8], chunk: usize) -> Result<Vec<Step>, DemuxError> {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut steps = Vec::new();
    let mut at = 0;
    // Whatever is asked of it, it comes to an end.
    for _ in 0..bytes.len() * 4 + 10_000 {
        match demuxer.poll()? {
            Step::NeedMore if at < bytes.len() => {
                let end = (at + chunk).min(bytes.len());
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
    run(&mut TsDemuxer::default(), bytes, 4096).unwrap()
}

fn infos(steps: &[Step]) -> Vec<&MediaInfo> {
    let infos = steps.iter().filter_map(|step| match step {
        Step::Info(info) => Some(&**info),
        _ => None,
    });
    infos.collect()
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
