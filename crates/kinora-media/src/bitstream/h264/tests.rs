use super::*;
use crate::ColorRange;

/// 320x180 in 320x192, Main profile, bt709, 30 frames, 16:9.
const MAIN: [u8; 28] = [
    0x67, 0x4d, 0x40, 0x0d, 0xec, 0xa0, 0xa0, 0xcf, 0xcf, 0x80, 0xb5, 0x01, 0x01, 0x01, 0x40, 0x00,
    0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x0f, 0x03, 0xc5, 0x0a, 0x65, 0x80,
];
/// 1920x1080 interlaced in 4:4:4, 25 frames.
const INTERLACED: [u8; 27] = [
    0x67, 0xf4, 0x00, 0x28, 0x91, 0x9b, 0x28, 0x0f, 0x00, 0x89, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03,
    0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x32, 0x1f, 0x16, 0x2d, 0x96,
];
const INTERLACED_PPS: [u8; 6] = [0x68, 0xfb, 0xa3, 0xc4, 0x48, 0x44];

#[test]
fn a_cropped_sps_gives_the_visible_size_and_more() {
    let sps = Sps::parse(&MAIN).unwrap();
    assert_eq!((sps.width, sps.height), (320, 180));
    assert_eq!(sps.codec_string(), "avc1.4d400d");
    assert_eq!(sps.pixel_aspect, Some((1, 1)));
    assert_eq!(sps.frame_rate, Some(30.0));
    let color = sps.color.unwrap();
    assert_eq!((color.primaries, color.transfer, color.matrix), (1, 1, 1));
    assert_eq!(color.range, ColorRange::Limited);
    assert_eq!(sps.reorder_depth(), 2);
    assert!(sps.frame_mbs_only);
}

#[test]
fn an_interlaced_sps_counts_both_fields() {
    let sps = Sps::parse(&INTERLACED).unwrap();
    assert_eq!((sps.width, sps.height), (1920, 1080));
    assert_eq!((sps.chroma_format_idc, sps.bit_depth), (3, 8));
    assert_eq!(sps.frame_rate, Some(25.0));
    assert!(!sps.frame_mbs_only);
}

#[test]
fn an_sps_cut_anywhere_is_an_error_or_the_same_size() {
    for length in 0..MAIN.len() {
        if let Ok(sps) = Sps::parse(&MAIN[..length]) {
            assert_eq!((sps.width, sps.height), (320, 180));
        }
    }
    assert!(Sps::parse(&MAIN[..8]).is_err());
}

#[test]
fn slices_of_different_pictures_are_distinguished() {
    let sps = Sps::parse(&INTERLACED).unwrap();
    let pps = Pps::parse(&INTERLACED_PPS).unwrap();
    let heads = [
        [0x65, 0x88, 0x82, 0x0b, 0x02, 0xbf, 0xf6, 0xf5],
        [0x41, 0x9a, 0x21, 0x5e, 0x42, 0xbf, 0xfe, 0xbd],
        [0x01, 0x9e, 0x40, 0xdf, 0x90, 0xaf, 0x01, 0xbc],
    ];
    let slices = heads.map(|nal| SliceHeader::parse(&nal, &sps, &pps).unwrap());
    assert!(slices[0].idr && slices[0].is_intra());
    assert_eq!(slices.map(|slice| slice.slice_type), [2, 0, 1]);
    assert_eq!(slices.map(|slice| slice.reference), [true, true, false]);
    assert!(slices[0].is_followed_by_new_picture(&slices[1]));
    assert!(slices[1].is_followed_by_new_picture(&slices[2]));
    assert!(!slices[1].is_followed_by_new_picture(&slices[1]));
}

#[test]
fn a_recovery_point_is_found_behind_other_messages() {
    assert!(has_recovery_point(&[6, 6, 1, 0xc4, 0x80]));
    assert!(has_recovery_point(&[6, 1, 2, 0x32, 0x80, 6, 1, 0xc4, 0x80]));
    assert!(!has_recovery_point(&[6, 1, 2, 0x06, 0x80, 0x80]));
    assert!(!has_recovery_point(&[6, 0xff, 0xff]));
}

#[test]
fn an_avcc_gives_its_parameter_sets() {
    let mut body = vec![1, 0x4d, 0x40, 0x0d, 0xff, 0xe1, 0, 28];
    body.extend(MAIN);
    body.extend([1, 0, 2, 0x68, 0xce]);
    let config = AvcConfig::parse(&body).unwrap();
    assert_eq!(config.length_size, 4);
    assert_eq!(config.sps, [&MAIN[..]]);
    assert_eq!(config.pps, [&[0x68, 0xce][..]]);
    for length in 0..body.len() {
        assert!(AvcConfig::parse(&body[..length]).is_err());
    }
}
