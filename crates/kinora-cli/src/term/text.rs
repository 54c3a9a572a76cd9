//! Text in columns: a Chinese character takes two, a colour none.

use unicode_width::UnicodeWidthChar;

/// Continued lines begin so much further in than the line, where it has no second column.
const UNDER: usize = 2;

/// A character, or an escape sequence of ECMA-48 that takes no place.
struct Piece<'a> {
    text: &'a str,
    columns: usize,
}

/// What a text is made of on a terminal.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (len, columns) = match escape(rest) {
            Some(len) => (len, 0),
            None => (first.len_utf8(), first.width().unwrap_or(0)),
        };
        let (piece, after) = rest.split_at(len);
        rest = after;
        Some(Piece {
            text: piece,
            columns,
        })
    })
}

/// The length of a control sequence (ECMA-48 5.4) that the text begins with.
fn escape(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| ('\x40'..='\x7e').contains(&c))?;
    Some(2 + end + 1)
}

/// How many columns a line takes.
pub(crate) fn columns(text: &str) -> usize {
    pieces(text).map(|piece| piece.columns).sum()
}

/// The line, cut where it would be wider than that.
pub(crate) fn fit(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut line = String::new();
    let mut taken = 0;
    for piece in pieces(text) {
        if taken + piece.columns >= most {
            break;
        }
        taken += piece.columns;
        line += piece.text;
    }
    if most > 0 {
        line.push('…');
    }
    // A colour that was begun does not go on behind the cut.
    if line.contains('\x1b') {
        line += "\x1b[0m";
    }
    line
}

/// Lines that are broken between words, where they are wider than that; what follows stands further in.
/// Chinese is broken between any two characters, but not before a closing mark.
pub(crate) fn wrap(text: &str, most: usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        if columns(line) <= most {
            wrapped += line;
        } else {
            wrap_line(line, most, &mut wrapped);
        }
        wrapped += end;
    }
    wrapped
}

/// Where a continued line begins: under what follows a label (`cause   The path`), where that leaves room for its words.
fn indent(line: &str, most: usize) -> usize {
    let margin = columns(line) - columns(line.trim_start_matches(' '));
    let widest = words(line)
        .into_iter()
        .map(|word| columns(word.trim_matches(' ')))
        .max();
    let room = most.saturating_sub(widest.unwrap_or(0));
    second_column(line)
        .filter(|column| *column <= room && *column <= most * 2 / 5)
        .unwrap_or_else(|| (margin + UNDER).min(room.max(UNDER)).min(most / 2))
}

/// Where the text begins that stands behind a label and at least two spaces, whatever is coloured of them.
fn second_column(line: &str) -> Option<usize> {
    let (mut column, mut spaces, mut begun) = (0, 0, false);
    for piece in pieces(line).filter(|piece| piece.columns > 0) {
        if piece.text == " " {
            spaces += 1;
        } else if begun && spaces > 1 {
            return Some(column);
        } else {
            (begun, spaces) = (true, 0);
        }
        column += piece.columns;
    }
    None
}

fn wrap_line(line: &str, most: usize, out: &mut String) {
    let under = " ".repeat(indent(line, most));
    // A line that begins further in than its own continuation would look like one.
    let text = line.trim_start_matches(' ');
    let margin = (line.len() - text.len()).min(under.len());
    let line = &line[line.len() - text.len() - margin..];
    let mut taken = 0;
    // Until a word stands on a line there is nothing to break behind.
    let mut fresh = true;
    for word in words(line) {
        let visible = word.trim_end_matches(' ');
        if !fresh && taken + columns(visible) > most {
            let kept = out.trim_end_matches(' ').len();
            out.truncate(kept);
            out.push('\n');
            *out += &under;
            (taken, fresh) = (under.len(), true);
        }
        for piece in pieces(word) {
            // A word that is wider than the terminal is broken anywhere.
            if taken + piece.columns > most && piece.text != " " {
                out.push('\n');
                *out += &under;
                taken = under.len();
            }
            taken += piece.columns;
            *out += piece.text;
        }
        fresh &= visible.trim_start().is_empty();
    }
}

