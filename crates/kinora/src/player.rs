//! The player as an application holds it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use kinora_engine::{
    Command, ContentKey, Credential, Event, Input, InterstitialStatus, LoopMode, MAX_AUDIO_DELAY,
    PlayerConfig, Repeat, SCAN_SPEEDS, SPEEDS, SeekAccuracy, State, Stats, TrackChoice,
    TrackOption, VOLUMES, clear_key,
};
use kinora_errors::{Coded as _, Fault, Secret};
use kinora_media::{
    Chapter, KeyId, MediaInfo, Mirror, Orientation, Rotation, Time, TrackKind, VideoFrame,
};
use kinora_net::{HttpCache, NetConfig};
use kinora_output::{AudioSink, CueRenderer, ScaleMode, with_cues};
use kinora_subtitle::ShownCues;

use crate::builder::PlayerBuilder;
use crate::deadline::Deadline;
use crate::driver::{Control, Message, Release, no_thread};
use crate::events::{EventQueue, EventStream, Events, NoEvent};
use crate::gate::BufferGate;
use crate::output_thread;
use crate::render::{self, Tally};
use crate::source::Source;
use crate::thumbnails::{SharedThumbnails, SpriteThumbnail, ThumbnailWorker};

/// Plays one source at a time. Cheap to hold, safe to share between threads; dropping it stops
/// everything it started.
///
/// Commands return at once, whatever the player is busy with. One that can not be obeyed changes nothing and is told by
/// [`Event::CommandRefused`], with the reason and what to do; one whose wish is fulfilled already is no failure. After
/// [`release`](Self::release) they do nothing.
///
/// ```no_run
/// use kinora::{Event, Player};
///
/// # fn main() -> Result<(), kinora::Fault> {
/// let player = Player::builder().autoplay(true).build()?;
/// player.open("https://example.com/film.mp4");
/// for event in player.events() {
///     match event {
///         Event::FirstFrame { pts } => println!("first picture at {pts}"),
///         Event::Error(fault) => return Err(fault),
///         Event::Completion => break,
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Player {
    pub(crate) messages: Sender<Message>,
    pub(crate) events: EventQueue,
    pub(crate) view: Arc<Mutex<View>>,
    pub(crate) tally: Arc<Mutex<Tally>>,
    pub(crate) wishes: Mutex<Wishes>,
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
    pub(crate) cache: Option<HttpCache>,
    pub(crate) gate: Arc<BufferGate>,
    /// For what is read beside what plays.
    pub(crate) network: NetConfig,
    pub(crate) thumbnails: Mutex<SharedThumbnails>,
    pub(crate) thumbnail_worker: Mutex<Option<ThumbnailWorker>>,
    pub(crate) as_built: AsBuilt,
}

/// What a player is again that is lent anew.
pub(crate) struct AsBuilt {
    pub(crate) config: PlayerConfig,
    autoplay: bool,
    /// It was given what it keeps, whatever it plays: it can not be made so again.
    is_altered: AtomicBool,
}

impl AsBuilt {
    pub(crate) fn new(config: &PlayerConfig, autoplay: bool) -> Self {
        Self {
            config: config.clone().normalised(),
            autoplay,
            is_altered: AtomicBool::new(false),
        }
    }

    fn alter(&self) {
        self.is_altered.store(true, Ordering::Relaxed);
    }
}

/// What the engine's thread shows of itself after each step.
#[derive(Clone, Default)]
pub(crate) struct View {
    pub(crate) state: State,
    pub(crate) position: Time,
    pub(crate) program_date_ms: Option<i64>,
    pub(crate) duration: Option<Time>,
    pub(crate) buffered: Time,
    pub(crate) download_speed: u64,
    pub(crate) bandwidth: Option<u64>,
    pub(crate) media: Option<Arc<MediaInfo>>,
    pub(crate) tracks: Option<Arc<[TrackOption]>>,
    pub(crate) video_size: Option<(u32, u32)>,
    pub(crate) chapter: Option<u32>,
    pub(crate) interstitial: Option<InterstitialStatus>,
    pub(crate) stats: Stats,
    pub(crate) shown: Option<VideoFrame>,
    /// What lies on it.
    pub(crate) cues: ShownCues,
    /// The threads that call the sinks.
    pub(crate) outputs: Vec<ThreadId>,
}

