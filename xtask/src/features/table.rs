//! A table of `docs/features.md` as people write it: tabs between the columns, a row a line.

use std::fmt;

/// Whether it is there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum State {
    Here,
    InPart,
    NotYet,
    Impossible,
}

impl State {
    const ALL: [Self; 4] = [Self::Here, Self::InPart, Self::NotYet, Self::Impossible];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::InPart => "in part",
            Self::NotYet => "not yet",
            Self::Impossible => "impossible",
        }
    }

    pub(crate) fn in_both(self) -> &'static str {
        match self {
            Self::Here => "有 · here",
            Self::InPart => "部分 · in part",
            Self::NotYet => "尚无 · not yet",
            Self::Impossible => "不可能 · impossible",
        }
    }
}

/// What the SDK gives: `Player::set_mute`, `output::VideoSink`, `play_info`; another crate's with that before it:
/// `kinora-window::Controls`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Name {
    /// Not of the SDK but of that crate.
    pub(crate) of: Option<String>,
    pub(crate) path: String,
}

impl Name {
    fn parse(text: &str) -> Self {
        match text.split_once("::") {
            Some((of, path)) if of.starts_with("kinora-") => Self {
                of: Some(of.to_owned()),
                path: path.to_owned(),
            },
            _ => Self {
                of: None,
                path: text.to_owned(),
            },
        }
    }

    /// The last word.
    pub(crate) fn member(&self) -> &str {
        self.path.rsplit("::").next().unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(of) = &self.of {
            write!(f, "{of}::")?;
        }
        f.write_str(&self.path)
    }
}

/// A test: its file and its function.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Test {
    pub(crate) file: String,
    pub(crate) function: String,
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.file, self.function)
    }
}

/// A feature of the checklist, or a documented name.
pub(crate) struct Row {
    pub(crate) line: usize,
    /// The number of a feature, the kind of a name.
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) chinese: String,
    pub(crate) state: State,
    pub(crate) names: Vec<Name>,
    pub(crate) tests: Vec<Test>,
    pub(crate) reason: String,
    /// What a documented method is called in Rust: its name in snake case.
    pub(crate) own_name: Option<String>,
}

/// Kinds of names that keep their own in Rust.
const METHODS: &str = "methods";

/// Reads a table: key, title, Chinese, state, names, tests, reason. Lines that begin with `#` are remarks.
pub(crate) fn parse(text: &str) -> Result<Vec<Row>, String> {
    let lines = text.lines().enumerate();
    let rows = lines.filter(|(_, line)| !line.starts_with('#') && !line.is_empty());
    rows.map(|(at, line)| row(at + 1, line).map_err(|error| format!("{}: {error}", at + 1)))
        .collect()
}

fn row(line: usize, text: &str) -> Result<Row, String> {
    let columns: Vec<&str> = text.split('\t').collect();
    let &[key, title, chinese, state, names, tests, reason] = columns.as_slice() else {
        return Err(format!("{} columns instead of 7", columns.len()));
    };
    let state = State::ALL.into_iter().find(|known| known.word() == state);
    let state = state.ok_or("the state is here, in part, not yet or impossible")?;
    let tests = tests.split_whitespace().map(|test| {
        let (file, function) = test.split_once("::").ok_or("a test is FILE::FUNCTION")?;
        Ok(Test {
            file: file.to_owned(),
            function: function.to_owned(),
        })
    });
    Ok(Row {
        line,
        key: key.to_owned(),
        title: title.to_owned(),
        chinese: chinese.to_owned(),
        state,
        names: names.split_whitespace().map(Name::parse).collect(),
        tests: tests.collect::<Result<_, &str>>()?,
        reason: reason.to_owned(),
        own_name: (key == METHODS).then(|| snake_case(title)),
    })
}

/// `setUrlSource` is `set_url_source`, `setIPResolveType` `set_ip_resolve_type`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let is_lower = |at: Option<usize>| {
            at.and_then(|at| letters.get(at))
                .is_some_and(|letter| letter.is_lowercase())
        };
        let begins_word = is_lower(at.checked_sub(1)) || is_lower(at.checked_add(1));
        if letter.is_uppercase() && at > 0 && begins_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_snake_case_as_rust_writes_it() {
        for (name, snake) in [
            ("prepare", "prepare"),
            ("seekTo", "seek_to"),
            ("setIPResolveType", "set_ip_resolve_type"),
            ("setDefaultBandWidth", "set_default_band_width"),
            ("netWorkReConnect", "net_work_re_connect"),
        ] {
            assert_eq!(snake_case(name), snake);
        }
    }

    #[test]
    fn a_line_that_is_no_row_is_told_with_its_number() {
        let error = parse("# a remark\n\n1\ttitle\n").map(|rows| rows.len());
        assert_eq!(error, Err("3: 2 columns instead of 7".to_owned()));
        assert!(parse("1\tt\tt\tsoon\t\t\t\n").is_err());
    }
}
