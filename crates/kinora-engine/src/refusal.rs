//! Commands that can not be obeyed: each is reported by [`Event::CommandRefused`](crate::Event::CommandRefused), with what to
//! do instead. A command whose wish is fulfilled already (a pause while paused) is no failure and is not reported.

use core::ops::RangeInclusive;

use kinora_errors::{Code, Coded, Lang};
use kinora_media::Time;

/// Speeds that can be asked for.
pub const SPEEDS: RangeInclusive<f64> = 0.5..=2.0;
/// Speeds of searching that can be asked for, forward, or back where they are negative.
pub const SCAN_SPEEDS: RangeInclusive<f64> = 4.0..=32.0;
/// Volumes that can be asked for; 1 is as recorded.
pub const VOLUMES: RangeInclusive<f32> = 0.0..=2.0;
/// Sound is heard at most so much later or earlier than its pictures are seen.
pub const MAX_AUDIO_DELAY: Time = Time::from_millis(10_000);

/// What was asked of a player.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum CommandKind {
    /// Set what to play.
    SetSource,
    /// Change the settings.
    SetConfig,
    /// Open the source.
    Prepare,
    /// Play, or play on.
    Start,
    /// Hold.
    Pause,
    /// End the session.
    Stop,
    /// Go back to idle.
    Reset,
    /// Try a parked source again.
    Reload,
    /// Ask for everything again, over another network.
    NetworkReconnect,
    /// Hold less, or as much as before.
    SetLowMemory,
    /// Go to a time.
    Seek,
    /// Choose a track.
    SelectTrack,
    /// Change the speed.
    SetSpeed,
    /// Begin again at the end, or not.
    SetLoop,
    /// Start by itself, or not.
    SetAutoPlay,
    /// Take a content key.
    AddKey,
    /// Read a file of subtitles.
    AddExternalSubtitle,
    /// Show subtitles, or not.
    SelectSubtitle,
    /// Show subtitles later or earlier.
    SetSubtitleDelay,
    /// Take a fresh credential.
    Refresh,
    /// Repeat a part.
    SetRepeat,
    /// Show the next picture.
    Step,
    /// Choose renditions for the area in which pictures are seen.
    SetViewport,
    /// End the interstitial that plays.
    SkipInterstitial,
    /// Let sound be heard later or earlier.
    SetAudioDelay,
    /// Change the volume.
    SetVolume,
    /// Silence, or not.
    SetMute,
}

impl CommandKind {
    /// Its stable name: `seek`, `set_speed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetSource => "set_source",
            Self::SetConfig => "set_config",
            Self::Prepare => "prepare",
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Stop => "stop",
            Self::Reset => "reset",
            Self::Reload => "reload",
            Self::NetworkReconnect => "network_reconnect",
            Self::SetLowMemory => "set_low_memory",
            Self::Seek => "seek",
            Self::SelectTrack => "select_track",
            Self::SetSpeed => "set_speed",
            Self::SetLoop => "set_loop",
            Self::SetAutoPlay => "set_autoplay",
            Self::AddKey => "add_key",
            Self::AddExternalSubtitle => "add_external_subtitle",
            Self::SelectSubtitle => "select_subtitle",
            Self::SetSubtitleDelay => "set_subtitle_delay",
            Self::Refresh => "refresh",
            Self::SetRepeat => "set_repeat",
            Self::Step => "step",
            Self::SetViewport => "set_viewport",
            Self::SkipInterstitial => "skip_interstitial",
            Self::SetAudioDelay => "set_audio_delay",
            Self::SetVolume => "set_volume",
            Self::SetMute => "set_mute",
        }
    }
}

/// Why a command was not obeyed. Its text says what to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing is set that could be played.
    NoSource,
    /// The source is not open.
    NotPrepared,
    /// The source is open already, or being opened.
    AlreadyPrepared,
    /// The player is in its error state.
    Failed,
    /// A live stream has no other place to go to.
    Live,
    /// Sound is not to be that far from its pictures.
    AudioDelayOutOfRange,
    /// No track has that index.
    NoSuchTrack,
    /// The track is there and can not be played here.
    NotPlayable,
    /// Nothing is chosen automatically among these.
    NothingAutomatic,
    /// No subtitles have that index.
    NoSuchSubtitle,
    /// These subtitles could not be read.
    SubtitleFailed,
    /// There are as many external subtitles as there may be.
    TooManySubtitles,
    /// The speed is no number from 0.5 to 2, nor one of searching.
    SpeedOutOfRange,
    /// The volume is no number from 0 to 2.
    VolumeOutOfRange,
    /// No request waits to be made again.
    NothingParked,
    /// No credential has expired.
    NothingExpired,
    /// The credential is of another kind than the source's.
    OtherCredential,
    /// The part that is to be repeated is too short, or lies beyond the end.
    RepeatOutOfRange,
    /// Nothing that plays has pictures.
    NoPictures,
    /// No interstitial plays.
    NoInterstitial,
    /// An interstitial plays in the place of what it is for.
    Interstitial,
    /// The interstitial that plays must be played: it may not be skipped, passed over or played faster.
    Restricted,
}

