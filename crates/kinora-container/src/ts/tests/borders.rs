//! Segments that go on with each other.

use super::*;

/// What comes of a stream that is cut into resources at these places.
fn in_parts(bytes: &[u8], cuts: &[usize]) -> (Vec<Step>, u64) {
    let mut demuxer = TsDemuxer::with_timestamps_kept();
    let mut steps = Vec::new();
    let ends = cuts.iter().copied().chain([bytes.len()]);
    let mut begin = 0;
    for end in ends {
        if begin > 0 {
            assert!(demuxer.next_resource());
        }
        demuxer.push(0, Bytes::copy_from_slice(&bytes[begin..end]));
        match end == bytes.len() {
            true => demuxer.finish(),
            false => demuxer.pause(),
        }
        loop {
            match demuxer.poll().unwrap() {
                Step::End => break,
                step => steps.push(step),
            }
        }
        begin = end;
    }
    (steps, demuxer.damage())
}

#[test]
fn a_pes_packet_that_a_border_cuts_is_joined_with_its_rest() {
    let bytes = film(2, 900_000, 300).bytes;
    let (whole, _) = in_parts(&bytes, &[]);
    for cut in (188 * 12..bytes.len()).step_by(188) {
        let (steps, damage) = in_parts(&bytes, &[cut]);
        for pid in [VIDEO, AUDIO] {
            let (parts, whole) = (packets(&steps, pid), packets(&whole, pid));
            assert!(parts == whole, "track {pid} cut at packet {}", cut / 188);
        }
        assert_eq!(damage, 0, "cut at packet {}", cut / 188);
        assert_eq!(infos(&steps).len(), 1);
    }
    let every_packet: Vec<usize> = (188 * 12..bytes.len()).step_by(188).collect();
    let (steps, damage) = in_parts(&bytes, &every_packet);
    assert!(packets(&steps, VIDEO) == packets(&whole, VIDEO));
    assert_eq!(damage, 0);
}

#[test]
fn what_is_whole_at_a_border_does_not_wait_for_what_follows() {
    let bytes = film(2, 900_000, 300).bytes;
    let parts = [film(1, 900_000, 300).bytes, film(1, 990_000, 300).bytes];
    let whole = demux(&bytes);
    let mut demuxer = TsDemuxer::with_timestamps_kept();
    demuxer.push(0, Bytes::from(parts[0].clone()));
    demuxer.pause();
    let mut first = Vec::new();
    while let step @ (Step::Info(_) | Step::Packet(_)) = demuxer.poll().unwrap() {
        first.push(step);
    }
    assert_eq!(packets(&first, VIDEO).len(), 25);
    // The second counts its packets anew, as packagers do.
    let (steps, damage) = in_parts(&parts.concat(), &[parts[0].len()]);
    assert_eq!(packets(&steps, VIDEO).len(), packets(&whole, VIDEO).len());
    assert_eq!(damage, 0);
}

#[test]
fn a_cut_packet_whose_rest_is_missing_is_dropped_and_counted() {
    let bytes = film(1, 900_000, 2_000).bytes;
    let (whole, _) = in_parts(&bytes, &[]);
    let of_video: Vec<usize> = (0..bytes.len() / 188)
        .filter(|at| bytes[at * 188 + 1..at * 188 + 3] == [0x01, 0x00])
        .collect();
    // In the middle of a picture, of whose packets the second is missing behind the border.
    let cut = of_video
        .windows(4)
        .find(|run| run[0] > 80 && run[3] == run[0] + 3)
        .unwrap()[1];
    let lossy = [&bytes[..cut * 188], &bytes[(cut + 1) * 188..]].concat();
    let (steps, damage) = in_parts(&lossy, &[cut * 188]);
    assert_eq!(damage, 1);
    let (left, all) = (packets(&steps, VIDEO), packets(&whole, VIDEO));
    assert_eq!(left.len(), all.len() - 1, "nothing is put together of it");
    assert!(left.iter().all(|packet| all.contains(packet)));
    assert!(packets(&steps, AUDIO) == packets(&whole, AUDIO));
}

#[test]
fn the_rest_of_a_packet_that_began_in_a_segment_that_is_missing_is_counted() {
    let parts = [film(1, 900_000, 300).bytes, film(1, 990_000, 300).bytes];
    // It begins in the middle of its first picture.
    let begin = (0..)
        .find(|at| parts[1][at * 188 + 1..at * 188 + 3] == [0x41, 0x00])
        .unwrap();
    let second = &parts[1][(begin + 1) * 188..];
    let (steps, damage) = in_parts(&[&parts[0], second].concat(), &[parts[0].len()]);
    assert_eq!((packets(&steps, VIDEO).len(), damage), (49, 1));
}
