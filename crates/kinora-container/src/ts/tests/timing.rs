use super::*;

#[test]
fn a_clock_that_wraps_goes_on() {
    let straight = demux(&film(4, 0, 200).bytes);
    // The clock wraps after one, two, three and a half seconds.
    for before_wrap in [90_000, 180_000, 315_000] {
        let wrapping = demux(&film(4, (1 << 33) - before_wrap, 200).bytes);
        for pid in [VIDEO, AUDIO] {
            let (one, other) = (packets(&straight, pid), packets(&wrapping, pid));
            assert_eq!(one.len(), other.len());
            for (one, other) in one.iter().zip(other) {
                assert!((one.pts.as_micros() - other.pts.as_micros()).abs() <= 12);
                assert!((one.dts.as_micros() - other.dts.as_micros()).abs() <= 12);
                assert!(!other.flags.discontinuity);
            }
        }
    }
}

#[test]
fn the_first_time_is_zero_or_kept() {
    let bytes = film(1, 900_000, 200).bytes;
    let steps = demux(&bytes);
    assert_eq!(packets(&steps, VIDEO)[0].pts, Time::ZERO);
    assert_eq!(packets(&steps, VIDEO)[0].dts, ticks(-3600));
    let mut raw = TsDemuxer::with_timestamps_kept();
    let steps = run(&mut raw, &bytes, 4096).unwrap();
    assert_eq!(packets(&steps, VIDEO)[0].pts, ticks(903_600));
    assert_eq!(packets(&steps, AUDIO)[0].pts, ticks(903_600));
}

#[test]
fn segments_of_one_stream_agree_in_kept_times() {
    let early = run(
        &mut TsDemuxer::with_timestamps_kept(),
        &film(2, 90_000, 99).bytes,
        999,
    );
    let late = run(
        &mut TsDemuxer::with_timestamps_kept(),
        &film(1, 270_000, 99).bytes,
        999,
    );
    let (early, late) = (early.unwrap(), late.unwrap());
    let last = packets(&early, VIDEO).pop().unwrap().pts;
    let next = packets(&late, VIDEO)[0].pts;
    assert_eq!((next - last).as_millis(), 40);
}

#[test]
fn a_recording_that_overlaps_the_one_before_it_follows_it() {
    // The second begins one second before the end of the first.
    let mut bytes = film(3, 90_000, 200).bytes;
    bytes.extend(film(3, 90_000 + 2 * 90_000, 200).bytes);
    let steps = demux(&bytes);
    for pid in [VIDEO, AUDIO] {
        let all = packets(&steps, pid);
        let dts: Vec<Time> = all.iter().map(|packet| packet.dts).collect();
        assert!(dts.is_sorted(), "{pid:#x} never goes back");
        let jumps = all
            .iter()
            .filter(|packet| packet.flags.discontinuity)
            .count();
        assert_eq!(
            jumps,
            usize::from(pid == VIDEO),
            "one jump, which video meets first"
        );
        let last = all.last().unwrap().pts.as_millis();
        assert!((5_900..6_050).contains(&last), "{pid:#x} ends at {last} ms");
    }
}

#[test]
fn a_clock_that_jumps_is_closed_or_kept() {
    let mut bytes = film(2, 90_000, 200).bytes;
    // Cut at a place where both tracks go over to the other clock.
    bytes.extend(film(2, 2_000_000_000, 200).bytes);
    let steps = demux(&bytes);
    let pictures = packets(&steps, VIDEO);
    let jumps: Vec<usize> = (0..100)
        .filter(|at| pictures[*at].flags.discontinuity)
        .collect();
    assert_eq!(jumps, [50]);
    assert!(
        ms(&pictures)
            .windows(2)
            .all(|pair| (0..=80).contains(&(pair[1] - pair[0])))
    );
    let sound = packets(&steps, AUDIO);
    assert!(
        ms(&sound)
            .windows(2)
            .all(|pair| (0..=80).contains(&(pair[1] - pair[0])))
    );
    let raw = run(&mut TsDemuxer::with_timestamps_kept(), &bytes, 4096).unwrap();
    assert_eq!(packets(&raw, VIDEO)[50].pts, ticks(2_000_003_600));
}

