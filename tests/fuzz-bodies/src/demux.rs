//! Demuxers: fed whole, and in pieces of random size without a known length, then sought.

use bytes::Bytes;
use kinora_container::ac3::Ac3Demuxer;
use kinora_container::adts::AdtsDemuxer;
use kinora_container::aiff::AiffDemuxer;
use kinora_container::amr::AmrDemuxer;
use kinora_container::caf::CafDemuxer;
use kinora_container::dts::DtsDemuxer;
use kinora_container::flac::FlacDemuxer;
use kinora_container::flv::FlvDemuxer;
use kinora_container::loas::LoasDemuxer;
use kinora_container::mkv::MkvDemuxer;
use kinora_container::mp3::Mp3Demuxer;
use kinora_container::mp4::Mp4Demuxer;
use kinora_container::ogg::OggDemuxer;
use kinora_container::sniff::sniff;
use kinora_container::ts::TsDemuxer;
use kinora_container::w64::W64Demuxer;
use kinora_container::wav::WavDemuxer;
use kinora_container::{DemuxError, Demuxer, ForeignDemuxers, SeekMode, SeekTo, Step};
use kinora_errors::Coded;
use kinora_ffmpeg::FfmpegDemuxers;
use kinora_media::Time;

use crate::Work;

pub(crate) fn mp4(data: &[u8]) -> Work {
    demux(data, &|| Box::new(Mp4Demuxer::new()))
}

pub(crate) fn mkv(data: &[u8]) -> Work {
    demux(data, &|| Box::new(MkvDemuxer::new()))
}

pub(crate) fn ts(data: &[u8]) -> Work {
    demux(data, &|| Box::<TsDemuxer>::default())
}

pub(crate) fn flv(data: &[u8]) -> Work {
    demux(data, &|| Box::new(FlvDemuxer::new()))
}

pub(crate) fn ogg(data: &[u8]) -> Work {
    demux(data, &|| Box::new(OggDemuxer::new()))
}

pub(crate) fn adts(data: &[u8]) -> Work {
    demux(data, &|| Box::new(AdtsDemuxer::new()))
}

pub(crate) fn mp3(data: &[u8]) -> Work {
    demux(data, &|| Box::new(Mp3Demuxer::new()))
}

pub(crate) fn wav(data: &[u8]) -> Work {
    demux(data, &|| Box::new(WavDemuxer::new()))
}

pub(crate) fn w64(data: &[u8]) -> Work {
    demux(data, &|| Box::new(W64Demuxer::new()))
}

pub(crate) fn flac(data: &[u8]) -> Work {
    demux(data, &|| Box::new(FlacDemuxer::new()))
}

pub(crate) fn amr(data: &[u8]) -> Work {
    demux(data, &|| Box::new(AmrDemuxer::new()))
}

pub(crate) fn aiff(data: &[u8]) -> Work {
    demux(data, &|| Box::new(AiffDemuxer::new()))
}

pub(crate) fn caf(data: &[u8]) -> Work {
    demux(data, &|| Box::new(CafDemuxer::new()))
}

pub(crate) fn ac3(data: &[u8]) -> Work {
    demux(data, &|| Box::new(Ac3Demuxer::new()))
}

pub(crate) fn dts(data: &[u8]) -> Work {
    demux(data, &|| Box::new(DtsDemuxer::new()))
}

pub(crate) fn loas(data: &[u8]) -> Work {
    demux(data, &|| Box::new(LoasDemuxer::new()))
}

/// libavformat behind its seam; where it is not installed, the refusal.
pub(crate) fn ffmpeg(data: &[u8]) -> Work {
    demux(data, &|| FfmpegDemuxers::installed().open())
}

type Make<'a> = &'a dyn Fn() -> Box<dyn Demuxer>;

/// Times that a viewer, or nobody sane, asks for.
const SOUGHT: [(i64, SeekMode); 4] = [
    (0, SeekMode::Before),
    (700, SeekMode::Nearest),
    (i64::MAX, SeekMode::Before),
    (i64::MIN, SeekMode::Nearest),
];

