//! What goes into the engine and what comes out of it.

use std::sync::Arc;

use kinora_errors::{Fault, Secret};
use kinora_fetch::{FetchEvent, FetchRequest};
use kinora_media::bitstream::UserData;
use kinora_media::{KeyId, MediaInfo, Packet, RequestId, Time, TimedEvent, TrackInfo};
use kinora_protect::ContentKey;
use kinora_subtitle::{Cue, ShownCues};

use crate::Role;
use crate::metadata::{DateRange, InterstitialAsset, InterstitialEnd, SessionData};
use crate::refusal::{CommandKind, Refusal};

/// Counts the seeks and source changes of a session. Answers carry the epoch of their question;
/// an old epoch's answer is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch(pub u64);

/// Names a decoded frame that waits in a pool outside the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FrameId(pub u64);

/// Names one appearance of a cue: from `Event::SubtitleShown` to `Event::SubtitleHidden`. No two of a player are the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CueId(pub u64);

/// The index of the first external subtitles; those that follow count on from there.
pub const FIRST_EXTERNAL_SUBTITLE: u32 = 1024;

/// The index of the first captions within the pictures: `CC1`, with `CC2` to `CC4` behind it, then the services 1 to 63 of
/// CEA-708.
pub const FIRST_CAPTIONS: u32 = 512;

/// The public states of a player and their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(i32)]
pub enum State {
    /// Nothing set.
    #[default]
    Idle = 0,
    /// A source is set. (Preparing shows as −1 on some systems; here it stays 1.)
    Initialized = 1,
    /// Headers are read, tracks known.
    Prepared = 2,
    /// Playing, or buffering while meant to play.
    Started = 3,
    /// Held.
    Paused = 4,
    /// Stopped; prepare starts anew.
    Stopped = 5,
    /// Played to the end.
    Completion = 6,
    /// A fatal error was reported.
    Error = 7,
}

/// What the application asks for. What can not be obeyed is answered by [`Event::CommandRefused`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Sets what to play; allowed when idle or stopped, resets otherwise.
    SetSource(Locator),
    /// Changes the settings; normalised as documented. Limits and intervals count from now on; which kinds of tracks play and
    /// where live playback begins, from the next prepare on.
    SetConfig(crate::PlayerConfig),
    /// Opens the source.
    Prepare,
    /// Plays, or plays on.
    Start,
    /// Holds.
    Pause,
    /// Ends the session; network and decoders are let go.
    Stop,
    /// Back to idle, source forgotten.
    Reset,
    /// Tries a parked source again, keeping position and buffer.
    Reload,
    /// The device has joined another network: what is under way is asked for again, from the same byte, over connections
    /// that are made anew; what waits for another try is asked for at once.
    NetworkReconnect,
    /// The system has little memory left, or no longer: meanwhile no more is held than ends a stall
    /// ([`PlayerConfig::high_buffer`](crate::PlayerConfig::high_buffer)).
    SetLowMemory(bool),
    /// Goes to a time.
    Seek {
        /// Where to.
        target: Time,
        /// To the frame, or to a key frame before it.
        accuracy: SeekAccuracy,
    },
    /// Chooses a track, a rendition or a definition by the index that `Event::TracksReady` gave.
    SelectTrack(TrackChoice),
    /// Factor 0.5 to 2; of 4 to 32, back where it is negative, to search by key pictures.
    SetSpeed(f64),
    /// Begin again at the end.
    SetLoop(LoopMode),
    /// Start by itself once prepared.
    SetAutoPlay(bool),
    /// Gives a content key for encrypted media: before the source is prepared, or in answer to `Event::KeyRequired`. It
    /// serves all sources that name it, and is never written down or shown.
    AddKey {
        /// Its id (`KID`).
        id: KeyId,
        /// The key.
        key: ContentKey,
    },
    /// Reads a file of subtitles beside the source that is prepared or plays. The first one of a session has the index
    /// [`FIRST_EXTERNAL_SUBTITLE`], the next the one after; `Event::SubtitleAdded` or `Event::SubtitleFailed` follows. They
    /// end with the session.
    AddExternalSubtitle {
        /// Where it is: a URL or a path; may hold secrets, shown masked only.
        url: Secret,
    },
    /// Shows subtitles, or no longer. External ones may be shown beside others; of the tracks within the source one is shown
    /// at a time.
    SelectSubtitle {
        /// Which: an index of external subtitles, or of subtitles that `Event::TracksReady` gave: a track of the file, a
        /// rendition, captions within the pictures.
        index: u32,
        /// They are shown.
        on: bool,
    },
    /// Shows the cues of subtitles so much later than they say; earlier, where it is negative.
    SetSubtitleDelay {
        /// Which.
        index: u32,
        /// How much later.
        delay: Time,
    },
    /// A fresh credential, in answer to `Event::CredentialExpired`.
    Refresh(Credential),
    /// Repeats a part of the source that is prepared, again and again, or nothing more. It ends with the session.
    SetRepeat(Option<Repeat>),
    /// Shows the next picture and holds there.
    Step,
    /// Pictures are seen in an area of that width and height, in pixels: of those renditions that are chosen by themselves none is
    /// larger than the first that fills it. `None`: it may be of any size.
    SetViewport(Option<(u32, u32)>),
    /// Ends the interstitial that plays, where it may be skipped.
    SkipInterstitial,
    /// Sound is heard so much later than its pictures are seen; earlier, where it is negative: at most
    /// [`MAX_AUDIO_DELAY`](crate::MAX_AUDIO_DELAY) either way. For this source and those that follow.
    SetAudioDelay(Time),
}

