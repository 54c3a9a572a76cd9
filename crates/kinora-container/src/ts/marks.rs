//! Which time stamp belongs to which byte of a stream.

use std::collections::VecDeque;

use super::clock::Stamp;

/// What a PES packet says of the first access unit that begins in it
/// (ISO/IEC 13818-1 2.4.3.7, `PTS`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    /// Presentation and decoding time.
    pub(super) times: Option<(Stamp, Stamp)>,
    /// `random_access_indicator` of the packet that it begins in.
    pub(super) random_access: bool,
}

/// Marks by the place in the stream from which on they hold.
#[derive(Default)]
pub(super) struct Marks {
    queue: VecDeque<(u64, Mark)>,
}

/// Marks that nothing takes are from a stream without access units; the newest suffice.
const MAX_MARKS: usize = 256;

impl Marks {
    pub(super) fn push(&mut self, at: u64, mark: Mark) {
        if self.queue.len() >= MAX_MARKS {
            self.queue.pop_front();
        }
        self.queue.push_back((at, mark));
    }

    /// The mark of an access unit that begins at a place, taken out with those before it.
    pub(super) fn take(&mut self, at: u64) -> Option<Mark> {
        let mut taken = None;
        while let Some((_, mark)) = self.queue.pop_front_if(|(place, _)| *place <= at) {
            taken = Some(mark);
        }
        taken
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }
}
