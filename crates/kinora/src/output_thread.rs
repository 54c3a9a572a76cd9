//! The thread of an output: what panics in it is reported, and its end is waited for within a limit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, ThreadId};

use kinora_engine::{Input, Role};
use kinora_errors::{Fault, codes};

use crate::deadline::Deadline;
use crate::driver::Message;

/// A sink at work on a thread of its own.
pub(crate) struct OutputThread {
    role: Role,
    id: ThreadId,
    ended: Receiver<Result<(), Fault>>,
}

impl OutputThread {
    /// Starts it. What `run` gives is the sink's end.
    pub(crate) fn spawn(
        role: Role,
        out: Sender<Message>,
        run: impl FnOnce() -> Result<(), Fault> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (answer, ended) = channel();
        let name = match role {
            Role::Video => "kinora-render",
            Role::Audio => "kinora-sound",
            Role::Text => "kinora-cues",
        };
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            // The sink is the application's: what it does must not end the player unseen.
            let result = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
                let (fault, fatal) = (broken(role), true);
                let _ = out.send(Message::Input(Input::OutputFailed { role, fault, fatal }));
                Err(broken(role))
            });
            let _ = answer.send(result);
        })?;
        Ok(Self {
            role,
            id: thread.thread().id(),
            ended,
        })
    }

    pub(crate) fn id(&self) -> ThreadId {
        self.id
    }

    /// Waits for the sink's end. A sink that does not come to one is left to its thread.
    pub(crate) fn wait(&self, by: Deadline) -> Result<(), Fault> {
        match by.receive(&self.ended) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(not_ended(match self.role {
                Role::Video => "the video output",
                Role::Audio | Role::Text => "the audio output",
            })),
            Err(RecvTimeoutError::Disconnected) => Err(broken(self.role)),
        }
    }
}

fn broken(role: Role) -> Fault {
    let fault = Fault::new(codes::ERROR_UNKNOWN, "output.broken");
    match role {
        Role::Video => fault.because("the video output panicked"),
        Role::Audio | Role::Text => fault.because("the audio output panicked"),
    }
}

/// ETIMEDOUT: the output is left to itself.
pub(crate) fn not_ended(which: &str) -> Fault {
    Fault::new(kinora_errors::Code::from_errno(110), "output.not_ended")
        .because(format!("{which} did not end in the time that it was given"))
}
