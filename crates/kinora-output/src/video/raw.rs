//! Video frames as raw samples: planes in a file, YUV4MPEG2, or the luma of one as PGM.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use kinora_media::{ColorRange, PixelFormat, VideoFrame};

use super::orient::{upright_layout, upright_planes};
use crate::spec::STDOUT;
use crate::{SinkError, VideoFormat, VideoSink};

/// Raw planes one after the other, or YUV4MPEG2 when the file's name ends in `.y4m`; upright, since neither kind of file can
/// tell how frames are to be turned.
///
/// Neither kind of file can hold frames of two sizes or pixel formats. The first frame decides; frames of another form are
/// refused, left out by the player and reported once, until the first form comes again.
pub struct YuvFile {
    path: PathBuf,
    file: BufWriter<File>,
    y4m: bool,
    layout: Option<Layout>,
}

/// Size and pixel format.
type Layout = (u32, u32, PixelFormat);

/// A file made anew; `-` is standard output.
pub(crate) fn create(path: &Path) -> std::io::Result<File> {
    #[cfg(unix)]
    if path.as_os_str() == STDOUT {
        use std::os::fd::AsFd as _;
        let stdout = std::io::stdout().as_fd().try_clone_to_owned()?;
        return Ok(File::from(stdout));
    }
    File::create(path)
}

