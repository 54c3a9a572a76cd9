//! A child process that can neither outgrow its limits nor outlive this program.
//!
//! The limits are the system's (`setrlimit(2)`): they hold whatever the child does. That it dies with us, also when we
//! are killed and can end nothing any more, is the system's as well (`PR_SET_PDEATHSIG`, set by `setpriv`). The system
//! means the *thread* that began the child; so each child has a thread, which does nothing but wait for it.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::oneshot;

use super::ImportError;
use super::limits::ImportLimits;

/// Part of util-linux.
const SETPRIV: &str = "setpriv";
/// A killed process is gone after moments, unless the system itself hangs.
const EXIT_LIMIT: Duration = Duration::from_secs(5);
#[cfg(target_os = "linux")]
const OPEN_FILES: u64 = 256;

/// What the system allows one child.
#[derive(Clone, Copy)]
pub(super) struct ChildLimits {
    /// Bytes of address space.
    pub(super) memory: u64,
    /// Processor time.
    pub(super) cpu: Duration,
    /// Bytes of a file that it writes.
    pub(super) file: u64,
}

impl ChildLimits {
    pub(super) fn of(limits: &ImportLimits) -> Self {
        Self {
            memory: limits.memory,
            cpu: limits.cpu,
            file: limits.output,
        }
    }
}

/// A running child; killed when it is dropped.
pub(super) struct ChildGuard {
    child: Arc<Mutex<Child>>,
    exit: oneshot::Receiver<io::Result<ExitStatus>>,
    /// Ends when the child has.
    gone: mpsc::Receiver<()>,
}

/// A child and what it says.
pub(super) struct StartedChild {
    pub(super) guard: ChildGuard,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

/// The program as a child that dies with the thread that starts it.
pub(super) fn command(program: &'static str) -> Command {
    if cfg!(target_os = "linux") {
        let mut command = Command::new(SETPRIV);
        command.args(["--pdeathsig", "KILL", "--no-new-privs", program]);
        command
    } else {
        Command::new(program)
    }
}

/// Starts a command that [`command`] began.
pub(super) async fn start(
    mut command: Command,
    program: &'static str,
    limits: ChildLimits,
) -> Result<StartedChild, ImportError> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Each arena of the allocator takes address space that is counted and not used.
        .env("MALLOC_ARENA_MAX", "4")
        // It would have FFmpeg write a report where it stands.
        .env_remove("FFREPORT");
    let (begun, started) = oneshot::channel();
    let thread = std::thread::Builder::new().name(program.to_owned());
    let running = thread.spawn(move || {
        let child = command.spawn().and_then(|child| limited(child, limits));
        let child = match child {
            Ok(child) => Arc::new(Mutex::new(child)),
            Err(error) => {
                let _ = begun.send(Err(error));
                return;
            }
        };
        let (sender, exit) = oneshot::channel();
        let (_here, gone) = mpsc::channel();
        let guard = ChildGuard {
            child: child.clone(),
            exit,
            gone,
        };
        // Who began it may have gone already: then it is dropped here, and killed.
        let _ = begun.send(Ok(guard));
        wait_without_reaping(&child);
        let _ = sender.send(lock(&child).wait());
    });
    running.map_err(ImportError::io("start a thread"))?;
    let guard = started
        .await
        .map_err(|_| ImportError::io("start a thread")(io::ErrorKind::BrokenPipe.into()))?
        .map_err(|error| start_error(error, program))?;
    let (stdout, stderr) = {
        let mut child = lock(&guard.child);
        (child.stdout.take(), child.stderr.take())
    };
    let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
        return Err(ImportError::io("talk to FFmpeg")(
            io::ErrorKind::BrokenPipe.into(),
        ));
    };
    Ok(StartedChild {
        guard,
        stdout: ChildStdout::from_std(stdout).map_err(ImportError::io("talk to FFmpeg"))?,
        stderr: ChildStderr::from_std(stderr).map_err(ImportError::io("talk to FFmpeg"))?,
    })
}

impl ChildGuard {
    #[cfg(test)]
    pub(super) fn id(&self) -> u32 {
        lock(&self.child).id()
    }
    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        (&mut self.exit)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // Nothing happens to one that was waited for, so no other process is ever hit.
        let _ = lock(&self.child).kill();
        // What it writes is removed next: it must not write any more.
        let _: Result<(), RecvTimeoutError> = self.gone.recv_timeout(EXIT_LIMIT);
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it is waited for, others may kill it: only once it is dead it is locked, and its number given back.
fn wait_without_reaping(child: &Mutex<Child>) {
    let id = lock(child).id();
    let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
        return;
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
}

fn start_error(error: io::Error, program: &'static str) -> ImportError {
    match error.kind() {
        io::ErrorKind::NotFound if cfg!(target_os = "linux") => ImportError::NoSetpriv,
        io::ErrorKind::NotFound => ImportError::NoFfmpeg(program),
        _ => ImportError::io("start FFmpeg")(error),
    }
}

/// Limits the child before it is used; one that cannot be limited is killed. It has them moments after it begins, and
/// long before it has read anything.
#[cfg(target_os = "linux")]
fn limited(mut child: Child, limits: ChildLimits) -> io::Result<Child> {
    use rustix::process::{Resource, Rlimit, getrlimit, prlimit};

    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let limits = [
        (Resource::As, limits.memory),
        (Resource::Cpu, limits.cpu.as_secs().max(1)),
        (Resource::Fsize, limits.file),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Core, 0),
    ];
    for (resource, wanted) in limits {
        // Nobody may raise what was lowered for ourselves.
        let highest = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let value = Some(wanted.min(highest));
        let limit = Rlimit {
            current: value,
            maximum: value,
        };
        match prlimit(pid, resource, limit) {
            // It has ended already; its exit status says why.
            Ok(_) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error.into());
            }
        }
    }
    Ok(child)
}

#[cfg(not(target_os = "linux"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems limit only the calling process"
)]
fn limited(child: Child, _: ChildLimits) -> io::Result<Child> {
    Ok(child)
}
