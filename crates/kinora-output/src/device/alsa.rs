//! Sound by ALSA, where no sound server is.
//!
//! The device holds little, so that what is beyond can be changed; the rest waits here and follows each time that the device is
//! asked where it is, which is several times for each filling.

use std::collections::VecDeque;

use kinora_alsa::{AlsaError, Pcm};
use kinora_audio::AudioFormat;

use super::{Device, DeviceFailure, Place};
use crate::AudioDevice;

/// The device holds so much, which can not be changed any more.
const LATENCY_US: u32 = 150_000;

const SYSTEM: &str = "alsa";
const DEFAULT: &str = "default";

pub(super) struct Alsa {
    pcm: Pcm,
    format: AudioFormat,
    /// Samples of a channel that the device was given.
    given: u64,
    waiting: VecDeque<f32>,
    running: bool,
}

impl Alsa {
    pub(super) fn open(name: Option<&str>) -> Result<Self, DeviceFailure> {
        Ok(Self {
            pcm: Pcm::open(name.unwrap_or(DEFAULT))?,
            format: AudioFormat {
                sample_rate: 48_000,
                channels: 2,
            },
            given: 0,
            waiting: VecDeque::new(),
            running: false,
        })
    }

    /// Gives the device what it has room for.
    fn fill(&mut self) -> Result<(), DeviceFailure> {
        if !self.running || self.waiting.is_empty() {
            return Ok(());
        }
        let width = self.format.width();
        let taken = self.pcm.write(self.waiting.make_contiguous())?;
        self.waiting.drain(..taken * width);
        self.given += taken as u64;
        self.pcm.start()?;
        Ok(())
    }
}

/// The devices that ALSA names.
pub(super) fn devices() -> Result<Vec<AudioDevice>, DeviceFailure> {
    let hints = kinora_alsa::devices()?.into_iter();
    let devices = hints.map(|hint| AudioDevice {
        system: SYSTEM,
        is_default: hint.name == DEFAULT,
        name: hint.name,
        description: hint.description,
    });
    Ok(devices.collect())
}

impl Device for Alsa {
    fn configure(&mut self, format: AudioFormat) -> Result<(), DeviceFailure> {
        (self.given, self.running, self.format) = (0, false, format);
        self.waiting.clear();
        self.pcm
            .configure(format.rate(), format.channels.max(1), LATENCY_US)
            .map_err(|error| match error {
                AlsaError::Format(_) => DeviceFailure::Format(format),
                error => error.into(),
            })
    }

    fn name(&mut self) -> Result<AudioDevice, DeviceFailure> {
        let name = self.pcm.name().to_owned();
        let known = devices().unwrap_or_default();
        let known = known.into_iter().find(|device| device.name == name);
        Ok(known.unwrap_or_else(|| AudioDevice {
            system: SYSTEM,
            description: name.clone(),
            is_default: name == DEFAULT,
            name,
        }))
    }

    fn write(&mut self, samples: &[f32]) -> Result<(), DeviceFailure> {
        self.waiting.extend(samples);
        self.fill()
    }

    fn rewind(&mut self, to: u64) -> Result<(), DeviceFailure> {
        let frames = usize::try_from(to.saturating_sub(self.given)).unwrap_or(usize::MAX);
        self.waiting
            .truncate(frames.saturating_mul(self.format.width()));
        Ok(())
    }

    fn place(&mut self) -> Result<Place, DeviceFailure> {
        self.fill()?;
        let delay = match self.running {
            true => self.pcm.delay()?,
            false => 0,
        };
        Ok(Place {
            heard: self.given.cast_signed() - delay,
            fixed: self.given,
        })
    }

    fn start(&mut self) -> Result<(), DeviceFailure> {
        self.running = true;
        self.fill()
    }

    fn stop(&mut self) -> Result<(), DeviceFailure> {
        self.running = false;
        Ok(self.pcm.stop()?)
    }

    /// What the device holds is little; it goes with it.
    fn finish(&mut self) -> Result<(), DeviceFailure> {
        self.fill()
    }

    fn has_moved(&mut self) -> Result<bool, DeviceFailure> {
        Ok(false)
    }
}

impl From<AlsaError> for DeviceFailure {
    fn from(error: AlsaError) -> Self {
        match error {
            AlsaError::NotInstalled | AlsaError::Incomplete(_) => Self::NoSystem(error.into()),
            AlsaError::Open { .. } => Self::NoDevice(error.into()),
            AlsaError::Format(_) | AlsaError::Lost(_) => Self::Lost(error.into()),
        }
    }
}
