//! Pictures and samples, lent to numpy without a copy: an array that is made of a [`Memory`] refers to it, and it to the frame.

use kinora::output::{RgbImage, snapshot_png};
use kinora::{AudioFrame, Code, Coded as _, ColorRange, Fault, Mirror, PixelFormat, VideoFrame};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::border::{self, raised};

/// Bytes that numpy may read, by the protocol of `__array_interface__`: limited interpreters before 3.11 have no buffers.
#[pyclass(frozen, module = "kinora._kinora")]
pub(crate) struct Memory {
    /// Keeps the bytes alive, and does nothing else.
    #[expect(dead_code, reason = "an owner")]
    owner: Owner,
    address: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
    kind: &'static str,
}

#[expect(dead_code, reason = "owners")]
enum Owner {
    Picture(VideoFrame),
    Pixels(Vec<u8>),
    Samples(Vec<f32>),
}

#[pymethods]
impl Memory {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", PyTuple::new(py, &self.shape)?)?;
        interface.set_item("strides", PyTuple::new(py, &self.strides)?)?;
        interface.set_item("typestr", self.kind)?;
        // Not to be written: decoders refer to it.
        interface.set_item("data", (self.address, true))?;
        Ok(interface)
    }
}

/// A decoded picture.
#[pyclass(frozen, module = "kinora._kinora")]
pub(crate) struct Picture(pub(crate) VideoFrame);

impl Picture {
    /// The visible part of a plane, in the decoder's own memory.
    fn lent(&self, index: usize) -> Result<Memory, Fault> {
        let frame = &self.0;
        let (row_len, rows) = frame.format.plane_size(index, frame.width, frame.height);
        let view = frame.buffer.plane(index);
        let needed = rows
            .saturating_sub(1)
            .saturating_mul(view.stride)
            .saturating_add(row_len);
        if view.data.len() < needed || row_len > view.stride {
            // EINVAL
            return Err(Fault::new(Code::from_errno(22), "python.short_plane")
                .because("a plane of the picture is shorter than its size says"));
        }
        let sample = frame.format.bytes_per_sample();
        let (mut shape, mut strides) = (vec![rows], vec![view.stride]);
        if frame.format == PixelFormat::Nv12 && index == 1 {
            shape.extend([row_len / 2, 2]);
            strides.extend([2, 1]);
        } else {
            shape.push(row_len / sample);
            strides.push(sample);
        }
        Ok(Memory {
            address: view.data.as_ptr().expose_provenance(),
            shape,
            strides,
            kind: if sample == 2 { "<u2" } else { "|u1" },
            owner: Owner::Picture(frame.clone()),
        })
    }
}

#[pymethods]
impl Picture {
    #[getter]
    fn pts(&self) -> f64 {
        self.0.pts.as_secs_f64()
    }
    #[getter]
    fn duration(&self) -> f64 {
        self.0.duration.as_secs_f64()
    }
    #[getter]
    fn width(&self) -> u32 {
        self.0.width
    }
    #[getter]
    fn height(&self) -> u32 {
        self.0.height
    }
    /// As FFmpeg calls it.
    #[getter]
    fn format(&self) -> &'static str {
        self.0.format.name()
    }
    #[getter]
    fn bits(&self) -> u32 {
        self.0.format.bits()
    }
    #[getter]
    fn rotation(&self) -> u32 {
        self.0.rotation.degrees()
    }
    #[getter]
    fn mirror(&self) -> &'static str {
        match self.0.mirror {
            Mirror::None => "none",
            Mirror::Horizontal => "horizontal",
            Mirror::Vertical => "vertical",
        }
    }
    #[getter]
    fn pixel_aspect(&self) -> (u32, u32) {
        self.0.pixel_aspect.unwrap_or((1, 1))
    }
    /// Primaries, transfer, matrix (ITU-T H.273), and whether the range is full.
    #[getter]
    fn color(&self) -> (u8, u8, u8, bool) {
        let color = self.0.color;
        let is_full = color.range == ColorRange::Full;
        (color.primaries, color.transfer, color.matrix, is_full)
    }
    #[getter]
    fn plane_count(&self) -> usize {
        self.0.format.planes()
    }
    fn plane(&self, py: Python<'_>, index: usize) -> PyResult<Memory> {
        if index >= self.0.format.planes() {
            return Err(PyIndexError::new_err("the picture has no such plane"));
        }
        self.lent(index).map_err(|fault| raised(py, &fault))
    }
    /// Upright, in its own shape: height, width, red green blue.
    fn rgb(&self, py: Python<'_>) -> PyResult<Memory> {
        let image = border::run(py, || {
            RgbImage::upright(&self.0).map_err(|error| error.fault())
        })?;
        let (width, height) = (image.width as usize, image.height as usize);
        Ok(Memory {
            address: image.data.as_ptr().expose_provenance(),
            shape: vec![height, width, 3],
            strides: vec![width * 3, 3, 1],
            kind: "|u1",
            owner: Owner::Pixels(image.data),
        })
    }
    /// A PNG file of it, upright.
    fn png<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let png = border::run(py, || snapshot_png(&self.0).map_err(|error| error.fault()))?;
        Ok(PyBytes::new(py, &png))
    }
}

/// Decoded sound: samples of one channel times channels, in 32-bit floats.
pub(crate) fn samples(frame: AudioFrame) -> Memory {
    let (len, channels) = (frame.len(), usize::from(frame.channels.max(1)));
    Memory {
        address: frame.samples.as_ptr().expose_provenance(),
        shape: vec![len, channels],
        strides: vec![channels * size_of::<f32>(), size_of::<f32>()],
        kind: "<f4",
        owner: Owner::Samples(frame.samples),
    }
}
