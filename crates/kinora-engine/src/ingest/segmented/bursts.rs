//! The pace of a segment that is made while it is sent: between two of its chunks nothing can come, which says nothing of
//! the network.

use kinora_media::Time;

/// A pause that is shorter may be the network's.
const PAUSE: Time = Time::from_millis(10);
/// A size of 1 stands for one of 64 bits that follows (ISO/IEC 14496-12 4.2.2).
const LARGE: u64 = 1;

/// What came of such a segment, chunk by chunk: the bytes of each behind its first piece, whose own time is not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bursts {
    boxes: Boxes,
    /// Nothing is on its way: the next chunk has not begun.
    between: bool,
    bytes: u64,
}

impl Default for Bursts {
    fn default() -> Self {
        Self {
            boxes: Boxes::default(),
            between: true,
            bytes: 0,
        }
    }
}

impl Bursts {
    /// Bytes came, so long after those before. `true`: that time was theirs.
    pub(super) fn came(&mut self, after: Time, data: &[u8]) -> bool {
        let paused = self.between && after >= PAUSE || self.is_new();
        self.between = self.boxes.take(data);
        if !paused {
            self.bytes += data.len() as u64;
        }
        !paused
    }

    fn is_new(&self) -> bool {
        self.boxes == Boxes::default()
    }

    /// Whether what comes next is being made still.
    pub(super) fn is_between(&self) -> bool {
        self.between
    }

    /// Bytes whose time is known.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Where in the boxes of the file the bytes end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Boxes {
    header: [u8; 16],
    /// How many bytes of the header are here.
    have: usize,
    /// How many of the rest are to come.
    left: u64,
    seen: bool,
}

impl Boxes {
    /// Whether a chunk ends with these bytes: its `mdat` does (ISO/IEC 23000-19 6.6.4).
    fn take(&mut self, mut data: &[u8]) -> bool {
        self.seen = true;
        while let Some((byte, behind)) = data.split_first() {
            if self.left > 0 {
                let taken =
                    usize::try_from(self.left).map_or(data.len(), |left| left.min(data.len()));
                self.left -= taken as u64;
                data = data.get(taken..).unwrap_or_default();
                continue;
            }
            if self.have >= self.len_of_header() {
                self.have = 0;
            }
            if let Some(place) = self.header.get_mut(self.have) {
                *place = *byte;
            }
            self.have += 1;
            data = behind;
            if self.have == self.len_of_header() {
                self.left = self.size().saturating_sub(self.have as u64);
            }
        }
        self.left == 0
            && self.have == self.len_of_header()
            && self.header.get(4..8) == Some(b"mdat")
    }

    fn len_of_header(&self) -> usize {
        match self.have >= 4 && self.small_size() == LARGE {
            true => 16,
            false => 8,
        }
    }

    fn small_size(&self) -> u64 {
        number(self.header.get(..4).unwrap_or_default())
    }

    fn size(&self) -> u64 {
        match self.small_size() {
            // To the end of the file.
            0 => u64::MAX,
            LARGE => number(self.header.get(8..).unwrap_or_default()),
            size => size,
        }
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_box(kind: &[u8; 4], len: u32) -> Vec<u8> {
        let mut out = len.to_be_bytes().to_vec();
        out.extend(kind);
        out.resize(len as usize, 7);
        out
    }

    fn chunk() -> Vec<u8> {
        let mut large = 1_u32.to_be_bytes().to_vec();
        large.extend(b"mdat");
        large.extend(300_u64.to_be_bytes());
        large.resize(300, 7);
        [a_box(b"styp", 16), a_box(b"moof", 100), large].concat()
    }

    #[test]
    fn a_chunk_ends_with_its_mdat_however_its_bytes_come() {
        let whole = [chunk(), chunk()].concat();
        for len in [1, 7, 8, 100, 416] {
            let mut boxes = Boxes::default();
            let mut ends = Vec::new();
            for (at, piece) in whole.chunks(len).enumerate() {
                if boxes.take(piece) {
                    ends.push((at * len + piece.len()).min(whole.len()));
                }
            }
            let expected: Vec<usize> = [416, 832]
                .into_iter()
                .filter(|end| end % len == 0 || *end == 832)
                .collect();
            assert_eq!(ends, expected, "{len}");
        }
    }

    #[test]
    fn pauses_between_chunks_and_the_first_piece_of_each_count_nothing() {
        let chunk = chunk();
        let ms = Time::from_millis;
        let mut bursts = Bursts::default();
        let mut active = Time::ZERO;
        for at in 0..3 {
            for (number, piece) in chunk.chunks(104).enumerate() {
                let after = if number == 0 { ms(400 * at) } else { ms(5) };
                if bursts.came(after, piece) {
                    active += after;
                }
            }
            assert!(bursts.is_between());
        }
        assert_eq!((bursts.bytes(), active), (3 * 312, ms(45)));
    }

    #[test]
    fn what_is_no_mp4_counts_as_it_comes() {
        let mut bursts = Bursts::default();
        bursts.came(Time::ZERO, &[0x47; 188]);
        assert!(!bursts.is_between());
        assert!(bursts.came(Time::from_millis(500), &[0x47; 188]));
    }
}
