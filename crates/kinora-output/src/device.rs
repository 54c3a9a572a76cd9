//! Sound that is heard: a device that keeps the time, may go away, and comes back.
//!
//! Devices have clocks of their own: here, and only here, moments are also read.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::Duration;

use kinora_audio::{AudioFormat, fade_in, fade_out};
use kinora_media::Time;
use thiserror::Error;

use crate::SinkError;
use crate::audio::{AudioDevice, AudioSink, NullAudio, SinkNews};

#[cfg(target_os = "linux")]
mod alsa;
#[cfg(unix)]
mod pulse;
#[cfg(unix)]
mod pulse_connection;

/// A device that is being opened is waited for so long before sound begins without it.
const OPEN_LIMIT: Duration = Duration::from_secs(2);
/// Without a device one is looked for so often.
const RETRY_EVERY: Time = Time::from_millis(1_000);
/// Sound ends and begins by slopes of so long, so that nothing clicks.
const FADE_MS: u32 = 10;

/// Where a device is. Counts are samples of a channel since it was configured.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// What is heard now; negative while the first one is on its way.
    heard: i64,
    /// From there on what was written can be written over.
    fixed: u64,
}

/// What a sound system gives to play at. Calls come one after the other, and take a second at most.
trait Device: Send {
    /// Makes ready for samples of that form; it stands still.
    fn configure(&mut self, format: AudioFormat) -> Result<(), DeviceFailure>;
    /// What it is called.
    fn name(&mut self) -> Result<AudioDevice, DeviceFailure>;
    /// Takes samples; it has room for a second.
    fn write(&mut self, samples: &[f32]) -> Result<(), DeviceFailure>;
    /// What is written next takes the place of what was written from that count on.
    fn rewind(&mut self, to: u64) -> Result<(), DeviceFailure>;
    fn place(&mut self) -> Result<Place, DeviceFailure>;
    fn start(&mut self) -> Result<(), DeviceFailure>;
    /// Stands still; nothing is being heard.
    fn stop(&mut self) -> Result<(), DeviceFailure>;
    /// Waits until all is heard that was written.
    fn finish(&mut self) -> Result<(), DeviceFailure>;
    /// It plays elsewhere than it did when it was asked last.
    fn has_moved(&mut self) -> Result<bool, DeviceFailure>;
}

type Cause = Box<dyn StdError + Send + Sync>;

/// Why a device does not play.
#[derive(Debug)]
enum DeviceFailure {
    /// The sound system is not there.
    NoSystem(Cause),
    /// It has no such device.
    NoDevice(Cause),
    /// The device is gone, or does not answer.
    Lost(Cause),
    /// It does not play that.
    Format(AudioFormat),
}

impl From<DeviceFailure> for SinkError {
    fn from(failure: DeviceFailure) -> Self {
        match failure {
            DeviceFailure::NoSystem(source) => Self::NoSoundSystem(source),
            DeviceFailure::NoDevice(source) => Self::NoDevice(source),
            DeviceFailure::Lost(source) => Self::DeviceLost(source),
            DeviceFailure::Format(format) => Self::DeviceFormat(format.to_string()),
        }
    }
}

/// Opens the device that was chosen, as often as it is lost.
type Opener = Arc<dyn Fn() -> Result<Box<dyn Device>, DeviceFailure> + Send + Sync>;

#[cfg(unix)]
fn open_pulse(socket: Option<&Path>, name: Option<&str>) -> Result<Box<dyn Device>, DeviceFailure> {
    Ok(Box::new(pulse::Pulse::open(socket, name)?))
}

#[cfg(not(unix))]
fn open_pulse(_: Option<&Path>, _: Option<&str>) -> Result<Box<dyn Device>, DeviceFailure> {
    Err(DeviceFailure::NoSystem(OpenFailure::Elsewhere.into()))
}

#[cfg(target_os = "linux")]
fn open_alsa(name: Option<&str>) -> Result<Box<dyn Device>, DeviceFailure> {
    Ok(Box::new(alsa::Alsa::open(name)?))
}

#[cfg(not(target_os = "linux"))]
fn open_alsa(_: Option<&str>) -> Result<Box<dyn Device>, DeviceFailure> {
    Err(DeviceFailure::NoSystem(OpenFailure::Elsewhere.into()))
}

