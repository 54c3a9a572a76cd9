use std::fmt;

/// No samples come faster: beyond it a rate is an error of the file.
pub const MAX_SAMPLE_RATE: u32 = 768_000;

/// The form of samples: interleaved 32-bit float.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AudioFormat {
    /// Samples of one channel in a second.
    pub sample_rate: u32,
    /// Channels, in the order of WAVE files.
    pub channels: u16,
}

impl AudioFormat {
    /// Channels as a number of samples; never none.
    #[must_use]
    pub fn width(self) -> usize {
        usize::from(self.channels.max(1))
    }

    /// The sample rate within what can be: 1 to [`MAX_SAMPLE_RATE`].
    #[must_use]
    pub fn rate(self) -> u32 {
        self.sample_rate.clamp(1, MAX_SAMPLE_RATE)
    }

    /// Samples of one channel in so many milliseconds; at least one.
    #[must_use]
    pub fn frames_in(self, ms: u32) -> usize {
        let frames = u64::from(self.rate()) * u64::from(ms) / 1_000;
        usize::try_from(frames).unwrap_or(usize::MAX).max(1)
    }
}

impl fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} channels at {} Hz", self.channels, self.sample_rate)
    }
}
