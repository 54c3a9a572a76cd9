//! Builds small Matroska files, element by element.

use super::super::ebml::Id;
use super::super::id;

/// An element whose size takes eight bytes, so that its length is known beforehand.
pub(super) fn element(id: Id, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let size = (body.len() as u64 | 1 << 56).to_be_bytes();
    [id_bytes(id), size.to_vec(), body.to_vec()].concat()
}

/// One of unknown size.
pub(super) fn endless(id: Id, body: impl AsRef<[u8]>) -> Vec<u8> {
    [id_bytes(id), vec![0xff], body.as_ref().to_vec()].concat()
}

fn id_bytes(id: Id) -> Vec<u8> {
    let bytes = id.0.to_be_bytes();
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

pub(super) fn uint(id: Id, value: u64) -> Vec<u8> {
    element(id, value.to_be_bytes())
}

pub(super) fn float(id: Id, value: f64) -> Vec<u8> {
    element(id, value.to_be_bytes())
}

pub(super) fn text(id: Id, value: &str) -> Vec<u8> {
    element(id, value)
}

pub(super) fn master(id: Id, children: &[Vec<u8>]) -> Vec<u8> {
    element(id, children.concat())
}

pub(super) fn ebml() -> Vec<u8> {
    master(id::EBML, &[uint(id::EBML_READ_VERSION, 1)])
}

/// A track of that number, type and codec, and what else it has.
pub(super) fn track(number: u64, kind: u64, codec: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let entry = [
        uint(id::TRACK_NUMBER, number),
        uint(id::TRACK_TYPE, kind),
        text(id::CODEC_ID, codec),
        more.concat(),
    ];
    master(id::TRACK_ENTRY, &entry)
}

pub(super) fn video(number: u64, more: &[Vec<u8>]) -> Vec<u8> {
    let size = [uint(id::PIXEL_WIDTH, 64), uint(id::PIXEL_HEIGHT, 48)];
    let more = [master(id::VIDEO, &size), more.concat()];
    track(number, 1, "V_VP9", &more)
}

pub(super) fn audio(number: u64, more: &[Vec<u8>]) -> Vec<u8> {
    let sound = [
        float(id::SAMPLING_FREQUENCY, 48_000.0),
        uint(id::CHANNELS, 2),
    ];
    let more = [master(id::AUDIO, &sound), more.concat()];
    track(number, 2, "A_OPUS", &more)
}

pub(super) const KEY: u8 = 0x80;

/// A block's head and what follows it.
pub(super) fn block(track: u8, ticks: i16, flags: u8, data: &[u8]) -> Vec<u8> {
    let [high, low] = ticks.to_be_bytes();
    [&[0x80 | track, high, low, flags], data].concat()
}

pub(super) fn simple(track: u8, ticks: i16, flags: u8, data: &[u8]) -> Vec<u8> {
    element(id::SIMPLE_BLOCK, block(track, ticks, flags, data))
}

pub(super) fn cluster(ticks: u64, blocks: &[Vec<u8>]) -> Vec<u8> {
    master(id::CLUSTER, &[uint(id::TIMESTAMP, ticks), blocks.concat()])
}

pub(super) fn info(duration: Option<f64>) -> Vec<u8> {
    let duration = duration.map(|ticks| float(id::DURATION, ticks));
    let scale = uint(id::TIMESTAMP_SCALE, 1_000_000);
    master(id::INFO, &[scale, duration.unwrap_or_default()])
}

/// A file with one segment.
pub(super) fn file(parts: &[Vec<u8>]) -> Vec<u8> {
    [ebml(), master(id::SEGMENT, parts)].concat()
}

/// A film of pictures every 40 ms, the first of a cluster a key frame, and sound of 20 ms a packet.
#[derive(Clone, Copy)]
pub(super) struct Film {
    pub(super) clusters: u64,
    /// Pictures of a cluster.
    pub(super) pictures: u64,
    /// Bytes of a picture.
    pub(super) size: usize,
    pub(super) cues: bool,
    /// Nothing tells its size or its duration.
    pub(super) endless: bool,
}

impl Default for Film {
    fn default() -> Self {
        Self {
            clusters: 12,
            pictures: 5,
            size: 40,
            cues: true,
            endless: false,
        }
    }
}

impl Film {
    /// As a browser records it, or as it is streamed.
    pub(super) fn live() -> Self {
        Self {
            cues: false,
            endless: true,
            ..Self::default()
        }
    }

    pub(super) fn duration(self) -> u64 {
        self.clusters * self.pictures * 40
    }

    fn cluster(self, number: u64) -> Vec<u8> {
        let blocks = (0..self.pictures).flat_map(|index| {
            let ticks = (index * 40) as i16;
            let flags = if index == 0 { KEY } else { 0 };
            let picture = vec![(number * self.pictures + index) as u8; self.size];
            // Opus of one frame of 20 ms.
            let sound = |ticks: i16| simple(2, ticks, KEY, &[0xfc, number as u8, ticks as u8]);
            [
                simple(1, ticks, flags, &picture),
                sound(ticks),
                sound(ticks + 20),
            ]
        });
        let blocks: Vec<_> = blocks.collect();
        let ticks = number * self.pictures * 40;
        match self.endless {
            false => cluster(ticks, &blocks),
            true => endless(
                id::CLUSTER,
                [uint(id::TIMESTAMP, ticks), blocks.concat()].concat(),
            ),
        }
    }

    fn cue(self, number: u64, position: u64) -> Vec<u8> {
        let found = [
            uint(id::CUE_TRACK, 1),
            uint(id::CUE_CLUSTER_POSITION, position),
        ];
        let time = uint(id::CUE_TIME, number * self.pictures * 40);
        master(
            id::CUE_POINT,
            &[time, master(id::CUE_TRACK_POSITIONS, &found)],
        )
    }

    /// The same with cues that lead `off` bytes beside the clusters.
    pub(super) fn with_cues_off(self, off: u64) -> Vec<u8> {
        let duration = (!self.endless).then(|| self.duration() as f64);
        let headers = [
            info(duration),
            master(id::TRACKS, &[video(1, &[]), audio(2, &[])]),
        ]
        .concat();
        let seek_head = |position| {
            let seek = [
                element(id::SEEK_ID, id::CUES.0.to_be_bytes()),
                uint(id::SEEK_POSITION, position),
            ];
            master(id::SEEK_HEAD, &[master(id::SEEK, &seek)])
        };
        let begin = (seek_head(0).len() + headers.len()) as u64;
        let clusters: Vec<_> = (0..self.clusters).map(|n| self.cluster(n)).collect();
        let mut at = begin;
        let mut points = Vec::new();
        for (number, cluster) in (0..).zip(&clusters) {
            points.push(self.cue(number, at + off));
            at += cluster.len() as u64;
        }
        let parts = match self.cues {
            true => vec![
                seek_head(at),
                headers,
                clusters.concat(),
                master(id::CUES, &points),
            ],
            false => vec![headers, clusters.concat()],
        };
        match self.endless {
            false => file(&parts),
            true => [ebml(), endless(id::SEGMENT, parts.concat())].concat(),
        }
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.with_cues_off(0)
    }
}
