//! What a decode worker keeps to itself: frames before the one that is looked for, which the engine would only give back.

use kinora_media::Time;

use crate::Role;

/// Decoders round times on the way.
const SAME_TIME: Time = Time::from_micros(500);

/// Frames that are decoded for what follows, on their way out of a decoder. The engine says with each packet
/// ([`Output::Decode`](crate::Output::Decode)) before which time they are.
#[derive(Debug)]
pub struct Preroll<F> {
    discard_before: Time,
    /// The last video frame that was discarded: it is on screen still where the one that should follow it was damaged.
    last: Option<F>,
}

impl<F> Default for Preroll<F> {
    fn default() -> Self {
        Self {
            discard_before: Time::MIN,
            last: None,
        }
    }
}

impl<F> Preroll<F> {
    /// Frames before that time are not wanted from now on.
    pub const fn discard_before(&mut self, time: Time) {
        self.discard_before = time;
    }

    /// What is to be given on of a frame, with the time and the duration of it.
    pub fn pass(
        &mut self,
        role: Role,
        frame: F,
        (pts, duration): (Time, Time),
    ) -> impl Iterator<Item = F> + use<F> {
        let before = self.discard_before;
        let given = match role {
            // Audio is cut where it is wanted from: a frame that reaches over the time is.
            Role::Audio | Role::Text => [None, (pts + duration > before).then_some(frame)],
            Role::Video if pts + SAME_TIME < before => {
                self.last = Some(frame);
                [None, None]
            }
            Role::Video => {
                let last = self.last.take();
                [last.filter(|_| pts > before + SAME_TIME), Some(frame)]
            }
        };
        given.into_iter().flatten()
    }

    /// No frame follows: what is on screen then.
    pub const fn drain(&mut self) -> Option<F> {
        self.last.take()
    }

    /// Frames of another stretch follow.
    pub fn flush(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Time = Time::from_millis(100);

    fn given(preroll: &mut Preroll<i64>, role: Role, times: &[i64]) -> Vec<i64> {
        let pass = |ms: &i64| preroll.pass(role, *ms, (Time::from_millis(*ms), LONG));
        times.iter().flat_map(pass).collect()
    }

    #[test]
    fn video_before_the_time_is_kept_back() {
        let mut preroll = Preroll::default();
        assert_eq!(given(&mut preroll, Role::Video, &[0, 100]), [0, 100]);
        preroll.discard_before(Time::from_millis(400));
        let times = [200, 300, 400, 500];
        assert_eq!(given(&mut preroll, Role::Video, &times), [400, 500]);
        assert_eq!(preroll.drain(), None);
    }

    #[test]
    fn where_the_frame_that_is_looked_for_is_damaged_the_one_before_it_is_given() {
        let mut preroll = Preroll::default();
        preroll.discard_before(Time::from_millis(400));
        let times = [200, 300, 500, 600];
        assert_eq!(given(&mut preroll, Role::Video, &times), [300, 500, 600]);
        preroll.discard_before(Time::from_millis(900));
        assert!(given(&mut preroll, Role::Video, &[700, 800]).is_empty());
        assert_eq!(preroll.drain(), Some(800), "nothing follows");
    }

    #[test]
    fn audio_that_reaches_over_the_time_is_given() {
        let mut preroll = Preroll::default();
        preroll.discard_before(Time::from_millis(250));
        let times = [0, 100, 150, 200, 300];
        assert_eq!(given(&mut preroll, Role::Audio, &times), [200, 300]);
        assert_eq!(preroll.drain(), None);
    }

    #[test]
    fn after_a_jump_all_is_given_until_the_next_time_is_said() {
        let mut preroll = Preroll::default();
        preroll.discard_before(Time::from_millis(400));
        assert!(given(&mut preroll, Role::Video, &[300]).is_empty());
        preroll.flush();
        assert_eq!(given(&mut preroll, Role::Video, &[0]), [0]);
    }
}
