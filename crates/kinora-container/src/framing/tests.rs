use super::*;

fn adts_frame(payload: usize) -> Vec<u8> {
    let len = payload + 7;
    let mut frame = vec![
        0xff,
        0xf1,
        0x50,
        0x80 | (len >> 11) as u8,
        (len >> 3) as u8,
        (len << 5) as u8 | 0x1f,
        0xfc,
    ];
    frame.extend(vec![0x21; payload]);
    frame
}

/// All frames of the data as (offset, length).
fn frames(framing: Framing, data: &[u8]) -> Vec<(usize, usize)> {
    let mut splitter = Splitter::new(framing);
    let (mut at, mut found) = (0, Vec::new());
    while at < data.len() {
        match splitter.look(&data[at..], true) {
            Look::Frame(frame) => {
                found.push((at, frame.len));
                at += frame.len;
            }
            Look::Junk(count) => at += count,
            Look::Need(_) => panic!("nothing follows"),
        }
    }
    found
}

#[test]
fn frames_follow_one_another() {
    let data = [adts_frame(100), adts_frame(50), adts_frame(10)].concat();
    assert_eq!(
        frames(Framing::Adts, &data),
        [(0, 107), (107, 57), (164, 17)]
    );
}

#[test]
fn junk_between_frames_is_passed_over() {
    let junk = vec![0xff; 40];
    let data = [
        junk.clone(),
        adts_frame(100),
        adts_frame(9),
        junk,
        adts_frame(50),
        adts_frame(50),
    ]
    .concat();
    assert_eq!(
        frames(Framing::Adts, &data),
        [(40, 107), (147, 16), (203, 57), (260, 57)]
    );
}

#[test]
fn a_last_frame_cut_short_is_no_frame() {
    let whole = [adts_frame(100), adts_frame(100)].concat();
    for cut in 1..107 {
        assert_eq!(
            frames(Framing::Adts, &whole[..whole.len() - cut]),
            [(0, 107)]
        );
    }
}

#[test]
fn a_frame_is_given_only_when_it_is_whole() {
    let data = [adts_frame(100), adts_frame(100)].concat();
    let mut splitter = Splitter::new(Framing::Adts);
    assert_eq!(splitter.look(&data[..3], false), Look::Need(7));
    assert_eq!(splitter.look(&data[..7], false), Look::Need(114));
    assert!(matches!(splitter.look(&data[..114], false), Look::Frame(_)));
    assert_eq!(splitter.look(&data[107..120], false), Look::Need(107));
}

#[test]
fn dependent_substreams_stay_with_their_frame() {
    let frame = |head: u8, words: u8| {
        let mut frame = vec![0x0b, 0x77, head, words - 1, 0x3f, 0x80, 0, 0];
        frame.resize(usize::from(words) * 2, 0);
        frame
    };
    let data = [
        frame(0, 100),
        frame(0x40, 50),
        frame(0, 100),
        frame(0x40, 50),
    ]
    .concat();
    assert_eq!(frames(Framing::Ac3, &data), [(0, 300), (300, 300)]);
}
