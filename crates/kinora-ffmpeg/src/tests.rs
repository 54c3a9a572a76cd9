//! Codecs that only libavcodec knows, from the file to the frame.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use kinora_codec::{Decoder, DecoderBackend, DecoderOptions, Received, RustBackend};
use kinora_container::{Demuxer, Demuxers, ProbingDemuxer, Step};
use kinora_media::{ColorRange, Packet, PixelFormat, TrackInfo, TrackKind};
use kinora_test_support::{ffmpeg, ffmpeg_in};

use crate::{FfmpegBackend, FfmpegDemuxers, LoadError};

pub(crate) fn load() -> Result<Arc<FfmpegBackend>, Arc<LoadError>> {
    static LOADED: LazyLock<Result<Arc<FfmpegBackend>, Arc<LoadError>>> =
        LazyLock::new(|| FfmpegBackend::load().map(Arc::new).map_err(Arc::new));
    LOADED.clone()
}

/// The first track of a kind and its packets, read as a player reads the file.
fn track(file: &Path, kind: TrackKind) -> (TrackInfo, Vec<Packet>) {
    let bytes = Bytes::from(std::fs::read(file).unwrap());
    let fallback = Demuxers::Fallback(Arc::new(FfmpegDemuxers::new(load)));
    let mut demuxer = ProbingDemuxer::with_demuxers(fallback);
    demuxer.set_len(bytes.len() as u64);
    let (mut track, mut packets, mut at) = (None, Vec::new(), 0);
    loop {
        let step = demuxer.poll().unwrap();
        match step {
            Step::Info(info) => track = info.first(kind).cloned(),
            Step::Packet(packet) => packets.push(packet),
            Step::Pending => {}
            Step::End => break,
            Step::NeedMore | Step::Want(_) => {
                if let Step::Want(range) = step {
                    at = usize::try_from(range.start).unwrap();
                }
                let end = (at + 100_000).min(bytes.len());
                match at < end {
                    true => demuxer.push(at as u64, bytes.slice(at..end)),
                    false => demuxer.finish(),
                }
                at = end;
            }
        }
    }
    let track = track.unwrap();
    packets.retain(|packet| packet.track == track.id);
    (track, packets)
}

/// All frames of the packets.
fn frames<F>(decoder: &mut dyn Decoder<Frame = F>, packets: &[Packet]) -> Vec<F> {
    let mut frames = Vec::new();
    let mut take = |decoder: &mut dyn Decoder<Frame = F>| {
        while let Received::Frame(frame) = decoder.receive().unwrap() {
            frames.push(frame);
        }
    };
    for packet in packets {
        decoder.send(packet).unwrap();
        take(decoder);
    }
    decoder.drain();
    take(decoder);
    frames
}

/// What FFmpeg's program makes of the file.
fn reference(file: &Path, words: &str) -> Vec<u8> {
    let mut command = ffmpeg("");
    let made = command.arg("-i").arg(file).args(words.split(' ')).arg("-");
    made.output().unwrap().stdout
}

#[test]
fn pictures_of_codecs_without_a_name_of_ours_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    for (name, words, codec) in [
        ("png.mov", "-c:v png", "png"),
        ("rle.mov", "-c:v qtrle", "qtrle"),
        ("rle16.mov", "-c:v qtrle -pix_fmt rgb555be", "qtrle"),
        (
            "prores.mov",
            "-c:v prores_ks -pix_fmt yuv422p10le",
            "prores",
        ),
        (
            "dnx.mov",
            "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p",
            "dnxhd",
        ),
        ("raw.mov", "-c:v rawvideo -pix_fmt uyvy422", "rawvideo"),
        ("svq.mov", "-c:v svq1", "svq1"),
        ("jpeg.mov", "-c:v mjpeg", "mjpeg"),
        ("ffv1.mkv", "-c:v ffv1", "ffv1"),
        ("huff.avi", "-c:v huffyuv -pix_fmt rgb24", "huffyuv"),
        ("ut.avi", "-c:v utvideo -pix_fmt gbrp", "utvideo"),
        ("raw.avi", "-c:v rawvideo -pix_fmt bgr24", "rawvideo"),
        ("dx.avi", "-c:v msmpeg4 -q:v 2", "msmpeg4v3"),
        ("wm.wmv", "-c:v wmv2 -q:v 2", "wmv2"),
        ("rv.rm", "-c:v rv20 -q:v 2", "rv20"),
    ] {
        let size = "-f lavfi -i testsrc=s=256x128:r=10:d=1";
        ffmpeg_in(folder.path(), &format!("{size} {words} {name}"));
        let file = folder.path().join(name);
        let (track, packets) = track(&file, TrackKind::Video);
        assert_eq!(track.codec.name(), codec, "{name}");
        let backend = load().unwrap();
        assert!(backend.supports(track.codec), "{name}");
        let mut decoder = backend
            .open_video(&track, DecoderOptions::default())
            .unwrap();
        let frames = frames(&mut *decoder, &packets);
        assert_eq!(frames.len(), 10, "{name}");
        let first = &frames[0];
        let layout = match first.format {
            PixelFormat::I444 if first.color.range == ColorRange::Full => "yuvj444p",
            PixelFormat::I420 => "yuv420p",
            PixelFormat::I422 => "yuv422p",
            PixelFormat::I444 => "yuv444p",
            PixelFormat::I422P10 => "yuv422p10le",
            other => panic!("{name}: {other:?}"),
        };
        let ours: Vec<u8> = (0..3)
            .flat_map(|plane| first.rows(plane).collect::<Vec<_>>().concat())
            .collect();
        let theirs = reference(&file, &format!("-frames:v 1 -pix_fmt {layout} -f rawvideo"));
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let off: u64 = ours
            .iter()
            .zip(&theirs)
            .map(|(one, other)| u64::from(one.abs_diff(*other)))
            .sum();
        assert!(
            off / (ours.len() as u64) < 2,
            "{name}: {off} of {}",
            ours.len()
        );
    }
}

