//! Both families of decoders: the contract, and every frame against what FFmpeg's own program says of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use bytes::Bytes;
use kinora::output::RgbImage;
use kinora::{
    DecoderChoice, MediaReader, NetConfig, Packet, ReadOptions, Time, TrackInfo, TrackKind,
    VideoReader,
};
use kinora_codec::contract::{assert_decoder, decode};
use kinora_codec::{DecoderBackend, DecoderOptions, RustBackend};
use kinora_ffmpeg::FfmpegBackend;
use kinora_media::bitstream::h264::{AvcConfig, Sps};
use kinora_test_support::{ffmpeg, ffmpeg_in};
use md5::{Digest, Md5};

const PICTURES: &str = "-f lavfi -i testsrc2=size=324x180:rate=25:duration=1";
const SOUND: &str =
    "-f lavfi -i sine=frequency=997:duration=1:sample_rate=48000,aformat=channel_layouts=stereo";

fn make(dir: &Path, name: &str, words: &str) -> PathBuf {
    ffmpeg_in(dir, &format!("{words} {name}"));
    dir.join(name)
}

/// The one track of a clip and its packets.
fn read(file: &Path) -> (TrackInfo, Vec<Packet>) {
    let mut reader = MediaReader::open(file.display().to_string(), NetConfig::default()).unwrap();
    let track = reader.info().tracks[0].clone();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().unwrap() {
        packets.push(packet);
    }
    (track, packets)
}

/// The hashes of the frames, as FFmpeg tells them.
fn framemd5(file: &Path, format: &str) -> Vec<String> {
    let words = format!(
        "-i {} -fps_mode passthrough {format} -f framemd5 -",
        file.display()
    );
    let reported = ffmpeg(&words).output().unwrap();
    let text = String::from_utf8(reported.stdout).unwrap();
    let hashes = text.lines().filter(|line| !line.starts_with('#'));
    hashes
        .map(|line| line.rsplit(',').next().unwrap().trim().to_owned())
        .collect()
}

fn hash(bytes: &[u8]) -> String {
    Md5::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The clip's frames: their samples in presentation order.
fn frames(backend: &dyn DecoderBackend, track: &TrackInfo, packets: &[Packet]) -> Vec<Vec<u8>> {
    let options = DecoderOptions::default();
    let decoded = match track.codec.kind() {
        TrackKind::Video => decode(&mut *backend.open_video(track, options).unwrap(), packets),
        _ => decode(&mut *backend.open_audio(track, options).unwrap(), packets),
    };
    decoded.into_iter().map(|(_, samples)| samples).collect()
}

fn hashes(backend: &dyn DecoderBackend, track: &TrackInfo, packets: &[Packet]) -> Vec<String> {
    let frames = frames(backend, track, packets);
    frames.iter().map(|frame| hash(frame)).collect()
}

fn keeps_the_contract(backend: &dyn DecoderBackend, track: &TrackInfo, packets: &[Packet]) {
    for threads in [1, 2] {
        let options = DecoderOptions {
            threads,
            low_delay: threads == 1,
        };
        match track.codec.kind() {
            TrackKind::Video => {
                assert_decoder(|| backend.open_video(track, options).unwrap(), packets)
            }
            _ => assert_decoder(|| backend.open_audio(track, options).unwrap(), packets),
        }
    }
}

/// Which backends are held to it.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Both,
    Ffmpeg,
    Rust,
}

/// Bit for bit as FFmpeg's own program, by the backends that are named.
fn exact(name: &str, words: &str, format: &str, by: By) {
    let dir = tempfile::tempdir().unwrap();
    let file = make(dir.path(), name, words);
    let (track, packets) = read(&file);
    let expected = framemd5(&file, format);
    assert!(!expected.is_empty());
    let backends: [(&dyn DecoderBackend, bool); 2] = [
        (&FfmpegBackend::load().unwrap(), by != By::Rust),
        (&RustBackend::new(), by != By::Ffmpeg),
    ];
    for (backend, held) in backends {
        if !held {
            continue;
        }
        let hashes = hashes(backend, &track, &packets);
        let wrong = hashes
            .iter()
            .zip(&expected)
            .position(|(ours, theirs)| ours != theirs);
        assert_eq!(
            (hashes.len(), wrong),
            (expected.len(), None),
            "{name} by {}",
            backend.name()
        );
        keeps_the_contract(backend, &track, &packets);
    }
}

