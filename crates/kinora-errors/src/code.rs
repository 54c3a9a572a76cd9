use core::fmt;

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
        Self(0x2008_0000 + errno)
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
