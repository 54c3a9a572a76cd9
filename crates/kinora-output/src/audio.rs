use std::collections::VecDeque;

use kinora_audio::AudioFormat;
use kinora_media::Time;

use crate::SinkError;

/// Plays audio, and by that keeps the time: its position is the master clock.
///
/// A sink is a queue with a clock. Queued samples are heard one after the other while it runs; when
/// the queue is empty its clock stands still.
///
/// The calls come one after the other, on one thread that is not the caller's and does nothing else. A sink may take its time:
/// the player goes on by its own clock, and what a sink does not take within a second is left out. Moments are on the same clock
/// in all of them.
pub trait AudioSink: Send {
    /// Makes ready for audio of that format: before the first of it, and whenever the format changes, once all that was queued
    /// has been played. The count of [`played`](Self::played) begins at zero.
    ///
    /// # Errors
    /// When the device does not take that format, or is gone. It is reported, and other formats are offered: the one that
    /// was taken last, then usual ones. Samples are converted to the first that is taken; without one they are left out.
    fn configure(&mut self, format: AudioFormat) -> Result<(), SinkError>;

    /// Queues samples; as many of each channel as of the others.
    ///
    /// # Errors
    /// What could not be written.
    fn queue(&mut self, now: Time, samples: &[f32]) -> Result<(), SinkError>;

    /// Samples of one channel that were played since it was configured or flushed.
    fn played(&mut self, now: Time) -> u64;

    /// Plays from now on.
    fn run(&mut self, now: Time);

    /// Stands still from now on; what is queued stays.
    fn hold(&mut self, now: Time);

    /// Forgets what is queued, at once: playback jumps, or what is queued comes again at another speed or volume. The count
    /// begins at zero; a sink that runs goes on with what is queued next.
    fn flush(&mut self, now: Time);

    /// Takes back what is queued and can still be changed: what is queued next is heard in its place, without a gap. Gives the
    /// count up to which all stays. `None`: the sink can not; it is flushed instead, and given anew what it held.
    fn take_back(&mut self, _now: Time) -> Option<u64> {
        None
    }

    /// How long it takes from now on until the sample is heard that [`played`](Self::played) counts to: more than nothing while a
    /// device begins.
    fn delay(&mut self, _now: Time) -> Time {
        Time::ZERO
    }

    /// What became of its device since it was asked last; asked several times a second while it runs.
    fn news(&mut self) -> Option<SinkNews> {
        None
    }

    /// What is queued is the last, as far as is known: a device that waits for a whole buffer plays what it has. A seek, or a
    /// source that goes on after all, may bring more.
    fn drain(&mut self, _now: Time) {}

    /// Writes what is held back. Nothing is queued after it.
    ///
    /// # Errors
    /// What could not be written.
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl AudioSink for Box<dyn AudioSink> {
    fn configure(&mut self, format: AudioFormat) -> Result<(), SinkError> {
        (**self).configure(format)
    }
    fn queue(&mut self, now: Time, samples: &[f32]) -> Result<(), SinkError> {
        (**self).queue(now, samples)
    }
    fn played(&mut self, now: Time) -> u64 {
        (**self).played(now)
    }
    fn run(&mut self, now: Time) {
        (**self).run(now);
    }
    fn hold(&mut self, now: Time) {
        (**self).hold(now);
    }
    fn flush(&mut self, now: Time) {
        (**self).flush(now);
    }
    fn take_back(&mut self, now: Time) -> Option<u64> {
        (**self).take_back(now)
    }
    fn delay(&mut self, now: Time) -> Time {
        (**self).delay(now)
    }
    fn news(&mut self) -> Option<SinkNews> {
        (**self).news()
    }
    fn drain(&mut self, now: Time) {
        (**self).drain(now);
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        (**self).finish()
    }
}

/// Where sound comes out.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AudioDevice {
    /// The sound system: `pulse`, `alsa`, `null`.
    pub system: &'static str,
    /// Its name there, as `pulse:NAME` chooses it.
    pub name: String,
    /// What people call it.
    pub description: String,
    /// What plays without a choice plays there.
    pub is_default: bool,
}

/// What a sink has to tell of its device.
#[derive(Debug)]
pub enum SinkNews {
    /// Sound comes out there from now on.
    Device(AudioDevice),
    /// The device is gone: time goes on without it, and sound does once another one is there.
    Lost(SinkError),
}

