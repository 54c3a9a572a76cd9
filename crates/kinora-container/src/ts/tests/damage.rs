use super::*;

#[test]
fn junk_between_packets_is_passed_over_and_counted() {
    let bytes = film(2, 0, 300).bytes;
    let whole = demux(&bytes);
    let syncs = [&[0][..], &[0x47; 77]].concat();
    for junk in [vec![0; 100], syncs, vec![0xff; 3000]] {
        for place in [0, 188 * 40] {
            let mut damaged = bytes[..place].to_vec();
            damaged.extend(&junk);
            damaged.extend(&bytes[place..]);
            let mut demuxer = TsDemuxer::default();
            let steps = run(&mut demuxer, &damaged, 4096).unwrap();
            assert!(packets(&steps, VIDEO) == packets(&whole, VIDEO));
            assert!(packets(&steps, AUDIO) == packets(&whole, AUDIO));
            assert_eq!(demuxer.damage() > 0, place > 0);
        }
    }
}

#[test]
fn a_file_cut_at_any_packet_gives_the_packets_before() {
    let bytes = film(1, 0, 300).bytes;
    let whole = demux(&bytes);
    for cut in (188..bytes.len()).step_by(188) {
        let Ok(steps) = run(&mut TsDemuxer::default(), &bytes[..cut], 4096) else {
            assert!(cut <= 188 * 4, "{cut}");
            continue;
        };
        for pid in [VIDEO, AUDIO] {
            let (cut, whole) = (packets(&steps, pid), packets(&whole, pid));
            assert!(cut.len() <= whole.len());
            let same = cut.len().saturating_sub(1);
            assert_eq!(cut[..same], whole[..same]);
        }
    }
}

#[test]
fn a_file_cut_within_a_packet_loses_that_packet_only() {
    let bytes = film(1, 0, 300).bytes;
    let at_packet = demux(&bytes[..188 * 60]);
    for cut in [1, 4, 100, 187] {
        let steps = demux(&bytes[..188 * 60 + cut]);
        assert!(packets(&steps, AUDIO) == packets(&at_packet, AUDIO));
        assert_eq!(
            packets(&steps, VIDEO).len(),
            packets(&at_packet, VIDEO).len()
        );
    }
}

#[test]
fn lost_packets_are_counted_and_repeated_ones_dropped() {
    let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[]), (0x0f, AUDIO, &[])]);
    let sound = |n: u8| [adts(&[n; 50]), adts(&[n; 50])].concat();
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 50));
    muxer.pes(AUDIO, Some(0), None, &sound(1));
    let last = muxer.bytes.len() - 188;
    let repeated = muxer.bytes[last..].to_vec();
    muxer.bytes.extend(repeated);
    muxer.lose(AUDIO, 2);
    muxer.pes(AUDIO, Some(9000), None, &sound(2));
    muxer.pes(VIDEO, Some(3600), None, &picture(false, 1, 50));
    let mut demuxer = TsDemuxer::default();
    let steps = run(&mut demuxer, &muxer.bytes, 4096).unwrap();
    assert_eq!(demuxer.damage(), 1);
    let frames = packets(&steps, AUDIO);
    assert_eq!(frames.len(), 4);
    assert_eq!(frames[2].pts, ticks(9000));
}

#[test]
fn a_table_with_a_wrong_checksum_is_not_believed() {
    let mut muxer = Muxer::new();
    muxer.pat(&[(1, PMT)]);
    let mut broken = program_map(1, 0, &[(0x0f, VIDEO, &[])]);
    broken[9] ^= 1;
    muxer.section(PMT, &broken);
    muxer.pmt(PMT, 1, 0, &[(0x1b, VIDEO, &[])]);
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 50));
    let mut demuxer = TsDemuxer::default();
    let steps = run(&mut demuxer, &muxer.bytes, 4096).unwrap();
    assert_eq!(infos(&steps)[0].tracks[0].codec, CodecId::H264);
    assert_eq!(demuxer.damage(), 1);
}

#[test]
fn a_map_that_spans_packets_is_read() {
    let long = [0x52u8, 200]
        .into_iter()
        .chain([1; 200])
        .collect::<Vec<u8>>();
    let muxer = Muxer::with_streams(&[(0x1b, VIDEO, &long), (0x0f, AUDIO, &[])]);
    let mut bytes = muxer.bytes;
    bytes.extend(film(1, 0, 50).bytes.split_off(188 * 2));
    let steps = demux(&bytes);
    assert_eq!(infos(&steps)[0].tracks.len(), 2);
}

/// A generator of numbers that are the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }
}

