//! Why a database can not be opened.

use std::path::Path;

use crate::error::{IO, ServiceError, primary_code};

const CANNOT_OPEN: i32 = 14;
/// SQLite begins with a log index of 32 KiB; a disk with less than twice that is full.
const NEEDED: u64 = 64 * 1024;

/// What keeps a database from being opened. Where SQLite only says that a file could not be made or grown, the disk is asked.
pub(super) fn at_open(file: &Path, error: sqlx::Error) -> ServiceError {
    match primary_code(&error) {
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
