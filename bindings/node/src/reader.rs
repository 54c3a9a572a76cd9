//! Reading without playing: pictures and samples as typed arrays.

use std::sync::{Arc, Mutex, PoisonError};

use kinora::output::{RgbImage, snapshot_png};
use kinora::{
    AudioFrame, AudioReader, Code, Coded as _, DecoderChoice, Fault, Time, VideoFrame, VideoReader,
    settings,
};
use napi::bindgen_prelude::{AsyncTask, Buffer, Float32Array, ToNapiValue, TypeName, Uint8Array};
use napi_derive::napi;

use crate::border::{self, Job};

/// A decoded picture.
#[napi]
pub struct Picture(VideoFrame);

impl Picture {
    pub(crate) const fn new(frame: VideoFrame) -> Self {
        Self(frame)
    }
}

#[napi]
impl Picture {
    /// Seconds.
    #[napi(getter)]
    pub fn pts(&self) -> f64 {
        self.0.pts.as_secs_f64()
    }
    /// Seconds.
    #[napi(getter)]
    pub fn duration(&self) -> f64 {
        self.0.duration.as_secs_f64()
    }
    /// Pixels.
    #[napi(getter)]
    pub fn width(&self) -> u32 {
        self.0.width
    }
    /// Pixels.
    #[napi(getter)]
    pub fn height(&self) -> u32 {
        self.0.height
    }
    /// As FFmpeg calls it.
    #[napi(getter)]
    pub fn format(&self) -> &'static str {
        self.0.format.name()
    }
    /// Of a sample.
    #[napi(getter)]
    pub fn bits(&self) -> u32 {
        self.0.format.bits()
    }
    /// Degrees.
    #[napi(getter)]
    pub fn rotation(&self) -> u32 {
        self.0.rotation.degrees()
    }
    /// How many planes.
    #[napi(getter)]
    pub fn plane_count(&self) -> u32 {
        u32::try_from(self.0.format.planes()).unwrap_or(0)
    }
    /// The bytes of a plane, row after row. JavaScript has no memory that can not be written, and decoders refer to theirs: it
    /// is the one copy that is made.
    #[napi]
    pub fn plane(&self, index: u32) -> Uint8Array {
        let rows = self.0.rows(index as usize).flatten();
        let visible: Vec<u8> = match (index as usize) < self.0.format.planes() {
            true => rows.copied().collect(),
            false => Vec::new(),
        };
        Uint8Array::new(visible)
    }
    /// Upright, in its own shape.
    #[napi]
    pub fn rgb(&self) -> napi::Result<Pixels> {
        let image = border::run(|| RgbImage::upright(&self.0).map_err(|error| error.fault()))?;
        Ok(Pixels {
            width: image.width,
            height: image.height,
            data: Uint8Array::new(image.data),
        })
    }
    /// A PNG file, upright.
    #[napi]
    pub fn png(&self) -> napi::Result<Buffer> {
        border::run(|| snapshot_png(&self.0).map_err(|error| error.fault())).map(Buffer::from)
    }
}

/// Red, green, blue.
#[napi(object)]
pub struct Pixels {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Three bytes each.
    pub data: Uint8Array,
}

/// Decoded sound.
#[napi]
pub struct Sound(AudioFrame);

#[napi]
impl Sound {
    /// Seconds.
    #[napi(getter)]
    pub fn pts(&self) -> f64 {
        self.0.pts.as_secs_f64()
    }
    /// Samples of one channel in a second.
    #[napi(getter)]
    pub fn sample_rate(&self) -> u32 {
        self.0.sample_rate
    }
    /// Channels.
    #[napi(getter)]
    pub fn channels(&self) -> u32 {
        self.0.channels.into()
    }
    /// One of each channel in turn.
    #[napi]
    pub fn data(&self) -> Float32Array {
        Float32Array::new(self.0.samples.clone())
    }
}

/// A reader until it is closed.
struct Open<R>(Arc<Mutex<Option<R>>>);

impl<R: Send + 'static> Open<R> {
    fn new(reader: R) -> Self {
        Self(Arc::new(Mutex::new(Some(reader))))
    }
    /// Has it do something, on a thread of the pool; one thing after the other.
    fn promise<T>(
        &self,
        work: impl FnOnce(&mut R) -> Result<T, Fault> + Send + 'static,
    ) -> AsyncTask<Job<T>>
    where
        T: Send + ToNapiValue + TypeName + 'static,
    {
        let open = Arc::clone(&self.0);
        Job::promise(move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            open.as_mut().map_or_else(|| Err(closed()), work)
        })
    }
    fn close(&self) -> AsyncTask<Job<()>> {
        let open = Arc::clone(&self.0);
        Job::promise(move || {
            drop(open.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        })
    }
}

/// EBADF
fn closed() -> Fault {
    Fault::new(Code::from_errno(9), "node.closed").because("the reader is closed")
}

/// The pictures of a source.
#[napi]
pub struct PictureReader(Open<VideoReader>);

const MAX_THREADS: usize = 64;

/// Opens the pictures of a source.
#[napi]
pub fn open_pictures(url: String, options: String, threads: u32) -> AsyncTask<Job<PictureReader>> {
    Job::promise(move || {
        let threads = usize::try_from(threads).unwrap_or(1).clamp(1, MAX_THREADS);
        let options = settings::read_options(&options)?;
        let reader = VideoReader::open(url, options, DecoderChoice::Auto, threads)?;
        Ok(PictureReader(Open::new(reader)))
    })
}

#[napi]
impl PictureReader {
    /// To a time, in seconds.
    #[napi]
    pub fn seek(&self, time: f64) -> AsyncTask<Job<()>> {
        self.0
            .promise(move |reader| reader.seek(Time::from_secs_f64(time)))
    }
    /// The next picture; null at the end.
    #[napi]
    pub fn next(&self) -> AsyncTask<Job<Option<Picture>>> {
        self.0
            .promise(|reader| Ok(reader.next_frame()?.map(Picture::new)))
    }
    /// Closes.
    #[napi]
    pub fn close(&self) -> AsyncTask<Job<()>> {
        self.0.close()
    }
}

/// The sound of a source.
#[napi]
pub struct SoundReader(Open<AudioReader>);

/// Opens the sound of a source.
#[napi]
pub fn open_sound(url: String, options: String) -> AsyncTask<Job<SoundReader>> {
    Job::promise(move || {
        let options = settings::read_options(&options)?;
        let reader = AudioReader::open(url, options, DecoderChoice::Auto)?;
        Ok(SoundReader(Open::new(reader)))
    })
}

#[napi]
impl SoundReader {
    /// To a time, in seconds.
    #[napi]
    pub fn seek(&self, time: f64) -> AsyncTask<Job<()>> {
        self.0
            .promise(move |reader| reader.seek(Time::from_secs_f64(time)))
    }
    /// The next samples; null at the end.
    #[napi]
    pub fn next(&self) -> AsyncTask<Job<Option<Sound>>> {
        self.0.promise(|reader| Ok(reader.next_frame()?.map(Sound)))
    }
    /// Closes.
    #[napi]
    pub fn close(&self) -> AsyncTask<Job<()>> {
        self.0.close()
    }
}
