//! The player as an application holds it.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use kinora_engine::{
    Command, Credential, Event, LoopMode, PlayerConfig, SeekAccuracy, Source, State, Stats,
    TapeSink, TrackChoice, TrackOption,
};
use kinora_errors::{Fault, Secret, codes};
use kinora_media::{MediaInfo, Time, VideoFrame};
use kinora_net::{NetConfig, Resolve, SystemResolver};
use kinora_output::{AudioSink, NullAudio, NullVideo, VideoSink};

use crate::backends::{Backends, DecoderChoice};
use crate::driver::{self, Control, Message, Parts};
use crate::events::EventQueue;
use crate::render::{self, Tally};

/// Plays one source at a time. Cheap to hold, safe to share between threads; dropping it stops
/// everything it started.
///
/// ```no_run
/// use std::time::Duration;
/// use kinora::{Event, Player};
///
/// # fn main() -> Result<(), kinora::Fault> {
/// let player = Player::builder().autoplay(true).build()?;
/// player.open("https://example.com/film.mp4");
/// while let Some(event) = player.next_event(Duration::from_secs(60)) {
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
    messages: Sender<Message>,
    events: EventQueue,
    view: Arc<Mutex<View>>,
    tally: Arc<Mutex<Tally>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the engine's thread shows of itself after each step.
#[derive(Clone, Default)]
pub(crate) struct View {
    pub(crate) state: State,
    pub(crate) position: Time,
    pub(crate) duration: Option<Time>,
    pub(crate) buffered: Time,
    pub(crate) download_speed: u64,
    pub(crate) media: Option<Arc<MediaInfo>>,
    pub(crate) tracks: Option<Arc<[TrackOption]>>,
    pub(crate) stats: Stats,
}

/// What the outputs did with what they were given.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct OutputStats {
    /// Pictures handed to the video sink.
    pub shown: u64,
    /// Pictures that the sink was too slow to take.
    pub refused: u64,
    /// How far from its time a picture was shown: the median, in milliseconds.
    pub offset_p50_ms: f64,
    /// The same: the greatest.
    pub offset_max_ms: f64,
}

/// How a player is put together.
pub struct PlayerBuilder {
    config: PlayerConfig,
    net: NetConfig,
    resolver: Arc<dyn Resolve>,
    decoders: DecoderChoice,
    video: Box<dyn VideoSink>,
    audio: Box<dyn AudioSink>,
    autoplay: bool,
    record: Option<TapeSink>,
}

impl Default for PlayerBuilder {
    fn default() -> Self {
        Self {
            config: PlayerConfig::default(),
            net: NetConfig::default(),
            resolver: Arc::new(SystemResolver),
            decoders: DecoderChoice::Auto,
            video: Box::new(NullVideo::new()),
            audio: Box::new(NullAudio::new()),
            autoplay: false,
            record: None,
        }
    }
}

impl PlayerBuilder {
    /// The documented settings.
    #[must_use]
    pub fn config(mut self, config: PlayerConfig) -> Self {
        self.config = config;
        self
    }
    /// Limits, headers, proxy and certificates of the network.
    #[must_use]
    pub fn network(mut self, net: NetConfig) -> Self {
        self.net = net;
        self
    }
    /// Writes the session down, a JSON line at a time: what came in and when, sizes and what the content meant, but no
    /// content, credential or title; URLs are masked. [`crate::replay()`] runs it again. `sink` is called on the player's
    /// thread and should only buffer.
    #[must_use]
    pub fn record(mut self, sink: TapeSink) -> Self {
        self.record = Some(sink);
        self
    }
    /// Finds the addresses of names, instead of the system: for DNS over HTTPS, or pinned addresses.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }
    /// Which decoders may be used.
    #[must_use]
    pub fn decoders(mut self, choice: DecoderChoice) -> Self {
        self.decoders = choice;
        self
    }
    /// Where pictures go; without it nowhere, in time.
    #[must_use]
    pub fn video_sink(mut self, sink: impl VideoSink + 'static) -> Self {
        self.video = Box::new(sink);
        self
    }
    /// Where sound goes; without it nowhere, in time.
    #[must_use]
    pub fn audio_sink(mut self, sink: impl AudioSink + 'static) -> Self {
        self.audio = Box::new(sink);
        self
    }
    /// Start by itself once prepared.
    #[must_use]
    pub fn autoplay(mut self, autoplay: bool) -> Self {
        self.autoplay = autoplay;
        self
    }

