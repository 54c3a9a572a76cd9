//! Sound files that are built here.

use bytes::Bytes;
use kinora_media::{CodecId, MediaInfo, Mirror, Packet, ProtectionScheme, Rotation, Time, TrackId};

use super::build::{
    TrackSpec, audio, boxed, fast_start, fragment, fragment_before_zero, ftyp, full, init, moov,
    slow_start, video, with_movie_boxes, words_of,
};
use super::make;
use crate::contract::assert_demuxer;
use crate::mp4::Mp4Demuxer;
use crate::{Demuxer, SeekMode, SeekTo, Step};

/// Everything that a file gives, and how many bytes of it were read.
#[derive(Default)]
struct Read {
    infos: Vec<MediaInfo>,
    packets: Vec<Packet>,
    bytes: usize,
    wants: Vec<u64>,
}

impl Read {
    fn of(&self, track: u32) -> Vec<&Packet> {
        let mine = |packet: &&Packet| packet.track == TrackId(track);
        self.packets.iter().filter(mine).collect()
    }
    fn times(&self, track: u32) -> Vec<i64> {
        let packets = self.of(track);
        packets
            .iter()
            .map(|packet| packet.pts.as_millis())
            .collect()
    }
}

fn read_on(demuxer: &mut dyn Demuxer, bytes: &[u8], chunk: usize) -> Read {
    let mut read = Read::default();
    let mut at = 0;
    loop {
        match demuxer.poll().unwrap() {
            Step::Info(info) => read.infos.push((*info).clone()),
            Step::Packet(packet) => read.packets.push(packet),
            Step::End => return read,
            wanting => {
                if let Step::Want(range) = wanting {
                    at = range.start as usize;
                    read.wants.push(range.start);
                }
                let end = (at + chunk).min(bytes.len());
                match at < end {
                    true => demuxer.push(at as u64, Bytes::copy_from_slice(&bytes[at..end])),
                    false => demuxer.finish(),
                }
                read.bytes += end.saturating_sub(at);
                at = end;
            }
        }
    }
}

fn read(bytes: &[u8]) -> Read {
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    read_on(&mut *demuxer, bytes, 4096)
}

#[test]
fn an_index_in_front_gives_packets_in_the_order_of_the_file() {
    let bytes = fast_start(&[video(1, 12), audio(2, 12)]);
    let read = read(&bytes);
    let info = &read.infos[0];
    assert_eq!((info.container, info.seekable), ("mp4", true));
    assert_eq!(info.duration, Some(Time::from_millis(480)));
    let codecs: Vec<_> = info.tracks.iter().map(|track| track.codec).collect();
    assert_eq!(codecs, [CodecId::Vp9, CodecId::Opus]);
    assert_eq!(info.tracks[0].video.unwrap().frame_rate, Some(25.0));
    assert_eq!(info.tracks[0].language.as_deref(), Some("eng"));
    let order: Vec<_> = read.packets.iter().map(|packet| packet.track.0).collect();
    assert_eq!(order, [1, 2].repeat(12));
    assert_eq!(read.times(1), (0..12).map(|n| n * 40).collect::<Vec<_>>());
    let keys: Vec<_> = read.of(1).iter().map(|p| p.flags.key).collect();
    assert_eq!(keys.iter().filter(|key| **key).count(), 3);
    assert_demuxer(make, &bytes);
}

#[test]
fn an_index_at_the_end_is_fetched_before_the_media() {
    for wide in [false, true] {
        let bytes = slow_start(&[video(1, 5)], 2_000_000, wide);
        let read = read(&bytes);
        assert_eq!(read.packets.len(), 5);
        assert!(read.bytes < 20_000, "{} bytes were read", read.bytes);
        assert_eq!(read.wants.len(), 2, "to the index and back");
    }
    assert_demuxer(make, &slow_start(&[video(1, 5), audio(2, 5)], 0, true));
}

#[test]
fn a_payload_shares_the_memory_of_the_chunk_it_came_in() {
    let bytes = Bytes::from(fast_start(&[video(1, 3)]));
    let mut demuxer = make();
    demuxer.push(0, bytes.clone());
    demuxer.finish();
    let range = bytes.as_ptr_range();
    let mut packets = 0;
    loop {
        match demuxer.poll().unwrap() {
            Step::Packet(packet) => {
                assert!(range.contains(&packet.data.as_ptr()));
                packets += 1;
            }
            Step::End => break,
            _ => {}
        }
    }
    assert_eq!(packets, 3);
}

