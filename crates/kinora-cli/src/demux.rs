//! `kinora demux`: all packets of a file or a playlist.

use std::io::{IsTerminal as _, Write};

use kinora::{MediaReader, PacketDump, TrackId, TrackInfo};
use kinora_errors::Lang;
use serde_json::{Value, json};

use crate::args::DemuxArgs;
use crate::json;
use crate::out;
use crate::probe::{described, kind_name};
use crate::progress::Progress;
use crate::report::{Failure, Style};
use crate::source::{locate, read_options};
use crate::words::padded;

/// What was counted of a track.
struct Counted {
    id: TrackId,
    packets: u64,
    key_frames: u64,
    bytes: u64,
}

pub(crate) fn run(args: &DemuxArgs, style: &Style) -> Result<(), Failure> {
    let mut reader = MediaReader::open(&locate(&args.source)?, read_options(&args.reading)?)?;
    let title = style.say("reading", "正在读取");
    let bar = Progress::of_long_work(title, style.lang, args.packets);
    let mut tracks: Vec<Counted> = Vec::new();
    let mut drawn = 0;
    let mut lines = std::io::BufWriter::new(std::io::stdout().lock());
    while let Some(packet) = reader.next_packet().inspect_err(|_| bar.clear())? {
        let track = counted(&mut tracks, packet.track);
        track.packets += 1;
        track.key_frames += u64::from(packet.flags.key);
        track.bytes += packet.data.len() as u64;
        if args.packets
            && let Some(track) = reader.info().track(packet.track)
        {
            let dump = PacketDump::new(track, &packet);
            if let Err(error) = writeln!(lines, "{}", dump.to_json()) {
                out::lost(&error)
            }
        }
        // Many packets come of the same piece.
        if let Some(all) = reader.total_len()
            && drawn != reader.bytes_read()
        {
            drawn = reader.bytes_read();
            bar.set_if_long(reader.bytes_read() as f64 / all.max(1) as f64);
        }
    }
    if let Err(error) = lines.flush() {
        out::lost(&error)
    }
    drop(lines);
    bar.clear();
    // With its packets as JSON lines the last one is JSON too.
    if style.json || args.packets || !std::io::stdout().is_terminal() {
        json::line(&object(&tracks, reader.damage()));
    } else {
        out::print(&table(&tracks, &reader, style.lang));
    }
    Ok(())
}

fn counted(tracks: &mut Vec<Counted>, id: TrackId) -> &mut Counted {
    let at = tracks.iter().position(|track| track.id == id);
    let at = at.unwrap_or_else(|| {
        tracks.push(Counted {
            id,
            packets: 0,
            key_frames: 0,
            bytes: 0,
        });
        tracks.len() - 1
    });
    &mut tracks[at]
}

fn sum(tracks: &[Counted], count: impl Fn(&Counted) -> u64) -> u64 {
    tracks.iter().map(count).sum()
}

fn object(tracks: &[Counted], damage: u64) -> Value {
    let each = tracks.iter().map(|track| {
        json!({
            "id": track.id.0, "packets": track.packets, "key_frames": track.key_frames, "bytes": track.bytes,
        })
    });
    json!({
        "packets": sum(tracks, |track| track.packets), "bytes": sum(tracks, |track| track.bytes),
        "damage": damage, "tracks": each.collect::<Vec<_>>(),
    })
}

fn table(tracks: &[Counted], reader: &MediaReader, lang: Lang) -> String {
    let zh = lang == Lang::Zh;
    let info = reader.info();
    let counts = |packets: u64, bytes: u64| match zh {
        true => format!("{packets} 个数据包，{bytes} 字节"),
        false => format!("{packets} packets, {bytes} bytes"),
    };
    let all = counts(
        sum(tracks, |track| track.packets),
        sum(tracks, |track| track.bytes),
    );
    let colon = if zh { "：" } else { ": " };
    let mut text = format!("{}{colon}{all}\n", info.container);
    for counted in tracks {
        let key_frames = match zh {
            true => format!("，{} 个关键帧", counted.key_frames),
            false => format!(", {} key frames", counted.key_frames),
        };
        let track: Option<&TrackInfo> = info.track(counted.id);
        let kind = padded(track.map_or("?", |track| kind_name(track.kind(), zh)), 8);
        let what = track.map(|track| described(track, zh));
        let counts = counts(counted.packets, counted.bytes);
        text += &format!(
            "  {kind} {}\n           {counts}{key_frames}\n",
            what.unwrap_or_default()
        );
    }
    match reader.damage() {
        0 => {}
        damage if zh => text += &format!("跳过了 {damage} 处损坏\n"),
        damage => text += &format!("{damage} damaged places were passed over\n"),
    }
    text
}
