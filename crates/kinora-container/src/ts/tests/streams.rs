use kinora_media::{Program, ProgramStream, ProtectionScheme, TrackId, TrackInfo};

use super::*;

const VIDEO_ONLY: &[(u8, u16, &[u8])] = &[(0x1b, VIDEO, &[])];

#[test]
fn the_tracks_are_described_and_packets_are_access_units() {
    let steps = demux(&film(2, 90_000, 400).bytes);
    let info = infos(&steps)[0];
    let [video, audio] = &info.tracks[..] else {
        panic!("two tracks")
    };
    assert_eq!((video.codec, audio.codec), (CodecId::H264, CodecId::Aac));
    let size = video.video.map(|video| (video.width, video.height));
    assert_eq!(size, Some((320, 180)));
    assert_eq!(video.codec_string.as_deref(), Some("avc1.4d400d"));
    assert_eq!(audio.config[..], [0x12, 0x10]);
    assert_eq!(audio.audio.map(|audio| audio.sample_rate), Some(44_100));
    let pictures = packets(&steps, VIDEO);
    assert_eq!(pictures.len(), 50);
    assert_eq!(pictures[0].data[..], picture(true, 0, 1600)[..]);
    assert_eq!(pictures[7].data[..], picture(false, 7, 400)[..]);
    let keys: Vec<usize> = (0..50).filter(|at| pictures[*at].flags.key).collect();
    assert_eq!(keys, [0, 25]);
    let sound = packets(&steps, AUDIO);
    assert_eq!(sound[0].data[..], [0; 60]);
    assert_eq!(sound[1].data[..], [0xff; 70]);
}

#[test]
fn the_tracks_are_reported_as_soon_as_they_are_known() {
    let bytes = film(10, 0, 400).bytes;
    let mut demuxer = TsDemuxer::default();
    let mut at = 0;
    while !matches!(demuxer.poll().unwrap(), Step::Info(_)) {
        demuxer.push(at as u64, Bytes::copy_from_slice(&bytes[at..at + 188]));
        at += 188;
    }
    // The second picture proves the first whole; the parameters are known before.
    assert!(at <= 188 * 20, "{at}");
}

#[test]
fn several_access_units_in_a_pes_packet_are_split() {
    let mut muxer = Muxer::with_streams(VIDEO_ONLY);
    let units = [
        picture(true, 0, 300),
        picture(false, 1, 90),
        picture(false, 2, 90),
    ];
    muxer.pes(VIDEO, Some(9000), None, &units.concat());
    muxer.pes(VIDEO, Some(9000 + 9000), None, &picture(false, 3, 50));
    let steps = demux(&muxer.bytes);
    let pictures = packets(&steps, VIDEO);
    let data: Vec<&[u8]> = pictures.iter().map(|packet| &packet.data[..]).collect();
    assert_eq!(
        data,
        [&units[0][..], &units[1], &units[2], &picture(false, 3, 50)]
    );
    // Without times of their own they follow at the frame rate.
    assert_eq!(ms(&pictures), [0, 33, 67, 100]);
}

#[test]
fn an_access_unit_may_span_pes_packets() {
    let mut muxer = Muxer::with_streams(VIDEO_ONLY);
    let unit = picture(true, 0, 5000);
    muxer.pes(VIDEO, Some(9000), None, &unit[..2000]);
    muxer.pes(VIDEO, None, None, &unit[2000..4000]);
    muxer.pes(
        VIDEO,
        Some(12_600),
        None,
        &[&unit[4000..], &picture(false, 1, 50)[..]].concat(),
    );
    let steps = demux(&muxer.bytes);
    let pictures = packets(&steps, VIDEO);
    assert_eq!(pictures.len(), 2);
    assert_eq!(pictures[0].data[..], unit[..]);
    assert_eq!(ms(&pictures), [0, 40]);
}

#[test]
fn without_delimiters_slice_headers_separate_pictures() {
    let mut muxer = Muxer::with_streams(VIDEO_ONLY);
    let first = [
        parameter_sets(),
        slice(true, 0, 0, 200),
        slice(true, 0, 120, 200),
    ]
    .concat();
    let second = [slice(false, 1, 0, 99), slice(false, 1, 120, 99)].concat();
    let third = [slice(false, 2, 0, 99), slice(false, 2, 120, 99)].concat();
    muxer.pes(VIDEO, Some(0), None, &first);
    muxer.pes(VIDEO, Some(3600), None, &second);
    muxer.pes(VIDEO, Some(7200), None, &third);
    let steps = demux(&muxer.bytes);
    let data: Vec<&[u8]> = (packets(&steps, VIDEO).iter())
        .map(|packet| &packet.data[..])
        .collect();
    assert_eq!(data, [&first[..], &second, &third]);
}