impl Command {
    /// Which command it is.
    #[must_use]
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::SetSource(_) => CommandKind::SetSource,
            Self::SetConfig(_) => CommandKind::SetConfig,
            Self::Prepare => CommandKind::Prepare,
            Self::Start => CommandKind::Start,
            Self::Pause => CommandKind::Pause,
            Self::Stop => CommandKind::Stop,
            Self::Reset => CommandKind::Reset,
            Self::Reload => CommandKind::Reload,
            Self::NetworkReconnect => CommandKind::NetworkReconnect,
            Self::SetLowMemory(_) => CommandKind::SetLowMemory,
            Self::Seek { .. } => CommandKind::Seek,
            Self::SelectTrack(_) => CommandKind::SelectTrack,
            Self::SetSpeed(_) => CommandKind::SetSpeed,
            Self::SetLoop(_) => CommandKind::SetLoop,
            Self::SetAutoPlay(_) => CommandKind::SetAutoPlay,
            Self::AddKey { .. } => CommandKind::AddKey,
            Self::AddExternalSubtitle { .. } => CommandKind::AddExternalSubtitle,
            Self::SelectSubtitle { .. } => CommandKind::SelectSubtitle,
            Self::SetSubtitleDelay { .. } => CommandKind::SetSubtitleDelay,
            Self::Refresh(_) => CommandKind::Refresh,
            Self::SetRepeat(_) => CommandKind::SetRepeat,
            Self::Step => CommandKind::Step,
            Self::SetViewport(_) => CommandKind::SetViewport,
            Self::SkipInterstitial => CommandKind::SkipInterstitial,
            Self::SetAudioDelay(_) => CommandKind::SetAudioDelay,
        }
    }
}

/// Where what is played can be found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Locator {
    /// A URL or a path.
    Url {
        /// The address; may hold secrets, shown masked only.
        url: Secret,
    },
    /// A video id with a play credential (PlayAuth).
    VidAuth(Box<kinora_cloud::VidAuth>),
    /// A video id with an STS triple.
    VidSts(Box<kinora_cloud::VidSts>),
}

/// A fresh credential for the source that plays.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// A new PlayAuth.
    PlayAuth(Secret),
    /// A new STS triple.
    Sts {
        /// Key id.
        access_key_id: String,
        /// Key secret.
        access_key_secret: Secret,
        /// Session token.
        security_token: Secret,
    },
    /// A new URL for the same resource.
    Url(Secret),
}

/// How exact a seek must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SeekAccuracy {
    /// The key frame before; the default.
    #[default]
    KeyFrame,
    /// The frame that is on screen at the time: the last that begins at or before it.
    Exact,
}

/// What happens at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LoopMode {
    /// Completion.
    #[default]
    Off,
    /// From the start again.
    On,
}

/// A part that is played again and again (A-B repeat). Where playback comes to its end, or is beyond it, it goes on at its
/// start; what lies before is played up to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Repeat {
    /// Where it begins, to the sample.
    pub from: Time,
    /// The first time that is not played.
    pub to: Time,
}

/// A choice among tracks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrackChoice {
    /// The rendition or definition is chosen by the engine.
    Auto,
    /// The track of that index.
    Index(u32),
}

