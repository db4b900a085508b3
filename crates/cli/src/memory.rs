//! How much memory a command may use, and for what.

use std::fmt;
use std::path::Path;

use crate::message::{Failure, Outcome};
use crate::units::{Bytes, readable_bytes};

/// The share of the machine's memory that is used where nothing else is asked for.
const DEFAULT_SHARE: f64 = 0.75;
/// What is taken for the machine's memory where it cannot be known.
const UNKNOWN: u64 = 8 << 30;
/// The least limit that leaves room for the program itself and for training.
const LEAST: u64 = 64 << 20;

/// A limit on memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryLimit(u64);

impl MemoryLimit {
    /// The limit that was asked for, or a share of what the machine has.
    ///
    /// # Errors
    /// A failure of the user's input if it is too small for anything.
    pub(crate) fn resolve(asked: Option<Bytes>) -> Outcome<Self> {
        match asked {
            Some(Bytes(bytes)) if bytes < LEAST => Err(Failure::input_text(format!(
                "`memory` is {}; expected at least {}",
                Bytes(bytes),
                Bytes(LEAST)
            ))
            .hint("networks and programs need memory beside the pictures; leave the option out to use what there is")),
            Some(Bytes(bytes)) => Ok(Self(bytes)),
            None => {
                let machine = machine_bytes().unwrap_or(UNKNOWN);
                Ok(Self(((machine as f64 * DEFAULT_SHARE) as u64).max(LEAST)))
            }
        }
    }

    /// Bytes that decoded pictures may take in memory; a larger set stays in files.
    pub(crate) fn pictures(self) -> u64 {
        self.0 / 2
    }

    /// Bytes of a prepared set of `bytes` that may be in memory, and are mixed, at a time. What would be loaded may as well
    /// lie there as pages of files.
    pub(crate) fn share_of(self, bytes: u64) -> u64 {
        if bytes <= self.pictures() {
            bytes
        } else {
            self.0 / 4
        }
    }

    /// Bytes of the pictures that are kept between scores.
    pub(crate) fn scoring(self) -> u64 {
        self.0 / 4
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&readable_bytes(self.0))
    }
}

/// The memory of this machine, or of the control group that this process is in, if that is less.
fn machine_bytes() -> Option<u64> {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let physical = read(Path::new("/proc/meminfo")).and_then(|text| total_memory(&text));
    let group = read(Path::new("/proc/self/cgroup"))
        .into_iter()
        .flat_map(|text| group_limits(&text))
        .filter_map(|path| read(Path::new(&path))?.trim().parse().ok())
        .min();
    physical.into_iter().chain(group).min()
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total_memory(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// The files that say how much memory a process may use whose `/proc/self/cgroup` is `text`: those of its control group
/// and of all groups above it, in both versions of control groups.
fn group_limits(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(kind), Some(group)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (root, file) = match kind {
            "" => ("/sys/fs/cgroup", "memory.max"),
            kind if kind.split(',').any(|kind| kind == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut group = group.trim_end_matches('/');
        loop {
            paths.push(format!("{root}{group}/{file}"));
            match group.rsplit_once('/') {
                Some((above, _)) => group = above,
                None => break,
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        let text = "MemTotal:       24525824 kB\nMemFree:  1 kB\n";
        assert_eq!(total_memory(text), Some(24_525_824 * 1024));
        assert_eq!(total_memory("MemFree: 1 kB"), None);
    }

    #[test]
    fn limits_of_all_groups_above_count() {
        assert_eq!(
            group_limits("0::/user.slice/job\n"),
            [
                "/sys/fs/cgroup/user.slice/job/memory.max",
                "/sys/fs/cgroup/user.slice/memory.max",
                "/sys/fs/cgroup/memory.max"
            ]
        );
        assert_eq!(
            group_limits("5:cpu:/x\n4:memory:/\n"),
            ["/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        );
    }

    #[test]
    fn a_limit_that_leaves_room_for_nothing_is_refused() {
        assert!(MemoryLimit::resolve(Some(Bytes(10 << 20))).is_err());
        let limit = MemoryLimit::resolve(Some(Bytes(1 << 30))).unwrap();
        assert_eq!(limit.pictures(), 512 << 20);
        assert_eq!(limit.share_of(512 << 20), 512 << 20);
        assert_eq!(limit.share_of(513 << 20), 256 << 20);
        assert!(MemoryLimit::resolve(None).unwrap().pictures() >= LEAST / 2);
    }
}