#[test]
fn a_recovery_point_and_a_random_access_indicator_make_key_frames() {
    let mut muxer = Muxer::with_streams(VIDEO_ONLY);
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 50));
    let recovery = [
        &AUD[..],
        &[0, 0, 1, 6, 6, 1, 0xc4, 0x80],
        &slice(false, 1, 0, 50),
    ]
    .concat();
    muxer.pes(VIDEO, Some(3600), None, &recovery);
    let marked = pes(VIDEO, Some(7200), None, &picture(false, 2, 50), true);
    muxer.unit(VIDEO, &marked, true);
    muxer.pes(VIDEO, Some(10_800), None, &picture(false, 3, 50));
    let steps = demux(&muxer.bytes);
    let keys: Vec<bool> = (packets(&steps, VIDEO).iter())
        .map(|packet| packet.flags.key)
        .collect();
    assert_eq!(keys, [true, true, true, false]);
}

#[test]
fn an_audio_frame_that_spans_pes_packets_keeps_its_time() {
    let mut muxer = Muxer::with_streams(&[(0x0f, AUDIO, &[])]);
    let frames: Vec<Vec<u8>> = (0..6u8).map(|n| adts(&[n; 100])).collect();
    let bytes = frames.concat();
    // The second packet begins within the third frame: its time is that of the fourth.
    muxer.pes(AUDIO, Some(90_000), None, &bytes[..250]);
    muxer.pes(AUDIO, Some(90_000 + 6270), None, &bytes[250..]);
    let steps = demux(&muxer.bytes);
    let sound = packets(&steps, AUDIO);
    let step = 1024 * 1_000_000 / 44_100;
    let expected = [0, step, 2 * step, 69_667, 69_667 + step, 69_667 + 2 * step];
    for (packet, expected) in sound.iter().zip(expected) {
        assert!((packet.pts.as_micros() - expected).abs() <= 2, "{packet:?}");
    }
    assert_eq!(sound.len(), 6);
    assert_eq!(sound[2].data[..], [2; 100]);
}

#[test]
fn data_tracks_are_not_waited_for_and_get_their_time() {
    let mut muxer = Muxer::with_streams(&[
        (0x1b, VIDEO, &[]),
        (0x15, DATA, &[]),
        (0x86, 0x103, &[5, 4, b'C', b'U', b'E', b'I']),
    ]);
    // Before the timeline begins, and later.
    muxer.pes(DATA, Some(93_600), None, b"ID3 early");
    muxer.pes(VIDEO, Some(90_000), None, &picture(true, 0, 50));
    muxer.pes(VIDEO, Some(93_600), None, &picture(false, 1, 50));
    let cue = table(0xfc, 0, 0, &[7; 300]);
    muxer.section(0x103, &cue);
    muxer.pes(DATA, Some(97_200), None, &[3; 400]);
    let steps = demux(&muxer.bytes);
    assert!(matches!(steps[0], Step::Info(_)));
    let codecs: Vec<CodecId> = infos(&steps)[0].tracks.iter().map(|t| t.codec).collect();
    assert_eq!(codecs, [CodecId::H264, CodecId::Id3, CodecId::Scte35]);
    assert_eq!(ms(&packets(&steps, DATA)), [40, 80]);
    assert_eq!(packets(&steps, DATA)[0].data[..], *b"ID3 early");
    let cues = packets(&steps, 0x103);
    assert_eq!(cues[0].data[..], cue[..]);
    assert_eq!(ms(&cues), [40]);
}

#[test]
fn the_first_program_with_audio_or_video_is_played() {
    let mut muxer = Muxer::new();
    muxer.pat(&[(0, 0x10), (1, PMT), (2, PMT + 1)]);
    muxer.pmt(PMT, 1, 0, &[(0x05, DATA, &[])]);
    muxer.pmt(
        PMT + 1,
        2,
        0,
        &[(0x0f, AUDIO, &[10, 4, b'd', b'e', b'u', 0])],
    );
    muxer.pes(
        AUDIO,
        Some(0),
        None,
        &[adts(&[1; 50]), adts(&[2; 50])].concat(),
    );
    let steps = demux(&muxer.bytes);
    let info = infos(&steps).pop().unwrap();
    assert_eq!(info.tracks.len(), 1);
    assert_eq!(info.tracks[0].language.as_deref(), Some("deu"));
    assert_eq!(packets(&steps, AUDIO).len(), 2);
}

