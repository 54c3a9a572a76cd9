//! What is counted and noted while a manifest is read.

use url::Url;

use super::Limits;
use super::error::{DashError, DashErrorKind};
use super::model::Ignored;

/// Things that were left out and are told, at most.
const MAX_IGNORED: usize = 64;

/// The limits that are left.
pub(super) struct Reading {
    /// Where the manifest was found.
    pub(super) url: Url,
    runs: usize,
    representations: usize,
    pub(super) ignored: Vec<Ignored>,
}

impl Reading {
    pub(super) fn new(limits: &Limits, url: &Url) -> Self {
        Self {
            url: url.clone(),
            runs: limits.elements,
            representations: limits.representations,
            ignored: Vec::new(),
        }
    }

    pub(super) fn count_runs(&mut self, count: usize, line: u32) -> Result<(), DashError> {
        let left = self.runs.checked_sub(count);
        self.runs = left.ok_or_else(|| DashErrorKind::Limit("segments").at(line))?;
        Ok(())
    }

    pub(super) fn count_representation(&mut self, line: u32) -> Result<(), DashError> {
        let left = self.representations.checked_sub(1);
        self.representations =
            left.ok_or_else(|| DashErrorKind::Limit("representations").at(line))?;
        Ok(())
    }

    pub(super) fn ignore(&mut self, what: Ignored) {
        if self.ignored.len() < MAX_IGNORED && !self.ignored.contains(&what) {
            self.ignored.push(what);
        }
    }
}