#[test]
fn h264_with_b_frames_is_exact() {
    exact(
        "b.mp4",
        &format!("{PICTURES} -c:v libx264 -bf 3 -b_strategy 0 -refs 4 -g 12 -pix_fmt yuv420p"),
        "-pix_fmt yuv420p",
        By::Both,
    );
}

/// The parameter set up to where its VUI begins, which alone tells how far pictures are reordered.
fn without_vui(sps: &[u8]) -> Vec<u8> {
    let whole = Sps::parse(sps).unwrap();
    let cut = |bit: usize| {
        let (byte, mask) = (bit / 8, 0x80_u8 >> (bit % 8));
        let reported = sps[byte] & mask != 0;
        let mut cut = sps[..=byte].to_vec();
        // The flag becomes 0; what follows it is the end of the set (rbsp_trailing_bits).
        cut[byte] &= !(mask | (mask - 1));
        match mask {
            1 => cut.push(0x80),
            _ => cut[byte] |= mask >> 1,
        }
        let same = Sps::parse(&cut).is_ok_and(|it| {
            let sizes = |sps: &Sps| (sps.width, sps.height, sps.ref_frames, sps.poc_type);
            sizes(&it) == sizes(&whole)
        });
        (reported && same).then_some(cut)
    };
    (32..sps.len() * 8).find_map(cut).unwrap()
}

/// A clip as an encoder writes it that does not tell how far it reorders: in MP4 and in a byte stream.
#[test]
fn h264_without_reordering_parameters_loses_no_frame() {
    let dir = tempfile::tempdir().unwrap();
    let words = "-f lavfi -i testsrc2=size=320x176:rate=25:duration=1 -c:v libx264 -preset veryfast -bf 3 -pix_fmt yuv420p";
    let file = make(dir.path(), "untold.mp4", words);
    let expected = framemd5(&file, "");
    let (track, packets) = read(&file);
    let config = AvcConfig::parse(&track.config).unwrap();
    let (sps, pps) = (without_vui(config.sps[0]), config.pps[0]);
    assert_eq!(Sps::parse(&sps).unwrap().reorder_frames, None);

    let mut reported = track.config[..6].to_vec();
    reported.extend(u16::try_from(sps.len()).unwrap().to_be_bytes());
    reported.extend(&sps);
    reported.push(1);
    reported.extend(u16::try_from(pps.len()).unwrap().to_be_bytes());
    reported.extend(pps);
    let in_mp4 = TrackInfo {
        config: reported.into(),
        ..track.clone()
    };

    let in_stream = TrackInfo {
        config: Bytes::new(),
        ..track.clone()
    };
    let mut stream = packets.clone();
    for packet in &mut stream {
        let mut data = Vec::new();
        for unit in [&sps[..], pps].iter().filter(|_| packet.flags.key) {
            data.extend([0, 0, 0, 1]);
            data.extend(*unit);
        }
        let mut rest = &packet.data[..];
        while let Some((length, units)) = rest.split_first_chunk() {
            let (unit, after) = units.split_at(u32::from_be_bytes(*length) as usize);
            data.extend([0, 0, 0, 1]);
            data.extend(unit);
            rest = after;
        }
        packet.data = data.into();
    }
    let ffmpeg_backend = FfmpegBackend::load().unwrap();
    let backends: [&dyn DecoderBackend; 2] = [&ffmpeg_backend, &RustBackend::new()];
    for backend in backends {
        for (track, packets) in [(&in_mp4, &packets), (&in_stream, &stream)] {
            let hashes = hashes(backend, track, packets);
            assert_eq!(hashes, expected, "{}", backend.name());
        }
    }
}

#[test]
fn h264_without_cabac_is_exact() {
    exact(
        "cavlc.mp4",
        &format!("{PICTURES} -c:v libx264 -profile:v baseline -g 10 -pix_fmt yuv420p"),
        "-pix_fmt yuv420p",
        By::Both,
    );
}

#[test]
fn h264_interlaced_is_exact() {
    let words = format!(
        "{PICTURES} -c:v libx264 -flags +ilme+ildct -x264-params tff=1:bframes=2 -g 12 -pix_fmt yuv420p"
    );
    exact("interlaced.mp4", &words, "-pix_fmt yuv420p", By::Both);
}

