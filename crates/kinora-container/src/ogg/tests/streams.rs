use super::*;

#[test]
fn opus_skips_what_precedes_it_and_is_cut_at_its_end() {
    let steps = demux(&opus_file(1, 2));
    let info = infos(&steps)[0];
    assert_eq!(info.title.as_deref(), Some("A tone"));
    let track = &info.tracks[0];
    assert_eq!(track.codec, CodecId::Opus);
    assert!(track.config.starts_with(b"OpusHead"));
    let audio = track.audio.unwrap();
    assert_eq!(
        (audio.sample_rate, audio.channels, audio.encoder_delay),
        (48_000, 2, 312)
    );
    let packets = packets(&steps);
    assert_eq!(packets.len(), 100);
    assert_eq!(packets[0].pts, Time::from_micros(-6500));
    assert_eq!(packets[1].pts, Time::from_micros(13_500));
    assert!(
        packets
            .iter()
            .all(|packet| packet.flags.key && !packet.flags.decode_only)
    );
    let last = packets[99];
    assert_eq!(last.duration.as_micros(), 460 * 1_000_000 / 48_000);
    assert_eq!(last.data, opus(99));
}

#[test]
fn packets_that_are_cut_off_whole_are_decoded_only() {
    let mut muxer = Muxer::new(1);
    muxer.opus_headers(2000, &[]);
    let packets_of = |from: u32| -> Vec<Vec<u8>> { (from..from + 4).map(opus).collect() };
    muxer.page(0, 3840, &packets_of(0));
    muxer.page(ENDS, 5000, &packets_of(4));
    let steps = demux(&muxer.bytes);
    let only: Vec<bool> = packets(&steps)
        .iter()
        .map(|packet| packet.flags.decode_only)
        .collect();
    assert_eq!(only, [true, true, false, false, false, false, true, true]);
}

#[test]
fn a_stream_that_was_joined_late_begins_at_zero() {
    let mut muxer = Muxer::new(1);
    muxer.opus_headers(0, &[]);
    muxer.page(0, 9_000_000, &[opus(1), opus(2)]);
    muxer.page(0, 9_001_920, &[opus(3), opus(4)]);
    assert_eq!(ms(&packets(&demux(&muxer.bytes))), [0, 20, 40, 60]);
}

#[test]
fn a_file_of_one_page_may_be_cut_short() {
    let mut muxer = Muxer::new(1);
    muxer.opus_headers(0, &[]);
    muxer.page(ENDS, 1000, &[opus(1), opus(2)]);
    let steps = demux(&muxer.bytes);
    let packets = packets(&steps);
    assert_eq!(ms(&packets), [0, 20]);
    assert_eq!(packets[1].duration.as_micros(), 40 * 1_000_000 / 48_000);
}

#[test]
fn vorbis_is_timed_by_the_blocks_of_its_modes() {
    let steps = demux(&vorbis(3));
    let track = &infos(&steps)[0].tracks[0];
    assert_eq!(
        (track.codec, track.audio.unwrap().channels),
        (CodecId::Vorbis, 2)
    );
    // Three headers with Xiph lacing.
    assert_eq!((track.config[0], track.config[1]), (2, 30));
    let packets = packets(&steps);
    // The first one completes nothing.
    assert_eq!(
        (packets[0].duration, packets[1].pts),
        (Time::ZERO, Time::ZERO)
    );
    for pair in packets.windows(2) {
        let gap = pair[1].pts - (pair[0].pts + pair[0].duration);
        assert!(gap.abs() < Time::from_micros(2), "{:?}", pair[1].pts);
    }
    let last = packets.last().unwrap();
    assert!((last.pts + last.duration - Time::from_millis(3000)).abs() < Time::from_micros(30));
}

#[test]
fn flac_is_described_by_its_streaminfo() {
    let steps = demux(&flac(2));
    let track = &infos(&steps)[0].tracks[0];
    assert_eq!((track.codec, track.config.len()), (CodecId::Flac, 34));
    assert_eq!(track.audio.unwrap().bits_per_sample, Some(16));
    let packets = packets(&steps);
    let last = packets.last().unwrap();
    assert_eq!((last.pts + last.duration).as_millis(), 2000);
}

#[test]
fn theora_has_key_frames_and_goes_beside_vorbis() {
    let steps = demux(&theora(2));
    let [video, audio] = &infos(&steps)[0].tracks[..] else {
        panic!("two tracks")
    };
    assert_eq!(
        (video.codec, audio.codec),
        (CodecId::Theora, CodecId::Vorbis)
    );
    let shape = video.video.unwrap();
    assert_eq!(
        (shape.width, shape.height, shape.frame_rate),
        (64, 48, Some(25.0))
    );
    let mut pictures = packets(&steps);
    pictures.retain(|packet| packet.track == video.id);
    assert_eq!(pictures.len(), 50);
    let keys: Vec<usize> = (0..50).filter(|index| pictures[*index].flags.key).collect();
    assert_eq!(keys, [0, 20, 40]);
    assert_eq!(ms(&pictures[..3]), [0, 40, 80]);
}