/// The devices that sound can come out at, of all sound systems that there are.
///
/// # Errors
/// What the first system said, where none is there.
pub fn audio_devices() -> Result<Vec<AudioDevice>, SinkError> {
    let systems: [Result<Vec<AudioDevice>, DeviceFailure>; 2] = [
        #[cfg(unix)]
        pulse::devices(),
        #[cfg(not(unix))]
        Ok(Vec::new()),
        #[cfg(target_os = "linux")]
        alsa::devices(),
        #[cfg(not(target_os = "linux"))]
        Ok(Vec::new()),
    ];
    let [server, bare] = systems;
    match (server, bare) {
        (Err(failure), Err(_)) => Err(failure.into()),
        (server, bare) => Ok([server.unwrap_or_default(), bare.unwrap_or_default()].concat()),
    }
}

type Opening = Receiver<Result<Box<dyn Device>, DeviceFailure>>;

/// Opens a device on a thread of its own, made ready for a format where that is known.
fn open_beside(opener: &Opener, format: Option<AudioFormat>) -> Opening {
    let opener = Arc::clone(opener);
    let (answer, opening) = sync_channel(1);
    let open = move || {
        let opened = opener().and_then(|mut device| match format {
            Some(format) => device.configure(format).map(|()| device),
            None => Ok(device),
        });
        // Whoever waited may have given up.
        let _ = answer.send(opened);
    };
    // Without the thread nothing is sent, which is read as a failure.
    let _ = std::thread::Builder::new()
        .name("kinora-device".into())
        .spawn(open);
    opening
}

/// Why nothing came of opening a device.
#[derive(Debug, Error)]
enum OpenFailure {
    #[error("the thread that opens the sound device does not run")]
    NoThread,
    #[error("the sound device takes longer to open than {} s", OPEN_LIMIT.as_secs())]
    TooSlow,
    #[cfg(not(target_os = "linux"))]
    #[error("there is no such sound system on this operating system")]
    Elsewhere,
}

/// A sink that plays at a device. It is opened beside all else from the moment on that this is made; when it goes away, time goes on
/// without sound, and a device is looked for until there is one again.
pub struct DeviceAudio {
    opener: Opener,
    /// Without any device nothing is amiss.
    may_lack: bool,
    state: State,
    format: AudioFormat,
    running: bool,
    /// The moment of the last call that named one.
    now: Time,
    /// What is not heard yet, and what count it begins at. Counts are of this sink: since it was flushed.
    held: VecDeque<f32>,
    heard: u64,
    news: VecDeque<SinkNews>,
}

enum State {
    /// Nothing was to be played yet.
    Opening(Opening),
    Open(Playing),
    /// Time goes on without a device.
    Without {
        clock: NullAudio,
        /// What that clock counts from.
        from: u64,
        retry: Retry,
    },
}

enum Retry {
    At(Time),
    Under(Opening),
    /// There was none to begin with, which was agreed to.
    Never,
}

/// A device that has samples.
struct Playing {
    device: Box<dyn Device>,
    /// It was configured.
    is_ready: bool,
    /// Samples of a channel that it was given.
    written: u64,
    /// What the device counts where the sink counts zero.
    base: i64,
    /// It is uncorked.
    started: bool,
    /// It was told to be silent, and stops once that was heard.
    stop_at: Option<u64>,
    /// What comes next comes after silence.
    rises: bool,
}

impl DeviceAudio {
    /// The first device that there is: the default one of PulseAudio or PipeWire, else of ALSA. Where there is none, nothing is
    /// amiss, and sound goes nowhere.
    #[must_use]
    pub fn auto() -> Self {
        let open = || open_pulse(None, None).or_else(|_| open_alsa(None));
        Self::open(Arc::new(open), true)
    }

    /// A device of PulseAudio or PipeWire: by its name, else the default one; of the server that listens at a socket, else the
    /// session's.
    #[must_use]
    pub fn pulse(socket: Option<&Path>, name: Option<&str>) -> Self {
        let (socket, name) = (socket.map(Path::to_owned), name.map(str::to_owned));
        let open = move || open_pulse(socket.as_deref(), name.as_deref());
        Self::open(Arc::new(open), false)
    }

    /// A device of ALSA: by its name, else the default one.
    #[must_use]
    pub fn alsa(name: Option<&str>) -> Self {
        let name = name.map(str::to_owned);
        Self::open(Arc::new(move || open_alsa(name.as_deref())), false)
    }

