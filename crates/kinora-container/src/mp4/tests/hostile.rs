//! Files that lie.

use bytes::Bytes;
use kinora_errors::Coded;

use super::build::{
    audio, boxed, fast_start, fragment, ftyp, init, moov, video, with_movie_boxes, words_of,
};
use super::files::with_index_at_end;
use super::make;
use crate::contract::assert_survives;
use crate::{DemuxError, Step};

fn first_error(bytes: &[u8]) -> Option<DemuxError> {
    let mut demuxer = make();
    demuxer.set_len(bytes.len() as u64);
    demuxer.push(0, Bytes::copy_from_slice(bytes));
    demuxer.finish();
    loop {
        match demuxer.poll() {
            Err(error) => return Some(error),
            Ok(Step::End) => return None,
            Ok(_) => {}
        }
    }
}

/// Puts a number where a box of that kind has it, counted from the end of its name.
fn patch(bytes: &mut [u8], kind: &[u8; 4], offset: usize, value: u32) {
    let at = bytes.windows(4).position(|window| window == kind).unwrap();
    let place = at + 4 + offset;
    bytes[place..place + 4].copy_from_slice(&value.to_be_bytes());
}

#[test]
fn a_box_shorter_than_its_head_is_refused() {
    for size in 2..8 {
        let bytes = [words_of(&[size]), b"ftyp".to_vec(), vec![0; 32]].concat();
        let error = first_error(&bytes).unwrap();
        assert_eq!(error.reason(), "mp4.box.too_short", "size {size}");
    }
    for size in 0..16u64 {
        let bytes = [&words_of(&[1])[..], b"free", &size.to_be_bytes(), &[0; 32]].concat();
        assert!(first_error(&bytes).is_some(), "64-bit size {size}");
    }
}

// CVE-2018-14325 (mp4v2), CVE-2024-47546 (GStreamer): a size less than its head underflows.
#[test]
fn sizes_from_0_to_15_anywhere_end() {
    let valid = fast_start(&[video(1, 4), audio(2, 4)]);
    for kind in [
        b"moov", b"trak", b"mdia", b"stbl", b"stsd", b"vp09", b"stts", b"stco", b"mdat",
    ] {
        let at = valid.windows(4).position(|window| window == kind).unwrap();
        for size in (0..16u32).chain([0x7fff_ffff, 0x8000_0000, u32::MAX]) {
            let mut bytes = valid.clone();
            bytes[at - 4..at].copy_from_slice(&size.to_be_bytes());
            assert_survives(make, &bytes);
        }
    }
}

// CVE-2015-1538 (Stagefright), CVE-2016-6164 (FFmpeg): a count times the size of its entries wraps at 2^32.
#[test]
fn counts_that_no_table_holds_end() {
    let valid = fast_start(&[video(1, 4)]);
    for (kind, offset) in [
        (b"stts", 4),
        (b"stts", 8),
        (b"stts", 12),
        (b"stsc", 4),
        (b"stsc", 8),
        (b"stsc", 12),
        (b"stsz", 4),
        (b"stsz", 8),
        (b"stsz", 12),
        (b"stco", 4),
        (b"stco", 8),
        (b"stss", 4),
        (b"stss", 8),
        (b"mdhd", 12),
        (b"stsd", 4),
    ] {
        // Times 4, 8, 12 and 16 the odd ones come round to a few bytes.
        let wrapping = [0x4000_0001, 0x2000_0001, 0x1555_5556, 0x1000_0001];
        for value in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX]
            .into_iter()
            .chain(wrapping)
        {
            let mut bytes = valid.clone();
            patch(&mut bytes, kind, offset, value);
            assert_survives(make, &bytes);
        }
    }
    // Four thousand million samples of one byte each.
    let mut bytes = valid;
    patch(&mut bytes, b"stsz", 4, 1);
    patch(&mut bytes, b"stsz", 8, u32::MAX);
    patch(&mut bytes, b"stsc", 12, u32::MAX);
    assert_survives(make, &bytes);
}

