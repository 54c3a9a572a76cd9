//! `kinora demux`: all packets of a file.

use std::io::Write;

use kinora::{MediaReader, PacketDump};
use serde_json::json;

use crate::args::DemuxArgs;
use crate::json;
use crate::out;
use crate::report::Failure;
use crate::source::{locate, net_config};

pub(crate) fn run(args: &DemuxArgs) -> Result<(), Failure> {
    let mut reader = MediaReader::open(&locate(&args.source)?, &net_config(&args.net)?)?;
    let (mut packets, mut bytes) = (0u64, 0u64);
    let mut lines = std::io::BufWriter::new(std::io::stdout().lock());
    while let Some(packet) = reader.next_packet()? {
        packets += 1;
        bytes += packet.data.len() as u64;
        if args.packets
            && let Some(track) = reader.info().track(packet.track)
        {
            let dump = PacketDump::new(track, &packet);
            if let Err(error) = writeln!(lines, "{}", dump.to_json()) {
                out::lost(&error)
            }
        }
    }
    if let Err(error) = lines.flush() {
        out::lost(&error)
    }
    drop(lines);
    json::line(&json!({ "packets": packets, "bytes": bytes, "damage": reader.damage() }));
    Ok(())
}
