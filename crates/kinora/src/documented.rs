//! The names that players of this family are documented with, where ours are others.

use std::sync::Arc;
use std::time::Duration;

use kinora_cloud::{VidAuth, VidSts};
use kinora_engine::{PlayerConfig, SeekAccuracy};
use kinora_media::{MediaInfo, Rotation, Time, TrackKind};
use kinora_net::BitStreamSource;
use kinora_output::ScaleMode;

use crate::{Player, Source};

/// What [`DocumentedNames::get_option`] tells, with the documented numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(i32)]
pub enum OptionKey {
    /// Pictures that were shown within the last second.
    RenderFps = 0,
    /// Bits a second that arrive.
    DownloadBitrate = 1,
    /// Bits a second of the video that plays, as its source tells them; 0 where it does not.
    VideoBitrate = 2,
    /// The same of the audio.
    AudioBitrate = 3,
}

/// The documented methods of a player under their documented names, in snake case and with their documented units
/// (milliseconds), for who carries an application over: each does what the method of [`Player`] does that it names. Those whose
/// names are the same (`prepare`, `set_speed`, `snapshot`, …) are not repeated. `docs/features.md` lists all of them.
///
/// ```no_run
/// use kinora::output::ScaleMode;
/// use kinora::{DocumentedNames, FIRST_EXTERNAL_SUBTITLE, OptionKey, Player, Rotation, SeekAccuracy};
///
/// # fn main() -> Result<(), kinora::Fault> {
/// let player = Player::builder().build()?;
/// player.set_default_band_width(4_000_000);
/// player.set_max_accurate_seek_delta(5_000);
/// player.set_url_source("https://example.com/film.m3u8");
/// player.set_auto_play(true);
/// player.prepare();
/// player.seek_to(90_000, SeekAccuracy::Exact);
/// player.set_rotate(Rotation::Cw90);
/// player.set_scale(ScaleMode::Fill);
/// player.add_ext_subtitle("https://example.com/film.en.vtt");
/// player.select_ext_subtitle(FIRST_EXTERNAL_SUBTITLE, true);
/// player.set_stream_delay_time(FIRST_EXTERNAL_SUBTITLE, -250);
/// player.net_work_re_connect();
/// let tracks = player.get_media_info().map_or(0, |info| info.tracks.len());
/// println!("{tracks} tracks, {}x{}", player.width(), player.height());
/// println!("{} pictures a second", player.get_option(OptionKey::RenderFps));
/// println!("{:?}, {} bytes", player.current_utc_time(), player.local_cache_loaded_size());
/// player.destroy();
/// # Ok(())
/// # }
/// ```
pub trait DocumentedNames {
    /// [`Player::set_source`] of a URL or a path.
    fn set_url_source(&self, url: &str);
    /// [`Player::set_source`] of a video by its id, with an STS triple.
    ///
    /// ```no_run
    /// use kinora::{BitStreamSource, DocumentedNames, Player, Quality, Secret, VidAuth, VidSts};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let player = Player::builder().build()?;
    /// player.set_sts_source(VidSts {
    ///     vid: "5aed81b74ba84920be578cdfe004af4b".to_owned(),
    ///     access_key_id: "STS.…".to_owned(),
    ///     access_key_secret: Secret::new("…"),
    ///     security_token: Secret::new("…"),
    ///     region: "cn-shanghai".to_owned(),
    ///     quality: Quality { definition: Some("HD".parse()?), forced: false },
    ///     ..VidSts::default()
    /// });
    /// // Or with a play credential, or bytes of the application's own:
    /// player.set_auth_source(VidAuth { play_auth: Secret::new("…"), ..VidAuth::default() });
    /// player.set_bit_stream_source(BitStreamSource::seekable(std::fs::File::open("film.mp4")?));
    /// # Ok(())
    /// # }
    /// ```
    fn set_sts_source(&self, source: VidSts);
    /// [`Player::set_source`] of a video by its id, with a play credential.
    fn set_auth_source(&self, source: VidAuth);
    /// [`Player::set_source`] of bytes that the application reads.
    fn set_bit_stream_source(&self, source: BitStreamSource);
    /// [`Player::release`] that waits for nothing: what outputs can not write by then is lost.
    fn destroy(&self);
    /// [`Player::seek`] to so many milliseconds.
    fn seek_to(&self, position_ms: i64, mode: SeekAccuracy);
    /// [`PlayerConfig::max_accurate_seek_delta`], in milliseconds.
    fn set_max_accurate_seek_delta(&self, delta_ms: u64);
    /// [`PlayerConfig::default_bandwidth`], in bits a second.
    fn set_default_band_width(&self, bits_per_second: u64);
    /// [`Player::media_info`].
    fn get_media_info(&self) -> Option<Arc<MediaInfo>>;
    /// [`Player::set_autoplay`].
    fn set_auto_play(&self, autoplay: bool);
    /// [`Player::set_rotation`].
    fn set_rotate(&self, rotation: Rotation);
    /// [`Player::set_scale_mode`].
    fn set_scale(&self, mode: ScaleMode);
    /// [`Player::add_external_subtitle`].
    fn add_ext_subtitle(&self, url: &str);
    /// [`Player::select_subtitle`].
    fn select_ext_subtitle(&self, index: u32, on: bool);
    /// [`Player::set_subtitle_delay`], in milliseconds.
    fn set_stream_delay_time(&self, index: u32, delay_ms: i64);
    /// [`Player::network_reconnect`].
    fn net_work_re_connect(&self);
    /// One of the rates that [`Player::output_stats`], [`Player::download_speed`] and [`Player::current_track`] tell.
    fn get_option(&self, key: OptionKey) -> f64;
    /// [`Player::program_date_ms`].
    fn current_utc_time(&self) -> Option<i64>;
    /// [`Player::local_cache_loaded`], in bytes.
    fn local_cache_loaded_size(&self) -> u64;
    /// The first of [`Player::video_size`]; 0 where it is not known.
    fn width(&self) -> u32;
    /// The second of [`Player::video_size`]; 0 where it is not known.
    fn height(&self) -> u32;
}

