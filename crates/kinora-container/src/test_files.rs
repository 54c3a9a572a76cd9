//! Files that hold nothing but frames, for tests.

/// ADTS frames of silence: LC, 44.1 kHz, stereo, `len` bytes each.
pub(crate) fn adts(frames: usize, len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..frames {
        out.extend([0xff, 0xf1, 0x50, 0x80 | (len >> 11) as u8]);
        out.extend([(len >> 3) as u8, (len << 5) as u8 | 0x1f, 0xfc]);
        out.resize(out.len() + len - 7, 0x21);
    }
    out
}

/// MPEG-1 layer III frames, 128 kbit/s, 44.1 kHz: 417 bytes each.
pub(crate) fn mp3(frames: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..frames {
        out.extend([0xff, 0xfb, 0x90, 0x64]);
        out.resize(out.len() + 413, 0);
    }
    out
}

/// AC-3 frames, 48 kHz, stereo: 768 bytes each.
pub(crate) fn ac3(frames: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..frames {
        out.extend([0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43, 0xe0]);
        out.resize(out.len() + 760, 0x21);
    }
    out
}

pub(crate) fn id3(payload: usize) -> Vec<u8> {
    let size = [payload >> 21, payload >> 14, payload >> 7, payload].map(|part| part as u8 & 0x7f);
    let mut out = b"ID3\x04\0\0".to_vec();
    out.extend(size);
    out.resize(out.len() + payload, 0);
    out
}
