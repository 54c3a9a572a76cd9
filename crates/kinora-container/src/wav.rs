//! WAVE: sound in RIFF (Multimedia Programming Interface and Data Specifications 1.0), and in RF64 or BW64, which have
//! room for more than 4 GiB (ITU-R BS.2088).

use bytes::Bytes;

use crate::chunked::{ChunkHead, ChunkId, Chunked, Form, FormNames, Role, Sound, demux_as_chunked};
use crate::container::{Access, Container, Signature};
use crate::tags::{plain_text, title};
use crate::wave_format::WaveFormat;

pub(crate) const CONTAINER: Container = Container {
    name: "wav",
    title: "WAVE sound",
    media_types: &["wav"],
    extensions: &["wav", "wave", "rf64", "bw64"],
    signatures: &[Signature::Start(begins_wave)],
    access: Access::Demuxer(|opening| Box::new(WavDemuxer::open(opening))),
};

/// The length in the place of one that is not known, or not in 32 bits.
const NO_LEN: u32 = u32::MAX;

/// Demultiplexes WAVE: PCM of all kinds in packets of a tenth of a second, G.711, IMA and Microsoft ADPCM block by
/// block, and the frames of MPEG audio, AC-3, DTS or ADTS that some wrap into it.
pub struct WavDemuxer(Chunked<Wave>);

demux_as_chunked!(WavDemuxer, Wave);

/// The form type of a RIFF file.
pub(crate) fn riff_form(head: &[u8]) -> Option<&[u8; 4]> {
    let is_riff = [b"RIFF", b"RF64", b"BW64"]
        .iter()
        .any(|magic| head.starts_with(*magic));
    head.get(8..)?.first_chunk().filter(|_| is_riff)
}

fn begins_wave(head: &[u8]) -> bool {
    riff_form(head) == Some(b"WAVE")
}

/// What the chunks told so far.
#[derive(Default)]
pub(crate) struct Wave {
    /// Bytes of the sound and samples, where 32 bits have no room for them (`ds64`).
    wide: Option<(u64, u64)>,
    format: Option<WaveFormat>,
    /// Samples, in each channel (`fact`).
    samples: Option<u64>,
    title: Option<String>,
}

impl Form for Wave {
    const NAMES: FormNames = FormNames {
        container: CONTAINER.name,
        no_format: "wav.no_format",
        no_sync: "wav.no_sync",
    };
    const HEAD: usize = 12;
    const CHUNK_HEAD: usize = 8;
    const ALIGN: u64 = 2;

    fn begin(&mut self, _: &[u8]) {}

    fn chunk(&self, head: &[u8]) -> Option<ChunkHead> {
        let (id, len) = head.split_first_chunk::<4>()?;
        let len = u32::from_le_bytes(*len.first_chunk()?);
        let len = match (id, len) {
            (b"data", NO_LEN) => self.wide.map(|(bytes, _)| bytes).filter(|bytes| *bytes > 0),
            // Who writes to a pipe never learns the length.
            (b"data", 0) => None,
            (_, len) => Some(u64::from(len)),
        };
        Some(ChunkHead { id: *id, len })
    }

    fn role(id: ChunkId) -> Role {
        match &id {
            b"data" => Role::Sound,
            b"fmt " | b"ds64" | b"fact" | b"LIST" | b"id3 " | b"ID3 " => Role::Read,
            _ => Role::Pass,
        }
    }

    fn read(&mut self, id: ChunkId, body: &Bytes) {
        match &id {
            b"fmt " => self.format = WaveFormat::parse(body).or(self.format.take()),
            b"ds64" => self.wide = wide(body).or(self.wide),
            b"fact" => {
                let samples = body
                    .first_chunk()
                    .map(|samples| u32::from_le_bytes(*samples));
                let samples = samples.filter(|samples| ![0, NO_LEN].contains(samples));
                self.samples = samples.map(u64::from);
            }
            b"LIST" => self.title = info_title(body).or(self.title.take()),
            _ => self.title = title(body).or(self.title.take()),
        }
    }

    fn sound(&self, len: Option<u64>) -> Option<Sound> {
        let wide = self.wide.map(|(_, samples)| samples);
        let samples = self.samples.or(wide.filter(|samples| *samples > 0));
        Some(self.format.as_ref()?.sound(len, samples))
    }

    fn title(&self) -> Option<String> {
        self.title.clone()
    }
}

/// `ds64`: bytes of the file, bytes of the sound, samples, each in 64 bits.
fn wide(body: &[u8]) -> Option<(u64, u64)> {
    let (_, rest) = body.split_first_chunk::<8>()?;
    let (bytes, rest) = rest.split_first_chunk::<8>()?;
    let samples = rest.first_chunk::<8>()?;
    Some((u64::from_le_bytes(*bytes), u64::from_le_bytes(*samples)))
}

/// `INAM` of a list of the type `INFO`.
fn info_title(list: &[u8]) -> Option<String> {
    let mut rest = list.strip_prefix(b"INFO")?;
    loop {
        let (head, after) = rest.split_first_chunk::<8>()?;
        let [a, b, c, d, len @ ..] = *head;
        let len = usize::try_from(u32::from_le_bytes(len)).ok()?;
        let body = after.get(..len.min(after.len()))?;
        if [a, b, c, d] == *b"INAM" {
            return plain_text(body);
        }
        rest = after.get(len.checked_next_multiple_of(2)?..)?;
    }
}

#[cfg(test)]
mod tests;