/// What the application asked for last: it holds until it asks for something else.
pub(crate) struct Wishes {
    config: PlayerConfig,
    speed: f64,
    volume: f32,
    mute: bool,
    audio_delay: Time,
    looped: LoopMode,
    autoplay: bool,
    orientation: Orientation,
    scale: ScaleMode,
}

impl Wishes {
    pub(crate) fn new(config: PlayerConfig) -> Self {
        Self {
            config,
            speed: 1.0,
            volume: 1.0,
            mute: false,
            audio_delay: Time::ZERO,
            looped: LoopMode::Off,
            autoplay: false,
            orientation: Orientation::default(),
            scale: ScaleMode::default(),
        }
    }
}

/// What the outputs did with what they were given.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct OutputStats {
    /// Pictures handed to the video sink.
    pub shown: u64,
    /// Pictures that the sink was too slow to take.
    pub refused: u64,
    /// Of those that were shown, so many were within the last second.
    pub shown_per_second: u32,
    /// How far from its time a picture was shown: the median, in milliseconds.
    pub offset_p50_ms: f64,
    /// The same: the greatest.
    pub offset_max_ms: f64,
}

/// A player that is dropped waits so long for its outputs.
const DROP_LIMIT: Duration = Duration::from_secs(1);

impl Player {
    /// Begins to put a player together.
    #[must_use]
    pub fn builder() -> PlayerBuilder {
        PlayerBuilder::default()
    }

    /// Sets a URL, a path or another source and prepares it.
    pub fn open(&self, source: impl Into<Source>) {
        self.set_source(source);
        self.prepare();
    }

