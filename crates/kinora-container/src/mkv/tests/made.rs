//! Files that FFmpeg has made.
#![allow(clippy::disallowed_methods)] // FFmpeg reads and writes files.

use kinora_media::{CodecId, Time, TrackKind};
use kinora_test_support::ffmpeg_in;

use super::*;

const PICTURES: &str = "-f lavfi -i testsrc=size=64x48:rate=10:duration=2";
const SOUND: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=2";

fn made(name: &str, arguments: &str) -> Vec<u8> {
    let folder = std::env::temp_dir().join(format!("kinora-mkv-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("text.srt"),
        "1\n00:00:00,500 --> 00:00:01,250\nOne\n\n2\n00:00:01,500 --> 00:00:01,900\nTwo\n",
    )
    .unwrap();
    ffmpeg_in(&folder, &format!("{PICTURES} {SOUND} {arguments} {name}"));
    let bytes = std::fs::read(folder.join(name)).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    bytes
}

fn codecs(info: &MediaInfo) -> Vec<CodecId> {
    info.tracks.iter().map(|track| track.codec).collect()
}

#[test]
fn h264_aac_and_subtitles() {
    let bytes = made(
        "film.mkv",
        "-i text.srt -i text.srt -map 0 -map 1 -map 2 -map 3 -c:v libx264 -g 5 -sc_threshold 0 -bf 2 -c:a aac -c:s:0 srt -c:s:1 ass",
    );
    let (info, packets, damage) = read(&bytes);
    assert_eq!(damage, 0);
    let expected = [CodecId::H264, CodecId::Aac, CodecId::Subrip, CodecId::Ass];
    assert_eq!(codecs(&info), expected);
    let pictures: Vec<_> = packets
        .iter()
        .filter(|packet| packet.track == info.tracks[0].id)
        .collect();
    assert_eq!(pictures.len(), 20);
    assert!(pictures.iter().all(|packet| packet.dts <= packet.pts));
    assert!(pictures.is_sorted_by_key(|packet| packet.dts));
    let keys = pictures.iter().filter(|packet| packet.flags.key);
    assert_eq!(keys.count(), 4);
    let texts = packets
        .iter()
        .filter(|packet| packet.track == info.tracks[2].id);
    let texts: Vec<_> = texts.collect();
    let durations: Vec<_> = texts.iter().map(|text| text.duration.as_millis()).collect();
    assert_eq!(durations, [750, 400]);
    assert_eq!(texts[1].pts.as_millis() - texts[0].pts.as_millis(), 1_000);
    assert_eq!(
        (&*texts[0].data, &*texts[1].data),
        (&b"One"[..], &b"Two"[..])
    );
    assert_demuxer(make, &bytes);
}

#[test]
fn vp9_and_opus_in_webm() {
    let bytes = made(
        "film.webm",
        "-c:v libvpx-vp9 -g 5 -deadline realtime -c:a libopus",
    );
    let (info, packets, damage) = read(&bytes);
    assert_eq!(damage, 0);
    assert_eq!(codecs(&info), [CodecId::Vp9, CodecId::Opus]);
    let sound = info.first(TrackKind::Audio).unwrap();
    assert!(sound.config.starts_with(b"OpusHead"));
    let first = packets.iter().find(|packet| packet.track == sound.id);
    assert!(
        first.unwrap().pts < Time::ZERO,
        "what the codec adds comes before"
    );
    assert_demuxer(make, &bytes);
}

#[test]
fn a_live_stream_of_webm() {
    let bytes = made(
        "live.webm",
        "-c:v libvpx -g 5 -deadline realtime -c:a libvorbis -live 1 -cluster_time_limit 300",
    );
    let (info, packets, damage) = read(&bytes);
    assert_eq!((info.duration, damage), (None, 0));
    assert_eq!(codecs(&info), [CodecId::Vp8, CodecId::Vorbis]);
    assert!(packets.len() > 50);
    assert_demuxer(make, &bytes);
}