#[test]
fn any_bytes_come_to_an_end() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let good = film(1, (1 << 33) - 40_000, 300).bytes;
    for round in 0..300 {
        let mut bytes = good.clone();
        for _ in 0..1 + round % 60 {
            let at = random.next(bytes.len());
            match random.next(4) {
                0 => bytes[at] = random.next(256) as u8,
                1 => {
                    let end = (at + random.next(200)).min(bytes.len());
                    bytes.drain(at..end);
                }
                2 => bytes[at] ^= 1 << random.next(8),
                // Only headers: packets that claim much.
                _ => bytes[at / 188 * 188 + random.next(20)] = random.next(256) as u8,
            }
        }
        let _ = run(&mut TsDemuxer::default(), &bytes, 1 + random.next(5000));
    }
    for _ in 0..50 {
        let noise: Vec<u8> = (0..20_000)
            .map(|at| match at % 188 {
                0 => 0x47,
                1 => random.next(3) as u8 * 0x40,
                2 => random.next(2) as u8,
                _ => random.next(256) as u8,
            })
            .collect();
        let _ = run(&mut TsDemuxer::default(), &noise, 3000);
    }
}

#[test]
fn hostile_streams_cost_little() {
    // Nothing but starts of slices; of parameter sets; of access units.
    for unit in [
        &[0, 0, 1, 0x41][..],
        &[0, 0, 1, 0x67, 0x42],
        &AUD,
        &[0, 0, 0, 1],
    ] {
        let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[])]);
        muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 9));
        muxer.pes(VIDEO, Some(0), None, &unit.repeat(1 << 18));
        let _ = run(&mut TsDemuxer::default(), &muxer.bytes, 65_536);
    }
    // Another map in each packet, with as many streams as fit.
    let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[])]);
    for version in 0..5000u16 {
        let streams: Vec<(u8, u16, &[u8])> = (0..30)
            .map(|stream| (0x1b, 0x100 + (version * 7 + stream) % 1000, &[][..]))
            .collect();
        muxer.pmt(PMT, 1, (version % 32) as u8, &streams);
    }
    let _ = run(&mut TsDemuxer::default(), &muxer.bytes, 65_536);
    // A picture that never ends.
    let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[])]);
    muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 9));
    muxer.pes(VIDEO, Some(0), None, &[0xa5; 18 << 20]);
    let mut demuxer = TsDemuxer::default();
    let _ = run(&mut demuxer, &muxer.bytes, 65_536);
    assert_eq!(demuxer.damage(), 1);
}

// CVE-2016-9812 (GStreamer): a table that ends within an entry is read beyond its end.
#[test]
fn every_prefix_of_a_table_is_survived_and_the_next_valid_one_used() {
    let map = [
        0xe1, 0x00, 0xf0, 0x06, 0x05, 0x04, b'H', b'D', b'M', b'V', 0x1b, 0xe1, 0x00, 0xf0, 0x03,
        0x52, 0x01, 0x00, 0x0f, 0xe1, 0x01, 0xf0, 0x06, 0x0a, 0x04, b'e', b'n', b'g', 0x00,
    ];
    let programs = [0, 1, 0xf0, 0, 0, 2, 0xf1, 0];
    for (pid, id, body) in [(PMT, 2, &map[..]), (0, 0, &programs[..])] {
        for end in 0..body.len() {
            let mut muxer = Muxer::new();
            muxer.pat(&[(1, PMT)]);
            // Its checksum is right: only its length is wrong.
            muxer.section(pid, &table(id, 1, 1, &body[..end]));
            muxer.pat(&[(1, PMT)]);
            muxer.pmt(PMT, 1, 2, &[(0x1b, VIDEO, &[])]);
            muxer.pes(VIDEO, Some(0), None, &picture(true, 0, 9));
            muxer.pes(VIDEO, Some(3600), None, &picture(false, 1, 9));
            let steps = run(&mut TsDemuxer::default(), &muxer.bytes, 4096).unwrap();
            assert!(
                !packets(&steps, VIDEO).is_empty(),
                "table {id} cut at {end}"
            );
        }
    }
}

#[test]
fn every_length_that_a_section_may_claim_is_survived() {
    let sound = program_map(1, 0, &[(0x1b, VIDEO, &[]), (0x0f, AUDIO, &[])]);
    for claimed in 0..0x1000u16 {
        let mut section = sound.clone();
        let [high, low] = claimed.to_be_bytes();
        (section[1], section[2]) = (0xb0 | high, low);
        let mut muxer = Muxer::new();
        muxer.pat(&[(1, PMT)]);
        muxer.section(PMT, &section);
        let _ = run(&mut TsDemuxer::default(), &muxer.bytes, 4096);
    }
}
