use core::fmt;

use crate::errno::{BASE, Errno};
use crate::{Lang, ROWS, Row, Text, codes};

/// One number of the error table, or one of the open family `0x20080000 + errno`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u32);

impl Code {
    /// The number as it is: use the constants of [`crate::codes`] where the row is known.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }
    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
    /// A failure of the operating system: `0x20080000 + errno`.
    #[must_use]
    pub const fn from_errno(errno: i32) -> Self {
        let errno = if errno < 0 || errno > 0xffff {
            0
        } else {
            errno.unsigned_abs()
        };
        Self(BASE + errno)
    }
    /// Its row of the table; where two names share the number, the preferred one.
    #[must_use]
    pub fn row(self) -> Option<&'static Row> {
        ROWS.iter().rfind(|row| row.number == self.0)
    }
    /// Its name; numbers of the open family are named by their errno.
    #[must_use]
    pub fn name(self) -> String {
        match (self.row(), Errno::of_code(self.0)) {
            (Some(row), _) => row.name.to_owned(),
            (None, Some(errno)) => format!("ERROR_GENERAL_{}", errno.name),
            (None, None) => format!("{self:?}"),
        }
    }
    /// What it means, what causes it and what to do; empty for a number of no row and no family.
    #[must_use]
    pub fn text(self, lang: Lang) -> Text {
        let of_row = |code: Self| code.row().map(|row| *row.text(lang));
        of_row(self)
            .or_else(|| Errno::of_code(self.0).map(|errno| *errno.text(lang)))
            .or_else(|| of_row(codes::ERROR_GENERAL_UNKNOWN).filter(|_| self.0 >> 16 == BASE >> 16))
            .unwrap_or_default()
    }
    /// What it means.
    #[must_use]
    pub fn meaning(self, lang: Lang) -> &'static str {
        self.text(lang).meaning
    }
    /// Its group; the open family belongs to `playback`.
    #[must_use]
    pub fn group(self) -> &'static str {
        self.row().map_or("playback", |row| row.group)
    }
    /// The exit status of a program that ends with it, by its group.
    #[must_use]
    pub fn exit_status(self) -> u8 {
        match self.group() {
            "request" => 10,
            "pop" => 11,
            "vod" => 12,
            "mps" => 13,
            "liveshift" => 14,
            "private_encryption" => 15,
            "artp" => 16,
            "download" => 30,
            _ => 20,
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010X}", self.0)
    }
}

/// What may make a failed operation succeed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Retry {
    /// Nothing: the same request will fail again.
    Never,
    /// Try at once, once.
    Now,
    /// Try again after a while, longer each time.
    Backoff,
    /// Try again with a fresh credential or URL.
    AfterRefresh,
    /// Somebody must change something first.
    AfterUser,
}