#[test]
fn programs_side_by_side_are_told_with_their_streams_and_services() {
    let mut muxer = Muxer::new();
    muxer.pat(&[(0, 0x10), (7, PMT), (9, PMT + 1)]);
    muxer.pmt(PMT, 7, 0, VIDEO_ONLY);
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 50));
    muxer.pes(VIDEO, Some(3600), None, &picture(false, 1, 50));
    let german = [10, 4, b'd', b'e', b'u', 0];
    muxer.pmt(PMT + 1, 9, 0, &[(0x0f, AUDIO, &german)]);
    muxer.pes(VIDEO, Some(7200), None, &picture(false, 2, 50));
    for _again in 0..2 {
        muxer.sdt(&[
            (9, b"ARD", b"\x05Bayern\x8a\xfc"),
            (7, b"", b"T\xc2el\xc2e"),
        ]);
        muxer.pes(VIDEO, Some(10_800), None, &picture(false, 3, 50));
    }
    let steps = demux(&muxer.bytes);
    let told: Vec<_> = infos(&steps)
        .iter()
        .map(|info| info.programs.clone())
        .collect();
    // When a map and when names came, and not when they came again.
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0][1].streams, []);
    assert_eq!(told[1][1].name, None);
    let stream = |pid: u16, codec, language: Option<&str>| ProgramStream {
        id: TrackId(pid.into()),
        codec,
        language: language.map(str::to_owned),
    };
    let known = [
        Program {
            number: 7,
            map_pid: PMT,
            name: Some("Télé".to_owned()),
            provider: None,
            streams: vec![stream(VIDEO, CodecId::H264, None)],
            chosen: true,
        },
        Program {
            number: 9,
            map_pid: PMT + 1,
            name: Some("Bayern ü".to_owned()),
            provider: Some("ARD".to_owned()),
            streams: vec![stream(AUDIO, CodecId::Aac, Some("deu"))],
            chosen: false,
        },
    ];
    assert_eq!(told[2], known);
    assert_eq!(
        packets(&steps, VIDEO).len(),
        5,
        "told in between, none is lost"
    );

    let mut segment = TsDemuxer::with_timestamps_kept();
    let steps = run(&mut segment, &muxer.bytes, 4096).unwrap();
    assert!(infos(&steps).iter().all(|info| info.programs.is_empty()));
    assert_eq!(infos(&steps).len(), 1);
}

#[test]
fn the_program_that_was_chosen_plays_where_it_is_there() {
    let mut muxer = Muxer::new();
    muxer.pat(&[(7, PMT), (9, PMT + 1)]);
    muxer.pmt(PMT, 7, 0, VIDEO_ONLY);
    muxer.pmt(PMT + 1, 9, 0, &[(0x0f, AUDIO, &[])]);
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 50));
    let sound = [adts(&[1; 50]), adts(&[2; 50])].concat();
    muxer.pes(AUDIO, Some(0), None, &sound);
    for (program, number, tracks) in [
        (None, 7, CodecId::H264),
        (Some(9), 9, CodecId::Aac),
        (Some(8), 7, CodecId::H264),
    ] {
        let mut demuxer = TsDemuxer::new(TsOptions {
            program,
            ..TsOptions::default()
        });
        let steps = run(&mut demuxer, &muxer.bytes, 4096).unwrap();
        let info = infos(&steps).pop().unwrap();
        let chosen = info.programs.iter().find(|it| it.chosen).unwrap();
        assert_eq!((chosen.number, info.tracks[0].codec), (number, tracks));
    }
}

