//! What FFmpeg writes to standard error, and how it ended.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::limits::ImportLimits;
use super::{ExceededLimit, ImportError};
use crate::domain::printable;

/// Octets of diagnostics that are kept.
const MAX_LEN: usize = 4096;
/// Signals: the processor time is used up (hard limit), and its warning; a file grew too long.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;
/// What a shell, and `setpriv`, give for a program that is not there.
const NOT_FOUND: i32 = 127;

/// Lines that say what happened, wherever they stand among the others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Symptom {
    FullDisk,
    Pixels,
    Streams,
    File,
    Memory,
}

const SYMPTOMS: [(&str, Symptom); 8] = [
    ("No space left on device", Symptom::FullDisk),
    ("Disk quota exceeded", Symptom::FullDisk),
    ("exceeds specified max pixel count", Symptom::Pixels),
    ("exceeds max_streams", Symptom::Streams),
    ("File too large", Symptom::File),
    ("Cannot allocate memory", Symptom::Memory),
    ("malloc of size", Symptom::Memory),
    // It has too little even for its own libraries.
    ("failed to map segment", Symptom::Memory),
];

/// The diagnostics of one child.
#[derive(Default)]
pub(super) struct Diagnostics {
    last: String,
    symptom: Option<Symptom>,
}

impl Diagnostics {
    /// Reads all that is said; keeps the last of it, and what it is a symptom of.
    pub(super) async fn read(mut stderr: impl AsyncRead + Unpin) -> Self {
        let mut kept: Vec<u8> = Vec::new();
        let mut symptom = None;
        let mut piece = [0; 1024];
        while let Ok(len @ 1..) = stderr.read(&mut piece).await {
            kept.extend_from_slice(piece.get(..len).unwrap_or_default());
            // A symptom may lie across two pieces: what is looked at is always more than was read.
            let from = kept.len().saturating_sub(2 * piece.len());
            let recent = String::from_utf8_lossy(kept.get(from..).unwrap_or_default());
            let seen = SYMPTOMS.iter().filter(|(words, _)| recent.contains(words));
            // The lowest is the cause of the others.
            symptom = seen.map(|(_, symptom)| *symptom).chain(symptom).min();
            if kept.len() > MAX_LEN {
                kept.drain(..kept.len() - MAX_LEN);
            }
        }
        Self {
            last: String::from_utf8_lossy(&kept).into_owned(),
            symptom,
        }
    }

    /// Whether a picture was left out for its size.
    pub(super) fn too_large(&self) -> bool {
        self.symptom == Some(Symptom::Pixels)
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

    /// What a child's end and its diagnostics say together. FFmpeg can report success after a failed write, and after
    /// pictures that it left out.
    pub(super) fn judge(
        &self,
        status: ExitStatus,
        ran: Duration,
        program: &'static str,
        limits: &ImportLimits,
    ) -> Result<(), ImportError> {
        match self.symptom {
            Some(Symptom::FullDisk) => return Err(ImportError::NoSpace),
            // In a stream that was damaged on its way any number may stand; what can be read of it was.
            Some(Symptom::Pixels) if status.success() => {}
            Some(Symptom::Pixels) => return Err(ExceededLimit::Pixels(limits.pixels).into()),
            Some(Symptom::Streams) => return Err(ExceededLimit::Streams(limits.streams).into()),
            Some(Symptom::File) => return Err(ExceededLimit::Output(limits.output).into()),
            Some(Symptom::Memory) => return Err(ExceededLimit::Memory(limits.memory).into()),
            None => {}
        }
        match status.signal() {
            Some(SIGXFSZ) => Err(ExceededLimit::Output(limits.output).into()),
            Some(SIGXCPU) => Err(ExceededLimit::Cpu(limits.cpu).into()),
            // A kill may come from others: only one that ran that long can have used its time up.
            Some(SIGKILL) if could_have_used(limits.cpu, ran) => {
                Err(ExceededLimit::Cpu(limits.cpu).into())
            }
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
        let heard = Diagnostics::read(said.as_bytes()).await;
        assert_eq!(heard.symptom, Some(Symptom::FullDisk));
        assert_eq!(heard.reason(), "the last word");
        assert!(heard.last.len() <= MAX_LEN);
        let nothing = Diagnostics::read(&b""[..]).await;
        assert_eq!((nothing.symptom, &*nothing.reason()), (None, "nothing"));
    }
}
