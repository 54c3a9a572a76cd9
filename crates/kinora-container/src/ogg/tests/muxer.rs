//! A small Ogg writer, and coded sound to put in.

use super::super::page::seal;

/// Writes the pages of one logical stream.
pub(crate) struct Muxer {
    pub(crate) bytes: Vec<u8>,
    serial: u32,
    sequence: u32,
}

pub(crate) const CONTINUED: u8 = 1;
pub(crate) const BEGINS: u8 = 2;
pub(crate) const ENDS: u8 = 4;

impl Muxer {
    pub(crate) fn new(serial: u32) -> Self {
        Self {
            bytes: Vec::new(),
            serial,
            sequence: 0,
        }
    }

    /// A page of whole packets.
    pub(crate) fn page(&mut self, flags: u8, granule: i64, packets: &[Vec<u8>]) {
        let mut lacing = Vec::new();
        for packet in packets {
            lacing.extend(vec![255; packet.len() / 255]);
            lacing.push((packet.len() % 255) as u8);
        }
        self.raw_page(flags, granule, &lacing, &packets.concat());
    }

    pub(crate) fn raw_page(&mut self, flags: u8, granule: i64, lacing: &[u8], body: &[u8]) {
        assert!(lacing.len() < 256, "a page has room for 255 values");
        let mut page = b"OggS\0".to_vec();
        page.push(flags);
        page.extend(granule.to_le_bytes());
        page.extend(self.serial.to_le_bytes());
        page.extend(self.sequence.to_le_bytes());
        page.extend([0; 4]);
        page.push(lacing.len() as u8);
        page.extend(lacing);
        page.extend(body);
        seal(&mut page);
        self.bytes.extend(page);
        self.sequence += 1;
    }

    /// A packet over as many pages as it takes, none of which is full.
    pub(crate) fn spread(&mut self, granule: i64, packet: &[u8]) {
        let parts: Vec<&[u8]> = packet.chunks(255 * 200).collect();
        for (index, part) in parts.iter().enumerate() {
            let last = index + 1 == parts.len();
            let mut lacing = vec![255; part.len() / 255];
            if last {
                lacing.push((part.len() % 255) as u8);
            }
            let flags = if index == 0 { 0 } else { CONTINUED };
            let granule = if last { granule } else { -1 };
            self.raw_page(flags, granule, &lacing, part);
        }
    }

    /// Both headers of an Opus stream.
    pub(crate) fn opus_headers(&mut self, pre_skip: u16, comments: &[&str]) {
        let [low, high] = pre_skip.to_le_bytes();
        let mut head = b"OpusHead\x01\x02".to_vec();
        head.extend([low, high, 0x80, 0xbb, 0, 0, 0, 0, 0]);
        self.page(BEGINS, 0, &[head]);
        let tags = [b"OpusTags".to_vec(), self::comments(comments)].concat();
        self.spread(0, &tags);
    }

    /// Loses a page.
    pub(crate) fn lose(&mut self) {
        self.sequence += 1;
    }
}

/// A list of comments (Vorbis I 5.2.1).
pub(crate) fn comments(comments: &[&str]) -> Vec<u8> {
    let mut list = 4u32.to_le_bytes().to_vec();
    list.extend(b"test");
    list.extend((comments.len() as u32).to_le_bytes());
    for comment in comments {
        list.extend((comment.len() as u32).to_le_bytes());
        list.extend(comment.as_bytes());
    }
    list
}

/// An Opus packet of 20 ms, told apart by a number.
pub(crate) fn opus(number: u32) -> Vec<u8> {
    let mut packet = vec![0xfc];
    packet.extend(number.to_be_bytes());
    packet.resize(40 + number as usize % 50, number as u8);
    packet
}

/// Opus of so many seconds, ten packets a page, 312 samples skipped at the start, the end cut off in the last packet.
pub(crate) fn opus_file(serial: u32, seconds: u32) -> Vec<u8> {
    let mut muxer = Muxer::new(serial);
    muxer.opus_headers(312, &["title=A tone"]);
    let pages = seconds * 5;
    for page in 0..pages {
        let packets: Vec<Vec<u8>> = (0..10).map(|index| opus(page * 10 + index)).collect();
        let last = page + 1 == pages;
        let granule = i64::from(page + 1) * 9600 - if last { 500 } else { 0 };
        muxer.page(if last { ENDS } else { 0 }, granule, &packets);
    }
    muxer.bytes
}
