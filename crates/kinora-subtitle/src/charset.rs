//! Which charset text was written in: by its mark, by what is valid, by the letters that are frequent in each language.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

/// Text, and how it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// The charset's name in the Encoding Standard: `UTF-8`, `UTF-16LE`, `gb18030`, `Big5`, `Shift_JIS`.
    pub charset: &'static str,
    /// Something could not be read, and stands as U+FFFD.
    pub damaged: bool,
}

/// So much tells a charset; detection takes its time.
const SAMPLE: usize = 64 << 10;

/// Reads text of an unknown charset. A byte order mark decides; then come UTF-16 and UTF-8, which are known by their form;
/// then `label`, a name from outside (a setting, `charset=` of an HTTP header), where the text is valid in it; and of what is
/// left the likeliest.
#[must_use]
pub fn decode(bytes: &[u8], label: Option<&str>) -> Decoded {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return read(encoding, bytes.get(length..).unwrap_or_default());
    }
    if let Some(encoding) = utf16(bytes) {
        return read(encoding, bytes);
    }
    let text = read(UTF_8, bytes);
    if !text.damaged || is_utf8_for_the_most(&text.text) {
        return text;
    }
    let labelled = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    let labelled = labelled.map(|encoding| read(encoding, bytes));
    match labelled {
        Some(text) if !text.damaged => text,
        _ => read(guess(bytes), bytes),
    }
}

fn read(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    Decoded {
        text: text.into_owned(),
        charset: encoding.name(),
        damaged,
    }
}