#[test]
fn services_that_end_too_early_name_nothing() {
    let mut muxer = Muxer::with_streams(VIDEO_ONLY);
    for body in [
        &[0, 1][..],
        &[0, 1, 0xff, 0, 1, 0xfc, 0x80, 20, 0x48, 9, 1, 2, b'a'],
        &[0, 1, 0xff, 0, 1, 0xfc, 0x80, 5, 0x48, 3, 1, 9, b'a'],
        &[0, 1, 0xff, 0, 1, 0xfc, 0x80, 0],
    ] {
        muxer.section(0x11, &table(0x42, 1, 0, body));
    }
    // Services of another stream.
    muxer.section(
        0x11,
        &table(
            0x46,
            1,
            0,
            &[
                0, 1, 0xff, 0, 1, 0xfc, 0x80, 7, 0x48, 5, 1, 1, b'a', 1, b'b',
            ],
        ),
    );
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 50));
    let mut demuxer = TsDemuxer::default();
    let steps = run(&mut demuxer, &muxer.bytes, 4096).unwrap();
    let [program] = &infos(&steps)[0].programs[..] else {
        panic!("one program")
    };
    assert_eq!((&program.name, &program.provider), (&None, &None));
    assert_eq!(demuxer.damage(), 0);
}

#[test]
fn a_new_program_map_is_reported_before_its_packets() {
    let mut muxer = Muxer::with_streams(VIDEO_ONLY);
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 50));
    muxer.pes(VIDEO, Some(3600), None, &picture(false, 1, 50));
    muxer.pmt(PMT, 1, 1, &[(0x1b, VIDEO, &[]), (0x0f, AUDIO, &[])]);
    muxer.pes(VIDEO, Some(7200), None, &picture(false, 2, 50));
    muxer.pes(
        AUDIO,
        Some(7200),
        None,
        &[adts(&[1; 50]), adts(&[2; 50])].concat(),
    );
    muxer.pes(VIDEO, Some(10_800), None, &picture(false, 3, 50));
    let steps = demux(&muxer.bytes);
    let reported: Vec<usize> = infos(&steps).iter().map(|info| info.tracks.len()).collect();
    assert_eq!(reported, [1, 2]);
    let second = steps.iter().rposition(|step| matches!(step, Step::Info(_)));
    let sound = steps.iter().position(
        |step| matches!(step, Step::Packet(packet) if packet.track.0 == u32::from(AUDIO)),
    );
    assert!(second < sound);
    assert_eq!(packets(&steps, VIDEO).len(), 4);
}

#[test]
fn scrambled_tracks_are_reported_as_encrypted() {
    let mut muxer = Muxer::with_streams(VIDEO_ONLY);
    let clear = muxer.bytes.len();
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 50));
    for packet in muxer.bytes[clear..].chunks_mut(188) {
        packet[3] |= 0x80;
    }
    let steps = demux(&muxer.bytes);
    let protection = infos(&steps)[0].tracks[0].protection.clone();
    assert_eq!(
        protection.map(|protection| protection.scheme),
        Some(ProtectionScheme::Scrambled)
    );
    assert!(packets(&steps, VIDEO).is_empty());
}

#[test]
fn sample_encryption_is_reported() {
    let mut muxer = Muxer::with_streams(&[(0xdb, VIDEO, &[]), (0xcf, AUDIO, &[])]);
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 50));
    muxer.pes(
        AUDIO,
        Some(0),
        None,
        &[adts(&[1; 50]), adts(&[2; 50])].concat(),
    );
    let steps = demux(&muxer.bytes);
    let tracks = &infos(&steps)[0].tracks;
    assert_eq!(
        (tracks[0].codec, tracks[1].codec),
        (CodecId::H264, CodecId::Aac)
    );
    let scheme = |track: &TrackInfo| track.protection.as_ref().map(|known| known.scheme);
    assert!(
        tracks
            .iter()
            .all(|track| scheme(track) == Some(ProtectionScheme::SampleAes))
    );
    assert_eq!(packets(&steps, AUDIO).len(), 2);
}

