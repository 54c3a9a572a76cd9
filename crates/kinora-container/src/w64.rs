//! Sony Wave64: WAVE whose chunks are named by GUIDs and have lengths of 64 bits (Sonic Foundry, "Wave64 file format").

use bytes::Bytes;

use crate::chunked::{ChunkHead, ChunkId, Chunked, Form, FormNames, Role, Sound, demux_as_chunked};
use crate::container::{Access, Container, Signature};
use crate::wav::Wave;

pub(crate) const CONTAINER: Container = Container {
    name: "w64",
    title: "Sony Wave64 sound",
    media_types: &["w64", "wave64"],
    extensions: &["w64"],
    signatures: &[Signature::Start(begins_wave64)],
    access: Access::Demuxer(|opening| Box::new(W64Demuxer::open(opening))),
};

/// The name of the whole file's chunk.
const RIFF: [u8; 16] = *b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0";
/// What follows the four characters of WAVE in the names of its chunks.
const WAVE: [u8; 12] = *b"\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a";
/// Bytes of a chunk's head, which its length counts.
const CHUNK_HEAD: usize = 24;
/// Chunks of any other name.
const OTHER: ChunkId = [0; 4];

/// Demultiplexes Sony Wave64: what [WAVE](crate::wav::WavDemuxer) holds, in files of any length.
pub struct W64Demuxer(Chunked<Wave64>);

demux_as_chunked!(W64Demuxer, Wave64);

fn begins_wave64(head: &[u8]) -> bool {
    let form = head.get(CHUNK_HEAD..).unwrap_or_default();
    head.starts_with(&RIFF)
        && form
            .strip_prefix(b"wave")
            .is_some_and(|it| it.starts_with(&WAVE))
}

/// What the chunks told so far.
#[derive(Default)]
struct Wave64(Wave);

impl Form for Wave64 {
    const NAMES: FormNames = FormNames {
        container: CONTAINER.name,
        no_format: "w64.no_format",
        no_sync: "w64.no_sync",
    };
    const HEAD: usize = CHUNK_HEAD + 16;
    const CHUNK_HEAD: usize = CHUNK_HEAD;
    const ALIGN: u64 = 8;

    fn begin(&mut self, _: &[u8]) {}

    fn chunk(&self, head: &[u8]) -> Option<ChunkHead> {
        let (name, len) = head.split_first_chunk::<16>()?;
        let (chars, rest) = name.split_first_chunk::<4>()?;
        let id = match *rest == WAVE {
            true => *chars,
            false => OTHER,
        };
        let whole = u64::from_le_bytes(*len.first_chunk()?);
        let len = whole.checked_sub(CHUNK_HEAD as u64);
        let len = match &id {
            // Who writes to a pipe never learns the length.
            b"data" => len.filter(|len| (1..=i64::MAX.unsigned_abs()).contains(len)),
            _ => Some(len?),
        };
        Some(ChunkHead { id, len })
    }

    fn role(id: ChunkId) -> Role {
        Wave::role(id)
    }

    fn read(&mut self, id: ChunkId, body: &Bytes) {
        self.0.read(id, body);
    }

    fn sound(&self, len: Option<u64>) -> Option<Sound> {
        self.0.sound(len)
    }

    fn title(&self) -> Option<String> {
        self.0.title()
    }
}

#[cfg(test)]
mod tests;