/// What comes into the engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input {
    /// The application asks.
    Command(Command),
    /// The network answers a request.
    Fetch(FetchEvent),
    /// A decoder was opened in answer to `Output::Configure`.
    Configured {
        /// Which pipeline.
        role: Role,
        /// Epoch of the question.
        epoch: Epoch,
        /// The decoder's name.
        decoder: String,
        /// A better decoder failed before this one was taken (info code 100 is reported).
        fell_back: Option<Fault>,
    },
    /// The decoder took one packet: another may be sent.
    PacketTaken {
        /// Which pipeline.
        role: Role,
        /// Epoch of the packet.
        epoch: Epoch,
    },
    /// A frame waits in the pool.
    FrameReady {
        /// Which pipeline.
        role: Role,
        /// Epoch of its packet.
        epoch: Epoch,
        /// Its name.
        frame: FrameId,
        /// When it is shown.
        pts: Time,
        /// How long; zero when unknown.
        duration: Time,
        /// Pixels, of video.
        size: Option<(u32, u32)>,
    },
    /// All frames came out in answer to `Output::Drain`.
    Drained {
        /// Which pipeline.
        role: Role,
        /// Epoch of the question.
        epoch: Epoch,
    },
    /// A packet or the decoder failed.
    DecodeFailed {
        /// Which pipeline.
        role: Role,
        /// Epoch of the packet.
        epoch: Epoch,
        /// What happened.
        fault: Fault,
        /// No decoder takes this track.
        fatal: bool,
    },
    /// The video output wants frames before they are due, and keeps them until then itself.
    FramesAhead {
        /// So much before; zero: when they are due.
        ahead: Time,
    },
    /// An output failed. It is reported once for each cause.
    OutputFailed {
        /// Which pipeline.
        role: Role,
        /// What happened.
        fault: Fault,
        /// It takes nothing more.
        fatal: bool,
    },
    /// Where the audio output is.
    AudioClock(AudioClock),
    /// The deadline that the engine named has come.
    Timeout,
}

/// A report of the audio output.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AudioClock {
    /// Epoch of the audio that plays.
    pub epoch: Epoch,
    /// The moment of the report, on the clock of `Now::mono`.
    pub at: Time,
    /// The pts that is heard at that moment.
    pub position: Time,
    /// Audio queued beyond it.
    pub queued: Time,
    /// The position advances.
    pub running: bool,
}

/// What the engine wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Ask the network.
    Fetch(Box<FetchRequest>),
    /// Let a request deliver so many bytes more.
    Grant {
        /// Which request.
        id: RequestId,
        /// How many.
        bytes: u64,
    },
    /// The answer is not wanted any more.
    Cancel(RequestId),
    /// Open a decoder for a track; packets that follow are for it. A decoder that is open gives its
    /// remaining frames first.
    Configure {
        /// Which pipeline.
        role: Role,
        /// Epoch of the question.
        epoch: Epoch,
        /// The track.
        track: Arc<TrackInfo>,
    },
    /// Decode a packet.
    Decode {
        /// Which pipeline.
        role: Role,
        /// Epoch of the packet.
        epoch: Epoch,
        /// The packet.
        packet: Packet,
        /// The frame of this packet is waited for: to be given at once, though frames of later packets might come before it.
        urgent: bool,
        /// Frames before that time are decoded for those that follow: they are neither wanted nor reported, except where the
        /// frame of that time does not come (see [`Preroll`](crate::Preroll)).
        discard_before: Time,
    },
    /// No packet follows: give what is held back, then `Input::Drained`.
    Drain {
        /// Which pipeline.
        role: Role,
        /// Epoch of the question.
        epoch: Epoch,
    },
    /// Forget all packets and frames of that pipeline; the next belong to the epoch.
    Flush {
        /// Which pipeline.
        role: Role,
        /// The epoch that begins.
        epoch: Epoch,
    },
    /// Video frames that were presented, and whose time has not come yet, are not to be shown. Those that are decoded go on.
    Recall,
    /// Show a video frame now (the engine waited for its time, or for a little before it: [`Input::FramesAhead`]). Audio: queue
    /// it to the sink.
    Present {
        /// Which pipeline.
        role: Role,
        /// Which frame.
        frame: FrameId,
        /// The moment, on the clock of `Now::mono`, that it was due, or will be.
        at: Time,
        /// Audio before this time is cut off (an exact seek within a frame).
        skip_until: Time,
    },
    /// These cues lie on the video frames that are presented from now on, and on the one that is out; in their order, later ones
    /// above. Exact to the frame, where [`Event::SubtitleShown`] is exact to the clock.
    Cues(ShownCues),
    /// Give a frame back to its pool unseen.
    Drop {
        /// Which pipeline.
        role: Role,
        /// Which frame.
        frame: FrameId,
    },
    /// Let the audio sink's clock run.
    RunAudio,
    /// Hold the audio sink's clock.
    HoldAudio,
    /// No audio follows what was given to the sink, as far as is known.
    DrainAudio,
    /// Play at that factor of the natural speed from now on, what waits in the sink included: the user's speed, or faster
    /// while a live stream catches up.
    Rate(f64),
    /// Show nothing any more: the player was stopped, and its settings want no last frame.
    ClearFrame,
    /// Close the decoders and let everything go (stop, reset, error).
    Close,
    /// Report it to the application.
    Event(Event),
}

