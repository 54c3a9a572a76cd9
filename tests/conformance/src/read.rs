//! Files into packets.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use kinora_container::{
    ContainerKind, DemuxError, Demuxer, Demuxers, PacketDump, ProbingDemuxer, Step,
};
use kinora_ffmpeg::FfmpegDemuxers;
use kinora_media::{MediaInfo, TrackId};

/// Bytes that are brought at once.
const CHUNK: usize = 64 * 1024;

/// The packets of a file by track, in the order in which the tracks appear, and the error that ended it.
#[derive(Debug, Default)]
pub struct Packets {
    /// Each track with its packets.
    pub tracks: Vec<(TrackId, Vec<PacketDump>)>,
    /// Whether libavformat has read it.
    pub is_foreign: bool,
    /// Why reading ended early.
    pub error: Option<DemuxError>,
}

impl Packets {
    fn add(&mut self, dump: PacketDump) {
        let known = self.tracks.iter_mut().find(|(id, _)| *id == dump.track);
        match known {
            Some((_, packets)) => packets.push(dump),
            None => self.tracks.push((dump.track, vec![dump])),
        }
    }

    /// `h264 × 30, aac × 45`.
    #[must_use]
    pub fn summary(&self) -> String {
        let tracks = self.tracks.iter().map(|(_, packets)| {
            let codec = packets.first().map_or("", |packet| packet.codec.as_str());
            format!("{codec} × {}", packets.len())
        });
        let tracks = tracks.collect::<Vec<_>>().join(", ");
        match self.is_foreign {
            true => format!("{tracks} (by libavformat)"),
            false => tracks,
        }
    }
}

/// All packets of a file, read as a player reads it: in pieces, its length known.
///
/// # Errors
/// When the file itself cannot be read.
pub fn packets(path: &Path) -> io::Result<Packets> {
    let bytes = Bytes::from(std::fs::read(path)?);
    let fallback = Demuxers::Fallback(Arc::new(FfmpegDemuxers::installed()));
    let mut demuxer = ProbingDemuxer::with_demuxers(fallback);
    demuxer.set_len(bytes.len() as u64);
    let mut info = Arc::new(MediaInfo::default());
    let mut found = Packets::default();
    let mut at = 0;
    loop {
        match demuxer.poll() {
            Ok(Step::Info(reported)) => {
                let own = ContainerKind::by_name(reported.container);
                found.is_foreign = !own.is_some_and(ContainerKind::is_playable);
                info = reported;
            }
            Ok(Step::Packet(packet)) => {
                if let Some(track) = info.track(packet.track) {
                    found.add(PacketDump::new(track, &packet));
                }
            }
            Ok(Step::Want(range)) => {
                at = usize::try_from(range.start).unwrap_or(usize::MAX);
                at = feed(&mut demuxer, &bytes, at);
            }
            Ok(Step::NeedMore) => at = feed(&mut demuxer, &bytes, at),
            Ok(Step::Pending) => {}
            Ok(Step::End) => return Ok(found),
            Err(error) => {
                found.error = Some(error);
                return Ok(found);
            }
        }
    }
}

fn feed(demuxer: &mut ProbingDemuxer, bytes: &Bytes, at: usize) -> usize {
    let end = at.saturating_add(CHUNK).min(bytes.len());
    if at >= end {
        demuxer.finish();
        return at;
    }
    demuxer.push(at as u64, bytes.slice(at..end));
    end
}
