//! Vorbis (Vorbis I): how long its packets last.

use kinora_media::AudioParams;

/// The identification header (4.2.2) from its first byte on.
pub(super) struct Identification {
    pub(super) audio: AudioParams,
    pub(super) bitrate: Option<u32>,
    block_sizes: [u32; 2],
}

impl Identification {
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        let body = packet.strip_prefix(b"\x01vorbis")?.first_chunk::<23>()?;
        let [_, _, _, _, channels, a, b, c, d, rates @ ..] = body;
        let (_maximum, rates) = rates.split_first_chunk::<4>()?;
        let (nominal, rest) = rates.split_first_chunk::<4>()?;
        let sizes = rest.get(4)?;
        let sample_rate = u32::from_le_bytes([*a, *b, *c, *d]);
        let nominal = i32::from_le_bytes(*nominal);
        let [short, long] = [sizes & 15, sizes >> 4];
        let allowed = 6..=13;
        if *channels == 0 || sample_rate == 0 || short > long {
            return None;
        }
        if !allowed.contains(&short) || !allowed.contains(&long) {
            return None;
        }
        Some(Self {
            audio: AudioParams {
                sample_rate,
                channels: u16::from(*channels),
                ..AudioParams::default()
            },
            bitrate: u32::try_from(nominal).ok().filter(|rate| *rate > 0),
            block_sizes: [1 << short, 1 << long],
        })
    }
}

/// Which block size each mode has, and what the last packet had.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    sizes: [u32; 2],
    /// By mode: whether its blocks are long.
    modes: Vec<bool>,
    mode_bits: usize,
    before: Option<u32>,
}

/// A mode in the setup header: a flag, window and transform type, a mapping (4.2.4).
const MODE_BITS: usize = 41;
const MAX_MODES: usize = 64;

impl Blocks {
    /// The modes stand at the end of the setup header, behind lists that only a decoder reads. They are found from
    /// there: each has 32 bits of zero, and their number stands before them.
    pub(super) fn new(identification: &Identification, setup: &[u8]) -> Option<Self> {
        let end = last_set_bit(setup)?;
        let mut modes = 0;
        let mut found = None;
        let mut at = end;
        while modes < MAX_MODES
            && let Some(before) = at.checked_sub(MODE_BITS)
            && field(setup, before.saturating_add(1), 32) == Some(0)
            && field(setup, before.saturating_add(33), 8).is_some_and(|mapping| mapping < 64)
        {
            at = before;
            modes = modes.saturating_add(1);
            let count = at.checked_sub(6).and_then(|at| field(setup, at, 6));
            if count.and_then(|count| usize::try_from(count).ok()) == modes.checked_sub(1) {
                found = Some((at, modes));
            }
        }
        let (first, count) = found?;
        let place = |mode: usize| first.saturating_add(mode.saturating_mul(MODE_BITS));
        let modes: Option<Vec<bool>> = (0..count)
            .map(|mode| field(setup, place(mode), 1).map(|flag| flag == 1))
            .collect();
        Some(Self {
            sizes: identification.block_sizes,
            modes: modes?,
            mode_bits: usize::try_from(
                count
                    .saturating_sub(1)
                    .checked_ilog2()
                    .map_or(0, |bits| bits.saturating_add(1)),
            )
            .ok()?,
            before: None,
        })
    }

    /// Samples that a packet completes (4.3.8); none by the first one.
    pub(super) fn samples(&mut self, packet: &[u8]) -> u64 {
        let Some(&first) = packet.first() else {
            return 0;
        };
        if first & 1 != 0 {
            return 0; // no audio packet
        }
        let mode = field(packet, 1, self.mode_bits).and_then(|mode| usize::try_from(mode).ok());
        let Some(long) = mode.and_then(|mode| self.modes.get(mode)) else {
            return 0;
        };
        let [short_size, long_size] = self.sizes;
        let size = if *long { long_size } else { short_size };
        let before = self.before.replace(size);
        before.map_or(0, |before| u64::from(before.saturating_add(size) / 4))
    }

    /// The next packet is a first one.
    pub(super) fn reset(&mut self) {
        self.before = None;
    }
}

/// The place of the framing flag: the last bit that is set.
fn last_set_bit(data: &[u8]) -> Option<usize> {
    let byte = data.iter().rposition(|byte| *byte != 0)?;
    let bit = data.get(byte)?.checked_ilog2()?;
    Some(
        byte.saturating_mul(8)
            .saturating_add(usize::try_from(bit).ok()?),
    )
}

/// A number of so many bits, the lowest first (2.1.4).
fn field(data: &[u8], at: usize, bits: usize) -> Option<u32> {
    let mut value = 0u32;
    for index in (0..bits).rev() {
        let place = at.checked_add(index)?;
        let byte = data.get(place / 8)?;
        value = value << 1 | u32::from(byte >> (place % 8) & 1);
    }
    Some(value)
}
