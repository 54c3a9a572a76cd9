use core::time::Duration;

/// The documented settings of a player, with their documented defaults.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct PlayerConfig {
    /// How long the network may be silent before a retry is spent; also the connect limit.
    pub network_timeout: Duration,
    /// Retries after the first try; 0 parks the source at once and waits for `reload`.
    pub network_retry_count: u32,
    /// Live: the greatest delay behind the edge before catching up.
    pub max_delay: Duration,
    /// The most that is buffered ahead.
    pub max_buffer: Duration,
    /// A stall ends when so much is buffered.
    pub high_buffer: Duration,
    /// Playback starts when so much is buffered.
    pub start_buffer: Duration,
    /// How much is kept behind the position.
    pub max_backward_buffer: Duration,
    /// An exact seek shows the key frame before its target instead, where that lies further away: all between them would have
    /// to be decoded first.
    #[serde(default = "unlimited")]
    pub max_accurate_seek_delta: Duration,
    /// How often the position is reported.
    pub position_interval: Duration,
    /// Where live playback starts, in segments; negative counts from the end. Left at its default, the playlist says where
    /// (`EXT-X-START`, `HOLD-BACK`; RFC 8216 6.3.3).
    pub live_start_index: i32,
    /// Show nothing after stop and reset, instead of the last frame.
    pub clear_frame_when_stop: bool,
    /// What the network is taken to carry before anything was measured, in bits a second; `None`: a modest rate.
    #[serde(default)]
    pub default_bandwidth: Option<u64>,
    /// Tell the user data within the pictures of H.264 and H.265 (SEI), by [`Event::Sei`](crate::Event::Sei).
    #[serde(default)]
    pub enable_sei: bool,
    /// Play no sound.
    pub disable_audio: bool,
    /// Show no picture.
    pub disable_video: bool,
    /// Live, with sound in segments of its own: where the network can not carry both, sound plays on and pictures that would
    /// come too late are left out. Without it both wait.
    #[serde(default)]
    pub prefer_audio: bool,
    /// The language of the sound, where there are several: BCP 47 or ISO 639-2. `None`: what the source calls its default.
    #[serde(default)]
    pub audio_language: Option<String>,
    /// The language of the subtitles of the source. `None`: those that the source calls its default; forced ones in the
    /// language of the sound where there are no others.
    #[serde(default)]
    pub subtitle_language: Option<String>,
    /// The name of the pictures to show, where there are several from other sides (EXT-X-MEDIA of TYPE=VIDEO). `None`: those
    /// that the source calls its default.
    #[serde(default)]
    pub video_angle: Option<String>,
    /// The number of the program to play, where a transport stream has several: [`MediaInfo::programs`](kinora_media::MediaInfo::programs).
    /// `None`, or where it is not there: the first.
    #[serde(default)]
    pub program: Option<u16>,
    /// Play nothing in between that the playlist wants to be played there (interstitials, RFC 8216bis appendix D).
    #[serde(default = "as_it_was")]
    pub disable_interstitials: bool,
    /// Show no subtitles of the source but those that are chosen.
    #[serde(default = "as_it_was")]
    pub disable_subtitles: bool,
}

/// Sessions that were recorded before these things were done by themselves are without them.
const fn as_it_was() -> bool {
    true
}

/// Sessions that were recorded before there was a limit kept none.
const fn unlimited() -> Duration {
    Duration::MAX
}

const DEFAULT_LIVE_START: i32 = -3;

impl Default for PlayerConfig {
    fn default() -> Self {
        Self {
            network_timeout: Duration::from_millis(15_000),
            network_retry_count: 2,
            max_delay: Duration::from_millis(5_000),
            max_buffer: Duration::from_millis(50_000),
            high_buffer: Duration::from_millis(3_000),
            start_buffer: Duration::from_millis(500),
            max_backward_buffer: Duration::ZERO,
            max_accurate_seek_delta: Duration::from_millis(21_000),
            position_interval: Duration::from_millis(500),
            live_start_index: DEFAULT_LIVE_START,
            clear_frame_when_stop: false,
            default_bandwidth: None,
            enable_sei: false,
            disable_audio: false,
            disable_video: false,
            prefer_audio: false,
            audio_language: None,
            subtitle_language: None,
            video_angle: None,
            program: None,
            disable_interstitials: false,
            disable_subtitles: false,
        }
    }
}

impl PlayerConfig {
    /// Whether the application says where live playback starts.
    pub(crate) fn sets_live_start(&self) -> bool {
        self.live_start_index != DEFAULT_LIVE_START
    }

    /// These settings with contradictions resolved in the documented order: the live delay fits
    /// into the buffer; the high-water mark does not exceed the live delay; the start mark fits into the
    /// buffer; the buffer holds at least the high-water mark.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        self.max_delay = self.max_delay.min(self.max_buffer);
        if !self.max_delay.is_zero() && self.max_delay < self.high_buffer {
            self.high_buffer = self.max_delay;
        }
        self.start_buffer = self.start_buffer.min(self.max_buffer);
        self.max_buffer = self.max_buffer.max(self.high_buffer);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(delay: u64, max: u64, high: u64, start: u64) -> PlayerConfig {
        PlayerConfig {
            max_delay: Duration::from_millis(delay),
            max_buffer: Duration::from_millis(max),
            high_buffer: Duration::from_millis(high),
            start_buffer: Duration::from_millis(start),
            ..PlayerConfig::default()
        }
    }

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(
            PlayerConfig::default().normalised(),
            PlayerConfig::default()
        );
    }

    #[test]
    fn contradictions_are_resolved_in_the_documented_order() {
        for (given, expected) in [
            (
                config(9_000, 5_000, 3_000, 500),
                config(5_000, 5_000, 3_000, 500),
            ),
            (
                config(1_000, 5_000, 3_000, 500),
                config(1_000, 5_000, 1_000, 500),
            ),
            (config(0, 5_000, 3_000, 500), config(0, 5_000, 3_000, 500)),
            (
                config(5_000, 2_000, 3_000, 2_500),
                config(2_000, 2_000, 2_000, 2_000),
            ),
            (config(0, 2_000, 3_000, 500), config(0, 3_000, 3_000, 500)),
            (config(0, 0, 0, 500), config(0, 0, 0, 0)),
        ] {
            assert_eq!(given.normalised(), expected);
        }
    }
}
