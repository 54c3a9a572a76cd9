/// A text in which `*` stands for any characters, also none, and `?` for any one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pattern(Vec<char>);

/// What a place of a text may hold: the shape of a text is a row of them.
#[derive(Clone, Copy)]
pub(super) enum CharClass {
    Exactly(char),
    One(fn(char) -> bool),
}

impl CharClass {
    fn holds(self, letter: char) -> bool {
        match self {
            Self::Exactly(only) => letter == only,
            Self::One(of) => of(letter),
        }
    }
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self(text.chars().collect())
    }
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        fits(&self.0, &text, |wanted, found| wanted == *found)
    }
    /// As [`Self::matches`], capitals and small letters (ASCII) being the same.
    pub(super) fn matches_any_case(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        fits(&self.0, &text, |wanted, found| {
            wanted.eq_ignore_ascii_case(found)
        })
    }
    /// Whether there is a text of that shape that matches.
    pub(super) fn may_match(&self, shape: &[CharClass]) -> bool {
        fits(&self.0, shape, |wanted, place| place.holds(wanted))
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{letter}"))
    }
}

/// Goes back to the last `*` only: what the ones before it took never has to be taken anew.
fn fits<T>(pattern: &[char], text: &[T], same: impl Fn(char, &T) -> bool) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(found) = text.get(in_text) {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, in_text));
            }
            Some(&wanted) if wanted == '?' || same(wanted, found) => {
                at += 1;
                in_text += 1;
            }
            _ => {
                let Some((behind, taken)) = star else {
                    return false;
                };
                star = Some((behind, taken + 1));
                at = behind;
                in_text = taken + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|left| *left == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word of these letters of up to that length.
    fn words(letters: &[char], length: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..length {
            last = last
                .iter()
                .flat_map(|word| letters.iter().map(move |letter| format!("{word}{letter}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    /// What the two signs mean, said as plainly as it can be.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| by_definition(rest, &text[taken..])),
            Some((letter, rest)) => text.split_first().is_some_and(|(first, left)| {
                (*letter == '?' || letter == first) && by_definition(rest, left)
            }),
        }
    }

    #[test]
    fn patterns_match_what_their_definition_says_in_all_small_cases() {
        let texts = words(&['a', 'b'], 5);
        let mut matches = 0;
        for pattern in words(&['a', 'b', '*', '?'], 5) {
            let letters: Vec<char> = pattern.chars().collect();
            for text in &texts {
                let expected = by_definition(&letters, &text.chars().collect::<Vec<_>>());
                assert_eq!(
                    Pattern::new(&pattern).matches(text),
                    expected,
                    "{pattern} {text}"
                );
                matches += usize::from(expected);
            }
        }
        assert!(matches > 1000, "{matches}");
    }

    #[test]
    fn a_shape_matches_if_one_of_its_texts_does() {
        let shape = [
            CharClass::One(|c| matches!(c, 'a' | 'b')),
            CharClass::Exactly('c'),
        ];
        for pattern in words(&['a', 'c', '*', '?'], 4) {
            let pattern = Pattern::new(&pattern);
            let one_of_them = ["ac", "bc"].iter().any(|text| pattern.matches(text));
            assert_eq!(pattern.may_match(&shape), one_of_them, "{pattern:?}");
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_their_number_times_the_text() {
        let pattern = Pattern::new(&"*a".repeat(3000));
        assert!(!pattern.matches(&"b".repeat(6000)));
        assert!(!pattern.matches(&("a".repeat(2999) + "b")));
    }

    #[test]
    fn case_matters_unless_the_operator_ignores_it() {
        let pattern = Pattern::new("vod:Get*");
        assert!(pattern.matches("vod:GetPlayInfo") && !pattern.matches("VOD:getPlayInfo"));
        assert!(pattern.matches_any_case("VOD:getPlayInfo"));
    }
}