#[test]
fn many_chunks_that_name_the_same_bytes_end() {
    let mut track = video(1, 1);
    track.samples = vec![vec![7; 1]];
    let mut bytes = [ftyp(), moov(&[track], &[vec![64; 200_000]], &[])].concat();
    patch(&mut bytes, b"stsz", 4, 1);
    patch(&mut bytes, b"stsz", 8, u32::MAX);
    patch(&mut bytes, b"stsc", 12, 700_000);
    assert_survives(make, &bytes);
}

#[test]
fn chunks_outside_the_file_are_passed_over_at_once() {
    let mut track = video(1, 1);
    track.samples = vec![vec![7; 1]];
    let mut bytes = [ftyp(), moov(&[track], &[vec![0x7000_0000; 200_000]], &[])].concat();
    patch(&mut bytes, b"stsz", 4, 1);
    patch(&mut bytes, b"stsz", 8, u32::MAX);
    patch(&mut bytes, b"stsc", 12, 20_000);
    assert_survives(make, &bytes);
}

#[test]
fn a_run_of_samples_without_data_ends() {
    let track = [video(1, 4)];
    for size in [0, 1] {
        let mut bytes = [init(&track), fragment(&track, 0..4)].concat();
        patch(&mut bytes, b"trex", 16, size);
        patch(&mut bytes, b"trun", 0, 1);
        patch(&mut bytes, b"trun", 4, u32::MAX);
        assert_survives(make, &bytes);
    }
}

// CVE-2019-14498 (VLC): a rate of zero divides.
#[test]
fn a_time_scale_of_zero_leaves_the_track_out() {
    let mut bytes = fast_start(&[video(1, 4)]);
    patch(&mut bytes, b"mdhd", 12, 0);
    assert_eq!(first_error(&bytes), Some(DemuxError::NoTracks));
    let mut bytes = fast_start(&[video(1, 4), audio(2, 4)]);
    patch(&mut bytes, b"mdhd", 12, 0);
    assert_eq!(first_error(&bytes), None);
}

#[test]
fn an_index_larger_than_any_valid_file_has_is_refused() {
    let bytes = [ftyp(), words_of(&[0x7fff_ffff]), b"moov".to_vec()].concat();
    let mut demuxer = make();
    demuxer.push(0, bytes.into());
    let refused = matches!(demuxer.poll(), Err(DemuxError::TooLarge { .. }));
    assert!(refused);
}

#[test]
fn a_recording_without_index_and_a_cut_index_say_so() {
    let bytes = [ftyp(), boxed(b"mdat", vec![0; 100])].concat();
    assert_eq!(first_error(&bytes).unwrap().reason(), "mp4.moov.missing");
    let bytes = fast_start(&[video(1, 4)]);
    let cut = first_error(&bytes[..100]);
    assert_eq!(cut, Some(DemuxError::TruncatedHeader { at: 100 }));
}

#[test]
fn only_data_tracks_are_nothing_to_play() {
    let mut track = video(1, 4);
    track.handler = b"meta";
    track.entry = boxed(b"mett", [&[0; 8][..], b"\0text/plain\0"].concat());
    let bytes = fast_start(&[track]);
    assert_eq!(first_error(&bytes), Some(DemuxError::NoTracks));
}

#[test]
fn boxes_nested_ten_thousand_deep_end() {
    let mut bytes = Vec::new();
    for _ in 0..10_000 {
        bytes = boxed(b"wave", bytes);
        if bytes.len() > 60_000 {
            break;
        }
    }
    let mut track = audio(1, 2);
    track.entry = boxed(b"mp4a", [&track.entry[8..], &bytes].concat());
    assert_survives(make, &fast_start(&[track]));
}

#[test]
fn an_edit_list_that_never_ends_ends() {
    let mut track = video(1, 10);
    track.edits = vec![(400, 0); 3000];
    assert_survives(make, &fast_start(&[track]));
    let mut track = video(1, 10);
    track.edits = vec![(u32::MAX, i32::MAX), (u32::MAX, i32::MIN), (0, i32::MAX)];
    assert_survives(make, &fast_start(&[track]));
}

