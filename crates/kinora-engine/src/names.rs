//! What events are called wherever they are written: on the command line, in recordings, in `docs/events.md`.

use kinora_errors::Fault;

use crate::{Event, TimingMark};

impl Event {
    /// What failed, in events that tell of a failure.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Error(fault)
            | Self::Recovered(fault)
            | Self::CredentialExpired(fault)
            | Self::SubtitleFailed { fault, .. } => Some(fault),
            _ => None,
        }
    }

    /// What it is called. The names are stable; `docs/events.md` has them all.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::StateChanged { .. } => "state_changed",
            Self::Prepared(_) => "prepared",
            Self::AutoPlayStart => "auto_play_start",
            Self::TracksReady(_) => "tracks_ready",
            Self::TrackChanged { .. } => "variant",
            Self::VideoSize { .. } => "video_size",
            Self::FirstFrame { .. } => "first_frame",
            Self::Completion => "completion",
            Self::LoopingStart => "looping_start",
            Self::RepeatStart { .. } => "repeat_start",
            Self::ChapterChanged { .. } => "chapter",
            Self::Sei { .. } => "sei",
            Self::LoadingBegin => "stall",
            Self::LoadingProgress(_) => "loading_progress",
            Self::LoadingEnd => "resume",
            Self::SeekEnd { .. } => "seek_done",
            Self::Position(_) => "position",
            Self::BufferedPosition(_) => "buffered_position",
            Self::DownloadSpeed(_) => "download_speed",
            Self::Info { .. } => "info",
            Self::CommandRefused { .. } => "command_refused",
            Self::SubtitleAdded { .. } => "subtitle_added",
            Self::SubtitleFailed { .. } => "subtitle_failed",
            Self::SubtitleShown { .. } => "subtitle_shown",
            Self::SubtitleHidden { .. } => "subtitle_hidden",
            Self::Timed(_) => "timed_event",
            Self::SessionData(_) => "session_data",
            Self::DateRange(_) => "date_range",
            Self::InterstitialStart(_) => "interstitial_start",
            Self::InterstitialEnd { .. } => "interstitial_end",
            Self::KeyRequired(_) => "key_required",
            Self::CredentialExpired(_) => "credential_expired",
            Self::LocalCacheHit { .. } => "local_cache_hit",
            Self::AudioDevice { .. } => "audio_device",
            Self::Recovered(_) => "recovered",
            Self::Error(_) => "error",
            Self::Timing(_) => "timing",
        }
    }
}

impl TimingMark {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::PlayInfo => "play_info",
            Self::Playlist => "playlist",
            Self::Headers => "headers",
            Self::FirstSegmentByte => "first_segment_byte",
            Self::FirstKeyFrame => "first_key_frame",
            Self::DecoderOpen => "decoder_open",
            Self::FirstDecoded => "first_decoded",
        }
    }
}
