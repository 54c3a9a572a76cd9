//! Builds small MP4 files, box by box.

pub(super) fn boxed(kind: &[u8; 4], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut out = ((body.len() + 8) as u32).to_be_bytes().to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(body);
    out
}

/// Version, flags and 32-bit numbers.
pub(super) fn full(kind: &[u8; 4], version_flags: u32, words: &[u32]) -> Vec<u8> {
    boxed(kind, [words_of(&[version_flags]), words_of(words)].concat())
}

pub(super) fn words_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A track: its samples go into one chunk each.
#[derive(Clone)]
pub(super) struct TrackSpec {
    pub(super) id: u32,
    pub(super) handler: &'static [u8; 4],
    pub(super) timescale: u32,
    pub(super) delta: u32,
    pub(super) samples: Vec<Vec<u8>>,
    pub(super) composition: Vec<i32>,
    /// Numbers of key samples from 1; `None` for "all".
    pub(super) keys: Option<Vec<u32>>,
    /// Boxes beside the tables.
    pub(super) more_tables: Vec<u8>,
    /// Boxes beside the runs of a fragment.
    pub(super) more_runs: Vec<u8>,
    /// Duration in the movie's milliseconds and media time.
    pub(super) edits: Vec<(u32, i32)>,
    pub(super) matrix: [i32; 4],
    /// Boxes beside the media.
    pub(super) more_track: Vec<u8>,
    pub(super) entry: Vec<u8>,
}

pub(super) fn video(id: u32, count: usize) -> TrackSpec {
    let mut entry = vec![0; 78];
    entry[24..26].copy_from_slice(&640u16.to_be_bytes());
    entry[26..28].copy_from_slice(&360u16.to_be_bytes());
    TrackSpec {
        id,
        handler: b"vide",
        timescale: 1000,
        delta: 40,
        samples: (0..count)
            .map(|n| vec![(n as u8).wrapping_add(1); 20 + n % 7])
            .collect(),
        composition: Vec::new(),
        keys: Some((0..count as u32).step_by(5).map(|n| n + 1).collect()),
        more_tables: Vec::new(),
        more_runs: Vec::new(),
        edits: Vec::new(),
        matrix: [0x10000, 0, 0, 0x10000],
        more_track: Vec::new(),
        entry: boxed(b"vp09", entry),
    }
}

pub(super) fn audio(id: u32, count: usize) -> TrackSpec {
    let mut entry = vec![0; 28];
    entry[17] = 2;
    entry[19] = 16;
    entry[24..26].copy_from_slice(&48_000u16.to_be_bytes());
    TrackSpec {
        handler: b"soun",
        keys: None,
        samples: (0..count)
            .map(|n| vec![(n as u8).wrapping_add(0x80); 9])
            .collect(),
        entry: boxed(b"Opus", entry),
        ..video(id, 0)
    }
}

impl TrackSpec {
    /// The `trak` box for samples that lie at those offsets.
    pub(super) fn trak(&self, offsets: &[u32]) -> Vec<u8> {
        let [a, b, c, d] = self.matrix.map(i32::cast_unsigned);
        let tkhd = full(
            b"tkhd",
            3,
            &[
                0,
                0,
                self.id,
                0,
                0,
                0,
                0,
                0,
                0,
                a,
                b,
                0,
                c,
                d,
                0,
                0,
                0,
                1 << 30,
                640 << 16,
                360 << 16,
            ],
        );
        let mdhd = full(b"mdhd", 0, &[0, 0, self.timescale, 0, 0x15c7_0000]);
        let handler = u32::from_be_bytes(*self.handler);
        let hdlr = full(b"hdlr", 0, &[0, handler, 0, 0, 0, 0]);
        let minf = boxed(b"minf", boxed(b"stbl", self.stbl(offsets)));
        let mdia = boxed(b"mdia", [mdhd, hdlr, minf].concat());
        let mut elst = vec![self.edits.len() as u32];
        for (duration, media_time) in &self.edits {
            elst.extend([*duration, media_time.cast_unsigned(), 0x1_0000]);
        }
        let edts = match self.edits.is_empty() {
            true => Vec::new(),
            false => boxed(b"edts", full(b"elst", 0, &elst)),
        };
        boxed(
            b"trak",
            [tkhd, edts, self.more_track.clone(), mdia].concat(),
        )
    }

    fn stbl(&self, offsets: &[u32]) -> Vec<u8> {
        let count = self.samples.len() as u32;
        let sizes: Vec<u32> = self.samples.iter().map(|s| s.len() as u32).collect();
        let mut composition = vec![self.composition.len() as u32];
        for offset in &self.composition {
            composition.extend([1, offset.cast_unsigned()]);
        }
        let mut boxes = vec![
            boxed(b"stsd", [words_of(&[0, 1]), self.entry.clone()].concat()),
            full(b"stts", 0, &[1, count, self.delta]),
            full(b"stsz", 0, &[&[0, count][..], &sizes].concat()),
            full(b"stsc", 0, &[1, 1, 1, 1]),
            full(b"stco", 0, &[&[offsets.len() as u32][..], offsets].concat()),
        ];
        if !self.composition.is_empty() {
            boxes.push(full(b"ctts", 0, &composition));
        }
        if let Some(keys) = &self.keys {
            boxes.push(full(b"stss", 0, &[&[keys.len() as u32][..], keys].concat()));
        }
        boxes.push(self.more_tables.clone());
        boxes.concat()
    }
}

pub(super) fn ftyp() -> Vec<u8> {
    boxed(b"ftyp", b"isom\0\0\0\0isom")
}

pub(super) fn mvhd() -> Vec<u8> {
    full(b"mvhd", 0, &[0, 0, 1000, 0])
}

