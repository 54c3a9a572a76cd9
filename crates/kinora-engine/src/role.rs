//! What a track is for in a presentation.

use std::ops::{Index, IndexMut};

/// What a track is for in a presentation. Each role has one pipeline: a queue of packets, a decoder on a worker of its own,
/// an output.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Video frames.
    Video,
    /// Audio frames.
    Audio,
    /// Subtitles. The engine reads their packets itself: there is neither a worker nor an output.
    Text,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Video, Self::Audio, Self::Text];

    /// Playback begins when the pipeline has enough buffered, and stalls when it runs dry.
    #[must_use]
    pub const fn gates_buffering(self) -> bool {
        match self {
            Self::Video | Self::Audio => true,
            // Most of the time there is nothing to read.
            Self::Text => false,
        }
    }

    /// The position of its output is the media clock, while it plays.
    #[must_use]
    pub const fn masters_clock(self) -> bool {
        match self {
            Self::Audio => true,
            Self::Video | Self::Text => false,
        }
    }
}

/// One of something for each role.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ByRole<T> {
    /// That of video.
    pub video: T,
    /// That of audio.
    pub audio: T,
    /// That of text.
    pub text: T,
}

impl<T> ByRole<T> {
    /// Makes each.
    pub fn from_fn(mut make: impl FnMut(Role) -> T) -> Self {
        Self {
            video: make(Role::Video),
            audio: make(Role::Audio),
            text: make(Role::Text),
        }
    }

    /// Each, in the order of [`Role::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.video, &self.audio, &self.text].into_iter()
    }

    /// Each, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        [&mut self.video, &mut self.audio, &mut self.text].into_iter()
    }
}

impl<T> Index<Role> for ByRole<T> {
    type Output = T;
    fn index(&self, role: Role) -> &T {
        match role {
            Role::Video => &self.video,
            Role::Audio => &self.audio,
            Role::Text => &self.text,
        }
    }
}

impl<T> IndexMut<Role> for ByRole<T> {
    fn index_mut(&mut self, role: Role) -> &mut T {
        match role {
            Role::Video => &mut self.video,
            Role::Audio => &mut self.audio,
            Role::Text => &mut self.text,
        }
    }
}
