use kinora_media::Time;

/// What an engine counted since its source was set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Pictures handed out to be shown.
    pub frames_shown: u64,
    /// Pictures dropped because a later one was due too.
    pub frames_dropped: u64,
    /// Pictures shown more than 20 ms after their time.
    pub frames_late: u64,
    /// Requests made.
    pub requests: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Times that playback ran dry.
    pub stalls: u64,
    /// Packets that a decoder refused.
    pub corrupt_packets: u64,
    /// Median distance between the moment a picture was due and was handed out, microseconds,
    /// rounded up to a power of two.
    pub av_offset_p50_us: u64,
    /// The greatest such distance, microseconds.
    pub av_offset_max_us: u64,
    /// Of a live stream: how far what plays is behind what came last, milliseconds.
    pub live_delay_ms: Option<u64>,
    /// Of a live stream: how long ago what plays happened, milliseconds, where its manifest tells dates.
    pub latency_ms: Option<u64>,
    /// Bytes of media that are held, coded: packets, and what was received and is not taken apart yet.
    pub held_bytes: u64,
}

const LATE: Time = Time::from_millis(20);

/// Offsets of up to so many binary digits in microseconds are distinguished: a minute.
const DIGITS: usize = 27;

/// The counters behind [`Stats`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) shown: u64,
    pub(crate) dropped: u64,
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
    pub(crate) stalls: u64,
    pub(crate) corrupt: u64,
    /// Places of damage in segments that were passed over.
    pub(crate) damage: u64,
    late: u64,
    /// Number of pictures whose offset has so many binary digits in microseconds.
    offsets: [u64; DIGITS],
    offset_max_us: u64,
}

impl Tally {
    /// A picture was shown so long after (or before) it was due.
    pub(crate) fn shown(&mut self, offset: Time) {
        self.shown += 1;
        if offset > LATE {
            self.late += 1;
        }
        let micros = offset.abs().as_micros().unsigned_abs();
        self.offset_max_us = self.offset_max_us.max(micros);
        let digits = (u64::BITS - micros.leading_zeros()) as usize;
        if let Some(count) = self.offsets.get_mut(digits.min(DIGITS - 1)) {
            *count += 1;
        }
    }

    fn median(&self) -> u64 {
        let half = self.offsets.iter().sum::<u64>().div_ceil(2);
        let mut seen = 0;
        for (digits, count) in self.offsets.iter().enumerate() {
            seen += count;
            if seen >= half && seen > 0 {
                return if digits == 0 { 0 } else { 1 << digits };
            }
        }
        0
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            frames_shown: self.shown,
            frames_dropped: self.dropped,
            frames_late: self.late,
            requests: self.requests,
            bytes: self.bytes,
            stalls: self.stalls,
            corrupt_packets: self.corrupt,
            av_offset_p50_us: self.median(),
            av_offset_max_us: self.offset_max_us,
            live_delay_ms: None,
            latency_ms: None,
            held_bytes: 0,
        }
    }
}

/// Bits a second over the last seconds in which something arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    since: Option<Time>,
    bytes: u64,
    speed: u64,
}

impl Meter {
    const WINDOW: Time = Time::from_millis(1_000);

    pub(crate) fn add(&mut self, now: Time, bytes: usize) {
        self.since.get_or_insert(now);
        self.bytes += bytes as u64;
    }

    /// Closes a window that is over; gives its speed.
    pub(crate) fn close(&mut self, now: Time) -> Option<u64> {
        let since = self.since?;
        let elapsed = now - since;
        if elapsed < Self::WINDOW {
            return None;
        }
        let micros = elapsed.as_micros().unsigned_abs().max(1);
        self.speed = self.bytes.saturating_mul(8_000_000) / micros;
        self.bytes = 0;
        self.since = (self.speed > 0).then_some(now);
        Some(self.speed)
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.since.map(|since| since + Self::WINDOW)
    }

    pub(crate) fn speed(&self) -> u64 {
        self.speed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_offset_is_known_within_a_factor_of_two() {
        let mut tally = Tally::default();
        for micros in [0, 900, 1_000, 1_100, 40_000] {
            tally.shown(Time::from_micros(micros));
        }
        let stats = tally.stats();
        assert_eq!(
            (stats.av_offset_p50_us, stats.av_offset_max_us),
            (1_024, 40_000)
        );
        assert_eq!((stats.frames_shown, stats.frames_late), (5, 1));
    }

    #[test]
    fn speed_falls_to_zero_when_nothing_comes() {
        let mut meter = Meter::default();
        meter.add(Time::ZERO, 125_000);
        assert_eq!(meter.close(Time::from_millis(1_000)), Some(1_000_000));
        assert_eq!(meter.close(Time::from_millis(2_000)), Some(0));
        assert_eq!(meter.deadline(), None);
    }
}
