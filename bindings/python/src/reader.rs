//! Reading without playing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kinora::{DecoderChoice, Time, settings};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::border;
use crate::memory::{Memory, Picture, samples};

/// A reader until it is closed.
struct Open<R>(Mutex<Option<R>>);

impl<R: Send> Open<R> {
    fn new(reader: R) -> Self {
        Self(Mutex::new(Some(reader)))
    }
    fn lock(&self) -> MutexGuard<'_, Option<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Has it do something; `None` where it is closed.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut R) -> Result<T, kinora::Fault> + Send,
    ) -> PyResult<T> {
        let done = border::run(py, || self.lock().as_mut().map(work).transpose())?;
        done.ok_or_else(|| PyValueError::new_err("the reader is closed"))
    }
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        border::done(py, || drop(self.lock().take()))
    }
}

/// The pictures of a source.
#[pyclass(frozen, module = "kinora._kinora")]
pub(crate) struct VideoReader(Open<kinora::VideoReader>);

#[pymethods]
impl VideoReader {
    #[new]
    fn new(py: Python<'_>, url: String, options: String, threads: usize) -> PyResult<Self> {
        let threads = threads.clamp(1, MAX_THREADS);
        let opened = border::run(py, || {
            let options = settings::read_options(&options)?;
            kinora::VideoReader::open(url, options, DecoderChoice::Auto, threads)
        })?;
        Ok(Self(Open::new(opened)))
    }
    fn seek(&self, py: Python<'_>, time: f64) -> PyResult<()> {
        self.0
            .with(py, |reader| reader.seek(Time::from_secs_f64(time)))
    }
    fn next(&self, py: Python<'_>) -> PyResult<Option<Picture>> {
        let frame = self.0.with(py, kinora::VideoReader::next_frame)?;
        Ok(frame.map(Picture))
    }
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.0.close(py)
    }
}

const MAX_THREADS: usize = 64;

/// The sound of a source.
#[pyclass(frozen, module = "kinora._kinora")]
pub(crate) struct AudioReader(Open<kinora::AudioReader>);

#[pymethods]
impl AudioReader {
    #[new]
    fn new(py: Python<'_>, url: String, options: String) -> PyResult<Self> {
        let opened = border::run(py, || {
            let options = settings::read_options(&options)?;
            kinora::AudioReader::open(url, options, DecoderChoice::Auto)
        })?;
        Ok(Self(Open::new(opened)))
    }
    fn seek(&self, py: Python<'_>, time: f64) -> PyResult<()> {
        self.0
            .with(py, |reader| reader.seek(Time::from_secs_f64(time)))
    }
    /// Its time, its rate, its samples.
    fn next(&self, py: Python<'_>) -> PyResult<Option<(f64, u32, Memory)>> {
        let frame = self.0.with(py, kinora::AudioReader::next_frame)?;
        Ok(frame.map(|it| (it.pts.as_secs_f64(), it.sample_rate, samples(it))))
    }
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.0.close(py)
    }
}