impl YuvFile {
    /// Makes the file anew.
    ///
    /// # Errors
    /// [`SinkError::File`].
    pub fn create(path: &Path) -> Result<Self, SinkError> {
        let y4m = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("y4m"));
        Self::new(path, y4m)
    }

    /// Makes a YUV4MPEG2 file anew, whatever its name.
    ///
    /// # Errors
    /// [`SinkError::File`].
    pub fn create_y4m(path: &Path) -> Result<Self, SinkError> {
        Self::new(path, true)
    }

    fn new(path: &Path, y4m: bool) -> Result<Self, SinkError> {
        let file = create(path).map_err(SinkError::file(path))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 20, file),
            y4m,
            layout: None,
        })
    }

    fn write(&mut self, frame: &VideoFrame) -> std::io::Result<()> {
        if self.y4m {
            self.file.write_all(b"FRAME\n")?;
        }
        if self.y4m && frame.format.is_interleaved() {
            return write_apart(&mut self.file, frame);
        }
        for plane in 0..frame.format.planes() {
            for row in frame.rows(plane) {
                self.file.write_all(row)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        let layout = (frame.width, frame.height, frame.format);
        self.check(layout)?;
        if self.layout.replace(layout).is_some() || !self.y4m {
            return Ok(());
        }
        let header = y4m_header(frame);
        self.file
            .write_all(header.as_bytes())
            .map_err(SinkError::file(&self.path))
    }

    /// A file holds frames of one form.
    fn check(&self, layout: Layout) -> Result<(), SinkError> {
        let text = |(w, h, format): Layout| format!("{w}x{h} {}", format.name());
        match self.layout {
            Some(had) if had != layout => Err(SinkError::FormatChanged {
                path: self.path.clone(),
                had: text(had),
                got: text(layout),
            }),
            _ => Ok(()),
        }
    }
}

impl VideoSink for YuvFile {
    fn configure(&mut self, format: &VideoFormat) -> Result<(), SinkError> {
        self.check(upright_layout(format))
    }
    fn present(&mut self, frame: &VideoFrame) -> Result<(), SinkError> {
        check_memory(frame)?;
        let frame = &upright_planes(frame);
        self.begin(frame)?;
        let written = self.write(frame);
        // Who reads a pipe waits for frames, not for full buffers.
        let passed_on = written.and_then(|()| match self.path.as_os_str() == STDOUT {
            true => self.file.flush(),
            false => Ok(()),
        });
        passed_on.map_err(SinkError::file(&self.path))
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.file.flush().map_err(SinkError::file(&self.path))
    }
}

/// YUV4MPEG2 knows no interleaved colour, and no samples in the high bits.
fn write_apart(file: &mut impl Write, frame: &VideoFrame) -> std::io::Result<()> {
    let is_wide = frame.format == PixelFormat::P010;
    let mut apart = Vec::new();
    for (plane, first, step) in [(0, 0, 1), (1, 0, 2), (1, 1, 2)] {
        for row in frame.rows(plane) {
            apart.clear();
            match is_wide {
                true => {
                    let samples = row.as_chunks::<2>().0.iter().skip(first).step_by(step);
                    apart.extend(
                        samples.flat_map(|it| (u16::from_le_bytes(*it) >> 6).to_le_bytes()),
                    );
                }
                false => apart.extend(row.iter().skip(first).step_by(step)),
            }
            file.write_all(&apart)?;
        }
    }
    Ok(())
}

fn check_memory(frame: &VideoFrame) -> Result<(), SinkError> {
    let whole = (0..frame.format.planes()).all(|plane| {
        let (_, rows) = frame.format.plane_size(plane, frame.width, frame.height);
        frame.rows(plane).count() == rows
    });
    if whole && frame.width > 0 && frame.height > 0 {
        return Ok(());
    }
    Err(SinkError::bad_frame(
        frame,
        "it has less memory than its size needs",
    ))
}

fn y4m_header(frame: &VideoFrame) -> String {
    let (num, den) = frame_rate(frame.duration.as_nanos());
    let (a, b) = frame.pixel_aspect.unwrap_or((0, 0));
    let range = match frame.color.range {
        ColorRange::Limited => "LIMITED",
        ColorRange::Full => "FULL",
    };
    let layout = match frame.format {
        PixelFormat::Gray8 => "mono",
        PixelFormat::Gray10 => "mono10",
        PixelFormat::I420 | PixelFormat::Nv12 => "420mpeg2",
        PixelFormat::I422 => "422",
        PixelFormat::I444 => "444",
        PixelFormat::I420P10 | PixelFormat::P010 => "420p10",
        PixelFormat::I422P10 => "422p10",
        PixelFormat::I444P10 => "444p10",
        PixelFormat::I420P12 => "420p12",
        PixelFormat::I422P12 => "422p12",
        PixelFormat::I444P12 => "444p12",
    };
    format!(
        "YUV4MPEG2 W{} H{} F{num}:{den} Ip A{a}:{b} C{layout} XCOLORRANGE={range}\n",
        frame.width, frame.height
    )
}

/// The usual rate that a picture's duration stands for; 25 a second where it is unknown.
fn frame_rate(duration_ns: i64) -> (i64, i64) {
    const USUAL: [(i64, i64); 9] = [
        (24000, 1001),
        (24, 1),
        (25, 1),
        (30000, 1001),
        (30, 1),
        (50, 1),
        (60000, 1001),
        (60, 1),
        (120, 1),
    ];
    if duration_ns <= 0 {
        return (25, 1);
    }
    let near = |&(num, den): &(i64, i64)| (den * 1_000_000_000 / num - duration_ns).abs() < 12_000;
    USUAL
        .into_iter()
        .find(near)
        .unwrap_or((1_000_000_000, duration_ns))
}

/// The luma of a picture, upright, as the bytes of a binary PGM file; more than 8 bits take two
/// bytes a sample, the higher first.
///
/// # Errors
/// [`SinkError::BadFrame`].
pub fn luma_pgm(frame: &VideoFrame) -> Result<Vec<u8>, SinkError> {
    check_memory(frame)?;
    let frame = &upright_planes(frame);
    let most = (1u32 << frame.format.bits()) - 1;
    let mut file = format!("P5\n{} {}\n{most}\n", frame.width, frame.height).into_bytes();
    for row in frame.rows(0) {
        if frame.format.bytes_per_sample() == 1 {
            file.extend_from_slice(row);
        } else {
            for pair in row.as_chunks::<2>().0 {
                file.extend([pair[1], pair[0]]);
            }
        }
    }
    Ok(file)
}
