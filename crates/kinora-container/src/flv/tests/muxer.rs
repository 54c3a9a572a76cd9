//! A small FLV writer, and coded data to put in.

/// Writes tags.
pub(crate) struct Muxer {
    pub(crate) bytes: Vec<u8>,
}

pub(crate) const AUDIO: u8 = 8;
pub(crate) const VIDEO: u8 = 9;
pub(crate) const SCRIPT: u8 = 18;

/// AAC LC, 44.1 kHz, stereo.
pub(crate) const AAC: [u8; 2] = [0x12, 0x10];

impl Muxer {
    /// Begins a file whose header has these flags: 1 pictures, 4 sound.
    pub(crate) fn new(flags: u8) -> Self {
        let mut bytes = b"FLV\x01".to_vec();
        bytes.extend([flags, 0, 0, 0, 9, 0, 0, 0, 0]);
        Self { bytes }
    }

    pub(crate) fn tag(&mut self, kind: u8, timestamp: u32, body: &[u8]) {
        let [_, a, b, c] = (body.len() as u32).to_be_bytes();
        let [extended, t1, t2, t3] = timestamp.to_be_bytes();
        self.bytes
            .extend([kind, a, b, c, t1, t2, t3, extended, 0, 0, 0]);
        self.bytes.extend(body);
        self.bytes.extend((body.len() as u32 + 11).to_be_bytes());
    }

    pub(crate) fn avc_config(&mut self, timestamp: u32, config: &[u8]) {
        self.tag(VIDEO, timestamp, &[&[0x17, 0, 0, 0, 0], config].concat());
    }

    /// A picture, presented so many milliseconds after it is decoded.
    pub(crate) fn picture(&mut self, timestamp: u32, composition: i32, key: bool, data: &[u8]) {
        let [_, a, b, c] = composition.to_be_bytes();
        let first = if key { 0x17 } else { 0x27 };
        self.tag(VIDEO, timestamp, &[&[first, 1, a, b, c], data].concat());
    }

    pub(crate) fn aac_config(&mut self, timestamp: u32) {
        self.tag(AUDIO, timestamp, &[&[0xaf, 0][..], &AAC].concat());
    }

    pub(crate) fn aac(&mut self, timestamp: u32, data: &[u8]) {
        self.tag(AUDIO, timestamp, &[&[0xaf, 1][..], data].concat());
    }

    pub(crate) fn metadata(&mut self, properties: &[Vec<u8>]) {
        let body = [&text("onMetaData")[..], &object(properties)].concat();
        self.tag(SCRIPT, 0, &body);
    }
}

/// `avcC` of a picture of 16 by 16 with a parameter set that differs by its last byte.
pub(crate) fn avcc(last: u8) -> Vec<u8> {
    let sps = [0x67, 0x42, 0xc0, 0x0a, 0xda, 0x79, 0xb2];
    let mut config = vec![1, 0x42, 0xc0, 0x0a, 0xff, 0xe1, 0, sps.len() as u8];
    config.extend(sps);
    config.extend([1, 0, 4, 0x68, 0xce, 0x3c, last]);
    config
}

/// A NAL unit behind its length, told apart by a number.
pub(crate) fn slice(key: bool, number: u32, len: usize) -> Vec<u8> {
    let mut data = ((len + 5) as u32).to_be_bytes().to_vec();
    data.push(if key { 0x65 } else { 0x41 });
    data.extend(number.to_be_bytes());
    data.resize(data.len() + len, number as u8 | 1);
    data
}

/// A value of text (AMF 0, 2.4).
pub(crate) fn text(text: &str) -> Vec<u8> {
    [&[2][..], &key(text)].concat()
}

fn key(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

pub(crate) fn number(value: f64) -> Vec<u8> {
    [&[0][..], &value.to_be_bytes()].concat()
}

pub(crate) fn numbers(values: &[f64]) -> Vec<u8> {
    let mut list = [&[10][..], &(values.len() as u32).to_be_bytes()].concat();
    values.iter().for_each(|value| list.extend(number(*value)));
    list
}

pub(crate) fn property(name: &str, value: &[u8]) -> Vec<u8> {
    [&key(name)[..], value].concat()
}

/// An ECMA array, which says nothing of how many it holds.
pub(crate) fn object(properties: &[Vec<u8>]) -> Vec<u8> {
    [&[8, 0, 0, 0, 0][..], &properties.concat(), &[0, 0, 9]].concat()
}

/// What a film is like.
#[derive(Clone, Copy)]
pub(crate) struct Film {
    pub(crate) seconds: u32,
    pub(crate) begins: u32,
    pub(crate) picture_len: usize,
    pub(crate) index: bool,
    pub(crate) duration: bool,
}

impl Film {
    pub(crate) fn of(seconds: u32) -> Self {
        Self {
            seconds,
            begins: 0,
            picture_len: 300,
            index: false,
            duration: false,
        }
    }

    /// 25 pictures a second, a key frame each second, presented 80 ms after decoding; sound each 40 ms.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut places = vec![0.0; self.seconds as usize];
        loop {
            let (bytes, found) = self.write(&places);
            if found == places {
                return bytes;
            }
            places = found;
        }
    }

    fn write(&self, places: &[f64]) -> (Vec<u8>, Vec<f64>) {
        let mut muxer = Muxer::new(5);
        let mut properties = vec![property("title", &text(" A film "))];
        if self.duration {
            properties.push(property("duration", &number(self.seconds.into())));
        }
        if self.index {
            let second = |second| f64::from(self.begins) / 1000.0 + f64::from(second);
            let times: Vec<f64> = (0..self.seconds).map(second).collect();
            let lists = [
                property("times", &numbers(&times)),
                property("filepositions", &numbers(places)),
            ];
            properties.push(property("keyframes", &object(&lists)));
        }
        muxer.metadata(&properties);
        muxer.avc_config(self.begins, &avcc(0x80));
        muxer.aac_config(self.begins);
        let mut found = Vec::new();
        for frame in 0..self.seconds * 25 {
            let timestamp = self.begins.wrapping_add(frame * 40);
            let key = frame % 25 == 0;
            muxer.aac(timestamp, &[frame as u8; 90]);
            if key {
                found.push(muxer.bytes.len() as f64);
            }
            let len = self.picture_len + frame as usize % 7;
            muxer.picture(timestamp, 80, key, &slice(key, frame, len));
        }
        (muxer.bytes, found)
    }
}
