use super::*;

/// Pictures and what is damaged of them, after something was done to the bytes.
fn after(change: impl FnOnce(&mut Vec<u8>)) -> (usize, u64) {
    let mut bytes = Film::of(2).bytes();
    change(&mut bytes);
    let mut demuxer = FlvDemuxer::new();
    let steps = steps(&mut demuxer, &bytes, 1000).unwrap();
    (packets(&steps).len(), demuxer.damage())
}

/// Where the `index`th tag begins.
fn tag_at(bytes: &[u8], index: usize) -> usize {
    let mut at = 13;
    for _ in 0..index {
        let len = u32::from_be_bytes([0, bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        at += 11 + len as usize + 4;
    }
    at
}

#[test]
fn a_wrong_length_behind_a_tag_loses_nothing() {
    let zeroed = after(|bytes| {
        let next = tag_at(bytes, 10);
        bytes[next - 4..next].fill(0);
    });
    assert_eq!(zeroed, (100, 1));
}

#[test]
fn a_wrong_length_in_a_tag_loses_that_tag_alone() {
    for length in [[0, 0, 3], [0, 9, 9], [0xff, 0xff, 0xff]] {
        let (count, damage) = after(|bytes| {
            let at = tag_at(bytes, 10);
            bytes[at + 1..at + 4].copy_from_slice(&length);
        });
        assert_eq!(count, 99, "{length:?}");
        assert!(damage > 0);
    }
}

#[test]
fn junk_and_missing_bytes_between_tags_are_passed_over() {
    let junk = after(|bytes| {
        let at = tag_at(bytes, 20);
        bytes.splice(at..at, [9; 777]);
    });
    assert_eq!(junk, (100, 1));
    let missing = after(|bytes| {
        let at = tag_at(bytes, 20);
        bytes.drain(at + 5..at + 60);
    });
    assert_eq!(missing, (99, 1));
}

#[test]
fn a_file_that_is_cut_off_ends_with_its_last_whole_tag() {
    let cut = after(|bytes| bytes.truncate(bytes.len() - 30));
    assert_eq!(cut, (99, 1));
    // The length behind the last tag is not waited for.
    let bare = after(|bytes| bytes.truncate(bytes.len() - 4));
    assert_eq!(bare, (100, 0));
}

#[test]
fn time_goes_on_where_the_clock_begins_anew() {
    let film = Film::of(2).bytes();
    // Another file behind it, and one without its header.
    for second in [&film[..], &film[13..]] {
        let steps = demux(&[&film, second].concat());
        let sound = of(&steps, AUDIO.into());
        assert_eq!(sound.len(), 100);
        let steps_of = |packets: &[&Packet]| -> Vec<i64> {
            let times = ms(packets);
            times.windows(2).map(|pair| pair[1] - pair[0]).collect()
        };
        assert!(steps_of(&sound).iter().all(|step| (0..=80).contains(step)));
        let jumps = packets(&steps);
        let jumps = jumps.iter().filter(|packet| packet.flags.discontinuity);
        assert_eq!(jumps.count(), 1);
    }
}

#[test]
fn pauses_are_kept_and_leaps_of_the_clock_are_not() {
    let two = |gap: u32| {
        let mut muxer = Muxer::new(1);
        muxer.avc_config(0, &avcc(0x80));
        muxer.picture(0, 0, true, &slice(true, 1, 9));
        muxer.picture(gap, 0, true, &slice(true, 2, 9));
        ms(&packets(&demux(&muxer.bytes)))
    };
    assert_eq!(two(300_000), [0, 300_000]);
    assert_eq!(two(3_000_000_000), [0, 0]);
}

#[test]
fn something_else_is_refused_and_a_cut_header_is_told() {
    let refused = run(b"RIFF....WAVEfmt", 99).unwrap_err();
    assert!(matches!(
        refused,
        DemuxError::Malformed {
            reason: "flv.header",
            ..
        }
    ));
    let cut = run(b"FLV\x01\x05\0", 99).unwrap_err();
    assert_eq!(cut, DemuxError::TruncatedHeader { at: 6 });
}
