//! What a refusal tells of this machine's clock: a signature is good for minutes around the time that it names.

use std::fmt;

use kinora_errors::Fault;

use crate::UnixTime;

/// Less is the time that an answer takes, and no clock is blamed for it.
const MIN_SKEW_MS: i64 = 60_000;

/// How far the server's clock is ahead of this machine's, by the `Date` of an answer; behind where negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClockSkew(i64);

impl ClockSkew {
    /// From both times of the same moment, in milliseconds since 1970. `None` when they agree.
    #[must_use]
    pub fn between(server_ms: i64, own_ms: i64) -> Option<Self> {
        let ahead = server_ms.saturating_sub(own_ms);
        (ahead.saturating_abs() >= MIN_SKEW_MS).then_some(Self(ahead))
    }

    /// What the server's clock shows when this machine's shows `own_ms`.
    #[must_use]
    pub const fn server_time(self, own_ms: i64) -> UnixTime {
        UnixTime::from_millis(own_ms.saturating_add(self.0))
    }

    /// Whether the service refused a call for the time that it was signed at.
    #[must_use]
    pub fn is_blamed_by(fault: &Fault) -> bool {
        let code = fault.context().service_code.as_deref().unwrap_or_default();
        let name = code.split('.').next().unwrap_or_default();
        ["InvalidTimeStamp", "IllegalTimestamp"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    }

    /// The refusal, with what is wrong and by how much.
    #[must_use]
    pub fn explain(self, fault: Fault) -> Fault {
        fault.because(self.to_string())
    }
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.saturating_abs() / 1000;
        match self.0 >= 0 {
            true => write!(f, "this machine's clock is {seconds} s behind the server's"),
            false => write!(
                f,
                "this machine's clock is {seconds} s ahead of the server's"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_errors::codes;

    #[test]
    fn a_clock_that_is_off_is_corrected_by_the_servers() {
        let two_hours = 7_200_000;
        let skew = ClockSkew::between(1_800_000_000_000 + two_hours, 1_800_000_000_000).unwrap();
        assert_eq!(skew.server_time(1_800_000_001_000), UnixTime(1_800_007_201));
        assert_eq!(
            skew.to_string(),
            "this machine's clock is 7200 s behind the server's"
        );
        let ahead = ClockSkew::between(0, two_hours).unwrap();
        assert_eq!(
            ahead.to_string(),
            "this machine's clock is 7200 s ahead of the server's"
        );
    }

    #[test]
    fn the_time_of_a_round_trip_is_no_skew() {
        assert_eq!(ClockSkew::between(30_000, 0), None);
    }

    #[test]
    fn only_a_refusal_for_its_time_blames_the_clock() {
        let refused = |code: &str| {
            Fault::new(codes::ERROR_SERVER_POP_UNKNOWN, "pop.timestamp")
                .with(|context| context.service_code = Some(code.to_owned()))
        };
        assert!(ClockSkew::is_blamed_by(&refused(
            "InvalidTimeStamp.Expired"
        )));
        assert!(ClockSkew::is_blamed_by(&refused("IllegalTimestamp")));
        assert!(!ClockSkew::is_blamed_by(&refused("InvalidTimeStampX")));
        assert!(!ClockSkew::is_blamed_by(&refused("SignatureDoesNotMatch")));
    }
}