#[test]
fn fields_are_access_units_of_their_own() {
    // 1920x1080 interlaced: the two slices of a frame are told apart by their field.
    let sps = [
        0x67, 0xf4, 0x00, 0x28, 0x91, 0x9b, 0x28, 0x0f, 0x00, 0x89, 0xf9, 0x70, 0x11, 0x00, 0x00,
        0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x1f, 0x16, 0x2d, 0x96,
    ];
    let parsed = kinora_media::bitstream::h264::Sps::parse(&sps).unwrap();
    assert!(!parsed.frame_mbs_only);
    let field = |bottom: bool| {
        // first_mb 0, type I, pps 0, frame_num 0, field, which, idr_pic_id 0.
        let bits = u32::from(parsed.frame_num_bits);
        let mut head = 0b1_0001_0001_u64; // ue 0, ue 7, ue 0
        head = head << bits << 1 | 1;
        head = head << 1 | u64::from(bottom);
        head = head << 1 | 1;
        let used = 9 + bits + 3;
        let mut nal = vec![0, 0, 1, 0x65];
        nal.extend((head << (64 - used)).to_be_bytes());
        nal.extend([0xa5; 60]);
        nal
    };
    let mut frame = vec![0, 0, 0, 1];
    frame.extend(sps);
    frame.extend([0, 0, 0, 1, 0x68, 0xce, 0x38, 0x80]);
    frame.extend(field(false));
    let second = field(true);
    let mut muxer = Muxer::with_streams(VIDEO_ONLY);
    muxer.pes(VIDEO, Some(0), None, &[&frame[..], &second].concat());
    muxer.pes(VIDEO, Some(3600), None, &frame);
    let steps = demux(&muxer.bytes);
    let data: Vec<&[u8]> = (packets(&steps, VIDEO).iter())
        .map(|packet| &packet.data[..])
        .collect();
    assert_eq!(data, [&frame[..], &second, &frame]);
    assert_eq!(ms(&packets(&steps, VIDEO)), [0, 0, 40]);
}

#[test]
fn a_stream_without_program_or_without_tracks_is_refused() {
    let mut muxer = Muxer::new();
    muxer.pat(&[(1, PMT)]);
    let refused = run(&mut TsDemuxer::default(), &muxer.bytes.repeat(5), 1000);
    assert_eq!(refused.unwrap_err(), DemuxError::NoTracks);
    let refused = run(&mut TsDemuxer::default(), &[0x47; 50], 1000);
    assert!(matches!(
        refused,
        Err(DemuxError::Malformed {
            reason: "ts.no_sync",
            ..
        })
    ));
}

#[test]
fn bitmap_subtitles_are_named_with_their_pages() {
    let subtitling = [0x59, 8, b'd', b'e', b'u', 0x10, 0, 7, 0, 9];
    let mut muxer = Muxer::with_streams(&[
        (0x1b, VIDEO, &[]),
        (0x06, AUDIO, &subtitling),
        (0x90, DATA, &[]),
    ]);
    for number in 0..5u8 {
        let pts = Some(u64::from(number) * 3600);
        muxer.pes(VIDEO, pts, None, &picture(number == 0, number.into(), 100));
        muxer.pes(AUDIO, pts, None, &[0x20, 0, 0x0f, number]);
        muxer.pes(DATA, pts, None, &[0x80, 0, 0]);
    }
    let steps = demux(&muxer.bytes);
    let [_, dvb, pgs] = &infos(&steps)[0].tracks[..] else {
        panic!("three tracks")
    };
    assert_eq!((dvb.codec, pgs.codec), (CodecId::DvbSubtitle, CodecId::Pgs));
    assert_eq!(dvb.language.as_deref(), Some("deu"));
    assert_eq!(dvb.config[..], [0, 7, 0, 9]);
    let packets = [AUDIO, DATA].map(|pid| packets(&steps, pid).len());
    assert_eq!(packets, [5, 5]);
}

#[test]
fn opus_leaves_its_control_headers() {
    let mut muxer = Muxer::with_streams(&[(
        0x06,
        AUDIO,
        &[5, 4, b'O', b'p', b'u', b's', 0x7f, 2, 0x80, 2],
    )]);
    // Two frames of 20 ms, 3 and 260 bytes long.
    let mut payload = vec![0x7f, 0xe0, 3, 0xf8, 1, 2, 0x7f, 0xe0, 255, 5, 0xf8];
    payload.extend([9; 259]);
    muxer.pes(AUDIO, Some(9000), None, &payload);
    let steps = demux(&muxer.bytes);
    assert_eq!(infos(&steps)[0].tracks[0].codec, CodecId::Opus);
    assert_eq!(
        infos(&steps)[0].tracks[0].config[..10],
        *b"OpusHead\x01\x02"
    );
    let sound = packets(&steps, AUDIO);
    assert_eq!(sound[0].data[..], [0xf8, 1, 2]);
    assert_eq!(sound[1].data.len(), 260);
    assert_eq!(ms(&sound), [0, 20]);
}

