//! What was played, as a WAV file of 16 bits.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::AudioFormat;
use crate::SinkError;
use crate::audio::{PacedAudio, SampleWriter};
use crate::spec::STDOUT;
use crate::video::create;

const HEADER: u32 = 44;

/// Audio goes to a WAV file, in time.
pub type WavFile = PacedAudio<WavWriter>;

impl WavFile {
    /// Makes the file anew.
    ///
    /// # Errors
    /// [`SinkError::File`].
    pub fn create(path: &Path) -> Result<Self, SinkError> {
        Ok(Self::with_writer(WavWriter::create(path)?))
    }
}

/// Writes 16-bit PCM. The header is completed by `finish`, or when it is dropped.
pub struct WavWriter {
    path: PathBuf,
    file: BufWriter<File>,
    format: Option<AudioFormat>,
    data_bytes: u32,
    /// The header does not have the length yet.
    open: bool,
}

impl WavWriter {
    /// Makes the file anew.
    ///
    /// # Errors
    /// [`SinkError::File`].
    pub fn create(path: &Path) -> Result<Self, SinkError> {
        let file = create(path).map_err(SinkError::file(path))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
            format: None,
            data_bytes: 0,
            open: false,
        })
    }

    /// A pipe takes no header later: its lengths are written as unknown, as FFmpeg does.
    fn is_stdout(&self) -> bool {
        self.path.as_os_str() == STDOUT
    }

    fn complete(&mut self) -> io::Result<()> {
        let Some(format) = self.format.filter(|_| self.open) else {
            return self.file.flush();
        };
        self.open = false;
        if self.is_stdout() {
            return self.file.flush();
        }
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(format, self.data_bytes))?;
        self.file.seek(SeekFrom::End(0))?;
        self.file.flush()
    }
}

impl SampleWriter for WavWriter {
    const KEEPS: bool = true;
    fn begin(&mut self, format: AudioFormat) -> Result<(), SinkError> {
        match self.format {
            None => {
                self.format = Some(format);
                self.open = true;
                let header = header(format, if self.is_stdout() { u32::MAX } else { 0 });
                self.file
                    .write_all(&header)
                    .map_err(SinkError::file(&self.path))
            }
            Some(had) if had != format => Err(SinkError::FormatChanged {
                path: self.path.clone(),
                had: had.to_string(),
                got: format.to_string(),
            }),
            Some(_) => Ok(()),
        }
    }

    fn write(&mut self, samples: &[f32]) -> Result<(), SinkError> {
        let total = u32::try_from(samples.len() * 2)
            .ok()
            .and_then(|bytes| self.data_bytes.checked_add(bytes))
            .filter(|total| total.checked_add(HEADER).is_some());
        let Some(total) = total else {
            // EFBIG: a WAV file ends at 4 GiB.
            return Err(SinkError::file(&self.path)(io::Error::from_raw_os_error(
                27,
            )));
        };
        for &sample in samples {
            #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
            let value = (sample * 32767.0).round() as i16;
            self.file
                .write_all(&value.to_le_bytes())
                .map_err(SinkError::file(&self.path))?;
        }
        self.data_bytes = total;
        match self.is_stdout() {
            true => self.file.flush().map_err(SinkError::file(&self.path)),
            false => Ok(()),
        }
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.complete().map_err(SinkError::file(&self.path))
    }
}

impl Drop for WavWriter {
    fn drop(&mut self) {
        // The last chance; whoever wants to know calls `finish`.
        let _ = self.complete();
    }
}

fn header(format: AudioFormat, data_bytes: u32) -> Vec<u8> {
    let block = format.channels.saturating_mul(2);
    let rate = format.sample_rate.saturating_mul(u32::from(block));
    let mut header = Vec::with_capacity(HEADER as usize);
    header.extend(b"RIFF");
    header.extend((data_bytes.saturating_add(HEADER - 8)).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16u32.to_le_bytes());
    header.extend(1u16.to_le_bytes());
    header.extend(format.channels.to_le_bytes());
    header.extend(format.sample_rate.to_le_bytes());
    header.extend(rate.to_le_bytes());
    header.extend(block.to_le_bytes());
    header.extend(16u16.to_le_bytes());
    header.extend(b"data");
    header.extend(data_bytes.to_le_bytes());
    header
}
