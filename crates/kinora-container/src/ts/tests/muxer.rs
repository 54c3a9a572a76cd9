//! A small transport stream writer, and elementary streams to put in.

/// Writes transport packets.
pub(crate) struct Muxer {
    pub(crate) bytes: Vec<u8>,
    continuity: Vec<u8>,
}

pub(crate) const VIDEO: u16 = 0x100;
pub(crate) const AUDIO: u16 = 0x101;
pub(crate) const DATA: u16 = 0x102;
pub(crate) const PMT: u16 = 0x1000;

impl Muxer {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            continuity: vec![0; 8192],
        }
    }

    /// Tables of one program with these streams: type, PID, descriptors.
    pub(crate) fn with_streams(streams: &[(u8, u16, &[u8])]) -> Self {
        let mut muxer = Self::new();
        muxer.pat(&[(1, PMT)]);
        muxer.pmt(PMT, 1, 0, streams);
        muxer
    }

    pub(crate) fn pat(&mut self, programs: &[(u16, u16)]) {
        let body: Vec<u8> = programs
            .iter()
            .flat_map(|(program, pid)| {
                let [a, b] = program.to_be_bytes();
                let [c, d] = pid.to_be_bytes();
                [a, b, c | 0xe0, d]
            })
            .collect();
        self.section(0, &table(0, 1, 0, &body));
    }

    pub(crate) fn pmt(
        &mut self,
        pid: u16,
        program: u16,
        version: u8,
        streams: &[(u8, u16, &[u8])],
    ) {
        self.section(pid, &program_map(program, version, streams));
    }

    /// The table of services: id, provider, name.
    pub(crate) fn sdt(&mut self, services: &[(u16, &[u8], &[u8])]) {
        let mut body = vec![0, 1, 0xff];
        for (id, provider, name) in services {
            let mut descriptor = vec![1, provider.len() as u8];
            descriptor.extend(*provider);
            descriptor.push(name.len() as u8);
            descriptor.extend(*name);
            body.extend(id.to_be_bytes());
            body.extend([0xfc, 0x80, descriptor.len() as u8 + 2]);
            body.extend([0x48, descriptor.len() as u8]);
            body.extend(descriptor);
        }
        self.section(0x11, &table(0x42, 1, 0, &body));
    }

    /// A section in as many packets as it takes.
    pub(crate) fn section(&mut self, pid: u16, section: &[u8]) {
        let mut payload = vec![0];
        payload.extend(section);
        let packets = payload.len().div_ceil(184);
        payload.resize(packets * 184, 0xff);
        for (index, part) in payload.chunks(184).enumerate() {
            self.packet(pid, index == 0, &[], part);
        }
    }

    /// A PES packet in as many packets as it takes. Times in ticks of 90 kHz.
    pub(crate) fn pes(&mut self, pid: u16, pts: Option<u64>, dts: Option<u64>, payload: &[u8]) {
        let bytes = pes(pid, pts, dts, payload, pid == VIDEO);
        self.unit(pid, &bytes, false);
    }

    /// A payload unit, its first packet marked as a random access point or not.
    pub(crate) fn unit(&mut self, pid: u16, bytes: &[u8], random_access: bool) {
        let mut rest = bytes;
        let mut first = true;
        while !rest.is_empty() {
            let flags: &[u8] = if first && random_access { &[0x40] } else { &[] };
            let room = 184 - if flags.is_empty() { 0 } else { 2 };
            let (part, after) = rest.split_at(rest.len().min(room));
            self.packet(pid, first, flags, part);
            rest = after;
            first = false;
        }
    }

    /// One packet; what the payload leaves free becomes adaptation field stuffing.
    pub(crate) fn packet(&mut self, pid: u16, start: bool, adaptation: &[u8], payload: &[u8]) {
        let [high, low] = pid.to_be_bytes();
        let continuity = self.continuity[usize::from(pid)];
        self.continuity[usize::from(pid)] = (continuity + 1) & 15;
        let free = 184 - payload.len();
        let control = if free > 0 { 0x30 } else { 0x10 };
        let start = if start { 0x40 } else { 0 };
        let mut packet = vec![0x47, high | start, low, control | continuity];
        if free > 0 {
            packet.push((free - 1) as u8);
            if free > 1 {
                let mut field = if adaptation.is_empty() {
                    vec![0]
                } else {
                    adaptation.to_vec()
                };
                field.resize(free - 1, 0xff);
                packet.extend(field);
            }
        }
        packet.extend(payload);
        assert_eq!(packet.len(), 188);
        self.bytes.extend(packet);
    }

    /// A packet with a program clock reference alone, as it is sent between others.
    pub(crate) fn pcr(&mut self, pid: u16, ticks: u64, anew: bool) {
        let [high, low] = pid.to_be_bytes();
        // Without payload the counter stays.
        let continuity = self.continuity[usize::from(pid)].wrapping_sub(1) & 15;
        let mut packet = vec![0x47, high, low, 0x20 | continuity, 183];
        packet.push(if anew { 0x90 } else { 0x10 });
        packet.extend(((ticks >> 1) as u32).to_be_bytes());
        packet.extend([(ticks << 7) as u8 | 0x7e, 0]);
        packet.resize(188, 0xff);
        self.bytes.extend(packet);
    }

    /// Leaves out packets of a PID, as a lossy network does.
    pub(crate) fn lose(&mut self, pid: u16, packets: u8) {
        let counter = &mut self.continuity[usize::from(pid)];
        *counter = (*counter + packets) & 15;
    }
}