#[test]
fn h265_8_bit_is_exact() {
    let words = format!(
        "{PICTURES} -c:v libx265 -x265-params log-level=none:bframes=3:keyint=12 -tag:v hvc1 -pix_fmt yuv420p"
    );
    exact("hevc.mp4", &words, "-pix_fmt yuv420p", By::Both);
}

#[test]
fn h265_10_bit_is_exact() {
    let words = format!(
        "{PICTURES} -c:v libx265 -x265-params log-level=none:bframes=3:keyint=12 -tag:v hvc1 -pix_fmt yuv420p10le"
    );
    exact("hevc10.mp4", &words, "-pix_fmt yuv420p10le", By::Both);
}

#[test]
fn vp9_is_exact() {
    exact(
        "vp9.mp4",
        &format!("{PICTURES} -c:v libvpx-vp9 -cpu-used 8 -b:v 300k -pix_fmt yuv420p"),
        "-pix_fmt yuv420p",
        By::Ffmpeg,
    );
}

#[test]
fn av1_is_exact() {
    exact(
        "av1.mp4",
        &format!("{PICTURES} -c:v libsvtav1 -preset 12 -pix_fmt yuv420p"),
        "-pix_fmt yuv420p",
        By::Ffmpeg,
    );
}

#[test]
fn aac_is_exact_by_libavcodec() {
    // Without noise substitution: its generator goes on over a flush.
    exact(
        "tone.aac",
        &format!("{SOUND} -c:a aac -b:a 128k -aac_pns 0"),
        "-c:a pcm_f32le",
        By::Ffmpeg,
    );
}

#[test]
fn flac_is_exact_by_both() {
    exact(
        "flac.mp4",
        &format!("{SOUND} -c:a flac -strict -2"),
        "-c:a pcm_f32le",
        By::Both,
    );
}

#[test]
fn pcm_is_exact_however_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    for codec in [
        "pcm_u8",
        "pcm_s16be",
        "pcm_s24be",
        "pcm_s32le",
        "pcm_f32le",
        "pcm_f64be",
    ] {
        let file = make(
            dir.path(),
            &format!("{codec}.mov"),
            &format!("{SOUND} -c:a {codec}"),
        );
        let (track, packets) = read(&file);
        let expected = ffmpeg(&format!("-i {} -f f32le -", file.display()))
            .output()
            .unwrap()
            .stdout;
        assert!(
            frames(&RustBackend::new(), &track, &packets).concat() == expected,
            "{codec}"
        );
        keeps_the_contract(&RustBackend::new(), &track, &packets);
    }
}

/// The signal over the difference, in decibels.
fn likeness(a: &[u8], b: &[u8]) -> f64 {
    let samples = |bytes: &[u8]| -> Vec<f64> {
        bytes
            .chunks_exact(4)
            .map(|word| f64::from(f32::from_le_bytes([word[0], word[1], word[2], word[3]])))
            .collect()
    };
    let (a, b) = (samples(a), samples(b));
    // At the very end a decoder may keep what another one cuts as padding.
    assert!(
        a.len().abs_diff(b.len()) <= 1_024,
        "{} and {} samples",
        a.len(),
        b.len()
    );
    let signal: f64 = a.iter().map(|x| x * x).sum();
    let noise: f64 = a.iter().zip(&b).map(|(x, y)| (x - y) * (x - y)).sum();
    10.0 * (signal / noise.max(1e-30)).log10()
}

/// Lossy sound is defined up to rounding only: the backends agree to within it.
fn alike(name: &str, words: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (track, packets) = read(&make(dir.path(), name, words));
    let rust = frames(&RustBackend::new(), &track, &packets).concat();
    let ffmpeg = frames(&FfmpegBackend::load().unwrap(), &track, &packets).concat();
    let decibels = likeness(&ffmpeg, &rust);
    assert!(decibels > 80.0, "{name}: {decibels:.1} dB");
    keeps_the_contract(&RustBackend::new(), &track, &packets);
}

#[test]
fn aac_by_both_is_alike() {
    alike("tone.aac", &format!("{SOUND} -c:a aac -b:a 128k"));
}

#[test]
fn mpeg_audio_by_both_is_alike() {
    alike("tone.mp3", &format!("{SOUND} -c:a libmp3lame -b:a 128k"));
    alike("tone.ts", &format!("{SOUND} -c:a mp2 -b:a 192k"));
}

