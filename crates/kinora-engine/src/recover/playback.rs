//! What is done about a decoder or an output that fails.

use crate::Role;

/// What a decode worker does about an error of its decoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecoderRecovery {
    /// The packet is passed over.
    PassOver,
    /// A decoder of another backend is opened in its place.
    OtherBackend,
    /// No decoder takes the track.
    GiveUp,
}

/// Decides about an error of a decoder. `broken`: it decodes nothing more, whatever it is given; `replaced`: it took the
/// place of one that broke before.
#[must_use]
pub const fn decoder_error(broken: bool, replaced: bool) -> DecoderRecovery {
    match (broken, replaced) {
        (false, _) => DecoderRecovery::PassOver,
        (true, false) => DecoderRecovery::OtherBackend,
        (true, true) => DecoderRecovery::GiveUp,
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

/// Decides about a packet that was not decoded. `hopeless`: no decoder takes the track, or none gave anything for long;
/// `others`: another pipeline plays.
pub(crate) const fn decode_failed(hopeless: bool, others: bool) -> PlaybackRecovery {
    match (hopeless, others) {
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
        assert_eq!(decoder_error(false, false), DecoderRecovery::PassOver);
        assert_eq!(decoder_error(false, true), DecoderRecovery::PassOver);
        assert_eq!(decoder_error(true, false), DecoderRecovery::OtherBackend);
        assert_eq!(decoder_error(true, true), DecoderRecovery::GiveUp);
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
