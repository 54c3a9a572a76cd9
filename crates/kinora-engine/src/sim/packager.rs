//! Transport streams changed as a packager changes them: SAMPLE-AES, captions within the pictures, pictures of more bytes.

use std::collections::HashMap;

use kinora_media::Iv;
use kinora_media::bitstream::find_start_code;
use kinora_protect::{ContentKey, encrypt_segment};

const PMT: u16 = 0x1000;
const VIDEO: u16 = 0x100;
pub(crate) const AUDIO: u16 = 0x101;

/// A transport stream that is taken apart and put together again.
struct Packager<'a> {
    /// What becomes of the payload of a packet of that stream, shown at that time in ticks.
    change: &'a mut dyn FnMut(u16, u64, Vec<u8>) -> Vec<u8>,
    /// Of each stream the adaptation of the PES packet at hand, and its bytes.
    open: HashMap<u16, (Option<Vec<u8>>, Vec<u8>)>,
    counters: HashMap<u16, u8>,
    made: Vec<u8>,
    /// Stream types say that streams are encrypted.
    declares: bool,
}

/// A segment whose pictures have so many bytes of filler data more each (ISO/IEC 14496-10 7.3.2.7).
pub(crate) fn fattened(segment: &[u8], bytes: usize) -> Vec<u8> {
    let mut change = |pid, _, mut payload: Vec<u8>| {
        if pid == VIDEO {
            payload.extend([0, 0, 1, 12]);
            payload.resize(payload.len() + bytes, 0xff);
            payload.push(0x80);
        }
        payload
    };
    changed(segment, false, &mut change)
}

/// A segment whose samples are encrypted. `declares`: its table says so.
pub(crate) fn sample_aes(segment: &[u8], key: [u8; 16], vector: Iv, declares: bool) -> Vec<u8> {
    let encryption = Encryption {
        key: ContentKey::new(key),
        vector,
    };
    let mut change = |pid, _, payload: Vec<u8>| match pid {
        VIDEO => encryption.access_unit(&payload),
        _ => encryption.frames(payload),
    };
    changed(segment, declares, &mut change)
}

/// A segment with triplets of captions in its pictures: by the time in ticks at which each is shown.
pub(crate) fn captioned(segment: &[u8], triplets: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    let mut change = |pid, time, payload: Vec<u8>| {
        if pid != VIDEO {
            return payload;
        }
        let data = triplets(time);
        match data.is_empty() {
            true => payload,
            false => with_user_data(&payload, &data),
        }
    };
    changed(segment, false, &mut change)
}

fn changed(
    segment: &[u8],
    declares: bool,
    change: &mut dyn FnMut(u16, u64, Vec<u8>) -> Vec<u8>,
) -> Vec<u8> {
    let mut packager = Packager {
        change,
        open: HashMap::new(),
        counters: HashMap::new(),
        made: Vec::new(),
        declares,
    };
    for packet in segment.chunks(188) {
        packager.push(packet);
    }
    packager.flush(VIDEO);
    packager.flush(AUDIO);
    packager.made
}

/// An access unit of H.264 with captions before its first slice (ATSC A/53-4 6.2.3).
fn with_user_data(unit: &[u8], triplets: &[u8]) -> Vec<u8> {
    let count = u8::try_from(triplets.len() / 3).unwrap();
    let mut payload = b"\xb5\x00\x31GA94\x03".to_vec();
    payload.extend([0x40 | count, 0xff]);
    payload.extend(triplets);
    payload.push(0xff);
    let mut sei = vec![0, 0, 1, 6, 4, u8::try_from(payload.len()).unwrap()];
    sei.extend(payload);
    sei.push(0x80);
    let is_slice = |at: &usize| matches!(unit[at + 3] & 31, 1 | 5);
    let mut at = find_start_code(unit, 0).unwrap();
    while !is_slice(&at) {
        at = find_start_code(unit, at + 3).unwrap();
    }
    [&unit[..at], &sei, &unit[at..]].concat()
}

/// The time at which what a PES packet holds is shown, in ticks (ISO/IEC 13818-1 2.4.3.7).
fn shown_at(pes: &[u8]) -> u64 {
    let field: [u64; 5] = std::array::from_fn(|n| pes[9 + n].into());
    (field[0] >> 1 & 7) << 30
        | field[1] << 22
        | (field[2] >> 1) << 15
        | field[3] << 7
        | field[4] >> 1
}

