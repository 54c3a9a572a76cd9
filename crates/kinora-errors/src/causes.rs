//! The sentences of a fault's causes in another language: a catalogue by the English ones, as gettext has it. Errors speak
//! English where they arise, and so do other libraries; the surface that shows them looks here.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::errno::FAMILY;
use crate::{Code, Lang};

/// Rows of an English sentence and the Chinese one; lines with `#` are comments.
const TABLE: &str = include_str!("../table/causes.tsv");
/// What is filled into a sentence may be a sentence, and so may what is filled into that.
const MAX_DEPTH: usize = 4;
/// No sentence that is worth it is longer.
const MAX_SENTENCE_LEN: usize = 2_000;

/// A sentence of a cause, in a language: as it is where that is English, or where no translation is known.
#[must_use]
pub fn in_language(sentence: &str, lang: Lang) -> Cow<'_, str> {
    match lang {
        Lang::En => Cow::Borrowed(sentence),
        Lang::Zh => chinese(sentence, MAX_DEPTH).map_or(Cow::Borrowed(sentence), Cow::Owned),
    }
}

struct Row {
    /// The English around what is filled in.
    around: Vec<&'static str>,
    chinese: &'static str,
}

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        let mut rows: Vec<Row> = lines
            .filter_map(|line| {
                let (english, chinese) = line.split_once('\t')?;
                let around = english.split("{}").collect();
                Some(Row { around, chinese })
            })
            .collect();
        // The one that says most for itself comes first.
        rows.sort_by_key(|row| {
            std::cmp::Reverse(row.around.iter().map(|text| text.len()).sum::<usize>())
        });
        rows
    })
}

fn chinese(sentence: &str, depth: usize) -> Option<String> {
    if depth == 0 || sentence.len() > MAX_SENTENCE_LEN {
        return None;
    }
    if let Some(known) = of_system(sentence) {
        return Some(known);
    }
    rows()
        .iter()
        .find_map(|row| Some(filled(row.chinese, &filling(row, sentence)?, depth)))
}

/// The errno of `No space left on device (os error 28)`, as the standard library prints the system's errors.
pub(crate) fn errno_of(sentence: &str) -> Option<i32> {
    let (_, number) = sentence.rsplit_once(" (os error ")?;
    number.strip_suffix(')')?.parse().ok()
}

fn of_system(sentence: &str) -> Option<String> {
    let number = errno_of(sentence)?;
    let code = Code::from_errno(number);
    let name = code.name();
    let name = name.strip_prefix(FAMILY)?;
    let meaning = code.meaning(Lang::Zh).trim_end_matches('。');
    Some(format!("{meaning}（{name}，系统错误 {number}）"))
}

/// What stands in a sentence where the row has `{}`.
fn filling<'a>(row: &Row, sentence: &'a str) -> Option<Vec<&'a str>> {
    let (first, rest) = row.around.split_first()?;
    let mut left = sentence.strip_prefix(first)?;
    let mut parts = Vec::new();
    for (index, text) in rest.iter().enumerate() {
        let is_last = index + 1 == rest.len();
        let at = match is_last {
            true => left
                .len()
                .checked_sub(text.len())
                .filter(|_| left.ends_with(text))?,
            false => left.find(text)?,
        };
        parts.push(&left[..at]);
        left = &left[at + text.len()..];
    }
    left.is_empty().then_some(parts)
}

/// The Chinese sentence with its places filled: `{}` in turn, `{2}` by number.
fn filled(pattern: &str, parts: &[&str], depth: usize) -> String {
    let mut text = String::new();
    let mut turn = parts.iter();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((place, after)) = after.split_once('}') else {
            break;
        };
        let part = match place.parse::<usize>() {
            Ok(number) => parts.get(number.wrapping_sub(1)),
            Err(_) => turn.next(),
        };
        let part = part.copied().unwrap_or_default();
        text += before;
        text += &chinese(part, depth - 1).unwrap_or_else(|| part.to_owned());
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zh(sentence: &str) -> String {
        in_language(sentence, Lang::Zh).into_owned()
    }

    #[test]
    fn a_sentence_is_translated_with_what_it_names() {
        assert_eq!(
            zh("127.0.0.1:9 refused the connection"),
            "127.0.0.1:9 拒绝了连接"
        );
        assert_eq!(zh("the name `a.b` does not exist"), "域名 `a.b` 不存在");
        assert_eq!(
            zh("the answer ended after 3 bytes of 10"),
            "应答在 3 字节后中断，应为 10 字节"
        );
    }

    #[test]
    fn what_is_filled_in_is_translated_too() {
        assert_eq!(
            zh("the proxy 127.0.0.1:1080 wants another user name and password"),
            "代理 127.0.0.1:1080 需要另外的用户名和密码"
        );
        assert_eq!(
            zh("invalid peer certificate: UnknownIssuer"),
            "对方的证书无效：签发者不受信任"
        );
        assert_eq!(
            zh("playlist line 3: #EXTINF has a value that cannot be read"),
            "播放列表第 3 行：#EXTINF 的值无法读懂"
        );
    }

    #[test]
    fn the_words_of_the_system_are_known_by_their_number() {
        assert_eq!(
            zh("No space left on device (os error 28)"),
            "磁盘空间已满（ENOSPC，系统错误 28）"
        );
        let unknown = "Something odd (os error 9999)";
        assert_eq!(zh(unknown), unknown);
    }

    #[test]
    fn the_row_that_says_most_is_taken_and_english_stays_english() {
        assert_eq!(zh("the proxy h:1 can not be reached"), "无法到达代理 h:1");
        let sentence = "the connection was reset";
        assert_eq!(in_language(sentence, Lang::En), sentence);
        assert_eq!(zh("no row for this: 7"), "no row for this: 7");
    }

    #[test]
    fn no_sentence_makes_it_slow_or_panic() {
        let long = "is not offered; there is ".repeat(1_000);
        assert_eq!(zh(&long), long);
        for odd in [
            "",
            "{}",
            "é (os error 28)",
            "cannot ",
            "{1} {2}",
            " of ",
            "（",
        ] {
            let _ = zh(odd);
        }
    }

    #[test]
    fn every_row_is_whole() {
        let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let (english, chinese) = line.split_once('\t').unwrap();
            let places = english.matches("{}").count();
            assert!(chinese.matches('{').count() <= places, "{line}");
            assert!(
                chinese.contains(han) || english.starts_with(' ') || places == 1,
                "{line}"
            );
        }
    }
}