#[test]
fn how_the_bytes_come_makes_no_difference() {
    let bytes = film(2, 77, 300).bytes;
    let whole = demux(&bytes);
    for chunk in [1, 7, 187, 188, 189, 5000, bytes.len()] {
        let steps = run(&mut TsDemuxer::default(), &bytes, chunk).unwrap();
        assert!(steps == whole, "in chunks of {chunk}");
    }
}

#[test]
fn packets_with_something_between_are_read_alike() {
    let bytes = film(1, 77, 300).bytes;
    let whole = demux(&bytes);
    let mut timed = Vec::new();
    let mut checked = Vec::new();
    for packet in bytes.chunks(188) {
        timed.extend([0x12, 1, 2, 3]);
        timed.extend(packet);
        checked.extend(packet);
        checked.extend([0xaa; 16]);
    }
    for stream in [timed, checked] {
        for chunk in [190, 4096] {
            let steps = run(&mut TsDemuxer::default(), &stream, chunk).unwrap();
            assert!(packets(&steps, VIDEO) == packets(&whole, VIDEO));
            assert!(packets(&steps, AUDIO) == packets(&whole, AUDIO));
        }
    }
}

fn even(packets: &[&Packet]) -> bool {
    ms(packets)
        .windows(2)
        .all(|pair| (20..=60).contains(&(pair[1] - pair[0])))
}

#[test]
fn a_clock_that_leaps_in_all_tracks_is_closed_however_far() {
    for leap in [5i64, 12, 40, -3, -5, -100] {
        let first = 200 * 90_000;
        let mut bytes = film_with_pcr(2, first).bytes;
        bytes.extend(film_with_pcr(2, (first as i64 + (2 + leap) * 90_000) as u64).bytes);
        let steps = demux(&bytes);
        for pid in [VIDEO, AUDIO] {
            assert!(even(&packets(&steps, pid)), "{pid} after {leap} s");
        }
    }
}

#[test]
fn tracks_that_leap_together_without_a_program_clock_go_on_in_step() {
    for leap in [15u64, 40] {
        let mut bytes = film(2, 90_000, 200).bytes;
        bytes.extend(film(2, (3 + leap) * 90_000, 200).bytes);
        let steps = demux(&bytes);
        for pid in [VIDEO, AUDIO] {
            assert!(even(&packets(&steps, pid)), "{pid} after {leap} s");
        }
    }
}

#[test]
fn a_picture_that_stands_while_the_program_clock_runs_keeps_its_time() {
    let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[])]);
    let at = |second: u64| 90_000 * (second + 1);
    for second in 0..120 {
        muxer.pcr(VIDEO, at(second), false);
        if [0, 1, 2, 100].contains(&second) {
            muxer.pes(VIDEO, Some(at(second)), None, &picture(true, 0, 200));
        }
    }
    let steps = demux(&muxer.bytes);
    assert_eq!(ms(&packets(&steps, VIDEO)), [0, 1000, 2000, 100_000]);
}

#[test]
fn a_track_that_is_silent_while_another_goes_on_keeps_its_time() {
    let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[]), (0x0f, AUDIO, &[])]);
    for number in 0..100u64 {
        let at = Some(90_000 * (number + 1));
        muxer.pes(AUDIO, at, None, &adts(&[1; 60]));
        if !(3..=90).contains(&number) {
            muxer.pes(VIDEO, at, None, &picture(true, 0, 200));
        }
    }
    let steps = demux(&muxer.bytes);
    assert_eq!(ms(&packets(&steps, VIDEO))[2..5], [2000, 91_000, 92_000]);
}