/// Digits, blanks and line ends are a byte and a zero in UTF-16; other text has no zeros.
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..SAMPLE.min(bytes.len())).unwrap_or_default();
    let zeros = |odd: usize| {
        let bytes = sample.iter().skip(odd).step_by(2);
        bytes.filter(|byte| **byte == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let many =
        |zeros: usize, others: usize| zeros > sample.len() / 64 && zeros > others.saturating_mul(8);
    if many(odd, even) {
        Some(UTF_16LE)
    } else if many(even, odd) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// A file that was cut, or put together of two, is still what most of it is. Of other charsets hardly anything is valid UTF-8.
fn is_utf8_for_the_most(text: &str) -> bool {
    let (broken, whole) = text.chars().filter(|letter| !letter.is_ascii()).fold(
        (0_usize, 0_usize),
        |(broken, whole), letter| match letter {
            '\u{fffd}' => (broken.saturating_add(1), whole),
            _ => (broken, whole.saturating_add(1)),
        },
    );
    whole > broken.saturating_mul(16)
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let sample = bytes.get(..SAMPLE.min(bytes.len())).unwrap_or_default();
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    match guess {
        // GB18030 is all of GBK and more.
        guess if guess == GBK => GB18030,
        guess => prefer_han(guess, bytes),
    }
}

/// Traditional text of a few lines is taken for other charsets now and then; where nothing is invalid in Big5 and all of it are
/// frequent characters (level 1), it is Big5.
fn prefer_han(guess: &'static Encoding, bytes: &[u8]) -> &'static Encoding {
    if guess.is_single_byte() && is_frequent_big5(bytes) {
        return BIG5;
    }
    guess
}

fn is_frequent_big5(bytes: &[u8]) -> bool {
    let mut pairs = 0_usize;
    let mut bytes = bytes.iter();
    while let Some(lead) = bytes.next() {
        match lead {
            0..=0x7f => {}
            0xa1..=0xc6 => match bytes.next() {
                Some(0x40..=0x7e | 0xa1..=0xfe) => pairs = pairs.saturating_add(1),
                _ => return false,
            },
            _ => return false,
        }
    }
    pairs >= 4
}

#[cfg(test)]
mod tests {
    use encoding_rs::{EUC_KR, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};

    use super::*;

    const SIMPLIFIED: &str = "1\n00:00:01,000 --> 00:00:02,000\n你好，世界。我们今天晚上去看电影吧？\n\n2\n00:00:03,000 --> 00:00:04,000\n不要再说了，我知道你在想什么。\n";
    const TRADITIONAL: &str = "1\n00:00:01,000 --> 00:00:02,000\n你好，世界。我們今天晚上去看電影吧？\n\n2\n00:00:03,000 --> 00:00:04,000\n不要再說了，我知道你在想什麼。\n";
    const JAPANESE: &str =
        "1\n00:00:01,000 --> 00:00:02,000\nこんにちは、世界。今夜は映画を見に行きましょう。\n";
    const KOREAN: &str =
        "1\n00:00:01,000 --> 00:00:02,000\n안녕하세요, 오늘 밤에 영화 보러 갈까요?\n";
    const RUSSIAN: &str =
        "1\n00:00:01,000 --> 00:00:02,000\nПривет, мир. Пойдём сегодня вечером в кино?\n";
    const FRENCH: &str =
        "1\n00:00:01,000 --> 00:00:02,000\nÇa va très bien, où étais-tu passé cet été ?\n";

    #[track_caller]
    fn survives(text: &str, encoding: &'static Encoding, charset: &str) {
        let (bytes, _, unmappable) = encoding.encode(text);
        assert!(!unmappable);
        let decoded = decode(&bytes, None);
        assert_eq!((decoded.charset, decoded.text.as_str()), (charset, text));
        assert!(!decoded.damaged);
    }

    #[test]
    fn the_charsets_of_east_and_west_are_told_apart() {
        survives(SIMPLIFIED, GBK, "gb18030");
        survives(TRADITIONAL, BIG5, "Big5");
        survives(JAPANESE, SHIFT_JIS, "Shift_JIS");
        survives(KOREAN, EUC_KR, "EUC-KR");
        survives(RUSSIAN, WINDOWS_1251, "windows-1251");
        survives(FRENCH, WINDOWS_1252, "windows-1252");
        for text in [SIMPLIFIED, TRADITIONAL, JAPANESE, KOREAN, RUSSIAN, FRENCH] {
            survives(text, UTF_8, "UTF-8");
        }
    }

    #[test]
    fn a_single_line_is_enough() {
        survives("那就这样吧，明天见。", GBK, "gb18030");
        survives("那就這樣吧，明天見。", BIG5, "Big5");
    }

    fn utf16_bytes(text: &str, swap: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units
            .flat_map(|unit| {
                if swap {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    }

    #[test]
    fn utf_16_is_known_with_and_without_a_mark() {
        for text in [SIMPLIFIED, FRENCH] {
            for (swap, name) in [(false, "UTF-16LE"), (true, "UTF-16BE")] {
                let plain = decode(&utf16_bytes(text, swap), None);
                assert_eq!((plain.charset, plain.text.as_str()), (name, text));
                let marked = decode(&utf16_bytes(&format!("\u{feff}{text}"), swap), None);
                assert_eq!((marked.charset, marked.text.as_str()), (name, text));
            }
        }
    }

    #[test]
    fn a_broken_letter_does_not_make_utf_8_something_else() {
        let mut bytes = SIMPLIFIED.as_bytes().to_vec();
        bytes.truncate(bytes.len() - 2);
        let decoded = decode(&bytes, None);
        assert_eq!(decoded.charset, "UTF-8");
        assert!(decoded.damaged);
    }

    #[test]
    fn a_label_counts_where_it_can_be_true() {
        let (bytes, ..) = WINDOWS_1251.encode(RUSSIAN);
        assert_eq!(decode(&bytes, Some("koi8-r")).charset, "KOI8-R");
        assert_eq!(decode(FRENCH.as_bytes(), Some("utf-16")).charset, "UTF-8");
        assert_eq!(decode(&bytes, Some("nonsense")).charset, "windows-1251");
        assert_eq!(decode(b"", None).text, "");
    }
}