#[test]
fn media_of_unknown_length_reaches_to_the_end() {
    let mut bytes = fast_start(&[video(1, 6)]);
    let at = bytes.windows(4).position(|kind| kind == b"mdat").unwrap();
    bytes[at - 4..at].copy_from_slice(&[0; 4]);
    assert_eq!(read(&bytes).packets.len(), 6);
    bytes[at - 4..at].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    assert_eq!(read(&bytes).packets.len(), 6, "a length past the end");
}

#[test]
fn fragments_keep_their_decode_times() {
    let tracks = [video(1, 20), audio(2, 20)];
    let bytes = [
        init(&tracks),
        fragment(&tracks, 0..10),
        fragment(&tracks, 10..20),
    ]
    .concat();
    let whole = read(&bytes);
    assert_eq!(whole.times(1), (0..20).map(|n| n * 40).collect::<Vec<_>>());
    assert_eq!(whole.of(2).len(), 20);
    assert_demuxer(make, &bytes);
    // As HLS has it: an init segment, then a segment of the middle of the presentation.
    let live = [
        init(&tracks),
        boxed(b"styp", b"msdh"),
        fragment(&tracks, 10..20),
    ]
    .concat();
    assert_eq!(read(&live).times(1)[0], 400);
}

#[test]
fn a_fragment_without_its_init_segment_says_so() {
    let mut demuxer = make();
    demuxer.push(0, fragment(&[video(1, 2)], 0..2).into());
    let error = demuxer.poll().unwrap_err();
    assert_eq!(kinora_errors::Coded::reason(&error), "mp4.moov.missing");
}

#[test]
fn samples_in_the_index_and_in_fragments_make_one_track() {
    let track = video(1, 20);
    let first = TrackSpec {
        samples: track.samples[..10].to_vec(),
        ..track.clone()
    };
    let trex = full(b"trex", 0, &[1, 1, 40, 0, 0]);
    let mut bytes = with_movie_boxes(&[first], &boxed(b"mvex", trex));
    bytes.extend(fragment(&[track], 10..20));
    assert_eq!(
        read(&bytes).times(1),
        (0..20).map(|n| n * 40).collect::<Vec<_>>()
    );
    assert_demuxer(make, &bytes);
}

#[test]
fn an_empty_edit_delays_and_a_cut_start_is_decoded_only() {
    let mut track = video(1, 10);
    track.edits = vec![(100, -1), (320, 80)];
    let read = read(&fast_start(&[track]));
    assert_eq!(read.times(1)[..4], [20, 60, 100, 140]);
    let hidden: Vec<_> = read.of(1).iter().map(|p| p.flags.decode_only).collect();
    assert_eq!(hidden[..4], [true, true, false, false]);
    assert_eq!(read.infos[0].duration, Some(Time::from_millis(420)));
}

