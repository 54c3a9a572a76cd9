use super::*;

#[test]
fn pictures_and_sound_are_described_and_timed() {
    let film = Film {
        duration: true,
        ..Film::of(2)
    };
    let steps = demux(&film.bytes());
    let infos = infos(&steps);
    assert_eq!(infos.len(), 1);
    assert_eq!(infos[0].title.as_deref(), Some("A film"));
    assert_eq!(infos[0].duration, Some(Time::from_millis(2000)));
    let [video, audio] = &infos[0].tracks[..] else {
        panic!("two tracks")
    };
    assert_eq!((video.codec, audio.codec), (CodecId::H264, CodecId::Aac));
    assert_eq!(video.config, avcc(0x80));
    assert_eq!(video.codec_string.as_deref(), Some("avc1.42c00a"));
    assert_eq!(audio.config, AAC[..]);
    assert_eq!(audio.audio.map(|audio| audio.sample_rate), Some(44_100));
    let pictures = of(&steps, video.id.0);
    assert_eq!(ms(&pictures[..3]), [80, 120, 160]);
    assert_eq!(pictures[1].dts.as_millis(), 40);
    assert!(pictures[0].flags.key && !pictures[1].flags.key);
    let sound = of(&steps, audio.id.0);
    assert_eq!((pictures.len(), sound.len()), (50, 50));
    assert_eq!(sound[0].duration.as_micros(), 23_220);
    assert_eq!(sound[3].data, vec![3; 90]);
}

#[test]
fn a_live_stream_begins_at_zero_whatever_its_clock_shows() {
    let film = Film {
        begins: 3_000_000_000,
        ..Film::of(1)
    };
    let steps = demux(&film.bytes());
    assert_eq!(ms(&packets(&steps))[..3], [0, 80, 40]);
}

#[test]
fn a_packet_comes_as_soon_as_its_tag_is_there() {
    let bytes = Film::of(1).bytes();
    let mut demuxer = FlvDemuxer::new();
    let tags: Vec<usize> = tag_ends(&bytes);
    let mut at = 0;
    let mut given = 0;
    for (index, end) in tags.iter().enumerate() {
        demuxer.push(at as u64, Bytes::copy_from_slice(&bytes[at..*end]));
        at = *end;
        while let Step::Info(_) | Step::Packet(_) = demuxer.poll().unwrap() {
            given += 1;
        }
        // Three tags of headers become one description, which comes with the first picture.
        let expected = if index < 4 { 0 } else { index - 1 };
        assert_eq!(given, expected, "after tag {index}");
    }
}

