//! What FFmpeg complains about, and how it ended.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::limits::ImportLimits;
use super::{ImportError, Limit};
use crate::domain::printable;

/// Octets of complaints that are kept.
const MAX_WORDS: usize = 4096;
/// Signals: the processor time is used up (hard limit), and its warning; a file grew too long.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;
/// What a shell, and `setpriv`, give for a program that is not there.
const NOT_FOUND: i32 = 127;

/// Complaints that tell what happened, wherever they stand among the others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Sign {
    FullDisk,
    Pixels,
    Streams,
    File,
    Memory,
}

const SIGNS: [(&str, Sign); 8] = [
    ("No space left on device", Sign::FullDisk),
    ("Disk quota exceeded", Sign::FullDisk),
    ("exceeds specified max pixel count", Sign::Pixels),
    ("exceeds max_streams", Sign::Streams),
    ("File too large", Sign::File),
    ("Cannot allocate memory", Sign::Memory),
    ("malloc of size", Sign::Memory),
    // It has too little even for its own libraries.
    ("failed to map segment", Sign::Memory),
];

/// The complaints of one child.
#[derive(Default)]
pub(super) struct Complaints {
    last: String,
    sign: Option<Sign>,
}

impl Complaints {
    /// Reads all that is said; keeps the last of it, and what it is a sign of.
    pub(super) async fn read(mut stderr: impl AsyncRead + Unpin) -> Self {
        let mut kept: Vec<u8> = Vec::new();
        let mut sign = None;
        let mut piece = [0; 1024];
        while let Ok(len @ 1..) = stderr.read(&mut piece).await {
            kept.extend_from_slice(piece.get(..len).unwrap_or_default());
            // A sign may lie across two pieces: what is looked at is always more than was read.
            let from = kept.len().saturating_sub(2 * piece.len());
            let recent = String::from_utf8_lossy(kept.get(from..).unwrap_or_default());
            let seen = SIGNS.iter().filter(|(words, _)| recent.contains(words));
            // The lowest is the cause of the others.
            sign = seen.map(|(_, sign)| *sign).chain(sign).min();
            if kept.len() > MAX_WORDS {
                kept.drain(..kept.len() - MAX_WORDS);
            }
        }
        Self {
            last: String::from_utf8_lossy(&kept).into_owned(),
            sign,
        }
    }

    /// Whether a picture was left out for its size.
    pub(super) fn too_large(&self) -> bool {
        self.sign == Some(Sign::Pixels)
    }

    /// The last complaint in one line, without the addresses that FFmpeg puts before it.
    pub(super) fn reason(&self) -> String {
        let reason = self
            .last
            .lines()
            .map(|line| match line.split_once("] ") {
                Some((before, rest)) if before.starts_with('[') => rest,
                _ => line,
            })
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("nothing");
        printable(reason).take(300).collect()
    }

    /// What a child's end and its complaints say together. FFmpeg can report success after a failed write, and after
    /// pictures that it left out.
    pub(super) fn judge(
        &self,
        status: ExitStatus,
        ran: Duration,
        program: &'static str,
        limits: &ImportLimits,
    ) -> Result<(), ImportError> {
        match self.sign {
            Some(Sign::FullDisk) => return Err(ImportError::NoSpace),
            // In a stream that was damaged on its way any number may stand; what can be read of it was.
            Some(Sign::Pixels) if status.success() => {}
            Some(Sign::Pixels) => return Err(Limit::Pixels(limits.pixels).into()),
            Some(Sign::Streams) => return Err(Limit::Streams(limits.streams).into()),
            Some(Sign::File) => return Err(Limit::Output(limits.output).into()),
            Some(Sign::Memory) => return Err(Limit::Memory(limits.memory).into()),
            None => {}
        }
        match status.signal() {
            Some(SIGXFSZ) => Err(Limit::Output(limits.output).into()),
            Some(SIGXCPU) => Err(Limit::Cpu(limits.cpu).into()),
            // A kill may come from others: only one that ran that long can have used its time up.
            Some(SIGKILL) if could_have_used(limits.cpu, ran) => Err(Limit::Cpu(limits.cpu).into()),
            Some(signal) => Err(ImportError::Killed(signal)),
            None if status.success() => Ok(()),
            None if status.code() == Some(NOT_FOUND) => Err(ImportError::NoFfmpeg(program)),
            None => Err(ImportError::Broken(self.reason())),
        }
    }
}

fn could_have_used(cpu: Duration, ran: Duration) -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    ran.saturating_mul(u32::try_from(cores).unwrap_or(u32::MAX)) >= cpu
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sign_counts_wherever_it_stands_and_the_cause_before_what_it_caused() {
        let fill = "x".repeat(1000);
        let said = format!(
            "[gif @ 0x1] Cannot allocate memory\n{fill} No space left on device\n{}\n[mp4 @ 0x2] the \u{202e}last\u{7} word\n\n",
            "y\n".repeat(5000),
        );
        let heard = Complaints::read(said.as_bytes()).await;
        assert_eq!(heard.sign, Some(Sign::FullDisk));
        assert_eq!(heard.reason(), "the last word");
        assert!(heard.last.len() <= MAX_WORDS);
        let nothing = Complaints::read(&b""[..]).await;
        assert_eq!((nothing.sign, &*nothing.reason()), (None, "nothing"));
    }
}