/// What is reported to the application.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The state changed.
    StateChanged {
        /// From.
        old: State,
        /// To.
        new: State,
    },
    /// Headers are read: `start` may follow; with autoplay the player starts by itself.
    Prepared(Arc<MediaInfo>),
    /// Started by itself, after `Prepared`.
    AutoPlayStart,
    /// What can be chosen: renditions of the playlist, definitions of the service, tracks of the file. It comes again when
    /// captions are found within the pictures.
    TracksReady(Arc<[TrackOption]>),
    /// The choice took effect.
    TrackChanged {
        /// Index in `TracksReady`.
        index: u32,
    },
    /// The size of the video is known or changed: of pictures as they stand upright, turned as their source says. What the
    /// application turns beyond that does not count.
    VideoSize {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// The first picture (or, without video, the first sound) is out.
    FirstFrame {
        /// Its time.
        pts: Time,
    },
    /// Played to the end.
    Completion,
    /// From the start again.
    LoopingStart,
    /// The part that is repeated begins again.
    RepeatStart {
        /// Where it begins.
        from: Time,
    },
    /// Another chapter is played.
    ChapterChanged {
        /// Its place among `MediaInfo::chapters`; `None`: what plays is in none of them.
        index: Option<u32>,
    },
    /// User data of a picture that is out, or that was left out before it; where the settings ask for it
    /// ([`PlayerConfig::enable_sei`](crate::PlayerConfig::enable_sei)), in the order of their pictures.
    Sei {
        /// The time of the picture.
        pts: Time,
        /// The message.
        data: UserData,
    },
    /// A stall begins.
    LoadingBegin,
    /// Percent of what ends the stall.
    LoadingProgress(u8),
    /// The stall ended.
    LoadingEnd,
    /// A seek ended.
    SeekEnd {
        /// What was asked.
        target: Time,
        /// The picture that is shown.
        pts: Time,
    },
    /// Where playback is.
    Position(Time),
    /// Up to where the data is there.
    BufferedPosition(Time),
    /// Bits a second that arrive.
    DownloadSpeed(u64),
    /// One of the numbered notices.
    Info {
        /// Which.
        code: InfoCode,
        /// More, for people.
        text: String,
    },
    /// A command was not obeyed; all is as it was before it.
    CommandRefused {
        /// Which.
        command: CommandKind,
        /// Why, and what to do.
        refusal: Refusal,
    },
    /// External subtitles are read: they can be shown.
    SubtitleAdded {
        /// Their index.
        track: u32,
        /// How they are written: the name of a [`Format`](kinora_subtitle::Format), `srt`, `webvtt`, `pgs`.
        format: &'static str,
        /// The charset that they were read in, by its name in the Encoding Standard.
        charset: &'static str,
        /// How many cues they have.
        cues: usize,
        /// Cues, blocks and lines that could not be read and were passed over.
        damaged: u32,
    },
    /// Subtitles can not be shown; what plays goes on.
    SubtitleFailed {
        /// Their index.
        track: u32,
        /// Why.
        fault: Fault,
    },
    /// A cue appears: what is to be read from now on, until [`Event::SubtitleHidden`] names it.
    SubtitleShown {
        /// The index of its subtitles.
        track: u32,
        /// Names this appearance.
        id: CueId,
        /// The cue, its times without the delay.
        cue: Arc<Cue>,
    },
    /// A cue is no longer shown.
    SubtitleHidden {
        /// The index of its subtitles.
        track: u32,
        /// The appearance that ends.
        id: CueId,
    },
    /// An event of the content begins: one that its manifest names or its segments bring (DASH, `emsg`), or timed ID3. It
    /// comes with the picture that is out; after a seek those come again that begin, or go on, from there.
    Timed(Arc<TimedEvent>),
    /// Values that the playlist has for the application.
    SessionData(Arc<[SessionData]>),
    /// The playlist names a stretch of the timeline, or says something else of one that it named before.
    DateRange(Arc<DateRange>),
    /// An asset of an interstitial begins to play in the place of the presentation, whose position stands meanwhile.
    InterstitialStart(InterstitialAsset),
    /// It is over: the next one follows, or the presentation goes on.
    InterstitialEnd {
        /// The id of the interstitial's date range.
        id: Arc<str>,
        /// Its place among the assets.
        asset: u32,
        /// How it ended.
        end: InterstitialEnd,
    },
    /// Packets are encrypted with a key that is not there, though others were given: answer with `Command::AddKey` within
    /// ten seconds.
    KeyRequired(KeyId),
    /// The credential has expired: answer with `Command::Refresh`.
    CredentialExpired(Fault),
    /// A request is answered by the local cache.
    LocalCacheHit {
        /// So many bytes, from the first one of the request on.
        bytes: u64,
    },
    /// Sound comes out at that device from now on: the one that was chosen, or another after that went away.
    AudioDevice {
        /// The sound system: `pulse`, `alsa`; `null` where there is none.
        system: &'static str,
        /// Its name there.
        name: String,
        /// What people call it.
        description: String,
    },
    /// A failure that was mended.
    Recovered(Fault),
    /// A failure that was not. After a fatal one the state is `Error`; after
    /// `ERROR_LOADING_TIMEOUT` it stays and `Reload` resumes.
    Error(Fault),
    /// A step of the start-up is done; explains the first-frame time.
    Timing(TimingMark),
}

