use core::cell::Cell;
use std::borrow::Cow;

use super::error::{HlsError, HlsErrorKind};

const MAX_VARIABLES: usize = 128;
const MAX_NAME: usize = 128;
/// Of one line.
const MAX_LINE: usize = 64 << 10;
/// Of all lines that name variables, together.
const MAX_EXPANDED: usize = 4 << 20;

/// The variables of a playlist (EXT-X-DEFINE).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Variables(Vec<(String, String)>);

impl Variables {
    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(at, _)| at == name)
            .map(|(_, value)| value.as_str())
    }

    fn define(&mut self, name: String, value: String, line: u32) -> Result<(), HlsError> {
        if self.get(&name).is_some() {
            return Err(HlsErrorKind::DuplicateVariable(name).at(line));
        }
        if self.0.len() >= MAX_VARIABLES {
            return Err(HlsErrorKind::Limit("variables").at(line));
        }
        self.0.push((name, value));
        Ok(())
    }
}

/// The variables while a playlist is read, with a bound on all that they may add to it.
#[derive(Default)]
pub(super) struct Scope {
    variables: Variables,
    spent: Cell<usize>,
}

impl Scope {
    pub(super) fn into_variables(self) -> Variables {
        self.variables
    }

    pub(super) fn define(
        &mut self,
        name: String,
        value: String,
        line: u32,
    ) -> Result<(), HlsError> {
        self.variables.define(name, value, line)
    }

    /// Puts the values where `{$name}` stands. Names that are not defined stay as they are, as peers leave them.
    pub(super) fn put_into<'a>(&self, text: &'a str, line: u32) -> Result<Cow<'a, str>, HlsError> {
        if self.variables.0.is_empty() || !text.contains("{$") {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{$") {
            out.push_str(before);
            if let Some((value, next)) = self.reference(after) {
                out.push_str(value);
                rest = next;
            } else {
                out.push_str("{$");
                rest = after;
            }
            if out.len() > MAX_LINE {
                return Err(HlsErrorKind::Limit("bytes in a line").at(line));
            }
        }
        out.push_str(rest);
        self.spent.set(self.spent.get().saturating_add(out.len()));
        if self.spent.get() > MAX_EXPANDED {
            return Err(HlsErrorKind::Limit("bytes from variables").at(line));
        }
        Ok(Cow::Owned(out))
    }

    /// The value of the name before the next brace, and what follows.
    fn reference<'a>(&self, text: &'a str) -> Option<(&str, &'a str)> {
        let end = text.bytes().take(MAX_NAME).position(|byte| byte == b'}')?;
        let (name, next) = text.split_at_checked(end)?;
        Some((self.variables.get(name)?, next.strip_prefix('}')?))
    }
}