pub(crate) fn program_map(program: u16, version: u8, streams: &[(u8, u16, &[u8])]) -> Vec<u8> {
    let mut body = vec![0xe1, 0x00, 0xf0, 0x00];
    for (kind, pid, descriptors) in streams {
        let [high, low] = pid.to_be_bytes();
        body.extend([*kind, high | 0xe0, low, 0xf0, descriptors.len() as u8]);
        body.extend(*descriptors);
    }
    table(2, program, version, &body)
}

/// A section with the long header and its checksum.
pub(crate) fn table(id: u8, extension: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let [ext_high, ext_low] = extension.to_be_bytes();
    let [len_high, len_low] = ((body.len() + 9) as u16).to_be_bytes();
    let mut section = vec![id, 0xb0 | len_high, len_low, ext_high, ext_low];
    section.extend([0xc1 | version << 1, 0, 0]);
    section.extend(body);
    let crc = super::super::section::crc32(&section);
    section.extend(crc.to_be_bytes());
    section
}

pub(crate) fn pes(
    pid: u16,
    pts: Option<u64>,
    dts: Option<u64>,
    payload: &[u8],
    unbounded: bool,
) -> Vec<u8> {
    let stamp = |marker: u8, ticks: u64| {
        [
            marker << 4 | ((ticks >> 29) as u8 & 0x0e) | 1,
            (ticks >> 22) as u8,
            (ticks >> 14) as u8 | 1,
            (ticks >> 7) as u8,
            (ticks << 1) as u8 | 1,
        ]
    };
    let mut fields = Vec::new();
    let flags = match (pts, dts) {
        (Some(pts), Some(dts)) => {
            fields.extend(stamp(3, pts));
            fields.extend(stamp(1, dts));
            0xc0
        }
        (Some(pts), None) => {
            fields.extend(stamp(2, pts));
            0x80
        }
        _ => 0,
    };
    let len = if unbounded {
        0
    } else {
        (payload.len() + fields.len() + 3) as u16
    };
    let id = if pid == VIDEO { 0xe0 } else { 0xc0 };
    let mut bytes = vec![0, 0, 1, id];
    bytes.extend(len.to_be_bytes());
    bytes.extend([0x80, flags, fields.len() as u8]);
    bytes.extend(fields);
    bytes.extend(payload);
    bytes
}

/// 320x180 in 320x192, Main profile, 30 frames: `frame_num` of 4 bits, `pic_order_cnt_lsb` of 6.
pub(crate) const SPS: [u8; 28] = [
    0x67, 0x4d, 0x40, 0x0d, 0xec, 0xa0, 0xa0, 0xcf, 0xcf, 0x80, 0xb5, 0x01, 0x01, 0x01, 0x40, 0x00,
    0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x0f, 0x03, 0xc5, 0x0a, 0x65, 0x80,
];
pub(crate) const AUD: [u8; 6] = [0, 0, 0, 1, 9, 0xf0];