    fn open(opener: Opener, may_lack: bool) -> Self {
        Self {
            state: State::Opening(open_beside(&opener, None)),
            opener,
            may_lack,
            format: AudioFormat {
                sample_rate: 48_000,
                channels: 2,
            },
            running: false,
            now: Time::ZERO,
            held: VecDeque::new(),
            heard: 0,
            news: VecDeque::new(),
        }
    }

    fn queued(&self) -> u64 {
        self.heard + (self.held.len() / self.format.width()) as u64
    }

    /// Does something with the device, where there is one. A device that fails in it is gone.
    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Playing, &Held<'_>) -> Result<T, DeviceFailure>,
    ) -> Option<T> {
        let queued = self.queued();
        let State::Open(playing) = &mut self.state else {
            return None;
        };
        let held = Held {
            samples: &self.held,
            from: self.heard,
            queued,
            format: self.format,
        };
        match act(playing, &held) {
            Ok(done) => Some(done),
            Err(failure) => {
                self.lose(failure);
                None
            }
        }
    }

    /// The device is gone: time goes on.
    fn lose(&mut self, failure: DeviceFailure) {
        self.news.push_back(SinkNews::Lost(failure.into()));
        self.go_without(Retry::At(self.now));
    }

    fn go_without(&mut self, retry: Retry) {
        let now = self.now;
        let mut clock = NullAudio::new();
        // It takes every format.
        let _ = clock.configure(self.format);
        let _ = clock.queue(now, self.held.make_contiguous());
        if self.running {
            clock.run(now);
        }
        self.state = State::Without {
            clock,
            from: self.heard,
            retry,
        };
    }

    /// Looks whether a device is there again, where there is none.
    fn look(&mut self) {
        let now = self.now;
        let State::Without { retry, .. } = &mut self.state else {
            return;
        };
        match retry {
            Retry::Never => {}
            Retry::At(at) if *at > now => {}
            Retry::At(_) => {
                *retry = Retry::Under(open_beside(&self.opener, Some(self.format)));
            }
            Retry::Under(opening) => match opening.try_recv() {
                Err(TryRecvError::Empty) => {}
                Ok(Ok(device)) => self.go_on(device),
                // It was told already that there is none.
                Ok(Err(_)) | Err(TryRecvError::Disconnected) => {
                    *retry = Retry::At(now + RETRY_EVERY);
                }
            },
        }
    }

    /// Waits for the device that was begun to be opened.
    fn settle_on_device(&mut self) {
        let State::Opening(opening) = &self.state else {
            return;
        };
        let opened = match opening.recv_timeout(OPEN_LIMIT) {
            Ok(opened) => opened,
            Err(RecvTimeoutError::Timeout) => Err(DeviceFailure::Lost(OpenFailure::TooSlow.into())),
            Err(RecvTimeoutError::Disconnected) => {
                Err(DeviceFailure::Lost(OpenFailure::NoThread.into()))
            }
        };
        match opened {
            Ok(device) => self.state = State::Open(Playing::new(device)),
            Err(_) if self.may_lack => {
                self.go_without(Retry::Never);
                self.news.push_back(SinkNews::Device(nowhere()));
            }
            Err(failure) => self.lose(failure),
        }
    }

    /// A device that is ready for the format goes on where the clock is.
    fn go_on(&mut self, device: Box<dyn Device>) {
        self.settle();
        self.state = State::Open(Playing::new(device));
        self.tell_name();
        if self.running {
            self.with(Playing::begin);
        }
    }

    fn tell_name(&mut self) {
        if let Some(name) = self.with(|playing, _| playing.device.name()) {
            self.news.push_back(SinkNews::Device(name));
        }
    }

    /// Counts what was heard until now.
    fn settle(&mut self) {
        let (now, queued) = (self.now, self.queued());
        let heard = match &mut self.state {
            State::Without { clock, from, .. } => *from + clock.played(now),
            _ if !self.running => self.heard,
            _ => {
                let heard = self.with(|playing, _| playing.heard());
                u64::try_from(heard.unwrap_or(0)).unwrap_or(0)
            }
        };
        let heard = heard.clamp(self.heard, queued);
        let gone = usize::try_from(heard - self.heard).unwrap_or(usize::MAX);
        let gone = gone
            .saturating_mul(self.format.width())
            .min(self.held.len());
        self.held.drain(..gone);
        self.heard = heard;
    }
}

