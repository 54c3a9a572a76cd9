//! Apple's Core Audio Format (Core Audio Format Specification 1.0).

mod description;

use bytes::Bytes;

use self::description::Description;
use crate::chunked::{
    ChunkHead, ChunkId, Chunked, Form, FormNames, PacketTable, Role, Sound, demux_as_chunked,
};
use crate::container::{Access, Container, Signature};
use crate::tags::plain_text;

pub(crate) const CONTAINER: Container = Container {
    name: "caf",
    title: "Core Audio Format",
    media_types: &["x-caf"],
    extensions: &["caf"],
    signatures: &[Signature::Magic(b"caff\0\x01")],
    access: Access::Demuxer(|opening| Box::new(CafDemuxer::open(opening))),
};

/// Bytes of a file's information that are looked at.
const MAX_INFO: usize = 64 << 10;

/// Demultiplexes CAF: PCM, G.711, IMA ADPCM, and what its packet table cuts into packets: AAC, ALAC, Opus and others.
pub struct CafDemuxer(Chunked<Caf>);

demux_as_chunked!(CafDemuxer, Caf);

/// What the chunks told so far.
#[derive(Default)]
struct Caf {
    description: Option<Description>,
    cookie: Bytes,
    table: Option<Table>,
    title: Option<String>,
}

/// The packet table, as it is written.
#[derive(Clone)]
struct Table {
    packets: u64,
    /// Samples before the first and behind the last one that sounds.
    priming: u32,
    remainder: u32,
    entries: Bytes,
}

impl Form for Caf {
    const NAMES: FormNames = FormNames {
        container: CONTAINER.name,
        no_format: "caf.no_format",
        no_sync: "caf.no_sync",
    };
    const HEAD: usize = 8;
    const CHUNK_HEAD: usize = 12;
    const ALIGN: u64 = 1;

    fn begin(&mut self, _: &[u8]) {}

    fn chunk(&self, head: &[u8]) -> Option<ChunkHead> {
        let (id, len) = head.split_first_chunk::<4>()?;
        // -1: the length is not known yet.
        let len = i64::from_be_bytes(*len.first_chunk()?);
        let len = u64::try_from(len).ok();
        Some(ChunkHead { id: *id, len })
    }

    fn role(id: ChunkId) -> Role {
        match &id {
            b"data" => Role::Sound,
            b"desc" | b"kuki" | b"pakt" | b"info" => Role::Read,
            _ => Role::Pass,
        }
    }

    fn read(&mut self, id: ChunkId, body: &Bytes) {
        match &id {
            b"desc" => self.description = Description::parse(body).or(self.description.take()),
            b"kuki" => self.cookie = body.clone(),
            b"pakt" => self.table = Table::parse(body).or(self.table.take()),
            _ => self.title = info_title(body).or(self.title.take()),
        }
    }

    fn sound(&self, _: Option<u64>) -> Option<Sound> {
        let description = self.description.as_ref()?;
        let (priming, remainder) = self
            .table
            .as_ref()
            .map_or((0, 0), |table| (table.priming, table.remainder));
        let layout = match description.blocks() {
            Some(layout) => layout,
            None => description.tabled(self.table.as_ref()?),
        };
        let mut track = description.track(&self.cookie);
        if let Some(audio) = &mut track.audio {
            audio.encoder_delay = priming;
            audio.encoder_padding = remainder;
        }
        Some(Sound {
            track,
            layout,
            // How often the file was edited.
            skip: 4,
        })
    }

    fn title(&self) -> Option<String> {
        self.title.clone()
    }
}

impl Table {
    fn parse(body: &Bytes) -> Option<Self> {
        let u32_at = |at: usize| Some(u32::from_be_bytes(*body.get(at..)?.first_chunk()?));
        Some(Self {
            packets: u64::from_be_bytes(*body.first_chunk()?),
            priming: u32_at(16)?,
            remainder: u32_at(20)?,
            entries: body.slice(24.min(body.len())..),
        })
    }

    fn packets(&self, packet_len: u32, packet_samples: u32) -> PacketTable {
        PacketTable::new(
            self.entries.clone(),
            self.packets,
            packet_len,
            packet_samples,
        )
    }
}

/// Of the strings that come in pairs, key and value, each ended by a zero, the one called `title`.
fn info_title(body: &[u8]) -> Option<String> {
    let strings = body.get(4..)?;
    let strings = strings.get(..MAX_INFO).unwrap_or(strings);
    let mut strings = strings.split(|byte| *byte == 0);
    while let (Some(key), Some(value)) = (strings.next(), strings.next()) {
        if key == b"title" {
            return plain_text(value);
        }
    }
    None
}

#[cfg(test)]
mod tests;
