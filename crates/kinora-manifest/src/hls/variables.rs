use std::borrow::Cow;

use super::error::{HlsError, HlsErrorKind};

const MAX_VARIABLES: usize = 256;
const MAX_EXPANDED: usize = 64 << 10;

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

    pub(super) fn define(
        &mut self,
        name: String,
        value: String,
        line: u32,
    ) -> Result<(), HlsError> {
        if self.get(&name).is_some() {
            return Err(HlsErrorKind::DuplicateVariable(name).at(line));
        }
        if self.0.len() >= MAX_VARIABLES {
            return Err(HlsErrorKind::Limit("variables").at(line));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// Puts the values where `{$name}` stands. Names that are not defined stay as they are, as peers leave them.
    pub(super) fn put_into<'a>(&self, text: &'a str, line: u32) -> Result<Cow<'a, str>, HlsError> {
        if self.0.is_empty() || !text.contains("{$") {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{$") {
            out.push_str(before);
            let found = after
                .split_once('}')
                .and_then(|(name, next)| Some((self.get(name)?, next)));
            if let Some((value, next)) = found {
                out.push_str(value);
                rest = next;
            } else {
                out.push_str("{$");
                rest = after;
            }
            if out.len() > MAX_EXPANDED {
                return Err(HlsErrorKind::Limit("bytes in a line").at(line));
            }
        }
        out.push_str(rest);
        Ok(Cow::Owned(out))
    }
}
