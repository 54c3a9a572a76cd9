//! How much memory the system has left, where it tells.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// It is looked at no more often, and only while something else happens.
const EVERY: Duration = Duration::from_secs(2);
/// Less than one part in so many is little, as far as that lies within [`LITTLE`].
const PART: u64 = 16;
/// What is little on small systems, and on large ones.
const LITTLE: (u64, u64) = (24 << 20, 128 << 20);

/// Memory in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Memory {
    available: u64,
    total: u64,
}

impl Memory {
    fn is_low(self, was_low: bool) -> bool {
        let little = (self.total / PART).clamp(LITTLE.0, LITTLE.1);
        // Once it is low it must be clearly more.
        self.available < if was_low { little * 2 } else { little }
    }

    /// What processes may have: of the machine, or of the control group that they are in.
    fn of_system(root: &Path) -> Option<Self> {
        let machine = Self::of_machine(root);
        let group = Self::of_group(root);
        machine
            .into_iter()
            .chain(group)
            .min_by_key(|memory| memory.available)
    }

    /// proc(5), `/proc/meminfo`.
    fn of_machine(root: &Path) -> Option<Self> {
        let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
        let kilobytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(Self {
            available: kilobytes("MemAvailable:")?.saturating_mul(1024),
            total: kilobytes("MemTotal:")?.saturating_mul(1024),
        })
    }

    /// cgroups(7), of either version. Pages of files that nobody has open are given back when memory is needed.
    fn of_group(root: &Path) -> Option<Self> {
        let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
        groups.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?);
            let (mount, limit, usage) = match controllers {
                "" => ("sys/fs/cgroup", "memory.max", "memory.current"),
                "memory" => (
                    "sys/fs/cgroup/memory",
                    "memory.limit_in_bytes",
                    "memory.usage_in_bytes",
                ),
                _ => return None,
            };
            let dir = group_dir(&root.join(mount), path, limit)?;
            let number = |name| {
                fs::read_to_string(dir.join(name))
                    .ok()?
                    .trim()
                    .parse::<u64>()
                    .ok()
            };
            let (total, used) = (number(limit)?, number(usage)?);
            let used = used.saturating_sub(inactive_file(&dir));
            Some(Self {
                available: total.saturating_sub(used),
                total,
            })
        })
    }
}

/// Where a control group's files are: within a container its own group is the root of what it sees.
fn group_dir(mount: &Path, path: &str, file: &str) -> Option<PathBuf> {
    let own = mount.join(path.trim_start_matches('/'));
    [own, mount.to_owned()]
        .into_iter()
        .find(|dir| dir.join(file).exists())
}

fn inactive_file(dir: &Path) -> u64 {
    let text = fs::read_to_string(dir.join("memory.stat")).unwrap_or_default();
    let line = |name| text.lines().find_map(|line| line.strip_prefix(name));
    let number = line("total_inactive_file ").or_else(|| line("inactive_file "));
    number.and_then(|it| it.trim().parse().ok()).unwrap_or(0)
}

/// Looks at the system's memory from time to time, where that is possible.
pub(crate) struct MemoryWatch {
    root: PathBuf,
    next: Instant,
    low: bool,
}

impl MemoryWatch {
    /// Not before something plays.
    pub(crate) fn new() -> Self {
        Self::at(Path::new("/"), Instant::now() + EVERY)
    }

    fn at(root: &Path, next: Instant) -> Self {
        Self {
            root: root.to_owned(),
            next,
            low: false,
        }
    }

    /// Whether memory is low, where that has changed.
    pub(crate) fn changed(&mut self, now: Instant) -> Option<bool> {
        if now < self.next {
            return None;
        }
        self.next = now + EVERY;
        let low = Memory::of_system(&self.root)?.is_low(self.low);
        (std::mem::replace(&mut self.low, low) != low).then_some(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn machine(root: &Path, available_kb: u64) {
        let text = format!(
            "MemTotal:       16000000 kB\nMemFree:          10000 kB\nMemAvailable:   {available_kb} kB\n"
        );
        write(root, "proc/meminfo", &text);
    }

    #[test]
    fn what_a_machine_has_left_is_low_until_it_is_clearly_more() {
        let dir = tempfile::tempdir().unwrap();
        let mut now = Instant::now();
        let mut watch = MemoryWatch::at(dir.path(), now);
        let mut look = |available_kb| {
            machine(dir.path(), available_kb);
            now += EVERY;
            watch.changed(now)
        };
        assert_eq!(look(8_000_000), None);
        assert_eq!(look(100_000), Some(true));
        assert_eq!(look(90_000), None, "told once");
        assert_eq!(look(200_000), None, "hardly more");
        assert_eq!(look(300_000), Some(false));
    }

    #[test]
    fn it_is_looked_at_no_more_often_than_needed() {
        let dir = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let mut watch = MemoryWatch::at(dir.path(), now);
        machine(dir.path(), 100_000);
        assert_eq!(watch.changed(now), Some(true));
        machine(dir.path(), 8_000_000);
        assert_eq!(watch.changed(now + EVERY / 2), None);
        assert_eq!(watch.changed(now + EVERY), Some(false));
    }

    #[test]
    fn the_limit_of_a_control_group_counts_where_it_is_nearer() {
        let dir = tempfile::tempdir().unwrap();
        machine(dir.path(), 8_000_000);
        // Version 2, in a container: the group's own files are at the root.
        write(dir.path(), "proc/self/cgroup", "0::/\n");
        let limit = (256 * MIB).to_string();
        write(dir.path(), "sys/fs/cgroup/memory.max", &limit);
        let used = (250 * MIB).to_string();
        write(dir.path(), "sys/fs/cgroup/memory.current", &used);
        let of = || Memory::of_system(dir.path()).unwrap();
        assert_eq!(of().available, 6 * MIB);
        assert!(of().is_low(false));
        let stat = format!("anon 1\ninactive_file {}\n", 200 * MIB);
        write(dir.path(), "sys/fs/cgroup/memory.stat", &stat);
        assert_eq!(of().available, 206 * MIB, "pages of files can go");
        write(dir.path(), "sys/fs/cgroup/memory.max", "max\n");
        assert_eq!(of().total, 16_000_000 * 1024, "no limit");

        // Version 1, in a group of a service.
        write(
            dir.path(),
            "proc/self/cgroup",
            "5:cpu:/a\n4:memory:/player\n",
        );
        let group = "sys/fs/cgroup/memory/player";
        write(
            dir.path(),
            &format!("{group}/memory.limit_in_bytes"),
            &limit,
        );
        write(dir.path(), &format!("{group}/memory.usage_in_bytes"), &used);
        assert_eq!(of().available, 6 * MIB);
    }

    #[test]
    fn a_system_that_tells_nothing_is_never_low() {
        let dir = tempfile::tempdir().unwrap();
        let now = Instant::now();
        assert_eq!(MemoryWatch::at(dir.path(), now).changed(now), None);
        write(dir.path(), "proc/meminfo", "MemTotal: x\n\0\u{ff}");
        write(dir.path(), "proc/self/cgroup", "0::\n::\nmemory\n");
        assert_eq!(Memory::of_system(dir.path()), None);
    }
}
