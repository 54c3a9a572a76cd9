//! Prints the packets of a file as JSON lines: `packets FILE`.
#![allow(clippy::print_stdout, clippy::disallowed_types)]

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use bytes::Bytes;
use kinora_container::{Demuxer, PacketDump, ProbingDemuxer, Step};
use kinora_media::MediaInfo;

const CHUNK: u64 = 256 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: packets FILE")?;
    let mut file = File::open(path)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut demuxer = ProbingDemuxer::new();
    demuxer.set_len(file.metadata()?.len());
    let mut info = Arc::new(MediaInfo::default());
    let mut offset = 0;
    loop {
        match demuxer.poll()? {
            Step::Info(new) => info = new,
            Step::Packet(packet) => {
                if let Some(track) = info.track(packet.track) {
                    writeln!(out, "{}", PacketDump::new(track, &packet))?;
                }
            }
            Step::NeedMore => offset = feed(&mut demuxer, &mut file, offset)?,
            Step::Want(range) => offset = feed(&mut demuxer, &mut file, range.start)?,
            Step::Pending => {}
            Step::End => return Ok(out.flush()?),
        }
    }
}

fn feed(demuxer: &mut ProbingDemuxer, file: &mut File, offset: u64) -> io::Result<u64> {
    let mut chunk = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    let count = file.take(CHUNK).read_to_end(&mut chunk)?;
    if count == 0 {
        demuxer.finish();
        return Ok(offset);
    }
    demuxer.push(offset, Bytes::from(chunk));
    Ok(offset + count as u64)
}
