//! `--refresh-command`: a program of the user's that prints a fresh credential, within limits.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use kinora::{Credential, Secret};

use crate::report::Failure;

/// So long the command may take.
const LIMIT: Duration = Duration::from_secs(30);
/// No credential is longer.
const MAX_LEN: u64 = 64 * 1024;

/// Runs the command in a group of its own, and ends all of that group when standard input ends: when this program has
/// what it wants or is gone, however it went. The first line keeps standard input from the command itself.
const GUARD: &str = "exec 3<&0 </dev/null
(sh -c \"$1\" 3<&-) &
command=$!
(cat <&3; kill -KILL 0) >/dev/null 2>&1 &
exec 3<&-
wait $command";

/// A command that runs; dropping it ends it and all that it started.
pub(crate) struct Refresh {
    child: Child,
    begun: Instant,
    limit: Duration,
    printed: Receiver<io::Result<Vec<u8>>>,
}

impl Refresh {
    pub(crate) fn start(command: &str) -> Result<Self, Failure> {
        Self::within(LIMIT, command)
    }

    fn within(limit: Duration, command: &str) -> Result<Self, Failure> {
        let mut child = Command::new("sh")
            .args(["-c", GUARD, "kinora-refresh", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::io("--refresh-command", &error))?;
        let (sender, printed) = channel();
        if let Some(out) = child.stdout.take() {
            // It ends with the command's group.
            thread::spawn(move || {
                let mut text = Vec::new();
                let read = out.take(MAX_LEN + 1).read_to_end(&mut text);
                let _ = sender.send(read.map(|_| text));
            });
        }
        Ok(Self {
            child,
            begun: Instant::now(),
            limit,
            printed,
        })
    }

    /// The credential once it is printed; `None` while the command runs.
    pub(crate) fn poll(&mut self) -> Option<Result<Credential, Failure>> {
        match self.printed.try_recv() {
            Ok(printed) => Some(self.ended(printed)),
            Err(TryRecvError::Disconnected) => Some(self.ended(Ok(Vec::new()))),
            Err(TryRecvError::Empty) if self.is_late() => Some(Err(slow(self.limit))),
            Err(TryRecvError::Empty) => None,
        }
    }

    fn is_late(&self) -> bool {
        self.begun.elapsed() > self.limit
    }

    fn ended(&mut self, printed: io::Result<Vec<u8>>) -> Result<Credential, Failure> {
        let printed = printed.map_err(|error| Failure::io("--refresh-command", &error))?;
        if printed.len() as u64 > MAX_LEN {
            return Err(Failure::usage(
                "the --refresh-command printed more than 64 KiB: that is no credential",
                "--refresh-command 输出超过 64 KiB，这不是凭证",
            ));
        }
        let status = self.status()?;
        let text = String::from_utf8_lossy(&printed);
        match text.trim() {
            credential if status.success() && !credential.is_empty() => {
                Ok(Credential::PlayAuth(Secret::new(credential)))
            }
            _ => Err(Failure::usage(
                format!("the --refresh-command gave no credential ({status})"),
                format!("--refresh-command 没有给出凭证（{status}）"),
            )),
        }
    }

    /// Its status, which follows its output, within the limit.
    fn status(&mut self) -> Result<std::process::ExitStatus, Failure> {
        let failed = |error: io::Error| Failure::io("--refresh-command", &error);
        loop {
            if let Some(status) = self.child.try_wait().map_err(failed)? {
                return Ok(status);
            }
            if self.is_late() {
                return Err(slow(self.limit));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Refresh {
    fn drop(&mut self) {
        // Its guard ends it now; nothing but this is waited for.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn slow(limit: Duration) -> Failure {
    let seconds = limit.as_secs();
    Failure::usage(
        format!("the --refresh-command gave no credential within {seconds} s, and was ended"),
        format!("--refresh-command 在 {seconds} 秒内没有给出凭证，已被终止"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn outcome(command: &str) -> Result<String, String> {
        outcome_within(LIMIT, command)
    }

    fn outcome_within(limit: Duration, command: &str) -> Result<String, String> {
        let mut refresh = Refresh::within(limit, command).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            match refresh.poll() {
                Some(Ok(Credential::PlayAuth(secret))) => return Ok(secret.expose().to_owned()),
                Some(Ok(_)) => return Err("another kind".into()),
                Some(Err(Failure::Usage(words))) => return Err(words.to_string()),
                Some(Err(_)) => return Err("a fault".into()),
                None => assert!(Instant::now() < until, "{command}"),
            }
            thread::yield_now();
        }
    }

    #[test]
    fn what_it_prints_is_the_credential_and_it_has_no_standard_input() {
        assert_eq!(outcome("cat; echo ' fresh '"), Ok("fresh".into()));
        assert!(outcome("true").unwrap_err().contains("no credential"));
        assert!(outcome("echo x; exit 3").unwrap_err().contains("status: 3"));
    }

    #[test]
    fn what_takes_too_long_or_closes_its_output_and_lives_on_is_ended() {
        for command in ["sleep 1000", "exec >/dev/null; sleep 1000"] {
            let outcome = outcome_within(Duration::from_millis(200), command);
            assert!(outcome.unwrap_err().contains("within 0 s"), "{command}");
        }
    }

    #[test]
    fn output_without_an_end_is_cut_off() {
        assert!(outcome("yes").unwrap_err().contains("64 KiB"));
    }

    #[test]
    fn dropping_it_ends_all_that_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pids = dir.path().join("pids");
        let command = format!(
            "sleep 1000 & echo $! >{0}.new; mv {0}.new {0}; sleep 1001 | sleep 1002",
            pids.display()
        );
        let refresh = Refresh::start(&command).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let pid: String = loop {
            match std::fs::read_to_string(&pids) {
                Ok(text) => break text.trim().to_owned(),
                Err(_) => assert!(Instant::now() < until),
            }
        };
        drop(refresh);
        let alive = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
            status.is_ok_and(|status| !status.contains("State:\tZ"))
        };
        while alive() {
            assert!(Instant::now() < until, "{pid} lives on");
            thread::yield_now();
        }
    }
}