    /// Starts the player's thread, and the loading of libavcodec beside it.
    ///
    /// # Errors
    /// `ERROR_GENERAL_UNKNOWN` (or the errno's number) when the system gives no thread.
    pub fn build(self) -> Result<Player, Fault> {
        let backends = Backends::new(self.decoders);
        backends.load_early();
        let (messages, mailbox) = channel();
        let events = EventQueue::default();
        let view = Arc::new(Mutex::new(View::default()));
        let tally = Arc::new(Mutex::new(Tally::default()));
        let parts = Parts {
            config: self.config,
            net: self.net,
            resolver: self.resolver,
            backends,
            video: self.video,
            audio: self.audio,
            messages: messages.clone(),
            events: events.clone(),
            view: Arc::clone(&view),
            tally: Arc::clone(&tally),
            record: self.record,
        };
        let thread = std::thread::Builder::new()
            .name("kinora-engine".into())
            .spawn(move || driver::run(parts, &mailbox))
            .map_err(|error| {
                Fault::new(codes::ERROR_GENERAL_UNKNOWN, "system.no_thread").cause(&error)
            })?;
        let player = Player {
            messages,
            events,
            view,
            tally,
            thread: Mutex::new(Some(thread)),
        };
        if self.autoplay {
            player.set_autoplay(true);
        }
        Ok(player)
    }
}

impl Player {
    /// Begins to put a player together.
    #[must_use]
    pub fn builder() -> PlayerBuilder {
        PlayerBuilder::default()
    }

    /// Sets a URL or a path and prepares it.
    pub fn open(&self, url: &str) {
        self.set_source(Source::Url {
            url: Secret::new(url),
        });
        self.prepare();
    }

    /// Sets what to play.
    pub fn set_source(&self, source: Source) {
        self.command(Command::SetSource(source));
    }
    /// Opens the source; [`Event::Prepared`] or [`Event::Error`] follows.
    pub fn prepare(&self) {
        self.command(Command::Prepare);
    }
    /// Plays, or plays on.
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
        self.command(Command::Reset);
    }
    /// Tries a source again that was parked by `ERROR_LOADING_TIMEOUT`: same position, same buffer.
    pub fn reload(&self) {
        self.command(Command::Reload);
    }
    /// Goes to a time; [`Event::SeekEnd`] follows.
    pub fn seek(&self, target: Time, accuracy: SeekAccuracy) {
        self.command(Command::Seek { target, accuracy });
    }
    /// Chooses a rendition, a definition or a track by its index in [`Player::tracks`].
    pub fn select_track(&self, choice: TrackChoice) {
        self.command(Command::SelectTrack(choice));
    }
    /// Playback speed, 0.5 to 2. The pitch of the sound moves along for now.
    pub fn set_speed(&self, speed: f64) {
        self.command(Command::SetSpeed(speed));
    }
    /// Begin again at the end.
    pub fn set_loop(&self, mode: LoopMode) {
        self.command(Command::SetLoop(mode));
    }
    /// Start by itself once prepared; set it before `prepare`.
    pub fn set_autoplay(&self, autoplay: bool) {
        self.command(Command::SetAutoPlay(autoplay));
    }
    /// Volume, 0 to 2; 1 is as recorded.
    pub fn set_volume(&self, volume: f32) {
        self.send(Message::Control(Control::Volume(volume)));
    }
    /// Silence, at any volume.
    pub fn set_mute(&self, mute: bool) {
        self.send(Message::Control(Control::Mute(mute)));
    }
    /// Answers [`Event::CredentialExpired`].
    pub fn refresh(&self, credential: Credential) {
        self.command(Command::Refresh(credential));
    }

    /// The picture that is shown, or `None` before the first.
    #[must_use]
    pub fn snapshot(&self) -> Option<VideoFrame> {
        let (answer, reply) = channel();
        self.send(Message::Control(Control::Snapshot(answer)));
        reply.recv_timeout(Duration::from_secs(1)).ok().flatten()
    }

    /// The next event, or `None` when none came within the limit.
    #[must_use]
    pub fn next_event(&self, limit: Duration) -> Option<Event> {
        self.events.next(limit)
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
    /// What is known of the presentation, once prepared.
    #[must_use]
    pub fn media_info(&self) -> Option<Arc<MediaInfo>> {
        self.view(|view| view.media.clone())
    }
    /// What can be selected.
    #[must_use]
    pub fn tracks(&self) -> Option<Arc<[TrackOption]>> {
        self.view(|view| view.tracks.clone())
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

    /// Ends everything and waits until the outputs have written what they hold.
    ///
    /// # Errors
    /// What an output could not write.
    pub fn release(&self) -> Result<(), Fault> {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return Ok(()) };
        let (answer, reply) = channel();
        self.send(Message::Control(Control::Release(answer)));
        let _ = thread.join();
        reply.recv().unwrap_or(Ok(()))
    }

    fn command(&self, command: Command) {
        self.send(Message::Input(kinora_engine::Input::Command(command)));
    }

    fn send(&self, message: Message) {
        // The thread ends only after release; a call after it has no one to do it.
        let _ = self.messages.send(message);
    }

    fn view<T>(&self, read: impl FnOnce(&View) -> T) -> T {
        read(&self.view.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Who wants to know what an output could not write calls `release`.
        let _ = self.release();
    }
}