#[test]
fn several_edits_play_their_stretches_one_after_the_other() {
    let mut track = video(1, 20);
    // From 400 ms for 200 ms, then from 0 for 80 ms.
    track.edits = vec![(200, 400), (80, 0)];
    let read = read(&fast_start(&[track]));
    let shown: Vec<_> = read
        .of(1)
        .iter()
        .filter(|packet| !packet.flags.decode_only)
        .map(|packet| (packet.pts.as_millis(), packet.data[0]))
        .collect();
    let expected: Vec<(i64, u8)> = vec![
        (0, 11),
        (40, 12),
        (80, 13),
        (120, 14),
        (160, 15),
        (200, 1),
        (240, 2),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn the_duration_reaches_to_the_end_of_the_last_picture() {
    let mut track = video(1, 25);
    track.composition = vec![80; 25];
    track.edits = vec![(1000, 80)];
    let duration = |bytes: &[u8]| read(bytes).infos[0].duration;
    let bytes = fast_start(&[track.clone()]);
    assert_eq!(duration(&bytes), Some(Time::from_millis(1000)));
    track.edits = vec![(600, 80)];
    assert_eq!(
        duration(&fast_start(&[track])),
        Some(Time::from_millis(600))
    );
}

#[test]
fn the_duration_of_the_part_in_the_index_is_not_that_of_the_movie() {
    let trex = boxed(b"mvex", full(b"trex", 0, &[1, 1, 40, 0, 0]));
    let mut head = with_movie_boxes(&[video(1, 10)], &trex);
    let mvhd = head.windows(4).position(|kind| kind == b"mvhd").unwrap();
    head[mvhd + 20..mvhd + 24].copy_from_slice(&400u32.to_be_bytes());
    let bytes = [head, fragment(&[video(1, 20)], 10..20)].concat();
    assert_eq!(read(&bytes).infos[0].duration, None);
}

#[test]
fn negative_composition_offsets_move_decoding_earlier() {
    let mut track = video(1, 4);
    track.composition = vec![0, 40, -40, 0];
    let read = read(&fast_start(&[track]));
    assert_eq!(read.times(1), [0, 80, 40, 120]);
    for packet in &read.packets {
        assert!(packet.dts <= packet.pts, "{packet:?}");
    }
}

#[test]
fn rotation_title_and_encryption_are_reported() {
    let mut track = video(1, 2);
    track.matrix = [0, 0x10000, -0x10000, 0];
    let frma = boxed(b"sinf", boxed(b"frma", b"vp09"));
    track.entry = boxed(b"encv", [&track.entry[8..], &frma].concat());
    let data = boxed(b"data", [&words_of(&[1, 0])[..], b"A title"].concat());
    let ilst = boxed(b"ilst", boxed(b"\xa9nam", data));
    let meta = boxed(b"meta", [words_of(&[0]), ilst].concat());
    let read = read(&with_movie_boxes(&[track], &boxed(b"udta", meta)));
    let info = &read.infos[0];
    assert_eq!(info.title.as_deref(), Some("A title"));
    let scheme = info.tracks[0].protection.as_ref().map(|known| known.scheme);
    assert_eq!(scheme, Some(ProtectionScheme::Other(*b"encv")));
    assert_eq!(info.tracks[0].codec, CodecId::Vp9);
    assert_eq!(info.tracks[0].video.unwrap().rotation, Rotation::Cw90);
}

#[test]
fn a_matrix_turns_and_mirrors() {
    const ONE: i32 = 0x10000;
    for (matrix, rotation, mirror) in [
        ([ONE, 0, 0, ONE], Rotation::None, Mirror::None),
        ([-ONE, 0, 0, ONE], Rotation::None, Mirror::Horizontal),
        ([ONE, 0, 0, -ONE], Rotation::None, Mirror::Vertical),
        ([-ONE, 0, 0, -ONE], Rotation::Cw180, Mirror::None),
        ([0, -ONE, ONE, 0], Rotation::Cw270, Mirror::None),
        ([0, ONE, ONE, 0], Rotation::Cw90, Mirror::Horizontal),
        ([0, -ONE, -ONE, 0], Rotation::Cw270, Mirror::Horizontal),
        // A slant is no quarter turn.
        ([ONE, ONE, -ONE, ONE], Rotation::None, Mirror::None),
    ] {
        let mut track = video(1, 2);
        track.matrix = matrix;
        let read = read(&fast_start(&[track]));
        let video = read.infos[0].tracks[0].video.unwrap();
        assert_eq!(
            (video.rotation, video.mirror),
            (rotation, mirror),
            "{matrix:?}"
        );
    }
}

#[test]
fn a_seek_arrives_at_the_key_frame_before_or_nearest() {
    let bytes = fast_start(&[video(1, 20), audio(2, 20)]);
    for (ms, mode, arrival) in [
        (390, SeekMode::Before, 200),
        (390, SeekMode::Nearest, 400),
        (210, SeekMode::Nearest, 200),
        (400, SeekMode::Before, 400),
        (-5, SeekMode::Before, 0),
        (9_000, SeekMode::Before, 600),
    ] {
        let mut demuxer = make();
        demuxer.set_len(bytes.len() as u64);
        read_on(&mut *demuxer, &bytes, 4096);
        let time = Time::from_millis(ms);
        demuxer.seek(SeekTo { time, mode }).unwrap();
        let read = read_on(&mut *demuxer, &bytes, 4096);
        assert_eq!(read.times(1)[0], arrival, "{ms} {mode:?}");
        assert_eq!(read.times(2)[0], arrival, "{ms} {mode:?}");
    }
}

#[test]
fn key_frames_of_open_groups_are_key_frames() {
    let mut track = video(1, 30);
    track.keys = Some(vec![1, 21]);
    let plain = fast_start(&[track.clone()]);
    let keys_of = |bytes: &[u8]| -> Vec<i64> {
        let packets = read(bytes).packets;
        let keys = packets.iter().filter(|packet| packet.flags.key);
        keys.map(|packet| packet.pts.as_millis()).collect()
    };
    assert_eq!(keys_of(&plain), [0, 800]);
    track.more_tables = full(b"stps", 0, &[2, 11, 26]);
    let open = fast_start(&[track]);
    assert_eq!(keys_of(&open), [0, 400, 800, 1000]);
    assert_eq!(times_behind_a_seek(&open, 790, 1)[0], 400);
}

#[test]
fn a_table_of_key_frames_without_entries_is_as_none() {
    let mut track = video(1, 30);
    track.keys = Some(vec![]);
    let packets = read(&fast_start(&[track])).packets;
    assert_eq!(packets.iter().filter(|packet| packet.flags.key).count(), 30);
}

#[test]
fn a_seek_in_fragments_enters_one_in_its_middle() {
    let tracks = [video(1, 40), audio(2, 40)];
    let fragments: Vec<u8> = (0..4)
        .flat_map(|n| fragment(&tracks, n * 10..n * 10 + 10))
        .collect();
    let bytes = [init(&tracks), fragments].concat();
    for already_read in [false, true] {
        let mut demuxer = make();
        demuxer.set_len(bytes.len() as u64);
        match already_read {
            true => drop(read_on(&mut *demuxer, &bytes, 256)),
            false => {
                demuxer.push(0, Bytes::copy_from_slice(&bytes[..1200]));
                while !matches!(demuxer.poll().unwrap(), Step::Packet(_)) {}
            }
        }
        let time = Time::from_millis(1030);
        let mode = SeekMode::Before;
        demuxer.seek(SeekTo { time, mode }).unwrap();
        let read = read_on(&mut *demuxer, &bytes, 256);
        assert_eq!((read.times(1)[0], read.times(1).len()), (1000, 15));
        assert_eq!((read.times(2)[0], read.times(2).len()), (1000, 15));
    }
}

/// Packets of a track behind a seek, sorted by time.
fn times_behind_a_seek(bytes: &[u8], ms: i64, track: u32) -> Vec<i64> {
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    read_on(&mut *demuxer, bytes, 256);
    let time = Time::from_millis(ms);
    let mode = SeekMode::Before;
    demuxer.seek(SeekTo { time, mode }).unwrap();
    let mut times = read_on(&mut *demuxer, bytes, 256).times(track);
    times.sort_unstable();
    times
}

#[test]
fn a_seek_in_fragments_finds_the_key_frame_in_an_earlier_one() {
    let tracks = [video(1, 40), audio(2, 40)];
    let fragments: Vec<u8> = (0..20)
        .flat_map(|n| fragment(&tracks, n * 2..n * 2 + 2))
        .collect();
    let bytes = [init(&tracks), fragments].concat();
    // Every fifth picture is a key frame: no fragment but the sixth has the one for 1160 ms.
    for (ms, arrival) in [(0, 0), (170, 0), (330, 200), (1160, 1000), (1199, 1000)] {
        assert_eq!(times_behind_a_seek(&bytes, ms, 1)[0], arrival, "{ms}");
        assert_eq!(times_behind_a_seek(&bytes, ms, 2)[0], arrival, "{ms}");
    }
}

#[test]
fn a_seek_goes_by_when_the_key_frames_of_fragments_are_presented() {
    let mut track = video(1, 40);
    track.composition = vec![80; 40];
    let fragments: Vec<u8> = (0..8)
        .flat_map(|n| fragment(&[track.clone()], n * 5..n * 5 + 5))
        .collect();
    let bytes = [init(&[track]), fragments].concat();
    for (ms, arrival) in [(0, 80), (200, 80), (279, 80), (280, 280)] {
        assert_eq!(times_behind_a_seek(&bytes, ms, 1)[0], arrival, "{ms}");
    }
}

#[test]
fn a_seek_just_behind_the_index_goes_back_into_it() {
    let mut track = video(1, 10);
    track.composition = vec![80; 10];
    let mut later = video(1, 20);
    later.composition = vec![80; 20];
    let trex = boxed(b"mvex", full(b"trex", 0, &[1, 1, 40, 0, 0]));
    let bytes = [
        with_movie_boxes(&[track], &trex),
        fragment(&[later], 10..20),
    ]
    .concat();
    assert_eq!(times_behind_a_seek(&bytes, 440, 1)[0], 280);
    assert_eq!(times_behind_a_seek(&bytes, 480, 1)[0], 480);
}

#[test]
fn fragments_without_decode_time_are_counted_from_the_first_on() {
    let mut bytes = with_index_at_end();
    for at in 0..bytes.len() - 4 {
        if bytes[at..].starts_with(b"tfdt") {
            bytes[at..at + 4].copy_from_slice(b"free");
        }
    }
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(&bytes[..1200]));
    while !matches!(demuxer.poll().unwrap(), Step::Info(_)) {}
    let time = Time::from_millis(1210);
    let mode = SeekMode::Before;
    demuxer.seek(SeekTo { time, mode }).unwrap();
    let read = read_on(&mut *demuxer, &bytes, 4096);
    assert_eq!((read.times(1)[0], read.times(1).len()), (1200, 10));
}

#[test]
fn a_fragment_that_begins_before_zero_is_a_little_early_not_endlessly_late() {
    let track = [video(1, 40)];
    let bytes = [
        init(&track),
        fragment_before_zero(&track, 0..10, 20),
        fragment_before_zero(&track, 10..20, 20),
    ]
    .concat();
    let read = read(&bytes);
    let first = read.times(1)[0];
    let since: Vec<i64> = read.times(1).iter().map(|time| time - first).collect();
    assert_eq!(since, (0..20).map(|n| n * 40).collect::<Vec<i64>>());
    assert!((-40..=0).contains(&first), "{first}");
}

#[test]
fn a_segment_index_leads_a_seek_straight_to_its_fragment() {
    let track = [video(1, 40)];
    let mut tail = Vec::new();
    let mut sidx = vec![1, 1000, 0, 0, 4];
    for n in 0..4 {
        let mut segment = fragment(&track, n * 10..n * 10 + 10);
        segment.extend(boxed(b"free", vec![0; 400_000]));
        sidx.extend([segment.len() as u32, 400, 0x9000_0000]);
        tail.extend(segment);
    }
    let bytes = [init(&track), full(b"sidx", 0, &sidx), tail].concat();
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(&bytes[..2000]));
    let Step::Info(info) = demuxer.poll().unwrap() else {
        panic!("the headers come first");
    };
    assert_eq!(
        (info.seekable, info.duration),
        (true, Some(Time::from_millis(1600)))
    );
    let time = Time::from_millis(1410);
    demuxer
        .seek(SeekTo {
            time,
            mode: SeekMode::Before,
        })
        .unwrap();
    let read = read_on(&mut *demuxer, &bytes, 4096);
    assert_eq!(read.times(1)[0], 1400);
    assert!(read.bytes < 30_000, "{} bytes were read", read.bytes);
}