impl Refusal {
    /// What is wrong and what to do, for people.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        let (en, zh) = self.texts();
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::NoSource => (
                "no source is set; set one and prepare it first",
                "尚未设置播放源；请先设置并准备",
            ),
            Self::NotPrepared => (
                "the source is not open; prepare it first",
                "播放源尚未打开；请先准备",
            ),
            Self::AlreadyPrepared => (
                "the source is open already; stop it first to open it anew",
                "播放源已打开；若要重新打开请先停止",
            ),
            Self::Failed => (
                "playing has failed; set a source, or stop, and prepare again",
                "播放已失败；请重新设置播放源或停止，然后再准备",
            ),
            Self::Live => (
                "a live stream plays at its edge; there is nothing to seek in",
                "直播只在最新处播放，不能跳转",
            ),
            Self::NoSuchTrack => (
                "no track has that index; the tracks of the player list them",
                "没有该序号的轨道；请从播放器的轨道列表中选择",
            ),
            Self::NotPlayable => (
                "that track can not be played here; choose another",
                "该轨道无法在此播放；请另选",
            ),
            Self::NothingAutomatic => (
                "nothing is chosen automatically among these tracks; choose one by its index",
                "这些轨道不能自动选择；请按序号选择",
            ),
            Self::NoSuchSubtitle => (
                "no subtitles have that index; external ones count from 1024, in the order in which they were added",
                "没有该序号的字幕；外挂字幕按添加顺序从 1024 开始编号",
            ),
            Self::SubtitleFailed => (
                "these subtitles could not be read; add others",
                "该字幕无法读取；请另行添加",
            ),
            Self::TooManySubtitles => (
                "eight external subtitles are the most that a source may have",
                "一个播放源最多只能添加八个外挂字幕",
            ),
            Self::SpeedOutOfRange => (
                "the speed must be a number from 0.5 to 2, or from 4 to 32 to search, back where it is negative",
                "速度须为 0.5 到 2 之间的数；搜索时为 4 到 32，负数为快退",
            ),
            Self::VolumeOutOfRange => (
                "the volume must be a number from 0 to 2",
                "音量须为 0 到 2 之间的数",
            ),
            Self::NothingParked => (
                "no request waits to be made again; there is nothing to reload",
                "没有等待重试的请求，无需重新加载",
            ),
            Self::NothingExpired => (
                "no credential has expired; wait for the event that asks for one",
                "凭证并未过期；请等待请求凭证的事件",
            ),
            Self::OtherCredential => (
                "the credential is of another kind than the source's; give one of the same kind",
                "凭证与播放源的类型不符；请提供同类凭证",
            ),
            _ => self.texts_of_showing(),
        }
    }

    /// Of what is asked for beside playing, or while something plays in between.
    const fn texts_of_showing(self) -> (&'static str, &'static str) {
        match self {
            Self::AudioDelayOutOfRange => (
                "sound can be heard at most 10 seconds later or earlier than its pictures are seen",
                "声音最多可比画面晚或早 10 秒",
            ),
            Self::NoInterstitial => (
                "no interstitial plays; there is nothing to skip",
                "没有正在播放的插播内容，无可跳过",
            ),
            Self::Interstitial => (
                "an interstitial plays; ask again when it is over",
                "正在播放插播内容；请在其结束后再试",
            ),
            Self::Restricted => (
                "the interstitial must be played: it may not be skipped, passed over or played faster",
                "该插播内容必须播完：不能跳过、越过或加速",
            ),
            Self::NoPictures => (
                "nothing that plays has pictures; there is no next one to show",
                "正在播放的内容没有画面，无法逐帧显示",
            ),
            _ => (
                "a part that is repeated must begin within the source and last a tenth of a second",
                "要重复的片段须从播放源之内开始，且至少长 0.1 秒",
            ),
        }
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text(Lang::En))
    }
}

impl core::error::Error for Refusal {}

impl Coded for Refusal {
    /// EINVAL: the call does not fit.
    fn code(&self) -> Code {
        Code::from_errno(22)
    }
    fn reason(&self) -> &'static str {
        match self {
            Self::NoSource => "command.no_source",
            Self::NotPrepared => "command.not_prepared",
            Self::AlreadyPrepared => "command.already_prepared",
            Self::Failed => "command.failed",
            Self::Live => "command.live",
            Self::NoSuchTrack => "command.no_such_track",
            Self::NotPlayable => "command.not_playable",
            Self::NothingAutomatic => "command.nothing_automatic",
            Self::NoSuchSubtitle => "command.no_such_subtitle",
            Self::SubtitleFailed => "command.subtitle_failed",
            Self::TooManySubtitles => "command.too_many_subtitles",
            Self::SpeedOutOfRange => "command.speed_out_of_range",
            Self::AudioDelayOutOfRange => "command.audio_delay_out_of_range",
            Self::VolumeOutOfRange => "command.volume_out_of_range",
            Self::NothingParked => "command.nothing_parked",
            Self::NothingExpired => "command.nothing_expired",
            Self::OtherCredential => "command.other_credential",
            Self::RepeatOutOfRange => "command.repeat_out_of_range",
            Self::NoPictures => "command.no_pictures",
            Self::NoInterstitial => "command.no_interstitial",
            Self::Interstitial => "command.interstitial",
            Self::Restricted => "command.restricted",
        }
    }
}
