//! How packets lie in a stretch of sound.

use std::num::NonZeroU64;

use bytes::Bytes;

use crate::framing::Framing;

/// Packets of blocks last about so many parts of a second.
const PACKETS_A_SECOND: u32 = 10;
/// No packet of blocks is longer, unless one block is.
const MAX_PACKET: u64 = 1 << 20;
/// A packet that a table tells is no longer.
const MAX_TABLED: u64 = 4 << 20;
/// Of a table every so many packets' places are remembered.
const MARK_STEP: u64 = 256;

/// How the sound lies in its chunk.
pub(crate) enum Layout {
    /// Blocks of one size, each of as many samples.
    Blocks(Blocks),
    /// Packets of which a table tells the sizes.
    Table(PacketTable),
    /// Frames that tell their lengths themselves.
    Frames(Framing),
}

/// A place between two packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Place {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Samples before it.
    pub(super) sample: u64,
    /// Packets before it, and where its entry in the table lies.
    packet: u64,
    entry: usize,
}

/// The packet behind a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extent {
    pub(super) len: u64,
    pub(super) samples: u64,
    next_entry: usize,
}

impl Place {
    pub(super) fn pass(&mut self, extent: &Extent) {
        self.offset = self.offset.saturating_add(extent.len);
        self.sample = self.sample.saturating_add(extent.samples);
        self.packet = self.packet.saturating_add(1);
        self.entry = extent.next_entry;
    }
}

impl Layout {
    /// The packet at a place, behind which so many bytes are left. `None`: there is none.
    pub(super) fn next(&self, place: &Place, left: Option<u64>) -> Option<Extent> {
        match self {
            Self::Blocks(blocks) => blocks.next(place, left),
            Self::Table(table) => table
                .next(place)
                .filter(|extent| left.is_none_or(|left| extent.len <= left)),
            Self::Frames(_) => None,
        }
    }

    /// The place of the packet with that sample, in sound of so many bytes.
    pub(super) fn place_of(&self, sample: u64, len: Option<u64>) -> Place {
        match self {
            Self::Blocks(blocks) => blocks.place_of(sample, len),
            Self::Table(table) => table.place_of(sample),
            Self::Frames(_) => Place::default(),
        }
    }

    /// Samples of the sound that has so many bytes.
    pub(super) fn samples(&self, len: Option<u64>) -> Option<u64> {
        match self {
            Self::Blocks(blocks) => Some(blocks.count(len)?.saturating_mul(blocks.samples.get())),
            Self::Table(table) => Some(table.samples),
            Self::Frames(_) => None,
        }
    }
}

/// Blocks of one size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Blocks {
    /// Bytes of one.
    len: NonZeroU64,
    /// Samples of one, in each channel.
    samples: NonZeroU64,
    /// So many go into a packet.
    per_packet: NonZeroU64,
    /// There are no more.
    limit: u64,
}

impl Blocks {
    /// Blocks that are packed to a tenth of a second: PCM and what resembles it.
    pub(crate) fn packed(len: u32, samples: u32, rate: u32) -> Self {
        let single = Self::single(len, samples);
        let wanted = u64::from(rate / PACKETS_A_SECOND) / single.samples;
        Self {
            per_packet: at_least_one(wanted.min(MAX_PACKET / single.len)),
            ..single
        }
    }

    /// Blocks that are packets, each of them.
    pub(crate) fn single(len: u32, samples: u32) -> Self {
        Self {
            len: at_least_one(len.into()),
            samples: at_least_one(samples.into()),
            per_packet: NonZeroU64::MIN,
            limit: u64::MAX,
        }
    }

    /// The same of which there are no more; 0: nobody knows.
    pub(crate) fn at_most(self, blocks: u64) -> Self {
        let limit = match blocks {
            0 => u64::MAX,
            blocks => blocks,
        };
        Self { limit, ..self }
    }

    /// Blocks in so many bytes.
    fn count(&self, len: Option<u64>) -> Option<u64> {
        let declared = Some(self.limit).filter(|limit| *limit < u64::MAX);
        match (len.map(|len| len / self.len), declared) {
            (Some(there), Some(declared)) => Some(there.min(declared)),
            (there, declared) => there.or(declared),
        }
    }

    fn next(&self, place: &Place, left: Option<u64>) -> Option<Extent> {
        let there = left.map_or(u64::MAX, |left| left / self.len);
        let declared = self.limit.saturating_sub(place.offset / self.len);
        let count = there.min(declared).min(self.per_packet.get());
        (count > 0).then(|| Extent {
            len: count.saturating_mul(self.len.get()),
            samples: count.saturating_mul(self.samples.get()),
            next_entry: 0,
        })
    }

    /// Packets begin at the same places whatever was sought.
    fn place_of(&self, sample: u64, len: Option<u64>) -> Place {
        let blocks = sample / self.samples;
        let blocks = self.count(len).map_or(blocks, |count| blocks.min(count));
        let packet = blocks / self.per_packet;
        let blocks = packet.saturating_mul(self.per_packet.get());
        Place {
            offset: blocks.saturating_mul(self.len.get()),
            sample: blocks.saturating_mul(self.samples.get()),
            packet,
            entry: 0,
        }
    }
}

fn at_least_one(count: u64) -> NonZeroU64 {
    NonZeroU64::new(count).unwrap_or(NonZeroU64::MIN)
}

/// The sizes of packets: numbers of seven bits a byte, the last byte without its upper bit (Apple Core Audio Format,
/// "Packet Table Chunk").
pub(crate) struct PacketTable {
    entries: Bytes,
    /// Bytes of each packet; 0: the table tells.
    packet_len: u32,
    /// Samples of each packet; 0: the table tells.
    packet_samples: u32,
    packets: u64,
    samples: u64,
    marks: Vec<Place>,
}

impl PacketTable {
    /// A table of so many packets; it ends before where its bytes do.
    pub(crate) fn new(entries: Bytes, packets: u64, packet_len: u32, packet_samples: u32) -> Self {
        let mut table = Self {
            entries,
            packet_len,
            packet_samples,
            packets,
            samples: 0,
            marks: Vec::new(),
        };
        if packet_len > 0 && packet_samples > 0 {
            // Nothing is told one by one: such sound lies in blocks.
            table.packets = 0;
        }
        let mut place = Place::default();
        while let Some(extent) = table.next(&place) {
            if place.packet.is_multiple_of(MARK_STEP) {
                table.marks.push(place);
            }
            place.pass(&extent);
        }
        table.packets = place.packet;
        table.samples = place.sample;
        table
    }

    fn next(&self, place: &Place) -> Option<Extent> {
        if place.packet >= self.packets {
            return None;
        }
        let mut entry = place.entry;
        let len = match self.packet_len {
            0 => self.number(&mut entry)?,
            len => len.into(),
        };
        let samples = match self.packet_samples {
            0 => self.number(&mut entry)?,
            samples => samples.into(),
        };
        (len <= MAX_TABLED).then_some(Extent {
            len,
            samples,
            next_entry: entry,
        })
    }

    fn number(&self, at: &mut usize) -> Option<u64> {
        let mut number = 0u64;
        for byte in self.entries.get(*at..)?.iter().take(9) {
            *at = at.saturating_add(1);
            number = number << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn place_of(&self, sample: u64) -> Place {
        let known = self.marks.iter().rev().find(|mark| mark.sample <= sample);
        let mut place = known.copied().unwrap_or_default();
        while let Some(extent) = self.next(&place)
            && place.sample.saturating_add(extent.samples) <= sample
        {
            place.pass(&extent);
        }
        place
    }
}