/// Something that can be selected.
#[derive(Clone, PartialEq, Debug)]
pub struct TrackOption {
    /// Index for `SelectTrack`.
    pub index: u32,
    /// Video, audio, subtitle.
    pub kind: kinora_media::TrackKind,
    /// `HD`, a language, a name.
    pub label: String,
    /// Pixels, where known.
    pub size: Option<(u32, u32)>,
    /// Bits a second, where known.
    pub bitrate: Option<u64>,
    /// Chosen now.
    pub selected: bool,
}

/// The documented notice numbers (spec of the player API).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
#[repr(i32)]
pub enum InfoCode {
    /// Looping starts.
    LoopingStart = 0,
    /// Started by itself.
    AutoPlayStart = 3,
    /// A software decoder took over.
    SwitchToSoftwareDecoder = 100,
    /// The audio codec has no decoder here.
    AudioCodecNotSupport = 101,
    /// The audio decoder failed.
    AudioDecoderDeviceError = 102,
    /// The video codec has no decoder here.
    VideoCodecNotSupport = 103,
    /// The video decoder failed.
    VideoDecoderDeviceError = 104,
    /// What a server calls the session, as transports of low latency tell it: its operator finds it by that.
    TraceId = 106,
    /// The demuxer has come to the end.
    DemuxerEof = 107,
    /// The network is tried again: a retry is spent. With no retries: the source waits for `reload`.
    NetworkRetry = 108,
    /// All of a resource is in the local cache now.
    CacheSuccess = 109,
    /// Nothing more goes to the local cache: the disk is full or fails. Playing goes on.
    CacheError = 110,
    /// The system has little memory left: less is held.
    LowMemory = 111,
    /// How long the steps to the first frame took, since `prepare`: a JSON object of milliseconds by the names of the
    /// steps ([`TimingMark::name`]), and `first_frame`.
    StartupInfo = 112,
    /// The network is back, after [`NetworkRetry`](Self::NetworkRetry) or a source that was parked.
    NetworkRetrySuccess = 113,
    /// Subtitles that were chosen can not be shown.
    SubtitleSelectError = 114,
}

/// Steps of the start-up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum TimingMark {
    /// The first response began.
    Connect,
    /// The service's reply was read.
    PlayInfo,
    /// The first playlist was read.
    Playlist,
    /// The headers of the container were read.
    Headers,
    /// The first byte of media came.
    FirstSegmentByte,
    /// The first key frame was demuxed.
    FirstKeyFrame,
    /// The decoder was open.
    DecoderOpen,
    /// The first frame was decoded.
    FirstDecoded,
}
