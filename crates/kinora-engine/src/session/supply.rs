//! Whether packets still come.

use kinora_errors::Fault;
use kinora_media::Time;

/// Whether packets still come from the source.
#[derive(Debug)]
pub(super) enum Supply {
    /// Its headers are on their way. `seek_to`: what to go to once they are read.
    Opening { seek_to: Option<Time> },
    /// They come.
    Flowing,
    /// All of them came.
    Ended,
    /// No more will come: this ends the session once what is there has played.
    Failed { pending_fatal: Fault },
}

impl Supply {
    /// The headers are read; gives what to go to.
    pub(super) fn opened(&mut self) -> Option<Time> {
        let Self::Opening { seek_to } = *self else {
            return None;
        };
        *self = Self::Flowing;
        seek_to
    }

    /// The last packet came; of one that failed it did before.
    pub(super) fn end(&mut self) {
        if !matches!(self, Self::Failed { .. }) {
            *self = Self::Ended;
        }
    }

    /// More packets follow those that came.
    pub(super) fn go_on(&mut self) {
        if self.is_ended() {
            *self = Self::Flowing;
        }
    }

    /// It failed for that reason. What fails after that, fails for it.
    pub(super) fn fail(&mut self, fault: Fault) {
        if !matches!(self, Self::Failed { .. }) {
            *self = Self::Failed {
                pending_fatal: fault,
            };
        }
    }

    /// No packet follows those that are there.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Ended | Self::Failed { .. })
    }

    /// All of them came.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }

    pub(super) fn pending_fatal(&self) -> Option<&Fault> {
        match self {
            Self::Failed { pending_fatal } => Some(pending_fatal),
            _ => None,
        }
    }
}