/// What the sink holds, for the device.
struct Held<'a> {
    samples: &'a VecDeque<f32>,
    from: u64,
    queued: u64,
    format: AudioFormat,
}

impl Held<'_> {
    /// The samples from a count on, no more than so many of a channel.
    fn from(&self, count: u64, most: usize) -> Vec<f32> {
        let width = self.format.width();
        let skip = usize::try_from(count.saturating_sub(self.from)).unwrap_or(usize::MAX);
        let samples = self.samples.iter().skip(skip.saturating_mul(width));
        samples.take(most.saturating_mul(width)).copied().collect()
    }

    fn fade(&self) -> usize {
        self.format.frames_in(FADE_MS)
    }
}

impl Playing {
    fn new(device: Box<dyn Device>) -> Self {
        Self {
            device,
            is_ready: false,
            written: 0,
            base: 0,
            started: false,
            stop_at: None,
            rises: false,
        }
    }

    /// Makes ready for a format; `true`: for the first time.
    fn configure(&mut self, format: AudioFormat) -> Result<bool, DeviceFailure> {
        self.device.configure(format)?;
        (self.written, self.base) = (0, 0);
        (self.started, self.stop_at, self.rises) = (false, None, false);
        Ok(!std::mem::replace(&mut self.is_ready, true))
    }

    /// Plays what is held, from its first sample on.
    fn begin(&mut self, held: &Held<'_>) -> Result<(), DeviceFailure> {
        self.base = self.written.cast_signed() - held.from.cast_signed();
        (self.stop_at, self.rises) = (None, held.samples.is_empty());
        let mut samples = held.from(held.from, usize::MAX);
        fade_in(&mut samples, held.format.width(), held.fade());
        self.write(&samples, held.format)?;
        if !self.started {
            self.started = true;
            self.device.start()?;
        }
        Ok(())
    }

    /// Plays what comes next.
    fn go_on(&mut self, samples: &[f32], held: &Held<'_>) -> Result<(), DeviceFailure> {
        if !std::mem::take(&mut self.rises) {
            return self.write(samples, held.format);
        }
        let mut samples = samples.to_vec();
        fade_in(&mut samples, held.format.width(), held.fade());
        self.write(&samples, held.format)
    }

    /// What is heard, in the sink's count; negative, or of before a jump, while the first of it is on its way.
    fn heard(&mut self) -> Result<i64, DeviceFailure> {
        Ok(self.device.place()?.heard - self.base)
    }

    fn write(&mut self, samples: &[f32], format: AudioFormat) -> Result<(), DeviceFailure> {
        if samples.is_empty() {
            return Ok(());
        }
        self.written += (samples.len() / format.width()) as u64;
        self.device.write(samples)
    }

    /// Gives the count up to which all stays; what is behind it is forgotten.
    fn take_back(&mut self, held: &Held<'_>) -> Result<u64, DeviceFailure> {
        let fixed = self.device.place()?.fixed.min(self.written);
        self.device.rewind(fixed)?;
        self.written = fixed;
        let kept = fixed.cast_signed() - self.base;
        Ok(u64::try_from(kept)
            .unwrap_or(0)
            .clamp(held.from, held.queued))
    }

    /// Lets what is heard fall to silence, as soon as that can be.
    fn silence(&mut self, held: &Held<'_>) -> Result<(), DeviceFailure> {
        let kept = self.take_back(held)?;
        let mut samples = held.from(kept, held.fade());
        fade_out(&mut samples, held.format.width(), held.fade());
        self.write(&samples, held.format)?;
        self.stop_at = Some(self.written);
        Ok(())
    }

    /// Stops, once the silence was heard.
    fn rest(&mut self) -> Result<(), DeviceFailure> {
        let Some(until) = self.stop_at else {
            return Ok(());
        };
        if self.device.place()?.heard < until.cast_signed() {
            return Ok(());
        }
        self.stop_at = None;
        self.started = false;
        self.device.stop()
    }
}

