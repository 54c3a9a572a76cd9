use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::ImportError;

const HOUR_S: u64 = 3600;
const MIB: u64 = 1024 * 1024;

/// What an import may cost. A file can ask for any amount of work with a few bytes.
///
/// Memory, processor time and file sizes are held by the system for each child process (`setrlimit(2)`), the rest by
/// the import. The number of processes is not: the system counts those of the whole user, not those of an import.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImportLimits {
    /// Pixels of a picture; FFmpeg knows no more than 2^31 - 1.
    pub pixels: u64,
    /// Length of the media.
    pub duration: Duration,
    /// Streams in the file.
    pub streams: u32,
    /// Bytes of address space of a child process.
    pub memory: u64,
    /// Processor time of a child process, all its threads together.
    pub cpu: Duration,
    /// Time that the import takes.
    pub time: Duration,
    /// Bytes of all that is made; no single file may be longer either.
    pub output: u64,
    /// Time without any progress. Moving the index of a very large file to its front reports none.
    pub stall: Duration,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self {
            // 8K as cinema has it.
            pixels: 8192 * 4320,
            duration: Duration::from_secs(24 * HOUR_S),
            streams: 256,
            memory: 4096 * MIB,
            cpu: Duration::from_secs(48 * HOUR_S),
            time: Duration::from_secs(24 * HOUR_S),
            output: 256 * 1024 * MIB,
            stall: Duration::from_secs(300),
        }
    }
}

/// A limit that an import ran into, with its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExceededLimit {
    /// [`ImportLimits::pixels`].
    Pixels(u64),
    /// [`ImportLimits::duration`].
    Duration(Duration),
    /// [`ImportLimits::streams`].
    Streams(u32),
    /// [`ImportLimits::memory`].
    Memory(u64),
    /// [`ImportLimits::cpu`].
    Cpu(Duration),
    /// [`ImportLimits::time`].
    Time(Duration),
    /// [`ImportLimits::output`].
    Output(u64),
}

impl ExceededLimit {
    /// The option of `kinora import` that sets it.
    fn option(self) -> &'static str {
        match self {
            Self::Pixels(_) => "--max-pixels",
            Self::Duration(_) => "--max-duration",
            Self::Streams(_) => "--max-streams",
            Self::Memory(_) => "--max-memory",
            Self::Cpu(_) => "--max-cpu",
            Self::Time(_) => "--max-time",
            Self::Output(_) => "--max-output",
        }
    }
}

impl fmt::Display for ExceededLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pixels(pixels) => write!(f, "a picture has more than {pixels} pixels")?,
            Self::Duration(time) => write!(f, "it is longer than {} s", time.as_secs())?,
            Self::Streams(streams) => write!(f, "it has more than {streams} streams")?,
            Self::Memory(bytes) => write!(f, "it needs more than {} MiB of memory", bytes / MIB)?,
            Self::Cpu(time) => {
                write!(
                    f,
                    "it needs more than {} s of the processor",
                    time.as_secs()
                )?;
            }
            Self::Time(time) => write!(f, "it takes longer than {} s", time.as_secs())?,
            Self::Output(bytes) => {
                write!(f, "what is made of it is longer than {} MiB", bytes / MIB)?;
            }
        }
        let option = self.option();
        write!(
            f,
            ", a limit of the import; if you trust the file, raise it with {option}"
        )
    }
}

/// What one import may still use.
pub(super) struct ImportBudget {
    pub(super) limits: ImportLimits,
    deadline: Instant,
    /// Where files are made.
    places: Vec<PathBuf>,
}

impl ImportBudget {
    pub(super) fn begin(limits: ImportLimits) -> Self {
        let now = Instant::now();
        Self {
            limits,
            // A time that no clock can hold is none.
            deadline: now
                .checked_add(limits.time)
                .unwrap_or_else(|| now + Duration::from_secs(10 * 365 * 24 * HOUR_S)),
            places: Vec::new(),
        }
    }
    /// Counts from now on what is made in these directories.
    pub(super) fn watch(&mut self, places: impl IntoIterator<Item = PathBuf>) {
        self.places.extend(places);
    }
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }
    /// Refuses what was made, if it is too much.
    pub(super) fn check_output(&self) -> Result<(), ImportError> {
        let made = self.places.iter().map(|place| bytes_in(place));
        let made = made.fold(0, u64::saturating_add);
        if made > self.limits.output {
            return Err(ExceededLimit::Output(self.limits.output).into());
        }
        Ok(())
    }
    pub(super) fn check_duration(&self, seconds: f64) -> Result<(), ImportError> {
        let duration = self.limits.duration;
        if seconds > duration.as_secs_f64() {
            return Err(ExceededLimit::Duration(duration).into());
        }
        Ok(())
    }
}

/// The files of a directory together. A file that vanishes meanwhile counts nothing.
fn bytes_in(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| entry.metadata());
    sizes
        .flatten()
        .map(|about| about.len())
        .fold(0, u64::saturating_add)
}