/// Steps that even an empty file may take.
const MAX_FREE_STEPS: u64 = 400_000;

fn demux(data: &[u8], make: Make<'_>) -> Work {
    let bytes = Bytes::copy_from_slice(data);
    let _ = sniff(data);
    let mut work = drive(&mut *make(), &bytes, None);
    let mut demuxer = make();
    let seed = data.iter().fold(0x9e37_79b9_7f4a_7c15u64, |seed, byte| {
        seed.rotate_left(5) ^ u64::from(*byte)
    });
    work.add(drive(&mut *demuxer, &bytes, Some(seed | 1)));
    for (ms, mode) in SOUGHT {
        let time = Time::from_millis(ms);
        if demuxer.seek(SeekTo { time, mode }).is_ok() {
            work.add(drive(&mut *demuxer, &bytes, Some(seed | 1)));
        }
    }
    work
}

/// Brings all that is wanted until the demuxer ends; `seed` cuts the bytes into random pieces.
fn drive(demuxer: &mut dyn Demuxer, bytes: &Bytes, seed: Option<u64>) -> Work {
    let mut work = Work::default();
    let mut random = seed;
    let mut at = 0usize;
    let mut informed = seed.is_some();
    if seed.is_none() {
        demuxer.set_len(bytes.len() as u64);
    }
    // Sound demuxers read a byte a few times; MP4's tables may name the same bytes again and again, to a bound.
    let limit = (bytes.len() as u64)
        .saturating_mul(16)
        .saturating_add(MAX_FREE_STEPS);
    loop {
        work.steps = work.steps.saturating_add(1);
        assert!(work.steps <= limit, "steps come without end");
        match demuxer.poll() {
            Err(error) => {
                assert_explained(&error);
                return work;
            }
            Ok(Step::Info(info)) => {
                informed = true;
                assert!(
                    !info.tracks.is_empty(),
                    "headers that were reported name a track"
                );
            }
            Ok(Step::Packet(packet)) => {
                assert!(informed, "the headers come before packets");
                work.out = work.out.saturating_add(packet.data.len() as u64);
            }
            // It counts as a step: what is for ever pending ends here.
            Ok(Step::Pending) => {}
            Ok(Step::End) => {
                assert_eq!(demuxer.poll(), Ok(Step::End), "the end is final");
                return work;
            }
            Ok(Step::Want(range)) => {
                at = usize::try_from(range.start).unwrap_or(usize::MAX);
                work.bytes = work
                    .bytes
                    .saturating_add(feed(demuxer, bytes, &mut at, &mut random));
            }
            Ok(Step::NeedMore) => {
                work.bytes = work
                    .bytes
                    .saturating_add(feed(demuxer, bytes, &mut at, &mut random));
            }
        }
    }
}

fn feed(demuxer: &mut dyn Demuxer, bytes: &Bytes, at: &mut usize, random: &mut Option<u64>) -> u64 {
    let left = bytes.len().saturating_sub(*at);
    if left == 0 {
        demuxer.finish();
        return 0;
    }
    let count = random.as_mut().map_or(left, piece).min(left);
    let end = at.saturating_add(count);
    demuxer.push(*at as u64, bytes.slice(*at..end));
    *at = end;
    count as u64
}

/// Marsaglia's xorshift, for sizes between 1 and 32 KiB, small and large ones alike.
fn piece(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let limit = 1u64 << (*state & 15);
    usize::try_from((*state >> 8) % limit)
        .unwrap_or(0)
        .saturating_add(1)
}

fn assert_explained(error: &DemuxError) {
    assert!(
        error.code().row().is_some(),
        "{error} has a code of the table"
    );
    assert!(error.to_string().len() < 1_000, "an error is a sentence");
    assert!(!error.reason().is_empty(), "{error} has a reason");
}
