//! What is done about a decoder or an output that fails.

use crate::Role;

/// What is done about an error of a decoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecoderRecovery {
    /// The packet is passed over.
    PassOver,
    /// A decoder of another backend is opened in its place.
    OtherBackend,
    /// No decoder takes the track.
    GiveUp,
}

/// After so many packets in a row that can not be decoded a track is given up.
const MAX_FAILURES: u32 = 1_000;

/// Decides about the errors of a track's decoder, by those that came in a row.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecoderFailures {
    in_a_row: u32,
    replaced: bool,
}

impl DecoderFailures {
    /// A frame came.
    pub const fn frame(&mut self) {
        self.in_a_row = 0;
    }

    /// An error came. `broken`: the decoder decodes nothing more, whatever it is given.
    #[must_use]
    pub const fn failed(&mut self, broken: bool) -> DecoderRecovery {
        if broken {
            return match std::mem::replace(&mut self.replaced, true) {
                false => DecoderRecovery::OtherBackend,
                true => DecoderRecovery::GiveUp,
            };
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        match self.in_a_row > MAX_FAILURES {
            true => DecoderRecovery::GiveUp,
            false => DecoderRecovery::PassOver,
        }
    }
}

/// What becomes of playback when a part of a pipeline failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PlaybackRecovery {
    /// It is counted, no more.
    Count,
    /// All goes on; it is reported.
    PlayOn,
    /// The pipeline is given up, and that is reported; the others play on.
    PlayOthers,
    /// Nothing is left to play.
    Fail,
}

/// Decides about a packet that was not decoded. `fatal`: no decoder takes the track; `others`: another pipeline plays.
pub(crate) const fn decode_failed(fatal: bool, others: bool) -> PlaybackRecovery {
    match (fatal, others) {
        (false, _) => PlaybackRecovery::Count,
        (true, true) => PlaybackRecovery::PlayOthers,
        (true, false) => PlaybackRecovery::Fail,
    }
}

/// Decides about an output. `fatal`: it takes nothing more. Without the one that keeps the time nothing plays.
pub(crate) const fn output_failed(role: Role, fatal: bool) -> PlaybackRecovery {
    match fatal && role.masters_clock() {
        true => PlaybackRecovery::Fail,
        false => PlaybackRecovery::PlayOn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_decoder_is_replaced_once() {
        let mut failures = DecoderFailures::default();
        assert_eq!(failures.failed(false), DecoderRecovery::PassOver);
        assert_eq!(failures.failed(true), DecoderRecovery::OtherBackend);
        assert_eq!(failures.failed(false), DecoderRecovery::PassOver);
        failures.frame();
        assert_eq!(failures.failed(true), DecoderRecovery::GiveUp);
    }

    #[test]
    fn only_failures_in_a_row_end_a_track() {
        let mut failures = DecoderFailures::default();
        for _ in 0..5 {
            let passed = (0..1_000).all(|_| failures.failed(false) == DecoderRecovery::PassOver);
            assert!(passed);
            failures.frame();
        }
        let given_up = (0..5_000).position(|_| failures.failed(false) == DecoderRecovery::GiveUp);
        assert_eq!(given_up, Some(1_000));
    }

    #[test]
    fn damage_is_counted_and_without_hope_the_others_play_on() {
        use PlaybackRecovery::{Count, Fail, PlayOthers};
        assert_eq!(decode_failed(false, true), Count);
        assert_eq!(decode_failed(false, false), Count);
        assert_eq!(decode_failed(true, true), PlayOthers);
        assert_eq!(decode_failed(true, false), Fail);
    }

    #[test]
    fn only_the_output_that_keeps_the_time_takes_playback_along() {
        use PlaybackRecovery::{Fail, PlayOn};
        for role in Role::ALL {
            assert_eq!(output_failed(role, false), PlayOn);
        }
        assert_eq!(output_failed(Role::Audio, true), Fail);
        assert_eq!(output_failed(Role::Video, true), PlayOn);
    }
}