/// The parameter sets as a byte stream.
pub(crate) fn parameter_sets() -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 1];
    bytes.extend(SPS);
    bytes.extend([0, 0, 0, 1, 0x68, 0xce, 0x38, 0x80]);
    bytes
}

/// A slice that begins at a macroblock, of picture number `number`, with `size` bytes behind
/// its header.
pub(crate) fn slice(idr: bool, number: u32, first_mb: u32, size: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let mut put = |value: u32, count: u32| {
        bits.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    };
    let ue = |value: u32| (value + 1, 2 * (value + 1).ilog2() + 1);
    let (value, count) = ue(first_mb);
    put(value, count);
    let (value, count) = ue(if idr { 7 } else { 5 });
    put(value, count);
    put(1, 1); // pps 0
    put(if idr { 0 } else { number & 15 }, 4);
    if idr {
        put(1, 1); // idr_pic_id 0
    }
    put((number * 2) & 63, 6);
    let mut bytes = vec![0, 0, 1, if idr { 0x65 } else { 0x41 }];
    bytes.extend(bits.chunks(8).map(|byte| {
        (0..8).fold(0u8, |n, bit| {
            n << 1 | u8::from(byte.get(bit).copied().unwrap_or(true))
        })
    }));
    bytes.extend(vec![0xa5; size]);
    bytes
}

/// An access unit: delimiter, parameter sets before a key frame, one slice.
pub(crate) fn picture(key: bool, number: u32, size: usize) -> Vec<u8> {
    let mut bytes = AUD.to_vec();
    if key {
        bytes.extend(parameter_sets());
    }
    bytes.extend(slice(key, number, 0, size));
    bytes
}

/// An ADTS frame: AAC LC, 44.1 kHz, stereo.
pub(crate) fn adts(payload: &[u8]) -> Vec<u8> {
    let len = payload.len() + 7;
    let mut frame = vec![
        0xff,
        0xf1,
        0x50,
        0x80 | (len >> 11) as u8,
        (len >> 3) as u8,
        (len << 5) as u8 | 0x1f,
        0xfc,
    ];
    frame.extend(payload);
    frame
}

/// `seconds` of 25 pictures a second, a key frame each second, and sound beside them.
pub(crate) fn film(seconds: u32, first_tick: u64, size: usize) -> Muxer {
    make_film(seconds, first_tick, size, false)
}

/// The same, with a program clock reference before each picture.
pub(crate) fn film_with_pcr(seconds: u32, first_tick: u64) -> Muxer {
    make_film(seconds, first_tick, 200, true)
}

fn make_film(seconds: u32, first_tick: u64, size: usize, pcr: bool) -> Muxer {
    let mut muxer = Muxer::with_streams(&[(0x1b, VIDEO, &[]), (0x0f, AUDIO, &[])]);
    let mut sound = 0u64;
    for number in 0..seconds * 25 {
        let key = number % 25 == 0;
        if key {
            muxer.pat(&[(1, PMT)]);
            muxer.pmt(PMT, 1, 0, &[(0x1b, VIDEO, &[]), (0x0f, AUDIO, &[])]);
        }
        let ticks = u64::from(number) * 3600;
        let wrap = |ticks: u64| (first_tick + ticks) & ((1 << 33) - 1);
        if pcr {
            muxer.pcr(VIDEO, wrap(ticks), false);
        }
        let bytes = picture(key, number % 25, if key { size * 4 } else { size });
        let bytes = pes(
            VIDEO,
            Some(wrap(ticks + 3600)),
            Some(wrap(ticks)),
            &bytes,
            true,
        );
        muxer.unit(VIDEO, &bytes, key);
        while sound * 1024 * 90_000 / 44_100 <= ticks {
            let frames = [adts(&[sound as u8; 60]), adts(&[!sound as u8; 70])].concat();
            let at = wrap(sound * 1024 * 90_000 / 44_100 + 3600);
            muxer.pes(AUDIO, Some(at), None, &frames);
            sound += 2;
        }
    }
    muxer
}