impl Packager<'_> {
    fn push(&mut self, packet: &[u8]) {
        let pid = u16::from(packet[1] & 31) << 8 | u16::from(packet[2]);
        match pid {
            PMT if self.declares => self.made.extend(table_of_encrypted(packet)),
            VIDEO | AUDIO => {
                let adapted = packet[3] & 0x20 != 0;
                let body = 4 + usize::from(adapted) * (1 + usize::from(packet[4]));
                if packet[1] & 0x40 != 0 {
                    self.flush(pid);
                    let adaptation = (adapted && packet[4] > 0).then(|| adaptation(packet));
                    self.open.insert(pid, (adaptation, Vec::new()));
                }
                let (_, bytes) = self.open.get_mut(&pid).unwrap();
                bytes.extend(&packet[body..]);
            }
            _ => self.made.extend(packet),
        }
    }

    fn flush(&mut self, pid: u16) {
        let Some((mut adaptation, mut pes)) = self.open.remove(&pid) else {
            return;
        };
        let payload = pes.split_off(9 + usize::from(pes[8]));
        if pid == VIDEO {
            // Its length changes.
            pes[4..6].fill(0);
        }
        let time = shown_at(&pes);
        pes.extend((self.change)(pid, time, payload));
        let (mut rest, mut start) = (&pes[..], 0x40);
        while !rest.is_empty() {
            let mut field = adaptation.take();
            let room = 184 - field.as_ref().map_or(0, |field| field.len() + 1);
            let (body, behind) = rest.split_at(room.min(rest.len()));
            match (room - body.len(), &mut field) {
                (0, _) => {}
                (1, None) => field = Some(Vec::new()),
                (stuffing, None) => {
                    field = Some(vec![0]);
                    field.as_mut().unwrap().resize(stuffing - 1, 0xff);
                }
                (stuffing, Some(field)) => field.resize(field.len() + stuffing, 0xff),
            }
            let counter = self.counters.entry(pid).or_default();
            let [high, low] = pid.to_be_bytes();
            let control = if field.is_some() { 0x30 } else { 0x10 };
            self.made
                .extend([0x47, start | high, low, control | *counter]);
            *counter = (*counter + 1) & 15;
            if let Some(field) = field {
                self.made.push(u8::try_from(field.len()).unwrap());
                self.made.extend(field);
            }
            self.made.extend(body);
            (rest, start) = (behind, 0);
        }
    }
}

/// SAMPLE-AES.
struct Encryption {
    key: ContentKey,
    vector: Iv,
}

impl Encryption {
    /// One chain over these blocks.
    fn chain(&self, data: &mut [u8], places: &[usize]) {
        let blocks: Vec<u8> = places
            .iter()
            .flat_map(|at| data[*at..at + 16].to_vec())
            .collect();
        let secret = encrypt_segment(&self.key, self.vector, blocks[..].into()).unwrap();
        for (at, block) in places.iter().zip(secret.chunks(16)) {
            data[*at..at + 16].copy_from_slice(block);
        }
    }

    fn access_unit(&self, data: &[u8]) -> Vec<u8> {
        let mut made = Vec::new();
        let mut begin = find_start_code(data, 0).unwrap() + 3;
        made.extend(&data[..begin]);
        while begin < data.len() {
            let next = find_start_code(data, begin).unwrap_or(data.len());
            let zeros = data[begin..next].iter().rev();
            let end = next - zeros.take_while(|byte| **byte == 0).count();
            made.extend(self.unit(&data[begin..end]));
            begin = (next + 3).min(data.len());
            made.extend(&data[end..begin]);
        }
        made
    }

    fn unit(&self, unit: &[u8]) -> Vec<u8> {
        if unit.len() <= 48 || !matches!(unit[0] & 31, 1 | 5) {
            return unit.to_vec();
        }
        let blocks = (32..unit.len()).step_by(160);
        let places: Vec<usize> = blocks.filter(|at| unit.len() - at > 16).collect();
        let mut secret = unit.to_vec();
        self.chain(&mut secret, &places);
        let mut escaped = Vec::new();
        for byte in secret {
            if byte <= 3 && escaped.ends_with(&[0, 0]) {
                escaped.push(3);
            }
            escaped.push(byte);
        }
        escaped
    }

    fn frames(&self, mut data: Vec<u8>) -> Vec<u8> {
        let mut begin = 0;
        while begin < data.len() {
            let head: [usize; 7] = std::array::from_fn(|n| data[begin + n].into());
            let len = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5;
            let header = if head[1] & 1 == 1 { 7 } else { 9 };
            let first = begin + header + 16;
            let count = (begin + len).saturating_sub(first) / 16;
            let places: Vec<usize> = (0..count).map(|block| first + block * 16).collect();
            self.chain(&mut data, &places);
            begin += len;
        }
        data
    }
}

/// Flags of random access and clock, and the clock.
fn adaptation(packet: &[u8]) -> Vec<u8> {
    let flags = packet[5] & 0x50;
    let clock = if flags & 0x10 != 0 { 6..12 } else { 6..6 };
    [&[flags][..], &packet[clock]].concat()
}

/// A program map that says that streams are encrypted: by their types.
fn table_of_encrypted(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let len = usize::from(packet[7]);
    let (begin, end) = (5, 8 + len - 4);
    let mut at = 17;
    while at < end {
        packet[at] = match packet[at] {
            0x1b => 0xdb,
            0x0f => 0xcf,
            other => panic!("{other:#x}"),
        };
        at += 5 + usize::from(packet[at + 4]);
    }
    // ISO/IEC 13818-1 annex A.
    let mut crc = u32::MAX;
    for byte in &packet[begin..end] {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            crc = if crc >> 31 == 1 {
                crc << 1 ^ 0x04c1_1db7
            } else {
                crc << 1
            };
        }
    }
    packet[end..end + 4].copy_from_slice(&crc.to_be_bytes());
    packet
}
