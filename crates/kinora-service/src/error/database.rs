//! SQLite's result codes (<https://www.sqlite.org/rescode.html>) as errors of the system.

use super::libc_errno;

/// An extended code holds its primary one in the low octet.
const PRIMARY: i32 = 0xff;
pub(crate) const IO: i32 = 10;
/// SQLITE_BUSY: another program is at it.
pub(crate) const BUSY: i32 = 5;
/// `SQLITE_IOERR_SHMSIZE`: the shared index of the log could not grow.
const SHM_SIZE: i32 = IO | (19 << 8);

fn extended_code(error: &sqlx::Error) -> Option<i32> {
    match error {
        sqlx::Error::Database(inner) => inner.code()?.parse().ok(),
        _ => None,
    }
}

/// The `errno` that says what a failure of the database means.
pub(crate) fn errno(error: &sqlx::Error) -> i32 {
    if let sqlx::Error::Io(error) = error {
        return error.raw_os_error().unwrap_or(libc_errno::EIO);
    }
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return libc_errno::ETIMEDOUT;
    }
    match extended_code(error) {
        Some(SHM_SIZE) => libc_errno::ENOSPC,
        Some(code) => match code & PRIMARY {
            13 => libc_errno::ENOSPC,
            3 | 8 | 23 => libc_errno::EACCES,
            BUSY | 6 => libc_errno::EBUSY,
            7 => libc_errno::ENOMEM,
            11 | 26 => libc_errno::EINVAL,
            _ => libc_errno::EIO,
        },
        None => libc_errno::EIO,
    }
}

/// The primary result code, where the failure is SQLite's own.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    extended_code(error).map(|code| code & PRIMARY)
}