#[test]
fn speex_is_named_and_timed() {
    let mut head = b"Speex   1.2".to_vec();
    head.resize(28, 0);
    for field in [1u32, 80, 16_000, 1, 4, 1, 0, 320, 0, 1, 0, 0, 0] {
        head.extend(field.to_le_bytes());
    }
    let mut muxer = Muxer::new(1);
    muxer.page(BEGINS, 0, &[head]);
    muxer.page(0, 0, &[comments(&["TITLE=Speech"])]);
    muxer.page(0, 640, &[vec![1; 20], vec![2; 20]]);
    let steps = demux(&muxer.bytes);
    assert_eq!(infos(&steps)[0].tracks[0].codec, CodecId::Speex);
    assert_eq!(infos(&steps)[0].title.as_deref(), Some("Speech"));
    assert_eq!(ms(&packets(&steps)), [0, 20]);
}

#[test]
fn a_title_before_a_large_picture_is_read_and_the_picture_is_not_kept() {
    let picture = format!("METADATA_BLOCK_PICTURE={}", "A".repeat(3_000_000));
    let mut muxer = Muxer::new(1);
    muxer.opus_headers(0, &["artist=Someone", "TITLE=Something", &picture]);
    muxer.page(0, 960, &[opus(1)]);
    let steps = demux(&muxer.bytes);
    assert_eq!(infos(&steps)[0].title.as_deref(), Some("Something"));
    assert_eq!(packets(&steps).len(), 1);
}

#[test]
fn time_goes_on_from_one_chained_stream_to_the_next() {
    let bytes = [opus_file(1, 1), flac(1), opus_file(1, 1)].concat();
    let steps = demux(&bytes);
    let codecs: Vec<CodecId> = infos(&steps)
        .iter()
        .map(|info| info.tracks[0].codec)
        .collect();
    assert_eq!(codecs, [CodecId::Opus, CodecId::Flac, CodecId::Opus]);
    // 312 samples are skipped at the start, 500 at the end.
    let one = Time::from_nanos(1_000_000_000 - 812 * 1_000_000_000 / 48_000);
    let packets = packets(&steps);
    let second = packets[50];
    assert!(
        (second.pts - one).abs() < Time::from_micros(2),
        "{:?}",
        second.pts
    );
    let third = packets.len() - 50;
    let begins = one + Time::from_millis(1000) - Time::from_micros(6500);
    assert!((packets[third].pts - begins).abs() < Time::from_micros(2));
}

#[test]
fn headers_that_come_twice_are_one_stream() {
    let mut once = Muxer::new(1);
    once.opus_headers(0, &[]);
    let mut twice = Muxer::new(1);
    twice.opus_headers(0, &[]);
    twice.page(0, 960, &[opus(1)]);
    let bytes = [once.bytes, twice.bytes].concat();
    let mut demuxer = OggDemuxer::new();
    let steps = steps(&mut demuxer, &bytes, 99).unwrap();
    assert_eq!((infos(&steps).len(), packets(&steps).len()), (1, 1));
    assert_eq!(demuxer.damage(), 0);
}

#[test]
fn streams_of_other_kinds_are_passed_over() {
    let mut skeleton = Muxer::new(9);
    skeleton.page(BEGINS, 0, &[b"fishead\0\x03\0\0\0".to_vec()]);
    let opus = opus_file(1, 1);
    let first = 28 + 19;
    let bytes = [&skeleton.bytes, &opus[..]].concat();
    assert_eq!(infos(&demux(&bytes))[0].tracks.len(), 1);
    // Beside one another, in either order.
    let bytes = [&opus[..first], &skeleton.bytes, &opus[first..]].concat();
    assert_eq!(packets(&demux(&bytes)).len(), 50);
    assert_eq!(run(&skeleton.bytes, 99), Err(DemuxError::NoTracks));
    assert!(matches!(
        run(&opus[..first], 99),
        Err(DemuxError::TruncatedHeader { .. })
    ));
}

#[test]
fn a_packet_over_pages_is_put_together() {
    let mut muxer = Muxer::new(1);
    muxer.opus_headers(0, &[]);
    let long = [vec![0xfc], vec![7; 120_000]].concat();
    muxer.page(0, 960, &[opus(1)]);
    muxer.spread(1920, &long);
    muxer.page(ENDS, 2880, &[opus(2)]);
    let steps = demux(&muxer.bytes);
    let packets = packets(&steps);
    assert_eq!(ms(&packets), [0, 20, 40]);
    assert_eq!(packets[1].data, long);
}