#[test]
fn sound_of_many_codings_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    for (name, words, codec) in [
        ("nelly.flv", "-ar 22050 -ac 1 -c:a nellymoser", "nellymoser"),
        ("swf.flv", "-ar 22050 -ac 2 -c:a adpcm_swf", "adpcm_swf"),
        ("alaw.mov", "-ar 8000 -ac 2 -c:a pcm_alaw", "pcm_alaw"),
        ("mulaw.mov", "-ar 8000 -ac 1 -c:a pcm_mulaw", "pcm_mulaw"),
        ("ima4.mov", "-ac 2 -c:a adpcm_ima_qt", "adpcm_ima_qt"),
        ("ms.mov", "-ac 1 -c:a adpcm_ms", "adpcm_ms"),
        ("ima.mov", "-ac 2 -c:a adpcm_ima_wav", "adpcm_ima_wav"),
        ("ms.wav", "-ac 2 -c:a adpcm_ms", "adpcm_ms"),
        ("ima.wav", "-ac 2 -c:a adpcm_ima_wav", "adpcm_ima_wav"),
        ("alaw.wav", "-ar 8000 -ac 1 -c:a pcm_alaw", "pcm_alaw"),
        ("yamaha.wav", "-ac 2 -c:a adpcm_yamaha", "adpcm_yamaha"),
        ("wma.wma", "-ac 2 -c:a wmav2", "wmav2"),
        ("pcm.w64", "-ac 2 -c:a pcm_s24le", "pcm"),
    ] {
        let source = "-f lavfi -i sine=f=440:r=44100:d=1";
        ffmpeg_in(folder.path(), &format!("{source} {words} {name}"));
        let file = folder.path().join(name);
        let (track, packets) = track(&file, TrackKind::Audio);
        assert_eq!(track.codec.name(), codec, "{name}");
        let (rust, backend) = (RustBackend::new(), load().unwrap());
        let options = DecoderOptions::default();
        let mut decoder = match backend.supports(track.codec) {
            true => backend.open_audio(&track, options).unwrap(),
            false => rust.open_audio(&track, options).unwrap(),
        };
        let frames = frames(&mut *decoder, &packets);
        let ours: Vec<f32> = frames
            .iter()
            .flat_map(|frame| frame.samples.iter().copied())
            .collect();
        let theirs = reference(&file, "-f f32le");
        let theirs: Vec<f32> = theirs
            .as_chunks()
            .0
            .iter()
            .map(|it| f32::from_le_bytes(*it))
            .collect();
        let tenth =
            usize::try_from(frames[0].sample_rate / 10).unwrap() * usize::from(frames[0].channels);
        assert!(
            ours.len().abs_diff(theirs.len()) <= tenth,
            "{name}: {} and {}",
            ours.len(),
            theirs.len()
        );
        let level =
            |samples: &[f32]| samples.iter().map(|it| it * it).sum::<f32>() / samples.len() as f32;
        let (ours, theirs) = (level(&ours), level(&theirs));
        assert!(
            theirs > 0.001 && (ours / theirs - 1.0).abs() < 0.1,
            "{name}: {ours} and {theirs}"
        );
    }
}
