//! How much memory the program takes.

/// Bytes of memory that the program occupies (`VmRSS` of proc(5)); `None` where the system does not tell so.
pub(super) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_program_takes_more_than_nothing() {
        assert!(super::resident().is_some_and(|bytes| bytes > 100_000));
    }
}