    /// Sets what to play; what played before ends.
    pub fn set_source(&self, source: impl Into<Source>) {
        let source = source.into();
        self.thumbnails().source_changed(match &source {
            Source::Url { url } => Some(url),
            _ => None,
        });
        self.send(Message::Source(Some(source)));
    }
    /// Opens the source; [`Event::Prepared`] or [`Event::Error`] follows.
    pub fn prepare(&self) {
        self.command(Command::Prepare);
    }
    /// Plays, or plays on. While the source is being opened it is remembered.
    pub fn start(&self) {
        self.command(Command::Start);
    }
    /// Holds.
    pub fn pause(&self) {
        self.command(Command::Pause);
    }
    /// Ends the session; `prepare` starts anew.
    pub fn stop(&self) {
        self.command(Command::Stop);
    }
    /// Back to idle, the source forgotten.
    pub fn reset(&self) {
        self.send(Message::Source(None));
    }
    /// Tries a source again that was parked by `ERROR_LOADING_TIMEOUT`: same position, same buffer.
    pub fn reload(&self) {
        self.command(Command::Reload);
    }
    /// The device has joined another network (`netWorkReConnect`): connections of the old one are let go of, and what is under
    /// way is asked for again at once, from the same byte. Position and buffer stay, no retry is spent, and a parked source goes
    /// on.
    ///
    /// Without it the same comes about by itself, once the network timeout has passed in silence.
    pub fn network_reconnect(&self) {
        self.command(Command::NetworkReconnect);
    }
    /// The system has little memory left, or no longer, as mobile systems tell applications: meanwhile no more is held than
    /// ends a stall. [`InfoCode::LowMemory`](crate::InfoCode::LowMemory) follows. On Linux a player finds out by itself, for
    /// the machine and for its control group.
    pub fn set_low_memory(&self, low: bool) {
        self.command(Command::SetLowMemory(low));
    }
    /// Goes to a time; [`Event::SeekEnd`] follows. Before the source is open it is remembered; a live stream refuses it.
    pub fn seek(&self, target: Time, accuracy: SeekAccuracy) {
        self.command(Command::Seek { target, accuracy });
    }
    /// Chooses a rendition, a definition or a track by its index in [`Player::tracks`].
    pub fn select_track(&self, choice: TrackChoice) {
        self.command(Command::SelectTrack(choice));
    }
    /// Gives a content key of encrypted media: before the source is prepared, or in answer to [`Event::KeyRequired`].
    pub fn add_key(&self, id: KeyId, key: ContentKey) {
        self.as_built.alter();
        self.give_key(id, key);
    }
    /// Gives the keys of a ClearKey licence (W3C Encrypted Media Extensions 9.1.4), as [`Player::add_key`] does each of
    /// them; what a server is sent to get one, [`clear_key::request`](clear_key::request) tells.
    ///
    /// ```no_run
    /// use kinora::{Event, Player, clear_key};
    ///
    /// # fn play(ask: impl Fn(&str, String) -> Vec<u8>) -> Result<(), kinora::Fault> {
    /// let player = Player::builder().autoplay(true).build()?;
    /// player.open("encrypted.mp4");
    /// for event in player.events() {
    ///     match event {
    ///         Event::KeyRequired(id) => {
    ///             let licence = ask("https://example.com/licences", clear_key::request(&[id]));
    ///             // Or, where the key itself is known: `player.add_key(id, key)`.
    ///             player.add_licence(&licence)?;
    ///         }
    ///         Event::Error(fault) => return Err(fault),
    ///         Event::Completion => break,
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ERROR_SERVER_WRONG_JSON`, `clearkey.licence`, with what is wrong with it.
    pub fn add_licence(&self, licence: &[u8]) -> Result<(), Fault> {
        let keys = clear_key::licence(licence).map_err(|error| error.fault())?;
        for (id, key) in keys {
            self.add_key(id, key);
        }
        Ok(())
    }

    /// Reads a file of subtitles beside the source, once that is set and prepared: SubRip, WebVTT, ASS or TTML in any charset.
    /// The first one of a source has the index [`FIRST_EXTERNAL_SUBTITLE`](crate::FIRST_EXTERNAL_SUBTITLE), the next the one
    /// after, up to eight; [`Event::SubtitleAdded`] or [`Event::SubtitleFailed`] follows. They are forgotten with the source's
    /// session: after `stop` they are added anew.
    ///
    /// ```no_run
    /// use kinora::{Event, FIRST_EXTERNAL_SUBTITLE, Player, Time};
    ///
    /// # fn main() -> Result<(), kinora::Fault> {
    /// let player = Player::builder().autoplay(true).build()?;
    /// player.open("film.mp4");
    /// player.add_external_subtitle("film.zh.srt");
    /// player.select_subtitle(FIRST_EXTERNAL_SUBTITLE, true);
    /// player.set_subtitle_delay(FIRST_EXTERNAL_SUBTITLE, Time::from_millis(-250));
    /// for event in player.events() {
    ///     match event {
    ///         Event::SubtitleShown { id, cue, .. } => println!("{id:?}: {}", cue.text()),
    ///         Event::SubtitleHidden { id, .. } => println!("{id:?} ends"),
    ///         Event::SubtitleFailed { fault, .. } => eprintln!("{fault}"),
    ///         Event::Error(fault) => return Err(fault),
    ///         Event::Completion => break,
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_external_subtitle(&self, url: impl Into<String>) {
        let url = Secret::new(url.into());
        self.command(Command::AddExternalSubtitle { url });
    }
    /// Shows subtitles, or no longer, by their index: external ones, or those of the source that [`Player::tracks`] lists, of which
    /// one at a time is shown: tracks of a file, renditions of a playlist, captions within the pictures (from
    /// [`FIRST_CAPTIONS`](crate::FIRST_CAPTIONS) on). Which are shown without being chosen says [`PlayerConfig`]. While external ones are being read it is remembered. [`Event::SubtitleShown`] and
    /// [`Event::SubtitleHidden`] tell what is to be read when. Several external ones may be on at a time.
    pub fn select_subtitle(&self, index: u32, on: bool) {
        self.command(Command::SelectSubtitle { index, on });
    }
    /// Shows the cues of subtitles so much later than they say; earlier, where it is negative.
    pub fn set_subtitle_delay(&self, index: u32, delay: Time) {
        self.command(Command::SetSubtitleDelay { index, delay });
    }
    /// Repeats a part of what is prepared, again and again (A-B repeat); `None`: nothing any more. What is buffered of it is not
    /// fetched again. [`Event::RepeatStart`] tells each time; it ends with the session.
    pub fn set_repeat(&self, repeat: Option<Repeat>) {
        self.command(Command::SetRepeat(repeat));
    }
    /// Shows the next picture and holds there.
    pub fn step(&self) {
        self.command(Command::Step);
    }
    /// Ends the interstitial that plays: [`Event::InterstitialEnd`] follows. Refused where it may not be skipped.
    pub fn skip_interstitial(&self) {
        self.command(Command::SkipInterstitial);
    }
    /// Answers [`Event::CredentialExpired`].
    pub fn refresh(&self, credential: Credential) {
        self.command(Command::Refresh(credential));
    }

