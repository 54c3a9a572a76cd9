//! The player.

use std::time::{Duration, Instant};

use kinora::{LoopMode, NoEvent, Repeat, SeekAccuracy, Time, TrackChoice, json, settings};
use pyo3::prelude::*;

use crate::border;
use crate::events::{Event, EventStream};
use crate::memory::Picture;

/// How long a wait goes on before Python's signals are looked at: Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

/// A player; the class of the package adds Python's ways of waiting to it.
#[pyclass(frozen, subclass, module = "kinora._kinora")]
pub(crate) struct Player(kinora::Player);

impl Drop for Player {
    fn drop(&mut self) {
        // A finalizer waits for nothing, as it holds up the interpreter; who wants the last words releases.
        let _ = self.0.release(Duration::ZERO);
    }
}

fn seconds(time: f64) -> Time {
    Time::from_secs_f64(time)
}

fn limit(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

#[pymethods]
impl Player {
    /// `options` is JSON, as `kinora::settings::player_builder` takes it.
    #[new]
    fn new(py: Python<'_>, options: String) -> PyResult<Self> {
        border::run(py, || settings::player_builder(&options)?.build()).map(Self)
    }

    #[pyo3(name = "_open")]
    fn open(&self, url: &str) {
        self.0.open(url);
    }
    /// `source` is JSON.
    #[pyo3(name = "_set_source")]
    fn set_source(&self, py: Python<'_>, source: String) -> PyResult<()> {
        border::run(py, || {
            self.0.set_source(settings::source(&source)?);
            Ok(())
        })
    }
    fn prepare(&self) {
        self.0.prepare();
    }
    fn start(&self) {
        self.0.start();
    }
    fn pause(&self) {
        self.0.pause();
    }
    fn step(&self) {
        self.0.step();
    }
    fn stop(&self) {
        self.0.stop();
    }
    fn reset(&self) {
        self.0.reset();
    }
    fn reload(&self) {
        self.0.reload();
    }
    fn network_reconnect(&self) {
        self.0.network_reconnect();
    }
    fn set_low_memory(&self, low: bool) {
        self.0.set_low_memory(low);
    }
    /// `credential` is JSON.
    #[pyo3(name = "_refresh")]
    fn refresh(&self, py: Python<'_>, credential: String) -> PyResult<()> {
        border::run(py, || {
            self.0.refresh(settings::credential(&credential)?);
            Ok(())
        })
    }
    /// `config` is JSON.
    #[pyo3(name = "_set_config")]
    fn set_config(&self, py: Python<'_>, config: String) -> PyResult<()> {
        border::run(py, || {
            self.0
                .set_config(settings::player(&self.0.config(), &config)?);
            Ok(())
        })
    }
    #[pyo3(signature = (time, *, exact = false))]
    fn seek(&self, time: f64, exact: bool) {
        let accuracy = match exact {
            true => SeekAccuracy::Exact,
            false => SeekAccuracy::KeyFrame,
        };
        self.0.seek(seconds(time), accuracy);
    }
    #[pyo3(signature = (index = None))]
    fn select_track(&self, index: Option<u32>) {
        self.0
            .select_track(index.map_or(TrackChoice::Auto, TrackChoice::Index));
    }
    #[pyo3(name = "_add_subtitle")]
    fn add_subtitle(&self, url: &str) {
        self.0.add_external_subtitle(url);
    }
    #[pyo3(signature = (index, shown = true))]
    fn select_subtitle(&self, index: u32, shown: bool) {
        self.0.select_subtitle(index, shown);
    }
    fn set_subtitle_delay(&self, index: u32, delay: f64) {
        self.0.set_subtitle_delay(index, seconds(delay));
    }
    fn set_audio_delay(&self, delay: f64) {
        self.0.set_audio_delay(seconds(delay));
    }
    fn add_key(&self, py: Python<'_>, id: &str, key: &str) -> PyResult<()> {
        border::run(py, || {
            let (id, key) = settings::content_key(id, key)?;
            self.0.add_key(id, key);
            Ok(())
        })
    }
    fn add_licence(&self, py: Python<'_>, licence: &[u8]) -> PyResult<()> {
        border::run(py, || self.0.add_licence(licence))
    }
    #[pyo3(signature = (begin = None, end = None))]
    fn set_repeat(&self, begin: Option<f64>, end: Option<f64>) {
        let part = begin.zip(end).map(|(from, to)| Repeat {
            from: seconds(from),
            to: seconds(to),
        });
        self.0.set_repeat(part.filter(|part| part.from < part.to));
    }
    fn skip_interstitial(&self) {
        self.0.skip_interstitial();
    }
    #[pyo3(signature = (size = None))]
    fn set_viewport(&self, size: Option<(u32, u32)>) {
        self.0.set_viewport(size);
    }

    #[getter]
    fn speed(&self) -> f64 {
        self.0.speed()
    }
    #[setter]
    fn set_speed(&self, speed: f64) {
        self.0.set_speed(speed);
    }
    #[getter]
    fn volume(&self) -> f32 {
        self.0.volume()
    }
    #[setter]
    fn set_volume(&self, volume: f32) {
        self.0.set_volume(volume);
    }
    #[getter]
    fn muted(&self) -> bool {
        self.0.is_muted()
    }
    #[setter]
    fn set_muted(&self, muted: bool) {
        self.0.set_mute(muted);
    }
    #[getter]
    fn looping(&self) -> bool {
        self.0.loop_mode() != LoopMode::Off
    }
    #[setter]
    fn set_looping(&self, looped: bool) {
        self.0
            .set_loop(if looped { LoopMode::On } else { LoopMode::Off });
    }
    #[getter]
    fn autoplay(&self) -> bool {
        self.0.autoplay()
    }
    #[setter]
    fn set_autoplay(&self, autoplay: bool) {
        self.0.set_autoplay(autoplay);
    }
    #[getter]
    fn rotation(&self) -> u32 {
        self.0.rotation().degrees()
    }
    #[setter]
    fn set_rotation(&self, py: Python<'_>, degrees: u32) -> PyResult<()> {
        border::run(py, || {
            self.0.set_rotation(settings::rotation(degrees)?);
            Ok(())
        })
    }
    #[getter]
    fn mirror(&self) -> String {
        format!("{:?}", self.0.mirror()).to_lowercase()
    }
    #[setter]
    fn set_mirror(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        border::run(py, || {
            self.0.set_mirror(settings::mirror(name)?);
            Ok(())
        })
    }
    #[getter]
    fn scale_mode(&self) -> String {
        format!("{:?}", self.0.scale_mode()).to_lowercase()
    }
    #[setter]
    fn set_scale_mode(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        border::run(py, || {
            self.0.set_scale_mode(settings::scale_mode(name)?);
            Ok(())
        })
    }

    #[getter]
    fn state(&self) -> String {
        format!("{:?}", self.0.state()).to_lowercase()
    }
    #[getter]
    fn position(&self) -> f64 {
        self.0.position().as_secs_f64()
    }
    #[getter]
    fn buffered(&self) -> f64 {
        self.0.buffered_position().as_secs_f64()
    }
    #[getter]
    fn duration(&self) -> Option<f64> {
        self.0.duration().map(Time::as_secs_f64)
    }
    #[getter]
    fn chapter(&self) -> Option<u32> {
        self.0.chapter()
    }
    #[getter]
    fn download_speed(&self) -> u64 {
        self.0.download_speed()
    }
    #[getter]
    fn released(&self) -> bool {
        self.0.is_released()
    }
    /// JSON; `None` before it is prepared.
    #[pyo3(name = "_media_info")]
    fn media_info(&self) -> Option<String> {
        let info = self.0.media_info()?;
        Some(json::media_info(&info).to_string())
    }
    /// JSON.
    #[pyo3(name = "_tracks")]
    fn tracks(&self) -> String {
        let tracks = self.0.tracks();
        let list = tracks.iter().flat_map(|it| it.iter());
        serde_json::Value::from_iter(list.map(json::track_option)).to_string()
    }
    #[pyo3(name = "_snapshot")]
    fn snapshot(&self) -> Option<Picture> {
        self.0.snapshot().map(Picture)
    }

    /// The next event; `None` where none came in time, or none can come any more.
    #[pyo3(name = "_next_event")]
    fn next_event(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Event>> {
        let until = timeout.and_then(|it| Instant::now().checked_add(limit(it)));
        loop {
            let left = until.map_or(SLICE, |until| {
                until.saturating_duration_since(Instant::now())
            });
            match border::done(py, || self.0.next_event(left.min(SLICE)))? {
                Ok(event) => return Ok(Some(Event::new(event))),
                Err(NoEvent::Released) => return Ok(None),
                Err(NoEvent::NotYet) if left.is_zero() => return Ok(None),
                Err(NoEvent::NotYet) => py.check_signals()?,
            }
        }
    }
    #[pyo3(name = "_event_stream")]
    fn event_stream(&self) -> EventStream {
        EventStream::new(self.0.event_stream())
    }
    #[pyo3(signature = (timeout = 1.0))]
    fn release(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        border::run(py, || self.0.release(limit(timeout)))
    }
}