/// The parts between which a line may be broken, each with the spaces behind it.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut begin, mut at) = (0, 0);
    let mut before: Option<char> = None;
    for piece in pieces(line) {
        let here = piece.text.chars().next();
        let breaks = match (before, here) {
            (Some(' '), Some(c)) => c != ' ',
            (Some(a), Some(b)) => (is_wide(a) || is_wide(b)) && b != ' ' && !closes(b) && !opens(a),
            _ => false,
        };
        if breaks && at > begin {
            words.push(&line[begin..at]);
            begin = at;
        }
        at += piece.text.len();
        if piece.columns > 0 {
            before = here;
        }
    }
    words.push(&line[begin..]);
    words
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

/// Marks that no line begins with.
fn closes(c: char) -> bool {
    matches!(
        c,
        '，' | '。'
            | '：'
            | '；'
            | '！'
            | '？'
            | '、'
            | '）'
            | '》'
            | '」'
            | '”'
            | ')'
            | ']'
            | ','
            | '.'
            | ':'
            | ';'
    )
}

/// Marks that no line ends with.
fn opens(c: char) -> bool {
    matches!(c, '（' | '《' | '「' | '“' | '(' | '[')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_columns_and_colours_none() {
        assert_eq!(columns("播放中 ok"), 9);
        assert_eq!(columns("\x1b[1;31mred\x1b[0m"), 3);
        assert_eq!(columns("━ é"), 3);
    }

    #[test]
    fn what_is_too_wide_is_cut_and_says_so() {
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("longer", 5), "long…");
        assert_eq!(fit("播放中断", 5), "播放…");
        assert_eq!(fit("\x1b[31mlonger\x1b[0m", 4), "\x1b[31mlon…\x1b[0m");
        assert_eq!(fit("x", 0), "");
    }

    #[test]
    fn lines_are_broken_between_words_and_stay_indented() {
        assert_eq!(
            wrap("  cause: the server is silent\nok\n", 16),
            "  cause: the\n    server is\n    silent\nok\n"
        );
        assert_eq!(
            wrap("  what    The file is not there", 30),
            "  what    The file is not\n          there"
        );
        assert_eq!(wrap("one two", 3), "one\n tw\n o");
    }

    #[test]
    fn what_follows_a_label_stays_in_its_column_also_where_the_label_is_coloured() {
        assert_eq!(
            wrap("  \x1b[1mwhat  \x1b[0m  The file is not there", 30),
            "  \x1b[1mwhat  \x1b[0m  The file is not\n          there"
        );
        assert_eq!(
            wrap("✓ media       place first · container mp4 · live", 40),
            "✓ media       place first · container\n              mp4 · live"
        );
    }

    #[test]
    fn a_word_stays_whole_where_the_indent_can_make_room_for_it() {
        assert_eq!(
            wrap("  where   http://127.0.0.1:18999/film.mp4", 40),
            "  where\n    http://127.0.0.1:18999/film.mp4"
        );
        assert_eq!(
            wrap("              0x20050003 ERROR_NETWORK_CONNECT_TIMEOUT", 40),
            "           0x20050003\n           ERROR_NETWORK_CONNECT_TIMEOUT"
        );
    }

    #[test]
    fn chinese_is_broken_between_characters_but_not_before_a_comma() {
        assert_eq!(
            wrap("服务器没有应答，请重试", 10),
            "服务器没有\n  应答，请\n  重试"
        );
        assert_eq!(wrap("没有应答，好", 8), "没有应\n  答，好");
    }

    #[test]
    fn nothing_that_is_wrapped_is_wider_than_it_may_be() {
        let text = "  ✗ http://example.com/a/very/long/address?that=has&no=space 播放（测试）。 \x1b[1mbold words here\x1b[0m";
        for most in [4, 10, 24, 40, 80] {
            for line in wrap(text, most).lines() {
                assert!(columns(line) <= most, "{most}: {line:?}");
            }
        }
    }
}
