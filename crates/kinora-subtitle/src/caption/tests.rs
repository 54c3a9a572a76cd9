use super::*;
use crate::{Align, Anchor, Color, Cues, LinePosition};

/// A byte with its odd parity.
fn odd(byte: u8) -> u8 {
    byte | (((byte.count_ones() + 1) % 2) as u8) << 7
}

fn line21(field: u8, pair: [u8; 2]) -> Vec<u8> {
    vec![0xfc | field, odd(pair[0]), odd(pair[1])]
}

/// Feeds one pair a picture, 33 ms each, and gives back the screen's text behind each change.
fn play(service: CaptionService, triplets: &[Vec<u8>]) -> Vec<String> {
    let mut decoder = CaptionDecoder::new(service);
    let mut texts = Vec::new();
    for (at, triplet) in (0_i64..).zip(triplets) {
        let time = Time::from_millis(at * 33);
        for update in decoder.push(time, time, triplet) {
            let Update::Replace { at, cues } = update else {
                panic!("{update:?}")
            };
            assert_eq!(at, time);
            let lines: Vec<_> = cues.iter().map(Cue::text).collect();
            texts.push(lines.join("|"));
        }
    }
    texts
}

const RCL: [u8; 2] = [0x14, 0x20];
const EOC: [u8; 2] = [0x14, 0x2f];
const EDM: [u8; 2] = [0x14, 0x2c];
const RU2: [u8; 2] = [0x14, 0x25];
const CR: [u8; 2] = [0x14, 0x2d];
const RDC: [u8; 2] = [0x14, 0x29];
/// Row 15, column 0, white.
const ROW_15: [u8; 2] = [0x14, 0x60];
/// Row 1, indent 8.
const ROW_1: [u8; 2] = [0x11, 0x54];

fn cc1(pairs: &[[u8; 2]]) -> Vec<String> {
    let triplets: Vec<_> = pairs.iter().map(|pair| line21(0, *pair)).collect();
    play(CaptionService::CC1, &triplets)
}

#[test]
fn pop_on_captions_appear_at_once_and_commands_count_once() {
    let texts = cc1(&[RCL, RCL, ROW_15, ROW_15, *b"Hi", *b"! ", EOC, EOC, EDM, EDM]);
    assert_eq!(texts, ["Hi!", ""]);
}

#[test]
fn roll_up_captions_scroll_within_their_rows() {
    let texts = cc1(&[RU2, ROW_15, *b"ab", CR, *b"cd", CR, *b"ef"]);
    // A carriage return moves what is there.
    assert_eq!(texts, ["ab", "ab", "ab\ncd", "cd", "cd\nef"]);
}

#[test]
fn paint_on_captions_appear_as_they_are_written() {
    let texts = cc1(&[RDC, ROW_1, *b"ab", [0x14, 0x21], *b"cd", [0x14, 0x24]]);
    assert_eq!(texts, ["ab", "a", "acd"]);
}

#[test]
fn special_and_extended_characters_and_colours() {
    let mut decoder = CaptionDecoder::new(CaptionService::CC1);
    let mut screen = Vec::new();
    // Green, a musical note, then É in place of a plain E.
    let pairs = [
        RCL,
        [0x14, 0x62],
        [0x11, 0x37],
        *b"aE",
        [0x12, 0x21],
        [0x11, 0x2e],
        *b"it",
        EOC,
    ];
    for (at, pair) in (0_i64..).zip(pairs) {
        let time = Time::from_millis(at);
        screen.extend(decoder.push(time, time, &line21(0, pair)));
    }
    let [Update::Replace { cues, .. }] = &screen[..] else {
        panic!("{screen:?}")
    };
    assert_eq!(cues[0].text(), "♪aÉ it");
    let green = Some(Color::rgb(0, 255, 0));
    assert_eq!(cues[0].spans[0].style.color, green);
    assert!(
        cues[0]
            .spans
            .iter()
            .any(|span| span.style.italic && span.style.color == green)
    );
    let layout = &cues[0].layout;
    assert_eq!(layout.line_anchor, Anchor::End);
    assert!(matches!(layout.line, LinePosition::Fraction(at) if (at - 0.9).abs() < 1e-9));
}

#[test]
fn channels_and_fields_do_not_mix() {
    let on_cc2 = RCL.map(|byte| if byte == 0x14 { 0x1c } else { byte });
    let triplets = [
        line21(0, RCL),
        line21(0, *b"me"),
        line21(0, on_cc2),
        line21(0, *b"no"),
        line21(1, RCL),
        line21(1, *b"no"),
        line21(0, EOC),
    ];
    assert_eq!(play(CaptionService::CC1, &triplets), ["me"]);
    let found = CaptionService::within(&triplets.concat());
    let channels = [
        CaptionChannel::Cc1,
        CaptionChannel::Cc2,
        CaptionChannel::Cc3,
    ];
    assert_eq!(found, channels.map(CaptionService::Cea608));
}