#[test]
fn an_index_of_one_segment_does_not_give_the_duration_of_all() {
    let track = [video(1, 40)];
    let segments = (0..4).map(|n| {
        let segment = fragment(&track, n * 10..n * 10 + 10);
        let len = segment.len() as u32;
        let sidx = vec![1, 1000, n as u32 * 400, 0, 1, len, 400, 0x9000_0000];
        [full(b"sidx", 0, &sidx), segment].concat()
    });
    let bytes = [init(&track), segments.flatten().collect()].concat();
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    let read = read_on(&mut *demuxer, &bytes, 512);
    assert_eq!(read.infos[0].duration, None);
    assert_eq!(read.times(1).len(), 40);
    assert_eq!(times_behind_a_seek(&bytes, 1250, 1)[0], 1200);
}

#[test]
fn tracks_that_lie_far_apart_are_given_in_the_order_of_time() {
    // All pictures first, then all sound, three seconds of each.
    let (mut pictures, sound) = (video(1, 75), audio(2, 75));
    pictures.samples = (0..75).map(|n| vec![n + 1; 40_000]).collect();
    let tracks = [pictures, sound];
    let index = fast_start(&tracks).len()
        - tracks
            .iter()
            .map(|t| t.samples.concat().len())
            .sum::<usize>();
    let place = |track: &TrackSpec, start: usize| -> Vec<u32> {
        let ends = track.samples.iter().scan(start, |at, sample| {
            let begin = *at;
            *at += sample.len();
            Some(begin as u32)
        });
        ends.collect()
    };
    let video_len = tracks[0].samples.concat().len();
    let offsets = [
        place(&tracks[0], index),
        place(&tracks[1], index + video_len),
    ];
    let data = [tracks[0].samples.concat(), tracks[1].samples.concat()].concat();
    let bytes = [ftyp(), moov(&tracks, &offsets, &[]), boxed(b"mdat", data)].concat();
    let read = read(&bytes);
    assert_eq!((read.of(1).len(), read.of(2).len()), (75, 75));
    let mut seen = [Time::ZERO; 3];
    for packet in &read.packets {
        seen[packet.track.0 as usize] = packet.dts;
        let skew = (seen[1] - seen[2]).abs();
        assert!(skew <= Time::from_millis(1100), "tracks run {skew:?} apart");
    }
    assert!(
        read.bytes < bytes.len() * 2,
        "{} bytes were read",
        read.bytes
    );
}