impl AudioSink for DeviceAudio {
    fn configure(&mut self, format: AudioFormat) -> Result<(), SinkError> {
        let running = std::mem::replace(&mut self.running, false);
        self.held.clear();
        (self.heard, self.format) = (0, format);
        self.settle_on_device();
        match &mut self.state {
            State::Open(playing) => match playing.configure(format) {
                Ok(false) => {}
                Ok(true) => self.tell_name(),
                Err(failure @ DeviceFailure::Format(_)) => return Err(failure.into()),
                Err(failure) => self.lose(failure),
            },
            State::Without { retry, .. } => {
                // A device that is being made ready for the format before is of no use.
                let retry = match retry {
                    Retry::Never => Retry::Never,
                    Retry::At(_) | Retry::Under(_) => Retry::At(self.now),
                };
                self.go_without(retry);
            }
            State::Opening(_) => {}
        }
        if running {
            self.run(self.now);
        }
        Ok(())
    }

    fn queue(&mut self, now: Time, samples: &[f32]) -> Result<(), SinkError> {
        self.now = now;
        self.held.extend(samples);
        match &mut self.state {
            State::Without { clock, .. } => clock.queue(now, samples),
            State::Open(_) if self.running => {
                self.with(|playing, held| playing.go_on(samples, held));
                Ok(())
            }
            State::Open(_) | State::Opening(_) => Ok(()),
        }
    }

    fn played(&mut self, now: Time) -> u64 {
        self.now = now;
        self.look();
        self.settle();
        if !self.running {
            self.with(|playing, _| playing.rest());
        }
        self.heard
    }

    fn delay(&mut self, now: Time) -> Time {
        self.now = now;
        if !self.running {
            return Time::ZERO;
        }
        let first = self.heard.cast_signed();
        let late = self.with(|playing, _| Ok(first - playing.heard()?));
        let late = late.unwrap_or(0).max(0) as f64;
        Time::from_millis(1_000).scale(late / f64::from(self.format.rate()))
    }

    fn run(&mut self, now: Time) {
        self.now = now;
        if std::mem::replace(&mut self.running, true) {
            return;
        }
        match &mut self.state {
            State::Without { clock, .. } => clock.run(now),
            State::Open(_) | State::Opening(_) => drop(self.with(Playing::begin)),
        }
    }

    fn hold(&mut self, now: Time) {
        self.now = now;
        self.settle();
        if !std::mem::replace(&mut self.running, false) {
            return;
        }
        match &mut self.state {
            State::Without { clock, .. } => clock.hold(now),
            State::Open(_) | State::Opening(_) => drop(self.with(Playing::silence)),
        }
    }

    fn flush(&mut self, now: Time) {
        self.now = now;
        self.settle();
        if self.running {
            self.with(Playing::silence);
        }
        self.held.clear();
        self.heard = 0;
        match &mut self.state {
            State::Without { clock, from, .. } => {
                clock.flush(now);
                *from = 0;
            }
            State::Open(playing) => {
                playing.base = playing.written.cast_signed();
                playing.rises = true;
                // Playback goes on; what stands still rests once it is silent.
                playing.stop_at = playing.stop_at.filter(|_| !self.running);
            }
            State::Opening(_) => {}
        }
    }

    fn take_back(&mut self, now: Time) -> Option<u64> {
        self.now = now;
        self.settle();
        let kept = match self.running {
            true => self.with(Playing::take_back),
            false => None,
        };
        // Without a device, or while it stands, nothing has left this sink but what was heard.
        let kept = kept.unwrap_or(self.heard);
        if let State::Without { clock, from, .. } = &mut self.state {
            clock.flush(now);
            *from = self.heard;
        }
        let frames = usize::try_from(kept - self.heard).unwrap_or(usize::MAX);
        let left = frames.saturating_mul(self.format.width());
        self.held.truncate(left);
        Some(kept)
    }

    fn news(&mut self) -> Option<SinkNews> {
        if self.with(|playing, _| playing.device.has_moved()) == Some(true) {
            self.tell_name();
        }
        self.news.pop_front()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        // Only the slope to silence is left, which must not be cut off.
        self.with(|playing, _| match playing.started {
            true => playing.device.finish(),
            false => Ok(()),
        });
        Ok(())
    }
}

/// What `auto` comes to where there is no device.
fn nowhere() -> AudioDevice {
    AudioDevice {
        system: "null",
        name: String::new(),
        description: "no sound device".into(),
        is_default: true,
    }
}

#[cfg(test)]
mod tests;
