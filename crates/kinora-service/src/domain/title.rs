//! Text that people gave and that others will read on a screen.

/// Letters that a title has at most.
pub(super) const MAX_TITLE_LEN: usize = 128;

/// Whether a character shows something, or joins what does. Not so: controls (Cc), separators of lines and paragraphs,
/// what turns the direction of text (Unicode's Bidi_Control: a name could be read backwards, "Trojan Source"), and
/// what no font shows: byte order marks, annotations, tags.
fn shows(letter: char) -> bool {
    let hidden = letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !hidden
}

/// The characters that may be shown on a terminal or a page as they are.
pub(crate) fn printable(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|letter| shows(*letter))
}

/// A title without what does not show, without white space around it, and of a bounded length.
pub(crate) fn clean_title(text: &str) -> String {
    let shown: String = printable(text).collect();
    let bounded: String = shown.trim().chars().take(MAX_TITLE_LEN).collect();
    bounded.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_can_not_be_read_backwards_nor_write_to_a_terminal() {
        assert_eq!(clean_title("invoice\u{202e}4pm.exe"), "invoice4pm.exe");
        assert_eq!(clean_title("\u{1b}]0;x\u{7}film\n"), "]0;xfilm");
        assert_eq!(
            clean_title("a\u{2066}b\u{2069}\u{200f}c\u{9b}d\u{feff}"),
            "abcd"
        );
        assert_eq!(clean_title("\u{202e} \u{200b}"), "");
    }

    #[test]
    fn what_people_write_stays() {
        for title in [
            "第一集 — «Ночь»",
            "فيلم",
            "क्\u{200d}ष",
            "👩\u{200d}👩\u{200d}👧",
            "e\u{301}",
        ] {
            assert_eq!(clean_title(title), title);
        }
        assert_eq!(clean_title(&"x".repeat(500)).len(), MAX_TITLE_LEN);
    }
}
