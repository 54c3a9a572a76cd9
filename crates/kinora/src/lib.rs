//! Kinora, an open video player SDK: one engine that plays files, VOD, live and encrypted video, and
//! tells every failure by one stable number with its place, cause and remedy.
//!
//! [`Player`] plays; [`MediaReader`], [`VideoReader`] and [`AudioReader`] read packets, pictures and sound without playing.
//!
//! ```no_run
//! use kinora::{Event, Player};
//!
//! # fn main() -> Result<(), kinora::Fault> {
//! let player = Player::builder().autoplay(true).build()?;
//! player.open("film.mp4");
//! for event in player.events() {
//!     match event {
//!         Event::Error(fault) => return Err(fault),
//!         Event::Completion => break,
//!         other => println!("{other:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # A sink of your own
//!
//! Pictures go to any [`VideoSink`](output::VideoSink), sound to any [`AudioSink`](output::AudioSink). This one writes the
//! average brightness of each picture; `?` turns an error of the system into one of the sink.
//!
//! ```
//! use std::io::Write;
//! use kinora::output::{SinkError, VideoFormat, VideoSink};
//! use kinora::{Player, VideoFrame};
//!
//! struct Brightness<W>(W);
//!
//! impl<W: Write + Send> VideoSink for Brightness<W> {
//!     fn configure(&mut self, format: &VideoFormat) -> Result<(), SinkError> {
//!         match format.pixels.bits() {
//!             8 => Ok(writeln!(self.0, "# {}x{}", format.width, format.height)?),
//!             bits => Err(SinkError::application(format!("{bits} bits a sample"))),
//!         }
//!     }
//!     fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
//!         let sum: u64 = frame.rows(0).flatten().map(|luma| u64::from(*luma)).sum();
//!         let pixels = u64::from(frame.width) * u64::from(frame.height);
//!         Ok(writeln!(self.0, "{} {}", frame.pts, sum / pixels.max(1))?)
//!     }
//!     fn finish(&mut self) -> Result<(), SinkError> {
//!         Ok(self.0.flush()?)
//!     }
//! }
//!
//! # fn main() -> Result<(), kinora::Fault> {
//! let player = Player::builder().video_sink(Brightness(std::io::stdout())).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Logs
//!
//! With the feature `tracing`, players, readers and their requests emit events of the [`tracing`](https://docs.rs/tracing) crate under
//! the targets `kinora` and `kinora_net`: commands, events by name, decoders, requests with masked URLs, connections. It is off by
//! default, and nothing is emitted for single packets, frames or pieces of a body.
#![forbid(unsafe_code)]

mod audio;
mod audio_output;
mod backends;
mod builder;
mod cache;
mod clock;
mod cloud;
mod deadline;
mod decode;
mod decoder;
mod documented;
mod driver;
mod events;
mod gate;
pub mod json;
mod key_pictures;
mod list_player;
mod loader;
mod memory;
mod output_thread;
mod player;
mod pool;
mod reader;
mod render;
mod scripts;
pub mod settings;
mod source;
mod thumbnails;
#[cfg(feature = "tracing")]
mod trace;
mod track_decoder;

pub use backends::{DecoderChoice, DemuxerChoice, decoder_for};
pub use builder::PlayerBuilder;
/// Coded bytes, as [`Packet`] holds them.
pub use bytes::Bytes;
pub use cache::{CacheConfig, set_global_cache};
pub use cloud::{play_auth, play_info};
pub use documented::{DocumentedNames, OptionKey};
pub use events::{EventStream, Events, NoEvent};
pub use kinora_cache::{
    CacheError, CacheKey, DiskStore, Entry, EntryId, EntryInfo, Limits, MemoryStore, Meta, Store,
    Verdict,
};
pub use kinora_cloud::sign::SignatureMethod;
pub use kinora_cloud::{
    Credentials, Definition, EncryptType, PlayConfig, PlayInfo, PlayInfoEntry, PlayInfoList,
    PlayOptions, Quality, SecretUrl, SignatureScheme, Thumbnail, ThumbnailList, UnknownDefinition,
    VidAuth, VidSource, VidSts, VideoBase,
};
pub use kinora_container::{PacketDump, SeekMode, SeekTo};
pub use kinora_engine::{
    Asset, CommandKind, ContentKey, Credential, CueId, DateRange, Event, FIRST_CAPTIONS,
    FIRST_EXTERNAL_SUBTITLE, InfoCode, Interstitial, InterstitialAsset, InterstitialCue,
    InterstitialEnd, InterstitialStatus, KeySystem, LoopMode, MAX_AUDIO_DELAY, PlayerConfig,
    Refusal, RenditionChoice, Repeat, Replay, ReplayError, Resumption, SCAN_SPEEDS, SPEEDS,
    SeekAccuracy, SessionData, State, Stats, TapeSink, TimingMark, TrackChoice, TrackOption,
    VOLUMES, clear_key, entry_to_play, replay,
};
pub use kinora_errors::{
    Cause, Code, Coded, Context, Errno, Fault, Lang, Origin, ReportStyle, Retry, Row, Secret,
    Severity, Text, codes, explain,
};
/// Messages within video: [`Event::Sei`].
pub use kinora_media::bitstream::UserData;
pub use kinora_media::{
    Attachment, AudioFrame, AudioParams, ByteRange, Chapter, CodecId, ColorInfo, ColorRange,
    Disposition, FrameBuffer, Freshness, Header, KeyId, MediaInfo, Mirror, Orientation, Packet,
    PacketFlags, PixelFormat, PlaneView, Program, ProgramStream, Protection, ProtectionScheme,
    RequestId, ResponseInfo, Rotation, SampleCrypto, Time, TimedEvent, TrackId, TrackInfo,
    TrackKind, VecPlanes, VideoFrame, VideoParams, sixteen_from_hex,
};
pub use kinora_net::{
    BitStreamSource, CacheNotice, FetchRequest, HttpCache, IpFamily, NetConfig, NoProxy, Phase,
    PhaseWatch, Proxy, ProxyConfig, ProxyError, Resolve, Resolving, ResponseSink, SystemResolver,
    Transport, Transports, Waiting,
};
/// Where pictures and sound go.
pub use kinora_output as output;
/// What cues say and how they look: [`subtitle::Cue`] comes with [`Event::SubtitleShown`].
pub use kinora_subtitle as subtitle;
pub use list_player::{ListError, ListOptions, ListPlayer, Preloaded};
pub use loader::{LoadAmount, LoadEvent, LoadId, LoaderOptions, MediaLoader};
pub use player::{OutputStats, Player};
pub use pool::{PlayerPool, PooledPlayer};
pub use reader::{AudioReader, MediaReader, ReadOptions, ReaderStatus, VideoReader};
pub use scripts::{LibassError, ScriptChoice};
/// A line of a recorded session, for [`TapeSink`] and [`replay()`]; text is parsed into it by [`str::parse`].
pub use serde_json::Value as JsonValue;
pub use source::Source;
pub use thumbnails::{SpriteThumbnail, SpriteThumbnails};

/// The example of the project's README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
