//! How a player is put together.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use kinora_cache::{CacheKey, Store};
use kinora_engine::{ContentKey, PlayerConfig, TapeSink};
use kinora_errors::{Code, Fault, codes};
use kinora_media::KeyId;
use kinora_net::{BitStreams, NetConfig, Resolve, SystemResolver, Transport, Transports};
use kinora_output::{AudioSink, CallingThread, Needs, NullAudio, NullVideo, VideoSink};

use crate::backends::{Backends, DecoderChoice, DemuxerChoice};
use crate::cache::{self, CacheChoice, CacheConfig, PlayerCache};
use crate::driver::{self, Parts};
use crate::events::EventQueue;
use crate::gate::BufferGate;
use crate::player::{AsBuilt, Player, View, Wishes};
use crate::render::Tally;

/// How a player is put together.
pub struct PlayerBuilder {
    config: PlayerConfig,
    net: NetConfig,
    transports: Transports,
    resolver: Arc<dyn Resolve>,
    decoders: DecoderChoice,
    demuxers: DemuxerChoice,
    video: Box<dyn VideoSink>,
    audio: Box<dyn AudioSink>,
    autoplay: bool,
    record: Option<TapeSink>,
    keys: Vec<(KeyId, ContentKey)>,
    cache: Option<CacheChoice>,
}

impl Default for PlayerBuilder {
    fn default() -> Self {
        Self {
            config: PlayerConfig::default(),
            net: NetConfig::default(),
            transports: Transports::default(),
            resolver: Arc::new(SystemResolver),
            decoders: DecoderChoice::Auto,
            demuxers: DemuxerChoice::Auto,
            video: Box::new(NullVideo::new()),
            audio: Box::new(NullAudio::new()),
            autoplay: false,
            record: None,
            keys: Vec::new(),
            cache: None,
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
    /// What further schemes lead to; see [`Transport`].
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transports.add(transport);
        self
    }
    /// Which decoders may be used.
    #[must_use]
    pub fn decoders(mut self, choice: DecoderChoice) -> Self {
        self.decoders = choice;
        self
    }
    /// Which demuxers may be used.
    #[must_use]
    pub fn demuxers(mut self, choice: DemuxerChoice) -> Self {
        self.demuxers = choice;
        self
    }
    /// Where video frames go; without it nowhere, in time.
    #[must_use]
    pub fn video_sink(mut self, sink: impl VideoSink + 'static) -> Self {
        self.video = Box::new(sink);
        self
    }
    /// Where audio goes; without it nowhere, in time.
    #[must_use]
    pub fn audio_sink(mut self, sink: impl AudioSink + 'static) -> Self {
        self.audio = Box::new(sink);
        self
    }
    /// A content key of encrypted media (common encryption), by its id; may be called for several.
    #[must_use]
    pub fn key(mut self, id: KeyId, key: ContentKey) -> Self {
        self.keys.push((id, key));
        self
    }
    /// Keeps what the web gives in a directory, and looks there first; see [`CacheConfig`]. Without it the
    /// [global cache](crate::set_global_cache) is used, if there is one.
    #[must_use]
    pub fn cache(mut self, cache: CacheConfig) -> Self {
        self.cache = Some(CacheChoice::Directory(cache));
        self
    }
    /// Takes what is in a store that others fill.
    pub(crate) fn read_from(mut self, store: Arc<dyn Store>, key: CacheKey) -> Self {
        self.cache = Some(CacheChoice::FilledByOthers(store, key));
        self
    }
    /// The cache that it will have, the global one too.
    pub(crate) fn cache_config(&self) -> Option<CacheConfig> {
        match &self.cache {
            Some(CacheChoice::Directory(cache)) => Some(cache.clone()),
            Some(CacheChoice::FilledByOthers(..)) => None,
            None => cache::global(),
        }
    }
    pub(crate) fn net_config(&self) -> &NetConfig {
        &self.net
    }
    pub(crate) fn player_config(&self) -> &PlayerConfig {
        &self.config
    }
    pub(crate) fn name_resolver(&self) -> Arc<dyn Resolve> {
        Arc::clone(&self.resolver)
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
    /// `ERROR_GENERAL_UNKNOWN` (or the errno's number) when the system gives no thread; EINVAL, `output.needs_main_thread`, for
    /// a video sink that must be called on the main thread.
    pub fn build(mut self) -> Result<Player, Fault> {
        let mut needs = self.video.needs();
        if needs.thread != CallingThread::Own {
            return Err(needs_main_thread());
        }
        needs.ahead = needs.ahead.min(Needs::MAX_AHEAD);
        let backends = Backends::new(self.decoders);
        backends.load_early();
        let (messages, mailbox) = channel();
        let events = EventQueue::default();
        let view = Arc::new(Mutex::new(View::default()));
        let tally = Arc::new(Mutex::new(Tally::default()));
        let as_built = AsBuilt::new(&self.config, self.autoplay);
        let bit_streams = BitStreams::default();
        self.net.transports.append(self.transports);
        self.net.transports.add(bit_streams.clone());
        let network = self.net.clone();
        let cache = PlayerCache::open(self.cache, &messages);
        if let Some(cache) = &cache {
            self.net.cache = Some(cache.http.clone());
        }
        let player_cache = cache.as_ref().map(|cache| cache.http.clone());
        let gate = Arc::new(BufferGate::default());
        let parts = Parts {
            config: self.config,
            cache,
            gate: Arc::clone(&gate),
            net: self.net,
            bit_streams,
            resolver: self.resolver,
            backends,
            demuxers: self.demuxers,
            video: self.video,
            needs,
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
            wishes: Mutex::new(Wishes::new(as_built.config.clone())),
            cache: player_cache,
            gate,
            thread: Mutex::new(Some(thread)),
            network,
            thumbnails: Mutex::default(),
            thumbnail_worker: Mutex::default(),
            as_built,
        };
        let keys = self.keys.into_iter();
        keys.for_each(|(id, key)| player.give_key(id, key));
        if self.autoplay {
            player.set_autoplay(true);
        }
        Ok(player)
    }
}

/// EINVAL: the sinks are called on threads of the player's own.
fn needs_main_thread() -> Fault {
    Fault::new(Code::from_errno(22), "output.needs_main_thread").because(
        "the video output must be called on the main thread, and a player calls it on one of its own; give it a sink that \
         hands the frames over to the main thread",
    )
}