/// Where a [`PacedAudio`] sink puts the samples that have sounded.
///
/// ```
/// use kinora_output::{AudioFormat, AudioSink, PacedAudio, SampleWriter, SinkError};
///
/// /// Hears how loud it is at most.
/// struct Peak(f32);
///
/// impl SampleWriter for Peak {
///     const KEEPS: bool = true;
///     fn begin(&mut self, format: AudioFormat) -> Result<(), SinkError> {
///         match format.channels {
///             0..=8 => Ok(()),
///             more => Err(SinkError::application(format!("{more} channels"))),
///         }
///     }
///     fn write(&mut self, samples: &[f32]) -> Result<(), SinkError> {
///         self.0 = samples.iter().fold(self.0, |peak, it| peak.max(it.abs()));
///         Ok(())
///     }
///     fn finish(&mut self) -> Result<(), SinkError> {
///         Ok(())
///     }
/// }
///
/// fn sink() -> impl AudioSink {
///     PacedAudio::with_writer(Peak(0.0))
/// }
/// ```
pub trait SampleWriter: Send {
    /// Wants the samples at all; without it they are only counted.
    const KEEPS: bool;
    /// The form of what follows.
    ///
    /// # Errors
    /// When the form can not be written.
    fn begin(&mut self, format: AudioFormat) -> Result<(), SinkError>;
    /// Samples that have sounded.
    ///
    /// # Errors
    /// What could not be written.
    fn write(&mut self, samples: &[f32]) -> Result<(), SinkError>;
    /// Nothing follows.
    ///
    /// # Errors
    /// What could not be written.
    fn finish(&mut self) -> Result<(), SinkError>;
}

/// Writes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullWriter;

