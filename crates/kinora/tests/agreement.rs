//! What the container says, what the decoder says, and what holds: one table, run over every family of decoders.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use bytes::Bytes;
use kinora::{MediaReader, NetConfig, Packet, TrackInfo};
use kinora_codec::{DecodeError, Decoder, DecoderBackend, DecoderOptions, Received, RustBackend};
use kinora_ffmpeg::FfmpegBackend;
use kinora_media::{
    AudioFrame, AudioParams, ColorInfo, ColorRange, DisplayHints, Rotation, Time, VideoFrame,
};
use kinora_test_support::ffmpeg_in;

const PICTURES: &str = "-f lavfi -i testsrc2=size=176x144:rate=25:duration=1 -pix_fmt yuv420p";
const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 12";
const H265: &str =
    "-c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=2:keyint=12 -tag:v hvc1";
const SOUND: &str = "-f lavfi -i sine=frequency=440:duration=1:sample_rate=48000";

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

fn clip(name: &str, words: &str) -> (TrackInfo, Vec<Packet>) {
    read(&make(tempfile::tempdir().unwrap().path(), name, words))
}

/// All frames; every packet must be taken without a fault.
fn decode<F>(decoder: &mut dyn Decoder<Frame = F>, packets: &[Packet]) -> Vec<F> {
    let mut frames = Vec::new();
    for packet in packets {
        while let Err(error) = decoder.send(packet) {
            assert_eq!(error, DecodeError::Full);
            let Received::Frame(frame) = decoder.receive().unwrap() else {
                panic!("full, and yet no frame")
            };
            frames.push(frame);
        }
        while let Received::Frame(frame) = decoder.receive().unwrap() {
            frames.push(frame);
        }
    }
    decoder.drain();
    while let Received::Frame(frame) = decoder.receive().unwrap() {
        frames.push(frame);
    }
    frames
}

fn backends() -> [Box<dyn DecoderBackend>; 2] {
    [
        Box::new(FfmpegBackend::load().unwrap()),
        Box::new(RustBackend::new()),
    ]
}

fn pictures(
    backend: &dyn DecoderBackend,
    track: &TrackInfo,
    packets: &[Packet],
) -> Vec<VideoFrame> {
    let options = DecoderOptions::default();
    decode(&mut *backend.open_video(track, options).unwrap(), packets)
}

fn sound(
    backend: &dyn DecoderBackend,
    track: &TrackInfo,
    packets: &[Packet],
) -> Result<Vec<AudioFrame>, DecodeError> {
    let mut decoder = backend.open_audio(track, DecoderOptions::default())?;
    Ok(decode(&mut *decoder, packets))
}

const fn color(numbers: [u8; 3], range: ColorRange) -> ColorInfo {
    let [primaries, transfer, matrix] = numbers;
    ColorInfo {
        primaries,
        transfer,
        matrix,
        range,
    }
}

/// One row: what the bitstream is made to say, what the container states, and what every picture must have.
struct Row {
    name: &'static str,
    bitstream: &'static str,
    stated: DisplayHints,
    rotation: Rotation,
    aspect: Option<(u32, u32)>,
    color: ColorInfo,
}

const OPEN: DisplayHints = DisplayHints {
    pixel_aspect: None,
    color: None,
};
const UNSPECIFIED: ColorInfo = color([2, 2, 2], ColorRange::Limited);
const PLAIN: Row = Row {
    name: "",
    bitstream: "",
    stated: OPEN,
    rotation: Rotation::None,
    aspect: None,
    color: UNSPECIFIED,
};
const BT709: &str = "-color_primaries bt709 -color_trc bt709 -colorspace bt709";

const ROWS: [Row; 8] = [
    Row {
        name: "nobody says anything",
        ..PLAIN
    },
    Row {
        name: "the pixel aspect by the container alone",
        stated: DisplayHints {
            pixel_aspect: Some((64, 45)),
            ..OPEN
        },
        aspect: Some((64, 45)),
        ..PLAIN
    },
    Row {
        name: "the pixel aspect by the bitstream alone",
        bitstream: "-vf setsar=4/3",
        aspect: Some((4, 3)),
        ..PLAIN
    },
    Row {
        name: "both, and the container overrides",
        bitstream: "-vf setsar=4/3",
        stated: DisplayHints {
            pixel_aspect: Some((64, 45)),
            ..OPEN
        },
        aspect: Some((64, 45)),
        ..PLAIN
    },
    Row {
        name: "the rotation, which only the container knows",
        rotation: Rotation::Cw90,
        ..PLAIN
    },
    Row {
        name: "the colours by the container alone",
        stated: DisplayHints {
            color: Some(color([9, 16, 9], ColorRange::Full)),
            ..OPEN
        },
        color: color([9, 16, 9], ColorRange::Full),
        ..PLAIN
    },
    Row {
        name: "the colours by the bitstream alone",
        bitstream: BT709,
        color: color([1, 1, 1], ColorRange::Limited),
        ..PLAIN
    },
    Row {
        name: "the colours by both, and the container leaves one open",
        bitstream: BT709,
        stated: DisplayHints {
            color: Some(color([9, 2, 9], ColorRange::Limited)),
            ..OPEN
        },
        color: color([9, 1, 9], ColorRange::Limited),
        ..PLAIN
    },
];

