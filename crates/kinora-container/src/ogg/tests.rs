mod contract;
mod damage;
pub(crate) mod muxer;
mod seeking;
mod streams;

use bytes::Bytes;
use kinora_media::{CodecId, Packet, Time};

use super::OggDemuxer;
use crate::test_files::{infos, packets, steps};
use crate::{DemuxError, Demuxer, SeekMode, SeekTo, Step};
use muxer::*;

/// All that a demuxer gives for bytes that come in pieces of some size.
fn run(bytes: &[u8], piece: usize) -> Result<Vec<Step>, DemuxError> {
    steps(&mut OggDemuxer::new(), bytes, piece)
}

fn demux(bytes: &[u8]) -> Vec<Step> {
    run(bytes, 4096).unwrap()
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