#[test]
fn damaged_bytes_and_extended_data_are_passed_over() {
    let mut broken = line21(0, *b"xy");
    broken[1] ^= 0x80;
    let triplets = [
        line21(0, RCL),
        line21(0, *b"ok"),
        broken,
        line21(0, [0x01, 0x03]),
        line21(0, *b"no"),
        line21(0, [0x0f, 0x1d]),
        line21(0, EOC),
    ];
    assert_eq!(play(CaptionService::CC1, &triplets), ["ok"]);
}

#[test]
fn rows_of_different_indents_are_cues_of_their_own() {
    let texts = cc1(&[RCL, ROW_15, *b"lo", ROW_1, *b"hi", EOC]);
    assert_eq!(texts, ["hi|lo"]);
}

#[test]
fn pictures_are_put_into_the_order_of_presentation() {
    let mut decoder = CaptionDecoder::new(CaptionService::CC1);
    let mut cues = Cues::default();
    // Decoded as 0 2 1 4 3.
    let order = [
        (0, 0, RCL),
        (2, 1, *b"cd"),
        (1, 2, *b"ab"),
        (4, 3, EDM),
        (3, 4, EOC),
    ];
    for (pts, dts, pair) in order {
        let [pts, dts] = [pts, dts].map(|n| Time::from_millis(n * 40));
        for update in decoder.push(pts, dts - Time::from_millis(40), &line21(0, pair)) {
            cues.apply(update);
        }
    }
    decoder
        .finish()
        .into_iter()
        .for_each(|update| cues.apply(update));
    let shown = cues.active(Time::from_millis(130));
    assert_eq!(shown[0].text(), "abcd");
    assert_eq!(shown[0].end, Time::from_millis(160));
}

/// A packet of one service block as triplets.
fn dtvcc(service: u8, block: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, service << 5 | block.len() as u8];
    bytes.extend(block);
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes[0] = (bytes.len() / 2) as u8;
    let pairs = bytes.chunks(2).enumerate();
    pairs
        .flat_map(|(at, pair)| [if at == 0 { 0xff } else { 0xfe }, pair[0], pair[1]])
        .collect()
}

/// Window 0: visible, two rows of ten columns, its lower middle at three quarters of the height and the middle.
const DEFINE: [u8; 7] = [0x98, 0x20, 0x80 | 75, 50, 0x71, 9, 0x18];

#[test]
fn windows_of_a_service_are_cues() {
    let mut decoder = CaptionDecoder::new(CaptionService::Cea708(1));
    let mut block = DEFINE.to_vec();
    block.extend(b"\x90\x05\x80Hi\x0d\x91\x30\xc0\x00\x10\x35you");
    let updates = decoder.push(Time::ZERO, Time::ZERO, &dtvcc(1, &block));
    let [Update::Replace { cues, .. }] = &updates[..] else {
        panic!("{updates:?}")
    };
    assert_eq!(cues[0].text(), "Hi\n•you");
    assert!(cues[0].spans[0].style.italic);
    let last = &cues[0].spans[cues[0].spans.len() - 1].style;
    assert_eq!(last.color, Some(Color::rgb(255, 0, 0)));
    assert_eq!(last.background.map(|color| color.alpha), Some(0));
    let layout = &cues[0].layout;
    assert_eq!(layout.line_anchor, Anchor::End);
    assert!(matches!(layout.line, LinePosition::Fraction(at) if (at - 0.7).abs() < 1e-9));
    assert_eq!(
        (layout.x(), layout.x_anchor(), layout.align),
        (0.5, Anchor::Middle, Align::Center)
    );
}

#[test]
fn windows_are_hidden_shown_cleared_scrolled_and_deleted() {
    let service = CaptionService::Cea708(2);
    let block = |bytes: &[u8]| dtvcc(2, bytes);
    let texts = play(
        service,
        &[
            block(&[&DEFINE[..], b"a"].concat()),
            block(b"\x8a\x01"),
            block(b"\x89\x01"),
            block(b"\x0db\x0dc"),
            block(b"\x08d\x0c"),
            block(b"e"),
            dtvcc(1, b"not ours"),
            block(b"\x8c\xff"),
        ],
    );
    assert_eq!(texts, ["a", "", "a", "b\nc", "", "e", ""]);
}

#[test]
fn services_are_named_and_found() {
    assert_eq!(
        CaptionService::from_instream_id("CC3"),
        Some(CaptionService::Cea608(CaptionChannel::Cc3))
    );
    assert_eq!(
        CaptionService::from_instream_id("SERVICE63"),
        Some(CaptionService::Cea708(63))
    );
    for bad in ["", "CC5", "SERVICE0", "SERVICE64", "SERVICEx"] {
        assert_eq!(CaptionService::from_instream_id(bad), None, "{bad}");
    }
    assert_eq!(
        CaptionService::within(&dtvcc(3, b"x")),
        [CaptionService::Cea708(3)]
    );
}

#[test]
fn nonsense_is_survived() {
    let mut seed = 1_u32;
    for service in [CaptionService::CC1, CaptionService::Cea708(1)] {
        let mut decoder = CaptionDecoder::new(service);
        for at in 0..3_000 {
            let bytes: Vec<u8> = (0..12)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8
                })
                .collect();
            let time = Time::from_millis(at);
            let _ = decoder.push(time, time, &bytes);
        }
        decoder.reset();
        assert_eq!(decoder.finish(), []);
    }
}
