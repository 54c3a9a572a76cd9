//! SQLite's result codes (<https://www.sqlite.org/rescode.html>) as errors of the system.

use std::path::Path;

use crate::error::{ServiceError, libc_errno};

/// An extended code holds its primary one in the low octet.
const PRIMARY: i32 = 0xff;
const CANNOT_OPEN: i32 = 14;
const IO: i32 = 10;
/// `SQLITE_IOERR_SHMSIZE`: the shared index of the log could not grow.
const SHM_SIZE: i32 = IO | (19 << 8);
/// SQLite begins with a log index of 32 KiB; a disk with less than twice that is full.
const NEEDED: u64 = 64 * 1024;

fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
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
    match sqlite_code(error) {
        Some(SHM_SIZE) => libc_errno::ENOSPC,
        Some(code) => match code & PRIMARY {
            13 => libc_errno::ENOSPC,
            3 | 8 | 23 => libc_errno::EACCES,
            5 | 6 => libc_errno::EBUSY,
            7 => libc_errno::ENOMEM,
            11 | 26 => libc_errno::EINVAL,
            _ => libc_errno::EIO,
        },
        None => libc_errno::EIO,
    }
}

/// What keeps a database from being opened. Where SQLite only says that a file could not be made or grown, the disk is asked.
pub(super) fn at_open(file: &Path, error: sqlx::Error) -> ServiceError {
    match sqlite_code(&error).map(|code| code & PRIMARY) {
        Some(11 | 26) => ServiceError::Damaged(file.to_path_buf()),
        Some(IO | CANNOT_OPEN) if disk_is_full(file) => ServiceError::DiskFull(error),
        _ => error.into(),
    }
}

fn disk_is_full(file: &Path) -> bool {
    let Ok(disk) = rustix::fs::statvfs(file.parent().unwrap_or(file)) else {
        return false;
    };
    let no_room = disk.f_bavail.saturating_mul(disk.f_frsize) < NEEDED;
    // File systems without a table of files count none at all.
    no_room || (disk.f_files > 0 && disk.f_favail == 0)
}
