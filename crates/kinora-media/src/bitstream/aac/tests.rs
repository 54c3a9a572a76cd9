use super::*;

#[test]
fn a_plain_config_is_read() {
    let config = AudioSpecificConfig::parse(&[0x12, 0x10]).unwrap();
    assert_eq!(config.object_type, object_type::LC);
    assert_eq!((config.sample_rate, config.channels), (44_100, 2));
    assert_eq!((config.frame_samples, config.bits), (1024, 16));
    assert_eq!(config.codec_string(), "mp4a.40.2");
}

#[test]
fn high_efficiency_is_seen_in_either_signalling() {
    // Hierarchical: type 5, core 22.05 kHz, output 44.1 kHz, then LC.
    let config = AudioSpecificConfig::parse(&[0x2b, 0x92, 0x08, 0x00]).unwrap();
    assert_eq!(config.output_sample_rate(), 44_100);
    assert_eq!(config.sample_rate, 22_050);
    assert_eq!(config.object_type, object_type::LC);
    assert_eq!(config.codec_string(), "mp4a.40.5");
    // Backward compatible: LC 24 kHz mono, then 0x2b7 with SBR at 48 kHz, then PS.
    let config = AudioSpecificConfig::parse(&[0x13, 0x08, 0x56, 0xe5, 0x9d, 0x48, 0x80]).unwrap();
    assert_eq!(config.sbr_sample_rate, Some(48_000));
    assert!(config.parametric_stereo);
    assert_eq!(config.output_channels(), 2);
    assert_eq!(config.codec_string(), "mp4a.40.29");
}

#[test]
fn an_explicit_rate_is_read_and_zero_refused() {
    let config = AudioSpecificConfig::parse(&[0x17, 0x80, 0x5d, 0xc0, 0x10]).unwrap();
    assert_eq!((config.sample_rate, config.channels), (48_000, 2));
    assert!(AudioSpecificConfig::parse(&[0x17, 0x80, 0, 0, 0x10]).is_err());
    assert_eq!(
        AudioSpecificConfig::parse(&[0x12]),
        Err(BadHeader::Truncated)
    );
}

#[test]
fn an_adts_header_is_read_and_becomes_a_config() {
    // LC, 44.1 kHz, stereo, 371 bytes.
    let data = [0xff, 0xf1, 0x50, 0x80, 0x2e, 0x7f, 0xfc];
    let header = AdtsHeader::parse(&data).unwrap();
    assert_eq!((header.header_len, header.frame_len), (7, 371));
    assert_eq!((header.sample_rate, header.channels()), (44_100, 2));
    assert_eq!(header.samples(), 1024);
    assert_eq!(header.audio_specific_config(), [0x12, 0x10]);
    let with_crc = AdtsHeader::parse(&[0xff, 0xf0, 0x50, 0x80, 0x2e, 0x7f, 0xfc]).unwrap();
    assert_eq!(with_crc.header_len, 9);
}

#[test]
fn an_adts_header_that_cannot_be_one_is_refused() {
    for data in [
        [0xff, 0xf7, 0x50, 0x80, 0x2e, 0x7f, 0xfc],
        [0xff, 0xf1, 0x74, 0x80, 0x2e, 0x7f, 0xfc],
        [0xff, 0xf1, 0x50, 0x80, 0x00, 0x1f, 0xfc],
    ] {
        assert!(matches!(
            AdtsHeader::parse(&data),
            Err(BadHeader::Invalid(_))
        ));
    }
    assert_eq!(AdtsHeader::parse(&[0xff, 0xf1]), Err(BadHeader::Truncated));
}

#[test]
fn a_plain_configuration_says_the_rate_and_the_channels() {
    for (rate, channels) in [(48_000, 2), (44_100, 1), (7_350, 6), (96_000, 8)] {
        let plain = AudioSpecificConfig::plain(rate, channels).unwrap();
        let config = AudioSpecificConfig::parse(&plain).unwrap();
        assert_eq!(config.object_type, object_type::LC);
        assert_eq!((config.sample_rate, config.channels), (rate, channels));
    }
    assert_eq!(AudioSpecificConfig::plain(48_000, 0), None);
    assert_eq!(AudioSpecificConfig::plain(48_000, 7), None);
    assert_eq!(AudioSpecificConfig::plain(47_999, 2), None);
}
