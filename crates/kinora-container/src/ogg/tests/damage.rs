use super::super::page::{Page, seal};
use super::*;

/// Ten packets a page, so many pages, after something was done to the bytes; and where pages begin.
fn after(change: impl FnOnce(&mut Vec<u8>, &[usize])) -> (Vec<Step>, u64) {
    let mut bytes = opus_file(1, 2);
    let pages: Vec<usize> = memchr::memmem::find_iter(&bytes, b"OggS").collect();
    change(&mut bytes, &pages);
    let mut demuxer = OggDemuxer::new();
    let steps = steps(&mut demuxer, &bytes, 1000).unwrap();
    (steps, demuxer.damage())
}

#[test]
fn the_checksum_is_that_of_the_specification() {
    // The first page of a file that another muxer wrote.
    let page = b"OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x95Z\x00\x00\x00\x00\x00\x00w\x98\xd9\xd6\x01\x1bOpusHead\x01\x068\x01@\x1f\x00\x00\x00\x00\x01\x04\x02\x00\x04\x01\x02\x03\x05";
    assert!(Page::is_sound(page));
    let mut sealed = page.to_vec();
    seal(&mut sealed);
    assert_eq!(sealed, page);
    sealed[30] ^= 1;
    assert!(!Page::is_sound(&sealed));
}

#[test]
fn a_page_whose_checksum_is_wrong_is_passed_over_and_time_goes_on() {
    let (steps, damage) = after(|bytes, pages| bytes[pages[5] + 60] ^= 4);
    let packets = packets(&steps);
    assert_eq!(packets.len(), 90);
    assert!(damage > 0);
    // The page behind it begins where it should.
    assert_eq!(packets[30].data, opus(40));
    assert_eq!(packets[30].pts, Time::from_micros(800_000 - 6500));
    assert!(packets[30].flags.discontinuity);
}

#[test]
fn junk_between_pages_is_passed_over() {
    let junk = [b"OggS\0junk".repeat(30), vec![0; 500]].concat();
    let (steps, damage) = after(|bytes, pages| {
        bytes.splice(pages[5]..pages[5], junk);
    });
    assert_eq!((packets(&steps).len(), damage), (100, 1));
}

#[test]
fn a_file_that_is_cut_off_ends_with_its_last_whole_page() {
    let (steps, damage) = after(|bytes, _| bytes.truncate(bytes.len() - 10));
    assert_eq!((packets(&steps).len(), damage), (90, 1));
}

#[test]
fn a_packet_whose_middle_is_lost_is_left_out() {
    let mut muxer = Muxer::new(1);
    muxer.opus_headers(0, &[]);
    muxer.page(0, 960, &[opus(1)]);
    muxer.raw_page(0, -1, &[255; 2], &[0xfc; 510]);
    muxer.lose();
    muxer.raw_page(CONTINUED, 2880, &[10, 41], &[0xfc; 51]);
    muxer.page(ENDS, 3840, &[opus(2)]);
    let steps = demux(&muxer.bytes);
    assert_eq!(ms(&packets(&steps)), [0, 40, 60]);
}

#[test]
fn opus_that_claims_to_begin_before_its_start_goes_on_from_page_to_page() {
    let mut muxer = Muxer::new(1);
    muxer.opus_headers(0, &[]);
    // RFC 7845 4.3 forbids it; who cuts streams without coding them anew writes it all the same.
    muxer.page(0, 480, &[opus(0)]);
    muxer.page(0, 1440, &[opus(1)]);
    muxer.page(ENDS, 2400, &[opus(2)]);
    assert_eq!(ms(&packets(&demux(&muxer.bytes))), [-10, 10, 30]);
}
