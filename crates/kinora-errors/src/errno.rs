//! The open family `0x20080000 + errno`: Linux's errors by number, name and text.

use crate::errnos::ERRNOS;
use crate::{Lang, Text};

/// The number that the family begins with.
pub(crate) const BASE: u32 = 0x2008_0000;
/// What the names of the family begin with.
pub(crate) const FAMILY: &str = "ERROR_GENERAL_";

/// One error of the operating system, as Linux numbers them on most processors. Those that the error table has a row for
/// are told by that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno {
    /// Its number.
    pub number: u32,
    /// Its name: `ENOSPC`.
    pub name: &'static str,
    pub(crate) zh: Text,
    pub(crate) en: Text,
}

impl Errno {
    /// What it means, what causes it and what to do.
    #[must_use]
    pub const fn text(&self, lang: Lang) -> &Text {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }

    /// The error of a number of the family, where it has no row and Linux has one.
    #[must_use]
    pub fn of_code(number: u32) -> Option<&'static Self> {
        let errno = number.checked_sub(BASE)?;
        ERRNOS.iter().find(|known| known.number == errno)
    }
}
