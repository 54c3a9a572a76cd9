use super::*;

fn layer3(fields: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xff, 0xfb, 0x94, 0x00];
    frame.resize(384, 0);
    frame[36..36 + fields.len()].copy_from_slice(fields);
    frame
}

#[test]
fn audio_is_no_vbr_header() {
    assert_eq!(parse(&layer3(b"")), None);
    assert_eq!(parse(&layer3(b"Xin")), None);
}

#[test]
fn an_info_header_without_fields_is_still_no_audio() {
    let table = parse(&layer3(b"Info\0\0\0\0")).unwrap();
    assert_eq!((table.frames, table.bytes), (None, None));
    assert_eq!(table.place(Time::ZERO, Time::from_millis(9), 9), None);
}

#[test]
fn places_are_interpolated() {
    let mut fields = b"Xing\0\0\0\x07\0\0\0\x64\0\0\x10\0".to_vec();
    fields.extend((0..100).map(|share| share * 2));
    let table = parse(&layer3(&fields)).unwrap();
    let place = |ms| table.place(Time::from_millis(ms), Time::from_millis(100_000), 25_600);
    assert_eq!(place(0), Some(0));
    assert_eq!(place(10_000), Some(2000));
    assert_eq!(place(10_500), Some(2100));
    assert_eq!(place(999_999), Some(25_600));
}

#[test]
fn a_table_that_goes_back_is_not_used() {
    let mut fields = b"Xing\0\0\0\x04".to_vec();
    fields.extend((0..100).map(|share| 100 - share));
    let table = parse(&layer3(&fields)).unwrap();
    assert_eq!(table.place(Time::ZERO, Time::from_millis(9), 9), None);
}

#[test]
fn a_vbri_table_is_read_and_may_be_cut_short() {
    let mut fields = b"VBRI\0\x01\0\0\0\0".to_vec();
    fields.extend(4000u32.to_be_bytes());
    fields.extend(100u32.to_be_bytes());
    fields.extend([0, 4, 0, 1, 0, 2, 0, 25]);
    fields.extend([3, 232, 3, 232, 3, 232, 3, 232]);
    let table = parse(&layer3(&fields)).unwrap();
    assert_eq!((table.frames, table.bytes), (Some(100), Some(4000)));
    let place = |ms| table.place(Time::from_millis(ms), Time::from_millis(1000), 4000);
    assert_eq!(place(500), Some(2000));
    assert_eq!(place(625), Some(2500));
    fields[18] = 0xff;
    let table = parse(&layer3(&fields)).unwrap();
    assert_eq!(table.frames, Some(100));
    assert_eq!(table.place(Time::ZERO, Time::from_millis(9), 9), None);
}