#[test]
fn vorbis_by_both_is_alike() {
    alike("vorbis.mp4", &format!("{SOUND} -c:a libvorbis -b:a 128k"));
}

/// The times and hashes of what comes when nothing before a time is wanted.
fn discarding(
    backend: &dyn DecoderBackend,
    (track, packets): &(TrackInfo, Vec<Packet>),
    before: Time,
) -> Vec<(Time, String)> {
    let options = DecoderOptions {
        threads: 3,
        low_delay: false,
    };
    let mut decoder = backend.open_video(track, options).unwrap();
    decoder.discard_before(before);
    let frames = decode(&mut *decoder, packets);
    frames
        .into_iter()
        .map(|(pts, samples)| (pts, hash(&samples)))
        .collect()
}

#[test]
fn pictures_that_are_not_wanted_may_be_left_out_and_change_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let before = Time::from_millis(600);
    for (name, words) in [
        (
            "b.mp4",
            "-c:v libx264 -bf 3 -b_strategy 0 -refs 4 -g 25 -pix_fmt yuv420p",
        ),
        ("b.ts", "-c:v mpeg2video -bf 2 -g 25 -pix_fmt yuv420p"),
        (
            "hevc.mp4",
            "-c:v libx265 -x265-params log-level=none:bframes=3:keyint=25 -pix_fmt yuv420p",
        ),
    ] {
        let clip = read(&make(dir.path(), name, &format!("{PICTURES} {words}")));
        let ffmpeg_backend = FfmpegBackend::load().unwrap();
        let backends: [&dyn DecoderBackend; 2] = [&ffmpeg_backend, &RustBackend::new()];
        for backend in backends.into_iter().filter(|it| it.supports(clip.0.codec)) {
            let all = discarding(backend, &clip, Time::MIN);
            let first = all[0].0;
            let some = discarding(backend, &clip, first + before);
            let wanted = |frames: &[(Time, String)]| -> Vec<_> {
                let wanted = frames.iter().filter(|it| it.0 >= first + before);
                wanted.cloned().collect()
            };
            assert_eq!(all.len(), 25, "{name} by {}", backend.name());
            assert_eq!(wanted(&some), wanted(&all), "{name} by {}", backend.name());
            let leaves_out = backend.name() == "ffmpeg" && name.starts_with('b');
            assert_eq!(some.len() < all.len(), leaves_out, "{name}");
        }
    }
}

#[test]
fn pixels_that_are_numbers_have_the_colours_of_their_container() {
    let dir = tempfile::tempdir().unwrap();
    let source = "-f lavfi -i testsrc=s=98x54:r=5:d=1";
    for words in [
        "-vf split[a][b];[a]palettegen[p];[b][p]paletteuse -c:v rawvideo -pix_fmt pal8 a.avi",
        "-c:v rawvideo -pix_fmt gray gray.mov",
    ] {
        ffmpeg_in(dir.path(), &format!("{source} {words}"));
    }
    ffmpeg_in(dir.path(), "-i a.avi -c copy a.mov");
    ffmpeg_in(dir.path(), "-i a.avi -c copy -allow_raw_vfw 1 a.mkv");
    // FFmpeg itself does not look for the palette in Matroska: what it shows is of the file that the packets come from.
    for (name, alike) in [
        ("a.avi", "a.avi"),
        ("a.mov", "a.mov"),
        ("a.mkv", "a.avi"),
        ("gray.mov", "gray.mov"),
    ] {
        ffmpeg_in(
            dir.path(),
            &format!("-i {alike} -pix_fmt rgb24 -f rawvideo expected.rgb"),
        );
        let expected = std::fs::read(dir.path().join("expected.rgb")).unwrap();
        let mut expected = expected.chunks_exact(98 * 54 * 3);
        let file = dir.path().join(name).display().to_string();
        let mut reader =
            VideoReader::open(&file, ReadOptions::default(), DecoderChoice::Ffmpeg, 1).unwrap();
        let mut pictures = 0;
        while let Some(frame) = reader.next_frame().unwrap() {
            let image = RgbImage::from_frame(&frame).unwrap();
            let expected = expected.next().unwrap();
            let away = image.data.iter().zip(expected);
            let most = away.map(|(ours, theirs)| ours.abs_diff(*theirs)).max();
            assert!(most.unwrap() <= 3, "{name}, picture {pictures}: {most:?}");
            pictures += 1;
        }
        assert_eq!(pictures, 5, "{name}");
    }
}