/// `moov` with the offsets of each track's samples, and what else goes into it.
pub(super) fn moov(tracks: &[TrackSpec], offsets: &[Vec<u32>], more: &[u8]) -> Vec<u8> {
    let traks = tracks.iter().zip(offsets).map(|(t, o)| t.trak(o));
    let traks: Vec<u8> = traks.flatten().collect();
    boxed(b"moov", [mvhd(), traks, more.to_vec()].concat())
}

/// Samples of all tracks in order of time, and where each lies from `start` on.
pub(super) fn interleave(tracks: &[TrackSpec], start: u32) -> (Vec<u8>, Vec<Vec<u32>>) {
    let (mut data, mut offsets) = (Vec::new(), vec![Vec::new(); tracks.len()]);
    let longest = tracks.iter().map(|t| t.samples.len()).max().unwrap_or(0);
    for n in 0..longest {
        for (track, offsets) in tracks.iter().zip(&mut offsets) {
            if let Some(sample) = track.samples.get(n) {
                offsets.push(start + data.len() as u32);
                data.extend_from_slice(sample);
            }
        }
    }
    (data, offsets)
}

/// A file with its index in front.
pub(super) fn fast_start(tracks: &[TrackSpec]) -> Vec<u8> {
    with_movie_boxes(tracks, &[])
}

/// The same, with more boxes in its `moov`.
pub(super) fn with_movie_boxes(tracks: &[TrackSpec], more: &[u8]) -> Vec<u8> {
    let (_, offsets) = interleave(tracks, 0);
    let index = ftyp().len() + moov(tracks, &offsets, more).len();
    let (data, offsets) = interleave(tracks, index as u32 + 8);
    [ftyp(), moov(tracks, &offsets, more), boxed(b"mdat", data)].concat()
}

/// A file with its index behind the samples; `head` makes the head of the `mdat` box.
pub(super) fn slow_start(tracks: &[TrackSpec], padding: usize, wide: bool) -> Vec<u8> {
    let head_len = if wide { 16 } else { 8 };
    let start = ftyp().len() + head_len;
    let (mut data, offsets) = interleave(tracks, start as u32);
    data.extend(std::iter::repeat_n(0, padding));
    let mdat = match wide {
        false => boxed(b"mdat", data),
        true => {
            let len = (data.len() + 16) as u64;
            [&words_of(&[1])[..], b"mdat", &len.to_be_bytes(), &data].concat()
        }
    };
    [ftyp(), mdat, moov(tracks, &offsets, &[])].concat()
}

/// An init segment: tracks without samples.
pub(super) fn init(tracks: &[TrackSpec]) -> Vec<u8> {
    let empty: Vec<TrackSpec> = tracks
        .iter()
        .map(|track| TrackSpec {
            samples: Vec::new(),
            keys: None,
            composition: Vec::new(),
            ..track.clone()
        })
        .collect();
    let trex: Vec<u8> = tracks
        .iter()
        .flat_map(|track| full(b"trex", 0, &[track.id, 1, track.delta, 0, 0]))
        .collect();
    let offsets = vec![Vec::new(); empty.len()];
    [ftyp(), moov(&empty, &offsets, &boxed(b"mvex", trex))].concat()
}

/// A fragment with the samples `range` of every track: `moof` and `mdat`.
pub(super) fn fragment(tracks: &[TrackSpec], range: std::ops::Range<usize>) -> Vec<u8> {
    fragment_before_zero(tracks, range, 0)
}

/// The same, so many ticks earlier, wrapped into the 64 bits of the field where that is before zero.
pub(super) fn fragment_before_zero(
    tracks: &[TrackSpec],
    range: std::ops::Range<usize>,
    early: u64,
) -> Vec<u8> {
    let parts: Vec<TrackSpec> = tracks
        .iter()
        .map(|track| TrackSpec {
            samples: track.samples[range.clone()].to_vec(),
            composition: track
                .composition
                .get(range.clone())
                .unwrap_or_default()
                .to_vec(),
            ..track.clone()
        })
        .collect();
    let moof_len = moof(&parts, range.start, early, 0).len();
    let data: Vec<u8> = parts
        .iter()
        .flat_map(|part| part.samples.concat())
        .collect();
    [
        moof(&parts, range.start, early, moof_len as u32 + 8),
        boxed(b"mdat", data),
    ]
    .concat()
}

fn moof(parts: &[TrackSpec], first: usize, early: u64, data: u32) -> Vec<u8> {
    let mut offset = data;
    let mut boxes = full(b"mfhd", 0, &[1]);
    for part in parts {
        let tfhd = full(b"tfhd", 0x2_0000, &[part.id]);
        let start = (first as u64 * u64::from(part.delta)).wrapping_sub(early);
        let tfdt = match early {
            0 => full(b"tfdt", 0, &[start as u32]),
            _ => full(b"tfdt", 0x100_0000, &[(start >> 32) as u32, start as u32]),
        };
        let mut trun = vec![part.samples.len() as u32, offset];
        for (n, sample) in part.samples.iter().enumerate() {
            let number = (first + n) as u32 + 1;
            let key = part.keys.as_ref().is_none_or(|keys| keys.contains(&number));
            trun.extend([sample.len() as u32, if key { 0 } else { 0x1_0000 }]);
            trun.extend(part.composition.get(n).map(|offset| offset.cast_unsigned()));
            offset += sample.len() as u32;
        }
        let composition = if part.composition.is_empty() {
            0
        } else {
            0x800
        };
        let trun = full(b"trun", 0x601 | composition, &trun);
        boxes.extend(boxed(
            b"traf",
            [tfhd, tfdt, trun, part.more_runs.clone()].concat(),
        ));
    }
    boxed(b"moof", boxes)
}