impl DocumentedNames for Player {
    fn set_url_source(&self, url: &str) {
        self.set_source(url);
    }
    fn set_sts_source(&self, source: VidSts) {
        self.set_source(Source::VidSts(Box::new(source)));
    }
    fn set_auth_source(&self, source: VidAuth) {
        self.set_source(Source::VidAuth(Box::new(source)));
    }
    fn set_bit_stream_source(&self, source: BitStreamSource) {
        self.set_source(source);
    }
    fn destroy(&self) {
        // Who wants to know what an output could not write calls `release`.
        let _ = self.release(Duration::ZERO);
    }
    fn seek_to(&self, position_ms: i64, mode: SeekAccuracy) {
        self.seek(Time::from_millis(position_ms), mode);
    }
    fn set_max_accurate_seek_delta(&self, delta_ms: u64) {
        self.set_config(PlayerConfig {
            max_accurate_seek_delta: Duration::from_millis(delta_ms),
            ..self.config()
        });
    }
    fn set_default_band_width(&self, bits_per_second: u64) {
        self.set_config(PlayerConfig {
            default_bandwidth: Some(bits_per_second),
            ..self.config()
        });
    }
    fn get_media_info(&self) -> Option<Arc<MediaInfo>> {
        self.media_info()
    }
    fn set_auto_play(&self, autoplay: bool) {
        self.set_autoplay(autoplay);
    }
    fn set_rotate(&self, rotation: Rotation) {
        self.set_rotation(rotation);
    }
    fn set_scale(&self, mode: ScaleMode) {
        self.set_scale_mode(mode);
    }
    fn add_ext_subtitle(&self, url: &str) {
        self.add_external_subtitle(url);
    }
    fn select_ext_subtitle(&self, index: u32, on: bool) {
        self.select_subtitle(index, on);
    }
    fn set_stream_delay_time(&self, index: u32, delay_ms: i64) {
        self.set_subtitle_delay(index, Time::from_millis(delay_ms));
    }
    fn net_work_re_connect(&self) {
        self.network_reconnect();
    }
    #[allow(clippy::cast_precision_loss)]
    fn get_option(&self, key: OptionKey) -> f64 {
        let bitrate = |kind| self.current_track(kind).and_then(|track| track.bitrate);
        match key {
            OptionKey::RenderFps => f64::from(self.output_stats().shown_per_second),
            OptionKey::DownloadBitrate => self.download_speed() as f64,
            OptionKey::VideoBitrate => bitrate(TrackKind::Video).unwrap_or(0) as f64,
            OptionKey::AudioBitrate => bitrate(TrackKind::Audio).unwrap_or(0) as f64,
        }
    }
    fn current_utc_time(&self) -> Option<i64> {
        self.program_date_ms()
    }
    fn local_cache_loaded_size(&self) -> u64 {
        self.local_cache_loaded()
    }
    fn width(&self) -> u32 {
        self.video_size().map_or(0, |(width, _)| width)
    }
    fn height(&self) -> u32 {
        self.video_size().map_or(0, |(_, height)| height)
    }
}