#[test]
fn a_picture_of_a_lower_temporal_sub_layer_is_not_disposable() {
    /// 160x96, two temporal sub-layers.
    const HEVC_SPS: [u8; 46] = [
        0x42, 0x01, 0x02, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x1e, 0x00, 0x00, 0xa0, 0x14, 0x20, 0x61, 0x65, 0x95, 0x89, 0x2b, 0x13, 0x24,
        0x99, 0x5e, 0x02, 0xd0, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0x90,
        0x80,
    ];
    let mut muxer = Muxer::with_streams(&[(0x24, VIDEO, &[])]);
    let slice = |kind: u8, temporal_id: u8| {
        let mut unit = vec![0, 0, 0, 1, kind << 1, temporal_id + 1];
        unit.extend([0xa5; 60]);
        unit
    };
    let (idr, trail_n) = (20, 0);
    let first = [&[0, 0, 0, 1][..], &HEVC_SPS, &slice(idr, 0)].concat();
    muxer.pes(VIDEO, Some(0), None, &first);
    muxer.pes(VIDEO, Some(3600), None, &slice(trail_n, 0));
    muxer.pes(VIDEO, Some(7200), None, &slice(trail_n, 1));
    let steps = demux(&muxer.bytes);
    let disposable: Vec<bool> = (packets(&steps, VIDEO).iter())
        .map(|packet| packet.flags.disposable)
        .collect();
    assert_eq!(disposable, [false, false, true]);
}

#[test]
fn planes_of_mpeg4_are_access_units_with_the_headers_before_them() {
    /// Sequence, object, and a layer of 160x96.
    const HEADERS: [u8; 30] = [
        0, 0, 1, 0xb0, 0xf1, 0, 0, 1, 0xb5, 0xa9, 0, 0, 1, 0, 0, 0, 1, 0x20, 0x08, 0xd4, 0x8d,
        0x08, 0, 0xcd, 0x05, 0x04, 0x0c, 0x14, 0x10, 0x3f,
    ];
    let plane = |kind: u8| {
        let mut unit = vec![0, 0, 1, 0xb6, kind << 6 | 0x10];
        unit.extend([0xa5; 40]);
        unit
    };
    let group = [0, 0, 1, 0xb3, 0, 0x10, 7];
    let (intra, predicted, bidirectional) = (0, 1, 2);
    let units = [
        [&HEADERS[..], &group, &plane(intra)].concat(),
        plane(predicted),
        plane(bidirectional),
        [&group[..], &plane(intra)].concat(),
    ];
    let mut muxer = Muxer::with_streams(&[(0x10, VIDEO, &[])]);
    muxer.pes(VIDEO, Some(7200), Some(3600), &units[..2].concat());
    muxer.pes(VIDEO, Some(10_800), None, &units[2..].concat());
    let steps = demux(&muxer.bytes);
    let track = &infos(&steps)[0].tracks[0];
    assert_eq!(track.video.map(|video| video.width), Some(160));
    let pictures = packets(&steps, VIDEO);
    let data: Vec<&[u8]> = pictures.iter().map(|packet| &packet.data[..]).collect();
    assert_eq!(data, [&units[0][..], &units[1], &units[2], &units[3]]);
    let flags = pictures.iter().map(|packet| packet.flags);
    let flags: Vec<_> = flags.map(|flags| (flags.key, flags.disposable)).collect();
    assert_eq!(
        flags,
        [(true, false), (false, false), (false, true), (true, false)]
    );
}

#[test]
fn a_program_that_no_association_table_lists_is_found_by_its_map() {
    let listed = film(2, 90_000, 400).bytes;
    let is_pat = |packet: &&[u8]| packet[1] & 0x1f == 0 && packet[2] == 0;
    let packets_of = listed.chunks_exact(188).filter(|packet| !is_pat(packet));
    let bytes: Vec<u8> = packets_of.flatten().copied().collect();
    assert!(bytes.len() < listed.len());
    let (steps, expected) = (demux(&bytes), demux(&listed));
    assert_eq!(infos(&steps)[0].tracks, infos(&expected)[0].tracks);
    for pid in [VIDEO, AUDIO] {
        assert_eq!(packets(&steps, pid), packets(&expected, pid));
    }
}

#[test]
fn pcm_of_smpte_302_is_known_by_its_registration() {
    let mut muxer = Muxer::with_streams(&[(0x06, AUDIO, b"\x05\x04BSSD")]);
    muxer.pes(AUDIO, Some(9000), None, &[0; 200]);
    let steps = demux(&muxer.bytes);
    assert_eq!(
        Some(infos(&steps)[0].tracks[0].codec),
        CodecId::by_name("s302m")
    );
    assert_eq!(packets(&steps, AUDIO)[0].data.len(), 200);
}