impl SampleWriter for NullWriter {
    const KEEPS: bool = false;
    fn begin(&mut self, _format: AudioFormat) -> Result<(), SinkError> {
        Ok(())
    }
    fn write(&mut self, _samples: &[f32]) -> Result<(), SinkError> {
        Ok(())
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// A sink without a device that keeps time like one: samples sound at their rate, by the clock that is
/// told with every call.
#[derive(Debug)]
pub struct PacedAudio<W> {
    writer: W,
    format: AudioFormat,
    /// Samples of one channel that were queued and that have sounded, since the last flush.
    queued: u64,
    played: u64,
    waiting: VecDeque<f32>,
    /// While it runs: the moment and the count that `played` is reckoned from.
    anchor: Option<(Time, u64)>,
    running: bool,
    failure: Option<SinkError>,
}

/// Sound goes nowhere, in time.
pub type NullAudio = PacedAudio<NullWriter>;

impl NullAudio {
    /// A sink that sounds nowhere.
    #[must_use]
    pub fn new() -> Self {
        Self::with_writer(NullWriter)
    }
}

impl Default for NullAudio {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: SampleWriter> PacedAudio<W> {
    /// A sink that gives what has sounded to a writer.
    pub fn with_writer(writer: W) -> Self {
        Self {
            writer,
            format: AudioFormat {
                sample_rate: 48_000,
                channels: 2,
            },
            queued: 0,
            played: 0,
            waiting: VecDeque::new(),
            anchor: None,
            running: false,
            failure: None,
        }
    }

    /// Moves the clock on to now; it stops where the queue ends.
    fn advance(&mut self, now: Time) {
        let Some((since, from)) = self.anchor else {
            return;
        };
        let rate = u128::from(self.format.sample_rate);
        let elapsed = (now - since).to_duration().as_nanos() * rate / 1_000_000_000;
        let reached = from.saturating_add(u64::try_from(elapsed).unwrap_or(u64::MAX));
        if reached >= self.queued {
            // The queue ran dry: what comes next sounds from when it comes.
            self.anchor = None;
        }
        self.play_until(reached.min(self.queued));
    }

    fn play_until(&mut self, position: u64) {
        let count = position.saturating_sub(self.played);
        self.played = position;
        if !W::KEEPS || count == 0 {
            return;
        }
        let samples = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .saturating_mul(usize::from(self.format.channels))
            .min(self.waiting.len());
        let (front, back) = self.waiting.as_slices();
        let first = samples.min(front.len());
        for played in [front.get(..first), back.get(..samples - first)] {
            if let Err(error) = self.writer.write(played.unwrap_or_default()) {
                self.failure.get_or_insert(error);
            }
        }
        self.waiting.drain(..samples);
    }
}

impl<W: SampleWriter> AudioSink for PacedAudio<W> {
    fn configure(&mut self, format: AudioFormat) -> Result<(), SinkError> {
        self.flush(Time::ZERO);
        self.format = AudioFormat {
            sample_rate: format.sample_rate.max(1),
            channels: format.channels.max(1),
        };
        self.writer.begin(self.format)
    }

    fn queue(&mut self, now: Time, samples: &[f32]) -> Result<(), SinkError> {
        self.advance(now);
        self.queued += (samples.len() / usize::from(self.format.channels)) as u64;
        if W::KEEPS {
            self.waiting.extend(samples);
        }
        if self.running && self.anchor.is_none() {
            self.anchor = Some((now, self.played));
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn played(&mut self, now: Time) -> u64 {
        self.advance(now);
        self.played
    }

    fn run(&mut self, now: Time) {
        self.running = true;
        if self.anchor.is_none() && self.played < self.queued {
            self.anchor = Some((now, self.played));
        }
    }

    fn hold(&mut self, now: Time) {
        self.advance(now);
        self.running = false;
        self.anchor = None;
    }

    fn flush(&mut self, now: Time) {
        self.advance(now);
        self.waiting.clear();
        (self.queued, self.played, self.anchor) = (0, 0, None);
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let finished = self.writer.finish();
        self.failure.take().map_or(finished, Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_MS: usize = 48;

    fn sink() -> NullAudio {
        let mut sink = NullAudio::new();
        sink.configure(AudioFormat {
            sample_rate: 48_000,
            channels: 2,
        })
        .unwrap();
        sink
    }

    fn ms(ms: i64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn samples_play_at_their_rate_while_it_runs() {
        let mut sink = sink();
        sink.queue(ms(0), &[0.0; ONE_MS * 100 * 2]).unwrap();
        assert_eq!(sink.played(ms(50)), 0, "it was not started");
        sink.run(ms(50));
        assert_eq!(sink.played(ms(60)), 480);
        sink.hold(ms(70));
        assert_eq!(sink.played(ms(500)), 960);
        sink.run(ms(500));
        assert_eq!(sink.played(ms(501)), 1_008);
    }

    #[test]
    fn the_clock_stands_still_when_the_queue_is_empty() {
        let mut sink = sink();
        sink.run(ms(0));
        sink.queue(ms(0), &[0.0; ONE_MS * 10 * 2]).unwrap();
        assert_eq!(sink.played(ms(40)), 480);
        sink.queue(ms(40), &[0.0; ONE_MS * 10 * 2]).unwrap();
        assert_eq!(
            sink.played(ms(45)),
            720,
            "late samples play when they come, not at once"
        );
    }

    #[test]
    fn a_flush_forgets_what_is_queued_and_counts_anew() {
        let mut sink = sink();
        sink.queue(ms(0), &[0.0; ONE_MS * 100 * 2]).unwrap();
        sink.run(ms(0));
        sink.flush(ms(10));
        assert_eq!(sink.played(ms(90)), 0);
    }

    #[test]
    fn what_was_played_is_written_and_what_was_flushed_is_not() {
        #[derive(Default)]
        struct Kept(Vec<f32>);
        impl SampleWriter for Kept {
            const KEEPS: bool = true;
            fn begin(&mut self, _: AudioFormat) -> Result<(), SinkError> {
                Ok(())
            }
            fn write(&mut self, samples: &[f32]) -> Result<(), SinkError> {
                self.0.extend(samples);
                Ok(())
            }
            fn finish(&mut self) -> Result<(), SinkError> {
                Ok(())
            }
        }
        let mut sink = PacedAudio::with_writer(Kept::default());
        sink.configure(AudioFormat {
            sample_rate: 1_000,
            channels: 1,
        })
        .unwrap();
        sink.run(ms(0));
        sink.queue(ms(0), &[0.1; 20]).unwrap();
        sink.flush(ms(5));
        sink.queue(ms(5), &[0.2; 20]).unwrap();
        sink.played(ms(8));
        assert_eq!(sink.writer.0, [[0.1; 5].as_slice(), &[0.2; 3]].concat());
    }
}