#[test]
fn a_file_that_ends_early_gives_what_it_has() {
    let bytes = fast_start(&[video(1, 8)]);
    let cut = bytes.len() - 30;
    let mut demuxer = make();
    demuxer.set_len(cut as u64);
    demuxer.push(0, Bytes::copy_from_slice(&bytes[..cut]));
    demuxer.finish();
    let mut packets = 0;
    loop {
        match demuxer.poll().unwrap() {
            Step::Packet(_) => packets += 1,
            Step::End => break,
            _ => {}
        }
    }
    assert_eq!((packets, demuxer.damage()), (6, 2));
}

#[test]
fn a_seek_where_the_leading_track_has_no_samples_ends() {
    let mut bytes = fast_start(&[video(1, 0), audio(2, 20)]);
    bytes.extend_from_slice(b"\0\0\0\x20");
    assert_survives(make, &bytes);
}

// CVE-2017-14222 (FFmpeg): a `tfra` counts entries that it does not hold.
#[test]
fn an_index_of_fragments_that_counts_more_than_it_holds_ends() {
    let valid = with_index_at_end();
    for (offset, value) in [
        (12, u32::MAX),
        (12, 0x1555_5556),
        (8, 0x3f),
        (8, u32::MAX),
        (0, 0x0100_0000),
    ] {
        let mut bytes = valid.clone();
        patch(&mut bytes, b"tfra", offset, value);
        assert_survives(make, &bytes);
    }
    for value in [0, 1, 15, 16, 17, 0x7fff_ffff, u32::MAX] {
        let mut bytes = valid.clone();
        patch(&mut bytes, b"mfro", 4, value);
        assert_survives(make, &bytes);
    }
}

// Media3 #3191: an item of no size keeps the reader of `ilst` where it is.
#[test]
fn a_list_of_tags_whose_items_have_no_size_ends() {
    for size in 0..16u32 {
        let item = [&size.to_be_bytes()[..], b"\xa9nam", &[0; 16]].concat();
        let data = [&size.to_be_bytes()[..], b"data", &[0; 16]].concat();
        for list in [item.repeat(40), boxed(b"\xa9nam", data.repeat(40))] {
            let meta = boxed(b"meta", [vec![0; 4], boxed(b"ilst", list)].concat());
            let bytes = with_movie_boxes(&[video(1, 4)], &boxed(b"udta", meta));
            assert_survives(make, &bytes);
            assert_eq!(
                first_error(&bytes),
                None,
                "items of {size}: the film plays on"
            );
        }
    }
}

// hls.js #7968: an `emsg` whose texts never end.
#[test]
fn an_event_message_without_an_end_of_text_is_passed_over() {
    let track = [video(1, 4)];
    for body in [
        vec![],
        vec![0; 4],
        vec![0x41; 4096],
        [&[1, 0, 0, 0][..], &[0xff; 64]].concat(),
    ] {
        let bytes = [init(&track), boxed(b"emsg", body), fragment(&track, 0..4)].concat();
        assert_survives(make, &bytes);
        assert_eq!(first_error(&bytes), None);
    }
}

// CVE-2023-44488 (libvpx): widths that nobody can mean; CVE-2019-14498 (VLC): rates of zero.
#[test]
fn pictures_and_rates_of_nothing_or_too_much_end() {
    for value in [0, 1, 0x0000_ffff, 0xffff_0000, u32::MAX] {
        for offset in [24, 26] {
            let mut bytes = fast_start(&[video(1, 4)]);
            patch(&mut bytes, b"vp09", offset, value);
            assert_survives(make, &bytes);
        }
        for offset in [16, 18, 22, 24] {
            let mut bytes = fast_start(&[audio(1, 4)]);
            patch(&mut bytes, b"Opus", offset, value);
            assert_survives(make, &bytes);
        }
    }
}
