//! Which job and session a process is of.

/// Process group and session. Zero stands for one that began outside this PID namespace, as with `docker exec`: getsid(2)
/// and getpgid(2) give it too, and `rustix` takes it for impossible.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
}

impl Membership {
    /// Nothing where the process is gone or beyond our sight.
    pub(crate) fn read(process: &str) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// proc_pid_stat(5): the name, in parentheses, may hold anything.
    fn parse(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(')')?;
        let mut numbers = fields
            .split_ascii_whitespace()
            .skip(1)
            .map(|field| field.parse().ok());
        Some(Self {
            parent: numbers.next()??,
            group: numbers.next()??,
            session: numbers.next()??,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_numbers_whatever_its_name() {
        let membership = Membership {
            parent: 7,
            group: 9,
            session: 0,
        };
        let stat = "12 (a) b (c) S 7 9 0 34816 12 4194560 1";
        assert_eq!(Membership::parse(stat), Some(membership));
        assert_eq!(Membership::parse("12 (a) S 7"), None);
        assert_eq!(Membership::parse(""), None);
    }

    #[test]
    fn we_are_a_child_of_our_parent() {
        let ours = Membership::read("self").unwrap();
        assert_eq!(ours.parent, std::os::unix::process::parent_id());
    }
}