/// Where tags end, with the lengths behind them.
fn tag_ends(bytes: &[u8]) -> Vec<usize> {
    let (mut ends, mut at) = (Vec::new(), 13);
    while at < bytes.len() {
        let len = u32::from_be_bytes([0, bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        at += 11 + len as usize + 4;
        ends.push(at);
    }
    ends
}

#[test]
fn a_track_that_is_promised_and_never_comes_is_not_waited_for() {
    let mut muxer = Muxer::new(5);
    muxer.avc_config(0, &avcc(0x80));
    for frame in 0..100 {
        muxer.picture(frame * 40, 0, frame == 0, &slice(frame == 0, frame, 50));
    }
    let mut demuxer = FlvDemuxer::new();
    demuxer.push(0, muxer.bytes[..muxer.bytes.len() / 2].to_vec().into());
    assert!(matches!(demuxer.poll(), Ok(Step::Info(info)) if info.tracks.len() == 1));
    assert_eq!(packets(&demux(&muxer.bytes)).len(), 100);
}

#[test]
fn a_track_that_was_not_promised_is_told_when_it_comes() {
    let mut muxer = Muxer::new(1);
    muxer.avc_config(0, &avcc(0x80));
    for frame in 0..20 {
        muxer.picture(frame * 40, 0, frame == 0, &slice(frame == 0, frame, 50));
        if frame == 10 {
            muxer.aac_config(frame * 40);
        }
        if frame >= 10 {
            muxer.aac(frame * 40, &[1; 20]);
        }
    }
    let steps = demux(&muxer.bytes);
    let counts: Vec<usize> = infos(&steps).iter().map(|info| info.tracks.len()).collect();
    assert_eq!(counts, [1, 2]);
    assert_eq!(of(&steps, AUDIO.into()).len(), 10);
}

#[test]
fn a_configuration_is_told_again_only_where_it_changes() {
    let mut muxer = Muxer::new(1);
    for (frame, last) in [0x80, 0x80, 0x81, 0x81].into_iter().enumerate() {
        let frame = frame as u32;
        muxer.avc_config(frame * 40, &avcc(last));
        muxer.picture(frame * 40, 0, true, &slice(true, frame, 50));
    }
    let steps = demux(&muxer.bytes);
    let kinds: Vec<bool> = (steps.iter())
        .map(|step| matches!(step, Step::Info(_)))
        .collect();
    assert_eq!(kinds, [true, false, false, true, false, false]);
    assert_eq!(infos(&steps)[1].tracks[0].config, avcc(0x81));
}

/// What a file of one tag of configuration and one of a frame is told as.
fn codec_of(kind: u8, config: &[u8], frame: &[u8]) -> (CodecId, Bytes, Bytes) {
    let mut muxer = Muxer::new(if kind == AUDIO { 4 } else { 1 });
    if !config.is_empty() {
        muxer.tag(kind, 0, config);
    }
    muxer.tag(kind, 0, frame);
    let steps = demux(&muxer.bytes);
    let track = &infos(&steps)[0].tracks[0];
    let packet = packets(&steps)[0].data.clone();
    (track.codec, track.config.clone(), packet)
}

/// Configuration and frame, the bodies of tags, and how they are told. The frame's data is `data`.
type Case<'a> = (&'a [u8], &'a [u8], CodecId, &'a [u8]);

fn assert_known(kind: u8, cases: &[Case<'_>]) {
    for (config, frame, codec, told) in cases {
        let found = codec_of(kind, config, frame);
        assert_eq!(found.0, *codec);
        assert_eq!(found.1, *told, "{codec}");
        assert_eq!(found.2, b"data"[..], "{codec}");
    }
}

#[test]
fn pictures_are_known_in_the_old_and_in_the_enhanced_form() {
    use CodecId::*;
    assert_known(
        VIDEO,
        &[
            (b"\x1c\0\0\0\0hvcC", b"\x1c\x01\0\0\0data", H265, b"hvcC"),
            (b"\x90hvc1hvcC", b"\x91hvc1\0\0\0data", H265, b"hvcC"),
            (b"\x90hvc1hvcC", b"\x93hvc1data", H265, b"hvcC"),
            (b"\x90avc1avcC", b"\x91avc1\0\0\0data", H264, b"avcC"),
            (b"\x90av01av1C", b"\x91av01data", Av1, b"av1C"),
            (b"\x90vp09vpcC", b"\x91vp09data", Vp9, b"vpcC"),
            (b"", b"\x14?data", Vp6, b""),
            (b"", b"\x12data", Flv1, b""),
        ],
    );
}

#[test]
fn sound_is_known_in_the_old_and_in_the_enhanced_form() {
    use CodecId::*;
    let head = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
    let opus = [&b"\x90Opus"[..], head].concat();
    let flac = [&b"\x90fLaCfLaC\x80\0\0\x22"[..], &[7; 34]].concat();
    let aac = [&b"\x90mp4a"[..], &AAC].concat();
    assert_known(
        AUDIO,
        &[
            (&aac, b"\x91mp4adata", Aac, &AAC),
            (&opus, b"\x91Opusdata", Opus, head),
            (&flac, b"\x91fLaCdata", Flac, &[7; 34]),
            (b"", b"\x91ec-3data", Eac3, b""),
            (b"", b"\x2fdata", Mp3, b""),
            (b"", b"\xb2data", Speex, b""),
        ],
    );
}

#[test]
fn plain_sound_is_described_by_its_tags() {
    let (codec, config, data) = codec_of(AUDIO, b"", b"\x3f\x01\x02\x03\x04");
    assert_eq!(
        (codec, &config[..], data.len()),
        (CodecId::Pcm, &[1, 16][..], 4)
    );
    let (codec, ..) = codec_of(AUDIO, b"", b"\x72\x55");
    assert_eq!(codec, CodecId::Alaw);
}

#[test]
fn tags_of_several_tracks_are_taken_apart() {
    let mut muxer = Muxer::new(4);
    // Two tracks of one codec, each behind its number and its length.
    let tracks = |kind: u8, one: &[u8], two: &[u8]| {
        let mut body = vec![0x95, 0x10 | kind];
        body.extend(b"mp4a");
        for (track, data) in [(0, one), (3, two)] {
            body.extend([track, 0, 0, data.len() as u8]);
            body.extend(data);
        }
        body
    };
    muxer.tag(AUDIO, 0, &tracks(0, &AAC, &AAC));
    muxer.tag(AUDIO, 20, &tracks(1, b"first", b"second"));
    let steps = demux(&muxer.bytes);
    assert_eq!(infos(&steps).last().map(|info| info.tracks.len()), Some(2));
    assert_eq!(of(&steps, AUDIO.into())[0].data, b"first"[..]);
    assert_eq!(of(&steps, 3 << 8 | u32::from(AUDIO))[0].data, b"second"[..]);
}

#[test]
fn a_modifier_of_nanoseconds_makes_pictures_later() {
    let mut muxer = Muxer::new(1);
    muxer.tag(VIDEO, 0, b"\x90hvc1hvcC");
    // ModEx: three bytes of nanoseconds, then the type of packet.
    muxer.tag(VIDEO, 0, b"\x97\x02\x07\xa1\x20\x03hvc1data");
    let steps = demux(&muxer.bytes);
    assert_eq!(packets(&steps)[0].pts, Time::from_micros(500));
    assert_eq!(packets(&steps)[0].dts, Time::ZERO);
}

#[test]
fn the_tags_of_an_encrypted_file_are_refused_by_name() {
    let mut muxer = Muxer::new(1);
    muxer.tag(VIDEO | 0x20, 0, b"\x01Encryption\0\0\0\x10");
    let error = run(&muxer.bytes, 4096).unwrap_err();
    assert!(error.to_string().contains("Encryption"), "{error}");
    let none = run(&Muxer::new(5).bytes, 4096).unwrap_err();
    assert_eq!(none, DemuxError::NoTracks);
}

#[test]
fn what_scripts_say_beside_the_metadata_is_passed_over() {
    let mut muxer = Muxer::new(1);
    let cue = [
        &text("onCuePoint")[..],
        &object(&[property("time", &number(1.0))]),
    ]
    .concat();
    muxer.tag(SCRIPT, 0, &cue);
    let duration = object(&[property("duration", &number(9.0))]);
    let frame = [&text("@setDataFrame")[..], &text("onMetaData"), &duration].concat();
    muxer.tag(SCRIPT, 0, &frame);
    muxer.tag(SCRIPT, 0, &[2, 0, 9, b'x']);
    muxer.avc_config(0, &avcc(0x80));
    muxer.picture(0, 0, true, &slice(true, 1, 9));
    let steps = demux(&muxer.bytes);
    assert_eq!(infos(&steps)[0].duration, Some(Time::from_millis(9000)));
    assert_eq!(packets(&steps).len(), 1);
}
