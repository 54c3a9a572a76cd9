//! The player.

use std::sync::Arc;
use std::time::Duration;

use kinora::{LoopMode, Repeat, SeekAccuracy, Time, TrackChoice, json, settings};
use napi::Env;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::border::{self, Job};
use crate::events::{self, Polled};
use crate::reader::Picture;

/// A player; `index.js` adds JavaScript's ways of waiting to it.
#[napi]
pub struct NativePlayer {
    player: Arc<kinora::Player>,
}

impl Drop for NativePlayer {
    fn drop(&mut self) {
        // A finalizer waits for nothing, as it holds up the event loop; who wants the last words releases.
        let _ = self.player.release(Duration::ZERO);
    }
}

fn seconds(time: f64) -> Time {
    Time::from_secs_f64(time)
}

#[napi]
impl NativePlayer {
    /// `options` is JSON, as `kinora::settings::player_builder` takes it.
    #[napi(constructor)]
    pub fn new(options: String) -> napi::Result<Self> {
        let player = border::run(|| settings::player_builder(&options)?.build())?;
        Ok(Self {
            player: Arc::new(player),
        })
    }
    /// The next event, see [`events::poll`].
    #[napi]
    pub fn poll<'env>(&self, env: &'env Env) -> napi::Result<Polled<'env>> {
        events::poll(env, &self.player)
    }
    /// Ends everything, and waits for the outputs so many seconds at most.
    #[napi]
    pub fn release(&self, timeout: f64) -> AsyncTask<Job<()>> {
        let limit = Duration::try_from_secs_f64(timeout.max(0.0)).unwrap_or(Duration::MAX);
        let player = Arc::clone(&self.player);
        Job::promise(move || player.release(limit))
    }

    /// A URL or a path.
    #[napi]
    pub fn open(&self, url: String) {
        self.player.open(url);
    }
    /// `source` is JSON.
    #[napi]
    pub fn set_source(&self, source: String) -> napi::Result<()> {
        border::run(|| settings::source(&source).map(|it| self.player.set_source(it)))
    }
    /// As the SDK's.
    #[napi]
    pub fn prepare(&self) {
        self.player.prepare();
    }
    /// As the SDK's.
    #[napi]
    pub fn start(&self) {
        self.player.start();
    }
    /// As the SDK's.
    #[napi]
    pub fn pause(&self) {
        self.player.pause();
    }
    /// As the SDK's.
    #[napi]
    pub fn step(&self) {
        self.player.step();
    }
    /// As the SDK's.
    #[napi]
    pub fn stop(&self) {
        self.player.stop();
    }
    /// As the SDK's.
    #[napi]
    pub fn reset(&self) {
        self.player.reset();
    }
    /// As the SDK's.
    #[napi]
    pub fn reload(&self) {
        self.player.reload();
    }
    /// As the SDK's.
    #[napi]
    pub fn network_reconnect(&self) {
        self.player.network_reconnect();
    }
    /// As the SDK's.
    #[napi]
    pub fn set_low_memory(&self, low: bool) {
        self.player.set_low_memory(low);
    }
    /// `credential` is JSON.
    #[napi]
    pub fn refresh(&self, credential: String) -> napi::Result<()> {
        border::run(|| settings::credential(&credential).map(|it| self.player.refresh(it)))
    }
    /// `config` is JSON.
    #[napi]
    pub fn set_config(&self, config: String) -> napi::Result<()> {
        border::run(|| {
            let config = settings::player(&self.player.config(), &config)?;
            self.player.set_config(config);
            Ok(())
        })
    }
    /// To a time, in seconds.
    #[napi]
    pub fn seek(&self, time: f64, exact: bool) {
        let accuracy = match exact {
            true => SeekAccuracy::Exact,
            false => SeekAccuracy::KeyFrame,
        };
        self.player.seek(seconds(time), accuracy);
    }
    /// Without an index the player chooses.
    #[napi]
    pub fn select_track(&self, index: Option<u32>) {
        self.player
            .select_track(index.map_or(TrackChoice::Auto, TrackChoice::Index));
    }
    /// A URL or a path.
    #[napi]
    pub fn add_subtitle(&self, url: String) {
        self.player.add_external_subtitle(url);
    }
    /// As the SDK's.
    #[napi]
    pub fn select_subtitle(&self, index: u32, shown: bool) {
        self.player.select_subtitle(index, shown);
    }
    /// In seconds.
    #[napi]
    pub fn set_subtitle_delay(&self, index: u32, delay: f64) {
        self.player.set_subtitle_delay(index, seconds(delay));
    }
    /// In seconds.
    #[napi]
    pub fn set_audio_delay(&self, delay: f64) {
        self.player.set_audio_delay(seconds(delay));
    }
    /// Both in hexadecimal digits.
    #[napi]
    pub fn add_key(&self, id: String, key: String) -> napi::Result<()> {
        border::run(|| {
            let (id, key) = settings::content_key(&id, &key)?;
            self.player.add_key(id, key);
            Ok(())
        })
    }
    /// A ClearKey licence.
    #[napi]
    pub fn add_licence(&self, licence: String) -> napi::Result<()> {
        border::run(|| self.player.add_licence(licence.as_bytes()))
    }
    /// Without both: no longer.
    #[napi]
    pub fn set_repeat(&self, begin: Option<f64>, end: Option<f64>) {
        let part = begin.zip(end).map(|(from, to)| Repeat {
            from: seconds(from),
            to: seconds(to),
        });
        self.player
            .set_repeat(part.filter(|part| part.from < part.to));
    }
    /// As the SDK's.
    #[napi]
    pub fn skip_interstitial(&self) {
        self.player.skip_interstitial();
    }
    /// Without both: not known.
    #[napi]
    pub fn set_viewport(&self, width: Option<u32>, height: Option<u32>) {
        self.player.set_viewport(width.zip(height));
    }
    /// As the SDK's.
    #[napi]
    pub fn set_speed(&self, speed: f64) {
        self.player.set_speed(speed);
    }
    /// As the SDK's.
    #[napi]
    pub fn set_volume(&self, volume: f64) {
        self.player.set_volume(volume as f32);
    }
    /// As the SDK's.
    #[napi]
    pub fn set_muted(&self, muted: bool) {
        self.player.set_mute(muted);
    }
    /// As the SDK's.
    #[napi]
    pub fn set_looping(&self, looped: bool) {
        self.player
            .set_loop(if looped { LoopMode::On } else { LoopMode::Off });
    }
    /// As the SDK's.
    #[napi]
    pub fn set_autoplay(&self, autoplay: bool) {
        self.player.set_autoplay(autoplay);
    }
    /// In degrees.
    #[napi]
    pub fn set_rotation(&self, degrees: u32) -> napi::Result<()> {
        border::run(|| settings::rotation(degrees).map(|it| self.player.set_rotation(it)))
    }
    /// By its name.
    #[napi]
    pub fn set_mirror(&self, name: String) -> napi::Result<()> {
        border::run(|| settings::mirror(&name).map(|it| self.player.set_mirror(it)))
    }
    /// By its name.
    #[napi]
    pub fn set_scale_mode(&self, name: String) -> napi::Result<()> {
        border::run(|| settings::scale_mode(&name).map(|it| self.player.set_scale_mode(it)))
    }
    /// Where thumbnails are.
    #[napi]
    pub fn set_thumbnail_url(&self, url: String) {
        self.player.set_thumbnail_url(url);
    }

    /// As the SDK's.
    #[napi]
    pub fn speed(&self) -> f64 {
        self.player.speed()
    }
    /// As the SDK's.
    #[napi]
    pub fn volume(&self) -> f64 {
        self.player.volume().into()
    }
    /// As the SDK's.
    #[napi]
    pub fn muted(&self) -> bool {
        self.player.is_muted()
    }
    /// As the SDK's.
    #[napi]
    pub fn looping(&self) -> bool {
        self.player.loop_mode() != LoopMode::Off
    }
    /// As the SDK's.
    #[napi]
    pub fn autoplay(&self) -> bool {
        self.player.autoplay()
    }
    /// In degrees.
    #[napi]
    pub fn rotation(&self) -> u32 {
        self.player.rotation().degrees()
    }
    /// By its name.
    #[napi]
    pub fn mirror(&self) -> String {
        format!("{:?}", self.player.mirror()).to_lowercase()
    }
    /// By its name.
    #[napi]
    pub fn scale_mode(&self) -> String {
        format!("{:?}", self.player.scale_mode()).to_lowercase()
    }
    /// By its name.
    #[napi]
    pub fn state(&self) -> String {
        format!("{:?}", self.player.state()).to_lowercase()
    }
    /// In seconds.
    #[napi]
    pub fn position(&self) -> f64 {
        self.player.position().as_secs_f64()
    }
    /// In seconds.
    #[napi]
    pub fn buffered(&self) -> f64 {
        self.player.buffered_position().as_secs_f64()
    }
    /// In seconds.
    #[napi]
    pub fn duration(&self) -> Option<f64> {
        self.player.duration().map(Time::as_secs_f64)
    }
    /// As the SDK's.
    #[napi]
    pub fn chapter(&self) -> Option<u32> {
        self.player.chapter()
    }
    /// Bits a second.
    #[napi]
    pub fn download_speed(&self) -> f64 {
        self.player.download_speed() as f64
    }
    /// As the SDK's.
    #[napi]
    pub fn released(&self) -> bool {
        self.player.is_released()
    }
    /// JSON.
    #[napi]
    pub fn media_info(&self) -> Option<String> {
        let info = self.player.media_info()?;
        Some(json::media_info(&info).to_string())
    }
    /// JSON.
    #[napi]
    pub fn tracks(&self) -> String {
        let tracks = self.player.tracks();
        let list = tracks.iter().flat_map(|it| it.iter());
        serde_json::Value::from_iter(list.map(json::track_option)).to_string()
    }
    /// The picture that is shown.
    #[napi]
    pub fn snapshot(&self) -> Option<Picture> {
        self.player.snapshot().map(Picture::new)
    }
}