    /// Changes the settings, normalised as [`PlayerConfig::normalised`] says. Limits and intervals count from now on; which
    /// kinds of tracks play and where live playback begins, from the next `prepare` on.
    pub fn set_config(&self, config: PlayerConfig) {
        let config = config.normalised();
        self.wish(Command::SetConfig(config.clone()), |it| it.config = config);
    }
    /// The settings, normalised.
    #[must_use]
    pub fn config(&self) -> PlayerConfig {
        self.wishes().config.clone()
    }
    /// Playback speed, 0.5 to 2: the pitch of the sound stays. From 4 to 32, and from -4 to -32 back, it searches:
    /// key pictures alone are shown, from an I-frame playlist where there is one, without sound; who reaches the beginning is
    /// held there. What is live is not searched. Others are refused.
    pub fn set_speed(&self, speed: f64) {
        self.wish(Command::SetSpeed(speed), |it| {
            if SPEEDS.contains(&speed) || SCAN_SPEEDS.contains(&speed.abs()) {
                it.speed = speed;
            }
        });
    }
    /// Playback speed as it was asked for last; 1 at first. A live stream that catches up plays faster meanwhile.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.wishes().speed
    }
    /// Begin again at the end.
    pub fn set_loop(&self, mode: LoopMode) {
        self.wish(Command::SetLoop(mode), |it| it.looped = mode);
    }
    /// Whether it begins again at the end.
    #[must_use]
    pub fn loop_mode(&self) -> LoopMode {
        self.wishes().looped
    }
    /// Start by itself once prepared; set it before `prepare`.
    pub fn set_autoplay(&self, autoplay: bool) {
        self.wish(Command::SetAutoPlay(autoplay), |it| it.autoplay = autoplay);
    }
    /// Whether it starts by itself once prepared.
    #[must_use]
    pub fn autoplay(&self) -> bool {
        self.wishes().autoplay
    }
    /// Volume, 0 to 2, others are refused; 1 is as recorded. Beyond it a limiter keeps peaks below full scale.
    pub fn set_volume(&self, volume: f32) {
        let mut wishes = self.wishes();
        if VOLUMES.contains(&volume) {
            wishes.volume = volume;
        }
        self.send(Message::Control(Control::Volume(volume)));
    }
    /// The volume that was asked for last, also while it is muted; 1 at first.
    #[must_use]
    pub fn volume(&self) -> f32 {
        self.wishes().volume
    }
    /// Silence, at any volume.
    pub fn set_mute(&self, mute: bool) {
        let mut wishes = self.wishes();
        wishes.mute = mute;
        self.send(Message::Control(Control::Mute(mute)));
    }
    /// Sound is heard so much later than its pictures are seen; earlier, where it is negative: for devices and screens that are
    /// late themselves. At most [`MAX_AUDIO_DELAY`] either way, others are refused. At once and for the sources that follow; while
    /// it plays the sound goes on, and the pictures wait for it or leave some out.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), kinora::Fault> {
    /// # let player = kinora::Player::builder().build()?;
    /// // Headphones by radio are 180 ms late: their sound is given out so much earlier.
    /// player.set_audio_delay(kinora::Time::from_millis(-180));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_audio_delay(&self, delay: Time) {
        self.wish(Command::SetAudioDelay(delay), |it| {
            if (Time::ZERO - MAX_AUDIO_DELAY..=MAX_AUDIO_DELAY).contains(&delay) {
                it.audio_delay = delay;
            }
        });
    }
    /// How much later sound is heard than its pictures are seen, as it was asked for last; zero at first.
    #[must_use]
    pub fn audio_delay(&self) -> Time {
        self.wishes().audio_delay
    }
    /// Plays at another output from now on, from where the sound is: another device, a file, one of the application's own.
    /// [`Event::AudioDevice`] tells the device.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), kinora::Fault> {
    /// # let player = kinora::Player::builder().build()?;
    /// use kinora::Coded;
    /// use kinora::output::{AudioOutput, audio_devices};
    ///
    /// let devices = audio_devices().map_err(|error| error.fault())?;
    /// if let Some(device) = devices.iter().find(|device| device.description.contains("HDMI")) {
    ///     let output = AudioOutput::Pulse(Some(device.name.clone()));
    ///     player.set_audio_sink(output.open().map_err(|error| error.fault())?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_audio_sink(&self, sink: impl AudioSink + 'static) {
        self.as_built.alter();
        self.send(Message::Control(Control::AudioSink(Box::new(sink))));
    }
    /// Whether it is silent by [`set_mute`](Self::set_mute).
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.wishes().mute
    }

    /// Turns pictures clockwise, beyond what the source says of them itself; at once, also while playback is held.
    pub fn set_rotation(&self, rotation: Rotation) {
        self.orient(|orientation| orientation.rotation = rotation);
    }
    /// The turn that was asked for last.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        self.wishes().orientation.rotation
    }
    /// Mirrors pictures as they are seen, after every turn; at once, also while playback is held.
    pub fn set_mirror(&self, mirror: Mirror) {
        self.orient(|orientation| orientation.mirror = mirror);
    }
    /// The mirror that was asked for last.
    #[must_use]
    pub fn mirror(&self) -> Mirror {
        self.wishes().orientation.mirror
    }
    /// How pictures lie in the area of a sink that has one, as the terminal and a window have; files hold them whole.
    pub fn set_scale_mode(&self, mode: ScaleMode) {
        let mut wishes = self.wishes();
        wishes.scale = mode;
        self.send(Message::Control(Control::Scale(mode)));
    }
    /// Takes the last picture away: the sink shows nothing until another one comes ([`clear`](crate::output::VideoSink::clear)), and there is none for a [`snapshot`](Self::snapshot).
    pub fn clear_screen(&self) {
        self.send(Message::Control(Control::ClearScreen));
    }
    /// Says in which area pictures are seen, width and height in pixels: of those renditions that are chosen by themselves none is
    /// larger than the first that fills it. `None`, as at first: it is not known. Who resizes a window calls it each time; it
    /// counts from the next segment on.
    pub fn set_viewport(&self, size: Option<(u32, u32)>) {
        self.command(Command::SetViewport(size));
    }
    /// The mode that was asked for last.
    #[must_use]
    pub fn scale_mode(&self) -> ScaleMode {
        self.wishes().scale
    }

    /// The picture that is shown, also while playback is held or over, with the turn and mirror that were asked for; `None`
    /// before the first. [`RgbImage::upright`](crate::output::RgbImage::upright) makes pixels of it,
    /// [`snapshot_png`](crate::output::snapshot_png) a PNG file.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let player = kinora::Player::builder().build()?;
    /// if let Some(frame) = player.snapshot() {
    ///     std::fs::write("snapshot.png", kinora::output::snapshot_png(&frame)?)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Option<VideoFrame> {
        let orientation = self.wishes().orientation;
        let shown = self.view(|view| view.shown.clone());
        shown.map(|frame| frame.oriented(orientation))
    }

    /// The same with the cues that lie on it, as `renderer` draws them; [`ScriptChoice`](crate::ScriptChoice) makes one. A picture in
    /// whose samples nothing can be drawn comes as it is.
    #[must_use]
    pub fn snapshot_with_cues(&self, renderer: &mut CueRenderer) -> Option<VideoFrame> {
        let cues = self.view(|view| view.cues.clone());
        let frame = self.snapshot()?;
        Some(with_cues(&frame, &cues, renderer))
    }

    /// Says where the thumbnails of what plays are: a WebVTT file or a DASH manifest, as
    /// [`SpriteThumbnails`](crate::SpriteThumbnails) reads it. Nothing is fetched before the first of them is asked for. It
    /// counts until another one is named.
    pub fn set_thumbnail_url(&self, url: impl Into<String>) {
        *self.thumbnails() = SharedThumbnails::named(Secret::new(url.into()));
    }

    /// The thumbnail of a time: of the file that [`set_thumbnail_url`](Self::set_thumbnail_url) names, else the key picture of that time that an I-frame
    /// playlist of the source has (HLS), or the file that plays. `None`: there is none. It waits for the network, no longer than its limits:
    /// [`request_thumbnail`](Self::request_thumbnail) does not.
    ///
    /// # Errors
    /// What the network or the file system said; `ERROR_DECODE_VIDEO` where the picture is damaged. What failed is tried again
    /// when asked for again.
    pub fn thumbnail(&self, time: Time) -> Result<Option<SpriteThumbnail>, Fault> {
        let thumbnails = self.thumbnails().clone();
        thumbnails.at(time, &self.network)
    }

    /// The same without waiting: `ready` is called on a thread of the player's once the thumbnail is there. Of several requests
    /// that wait only the newest is answered: who drags a slider wants what is under the pointer.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), kinora::Fault> {
    /// # let player = kinora::Player::builder().build()?;
    /// player.request_thumbnail(kinora::Time::from_millis(90_000), |thumbnail| {
    ///     if let Ok(Some(thumbnail)) = thumbnail {
    ///         println!("{}x{}", thumbnail.image.width, thumbnail.image.height);
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn request_thumbnail(
        &self,
        time: Time,
        ready: impl FnOnce(Result<Option<SpriteThumbnail>, Fault>) + Send + 'static,
    ) {
        let of = self.thumbnails().clone();
        let mut worker = self
            .thumbnail_worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if worker.is_none() {
            match ThumbnailWorker::spawn(self.network.clone()) {
                Ok(spawned) => *worker = Some(spawned),
                Err(error) => {
                    drop(worker);
                    return ready(Err(no_thread(error)));
                }
            }
        }
        if let Some(worker) = &*worker {
            worker.request(time, of, Box::new(ready));
        }
    }

    /// Waits for the next event.
    ///
    /// # Errors
    /// [`NoEvent::NotYet`] when none came within the limit, [`NoEvent::Released`] when none can come any more.
    pub fn next_event(&self, limit: Duration) -> Result<Event, NoEvent> {
        self.events.next(Deadline::after(limit))
    }
    /// The next event, if one is there.
    ///
    /// # Errors
    /// As for [`next_event`](Self::next_event).
    pub fn try_next_event(&self) -> Result<Event, NoEvent> {
        self.next_event(Duration::ZERO)
    }
    /// The events as they come, each waited for, until the player is released.
    #[must_use]
    pub fn events(&self) -> Events {
        Events(self.events.lend())
    }
    /// The events for asynchronous code.
    #[must_use]
    pub fn event_stream(&self) -> EventStream {
        EventStream::new(self.events.lend())
    }
    /// What is to be called when an event has come, and when none will come any more: for an event loop that is woken by
    /// something of its own, and then asks [`try_next_event`](Self::try_next_event) until there is none. It is called on a
    /// thread of the player, at once where events wait already, and must return soon. `None` takes it back.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), kinora::Fault> {
    /// # let player = kinora::Player::builder().build()?;
    /// use std::sync::{Arc, mpsc};
    ///
    /// let (wake, woken) = mpsc::channel();
    /// player.set_event_alarm(Some(Arc::new(move || {
    ///     // The loop may have ended.
    ///     let _ = wake.send(());
    /// })));
    /// while woken.recv().is_ok() && !player.is_released() {
    ///     while let Ok(event) = player.try_next_event() {
    ///         println!("{event:?}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_event_alarm(&self, alarm: Option<Arc<dyn Fn() + Send + Sync>>) {
        self.events.set_alarm(alarm);
    }
    /// The player has ended: no event can come any more.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.events.is_closed()
    }

    /// The public state.
    #[must_use]
    pub fn state(&self) -> State {
        self.view(|view| view.state)
    }
    /// Where playback is.
    #[must_use]
    pub fn position(&self) -> Time {
        self.view(|view| view.position)
    }
    /// The date of what plays, in milliseconds since 1970, as a playlist tells it (EXT-X-PROGRAM-DATE-TIME); `None`: it
    /// tells none.
    #[must_use]
    pub fn program_date_ms(&self) -> Option<i64> {
        self.view(|view| view.program_date_ms)
    }
    /// How long the presentation is; `None` when unknown or live.
    #[must_use]
    pub fn duration(&self) -> Option<Time> {
        self.view(|view| view.duration)
    }
    /// Up to where the data is there.
    #[must_use]
    pub fn buffered_position(&self) -> Time {
        self.view(|view| view.buffered)
    }
    /// Bits a second that arrive.
    #[must_use]
    pub fn download_speed(&self) -> u64 {
        self.view(|view| view.download_speed)
    }
    /// Bytes of this source that came from the local cache; see [`PlayerBuilder::cache`].
    #[must_use]
    pub fn local_cache_loaded(&self) -> u64 {
        self.cache.as_ref().map_or(0, HttpCache::loaded)
    }
    /// What is known of the presentation, once prepared.
    #[must_use]
    pub fn media_info(&self) -> Option<Arc<MediaInfo>> {
        self.view(|view| view.media.clone())
    }
    /// The chapters of what is prepared; none where it has none.
    #[must_use]
    pub fn chapters(&self) -> Vec<Chapter> {
        let info = self.media_info();
        info.map_or_else(Vec::new, |info| info.chapters.clone())
    }
    /// The chapter that plays, by its place among [`chapters`](Self::chapters); [`Event::ChapterChanged`] tells of another one.
    #[must_use]
    pub fn chapter(&self) -> Option<u32> {
        self.view(|view| view.chapter)
    }
    /// What plays in the place of the presentation (interstitials, RFC 8216bis appendix D), whose position and tracks stand
    /// meanwhile; `None`: the presentation itself. [`Event::InterstitialStart`] and [`Event::InterstitialEnd`] tell of it;
    /// [`PlayerConfig::disable_interstitials`] turns it off.
    #[must_use]
    pub fn interstitial(&self) -> Option<InterstitialStatus> {
        self.view(|view| view.interstitial.clone())
    }
    /// What can be selected.
    #[must_use]
    pub fn tracks(&self) -> Option<Arc<[TrackOption]>> {
        self.view(|view| view.tracks.clone())
    }
    /// What plays of a kind, as [`tracks`](Self::tracks) lists it: the rendition, the sound, the subtitles; `None`: nothing,
    /// or there is no choice.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), kinora::Fault> {
    /// # let player = kinora::Player::builder().build()?;
    /// use kinora::TrackKind;
    ///
    /// if let (Some(track), Some((width, height))) = (player.current_track(TrackKind::Video), player.video_size()) {
    ///     println!("{}: {width}x{height}", track.label);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn current_track(&self, kind: TrackKind) -> Option<TrackOption> {
        let tracks = self.tracks()?;
        let mut of_kind = tracks.iter().filter(|track| track.kind == kind);
        of_kind.find(|track| track.selected).cloned()
    }
    /// Width and height of the pictures as they stand upright, turned as their source says, in pixels: what
    /// [`Event::VideoSize`] told last of this source.
    #[must_use]
    pub fn video_size(&self) -> Option<(u32, u32)> {
        self.view(|view| view.video_size)
    }
    /// What the engine counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.view(|view| view.stats)
    }
    /// What the outputs counted.
    #[must_use]
    pub fn output_stats(&self) -> OutputStats {
        render::lock(&self.tally).stats()
    }

    /// Ends everything and waits until the outputs have written what they hold, no longer than the limit. Pictures that
    /// still wait for the video sink have half of the time, then they are discarded; the sinks' `finish` has the rest. A sink
    /// that has not ended by then is left to its thread.
    ///
    /// Only the first call ends and waits. Called by a sink of this player it waits for nothing, since it would wait for
    /// itself.
    ///
    /// # Errors
    /// What an output could not write; ETIMEDOUT, `output.not_ended`, when one did not end in time.
    pub fn release(&self, limit: Duration) -> Result<(), Fault> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = thread.take();
        drop(thread);
        let Some(thread) = taken else { return Ok(()) };
        let by = Deadline::after(limit);
        let (answer, reply) = channel();
        self.send(Message::Control(Control::Release(Release { by, answer })));
        let here = std::thread::current().id();
        if here == thread.thread().id() || self.view(|view| view.outputs.contains(&here)) {
            return Ok(());
        }
        match by.receive(&reply) {
            Ok(result) => {
                // It has nothing left to do.
                let _ = thread.join();
                result
            }
            Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                self.events.close();
                Err(output_thread::not_ended("an output"))
            }
        }
    }

    /// Gives a key that it keeps.
    pub(crate) fn give_key(&self, id: KeyId, key: ContentKey) {
        self.command(Command::AddKey { id, key });
    }

    /// Whether [`renew`](Self::renew) leaves nothing of what it was given.
    pub(crate) fn can_be_renewed(&self) -> bool {
        !self.as_built.is_altered.load(Ordering::Relaxed) && !self.events.is_closed()
    }

    /// Makes it what it was when it was built. Told once nothing is left of before.
    pub(crate) fn renew(&self) -> Receiver<()> {
        self.reset();
        self.set_config(self.as_built.config.clone());
        self.set_autoplay(self.as_built.autoplay);
        self.set_speed(1.0);
        self.set_volume(1.0);
        self.set_mute(false);
        self.set_audio_delay(Time::ZERO);
        self.set_loop(LoopMode::Off);
        self.orient(|orientation| *orientation = Orientation::default());
        self.set_scale_mode(ScaleMode::default());
        self.set_viewport(None);
        *self.thumbnails() = SharedThumbnails::default();
        self.clear_screen();
        let (answer, renewed) = channel();
        self.send(Message::Control(Control::Renew(answer)));
        renewed
    }

    fn command(&self, command: Command) {
        self.send(Message::Input(Input::Command(command)));
    }

    /// Sends a command that a getter tells of. Both in one step: whatever thread asks last, its wish is told and done.
    fn wish(&self, command: Command, note: impl FnOnce(&mut Wishes)) {
        let mut wishes = self.wishes();
        note(&mut wishes);
        self.command(command);
    }

    fn orient(&self, change: impl FnOnce(&mut Orientation)) {
        let mut wishes = self.wishes();
        change(&mut wishes.orientation);
        let orientation = wishes.orientation;
        self.send(Message::Control(Control::Orientation(orientation)));
    }

    fn thumbnails(&self) -> MutexGuard<'_, SharedThumbnails> {
        self.thumbnails
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, message: Message) {
        // The thread ends only after release; a call after it has no one to do it.
        let _ = self.messages.send(message);
    }

    /// Bits a second that the network is expected to carry.
    pub(crate) fn bandwidth(&self) -> Option<u64> {
        self.view(|view| view.bandwidth)
    }

    fn view<T>(&self, read: impl FnOnce(&View) -> T) -> T {
        read(&self.view.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Who wants to know what an output could not write calls `release`.
        let _ = self.release(DROP_LIMIT);
    }
}
