mod contract;
mod damage;
pub(crate) mod muxer;
mod seeking;
mod streams;

use bytes::Bytes;
use kinora_media::{CodecId, MediaInfo, Packet, Time};

use super::OggDemuxer;
use crate::{DemuxError, Demuxer, SeekMode, SeekTo, Step};
use muxer::*;

/// All that a demuxer gives for bytes that come in pieces of some size.
fn run(bytes: &[u8], piece: usize) -> Result<Vec<Step>, DemuxError> {
    read_on(&mut OggDemuxer::new(), bytes, piece)
}

fn read_on(demuxer: &mut OggDemuxer, bytes: &[u8], piece: usize) -> Result<Vec<Step>, DemuxError> {
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

fn ms(packets: &[&Packet]) -> Vec<i64> {
    packets
        .iter()
        .map(|packet| packet.pts.as_millis())
        .collect()
}

/// A file that FFmpeg makes.
fn made(arguments: &str) -> Vec<u8> {
    let arguments = format!("{arguments} -bitexact -f ogg -");
    let output = kinora_test_support::ffmpeg(&arguments).output().unwrap();
    assert!(
        output.status.success(),
        "make setup, then: ffmpeg {arguments}"
    );
    output.stdout
}

fn vorbis(seconds: u32) -> Vec<u8> {
    made(&format!(
        "-f lavfi -i sine=d={seconds} -ac 2 -c:a libvorbis -q 1"
    ))
}

fn flac(seconds: u32) -> Vec<u8> {
    made(&format!("-f lavfi -i sine=d={seconds} -c:a flac"))
}

fn theora(seconds: u32) -> Vec<u8> {
    made(&format!(
        "-f lavfi -i testsrc=s=64x48:r=25:d={seconds} -f lavfi -i sine=d={seconds} -c:v libtheora -g 20 -c:a libvorbis"
    ))
}