#[test]
fn every_decoder_describes_frames_as_container_and_bitstream_say_together() {
    for codec in [H264, H265] {
        for row in &ROWS {
            // A byte stream: the container states nothing by itself, and the parameter sets come with the pictures.
            let words = format!("{PICTURES} {} {codec} -f mpegts", row.bitstream);
            let (mut track, packets) = clip("row.ts", &words);
            let mut video = track.video.unwrap_or_default();
            (video.stated, video.rotation) = (row.stated, row.rotation);
            track.video = Some(video);
            for backend in backends() {
                let frames = pictures(&*backend, &track, &packets);
                assert_eq!(frames.len(), 25, "{} by {}", row.name, backend.name());
                for frame in frames {
                    // One to one is what nobody need say.
                    let aspect = frame.pixel_aspect.filter(|aspect| *aspect != (1, 1));
                    assert_eq!(
                        (aspect, frame.color, frame.rotation),
                        (row.aspect, row.color, row.rotation),
                        "{} by {}",
                        row.name,
                        backend.name()
                    );
                }
            }
        }
    }
}

#[test]
fn a_box_of_the_container_overrides_the_bitstream() {
    let words = format!("{PICTURES} -vf setsar=4/3 {H264} -aspect 2:1");
    let dir = tempfile::tempdir().unwrap();
    let file = make(dir.path(), "sar.mp4", &words);
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(4).position(|word| word == b"pasp").unwrap();
    bytes[at + 4..at + 12].copy_from_slice(&[0, 0, 0, 64, 0, 0, 0, 45]);
    std::fs::write(&file, bytes).unwrap();
    let (track, packets) = read(&file);
    for backend in backends() {
        let frames = pictures(&*backend, &track, &packets);
        let aspects = frames.iter().map(|frame| frame.pixel_aspect);
        assert_eq!(frames.len(), 25);
        assert!(
            aspects.clone().all(|aspect| aspect == Some((64, 45))),
            "{}",
            backend.name()
        );
    }
}

#[test]
fn a_new_parameter_set_holds_from_its_first_picture_on() {
    for codec in [H264, H265] {
        let part = |sar: &str| {
            let words = format!("{PICTURES} -vf setsar={sar} {codec} -f mpegts");
            clip("part.ts", &words)
        };
        let ((track, mut packets), (_, second)) = (part("4/3"), part("3/2"));
        let later = Time::from_millis(2_000);
        packets.extend(second.into_iter().map(|packet| Packet {
            pts: packet.pts + later,
            dts: packet.dts + later,
            ..packet
        }));
        for backend in backends() {
            let frames = pictures(&*backend, &track, &packets);
            let aspects: Vec<_> = frames.iter().map(|frame| frame.pixel_aspect).collect();
            let expected = [[Some((4, 3)); 25], [Some((3, 2)); 25]].concat();
            assert_eq!(aspects, expected, "{} {codec}", backend.name());
        }
    }
}

/// Access units that hold a delimiter and a message each, before every picture, with its time.
fn with_messages(packets: &[Packet], units: &[&[u8]]) -> Vec<Packet> {
    let mut data = Vec::new();
    for unit in units {
        data.extend(u32::try_from(unit.len()).unwrap().to_be_bytes());
        data.extend(*unit);
    }
    let data = Bytes::from(data);
    packets
        .iter()
        .flat_map(|packet| {
            let mut message = Packet {
                data: data.clone(),
                duration: Time::ZERO,
                ..packet.clone()
            };
            message.flags.key = false;
            [message.clone(), message, packet.clone()]
        })
        .collect()
}

#[test]
fn access_units_without_a_picture_give_none_and_are_no_damage() {
    // user_data_unregistered: a UUID and four bytes.
    let mut payload = vec![5, 20];
    payload.extend([0x5a; 20]);
    payload.push(0x80);
    let avc: [&[u8]; 2] = [&[9, 0xf0], &[&[6][..], &payload].concat()];
    let hevc: [&[u8]; 2] = [&[35 << 1, 1, 0x50], &[&[39 << 1, 1][..], &payload].concat()];
    for (codec, units) in [(H264, avc), (H265, hevc)] {
        let (track, packets) = clip("plain.mp4", &format!("{PICTURES} {codec}"));
        let padded = with_messages(&packets, &units);
        for backend in backends() {
            let times = |packets: &[Packet]| -> Vec<Time> {
                let frames = pictures(&*backend, &track, packets);
                frames.iter().map(|frame| frame.pts).collect()
            };
            assert_eq!(
                times(&padded),
                times(&packets),
                "{} {codec}",
                backend.name()
            );
        }
    }
}

#[test]
fn aac_without_a_configuration_is_taken_for_what_its_sample_entry_says() {
    let (track, packets) = clip("tone.mp4", &format!("{SOUND} -c:a aac -ac 2 -b:a 128k"));
    assert!(!track.config.is_empty());
    let bare = TrackInfo {
        config: Bytes::new(),
        ..track.clone()
    };
    for backend in backends() {
        let expected = sound(&*backend, &track, &packets).unwrap();
        let frames = sound(&*backend, &bare, &packets).unwrap();
        assert_eq!(frames, expected, "{}", backend.name());
        let peak = frames
            .iter()
            .flat_map(|frame| &frame.samples)
            .fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!(peak > 0.05, "{}: {peak}", backend.name());
    }
}

#[test]
fn aac_of_which_nothing_is_known_is_refused_with_its_code() {
    let (track, packets) = clip("tone.mp4", &format!("{SOUND} -c:a aac -b:a 128k"));
    let unknown = TrackInfo {
        config: Bytes::new(),
        audio: Some(AudioParams::default()),
        ..track
    };
    for backend in backends() {
        let refused = sound(&*backend, &unknown, &packets).err();
        assert!(
            matches!(refused, Some(DecodeError::BadConfig { .. })),
            "{}: {refused:?}",
            backend.name()
        );
    }
}
