//! A sentence in both languages, for whoever prints it later.

use std::fmt;

use kinora_errors::Lang;

use crate::term::columns;

#[derive(Clone, Debug)]
pub(crate) struct Words {
    en: String,
    zh: String,
}

impl Words {
    pub(crate) fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            en: en.into(),
            zh: zh.into(),
        }
    }

    pub(crate) fn in_language(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

/// A text with blanks behind it, up to so many columns of a terminal.
pub(crate) fn padded(text: &str, wanted: usize) -> String {
    text.to_owned() + &" ".repeat(wanted.saturating_sub(columns(text)))
}

/// In English, which is what clap prints of a refused value; `help` prints the other.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl std::error::Error for Words {}