#[test]
fn pcm_comes_in_packets_of_many_samples() {
    let mut track = audio(1, 0);
    track.timescale = 48_000;
    track.delta = 1;
    track.samples = vec![vec![1, 2, 3, 4]; 6000];
    track.entry[4..8].copy_from_slice(b"sowt");
    // All samples alike, in one chunk.
    let index = |at| {
        let mut index = [ftyp(), moov(&[track.clone()], &[vec![at]], &[])].concat();
        for (kind, offset, value) in [(b"stsc", 12, 6000u32), (b"stsz", 4, 4)] {
            let at = index.windows(4).position(|window| window == kind).unwrap() + 4 + offset;
            index[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        index
    };
    let at = index(0).len() as u32 + 8;
    let bytes = [index(at), boxed(b"mdat", track.samples.concat())].concat();
    let read = read(&bytes);
    let sizes: Vec<_> = read.packets.iter().map(|p| p.data.len()).collect();
    assert_eq!(sizes, [8192, 8192, 7616]);
    assert_eq!(read.packets[1].pts.as_micros(), 42_667);
    let config = &read.infos[0].tracks[0].config;
    assert_eq!(config[..], [1, 16], "little endian, 16 bits");
    assert_demuxer(make, &bytes);
}

#[test]
fn segments_are_read_in_one_order_however_far_their_boxes_reach() {
    let tracks = [video(1, 20), audio(2, 20)];
    let bytes = [
        init(&tracks),
        fragment(&tracks, 0..10),
        boxed(b"free", vec![0; 600_000]),
        init(&tracks),
        fragment(&tracks, 10..20),
    ]
    .concat();
    let mut demuxer = Mp4Demuxer::for_segments();
    let read = read_on(&mut demuxer, &bytes, 4096);
    assert_eq!(read.times(1), (0..20).map(|n| n * 40).collect::<Vec<_>>());
    assert!(read.wants.is_empty());
    assert_eq!(read.infos.len(), 1, "the second init segment says the same");
    let time = Time::ZERO;
    let sought = demuxer.seek(SeekTo {
        time,
        mode: SeekMode::Before,
    });
    assert!(sought.is_err(), "who has segments seeks by their list");
}

#[test]
fn an_init_segment_holds_for_the_segments_behind_it() {
    let tracks = [video(1, 30), audio(2, 30)];
    let first = [init(&tracks), fragment(&tracks, 0..10)].concat();
    let mut demuxer = Mp4Demuxer::for_segments();
    let mut times = read_on(&mut demuxer, &first, 4096).times(1);
    for part in [10..20, 20..30] {
        assert!(demuxer.next_resource());
        let read = read_on(&mut demuxer, &fragment(&tracks, part), 100);
        assert!(read.infos.is_empty() && read.wants.is_empty());
        times.extend(read.times(1));
    }
    assert_eq!(times, (0..30).map(|n| n * 40).collect::<Vec<_>>());
    assert_eq!(demuxer.damage(), 0);
    // Another one may come with any of them.
    let sound = [audio(2, 40)];
    assert!(demuxer.next_resource());
    let last = [init(&sound), fragment(&sound, 30..40)].concat();
    let read = read_on(&mut demuxer, &last, 4096);
    assert_eq!((read.infos.len(), read.packets.len()), (1, 10));
    assert!(!Mp4Demuxer::new().next_resource(), "a file stands alone");
}

#[test]
fn another_sample_entry_is_reported_before_its_first_packet() {
    let mut track = video(1, 6);
    let mut smaller = track.entry.clone();
    smaller[8 + 24..8 + 28].copy_from_slice(&[1, 0x40, 0, 0xb4]);
    track.entry.extend(smaller);
    let mut bytes = fast_start(&[track]);
    let at = bytes.windows(4).position(|kind| kind == b"stsd").unwrap() + 11;
    bytes[at] = 2;
    // The last three chunks are of the second entry.
    let at = bytes.windows(4).position(|kind| kind == b"stsc").unwrap() - 4;
    let stsc = full(b"stsc", 0, &[2, 1, 1, 1, 4, 1, 2]);
    let grown = stsc.len() as u32 - 28;
    bytes.splice(at..at + 28, stsc);
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl"] {
        let at = bytes.windows(4).position(|window| window == kind).unwrap() - 4;
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) + grown;
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    let at = bytes.windows(4).position(|kind| kind == b"stco").unwrap() + 12;
    for n in 0..6 {
        let place = at + n * 4;
        let offset = u32::from_be_bytes(bytes[place..place + 4].try_into().unwrap()) + grown;
        bytes[place..place + 4].copy_from_slice(&offset.to_be_bytes());
    }
    let read = read(&bytes);
    let widths: Vec<_> = read
        .infos
        .iter()
        .map(|info| info.tracks[0].video.unwrap().width)
        .collect();
    assert_eq!(widths, [640, 320]);
    assert_eq!(read.packets[3].data[0], 4);
    assert_eq!(read.packets.len(), 6);
}

/// A file of four fragments far apart, with its index of them at the end.
pub(super) fn with_index_at_end() -> Vec<u8> {
    let track = [video(1, 40)];
    let mut bytes = init(&track);
    let mut tfra = vec![1, 0, 4];
    let mut entries = Vec::new();
    for n in 0..4u32 {
        entries.extend(words_of(&[n * 400, bytes.len() as u32]));
        entries.extend([1, 1, 1]);
        let n = n as usize;
        bytes.extend(fragment(&track, n * 10..n * 10 + 10));
        bytes.extend(boxed(b"free", vec![0; 400_000]));
    }
    let tfra = [
        words_of(&[0]),
        words_of(&std::mem::take(&mut tfra)),
        entries,
    ]
    .concat();
    let tfra = boxed(b"tfra", tfra);
    let mfro = full(b"mfro", 0, &[tfra.len() as u32 + 24]);
    bytes.extend(boxed(b"mfra", [tfra, mfro].concat()));
    bytes
}

#[test]
fn the_index_at_the_end_leads_a_seek_and_gives_the_duration() {
    let bytes = with_index_at_end();
    assert_demuxer(make, &bytes);
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(&bytes[..1200]));
    while !matches!(demuxer.poll().unwrap(), Step::Packet(_)) {}
    let time = Time::from_millis(1410);
    demuxer
        .seek(SeekTo {
            time,
            mode: SeekMode::Before,
        })
        .unwrap();
    let sought = read_on(&mut *demuxer, &bytes, 4096);
    assert_eq!(sought.times(1)[0], 1400);
    assert!(sought.bytes < 20_000, "{} bytes were read", sought.bytes);
    assert_eq!(sought.infos[0].duration, Some(Time::from_millis(1600)));
}

#[test]
fn the_duration_is_looked_for_on_demand_and_no_packet_is_lost() {
    let bytes = with_index_at_end();
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(&bytes[..1200]));
    while !matches!(demuxer.poll().unwrap(), Step::Packet(_)) {}
    assert!(demuxer.find_duration());
    let read = read_on(&mut *demuxer, &bytes, 4096);
    assert_eq!(read.infos[0].duration, Some(Time::from_millis(1600)));
    assert_eq!(read.times(1), (1..40).map(|n| n * 40).collect::<Vec<_>>());
    assert!(!demuxer.find_duration(), "it is known");
}
